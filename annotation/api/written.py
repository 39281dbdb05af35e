"""Tickets that experts write, over HTTP: side by side with real ones; written, read from a file, removed."""

from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.models import Role
from accounts.permissions import IsReviewer
from annotation import written
from annotation.actions import written as actions
from annotation.actions.imports import upload_keep
from annotation.likeness import COPY
from annotation.models import Annotation, Service, Ticket

EXAMPLES = 12
NEAREST = 3
MOST_LISTED = 200


class WrittenTicketSerializer(serializers.Serializer):
    """One written ticket. ``trains``: whether the next training learns from it, or its service has too many."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField(allow_blank=True)
    written_at = serializers.DateTimeField()
    trains = serializers.BooleanField()
    can_remove = serializers.BooleanField()


class ExampleSerializer(serializers.Serializer):
    """A real ticket of the service."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    language = serializers.CharField(allow_blank=True)


class WrittenListSerializer(serializers.Serializer):
    """A service's written tickets, newest first, at most two hundred of ``total``; and real ones to write like.

    ``real``: its real labels that may train; ``allowed``: how many written ones may train beside them.
    """

    results = WrittenTicketSerializer(many=True)
    total = serializers.IntegerField()
    real = serializers.IntegerField()
    allowed = serializers.IntegerField()
    examples = ExampleSerializer(many=True)


class WriteSerializer(serializers.Serializer):
    """Texts for a service."""

    service_id = serializers.IntegerField()
    texts = serializers.ListField(
        child=serializers.CharField(allow_blank=True), min_length=1, max_length=actions.MOST_AT_ONCE
    )


class WrittenResultSerializer(serializers.Serializer):
    """What became of one text, by its place: ``ticket_id``, or a ``code`` that says why not."""

    place = serializers.IntegerField()
    ticket_id = serializers.IntegerField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    params = serializers.DictField()


class WriteReportSerializer(serializers.Serializer):
    """What became of each text."""

    results = WrittenResultSerializer(many=True)
    written = serializers.IntegerField()


class AskNearestSerializer(serializers.Serializer):
    """A text that is being written."""

    text = serializers.CharField(allow_blank=True, max_length=20_000)


class NearSerializer(serializers.Serializer):
    """A real ticket that shares words with it; of a control only that there is one, so both ids are null then."""

    ticket_id = serializers.IntegerField(allow_null=True)
    service_id = serializers.IntegerField(allow_null=True)
    excerpt = serializers.CharField(allow_blank=True)
    likeness = serializers.FloatField()
    is_copy = serializers.BooleanField()


class NearestListSerializer(serializers.Serializer):
    """The nearest first."""

    results = NearSerializer(many=True)


class FileSerializer(serializers.Serializer):
    """A CSV or JSONL file of texts."""

    file = serializers.FileField(allow_empty_file=True)


class TextsSerializer(serializers.Serializer):
    """The texts that were read; nothing is kept yet."""

    texts = serializers.ListField(child=serializers.CharField())


class WrittenView(APIView):
    """A service's written tickets, and writing more."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="written_list",
        parameters=[OpenApiParameter("service", int, required=True)],
        responses=WrittenListSerializer,
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("service", "")
        service = (
            Service.objects.filter(pk=int(name)).first() if name.isdecimal() and len(name) < 10 else None
        )
        if service is None:
            raise Refused("not_found", "There is no such service.", status=404)
        return Response(WrittenListSerializer(_listed(request, service)).data)

    @extend_schema(operation_id="written_create", request=WriteSerializer, responses=WriteReportSerializer)
    def post(self, request: Request) -> Response:
        data = WriteSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        found = actions.tickets_write(author=request.user, **data.validated_data)
        made = sum(one.ticket_id is not None for one in found)
        return Response(WriteReportSerializer({"results": found, "written": made}).data)


def _listed(request: Request, service: Service) -> dict[str, Any]:
    said = Annotation.objects.filter(mode="import").select_related("annotator").order_by("id")
    own = written.written_tickets().filter(label=service)
    left_out, real = set(written.written_left_out()), written.real_labelled().filter(label=service).count()
    shown = own.prefetch_related(Prefetch("annotations", said, to_attr="said"))[:MOST_LISTED]
    return {
        "results": [_shape(request, ticket, ticket.pk not in left_out) for ticket in shown],
        "total": own.count(),
        "real": real,
        "allowed": written.written_allowed(real),
        "examples": written.examples(service, EXAMPLES),
    }


def _shape(request: Request, ticket: Any, trains: bool) -> dict[str, Any]:
    author = ticket.said[0].annotator if ticket.said else None
    return {
        "id": ticket.pk,
        "text": ticket.text,
        "author": (author.display_name or author.username) if author else "",
        "written_at": ticket.created_at,
        "trains": trains,
        "can_remove": _may_remove(request, author.pk if author else None),
    }


def _may_remove(request: Request, author: int | None) -> bool:
    return request.user.pk == author or request.user.has_role(Role.LEAD)


class NearestView(APIView):
    """Whether a text says what a real ticket says already."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="written_nearest", request=AskNearestSerializer, responses=NearestListSerializer
    )
    def post(self, request: Request) -> Response:
        data = AskNearestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        near = written.RealTickets().nearest(data.validated_data["text"], NEAREST)
        shown = [one for one in near if not one.is_control or one.likeness >= COPY]
        return Response({"results": [NearSerializer(_near(one)).data for one in shown]})


def _near(one: written.Near) -> dict[str, Any]:
    # What a control says is nobody's to know: a written ticket made after it would spoil it as a control.
    hidden = {"ticket_id": None, "service_id": None, "excerpt": ""} if one.is_control else {}
    return {**vars(one), "is_copy": one.likeness >= COPY, **hidden}


class ReadFileView(APIView):
    """Read the texts of a file, to be looked over before they are written."""

    permission_classes = [IsReviewer]
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="written_read", request=FileSerializer, responses=TextsSerializer)
    def post(self, request: Request) -> Response:
        data = FileSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        file = data.validated_data["file"]
        path = upload_keep(file, file.name)
        try:
            return Response({"texts": actions.texts_read(path=path)})
        finally:
            path.unlink(missing_ok=True)


class OneWrittenView(APIView):
    """Remove a written ticket; its author or a lead may."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="written_remove", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        ticket = Ticket.objects.filter(pk=pk).first()
        author = (
            ticket.annotations.order_by("id").values_list("annotator", flat=True).first() if ticket else None
        )
        if ticket is not None and ticket.is_written and not _may_remove(request, author):
            raise Refused(
                "permission_denied", "Only its author or a lead removes a written ticket.", status=403
            )
        actions.written_remove(ticket_id=pk)
        return Response(status=204)
