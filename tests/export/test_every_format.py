"""What holds of every format at the door: the gate, equal bytes, the statement, and texts without times."""

import csv
import io
import re
import zipfile
from dataclasses import replace

import html5lib
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.builders import person
from transcribe import export
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export import Exporter, StudyExporter
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Case, Kind, ReviewState

from .builders import STATEMENT, awkward_transcripts, conversation, line, study, transcript

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Ilona")), Policy())
EVERY = export.everything()
NAME = "lives by Karen"


def check(exporter: Exporter | StudyExporter, made: AnonymisedTranscript, name: str = "x") -> None:
    GATE.check_file((made,), exporter, export.written(exporter, (made,)), name)


def case(**fields: str) -> Case:
    values = {"key": "a1" * 32, "name": "Amelia", "role": "participant", "label": "Amelia", **fields}
    return Case(kind=Kind.PERSON, **values)  # type: ignore[arg-type]


PLANTED = {
    "speaker": conversation().lines[0] and transcript(line(0, "Karen", "Yes.")),
    "speaker among others": transcript(line(0, "Mother of Karen", "Yes.")),
    "recording id": conversation(recording_id="R1_karen2"),
    "name of the sound": conversation(audio="karen_covered.flac"),
    "name of a case": conversation(cases=(case(name=NAME),)),
    "role of a case": conversation(cases=(case(role=NAME),)),
    "relation of a case": conversation(cases=(case(relation=NAME),)),
    "value of an attribute": conversation(cases=(replace(case(), attributes=(("note", NAME),)),)),
    "title of an attribute": conversation(cases=(replace(case(), attributes=((NAME, "yes"),)),)),
    "value of a variable": conversation(variables=(("note", NAME),)),
    "title of a variable": conversation(variables=((NAME, "yes"),)),
    "topic": conversation(topics=((0.0, NAME),)),
}


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
@pytest.mark.parametrize("place", PLANTED)
def test_a_name_is_refused_wherever_the_format_writes_it(exporter: Exporter | StudyExporter, place: str) -> None:
    made = PLANTED[place]
    written = any("karen" in s.lower() for s in exporter.read_text(export.written(exporter, (made,))))
    if written or "speaker" in place or place in ("recording id", "name of the sound"):
        with pytest.raises(LeakError):
            check(exporter, made)
    else:
        check(exporter, made)


def test_some_format_writes_what_is_known_of_people() -> None:
    """Else the test above would say nothing of these places."""
    for place, made in PLANTED.items():
        strings = [s for one in EVERY for s in one.read_text(export.written(one, (made,)))]
        assert place == "name of the sound" or any("karen" in s.lower() for s in strings), place


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_a_name_in_the_file_s_own_name_is_refused(exporter: Exporter | StudyExporter) -> None:
    with pytest.raises(LeakError):
        check(exporter, conversation(), "R001_Karen.x")


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(awkward_transcripts())
def test_a_pseudonym_that_is_somebody_elses_name_passes(
    exporter: Exporter | StudyExporter, made: AnonymisedTranscript
) -> None:
    assume(not GATE.check_lines(made))
    check(exporter, made)


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_equal_inputs_give_equal_bytes_and_a_state(exporter: Exporter | StudyExporter) -> None:
    for made in study():
        for state in ReviewState:
            one = replace(made, review=state)
            data = export.written(exporter, (one,))
            assert data == export.written(exporter, (one,))
            strings = " ".join(exporter.read_text(data)).upper()
            assert "UNREVIEWED" in strings if state is ReviewState.UNREVIEWED else "UNREVIEWED" not in strings
            assert "REVIEWED" in strings
            assert STATEMENT.split(".")[0].upper() in strings


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_without_times_a_format_says_so_or_does_without(exporter: Exporter | StudyExporter) -> None:
    made = conversation(timed=False)
    if isinstance(exporter, Exporter) and exporter.timed:
        with pytest.raises(EngineError, match="times"):
            exporter.write(made)
    else:
        assert export.written(exporter, (made,))


# --- what was said cannot become a part of the file -------------------------------------------------------------------

ATTACKS = (
    "]]>", "]]><script>alert(1)</script>", "</w:t></w:r></w:p><w:p>", "<!--", "--><x>", "<?xml version='1.1'?>",
    "&lt;x&gt;", "&x;", "&#0;", "&#x41;", '"><x y="', "' onload='", "</title><script>", 
    "<!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    "\x00", "\x0b", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\ud800", "=1+1", "@x", "\t",
    "\r\n", "../x",
)  # fmt: skip
SPOKEN = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=5)), max_size=6).map("".join)


def elements(data: bytes) -> set[str]:
    """The elements of a file's XML, or of its parts' where it is a zip, read strictly; for a web page, its tags."""
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            assert not any(".." in name or name.startswith("/") for name in parts.namelist())
            return set().union(*(elements(parts.read(name)) for name in parts.namelist()))
    if data.lstrip().lower().startswith(b"<!doctype html"):
        page = html5lib.parse(data.decode(), namespaceHTMLElements=False)
        return {str(node.tag) for node in page.iter()}
    if data.startswith(b"<?xml"):
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
        assert root.getroottree().docinfo.internalDTD is None
        return {str(node.tag) for node in root.iter()}
    return set()


def with_text(text: str) -> AnonymisedTranscript:
    """The text wherever words of people can stand."""
    named = case(name=text or "x", relation=text or "x")
    return transcript(
        line(0, text or "x", text or "x"),
        line(1, "Amelia", f"a {text}", overlapped=True),
        cases=(replace(named, label=text or "x", attributes=((f"t{text}", text or "x"),)),),
        variables=((f"v{text}", text or "x"),),
        topics=((0.0, text or "x"),),
    )


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(text=SPOKEN)
def test_what_was_said_becomes_no_part_of_the_file(exporter: Exporter | StudyExporter, text: str) -> None:
    data = export.written(exporter, (with_text(text),))
    assert elements(data) <= elements(export.written(exporter, (with_text("x"),)))
    if exporter.suffix.endswith((".csv", ".tsv")):
        rows = csv.reader(
            io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter="," if b"," in data[:20] else "\t"
        )
        assert not any(re.match(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", cell) for row in rows for cell in row)
    if not data.startswith(b"PK"):
        assert not re.search(
            "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", data.decode("utf-8-sig")
        )
