"""What participants agreed to: read from the roster's columns, and what it rules out. Pure.

Where the roster never had any of these columns nothing is ruled out. Where it has them, a `no` and a withdrawal stop
whatever they are about, and an empty cell stops what has to be agreed to by name: quotation and archiving.
"""

from collections.abc import Iterable

from transcribe import tables
from transcribe.config import INTERVIEWER
from transcribe.errors import RosterError
from transcribe.participants import PARTICIPANT
from transcribe.schema import Consent, Kind, Person, Purpose, Quiet, record
from transcribe.tables import Table

COLUMNS = (*(purpose.value for purpose in Purpose), "consented", "withdrawn")
BY_NAME = frozenset({Purpose.QUOTE, Purpose.ARCHIVE})
"""What nobody has agreed to before she said so."""
YES, NO = "yes", "no"
_DOING = {
    Purpose.RECORD: "being recorded",
    Purpose.TRANSCRIBE: "transcription",
    Purpose.QUOTE: "quotation",
    Purpose.ARCHIVE: "archiving",
}


@record
class Obstacle(Quiet):
    """Why something is not to be done with a recording.

    `person_id` is empty where nobody is known who could have agreed; `purpose` is None where she has withdrawn;
    `said_no`: she refused it, else nothing is said of it. `linked` is False where who took part is not said, so that
    it may be the word of somebody who did not. `unknown`: it is said with an id that nobody has.
    """

    person_id: str
    purpose: Purpose | None = None
    said_no: bool = False
    linked: bool = True
    unknown: bool = False

    @property
    def said(self) -> str:
        """unknown, withdrawn, no, or not said."""
        if self.unknown:
            return "unknown"
        return "withdrawn" if self.purpose is None else "no" if self.said_no else "not said"


# --- the roster's columns -------------------------------------------------------------------------------------------


def read(table: Table, prefix: str, known: Iterable[Consent]) -> tuple[Consent, ...]:
    """What a roster that `people.read` takes says of everybody's consent; nothing where it has no such column.

    A column replaces what was known, an empty cell too; of a column that is not there, what was known stays.
    Raises RosterError that names the row and the column, never the person.
    """
    header, rows = table
    before = {one.person_id: one for one in known}
    said = []
    for number, row in rows if set(COLUMNS) & set(header) else ():
        cells = tables.spaced(row, number)
        if cells["kind"].lower() == Kind.PERSON:
            person_id = prefix + cells["id"]
            said.append(_said(cells, number, before.get(person_id, Consent(person_id=person_id))))
        elif filled := next((column for column in COLUMNS if cells.get(column)), ""):
            raise RosterError(f"row {number}: only people agree to anything", advice=f"leave {filled} empty there")
    return tuple(said)


def _said(cells: dict[str, str], number: int, before: Consent) -> Consent:
    answers = {p: _answer(cells[p], number, p) for p in Purpose if p in cells}
    agreed = tuple(p for p in Purpose if (answers[p] == YES if p in answers else p in before.agreed))
    refused = tuple(p for p in Purpose if (answers[p] == NO if p in answers else p in before.refused))
    on = cells.get("consented", before.on)
    if on and tables.iso_date(on) is None:
        raise RosterError(
            f"row {number}, column consented: no date", advice="write it as 2026-03-31, or leave it empty"
        )
    return Consent(
        person_id=before.person_id,
        agreed=agreed,
        refused=refused,
        on=on,
        withdrawn=_withdrawn(cells["withdrawn"], number) if "withdrawn" in cells else before.withdrawn,
    )


def _answer(cell: str, number: int, column: str) -> str:
    answer = cell.lower()
    if answer not in (YES, NO, ""):
        raise RosterError(
            f"row {number}, column {column}: neither yes nor no", advice="write one of them, or leave it empty"
        )
    return answer


def _withdrawn(cell: str, number: int) -> str:
    """An ISO date, "yes", or nothing for no."""
    answer = cell.lower()
    if answer not in (YES, NO, "") and tables.iso_date(answer) is None:
        raise RosterError(
            f"row {number}, column withdrawn: neither yes nor no nor a date",
            advice="write yes, or the day as 2026-03-31, or leave it empty",
        )
    return "" if answer == NO else answer


# --- what it rules out ----------------------------------------------------------------------------------------------


def asked(people: tuple[Person, ...], who: Iterable[str]) -> tuple[Person, ...]:
    """Whose agreement a recording needs: of those who took part the participants, else all but the interviewers."""
    here = _present(people, who)
    participants = tuple(person for person in here if person.role == PARTICIPANT)
    return participants or tuple(person for person in here if person.role != INTERVIEWER)


def obstacles(
    people: tuple[Person, ...], consents: tuple[Consent, ...], who: Iterable[str], purposes: Iterable[Purpose]
) -> tuple[Obstacle, ...]:
    """What stands against these purposes where `who` took part: withdrawals first, then a no, then what is not said.

    Of others than those who are asked only what they refused counts.
    """
    if not consents:
        return ()
    wanted, ids = tuple(purposes), tuple(who)
    to_ask = {person.id for person in asked(people, ids)}
    found = []
    for person in _present(people, ids):
        selves = {person.id, *(one.id for one in people if one.same_as == person.id)}
        said = tuple(one for one in consents if one.person_id in selves)
        found += _of(person.id, said, wanted, BY_NAME if person.id in to_ask else frozenset())
    if not to_ask:
        found += [Obstacle(person_id="", purpose=purpose) for purpose in wanted if purpose in BY_NAME]
    return tuple(sorted(found, key=lambda one: ("withdrawn", "no", "not said").index(one.said)))


def _of(
    person_id: str, said: tuple[Consent, ...], purposes: tuple[Purpose, ...], by_name: frozenset[Purpose]
) -> list[Obstacle]:
    if any(one.withdrawn for one in said):
        return [Obstacle(person_id=person_id)]
    refused = {purpose for one in said for purpose in one.refused}
    agreed = {purpose for one in said for purpose in one.agreed}
    return [
        Obstacle(person_id=person_id, purpose=purpose, said_no=purpose in refused)
        for purpose in purposes
        if purpose in refused or (purpose in by_name and purpose not in agreed)
    ]


def _present(people: tuple[Person, ...], who: Iterable[str]) -> tuple[Person, ...]:
    """The people with these ids; who is found to be somebody else is that one."""
    same = {person.id: person.same_as for person in people if person.same_as}
    ids = {same.get(one, one) for one in who}
    return tuple(person for person in people if person.id in ids and person.kind is Kind.PERSON)


def told(found: Iterable[Obstacle]) -> str:
    """Obstacles in words: ids and purposes alone."""
    grouped: dict[tuple[str, str], list[str]] = {}
    unlinked = False
    for one in found:
        unlinked = unlinked or not one.linked
        grouped.setdefault((one.person_id, one.said), []).append(_DOING[one.purpose] if one.purpose else "")
    said = ", ".join(_sentence(person_id, how, doing) for (person_id, how), doing in grouped.items())
    return f"who took part is not said, and {said}" if unlinked else said


def _sentence(person_id: str, how: str, doing: list[str]) -> str:
    if how == "unknown":
        return "who took part names an id that nobody has"
    what = " and ".join(doing)
    if how == "withdrawn":
        return f"{person_id} has withdrawn"
    if how == "no":
        return f"{person_id} said no to {what}"
    return f"{f'{person_id} is not' if person_id else 'nobody is'} known to agree to {what}"
