"""The transcript of a recording as it stands, with all that people corrected, and the log of what they did to it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from transcribe import store
from transcribe.errors import StudyError
from transcribe.review.corrections import Correction, corrected, moved
from transcribe.review.decisions import Review
from transcribe.review.log import Deed, Entry, History, history
from transcribe.review.refusals import Conflict
from transcribe.schema import Decision, Finding, Quiet, Transcript, Unclear, record
from transcribe.store import Stored
from transcribe.vault import Unlocked

S = TypeVar("S", Finding, Decision, Unclear)


@record
class Current(Quiet):
    """A transcript as recognised (`base`) and as it stands; the latter's checksum is the last of the history's."""

    base: Stored[Transcript]
    transcript: Stored[Transcript]
    history: History

    def since(self, source: str) -> tuple[Correction, ...] | None:
        """The corrections made since a transcript of that checksum; None where that is none this one comes of."""
        sources, back = self.history.sources, []
        while source not in sources:
            if source not in self.history.retired:
                return None
            step = self.history.retired[source]
            back.append(step.correction)
            source = step.to
        return (*back, *self.history.corrections[sources.index(source) :])

    def moved(self, spans: Iterable[S], source: str) -> tuple[S, ...]:
        """Spans of a transcript of that checksum at their places now; none where this one does not come of it."""
        corrections = self.since(source)
        return () if corrections is None else moved(spans, corrections)


def current(unlocked: Unlocked, recording_id: str) -> Current | None:
    """None before the first run, and where the transcript is damaged: the next run makes it again."""
    base = unlocked.standing(recording_id, "transcript", Transcript)
    if base is None:
        return None
    return standing(base, history(entries(unlocked, recording_id), base.body_sha256))


def need_current(unlocked: Unlocked, recording_id: str) -> Current:
    """The same. Raises StudyError when there is none yet."""
    here = current(unlocked, recording_id)
    if here is None:
        raise StudyError("not transcribed yet", recording_id=recording_id, advice="run `transcribe run STUDY`")
    return here


def standing(base: Stored[Transcript], past: History) -> Current:
    """A transcript with the corrections of its history."""
    if not past.corrections:
        return Current(base=base, transcript=base, history=past)
    value = corrected(base.value, past.corrections)
    return Current(base=base, transcript=replace(base, value=value, body_sha256=past.source), history=past)


def entries(unlocked: Unlocked, recording_id: str) -> tuple[Entry, ...]:
    """The log of a recording; what versions up to 0.3 kept of a review comes first."""
    return (*former(unlocked, recording_id), *unlocked.appended(recording_id, Entry))


def stood(unlocked: Unlocked, recording_id: str) -> tuple[int, ...]:
    """What differs whenever an entry was added to a recording's log, or its transcript made anew: to be asked before
    anything is read that an entry is to be about.
    """
    study = unlocked.study
    count = len(store.numbered(study.log_path(recording_id)))
    return count, *store.stamp(study.artefact_path(recording_id, "transcript"))


@contextmanager
def adding(unlocked: Unlocked, recording_id: str, since: tuple[int, ...]) -> Iterator[Callable[[Entry], None]]:
    """What adds an entry about a recording as it `stood` then, while nobody else does. Raises Conflict where something
    came in between.
    """
    with unlocked.adding(recording_id) as add:
        if stood(unlocked, recording_id) != since:
            raise Conflict("it was changed meanwhile", recording_id=recording_id, advice="look at it again")
        yield add


def former(unlocked: Unlocked, recording_id: str) -> tuple[Entry, ...]:
    """What versions up to 0.3 kept of a review, as entries."""
    stored = unlocked.load(recording_id, "review", Review)
    if stored is None:
        return ()
    review = stored.value
    at = f"{review.settled_on}T00:00:00Z"
    settled = Entry(at=at, reviewer=review.reviewer, deed=Deed.SETTLE, base=review.source, seen=review.seen)
    if not review.decisions:
        return (settled,)
    acted = replace(settled, deed=Deed.ACT, name="settle", group="former", seen=(), decisions=review.decisions)
    return acted, settled
