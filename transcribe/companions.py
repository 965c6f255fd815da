"""The files of a release beside its transcripts: who is in it, the sample, the log, changes, and what Methods needs."""

from collections.abc import Sequence

from transcribe import casebook, changes, methods, replacements
from transcribe.changes import Change, Turns
from transcribe.config import StudyConfig
from transcribe.gate import Gate
from transcribe.methods import Measured
from transcribe.ready import Ready
from transcribe.replacements import Logged
from transcribe.review.decisions import Review
from transcribe.schema import AnonymisedTranscript
from transcribe.study import Study
from transcribe.vault import Unlocked


def files(
    unlocked: Unlocked,
    ready: Sequence[Ready],
    transcripts: tuple[AnonymisedTranscript, ...],
    level: str,
    gate: Gate,
) -> dict[str, bytes]:
    """File name -> bytes, passed by the gate. Raises LeakError."""
    study = unlocked.study
    measured = evaluated(study)
    made: dict[str, bytes | None] = {
        "people.csv": casebook.people(transcripts),
        "sample.csv": casebook.sample(transcripts),
        "replacements.csv": replacements.log(study.created["study"], logged(unlocked, ready, transcripts)),
        "changes.csv": _changes(differences(unlocked, transcripts, level)),
        "methods.txt": methods.text(transcripts, level, measured).encode() + b"\n",
        "provenance.json": methods.provenance(transcripts, level, _settings(study.config), measured),
    }
    for name in ("people.csv", "sample.csv", "replacements.csv"):
        gate.check_table(transcripts, made[name] or b"", name)
    return {name: data for name, data in made.items() if data is not None}


def logged(unlocked: Unlocked, ready: Sequence[Ready], transcripts: tuple[AnonymisedTranscript, ...]) -> list[Logged]:
    """What was settled for each transcript, with who answers for it."""
    found = []
    for one, released in zip(ready, transcripts, strict=True):
        review = unlocked.load(released.recording_id, "review", Review)
        found.append(
            Logged(
                identified=one.transcript.value,
                released=released,
                found=(*one.settled.replaced, *one.settled.kept),
                reviewer=review.value.reviewer if review else "",
                settled_on=one.settled.settled_on,
            )
        )
    return found


def differences(unlocked: Unlocked, transcripts: tuple[AnonymisedTranscript, ...], level: str) -> tuple[Change, ...]:
    """What these transcripts change of each recording's last release at this level."""
    found: list[Change] = []
    for transcript in transcripts:
        before = unlocked.standing(transcript.recording_id, artefact(level), Turns)
        if before is not None:
            found += changes.between(before.value, unlocked.vault, transcript)
    return tuple(found)


def artefact(level: str) -> str:
    """The name under which a recording's released turns are remembered."""
    return f"turns-{level}"


def _changes(found: tuple[Change, ...]) -> bytes | None:
    return changes.table(found) if found else None


def evaluated(study: Study) -> tuple[Measured, ...]:
    """The last measurement of each kind that `transcribe evaluate --study` noted in the journal."""
    latest = {str(event["measure"]): event for event in study.journal() if event.get("event") == "evaluated"}
    return tuple(
        Measured(measure=measure, errors=float(str(e["errors"])), of=float(str(e["of"])), on=str(e["on"]))
        for measure, e in sorted(latest.items())
    )


def _settings(config: StudyConfig) -> dict[str, object]:
    """study.toml as it counts, without who is recognised by voice."""
    return config.model_dump(mode="json", exclude={"voices"})
