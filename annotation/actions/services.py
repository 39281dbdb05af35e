"""Services: made and changed by leads. The code never changes; the key is for life."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError
from django.utils.text import slugify

from accounts.errors import Refused
from annotation import selectors
from annotation.models import Service
from annotation.signals import services_changed

# Keys the desk itself uses (UI.md), and c, u, v that people press with Ctrl all day.
TAKEN_KEYS = set("afhnstxcuv")
KEYS = "1234567890" + "".join(c for c in "bdegijklmopqrwyz" if c not in TAKEN_KEYS)
COLORS = 12
EDITABLE = (
    "name",
    "name_fr",
    "description",
    "guideline",
    "keywords",
    "key",
    "color",
    "position",
    "is_active",
)


def _tell(service: Service) -> None:
    pk = service.pk
    transaction.on_commit(lambda: services_changed.send(sender=Service, service_ids=[pk]))


def _free_code(name: str) -> str:
    base = slugify(name)[:56] or "service"
    code, number = base, 2
    while Service.objects.filter(code=code).exists():
        code, number = f"{base}-{number}", number + 1
    return code


def _free_key() -> str:
    used = set(Service.objects.exclude(key="").values_list("key", flat=True))
    return next((key for key in KEYS if key not in used), "")


def service_check(service: Service) -> None:
    """Refuse what a page cannot show or a person cannot tell apart.

    Raises ``Refused``: name_needed, name_taken, key_not_allowed, key_taken, bad_keywords.
    """
    service.name = service.name.strip()
    if not service.name:
        raise Refused("name_needed", "A service needs a name.", status=400)
    twin = Service.objects.filter(name__iexact=service.name).exclude(pk=service.pk).first()
    if twin is not None:
        raise Refused("name_taken", f"There is a service named {twin.name}.", status=400, name=service.name)
    if service.key and (service.key not in KEYS):
        raise Refused(
            "key_not_allowed", "This key belongs to the desk; choose another.", status=400, key=service.key
        )
    if service.key and Service.objects.filter(key=service.key).exclude(pk=service.pk).exists():
        raise Refused("key_taken", "Another service has this key.", status=400, key=service.key)
    if not isinstance(service.keywords, list) or not all(isinstance(word, str) for word in service.keywords):
        raise Refused("bad_keywords", "Keywords are a list of words.", status=400)


def _save(service: Service) -> None:
    try:
        with transaction.atomic():
            service.save()
    except IntegrityError as error:
        raise Refused(
            "key_taken", "Another service has this key or code.", status=400, key=service.key
        ) from error


@transaction.atomic
def service_create(*, name: str, code: str = "", is_demo: bool = False, **fields: Any) -> Service:
    """Add a service; code, key, colour and place are chosen if not given.

    Raises ``Refused``: name_needed, name_taken, key_not_allowed, key_taken, bad_keywords.
    """
    last = Service.objects.aggregate(last=Max("position"))["last"]
    position = 0 if last is None else last + 1
    service = Service(
        name=name, code=code or _free_code(name), is_demo=is_demo, position=position, color=position % COLORS
    )
    _set(service, fields)
    if "key" not in fields:
        service.key = _free_key()
    service_check(service)
    _save(service)
    _tell(service)
    return service


def _set(service: Service, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in EDITABLE:
            raise Refused("field_fixed", f"{name} cannot be set.", status=400, field=name)
        setattr(service, name, value)


@transaction.atomic
def service_update(*, service_id: int, **fields: Any) -> Service:
    """Change a service. Switching one off keeps its labels, takes it off the desk and out of training."""
    service = Service.objects.select_for_update().filter(pk=service_id).first()
    if service is None:
        raise Refused("not_found", "There is no such service.", status=404)
    _set(service, fields)
    service_check(service)
    _save(service)
    _tell(service)
    return service


@transaction.atomic
def service_delete(*, service_id: int) -> None:
    """Delete a service nobody has ever used as a label, a mistake at set-up say; others are switched off.

    Raises ``Refused``: not_found, service_has_labels.
    """
    service = Service.objects.select_for_update().filter(pk=service_id).first()
    if service is None:
        raise Refused("not_found", "There is no such service.", status=404)
    if selectors.service_is_used(service):
        raise Refused(
            "service_has_labels", "Tickets were given this service: switch it off instead.", name=service.name
        )
    _tell(service)
    try:
        service.delete()
    except ProtectedError as error:  # an upper layer sent a live ticket there
        raise Refused(
            "service_has_labels",
            "Tickets were sent to this service: switch it off instead.",
            name=service.name,
        ) from error
