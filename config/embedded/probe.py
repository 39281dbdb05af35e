"""Do the configured servers, embedded or external, answer and have what we need? One clear line if not."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.locations import ConfigurationError, database_url, parse_database_url, redis_url

NO_VECTOR = (
    "the database {name} lacks the extension pgvector: install it on the server "
    "(Debian: postgresql-NN-pgvector; RDS has it) and run, as its owner, CREATE EXTENSION vector;"
)


def check_database(url: str) -> None:
    """Connect to `url`, create the extension if we may; ConfigurationError says what to do otherwise."""
    entry = parse_database_url(url)
    where = f"{entry['HOST'] or 'localhost'}{':' + entry['PORT'] if entry['PORT'] else ''}/{entry['NAME']}"
    try:
        connection = psycopg2.connect(
            dbname=entry["NAME"], user=entry["USER"] or None, password=entry["PASSWORD"] or None,
            host=entry["HOST"] or None, port=entry["PORT"] or None,
            **{"connect_timeout": 10, **entry["OPTIONS"]},
        )  # fmt: skip
    except psycopg2.Error as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"cannot connect to the database {where}, check DATABASE_URL: {reason}"
        ) from None
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg2.Error:
        raise ConfigurationError(NO_VECTOR.format(name=entry["NAME"])) from None
    finally:
        connection.close()


def check_redis(url: str) -> None:
    """Ping `url`; ConfigurationError says what to do if nobody answers."""
    shown = urlsplit(url)
    where = f"{shown.scheme}://{shown.hostname or ''}{shown.path}"
    try:
        once = Retry(NoBackoff(), 0)
        with redis.Redis.from_url(url, socket_connect_timeout=10, socket_timeout=10, retry=once) as client:
            client.ping()
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL cannot be read: {error}") from None
    except (redis.RedisError, OSError) as error:
        raise ConfigurationError(f"cannot connect to Redis at {where}, check REDIS_URL: {error}") from None


def check_external() -> None:
    """Check at once the servers that are given by URL; embedded ones are not looked at."""
    if database := os.environ.get("DATABASE_URL"):
        check_database(database)
    if broker := os.environ.get("REDIS_URL"):
        check_redis(broker)


def wait_for_servers(home: Path, timeout: float, go_on: Callable[[], bool] = lambda: True) -> None:
    """Block until database and Redis answer; raise the last reason after `timeout` s, or when `go_on` is false."""
    database = os.environ.get("DATABASE_URL") or database_url(home)
    broker = os.environ.get("REDIS_URL") or redis_url(home)
    parse_database_url(database)
    deadline = time.monotonic() + timeout
    while True:
        try:
            check_database(database)
            check_redis(broker)
            return
        except ConfigurationError:
            if time.monotonic() > deadline or not go_on():
                raise
            time.sleep(0.2)
