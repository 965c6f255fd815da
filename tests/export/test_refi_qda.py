"""The project as another program reads it: the schema, xml.etree and slices of the texts, and nothing of ours."""

import hashlib
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.builders import person, says_nothing_of
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export import plain_text
from transcribe.export.layout import one_line
from transcribe.export.refi_qda import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Case, Kind, Layout, ReviewState, Span

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, study, transcript, turns

ROOT = Path(__file__).parents[2]
SCHEMA = Path(__file__).with_name("refi_qda_project.xsd")
PUBLISHED = ROOT.parent / "shared" / "refi-qda" / "Project.xsd"
Q = "{urn:QDA-XML:project:1.0}"
GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
VALID = etree.XMLSchema(etree.parse(SCHEMA))
Study = tuple[AnonymisedTranscript, ...]


# --- what another program sees ----------------------------------------------------------------------------------------


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        names = package.namelist()
        assert len(names) == len(set(names))
        return {name: package.read(name) for name in names}


class Opened:
    """A project, read as section 10.2 says: texts with each line end one character, positions in code points."""

    def __init__(self, data: bytes) -> None:
        self.files = unpacked(data)
        self.root = ET.fromstring(self.files["project.qde"])  # noqa: S314 - bytes of these tests
        self.codes = {node.get("guid", ""): node for node in self.root.iter(f"{Q}Code")}
        self.groups = {
            child.get("guid", ""): parent.get("name", "") for parent in self.codes.values() for child in parent
        }
        self.variables = {node.get("guid", ""): node for node in self.root.iter(f"{Q}Variable")}
        self.texts = self.root.findall(f"{Q}Sources/{Q}TextSource")
        self.sounds = self.root.findall(f"{Q}Sources/{Q}AudioSource")
        self.cases = self.root.findall(f"{Q}Cases/{Q}Case")

    def text(self, node: ET.Element) -> str:
        path = node.get("plainTextPath", "")
        assert re.fullmatch(rf"internal://{GUID}\.txt", path)
        content = self.files[path.replace("internal://", "sources/")].decode()
        assert not content.startswith("\ufeff")
        return content.replace("\r\n", "\n")

    def code(self, selection: ET.Element) -> tuple[str, str]:
        """(group, name) of the one code of a selection."""
        (reference,) = selection.findall(f"{Q}Coding/{Q}CodeRef")
        code = self.codes[reference.get("targetGUID", "")]
        assert code.get("isCodable") == "true"
        return self.groups.get(code.get("guid", ""), ""), code.get("name", "")

    def coded(self, source: ET.Element) -> list[tuple[str, str, int, str]]:
        """(group, code, start, text) of each selection."""
        text, found = self.text(source), []
        for selection in source.findall(f"{Q}PlainTextSelection"):
            start, end = int(selection.get("startPosition", "")), int(selection.get("endPosition", ""))
            assert 0 <= start < end <= len(text)
            found.append((*self.code(selection), start, text[start:end]))
        return found

    def values(self, node: ET.Element) -> dict[str, str]:
        """Variable name -> value, its element named as the variable's type."""
        found = {}
        for value in node.findall(f"{Q}VariableValue"):
            variable = self.variables[value[0].get("targetGUID", "")]
            assert value[1].tag == f"{Q}{variable.get('typeOfVariable')}Value"
            found[variable.get("name", "")] = value[1].text or ""
        return found


def check(data: bytes, made: Study) -> Opened:
    """All that has to hold of a project of these transcripts."""
    opened = Opened(data)
    tree = etree.fromstring(opened.files["project.qde"])
    assert VALID.validate(tree), VALID.error_log
    check_references(opened)
    assert [node.get("name") for node in opened.texts] == [one_line(one.recording_id) for one in made]
    for node, one in zip(opened.texts, made, strict=True):
        check_text(opened, node, one)
    with_sound = [one for one in made if one.audio]
    for node, one in zip(opened.sounds, with_sound, strict=True):
        check_sound(opened, node, one)
    check_cases(opened, made)
    return opened


