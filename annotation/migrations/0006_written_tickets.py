from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_live_tickets")]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="origin",
            field=models.CharField(
                choices=[("customer", "A customer"), ("written", "An expert, to teach with")],
                db_default="customer",
                default="customer",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=~models.Q(origin="written") | models.Q(is_audit=False) & ~models.Q(status="open"),
                name="ticket_written_is_no_control",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(origin="written"), fields=["label", "id"], name="ticket_written"
            ),
        ),
    ]
