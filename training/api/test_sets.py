"""Test sets over HTTP: upload one, and see what the versions made of it."""

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsAnnotator, IsLead
from annotation.actions.imports import upload_keep
from training import actions, selectors
from training.models import Evaluation, TestSet

COLUMN = {"required": False, "allow_blank": True, "default": "", "max_length": 200}


class TestSetUpload(serializers.Serializer):
    """A CSV or JSONL file of texts and services, and how to read it; empty means: find out. A service is named by its
    code or its name; "none" or nothing: none of the services."""

    __test__ = False
    file = serializers.FileField(allow_empty_file=True)
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)
    text_column = serializers.CharField(**COLUMN)
    label_column = serializers.CharField(**COLUMN)
    language_column = serializers.CharField(**COLUMN)
    encoding = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    delimiter = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=1, trim_whitespace=False
    )


class RowNotTakenSerializer(serializers.Serializer):
    """Why a row was not taken."""

    line = serializers.IntegerField()
    code = serializers.CharField()
    params = serializers.DictField()


class MeasuredSerializer(serializers.ModelSerializer):
    """What a version reached on it."""

    version = serializers.IntegerField(source="model_version.number")

    class Meta:
        model = Evaluation
        fields = ["id", "version", "n", "accuracy", "macro_f1", "created_at"]
        read_only_fields = fields


class TestSetSerializer(serializers.ModelSerializer):
    """A test set. ``rejected``: rows not taken; ``taught``: rows left out, because tickets like them may teach.

    ``evaluations``: of the versions that have answered it; the newest one, and those at work, do so by themselves.
    """

    __test__ = False
    services = serializers.DictField(child=serializers.IntegerField())
    uploaded_by = serializers.CharField(source="uploaded_by.username", default=None, allow_null=True)
    evaluations = MeasuredSerializer(many=True)

    class Meta:
        model = TestSet
        fields = [
            "id", "name", "fingerprint", "rows", "services", "rejected", "taught", "uploaded_by", "created_at",
            "evaluations",
        ]  # fmt: skip
        read_only_fields = fields


class TestSetDetailSerializer(TestSetSerializer):
    """The same with the first rows that were not taken."""

    __test__ = False
    errors = RowNotTakenSerializer(many=True)

    class Meta(TestSetSerializer.Meta):
        fields = [*TestSetSerializer.Meta.fields, "errors"]
        read_only_fields = fields


class TestSetListSerializer(serializers.Serializer):
    """All of them, newest first."""

    __test__ = False
    results = TestSetSerializer(many=True)


class TestSetsView(APIView):
    """Test sets."""

    __test__ = False
    parser_classes = [MultiPartParser]

    def get_permissions(self) -> list[BasePermission]:
        return [IsAnnotator() if self.request.method in ("GET", "HEAD", "OPTIONS") else IsLead()]

    @extend_schema(operation_id="test_set_list", responses=TestSetListSerializer)
    def get(self, request: Request) -> Response:
        return Response(TestSetListSerializer({"results": selectors.test_sets()}).data)

    @extend_schema(
        operation_id="test_set_upload", request=TestSetUpload, responses={201: TestSetDetailSerializer}
    )
    def post(self, request: Request) -> Response:
        data = TestSetUpload(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        file: UploadedFile = values.pop("file")
        name = values.pop("name") or file.name or ""
        path = upload_keep(file, file.name or "")
        try:
            made = actions.test_set_create(path=path, name=name, by=request.user, **values)
        finally:
            path.unlink(missing_ok=True)
        return Response(TestSetDetailSerializer(made).data, status=201)


class TestSetView(APIView):
    """One test set."""

    __test__ = False

    def get_permissions(self) -> list[BasePermission]:
        return [IsAnnotator() if self.request.method in ("GET", "HEAD", "OPTIONS") else IsLead()]

    @extend_schema(operation_id="test_set_read", responses=TestSetDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        found = selectors.test_sets().filter(pk=pk).first()
        if found is None:
            raise Refused("not_found", "There is no such test set.", status=404)
        return Response(TestSetDetailSerializer(found).data)