def check_references(opened: Opened) -> None:
    """Ids are whole, unique and lead to something of the right kind; every file is named by one path."""
    ids = [node.get("guid", "") for node in opened.root.iter() if node.get("guid")]
    assert all(re.fullmatch(GUID, one) for one in ids)
    assert len(set(ids)) == len(ids)
    by_id = {node.get("guid"): node.tag.removeprefix(Q) for node in opened.root.iter() if node.get("guid")}
    targets = {"CodeRef": ("Code",), "VariableRef": ("Variable",), "NoteRef": ("Note",),
               "SourceRef": ("TextSource", "AudioSource")}  # fmt: skip
    for node in opened.root.iter():
        if target := node.get("targetGUID"):
            assert by_id.get(target) in targets[node.tag.removeprefix(Q)]
        for name in ("creatingUser", "creatingUserGUID"):
            assert node.get(name) is None or by_id[node.get(name)] == "User"
        assert node.get("richTextPath") is None
        assert node.get("currentPath") is None
        assert node.get("basePath") is None
    paths = [node.get("plainTextPath", "").replace("internal://", "sources/") for node in opened.root.iter()]
    assert list(opened.files) == ["project.qde", *filter(None, paths)]
    for group in ([*opened.variables.values()], opened.cases):
        names = [node.get("name", "").casefold() for node in group]
        assert all(names)
        assert len(set(names)) == len(names)


def check_text(opened: Opened, node: ET.Element, made: AnonymisedTranscript) -> None:
    """The text holds every turn, and each selection slices to what it codes."""
    text = opened.text(node)
    expected = plain_text.EXPORTER.write(made).decode()
    assert text == expected
    raw = opened.files[f"sources/{node.get('guid')}.txt"]
    assert raw.count(b"\r\n") == raw.count(b"\r") == (raw.count(b"\n") if made.layout.crlf else 0)
    coded = opened.coded(node)
    spoken = [(code, said) for group, code, _, said in coded if group == "Speakers"]
    assert spoken == [turn for turn in turns(made) if turn[1]]
    begins = iter(start for group, _, start, _ in coded if group == "Speakers")
    marks = iter(mark for mark in coded if mark[0] != "Speakers")
    for one in made.lines:
        said_at = next(begins) if one_line(one.text) else 0
        spans = [(span, "Anonymised", (span.kind or Kind.OTHER).value.replace("_", " ")) for span in one.replaced]
        spans += [(span, "", "Unclear") for span in one.unclear]
        for span, group, code in sorted(spans, key=lambda entry: entry[0].start):
            surface = one_line(one.text[span.start : span.end])
            if not surface:
                continue
            found_group, found_code, start, found = next(marks)
            assert (found_group, found_code, found) == (group, code, surface)
            assert text[said_at:start].rstrip() == one_line(one.text[: span.start])
    assert next(marks, None) is None


def check_sound(opened: Opened, node: ET.Element, made: AnonymisedTranscript) -> None:
    """The sound is named by its file name, and each sync point stands at a paragraph."""
    assert node.get("path") == f"relative:///{made.audio}"
    (held,) = node.findall(f"{Q}Transcript")
    text = opened.text(held)
    points = held.findall(f"{Q}SyncPoint")
    places = [int(point.get("position", "")) for point in points]
    times = [int(point.get("timeStamp", "")) for point in points]
    selections = held.findall(f"{Q}TranscriptSelection")
    if not made.timed:
        assert not points
        assert not selections
        return
    assert (places[0], times[0], places[-1]) == (0, 0, len(text))
    assert places == sorted(set(places))
    assert times == sorted(times)
    assert len(points) == len(made.lines) + 2
    by_id = {point.get("guid"): place for point, place in zip(points, places, strict=True)}
    for selection, one, start, time in zip(selections, made.lines, places[1:], times[1:], strict=False):
        begin, end = by_id[selection.get("fromSyncPoint")], by_id[selection.get("toSyncPoint")]
        assert begin == start
        assert text[begin - 2 : begin] == "\n\n"
        assert time == max(0, round(one.start_s * 1000))
        assert re.sub(r"^\[\d\d+:\d\d:\d\d\] ", "", text[begin:end]).strip().endswith(one_line(one.text))
        assert opened.code(selection) == ("Speakers", one_line(one.speaker))
    assert len(selections) == len(made.lines)


