"""People in the Django admin: accounts and roles, API tokens, invitations."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import actions
from accounts.admin_base import AdminBase, Question, ReadOnlyAdmin, say
from accounts.errors import Refused
from accounts.models import ApiToken, Invitation, User

admin.site.unregister(Group)  # roles replace groups


class PersonForm(UserChangeForm):
    """The same rules as the API's, and never a house without an admin."""

    language = forms.ChoiceField(
        choices=[("", say("What the browser asks for", "Celle du navigateur")), *settings.LANGUAGES],
        required=False,
        widget=UnfoldAdminSelectWidget,
        label=say("Language", "Langue"),
    )

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        self._hold("time_zone", lambda: actions.time_zone_check(zone))
        return zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "role" in data and "is_active" in data and self.instance.pk:
            change = {"role": data["role"], "is_active": data["is_active"]}
            self._hold("role", lambda: actions.last_admin_check(user=self.instance, **change))
        return data

    def _hold(self, field: str, call: Any) -> None:
        try:
            call()
        except Refused as error:
            self.add_error(field, ValidationError(error.message))


@admin.register(User)
class UserAdmin(DjangoUserAdmin, AdminBase):
    """The role is the only permission there is; Django's own flags follow it. People are switched off, never
    deleted: what they decided stays theirs."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "display_name", "role", "language", "is_active", "last_login"]
    list_filter = ["role", "is_active", "is_demo"]
    search_fields = ["username", "display_name", "email"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["display_name", "email", "language", "time_zone"]}),
        ("Access", {"fields": ["role", "is_active"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "role", "usable_password", "password1", "password2"]})]
    readonly_fields = ["last_login", "date_joined"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are made by their owners (``POST /api/tokens/``) or for machines by ``manage.py machine_token``."""

    list_display = ["name", "user", "prefix", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), ("user", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["name", "user__username", "prefix"]
    actions_detail = ["revoke"]

    @action(description="Revoke", url_path="revoke")
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        question = Question(
            title=say("Revoke this token?", "Révoquer ce jeton ?"),
            text=say(
                "Whatever uses it is refused from now on. This cannot be taken back.",
                "Ce qui s'en sert sera refusé désormais. C'est définitif.",
            ),
            button=say("Revoke", "Révoquer"),
            done=say("The token is revoked.", "Le jeton est révoqué."),
            call=lambda: actions.token_revoke(user=request.user, token_id=int(object_id)),
        )
        return self.ask(request, object_id, question)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations are made on the People page, where the link is shown once."""

    list_display = ["email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_select_related = ["invited_by"]
    list_filter = [
        "role",
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
    ]
    search_fields = ["email", "invited_by__username"]
    actions_detail = ["withdraw"]

    @action(description="Withdraw", url_path="withdraw")
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        question = Question(
            title=say("Withdraw this invitation?", "Retirer cette invitation ?"),
            text=say("Its link admits nobody any more.", "Son lien n'ouvrira plus aucun compte."),
            button=say("Withdraw", "Retirer"),
            done=say("The invitation is withdrawn.", "L'invitation est retirée."),
            call=lambda: actions.invitation_revoke(invitation_id=int(object_id)),
        )
        return self.ask(request, object_id, question)
