"""Settled? gate passed? then, and only then, write a numbered release - all of it or nothing."""

import json
import os
import re
import secrets
from dataclasses import replace
from pathlib import Path

from transcribe import __version__, audit, changes, companions, export, plugins, pseudonyms, replacements, store
from transcribe.changes import Change
from transcribe.errors import ConfigError, NotSettledError, StudyError
from transcribe.export import Exporter, StudyExporter
from transcribe.gate import Gate
from transcribe.pipeline import Engines, refresh_findings
from transcribe.ready import Ready, named_people, need, read_until_clean, rendered, second_reading, settled
from transcribe.replacements import Originals
from transcribe.schema import AnonymisedTranscript, Person, Quiet, ReviewState, record
from transcribe.vault import Unlocked, with_people, with_pseudonyms, with_renderings

EVERY_FORMAT = "all"


@record
class Released(Quiet):
    """A written release: its folder, the transcripts' files and those `beside` them, and what was left out and why."""

    number: int
    folder: str
    files: tuple[str, ...]
    beside: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


@record
class _Prepared(Quiet):
    """What a release writes of: people as the team and as this level calls them, recordings, and the gate for them."""

    team: tuple[Person, ...]
    people: tuple[Person, ...]
    ready: tuple[Ready, ...]
    transcripts: tuple[AnonymisedTranscript, ...]
    gate: Gate
    left_out: tuple[tuple[str, str], ...]


def write(
    unlocked: Unlocked,
    wanted: tuple[str, ...],
    formats: tuple[str, ...],
    engines: Engines,
    *,
    unreviewed: bool,
    level: str = "team",
) -> Released:
    """Release recordings (all that can be when none is named) in these formats, as one numbered folder.

    `level` is how much is withheld: team, archive or public. Raises NotSettledError, LeakError, EngineError for an
    unknown format, ConfigError for an unknown level; then nothing was written.
    """
    exporters = _exporters(formats)
    with unlocked.study.lock("work"):
        unlocked.study.sweep()
        made = _prepared(unlocked, wanted, engines, unreviewed, level)
        unlocked.change(lambda vault: with_renderings(with_pseudonyms(vault, made.team), level, made.people))
        files = _export(made.transcripts, exporters, made.gate)
        beside = companions.files(unlocked, made.ready, made.transcripts, level, made.gate)
        number, folder = _publish(unlocked, made, level, files | beside)
    return Released(number=number, folder=str(folder), files=tuple(files), beside=tuple(beside), left_out=made.left_out)


def differences(
    unlocked: Unlocked, wanted: tuple[str, ...], engines: Engines, *, unreviewed: bool, level: str = "team"
) -> tuple[Change, ...]:
    """What a release now would change of the last one at this level; writes none. Raises as `write` does."""
    with unlocked.study.lock("work"):
        made = _prepared(unlocked, wanted, engines, unreviewed, level)
        return companions.differences(unlocked, made.transcripts, level)


def settled_text(unlocked: Unlocked, recording_id: str, level: str = "team") -> AnonymisedTranscript:
    """One settled transcript as a release would write it, passed by the gate. Raises NotSettledError, LeakError."""
    ready = need(unlocked, recording_id)
    if ready.settled.review is not ReviewState.REVIEWED:
        raise NotSettledError(TO_REVIEW, recording_id=recording_id, stage="release", advice=ADVICE[TO_REVIEW])
    policy = pseudonyms.at_level(unlocked.study.config.policy, level)
    people = named_people(unlocked, policy)
    gate = Gate(people, policy)
    transcript = rendered(unlocked, ready, people, gate, policy)
    gate.refuse(gate.check_lines(transcript))
    return transcript


def originals(unlocked: Unlocked, recording_id: str, number: int = 0) -> Originals:
    """What a release (the latest, if none is named) replaced in a recording. Raises StudyError where there is none."""
    unlocked.vault.entry(recording_id)
    released = [
        int(str(event["release"]))
        for event in unlocked.study.journal()
        if event.get("event") == "released" and recording_id in str(event.get("recordings")).split()
    ]
    wanted = number or max(released, default=0)
    stored = unlocked.load(recording_id, _replaced(wanted), Originals)
    if stored is None:
        raise StudyError("no such release holds it", recording_id=recording_id, advice="see `transcribe status`")
    return stored.value


def _replaced(number: int) -> str:
    """The name of the artefact that holds a release's originals."""
    return f"replacements-{number:03d}"


