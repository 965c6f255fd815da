"""Two recorders at once as one recording: one clock, a channel each, both back bit for bit, and none that do not fit.

The constants of `microphones` were set on the development interviews and LibriSpeech, not on the call heard here.
"""

import hashlib
import json
import subprocess
from collections.abc import Generator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import new_unlocked, says_nothing_of
from tests.study_session import last_json, succeed
from tests.two_microphones import QUIET, Samples, heard, reference
from transcribe import audio, giving_back, intake, joining, media, overview, redact, store, stored_sound
from transcribe.bundle import Bundle
from transcribe.errors import AudioError, StudyError, TranscribeError
from transcribe.evaluate.der import diarisation_errors
from transcribe.intake import Request
from transcribe.microphones import Heard, Offset, offset
from transcribe.redact import Covered
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Recording, Turn
from transcribe.side_by_side import Track, on_clock, put_together
from transcribe.speakers import tell_apart
from transcribe.vault import Unlocked

LATER_S = 7.25
NEAR_S = 0.01  # the way from one microphone to the other is 5 ms of that


@pytest.fixture(scope="module")
def said(sample_dir: Path) -> tuple[Turn, ...]:
    return reference(sample_dir)


def noise(seconds: float, level: float = QUIET) -> Samples:
    sound = np.random.default_rng(7).normal(0, level, round(seconds * SAMPLE_RATE_HZ))
    return sound.astype(np.float32)


def kept(samples: Samples, block: int = 1 << 18) -> Heard:
    found = Heard()
    for at in range(0, len(samples), block):
        found.take(memoryview(samples[at : at + block].astype(np.float32).tobytes()))
    return found


def found(first: Samples, second: Samples) -> Offset:
    return offset(kept(first), kept(second))


# --- the offset -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later_s", "room"),
    [
        (0.0, {"bleed_db": 10}),
        (3.217, {"bleed_db": 20}),
        (41.5, {"bleed_db": 6, "late_ms": 8}),
        (90.0, {"bleed_db": 12, "second_db": -15}),  # set lower
        (-17.304, {"bleed_db": 10, "noise": 10 ** (-45 / 20)}),
    ],
)
def test_the_offset_is_that_of_what_both_heard(
    sample_audio: Audio, said: tuple[Turn, ...], later_s: float, room: dict[str, float]
) -> None:
    """The one that began earlier hears an empty room first."""
    both = heard(sample_audio, said, **room)
    before = noise(abs(later_s), room.get("noise", QUIET))
    first, second = both[:, 0], both[:, 1]
    pair = (np.concatenate([before, first]), second) if later_s >= 0 else (first, np.concatenate([before, second]))
    assert found(*pair).later_s == pytest.approx(later_s, abs=NEAR_S)


def test_two_that_heard_different_things_are_refused(sample_audio: Audio) -> None:
    """The same two people over the same line, but not at the same time; and hardly anything."""
    samples = sample_audio.samples
    half = len(samples) // 2
    for first, second in ((samples[:half], samples[half:]), (samples, noise(30)), (samples, samples[: 9 * 16_000])):
        with pytest.raises(AudioError, match="do not fit each other"):
            found(first, second)


@pytest.fixture(scope="module")
def long(sample_audio: Audio) -> Samples:
    """Five minutes of pieces of the call in an order of chance."""
    random = np.random.default_rng(5)
    starts = random.integers(0, len(sample_audio.samples) - 2 * SAMPLE_RATE_HZ, 150)
    sound = np.concatenate([sample_audio.samples[start : start + 2 * SAMPLE_RATE_HZ] for start in starts])
    return sound.astype(np.float32)


def other_clock(samples: Samples, apart_s: float) -> Samples:
    """As a recorder keeps it whose clock falls behind by so much from beginning to end."""
    at = np.linspace(0, len(samples) - 1, len(samples) - round(apart_s * SAMPLE_RATE_HZ))
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


