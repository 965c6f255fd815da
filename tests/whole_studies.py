"""A small finished study: a recording and a transcript that was brought in, decided on, settled and released.

Its engines are fakes, so that it is made without weights; all words and names in it are invented.
"""

from pathlib import Path

import numpy as np
import soundfile

from tests.builders import NoEngines, person
from transcribe import intake, release, store, study, vault
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.diarise.fake import FakeDiariser
from transcribe.intake import Request
from transcribe.review import settling
from transcribe.schema import SpeakerBounds
from transcribe.vault import Unlocked, with_people

PEOPLE = (person("P1", "Wilhelmina Tarn"), person("R1", "Osgood Quill", role="interviewer"))
SAID = "so Wilhelmina how was it it was fine and Osgood came on Tuesday and we all laughed a lot"
BROUGHT_IN = "Osgood: How was the week?\n\nWilhelmina: Better. Tarn is a name I kept.\n"
FORMATS = ("txt", "json")


class FakeEngines(NoEngines):
    """Engines that hear the same words in every recording, and whose turns last one."""

    transcriber = FakeTranscriber(SAID)  # type: ignore[assignment]
    diariser = FakeDiariser(turn_s=1.0)  # type: ignore[assignment]


def run(unlocked: Unlocked) -> None:
    """All stages of everything."""
    engines = FakeEngines(unlocked.study.config)
    for outcome in batch.run(unlocked, plan.tasks(unlocked), engines, lambda event: None):
        assert outcome.state == "done", outcome.error


def build(root: Path, passphrase: str, beside: Path) -> Unlocked:
    """Make it in `root`, out of source files written to `beside`."""
    identity = store.new_identity()
    unlocked = vault.create(study.create(root, identity, passphrase), identity)
    unlocked.change(lambda known: with_people(known, PEOPLE))
    seconds = np.arange(4 * 8_000) / 8_000
    soundfile.write(beside / "a.flac", 0.2 * np.sin(2 * np.pi * 220 * seconds), 8_000, subtype="PCM_16")
    (beside / "b.txt").write_text(BROUGHT_IN, encoding="utf-8")
    request = Request(who=("P1", "R1"), bounds=SpeakerBounds(at_least=2, at_most=2))
    intake.add(unlocked.study, beside / "a.flac", request, unlocked)
    intake.add_transcript(unlocked, beside / "b.txt", Request(who=("P1", "R1")))
    run(unlocked)
    settling.fix_speakers(unlocked, "R001", ("S1=R1", "S2=P1"))
    settle_and_release(unlocked)
    return unlocked


def settle_and_release(unlocked: Unlocked) -> None:
    """Both, in the formats above."""
    engines = FakeEngines(unlocked.study.config)
    settling.settle(unlocked, "R001", "AB", add=("U0001:0-2=place",))
    settling.settle(unlocked, "T001", "AB")
    for recording_id in ("R001", "T001"):
        settling.check(unlocked, recording_id, engines)
    release.write(unlocked, (), FORMATS, engines, unreviewed=False)
    unlocked.seal()


def released(unlocked: Unlocked) -> dict[str, str]:
    """How what is settled would be released."""
    engines = FakeEngines(unlocked.study.config)
    texts = {one: release.settled_text(unlocked, one, engines) for one in ("R001", "T001")}
    return {one: "\n".join(line.text for line in text.lines) for one, text in texts.items()}
