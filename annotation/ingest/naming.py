"""Gives each row of a file its external id, and notices when two rows claim the same one."""

from annotation.ingest.checking import ReadyRow
from annotation.reading import RowProblem


class Names:
    """The external ids met in one import.

    A row without an id is named after its text and how often that came: a file brought in twice gives the same
    names. Of rows that claim one id the first counts (in an export of conversations it is the customer's first
    message): the same text again is a repeat, another text is a problem. Were the last to count, a second import
    of the file would change the ticket back and forth.
    """

    def __init__(self) -> None:
        self._times: dict[int, int] = {}  # by hash of the text: 100,000 rows take a few megabytes
        self._texts: dict[int, int] = {}  # hash of an external id -> hash of its text

    def take(self, row: ReadyRow) -> RowProblem | None:
        """Name a row, or mark it as a repeat; returns what is wrong with its id, if anything is."""
        text = int(row.text_hash[:16], 16)
        if not row.external_id:
            times = self._times[text] = self._times.get(text, 0) + 1
            row.external_id = f"text-{row.text_hash[:20]}-{times}"
            return None
        name = hash(row.external_id)
        if name not in self._texts:
            self._texts[name] = text
            return None
        row.is_repeat = True
        is_same = self._texts[name] == text
        return None if is_same else RowProblem(row.line, "repeated_id", {"external_id": row.external_id})