@pytest.mark.parametrize(("apart_s", "clock"), [(0.0, 1.0), (0.01, 1.0), (0.03, 1 + 100e-6), (-0.06, 1 - 200e-6)])
def test_a_clock_that_runs_slow_or_fast_is_found(long: Samples, apart_s: float, clock: float) -> None:
    """The second is 5 minutes less 20 s long; what it lost in these is not its clock's."""
    second = other_clock(long, apart_s)[round(20 / clock) * SAMPLE_RATE_HZ :]
    stands = found(long, second)
    assert stands.later_s == pytest.approx(20.0, abs=0.015)
    assert stands.clock == pytest.approx(clock, abs=40e-6)


class Levels(Heard):
    """As if so much had been heard."""

    def __init__(self, heights: npt.NDArray[np.float64]) -> None:
        super().__init__()
        self._kept = [heights.astype(np.float32)]


def pair(minutes: int, millionths: float, began_s: float, jump_s: float = 0.0, at_s: float = 0.0) -> Offset:
    """What is found where the second, whose clock is so slow, began so late and lost so much at some moment."""
    random = np.random.default_rng(2)
    first = random.normal(-40, 9, (minutes * 6000, 7))
    own = np.arange(round((minutes * 60 - began_s) * 100 * (1 - millionths / 1e6)))
    at = own / (1 - millionths / 1e6) + began_s * 100
    at[own > at_s * 100] += jump_s * 100
    at = at[at < len(first) - 1]
    second = np.stack([np.interp(at, np.arange(len(first)), band) for band in first.T], axis=1)
    return offset(Levels(first), Levels(second + random.normal(0, 3, second.shape)))


@pytest.mark.parametrize(
    ("minutes", "millionths", "began_s"),
    [(60, 20, 0.0), (60, -50, 900.0), (60, 280, 1800.0), (180, 100, 33.3), (180, -100, 3600.0), (180, 250, 0.0)],
)
def test_clocks_of_hours(minutes: int, millionths: float, began_s: float) -> None:
    stands = pair(minutes, millionths, began_s)
    assert stands.later_s == pytest.approx(began_s, abs=0.005)
    assert stands.clock == pytest.approx(1 / (1 - millionths / 1e6), abs=0.5e-6)


def test_a_few_minutes_tell_no_clock() -> None:
    for minutes, millionths in ((1, 250), (2, 200), (3, -300)):
        assert pair(minutes, millionths, 5.0).clock == 1.0


def test_an_hour_in_which_the_offset_jumps_is_refused() -> None:
    with pytest.raises(AudioError, match="only in part"):
        pair(60, 50, 2.0, jump_s=0.3, at_s=1800)


def test_clocks_too_far_apart_are_no_clocks(long: Samples) -> None:
    with pytest.raises(AudioError, match="clocks of the two recorders run too far apart"):
        found(long, other_clock(long, 0.15))


@pytest.mark.parametrize(("stopped_s", "at_s"), [(0.2, 150), (3, 150), (30, 210), (100, 120)])
def test_a_recorder_that_was_stopped_in_between_is_refused(long: Samples, stopped_s: float, at_s: int) -> None:
    cut = np.concatenate([long[: at_s * SAMPLE_RATE_HZ], long[round((at_s + stopped_s) * SAMPLE_RATE_HZ) :]])
    for pair in ((long, cut), (cut, long)):
        with pytest.raises(AudioError, match="only in part"):
            found(*pair)


def test_blocks_may_be_cut_anywhere(sample_audio: Audio) -> None:
    samples = sample_audio.samples[: 5 * SAMPLE_RATE_HZ]
    assert np.array_equal(kept(samples).levels, kept(samples, 1777).levels)
    assert kept(samples).levels.shape[0] == 500


# --- side by side ---------------------------------------------------------------------------------------------------


def blocks(sound: npt.NDArray[np.int16], size: int) -> Generator[memoryview]:
    for at in range(0, len(sound), size):
        yield memoryview(sound[at : at + size].tobytes())


