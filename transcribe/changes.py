"""Which turns of a recording read otherwise than in the release before: by number and time, never what stood there.

A second coder works on text that an earlier release holds; codes of turns that are not listed stay true. What stood
there before is not repeated, since it may be what was withheld since.
"""

from difflib import SequenceMatcher

from transcribe import tables
from transcribe.export.layout import one_line, stamp
from transcribe.schema import AnonymisedTranscript, Quiet, record
from transcribe.vault import Vault

COLUMNS = ("recording", "since release", "change", "turn", "start")
_WORDS = {"replace": "changed", "insert": "added", "delete": "removed"}


@record
class Turns(Quiet):
    """The keyed digests of a recording's turns as a release wrote them, in order."""

    release: int
    digests: tuple[str, ...]


@record
class Change(Quiet):
    """A turn that reads otherwise: `turn` counts in the new text, or in the old one where it was removed.

    0 for a recording that no release `since` holds.
    """

    recording_id: str
    since: int
    what: str
    turn: int
    start: str


def turns(vault: Vault, transcript: AnonymisedTranscript, release: int) -> Turns:
    """What to remember of a release."""
    said = [vault.digest("turn", line.speaker, one_line(line.text)) for line in transcript.lines]
    return Turns(release=release, digests=tuple(said))


def between(before: Turns | None, vault: Vault, transcript: AnonymisedTranscript) -> tuple[Change, ...]:
    """What a transcript changes of a release; where none holds it, that it is new."""
    if before is None:
        return (Change(recording_id=transcript.recording_id, since=0, what="new recording", turn=0, start=""),)
    now = turns(vault, transcript, 0).digests
    found = []
    for tag, old_start, old_end, start, end in SequenceMatcher(None, before.digests, now, False).get_opcodes():
        for number in range(start, end):
            line = transcript.lines[number]
            what = _WORDS["replace" if tag == "replace" and number - start < old_end - old_start else "insert"]
            if tag != "equal":
                clock = stamp(line.start_s).strip("[]") if transcript.timed else ""
                found.append(_change(transcript, before, what, number + 1, clock))
        if tag in ("delete", "replace"):
            gone = range(old_start + (end - start if tag == "replace" else 0), old_end)
            found += [_change(transcript, before, _WORDS["delete"], number + 1, "") for number in gone]
    return tuple(found)


def _change(transcript: AnonymisedTranscript, before: Turns, what: str, turn: int, start: str) -> Change:
    return Change(recording_id=transcript.recording_id, since=before.release, what=what, turn=turn, start=start)


def cells(change: Change) -> tuple[str, ...]:
    """A change as a row of COLUMNS."""
    since, turn = (f"{change.since:03d}", str(change.turn)) if change.since else ("", "")
    return change.recording_id, since, change.what, turn, change.start


def table(changes: tuple[Change, ...]) -> bytes:
    """changes.csv."""
    return tables.write(COLUMNS, [cells(change) for change in changes])