def check_cases(opened: Opened, made: Study) -> None:
    """A case for everybody who speaks, with her labels, her recordings and all that is known of her."""
    who: dict[str, list[tuple[AnonymisedTranscript, Case]]] = {}
    for one in made:
        for case in one.cases:
            if case.label:
                who.setdefault(case.key, []).append((one, case))
    names = {node.get("guid"): node.get("name") for node in [*opened.texts, *opened.sounds]}
    for node, seen in zip(opened.cases, who.values(), strict=True):
        labels = {opened.codes[ref.get("targetGUID", "")].get("name") for ref in node.findall(f"{Q}CodeRef")}
        assert labels == {one_line(case.label) for _, case in seen}
        heard = [names[ref.get("targetGUID")] for ref in node.findall(f"{Q}SourceRef")]
        assert heard == [name for one, _ in seen for name in (one.recording_id, one.audio) if name]
        values = opened.values(node)
        assert values["role"] == one_line(seen[0][1].role)
        for _, value in seen[0][1].attributes:
            assert not one_line(value) or one_line(value) in values.values()


# --- the study --------------------------------------------------------------------------------------------------------


def with_sound(made: Study = (), **fields: object) -> Study:
    return tuple(replace(one, audio=f"{one.recording_id}_covered.m4a", **fields) for one in made or study())  # type: ignore[arg-type]


def test_our_copy_of_the_schema_is_the_published_one() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("needs the published schema in ../shared/refi-qda")
    assert SCHEMA.read_bytes() == PUBLISHED.read_bytes()
    assert b"licensed under the MIT license" in SCHEMA.read_bytes()


def test_golden() -> None:
    opened = check(EXPORTER.write(study()), study())
    children = [node.tag.removeprefix(Q) for node in opened.root]
    assert children == "Users CodeBook Variables Cases Sources Notes NoteRef".split()
    assert opened.root.get("creationDateTime") == "2026-03-04T00:00:00Z"
    assert [(node.get("name"), node.get("isCodable")) for node in opened.codes.values()] == [
        ("Speakers", "false"), ("Interviewer", "true"), ("Amelia", "true"), ("Anonymised", "false"), ("person", "true"),
    ]  # fmt: skip
    assert [(node.get("name"), node.get("typeOfVariable")) for node in opened.variables.values()] == [
        ("role", "Text"), ("recording", "Text"), ("duration_min", "Float"),
        ("age band", "Text"), ("education", "Text"), ("wave", "Integer"),
    ]  # fmt: skip
    (amelia,) = opened.cases  # the infant does not speak
    assert amelia.get("name") == "Amelia"
    assert opened.values(amelia) == {"role": "participant", "age band": "30-39", "education": "degree"}
    assert opened.values(opened.texts[0]) == {"recording": "R001", "duration_min": "2.2", "wave": "1"}
    assert [found[:2] + found[3:] for found in opened.coded(opened.texts[0])] == [
        ("Speakers", "Interviewer", "How was it with [infant]?"),
        ("Anonymised", "person", "[infant]"),
        ("Speakers", "Amelia", "Grace is a fine word."),
        ("Speakers", "Interviewer", "Yes."),
    ]
    assert not opened.sounds


def test_it_says_what_it_is_without_a_persons_name() -> None:
    mixed = (study()[0], replace(study()[1], review=ReviewState.UNREVIEWED))
    opened = check(EXPORTER.write(mixed), mixed)
    (note,) = opened.root.findall(f"{Q}Notes/{Q}Note")
    assert (note.findtext(f"{Q}PlainTextContent") or "").split("\n") == [
        STATEMENT,
        "R001 - REVIEWED - a person has settled these replacements.",
        "R002 - UNREVIEWED - no person has checked these replacements.",
    ]
    assert [node.findtext(f"{Q}Description", "")[:10] for node in opened.texts] == ["REVIEWED -", "UNREVIEWED"]
    (user,) = opened.root.findall(f"{Q}Users/{Q}User")
    assert user.get("name") == "transcribe"
    assert (opened.root.get("origin") or "").startswith("transcribe ")


