"""What the environment says, read at the edge: a value of the wrong kind is refused with its name."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_flag(name: str, default: bool = False) -> bool:
    """Read a yes/no environment variable; refuses words that are neither."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name}={value!r}: use 1 or 0.")


def env_int(name: str, default: int) -> int:
    """Read a whole number from the environment."""
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r}: a whole number is needed.") from error


def webhook_url(name: str) -> str:
    """Read an address from the environment; refuses what is neither http nor https."""
    value = os.environ.get(name, "").strip()
    if value and not value.startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"{name}={value!r}: an http:// or https:// address is needed.")
    return value


def secret_file(folder: Path, name: str) -> str:
    """Return this installation's own secret of that name, made at the first start and kept in a 0600 file."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(secrets.token_urlsafe(48))
        try:
            os.link(part, path)  # only the first of several processes wins
        except FileExistsError:
            pass
        part.unlink()
    return path.read_text().strip()