@given(st.integers(0, 40), st.integers(1, 60), st.integers(0, 40), st.integers(1, 60), st.integers(1, 50))
def test_each_frame_stands_where_it_was_heard(first: int, long: int, second: int, wide: int, block: int) -> None:
    """Also where blocks are cut anywhere; where one ran alone it is heard in both channels."""
    form = audio.Form(sample_rate_hz=10, channels=2, sample="s16le")
    starts, lengths = (first, second), (long, wide)
    sounds = [np.arange(1, length + 1, dtype="<i2") + 100 * number for number, length in enumerate(lengths)]
    mono = audio.Form(sample_rate_hz=10, channels=1, sample="s16le")
    tracks = [
        Track(blocks(sound, block), mono, start, start + len(sound))
        for sound, start in zip(sounds, starts, strict=True)
    ]
    taken: list[bytes] = []
    put_together(tracks, form, lambda given: taken.append(bytes(given)))
    frames = np.frombuffer(b"".join(taken), dtype="<i2").reshape(-1, 2)
    assert len(frames) == max(start + length for start, length in zip(starts, lengths, strict=True))
    for number, (sound, start) in enumerate(zip(sounds, starts, strict=True)):
        assert np.array_equal(frames[start : start + len(sound), number], sound)
        alone = np.ones(len(frames), dtype=bool)
        alone[start : start + len(sound)] = False
        covered = np.zeros(len(frames), dtype=bool)
        covered[starts[1 - number] : starts[1 - number] + lengths[1 - number]] = True
        assert np.array_equal(frames[alone & covered, number], frames[alone & covered, 1 - number])


@pytest.mark.parametrize("sample", ["s16le", "s32le", "f32le"])
@pytest.mark.parametrize("clock", [1.0, 1 + 100e-6, 1 - 100e-6])
def test_a_slow_clock_is_put_right(sample: str, clock: float) -> None:
    """A tone comes out as it was, at its own pitch and in step to the end; however its blocks are cut."""
    rate_hz, seconds, hz = 16_000, 20, 1000
    form = audio.Form(sample_rate_hz=rate_hz, channels=1, sample=sample)
    full = {"s16le": 2**15, "s32le": 2**31, "f32le": 1}[sample]
    of_type = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4"}[sample]

    def tone(frames: int, a_second: float) -> npt.NDArray[np.float64]:
        return np.asarray(0.5 * full * np.sin(2 * np.pi * hz * np.arange(frames) / a_second))

    kept = tone(round(seconds * rate_hz / clock), rate_hz / clock).astype(of_type)
    made = []
    for size in (1 << 16, 1777):
        cut = (memoryview(kept[at : at + size].tobytes()) for at in range(0, len(kept), size))
        made.append(np.frombuffer(b"".join(bytes(one) for one in on_clock(cut, form, clock)), of_type))
    assert np.array_equal(*made)
    frames = min(len(made[0]), seconds * rate_hz)
    assert frames >= seconds * rate_hz - 2
    beside = (made[0][:frames] - tone(frames, rate_hz))[1000:-1000] / full
    assert np.abs(beside).max() < 1e-3


# --- in a study -----------------------------------------------------------------------------------------------------


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study")


