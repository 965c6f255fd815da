import contextlib
import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export import Exporter, nvivo, word_paragraphs
from transcribe.export.word_docx import EXPORTER, SPEAKER_STYLE, TOPIC_STYLE
from transcribe.export.word_parts import HEADER_STYLE, TURN_STYLE
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Layout, ReviewState

from .builders import HOSTILE, awkward_transcripts, conversation, line, study, transcript, turns

ROOT = Path(__file__).parents[2]
ALL = (EXPORTER, nvivo.EXPORTER, nvivo.TSV_EXPORTER, word_paragraphs.ATLAS_TI, word_paragraphs.MAXQDA)
SNIPPET = """
import hashlib
from tests.export.builders import conversation
from tests.export.test_word_docx import ALL
from transcribe import export
formats = (*(export.load(name) for name in ("txt", "vtt", "json")), *ALL)
print(*(hashlib.sha256(one.write(conversation())).hexdigest() for one in formats))
"""


def changed(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The document with one part altered, or with a new part where there is none of that name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        names = source.namelist()
        for name in names:
            content = source.read(name)
            target.writestr(name, content.replace(old, new) if name == part else content)
        if part not in names:
            target.writestr(part, new)
    return out.getvalue()


def read_as_word(data: bytes) -> list[tuple[str, str]]:
    """(style, text) of each paragraph, read by python-docx."""
    paragraphs = docx.Document(io.BytesIO(data)).paragraphs
    return [(paragraph.style.name or "", paragraph.text) for paragraph in paragraphs if paragraph.style]


def unstamped(text: str) -> str:
    return re.sub(r"^\[\d\d:\d\d:\d\d\] ?", "", text, count=1)


def spoken(data: bytes, *, timed: bool = True) -> list[tuple[str, str]]:
    """(heading, speech below it) of each turn, without its stamp."""
    found: list[tuple[str, str]] = []
    paragraphs = read_as_word(data)
    for (above, heading), (style, text) in itertools.pairwise(paragraphs):
        assert (above == SPEAKER_STYLE) == (style == TURN_STYLE)
        if style == TURN_STYLE:
            found.append((heading, unstamped(text) if timed else text))
    return found


def test_word_reads_speakers_as_headings_and_speech_below_them() -> None:
    paragraphs = read_as_word(EXPORTER.write(conversation()))
    assert [style for style, _ in paragraphs[:6]] == ["Title"] + [HEADER_STYLE] * 5
    assert paragraphs[6:] == [
        ("Heading 2", "Interviewer"),
        (TURN_STYLE, "[00:00:02] How was it with [infant]?"),
        ("Heading 2", "Amelia"),
        (TURN_STYLE, "[00:01:02] Grace is a fine word."),
        ("Heading 2", "Interviewer"),
        (TURN_STYLE, "[00:02:02] (overlapping) Yes."),
    ]
    assert read_as_word(EXPORTER.write(conversation(timed=False)))[7] == (TURN_STYLE, "How was it with [infant]?")


@pytest.mark.parametrize(
    ("topics", "timed", "wanted"),
    [
        (((0.0, "Pregnancy"), (62.0, "Birth")), True, ["Pregnancy", "Interviewer", "Birth", "Amelia", "Interviewer"]),
        (((63.0, "Late"), (3.0, "Early")), True, ["Interviewer", "Early", "Amelia", "Late", "Interviewer"]),
        (((0.0, "A"), (1.0, "B")), True, ["A", "B", "Interviewer", "Amelia", "Interviewer"]),
        (((500.0, "Farewell"),), True, ["Interviewer", "Amelia", "Interviewer", "Farewell"]),
        (((0.0, "Pregnancy"),), False, ["Interviewer", "Amelia", "Interviewer"]),
    ],
)
def test_topics_are_headings_above_the_turn_that_follows(
    topics: tuple[tuple[float, str], ...], timed: bool, wanted: list[str]
) -> None:
    paragraphs = read_as_word(EXPORTER.write(conversation(topics=topics, timed=timed)))
    headings = [(style, text) for style, text in paragraphs if style in (TOPIC_STYLE, SPEAKER_STYLE)]
    assert [text for _, text in headings] == wanted
    titles = {title for _, title in topics}
    assert {text for style, text in headings if style == "Heading 1"} == (titles if timed else set())


def test_an_empty_turn_keeps_its_heading() -> None:
    data = EXPORTER.write(transcript(line(0, "Amelia", ""), line(1, "Interviewer", "Yes.")))
    assert read_as_word(data)[6:8] == [("Heading 2", "Amelia"), (TURN_STYLE, "[00:00:02]")]
    assert spoken(EXPORTER.write(transcript(line(0, "Amelia", " "), timed=False)), timed=False) == [("Amelia", "")]


def test_each_page_says_who_speaks_and_what_file_this_is() -> None:
    def head(made: AnonymisedTranscript) -> list[str]:
        section = docx.Document(io.BytesIO(EXPORTER.write(made))).sections[0]
        assert "PAGE" in section.footer._element.xml
        return [paragraph.text for paragraph in section.header.paragraphs]

    about = [
        "R001 - Dates: withheld",
        "Pseudonymised: a key exists. REVIEWED - a person has settled these replacements.",
    ]
    first, _ = study()
    assert head(replace(first, dates="withheld")) == ["Amelia", *about]
    assert head(conversation(dates="withheld")) == ["Interviewer", "Amelia", *about]
    assert head(conversation(review=ReviewState.UNREVIEWED))[2:] == [
        "R001",
        "Pseudonymised: a key exists. UNREVIEWED - no person has checked these replacements.",
    ]


def test_margin_and_line_numbers_as_asked() -> None:
    def section(layout: Layout) -> "docx.section.Section":
        return docx.Document(io.BytesIO(EXPORTER.write(conversation(layout=layout)))).sections[0]

    plain, asked = section(Layout()), section(Layout(line_numbers=True, wide_margin=True))
    assert asked.right_margin.cm == pytest.approx(7, abs=0.01)
    assert plain.right_margin == plain.left_margin == asked.left_margin
    assert "lnNumType" not in plain._sectPr.xml
    tags = [child.tag.rsplit("}")[1] for child in asked._sectPr]
    assert tags.index("pgMar") < tags.index("lnNumType") < tags.index("cols")  # the schema's order
    assert 'w:restart="continuous"' in asked._sectPr.xml


def test_the_language_is_set_for_all_text() -> None:
    document = docx.Document(io.BytesIO(EXPORTER.write(conversation(language="hu"))))
    assert document.core_properties.language == "hu"
    assert 'lang w:val="hu" w:eastAsia="hu" w:bidi="hu"' in document.styles.element.xml


def test_properties_name_nobody() -> None:
    core = docx.Document(io.BytesIO(EXPORTER.write(conversation()))).core_properties
    assert (core.author, core.last_modified_by, core.comments, core.keywords) == ("", "", "", "")
    assert core.title == "R001"
    assert {str(core.created), str(core.modified)} == {"2026-03-04 00:00:00+00:00"}


def test_equal_inputs_give_equal_bytes_in_any_process_and_timezone() -> None:
    def digests(zone: str, seed: str) -> str:
        env = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", SNIPPET], cwd=ROOT, env=env, capture_output=True, check=True)
        return done.stdout.decode()

    ours = hashlib.sha256(EXPORTER.write(conversation())).hexdigest()
    first = digests("Pacific/Auckland", "1")
    assert first == digests("America/Los_Angeles", "2")
    assert first.split()[3] == ours


def test_parts_are_few_and_their_dates_fixed() -> None:
    data = EXPORTER.write(conversation(review=ReviewState.UNREVIEWED))
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = package.namelist()
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names[0] == "[Content_Types].xml"
    assert not [name for name in names if "thumbnail" in name or "customXml" in name or "Effects" in name]
    assert len(data) < 200_000


def test_the_lines_are_read_back_and_the_template_is_not() -> None:
    strings = EXPORTER.read_text(EXPORTER.write(conversation()))
    assert {"Interviewer", "[00:02:02] (overlapping) Yes."} <= set(strings)
    assert not {"Normal", "Vrinda", "Shruti"} & set(strings)  # fonts of the template's theme are first names too
    assert len(strings) < 60


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("docProps/core.xml", b"<dc:creator></dc:creator>", b"<dc:creator>Diane</dc:creator>"),
        ("docProps/app.xml", b"<Company/>", b"<Company>Diane</Company>"),
        ("word/document.xml", b"w:val=\"Title\"", b"w:val=\"Diane\""),
        ("word/header1.xml", b"REVIEWED", b"Diane"),
        ("word/footer1.xml", b"PAGE", b"Diane"),
        ("word/styles.xml", b"Transcript turn", b"Diane"),
        ("word/media/diane.bin", b"", b"xxDianexx"),
        ("word/Diane.xml", b"", b"<x/>"),
        ("word/document.xml", b"Grace is", b"Di</w:t></w:r><w:r><w:t>ane is"),
    ],
)  # fmt: skip
def test_a_name_hides_nowhere(part: str, old: bytes, new: bytes) -> None:
    data = EXPORTER.write(conversation())
    if part == "docProps/core.xml":
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            old = b"<dc:creator/>" if b"<dc:creator/>" in package.read(part) else old
    assert not any("Diane" in text for text in EXPORTER.read_text(data))
    assert any("Diane" in text for text in EXPORTER.read_text(changed(data, part, old, new)))


