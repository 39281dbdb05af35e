"""Empties the database after a test that committed: only the tables that hold rows.

Django truncates every table and makes all permissions anew, half a second a test. Content types and permissions are
left as the migrations made them.
"""

from functools import cache

from django.db import connection
from django.test import TransactionTestCase

KEPT = {"django_content_type", "auth_permission", "django_migrations"}
LARGE = 4 * 1024**2
"""Bytes from which truncating is quicker than deleting row by row."""


def use() -> None:
    """Make Django's test cases, and with them pytest-django's, empty the database this way."""
    TransactionTestCase._fixture_teardown = lambda case: empty()


def empty() -> None:
    """Remove every row but those of KEPT, whatever refers to what; sequences go on, as they do with Django's own."""
    with connection.cursor() as cursor:
        cursor.execute(_question())
        filled = cursor.fetchall()
        small = [f'DELETE FROM "{name}"' for name, size in filled if size < LARGE]  # noqa: S608 - Django's names
        large = [f'"{name}"' for name, size in filled if size >= LARGE]
        if large:
            cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
        if small:  # a replica checks no foreign keys
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {'; '.join(small)}; COMMIT")


@cache
def _question() -> str:
    """Which tables hold rows, and how large they are."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"""SELECT '{name}', pg_table_size('"{name}"') WHERE EXISTS (SELECT FROM "{name}")"""  # noqa: S608
        for name in names
        if name not in KEPT
    )