def test_sound_has_its_own_transcript_with_sync_points() -> None:
    made = with_sound()
    opened = check(EXPORTER.write(made), made)
    assert [node.get("name") for node in opened.sounds] == ["R001_covered.m4a", "R002_covered.m4a"]
    transcripts = [node.find(f"{Q}Transcript") for node in opened.sounds]
    assert [node.get("name") for node in transcripts if node is not None] == [f"{one.audio}.txt" for one in made]
    points = opened.sounds[0].findall(f"{Q}Transcript/{Q}SyncPoint")
    assert [point.get("timeStamp") for point in points] == ["0", "2000", "62000", "122000", "130000"]
    (amelia,) = opened.cases
    assert len(amelia.findall(f"{Q}SourceRef")) == 4
    assert opened.values(opened.sounds[1]) == opened.values(opened.texts[1])
    untimed = with_sound(timed=False)
    check(EXPORTER.write(untimed), untimed)


@pytest.mark.parametrize("audio", ["/home/diane/x.m4a", "C:\\Users\\Diane\\x.m4a", "../x.m4a"])
def test_a_sound_is_never_named_by_a_folder(audio: str) -> None:
    opened = Opened(EXPORTER.write((conversation(audio=audio),)))
    assert opened.sounds[0].get("path") == "relative:///x.m4a"
    assert not any("iane" in text for text in EXPORTER.read_text(EXPORTER.write((conversation(audio=audio),))))


def test_positions_count_a_crlf_as_one() -> None:
    made = tuple(replace(one, layout=Layout(crlf=True)) for one in with_sound())
    opened = check(EXPORTER.write(made), made)
    plain = check(EXPORTER.write(with_sound()), with_sound())
    assert opened.files["project.qde"] == plain.files["project.qde"]
    assert all(b"\r\n" in content for name, content in opened.files.items() if name != "project.qde")


def test_positions_are_the_same_in_utf_16() -> None:
    opened = Opened(EXPORTER.write(with_sound()))
    assert max(ord(char) for content in opened.files.values() for char in content.decode()) <= 0xFFFF


# --- people and variables ---------------------------------------------------------------------------------------------


def therapist(key: str, **fields: object) -> Case:
    given = {"kind": Kind.PERSON, "name": "therapist", "role": "therapist", "label": "Therapist", **fields}
    return Case(key=key, **given)  # type: ignore[arg-type]


def test_one_case_for_a_person_with_two_labels_and_two_for_a_shared_label() -> None:
    first = transcript(line(0, "Therapist", "Yes."), cases=(therapist("c1"),))
    both = (therapist("c2", relation="aunt"), therapist("c1", label="Therapist 2"))
    second = transcript(line(0, "Therapist 2", "No."), line(1, "Therapist", "So."), cases=both, recording_id="R002")
    opened = check(EXPORTER.write((first, second)), (first, second))
    assert [node.get("name") for node in opened.cases] == ["therapist", "therapist 2"]
    assert [len(node.findall(f"{Q}CodeRef")) for node in opened.cases] == [2, 1]
    assert opened.values(opened.cases[1]) == {"role": "therapist", "relation": "aunt"}


def test_without_keys_people_are_told_by_their_names() -> None:
    cases = (therapist(""), therapist("", name="Amelia", label="Amelia", role="participant"))
    opened = Opened(EXPORTER.write((conversation(cases=cases),)))
    assert [node.get("name") for node in opened.cases] == ["therapist", "Amelia"]


def test_variables_have_one_name_each_and_a_type_that_all_values_have() -> None:
    amelia = Case(
        key="k", kind=Kind.PERSON, name="Amelia", role="participant", label="Amelia",
        attributes=(("role", "carer"), ("wave", "1"), ("Wave", "2"), ("weight", "2.5"), ("code", "007"), ("none", " ")),
    )  # fmt: skip
    bella = replace(amelia, key="l", label="Bella", name="Bella", attributes=(("weight", "3"), ("wave", "one")))
    made = (
        transcript(
            line(0, "Amelia", "Yes."), line(1, "Bella", "No."), cases=(amelia, bella), variables=(("wave", "1"),)
        ),
    )
    opened = check(EXPORTER.write(made), made)
    assert {node.get("name"): node.get("typeOfVariable") for node in opened.variables.values()} == {
        "role": "Text", "recording": "Text", "role (person)": "Text", "wave": "Text", "Wave (person)": "Integer",
        "weight": "Float", "code": "Text", "none": "Text", "wave (recording)": "Integer",
    }  # fmt: skip
    assert opened.values(opened.cases[0])["role (person)"] == "carer"
    assert opened.values(opened.cases[1])["weight"] == "3"
    assert opened.values(opened.texts[0]) == {"recording": "R001", "wave (recording)": "1"}


