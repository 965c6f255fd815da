"""A covered copy: nothing of a covered span is there, everything else is, sample for sample, and nothing is told."""

import csv
import io
import json
import subprocess
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import finding, person, says_nothing_of, transcript
from tests.test_audio import run_ffmpeg
from transcribe import audio, audio_writing, media, redact
from transcribe.asr import AsrOptions
from transcribe.asr.fake import FakeTranscriber
from transcribe.errors import AudioError, EngineError, LeakError
from transcribe.redact import Covered, Kept, StillHeard
from transcribe.review import corrections
from transcribe.review.decisions import Settled
from transcribe.schema import Cause, Finding, Kind, ReviewState, Transcript, Unclear, Word

SECONDS = 3.3
SPANS = (
    Covered(start_s=0.0, end_s=0.21, kinds=("person",)),
    Covered(start_s=1.00013, end_s=1.5, kinds=("person", "place")),
    Covered(start_s=3.1, end_s=SECONDS, kinds=("unclear",)),
)
FORMATS = ("wav", "flac", "m4a")

# name: (what ffmpeg is told, raw form that loses nothing of it)
SOURCES = {
    "8k.wav": (("-ar", "8000", "-ac", "1"), "s16le"),
    "16k.flac": (("-ar", "16000", "-ac", "1"), "s16le"),
    "44k-stereo.wav": (("-ar", "44100"), "s16le"),
    "48k-stereo-24.flac": (("-ar", "48000", "-sample_fmt", "s32"), "s32le"),
    "48k-24.wav": (("-ar", "48000", "-c:a", "pcm_s24le"), "s32le"),
    "44k-stereo-alac.m4a": (("-ar", "44100", "-c:a", "alac"), "s16le"),
    "44k-stereo-aac.m4a": (("-ar", "44100"), "s16le"),
    "48k.mp3": (("-ar", "48000", "-ac", "1"), "s16le"),
    "22k.mp3": (("-ar", "22050"), "s16le"),
    "8-bit.wav": (("-ar", "11025", "-c:a", "pcm_u8"), "s16le"),
}
SAMPLES = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4"}


def stereo(rate_hz: int = 48_000, seconds: float = SECONDS) -> npt.NDArray[np.float64]:
    """A tone and noise, another in each channel, so loud that no sample is like the covering tone by chance."""
    at = np.arange(round(seconds * rate_hz))
    noise = np.random.default_rng(5).normal(0, 0.02, (len(at), 2))
    return noise + 0.3 * np.stack([np.sin(at * 0.02), np.sin(at * 0.031 + 1)], axis=1)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    soundfile.write(folder / "all.wav", stereo(), 48_000, subtype="FLOAT")
    for name, (options, _) in SOURCES.items():
        run_ffmpeg("-i", folder / "all.wav", *options, folder / name)
    return folder


