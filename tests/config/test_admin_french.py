"""The admin speaks French to whoever reads French: fields and kinds of rows too."""

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
    "candidate", "invitation", "mode", "code", "codes", "classes", "promotion", "panel",
}  # fmt: skip


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