def test_values_that_differ_between_recordings_are_all_kept() -> None:
    one, two = study()
    amelia = replace(two.cases[0], attributes=(("education", "school"), ("age band", "30-39")))
    opened = Opened(EXPORTER.write((one, replace(two, cases=(amelia,)))))
    assert opened.values(opened.cases[0])["education"] == "degree; school"


# --- ids --------------------------------------------------------------------------------------------------------------


def ids(data: bytes) -> dict[tuple[str, str], str]:
    named = [node for node in Opened(data).root.iter() if node.get("guid") and node.get("name")]
    return {(node.tag, node.get("name", "")): node.get("guid", "") for node in named}


def test_ids_stay_from_release_to_release_and_differ_between_sources_and_studies() -> None:
    whole, second = ids(EXPORTER.write(study())), ids(EXPORTER.write(study()[1:]))
    shared = {key for key in second if not key[0].endswith("Note")}
    assert {key: whole[key] for key in shared} == {key: second[key] for key in shared}
    elsewhere = tuple(
        replace(one, source_digest="1f" * 32, cases=tuple(replace(case, key="d" + case.key) for case in one.cases))
        for one in study()
    )
    other = ids(EXPORTER.write(elsewhere))
    for key in (
        (f"{Q}Code", "Amelia"),
        (f"{Q}Case", "Amelia"),
        (f"{Q}TextSource", "R001"),
        (f"{Q}Note", "Anonymisation"),
    ):
        assert whole[key] != other[key]


SNIPPET = """
import hashlib
from tests.export.test_refi_qda import with_sound
from transcribe.export.refi_qda import EXPORTER
print(hashlib.sha256(EXPORTER.write(with_sound())).hexdigest())
"""


def test_equal_inputs_give_equal_bytes_in_any_process_and_timezone() -> None:
    env = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", SNIPPET], cwd=ROOT, env=env, capture_output=True, check=True)
    assert done.stdout.decode().strip() == hashlib.sha256(EXPORTER.write(with_sound())).hexdigest()
    with zipfile.ZipFile(io.BytesIO(EXPORTER.write(with_sound()))) as package:
        entries = package.infolist()
    assert {(e.date_time, e.compress_type, e.create_system) for e in entries} == {((1980, 1, 1, 0, 0, 0), 0, 3)}


# --- awkward transcripts ----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(awkward_transcripts(), awkward_transcripts(recording_id="R002"), st.booleans(), st.booleans())
def test_any_text_and_any_replacement_is_read_back(
    one: AnonymisedTranscript, two: AnonymisedTranscript, crlf: bool, sound: bool
) -> None:
    made = tuple(
        replace(t, layout=Layout(crlf=crlf), audio=f"{t.recording_id}.m4a" if sound else "") for t in (one, two)
    )
    data = EXPORTER.write(made)
    check(data, made)
    strings = EXPORTER.read_text(data)
    for speaker, text in (turn for t in made for turn in turns(t)):
        assert any(f"{speaker}:" in string and string.endswith(text) for string in strings)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=8), st.booleans()), max_size=5))
def test_spans_slice_to_their_text_whatever_stands_around_them(pieces: list[tuple[str, str, bool]]) -> None:
    text, replaced, unclear = "", [], []
    for before, tag, clear in pieces:
        text += before
        span = Span(start=len(text), end=len(text) + len(tag), kind=Kind.ID_NUMBER if clear else None)
        (replaced if clear else unclear).append(span)
        text += tag
    spoken = line(1, "Amelia", text, replaced=tuple(replaced), unclear=tuple(unclear))
    whole = replace(spoken.words[0], text=text) if spoken.words else None
    made = (transcript(replace(spoken, words=(whole,) if whole else ())),)
    check(EXPORTER.write(made), made)


