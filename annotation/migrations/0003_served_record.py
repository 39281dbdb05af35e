"""What was served to whom is kept; equal texts are found by their hash."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LANES = [
    ("start", "Typical (cold start)"),
    ("exploit", "Hesitation"),
    ("novelty", "Unlike anything seen"),
    ("audit", "Random control"),
    ("confirm", "Prediction near the threshold"),
    ("weak", "Imported label"),
    ("suspect", "Label the model doubts"),
    ("spot", "Spot check of a sure prediction"),
]
MODES = [("teach", "Teach"), ("check", "Check"), ("import", "Import")]


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_reopened_round"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Serving",
            fields=[
                ("lease", models.UUIDField(primary_key=True, serialize=False)),
                ("round", models.PositiveSmallIntegerField()),
                ("mode", models.CharField(choices=MODES, max_length=6)),
                ("lane", models.CharField(choices=LANES, max_length=8)),
                ("uncertainty", models.FloatField(blank=True, null=True)),
                ("outlier", models.FloatField(blank=True, null=True)),
                ("sampling_probability", models.FloatField(blank=True, null=True)),
                ("suggested_probability", models.FloatField(blank=True, null=True)),
                ("candidates", models.JSONField(blank=True, default=list)),
                ("generation", models.BigIntegerField(default=0)),
                ("served_at", models.DateTimeField()),
                (
                    "annotator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="servings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "suggested_service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={"ordering": ["-served_at"]},
        ),
        migrations.AddIndex(
            model_name="serving", index=models.Index(fields=["served_at"], name="serving_when")
        ),
        migrations.AddIndex(
            model_name="ticket", index=models.Index(fields=["text_hash"], name="ticket_text_hash")
        ),
        # The queue is rewritten after every few labels: clean up behind it soon, whatever its size.
        migrations.RunSQL(
            "ALTER TABLE annotation_queueitem SET "
            "(autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)",
            migrations.RunSQL.noop,
        ),
    ]
