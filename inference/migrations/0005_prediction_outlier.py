from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0004_lone_tickets"),
    ]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="outlier",
            field=models.FloatField(
                help_text="How strange the ticket is to the version: 0 = ordinary, 1 = the strangest.",
                null=True,
            ),
        ),
    ]