def _prepared(unlocked: Unlocked, wanted: tuple[str, ...], engines: Engines, unreviewed: bool, level: str) -> _Prepared:
    """Everything that is to be released at a level, passed by the gate's first check."""
    policy = pseudonyms.at_level(unlocked.study.config.policy, level)
    refresh_findings(unlocked, engines)
    chosen, left_out = _choose(unlocked, wanted, unreviewed)
    team = named_people(unlocked)
    ready = tuple(_read_again(unlocked, one, team, engines) for one in chosen)
    people = named_people(unlocked, policy)
    gate = Gate(people, policy)
    transcripts = tuple(rendered(unlocked, one, people, gate, policy) for one in ready)
    for transcript in transcripts:
        gate.refuse(gate.check_lines(transcript))
    return _Prepared(team=team, people=people, ready=ready, transcripts=transcripts, gate=gate, left_out=left_out)


def _choose(
    unlocked: Unlocked, wanted: tuple[str, ...], unreviewed: bool
) -> tuple[list[Ready], tuple[tuple[str, str], ...]]:
    """What can be released and what cannot, with the reason. Raises NotSettledError for one that was named."""
    chosen, left_out = [], []
    for recording_id in wanted or unlocked.study.recordings():
        unlocked.vault.entry(recording_id)
        ready = settled(unlocked, recording_id)
        reason = _obstacle(ready, unreviewed)
        if ready is not None and not reason:
            chosen.append(ready)
        elif wanted and reason != "no speech":
            raise NotSettledError(
                reason, recording_id=recording_id, stage="release", advice=ADVICE.get(reason, "settle it first")
            )
        else:
            left_out.append((recording_id, reason))
    if not chosen:
        reasons = "; ".join(f"{recording_id}: {reason}" for recording_id, reason in left_out) or "no recordings"
        raise NotSettledError(
            f"nothing can be released ({reasons})", advice="run and settle first, or release --unreviewed"
        )
    return chosen, tuple(left_out)


def _read_again(unlocked: Unlocked, ready: Ready, people: tuple[Person, ...], engines: Engines) -> Ready:
    """As it stands after a second reading. Raises NotSettledError where that asks the reviewer something new."""
    recording_id = ready.transcript.value.recording_id
    if ready.settled.review is ReviewState.UNREVIEWED:
        read_until_clean(unlocked, recording_id, people, engines)
    elif second_reading(unlocked, ready, people, engines):
        raise NotSettledError(
            "a second reading of the finished text found more that may identify somebody",
            recording_id=recording_id,
            stage="release",
            advice="see `transcribe show`, and settle it again",
        )
    return settled(unlocked, recording_id) or ready


NOT_RUN, TO_REVIEW = "not transcribed yet", "not reviewed"
NO_DETECTOR = "in a language that no detector knows, so only a person can settle it"
FOREIGN = "in parts in a language that no detector knows, so only a person can settle it"
ADVICE = {
    NOT_RUN: "run `transcribe run STUDY`",
    TO_REVIEW: "settle it with `transcribe settle STUDY ID --reviewer ALIAS`, or release --unreviewed",
    NO_DETECTOR: "settle it with `transcribe settle STUDY ID --reviewer ALIAS`",
    FOREIGN: "read those parts (`transcribe show STUDY ID --identified` marks them), then settle it",
}


def _obstacle(ready: Ready | None, unreviewed: bool) -> str:
    if ready is None:
        return NOT_RUN
    if not ready.transcript.value.utterances:
        return "no speech"
    if ready.settled.review is ReviewState.REVIEWED:
        return ""
    if not unreviewed:
        return TO_REVIEW
    if not ready.looked:
        return NO_DETECTOR
    return FOREIGN if ready.foreign else ""


def _exporters(formats: tuple[str, ...]) -> tuple[Exporter | StudyExporter, ...]:
    """The exporters of these names, each once; of "all", every one at the door. Raises EngineError, ConfigError."""
    names = [one for name in formats for one in (plugins.names(export.DOOR) if name == EVERY_FORMAT else (name,))]
    if not names:
        raise ConfigError("no format was named", advice="give --to txt, for instance")
    return tuple(export.load(name) for name in dict.fromkeys(names))


