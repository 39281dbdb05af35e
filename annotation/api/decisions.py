"""What people decided, and how they are getting on, as the pages show it."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from annotation import progress
from annotation.models import Annotation, Mode
from annotation.progress import Recent


class AnnotationSerializer(serializers.Serializer):
    """One decision."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=["label", "none", "two", "skip", "flag", "undo"])
    mode = serializers.ChoiceField(choices=Mode.choices)
    ticket_id = serializers.IntegerField()
    excerpt = serializers.CharField()
    service_id = serializers.IntegerField(allow_null=True)
    second_service_id = serializers.IntegerField(allow_null=True)
    annotator = serializers.CharField(allow_null=True)
    note = serializers.CharField()
    round = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    propagated = serializers.IntegerField()
    undone = serializers.BooleanField()
    copied_from = serializers.IntegerField(
        allow_null=True, help_text="The ticket of the same text that was answered."
    )


class LeftSerializer(serializers.Serializer):
    """Items that wait, by mode."""

    teach = serializers.IntegerField()
    check = serializers.IntegerField()


class AttentionSerializer(serializers.Serializer):
    """Tickets that wait for a lead's eye."""

    flagged = serializers.IntegerField()
    set_aside = serializers.IntegerField()


class ProgressSerializer(serializers.Serializer):
    """How one is getting on and what is left."""

    today = serializers.IntegerField()
    total = serializers.IntegerField()
    seconds_per_ticket = serializers.FloatField(allow_null=True)
    left = LeftSerializer()
    recent = AnnotationSerializer(many=True)
    attention = AttentionSerializer()


def annotation_shape(row: Annotation) -> dict[str, Any]:
    """A decision as lists show it."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "mode": row.mode,
        "ticket_id": row.ticket_id,
        "excerpt": row.ticket.excerpt,
        "service_id": row.service_id,
        "second_service_id": row.second_service_id,
        "annotator": str(row.annotator) if row.annotator else None,
        "note": row.note,
        "round": row.round,
        "created_at": row.created_at,
        "propagated": getattr(row, "propagated", None) or 0,
        "undone": hasattr(row, "undone_by"),
        "copied_from": row.source_annotation.ticket_id if row.source_annotation else None,
    }


def recent_shape(one: Recent, annotator: User) -> dict[str, Any]:
    """One's own decision, as ``annotation_shape`` shows it."""
    return {
        "id": one.pk,
        **{name: getattr(one, name) for name in ("kind", "mode", "ticket_id", "excerpt")},
        **{name: getattr(one, name) for name in ("service_id", "second_service_id")},
        "annotator": str(annotator),
        **{name: getattr(one, name) for name in ("note", "round", "created_at", "propagated")},
        "undone": False,
        "copied_from": None,
    }


def progress_shape(user: User) -> dict[str, Any]:
    """How this person is getting on and what is left."""
    found = progress.progress(user)
    return {
        "today": found.pace.today,
        "total": found.pace.total,
        "seconds_per_ticket": found.pace.seconds_per_ticket,
        "left": found.left,
        "recent": [recent_shape(one, user) for one in progress.recent_decisions(user)],
        "attention": found.attention,
    }
