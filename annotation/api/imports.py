"""Imports over HTTP: preview, start, report."""

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsLead
from annotation.actions import imports as actions
from annotation.api import shapes
from annotation.ingest import ImportOptions
from annotation.models import ImportRun, LabelUse
from annotation.tasks import import_run


class UploadSerializer(serializers.Serializer):
    """A file and how to read it; empty means: find out."""

    file = serializers.FileField(allow_empty_file=True)
    encoding = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    delimiter = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=1, trim_whitespace=False
    )


class ImportSerializer(UploadSerializer):
    """What the columns mean."""

    text_column = serializers.CharField(max_length=200)
    label_column = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    label_as = serializers.ChoiceField(choices=LabelUse.choices, default=LabelUse.LABELS)
    service_from_labels = serializers.BooleanField(default=False)
    external_id_column = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    received_at_column = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    channel_column = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    language_column = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    all_metadata = serializers.BooleanField(default=False)


Preview = inline_serializer(
    "ImportPreview",
    {
        "format": serializers.CharField(),
        "encoding": serializers.CharField(),
        "delimiter": serializers.CharField(),
        "columns": serializers.ListField(child=serializers.CharField()),
        "guess": serializers.DictField(child=serializers.CharField()),
        "rows": serializers.ListField(child=serializers.DictField()),
        "warnings": shapes.ReasonSerializer(many=True),
    },
)
ImportList = inline_serializer("ImportList", {"results": shapes.ImportReportSerializer(many=True)})


class PreviewView(APIView):
    """See how a file would be read; nothing is kept."""

    permission_classes = [IsLead]
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="import_preview", request=UploadSerializer, responses=Preview)
    def post(self, request: Request) -> Response:
        data = UploadSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        path = actions.upload_keep(values["file"], values["file"].name)
        try:
            return Response(
                actions.import_preview(path, encoding=values["encoding"], delimiter=values["delimiter"])
            )
        finally:
            path.unlink(missing_ok=True)


class ImportsView(APIView):
    """Start an import, and the last ones."""

    permission_classes = [IsLead]
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="import_list", responses=ImportList)
    def get(self, request: Request) -> Response:
        return Response({"results": [shapes.import_shape(run) for run in ImportRun.objects.all()[:20]]})

    @extend_schema(
        operation_id="import_start", request=ImportSerializer, responses={201: shapes.ImportReportSerializer}
    )
    def post(self, request: Request) -> Response:
        data = ImportSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        file: UploadedFile = values.pop("file")
        path = actions.upload_keep(file, file.name or "")
        try:
            run = actions.import_start(
                path=path, filename=file.name or "", options=ImportOptions(**values), started_by=request.user
            )
        except Refused:
            path.unlink(missing_ok=True)
            raise
        import_run.delay_on_commit(run.pk)
        return Response(shapes.import_shape(run), status=201)


class ImportView(APIView):
    """One import's report."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="import_read", responses=shapes.ImportReportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        run = ImportRun.objects.filter(pk=pk).first()
        if run is None:
            raise Refused("not_found", "There is no such import.", status=404)
        return Response(shapes.import_shape(run))
