"""Production under watch, as the pages see it."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inference.api.observation import IntervalSerializer
from inference.models import Watch, WatchState
from ml.watch import Seen, precision_interval


class WatchFoundSerializer(serializers.Serializer):
    """Why a version was not let go on; the page puts it into words."""

    code = serializers.ChoiceField(["precision_below", "unavailable", "slow"])
    params = serializers.DictField()


class WatchSerializer(serializers.ModelSerializer):
    """A watch. ``right`` of ``known`` routed tickets were right; ``interval``: the precision as far as it is known,
    null before the first. ``found`` is null while nothing was. ``back_to``: the version a rollback went back to.
    """

    version = serializers.IntegerField(source="deployment.model_version.number")
    back_to = serializers.IntegerField(source="back_to.number", allow_null=True, default=None)
    state = serializers.ChoiceField(WatchState.choices)
    interval = serializers.SerializerMethodField()
    found = serializers.SerializerMethodField()
    is_held = serializers.SerializerMethodField()

    class Meta:
        model = Watch
        fields = [
            "id", "version", "state", "promised", "fewest", "known", "right", "interval", "found", "back_to", "hold",
            "is_held", "started_at", "looked_at", "ended_at",
        ]  # fmt: skip

    @extend_schema_field(IntervalSerializer(allow_null=True))
    def get_interval(self, watch: Watch) -> Any:
        if not watch.known:
            return None
        return asdict(precision_interval(Seen(watch.right, watch.known), watch.alpha))

    @extend_schema_field(WatchFoundSerializer(allow_null=True))
    def get_found(self, watch: Watch) -> Any:
        return watch.found or None

    def get_is_held(self, watch: Watch) -> bool:
        """Whether what it held back still is."""
        return watch.hold is not None and watch.hold.ended_at is None
