"""Dataset snapshots over HTTP: what is in one, what lies between two, taking one away, training on one again."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsAnnotator, IsLead
from compute.registry import backend
from training import actions, exports, selectors
from training.models import DatasetSnapshot, SnapshotRow

PAGE = 50


class SnapshotSerializer(serializers.ModelSerializer):
    """A dataset snapshot in short; ``services`` counts its rows by service code."""

    services = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = DatasetSnapshot
        fields = ["id", "fingerprint", "rows", "services", "created_at"]
        read_only_fields = fields


class SnapshotUseSerializer(serializers.Serializer):
    """A training that learned from a snapshot, and the version it made."""

    run = serializers.IntegerField()
    state = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)


class SnapshotListedSerializer(SnapshotSerializer):
    """A snapshot in the list, with what learned from it, the newest training first."""

    used_by = serializers.SerializerMethodField()

    class Meta(SnapshotSerializer.Meta):
        fields = [*SnapshotSerializer.Meta.fields, "used_by"]
        read_only_fields = fields

    @extend_schema_field(SnapshotUseSerializer(many=True))
    def get_used_by(self, snapshot: DatasetSnapshot) -> list[dict[str, Any]]:
        return [
            {"run": run.pk, "state": run.state, "version": version.number if version else None}
            for run in snapshot.runs.all()
            for version in [getattr(run, "model_version", None)]
        ]


class SnapshotDetailSerializer(SnapshotListedSerializer):
    """A snapshot on its page: also its rows by where their label came from, and those whose ticket was erased."""

    origins = serializers.SerializerMethodField()
    erased = serializers.SerializerMethodField()

    class Meta(SnapshotListedSerializer.Meta):
        fields = [*SnapshotListedSerializer.Meta.fields, "origins", "erased"]
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_origins(self, snapshot: DatasetSnapshot) -> dict[str, int]:
        return selectors.snapshot_origins(snapshot)

    @extend_schema_field(serializers.IntegerField())
    def get_erased(self, snapshot: DatasetSnapshot) -> int:
        return snapshot.members.filter(ticket=None).count()


class SnapshotListSerializer(serializers.Serializer):
    """Snapshots, newest first."""

    results = SnapshotListedSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SnapshotRowSerializer(serializers.Serializer):
    """One row. ``ticket_id`` null: its ticket was erased. ``is_edited``: the ticket's text is another by now, and the
    excerpt is the present one's.
    """

    ticket_id = serializers.IntegerField(allow_null=True)
    excerpt = serializers.CharField()
    service = serializers.CharField()
    service_before = serializers.CharField(allow_null=True)
    origin = serializers.CharField()
    is_edited = serializers.BooleanField()


class SnapshotRowsSerializer(serializers.Serializer):
    """A page of rows."""

    results = SnapshotRowSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ServiceChangeSerializer(serializers.Serializer):
    """What became of one service's rows."""

    service = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    came = serializers.IntegerField()
    went = serializers.IntegerField()


class FlipSerializer(serializers.Serializer):
    """Rows whose label changed from one service to another."""

    before = serializers.CharField()
    after = serializers.CharField()
    rows = serializers.IntegerField()


class SnapshotComparisonSerializer(serializers.Serializer):
    """What lies between two snapshots: rows by what became of them."""

    before = SnapshotSerializer()
    after = SnapshotSerializer()
    came = serializers.IntegerField()
    went = serializers.IntegerField()
    flipped = serializers.IntegerField()
    edited = serializers.IntegerField()
    same = serializers.IntegerField()
    erased = serializers.IntegerField()
    services = ServiceChangeSerializer(many=True)
    flips = FlipSerializer(many=True)


class RestoredSerializer(serializers.Serializer):
    """``whole``: the file was as it should be; otherwise it was written anew."""

    whole = serializers.BooleanField()
    rows = serializers.IntegerField()
    erased = serializers.IntegerField()


class SnapshotRunSerializer(serializers.Serializer):
    """The training that was started."""

    run = serializers.IntegerField()


def _snapshot(fingerprint: str) -> DatasetSnapshot:
    snapshot = selectors.snapshot_of(fingerprint)
    if snapshot is None:
        raise Refused("not_found", "There is no such snapshot.", status=404)
    return snapshot


def _cursor(request: Request) -> int:
    cursor = request.query_params.get("cursor", "")
    if cursor and not (cursor.isdecimal() and len(cursor) < 19):
        raise Refused("bad_cursor", status=400)
    return int(cursor or 0)


def _shape(row: SnapshotRow) -> dict[str, Any]:
    ticket = row.ticket
    return {
        "ticket_id": row.ticket_id,
        "excerpt": ticket.excerpt if ticket else "",
        "service": row.code,
        "service_before": getattr(row, "code_before", None),
        "origin": row.origin,
        "is_edited": bool(ticket and row.text_hash and ticket.text_hash != row.text_hash),
    }


