"""Models from the rows of plain statements, whole and in the order of their fields."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection
from django.db.models import JSONField, Model

Row = TypeVar("Row", bound=Model)


def columns(model: type[Model], alias: str) -> str:
    """Every column of the model, for a SELECT."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def made(model: type[Row], values: Sequence[object]) -> Row:
    """The model's instance from a row's values, in the order of ``columns``."""
    fields = model._meta.concrete_fields
    read = [
        field.from_db_value(value, None, connection) if isinstance(field, JSONField) else value
        for field, value in zip(fields, values, strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], read)
