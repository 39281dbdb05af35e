"""What a keyword rule would do to the tickets that are there, before anybody relies on it. Reads only."""

from dataclasses import dataclass

from annotation.models import Ticket
from inference.models import KeywordRule
from inference.routing.rules import Preview, preview
from inference.routing.standing import rule_of

NEWEST = 5000


@dataclass(frozen=True)
class Tried:
    """One rule over the newest ``tickets``, those before it in their place."""

    tickets: int
    preview: Preview


def rule_try(rule: KeywordRule) -> Tried:
    """Try a saved rule among the active ones, as if it were active too."""
    rows = [one for one in KeywordRule.objects.all() if one.is_active or one.pk == rule.pk]
    tickets = list(Ticket.objects.order_by("-id").values_list("text", "label_id")[:NEWEST])
    found = preview([rule_of(one) for one in rows], tickets)
    return Tried(len(tickets), found[[one.pk for one in rows].index(rule.pk)])
