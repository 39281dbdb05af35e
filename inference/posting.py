"""One signed POST to an address the installation was started with: no redirect is followed, no proxy is asked."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from typing import Any

SECONDS = 10.0
WAITS = [10, 30, 120, 600, 1800, 3600, 4 * 3600, 12 * 3600]
"""Seconds before the next try; after the last one it is given up: about 18 hours."""
MOST_BYTES = 64 * 1024


def due_again(attempts: int, now: datetime) -> datetime:
    """When the next try is due, should the one that begins now, after so many others, come to nothing."""
    return now + timedelta(seconds=WAITS[min(attempts, len(WAITS) - 1)])


def is_given_up(attempts: int) -> bool:
    """Whether so many tries were all there are."""
    return attempts >= len(WAITS)


def signature(body: bytes, moment: int, secret: str) -> str:
    """``t=<unix time>,v1=<hex HMAC-SHA256 of "time.body">``: the time is signed, so that an old one can be refused."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None  # a redirect is an answer like any other: not taken


def post(url: str, secret: str, payload: dict[str, Any], delivery: str) -> str:
    """Send JSON; returns how it ended: the status ("204"), or what went wrong. ``delivery`` tells repeats apart."""
    body = json.dumps(payload).encode()
    request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Aiguilleur-Signature": signature(body, int(time.time()), secret),
            "X-Aiguilleur-Delivery": delivery,
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            answer.read(MOST_BYTES)
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return f"not reached: {error}"