def test_hostile_turns_and_names() -> None:
    case = Case(
        key="k", kind=Kind.PERSON, name="A & <B>", role="x\x00y", label="A & <B>", attributes=((HOSTILE, HOSTILE),)
    )
    made = (transcript(line(0, "A & <B>", HOSTILE), cases=(case,), variables=((" ", "<&>"),)),)
    opened = check(EXPORTER.write(made), made)
    assert "a --> b NOTE x<v Eve>]]>&amp; - &" in opened.values(opened.cases[0]).values()
    assert opened.values(opened.texts[0])["-"] == "<&>"


@pytest.mark.parametrize(
    "made",
    [
        (),
        (transcript(counts=()),),
        (transcript(line(0, "Amelia", ""), line(1, "", " ")),),
        (transcript(line(0, "Amelia", " word" * 10_000), audio="R001.m4a"),),
        (transcript(*(line(n, "Amelia", "\u05d0\u05d1 e\u0301 # [x] * <y> & z") for n in range(1500))),),
    ],
    ids=["nothing", "no turns", "empty turns", "a long turn", "many turns"],
)
def test_edges(made: Study) -> None:
    opened = Opened(EXPORTER.write(made))
    if any(one.speaker == "" for t in made for one in t.lines):
        assert [node.get("name") for node in opened.codes.values()] == ["Speakers", "Amelia", "-"]
    else:
        check(EXPORTER.write(made), made)


def test_bad_date() -> None:
    with pytest.raises(EngineError, match=r"R001.*date of settling"):
        EXPORTER.write((conversation(settled_on="yesterday"),))


# --- broken projects are caught by the same checks --------------------------------------------------------------------


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in change(unpacked(data)).items():
            package.writestr(name, content)
    return out.getvalue()


