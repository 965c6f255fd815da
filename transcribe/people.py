"""The roster: a CSV of everybody the study knows beforehand, to people of the vault."""

import re
from collections.abc import Collection, Container, Iterable
from dataclasses import replace
from pathlib import Path

from transcribe import audit, consent, pseudonyms, tables
from transcribe.config import known_role
from transcribe.detect import defaults, lexicon
from transcribe.errors import RosterError
from transcribe.schema import Consent, Kind, Person
from transcribe.tables import Table
from transcribe.vault import Rendering, Unlocked, Vault, with_consents, with_people
from transcribe.wordforms import FormIndex, folded, names_alone, parted, search_forms, whole_parts

COLUMNS = ("id", "kind", "role", "names", "relation", "of", "pseudonym", "heard", "general", *consent.COLUMNS)
KINDS = {"person": Kind.PERSON, "place": Kind.PLACE, "service": Kind.SERVICE, "organisation": Kind.ORGANISATION}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_WORD = re.compile(r"[^\W_]+")
_LOST = re.compile(r"[?\ufffd]|[ÃÄÅ][\x80-\xbf‚„†‡‰‹€]")
_IN_BRACKETS = re.compile(r"\([^()]*\)")

TEMPLATE = """\
id,kind,role,names,relation,of,pseudonym,record,transcribe,quote,archive,consented,withdrawn
P1,person,participant,First Last;Nickname,self,P1,,,,,,,
I1,person,infant,First,daughter,P1,,,,,,,
T1,person,therapist,First Last;Dr Last,therapist,P1,,,,,,,
R1,person,interviewer,First Last,interviewer,,,,,,,,
S1,service,service,Name of the Service;Short Name,service attended,P1,,,,,,,
L1,place,place,Town,home town,P1,,,,,,,
"""


def read(data: bytes, prefix: str = "") -> tuple[Person, ...]:
    """The people of a roster file (CSV, UTF-8; names separated by `;`, the full name first), ids with `prefix`.

    Of a place, a service or an organisation each name between other marks is one of hers, too ("Elm House (EH)").

    Columns that may be left out: `heard` says how recognition writes a name, and grows by accepted decisions; `general`
    is what is written where policy generalises, such as "a town in the north".

    Raises RosterError that names the row and the column, never what stands there.
    """
    return _of_table(tables.read(data, "the roster"), prefix)


def _of_table(table: Table, prefix: str) -> tuple[Person, ...]:
    header, rows = table
    _check_header(header)
    people: dict[str, Person] = {}  # by ids that differ in more than capitals
    for number, row in rows:
        person = _person(row, number, prefix)
        if person.id.casefold() in people:
            raise RosterError(f"row {number} has the id of an earlier row", advice="give each person an id of her own")
        people[person.id.casefold()] = person
    _refuse_telling_ids(tuple(people.values()), people.values())
    return tuple(people.values())


def _refuse_telling_ids(imported: tuple[Person, ...], everybody: Iterable[Person], known: Container[str] = ()) -> None:
    """Raises RosterError where an id that is not known yet is a name of somebody: ids stand in the audit."""
    index = FormIndex(everybody)
    for number, person in enumerate(imported, 1):
        if person.id not in known and index.find(parted(person.id)):
            raise RosterError(f"the id of entry {number} is a name", advice="choose one that says nothing, such as P1")


def _refuse_slips(imported: tuple[Person, ...], known: tuple[Person, ...]) -> None:
    """Raises RosterError for an id that is a known one in other letters, and where somebody belongs to nobody's id."""
    ids = {one.id for one in known}
    plain = {one.casefold() for one in ids}
    everybody = {*ids, *(one.id for one in imported)}
    for person in imported:
        if person.id not in ids and person.id.casefold() in plain:
            raise RosterError(
                f"the id {person.id} is another's, but for its capitals",
                advice="write it as it was, or choose another",
            )
        if person.of and person.of not in everybody:
            raise RosterError(
                f"{person.id}: the column of holds an id that nobody has",
                advice="write one id, as it stands in the column id",
            )


def _check_header(header: list[str]) -> None:
    unknown = [n for n, name in enumerate(header, 1) if name not in COLUMNS]
    needed = [name for name in ("id", "kind", "role", "names") if name not in header]
    known = f"the columns are {', '.join(COLUMNS)}"
    if needed:
        raise RosterError(f"the roster's first row lacks the column {needed[0]}", advice=known)
    if unknown or len(set(header)) != len(header):
        raise RosterError(f"column {unknown[0] if unknown else len(header)} of the roster is not known", advice=known)


