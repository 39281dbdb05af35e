import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0007_comparison"),
        ("annotation", "0006_written_tickets"),
        ("training", "0005_snapshot_row_origin"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("input", "What tickets are about"),
                            ("unlike", "Distance to what was learnt"),
                            ("mix", "Services predicted"),
                            ("escalation", "Share escalated"),
                            ("precision", "Precision on control tickets"),
                        ],
                        max_length=10,
                    ),
                ),
                ("value", models.FloatField(blank=True, null=True)),
                ("reference", models.FloatField(blank=True, null=True)),
                ("p", models.FloatField(blank=True, null=True)),
                ("n", models.PositiveIntegerField(default=0, help_text="Tickets looked at now.")),
                ("n_reference", models.PositiveIntegerField(default=0, help_text="Tickets compared with.")),
                ("is_alarm", models.BooleanField(default=False)),
                ("code", models.CharField(max_length=40)),
                ("params", models.JSONField(default=dict)),
                ("read_at", models.DateTimeField()),
                (
                    "hold",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inference.routinghold",
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
            ],
            options={
                "ordering": ["-read_at", "kind", "id"],
                "indexes": [models.Index(fields=["kind", "-read_at"], name="drift_series")],
            },
        ),
    ]
