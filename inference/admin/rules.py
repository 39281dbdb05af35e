"""What leads the routing: the baseline, keyword rules with what they would do, holds."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display

from accounts.admin_base import AdminBase, Question, ReadOnlyAdmin, WordsField, say
from inference import actions
from inference.models import KeywordRule, RoutingHold, RoutingSettings
from inference.routing import trying


class RuleForm(forms.ModelForm):
    """A rule with its words one a line."""

    words = WordsField(help_text=say("One word or phrase a line.", "Un mot ou une expression par ligne."))
    unless = WordsField(
        required=False, help_text=say("Not if one of these is there.", "Sauf si l'un d'eux est présent.")
    )

    class Meta:
        model = KeywordRule
        fields = ["position", "service", "words", "unless", "is_active"]


@admin.register(KeywordRule)
class KeywordRuleAdmin(AdminBase):
    """The first rule that hits decides; what each would do to the newest tickets stands on its page."""

    form = RuleForm
    list_display = ["__str__", "position", "service", "is_active", "updated_at"]
    list_select_related = ["service"]
    list_filter = ["is_active", ("service", AutocompleteSelectFilter)]
    list_filter_submit = True
    autocomplete_fields = ["service"]
    list_editable = ["position", "is_active"]
    search_fields = ["words", "service__name"]
    readonly_fields = ["would_do"]

    @display(description=say("On the newest tickets", "Sur les derniers tickets"))
    def would_do(self, rule: KeywordRule) -> str:
        if rule.pk is None:
            return str(say("Shown once it is saved.", "Affiché une fois enregistrée."))
        tried = trying.rule_try(rule)
        found = tried.preview
        english = (
            f"Of {tried.tickets:,} tickets it hits {found.hits:,}, decides {found.decides:,} as the first; "
        )
        english += f"{found.right:,} of the {found.labelled:,} labelled ones among those carry its service."
        french = f"Sur {tried.tickets} tickets, elle en touche {found.hits} et en décide {found.decides} la première ; "
        french += f"parmi eux, {found.right} des {found.labelled} étiquetés portent son service."
        return str(say(english, french))


@admin.register(RoutingSettings)
class RoutingSettingsAdmin(AdminBase):
    """The one row: what routes today, and is compared with."""

    fields = ["baseline"]
    list_display = ["__str__"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingSettings]:
        RoutingSettings.objects.get_or_create(pk=1)  # the row is made the first time anybody looks
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one is no list: go to the row."""
        RoutingSettings.objects.get_or_create(pk=1)
        return HttpResponseRedirect(self.change_url(1))


@admin.register(RoutingHold)
class RoutingHoldAdmin(ReadOnlyAdmin):
    """What is held back and why; a hold is started here and ended here, and its row stays."""

    list_display = ["what", "reason", "started_by", "started_at", "ended_at"]
    list_select_related = ["service", "started_by"]
    list_filter = [("service", AutocompleteSelectFilter)]
    list_filter_submit = True
    autocomplete_fields = ["service"]
    search_fields = ["reason", "service__name"]
    fields = ["service", "reason", "started_by", "started_at", "ended_at"]
    actions_detail = ["end_hold"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_role("admin"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["service", "reason"] if obj is None else self.fields

    def save_model(self, request: HttpRequest, obj: RoutingHold, form: Any, change: bool) -> None:
        made = actions.hold_start(service_id=obj.service_id, reason=obj.reason, started_by=request.user)
        obj.pk, obj.started_at = made.pk, made.started_at

    @display(description=say("Held back", "Retenu"))
    def what(self, hold: RoutingHold) -> str:
        return str(hold.service) if hold.service else str(say("everything", "tout"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """A hold that ended needs no button to end it."""
        if not RoutingHold.objects.filter(pk=object_id, ended_at=None).exists():
            return []
        return super().get_actions_detail(request, object_id)

    @action(description=say("End the hold", "Lever la retenue"), url_path="end")
    def end_hold(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        question = Question(
            title=say("Route these tickets again?", "Router à nouveau ces tickets ?"),
            text=say(
                "The model decides again wherever its certificate allows.",
                "Le modèle décide à nouveau partout où son certificat le permet.",
            ),
            button=say("End the hold", "Lever la retenue"),
            done=say("Tickets are routed again.", "Les tickets sont à nouveau routés."),
            call=lambda: actions.hold_end(hold_id=int(object_id)),
        )
        return self.ask(request, object_id, question)
