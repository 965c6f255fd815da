"""The door for recordings under attack: taken in whole, or refused in a sentence that leaves nothing behind."""

import os
import re
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import study_session
from tests.builders import new_unlocked, says_nothing_of
from tests.hostile.attacks import CONTAINERS, DAMAGE, containers, damaged, noise_wav, snapshot, watched
from transcribe import audio, intake, media
from transcribe.errors import AudioError, TranscribeError
from transcribe.intake import Request
from transcribe.vault import Unlocked

SEEDS = 4
LONGEST_S = 30.0  # for half a second of sound on a machine at work; in earnest PROBE_LIMIT_S and STALL_S bound it
NAME = "Karen Okonkwo"
SECRET = "Bertha"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return containers(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def unlocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unlocked:
    """A study; temporary files would go to an empty folder, and so would files named without one."""
    for name in ("temporary", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")
    return new_unlocked(tmp_path / "study")


def attack(unlocked: Unlocked, source: Path) -> str | None:
    """Add a file: None if it was taken in and comes back as it was, else the sentence; fails for anything else."""
    before = snapshot(unlocked.study.root)
    started = time.monotonic()
    said = None
    try:
        added = intake.add(unlocked.study, source, Request(), unlocked)
    except TranscribeError as error:
        said = str(error)
    if said is None:
        with intake.opened(unlocked, added.id) as sound:
            assert os.pread(sound, os.fstat(sound).st_size + 1, 0) == source.read_bytes()
        assert not list(unlocked.study.private.rglob("*.tmp"))
    else:
        assert "\n" not in said
        says_nothing_of(said, NAME, SECRET, source.name)
        assert snapshot(unlocked.study.root) == before
    assert time.monotonic() - started < LONGEST_S
    for name in ("temporary", "here"):
        assert not list((unlocked.study.root.parent / name).iterdir())
    return said


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_damaged(unlocked: Unlocked, whole: dict[str, bytes], tmp_path: Path, suffix: str, how: str, seed: int) -> None:
    source = tmp_path / f"{NAME}.{suffix}"
    source.write_bytes(damaged(whole[suffix], how, f"{suffix} {how} {seed}"))
    attack(unlocked, source)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_undamaged_is_taken_in(unlocked: Unlocked, whole: dict[str, bytes], tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"{NAME}.mislabelled"
    source.write_bytes(whole[suffix])
    assert attack(unlocked, source) is None


# --- promises that no file keeps --------------------------------------------------------------------------------------


def flac_promising(data: bytes) -> bytes:
    """STREAMINFO says 2^36 - 1 samples (RFC 9639, section 8.2)."""
    return data[:21] + bytes([data[21] | 0x0F]) + b"\xff" * 4 + data[26:]


def m4a_promising(data: bytes) -> bytes:
    """The media header says four years (ISO/IEC 14496-12, section 8.4.2)."""
    at = data.index(b"mdhd") + 4
    assert data[at] == 0
    return data[: at + 16] + b"\x7f\xff\xff\xff" + data[at + 20 :]


def rf64(data: bytes) -> bytes:
    """Sizes of 2^60 bytes (EBU Tech 3306)."""
    return b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, 2**62, 2**60, 2**59, 0) + data[12:]


PROMISES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "wav of 4 GB": ("wav", lambda data: noise_wav(promised=0xF0000000)),
    "wav of 2^60 bytes": ("wav", rf64),
    "flac of 50 days": ("flac", flac_promising),
    "m4a of years": ("m4a", m4a_promising),
    "wav of 2^32 bytes a second": ("wav", lambda data: data[:24] + b"\xff" * 8 + data[32:]),
    "wav of 65535 channels": ("wav", lambda data: data[:22] + b"\xff\xff" + data[24:]),
    "m4a with a box of 2^64 bytes": ("m4a", lambda data: data + struct.pack(">I4sQ", 1, b"free", 2**64 - 1)),
    "m4a with a hundred thousand indices": ("m4a", lambda data: data + struct.pack(">I4s", 8, b"moov") * 100_000),
    "mp3 behind a tag of 256 MB": ("mp3", lambda data: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + data),
}


@pytest.mark.parametrize("case", PROMISES)
def test_a_promise_that_is_not_kept(unlocked: Unlocked, whole: dict[str, bytes], tmp_path: Path, case: str) -> None:
    suffix, promising = PROMISES[case]
    source = tmp_path / f"{NAME}.{suffix}"
    source.write_bytes(promising(whole[suffix]))
    said = attack(unlocked, source)
    assert said is not None or case.startswith(("m4a with", "m4a of"))


@pytest.mark.parametrize("suffix", ["none", "flac", "mp3", "m4a", "mka"])
def test_a_huge_file_of_nothing(
    unlocked: Unlocked, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(media, "PROBE_LIMIT_S", 2)
    monkeypatch.setattr(audio, "STALL_S", 2)
    source = tmp_path / f"{NAME}.wav"
    source.write_bytes(whole.get(suffix, b""))
    os.truncate(source, 200 << 30)
    before = snapshot(unlocked.study.root)
    started = time.monotonic()
    with pytest.raises(AudioError):
        intake.add(unlocked.study, source, Request(), unlocked)
    assert time.monotonic() - started < LONGEST_S
    assert snapshot(unlocked.study.root) == before


def test_the_child_is_limited_in_time_memory_and_what_it_writes(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says of a running ffmpeg that waits for more of its input."""
    with audio.running([media.program(), "-nostdin", "-v", "error", "-i", "pipe:0", "-f", "null", "-"], fed=True) as it:
        limits = Path(f"/proc/{it._process.pid}/limits").read_text()
    found = {name: re.search(rf"^{name}\s+(\d+)", limits, re.M) for name in ("Max cpu time", "Max address space",
             "Max file size", "Max core file size")}  # fmt: skip
    assert [int(match[1]) for match in found.values() if match] == [3600, 4 << 30, 0, 1]


# --- what is called a recording and is none ---------------------------------------------------------------------------


def _docx(path: Path, secret: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("word/document.xml", f"<w:document>{secret}</w:document>")


def _text(form: str) -> Callable[[Path, Path], None]:
    return lambda path, secret: path.write_text(form.format(secret=secret, name=secret.name)) and None


def _subtitles(path: Path, secret: Path) -> None:
    captions = path.with_suffix(".srt")
    captions.write_text(f"1\n00:00:00,000 --> 00:00:05,000\n{SECRET}\n")
    program = [media.program(), "-nostdin", "-v", "error", "-y", "-i", captions, "-f", "matroska", path]
    subprocess.run(program, check=True)
    captions.unlink()


def _attachment(path: Path, secret: Path) -> None:
    _subtitles(path, secret)
    inner = path.with_suffix(".mkv")
    path.rename(inner)
    options = ["-attach", secret, "-metadata:s:t", "mimetype=audio/wav", "-c", "copy", "-f", "matroska"]
    subprocess.run([media.program(), "-nostdin", "-v", "error", "-y", "-i", inner, *options, path], check=True)
    inner.unlink()


DISGUISES: dict[str, Callable[[Path, Path], None]] = {
    "hls": _text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
    "hls by name": _text("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{name}\n#EXT-X-ENDLIST\n"),
    "m3u": _text("#EXTM3U\n{secret}\n"),
    "ffconcat": _text("ffconcat version 1.0\nfile '{secret}'\n"),
    "ffconcat by name": _text("ffconcat version 1.0\nfile {name}\nduration 1\n"),
    "ffmetadata": _text(";FFMETADATA1\ntitle={secret}\n"),
    "sdp": _text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"),
    "dash": _text('<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period>'
                  '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{secret}</BaseURL>'
                  "</Representation></AdaptationSet></Period></MPD>"),
    "imf": _text('<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>{secret}</Id>'
                 "</CompositionPlaylist>"),
    "cue": _text('FILE "{secret}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'),
    "pls": _text("[playlist]\nFile1={secret}\nNumberOfEntries=1\n"),
    "asx": _text('<asx version="3.0"><entry><ref href="file://{secret}"/></entry></asx>'),
    "quicktime reference": lambda path, secret: path.write_bytes(
        struct.pack(">I4s", 8 + 8 + 8 + 20 + len(str(secret)), b"moov")
        + struct.pack(">I4s", 8 + 8 + 20 + len(str(secret)), b"rmra")
        + struct.pack(">I4s", 8 + 20 + len(str(secret)), b"rmda")
        + struct.pack(">I4sI4sI", 20 + len(str(secret)), b"rdrf", 0, b"url ", len(str(secret)))
        + str(secret).encode()) and None,
    "vobsub": _text("# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\n"
                    "timestamp: 00:00:00:000, filepos: 000000000\n"),
    "mlv": lambda path, secret: (
        path.write_bytes(b"MLVI" + struct.pack("<I", 52) + b"v2.0" + bytes(40)) and None
    ),
    "html": _text("<!doctype html><html><audio src='file://{secret}'></audio></html>"),
    "script": _text("#!/bin/sh\ncat {secret}\n"),
    "docx": _docx,
    "subtitles alone": _subtitles,
    "attachment alone": _attachment,
    "nothing": lambda path, secret: path.touch(),
    "one byte": lambda path, secret: path.write_bytes(b"R") and None,
    "folder": lambda path, secret: path.mkdir(),
    "pipe": lambda path, secret: os.mkfifo(path),
    "device": lambda path, secret: path.symlink_to("/dev/zero"),
    "terminal": lambda path, secret: path.symlink_to("/dev/tty"),
    "dangling link": lambda path, secret: path.symlink_to(path.parent / "nowhere"),
    "link to itself": lambda path, secret: path.symlink_to(path),
    "missing": lambda path, secret: None,
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["mp3", "wav"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_what_is_no_recording_reads_no_other_file(
    unlocked: Unlocked, tmp_path: Path, disguise: str, suffix: str
) -> None:
    secret = tmp_path / f"{SECRET}.wav"
    secret.write_bytes(noise_wav())
    source = tmp_path / f"{NAME}.{suffix}"
    DISGUISES[disguise](source, secret)
    with watched(secret) as opened:
        assert attack_special(unlocked, source) is not None
        assert not opened()


def attack_special(unlocked: Unlocked, source: Path) -> str | None:
    """Only what is an ordinary file can be compared with what comes back; the rest must be refused."""
    if source.is_file():
        return attack(unlocked, source)
    before = snapshot(unlocked.study.root)
    with pytest.raises(AudioError) as refused:
        intake.add(unlocked.study, source, Request(), unlocked)
    says_nothing_of(refused.value, NAME, SECRET)
    assert snapshot(unlocked.study.root) == before
    return str(refused.value)


def test_without_the_list_of_demuxers_a_script_would_read_another_file(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    secret = tmp_path / f"{SECRET}.wav"
    secret.write_bytes(noise_wav())
    source = tmp_path / "script.mp3"
    DISGUISES["ffconcat by name"](source, secret)
    with watched(secret) as opened:
        command = [media.program(), "-nostdin", "-v", "error", "-i", source, "-f", "null", "-"]
        subprocess.run(command, check=False, capture_output=True)
        assert opened()


# --- through the command ----------------------------------------------------------------------------------------------

BY_COMMAND = ("hls", "docx", "pipe")


def test_the_command_refuses_each_in_a_sentence_and_takes_the_good_one(tmp_path: Path) -> None:
    root = tmp_path / "study"
    study_session.succeed("new", root, "--json")
    secret = tmp_path / f"{SECRET}.wav"
    secret.write_bytes(noise_wav())
    for number, disguise in enumerate(BY_COMMAND):
        source = tmp_path / f"{NAME} {number}.wav"
        DISGUISES[disguise](source, secret)
        study_session.succeed("status", root)  # seals what came before
        before = snapshot(root)
        done = study_session.call("add", root, source)
        assert done.returncode == AudioError.exit_code, disguise
        assert re.fullmatch(r"Error: [^\n]+\n?", done.stderr), disguise
        says_nothing_of(done.stdout + done.stderr, NAME, SECRET)
        assert snapshot(root) == before
    study_session.succeed("add", root, secret)
    records = (root / "journal.jsonl").read_text() + (root / "audit.jsonl").read_text()
    says_nothing_of(records, NAME, SECRET)
