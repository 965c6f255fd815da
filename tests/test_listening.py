"""The listening copy: small, encrypted, and sample after sample beside the sound that word times refer to."""

import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.builders import add_detected, add_recording, new_unlocked, transcript
from transcribe import audio, listening, media
from transcribe.errors import AudioError, EngineError
from transcribe.vault import Unlocked

RATE = 44_100
SECONDS = 12
CLICKS_S = (0.05, 1.0, 2.5, 4.96, 7.3, 11.0, 11.9)
KINDS = {
    "wav": (),
    "flac": ("-ac", "1", "-ar", "16000"),
    "m4a": ("-c:a", "aac", "-b:a", "128k"),  # begins with 1024 samples that an edit list leaves out
    "mp3": ("-c:a", "libmp3lame", "-b:a", "128k"),
    "mka": ("-c:a", "libopus", "-output_ts_offset", "0.3"),  # does not begin at zero
    "mkv": ("-c:a", "pcm_s16le", "-af", "asetpts=if(gt(T\\,5)\\,PTS+0.3/TB\\,PTS)"),  # 0.3 s are missing
}

Samples = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bursts of 4 ms over a murmur, in stereo."""
    path = tmp_path_factory.mktemp("clicks") / "clicks.wav"
    sound = np.random.default_rng(5).normal(0, 0.002, RATE * SECONDS)
    burst = 0.8 * np.sin(2 * np.pi * 1500 * np.arange(RATE * 4 // 1000) / RATE)
    for at in CLICKS_S:
        sound[round(at * RATE) :][: len(burst)] += burst
    soundfile.write(path, np.column_stack([sound, sound]), RATE, subtype="PCM_16")
    return path


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study")


def encoded(clicks: Path, kind: str, folder: Path) -> bytes:
    """The clicks as a recorder, a phone or a camera would hand them over."""
    path = folder / f"sound.{kind}"
    command = [media.program(), "-nostdin", "-v", "error", "-i", str(clicks), *KINDS[kind], str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()


def decoded(data: bytes) -> Samples:
    with audio.in_memory(data) as descriptor:
        return audio.decode(descriptor).samples


def clicks_in(samples: Samples) -> list[float]:
    """Where clicks are loudest, in seconds."""
    energy = np.convolve(samples.astype(np.float64) ** 2, np.ones(64), "same")
    found: list[float] = []
    while energy.max() > 1:
        at = int(energy.argmax())
        found.append(at / 16_000)
        energy[max(at - 1600, 0) : at + 1600] = 0
    return sorted(found)


@pytest.mark.parametrize("kind", KINDS)
def test_it_stands_beside_the_words_in_time(unlocked: Unlocked, clicks: Path, kind: str, tmp_path: Path) -> None:
    original = encoded(clicks, kind, tmp_path)
    add_recording(unlocked, "R001", sound=original)
    listening.make(unlocked, "R001")
    copy = listening.read(unlocked, "R001")
    assert copy is not None
    before, after = decoded(original), decoded(copy)
    assert abs(len(before) - len(after)) <= 16  # a millisecond
    assert len(clicks_in(before)) == len(CLICKS_S)
    assert clicks_in(after) == pytest.approx(clicks_in(before), abs=0.010)


def test_it_is_small_mono_opus_that_says_nothing_of_itself(unlocked: Unlocked, clicks: Path) -> None:
    with_title = clicks.with_name("titled.flac")
    titled = ["-metadata", "title=Siobhan Kelly", "-metadata", "artist=Siobhan", str(with_title)]
    subprocess.run([media.program(), "-nostdin", "-v", "error", "-y", "-i", str(clicks), *titled], check=True)
    assert b"Siobhan" in with_title.read_bytes()
    add_recording(unlocked, "R001", sound=with_title.read_bytes())
    listening.make(unlocked, "R001")
    copy = listening.read(unlocked, "R001")
    assert copy is not None
    assert copy.startswith(b"OggS")
    assert b"Siobhan" not in copy
    assert len(copy) < 1.3 * SECONDS * listening.BIT_RATE / 8
    with audio.in_memory(copy) as descriptor:
        probe = media.probe(descriptor)
    assert (probe.codec, probe.channels, probe.sample_rate_hz) == ("opus", 1, 48_000)


def test_nothing_of_it_is_on_the_disk_in_the_clear(unlocked: Unlocked, clicks: Path, tmp_path: Path) -> None:
    add_recording(unlocked, "R001", sound=clicks.read_bytes())
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    listening.make(unlocked, "R001")
    (made,) = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert made == unlocked.study.artefact_path("R001", "listening")
    assert made.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert made.stat().st_mode & 0o077 == 0
    assert b"OpusHead" not in made.read_bytes()


def test_a_copy_that_stands_is_left_alone_and_a_damaged_one_is_made_again(unlocked: Unlocked, clicks: Path) -> None:
    add_recording(unlocked, "R001", sound=clicks.read_bytes())
    path = unlocked.study.artefact_path("R001", "listening")
    assert listening.read(unlocked, "R001") is None
    listening.make(unlocked, "R001")
    first, sealed = listening.read(unlocked, "R001"), path.read_bytes()
    listening.make(unlocked, "R001")
    assert path.read_bytes() == sealed
    spoilt = bytearray(sealed)
    spoilt[-20] ^= 1
    for damage in (bytes(spoilt), sealed[:-1], sealed[: len(sealed) // 2], b"", b"\0" * len(sealed)):
        path.write_bytes(damage)
        assert listening.read(unlocked, "R001") is None
        listening.make(unlocked, "R001")
        assert listening.read(unlocked, "R001") == first


def test_another_recordings_copy_is_no_copy(unlocked: Unlocked, clicks: Path) -> None:
    for recording_id in ("R001", "R002"):
        add_recording(unlocked, recording_id, sound=clicks.read_bytes() + recording_id.encode())
    listening.make(unlocked, "R001")
    there = unlocked.study.artefact_path("R002", "listening")
    there.write_bytes(unlocked.study.artefact_path("R001", "listening").read_bytes())
    assert listening.read(unlocked, "R002") is None


def test_what_came_without_sound_has_none(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Hello."), recording_id="T001", timed=False))
    listening.make(unlocked, "T001")
    assert listening.read(unlocked, "T001") is None


def test_what_cannot_be_decoded_or_encoded_leaves_nothing(
    unlocked: Unlocked, clicks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_recording(unlocked, "R001", sound=b"this is no recording")
    with pytest.raises(AudioError):
        listening.make(unlocked, "R001")
    add_recording(unlocked, "R002", sound=clicks.read_bytes())
    monkeypatch.setattr(listening, "MOST_BYTES", 4096)
    with pytest.raises(EngineError, match="R002, listening: the copy to listen to"):
        listening.make(unlocked, "R002")
    for recording_id in ("R001", "R002"):
        assert not unlocked.study.artefact_path(recording_id, "listening").exists()
    assert not list(unlocked.study.private.rglob("*.tmp"))
    assert not [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink() and "memfd" in _target(one)]


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # the one that listed the folder
        return ""
