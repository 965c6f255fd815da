import base64
import html
import json
import re
import subprocess
from pathlib import Path

import pysubs2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from transcribe.errors import EngineError
from transcribe.export.cues import CUE_CHARACTERS, CUE_S
from transcribe.export.layout import one_line
from transcribe.export.web_vtt import EXPORTER, read_captions
from transcribe.schema import AnonymisedTranscript, Kind, Line, Span, Word

from .builders import HOSTILE, awkward_transcripts, conversation, line, transcript, turns

TIMING = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})")
LONG = (
    "So the first week was hard. " * 6 + "Then the [older daughter] came home and she slept and slept and slept. " * 3
)


def strict_cues(data: bytes) -> list[tuple[int, int, str]]:
    """The cues (ms, ms, payload) of a file that keeps to the WebVTT grammar; anything else fails."""
    blocks = data.decode().removesuffix("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    cues: list[tuple[int, int, str]] = []
    for block in blocks[1:]:
        lines = block.split("\n")
        if lines[0] == "NOTE":
            assert "-->" not in block
            continue
        name, timing, payload = lines
        assert name
        assert "-->" not in name + payload
        assert re.fullmatch(r"<v(\.overlap)? [^<>&]*(&(amp|lt|gt);[^<>&]*)*>([^<>&]|&(amp|lt|gt);)*", payload)
        match = TIMING.fullmatch(timing)
        assert match
        h, m, s, ms, *end = map(int, match.groups())
        start_ms, end_ms = ((h * 60 + m) * 60 + s) * 1000 + ms, ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3]
        assert start_ms < end_ms
        assert not cues or cues[-1][0] <= start_ms
        cues.append((start_ms, end_ms, payload))
    return cues


def test_golden() -> None:
    text = EXPORTER.write(conversation()).decode()
    assert text.startswith("WEBVTT\n\nNOTE\nTranscript R001\n")
    assert text.endswith(
        "0\n00:00:02.000 --> 00:00:07.000\n<v Interviewer>How was it with [infant]?\n\n"
        "1\n00:01:02.000 --> 00:01:07.000\n<v Amelia>Grace is a fine word.\n\n"
        "2\n00:02:02.000 --> 00:02:07.000\n<v.overlap Interviewer>Yes.\n"
    )


def test_pysubs2_reads_it() -> None:
    subtitles = pysubs2.SSAFile.from_string(EXPORTER.write(conversation()).decode(), format_="vtt")
    assert [(cue.start, cue.end, cue.text) for cue in subtitles][1] == (62000, 67000, "Grace is a fine word.")
    assert len(subtitles) == 3


@given(awkward_transcripts())
def test_pysubs2_gives_every_turn_back(made: AnonymisedTranscript) -> None:
    assume(all(len(text) <= CUE_CHARACTERS for _, text in turns(made)))  # it takes the name of a second cue for text
    text = EXPORTER.write(made).decode()
    cues = pysubs2.SSAFile.from_string(text, format_="vtt", keep_unknown_html_tags=True)
    read = [re.fullmatch(r"<v(?:\.overlap)? ([^>]*)>(.*)", cue.text) for cue in cues]
    assert [tuple(map(html.unescape, cue.groups())) for cue in read if cue] == turns(made)


PAGE = """<!DOCTYPE html><meta charset="utf-8"><video><track default src="data:text/vtt;base64,{}"></video><pre></pre>
<script>
const track = document.querySelector("track");
track.addEventListener("error", () => {{ document.querySelector("pre").textContent = '"refused"'; }});
track.addEventListener("load", () => {{
  const cues = Array.from(track.track.cues, cue => {{
    const shown = cue.getCueAsHTML(), voice = shown.querySelector("span");
    return [cue.id, Math.round(cue.startTime * 1000), Math.round(cue.endTime * 1000), voice && voice.title,
            voice && voice.className, shown.textContent];
  }});
  document.querySelector("pre").textContent = JSON.stringify(cues);
}});
track.track.mode = "hidden";
</script>"""


def cues_in_chromium(data: bytes, folder: Path) -> list[list[object]]:
    """(name, start ms, end ms, voice, class, text) of each cue, as a page's script sees it."""
    page = folder / "page.html"
    page.write_text(PAGE.format(base64.b64encode(data).decode()), encoding="utf-8")
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    found = re.search(r"<pre>(.*?)</pre>", done.stdout.decode(), re.DOTALL)
    assert found
    cues: list[list[object]] = json.loads(html.unescape(found.group(1)))
    return cues


