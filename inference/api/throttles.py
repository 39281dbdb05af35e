"""How many tickets a machine may send a second."""

import time
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from inference.routing.shared import client

WINDOW_SECONDS = 10


class TicketThrottle(BaseThrottle):
    """ROUTE_RATE tickets a second for each account, counted over ten seconds so that bursts pass.

    ``tickets_of(request)`` of the view says how many a call brings. Without Redis nobody is slowed down: the routing
    itself then sends everything to people.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        window = int(time.time()) // WINDOW_SECONDS
        key = f"route:rate:{request.user.pk}:{window}"
        try:
            told = client().pipeline()
            told.incrby(key, view.tickets_of(request))
            told.expire(key, 2 * WINDOW_SECONDS)
            sent = told.execute()[0]
        except RedisError:
            return True
        return bool(sent <= settings.ROUTE_RATE * WINDOW_SECONDS)

    def wait(self) -> float:
        """Seconds until the next window."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS
