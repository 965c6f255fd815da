"""The recordings of a study as a reviewer sees them: how far each is, and how long the rest will take."""

from collections.abc import Callable
from math import ceil

from transcribe import overview
from transcribe.errors import TranscribeError
from transcribe.review import documents
from transcribe.review.desk import Desk
from transcribe.review.documents import Json
from transcribe.schema import ReviewState
from transcribe.vault import Unlocked

PLACE_S = 6.0  # to decide an open place: listening to it takes about three seconds
WORDS_A_MINUTE = 200  # silent reading of English is 238 (Brysbaert 2019), and who checks reads more slowly
_DONE = ("settled", "released")


class Rows:
    """Rows with what was counted so far: opening many long transcripts takes its time, and a page need not wait."""

    def __init__(self, unlocked: Unlocked, desk: Callable[[str], Desk]) -> None:
        self._open = unlocked
        self._desk = desk
        self._counted: dict[str, tuple[str, Json]] = {}

    def now(self) -> tuple[list[Json], bool]:
        """A row for each recording, and whether some are still to be counted."""
        rows, more = [], False
        for row in overview.overview(self._open.study, None).rows:
            stamp = self._open.study.state_of(row.id)
            known = self._counted.get(row.id)
            if known is None or known[0] != stamp:
                more = True
            counts = known[1] if known else _blank()
            state = counts["state"] or row.state
            state = overview.standing(state, row.release, reviewed=state == "settled")
            left = 0 if state in _DONE else counts["minutes_left"]
            rows.append({**counts, "id": row.id, "state": state, "release": row.release, "minutes_left": left})
        return rows, more

    def count(self) -> None:
        """Count every recording that was not counted yet, or has changed since."""
        for recording_id in self._open.study.recordings():
            stamp = self._open.study.state_of(recording_id)
            known = self._counted.get(recording_id)
            if known is None or known[0] != stamp:
                self._counted[recording_id] = stamp, self._count(recording_id)

    def _count(self, recording_id: str) -> Json:
        try:
            desk = self._desk(recording_id)
            ready, past = desk.ready, desk.past
        except TranscribeError:  # not run yet, or damaged: its state says so
            return _blank()
        second = desk.reviewer.second
        decisions = past.second if second else past.first
        found = documents.marks(ready, decisions)
        marks = [mark for group in found.values() for mark in group]
        words = sum(len(u.words) for u in ready.transcript.value.utterances)
        waiting = documents.undecided(ready, decisions, second=second)
        opened = sum(mark.open for mark in marks) + waiting
        begun = decisions or any(act.second == second for act in past.done)
        settled = past.settled_second if second else ready.settled.review is ReviewState.REVIEWED
        return {
            "state": "settled" if settled else "in review" if begun else "",
            "duration_s": desk.duration_s,
            "turns": len(ready.transcript.value.utterances),
            "words": words,
            "findings": len(marks),
            "questions": sum(mark.open for mark in marks),
            "flagged": waiting,
            "minutes_left": ceil(opened * PLACE_S / 60 + words / WORDS_A_MINUTE),
            "reviewers": list(past.reviewers),
            "second_reviewers": list(past.second_reviewers),
            "settled_on": past.review(second=second).settled_on,
            "lost": len(past.carried.lost) if past.carried else 0,
        }


def _blank() -> Json:
    numbers = dict.fromkeys(
        ("duration_s", "turns", "words", "findings", "questions", "flagged", "minutes_left", "lost")
    )
    return {**numbers, "state": "", "reviewers": [], "second_reviewers": [], "settled_on": ""}
