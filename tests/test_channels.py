"""Speakers told apart by their channel: a real call, each speaker near a microphone that hears the other too."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.builders import NoEngines, add_detected, add_recording, new_unlocked, transcript
from tests.study_session import call as run
from tests.study_session import last_json, succeed
from tests.two_microphones import QUIET, Samples, heard, reference
from transcribe import channels, intake
from transcribe.channels import Levels
from transcribe.config import StudyConfig
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import AudioError, StudyError
from transcribe.evaluate.der import diarisation_errors
from transcribe.intake import Request
from transcribe.pipeline import Job
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Speaker, Turn, Turns
from transcribe.speakers import SpeakerFixes, tell_apart
from transcribe.vault import Unlocked

Call = Callable[..., Samples]


@pytest.fixture(scope="module")
def said(sample_dir: Path) -> tuple[Turn, ...]:
    return reference(sample_dir)


@pytest.fixture(scope="module")
def call(sample_audio: Audio, said: tuple[Turn, ...]) -> Call:
    return partial(heard, sample_audio, said)


def levels(sound: Samples, block: int = 1 << 16) -> Levels:
    found = Levels()
    for at in range(0, len(sound), block):
        found.take(memoryview(sound[at : at + block].tobytes()))
    return found


def turns(sound: Samples) -> Turns:
    return channels.turns(levels(sound), ((0.0, len(sound) / SAMPLE_RATE_HZ),))


@pytest.mark.parametrize(
    "room",
    [
        {"bleed_db": 60, "late_ms": 0},  # a telephone call: a line each
        {"bleed_db": 20},
        {"bleed_db": 10},
        {"bleed_db": 6},
        {"bleed_db": 10, "second_db": -12},  # a microphone that is set lower
        {"bleed_db": 10, "noise": 10 * QUIET / 1.8},
    ],
)
def test_who_is_louder_speaks(call: Call, said: tuple[Turn, ...], room: dict[str, float]) -> None:
    """Measured: 5.1 to 8.6 %, most of it pauses within the reference's turns."""
    found = turns(call(**room))
    assert {turn.speaker for turn in found.exclusive} == {"S1", "S2"}
    assert diarisation_errors(said, found.all).rate < 0.1


def test_blocks_may_be_cut_anywhere(call: Call) -> None:
    sound = call(20)
    one, many = levels(sound, len(sound)), levels(sound, 1777)
    assert np.array_equal(one.loud_db(), many.loud_db())
    assert np.array_equal(one.alike, many.alike)
    assert many.duration_s == pytest.approx(len(sound) / SAMPLE_RATE_HZ)


@pytest.mark.parametrize("bleed_db", [40, 12])
def test_both_at_once_are_both(sample_audio: Audio, bleed_db: float) -> None:
    """Two stretches of the call said at once for four seconds, and one after the other before and after."""
    speech, second = sample_audio.samples, SAMPLE_RATE_HZ
    first, other = np.zeros(24 * second, dtype=np.float32), np.zeros(24 * second, dtype=np.float32)
    first[2 * second : 14 * second] = np.tile(speech[round(10.6 * second) : round(14.6 * second)], 3)
    other[10 * second : 22 * second] = np.tile(speech[22 * second : 26 * second], 3)
    softer = 10 ** (-bleed_db / 20)
    sound = np.stack([first + softer * np.roll(other, 60), other + softer * np.roll(first, 60)], axis=1)
    sound += np.random.default_rng(2).normal(0, QUIET, sound.shape)
    found = turns(sound.astype(np.float32))
    shared = [
        (max(a.start_s, b.start_s), min(a.end_s, b.end_s))
        for a in found.all
        for b in found.all
        if a.speaker < b.speaker and max(a.start_s, b.start_s) < min(a.end_s, b.end_s)
    ]
    inside = sum(end - start for start, end in shared if start > 9.8 and end < 14.2)
    assert inside > 2.5
    assert sum(end - start for start, end in shared) == pytest.approx(inside, abs=0.3)
    ends = [0.0, *(turn.end_s for turn in found.exclusive)]
    assert all(turn.start_s >= end for turn, end in zip(found.exclusive, ends, strict=False))


