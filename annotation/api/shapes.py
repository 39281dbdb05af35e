"""What goes out: plain dictionaries of rows, and the serializers that describe them in the schema."""

from typing import Any

from rest_framework import serializers

from annotation.api.decisions import AnnotationSerializer
from annotation.models import (
    ImportRun,
    LabelSource,
    Lane,
    QueueItem,
    Service,
    Ticket,
    TicketStatus,
)
from ml.policy import band

BANDS = ["sure", "hesitating", "lost"]


class ServiceSerializer(serializers.ModelSerializer):
    """A service, with how many tickets carry its label."""

    label_count = serializers.IntegerField(read_only=True, default=0)
    keywords = serializers.ListField(child=serializers.CharField(max_length=80), required=False)

    class Meta:
        model = Service
        fields = [
            "id", "code", "name", "name_fr", "description", "guideline", "keywords", "key", "color", "position",
            "is_active", "label_count",
        ]  # fmt: skip
        read_only_fields = ["id", "code"]
        extra_kwargs = {"key": {"validators": []}}


class CandidateSerializer(serializers.Serializer):
    """A service with its probability."""

    service_id = serializers.IntegerField()
    probability = serializers.FloatField()


class SuggestionSerializer(CandidateSerializer):
    """A prediction, with its word."""

    band = serializers.ChoiceField(choices=BANDS)


class LeaseSerializer(serializers.Serializer):
    """A lease."""

    token = serializers.UUIDField()
    expires_at = serializers.DateTimeField()


class QueueTicketSerializer(serializers.Serializer):
    """The ticket of a queue item."""

    id = serializers.IntegerField()
    external_id = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    channel = serializers.CharField()
    language = serializers.CharField()
    received_at = serializers.DateTimeField(allow_null=True)
    metadata = serializers.DictField()
    similar_count = serializers.IntegerField()


class ReasonSerializer(serializers.Serializer):
    """A code with its parameters; the page makes a sentence of it."""

    code = serializers.CharField()
    params = serializers.DictField()


class ScoresSerializer(serializers.Serializer):
    """Both scores, in [0, 1]."""

    uncertainty = serializers.FloatField(allow_null=True)
    outlier = serializers.FloatField(allow_null=True)


class ItemSerializer(serializers.Serializer):
    """A leased queue item. A random control carries no suggestion, candidates or scores."""

    ticket = QueueTicketSerializer()
    mode = serializers.ChoiceField(choices=["teach", "check"])
    lease = LeaseSerializer()
    round = serializers.IntegerField()
    control = serializers.BooleanField()
    why = ReasonSerializer()
    candidates = CandidateSerializer(many=True)
    suggestion = SuggestionSerializer(allow_null=True)
    scores = ScoresSerializer(allow_null=True)


def probability_band(first: float | None, second: float | None) -> str:
    """The word for a probability."""
    best = min(1.0, max(0.0, first or 0.0))
    return band(best, min(best, max(0.0, second or 0.0)))


def suggestion(service_id: int | None, first: float | None, second: float | None) -> dict[str, Any] | None:
    """A prediction as the pages show it."""
    if service_id is None or first is None:
        return None
    return {"service_id": service_id, "probability": first, "band": probability_band(first, second)}


_WHY = {
    Lane.START: "typical",
    Lane.NOVELTY: "unlike_anything",
    Lane.SCARCE: "scarce_service",
    Lane.AUDIT: "random_control",
    Lane.CONFIRM: "near_threshold",
    Lane.WEAK: "imported_label",
    Lane.SUSPECT: "suspicious_label",
    Lane.SPOT: "spot_check",
    Lane.OUTCOME: "moved_by_desk",
    Lane.FAILURE: "like_a_failure",
}


def why(item: QueueItem) -> dict[str, Any]:
    """Why this ticket, as a code the page translates."""
    if item.lane == Lane.EXPLOIT:
        pair = [pk for pk in (item.suggested_service_id, item.second_service_id) if pk is not None]
        if len(pair) == 2:
            return {"code": "hesitates", "params": {"service_ids": pair}}
        return {"code": "typical", "params": {}}
    if item.lane == Lane.LIVE:
        pair = [pk for pk in (item.suggested_service_id, item.second_service_id) if pk is not None]
        since = item.waiting_since and item.waiting_since.isoformat()
        params = {"since": since, "reason": item.asked_because, "service_ids": pair}
        return {"code": "customer_waiting", "params": params}
    code = _WHY[Lane(item.lane)]
    named = item.lane in (Lane.CONFIRM, Lane.SPOT, Lane.OUTCOME)
    params = {"service_id": item.suggested_service_id} if named else {}
    if item.lane in (Lane.WEAK, Lane.SUSPECT):
        params = {"service_id": item.ticket.label_id}
    return {"code": code, "params": params}


