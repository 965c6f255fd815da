"""Sound in a release: only of what was reviewed, covered where the text withholds, refused where a name is heard."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.builders import NoEngines, add_detected, new_unlocked, person, save_candidates, transcript, words
from transcribe import audit, release
from transcribe.asr import AsrOptions
from transcribe.config import StudyConfig
from transcribe.errors import EngineError, LeakError, NotSettledError
from transcribe.history import need_current
from transcribe.pipeline import refresh_findings
from transcribe.review import corrections, settling
from transcribe.review.corrections import Correction
from transcribe.review.log import Deed, Entry
from transcribe.schema import Audio, MadeBy, Transcript, Words
from transcribe.sound_copies import Wish
from transcribe.vault import Unlocked

RATE = 22_050
SECONDS = 40
MADE_BY = MadeBy(stage="recognise", engine="told", version="0", model="", model_sha256="")


class Told:
    """A recogniser that hears what it is told, and keeps what it was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[AsrOptions] = []

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        self.asked.append(options)
        return Words(words=words(f" {self.text}", 10.0), language="en", language_probability=1.0, made_by=MADE_BY)


class Engines(NoEngines):
    def __init__(self, text: str = "how is beep beep") -> None:
        super().__init__(StudyConfig())
        self.told = Told(text)

    @property
    def transcriber(self) -> Told:  # type: ignore[override]
        return self.told


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "x.wav"
    noise = np.random.default_rng(3).normal(0, 0.1, (RATE * SECONDS, 2))
    soundfile.write(path, noise, RATE, subtype="PCM_16")
    return path.read_bytes()


@pytest.fixture
def unlocked(tmp_path: Path, sound: bytes) -> Unlocked:
    people = (person("P1", "Karen Okonkwo"), person("I1", "Teodor", role="infant", of="P1"))
    opened = new_unlocked(tmp_path / "study", people)
    add_detected(opened, transcript(("S1", "How is Teodor, Karen?"), ("S2", "He is fine.")), sound=sound, name="K.wav")
    refresh_findings(opened, Engines())
    settling.settle(opened, "R001", "AB")
    return opened


def write(unlocked: Unlocked, engines: Engines, form: str = "wav", *, disguise: bool = False) -> Path:
    made = release.write(
        unlocked, (), ("txt", "qdpx"), engines, unreviewed=True, sound=Wish(form=form, disguise=disguise)
    )
    return Path(made.folder)


def test_names_are_covered_and_nothing_else(unlocked: Unlocked, sound: bytes) -> None:
    engines = Engines()
    folder = write(unlocked, engines)
    before, _ = soundfile.read(io.BytesIO(sound), dtype="int16")
    after, rate = soundfile.read(folder / "R001_covered.wav", dtype="int16")
    assert (after.shape, rate) == (before.shape, RATE)
    rows = list(csv.DictReader(io.StringIO((folder / "covered.csv").read_text())))
    assert {row["kinds"] for row in rows} == {"person"}
    inside = np.zeros(len(before), dtype=bool)
    for row in rows:
        inside[int(float(row["start_s"]) * RATE) - 1 : int(float(row["end_s"]) * RATE) + 2] = True
    assert np.array_equal(before[~inside], after[~inside])
    assert not np.array_equal(before[inside], after[inside])
    assert engines.told.asked[0].names == ()  # what is listened for is not suggested
    assert "still identify" in (folder / "sound.txt").read_text()
    text = (folder / "R001_pseudonymised.txt").read_text()
    assert "In the sound beside this file names are covered" in text
    listed = {one["name"] for one in json.loads((folder / "manifest.json").read_text())["files"]}
    assert {"R001_covered.wav", "covered.csv", "sound.txt"} <= listed


def corrected(unlocked: Unlocked, *made: Callable[[Transcript], Correction]) -> None:
    """The recording with these corrections, one after the other, settled again."""
    for one in made:
        here = need_current(unlocked, "R001")
        entry = Entry(
            at=audit.now(),
            reviewer="AB",
            deed=Deed.ACT,
            base=here.base.body_sha256,
            corrections=(one(here.transcript.value),),
        )
        unlocked.append("R001", entry)
    refresh_findings(unlocked, Engines())
    settling.settle(unlocked, "R001", "AB")


