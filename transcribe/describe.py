"""What a researcher knows of her people and recordings beside names: attributes for cases, and where topics begin."""

import re
from pathlib import Path

from transcribe import audit, tables
from transcribe.errors import RosterError
from transcribe.vault import PERSON, RECORDING, Attributes, Topic, Unlocked, Vault, with_attributes, with_topics
from transcribe.wordforms import FormIndex

MOST_CHARACTERS = 200
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{2}(?:\.\d{1,3})?)")


def attributes(data: bytes, vault: Vault) -> tuple[Attributes, ...]:
    """The rows of attributes.csv: `id` of a person or a recording, then any columns, empty cells left out.

    Raises RosterError that names the row and the column: an unknown id, one that comes twice, a name of the study in a
    cell or a title.
    """
    header, rows = tables.read(data, "the table of attributes")
    if not header or header[0] != "id" or len(set(header)) != len(header) or not all(header):
        raise RosterError("the first column of attributes is id, and each has a title of its own", advice="correct it")
    index = FormIndex(vault.people)
    _check_cells(dict(enumerate(header, 1)), index, 1)
    people = {person.id: f"{PERSON}{person.id}" for person in vault.people}
    recordings = {entry.id: f"{RECORDING}{entry.id}" for entry in vault.recordings}
    known = {*people.values(), *recordings.values()}
    found: dict[str, Attributes] = {}
    for number, row in rows:
        cells = tables.spaced(row, number)
        said = cells.pop("id")
        meant = [said] if said in known else [ids[said] for ids in (people, recordings) if said in ids]
        if len(meant) != 1:
            which = "both a person and a recording have" if meant else "no person and no recording has"
            raise RosterError(f"row {number}: {which} this id", advice="correct it, or write person:ID or recording:ID")
        whose = meant[0]
        if whose in found:
            raise RosterError(f"row {number} has the id of an earlier row", advice="give each one row")
        _check_cells(dict(enumerate(cells.values(), 2)), index, number)
        found[whose] = Attributes(of=whose, values=tuple((title, cell) for title, cell in cells.items() if cell))
    return tuple(found.values())


def topics(data: bytes, vault: Vault) -> tuple[Topic, ...]:
    """The rows of topics.csv: recording, start ([hh:]mm:ss), topic; in order. Raises RosterError that names the row."""
    header, rows = tables.read(data, "the table of topics")
    if header != ["recording", "start", "topic"]:
        raise RosterError("the columns of topics are recording, start, topic", advice="correct the first row")
    index = FormIndex(vault.people)
    recordings = {entry.id for entry in vault.recordings}
    found = []
    for number, row in rows:
        cells = tables.spaced(row, number)
        clock = _CLOCK.fullmatch(cells["start"])
        if cells["recording"] not in recordings or clock is None or not cells["topic"]:
            raise RosterError(
                f"row {number}: no recording of this study, no time such as 00:12:30, or no topic", advice="correct it"
            )
        _check_cells({3: cells["topic"]}, index, number)
        hours, minutes, seconds = clock.groups()
        start_s = 3600.0 * int(hours or 0) + 60.0 * int(minutes) + float(seconds)
        found.append(Topic(recording_id=cells["recording"], start_s=start_s, title=cells["topic"]))
    return tuple(sorted(found, key=lambda topic: (topic.recording_id, topic.start_s)))


def _check_cells(cells: dict[int, str], index: FormIndex, row: int) -> None:
    for column, cell in cells.items():
        if index.find(cell):
            raise RosterError(
                f"row {row}, column {column} holds a name of this study", advice="it would be released: use other words"
            )
        if len(cell) > MOST_CHARACTERS:
            raise RosterError(f"row {row}, column {column} is too long", advice=f"at most {MOST_CHARACTERS} characters")


def bring_in_attributes(unlocked: Unlocked, file: Path) -> int:
    """Put a file of attributes into the vault; how many people and recordings it describes. Raises RosterError."""
    read = attributes(tables.load(file, "the table"), unlocked.vault)
    unlocked.change(lambda vault: with_attributes(vault, read))
    audit.append(unlocked.study.audit_path, "attributes imported", count=len(read))
    return len(read)


def bring_in_topics(unlocked: Unlocked, file: Path) -> int:
    """Put a file of topics into the vault, in place of those its recordings had; how many. Raises RosterError."""
    read = topics(tables.load(file, "the table"), unlocked.vault)
    unlocked.change(lambda vault: with_topics(vault, read))
    audit.append(unlocked.study.audit_path, "topics imported", count=len(read))
    return len(read)
