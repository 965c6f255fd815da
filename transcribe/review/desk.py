"""One recording on the reviewer's desk: what stands there, and what she does to it. Every act is on the disk at once.

What a page shows is a `View` with a version; an act names the version that it was taken on. It is taken where the
words it is about still stand, whoever has been here since, and refused where they do not.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from transcribe import audit, history, store
from transcribe.errors import StudyError
from transcribe.ready import Held, Ready, decided, held, named_people
from transcribe.review import corrections, documents
from transcribe.review.corrections import Correction
from transcribe.review.documents import Json, Known, Mark, View
from transcribe.review.log import Deed, Entry, Fold, History, Swap
from transcribe.review.refusals import Conflict, Unknown
from transcribe.review.swaps import swap
from transcribe.schema import Decision, Person, Quiet, Recording, Unclear, Utterance, record
from transcribe.vault import Unlocked

VIEWS = 12  # versions of a recording that pages may still stand on
ARTEFACTS = ("transcript", "findings", "candidates", "amended", "invented", "reread", "speakers", "recognised")


@record
class Reviewer(Quiet):
    """Who reviews (an alias), and whether it is the second pass, blind to the first."""

    alias: str
    second: bool = False


@record
class Change(Quiet):
    """What an act comes to in one recording."""

    name: str
    decisions: tuple[Decision, ...] = ()
    corrections: tuple[Correction, ...] = ()
    swaps: tuple[Swap, ...] = ()


class Desk:
    """A recording under review. What is on the disk is read again only where it changed there."""

    def __init__(self, unlocked: Unlocked, recording_id: str, reviewer: Reviewer) -> None:
        self.unlocked = unlocked
        self.recording_id = recording_id
        self.reviewer = reviewer
        self._signature: tuple[Any, ...] = ()
        self._held: Held | None = None
        self._entries = 0
        self._fold = Fold("")
        self._ready: Ready | None = None
        self._vault_people: tuple[Person, ...] = ()
        self._looks = True
        self._known: Known | None = None
        self._duration_s: float | None = None
        self._views: OrderedDict[str, View] = OrderedDict()

    def __repr__(self) -> str:
        return "<Desk>"

    # --- what stands -------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> Ready:
        """What stands now, as it would if it were settled without a change. Raises StudyError before the first run."""
        self._look()
        if self._ready is None:
            raise StudyError("not transcribed yet", recording_id=self.recording_id, advice="run `transcribe run STUDY`")
        return self._ready

    @property
    def known(self) -> Known:
        """Everybody with what is written instead of her."""
        self._look()
        policy = self.unlocked.study.config.policy
        if self._known is None or self._known.policy is not policy:
            people = {person.id: person for person in named_people(self.unlocked)}
            self._known = Known(people=people, policy=policy)
        return self._known

    @property
    def past(self) -> History:
        """What follows from the log."""
        return self.ready.history

    @property
    def duration_s(self) -> float:
        """Seconds of sound, 0 where there is none."""
        if self._duration_s is None:
            stored = self.unlocked.load(self.recording_id, "recording", Recording)
            self._duration_s = stored.value.duration_s if stored else 0.0
        return self._duration_s

    def view(self, facts: Callable[["Desk"], Json]) -> View:
        """What a page is to show; `facts` are what the study adds.

        All of it is of one look at the disk, since work goes on beside: a view must not bear the version of what was
        written while it was made.
        """
        self._look()
        self._looks = False
        try:
            return self._view(facts)
        finally:
            self._looks = True

    def _view(self, facts: Callable[["Desk"], Json]) -> View:
        ready, known = self.ready, self.known
        told = facts(self)
        version = self._version(told)
        if version in self._views:
            shown = self._views[version]
            return replace(shown, facts={**shown.facts, "busy": told["busy"]})
        before = next(reversed(self._views.values()), None)
        second = self.reviewer.second
        seen = documents.view(ready, known, version, told, second=second, before=before)
        self._views[version] = seen
        while len(self._views) > VIEWS:
            self._views.popitem(last=False)
        return seen

    def seen(self, version: str) -> View | None:
        """What a page of that version shows, where it is remembered."""
        return self._views.get(version)

    def _version(self, told: Json) -> str:
        """The same for two desks on which the same stands, so that a page outlives the key's dropping. What is busy is
        no part of it.
        """
        policy = self.unlocked.study.config.policy.model_dump_json()
        standing = sorted((name, value) for name, value in told.items() if name != "busy")
        parts = (repr(self._signature), str(self._entries), repr(standing), policy)
        return self.unlocked.vault.digest("view", *parts, *self._people_digest())[:24]

    def _people_digest(self) -> tuple[str, ...]:
        return tuple(f"{p.id}{p.pseudonym}{p.role}{p.relation}" for p in self._vault_people)

    def _look(self) -> None:
        """Read what changed on the disk, and settle anew if anything did."""
        if not self._looks:
            return
        self.unlocked.look()
        changed = self._read_artefacts() | self._read_log()
        if self.unlocked.vault.people is not self._vault_people:
            self._vault_people, self._known, changed = self.unlocked.vault.people, None, True
        if changed or self._ready is None:
            second = self.reviewer.second
            past = self._fold.history()
            stored = self._held
            self._ready = decided(self.unlocked, stored, past, proposed=True, second=second) if stored else None

    def _read_artefacts(self) -> bool:
        paths = (self.unlocked.study.artefact_path(self.recording_id, name) for name in ARTEFACTS)
        signature = tuple(store.stamp(path) for path in paths)
        if signature == self._signature:
            return False
        self._signature, self._known = signature, None
        self._held = held(self.unlocked, self.recording_id)
        base = self._held.base.body_sha256 if self._held else ""
        if base != self._fold.base:
            self._fold, self._entries = Fold(base), 0
            for entry in history.former(self.unlocked, self.recording_id):
                self._fold.take(entry)
        return True

    def _read_log(self) -> bool:
        new = self.unlocked.appended(self.recording_id, Entry, self._entries)
        for entry in new:
            self._fold.take(entry)
        self._entries += len(new)
        return bool(new)

    # --- finding what an act is about --------------------------------------------------------------------------------

    def turn(self, version: str, turn_id: str) -> Utterance:
        """A turn that stands as the page shows it. Raises Conflict where it does not, Unknown where it never did."""
        standing = next((u for u in self.ready.transcript.value.utterances if u.id == turn_id), None)
        shown = self.seen(version)
        if shown is None or shown.utterances.get(turn_id) != standing:
            raise Conflict("this turn was changed meanwhile", advice="look at it again")
        if standing is None:
            raise Unknown("there is no such turn", advice="look at it again")
        return standing

    def marks(self, version: str, ids: Iterable[str]) -> list[Mark]:
        """Marks that stand as the page shows them. Raises Conflict, Unknown."""
        now = {m.id: m for group in documents.marks(self.ready, self._decisions()).values() for m in group}
        shown = self.seen(version)
        before = {m.id: m for group in shown.marks.values() for m in group} if shown else {}
        found = []
        for mark_id in ids:
            if mark_id in before and mark_id in now:
                self.turn(version, now[mark_id].finding.utterance_id)
                found.append(now[mark_id])
            elif mark_id in before or shown is None:
                raise Conflict("what you see was changed meanwhile", advice="look at it again")
            else:
                raise Unknown("there is no such mark", advice="look at it again")
        return found

    def stretches(self, version: str, ids: Iterable[str]) -> list[Unclear]:
        """Flagged stretches that stand as the page shows them. Raises Conflict, Unknown."""
        now = {stretch.id: stretch for stretch in self.ready.flagged}
        shown = self.seen(version)
        before = {one["id"]: one for one in shown.facts["flagged"]} if shown else {}
        found = []
        for stretch_id in ids:
            here, there = now.get(stretch_id), before.get(stretch_id)
            if here and there and _at(here) == (there["turn"], there["first_word"], there["last_word"]):
                self.turn(version, here.utterance_id)
                found.append(here)
            elif there or shown is None:
                raise Conflict("what you see was changed meanwhile", advice="look at it again")
            else:
                raise Unknown("no stretch is flagged so", advice="look at it again")
        return found

    def _decisions(self) -> tuple[Decision, ...]:
        return self.past.second if self.reviewer.second else self.past.first

    # --- doing -------------------------------------------------------------------------------------------------------

    def do(self, change: Change, group: str) -> None:
        """Do what an act does outside of the log, then write it down: whom it names must be known, whatever comes."""
        acted = self._entry(Deed.ACT, group)
        swap(self.unlocked, self.recording_id, change.swaps)
        self._write(replace(acted, **_fields(change)))

    def undo(self) -> str | None:
        """Take back what this reviewer did last here; its group, or None where there is nothing."""
        act = self.past.last_done(self.reviewer.alias, second=self.reviewer.second)
        if act is None:
            return None
        self.take_back(act.group)
        return act.group

    def take_back(self, group: str) -> None:
        """Take a group back here. Raises Conflict where what it corrected was changed since."""
        for act in [a for a in self.past.done if a.group == group]:
            back = tuple(c.inverse for c in reversed(act.entry.corrections))
            swaps = tuple(Swap(before=s.after, after=s.before) for s in reversed(act.entry.swaps))
            self._again(Deed.UNDO, act.entry, back, swaps)

    def redo(self) -> str | None:
        """Do again what this reviewer took back last here; its group, or None where there is nothing."""
        act = self.past.last_undone(self.reviewer.alias, second=self.reviewer.second)
        if act is None:
            return None
        self.do_again(act.group)
        return act.group

    def do_again(self, group: str) -> None:
        """Do a group again here. Raises Conflict where what it corrects was changed since."""
        for act in [a for a in self.past.undone if a.group == group]:
            self._again(Deed.REDO, act.entry, act.entry.corrections, act.entry.swaps)

    def sign(self, seen: tuple[str, ...]) -> None:
        """Settle the second pass, which decides nothing that is released."""
        self._write(replace(self._entry(Deed.SETTLE, ""), seen=seen))

    def _again(self, deed: Deed, act: Entry, changes: tuple[Correction, ...], swaps: tuple[Swap, ...]) -> None:
        transcript = self.ready.transcript.value
        for correction in changes:
            if not corrections.fits(transcript, correction):
                raise Conflict("the words were changed again since", advice="undo that first")
            transcript = corrections.corrected(transcript, (correction,))
        entry = replace(self._entry(deed, act.group), name=act.name, corrections=changes, swaps=swaps)
        if deed is Deed.REDO:
            swap(self.unlocked, self.recording_id, swaps)
        self._write(entry)
        if deed is Deed.UNDO:  # last: a process that is killed here leaves somebody known too many, not one too few
            swap(self.unlocked, self.recording_id, swaps)

    def _entry(self, deed: Deed, group: str) -> Entry:
        second = self.reviewer.second
        base = self.past.base
        return Entry(at=audit.now(), reviewer=self.reviewer.alias, deed=deed, base=base, group=group, second=second)

    def _write(self, entry: Entry) -> None:
        self.unlocked.append(self.recording_id, entry)


def new_group() -> str:
    """A name for what is done, and taken back, together."""
    return secrets.token_hex(8)


def _at(stretch: Unclear) -> tuple[str, int, int]:
    return stretch.utterance_id, stretch.first_word, stretch.last_word


def _fields(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ("name", "decisions", "corrections", "swaps")}
