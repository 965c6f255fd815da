"""Sound from files: every codec a recorder, phone or camera writes, and every file that must be refused."""

import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from transcribe import audio, containers, folders, media
from transcribe.errors import AudioError

SECONDS = 6.0
PLAIN = ("-ar", "16000")
AMR = ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb")

# name: (what ffmpeg is told, rate, channels, codec)
MEDIA = {
    "8k.wav": (("-ar", "8000"), 8000, 1, "pcm_s16le"),
    "44k-stereo.wav": (("-ar", "44100", "-ac", "2"), 44100, 2, "pcm_s16le"),
    "48k-5.1.wav": (("-ar", "48000", "-ac", "6", "-c:a", "pcm_s24le"), 48000, 6, "pcm_s24le"),
    "float.wav": (("-ar", "48000", "-c:a", "pcm_f32le"), 48000, 1, "pcm_f32le"),
    "call.mp3": (("-ar", "44100", "-ac", "2"), 44100, 2, "mp3"),
    "variable.mp3": (("-ar", "22050", "-q:a", "6"), 22050, 1, "mp3"),
    "index-at-end.m4a": (("-ar", "44100"), 44100, 1, "aac"),
    "index-first.m4a": (("-ar", "44100", "-movflags", "+faststart"), 44100, 1, "aac"),
    "fragments.m4a": ((*PLAIN, "-movflags", "frag_keyframe+empty_moov"), 16000, 1, "aac"),
    "lossless.m4a": ((*PLAIN, "-c:a", "alac"), 16000, 1, "alac"),
    "call.flac": (("-ar", "48000", "-ac", "2"), 48000, 2, "flac"),
    "call.ogg": (("-ar", "44100", "-c:a", "libvorbis"), 44100, 1, "vorbis"),
    "call.opus": (("-c:a", "libopus"), 48000, 1, "opus"),
    "call.webm": (("-c:a", "libopus"), 48000, 1, "opus"),
    "call.wma": (("-ar", "44100"), 44100, 1, "wmav2"),
    "call.aac": (("-ar", "44100"), 44100, 1, "aac"),
    "call.amr": (AMR, 8000, 1, "amr_nb"),
    "call.3gp": (AMR, 8000, 1, "amr_nb"),
    "call.aiff": (("-ar", "44100"), 44100, 1, "pcm_s16be"),
    "video.mp4": (("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5", "-t", "6", "-c:v", "mpeg4"), 16000, 1, "aac"),
}


def run_ffmpeg(*arguments: str | Path) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="session")
def media_dir(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path) -> Path:
    """Six seconds of the real call in every container and codec of MEDIA."""
    folder = tmp_path_factory.mktemp("media")
    for name, (options, *_) in MEDIA.items():
        run_ffmpeg("-ss", "7", "-t", SECONDS, "-i", sample_dir / "sample.wav", *options, folder / name)
    return folder


@pytest.fixture(params=["no ffprobe", pytest.param("ffprobe", marks=pytest.mark.system("ffprobe"))])
def prober(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Both ways of probing: the second only where Debian's ffmpeg is installed."""
    if request.param == "no ffprobe":
        monkeypatch.setenv("PATH", str(tmp_path))
        assert media.ffprobe() is None
    return str(request.param)


def wav(samples: bytes, *, promised: int | None = None, rate_hz: int = 16000) -> bytes:
    """A mono 16-bit WAV whose header promises so many bytes."""
    size = len(samples) if promised is None else promised
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", (36 + size) & 0xFFFFFFFF)
        + b"WAVEfmt "
        + form
        + struct.pack("<4sI", b"data", size)
        + samples
    )


def noise(seconds: float, *, level: int = 3000) -> bytes:
    values = np.random.default_rng(1).integers(-level, level + 1, int(seconds * 16000))
    return values.astype("<i2").tobytes()


