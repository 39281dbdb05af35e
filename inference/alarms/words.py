"""What an alarm says, in the installation's language: what happened, what was seen, what to do. Pure functions.

Names, figures and services only: a message leaves the house, a ticket's text does not.
"""

from typing import Any

from inference.models import AlarmKind

SUBJECT = {
    "en": {
        "rolled_back": "Version {version} was sent back; version {back_to} routes again",
        "rolled_back_people": "Version {version} was sent back; people get every ticket",
        "held": "Every ticket goes to people: version {version} broke its promise",
        "refuted": "Version {version} breaks its promise and still routes",
        "canary_stopped": "The canary of version {version} was stopped; what routed before routes all",
        "drift": "Tickets or answers have changed",
        "test": "A test: alarms arrive here",
    },
    "fr": {
        "rolled_back": "La version {version} a été retirée ; la version {back_to} route de nouveau",
        "rolled_back_people": "La version {version} a été retirée ; chaque ticket va à une personne",
        "held": "Chaque ticket va à une personne : la version {version} n’a pas tenu sa promesse",
        "refuted": "La version {version} ne tient pas sa promesse et route toujours",
        "canary_stopped": "La version {version}, qui n’orientait encore qu’une part des tickets, a été arrêtée",
        "drift": "Les tickets ou les réponses ont changé",
        "test": "Un essai : les alertes arrivent ici",
    },
}
FOUND = {
    "en": {
        "precision_below": "Only {right} of {known} routed tickets were right; {promised} were promised.",
        "unavailable": "{failed} of the last {total} tickets got no answer.",
        "slow": "95 of 100 answers took up to {p95_ms} ms; {most_ms} ms are allowed.",
        "input_moved": "Tickets are about other things than before.",
        "unlike_snapshot": "Tickets are farther from those the model learned from than before.",
        "mix_moved": "The model names services in other shares than before.",
        "escalations_up": "{value} of the tickets go to a person now, {reference} before.",
        "escalations_down": "{value} of the tickets go to a person now, {reference} before.",
        "precision_broken": "Only {right} of {total} control tickets in {days} days went right.",
        "service_precision_broken": "{service}: only {right} of {total} control tickets in {days} days went right.",
    },
    "fr": {
        "precision_below": "Seuls {right} des {known} tickets routés étaient justes ; {promised} étaient promis.",
        "unavailable": "{failed} des {total} derniers tickets sont restés sans réponse.",
        "slow": "95 réponses sur 100 ont pris jusqu’à {p95_ms} ms ; {most_ms} ms sont admises.",
        "input_moved": "Les tickets parlent d’autre chose qu’avant.",
        "unlike_snapshot": "Les tickets s’éloignent de ceux que le modèle a appris.",
        "mix_moved": "Le modèle nomme les services dans d’autres proportions qu’avant.",
        "escalations_up": "{value} des tickets vont à une personne, contre {reference} avant.",
        "escalations_down": "{value} des tickets vont à une personne, contre {reference} avant.",
        "precision_broken": "Seuls {right} des {total} tickets de contrôle en {days} jours sont allés au bon service.",
        "service_precision_broken": "{service} : seuls {right} des {total} tickets de contrôle en {days} jours sont "
        "allés au bon service.",
    },
}
HELD_BACK = {
    "en": {
        "all": "Until a lead has looked, people get every ticket.",
        "one": "Until then people get its tickets.",
    },
    "fr": {
        "all": "D’ici à ce qu’un responsable ait regardé, chaque ticket va à une personne.",
        "one": "D’ici là, ses tickets vont à une personne.",
    },
}
DO = {
    "en": {
        "watch": "Read the alarm on the page Observation: it stands there with its figures.",
        "drift": "The dashboard says what to do about each change.",
        "test": "Nothing is to be done.",
    },
    "fr": {
        "watch": "Lisez l’alerte sur la page Observation : elle s’y trouve avec ses chiffres.",
        "drift": "Le tableau de bord dit que faire de chaque changement.",
        "test": "Il n’y a rien à faire.",
    },
}
SHARES = {"promised", "value", "reference"}


def subject(kind: str, params: dict[str, Any], language: str) -> str:
    """One line."""
    key = "rolled_back_people" if kind == AlarmKind.ROLLED_BACK and params.get("back_to") is None else kind
    return SUBJECT[_known(language)][key].format(**params)


def body(kind: str, params: dict[str, Any], language: str, link: str) -> str:
    """A few short lines; the last one is where to look."""
    language = _known(language)
    lines = [line for one in params.get("found", []) if (line := _found(one, language))]
    about = {"test": "test", "drift": "drift"}.get(kind, "watch")
    return "\n".join([*lines, DO[language][about], *([link] if link else [])])


def page(kind: str) -> str:
    """Where the house shows it."""
    return {"test": "/home", "drift": "/dashboard"}.get(kind, "/observation")


def _found(one: dict[str, Any], language: str) -> str:
    figures = {name: _figure(name, value, language) for name, value in one.get("params", {}).items()}
    line = FOUND[language].get(one.get("code", ""), "").format(**figures)
    held = HELD_BACK[language].get(one.get("held", ""))
    return f"{line} {held}" if line and held else line


def _figure(name: str, value: Any, language: str) -> str:
    if name not in SHARES or not isinstance(value, int | float):
        return str(value)
    return f"{100 * value:.0f}\u202f%" if language == "fr" else f"{100 * value:.0f}%"


def _known(language: str) -> str:
    return "fr" if language.startswith("fr") else "en"