def in_project(old: str, new: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """Changes the first place where `old`, a pattern, stands in project.qde."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        text, changed = re.subn(old, new, files["project.qde"].decode(), count=1, flags=re.DOTALL)
        assert changed
        return {**files, "project.qde": text.encode()}

    return change


def shifted(files: dict[str, bytes]) -> dict[str, bytes]:
    def later(found: re.Match[bytes]) -> bytes:
        return b'startPosition="%d" endPosition="%d"' % (int(found[1]) + 1, int(found[2]) + 1)

    pattern = rb'startPosition="(\d+)" endPosition="(\d+)"'
    return {**files, "project.qde": re.sub(pattern, later, files["project.qde"], count=1)}


@pytest.mark.parametrize(
    "change",
    [
        shifted,
        lambda files: dict(list(files.items())[:-1]),
        lambda files: {name.replace("sources", "Sources"): content for name, content in files.items()},
        lambda files: {n: c if n.endswith("qde") else b"\xef\xbb\xbf" + c for n, c in files.items()},
        lambda files: {**files, "sources/more.txt": b""},
        in_project("(<Cases>.*</Cases>)(<Sources>.*</Sources>)", r"\2\1"),
        in_project(' isCodable="true"', ""),
        in_project('isCodable="true"', 'isCodable=""'),
        in_project('<CodeRef targetGUID="[0-9a-f]', '<CodeRef targetGUID="x'),
        in_project('<SourceRef targetGUID="[^"]*"', '<SourceRef targetGUID="00000000-0000-0000-0000-000000000000"'),
        in_project(' plainTextPath="', ' richTextPath="'),
        in_project('path="relative:///', 'path="absolute:///'),
        in_project('<AudioSource ', '<AudioSource currentPath="x" '),
        in_project('timeStamp="62000"', 'timeStamp="1"'),
        in_project('(timeStamp="62000" position=")', r"\g<1>1"),
        in_project("<TextValue>30-39</TextValue>", "<IntegerValue>30</IntegerValue>"),
    ],
)  # fmt: skip
def test_a_broken_project_is_caught(change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    data = EXPORTER.write(with_sound())
    check(rewritten(data, dict), with_sound())
    with pytest.raises((AssertionError, KeyError)):
        check(rewritten(data, change), with_sound())


# --- the gate ---------------------------------------------------------------------------------------------------------

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P2", "Edda", pseudonym="Clara")), Policy())
AMELIA = study()[0].cases[0]


def refused(*made: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError) as leak:
        GATE.check_file(made, EXPORTER, EXPORTER.write(made), "study_pseudonymised.qdpx")
    says_nothing_of(leak.value, "Karen", "Okonkwo")


def test_a_study_passes_also_where_a_pseudonym_is_a_later_persons_name() -> None:
    GATE.check_file(study(), EXPORTER, EXPORTER.write(study()), "study_pseudonymised.qdpx")
    later = Gate((person("P1", "Karen", pseudonym="Amelia"), person("P9", "Amelia", pseudonym="Bella")), Policy())
    for made in (study(), with_sound()):
        later.check_file(made, EXPORTER, EXPORTER.write(made), "study_pseudonymised.qdpx")


@pytest.mark.parametrize("name", ["Karen", "Mrs Okonkwo", "the karen scale"])
@pytest.mark.parametrize(
    "place",
    [
        lambda name: {"cases": (replace(AMELIA, name=name),)},
        lambda name: {"cases": (replace(AMELIA, label=name),)},
        lambda name: {"cases": (replace(AMELIA, role=name),)},
        lambda name: {"cases": (replace(AMELIA, relation=name),)},
        lambda name: {"cases": (replace(AMELIA, attributes=(("school", name),)),)},
        lambda name: {"cases": (replace(AMELIA, attributes=((name, "1"),)),)},
        lambda name: {"variables": (("site", name),)},
        lambda name: {"variables": ((name, "2"),)},
        lambda name: {"lines": (line(0, name, "Yes."),)},
        lambda name: {"lines": (line(0, "Amelia", f"so {name} came"),)},
    ],
)  # fmt: skip
def test_a_name_is_refused_wherever_it_may_stand(place: Callable[[str], dict[str, object]], name: str) -> None:
    first, second = study()
    refused(replace(first, **place(name)), second)  # type: ignore[arg-type]


@pytest.mark.parametrize("recording_id", ["Karen", "R2_karen", "02Karen"])
def test_a_name_in_a_recordings_id_is_refused(recording_id: str) -> None:
    first, second = study()
    refused(first, replace(second, recording_id=recording_id))


def test_ids_and_positions_spell_no_name() -> None:
    strings = EXPORTER.read_text(EXPORTER.write(with_sound()))
    assert not any(re.search(GUID, string) for string in strings)
    assert not any(string.isdigit() for string in strings if string not in ("1", "2"))
    numbered = Gate((person("X1", "2000", kind=Kind.ID_NUMBER, role="id_number"),), Policy())
    numbered.check_file(with_sound(), EXPORTER, EXPORTER.write(with_sound()), "study_pseudonymised.qdpx")


@pytest.mark.parametrize(
    "change",
    [
        in_project('name="transcribe"', 'name="Diane"'),
        in_project("<Users>", "<!-- Diane --><Users>"),
        in_project("<Project", "<!-- Diane --><Project"),
        in_project("<Users>", "Diane<Users>"),
        in_project('startPosition="', 'startPosition="Diane '),
        in_project("</Notes>", "</Notes>\n  Diane\n"),
        lambda files: {**files, "sources/Diane.txt": b""},
        lambda files: {**files, "sources/x.docx": b"\xff Diane \x00"},
    ],
)  # fmt: skip
def test_a_name_hides_nowhere(change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    data = EXPORTER.write(study())
    assert not any("Diane" in text for text in EXPORTER.read_text(data))
    assert any("Diane" in text for text in EXPORTER.read_text(rewritten(data, change)))


def test_a_zips_comments_are_read() -> None:
    out = io.BytesIO(EXPORTER.write(study()))
    with zipfile.ZipFile(out, "a") as package:
        package.comment = b"Diane"
        entry = zipfile.ZipInfo("x.txt")
        entry.comment = b"Zoe"
        package.writestr(entry, b"")
    assert {"Diane", "Zoe"} <= set(EXPORTER.read_text(out.getvalue()))


def test_each_line_of_a_source_is_one_string() -> None:
    strings = EXPORTER.read_text(EXPORTER.write(study()))
    assert "[00:01:02] Amelia: I told [partner] about Zoë & all." in strings
    assert STATEMENT in strings
    assert "sources/.txt" in strings