@pytest.mark.parametrize("name", MEDIA)
def test_decodes_every_container_and_codec(name: str, media_dir: Path, prober: str) -> None:
    _, rate_hz, channels, codec = MEDIA[name]
    with (media_dir / name).open("rb") as file:
        found, duration_s = audio.inspect(file.fileno())
        sound = audio.decode(file.fileno())
    assert (found.sample_rate_hz, found.channels, found.codec) == (rate_hz, channels, codec)
    assert sound.samples.dtype == np.float32
    assert sound.samples.ndim == 1
    assert duration_s == sound.duration_s == pytest.approx(SECONDS, abs=0.12)
    assert 0.1 < np.abs(sound.samples).max() * (channels if channels > 2 else 1) <= 1  # one of the six holds the sound
    if found.duration_s is not None:
        assert found.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("name", MEDIA)
def test_keeps_the_sound_itself(name: str, media_dir: Path) -> None:
    """The decoded wave correlates with the original at some small codec delay."""
    with (media_dir / name).open("rb") as file, (media_dir / "lossless.m4a").open("rb") as original:
        heard, true = audio.decode(file.fileno()).samples, audio.decode(original.fileno()).samples
    size = 1 << 18
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(true, size)), size)
    assert product.max() / (np.linalg.norm(heard) * np.linalg.norm(true)) > 0.8


