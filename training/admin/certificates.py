"""Certificates of precision, to read: which routes, what it promised, how it was asked."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin_base import ReadOnlyAdmin, say
from training.models import PrecisionCertificate


@admin.register(PrecisionCertificate)
class PrecisionCertificateAdmin(ReadOnlyAdmin):
    """One row a certification; only spent ones route."""

    list_display = [
        "id", "model_version", "state", "is_spent", "precision", "threshold", "audit_labels", "asked", "created_at",
    ]  # fmt: skip
    list_select_related = ["model_version"]
    list_filter = ["is_spent", "state"]
    search_fields = ["=model_version__number", "fingerprint"]
    exclude = ["tickets"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrecisionCertificate]:
        rows = super().get_queryset(request).select_related("model_version", "created_by").defer("tickets")
        match = request.resolver_match
        return rows.defer("payload", "promise") if match and not match.kwargs else rows

    @display(description=say("Audit labels asked before", "Étiquettes d'audit déjà interrogées"))
    def asked(self, row: PrecisionCertificate) -> str:
        if row.use is None:
            return str(say("never", "jamais"))
        return str(say(f"{row.use - 1} times", f"{row.use - 1} fois"))
