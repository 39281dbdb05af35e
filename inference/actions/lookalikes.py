"""What an insufficient candidate got wrong goes back to Teach, as open tickets that are like it."""

from django.db import connection, transaction

from inference import nudges, selectors
from inference.comparison import pairs
from inference.models import Embedding, Encoder, LookAlike, MirroredTicket, Observation

MOST_FAILURES = 100
NEAREST = 5
MOST = 200
LEAST_SIMILARITY = 0.5

# Iterative scan, so that the filter never leaves fewer than there are; a ticket near two failures keeps the nearer one.
NEAR = """
SELECT t.id, 1 - (e.vector::vector({dim}) <=> %s::vector({dim}))
FROM inference_embedding e JOIN annotation_ticket t ON t.id = e.ticket_id
WHERE e.encoder_id = {encoder} AND t.status = 'open' AND NOT t.is_audit AND t.id <> %s
ORDER BY e.vector::vector({dim}) <=> %s::vector({dim}) LIMIT {nearest}"""


@transaction.atomic
def failures_teach(*, observation: Observation) -> int:
    """Ask Teach first about open tickets near those that the candidate sent to the wrong service; returns how many.

    Replaces what a former observation left. Never an audit ticket: what is asked because of a failure is no random
    control. None before the pool has vectors.
    """
    LookAlike.objects.all().delete()
    encoder = selectors.current_encoder()
    if encoder is None:
        return 0
    found: dict[int, LookAlike] = {}
    for failure, vector in _failures(observation, encoder):
        for ticket_id, similarity in _near(encoder, failure.ticket_id, vector):
            known = found.get(ticket_id)
            if similarity >= LEAST_SIMILARITY and (known is None or known.similarity < similarity):
                found[ticket_id] = LookAlike(ticket_id=ticket_id, like=failure, similarity=similarity)
    chosen = sorted(found.values(), key=lambda one: (-one.similarity, one.ticket_id))[:MOST]
    LookAlike.objects.bulk_create(chosen, ignore_conflicts=True)
    transaction.on_commit(nudges.learner)
    return len(chosen)


def _failures(observation: Observation, encoder: Encoder) -> list[tuple[MirroredTicket, list[float]]]:
    """Tickets that people judged the candidate wrong on, where it routed them; the newest, with their vectors."""
    rows = pairs.compared(observation).filter(
        candidate_is_right=False, candidate_service__isnull=False, judged_at__isnull=False
    )
    newest = list(rows.order_by("-pk")[:MOST_FAILURES])
    held = Embedding.objects.filter(encoder=encoder, ticket__in=[row.ticket_id for row in newest])
    vectors = {row.ticket_id: row.vector for row in held.exclude(vector=None)}
    return [(row, list(map(float, vectors[row.ticket_id]))) for row in newest if row.ticket_id in vectors]


def _near(encoder: Encoder, ticket_id: int, vector: list[float]) -> list[tuple[int, float]]:
    literal = "[" + ",".join(f"{value:.7g}" for value in vector) + "]"
    statement = NEAR.format(dim=int(encoder.dim), encoder=int(encoder.pk), nearest=NEAREST)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.iterative_scan = 'strict_order'")
        cursor.execute(statement, [literal, ticket_id, literal])
        return [(int(pk), float(similarity)) for pk, similarity in cursor.fetchall()]
