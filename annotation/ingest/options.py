"""What the columns of a file mean."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from accounts.errors import Refused
from annotation.models import LabelUse

_GUESSES = {
    "text_column": ("text", "message", "body", "content", "texte", "description", "ticket", "question"),
    "label_column": ("service", "label", "category", "categorie", "catégorie", "intent", "queue", "team"),
    "external_id_column": ("external_id", "id", "ticket_id", "reference", "ref", "numero", "number"),
    "received_at_column": ("received_at", "created_at", "date", "received", "created", "timestamp"),
    "channel_column": ("channel", "canal", "source"),
    "language_column": ("language", "lang", "langue", "locale"),
}


@dataclass(frozen=True)
class ImportOptions:
    """How to read a file. An empty column name means there is none; the text column is always needed.

    ``is_live``: routed tickets, which come one by one and are read by a model already. Nobody is nudged for them:
    beat finds them.
    """

    text_column: str = "text"
    label_column: str = ""
    label_as: str = LabelUse.LABELS.value
    service_from_labels: bool = False
    external_id_column: str = ""
    received_at_column: str = ""
    channel_column: str = ""
    language_column: str = ""
    metadata_columns: tuple[str, ...] = ()
    all_metadata: bool = False
    encoding: str = ""
    delimiter: str = ""
    format: str = ""
    is_demo: bool = False
    is_live: bool = False

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ImportOptions":
        """Rebuild from what ``to_json`` stored; unknown names are ignored."""
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        kept["metadata_columns"] = tuple(kept.get("metadata_columns") or ())
        return cls(**kept)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "metadata_columns": list(self.metadata_columns)}

    def named_columns(self) -> dict[str, str]:
        """Option -> column, of those that are set."""
        names = [f.name for f in fields(self) if f.name.endswith("_column")]
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def check_columns(options: ImportOptions, columns: list[str]) -> None:
    """Refuse an option that names a column the file does not have, saying which there are."""
    wanted = [*options.named_columns().values(), *options.metadata_columns]
    if not options.text_column:
        raise Refused(
            "text_column_needed", "Say which column holds the ticket's text.", status=400, columns=columns
        )
    for column in wanted:
        if column not in columns:
            raise Refused(
                "unknown_column",
                f"There is no column {column!r}; the file has: {', '.join(columns)}.",
                status=400,
                column=column,
                columns=columns,
            )


def guess_columns(columns: list[str]) -> dict[str, str]:
    """The columns these names most likely mean, for the upload page to start from."""
    by_name = {column.casefold(): column for column in columns}
    guess = {
        option: next((by_name[name] for name in names if name in by_name), "")
        for option, names in _GUESSES.items()
    }
    if not guess["text_column"] and columns:
        guess["text_column"] = columns[0]
    return guess
