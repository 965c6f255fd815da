import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcribe.errors import EngineError
from transcribe.export.layout import one_line
from transcribe.export.word_docx import EXPORTER, HEADER_STYLE, TURN_STYLE
from transcribe.schema import ReviewState

from .builders import HOSTILE, conversation, line, transcript

ROOT = Path(__file__).parents[2]
SNIPPET = """
import hashlib
from tests.export.builders import conversation
from transcribe import export
print(*(hashlib.sha256(export.load(n).write(conversation())).hexdigest() for n in ("txt", "docx", "vtt", "json")))
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


def test_word_reads_turns_with_the_speaker_in_bold() -> None:
    document = docx.Document(io.BytesIO(EXPORTER.write(conversation())))
    styles = [paragraph.style.name for paragraph in document.paragraphs if paragraph.style]
    assert styles == ["Title"] + [HEADER_STYLE] * 5 + [TURN_STYLE] * 3
    turn = document.paragraphs[7]
    assert turn.text == "[00:01:02] Amelia: Grace is a fine word."
    assert [run.text for run in turn.runs if run.bold] == ["Amelia:"]
    running = document.sections[0].header.paragraphs[0].text
    assert running == "R001 - REVIEWED - a person has settled these replacements."


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
    assert first.split()[1] == ours


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
    assert "[00:02:02] Interviewer: (overlapping) Yes." in strings
    assert not {"Normal", "Vrinda", "Shruti"} & set(strings)  # fonts of the template's theme are first names too
    assert len(strings) < 60


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("docProps/core.xml", b"<dc:creator></dc:creator>", b"<dc:creator>Diane</dc:creator>"),
        ("docProps/app.xml", b"<Company/>", b"<Company>Diane</Company>"),
        ("word/document.xml", b"w:val=\"Title\"", b"w:val=\"Diane\""),
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
    assert "[00:00:02] A & <B>: a --> b NOTE x<v Eve>]]>&amp; - &" in EXPORTER.read_text(data)


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=100))
def test_any_text_reads_back(text: str) -> None:
    turn = line(0, "Amelia", text)
    data = EXPORTER.write(transcript(turn))
    assert f"[00:00:02] Amelia: {one_line(turn.text)}".strip() in EXPORTER.read_text(data)