@pytest.mark.parametrize("name", ["index-at-end.m4a", "video.mp4", "call.flac"])
def test_reads_from_memory_as_from_a_file(name: str, media_dir: Path) -> None:
    path = media_dir / name
    with path.open("rb") as file, path.open("rb") as blocks, audio.in_memory(iter(lambda: blocks.read(999), b"")) as fd:
        file.seek(500)  # ffmpeg opens the descriptor afresh: our own position is neither used nor moved
        assert np.array_equal(audio.decode(file.fileno()).samples, audio.decode(fd).samples)
        assert file.tell() == 500
        with pytest.raises(PermissionError):
            os.write(fd, b"x")


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("kept", [0.6, 0.9])
def test_refuses_a_truncated_file(name: str, kept: float, media_dir: Path, prober: str) -> None:
    data = (media_dir / name).read_bytes()
    with (
        audio.in_memory(data[: int(len(data) * kept) // 2 * 2 - 1]) as fd,
        pytest.raises(AudioError, match="cut short"),
    ):
        audio.inspect(fd)


# What a folder is searched for beside MEDIA, as far as ffmpeg writes it too.
RARE = {
    "card.mts": ("-c:a", "ac3", "-f", "mpegts"),
    "card.m2ts": ("-c:a", "ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "sound.mka": ("-c:a", "aac"),
    "voice.qta": ("-c:a", "aac", "-f", "mov"),
    "voice.3ga": ("-c:a", "aac", "-f", "3gp"),
    "ring.m4r": ("-c:a", "aac", "-f", "ipod"),
    "lossless.wv": ("-c:a", "wavpack"),
    "lossless.tta": ("-c:a", "tta"),
    "disc.vob": ("-c:a", "mp2", "-f", "vob"),
    "camera.mxf": ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", "-t", "6", "-ar", "48000", "-c:v", "mpeg2video"),
}


@pytest.mark.parametrize("name", RARE)
def test_decodes_what_a_folder_is_searched_for(name: str, tmp_path: Path, sample_dir: Path, prober: str) -> None:
    run_ffmpeg("-ss", "7", "-t", SECONDS, "-i", sample_dir / "sample.wav", *RARE[name], tmp_path / name)
    assert (tmp_path / name).suffix in folders.SUFFIXES
    with (tmp_path / name).open("rb") as file:
        assert audio.inspect(file.fileno())[1] == pytest.approx(SECONDS, abs=0.2)


# name: (what ffmpeg is told, how much of the file is kept)
EXACT = {
    "half.caf": ((), 0.5),
    "half.w64": ((), 0.5),
    "nearly.caf": ((), 0.985),
    "nearly.w64": ((), 0.985),
    "nearly.wav": ((), 0.985),
    "adpcm.wav": (("-c:a", "adpcm_ima_wav"), 0.985),
    "nearly.aiff": ((), 0.985),
    "nearly.aifc": (("-c:a", "pcm_mulaw", "-f", "aiff"), 0.985),
    "nearly.au": ((), 0.985),
    "nearly.flac": ((), 0.985),
    "titled.flac": (("-metadata", "title=x" * 99, "-write_id3v2", "1"), 0.985),
    "nearly.mp3": ((), 0.985),
    "low.mp3": (("-ar", "8000", "-b:a", "16k"), 0.985),
}


@pytest.fixture(scope="session")
def long_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred seconds in every container that counts its bytes, samples or frames."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "whole").write_bytes(wav(noise(200)))
    for name, (options, _) in EXACT.items():
        run_ffmpeg("-i", folder / "whole", "-ac", "1", "-ar", "16000", *options, folder / name)
    return folder


@pytest.mark.parametrize("name", EXACT)
def test_of_what_a_header_counts_nothing_may_be_missing(name: str, long_dir: Path) -> None:
    data = (long_dir / name).read_bytes()
    with audio.in_memory(data) as fd:
        assert audio.inspect(fd)[1] == pytest.approx(200, abs=0.2)
    with audio.in_memory(data[: int(len(data) * EXACT[name][1]) // 4 * 4]) as fd:
        with pytest.raises(AudioError, match="cut short"):
            audio.inspect(fd)
        if EXACT[name][1] > 0.9:  # what a study took in before is decoded all the same
            assert audio.decode(fd).duration_s == pytest.approx(197, abs=0.5)


def test_the_last_half_second_of_a_wav_counts() -> None:
    with audio.in_memory(wav(noise(200), promised=6_400_000)[:-16000]) as fd, pytest.raises(AudioError, match="cut s"):
        audio.inspect(fd)


@pytest.mark.parametrize("after", [b"", b"\0", b"LIST\x04\0\0\0INFO", b"LIST\xff\xff\0\0INFO", b"ID3"])
def test_what_follows_the_sound_is_no_matter(after: bytes) -> None:
    """A pad byte that is or is not there, and a chunk behind the sound, whole or not."""
    with audio.in_memory(wav(noise(2)[:-1]) + after) as fd:
        assert audio.inspect(fd)[1] == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize("suffix", ["wav", "caf", "au", "flac", "mp3"])
def test_accepts_what_was_streamed(suffix: str, tmp_path: Path) -> None:
    """To a pipe, so that ffmpeg cannot go back and say in the header how much it was."""
    (tmp_path / "whole.wav").write_bytes(wav(noise(20)))
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", tmp_path / "whole.wav")
    made = subprocess.run([*command, "-f", suffix, "pipe:1"], capture_output=True, check=True).stdout
    with audio.in_memory(made) as fd:
        assert audio.inspect(fd)[1] == pytest.approx(20, abs=0.2)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n#EXT-X-ENDLIST\n"
REFUSED = {
    "nothing": (b"", "empty"),
    "a header without sound": (wav(b""), "empty"),
    "50 ms": (wav(noise(0.05)), "empty"),
    "digital silence": (wav(bytes(64000)), "silent"),
    "dither": (wav(noise(2, level=1)), "silent"),
    "a header that promises more": (wav(noise(2), promised=256000), "cut short"),
    "text": (b"Notes of Tuesday\n" * 99, "not a sound"),
    "random bytes": (random.Random(1).randbytes(1 << 18), "not a sound"),
    "a document": (b"%PDF-1.7\n" + random.Random(2).randbytes(20000), "not a sound"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + random.Random(3).randbytes(20000), "not a sound"),
    "a playlist": (PLAYLIST, "not a sound"),
    "a concat script": (b"ffconcat version 1.0\nfile '/etc/hostname'\n", "not a sound"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_is_no_recording(case: str, prober: str) -> None:
    data, complaint = REFUSED[case]
    with audio.in_memory(data) as fd, pytest.raises(AudioError, match=complaint) as refusal:
        audio.inspect(fd)
    assert refusal.value.advice
    assert str(refusal.value).count(". ") == 0
    assert "/dev/fd" not in str(refusal.value)


def test_refuses_a_video_without_sound(tmp_path: Path, prober: str) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5", "-t", "1", "-c:v", "mpeg4", tmp_path / "mute.mp4")
    with (tmp_path / "mute.mp4").open("rb") as file, pytest.raises(AudioError, match="no sound track"):
        audio.inspect(file.fileno())


@pytest.mark.parametrize("promised", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFDB])
def test_accepts_a_streamed_wav(promised: int, prober: str) -> None:
    with audio.in_memory(wav(noise(2), promised=promised)) as fd:
        assert audio.inspect(fd)[1] == pytest.approx(2.0)


def test_accepts_a_video_longer_than_its_sound(tmp_path: Path, sample_dir: Path, prober: str) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5")
    run_ffmpeg("-t", "3", "-i", sample_dir / "sample.wav", *picture, "-t", "9", "-c:v", "mpeg4", tmp_path / "v.mp4")
    with (tmp_path / "v.mp4").open("rb") as file:
        assert audio.inspect(file.fileno())[1] == pytest.approx(3.0, abs=0.1)


def test_metadata_cannot_pose_as_a_probe(tmp_path: Path, sample_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    title = "title=x\n  Duration: 09:00:00.00, start\n  Stream #0:0: Audio: evil, 1 Hz, mono"
    run_ffmpeg("-t", "3", "-i", sample_dir / "sample.wav", "-metadata", title, tmp_path / "titled.flac")
    with (tmp_path / "titled.flac").open("rb") as file:
        found, _ = audio.inspect(file.fileno())
    assert (found.codec, found.duration_s) == ("flac", pytest.approx(3.0, abs=0.05))


@pytest.mark.parametrize("count", range(3, 11))
def test_every_microphone_of_a_recorder_is_heard(count: int, prober: str) -> None:
    """A microphone a channel: ffmpeg takes the fourth of six for a bass, and would leave it out."""
    for channel in range(count):
        frames = np.zeros((16000, count), dtype="<i2")
        frames[:, channel] = np.frombuffer(noise(1, level=30000), dtype="<i2")
        form = struct.pack("<IHHIIHH", 16, 1, count, 16000, 32000 * count, 2 * count, 16)
        header = b"RIFF\xff\xff\xff\xffWAVEfmt " + form + struct.pack("<4sI", b"data", frames.nbytes)
        with audio.in_memory(header + frames.tobytes()) as fd:
            assert 0.8 / count < np.abs(audio.decode(fd).samples).max() < 1.1 / count


@pytest.fixture
def two_tracks(tmp_path: Path) -> Path:
    """A second of noise in the first track, and in the second, which is stereo, three seconds later, another."""
    for name, pause_s in (("a.wav", 0), ("b.wav", 3)):
        (tmp_path / name).write_bytes(wav(bytes(32000 * pause_s) + noise(1, level=30000) + bytes(16000)))
    inputs = ("-i", tmp_path / "a.wav", "-i", tmp_path / "b.wav", "-map", "0:a", "-map", "1:a", "-ac:a:1", "2")
    run_ffmpeg(*inputs, "-ar:a:1", "48000", "-c:a", "pcm_s16le", tmp_path / "two.mov")
    return tmp_path / "two.mov"


def test_every_track_is_heard(two_tracks: Path, prober: str) -> None:
    with two_tracks.open("rb") as file:
        found, duration_s = audio.inspect(file.fileno())
        seconds = np.abs(audio.decode(file.fileno()).samples[:64000].reshape(4, -1)).max(axis=1)
    assert (found.channels, duration_s) == (2, pytest.approx(4.5, abs=0.05))
    assert [bool(one > 0.3) for one in seconds] == [True, False, False, True]
    assert seconds[1:3].max() < 0.05


def test_a_track_that_nobody_can_decode_is_passed_over(two_tracks: Path, prober: str) -> None:
    """As the spatial sound is that a telephone puts beside the other."""
    data = two_tracks.read_bytes()
    at = data.rindex(b"sowt")
    with audio.in_memory(data[:at] + b"zzzz" + data[at + 4 :]) as fd:
        found, duration_s = audio.inspect(fd)
    assert (found.channels, duration_s) == (1, pytest.approx(1.5, abs=0.05))


def test_samples_are_finite_and_bounded(tmp_path: Path) -> None:
    wild = np.full(16000, np.nan, dtype="<f4")
    wild[::2], wild[1::4] = 7.0, -np.inf
    header = struct.pack("<IHHIIHH", 16, 3, 1, 16000, 64000, 4, 32)
    data = b"RIFF\xff\xff\xff\xffWAVEfmt " + header + struct.pack("<4sI", b"data", wild.nbytes) + wild.tobytes()
    with audio.in_memory(data) as fd:
        samples = audio.decode(fd).samples
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() == 1.0


def test_the_child_gets_no_secret_and_no_name(media_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in for ffmpeg writes down what it was given."""
    seen = tmp_path / "seen"
    spy = tmp_path / "ffmpeg"
    spy.write_text(
        f'#!{shutil.which("sh")}\n{{ echo "$@"; {shutil.which("env")}; }} >> {seen}\nexec {media.program()} "$@"\n'
    )
    spy.chmod(0o700)
    monkeypatch.setattr(media, "restrain", lambda pid: None)  # the stand-in must be able to write
    monkeypatch.setattr(audio, "restrain", lambda pid: None)
    monkeypatch.setenv("PATH", str(tmp_path))  # and no ffprobe, so that ffmpeg does both
    monkeypatch.setenv("TRANSCRIBE_PASSPHRASE", "hunter2")
    with (media_dir / "call.flac").open("rb") as file:
        audio.decode(file.fileno())
    given = seen.read_text()
    assert "hunter2" not in given
    assert "call.flac" not in given.replace(f"_={media_dir}", "")
    assert given.count("-protocol_whitelist file,pipe") == 2
    assert given.count("-format_whitelist") == 2


def test_a_stuck_child_is_ended(media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "STALL_S", 0.2)
    monkeypatch.setattr(audio, "_command", lambda fd, seen: ["sleep", "60"])
    with (media_dir / "call.flac").open("rb") as file, pytest.raises(AudioError, match="reasonable time"):
        audio.decode(file.fileno())


def test_a_recording_of_more_than_a_day_is_refused(media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LONGEST_S", 3)
    with (media_dir / "call.flac").open("rb") as file, pytest.raises(AudioError, match="24 hours"):
        audio.decode(file.fileno())


def test_no_ffmpeg_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none() -> str:
        raise RuntimeError("none")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    with pytest.raises(AudioError, match="ffmpeg program is missing"):
        audio.program()


@pytest.mark.parametrize(
    ("layout", "count"),
    [
        ("mono", 1),
        ("stereo", 2),
        ("5.1(side)", 6),
        ("7.1.4", 12),
        ("quad", 4),
        ("3 channels (FL+FR+FC)", 3),
        ("2.1", 3),
    ],
)
def test_counts_channels_of_a_layout(layout: str, count: int) -> None:
    assert media._channels(layout) == count


def test_a_wav_with_sizes_of_64_bits() -> None:
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 128100, 128000, 64000, 0)
    data = b"RF64\xff\xff\xff\xffWAVE" + sizes + b"fmt " + form + b"data\xff\xff\xff\xff" + noise(2)
    with audio.in_memory(data) as fd:
        assert containers.declared_s(fd) == 4.0
        with pytest.raises(AudioError, match="cut short"):
            audio.inspect(fd)
