"""Fill Label Studio's database; runs in its environment, never in ours: reads {"texts", "scores", "people", "password",
"services"} as JSON from standard input and writes {"project": id, "tasks": [id, …]} to standard output.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HOME = Path(str(import_module("label_studio").__file__)).parent
CHUNK = 5000


def main() -> None:
    wanted = json.load(sys.stdin)
    sys.path.insert(0, str(HOME))
    os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
    import django

    out, sys.stdout = sys.stdout, sys.stderr  # it prints while it starts
    django.setup()
    json.dump(fill(wanted), out)


def fill(wanted: dict[str, Any]) -> dict[str, Any]:
    from django.apps import apps

    def model(app: str, name: str) -> Any:
        return apps.get_model(app, name)

    users = model("users", "User")
    people = [
        users.objects.create_user(email=f"{name}@bench.local", password=wanted["password"])
        for name in wanted["people"]
    ]
    house = model("organizations", "Organization").create_organization(created_by=people[0], title="Bench")
    for one in people:
        if one is not people[0]:
            house.add_user(one)
        one.active_organization = house
        one.save()
    choices = "".join(f'<Choice value="{service}"/>' for service in wanted["services"])
    project = model("projects", "Project").objects.create(
        title="Bench",
        created_by=people[0],
        organization=house,
        sampling="Uncertainty sampling",
        label_config=f'<View><Text name="text" value="$text"/><Choices name="label" toName="text">{choices}'
        "</Choices></View>",
        model_version="bench",
    )
    tasks, predictions = model("tasks", "Task"), model("tasks", "Prediction")
    ids: list[int] = []
    for at in range(0, len(wanted["texts"]), CHUNK):
        made = tasks.objects.bulk_create(
            tasks(project=project, data={"text": text}, overlap=1)
            for text in wanted["texts"][at : at + CHUNK]
        )
        predictions.objects.bulk_create(
            predictions(task=task, project=project, score=score, model_version="bench", result=[])
            for task, score in zip(made, wanted["scores"][at : at + CHUNK], strict=True)
        )
        ids += [task.pk for task in made]
    tasks.objects.filter(project=project).update(total_predictions=1)
    return {"project": project.pk, "tasks": ids}


if __name__ == "__main__":
    main()
