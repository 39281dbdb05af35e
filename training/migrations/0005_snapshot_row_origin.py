from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0004_evaluation_and_gate")]

    operations = [
        migrations.AddField(
            model_name="snapshotrow",
            name="origin",
            field=models.CharField(blank=True, default="", max_length=12),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="snapshotrow",
            name="text_hash",
            field=models.CharField(blank=True, default="", max_length=32),
            preserve_default=False,
        ),
    ]
