"""One recording on the reviewer's desk: what stands there, and what she does to it. Every act is on the disk at once.

What a page shows is a `View` with a version; an act names the version that it was taken on. It is taken where the
words it is about still stand, whoever has been here since, and refused where they do not.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import RLock
from typing import Any

from transcribe import audit, history, store
from transcribe.errors import StudyError
from transcribe.ready import Held, Ready, decided, held, named_people, who
from transcribe.review import corrections, documents, swaps
from transcribe.review.corrections import Correction
from transcribe.review.documents import Json, Known, Mark, View
from transcribe.review.log import Deed, Entry, Fold, History, Swap
from transcribe.review.refusals import Conflict, Refused, Unknown
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
    """What an act comes to in one recording as it `stood` when this was looked at."""

    name: str
    decisions: tuple[Decision, ...] = ()
    corrections: tuple[Correction, ...] = ()
    swaps: tuple[Swap, ...] = ()
    stood: tuple[int, ...] = ()


class Desk:
    """A recording under review. What is on the disk is read again only where it changed there, by one thread at a
    time: the recordings of a study are counted beside the page's own requests.
    """

    def __init__(self, unlocked: Unlocked, recording_id: str, reviewer: Reviewer) -> None:
        self.unlocked = unlocked
        self.recording_id = recording_id
        self.reviewer = reviewer
        self._reading = RLock()
        self._signature: tuple[Any, ...] = ()
        self._held: Held | None = None
        self._entries = 0
        self._fold = Fold("")
        self._ready: Ready | None = None
        self._vault_people: tuple[Person, ...] = ()
        self._voices: tuple[Any, ...] = ()
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
        with self._reading:
            self._look()
            if self._ready is None:
                advice = "run `transcribe run STUDY`"
                raise StudyError("not transcribed yet", recording_id=self.recording_id, advice=advice)
            return self._ready

    @property
    def known(self) -> Known:
        """Everybody with what is written instead of her."""
        with self._reading:
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
        with self._reading:
            self._look()
            self._looks = False
            try:
                return self._view(facts)
            finally:
                self._looks = True

    def _view(self, facts: Callable[["Desk"], Json]) -> View:
        ready, known = self.ready, self.known
        told = facts(self)
        version = self._version(told, ready)
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

    def _version(self, told: Json, ready: Ready) -> str:
        """The same for two desks on which the same stands, so that a page outlives the key's dropping. What is busy is
        no part of it.
        """
        policy = self.unlocked.study.config.policy.model_dump_json()
        standing = sorted((name, value) for name, value in told.items() if name != "busy")
        speakers = repr(who(ready.transcript.value.speakers))
        parts = (repr(self._signature), str(self._entries), repr(standing), policy, speakers)
        return self.unlocked.vault.digest("view", *parts, *self._people_digest())[:24]

    def _people_digest(self) -> tuple[str, ...]:
        return tuple(f"{p.id}{p.pseudonym}{p.role}{p.relation}" for p in self._vault_people)

    def _look(self) -> None:
        """Read what changed on the disk, and settle anew if anything did. What cannot be read is tried again next
        time.
        """
        if not self._looks:
            return
        self.unlocked.look()
        self._read_artefacts()
        self._read_log()
        if self.unlocked.vault.people is not self._vault_people:
            self._vault_people, self._known, self._ready = self.unlocked.vault.people, None, None
        voices = self._said_of_voices()
        if voices != self._voices:
            self._voices, self._ready = voices, None
        if self._ready is None and self._held is not None:
            past, second = self._fold.history(), self.reviewer.second
            self._ready = decided(self.unlocked, self._held, past, proposed=True, second=second)

    def _said_of_voices(self) -> tuple[Any, ...]:
        """What beside its own files tells who speaks."""
        vault = self.unlocked.vault
        who = next((entry.who for entry in vault.recordings if entry.id == self.recording_id), ())
        return who, vault.voiceprints, self.unlocked.study.config.voices

    def _read_artefacts(self) -> None:
        paths = (self.unlocked.study.artefact_path(self.recording_id, name) for name in ARTEFACTS)
        signature = tuple(store.stamp(path) for path in paths)
        if signature == self._signature:
            return
        found = held(self.unlocked, self.recording_id)
        base = found.base.body_sha256 if found else ""
        if base != self._fold.base:
            fold = Fold(base)
            for entry in history.former(self.unlocked, self.recording_id):
                fold.take(entry)
            self._fold, self._entries = fold, 0
        self._signature, self._held, self._known, self._ready = signature, found, None, None

    def _read_log(self) -> None:
        new = self.unlocked.appended(self.recording_id, Entry, self._entries)
        for entry in new:
            self._fold.take(entry)
        self._entries += len(new)
        if new:
            self._ready = None

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

    def speaker(self, version: str, label: str) -> None:
        """Raises Conflict where a speaker is somebody else by now than the page shows, be it by a person's word."""
        now = next((who((s,)), s.by or "") for s in self.ready.transcript.value.speakers if s.label == label)
        shown = self.seen(version)
        listed = shown.facts["speakers"] if shown else ()
        if now not in [(((s["label"], s["role"], s["person"]),), s["by"]) for s in listed]:
            raise Conflict("who this speaker is was changed meanwhile", advice="look at it again")

    def marks(self, version: str, ids: Iterable[str], *, accept: bool = False) -> list[Mark]:
        """Marks that stand as the page shows them; to `accept` them, or for anything else. Raises Conflict, Unknown."""
        now = {m.id: m for group in documents.marks(self.ready, self.decisions).values() for m in group}
        shown = self.seen(version)
        before = {m.id: m for group in shown.marks.values() for m in group} if shown else {}
        found = []
        for mark_id in ids:
            here, there = now.get(mark_id), before.get(mark_id)
            if here is None or there is None or self._overtaken(there, here, accept):
                raise _refusal(there is not None or shown is None, "there is no such mark")
            self.turn(version, here.finding.utterance_id)
            found.append(here)
        return found

    def _overtaken(self, before: Mark, now: Mark, accept: bool) -> bool:
        """Whether a mark has become something else than the page shows. What she herself decided a moment ago she may
        decide anew; and withhold what was nobody's, and is a repeat of a name that she has just given.
        """
        if now.by == self.reviewer.alias:
            return False
        named = before.by is None and now.by is None and before.finding.person_id is None
        return _told(before) != _told(now) and not (accept and named)

    def stretches(self, version: str, ids: Iterable[str]) -> list[Unclear]:
        """Flagged stretches that stand as the page shows them. Raises Conflict, Unknown."""
        now = {stretch.id: stretch for stretch in self.ready.flagged}
        shown = self.seen(version)
        before = {one["id"]: one for one in shown.facts["flagged"]} if shown else {}
        found = []
        for stretch_id in ids:
            here, there = now.get(stretch_id), before.get(stretch_id)
            if not here or not there or _at(here) != (there["turn"], there["first_word"], there["last_word"]):
                raise _refusal(there is not None or shown is None, "no stretch is flagged so")
            self.turn(version, here.utterance_id)
            found.append(here)
        return found

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Those of this pass that stand."""
        return self.past.second if self.reviewer.second else self.past.first

    # --- doing -------------------------------------------------------------------------------------------------------

    @property
    def stood(self) -> tuple[int, ...]:
        """How it stands now: to be asked before anything is looked at that is to be written down."""
        return history.stood(self.unlocked, self.recording_id)

    def do(self, change: Change, group: str) -> None:
        """Do what an act comes to. Raises Conflict where something came in since it was looked at: its places may be
        those of other words by now.
        """
        self._write(replace(self._entry(Deed.ACT, group), **_fields(change)), change.stood)

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
            self._again(Deed.UNDO, act.entry, tuple(c.inverse for c in reversed(act.entry.corrections)))

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
            self._again(Deed.REDO, act.entry, act.entry.corrections)

    def sign(self, seen: tuple[str, ...], stood: tuple[int, ...]) -> None:
        """Settle the second pass, which decides nothing that is released, as it stood then. Raises Conflict."""
        self._write(replace(self._entry(Deed.SETTLE, ""), seen=seen), stood)

    def _again(self, deed: Deed, act: Entry, changes: tuple[Correction, ...]) -> None:
        stood, transcript = self.stood, self.ready.transcript.value
        for correction in changes:
            if not corrections.fits(transcript, correction):
                raise Conflict("the words were changed again since", advice="undo that first")
            transcript = corrections.corrected(transcript, (correction,))
        swapped = (swaps.back if deed is Deed.UNDO else swaps.again)(self.unlocked, act)
        entry = replace(self._entry(deed, act.group), name=act.name, corrections=changes, swaps=swapped)
        self._write(entry, stood)

    def _entry(self, deed: Deed, group: str) -> Entry:
        second = self.reviewer.second
        base = self.past.base
        return Entry(at=audit.now(), reviewer=self.reviewer.alias, deed=deed, base=base, group=group, second=second)

    def _write(self, entry: Entry, stood: tuple[int, ...]) -> None:
        swaps.write(self.unlocked, self.recording_id, entry, stood)


def new_group() -> str:
    """A name for what is done, and taken back, together."""
    return secrets.token_hex(8)


def _refusal(shown: bool, unknown: str) -> Refused:
    """Why something cannot be acted on: it was `shown`, or may have been, and changed; or it never was there."""
    if shown:
        return Conflict("what you see was changed meanwhile", advice="look at it again")
    return Unknown(unknown, advice="look at it again")


def _told(mark: Mark) -> tuple[Any, ...]:
    """What a decision about a mark is made on, but for its words."""
    finding = mark.finding
    return mark.state, mark.by, finding.kind, finding.person_id, finding.role, finding.relation


def _at(stretch: Unclear) -> tuple[str, int, int]:
    return stretch.utterance_id, stretch.first_word, stretch.last_word


def _fields(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ("name", "decisions", "corrections", "swaps")}
