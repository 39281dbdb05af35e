"""Views: parse, authorise, one call, serialise."""

from django.conf import settings
from django.contrib import auth
from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from accounts import actions, selectors, sessions
from accounts.api import serializers as s
from accounts.errors import Refused
from accounts.models import User
from accounts.permissions import IsAnnotator, IsLead


class SignInThrottle(SimpleRateThrottle):
    """Slow down guessing: 10 tries a minute per user name and address."""

    rate = "10/min"
    scope = "sign_in"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.method != "POST":
            return None
        name = str(request.data.get("username", ""))[:150] if isinstance(request.data, dict) else ""
        return f"sign_in:{self.get_ident(request)}:{name.casefold()}".replace(" ", "_")


def session_body(request: Request) -> dict[str, object]:
    """Who is signed in, on what."""
    user = request.user if isinstance(request.user, User) else None
    return {
        "user": s.UserSerializer(user).data if user else None,
        "installation": {
            "name": settings.INSTALLATION_NAME,
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "demo": settings.DEMO,
            "demo_accounts": selectors.demo_accounts() if settings.DEMO and user is None else [],
            "time_zone": settings.INSTALLATION_TIME_ZONE,
            "needs_setup": user is None and selectors.needs_setup(),
            "password_min_length": settings.PASSWORD_MIN_LENGTH,
            "import_max_bytes": settings.IMPORT_MAX_BYTES,
        },
        "csrf_token": get_token(request._request),
    }


def _signed_in(request: Request, user: User) -> Response:
    auth.login(request._request, user, backend=sessions.BACKEND)
    request.user = user
    return Response(session_body(request))


@method_decorator(csrf_protect, name="dispatch")
class SessionView(APIView):
    """Sign in, sign out, and see who is signed in."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInThrottle]

    @extend_schema(operation_id="session_read", responses=s.SessionSerializer)
    def get(self, request: Request) -> Response:
        return Response(session_body(request))

    @extend_schema(operation_id="session_start", request=s.SignInSerializer, responses=s.SessionSerializer)
    def post(self, request: Request) -> Response:
        data = s.SignInSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = auth.authenticate(request._request, **data.validated_data)
        if not isinstance(user, User):
            raise Refused("bad_credentials", "The user name or the password is wrong.", status=401)
        return _signed_in(request, user)

    @extend_schema(operation_id="session_end", responses={204: OpenApiResponse(description="Signed out.")})
    def delete(self, request: Request) -> Response:
        auth.logout(request._request)
        return Response(status=204)


class MeView(APIView):
    """One's own preferences."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="me_update", request=s.PreferencesSerializer, responses=s.UserSerializer)
    def patch(self, request: Request) -> Response:
        data = s.PreferencesSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(
            s.UserSerializer(actions.user_preferences_set(user=request.user, **data.validated_data)).data
        )


@method_decorator(csrf_protect, name="dispatch")
class SetupView(APIView):
    """Make the first admin of a new installation, and sign them in."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="setup", request=s.NewAccountSerializer, responses=s.SessionSerializer)
    def post(self, request: Request) -> Response:
        data = s.NewAccountSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return _signed_in(request, actions.first_admin_create(**data.validated_data))


class PeopleView(APIView):
    """Everybody with an account."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="people_list", responses=s.PeopleSerializer)
    def get(self, request: Request) -> Response:
        return Response({"results": s.UserSerializer(selectors.people(), many=True).data})


class InvitationsView(APIView):
    """Invite people."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="invitation_list", responses=s.InvitationListSerializer)
    def get(self, request: Request) -> Response:
        return Response({"results": s.InvitationSerializer(selectors.open_invitations(), many=True).data})

    @extend_schema(
        operation_id="invitation_create",
        request=s.InvitationSerializer,
        responses={201: s.InvitationWithLinkSerializer},
    )
    def post(self, request: Request) -> Response:
        data = s.InvitationSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        invitation, secret = actions.invitation_create(invited_by=request.user, **data.validated_data)
        invitation.link = request.build_absolute_uri(f"/invite/{secret}")
        return Response(s.InvitationWithLinkSerializer(invitation).data, status=201)


class InvitationDetailView(APIView):
    """Withdraw an invitation."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="invitation_revoke", responses={204: OpenApiResponse(description="Withdrawn.")}
    )
    def delete(self, request: Request, pk: int) -> Response:
        actions.invitation_revoke(invitation_id=pk)
        return Response(status=204)


class InvitationLinkView(APIView):
    """What an invited person sees."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="invitation_read", responses=s.InvitationViewSerializer)
    def get(self, request: Request, secret: str) -> Response:
        return Response(s.InvitationViewSerializer(selectors.invitation_by_secret(secret)).data)


@method_decorator(csrf_protect, name="dispatch")
class InvitationAcceptView(APIView):
    """Join by an invitation, and be signed in."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="invitation_accept", request=s.NewAccountSerializer, responses=s.SessionSerializer
    )
    def post(self, request: Request, secret: str) -> Response:
        data = s.NewAccountSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return _signed_in(request, actions.invitation_accept(secret=secret, **data.validated_data))


class TokensView(APIView):
    """One's own API tokens."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="token_list", responses=s.TokenListSerializer)
    def get(self, request: Request) -> Response:
        return Response(
            {"results": s.TokenSerializer(request.user.api_tokens.filter(revoked_at=None), many=True).data}
        )

    @extend_schema(
        operation_id="token_create", request=s.TokenSerializer, responses={201: s.TokenWithSecretSerializer}
    )
    def post(self, request: Request) -> Response:
        data = s.TokenSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        token, secret = actions.token_create(user=request.user, **data.validated_data)
        token.secret = secret
        return Response(s.TokenWithSecretSerializer(token).data, status=201)


class TokenDetailView(APIView):
    """Revoke a token."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="token_revoke", responses={204: OpenApiResponse(description="Revoked.")})
    def delete(self, request: Request, pk: int) -> Response:
        actions.token_revoke(user=request.user, token_id=pk)
        return Response(status=204)