def raw(path: Path | str, form: str = "s16le") -> npt.NDArray[Any]:
    """What the system's ffmpeg decodes, of shape (frames, channels)."""
    command = [media.program(), "-nostdin", "-v", "error", "-i", str(path), "-f", form, "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, dtype=SAMPLES[form]).reshape(-1, channels_of(path))


def channels_of(path: Path | str) -> int:
    with Path(path).open("rb") as file:
        return media.probe(file.fileno()).channels


def copy(source: Path, form: str, folder: Path, spans: tuple[Covered, ...] = SPANS, **options: bool) -> Path:
    path = folder / f"copy.{form}"
    with source.open("rb") as file, path.open("w+b") as out:
        redact.write_copy(file.fileno(), spans, form, out.fileno(), **options)
    return path


def inside(frames: int, rate_hz: int, spans: tuple[Covered, ...] = SPANS) -> npt.NDArray[np.bool_]:
    """Which frames are covered: every one that a span touches."""
    at = np.arange(frames)
    return np.any([(at > s.start_s * rate_hz - 1) & (at < s.end_s * rate_hz) for s in spans], axis=0)


# --- the copy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SOURCES)
def test_is_as_long_as_the_original_and_the_same_outside_the_spans(
    name: str, form: str, sources: Path, tmp_path: Path
) -> None:
    sample = SOURCES[name][1]
    before, after = raw(sources / name, sample), raw(copy(sources / name, form, tmp_path), sample)
    with (sources / name).open("rb") as file:
        seen = media.probe(file.fileno())
    covered = inside(len(before), seen.sample_rate_hz)
    assert after.shape == before.shape
    assert np.array_equal(after[~covered], before[~covered])
    full_scale = float(np.iinfo(before.dtype).max)
    assert np.abs(after[covered].astype(np.float64)).max() / full_scale < 0.033
    assert (after[covered] != before[covered]).mean() > 0.95
    with (tmp_path / f"copy.{form}").open("rb") as file:
        written = media.probe(file.fileno())
    assert (written.sample_rate_hz, written.channels) == (seen.sample_rate_hz, seen.channels)


@pytest.mark.parametrize("form", FORMATS)
def test_lasts_as_long_as_recognition_found_it_to_last(form: str, sources: Path, tmp_path: Path) -> None:
    source = sources / "44k-stereo-aac.m4a"
    with source.open("rb") as file, copy(source, form, tmp_path).open("rb") as out:
        assert len(audio.decode(file.fileno()).samples) == len(audio.decode(out.fileno()).samples)


def test_a_float_wav_stays_one_and_32_bits_stay_32(tmp_path: Path) -> None:
    loud = stereo() * 4  # beyond full scale, as a float recorder may go
    for subtype, sample in (("FLOAT", "f32le"), ("PCM_32", "s32le")):
        soundfile.write(tmp_path / "deep.wav", loud / (1 if subtype == "FLOAT" else 4), 48_000, subtype=subtype)
        before = raw(tmp_path / "deep.wav", sample)
        after = raw(copy(tmp_path / "deep.wav", "wav", tmp_path), sample)
        covered = inside(len(before), 48_000)
        assert np.array_equal(after[~covered], before[~covered])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("channels", [3, 6, 8])
def test_channels_are_not_mixed(form: str, channels: int, tmp_path: Path) -> None:
    sound = np.random.default_rng(2).integers(-9000, 9000, (48_000, channels)).astype(np.int16)
    soundfile.write(tmp_path / "many.wav", sound, 16_000)
    with copy(tmp_path / "many.wav", form, tmp_path, SPANS[1:2]).open("rb") as out:
        after, _ = soundfile.read(out, dtype="int16") if form != "m4a" else (raw(tmp_path / "copy.m4a"), 0)
    covered = inside(48_000, 16_000, SPANS[1:2])
    assert np.array_equal(after[~covered], sound[~covered])


def test_more_channels_than_a_format_has_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nine.wav", np.zeros((16_000, 9), dtype=np.int16), 16_000)
    with pytest.raises(EngineError, match="9 channels and flac takes 8; choose wav"):
        copy(tmp_path / "nine.wav", "flac", tmp_path)


def test_an_unknown_format_is_refused(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="wav, flac, m4a"):
        copy(sources / "8k.wav", "mp3", tmp_path)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000])