@pytest.fixture(scope="module")
def files(sample_audio: Audio, said: tuple[Turn, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The first began later; the second is softer, at another rate and in another format."""
    folder = tmp_path_factory.mktemp("microphones")
    both = heard(sample_audio, said, 12, second_db=-6)
    soundfile.write(folder / "Karen.wav", both[:, 0], SAMPLE_RATE_HZ, subtype="PCM_16")
    soundfile.write(folder / "second.wav", np.concatenate([noise(LATER_S), both[:, 1]]), SAMPLE_RATE_HZ)
    command = [media.program(), "-nostdin", "-v", "error", "-i", folder / "second.wav", "-ar", "44100"]
    subprocess.run([*command, folder / "Okonkwo.flac"], check=True)
    return folder / "Karen.wav", folder / "Okonkwo.flac"


def shifted(said: tuple[Turn, ...], by_s: float) -> tuple[Turn, ...]:
    return tuple(Turn(start_s=t.start_s + by_s, end_s=t.end_s + by_s, speaker=t.speaker) for t in said)


def test_two_are_one_recording_whose_turns_are_by_channel(
    unlocked: Unlocked, files: tuple[Path, Path], said: tuple[Turn, ...], sample_audio: Audio, tmp_path: Path
) -> None:
    added = joining.add_microphones(unlocked.study, files, Request(), unlocked)
    entry = unlocked.vault.entry("R001")
    assert (entry.at_once, entry.by_channel, added.channels, added.sample_rate_hz) == (True, True, 2, 44_100)
    assert [part.start_s for part in entry.parts] == pytest.approx([LATER_S, 0.0], abs=NEAR_S)
    assert added.duration_s == pytest.approx(LATER_S + len(sample_audio.samples) / SAMPLE_RATE_HZ, abs=0.001)

    mix = intake.sound(unlocked, "R001").samples
    assert len(mix) / SAMPLE_RATE_HZ == pytest.approx(added.duration_s, abs=1e-4)
    assert found(mix, sample_audio.samples).later_s == pytest.approx(LATER_S, abs=NEAR_S)

    made = intake.turns_by_channel(unlocked, "R001", ((0.0, added.duration_s),))
    assert diarisation_errors(shifted(said, LATER_S), made.all).rate < 0.1

    with intake.opened(unlocked, "R001") as sound:
        probe, duration_s = stored_sound.inspect(sound)  # as the doctor reads it again
    assert (probe.channels, probe.sample_rate_hz, duration_s) == (2, 44_100, added.duration_s)
    given_back = giving_back.give_back(unlocked, tmp_path / "out")
    assert [one.name for one in given_back] == ["R001.part1.wav", "R001.part2.flac"]
    assert [(tmp_path / "out" / one.name).read_bytes() for one in given_back] == [path.read_bytes() for path in files]
    tell_apart(unlocked, "R001", by_channel=False)
    tell_apart(unlocked, "R001", by_channel=True)


def test_a_recorder_whose_clock_ran_slow_is_heard_in_step_to_the_end(
    unlocked: Unlocked, long: Samples, tmp_path: Path
) -> None:
    """Two take turns of two seconds; both channels are in step with what was said, at the end as at the beginning."""
    sources = tmp_path / "Karen.wav", tmp_path / "Okonkwo.wav"
    nearer = np.where(np.arange(len(long)) // (2 * SAMPLE_RATE_HZ) % 2, 1.0, 0.25)
    own = other_clock((1.25 - nearer) * long, 0.06)
    soundfile.write(sources[0], nearer * long, SAMPLE_RATE_HZ)
    soundfile.write(tmp_path / "own.wav", np.concatenate([noise(LATER_S), own]), SAMPLE_RATE_HZ)
    command = [media.program(), "-nostdin", "-v", "error", "-i", tmp_path / "own.wav", "-ar", "44100"]
    subprocess.run([*command, sources[1]], check=True)
    added = joining.add_microphones(unlocked.study, sources, Request(), unlocked)
    first, second = unlocked.vault.entry("R001").parts
    assert (first.start_s, second.start_s) == (pytest.approx(LATER_S, abs=0.015), 0.0)
    assert second.duration_s == pytest.approx(300.0 + LATER_S, abs=0.015)
    taken: list[bytes] = []
    form = audio.Form(sample_rate_hz=SAMPLE_RATE_HZ, channels=2, sample="f32le")
    with intake.opened(unlocked, "R001") as sound:
        _, duration_s = stored_sound.inspect(sound)  # as the doctor reads it again
        stored_sound.stream(sound, stored_sound.seen(sound), form, lambda block: taken.append(bytes(block)))
    assert duration_s == added.duration_s
    both = np.frombuffer(b"".join(taken), dtype="<f4").reshape(-1, 2)
    for channel in (0, 1):
        for start_s in (10, 140, 270):
            there = slice(start_s * SAMPLE_RATE_HZ, (start_s + 25) * SAMPLE_RATE_HZ)
            heard_there = slice(round((start_s + first.start_s) * SAMPLE_RATE_HZ), None)
            stands = found(both[heard_there, channel][: 25 * SAMPLE_RATE_HZ], long[there])
            assert stands.later_s == pytest.approx(0.0, abs=0.012)
    giving_back.give_back(unlocked, tmp_path / "out")
    assert (tmp_path / "out" / "R001.part2.wav").read_bytes() == sources[1].read_bytes()


def test_covered_sound_has_a_channel_for_each(unlocked: Unlocked, files: tuple[Path, Path], tmp_path: Path) -> None:
    joining.add_microphones(unlocked.study, files, Request(), unlocked)
    spans = (Covered(start_s=10.0, end_s=11.0, kinds=("person",)),)
    with (tmp_path / "covered.flac").open("w+b") as file, intake.opened(unlocked, "R001") as original:
        redact.write_copy(original, spans, "flac", file.fileno(), tone=False)
    covered, rate = soundfile.read(tmp_path / "covered.flac", dtype="int16")
    whole, _ = soundfile.read(files[1], dtype="int16")
    whole[round(10.0 * rate) : round(11.0 * rate)] = 0
    assert (rate, covered.shape) == (44_100, (len(whole), 2))
    assert np.array_equal(covered[:, 1], whole)
    assert not covered[round(10.0 * rate) : round(11.0 * rate), 0].any()
    assert covered[round(11.0 * rate) :, 0].any()


def test_the_command_line_takes_them_and_status_says_how_they_stand(
    unlocked: Unlocked, files: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "key.txt").write_text(f"{unlocked.identity}\n")
    words = ("add", unlocked.study.root, *files, "--as", "microphones", "--json", "--passphrase-file")
    (added,) = last_json(succeed(*words, tmp_path / "key.txt", passphrase=None))["added"]
    assert (added["by_channel"], added["channels"]) == (True, 2)
    later = Unlocked(unlocked.study, unlocked.identity)
    seen = overview.overview(later.study, later)
    assert (seen.rows[0].by_channel, [round(start_s) for start_s in seen.rows[0].parts]) == (True, [7, 0])
    assert [line for line in seen.advice("s") if "begins" in line] == ["R001: part 1 begins at [00:00:07]"]


def test_what_does_not_belong_together_is_refused_and_nothing_is_kept(
    unlocked: Unlocked, files: tuple[Path, Path], sample_audio: Audio, tmp_path: Path
) -> None:
    half = tmp_path / "half.wav"
    soundfile.write(half, sample_audio.samples[: 15 * SAMPLE_RATE_HZ], SAMPLE_RATE_HZ)
    rest = tmp_path / "rest.wav"
    soundfile.write(rest, sample_audio.samples[15 * SAMPLE_RATE_HZ :], SAMPLE_RATE_HZ)
    copy = tmp_path / "copy.flac"
    soundfile.write(copy, *soundfile.read(files[0]))
    text = tmp_path / "Karen.txt"
    text.write_text("Karen")
    add = partial(joining.add_microphones, unlocked.study, request=Request(), unlocked=unlocked)
    for sources, message in (
        ((half, rest), "do not fit each other"),
        ((files[0], files[0]), "microphone 2 is the same file as microphone 1"),
        ((files[0], copy), "both files hold the same sound"),
        ((files[0], text), "microphone 2: the file is not a sound"),
        ((files[0],), "microphones are two files"),
        ((*files, half), "microphones are two files"),
    ):
        with pytest.raises((AudioError, StudyError), match=message) as refused:
            add(sources)
        says_nothing_of(refused.value, "Karen", "Okonkwo")
    assert unlocked.study.recordings() == ()
    add(files)
    with pytest.raises(TranscribeError, match="microphone 1: this recording is already in the study as R001"):
        add((files[1], half))
    stored = unlocked.load("R001", "recording", Recording)
    assert stored is not None
    assert stored.value.channels == 2


def test_the_head_of_parts_written_before_opens() -> None:
    body = json.dumps({"pieces": [{"name": "1.wav", "start_s": 0.0, "duration_s": 2.0}]}).encode()
    header = {"schema": 1, "type": "Bundle", "key": "", "sha256": hashlib.sha256(body).hexdigest()}
    opened = store.unpack(json.dumps(header).encode() + b"\n" + body, Bundle).value
    assert (opened.at_once, opened.duration_s) == (False, 2.0)