def test_one_speaker_and_her_echo_are_one(sample_audio: Audio) -> None:
    speech = sample_audio.samples[round(10.6 * SAMPLE_RATE_HZ) : round(14.6 * SAMPLE_RATE_HZ)]
    speech = np.tile(speech, 4)
    sound = np.stack([speech, 0.2 * np.roll(speech, 80)], axis=1)
    sound += np.random.default_rng(3).normal(0, QUIET, sound.shape)
    found = turns(sound.astype(np.float32))
    spoken = {label: sum(t.end_s - t.start_s for t in found.all if t.speaker == label) for label in ("S1", "S2")}
    assert spoken["S1"] > 10 * max(spoken["S2"], 0.1)


@pytest.mark.parametrize("noise", [0.0, QUIET])
@pytest.mark.parametrize("own", [0, 1])
def test_a_microphone_that_was_off_gives_nobody_the_soft_words_of_the_other(
    sample_audio: Audio, noise: float, own: int
) -> None:
    sound = np.random.default_rng(5).normal(0, QUIET, (len(sample_audio.samples), 2))
    sound[:, 1 - own] *= noise / QUIET
    sound[:, own] += sample_audio.samples
    found = turns(sound.astype(np.float32))
    assert {turn.speaker for turn in found.all} == {f"S{own + 1}"}
    assert not channels.apart(levels(sound.astype(np.float32)))


def test_who_says_next_to_nothing_keeps_it(sample_audio: Audio) -> None:
    """Two seconds of thirty, on a line of her own."""
    speech, second = sample_audio.samples, SAMPLE_RATE_HZ
    sound = np.random.default_rng(6).normal(0, QUIET, (len(speech), 2))
    place = slice(12 * second, 14 * second)
    sound[:, 0] += speech
    sound[place] = sound[place, ::-1]
    found = turns(sound.astype(np.float32))
    hers = [turn for turn in found.exclusive if turn.speaker == "S2"]
    assert hers
    assert all(11.9 < turn.start_s < turn.end_s < 14.1 for turn in hers)


def test_nobody_speaks_outside_what_segmentation_hears(call: Call) -> None:
    found = channels.turns(levels(call(20)), ((10.0, 12.0), (20.0, 21.0)))
    assert found.all
    assert all(any(a <= t.start_s and t.end_s <= b for a, b in ((10.0, 12.0), (20.0, 21.0))) for t in found.all)
    assert channels.turns(levels(call(20)), ()).all == ()


@pytest.mark.parametrize("count", [0, 100, 16_000])
def test_silence_and_next_to_nothing_have_no_turns(count: int) -> None:
    assert turns(np.zeros((count, 2), dtype=np.float32)).all == ()
    assert not channels.apart(levels(np.zeros((count, 2), dtype=np.float32)))


def test_what_is_plainly_apart_and_what_is_one_sound(call: Call, sample_audio: Audio) -> None:
    mono = np.stack([sample_audio.samples] * 2, axis=1)
    room = np.stack([sample_audio.samples, np.roll(0.8 * sample_audio.samples, 6)], axis=1)
    room = (room + np.random.default_rng(4).normal(0, QUIET, room.shape)).astype(np.float32)
    assert [channels.apart(levels(one)) for one in (call(60), call(20), mono, room)] == [True, True, False, False]
    assert [channels.same(levels(one)) for one in (call(60), call(10), mono)] == [False, False, True]


# --- in a study -----------------------------------------------------------------------------------------------------


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study")


def wav(path: Path, sound: Samples) -> Path:
    soundfile.write(path, sound, SAMPLE_RATE_HZ, subtype="PCM_16")
    return path


def test_a_file_is_taken_by_channel_and_its_turns_are(
    unlocked: Unlocked, call: Call, said: tuple[Turn, ...], tmp_path: Path
) -> None:
    added = intake.add(unlocked.study, wav(tmp_path / "a.wav", call(20)), Request(by_channel=True), unlocked)
    job = Job(unlocked, added.id, Heard(), lambda event: None)
    made = job._turns(again=False).value
    assert (made.made_by.engine, diarisation_errors(said, made.all).rate < 0.1) == ("channels", True)