def _export(
    transcripts: tuple[AnonymisedTranscript, ...], exporters: tuple[Exporter | StudyExporter, ...], gate: Gate
) -> dict[str, bytes]:
    """File name -> bytes, each read back and passed by the gate."""
    files: dict[str, bytes] = {}
    for exporter in exporters:
        if isinstance(exporter, StudyExporter):
            parts = {export.marked_name("study", exporter.suffix): transcripts}
        else:
            parts = {exporter.file_name(one.recording_id, exporter.suffix): (one,) for one in transcripts}
        for name, held in parts.items():
            data = export.written(exporter, held)
            gate.check_file(held, exporter, data, name)
            files[name] = data
    return files


def _publish(unlocked: Unlocked, made: _Prepared, level: str, files: dict[str, bytes]) -> tuple[int, Path]:
    """Write a folder beside its final place, sync it, and move it there whole. What it replaced, and how its turns
    read, is kept in private/.
    """
    study = unlocked.study
    numbers = [int(path.name) for path in study.releases.iterdir() if re.fullmatch(r"\d{3,}", path.name)]
    # a release that was moved away keeps its number: copies of it are with others
    numbers += [int(str(event["release"])) for event in study.journal() if event.get("event") == "released"]
    number = max(numbers, default=0) + 1
    final = study.releases / f"{number:03d}"
    temporary = study.releases / f".{number:03d}.{secrets.token_hex(4)}.tmp"
    temporary.mkdir(mode=0o700)
    for name, data in files.items():
        store.write_bytes(temporary / name, data)
    manifest = _manifest(unlocked, number, level, made.transcripts, files)
    store.write_bytes(temporary / "manifest.json", json.dumps(manifest, indent=1).encode() + b"\n")
    os.rename(temporary, final)  # noqa: PTH104 - must fail, not replace, when the folder exists and holds files
    store.sync_folder(study.releases)
    _remember(unlocked, made, level, number)
    ids = [transcript.recording_id for transcript in made.transcripts]
    study.log("released", release=number, recordings=" ".join(ids))
    audit.append(study.audit_path, "released", release=number, recordings=ids)
    return number, final


def _remember(unlocked: Unlocked, made: _Prepared, level: str, number: int) -> None:
    for one in companions.logged(unlocked, made.ready, made.transcripts):
        recording_id = one.released.recording_id
        unlocked.save(recording_id, _replaced(number), replacements.originals(one, number))
        unlocked.save(recording_id, companions.artefact(level), changes.turns(unlocked.vault, one.released, number))


def _manifest(
    unlocked: Unlocked,
    number: int,
    level: str,
    transcripts: tuple[AnonymisedTranscript, ...],
    files: dict[str, bytes],
) -> dict[str, object]:
    return {
        "release": number,
        "level": level,
        "program": f"transcribe {__version__}",
        "state": "pseudonymised: a key exists",
        "recordings": [
            {
                "id": transcript.recording_id,
                "review": transcript.review.value,
                "settled_on": transcript.settled_on,
                "source_digest": transcript.source_digest,
                "replacements": {kind.value: count for kind, count in transcript.counts},
                "unclear": {"stretches": transcript.unclear, "seconds": round(transcript.unclear_s, 3)},
            }
            for transcript in transcripts
        ],
        "files": [{"name": name, "hmac_sha256": unlocked.vault.digest(data)} for name, data in files.items()],
    }


def draw_again(unlocked: Unlocked, person_id: str) -> tuple[str, ...]:
    """Give a person another pseudonym; the released files that still bear the old one, to be replaced."""
    person = unlocked.vault.person(person_id)
    old = person.pseudonym
    if not old:
        return ()
    held = tuple(replace(p, pseudonym="", chosen=False) if p.id == person_id else p for p in unlocked.vault.people)
    barred = replace(person, id=f"{person_id}/old", forms=(old,))  # the old one is not drawn again
    policy = unlocked.study.config.policy
    drawn = pseudonyms.assign((*held, barred), policy, unlocked.vault.digest)
    unlocked.change(lambda vault: with_people(vault, tuple(p for p in drawn if p.id == person_id)))
    audit.append(unlocked.study.audit_path, "pseudonym drawn again", person=person_id)
    pattern = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    return tuple(
        str(path.relative_to(unlocked.study.root))
        for path in sorted(unlocked.study.releases.glob("*/*"))
        if path.name != "manifest.json" and _mentions(path, pattern)
    )


def _mentions(path: Path, pattern: re.Pattern[str]) -> bool:
    read = export.reader(path.name)
    return read is not None and any(pattern.search(string) for string in read(path.read_bytes()))
