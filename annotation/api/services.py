"""Services over HTTP."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsAnnotator, IsLead
from annotation import actions, selectors
from annotation.api.shapes import ServiceSerializer

ServiceList = inline_serializer("ServiceList", {"results": ServiceSerializer(many=True)})


class ServicesView(APIView):
    """All services, and adding one."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsLead() if self.request.method == "POST" else IsAnnotator()]

    @extend_schema(operation_id="service_list", responses=ServiceList)
    def get(self, request: Request) -> Response:
        return Response({"results": ServiceSerializer(selectors.services_with_counts(), many=True).data})

    @extend_schema(
        operation_id="service_create", request=ServiceSerializer, responses={201: ServiceSerializer}
    )
    def post(self, request: Request) -> Response:
        data = ServiceSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(ServiceSerializer(actions.service_create(**data.validated_data)).data, status=201)


class ServiceView(APIView):
    """Change a service."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="service_update", request=ServiceSerializer, responses=ServiceSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        data = ServiceSerializer(data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        actions.service_update(service_id=pk, **data.validated_data)
        return Response(ServiceSerializer(selectors.services_with_counts().get(pk=pk)).data)
