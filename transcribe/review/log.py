"""The log of a recording's review: what was done, in order, and what follows from it. Pure.

Entries are only ever added. Taking something back is an entry, too, so nothing that somebody did is ever lost, and
two people who work on one recording see what the other did. Two passes may stand side by side: the first decides what
is released; the second, taken without seeing the first, is there to be compared.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from transcribe import store
from transcribe.review.corrections import Correction, moved, still_withheld
from transcribe.review.decisions import Review
from transcribe.schema import Decision, Person, Quiet, Speaker, record

FORGET = "forget"
"""The name of what a withdrawal decided of its mentions, which nobody takes back."""


class Deed(StrEnum):
    """What an entry does."""

    ACT = "act"
    UNDO = "undo"
    REDO = "redo"
    SETTLE = "settle"
    CARRY = "carry"


@record
class Swap(Quiet):
    """Somebody of the vault, or who a speaker is, before and after; None where there was nobody."""

    before: Person | Speaker | None
    after: Person | Speaker | None


@record
class Lost(Quiet):
    """What could not be carried over when a transcript was made again: what it was, the words, the turn near it now;
    `withheld`: in how many places what stands there now is withheld, until somebody says otherwise.
    """

    what: str
    text: str
    utterance_id: str
    withheld: int = 0


@record
class Entry(Quiet):
    """Something a reviewer did to a recording.

    `base` is the checksum of the transcript, as recognised, that it is about; positions are those of the transcript
    with all corrections so far. `group` is one for what is done and taken back together, be it in several recordings;
    an undo and a redo name that of what they take back or do again. `name` says what it was ("accept"). A settling
    holds what was `seen` and who the `speakers` were; a carrying what was `lost` when the transcript was made again.
    """

    at: str
    reviewer: str
    deed: Deed
    base: str
    group: str = ""
    name: str = ""
    second: bool = False
    decisions: tuple[Decision, ...] = ()
    corrections: tuple[Correction, ...] = ()
    swaps: tuple[Swap, ...] = ()
    seen: tuple[str, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    lost: tuple[Lost, ...] = ()
    second_decisions: tuple[Decision, ...] = ()

    @property
    def decided(self) -> frozenset[str]:
        """The ids of everybody whom its decisions name."""
        return frozenset(d.person_id for d in (*self.decisions, *self.second_decisions) if d.person_id)

    @property
    def named(self) -> frozenset[str]:
        """The ids of everybody whom it names."""
        return self.decided | {p.id for s in self.swaps for p in (s.before, s.after) if isinstance(p, Person)}

    @property
    def speakers_changed(self) -> bool:
        """Whether it says who a speaker is."""
        return any(isinstance(s.before or s.after, Speaker) for s in self.swaps)


@record
class Act(Quiet):
    """What of a group can be taken back or done again, and by whom."""

    group: str
    name: str
    reviewer: str
    second: bool
    entry: Entry


@record
class Step(Quiet):
    """How what points into a transcript whose last correction was taken back gets to the one without it."""

    correction: Correction
    to: str


@record
class History(Quiet):
    """What follows from a log.

    `corrections` are those that stand, in order, and `sources` the checksums of the transcripts between them: the first
    that of the recognised one, the last that of the corrected one; `retired` are checksums of those that were taken
    back. `settled` is the entry that settled what stands. `named` are ids of everybody whom any entry ever named, be it
    about another transcript: nobody else may have them.
    """

    base: str
    corrections: tuple[Correction, ...]
    sources: tuple[str, ...]
    retired: Mapping[str, Step]
    first: tuple[Decision, ...]
    second: tuple[Decision, ...]
    settled: Entry | None
    settled_second: Entry | None
    carried: Entry | None
    done: tuple[Act, ...]
    undone: tuple[Act, ...]
    reviewers: tuple[str, ...]
    second_reviewers: tuple[str, ...]
    named: frozenset[str]

    @property
    def source(self) -> str:
        """The checksum of the transcript with its corrections."""
        return self.sources[-1]

    @property
    def settled_on(self) -> str:
        """An ISO date; empty where nobody has settled what stands."""
        return self.settled.at[:10] if self.settled else ""

    def review(self, *, second: bool = False) -> Review:
        """The decisions of a pass as a review; without a settling nothing counts as seen."""
        settled = self.settled_second if second else self.settled
        return Review(
            decisions=self.second if second else self.first,
            source=self.source,
            seen=settled.seen if settled else (),
            reviewer=settled.reviewer if settled else "",
            settled_on=settled.at[:10] if settled else "",
        )

    def last_done(self, reviewer: str, *, second: bool) -> Act | None:
        """What that reviewer would take back now."""
        return next((a for a in reversed(self.done) if a.reviewer == reviewer and a.second == second), None)

    def last_undone(self, reviewer: str, *, second: bool) -> Act | None:
        """What that reviewer would do again now."""
        return next((a for a in reversed(self.undone) if a.reviewer == reviewer and a.second == second), None)


class _Where(NamedTuple):
    """Where a decision stands from a number of corrections on, in parts where a turn now begins inside it; none = its
    words are gone.
    """

    level: int
    decisions: tuple[Decision, ...]


class _Tracked:
    """A decision and its places as corrections come and go."""

    def __init__(self, decision: Decision, level: int, group: str, *, second: bool) -> None:
        self.places = [_Where(level, (decision,))]
        self.group = group
        self.second = second
        self.stands = True

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.places[-1].decisions

    def push(self, correction: Correction, level: int) -> None:
        if _is_about(correction, self.decisions):
            self.places.append(_Where(level, _after(self.decisions, correction)))

    def back(self, former: Correction, number: int, inverse: Correction, level: int) -> None:
        """The correction of that number is gone, and others were made elsewhere since: back to where it stood before
        that, or, if it is younger, along with the words.
        """
        before = next((place for place in reversed(self.places) if place.level < number), None)
        if before is None or not before.decisions:
            self.push(inverse, level)
        elif _is_about(former, before.decisions):
            self.places.append(_Where(level, before.decisions))

    def pop(self, correction: Correction, level: int) -> None:
        """The last correction is gone: back to where it stood before, or, if it is younger, along with the words."""
        while len(self.places) > 1 and self.places[-1].level >= level:
            self.places.pop()
        if self.places[-1].level >= level:
            self.places = [_Where(level - 1, _after(self.places[-1].decisions, correction.inverse))]


def _is_about(correction: Correction, decisions: tuple[Decision, ...]) -> bool:
    turns = {u.id for u in correction.before}
    return any(d.utterance_id in turns for d in decisions)


def _after(decisions: tuple[Decision, ...], correction: Correction) -> tuple[Decision, ...]:
    """Where decisions stand after a correction. What was withheld stays so in other words or in parts."""
    return tuple(there for d in decisions for there in (moved((d,), (correction,)) or still_withheld(d, correction)))


class Fold:
    """Takes entries one by one, so that a server need not read a log anew with each."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.named: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """As if nothing had been done yet."""
        self.chain: list[Correction] = []
        self.sources = [self.base]
        self.retired: dict[str, Step] = {}
        self.tracked: list[_Tracked] = []
        self.settled: dict[bool, Entry | None] = {False: None, True: None}
        self.carried: Entry | None = None
        self.done: list[Act] = []
        self.undone: list[Act] = []
        self.reviewers: dict[bool, dict[str, None]] = {False: {}, True: {}}

    def take(self, entry: Entry) -> None:
        """One more entry; what is about another transcript does not count."""
        self.named |= entry.named
        if entry.base != self.base:
            return
        if entry.deed is Deed.CARRY:
            self.reset()
            self.carried = entry
            for correction in entry.corrections:
                self._correct(correction)
            self._decide(entry.decisions, entry.group, second=False)
            self._decide(entry.second_decisions, entry.group, second=True)
            return
        self.reviewers[entry.second].setdefault(entry.reviewer)
        if entry.deed is Deed.SETTLE:
            self.settled[entry.second] = entry
            return
        self.settled[entry.second] = None
        if entry.corrections or entry.speakers_changed:  # the text of both passes, and who says it
            self.settled = {False: None, True: None}
        for correction in entry.corrections:
            self._correct(correction, again=entry.deed is not Deed.ACT)
        {Deed.ACT: self._act, Deed.UNDO: self._undo, Deed.REDO: self._redo}[entry.deed](entry)

    def history(self) -> History:
        """What stands now."""
        standing = [(t, d) for t in self.tracked if t.stands for d in t.decisions]
        return History(
            base=self.base,
            corrections=tuple(self.chain),
            sources=tuple(self.sources),
            retired=dict(self.retired),
            first=tuple(d for t, d in standing if not t.second),
            second=tuple(d for t, d in standing if t.second),
            settled=self.settled[False],
            settled_second=self.settled[True],
            carried=self.carried,
            done=tuple(self.done),
            undone=tuple(self.undone),
            reviewers=tuple(self.reviewers[False]),
            second_reviewers=tuple(self.reviewers[True]),
            named=frozenset(self.named),
        )

    def _correct(self, correction: Correction, *, again: bool = False) -> None:
        """A correction that takes the last one back leaves everything as it was before that. In an undo or redo
        (`again`) one that takes back an earlier one, since when others were made elsewhere, leaves decisions in its
        turns as they were before that.
        """
        level = len(self.chain)
        last = bool(self.chain) and self.chain[-1] == correction.inverse
        number = _taken_back(self.chain, correction) if again and not last else 0
        if last:
            taken_back = self.chain.pop()
            retired = self.sources.pop()
            self.retired[retired] = Step(correction=correction, to=self.sources[-1])
            for tracked in self.tracked:
                tracked.pop(taken_back, level)
            return
        self.chain.append(correction)
        body = store.body_sha256(correction)
        self.sources.append(hashlib.sha256(f"{self.sources[-1]} {body}".encode()).hexdigest())
        for tracked in self.tracked:
            if number:
                tracked.back(self.chain[number - 1], number, correction, level + 1)
            else:
                tracked.push(correction, level + 1)

    def _decide(self, decisions: tuple[Decision, ...], group: str, *, second: bool) -> None:
        level = len(self.chain)
        self.tracked += [_Tracked(d, level, group, second=second) for d in decisions]

    def _act(self, entry: Entry) -> None:
        if entry.name == FORGET:  # no undo or redo brings a mention back, nor words in which one may stand
            self._decide(entry.decisions, "", second=entry.second)
            self.done = [a for a in self.done if not a.entry.corrections]
            self.undone = []
            return
        self._decide(entry.decisions, entry.group, second=entry.second)
        self.undone = [a for a in self.undone if not (a.reviewer == entry.reviewer and a.second == entry.second)]
        self.done.append(_as_act(entry))

    def _undo(self, entry: Entry) -> None:
        for tracked in self.tracked:
            if tracked.group == entry.group:
                tracked.stands = False
        self.undone += [a for a in self.done if a.group == entry.group]
        self.done = [a for a in self.done if a.group != entry.group]

    def _redo(self, entry: Entry) -> None:
        """What is done again outweighs what was done meanwhile."""
        again = [t for t in self.tracked if t.group == entry.group]
        for tracked in again:
            tracked.stands = True
        self.tracked = [t for t in self.tracked if t.group != entry.group] + again
        self.done += [a for a in self.undone if a.group == entry.group]
        self.undone = [a for a in self.undone if a.group != entry.group]


def _taken_back(chain: Sequence[Correction], correction: Correction) -> int:
    """The number, from 1, of the correction that this one takes back: the last one of its turns, but for those that
    were taken back themselves. 0 where it takes none back.
    """
    turns = {u.id for u in (*correction.before, *correction.after)}
    inverse, gone = correction.inverse, list[Correction]()
    for number in range(len(chain), 0, -1):
        one = chain[number - 1]
        if turns.isdisjoint(u.id for u in (*one.before, *one.after)):
            continue
        if gone and one == gone[-1]:
            gone.pop()
        elif not gone and one == inverse:
            return number
        else:
            gone.append(one.inverse)
    return 0


def _as_act(entry: Entry) -> Act:
    return Act(group=entry.group, name=entry.name, reviewer=entry.reviewer, second=entry.second, entry=entry)


def history(entries: Sequence[Entry], base: str) -> History:
    """What follows from a log for the transcript with that checksum."""
    fold = Fold(base)
    for entry in entries:
        fold.take(entry)
    return fold.history()
