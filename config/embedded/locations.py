"""Where the embedded servers listen, computed from the data folder alone, and how URLs are read.

Every process arrives at the same addresses without asking anybody, so nothing here may depend on the
environment, the user or on whether a server runs.
"""

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

DATABASE = "aiguilleur"
ROLE = "aiguilleur"
SOCKET_NAME = ".s.PGSQL.5432"


class ConfigurationError(ValueError):
    """A setting of this installation is wrong; the message is one line that says what to do."""


def home_dir() -> Path:
    """The data folder: AIGUILLEUR_HOME, or `var` beside the code."""
    given = os.environ.get("AIGUILLEUR_HOME")
    return Path(given).expanduser().resolve() if given else Path(__file__).resolve().parents[2] / "var"


def socket_dir(home: Path | str) -> Path:
    """The folder of both servers' sockets: short (a socket path holds 107 bytes), mode 0700 once made.

    Always under /tmp and never under XDG_RUNTIME_DIR: a cron job and a login shell must agree.
    """
    digest = hashlib.sha256(str(Path(home).expanduser().resolve()).encode()).hexdigest()[:12]
    return Path("/tmp") / f"aiguilleur-{digest}"


def database_url(home: Path | str, name: str = DATABASE) -> str:
    """URL of the embedded PostgreSQL's database `name`; nothing is started."""
    return f"postgresql://{ROLE}@/{quote(name)}?host={quote(str(socket_dir(home)))}"


def redis_url(home: Path | str, db: int = 0) -> str:
    """URL of the embedded Redis as redis-py reads it (`unix://`); nothing is started."""
    return f"unix://{socket_dir(home)}/redis.sock?db={db}"


def broker_url(url: str) -> str:
    """`url` (any redis-py URL) as Celery wants it: a socket is `redis+socket://…?virtual_host=N` there."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    db = query.pop("db", "0")
    return f"redis+socket://{parts.path}?{urlencode({'virtual_host': db, **query})}"


def parse_database_url(url: str) -> dict[str, Any]:
    """A Django DATABASES entry for `postgresql://user:password@host:port/name?option=value`.

    A socket folder is given as `?host=/folder`. Every other option goes to libpq (sslmode, …).
    Raises ConfigurationError, without the password, for anything else than a PostgreSQL URL.
    """
    try:
        parts = urlsplit(url.strip())
        port, hostname = parts.port, parts.hostname
    except ValueError as error:
        raise ConfigurationError(f"DATABASE_URL cannot be read: {error}. Expected {EXPECTED}") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError(f"DATABASE_URL must start with postgresql://. Expected {EXPECTED}")
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise ConfigurationError(f"DATABASE_URL names no database. Expected {EXPECTED}")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(hostname or "")
    port_text = options.pop("port", None) or (str(port) if port else "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or options.pop("password", "")),
        "HOST": host,
        "PORT": port_text,
        "OPTIONS": options,
    }


EXPECTED = "postgresql://user:password@host:5432/database (a socket folder as ?host=/folder)"
