"""What became of an import, counted as it goes."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from annotation.reading import RowProblem

ERRORS_KEPT = 200


@dataclass
class Report:
    """Counts of rows; ``duplicates`` are new tickets whose text equals an earlier one's.

    ``errors`` holds the first 200 problems. A problem with a row's label alone is listed but the ticket is
    kept, so ``rejected`` counts rows that were not taken at all. ``naive_dates`` counts dates without a zone,
    which were read in the installation's.
    """

    rows_read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, Any]] = field(default_factory=list)
    services_created: list[str] = field(default_factory=list)
    naive_dates: int = 0
    warnings: list[str] = field(default_factory=list)

    def reject(self, problem: RowProblem) -> None:
        """Count a row that was not taken."""
        self.rejected += 1
        self.note(problem)

    def note(self, problem: RowProblem) -> None:
        """List a problem."""
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append({"line": problem.line, "code": problem.code, "params": problem.params})

    def values(self) -> dict[str, Any]:
        """Fields of ``ImportRun``."""
        return {
            "rows_read": self.rows_read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "masked": dict(self.masked),
            "errors": self.errors,
            "services_created": self.services_created,
        }