@pytest.mark.system("chromium")
def test_a_browser_shows_every_cue_with_its_voice(tmp_path: Path) -> None:
    lines = (
        line(0, "Amelia", LONG, seconds=100.0),
        line(1, "A & <B>", HOSTILE, overlapped=True),
        line(2, "Zoë", ""),
        line(3, "Speaker 2", "<i>so</i> {b} \u05d0\u05d1 e\u0301 &amp; [infant]", seconds=0.0),
    )
    data = EXPORTER.write(transcript(*lines))
    names = [block.split("\n")[0] for block in data.decode().strip().split("\n\n")[2:]]
    expected = []
    for name, (start_ms, end_ms, payload) in zip(names, strict_cues(data), strict=True):
        tag, _, text = payload.partition(">")
        classes, _, voice = tag.partition(" ")
        expected.append([name, start_ms, end_ms, html.unescape(voice), classes[3:], html.unescape(text)])
    assert cues_in_chromium(data, tmp_path) == expected
    assert cues_in_chromium(data.replace(b" --> ", b" -> ", 1), tmp_path) != expected


def test_long_turns_are_split_and_read_back_whole() -> None:
    start = LONG.index("[older")
    spans = tuple(
        Span(start=m.start(), end=m.end(), kind=Kind.PERSON) for m in re.finditer(re.escape("[older daughter]"), LONG)
    )
    assert spans[0].start == start
    data = EXPORTER.write(transcript(line(7, "Amelia", LONG, seconds=60.0, replaced=spans)))
    cues = strict_cues(data)
    assert len(cues) > 5
    for start_ms, end_ms, payload in cues:
        assert len(payload.removeprefix("<v Amelia>")) <= CUE_CHARACTERS
        assert end_ms - start_ms <= CUE_S * 1000 + 1
        assert payload.count("[older") == payload.count("daughter]")
    assert cues[0][2].endswith("hard.")
    assert f"Amelia: {LONG.strip()}" in EXPORTER.read_text(data)


def test_a_name_in_pieces_is_not_split() -> None:
    pieces = [" word"] * 17 + [" Di", "ane"] + [" word"] * 17
    given_words = tuple(Word(start_s=n / 4, end_s=(n + 1) / 4, text=p, probability=1.0) for n, p in enumerate(pieces))
    turn = Line(number=1, speaker="Amelia", start_s=0, end_s=9, words=given_words, replaced=(), kept=())
    assert any("Diane" in payload for _, _, payload in strict_cues(EXPORTER.write(transcript(turn))))


def test_without_times_it_refuses() -> None:
    with pytest.raises(EngineError, match=r"R001.*needs times.*choose txt, docx or json"):
        EXPORTER.write(conversation(timed=False))


def test_empty_transcript_and_empty_turns() -> None:
    assert strict_cues(EXPORTER.write(transcript())) == []
    assert strict_cues(EXPORTER.write(transcript(line(0, "Amelia", "", seconds=0.0)))) == [(2000, 2100, "<v Amelia>")]


def test_overlapping_turns_interleave_in_order_of_start() -> None:
    long = line(0, "Amelia", LONG, seconds=150.0)
    data = EXPORTER.write(transcript(long, line(1, "Interviewer", "Mhm.", overlapped=True)))
    assert "<v.overlap Interviewer>Mhm." in [payload for _, _, payload in strict_cues(data)[1:-1]]
    assert f"Amelia: {LONG.strip()}" in EXPORTER.read_text(data)


def test_hostile_turn() -> None:
    data = EXPORTER.write(transcript(line(0, "A & <B>", HOSTILE), statement="a --> b"))
    assert strict_cues(data)[0][2] == "<v A &amp; &lt;B&gt;>a --&gt; b NOTE x&lt;v Eve&gt;]]&gt;&amp;amp; - &amp;"
    assert "A & <B>: a --> b NOTE x<v Eve>]]>&amp; - &" in EXPORTER.read_text(data)


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_gives_a_strict_file_that_reads_back(texts: list[str]) -> None:
    turns = [line(n, "Amelia", text) for n, text in enumerate(texts)]
    data = EXPORTER.write(transcript(*turns))
    strict_cues(data)
    for turn in turns:
        assert f"Amelia: {one_line(turn.text)}".strip() in EXPORTER.read_text(data)


def test_the_reader_sees_what_the_writer_never_writes() -> None:
    strings = EXPORTER.read_text(
        b"WEBVTT - Diane\n\nNOTE by Bob\n\nKaren\n00:01.000 --> 00:02.000 align:Mark\n<v Eve><c.Zoe>hi\n"
    )
    for name in ("Diane", "Bob", "Karen", "Mark", "Eve", "Zoe"):
        assert any(name in text for text in strings)


def test_read_captions_keeps_what_follows_a_blank_line() -> None:
    captions, notes = read_captions(
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n\nand so\n\n2\n00:00:02,000 --> 00:00:03,000\nx"
    )
    assert [caption.voices for caption in captions] == [(("", False, "Hello\nand so"),), (("", False, "x"),)]
    assert notes == ()
