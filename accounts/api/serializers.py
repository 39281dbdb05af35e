"""What goes in and out; docstrings become the API's documentation."""

from rest_framework import serializers

from accounts.models import ApiToken, Invitation, Role, User


class UserSerializer(serializers.ModelSerializer):
    """A person."""

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "display_name",
            "role",
            "language",
            "time_zone",
            "is_active",
            "last_login",
        ]
        read_only_fields = fields


class DemoAccountSerializer(serializers.Serializer):
    """A one-click account of a demo."""

    username = serializers.CharField()
    password = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


class InstallationSerializer(serializers.Serializer):
    """This installation."""

    name = serializers.CharField()
    version = serializers.CharField()
    demo = serializers.BooleanField()
    demo_accounts = DemoAccountSerializer(many=True)
    time_zone = serializers.CharField()
    needs_setup = serializers.BooleanField()
    password_min_length = serializers.IntegerField(help_text="Characters a new password needs.")
    import_max_bytes = serializers.IntegerField(help_text="The largest file an import takes.")


class SessionSerializer(serializers.Serializer):
    """Who is signed in, and the CSRF token for the next write."""

    user = UserSerializer(allow_null=True)
    installation = InstallationSerializer()
    csrf_token = serializers.CharField()


class SignInSerializer(serializers.Serializer):
    """User name and password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class PreferencesSerializer(serializers.Serializer):
    """What a person may change about themselves."""

    language = serializers.ChoiceField(choices=["", "en", "fr"], required=False)
    time_zone = serializers.CharField(max_length=64, required=False, allow_blank=True)
    display_name = serializers.CharField(max_length=80, required=False, allow_blank=True)


class NewAccountSerializer(serializers.Serializer):
    """A new account: the first admin's, or an invited person's."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    display_name = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    language = serializers.ChoiceField(choices=["", "en", "fr"], required=False, default="")


class InvitationSerializer(serializers.ModelSerializer):
    """An open invitation; the link is shown only when it is made."""

    invited_by = serializers.CharField(source="invited_by.username", read_only=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "invited_by", "created_at", "expires_at"]
        read_only_fields = ["id", "invited_by", "created_at", "expires_at"]


class InvitationWithLinkSerializer(InvitationSerializer):
    """A fresh invitation with its link."""

    link = serializers.CharField(read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link"]


class InvitationViewSerializer(serializers.ModelSerializer):
    """What an invited person sees before joining."""

    invited_by = serializers.CharField(read_only=True, help_text="The name of who invites.")

    class Meta:
        model = Invitation
        fields = ["email", "role", "invited_by", "expires_at"]
        read_only_fields = fields


class TokenSerializer(serializers.ModelSerializer):
    """An API token, without its secret."""

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "created_at", "last_used_at"]
        read_only_fields = ["id", "prefix", "created_at", "last_used_at"]


class TokenWithSecretSerializer(TokenSerializer):
    """A fresh API token with its secret, shown once."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class InvitationListSerializer(serializers.Serializer):
    """Open invitations."""

    results = InvitationSerializer(many=True)


class PeopleSerializer(serializers.Serializer):
    """Everybody."""

    results = UserSerializer(many=True)


class TokenListSerializer(serializers.Serializer):
    """One's own live tokens."""

    results = TokenSerializer(many=True)