class Heard(NoEngines):
    """Segmentation that hears somebody throughout."""

    def __init__(self) -> None:
        super().__init__(StudyConfig())

    @property
    def diariser(self) -> FakeDiariser:  # type: ignore[override]
        return FakeDiariser()


def test_a_hint_is_given_where_speakers_are_plainly_apart(
    unlocked: Unlocked, call: Call, sample_audio: Audio, tmp_path: Path
) -> None:
    mono = np.stack([sample_audio.samples] * 2, axis=1)
    files = [wav(tmp_path / "a.wav", call(20)), wav(tmp_path / "b.wav", mono), wav(tmp_path / "c.wav", mono[:, 0])]
    assert [intake.add(unlocked.study, path, Request(), unlocked).apart for path in files] == [True, False, False]


@pytest.mark.parametrize(("count", "message"), [(1, "has 1 channel, not"), (2, "hold the same sound"), (3, "3 chan")])
def test_channels_that_tell_nothing_are_refused(
    unlocked: Unlocked, sample_audio: Audio, tmp_path: Path, count: int, message: str
) -> None:
    path = wav(tmp_path / "a.wav", np.stack([sample_audio.samples] * count, axis=1))
    with pytest.raises(AudioError, match=message):
        intake.add(unlocked.study, path, Request(by_channel=True), unlocked)
    assert unlocked.study.recordings() == ()
    intake.add(unlocked.study, path, Request(), unlocked)
    with pytest.raises(StudyError, match=r"same sound|not one channel"):
        tell_apart(unlocked, "R001", by_channel=True)


def test_it_can_be_said_later_and_who_speaks_is_asked_anew(unlocked: Unlocked, call: Call, tmp_path: Path) -> None:
    intake.add(unlocked.study, wav(tmp_path / "a.wav", call(20)), Request(), unlocked)
    fixed = SpeakerFixes(speakers=(Speaker(label="S1", role="interviewer", person_id=None, confidence=1.0),))
    unlocked.save("R001", "speakers", fixed)
    tell_apart(unlocked, "R001", by_channel=True)
    assert unlocked.vault.entry("R001").by_channel
    stored = unlocked.load("R001", "speakers", SpeakerFixes)
    assert stored is not None
    assert stored.value.speakers == ()
    unlocked.save("R001", "speakers", fixed)
    tell_apart(unlocked, "R001", by_channel=True)  # as it is already
    kept = unlocked.load("R001", "speakers", SpeakerFixes)
    assert kept is not None
    assert kept.value == fixed
    tell_apart(unlocked, "R001", by_channel=False)
    assert not unlocked.vault.entry("R001").by_channel


def test_a_text_without_sound_has_no_channels(unlocked: Unlocked) -> None:
    add_recording(unlocked, "R001")
    add_detected(unlocked, transcript(("S1", "Well."), recording_id="R002"))
    for recording_id in ("R001", "R002", "R009"):
        with pytest.raises(StudyError):
            tell_apart(unlocked, recording_id, by_channel=True)


def test_the_command_line_says_so_and_takes_it(unlocked: Unlocked, call: Call, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_text(f"{unlocked.identity}\n")
    own = ("--passphrase-file", key)
    root, phone = unlocked.study.root, wav(tmp_path / "Karen.wav", call(20))
    said = succeed("add", root, phone, *own, passphrase=None)
    assert f"transcribe speakers {root} R001 --by channels" in said
    assert run("add", root, phone, "--as", "voices", *own, passphrase=None).returncode == 2
    assert run("speakers", root, "R001", "--by", "Karen", *own, passphrase=None).returncode == 2
    succeed("speakers", root, "R001", "--by", "channels", *own, passphrase=None)
    assert last_json(succeed("status", root, "--json", *own, passphrase=None))["recordings"][0]["by_channel"]
