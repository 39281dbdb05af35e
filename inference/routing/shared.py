"""What the web processes know together, in Redis. Every call is short: a lost Redis must not hold up a customer."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

ANSWER_SECONDS = 0.1


def client() -> "redis.Redis[bytes]":
    """A client whose calls raise ``RedisError`` rather than wait."""
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> "redis.Redis[bytes]":
    return redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
