"""All of training, in one step: seven migrations came before, and an installation that ran them all has this one too."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import training.models.policy


class Migration(migrations.Migration):
    replaces = [
        ("training", "0001_initial"),
        ("training", "0002_audit_target_and_advisor"),
        ("training", "0003_job_costs_and_monthly_cap"),
        ("training", "0004_evaluation_and_gate"),
        ("training", "0005_snapshot_row_origin"),
        ("training", "0006_registry_entry_and_log_url"),
        ("training", "0007_service_groups"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("annotation", "0001_squashed_0007_look_alikes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DatasetSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("uri", models.CharField(max_length=500)),
                ("rows", models.PositiveIntegerField()),
                ("services", models.JSONField(default=dict, help_text="Rows per service code.")),
                (
                    "last_annotation_id",
                    models.BigIntegerField(help_text="Newest annotation it takes into account."),
                ),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RetrainAdvice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("params", models.JSONField(default=dict)),
                ("vetoes_training", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RetrainPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "min_new_labels",
                    models.PositiveIntegerField(
                        default=50, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "minimum_labels",
                    models.PositiveIntegerField(
                        default=40, validators=[django.core.validators.MinValueValidator(2)]
                    ),
                ),
                (
                    "max_age_hours",
                    models.PositiveIntegerField(default=168, help_text="0: age never starts a training."),
                ),
                (
                    "cron",
                    models.CharField(
                        blank=True,
                        help_text="Five fields, in the installation's zone; empty: none.",
                        max_length=100,
                    ),
                ),
                ("cooldown_minutes", models.PositiveIntegerField(default=10)),
                (
                    "max_seconds",
                    models.PositiveIntegerField(default=900, help_text="Time box of one training."),
                ),
                ("epochs", models.PositiveSmallIntegerField(default=6)),
                (
                    "max_failures",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="After so many failures in a row it waits for a person."
                    ),
                ),
                (
                    "monthly_cap",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="No training starts by itself once this month's jobs cost so much, in the account's money. 0: none.",
                    ),
                ),
                (
                    "advisor_may_veto",
                    models.BooleanField(
                        default=True,
                        help_text="Hold back a training that would gain less than the noise of the controls.",
                    ),
                ),
                (
                    "audit_target",
                    models.PositiveIntegerField(
                        default=training.models.policy.audit_target_at_first,
                        help_text="Control tickets to label; until then Teach mixes them in. 0: none.",
                        validators=[django.core.validators.MaxValueValidator(1000000)],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "retrain policy",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="policy_one_row")],
            },
        ),
        migrations.CreateModel(
            name="TestSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("rows", models.PositiveIntegerField()),
                (
                    "services",
                    models.JSONField(
                        default=dict, help_text='Rows per service code; "" for none of the services.'
                    ),
                ),
                ("rejected", models.PositiveIntegerField(default=0)),
                (
                    "errors",
                    models.JSONField(
                        default=list, help_text="The first rows that were not taken: [{line, code, params}]."
                    ),
                ),
                (
                    "taught",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Rows left out because tickets like them have taught or may teach a model.",
                    ),
                ),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "uploaded_by",
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
            },
        ),
        migrations.CreateModel(
            name="GateSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "precision",
                    models.FloatField(
                        default=0.95,
                        help_text="At least this share of the routed tickets is to be right.",
                        validators=[
                            django.core.validators.MinValueValidator(0.001),
                            django.core.validators.MaxValueValidator(0.999),
                        ],
                    ),
                ),
                (
                    "delta",
                    models.FloatField(
                        default=0.05,
                        help_text="The chance of being wrong about that, at most.",
                        validators=[
                            django.core.validators.MinValueValidator(0.001),
                            django.core.validators.MaxValueValidator(0.999),
                        ],
                    ),
                ),
                (
                    "groups",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Groups of services, by size, each with its own threshold. 0: none; each needs labels of its own.",
                        validators=[django.core.validators.MaxValueValidator(5)],
                    ),
                ),
                (
                    "service_groups",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Groups named by a lead, instead of those by size: [{name, services, precision}], services by code.",
                    ),
                ),
                (
                    "is_certificate_needed",
                    models.BooleanField(
                        default=True,
                        help_text="Stop versions whose promise is not certified. Uncertified ones route nothing anyway.",
                    ),
                ),
                (
                    "min_accuracy",
                    models.FloatField(
                        blank=True,
                        default=0.8,
                        help_text="Of all control tickets of a service. Empty: not asked.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "min_recall",
                    models.FloatField(
                        blank=True,
                        default=0.6,
                        help_text="Routed and right, of all control tickets of a service. Empty: not asked.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "min_coverage",
                    models.FloatField(
                        blank=True,
                        default=0.6,
                        help_text="Of the control tickets, routed without a person. Empty: not asked.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "max_calibration_error",
                    models.FloatField(
                        blank=True,
                        default=0.1,
                        help_text="How far stated confidence may be from the accuracy seen, on average. Empty: not asked.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "max_worse",
                    models.FloatField(
                        blank=True,
                        default=0.05,
                        help_text="Accuracy a service may lose against the version in production. Empty: not asked.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "max_latency_ms",
                    models.PositiveIntegerField(
                        blank=True,
                        default=500,
                        help_text="Of an answer, 95 of 100. Empty: not asked.",
                        null=True,
                    ),
                ),
                (
                    "minutes_escalation",
                    models.FloatField(
                        default=2.0,
                        help_text="A person's minutes to route a ticket that is escalated.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(10000.0),
                        ],
                    ),
                ),
                (
                    "minutes_misroute",
                    models.FloatField(
                        default=15.0,
                        help_text="A person's minutes lost by a ticket routed wrong.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(10000.0),
                        ],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "updated_by",
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
                "verbose_name_plural": "gate settings",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="gate_one_row")],
            },
        ),
        migrations.CreateModel(
            name="SnapshotRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row_hash", models.CharField(max_length=64)),
                ("code", models.CharField(max_length=64)),
                ("origin", models.CharField(blank=True, max_length=12)),
                ("text_hash", models.CharField(blank=True, max_length=32)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="training.datasetsnapshot",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("snapshot", "ticket"), name="snapshot_ticket_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TestRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("text_hash", models.CharField(max_length=32)),
                ("code", models.CharField(blank=True, max_length=64)),
                ("language", models.CharField(blank=True, max_length=8)),
                (
                    "test_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="training.testset",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("test_set", "text_hash"), name="test_row_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TrainingRun",
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
                ("phase", models.CharField(blank=True, max_length=32)),
                ("progress", models.FloatField(blank=True, help_text="0..1", null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                ("job_name", models.CharField(blank=True, max_length=63)),
                ("spec_hash", models.CharField(blank=True, max_length=64)),
                ("hyperparameters", models.JSONField(blank=True, default=dict)),
                ("base_model", models.CharField(blank=True, max_length=500)),
                (
                    "reason",
                    models.JSONField(
                        blank=True, default=dict, help_text="Why it was started: code and parameters."
                    ),
                ),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("failure_code", models.CharField(blank=True, max_length=64)),
                ("failure_reason", models.TextField(blank=True)),
                ("log_tail", models.TextField(blank=True)),
                (
                    "log_url",
                    models.CharField(
                        blank=True, help_text="Where the whole log is read in a browser.", max_length=500
                    ),
                ),
                ("artifact_uri", models.CharField(blank=True, max_length=500)),
                ("observed_at", models.DateTimeField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="training_runs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="training.datasetsnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("state__in", ["planned", "submitting", "running", "stopping"])),
                        name="run_single_flight",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("encoder", "Encoder"), ("classifier", "Classifier")], max_length=12
                    ),
                ),
                ("artifact_uri", models.CharField(max_length=500)),
                ("manifest", models.JSONField(default=dict)),
                ("manifest_hash", models.CharField(max_length=64)),
                ("encoder", models.CharField(max_length=16)),
                ("dim", models.PositiveIntegerField()),
                ("labels", models.JSONField(default=list)),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "run",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="model_version",
                        to="training.trainingrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="RunMetric",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField()),
                ("step", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=40)),
                ("value", models.FloatField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="metrics",
                        to="training.trainingrun",
                    ),
                ),
            ],
            options={
                "ordering": ["step"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "attempt", "name", "step"), name="run_metric_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="RetrainDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts", models.BooleanField()),
                ("code", models.CharField(max_length=40)),
                ("params", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="training.trainingrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="JobCost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job_name", models.CharField(max_length=63, unique=True)),
                ("purpose", models.CharField(help_text="training or transform", max_length=12)),
                ("instance_type", models.CharField(max_length=32)),
                ("seconds", models.PositiveIntegerField(default=0)),
                ("price_per_hour", models.FloatField(blank=True, null=True)),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="costs",
                        to="training.trainingrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "data",
                    models.CharField(
                        choices=[("audit", "Audit labels"), ("test", "Test set")], max_length=16
                    ),
                ),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="Of the tickets and labels it was measured on.", max_length=64
                    ),
                ),
                ("n", models.PositiveIntegerField()),
                ("accuracy", models.FloatField(blank=True, null=True)),
                ("macro_f1", models.FloatField(blank=True, null=True)),
                ("metrics", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluations",
                        to="training.modelversion",
                    ),
                ),
                (
                    "test_set",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluations",
                        to="training.testset",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_version", "data", "fingerprint"), name="evaluation_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PrecisionCertificate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "is_spent",
                    models.BooleanField(
                        default=False, help_text="Asked at a promotion: in force, and its labels count."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("certified", "Certified"),
                            ("no_audit_labels", "No audit labels"),
                            ("one_service", "One service only"),
                            ("unusable_probabilities", "Unusable probabilities"),
                            ("nothing_routable", "Nothing routable"),
                            ("too_few_labels", "Too few audit labels"),
                            ("too_many_errors", "Too many errors"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "precision",
                    models.FloatField(help_text="What was promised of the tickets that are routed."),
                ),
                ("delta", models.FloatField(help_text="The chance of being wrong that the promise allows.")),
                ("level", models.FloatField(help_text="The chance of being wrong it was tested at.")),
                (
                    "use",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How manyth asking of these labels; empty: they were fresh, tested at delta.",
                        null=True,
                    ),
                ),
                ("threshold", models.FloatField(blank=True, null=True)),
                ("audit_labels", models.PositiveIntegerField()),
                (
                    "tickets",
                    models.JSONField(
                        default=list, help_text="Ids of the audit tickets whose labels were asked."
                    ),
                ),
                ("window_from", models.DateField(blank=True, null=True)),
                ("window_to", models.DateField(blank=True, null=True)),
                ("promise", models.JSONField(default=dict, help_text="ml.certificate.Promise")),
                ("payload", models.JSONField(help_text="ml.certificate.Certificate")),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="Of the tickets, labels and answers, and the promise.", max_length=64
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="certificates",
                        to="training.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_spent", True)),
                        fields=("model_version", "fingerprint"),
                        name="certificate_spent_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistryEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True, help_text="The version's ARN; empty until registered.", max_length=500
                    ),
                ),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for a decision"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                (
                    "told",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for a decision"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("status", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, max_length=500)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model_version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="registry_entry",
                        to="training.modelversion",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "registry entries",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="EvaluationSheet",
            fields=[
                (
                    "evaluation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sheet",
                        serialize=False,
                        to="training.evaluation",
                    ),
                ),
                (
                    "columns",
                    models.JSONField(
                        help_text="ml.judging.Sheet; ids are of tickets, of a test set's rows for data=test."
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GateVerdict",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("passed", models.BooleanField()),
                ("reasons", models.JSONField(default=list, help_text="[{code, params, stops}]")),
                ("limits", models.JSONField(default=dict, help_text="ml.gate.Limits")),
                ("figures", models.JSONField(default=dict, help_text="ml.gate.Figures")),
                ("fingerprint", models.CharField(help_text="Of all it was given on.", max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "evaluation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="training.evaluation",
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="training.modelversion",
                    ),
                ),
                (
                    "production",
                    models.ForeignKey(
                        help_text="What it was compared with.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "certificate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="training.precisioncertificate",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="GateOverride",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(choices=[("observe", "Observe"), ("promote", "Promote")], max_length=8),
                ),
                ("codes", models.JSONField(default=list, help_text="What it overrides.")),
                ("reason", models.CharField(max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "verdict",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="overrides",
                        to="training.gateverdict",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
    ]
