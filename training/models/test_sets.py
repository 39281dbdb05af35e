"""Test sets that people uploaded: labelled texts that no model learns from."""

from django.conf import settings
from django.db import models


class TestSet(models.Model):
    """An immutable list of masked texts with their services; ``fingerprint`` is the hash of its rows."""

    __test__ = False  # no test class, whatever pytest makes of the name

    name = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64, unique=True)
    rows = models.PositiveIntegerField()
    services = models.JSONField(default=dict, help_text='Rows per service code; "" for none of the services.')
    rejected = models.PositiveIntegerField(default=0)
    errors = models.JSONField(
        default=list, help_text="The first rows that were not taken: [{line, code, params}]."
    )
    taught = models.PositiveIntegerField(
        default=0, help_text="Rows left out because tickets like them have taught or may teach a model."
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.rows} rows)"


class TestRow(models.Model):
    """One labelled text of a test set; ``code`` is empty for a text of none of the services."""

    __test__ = False

    test_set = models.ForeignKey(TestSet, on_delete=models.CASCADE, related_name="members")
    text = models.TextField()
    text_hash = models.CharField(max_length=32)
    code = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=8, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["test_set", "text_hash"], name="test_row_once")]

    def __str__(self) -> str:
        return f"{self.test_set_id}: {self.code}"
