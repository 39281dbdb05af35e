"""Fill doccano's database; runs in its environment, never in ours: reads {"texts", "people", "password", "services"} as
JSON from standard input and writes {"project": id, "labels": [id, …], "tasks": [id, …]} to standard output.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HOME = Path(str(import_module("backend").__file__)).parent
CHUNK = 5000


def main() -> None:
    wanted = json.load(sys.stdin)
    sys.path.insert(0, str(HOME))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.production"
    import django

    out, sys.stdout = sys.stdout, sys.stderr
    django.setup()
    json.dump(fill(wanted), out)


def fill(wanted: dict[str, Any]) -> dict[str, Any]:
    from django.apps import apps
    from django.contrib.auth import get_user_model

    def model(app: str, name: str) -> Any:
        return apps.get_model(app, name)

    people = [
        get_user_model().objects.create_user(username=name, password=wanted["password"])  # type: ignore[attr-defined]
        for name in wanted["people"]
    ]
    project = model("projects", "TextClassificationProject").objects.create(
        name="Bench",
        description="bench",
        project_type="DocumentClassification",
        created_by=people[0],
        collaborative_annotation=True,
        single_class_classification=True,
    )
    role = model("roles", "Role").objects.get(name="annotator")
    for one in people:
        model("projects", "Member").objects.create(user=one, project=project, role=role)
    kinds = model("label_types", "CategoryType")
    labels = [kinds.objects.create(project=project, text=service).pk for service in wanted["services"]]
    examples = model("examples", "Example")
    for at in range(0, len(wanted["texts"]), CHUNK):
        examples.objects.bulk_create(
            [examples(project=project, text=text) for text in wanted["texts"][at : at + CHUNK]]
        )
    ids = list(
        examples.objects.filter(project=project).order_by("created_at", "pk").values_list("pk", flat=True)
    )
    return {"project": project.pk, "labels": labels, "tasks": ids}


if __name__ == "__main__":
    main()