def _person(row: dict[str, str], number: int, prefix: str) -> Person:
    cells = tables.spaced(row, number)
    if not _ID.fullmatch(cells["id"]):
        raise RosterError(f"row {number}: the id is not letters, digits, - . or _", advice="correct it")
    kind = KINDS.get(cells.get("kind", "").lower())
    if kind is None:
        raise RosterError(f"row {number}: the kind is not one of {', '.join(KINDS)}", advice="correct it")
    forms = _separated(cells.get("names", ""))
    if kind is not Kind.PERSON:  # of a person each name is searched for in any case
        forms = tuple(dict.fromkeys(one for form in _separated(row.get("names", "")) for one in _names_of_thing(form)))
    if not forms or not all(re.search(r"[^\W\d_]", form) for form in forms):
        raise RosterError(f"row {number}: a name is missing or has no letter", advice="separate names with ;")
    _refuse_lost_letters(cells, number)
    of = cells.get("of", "")
    return Person(
        id=prefix + cells["id"],
        kind=kind,
        role=known_role(cells.get("role", "")) or kind.value,
        forms=forms,
        relation=cells.get("relation", ""),
        of=prefix + of if of else "",
        pseudonym=cells.get("pseudonym", ""),
        chosen=bool(cells.get("pseudonym")),
        heard=_heard(row.get("heard", "")),
        general=cells.get("general", ""),
    )


def _refuse_lost_letters(cells: dict[str, str], number: int) -> None:
    """Raises RosterError for a name in which a spreadsheet could not save a letter: Ma?gorzata is found nowhere."""
    if any(_LOST.search(cells.get(column, "")) for column in ("names", "heard", "pseudonym")):
        raise RosterError(
            f"row {number}: a name has a question mark, or another sign of a letter that was lost",
            advice='write it anew, and save it as "CSV UTF-8"',
        )


def checked_forms(forms: tuple[str, ...]) -> tuple[str, ...]:
    """Names as a person gave them. Raises RosterError where one is missing or has no letter."""
    plain = tuple(dict.fromkeys(form.strip() for form in forms if form.strip()))
    if not plain or not all(re.search(r"[^\W\d_]", form) for form in plain):
        raise RosterError("a name is missing or has no letter", advice="give at least one name")
    return plain


def _separated(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split(";") if part.strip()))


def _names_of_thing(form: str) -> tuple[str, ...]:
    """A name of a place, a service or an organisation, and those of its parts that are a name of it by themselves."""
    parts = whole_parts(form)
    beside = whole_parts(_IN_BRACKETS.sub(",", form))
    names = (part for part in parts if len(parts) > 1 and _names_it(part, parts, explains=part not in beside))
    return (" ".join(form.split()), *names)


def _names_it(part: str, parts: tuple[str, ...], *, explains: bool) -> bool:
    """Not what is written small beside capitals ("Leeds, city"), and no usual word that says what somebody is or
    `explains` in brackets, unless it may be a name, too (Haven), or is short for another part (EH of Elm House).
    """
    if _too_short(part) or (part.islower() and not all(other.islower() for other in parts)):
        return False
    word, words = folded(part), defaults.load().words
    if " " in word or words.needs_context(word) or not lexicon.is_usual_word(word):
        return True
    short = any(word == "".join(name[0] for name in _WORD.findall(folded(other))) for other in parts)
    return short or not (explains or word in words.kin | pseudonyms.RELATIONS)


def _heard(cell: str) -> tuple[str, ...]:
    """The ways in which a name is heard; one that would fall into letters (M&S) stays whole."""
    heard: list[str] = []
    for form in cell.split(";"):
        parts = whole_parts(form)
        heard += (" ".join(form.split()),) if any(map(_too_short, parts)) else parts
    return tuple(dict.fromkeys(heard))


def _too_short(part: str) -> bool:
    return len(re.findall(r"[^\W\d_]", part)) < 2


def merge(
    known: tuple[Person, ...],
    imported: tuple[Person, ...],
    *,
    columns: Collection[str] = COLUMNS,
    released: bool = False,
    renderings: tuple[Rendering, ...] = (),
    retired: Collection[str] = (),
) -> tuple[Person, ...]:
    """The imported people as they will stand beside the known ones, in roster order.

    `columns` are those that the roster has: of one that it lacks, what was known stays. So does every name that was
    searched for, in `heard` where the roster no longer gives it, and whom somebody was found to be. Where pseudonyms
    may have been `released`, one that she bore before hers was drawn again (`retired`) says nothing.
    Raises RosterError when a known id comes with another person, when a new id, vaguer words or a chosen pseudonym hold
    somebody's real name, or when a pseudonym that may have been released would change.
    """
    by_id = {person.id: person for person in known}
    _refuse_forgotten(known, imported)
    if released:
        imported = tuple(_without_retired(by_id.get(person.id), person, retired) for person in imported)
    merged = tuple(_merged(by_id.get(person.id), person, columns) for person in imported)
    everybody = {**by_id, **{person.id: person for person in merged}}.values()
    _refuse_telling_ids(imported, everybody, by_id)
    for person_id in pseudonyms.telling(everybody):
        raise RosterError(f"{person_id}: the column general holds a name of this study", advice="use vaguer words")
    refusals = pseudonyms.refusals(everybody)
    for person in merged:
        if person.chosen and any(
            r.person_id != person.id and folded(r.text) == folded(person.pseudonym) for r in renderings
        ):
            raise RosterError(f"{person.id}: somebody is called so at another level", advice="choose another")
        if person.chosen and person.id in refusals:
            raise RosterError(f"{person.id}: the chosen pseudonym {refusals[person.id]}", advice="choose another")
        before = by_id.get(person.id)
        newly = person.chosen and (before is None or before.pseudonym != person.pseudonym)
        if newly and (why := pseudonyms.objection(person, everybody)):
            raise RosterError(f"{person.id}: the chosen pseudonym {why}", advice="choose another")
    return merged


