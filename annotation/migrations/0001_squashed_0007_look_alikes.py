"""All of annotation, in one step: seven migrations came before, and an installation that ran them all has this one too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Two unlogged partitions, one a slot: what they hold is written anew by the next ranking.
SCORES = """
CREATE TABLE annotation_ticketscore (
    slot smallint NOT NULL CHECK (slot >= 0),
    ticket_id bigint NOT NULL,
    uncertainty double precision NOT NULL,
    outlier double precision NOT NULL,
    service_id bigint,
    probability double precision,
    second_service_id bigint,
    second_probability double precision,
    PRIMARY KEY (slot, ticket_id)
) PARTITION BY LIST (slot);
CREATE UNLOGGED TABLE annotation_ticketscore_0 PARTITION OF annotation_ticketscore FOR VALUES IN (0);
CREATE UNLOGGED TABLE annotation_ticketscore_1 PARTITION OF annotation_ticketscore FOR VALUES IN (1);
CREATE INDEX score_uncertainty ON annotation_ticketscore (slot, uncertainty, ticket_id);
CREATE INDEX score_outlier ON annotation_ticketscore (slot, outlier, ticket_id);
CREATE INDEX score_service ON annotation_ticketscore (slot, service_id, ticket_id);
"""

# The queue is rewritten after every few labels: clean up behind it soon, whatever its size.
QUEUE = """
ALTER TABLE annotation_queueitem SET
    (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
"""


class Migration(migrations.Migration):
    replaces = [
        ("annotation", "0001_initial"),
        ("annotation", "0002_reopened_round"),
        ("annotation", "0003_served_record"),
        ("annotation", "0004_score_partitions"),
        ("annotation", "0005_live_tickets"),
        ("annotation", "0006_written_tickets"),
        ("annotation", "0007_look_alikes"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("filename", models.CharField(blank=True, max_length=255)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="Where the upload lies until it is read.", max_length=500
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("rows_read", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                (
                    "duplicates",
                    models.PositiveIntegerField(
                        default=0, help_text="New tickets whose text equals an earlier one's."
                    ),
                ),
                ("rejected", models.PositiveIntegerField(default=0)),
                ("masked", models.JSONField(blank=True, default=dict)),
                ("errors", models.JSONField(blank=True, default=list)),
                ("services_created", models.JSONField(blank=True, default=list)),
                (
                    "failure",
                    models.JSONField(
                        blank=True, default=dict, help_text="Code and parameters, if the whole file failed."
                    ),
                ),
                ("bytes_total", models.BigIntegerField(default=0)),
                ("bytes_read", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="imports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ScoreGeneration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.PositiveSmallIntegerField()),
                ("is_current", models.BooleanField(default=False)),
                ("tickets", models.PositiveIntegerField(default=0)),
                ("labels_used", models.PositiveIntegerField(default=0)),
                (
                    "last_annotation_id",
                    models.BigIntegerField(default=0, help_text="Newest annotation the head has seen."),
                ),
                ("encoder", models.CharField(blank=True, max_length=16)),
                ("seconds", models.FloatField(default=0, help_text="Refit and ranking together.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("is_current",),
                        name="score_generation_one_current",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Service",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("name_fr", models.CharField(blank=True, max_length=80)),
                ("description", models.CharField(blank=True, max_length=300)),
                (
                    "guideline",
                    models.TextField(
                        blank=True,
                        help_text="Markdown: what belongs here, what does not, borderline examples.",
                    ),
                ),
                (
                    "keywords",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Words an expert expects; used for the cold start only.",
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        help_text="The keyboard key, for life. Empty: chosen by typing the name.",
                        max_length=1,
                    ),
                ),
                (
                    "color",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Index into the page's colour-blind-safe set."
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("key",),
                        name="service_key_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=200, unique=True)),
                ("text", models.TextField()),
                ("original_text", models.TextField(blank=True)),
                ("text_hash", models.CharField(max_length=32)),
                ("group", models.CharField(max_length=32)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("channel", models.CharField(blank=True, max_length=32)),
                ("received_at", models.DateTimeField()),
                ("metadata", models.JSONField(blank=True, default=dict)),
                (
                    "masked",
                    models.JSONField(
                        blank=True, default=dict, help_text="How many of each kind were masked."
                    ),
                ),
                ("is_audit", models.BooleanField(default=False)),
                ("audit_rank", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("labelled", "Labelled"),
                            ("flagged", "Flagged"),
                            ("set_aside", "Set aside"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "label_source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("person", "A person"),
                            ("similar", "Same text as one a person labelled"),
                            ("import", "Imported"),
                            ("outcome", "Moved by the desk"),
                        ],
                        max_length=8,
                    ),
                ),
                ("labelled_at", models.DateTimeField(blank=True, null=True)),
                ("round", models.PositiveSmallIntegerField(default=0)),
                (
                    "reopened_at_round",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Decisions of earlier rounds no longer count."
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("customer", "A customer"), ("written", "An expert, to teach with")],
                        db_default="customer",
                        default="customer",
                        max_length=8,
                    ),
                ),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "label",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
                        to="annotation.service",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["group"], name="ticket_group"),
                    models.Index(fields=["text_hash"], name="ticket_text_hash"),
                    models.Index(fields=["received_at", "id"], name="ticket_received"),
                    models.Index(fields=["status", "id"], name="ticket_status"),
                    models.Index(
                        condition=models.Q(("origin", "written")),
                        fields=["label", "id"],
                        name="ticket_written",
                    ),
                    models.Index(
                        condition=models.Q(("label__isnull", False)),
                        fields=["label", "id"],
                        name="ticket_label",
                    ),
                    models.Index(
                        condition=models.Q(("labelled_at__isnull", False)),
                        fields=["labelled_at"],
                        name="ticket_labelled",
                    ),
                    models.Index(
                        models.F("audit_rank"),
                        condition=models.Q(("is_audit", True), ("status", "open")),
                        name="ticket_audit_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("origin", "written"), _negated=True),
                            models.Q(("is_audit", False), models.Q(("status", "open"), _negated=True)),
                            _connector="OR",
                        ),
                        name="ticket_written_is_no_control",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("label__isnull", False),
                                ("labelled_at__isnull", False),
                                ("status", "labelled"),
                            ),
                            models.Q(
                                models.Q(("status", "labelled"), _negated=True), ("label__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="ticket_labelled_has_label",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Serving",
            fields=[
                ("lease", models.UUIDField(primary_key=True, serialize=False)),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "mode",
                    models.CharField(
                        choices=[("teach", "Teach"), ("check", "Check"), ("import", "Import")], max_length=6
                    ),
                ),
                (
                    "lane",
                    models.CharField(
                        choices=[
                            ("start", "Typical (cold start)"),
                            ("exploit", "Hesitation"),
                            ("novelty", "Unlike anything seen"),
                            ("audit", "Random control"),
                            ("confirm", "Prediction near the threshold"),
                            ("weak", "Imported label"),
                            ("suspect", "Label the model doubts"),
                            ("spot", "Spot check of a sure prediction"),
                            ("live", "A customer is waiting"),
                            ("outcome", "Moved by the desk"),
                            ("failure", "Like a ticket a candidate got wrong"),
                        ],
                        max_length=8,
                    ),
                ),
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
            options={
                "ordering": ["-served_at"],
                "indexes": [models.Index(fields=["served_at"], name="serving_when")],
            },
        ),
        migrations.CreateModel(
            name="QueueItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("teach", "Teach"), ("check", "Check"), ("import", "Import")], max_length=6
                    ),
                ),
                ("position", models.FloatField()),
                (
                    "lane",
                    models.CharField(
                        choices=[
                            ("start", "Typical (cold start)"),
                            ("exploit", "Hesitation"),
                            ("novelty", "Unlike anything seen"),
                            ("audit", "Random control"),
                            ("confirm", "Prediction near the threshold"),
                            ("weak", "Imported label"),
                            ("suspect", "Label the model doubts"),
                            ("spot", "Spot check of a sure prediction"),
                            ("live", "A customer is waiting"),
                            ("outcome", "Moved by the desk"),
                            ("failure", "Like a ticket a candidate got wrong"),
                        ],
                        max_length=8,
                    ),
                ),
                ("uncertainty", models.FloatField(blank=True, null=True)),
                ("outlier", models.FloatField(blank=True, null=True)),
                ("sampling_probability", models.FloatField(blank=True, null=True)),
                ("suggested_probability", models.FloatField(blank=True, null=True)),
                ("second_probability", models.FloatField(blank=True, null=True)),
                (
                    "candidates",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="[[service id, probability], …], best first, at most 5.",
                    ),
                ),
                ("generation", models.BigIntegerField(default=0)),
                (
                    "waiting_since",
                    models.DateTimeField(
                        blank=True, help_text="Since when a customer waits for this decision.", null=True
                    ),
                ),
                (
                    "asked_because",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="Why the routing asked a person (a code).",
                        max_length=20,
                    ),
                ),
                ("lease", models.UUIDField(blank=True, null=True, unique=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "leased_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leases",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "second_service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "suggested_service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.service",
                    ),
                ),
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queue_item",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["mode", "position"],
                "indexes": [
                    models.Index(fields=["mode", "position"], name="queue_order"),
                    models.Index(
                        condition=models.Q(("leased_by__isnull", False)),
                        fields=["leased_by"],
                        name="queue_held",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease__isnull", True), ("leased_until__isnull", True)),
                            models.Q(("lease__isnull", False), ("leased_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="queue_lease_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AnswerKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        blank=True, help_text="A service's code, or empty for none of them.", max_length=64
                    ),
                ),
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answer_key",
                        to="annotation.ticket",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Annotation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("label", "Label"),
                            ("none", "None of these"),
                            ("two", "Two services"),
                            ("skip", "Skip"),
                            ("flag", "Flag"),
                            ("undo", "Undo"),
                        ],
                        max_length=6,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000)),
                (
                    "mode",
                    models.CharField(
                        choices=[("teach", "Teach"), ("check", "Check"), ("import", "Import")], max_length=6
                    ),
                ),
                (
                    "key",
                    models.UUIDField(
                        blank=True, help_text="The client's idempotency key.", null=True, unique=True
                    ),
                ),
                (
                    "lane",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("start", "Typical (cold start)"),
                            ("exploit", "Hesitation"),
                            ("novelty", "Unlike anything seen"),
                            ("audit", "Random control"),
                            ("confirm", "Prediction near the threshold"),
                            ("weak", "Imported label"),
                            ("suspect", "Label the model doubts"),
                            ("spot", "Spot check of a sure prediction"),
                            ("live", "A customer is waiting"),
                            ("outcome", "Moved by the desk"),
                            ("failure", "Like a ticket a candidate got wrong"),
                        ],
                        max_length=8,
                    ),
                ),
                ("sampling_probability", models.FloatField(blank=True, null=True)),
                ("uncertainty", models.FloatField(blank=True, null=True)),
                ("outlier", models.FloatField(blank=True, null=True)),
                ("suggested_probability", models.FloatField(blank=True, null=True)),
                ("generation", models.BigIntegerField(blank=True, null=True)),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "annotator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="annotations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source_annotation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="copies",
                        to="annotation.annotation",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="undone_by",
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
                        related_name="annotations",
                        to="annotation.service",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="annotations",
                        to="annotation.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["annotator", "-id"], name="annotation_by_person"),
                    models.Index(fields=["ticket", "-id"], name="annotation_by_ticket"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("kind", "undo"), _negated=True), ("source_annotation__isnull", True)
                        ),
                        fields=("ticket", "annotator", "round"),
                        name="annotation_once_a_round",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "label"),
                                ("second_service__isnull", True),
                                ("service__isnull", False),
                                ("undoes__isnull", True),
                            ),
                            models.Q(
                                ("kind", "two"),
                                ("second_service__isnull", False),
                                ("service__isnull", False),
                                ("undoes__isnull", True),
                            ),
                            models.Q(
                                ("kind__in", ["none", "skip", "flag"]),
                                ("service__isnull", True),
                                ("undoes__isnull", True),
                            ),
                            models.Q(("kind", "undo"), ("undoes__isnull", False)),
                            _connector="OR",
                        ),
                        name="annotation_kind_fits",
                    ),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(SCORES, "DROP TABLE annotation_ticketscore")],
            state_operations=[
                migrations.CreateModel(
                    name="TicketScore",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "slot",
                                "ticket_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("slot", models.PositiveSmallIntegerField()),
                        ("uncertainty", models.FloatField()),
                        ("outlier", models.FloatField()),
                        ("probability", models.FloatField(null=True)),
                        ("second_probability", models.FloatField(null=True)),
                        (
                            "second_service",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="annotation.service",
                            ),
                        ),
                        (
                            "service",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="annotation.service",
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="scores",
                                to="annotation.ticket",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["slot", "uncertainty", "ticket"], name="score_uncertainty"),
                            models.Index(fields=["slot", "outlier", "ticket"], name="score_outlier"),
                            models.Index(fields=["slot", "service", "ticket"], name="score_service"),
                        ],
                    },
                ),
            ],
        ),
        migrations.RunSQL(QUEUE, migrations.RunSQL.noop),
    ]