def test_word_times_mean_the_same_place_at_every_rate(rate_hz: int, tmp_path: Path) -> None:
    """A click is found in the decode that words are timed in; 5 ms on each side of it cover it, and no other."""
    clicks = [int(rate_hz * at) for at in (0.3, 7.7123, 7.73, 19.5)]
    sound = np.zeros(20 * rate_hz)
    for click in clicks:
        sound[click : click + max(1, rate_hz // 4000)] = 0.9
    soundfile.write(tmp_path / "clicks.wav", sound, rate_hz)
    with (tmp_path / "clicks.wav").open("rb") as file:
        heard = np.abs(audio.decode(file.fileno()).samples)
    for at, click in ((7.7123, clicks[1]), (19.5, clicks[3])):
        first = round((at - 0.008) * 16_000)
        time_s = (first + int(heard[first : first + 256].argmax())) / 16_000
        span = Covered(start_s=time_s - 0.005, end_s=time_s + 0.005, kinds=("person",))
        after = raw(copy(tmp_path / "clicks.wav", "wav", tmp_path, (span,)))
        assert [bool(abs(after[c, 0]) > 9000) for c in clicks] == [c != click for c in clicks]


def test_what_covers_is_a_quiet_tone_without_clicks_or_silence(sources: Path, tmp_path: Path) -> None:
    first, last = 48_006, 72_000  # of SPANS[1] at 48 kHz
    sound = raw(copy(sources / "48k.mp3", "wav", tmp_path))[first:last, 0] / 32768
    assert np.abs(sound).max() == pytest.approx(10 ** (-30 / 20), rel=0.01)
    assert np.abs(np.fft.rfft(sound)).argmax() * 48_000 / len(sound) == pytest.approx(440, abs=2)
    assert sound[0] == sound[-1] == 0
    assert np.abs(np.diff(sound)).max() < 0.0025  # a full tone's own steepest step is 0.0018
    assert np.abs(sound[:120]).max() < 0.017  # half-way up the ramp of 5 ms
    assert not raw(copy(sources / "48k.mp3", "wav", tmp_path, tone=False))[first:last].any()


@pytest.mark.parametrize("form", FORMATS)
def test_equal_recordings_give_equal_bytes(form: str, sources: Path, tmp_path: Path) -> None:
    first = copy(sources / "44k-stereo.wav", form, tmp_path).read_bytes()
    renamed = tmp_path / "another name.wav"
    renamed.write_bytes((sources / "44k-stereo.wav").read_bytes())
    assert copy(renamed, form, tmp_path).read_bytes() == first


@pytest.fixture(scope="module")
def told(sources: Path) -> tuple[Path, ...]:
    """Recordings that tell of themselves: tags, a chapter, a cover picture."""
    folder = sources / "told"
    folder.mkdir()
    (folder / "tags.txt").write_text(
        ";FFMETADATA1\ntitle=Interview with Abercwmboi\nartist=Abercwmboi\ndate=2023-04-05\ncomment=Abercwmboi\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=Abercwmboi\n"
    )
    tagged = ("-i", sources / "all.wav", "-i", folder / "tags.txt", "-map_metadata", "1", "-map", "0:a")
    for name in ("t.wav", "t.flac", "t.m4a"):
        run_ffmpeg(*tagged, folder / name)
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=16x16", "-frames:v", "1", folder / "red.jpg")
    cover = ("-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic")
    run_ffmpeg("-i", folder / "t.m4a", "-i", folder / "red.jpg", *cover, folder / "p.m4a")
    return tuple(folder / name for name in ("t.wav", "t.flac", "t.m4a", "p.m4a"))


@pytest.mark.parametrize("form", FORMATS)
def test_the_copy_tells_nothing_of_the_original(form: str, told: tuple[Path, ...], tmp_path: Path) -> None:
    for source in told:
        data = copy(source, form, tmp_path).read_bytes()
        for word in (b"Abercwmboi", b"Interview", b"2023", b"Lavf", b"Lavc", b"JFIF", source.name.encode()):
            assert word not in data, (source.name, word)


@pytest.mark.system("ffprobe")
@pytest.mark.parametrize("form", FORMATS)
def test_ffprobe_finds_no_tag_chapter_or_picture(form: str, told: tuple[Path, ...], tmp_path: Path) -> None:
    structure = {"major_brand", "minor_version", "compatible_brands", "language", "handler_name", "vendor_id"}
    for source in told:
        path = copy(source, form, tmp_path)
        command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", path]
        seen = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert seen["chapters"] == []
        assert [stream["codec_type"] for stream in seen["streams"]] == ["audio"]
        tags = {**seen["format"].get("tags", {}), **seen["streams"][0].get("tags", {})}
        assert set(tags) <= structure
        assert tags.get("handler_name", "SoundHandler") == "SoundHandler"


def test_a_long_recording_takes_no_memory(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "sine=r=48000:d=180", "-ac", "2", tmp_path / "long.wav")  # 34 MB
    tracemalloc.start()
    copy(tmp_path / "long.wav", "flac", tmp_path, (Covered(start_s=1.0, end_s=170.0, kinds=("unclear",)),))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24_000_000


def test_a_source_that_is_cut_short_is_refused(sources: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.flac"
    half.write_bytes((sources / "16k.flac").read_bytes()[:-20_000])
    with pytest.raises(AudioError, match="cut short"):
        copy(half, "flac", tmp_path)


def test_a_disk_that_is_full_is_told(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_writing, "LONGEST_S", 0)
    monkeypatch.setattr(audio_writing, "_HEADER", 4096)  # bytes that may be written
    with pytest.raises(EngineError, match="could not be written"):
        copy(sources / "44k-stereo.wav", "wav", tmp_path)


@pytest.mark.parametrize("command", [["sleep", "60"], ["false"]])
def test_an_encoder_that_does_nothing_is_ended(
    command: list[str], sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "STALL_S", 0.5)
    monkeypatch.setattr(audio_writing, "_encoding", lambda *_: command)
    with pytest.raises(EngineError, match="could not be written"):
        copy(sources / "44k-stereo.wav", "wav", tmp_path)


# --- a voice in disguise --------------------------------------------------------------------------------------------


@pytest.fixture(params=["rubberband", "atempo"])
def filtering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to shift a pitch: ffmpeg is built with Rubber Band or not."""
    if request.param == "atempo":
        monkeypatch.setattr(audio_writing, "_has_rubberband", lambda path: False)
    elif not audio_writing._has_rubberband(media.program()):
        pytest.skip("this ffmpeg has no rubberband")
    return str(request.param)


@pytest.mark.parametrize("name", ["8k.wav", "44k-stereo-aac.m4a", "48k-stereo-24.flac"])
def test_a_disguise_keeps_the_length_and_the_cover(name: str, filtering: str, sources: Path, tmp_path: Path) -> None:
    sample = SOURCES[name][1]
    before = raw(sources / name, sample)
    plain = raw(copy(sources / name, "flac", tmp_path), sample)
    after = raw(copy(sources / name, "flac", tmp_path, disguise=True), sample)
    with (sources / name).open("rb") as file:
        covered = inside(len(before), media.probe(file.fileno()).sample_rate_hz)
    assert after.shape == before.shape
    assert np.array_equal(after[covered], plain[covered])
    assert (after[~covered] != before[~covered]).mean() > 0.9
    assert (
        copy(sources / name, "flac", tmp_path, disguise=True).read_bytes()
        == copy(sources / name, "flac", tmp_path, disguise=True).read_bytes()
    )


def test_a_disguise_moves_the_pitch_and_nothing_else(filtering: str, tmp_path: Path) -> None:
    at = np.arange(8 * 16_000) / 16_000
    bursts = 0.5 * np.sin(2 * np.pi * 300 * at) * (np.sin(np.pi * at) ** 8)
    soundfile.write(tmp_path / "bursts.wav", bursts, 16_000)
    after = raw(copy(tmp_path / "bursts.wav", "wav", tmp_path, (), disguise=True))[:, 0] / 32768
    assert np.abs(np.fft.rfft(after)).argmax() / 8 == pytest.approx(240, abs=6)
    for second in range(1, 7):  # the bursts stay where they were, to 20 ms
        for sound in (bursts, after):
            power = sound[second * 16_000 : (second + 1) * 16_000] ** 2
            assert (power * np.arange(16_000)).sum() / power.sum() == pytest.approx(8000, abs=320)


def test_nothing_covered_goes_into_a_disguise(filtering: str, tmp_path: Path) -> None:
    sound = np.zeros(3 * 16_000)
    sound[16_000:24_000] = 0.8 * np.sin(np.arange(8000) * 0.3)
    soundfile.write(tmp_path / "name.wav", sound, 16_000)
    span = Covered(start_s=1.0, end_s=1.5, kinds=("person",))
    after = raw(copy(tmp_path / "name.wav", "wav", tmp_path, (span,), disguise=True))
    assert not after[~inside(len(after), 16_000, (span,))].any()


@pytest.mark.parametrize("command", [["sleep", "60"], ["false"], ["head", "-c", "64"]])
def test_a_disguise_that_fails_is_told(
    command: list[str], sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "STALL_S", 0.5)
    monkeypatch.setattr(audio_writing, "_disguising", lambda _: command)
    with pytest.raises((EngineError, AudioError)) as failure:
        copy(sources / "44k-stereo.wav", "wav", tmp_path, disguise=True)
    assert failure.value.advice


def test_an_encoder_that_fails_behind_a_disguise_is_told(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_writing, "_encoding", lambda *_: ["false"])
    with pytest.raises(EngineError, match="could not be written"):
        copy(sources / "44k-stereo.wav", "wav", tmp_path, disguise=True)


def test_a_source_that_is_cut_short_is_refused_behind_a_disguise(sources: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.flac"
    half.write_bytes((sources / "16k.flac").read_bytes()[:-20_000])
    with pytest.raises(AudioError, match="cut short"):
        copy(half, "flac", tmp_path, disguise=True)


# --- what is covered ------------------------------------------------------------------------------------------------

KAREN = person("P1", "Karen Whitlock", "Karen")
SAID = transcript(("S1", " Hello Karen Whitlock's sister, it is cold in Aberfan."), ("S2", " Yes. Um, thank you."))
TEXT = SAID.utterances[0].text  # one word each 0.4 s from 10.0 s


def settled(*replaced: Finding, **fields: Any) -> Settled:
    given = {"kept": (), "review": ReviewState.REVIEWED, "settled_on": "2026-01-02", **fields}
    return Settled(replaced=replaced, **given)


def at(text: str, kind: Kind = Kind.PERSON) -> Finding:
    start = TEXT.index(text)
    return finding("U0001", start, start + len(text), KAREN, kind=kind)


def times(spans: tuple[Covered, ...]) -> list[tuple[float, float]]:
    return [(round(span.start_s, 3), round(span.end_s, 3)) for span in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Karen", (10.28, 10.92)),
        ("Karen ", (10.28, 10.92)),  # no more than the white space of the next word
        (" Karen", (10.28, 10.92)),
        ("are", (10.28, 10.92)),  # a part of a word covers all of it
        ("Karen Whitlock", (10.28, 11.32)),
        ("Whitlock", (10.68, 11.32)),
    ],
)
def test_whole_words_are_covered(text: str, expected: tuple[float, float]) -> None:
    assert times(redact.covered_spans(SAID, settled(at(text)), SAID, 60.0)) == [expected]


def test_spans_that_touch_are_one_and_the_recording_ends_them() -> None:
    spans = redact.covered_spans(SAID, settled(at("Hello"), at("Whitlock", Kind.PLACE), at("Karen")), SAID, 11.0)
    assert times(spans) == [(9.88, 11.0)]
    assert spans[0].kinds == ("person", "place")
    assert times(redact.covered_spans(SAID, settled(at("Aberfan"), at("Hello")), SAID, 60.0)) == [
        (9.88, 10.52),
        (13.08, 13.72),
    ]


def test_unclear_words_are_covered_and_kept_ones_are_not() -> None:
    stretch = Unclear(
        id="X0001",
        utterance_id="U0002",
        first_word=1,
        last_word=1,
        start=6,
        end=9,
        start_s=20.3,
        end_s=20.9,
        causes=(Cause.NOBODY,),
    )
    state = settled(kept=(at("cold"),), waiting=(at("sister"),), unclear=(stretch,))
    assert redact.covered_spans(SAID, state, SAID, 60.0) == (
        Covered(start_s=20.3 - 0.12, end_s=20.9 + 0.12, kinds=("unclear",)),
    )
    kept = sorted((round(one.start_s, 3), round(one.end_s, 3), one.form) for one in redact.kept_spans(SAID, state))
    assert kept == [(11.2, 11.6, "sister"), (12.4, 12.8, "cold")]


STUTTER = transcript(("S1", " Karen Karen will will come."), ("S2", " Yes."))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ((("U0001", 1, 1, ""),), [(10.28, 10.92)]),  # the second of two alike: the first may be kept
        ((("U0001", 0, 0, ""),), [(9.88, 10.52)]),
        ((("U0001", 2, 3, "will"),), [(10.68, 11.72)]),  # which of them it is nobody knows
        ((("U0001", 1, 1, "Karin"),), [(10.28, 10.92)]),
        ((("U0001", 0, 0, "Karin"),), [(0.0, 10.52)]),  # from the beginning: nobody was heard before
        ((("U0001", 0, 1, "KÁREN, karen"),), []),  # respelt
        ((("U0001", 2, 2, "Will we"),), [(10.68, 11.32)]),
        ((("U0001", 0, 4, "She comes."), ("U0001", 0, 1, "She.")), [(0.0, 20.12)]),
        ((("U0001", 0, 0, "Brenna"), ("U0001", 0, 0, "Karen")), []),  # typed as it was
        ((("U0002", 0, 0, ""),), [(19.88, 20.52)]),
    ],
)
def test_words_that_a_correction_took_out_or_replaced_are_covered(
    made: tuple[tuple[str, int, int, str], ...], expected: list[tuple[float, float]]
) -> None:
    text = STUTTER
    for one in made:
        text = corrections.corrected(text, (corrections.words(text, *one),))
    spans = redact.covered_spans(text, settled(), STUTTER, 60.0)
    assert times(spans) == expected
    assert {kind for span in spans for kind in span.kinds} <= {"corrected"}


def said_at(*turns: tuple[str, tuple[tuple[str, float, float], ...]]) -> Transcript:
    """Turns of (label, words with their times)."""
    said = transcript(*((label, "".join(text for text, _, _ in words)) for label, words in turns))
    timed = [tuple(Word(start_s=a, end_s=b, text=t, probability=0.9) for t, a, b in words) for _, words in turns]
    utterances = tuple(replace(u, words=words) for u, words in zip(said.utterances, timed, strict=True))
    return replace(said, utterances=utterances)


MISSED = said_at(
    ("S1", ((" Well,", 9.0, 9.3), (" um", 9.5, 9.7), (" told", 10.0, 10.4), (" that.", 11.6, 11.9))),
    ("S2", ((" Yes.", 20.0, 20.3),)),
    ("S1", ((" Good.", 31.0, 31.4),)),
)


@pytest.mark.parametrize(
    ("made", "name", "expected"),
    [
        (("U0001", 2, 2, "told Karen"), "Karen", [(9.58, 11.72)]),  # from "um" to "that"
        (("U0001", 1, 2, "told Karen"), "Karen", [(9.18, 11.72)]),  # as many words as before: said later all the same
        (("U0001", 2, 2, "Karen told"), "Karen", [(9.58, 11.72)]),
        (("U0001", 3, 3, "that Karen"), "Karen", [(10.28, 20.12)]),  # nobody else says a word before 20.0
        (("U0002", 0, 0, "Yes. Karen came to see us."), "Karen", [(11.78, 31.12)]),  # a whole sentence
        (("U0001", 0, 0, "Karen, well,"), "Karen", [(0.0, 9.62)]),
        (("U0003", 0, 0, "Good, Karen."), "Karen", [(20.18, 60.0)]),
        (("U0001", 2, 2, "told Karen"), None, [(9.58, 11.72)]),  # harmless or not
        (("U0001", 2, 2, ""), None, [(9.88, 10.52)]),  # what is only taken out was heard when it was heard
    ],
)
def test_what_the_recogniser_missed_is_covered_wherever_it_was_said_between_the_words_around(
    made: tuple[str, int, int, str], name: str | None, expected: list[tuple[float, float]]
) -> None:
    text = corrections.corrected(MISSED, (corrections.words(MISSED, *made),))
    said = {utterance.id: utterance.text for utterance in text.utterances}[made[0]]
    where = said.index(name) if name else 0
    found = (finding(made[0], where, where + len(name), KAREN),) if name else ()
    assert times(redact.covered_spans(text, settled(*found), MISSED, 60.0)) == expected


def test_the_other_s_mm_on_another_channel_does_not_end_what_was_missed() -> None:
    heard = said_at(
        ("S1", ((" I", 9.8, 9.9), (" told", 10.0, 10.4), (" that.", 11.6, 11.9))), ("S2", ((" Mm.", 10.5, 10.7),))
    )
    text = corrections.corrected(heard, (corrections.words(heard, "U0001", 1, 1, "told Karen"),))
    assert times(redact.covered_spans(text, settled(), heard, 60.0)) == [(9.78, 11.72)]


def test_words_that_overlap_widen_nothing_that_stands() -> None:
    heard = said_at(("S1", ((" I", 9.0, 10.1), (" told", 10.0, 10.4), (" that.", 10.3, 11.9))))
    text = corrections.corrected(heard, (corrections.words(heard, "U0001", 1, 1, "called"),))
    assert times(redact.covered_spans(text, settled(), heard, 60.0)) == [(9.88, 10.52)]


def test_a_transcript_without_times_cannot_be_covered() -> None:
    with pytest.raises(EngineError, match="R001, release: covered sound needs times") as refusal:
        redact.covered_spans(replace(SAID, timed=False), settled(at("Karen")), SAID, 60.0)
    says_nothing_of(refusal.value, "Karen", "Whitlock")


instants = st.floats(-2, 12).map(lambda time: round(time, 2))
stretches = st.tuples(instants, st.floats(0, 3).map(lambda time: round(time, 2)), st.sampled_from(list(Kind)))


@given(st.lists(stretches, max_size=12), st.floats(0.5, 10).map(lambda time: round(time, 2)))
def test_merged_spans_cover_the_same_instants_in_order_and_apart(
    drawn: list[tuple[float, float, Kind]], duration_s: float
) -> None:
    spans = [Covered(start_s=start, end_s=start + length, kinds=(kind.value,)) for start, length, kind in drawn]
    united = redact.merged(spans, duration_s)
    assert all(0 <= span.start_s < span.end_s <= duration_s for span in united)
    assert all(one.end_s < other.start_s for one, other in pairwise(united))
    for instant in np.arange(0.005, duration_s, 0.01):  # no edge lies here
        within = {kind for span in spans if span.start_s <= instant <= span.end_s for kind in span.kinds}
        over = [span for span in united if span.start_s <= instant <= span.end_s]
        assert len(over) == bool(within)
        assert not over or within <= set(over[0].kinds)
    assert redact.merged(united, duration_s) == united


def test_the_list_of_spans_is_a_table_without_words() -> None:
    spans = redact.covered_spans(SAID, settled(at("Karen"), at("Aberfan", Kind.PLACE)), SAID, 60.0)
    table = redact.listing([("R001", spans), ("R002", ()), ("R003", SPANS[1:2])])
    assert list(csv.DictReader(io.StringIO(table.decode()))) == [
        {"recording": "R001", "number": "1", "start_s": "10.280", "end_s": "10.920", "kinds": "person"},
        {"recording": "R001", "number": "2", "start_s": "13.080", "end_s": "13.720", "kinds": "place"},
        {"recording": "R003", "number": "1", "start_s": "1.000", "end_s": "1.500", "kinds": "person; place"},
    ]
    says_nothing_of(table.decode() + repr(spans), "Karen", "Aberfan")


# --- heard again ----------------------------------------------------------------------------------------------------

SPAN = Covered(start_s=70.0, end_s=70.6, kinds=("person",))
OPTIONS = AsrOptions(language="en", names=("Karen",), beam_size=3)


@pytest.fixture(scope="module")
def quiet() -> Iterator[int]:
    """A hundred seconds of faint noise."""
    noise = np.random.default_rng(4).normal(0, 0.001, 100 * 16_000).astype(np.float32)
    with tempfile.TemporaryFile() as file:
        soundfile.write(file, noise, 16_000, format="WAV")
        file.flush()
        yield file.fileno()


def word(text: str, start_s: float) -> Word:
    return Word(start_s=start_s, end_s=start_s + 0.4, text=text, probability=0.9)


@pytest.mark.parametrize(
    ("text", "start_s", "read"),
    [
        (" Karen,", 70.1, True),
        (" karen", 70.1, True),
        (" Whitlock's", 71.5, True),  # within a second of it
        (" Karen", 68.7, True),
        (" Karen", 72.0, False),
        (" sister", 70.1, False),
    ],
)
def test_a_name_read_in_or_beside_a_span_is_told(text: str, start_s: float, read: bool, quiet: int) -> None:
    fake = FakeTranscriber([word(" So", 0.5), word(text, start_s - 65.0)])  # what is heard begins at 65 s
    still = redact.heard_again(quiet, (SPAN,), (KAREN,), fake, OPTIONS)
    heard = [(one.kind, round(one.start_s, 3), round(one.end_s, 3)) for one in still]
    assert heard == ([(Kind.PERSON, start_s, round(start_s + 0.4, 3))] if read else [])


def test_only_what_surrounds_the_spans_is_recognised_and_no_name_is_given(quiet: int) -> None:
    fake = FakeTranscriber([])
    others = tuple(Covered(start_s=at_s, end_s=at_s + 1, kinds=("person",)) for at_s in (2.0, 12.0, 90.0))
    redact.heard_again(quiet, (*others[:2], SPAN, others[2]), (KAREN,), fake, OPTIONS)
    assert fake.asked == [
        AsrOptions(language="en", beam_size=3, speech=((0.0, length),)) for length in (18.0, 10.6, 11.0)
    ]


def test_long_windows_are_heard_in_pieces_of_at_most_thirty_seconds(quiet: int) -> None:
    fake = FakeTranscriber([word(" Karen", 0.2)])
    still = redact.heard_again(quiet, (SPAN,), (KAREN,), fake, OPTIONS, whole=True)
    lengths = [asked.speech[0][1] for asked in fake.asked if asked.speech]
    assert sum(lengths) == pytest.approx(100.0)
    assert max(lengths) <= 30.0
    assert [one.start_s for one in still] == pytest.approx([0.2 + sum(lengths[:n]) for n in range(len(lengths))])


def test_a_short_recording_is_heard_whole(sources: Path, tmp_path: Path) -> None:
    fake = FakeTranscriber([word(" Karen", 2.5)])
    with copy(sources / "16k.flac", "flac", tmp_path).open("rb") as file:
        assert redact.heard_again(file.fileno(), SPANS[:1], (KAREN,), fake, OPTIONS)
        assert redact.heard_again(file.fileno(), (), (KAREN,), fake, OPTIONS)


def test_an_ordinary_word_and_what_was_decided_are_no_names(quiet: int) -> None:
    will = person("P2", "Will Grace", "Will")
    spoken = [word(" Yes,", 4.0), word(" we", 4.4), word(" will", 4.8), word(" go", 5.2), word(" there.", 5.6)]
    assert redact.heard_again(quiet, (SPAN,), (will,), FakeTranscriber(spoken), OPTIONS) == ()
    named = FakeTranscriber([word(" Karen", 5.9)])
    kept = Kept(start_s=71.0, end_s=71.3, form="karen")
    assert redact.heard_again(quiet, (SPAN,), (KAREN,), named, OPTIONS, kept=(kept,)) == ()
    assert redact.heard_again(quiet, (SPAN,), (KAREN,), named, OPTIONS)


@pytest.mark.parametrize(
    ("start_s", "end_s", "form", "excused"),
    [
        (70.9, 71.3, "whitlock", True),
        (71.2, 71.5, "whitlock", True),  # 0.3 s off
        (70.9, 71.3, "karen whitlock", True),  # a part of what was kept
        (70.9, 71.3, "whitlock s", True),  # "Whitlock's"
        (70.5, 70.9, "will", False),  # another word, directly before
        (70.9, 71.3, "will", False),  # and at the same time
        (70.9, 71.3, "whit", False),
        (70.9, 71.3, "whitlocks", False),
        (69.9, 70.3, "whitlock", False),  # the same word, said at another time
        (71.7, 72.1, "whitlock", False),
        (70.9, 71.3, "", False),
    ],
)
def test_a_kept_word_excuses_itself_alone(start_s: float, end_s: float, form: str, excused: bool, quiet: int) -> None:
    heard = FakeTranscriber([word(" Will", 5.5), word(" Whitlock,", 5.9)])  # at 70.9 s
    kept = Kept(start_s=start_s, end_s=end_s, form=form)
    still = redact.heard_again(quiet, (SPAN,), (KAREN,), heard, OPTIONS, kept=(kept,))
    assert [round(one.start_s, 3) for one in still] == ([] if excused else [70.9])


def test_a_whole_name_is_told_where_a_part_of_it_was_kept(quiet: int) -> None:
    heard = FakeTranscriber([word(" Karen", 5.5), word(" Whitlock", 5.9)])
    kept = Kept(start_s=70.5, end_s=70.9, form="karen")
    assert redact.heard_again(quiet, (SPAN,), (KAREN,), heard, OPTIONS, kept=(kept,))


def test_a_spelling_that_was_learnt_is_a_name(quiet: int) -> None:
    heard_as = replace(KAREN, heard=("Carrun",))
    fake = FakeTranscriber([word(" Carrun", 5.2)])
    assert redact.heard_again(quiet, (SPAN,), (heard_as,), fake, OPTIONS)


def test_the_refusal_tells_kind_and_time_alone() -> None:
    redact.refuse("R007", ())
    still = StillHeard(kind=Kind.PERSON, start_s=3725.9, end_s=3726.2)
    with pytest.raises(LeakError, match=r"R007, release: a person .* \(at 1:02:05 and 1 more\)") as refusal:
        redact.refuse("R007", (still, still))
    says_nothing_of(refusal.value, "Karen", "Whitlock")


# --- real voices ----------------------------------------------------------------------------------------------------


def gold(path: Path, until_s: float) -> tuple[Transcript, Settled, tuple[str, ...]]:
    """The first turns of a development interview: words as they were said and when, and every identifier in them."""
    whole = json.loads(path.read_text())
    turns = [turn for turn in whole["turns"] if turn["end"] < until_s]
    said = transcript(*((turn["speaker"], turn["text"]) for turn in turns))
    utterances = []
    for utterance, turn in zip(said.utterances, turns, strict=True):
        edges = [0, *(w["start_char"] for w in turn["words"][1:]), len(turn["text"])]
        words = tuple(
            Word(start_s=w["start"], end_s=w["end"], text=turn["text"][first:last], probability=1.0)
            for w, (first, last) in zip(turn["words"], pairwise(edges), strict=True)
        )
        utterances.append(replace(utterance, words=words))
    named = [i for i in whole["identifiers"] if i["turn"] < len(turns)]
    found = [finding(f"U{i['turn'] + 1:04d}", i["start_char"], i["end_char"], KAREN) for i in named]
    names = tuple(i["text"] for i in named if i["role"] not in ("dob", "phone", "email", "address"))
    return replace(said, utterances=tuple(utterances)), settled(*found), names


@pytest.mark.weights
@pytest.mark.data
def test_no_name_is_recognised_in_a_covered_interview(
    shared_data: Path, model_path: Callable[[str], Path], tmp_path: Path
) -> None:
    from transcribe.config import StudyConfig
    from transcribe.engines import Engines

    model_path("whisper-base")
    interview = shared_data / "interviews" / "d1_oluwaseun.flac"
    said, state, names = gold(interview.with_suffix(".json"), 47.0)
    sound, rate_hz = soundfile.read(interview, frames=47 * 16_000, dtype="int16")
    soundfile.write(tmp_path / "first.flac", sound, rate_hz)
    people = tuple(person(f"P{number}", name) for number, name in enumerate(names))
    spans = redact.covered_spans(said, state, said, 47.0)
    assert len(spans) > 8
    transcriber = Engines(StudyConfig()).transcriber
    options = AsrOptions(language="en")
    with (
        (tmp_path / "first.flac").open("rb") as before,
        copy(tmp_path / "first.flac", "m4a", tmp_path, spans).open("rb") as after,
    ):
        assert len(audio.decode(after.fileno()).samples) == len(sound)
        assert len(redact.heard_again(before.fileno(), spans, people, transcriber, options)) > 4
        assert redact.heard_again(after.fileno(), spans, people, transcriber, options) == ()
