"""What every page of the admin shares: bounded lists, rows only the system writes, and real confirmations.

A confirmed action asks on GET and acts on POST (with the CSRF token), so a link can be shared, prefetched or
reloaded without doing anything. A ``Refused`` becomes a message on the page the person comes back to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property, lazy
from django.utils.translation import get_language
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.errors import Refused

MOST_COUNTED = 10_000
MOST_NAMED = 10


def _say(english: str, french: str) -> str:
    return french if (get_language() or "").startswith("fr") else english


say = lazy(_say, str)
"""A text of our own in the reader's language: ``say("Queue", "File")``."""


class WordsField(forms.CharField):
    """A list of words, one a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [word.strip() for word in super().clean(value).splitlines() if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class BoundedPaginator(Paginator):
    """Counts at most 10,000 rows: a table of millions opens as fast as one of hundreds; search reaches the rest."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows[:MOST_COUNTED].count() if isinstance(rows, QuerySet) else len(rows)


@dataclass(frozen=True)
class Question:
    """What is asked before something is done. ``call`` does it and may raise ``Refused``."""

    title: Any
    text: Any
    button: Any
    done: Any
    call: Callable[[], object]


class AdminBase(ModelAdmin):
    """Lists that stay fast however many rows there are."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count for every filter is a scan for every filter
    paginator = BoundedPaginator

    def change_url(self, object_id: Any) -> str:
        """The address of one row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])

    def list_url(self) -> str:
        """The address of the list."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A refusal on saving (somebody else was faster than the form's checks) is a message, not a traceback."""
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except Refused as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refused as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.change_url(object_id))

    def ask(self, request: HttpRequest, object_id: Any, question: Question) -> HttpResponse:
        """Confirm and do something with one row, then go back to its page."""
        row = self.get_object(request, str(object_id))
        if row is None:
            messages.error(request, str(say("This row is no longer there.", "Cette ligne n'existe plus.")))
            return HttpResponseRedirect(self.list_url())
        if request.method != "POST":
            return self._page(request, question, named=[str(row)], back=self.change_url(object_id))
        if self._do(request, question):
            self.log_change(request, row, str(question.title))
        still = self.get_queryset(request).filter(pk=row.pk).exists()
        return HttpResponseRedirect(self.change_url(object_id) if still else self.list_url())

    def ask_for_all(
        self, request: HttpRequest, rows: QuerySet[Any], question: Question
    ) -> HttpResponse | None:
        """Confirm and do something with the rows ticked in the list (an admin action); None goes back to it."""
        if request.POST.get("confirmed"):
            self._do(request, question)
            return None
        named = [str(row) for row in rows[: MOST_NAMED + 1]]
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        again = [(ACTION_CHECKBOX_NAME, pk) for pk in ticked]
        again += [(name, request.POST[name]) for name in ("action", "select_across") if name in request.POST]
        return self._page(request, question, named=named, back=request.get_full_path(), again=again)

    def ask_once(self, request: HttpRequest, question: Question) -> HttpResponse:
        """Confirm and do something that concerns no row yet, then go back to the list."""
        if request.method != "POST":
            return self._page(request, question, named=[], back=self.list_url())
        self._do(request, question)
        return HttpResponseRedirect(self.list_url())

    def _do(self, request: HttpRequest, question: Question) -> bool:
        try:
            question.call()
        except Refused as error:
            messages.error(request, error.message)
            return False
        messages.success(request, str(question.done))
        return True

    def _page(
        self,
        request: HttpRequest,
        question: Question,
        *,
        named: Sequence[str],
        back: str,
        again: Sequence[tuple[str, str]] = (),
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": question.title,
            "question": question,
            "named": named[:MOST_NAMED],
            "more": len(named) > MOST_NAMED,
            "back": back,
            "again": again,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)


class ReadOnlyAdmin(AdminBase):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