def listed(folder: Path) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO((folder / "covered.csv").read_text()))
    return [(row["start_s"], row["end_s"], row["kinds"]) for row in rows]


NAMED = [("10.680", "11.720", "person")]  # as the text is, before any correction


def test_a_name_that_a_reviewer_took_out_of_the_text_is_covered(unlocked: Unlocked, sound: bytes) -> None:
    said = transcript(("S1", "How is Teodor, Karen?"), ("S2", "He is fine, says my sister Brenna Okoye."))
    unlocked.save("R001", "transcript", said, "k")
    save_candidates(unlocked, said)
    corrected(unlocked, lambda text: corrections.words(text, "U0002", 4, 7, "my sister."))
    folder = write(unlocked, Engines())
    assert "fine, says my sister.\n" in (folder / "R001_pseudonymised.txt").read_text()
    assert listed(folder) == [*NAMED, ("21.480", "60.000", "corrected")]  # nobody is heard after it
    before, _ = soundfile.read(io.BytesIO(sound), dtype="int16")
    after, _ = soundfile.read(folder / "R001_covered.wav", dtype="int16")
    name = slice(int(22.4 * RATE), int(23.2 * RATE))
    assert (after[name] != before[name]).mean() > 0.95


def test_a_turn_that_a_reviewer_took_out_is_covered(unlocked: Unlocked) -> None:
    corrected(unlocked, lambda text: corrections.words(text, "U0002", 0, 2, ""))
    assert listed(write(unlocked, Engines())) == [*NAMED, ("19.880", "21.320", "corrected")]


def test_corrections_that_take_no_word_out_cover_nothing(unlocked: Unlocked) -> None:
    corrected(
        unlocked,
        lambda text: corrections.words(text, "U0002", 2, 2, "Fine!"),
        lambda text: corrections.split(text, "U0002", 1),
        lambda text: corrections.speaker(text, "U0003", "S1"),
        lambda text: corrections.merge(text, "U0001"),
    )
    assert listed(write(unlocked, Engines())) == NAMED


def test_a_name_that_can_still_be_heard_stops_the_release(unlocked: Unlocked) -> None:
    with pytest.raises(LeakError, match="still be heard") as caught:
        write(unlocked, Engines("how is Teodor"))
    assert "Teodor" not in str(caught.value)
    assert list(unlocked.study.releases.iterdir()) == []


def test_what_nobody_reviewed_has_no_sound_released(unlocked: Unlocked, sound: bytes) -> None:
    add_detected(unlocked, transcript(("S1", "Karen."), recording_id="R002"), sound=sound)
    refresh_findings(unlocked, Engines())
    with pytest.raises(NotSettledError, match="reviewed") as caught:
        write(unlocked, Engines())
    assert caught.value.recording_id == "R002"


def test_a_transcript_without_sound_is_released_without(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Karen."), recording_id="T001", timed=False))
    refresh_findings(unlocked, Engines())
    settling.settle(unlocked, "T001", "AB")
    folder = write(unlocked, Engines(), "flac")
    assert sorted(path.name for path in folder.glob("*_covered.*")) == ["R001_covered.flac"]
    assert "text alone" in (folder / "T001_pseudonymised.txt").read_text()


def test_a_disguise_is_told_and_keeps_the_length(unlocked: Unlocked) -> None:
    folder = write(unlocked, Engines(), "m4a", disguise=True)
    assert "no anonymisation" in (folder / "sound.txt").read_text()
    assert (folder / "R001_covered.m4a").stat().st_size > 10_000


def test_an_unknown_sound_is_one_sentence(unlocked: Unlocked) -> None:
    with pytest.raises(EngineError, match="mp3"):
        write(unlocked, Engines(), "mp3")
