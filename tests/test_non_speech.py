"""From the sound to a release: a cry is marked where it is asked for, and what stood before stands."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from tests.builders import NoEngines, new_unlocked, person
from tests.crying import cry, mixed, noise
from transcribe import intake, release
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.diarise import Regions, Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.intake import Request
from transcribe.pipeline import Event
from transcribe.ready import need, preview
from transcribe.review import settling
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Quiet, ReviewState, Transcript, Turn, Word, record
from transcribe.vault import Unlocked

SAID = tuple(
    Word(start_s=start_s, end_s=start_s + 1.0, text=text, probability=0.9)
    for start_s, text in ((1.0, " And"), (2.0, " then."), (24.0, " Wilhelmina"), (25.0, " slept."))
)
TURNS = tuple(Turn(start_s=start_s, end_s=start_s + 2.0, speaker="S1") for start_s in (1.0, 24.0))
MARKED = "(non-speech, 12.4 s)"


class Segments(FakeDiariser):
    """Hears speech where somebody is said to speak."""

    def segment(self, audio: Audio) -> Segmented:
        return Segmented(speech=tuple((turn.start_s, turn.end_s) for turn in TURNS))


class Hears(NoEngines):
    """Engines without weights."""

    transcriber = FakeTranscriber(SAID)  # type: ignore[assignment]
    diariser = Segments(TURNS)  # type: ignore[assignment]


@record
class Older(Quiet):
    """A segmentation as version 0.2 wrote it."""

    speech: Regions
    frames: str = ""
    shape: tuple[int, ...] = ()


Older.__name__ = "Segmented"


@contextmanager
def asked(unlocked: Unlocked, options: str = "non_speech = true") -> Iterator[None]:
    """The study's verbatim options are these."""
    study = unlocked.study
    before = study.config_path.read_text()
    study.config_path.write_text(f"[verbatim]\n{options}\n")
    study.read_config_again()
    yield
    study.config_path.write_text(before)
    study.read_config_again()


def run(unlocked: Unlocked) -> list[str]:
    """All stages; those that were really done."""
    events: list[Event] = []
    tasks = plan.tasks(unlocked)
    (outcome,) = batch.run(unlocked, tasks, Hears(unlocked.study.config), events.append)
    assert outcome.state == "done", outcome.error
    return [event.stage for event in events if event.state == "started"]


def shown(unlocked: Unlocked) -> str:
    return " | ".join(line.text for line in preview(unlocked, need(unlocked, "R001", proposed=True)).lines)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    """A study of one recording, run: talk, crying from 8 s to 20.4 s, talk."""
    made = new_unlocked(tmp_path / "study", (person("P1", "Wilhelmina Tarn"),))
    talk = [(start_s, noise(2, -25)) for start_s in (1.0, 24.0)]
    sound = mixed(noise(28, -65), (8.0, cry(12.4)), *talk)
    soundfile.write(tmp_path / "a.flac", sound, SAMPLE_RATE_HZ, subtype="PCM_16")
    intake.add(made.study, tmp_path / "a.flac", Request(who=("P1",)), made)
    assert {"segment", "recognise"} < set(run(made))
    return made


def test_a_cry_stands_in_the_release_where_it_is_asked_for_and_only_there(unlocked: Unlocked) -> None:
    assert "non-speech" not in shown(unlocked)
    with asked(unlocked):
        assert re.fullmatch(rf"And then\. \| {re.escape(MARKED)} (?!Wilhelmina)\w+ slept\.", shown(unlocked))
    with asked(unlocked, "non_speech = true\npauses = true"):
        before, _, after = shown(unlocked).partition(MARKED)
        assert before.endswith("(5.0 s) ")
        assert after.startswith(" (3.6 s) ")
    with asked(unlocked, "pauses = true"):
        assert "(21.0 s)" in shown(unlocked)


def test_a_release_says_what_the_marks_are_and_equal_input_gives_equal_bytes(unlocked: Unlocked) -> None:
    with asked(unlocked):
        engines = Hears(unlocked.study.config)
        outs = [release.write(unlocked, ("R001",), ("txt", "docx", "json"), engines, unreviewed=True) for _ in range(2)]
    first, second = ([(Path(out.folder) / name).read_bytes() for name in out.files] for out in outs)
    assert first == second
    text = next(data.decode() for data, name in zip(first, outs[0].files, strict=True) if name.endswith(".txt"))
    assert MARKED in text
    assert "in which nobody speaks" in text.partition(MARKED)[0]
    assert "Wilhelmina" not in text


def test_of_a_recording_that_was_run_before_nothing_is_recognised_again(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    before = unlocked.load("R001", "transcript", Transcript)
    now = unlocked.load("R001", "segmented", Segmented)
    assert before
    assert now
    unlocked.save("R001", "segmented", Older(speech=now.value.speech), "older")
    older = unlocked.load("R001", "segmented", Segmented)
    assert older
    assert older.value == Segmented(speech=now.value.speech)
    assert run(unlocked) == []
    with asked(unlocked):
        assert "non-speech" not in shown(unlocked)
        assert "nobody speaks" not in preview(unlocked, need(unlocked, "R001")).statement
        assert run(unlocked) == ["segment"]
        assert run(unlocked) == []
        assert MARKED in shown(unlocked)
    assert unlocked.load("R001", "transcript", Transcript) == before
    assert need(unlocked, "R001").settled.review is ReviewState.REVIEWED


def test_a_transcript_that_was_brought_in_has_none(tmp_path: Path) -> None:
    made = new_unlocked(tmp_path / "study", (person("P1", "Wilhelmina Tarn"),))
    (tmp_path / "b.txt").write_text("Speaker: And then she slept.\n", encoding="utf-8")
    intake.add_transcript(made, tmp_path / "b.txt", Request(who=("P1",)))
    with asked(made):
        run(made)
        text = preview(made, need(made, "T001", proposed=True))
    assert "non-speech" not in text.statement + "".join(line.text for line in text.lines)
