"""The one place where the learner hands its ranking to annotation."""

from collections.abc import Iterator, Mapping
from itertools import chain

from annotation import actions as annotation
from annotation.actions import NewItem, NewScore
from annotation.models import Lane, Mode
from inference.learner.composing import Item
from inference.learner.ordering import Order
from inference.learner.pool import Ints
from ml.learner import Scores


def queue(order: Order) -> None:
    """Replace what nobody holds in both modes; list order is the served order."""
    items = chain(_items(order.teach, Mode.TEACH), _items(order.check, Mode.CHECK))
    annotation.queue_replace(items=items, generation=order.generation)


def _items(items: list[Item], mode: str) -> Iterator[NewItem]:
    """Audit items carry neither suggestion nor candidates: seeing one would anchor the person."""
    for position, item in enumerate(items):
        offered = [] if item.lane == Lane.AUDIT else item.candidates
        first, second = ([*offered, (None, None), (None, None)])[:2]
        yield NewItem(
            ticket_id=item.ticket_id,
            mode=mode,
            position=float(position),
            lane=item.lane,
            uncertainty=item.uncertainty,
            outlier=item.outlier,
            sampling_probability=item.sampling_probability,
            suggested_service_id=first[0],
            suggested_probability=first[1],
            second_service_id=second[0],
            second_probability=second[1],
            candidates=offered,
        )


def scores(
    found: Scores,
    ticket_ids: Ints,
    *,
    services: Mapping[str, int],
    labels_used: int,
    newest_annotation: int,
    encoder: str,
    seconds: float,
) -> int:
    """Replace the score table of the whole pool; returns the generation's number."""
    generation = annotation.scores_replace(
        rows=_scores(found, ticket_ids, services),
        labels_used=labels_used,
        last_annotation_id=newest_annotation,
        encoder=encoder,
        seconds=seconds,
    )
    return int(generation.pk)


def _scores(found: Scores, ticket_ids: Ints, services: Mapping[str, int]) -> Iterator[NewScore]:
    """A service switched off since the refit is left blank. Plain lists: numpy's numbers are slow one by one."""
    known = [services.get(code) for code in found.classes] + [None]  # [-1]: no such service
    columns = zip(
        ticket_ids.tolist(),
        found.uncertainty.tolist(),
        found.outlier.tolist(),
        found.top1.tolist(),
        found.p1.tolist(),
        found.top2.tolist(),
        found.p2.tolist(),
        strict=True,
    )
    for ticket_id, uncertainty, outlier, top1, p1, top2, p2 in columns:
        first, second = known[top1], known[top2]
        yield NewScore(
            ticket_id,
            uncertainty,
            outlier,
            first,
            None if first is None else p1,
            second,
            None if second is None else p2,
        )
