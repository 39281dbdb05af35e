"""Dataset snapshots in short."""

from rest_framework import serializers

from training.models import DatasetSnapshot


class SnapshotSerializer(serializers.ModelSerializer):
    """A dataset snapshot in short; ``services`` counts its rows by service code."""

    services = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = DatasetSnapshot
        fields = ["id", "fingerprint", "rows", "services", "created_at"]
        read_only_fields = fields
