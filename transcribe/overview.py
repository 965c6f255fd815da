"""What a study looks like: the state of each recording, and what is left to do. Most of it needs no key."""

from pathlib import Path

from transcribe import levels
from transcribe.ready import settled
from transcribe.schema import Quiet, Recording, ReviewState, record
from transcribe.study import Study
from transcribe.vault import Unlocked

STAGE_FILES = (("recognised", "words"), ("diarised", "turns"), ("transcribed", "transcript"), ("to review", "findings"))


@record
class Row(Quiet):
    """A recording: its state, seconds of sound and open findings (None without the key), latest release (0 = none)."""

    id: str
    state: str
    duration_s: float | None
    findings: int | None
    release: int


@record
class Overview(Quiet):
    """A study: its random id, the rows, ids of recordings whose source file still lies outside the encryption, ids of
    people whose pseudonym has turned out to be somebody's real name, and ids of recordings that were added twice."""

    study_id: str
    rows: tuple[Row, ...]
    sources_outside: tuple[str, ...] = ()
    to_redraw: tuple[str, ...] = ()
    doubles: tuple[tuple[str, str], ...] = ()

    def advice(self, root: str) -> tuple[str, ...]:
        """What to do next, and what needs care."""
        lines = []
        states = {row.state for row in self.rows}
        if not self.rows:
            lines.append(f"Next: transcribe add {root} FILE...")
        elif states & {"added", "recognised", "diarised", "transcribed", "failed"}:
            lines.append(f"Next: transcribe run {root}")
        elif "to review" in states:
            lines.append(f"Next: transcribe show {root} ID --identified, then transcribe settle {root} ID")
        elif "settled" in states:
            lines.append(f"Next: transcribe release {root}")
        if self.sources_outside:
            lines.append(f"The source files of {', '.join(self.sources_outside)} still lie outside the encryption.")
        for person_id in self.to_redraw:
            lines.append(
                f"{person_id}'s pseudonym is a real name of this study: transcribe people {root} redraw {person_id}"
            )
        lines += [f"{one} is the same recording as {other}." for one, other in self.doubles]
        return tuple(lines)


def overview(study: Study, unlocked: Unlocked | None) -> Overview:
    """What can be told; without the key neither durations nor findings."""
    rows = tuple(_row(study, recording_id, unlocked) for recording_id in study.recordings())
    if unlocked is None:
        return Overview(study_id=study.created["study"], rows=rows)
    vault = unlocked.vault
    first: dict[str, str] = {}
    doubles = [(e.id, first.setdefault(e.sha256, e.id)) for e in vault.recordings]
    return Overview(
        study_id=study.created["study"],
        rows=rows,
        sources_outside=tuple(e.id for e in vault.recordings if _exists(e.source_path)),
        to_redraw=levels.clashing(vault.people, vault.renderings),
        doubles=tuple((one, other) for one, other in doubles if one != other),
    )


def _exists(path: str) -> bool:

    try:
        return Path(path).exists()
    except OSError:
        return False


def _row(study: Study, recording_id: str, unlocked: Unlocked | None) -> Row:
    last, release = "", 0
    for event in study.journal():
        if event.get("recording") == recording_id and event.get("event") in ("done", "failed", "no speech"):
            last = str(event["event"])
        ids = str(event.get("recordings", "")).split()
        if event.get("event") == "released" and recording_id in ids:
            release = int(str(event["release"]))
    state = "added"
    for name, artefact in STAGE_FILES:
        if study.artefact_path(recording_id, artefact).exists():
            state = name
    if last in ("failed", "no speech"):
        state = last
    duration_s, findings = None, None
    if unlocked is not None:
        recording = unlocked.load(recording_id, "recording", Recording)
        duration_s = recording.value.duration_s if recording else None
        ready = settled(unlocked, recording_id)
        if ready is not None:
            findings = len(ready.settled.replaced)
            if state == "to review" and ready.settled.review is ReviewState.REVIEWED:
                state = "settled"
    if release and state in ("to review", "settled"):
        state = "released"
    return Row(id=recording_id, state=state, duration_s=duration_s, findings=findings, release=release)
