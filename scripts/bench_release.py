"""How long a study's release takes, format by format. Called by scripts/bench release [--interviews 21].

A study of long interviews is made of the development interviews' own turns, repeated to two hours and 20 000 words
each, with their rosters; nothing is recognised. They are settled first, which reads the finished text once more (by the
roster's rules alone: no model is loaded here). Timed are `release --to all`, as the command does it, and then each
format's writing and its check by the gate by themselves, as a share.
"""

import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import DATA

from transcribe import export, people, pipeline, release, store, study, vault
from transcribe.config import StudyConfig
from transcribe.engines import Engines
from transcribe.errors import NotSettledError
from transcribe.gate import Gate
from transcribe.ready import named_people, need, rendered
from transcribe.review import settling
from transcribe.schema import Findings, MadeBy, Recording, Speaker, SpeakerBounds, Transcript, Utterance, Word
from transcribe.vault import RecordingEntry, Unlocked, with_people

WORDS = 20_000
SECONDS = 7200.0
INTERVIEWS = ("d1_oluwaseun", "d2_siobhan", "d3_zsofia")
NOBODY = MadeBy(stage="recognise", engine="none", version="0", model="none", model_sha256="")


class RosterAlone(Engines):
    """Engines without a model-backed rule."""

    rules = ()  # type: ignore[assignment]


def made_study(root: Path, count: int) -> Unlocked:
    """A study of `count` settled interviews of two hours."""
    identity = store.new_identity()
    opened = study.create(root, identity, "a passphrase that nobody types")
    unlocked = vault.create(opened, identity)
    for number, name in enumerate(INTERVIEWS, 1):
        roster = people.read((DATA / "interviews" / f"{name}.roster.csv").read_bytes(), f"w{number}-")
        unlocked.change(lambda known, roster=roster: with_people(known, roster))
    engines = RosterAlone(StudyConfig())
    for number in range(1, count + 1):
        add(unlocked, f"R{number:03d}", INTERVIEWS[number % len(INTERVIEWS)], f"w{number % len(INTERVIEWS) + 1}-")
    pipeline.refresh_findings(unlocked, engines)
    for recording_id in opened.recordings():
        _settle(unlocked, recording_id, engines)
    return unlocked


def _settle(unlocked: Unlocked, recording_id: str, engines: Engines) -> None:
    """Settled as a reviewer does it who accepts whatever the second reading brings."""
    for _ in range(5):
        settling.settle(unlocked, recording_id, "AB")
        with suppress(NotSettledError):
            settling.check(unlocked, recording_id, engines)
            return
    raise SystemExit("bench: a recording does not settle")


def add(unlocked: Unlocked, recording_id: str, name: str, prefix: str) -> None:
    """A recording with what `run` leaves of it."""
    key_pair = store.new_identity()
    entry = RecordingEntry(id=recording_id, secret=str(key_pair), sha256="", original_name="", source_path="", who=(),
                           bounds=SpeakerBounds(), added_on="2026-01-02")  # fmt: skip
    unlocked.study.save(recording_id, "note", entry, unlocked.study.recipient)
    facts = Recording(id=recording_id, sha256="", duration_s=SECONDS, sample_rate_hz=16_000, channels=1)
    unlocked.study.save(recording_id, "recording", facts, key_pair.to_public())
    unlocked.change(lambda known: known)
    fill(unlocked, recording_id, interview(recording_id, name, prefix))


def fill(unlocked: Unlocked, recording_id: str, said: Transcript) -> None:
    """What recognition leaves of a recording that said this; its findings are stale."""
    unlocked.save(recording_id, "transcript", said, "k")
    stored = unlocked.load(recording_id, "transcript", Transcript)
    assert stored
    candidates = pipeline.Candidates(source=stored.body_sha256, found=(), language="en", looked=True)
    unlocked.save(recording_id, "candidates", candidates, "k")
    unlocked.save(recording_id, "findings", Findings(found=(), kept=(), made_by=()), "stale")


def interview(recording_id: str, name: str, prefix: str, count: int = WORDS, seconds: float = SECONDS) -> Transcript:
    """A development interview's turns again and again, `count` words in `seconds`."""
    document = json.loads((DATA / "interviews" / f"{name}.json").read_text(encoding="utf-8"))
    texts = [(turn["speaker"], turn["text"].split()) for turn in document["turns"] if turn["text"].split()]
    utterances: list[Utterance] = []
    spoken = 0
    while spoken < count:
        speaker, pieces = texts[len(utterances) % len(texts)]
        at = [seconds * (spoken + n) / count for n in range(len(pieces) + 1)]
        words = tuple(
            Word(start_s=at[n], end_s=at[n + 1], text=f" {piece}", probability=0.9) for n, piece in enumerate(pieces)
        )
        label = f"S{'RP'.find(speaker) + 1 or 3}"
        utterances.append(
            Utterance(id=f"U{len(utterances) + 1:04d}", speaker=label, start_s=at[0], end_s=at[-1], words=words)
        )
        spoken += len(pieces)
    roles = {"S1": ("interviewer", None), "S2": ("participant", f"{prefix}P1"), "S3": ("speaker", None)}
    speakers = tuple(
        Speaker(label=label, role=roles[label][0], person_id=roles[label][1], confidence=1.0)
        for label in sorted({one.speaker for one in utterances})
    )
    return Transcript(
        recording_id=recording_id, language="en", utterances=tuple(utterances), speakers=speakers, made_by=(NOBODY,)
    )


def release_table(count: int) -> dict[str, Any]:
    """Seconds of the whole release, and of each format's writing and checking."""
    with tempfile.TemporaryDirectory() as folder:
        unlocked = made_study(Path(folder) / "study", count)
        started = time.perf_counter()
        made = release.write(unlocked, (), ("all",), RosterAlone(StudyConfig()), unreviewed=False)
        whole_s = time.perf_counter() - started
        policy = unlocked.study.config.policy
        gate = Gate(named_people(unlocked), policy)
        transcripts = tuple(
            rendered(unlocked, need(unlocked, one), named_people(unlocked), gate) for one in unlocked.study.recordings()
        )
        formats = {one.name: _shares(one, transcripts, gate) for one in export.everything()}
        size = sum((Path(made.folder) / name).stat().st_size for name in made.files)
    return {
        "interviews": count,
        "words": sum(len(line.text.split()) for one in transcripts for line in one.lines),
        "files": len(made.files),
        "megabytes": round(size / 1e6, 1),
        "release_s": round(whole_s, 1),
        "formats": formats,
    }


def _shares(exporter: Any, transcripts: tuple[Any, ...], gate: Gate) -> dict[str, float]:
    """Seconds of writing all files of a format, and of the gate's check of them."""
    write_s = check_s = 0.0
    whole = isinstance(exporter, export.StudyExporter)
    for held in [transcripts] if whole else [(one,) for one in transcripts]:
        started = time.perf_counter()
        data = export.written(exporter, held)
        written = time.perf_counter()
        gate.check_file(held, exporter, data, "x")
        write_s, check_s = write_s + written - started, check_s + time.perf_counter() - written
    return {"write_s": round(write_s, 2), "check_s": round(check_s, 2)}
