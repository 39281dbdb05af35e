"""The score table becomes two unlogged partitions, one a slot; what it held is written anew by the next ranking."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
DROP TABLE annotation_ticketscore;
UPDATE annotation_scoregeneration SET is_current = false;
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


def _loose(to: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        to=to,
        **more,
    )


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_served_record")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD)],
            state_operations=[
                migrations.DeleteModel("TicketScore"),
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
                        ("ticket", _loose("annotation.ticket", related_name="scores")),
                        ("uncertainty", models.FloatField()),
                        ("outlier", models.FloatField()),
                        ("service", _loose("annotation.service", related_name="+", null=True)),
                        ("probability", models.FloatField(null=True)),
                        ("second_service", _loose("annotation.service", related_name="+", null=True)),
                        ("second_probability", models.FloatField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["slot", "uncertainty", "ticket"], name="score_uncertainty"),
                            models.Index(fields=["slot", "outlier", "ticket"], name="score_outlier"),
                            models.Index(fields=["slot", "service", "ticket"], name="score_service"),
                        ]
                    },
                ),
            ],
        )
    ]