class SnapshotView(APIView):
    """Everybody may look at snapshots; leads act on them."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsAnnotator() if self.request.method in ("GET", "HEAD", "OPTIONS") else IsLead()]


class SnapshotsView(SnapshotView):
    """All snapshots, and taking one."""

    @extend_schema(
        operation_id="snapshot_list",
        parameters=[OpenApiParameter("cursor", int, description="Snapshots older than this id.")],
        responses=SnapshotListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows, cursor = selectors.snapshots_listed(), _cursor(request)
        if cursor:
            rows = rows.filter(pk__lt=cursor)
        page = list(rows[: PAGE + 1])
        following = str(page[PAGE - 1].pk) if len(page) > PAGE else None
        shown = SnapshotListedSerializer(page[:PAGE], many=True).data
        return Response({"results": shown, "next": following})

    @extend_schema(operation_id="snapshot_take", request=None, responses=SnapshotDetailSerializer)
    def post(self, request: Request) -> Response:
        snapshot = actions.snapshot_take(backend=backend())
        return Response(SnapshotDetailSerializer(snapshot).data)


class OneSnapshotView(SnapshotView):
    """One snapshot."""

    @extend_schema(operation_id="snapshot_read", responses=SnapshotDetailSerializer)
    def get(self, request: Request, fingerprint: str) -> Response:
        return Response(SnapshotDetailSerializer(_snapshot(fingerprint)).data)


class SnapshotRowsView(SnapshotView):
    """What is in a snapshot."""

    @extend_schema(
        operation_id="snapshot_rows",
        parameters=[
            OpenApiParameter("service", str, description="A service's code."),
            OpenApiParameter("origin", str, description="Where the label came from."),
            OpenApiParameter("cursor", int),
        ],
        responses=SnapshotRowsSerializer,
    )
    def get(self, request: Request, fingerprint: str) -> Response:
        asked = {name: request.query_params.get(name, "")[:64] for name in ("service", "origin")}
        page = selectors.snapshot_rows(
            _snapshot(fingerprint), **asked, after=_cursor(request), limit=PAGE + 1
        )
        following = str(page[PAGE - 1].pk) if len(page) > PAGE else None
        return Response({"results": [_shape(row) for row in page[:PAGE]], "next": following})


class SnapshotComparisonView(SnapshotView):
    """What lies between two snapshots."""

    @extend_schema(operation_id="snapshot_compare", responses=SnapshotComparisonSerializer)
    def get(self, request: Request, fingerprint: str, other: str) -> Response:
        before, after = _snapshot(fingerprint), _snapshot(other)
        found = selectors.snapshot_comparison(before, after)
        services = [
            {"service": name, "before": old, "after": new, "came": came, "went": went}
            for name, (old, new, came, went) in found.services.items()
        ]
        flips = [{"before": old, "after": new, "rows": count} for old, new, count in found.flips]
        shape = {**vars(found), "before": before, "after": after, "services": services, "flips": flips}
        return Response(SnapshotComparisonSerializer(shape).data)


class SnapshotChangesView(SnapshotView):
    """The rows of one kind of change."""

    @extend_schema(
        operation_id="snapshot_changes",
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(selectors.CHANGES)),
            OpenApiParameter("cursor", int, description="Behind this ticket."),
        ],
        responses=SnapshotRowsSerializer,
    )
    def get(self, request: Request, fingerprint: str, other: str, kind: str) -> Response:
        if kind not in selectors.CHANGES:
            raise Refused("not_found", "There is no such kind of change.", status=404)
        rows = selectors.snapshot_changes(_snapshot(fingerprint), _snapshot(other), kind)
        page = list(rows.select_related("ticket").filter(ticket_id__gt=_cursor(request))[: PAGE + 1])
        following = str(page[PAGE - 1].ticket_id) if len(page) > PAGE else None
        return Response({"results": [_shape(row) for row in page[:PAGE]], "next": following})


class SnapshotExportView(APIView):
    """A snapshot's rows as a file."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="snapshot_export",
        parameters=[OpenApiParameter("form", str, enum=["jsonl", "csv"])],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, fingerprint: str) -> StreamingHttpResponse:
        snapshot, house = _snapshot(fingerprint), backend()
        actions.snapshot_restore(
            snapshot=snapshot, backend=house
        )  # else a spoilt line would end the file midway
        form = "csv" if request.query_params.get("form") == "csv" else "jsonl"
        write = exports.rows_csv if form == "csv" else exports.rows_jsonl
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
        response = StreamingHttpResponse(write(house.open(snapshot.uri)), content_type=kind)
        name = f"snapshot-{snapshot.fingerprint[:12]}.{form}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class SnapshotRestoreView(APIView):
    """Check a snapshot's file, and mend it."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="snapshot_restore", request=None, responses=RestoredSerializer)
    def post(self, request: Request, fingerprint: str) -> Response:
        found = actions.snapshot_restore(snapshot=_snapshot(fingerprint), backend=backend())
        return Response(RestoredSerializer(found).data)


class SnapshotTrainView(APIView):
    """Train on exactly these rows again."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="snapshot_train", request=None, responses={201: SnapshotRunSerializer})
    def post(self, request: Request, fingerprint: str) -> Response:
        run = actions.snapshot_train(
            snapshot=_snapshot(fingerprint), requested_by=request.user, backend=backend()
        )
        return Response({"run": run.pk}, status=201)
