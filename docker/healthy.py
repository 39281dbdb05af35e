"""Whether the web server of this container answers and reaches its database: exit code 0 or 1. For HEALTHCHECK."""

import os
import sys
import urllib.request


def host() -> str:
    """A name the server answers to: the first of ALLOWED_HOSTS, which may begin with a dot or be a star."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip("*.")
    return first or "localhost"


def main() -> int:
    port = os.environ.get("PORT", "8000")
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host()})
    try:
        with urllib.request.urlopen(asked, timeout=8) as answer:  # noqa: S310
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
