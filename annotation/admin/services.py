"""Services and their guidelines, changed through the same actions as the API."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts.admin_base import AdminBase, Question, WordsField, say
from accounts.errors import Refused
from annotation import actions, selectors
from annotation.actions.services import COLORS, KEYS
from annotation.models import Service

FIELDS = ["name", "name_fr", "description", "guideline", "keywords", "key", "color", "position"]
_FAULTY = {"key_taken": "key", "key_not_allowed": "key", "bad_keywords": "keywords"}


class ServiceForm(forms.ModelForm):
    """A service as the actions take it; their refusals stand beside the field at fault."""

    keywords = WordsField(
        required=False, help_text=say("One a line; for the cold start only.", "Un par ligne ; au démarrage.")
    )
    key = forms.ChoiceField(
        choices=[("", say("None: chosen by typing the name", "Aucune : en tapant le nom"))]
        + [(key, key) for key in KEYS],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=say("For life: people learn it.", "Définitive : les gens l'apprennent."),
    )
    color = forms.IntegerField(
        min_value=0,
        validators=[MaxValueValidator(COLORS - 1)],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=say(
            f"0 to {COLORS - 1}: place in the colour set.", f"0 à {COLORS - 1} : rang de la couleur."
        ),
    )

    class Meta:
        model = Service
        fields = FIELDS

    def _get_validation_exclusions(self) -> set[str]:
        """The actions check the key's uniqueness, and say which field is at fault."""
        return {*super()._get_validation_exclusions(), "key"}

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        try:
            actions.service_check(self.instance)
        except Refused as error:
            self.add_error(_FAULTY.get(error.code, "name"), ValidationError(error.message))


class NewServiceForm(ServiceForm):
    """Key, colour and place are chosen by the house when left empty."""

    class Meta(ServiceForm.Meta):
        fields = ["name", "name_fr", "description", "guideline", "keywords"]

    key, color = None, None  # type: ignore[assignment]


@admin.register(Service)
class ServiceAdmin(AdminBase):
    """Switched off rather than deleted; only a service nobody ever used can be deleted."""

    list_display = ["name", "name_fr", "code", "key", "labels", "has_guideline", "is_active", "position"]
    list_filter = ["is_active", "is_demo", ("guideline", admin.EmptyFieldListFilter)]
    search_fields = ["name", "name_fr", "code"]
    ordering = ["position", "id"]
    readonly_fields = ["code", "is_active", "labels"]
    actions_detail = ["switch_off", "switch_on"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ServiceForm if obj else NewServiceForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*FIELDS, "code", "is_active", "labels"] if obj else list(NewServiceForm.Meta.fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        return selectors.services_with_counts().order_by(*self.ordering)

    @display(description=say("Labels", "Étiquettes"), ordering="label_count")
    def labels(self, service: Service) -> int:
        return getattr(service, "label_count", 0)

    @display(description=say("Guideline", "Consigne"), boolean=True)
    def has_guideline(self, service: Service) -> bool:
        return bool(service.guideline.strip())

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.cleaned_data if name in FIELDS}
        if change:
            changed = {name: values[name] for name in form.changed_data if name in values}
            actions.service_update(service_id=obj.pk, **changed)
        else:
            made = actions.service_create(**values)
            obj.pk, obj.code = made.pk, made.code

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One at a time, and never one that tickets were given."""
        return isinstance(obj, Service) and obj.pk is not None and not selectors.service_is_used(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(service) for service in objs], {"services": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Service) -> None:
        actions.service_delete(service_id=obj.pk)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Of the two switches, the one that does something."""
        active = Service.objects.filter(pk=object_id, is_active=True).exists()
        useless = "switch_on" if active else "switch_off"
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if not one.action_name.endswith(useless)]

    @action(description=say("Switch off", "Désactiver"), url_path="switch-off")
    def switch_off(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        labels = Service.objects.filter(pk=object_id).aggregate(n=Count("tickets"))["n"]
        question = Question(
            title=say("Switch this service off?", "Désactiver ce service ?"),
            text=say(
                f"{labels} tickets carry its label. They keep it, but nobody can choose the service any more and "
                "the next models are trained without it. You can switch it on again.",
                f"{labels} tickets portent son étiquette. Ils la gardent, mais plus personne ne peut choisir ce "
                "service et les prochains modèles l'ignorent. Vous pourrez le réactiver.",
            ),
            button=say("Switch off", "Désactiver"),
            done=say("The service is switched off.", "Le service est désactivé."),
            call=lambda: actions.service_update(service_id=int(object_id), is_active=False),
        )
        return self.ask(request, object_id, question)

    @action(description=say("Switch on", "Activer"), url_path="switch-on")
    def switch_on(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        question = Question(
            title=say("Switch this service on?", "Activer ce service ?"),
            text=say(
                "People can choose it again, and the next models learn it from the labels it has.",
                "On pourra de nouveau le choisir, et les prochains modèles l'apprendront.",
            ),
            button=say("Switch on", "Activer"),
            done=say("The service is switched on.", "Le service est activé."),
            call=lambda: actions.service_update(service_id=int(object_id), is_active=True),
        )
        return self.ask(request, object_id, question)
