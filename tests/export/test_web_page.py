import asyncio
import random
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import assume, given, settings
from lxml import html as lxml_html

from tests.builders import person
from tests.conftest import missing
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export import Exporter, plain_text, subrip, web_vtt
from transcribe.export.cues import CUE_CHARACTERS
from transcribe.export.web_page import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, ReviewState, Span

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, transcript, turns

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
GOLDEN = """\
<main>
<p>[00:00:02] <strong>Interviewer:</strong> How was it with <span class="replaced">[infant]</span>?</p>
<p>[00:01:02] <strong>Amelia:</strong> Grace is a fine word.</p>
<p>[00:02:02] <strong>Interviewer:</strong> (overlapping) Yes.</p>
</main>
"""


def without_mark(text: str, *, overlapped: bool) -> str:
    return text.removeprefix("(overlapping)").strip() if overlapped else text


def read_by_lxml(made: AnonymisedTranscript, data: bytes) -> list[tuple[str, str]]:
    """(speaker, text) of each paragraph."""
    read = []
    paragraphs = lxml_html.document_fromstring(data).findall(".//main/p")
    for one, paragraph in zip(made.lines, paragraphs, strict=True):
        (label,) = paragraph.findall("strong")
        text = paragraph.text_content().removeprefix((paragraph.text or "") + label.text_content()).strip()
        read.append((label.text_content().removesuffix(":"), without_mark(text, overlapped=one.overlapped)))
    return read


def strict(data: bytes) -> Any:
    """The page as the HTML standard's own algorithm reads it; a single parse error fails."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(data.decode())


def by_taguette(exporter: Exporter, made: AnonymisedTranscript) -> str:
    """What Taguette's importer makes of the file: the HTML of its document."""
    try:
        from taguette import convert
    except ImportError:
        missing("needs Taguette's importer: scripts/setup --dev")
    done: str = asyncio.run(convert.to_html(exporter.write(made), "", f"R001{exporter.suffix}", {}))
    return done


def paragraphs_of(document: str) -> list[str]:
    return [p.text_content().replace("\u200b", "") for p in lxml_html.fragment_fromstring(document, "div").iter("p")]


def test_golden() -> None:
    text = EXPORTER.write(conversation()).decode()
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Transcript R001')
    assert GOLDEN in text
    assert f"<li>{STATEMENT}</li>\n<li>REVIEWED - " in text
    assert "<li>UNREVIEWED - " in EXPORTER.write(conversation(review=ReviewState.UNREVIEWED)).decode()


def test_it_asks_for_nothing_and_runs_nothing() -> None:
    text = EXPORTER.write(conversation()).decode()
    assert not re.search(r"<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:|\son\w+=", text)


def test_without_times_there_are_no_stamps() -> None:
    assert "<p><strong>Amelia:</strong> Grace" in EXPORTER.write(conversation(timed=False)).decode()


