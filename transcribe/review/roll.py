"""Everybody of a study on the review page: names, roles, pseudonyms, who is whom, and the policy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from transcribe import audit, config, people, redraw, store
from transcribe.config import Action
from transcribe.detect.identity import with_more
from transcribe.errors import StudyError
from transcribe.pseudonyms import NUMBERED, WITH_PSEUDONYM, action, table, written
from transcribe.ready import named_people
from transcribe.review.bodies import written as dumped
from transcribe.review.desk import new_group
from transcribe.review.documents import Json, undoable
from transcribe.review.log import Act, Deed, Entry, Fold, History, Swap
from transcribe.review.refusals import Conflict, Malformed, Unknown
from transcribe.review.swaps import back, swap
from transcribe.schema import Findings, Kind, Person
from transcribe.vault import Unlocked

STUDY = ""  # the log of what is done to the study's people stands beside those of its recordings
_Short = Annotated[str, Field(max_length=200)]
_Forms = Annotated[tuple[_Short, ...], Field(max_length=100)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Edit(_Sent):
    do: Literal["edit"]
    person: _Short
    version: _Short
    forms: _Forms
    heard: _Forms = ()
    role: _Short
    relation: _Short = ""
    of: _Short = ""


class _New(_Sent):
    do: Literal["new"]
    kind: Literal["person", "place", "service", "organisation"]
    forms: _Forms
    role: _Short
    relation: _Short = ""
    of: _Short = ""


class _Pseudonym(_Sent):
    do: Literal["pseudonym"]
    person: _Short
    version: _Short = ""
    pseudonym: _Short


class _Redraw(_Sent):
    do: Literal["redraw"]
    person: _Short


class _Merge(_Sent):
    do: Literal["merge"]
    person: _Short
    version: _Short = ""
    into: _Short


class _Part(_Sent):
    do: Literal["part"]
    person: _Short
    version: _Short = ""


class _Policy(_Sent):
    do: Literal["policy"]
    role: _Short
    action: Literal["pseudonym", "tag", "generalise", "keep"]


_ACTS: TypeAdapter[_Edit | _New | _Pseudonym | _Redraw | _Merge | _Part | _Policy] = TypeAdapter(
    Annotated[
        _Edit | _New | _Pseudonym | _Redraw | _Merge | _Part | _Policy,
        Field(discriminator="do"),
    ]
)


def _version(person: Person) -> str:
    """What differs whenever anything of somebody was changed."""
    return store.body_sha256(person)[:16]


class Roll:
    """The people of a study under one reviewer's hands; what she does to them can be taken back, but for a re-drawn
    pseudonym, since the old one is known by then, and the policy, which is changed back as it was changed.
    """

    def __init__(self, unlocked: Unlocked, alias: str) -> None:
        self._open = unlocked
        self._alias = alias

    def told(self) -> Json:
        """Everybody in roster order, and the policy."""
        self._open.look()
        past, policy = self._past(), self._open.study.config.policy
        mentions, stored = self._mentions(), {person.id: person for person in self._open.vault.people}
        listed = [
            {
                "id": p.id,
                "version": _version(stored[p.id]),
                "kind": p.kind.value,
                "role": p.role,
                "relation": p.relation,
                "of": p.of,
                "forms": list(p.forms),
                "heard": list(p.heard),
                "pseudonym": p.pseudonym,
                "chosen": p.chosen,
                "found": p.found,
                "same_as": p.same_as,
                "written": (written(p, policy) or "") if not p.same_as else "",
                "mentions": sum(mentions.get(p.id, {}).values()),
                "recordings": list(mentions.get(p.id, {})),
                "action": action(p, policy).value,
            }
            for p in named_people(self._open)
            if p.kind in NUMBERED or p.id in mentions
        ]
        return {
            "people": listed,
            "policy": self._policy(),
            "actions": [one.value for one in Action],
            "undo": undoable(past.last_done(self._alias, second=False)),
            "redo": undoable(past.last_undone(self._alias, second=False)),
        }

    def _policy(self) -> Json:
        policy = self._open.study.config.policy
        roles = dict.fromkeys([*WITH_PSEUDONYM["pseudonyms"], *table()["roles"], *policy.roles])
        roles |= dict.fromkeys(p.role for p in self._open.vault.people if p.kind in NUMBERED)
        rows = []
        for role in roles:
            one = Person(id="", kind=Kind.PERSON, role=role, forms=("",))
            source = "study.toml" if role in policy.roles else "default"
            rows.append([role, action(one, policy).value, source])
        return {"convention": policy.convention, "roles": rows}

    def _mentions(self) -> dict[str, dict[str, int]]:
        """Person id -> recording id -> how often she is found there."""
        counts: dict[str, dict[str, int]] = {}
        same = {p.id: p.same_as for p in self._open.vault.people if p.same_as}
        for recording_id in self._open.study.recordings():
            stored = self._open.standing(recording_id, "findings", Findings)
            for finding in stored.value.found if stored else ():
                whom = same.get(finding.person_id or "", finding.person_id or "")
                here = counts.setdefault(whom, {})
                here[recording_id] = here.get(recording_id, 0) + 1
        return counts

    # --- doing -------------------------------------------------------------------------------------------------------

    def act(self, body: Json) -> None:
        """Raises Malformed, Unknown, Conflict, RosterError, StudyError, ConfigError; then nothing was changed."""
        self._open.look()
        try:
            wanted = _ACTS.validate_json(dumped(body))
        except ValidationError:
            raise Malformed("what was sent is nothing that this page does") from None
        if isinstance(wanted, _Policy):
            config.set_role(self._open.study.config_path, wanted.role, wanted.action)
            self._open.study.read_config_again()
            audit.append(self._open.study.audit_path, "policy changed", by=self._alias)
        elif isinstance(wanted, _Redraw):
            self._person(wanted.person)
            redraw.draw_again(self._open, wanted.person)
        else:
            swaps = self._swaps(wanted)
            self._write(Deed.ACT, new_group(), wanted.do, swaps)

    def _swaps(self, wanted: _Edit | _New | _Pseudonym | _Merge | _Part) -> tuple[Swap, ...]:
        if isinstance(wanted, _New):
            return (Swap(before=None, after=self._new(wanted)),)
        before = self._person(wanted.person)
        if wanted.version != _version(before) and (wanted.version or isinstance(wanted, _Edit)):
            raise Conflict("this person was changed meanwhile", advice="look at what is new, and edit it again")
        if isinstance(wanted, _Edit):
            after = self._edited(before, wanted)
        elif isinstance(wanted, _Pseudonym):
            after = self._called(before, wanted.pseudonym.strip())
        elif isinstance(wanted, _Merge):
            after = replace(before, same_as=self._target(before, wanted.into))
        else:
            after = replace(before, same_as="")
        others = [p for p in self._open.vault.people if p.same_as == before.id] if after.same_as else []
        followers = tuple(Swap(before=p, after=replace(p, same_as=after.same_as)) for p in others)
        return (Swap(before=before, after=after), *followers)

    def _new(self, wanted: _New) -> Person:
        taken = self._past().named | {p.id for p in self._open.vault.people}
        new_id = next(i for n in range(1, 10_000) if (i := f"A{n:03d}") not in taken)
        forms = people.checked_forms(wanted.forms)
        return Person(
            id=new_id,
            kind=Kind(wanted.kind),
            role=people.known_role(wanted.role) or wanted.kind,
            forms=forms,
            relation=wanted.relation.strip(),
            of=self._owner(wanted.of),
        )

    def _edited(self, before: Person, wanted: _Edit) -> Person:
        forms, heard = people.checked_forms(wanted.forms), tuple(f.strip() for f in wanted.heard if f.strip())
        role = people.known_role(wanted.role) or before.role
        after = replace(
            before, forms=forms, heard=heard, role=role, relation=wanted.relation.strip(), of=self._owner(wanted.of)
        )
        return with_more(before, after)

    def _owner(self, person_id: str) -> str:
        return self._person(person_id).id if person_id.strip() else ""

    def _called(self, before: Person, pseudonym: str) -> Person:
        """Raises RosterError for a pseudonym that she cannot have."""
        after = replace(before, pseudonym=pseudonym, chosen=bool(pseudonym))
        people.merge(self._open.vault.people, (after,), renderings=self._open.vault.renderings)
        return after

    def _target(self, before: Person, into: str) -> str:
        target = self._person(into)
        if target.id == before.id or target.same_as == before.id:
            raise StudyError("somebody cannot be found to be herself", advice="choose another")
        if target.kind is not before.kind:
            raise StudyError("a person and a place cannot be the same", advice="choose another")
        return target.same_as or target.id

    def _person(self, person_id: str) -> Person:
        try:
            return self._open.vault.person(person_id)
        except StudyError:
            raise Unknown("nobody in this study has that id", advice="look at the list again") from None

    def undo(self) -> None:
        """Take back what this reviewer did last. Raises Conflict where there is nothing, or it was changed since."""
        self._again(Deed.UNDO, self._past().last_done(self._alias, second=False))

    def redo(self) -> None:
        """Do again what she took back last."""
        self._again(Deed.REDO, self._past().last_undone(self._alias, second=False))

    def _again(self, deed: Deed, act: Act | None) -> None:
        if act is None:
            raise Conflict("there is nothing to take back or to do again")
        self._open.look()
        swaps = back(self._open, act.entry) if deed is Deed.UNDO else act.entry.swaps
        if len(swaps) < len(act.entry.swaps):
            raise Conflict("this person was named since", advice="take that back first")
        self._write(deed, act.group, act.name, swaps)

    def _write(self, deed: Deed, group: str, name: str, swaps: Sequence[Swap]) -> None:
        """Raises RosterError where a pseudonym that may have been released would be another, Conflict where somebody
        was changed meanwhile.
        """
        for one in swaps if self._open.study.ever_released() else ():
            if isinstance(one.before, Person) and isinstance(one.after, Person):
                people.check_released(one.before, one.after.pseudonym)
        entry = Entry(
            at=audit.now(), reviewer=self._alias, deed=deed, base=STUDY, group=group, name=name, swaps=tuple(swaps)
        )
        if deed is not Deed.UNDO:  # in this order a process that is killed leaves somebody known too many, not too few
            swap(self._open, STUDY, swaps)
        with self._open.adding(STUDY) as add:
            if deed is Deed.UNDO:
                self._check(swaps)
            add(entry)
        if deed is Deed.UNDO:
            swap(self._open, STUDY, swaps)
        audit.append(self._open.study.audit_path, "people changed", by=self._alias, count=len(swaps))

    def _check(self, swaps: Sequence[Swap]) -> None:
        self._open.look()
        known = {p.id: p for p in self._open.vault.people}
        for one in swaps:
            if isinstance(one.before, Person) and known.get(one.before.id) != one.before:
                raise Conflict("this person was changed since", advice="change her by hand")

    def _past(self) -> History:
        fold = Fold(STUDY)
        for entry in self._open.appended(STUDY, Entry):
            fold.take(entry)
        return fold.history()