def test_empty_transcript_and_bad_date() -> None:
    assert docx.Document(io.BytesIO(EXPORTER.write(transcript(counts=())))).paragraphs
    with pytest.raises(EngineError, match="date of settling"):
        EXPORTER.write(transcript(settled_on="yesterday"))


def test_hostile_turn() -> None:
    data = EXPORTER.write(transcript(line(0, "A & <B>", HOSTILE)))
    assert {"A & <B>", "[00:00:02] a --> b NOTE x<v Eve>]]>&amp; - &"} <= set(EXPORTER.read_text(data))


# --- nothing is lost, nothing gets through --------------------------------------------------------------------------


def wanted(made: AnonymisedTranscript) -> list[tuple[str, str]]:
    marks = ["(overlapping) " if one.overlapped else "" for one in made.lines]
    return [(speaker, f"{mark}{text}".strip()) for mark, (speaker, text) in zip(marks, turns(made), strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.booleans().flatmap(lambda timed: awkward_transcripts(timed=timed)))
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    assert spoken(data, timed=made.timed) == wanted(made)
    strings = {unstamped(string) if made.timed else string for string in EXPORTER.read_text(data)}
    assert {text for _, text in wanted(made) if text} <= strings


def test_a_broken_file_is_seen() -> None:
    data = EXPORTER.write(conversation())
    assert spoken(changed(data, "word/document.xml", b"Grace is a", b"Grace was a")) != wanted(conversation())
    swapped = changed(data, "word/document.xml", b'"Heading2"', b'"Heading1"')
    with pytest.raises(AssertionError):
        spoken(swapped)


DIANE = Gate((person("P1", "Diane Okafor", pseudonym="Amelia"),), Policy())


@pytest.mark.parametrize(
    "fields",
    [
        {"recording_id": "R_Diane"},
        {"topics": ((0.0, "About Diane"),)},
        {"topics": ((900.0, "Diane"),)},
        {"lines": (line(0, "Diane", "Yes."),)},
    ],
)
@pytest.mark.parametrize("exporter", ALL, ids=lambda one: one.name)
def test_the_gate_sees_a_name_wherever_a_document_holds_a_string(exporter: Exporter, fields: dict[str, Any]) -> None:
    made = replace(conversation(), **fields)
    names = "topics" not in fields or exporter is EXPORTER  # no other of them writes topics
    for given_name, leaks in (("R001_pseudonymised.docx", names), ("Diane.docx", True)):
        with pytest.raises(LeakError) if leaks else contextlib.nullcontext():
            DIANE.check_file((made,), exporter, exporter.write(made), given_name)


@pytest.mark.parametrize("exporter", ALL, ids=lambda one: one.name)
def test_the_gate_sees_what_was_altered_on_the_way(exporter: Exporter) -> None:
    made = conversation()
    data = exporter.write(made)
    DIANE.check_file((made,), exporter, data, "R001_pseudonymised.docx")
    for old, new in ((b"fine", b"Diane"), (b"fine", "Oka\u00adfor".encode())):
        text = exporter.suffix.endswith(".tsv")
        bad = data.replace(old, new) if text else changed(data, "word/document.xml", old, new)
        with pytest.raises(LeakError):
            DIANE.check_file((made,), exporter, bad, "R001_pseudonymised.docx")


@pytest.mark.parametrize("exporter", ALL, ids=lambda one: one.name)
def test_the_gate_passes_a_pseudonym_that_is_somebody_elses_name(exporter: Exporter) -> None:
    later = person("P9", "Amelia", pseudonym="[participant]")
    gate = Gate((person("P1", "Diane Okafor", pseudonym="Amelia"), later), Policy())
    made = replace(study()[0], dates="withheld", review=ReviewState.UNREVIEWED)
    overlapped = replace(made, lines=tuple(replace(one, overlapped=True) for one in made.lines))
    for one in (made, overlapped):
        gate.check_file((one,), exporter, exporter.write(one), f"R001_pseudonymised{exporter.suffix}")


# --- speed, and LibreOffice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exporter", ALL, ids=lambda one: one.name)
def test_a_two_hour_interview_is_written_and_read_at_once(exporter: Exporter) -> None:
    text = "well so we went there and then it was raining hard but"
    lines = [line(n, ("Interviewer", "Amelia")[n % 2], f"{text} {n}.") for n in range(1500)]
    made = transcript(*lines)
    exporter.write(transcript())  # the template is made once
    start_s = time.process_time()
    data = exporter.write(made)
    written_s = time.process_time()
    strings = exporter.read_text(data)
    assert max(written_s - start_s, time.process_time() - written_s) < 0.5
    assert sum(text in string for string in strings) >= 1500


@pytest.mark.system("soffice")
def test_libreoffice_reads_the_turns_of_every_document(tmp_path: Path) -> None:
    made = conversation()
    documents = [one for one in ALL if one.suffix.endswith(".docx")]
    for one in documents:
        (tmp_path / f"{one.name}.docx").write_bytes(one.write(made))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    form = "txt:Text (encoded):UTF8"
    files = [f"{one.name}.docx" for one in documents]
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", form, *files], cwd=tmp_path, check=True, capture_output=True
    )
    texts = {one.name: (tmp_path / f"{one.name}.txt").read_text("utf-8-sig").splitlines() for one in documents}
    said = ["How was it with [infant]?", "Grace is a fine word.", "(overlapping) Yes."]
    who, ends = ["Interviewer", "Amelia", "Interviewer"], ["#00:00:07-0#", "#00:01:07-0#", "#00:02:07-0#"]
    stamps = ["[00:00:02]", "[00:01:02]", "[00:02:02]"]
    headed = [(speaker, f"{at} {text}") for speaker, at, text in zip(who, stamps, said, strict=True)]
    assert texts["docx"][6:] == list(itertools.chain(*headed))
    spans = ["00:00:02.0-00:00:07.0", "00:01:02.0-00:01:07.0", "00:02:02.0-00:02:07.0"]
    rows = list(itertools.chain(*zip(spans, said, who, strict=True)))
    assert texts["nvivo"] == ["Timespan", "Content", "Speaker", *rows, ""]
    assert texts["atlasti-docx"][6:] == [
        f"{at}{name}: {text}" for at, name, text in zip(stamps, who, said, strict=True)
    ]
    assert texts["maxqda-docx"][6:] == [f"{name}: {text} {at}" for name, text, at in zip(who, said, ends, strict=True)]
