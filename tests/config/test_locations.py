"""Addresses are computed, never asked for; a wrong URL is one clear line."""

import pytest

from config import embedded


def test_every_spelling_of_a_home_gives_the_same_short_socket_folder(tmp_path):
    home = tmp_path / ("a long folder name " * 8)
    straight = embedded.socket_dir(home)
    assert straight == embedded.socket_dir(f"{home}/../{home.name}/")
    assert len(str(straight / ".s.PGSQL.5432")) < 60
    assert straight != embedded.socket_dir(tmp_path / "another")


def test_the_embedded_database_url_reads_back_as_a_socket_connection(tmp_path):
    entry = embedded.parse_database_url(embedded.database_url(tmp_path))
    assert entry["HOST"] == str(embedded.socket_dir(tmp_path))
    assert (entry["NAME"], entry["PORT"], entry["PASSWORD"]) == ("aiguilleur", "", "")


def test_a_full_database_url_keeps_escaped_characters_and_options():
    entry = embedded.parse_database_url("postgres://us%40er:p%2Fw@db.example:6543/support?sslmode=require")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"]) == ("us@er", "p/w", "db.example")
    assert (entry["PORT"], entry["NAME"], entry["OPTIONS"]) == ("6543", "support", {"sslmode": "require"})


@pytest.mark.parametrize(
    "url", ["", "mysql://u@h/db", "postgresql://u:secret@h/", "postgresql://u:secret@h:port/db", "nonsense"]
)
def test_a_wrong_database_url_is_one_line_without_the_password(url):
    with pytest.raises(embedded.ConfigurationError) as caught:
        embedded.parse_database_url(url)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)
    assert "postgresql://" in str(caught.value)


def test_celery_gets_its_own_spelling_of_a_redis_socket():
    assert (
        embedded.broker_url("unix:///run/x/redis.sock?db=3")
        == "redis+socket:///run/x/redis.sock?virtual_host=3"
    )
    assert embedded.broker_url("redis://queue.example:6379/1") == "redis://queue.example:6379/1"
