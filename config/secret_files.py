"""Secrets from files, as containers are given them: ``SECRET_KEY_FILE=/run/secrets/secret_key`` for ``SECRET_KEY``.

Read once, when the package ``config`` is first imported, so that whatever looks at the environment afterwards finds the
value under its own name. A variable's value is seen by whoever may inspect a container; a file's is not.
"""

from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

NAMES = ("SECRET_KEY", "AUDIT_SALT", "DATABASE_URL", "DATABASE_PASSWORD", "REDIS_URL", "EMAIL_HOST_PASSWORD")


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """Replace each ``<NAME>_FILE`` by ``<NAME>``, and put ``DATABASE_PASSWORD`` into a ``DATABASE_URL`` that has none.

    ImproperlyConfigured, in one sentence without the secret, when a file is not there, not readable or empty, or when
    a value is given twice.
    """
    for name in NAMES:
        if path := environment.pop(f"{name}_FILE", ""):
            if environment.get(name):
                raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
            environment[name] = _content(name, Path(path))
    if password := environment.pop("DATABASE_PASSWORD", ""):
        environment["DATABASE_URL"] = _with_password(environment.get("DATABASE_URL", ""), password)


def _content(name: str, path: Path) -> str:
    """The file's text without the line end that editors add."""
    try:
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {reason}.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE={path} is empty: write the secret into it.")
    return value


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or not parts.username:
        raise ImproperlyConfigured(
            "DATABASE_PASSWORD needs a DATABASE_URL with user and host: postgresql://user@host/name."
        )
    if parts.password:
        raise ImproperlyConfigured(
            "DATABASE_URL and DATABASE_PASSWORD both hold a password: keep one of them."
        )
    user, _, host = parts.netloc.partition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()
