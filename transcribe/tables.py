"""CSV tables in and out: strict in what is read; nothing is written that a spreadsheet takes for a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import zip_longest
from pathlib import Path

from transcribe import store
from transcribe.errors import RosterError

MOST_BYTES = 5_000_000  # fifty thousand people
# What a spreadsheet takes for a formula (OWASP, "CSV injection"), full width too; and what only looks guarded.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

Table = tuple[list[str], list[tuple[int, dict[str, str]]]]
"""A header's cells, and rows by number in the file and by column."""


def load(file: Path, what: str) -> bytes:
    """The bytes of a table that a person named. Raises RosterError: it cannot be opened, or no table is so large."""
    try:
        data = store.read_at_most(file, MOST_BYTES)
    except OSError:
        raise RosterError(f"{what} cannot be opened", advice="check the file") from None
    if len(data) > MOST_BYTES:
        raise RosterError(f"{what} is larger than {MOST_BYTES // 1_000_000} MB", advice="check that it is the table")
    return data


def read(data: bytes, what: str) -> Table:
    """The header's cells in lower case, and the rows that are not empty, each with its number in the file.

    `what` names the table in messages. Raises RosterError that names the row, never what stands there.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RosterError(f"{what} is not UTF-8 text", advice="save it as CSV UTF-8") from None
    if "\x00" in text:
        raise RosterError(f"{what} is not a text file", advice="save it as CSV UTF-8")
    try:
        numbered = list(enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1))
    except csv.Error:
        raise RosterError(f"{what} is not a readable CSV file", advice="save it as CSV UTF-8") from None
    rows = [(number, row) for number, row in numbered if any(cell.strip() for cell in row)]
    if not rows:
        raise RosterError(f"{what} is empty", advice="begin from `transcribe people STUDY template`")
    header = [cell.strip().lower() for cell in rows[0][1]]
    for number, row in rows[1:]:
        if len(row) > len(header):
            raise RosterError(
                f"row {number} has more cells than there are columns", advice='put a cell with a comma into "quotes"'
            )
    return header, [(number, dict(zip_longest(header, row, fillvalue=""))) for number, row in rows[1:]]


def iso_date(text: str) -> date | None:
    """The day that is written as 2026-11-28; None for anything else."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def spaced(row: dict[str, str], number: int) -> dict[str, str]:
    """A row with single spaces in its cells. Raises RosterError for control characters."""
    cells = {key: " ".join(value.split()) for key, value in row.items()}
    if any(unicodedata.category(char) in ("Cc", "Cs") for value in cells.values() for char in value):
        raise RosterError(f"row {number} holds control characters", advice="remove them")
    return cells


def write(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file: UTF-8, LF; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([guarded(str(cell)) for cell in row] for row in rows)
    return buffer.getvalue().encode()


def guarded(cell: str) -> str:
    """The cell as text: with one apostrophe before it if it, or what follows its own apostrophes, begins a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell without the apostrophe that `guarded` put before it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
