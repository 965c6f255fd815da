"""The files of a release beside its transcripts: who is in it, the sample, the log, changes, and what Methods needs."""

from collections.abc import Sequence

from transcribe import casebook, changes, levels, methods, replacements
from transcribe.changes import Change, Turns
from transcribe.config import StudyConfig
from transcribe.gate import Gate
from transcribe.methods import Measured
from transcribe.ready import Ready
from transcribe.replacements import Logged
from transcribe.schema import AnonymisedTranscript
from transcribe.study import Study
from transcribe.vault import Unlocked

NAMES = ("people.csv", "sample.csv", "replacements.csv", "changes.csv", "methods.txt", "provenance.json")


def files(unlocked: Unlocked, settled: tuple[Logged, ...], level: str, gate: Gate) -> dict[str, bytes]:
    """File name -> bytes, passed by the gate. Raises LeakError."""
    study, transcripts = unlocked.study, tuple(one.released for one in settled)
    measured, settings = evaluated(study), _settings(study.config)
    policy = levels.at_level(study.config.policy, level)
    changed = differences(unlocked, transcripts, level)
    made: dict[str, bytes | None] = {
        "people.csv": casebook.people(transcripts),
        "sample.csv": casebook.sample(transcripts),
        "replacements.csv": replacements.log(study.created["study"], settled),
        "changes.csv": changes.table(changed) if any(change.since for change in changed) else None,
        "methods.txt": methods.text(transcripts, policy, measured, helped(study)).encode() + b"\n",
        "provenance.json": methods.provenance(transcripts, level, settings, measured),
    }
    gate.check_words(transcripts, _texts(settings) - _texts(_settings(StudyConfig())))
    for name in ("people.csv", "sample.csv", "replacements.csv"):
        gate.check_table(transcripts, made[name] or b"", name)
    return {name: data for name, data in made.items() if data is not None}


def logged(ready: Sequence[Ready], transcripts: tuple[AnonymisedTranscript, ...]) -> list[Logged]:
    """What was settled for each transcript, with who answers for it."""
    found = []
    for one, released in zip(ready, transcripts, strict=True):
        reviewer = one.history.settled.reviewer if one.history.settled else ""
        found.append(
            Logged(
                identified=one.transcript.value,
                released=released,
                found=(*one.settled.replaced, *one.settled.kept),
                reviewer=reviewer,
                settled_on=one.settled.settled_on,
            )
        )
    return found


def differences(unlocked: Unlocked, transcripts: tuple[AnonymisedTranscript, ...], level: str) -> tuple[Change, ...]:
    """What these transcripts change of each recording's last release at this level; new ones are told as such."""
    found: list[Change] = []
    for transcript in transcripts:
        before = unlocked.standing(transcript.recording_id, artefact(level), Turns)
        found += changes.between(before.value if before else None, unlocked.vault, transcript)
    return tuple(found)


def artefact(level: str) -> str:
    """The name under which a recording's released turns are remembered."""
    return f"turns-{level}"


def evaluated(study: Study) -> tuple[Measured, ...]:
    """The last measurement of each kind that `transcribe evaluate --study` noted in the journal."""
    latest = {str(event["measure"]): event for event in study.journal() if event.get("event") == "evaluated"}
    return tuple(
        Measured(measure=measure, errors=float(str(e["errors"])), of=float(str(e["of"])), on=str(e["on"]))
        for measure, e in sorted(latest.items())
        if float(str(e["of"])) > 0
    )


def helped(study: Study) -> frozenset[str]:
    """The ids of recordings that a run gave to further machines, as the journal tells."""
    ids: set[str] = set()
    for event in study.journal():
        if event.get("event") == "helped":
            ids.add(str(event["recording"]))
        elif event.get("event") == "added":  # what is told of the id before is of one that was forgotten
            ids.discard(str(event.get("recording")))
    return frozenset(ids)


def _texts(value: object) -> set[str]:
    """Every key and every string of a document."""
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) else set()


def _settings(config: StudyConfig) -> dict[str, object]:
    """study.toml as it counts for the text, without who is recognised by voice and how long recordings are kept."""
    return config.model_dump(mode="json", exclude={"voices", "retention_months"})