def _refuse_forgotten(known: tuple[Person, ...], imported: tuple[Person, ...]) -> None:
    forgotten = FormIndex(person for person in known if person.sealed)
    borne = {(person.id, folded(form)) for person in known if not person.sealed for form in search_forms(person)}
    for person in imported:
        new = (form for form in search_forms(person) if (person.id, folded(form)) not in borne)  # a namesake stays
        if any(forgotten.find(form) for form in new):
            raise RosterError(f"{person.id} bears a name that is forgotten", advice="take the row out")


def bring_in(unlocked: Unlocked, file: Path, prefix: str) -> int:
    """Import a roster file into the vault; how many people it names. Raises RosterError; then nothing changes."""
    table = tables.read(tables.load(file, "the roster"), "the roster")
    columns, _ = table
    if prefix and not _ID.fullmatch(prefix):
        raise RosterError("the prefix is not letters, digits, - . or _", advice="choose one such as w2-")
    imported = _of_table(table, prefix)
    released = unlocked.study.ever_released()
    otherwise: list[str] = []

    def changed(vault: Vault) -> Vault:
        _refuse_slips(imported, vault.people)
        merged = merge(
            vault.people,
            imported,
            columns=columns,
            released=released,
            renderings=vault.renderings,
            retired=vault.retired,
        )
        said = consent.read(table, prefix, vault.consents)
        before = {one.person_id: one for one in vault.consents}
        otherwise.extend(c.person_id for c in said if c != before.get(c.person_id, Consent(person_id=c.person_id)))
        return with_consents(with_people(vault, merged), said)

    unlocked.change(changed)
    audit.append(unlocked.study.audit_path, "people imported", count=len(imported))
    if otherwise:
        audit.append(unlocked.study.audit_path, "consent changed", people=otherwise)
    return len(imported)


def listing(unlocked: Unlocked) -> list[tuple[str, str, str, str, str]]:
    """id, kind, role, names and what is written instead, for the key holder's eyes."""
    return [
        (p.id, p.kind.value, p.role, "; ".join((*p.forms, *p.heard)), p.pseudonym or "-") for p in unlocked.vault.people
    ]


def check_released(before: Person, pseudonym: str, otherwise: str = "") -> None:
    """Raises RosterError where a pseudonym that may have been released would be another; `otherwise` is advice."""
    if before.pseudonym and pseudonym != before.pseudonym:
        raise RosterError(
            f"{before.id}: a pseudonym that was released cannot be changed by hand",
            advice=f"{otherwise}use `transcribe people STUDY redraw {before.id}`",
        )


def _without_retired(before: Person | None, now: Person, retired: Collection[str]) -> Person:
    """A row whose pseudonym was drawn again since it was written leaves the new one. Raises RosterError for another."""
    if before is None or not now.pseudonym:
        return now
    if now.pseudonym != before.pseudonym and not before.chosen and now.pseudonym in retired:
        return replace(now, pseudonym="", chosen=False)
    check_released(before, now.pseudonym, "leave the column pseudonym empty in her row, or ")
    return now


def _merged(before: Person | None, now: Person, columns: Collection[str]) -> Person:
    if before is None:
        return now
    searched = {folded(form): form for form in search_forms(before)}
    if searched.keys().isdisjoint(folded(form) for form in search_forms(now)) or _other_name(before, now):
        raise RosterError(
            f"the id {now.id} belongs to a different person of this study",
            advice="if she is called otherwise now, or her name is spelt otherwise, write the former one behind it "
            "(New;Former); else give another id, or import with --prefix",
        )
    kept = {column: getattr(before, column) for column in ("relation", "of", "general") if column not in columns}
    heard = tuple(dict.fromkeys((*before.heard, *now.heard)))
    now = replace(now, **kept, heard=heard, same_as=before.same_as)
    named = {folded(form) for form in search_forms(now)}
    now = replace(now, heard=(*heard, *(form for plain, form in searched.items() if plain not in named)))
    if before.pseudonym and not now.pseudonym:
        return replace(now, pseudonym=before.pseudonym, chosen=before.chosen)
    return now


def _other_name(before: Person, now: Person) -> bool:
    """Whether both full names have a name that the other lacks (Sarah Smith, Sarah Jones), the former not given too."""
    if folded(before.forms[0]) in {folded(form) for form in (*now.forms, *now.heard)}:
        return False
    old, new = (
        {part for name in names_alone(p.forms[0]) for part in _WORD.findall(folded(name))} for p in (before, now)
    )
    return before.kind is now.kind is Kind.PERSON and min(len(old), len(new)) > 1 and not (old <= new or new <= old)
