"""Takes tickets in: checks each row, masks it, writes it once, says what became of it.

Codes a page must be able to say. A file as a whole: see ``annotation.reading.open_file``, and text_column_needed,
unknown_column, file_too_large, file_gone, unexpected. A row not taken: unreadable_row, unclosed_quote, wrong_width,
bad_encoding, bad_json, not_an_object, empty_text, text_too_long, not_a_text, bad_characters, not_a_number, too_nested,
value_too_long, metadata_too_long, bad_date, date_out_of_range, repeated_id. A row taken without its label:
unknown_service, too_many_services. Warnings: read_as_latin1, spoilt_utf8, naive_times.
"""

from annotation.ingest.checking import ReadyRow, is_naive_time
from annotation.ingest.live import live_write
from annotation.ingest.options import ImportOptions, check_columns, guess_columns
from annotation.ingest.report import Report
from annotation.ingest.run import import_file, ingest_records, records_check
from annotation.ingest.writing import rows_insert

__all__ = [
    "ImportOptions",
    "ReadyRow",
    "Report",
    "check_columns",
    "guess_columns",
    "import_file",
    "ingest_records",
    "is_naive_time",
    "live_write",
    "records_check",
    "rows_insert",
]
