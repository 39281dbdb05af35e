"""All of inference, in one step: twelve migrations came before, and an installation that ran them all has this one too."""

import django.core.validators
import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    replaces = [
        ("inference", "0001_initial"),
        ("inference", "0002_change_feed_retries_and_head"),
        ("inference", "0003_round_marks"),
        ("inference", "0004_lone_tickets"),
        ("inference", "0005_prediction_outlier"),
        ("inference", "0006_routing"),
        ("inference", "0007_comparison"),
        ("inference", "0008_drift"),
        ("inference", "0009_test_sets"),
        ("inference", "0010_watch"),
        ("inference", "0011_canary"),
        ("inference", "0012_alarms"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("annotation", "0001_squashed_0007_look_alikes"),
        ("training", "0001_squashed_0007_service_groups"),
    ]

    operations = [
        VectorExtension(),
        migrations.CreateModel(
            name="LoneTicket",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="annotation.ticket",
                    ),
                ),
                ("place", models.PositiveIntegerField()),
                ("outlier", models.FloatField(help_text="Share of the pool that is more ordinary.")),
                ("uncertainty", models.FloatField()),
            ],
            options={
                "ordering": ["place"],
            },
        ),
        migrations.CreateModel(
            name="Alarm",
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
                            ("rolled_back", "Production went back by itself"),
                            ("held", "Everything goes to people"),
                            ("refuted", "Production breaks its promise, and goes on"),
                            ("canary_stopped", "A canary was stopped"),
                            ("drift", "Tickets or answers have changed"),
                            ("test", "A test"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "channel",
                    models.CharField(choices=[("mail", "E-mail"), ("webhook", "Webhook")], max_length=8),
                ),
                ("address", models.CharField(max_length=400)),
                ("params", models.JSONField(default=dict)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("said", models.CharField(blank=True, max_length=200)),
                ("taken_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="alarm_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("assistant", "Assistant"),
                            ("observer", "Observer"),
                            ("production", "Production"),
                            ("canary", "Canary"),
                        ],
                        max_length=12,
                    ),
                ),
                ("endpoint_name", models.CharField(max_length=63)),
                ("state", models.CharField(default="creating", max_length=16)),
                ("reason", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="training.modelversion",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("role",),
                        name="deployment_one_live_a_role",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Encoder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fingerprint", models.CharField(max_length=16, unique=True)),
                ("dim", models.PositiveIntegerField()),
                ("is_current", models.BooleanField(default=False)),
                ("is_indexed", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="encoders",
                        to="training.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("is_current",),
                        name="encoder_one_current",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeywordRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("words", models.JSONField(default=list, help_text='A list: ["refund", "money back"].')),
                (
                    "unless",
                    models.JSONField(blank=True, default=list, help_text="Not if one of these is there."),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="annotation.service"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "baseline",
                    models.CharField(
                        choices=[
                            ("people", "People"),
                            ("rules", "Keyword rules"),
                            ("external", "Another router, whose decision comes with the call"),
                            ("model", "The model in production"),
                        ],
                        max_length=8,
                    ),
                ),
                ("share", models.FloatField(help_text="Of the routed tickets, mirrored to the candidate.")),
                ("slice", models.FloatField(help_text="The chance with which an agreement is judged.")),
                ("salt", models.CharField(max_length=64)),
                ("terms", models.JSONField(default=dict, help_text="ml.verdict.Terms")),
                ("escalation_minutes", models.FloatField(default=1.0)),
                ("misroute_minutes", models.FloatField(default=10.0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("sufficient", "Sufficient: waits for its promotion"),
                            ("insufficient", "Insufficient"),
                            ("promoted", "Promoted"),
                            ("stopped", "Stopped by a person"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("verdict", models.JSONField(blank=True, default=dict)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
                (
                    "baseline_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "candidate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="observations",
                        to="training.modelversion",
                    ),
                ),
                (
                    "certificate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.precisioncertificate",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("ended_at__isnull", True)),
                        name="observation_single_flight",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("share__gte", 0), ("share__lte", 1), ("slice__gt", 0), ("slice__lte", 1)
                        ),
                        name="observation_shares",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Outcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_moved", models.BooleanField()),
                ("decided_at", models.DateTimeField(help_text="When the desk says it was so.")),
                ("told_at", models.DateTimeField(auto_now=True, db_index=True)),
                (
                    "sent_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotation.service"
                    ),
                ),
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcome",
                        to="annotation.ticket",
                    ),
                ),
                (
                    "told_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Panel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tickets", models.BinaryField(default=b"")),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="panel_one_row")],
            },
        ),
        migrations.CreateModel(
            name="Prediction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("probability", models.FloatField()),
                (
                    "probabilities",
                    models.BinaryField(help_text="Little-endian float32, one per label of the version."),
                ),
                (
                    "outlier",
                    models.FloatField(
                        help_text="How strange the ticket is to the version: 0 = ordinary, 1 = the strangest.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="predictions",
                        to="training.modelversion",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="predictions",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["ticket", "-id"], name="prediction_by_ticket")],
                "constraints": [
                    models.UniqueConstraint(fields=("model_version", "ticket"), name="prediction_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PromotionSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "four_eyes",
                    models.BooleanField(
                        default=True,
                        help_text="A second person approves a promotion. Off: the one who asks may; it is recorded.",
                    ),
                ),
            ],
            options={
                "verbose_name": "promotion settings",
                "verbose_name_plural": "promotion settings",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="promotion_settings_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        help_text="Shown to leads: drift, a rollback, a change of the range…", max_length=300
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
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
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("service",),
                        name="routing_hold_one_a_service",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "baseline",
                    models.CharField(
                        choices=[
                            ("people", "People"),
                            ("rules", "Keyword rules"),
                            ("external", "Another router, whose decision comes with the call"),
                            ("model", "The model in production"),
                        ],
                        default="people",
                        max_length=8,
                    ),
                ),
            ],
            options={
                "verbose_name": "routing settings",
                "verbose_name_plural": "routing settings",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="routing_settings_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="TestAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("probabilities", models.BinaryField(null=True)),
                ("outlier", models.FloatField(null=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="test_answers",
                        to="training.modelversion",
                    ),
                ),
                (
                    "row",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="training.testrow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("model_version", "row"), name="test_answer_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TransformRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("pool", "Embed and score the pool"),
                            ("evaluate", "Score the audit labels"),
                            ("test", "Score an uploaded test set"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("submitting", "Submitting"),
                            ("running", "Running"),
                            ("stopping", "Stopping"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("stopped", "Stopped"),
                            ("timed_out", "Timed out"),
                        ],
                        default="planned",
                        max_length=12,
                    ),
                ),
                ("sub_state", models.CharField(blank=True, max_length=64)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                ("job_name", models.CharField(blank=True, max_length=63)),
                ("spec_hash", models.CharField(blank=True, max_length=64)),
                ("input_uri", models.CharField(blank=True, max_length=500)),
                ("output_uri", models.CharField(blank=True, max_length=500)),
                ("tickets", models.PositiveIntegerField(default=0)),
                ("processed", models.PositiveIntegerField(default=0)),
                ("loaded", models.PositiveIntegerField(default=0)),
                (
                    "rejected",
                    models.PositiveIntegerField(
                        default=0, help_text="Lines the model answered with an error."
                    ),
                ),
                ("failure_code", models.CharField(blank=True, max_length=64)),
                ("failure_reason", models.TextField(blank=True)),
                (
                    "output_offset",
                    models.BigIntegerField(
                        default=0,
                        help_text="Bytes of the output that are loaded; moves with the rows, in one transaction.",
                    ),
                ),
                (
                    "retry_at",
                    models.DateTimeField(
                        blank=True, help_text="A failed attempt rests until then.", null=True
                    ),
                ),
                ("observed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transforms",
                        to="training.modelversion",
                    ),
                ),
                (
                    "test_set",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transforms",
                        to="training.testset",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["planned", "submitting", "running", "stopping"])),
                        fields=("model_version", "purpose"),
                        name="transform_single_flight",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WatchSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "is_automatic",
                    models.BooleanField(
                        default=True,
                        help_text="Go back to the version before, or give everything to people, without asking. Off: only tell leads.",
                    ),
                ),
                (
                    "alpha",
                    models.FloatField(
                        default=0.01,
                        help_text="The chance that one watch sends back a version which keeps its promise, at most.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0001),
                            django.core.validators.MaxValueValidator(0.5),
                        ],
                    ),
                ),
                (
                    "fewest",
                    models.PositiveIntegerField(
                        default=20,
                        help_text="Routed tickets whose right service must be known before anything is done.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "days",
                    models.PositiveIntegerField(
                        default=14,
                        help_text="A watch lasts so long; then the next begins anew, so that old good days hide nothing.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                    ),
                ),
                (
                    "silence_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For a desk that tells only of tickets it moved: after so many hours without a word a route counts as right, and nothing counts earlier. Empty: the desk tells how every ticket ended, or a share of them.",
                        null=True,
                    ),
                ),
                (
                    "most_unavailable",
                    models.FloatField(
                        blank=True,
                        default=0.2,
                        help_text="Share of unanswered calls in ten minutes that sends a new version back. Empty: not watched.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "most_latency_ms",
                    models.PositiveIntegerField(
                        blank=True,
                        default=None,
                        help_text="95 of 100 decisions of a new version in ten minutes take at most so long. Empty: not watched.",
                        null=True,
                    ),
                ),
                (
                    "canary_share",
                    models.FloatField(
                        default=0.0,
                        help_text="Of the tickets, routed by an approved version before it gets all of them. 0: no canary.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "canary_tickets",
                    models.PositiveIntegerField(
                        default=50,
                        help_text="After so many tickets a canary has passed.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "canary_minutes",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="Or after so long, if nothing was wrong.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "watch settings",
                "verbose_name_plural": "watch settings",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="watch_settings_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("held", "Held back"),
                            ("not_certified", "Not certified"),
                            ("out_of_scope", "Unlike anything known"),
                            ("uncertain", "Uncertain"),
                            ("model_unavailable", "The model did not answer in time"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reasons", models.JSONField(default=list)),
                ("detail", models.CharField(blank=True, max_length=40)),
                ("confidence", models.FloatField(null=True)),
                ("band", models.CharField(blank=True, max_length=10)),
                ("score", models.FloatField(null=True)),
                ("threshold", models.FloatField(null=True)),
                ("outlier", models.FloatField(null=True)),
                (
                    "candidates",
                    models.JSONField(default=list, help_text="[[service id, probability], …], best first."),
                ),
                (
                    "baseline",
                    models.CharField(
                        choices=[
                            ("people", "People"),
                            ("rules", "Keyword rules"),
                            ("external", "Another router, whose decision comes with the call"),
                            ("model", "The model in production"),
                        ],
                        default="people",
                        max_length=8,
                    ),
                ),
                (
                    "text_hash",
                    models.CharField(help_text="Of the masked text that was decided about.", max_length=32),
                ),
                ("vector", models.BinaryField(null=True)),
                ("probabilities", models.BinaryField(null=True)),
                (
                    "latency_ms",
                    models.PositiveIntegerField(help_text="From the call's arrival to the decision."),
                ),
                ("decided_at", models.DateTimeField(db_index=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "baseline_service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "certificate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="training.precisioncertificate",
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inference.deployment",
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "suggested",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routing",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("vector__isnull", False)),
                        fields=["id"],
                        name="routing_vector_waits",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("service__isnull", False)),
                            models.Q(("service__isnull", True), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="routing_routed_or_escalated",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text_hash", models.CharField(help_text="Of the text that was embedded.", max_length=32)),
                ("vector", pgvector.django.vector.VectorField(null=True)),
                ("error", models.CharField(blank=True, max_length=64)),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="embeddings",
                        to="annotation.ticket",
                    ),
                ),
                (
                    "encoder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="embeddings",
                        to="inference.encoder",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["encoder", "id"], name="embedding_changes")],
                "constraints": [models.UniqueConstraint(fields=("encoder", "ticket"), name="embedding_once")],
            },
        ),
        migrations.CreateModel(
            name="LearnerHead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "classes",
                    models.JSONField(
                        default=list, help_text="Service codes, in the order of the coefficients."
                    ),
                ),
                ("weights", models.BinaryField()),
                ("labels_used", models.PositiveIntegerField(default=0)),
                ("last_annotation_id", models.BigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0, help_text="The refit alone.")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "encoder",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="head",
                        to="inference.encoder",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HistoryEntry",
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
                            ("observation_started", "Observation started"),
                            ("share_changed", "Mirrored share changed"),
                            ("verdict", "Verdict"),
                            ("back_to_teach", "Failures sent back to Teach"),
                            ("observation_stopped", "Observation stopped"),
                            ("promotion_requested", "Promotion asked for"),
                            ("rollback_rehearsed", "Way back rehearsed"),
                            ("promotion_approved", "Promotion approved"),
                            ("canary_started", "Routes a share first"),
                            ("promotion_failed", "Promotion failed"),
                            ("promotion_withdrawn", "Promotion withdrawn"),
                            ("promoted", "In production"),
                            ("rolled_back", "Rolled back"),
                            ("held", "Everything given to people"),
                            ("watch_alarm", "Promise broken: leads told"),
                        ],
                        max_length=20,
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=1000)),
                ("params", models.JSONField(default=dict)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inference.deployment",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inference.observation",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "history entries",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("rehearsing", "The way back is rehearsed"),
                            ("ready", "Waits for approval"),
                            ("canary", "Approved: a share goes to it first"),
                            ("deploying", "Approved: the endpoint takes it"),
                            ("done", "In production"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="rehearsing",
                        max_length=12,
                    ),
                ),
                ("why", models.CharField(max_length=1000)),
                ("requested_at", models.DateTimeField(auto_now_add=True)),
                ("rehearsed_at", models.DateTimeField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "was_four_eyes",
                    models.BooleanField(blank=True, help_text="The setting when it was approved.", null=True),
                ),
                (
                    "canary_share",
                    models.FloatField(
                        blank=True,
                        help_text="Routed by it before it got all tickets; empty: it had no canary.",
                        null=True,
                    ),
                ),
                ("canary_passed_at", models.DateTimeField(blank=True, null=True)),
                ("trouble", models.CharField(blank=True, max_length=1024)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "former",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="inference.observation",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="training.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("ended_at__isnull", True)),
                        name="promotion_single_flight",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoundMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("labels", models.PositiveIntegerField(unique=True)),
                ("last_annotation_id", models.BigIntegerField(default=0)),
                ("classes", models.JSONField(default=list)),
                ("guesses", models.BinaryField()),
                (
                    "uncertain",
                    models.FloatField(help_text="Share of unlabelled tickets the head was not sure of."),
                ),
                ("uncertain_tickets", models.PositiveIntegerField()),
                ("coverage", models.FloatField(help_text="Share of audit tickets the head was sure of.")),
                ("created_at", models.DateTimeField(auto_now=True)),
                (
                    "encoder",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inference.encoder",
                    ),
                ),
            ],
            options={
                "ordering": ["labels"],
            },
        ),
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
            ],
            options={
                "ordering": ["-read_at", "kind", "id"],
                "indexes": [models.Index(fields=["kind", "-read_at"], name="drift_series")],
            },
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("watching", "Watching"),
                            ("kept", "The promise was not refuted"),
                            ("rolled_back", "Rolled back"),
                            ("held", "Everything goes to people: there was nothing to go back to"),
                            ("alarmed", "Leads were told"),
                            ("over", "Another version took over"),
                        ],
                        default="watching",
                        max_length=12,
                    ),
                ),
                ("is_new", models.BooleanField(default=False)),
                (
                    "promised",
                    models.FloatField(
                        help_text="Empty: no certificate is in force, nothing is routed.", null=True
                    ),
                ),
                ("alpha", models.FloatField()),
                ("fewest", models.PositiveIntegerField()),
                ("days", models.PositiveIntegerField()),
                ("silence_hours", models.PositiveIntegerField(null=True)),
                ("known", models.PositiveIntegerField(default=0)),
                ("right", models.PositiveIntegerField(default=0)),
                ("log_wealth", models.FloatField(default=0.0, help_text="Of the bet against the promise.")),
                ("found", models.JSONField(blank=True, default=dict)),
                ("started_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "back_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="watches",
                        to="inference.deployment",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inference.routinghold",
                    ),
                ),
                (
                    "seen_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "watches",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("ended_at__isnull", True)),
                        name="watch_single_flight",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Escalation",
            fields=[
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="escalation",
                        serialize=False,
                        to="inference.routingdecision",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "A customer is waiting"),
                            ("answered", "Answered by a person"),
                            ("closed", "The desk decided by itself"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("kind", models.CharField(blank=True, max_length=6)),
                ("revision", models.PositiveSmallIntegerField(default=0)),
                ("webhook_due_at", models.DateTimeField(blank=True, null=True)),
                ("webhook_attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "webhook_said",
                    models.CharField(
                        blank=True, help_text="How the last try to send it ended.", max_length=200
                    ),
                ),
                (
                    "annotation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.annotation",
                    ),
                ),
                (
                    "second_service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
            ],
            options={
                "ordering": ["opened_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["opened_at"],
                        name="escalation_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("webhook_due_at__isnull", False)),
                        fields=["webhook_due_at"],
                        name="escalation_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "answered")),
                        fields=["-answered_at"],
                        name="escalation_answered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MirroredTicket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for the candidate's answer"),
                            ("compared", "Both answers are here"),
                            ("failed", "The candidate did not answer: not compared"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("candidate_reason", models.CharField(blank=True, max_length=20)),
                ("candidate_confidence", models.FloatField(null=True)),
                ("latency_ms", models.PositiveIntegerField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=40)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("compared_at", models.DateTimeField(null=True)),
                ("probability", models.FloatField(default=0.0)),
                ("is_due", models.BooleanField(default=False)),
                ("candidate_first", models.BooleanField(default=False)),
                ("lease", models.UUIDField(null=True, unique=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("candidate_is_right", models.BooleanField(null=True)),
                ("baseline_is_right", models.BooleanField(null=True)),
                ("judged_at", models.DateTimeField(null=True)),
                (
                    "baseline_service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "candidate_service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "candidate_suggested",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inference.routingdecision",
                    ),
                ),
                (
                    "leased_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mirrored",
                        to="annotation.ticket",
                    ),
                ),
                (
                    "truth",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mirrored",
                        to="inference.observation",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["observation", "id"],
                        name="mirrored_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("is_due", True), ("judged_at__isnull", True)),
                        fields=["observation", "id"],
                        name="mirrored_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("observation", "ticket"), name="mirrored_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("baseline_is_right__isnull", True),
                                ("candidate_is_right__isnull", True),
                                ("judged_at__isnull", True),
                            ),
                            models.Q(
                                ("baseline_is_right__isnull", False),
                                ("candidate_is_right__isnull", False),
                                ("judged_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="mirrored_judged_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LookAlike",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="annotation.ticket",
                    ),
                ),
                ("similarity", models.FloatField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "like",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inference.mirroredticket",
                    ),
                ),
            ],
            options={
                "ordering": ["-similarity", "ticket_id"],
            },
        ),
        migrations.CreateModel(
            name="Judgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "choice",
                    models.CharField(
                        choices=[
                            ("first", "The first"),
                            ("second", "The second"),
                            ("both", "Both"),
                            ("neither", "Neither"),
                            ("unclear", "Cannot be told"),
                            ("undo", "Undo"),
                        ],
                        max_length=8,
                    ),
                ),
                ("key", models.UUIDField(help_text="The client's idempotency key.", null=True, unique=True)),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "annotation",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="judgement",
                        to="annotation.annotation",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgements",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="undone_by",
                        to="inference.judgement",
                    ),
                ),
                (
                    "mirrored",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="judgements",
                        to="inference.mirroredticket",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["reviewer", "-id"], name="judgement_by_reviewer")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("choice", "undo"), ("undoes__isnull", False)),
                            models.Q(models.Q(("choice", "undo"), _negated=True), ("undoes__isnull", True)),
                            _connector="OR",
                        ),
                        name="judgement_undo_fits",
                    )
                ],
            },
        ),
    ]
