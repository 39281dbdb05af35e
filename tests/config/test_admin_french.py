"""The admin speaks French to whoever reads French: fields and kinds of rows too."""

import re

import pytest
from django.apps import apps
from django.test import Client
from django.utils.translation import override

from config import admin_french, urls  # noqa: F401 - the addresses put the words in
from tests import factories

MODELS = [model for label in admin_french.APPS for model in apps.get_app_config(label).get_models()]
SAME = {
    "ID", "alpha", "annotation", "cron", "delta", "description", "n", "note", "observation", "options", "p", "phase",
    "pk", "place", "position", "production", "score", "service", "services", "ticket", "tickets", "version", "verdict",
    "invitation", "mode", "code", "codes", "classes", "promotion", "panel",
}  # fmt: skip
SAME_VALUES = {"Machine", "E-mail", "Webhook", "Verdict", "Assistant", "Production"}
STRUCTURE = re.compile(r"ml\.\w+\.\w+$|0\.\.1$|\[\{")
"""Help that only names what a field holds."""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_and_the_row_itself_has_a_french_name(model: type) -> None:
    meta = model._meta  # type: ignore[attr-defined]
    named = [meta, *meta.fields]
    english = [str(one.verbose_name) for one in named]
    with override("fr"):
        french = [str(one.verbose_name) for one in named]
    assert [
        word for word, said in zip(english, french, strict=True) if word == said and word not in SAME
    ] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_help_under_a_field_and_its_values_are_in_french(model: type) -> None:
    fields = model._meta.fields  # type: ignore[attr-defined]

    def words() -> list[str]:
        values = [str(said) for field in fields for _, said in field.choices or ()]
        return [*(str(field.help_text) for field in fields if field.help_text), *values]

    english = words()
    with override("fr"):
        french = words()
    left = {word for word, said in zip(english, french, strict=True) if word == said}
    assert {word for word in left if word not in SAME_VALUES and not STRUCTURE.match(word)} == set()


@pytest.mark.django_db
def test_a_french_administrator_reads_french_columns_and_an_english_one_english() -> None:
    factories.ticket()  # an empty list has no columns
    client = Client()
    client.force_login(factories.person("ada", "admin"))
    for language, wanted, other in (
        ("fr", "Identifiant externe", "External id"),
        ("en", "External id", "Identifiant externe"),
    ):
        page = client.get("/admin/annotation/ticket/", HTTP_ACCEPT_LANGUAGE=language).content.decode()
        assert wanted in page and other not in page