def item_shape(item: QueueItem, similar_count: int) -> dict[str, Any]:
    """A leased item as the desk shows it; nothing that could anchor a person on a random control."""
    ticket, control = item.ticket, item.lane == Lane.AUDIT
    return {
        "ticket": {
            "id": ticket.pk,
            "external_id": ticket.external_id,
            "text": ticket.text,
            "channel": ticket.channel,
            "language": ticket.language,
            "received_at": ticket.received_at,
            "metadata": ticket.metadata,
            "similar_count": similar_count,
        },
        "mode": item.mode,
        "lease": {"token": item.lease, "expires_at": item.leased_until},
        "round": ticket.round,
        "control": control,
        "why": why(item),
        "candidates": [] if control else [{"service_id": pk, "probability": p} for pk, p in item.candidates],
        "suggestion": None
        if control or item.lane == Lane.OUTCOME
        else suggestion(item.suggested_service_id, item.suggested_probability, item.second_probability),
        "scores": None if control else {"uncertainty": item.uncertainty, "outlier": item.outlier},
    }


class LabelSerializer(serializers.Serializer):
    """A ticket's label and where it is from."""

    service_id = serializers.IntegerField()
    source = serializers.ChoiceField(choices=LabelSource.choices)


class TicketRowSerializer(serializers.Serializer):
    """A ticket in the table. ``is_audit`` is null for those who may not know."""

    id = serializers.IntegerField()
    external_id = serializers.CharField(allow_null=True)
    excerpt = serializers.CharField()
    channel = serializers.CharField()
    language = serializers.CharField()
    received_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(choices=TicketStatus.choices)
    label = LabelSerializer(allow_null=True)
    prediction = SuggestionSerializer(allow_null=True)
    uncertainty = serializers.FloatField(allow_null=True)
    outlier = serializers.FloatField(allow_null=True)
    group_size = serializers.IntegerField()
    is_audit = serializers.BooleanField(allow_null=True)


class SimilarSerializer(serializers.Serializer):
    """A ticket of the same near-duplicate group."""

    id = serializers.IntegerField()
    excerpt = serializers.CharField()
    status = serializers.ChoiceField(choices=TicketStatus.choices)


class TicketDetailSerializer(TicketRowSerializer):
    """A ticket on its page."""

    text = serializers.CharField()
    metadata = serializers.DictField()
    round = serializers.IntegerField()
    labelled_at = serializers.DateTimeField(allow_null=True)
    candidates = CandidateSerializer(many=True)
    history = AnnotationSerializer(many=True)
    similar = SimilarSerializer(many=True)
    masked = serializers.DictField(child=serializers.IntegerField())


def similar_shape(ticket: Ticket) -> dict[str, Any]:
    """A look-alike in short."""
    return {"id": ticket.pk, "excerpt": ticket.excerpt, "status": ticket.status}


class ImportErrorSerializer(serializers.Serializer):
    """Why a row was not taken."""

    line = serializers.IntegerField()
    code = serializers.CharField()
    params = serializers.DictField()


class ImportReportSerializer(serializers.Serializer):
    """What became of an import."""

    id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=["waiting", "running", "done", "failed"])
    filename = serializers.CharField()
    rows_read = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    masked = serializers.DictField(child=serializers.IntegerField())
    errors = ImportErrorSerializer(many=True)
    services_created = serializers.ListField(child=serializers.CharField())
    failure = ReasonSerializer(allow_null=True)
    progress = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField()
    created_at = serializers.DateTimeField(allow_null=True)


REPORT_FIELDS = (
    "rows_read", "created", "updated", "unchanged", "duplicates", "rejected", "masked", "errors", "services_created",
)  # fmt: skip


def import_shape(run: ImportRun) -> dict[str, Any]:
    """An import as its page shows it."""
    end = run.ended_at or run.heartbeat_at or run.created_at
    return {
        "id": run.pk,
        "state": run.state,
        "filename": run.filename,
        **{name: getattr(run, name) for name in REPORT_FIELDS},
        "failure": run.failure or None,
        "progress": run.progress,
        "seconds": round((end - run.created_at).total_seconds(), 1),
        "created_at": run.created_at,
    }