@settings(deadline=None)
@given(awkward_transcripts())
def test_every_turn_comes_back_from_two_parsers(made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    assert read_by_lxml(made, data) == turns(made)
    shown = ["".join(paragraph.itertext()) for paragraph in strict(data).iter("p")]
    assert len(shown) == len(made.lines)
    for paragraph, (_, text) in zip(shown, turns(made), strict=True):
        assert paragraph.endswith(text)
    marked = [one.text_content() for one in lxml_html.document_fromstring(data).find_class("replaced")]
    assert marked == [one.text[span.start : span.end] for one in made.lines for span in one.replaced]


def test_a_mark_holds_what_was_replaced_whatever_the_spaces() -> None:
    text = " \u200b a[x]\u00a0 b  [older\tone] c"
    spans = tuple(Span(start=m.start(), end=m.end(), kind=Kind.PERSON) for m in re.finditer(r"\[[^]]*]", text))
    data = EXPORTER.write(transcript(line(0, "A & <B>", text, replaced=spans)))
    assert b'A &amp; &lt;B&gt;:</strong> a<span class="replaced">[x]</span> b ' in data
    assert b'b <span class="replaced">[older one]</span> c</p>' in data


def test_empty_transcript_empty_turn_and_hostile_turn() -> None:
    assert strict(EXPORTER.write(transcript(counts=()))) is not None
    made = transcript(line(0, "Amelia", ""), line(1, "Amelia", HOSTILE), line(2, "Amelia", "", overlapped=True))
    data = EXPORTER.write(made)
    strict(data)
    assert read_by_lxml(made, data) == turns(made)


@settings(deadline=None, max_examples=25)
@given(awkward_transcripts())
def test_taguette_takes_every_turn_and_the_header(made: AnonymisedTranscript) -> None:
    document = by_taguette(EXPORTER, made)
    assert STATEMENT in document
    read = paragraphs_of(document)
    assert len(read) == len(made.lines)
    for one, paragraph, (speaker, text) in zip(made.lines, read, turns(made), strict=True):
        said = re.sub(r"^\[[\d:]+\] ", "", paragraph).removeprefix(f"{speaker}:").strip()
        assert without_mark(said, overlapped=one.overlapped) == text
    assert document.count("<strong>") == len(made.lines)


@settings(deadline=None, max_examples=25)
@given(awkward_transcripts())
def test_taguette_takes_every_turn_of_subrip(made: AnonymisedTranscript) -> None:
    assume(all(len(text) <= CUE_CHARACTERS for _, text in turns(made)))  # a longer turn is several cues
    header, *cues = paragraphs_of(by_taguette(subrip.EXPORTER, made))
    assert header.startswith("00:00:00.000 Transcript R001")
    assert len(cues) == len(made.lines)
    for one, cue, (speaker, text) in zip(made.lines, cues, turns(made), strict=True):
        said = cue[len("00:00:00.000 ") :].removeprefix(f"{speaker}:").strip()
        assert without_mark(said, overlapped=one.overlapped) == text


def test_taguette_reads_one_accent_in_much_plain_text() -> None:
    made = transcript(line(0, "Amelia", "Zo\u00eb " + "slept and " * 300, seconds=90.0))
    for exporter in (EXPORTER, subrip.EXPORTER):
        assert "Zo\u00eb slept" in by_taguette(exporter, made)


def test_taguette_does_not_take_webvtt_with_notes_of_several_lines() -> None:
    with pytest.raises(ValueError, match="Invalid subtitle"):
        by_taguette(web_vtt.EXPORTER, conversation())


@pytest.mark.parametrize(
    "bad", [transcript(line(0, "Karen", "Yes.")), transcript(line(0, "Amelia", "Yes."), recording_id="Karen01")]
)
def test_the_gate_finds_a_name_in_a_label_or_id(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised.html")


@pytest.mark.parametrize(
    ("old", "new"),
    [("Grace is", "Karen is"), ("Grace is", "K<b>ar</b>en is"), ("Grace", "<!-- Karen -->Grace"),
     ("<title>", "<title>Karen "), ('lang="en"', 'lang="karen"'), ("<main>", '<main data-x="Karen">'),
     ("<!DOCTYPE html>", "<!DOCTYPE html><!-- Karen -->"), ("</html>", "</html><!-- Karen -->"),
     ("<style>", "<style>/* Karen */"), ("fine word", "fine K&#97;ren"), ("<p>[00:00:02]", "<p>[00:00:02] Karen")],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_page_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised.html")
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode(), 1), "R001_pseudonymised.html")


def test_kept_and_replaced_words_pass_the_gate_as_in_plain_text() -> None:
    gate = Gate((person("P1", "Grace", pseudonym="Ilona"), person("P2", "Amelia", pseudonym="Zoë")), Policy())
    made = transcript(
        line(0, "Ilona", "so Amelia  came", replaced=(Span(start=3, end=9, kind=Kind.PERSON),)),
        line(1, "Ilona", "Grace is", kept=(Span(start=0, end=5, kind=None),)),
    )
    for exporter in (plain_text.EXPORTER, EXPORTER, subrip.EXPORTER):
        gate.check_file((made,), exporter, exporter.write(made), "R001")


def test_a_broken_page_is_noticed() -> None:
    made = conversation()
    broken = EXPORTER.write(made).replace(b"fine word.</p>", b"fine <i>word.</p>").replace(b"[infant]", b"<infant>")
    assert read_by_lxml(made, broken) != turns(made)
    with pytest.raises(html5lib.html5parser.ParseError):
        strict(broken)


def test_two_hours_are_written_and_read_in_no_time() -> None:
    rng = random.Random(4)
    spans = (Span(start=0, end=8, kind=Kind.PERSON),)
    said = ["[infant] " + " ".join(rng.choices("well so she slept & cried.".split(), k=12)) for _ in range(1500)]
    made = transcript(*(line(n, "Amelia", text, replaced=spans) for n, text in enumerate(said)))
    start = time.perf_counter()
    assert len(EXPORTER.read_text(EXPORTER.write(made))) > 4500
    many = "[infant] well " * 3000
    spans = tuple(Span(start=14 * n, end=14 * n + 8, kind=Kind.PERSON) for n in range(3000))
    assert EXPORTER.write(transcript(line(0, "Amelia", many, replaced=spans))).count(b"<span") == 3000
    assert time.perf_counter() - start < 3.0


@pytest.mark.system("soffice")
def test_libreoffice_reads_every_turn(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(EXPORTER.write(conversation()))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    form = "txt:Text (encoded):UTF8"
    subprocess.run(
        ["soffice", profile, "--headless", "--writer", "--convert-to", form, "page.html"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    lines = [line for line in (tmp_path / "page.txt").read_text("utf-8-sig").splitlines() if line.strip()]
    assert lines[-3:] == [
        "[00:00:02] Interviewer: How was it with [infant]?",
        "[00:01:02] Amelia: Grace is a fine word.",
        "[00:02:02] Interviewer: (overlapping) Yes.",
    ]
