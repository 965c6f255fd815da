import random
import time
import warnings
from pathlib import Path
from typing import Any

import pympi
import pytest
from hypothesis import given, settings
from lxml import etree

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export.elan import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, Span

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, study, transcript, turns

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
ORDER = ("LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE")


def by_pympi(data: bytes, folder: Path) -> Any:
    path = folder / "a.eaf"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pympi.Elan.Eaf(str(path))


def read_turns(data: bytes, folder: Path) -> list[tuple[str, str]]:
    """(participant, text) of all annotations in order of their ids, which count turns."""
    eaf = by_pympi(data, folder)
    found = {}
    for aligned, _, attributes, _ in eaf.tiers.values():
        for name, (first, last, text, _) in aligned.items():
            assert eaf.timeslots[first] < eaf.timeslots[last]
            found[int(name[1:])] = (attributes["PARTICIPANT"], text)
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


def obeys_the_schema(data: bytes) -> None:
    """The rules of EAFv3.0.xsd for the elements that we write: order, required attributes, ids and references."""
    root = etree.fromstring(data)
    assert {"AUTHOR", "DATE", "FORMAT", "VERSION"} <= set(root.attrib)
    places = [ORDER.index(child.tag) for child in root]
    assert places == sorted(places)
    assert set(root.find("HEADER").attrib) == {"MEDIA_FILE", "TIME_UNITS"}
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    ids = [*slots, *(one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION"))]
    assert len(ids) == len(set(ids)) == len(root.findall(".//TIME_SLOT")) * 3 // 2
    names = [tier.get("TIER_ID") for tier in root.iter("TIER")]
    assert len(names) == len(set(names))
    types = {one.get("LINGUISTIC_TYPE_ID") for one in root.iter("LINGUISTIC_TYPE")}
    for tier in root.iter("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        end = 0
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            assert end <= slots[one.get("TIME_SLOT_REF1")] < slots[one.get("TIME_SLOT_REF2")]
            end = slots[one.get("TIME_SLOT_REF2")]


def test_golden(tmp_path: Path) -> None:
    data = EXPORTER.write(conversation())
    eaf = by_pympi(data, tmp_path)
    assert list(eaf.get_tier_names()) == ["Interviewer", "Amelia"]
    assert eaf.get_annotation_data_for_tier("Interviewer") == [
        (2000, 7000, "How was it with [infant]?"),
        (122000, 127000, "Yes."),
    ]
    assert eaf.get_parameters_for_tier("Amelia")["PARTICIPANT"] == "Amelia"
    assert (eaf.adocument["AUTHOR"], eaf.adocument["DATE"]) == ("", "2026-03-04T00:00:00Z")
    assert (eaf.adocument["FORMAT"], eaf.adocument["VERSION"]) == ("3.0", "3.0")
    assert eaf.licenses == [(f"{STATEMENT} REVIEWED - a person has settled these replacements.", "")]
    assert ("about", "Transcript R001") in eaf.properties
    assert ("about", STATEMENT) in eaf.properties
    assert eaf.media_descriptors == []


def test_the_sound_is_named_without_a_folder_where_there_is_one(tmp_path: Path) -> None:
    data = EXPORTER.write(conversation(audio="R001_pseudonymised.wav"))
    obeys_the_schema(data)
    (media,) = by_pympi(data, tmp_path).media_descriptors
    assert dict(media) == {
        "MEDIA_URL": "./R001_pseudonymised.wav",
        "RELATIVE_MEDIA_URL": "./R001_pseudonymised.wav",
        "MIME_TYPE": "audio/x-wav",
    }
    assert b"file:" not in data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elan")


@settings(deadline=None)
@given(made=awkward_transcripts())
def test_pympi_gives_every_turn_back(folder: Path, made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    obeys_the_schema(data)
    assert read_turns(data, folder) == turns(made)


def test_turns_of_one_speaker_that_overlap_stand_in_two_tiers(tmp_path: Path) -> None:
    made = transcript(
        line(0, "Amelia", "I was", seconds=100.0),
        line(1, "Amelia", "and so", seconds=70.0),
        line(2, "Interviewer", "Mhm.", overlapped=True),
        line(2, "Amelia", "on", seconds=0.0),
        line(1, "Amelia", "third", seconds=1.0),
    )
    data = EXPORTER.write(made)
    obeys_the_schema(data)
    assert list(by_pympi(data, tmp_path).get_tier_names()) == ["Amelia", "Amelia (2)", "Amelia (3)", "Interviewer"]
    assert read_turns(data, tmp_path) == turns(made)


def test_empty_transcript_and_hostile_turns(tmp_path: Path) -> None:
    obeys_the_schema(EXPORTER.write(transcript(counts=())))
    made = transcript(line(0, "A & <B>", HOSTILE), line(1, "", ""))
    data = EXPORTER.write(made)
    obeys_the_schema(data)
    assert read_turns(data, tmp_path) == [turns(made)[0], ("-", "")]


def test_without_times_or_date_it_refuses() -> None:
    with pytest.raises(EngineError, match=r"R001.*elan needs times"):
        EXPORTER.write(conversation(timed=False))
    with pytest.raises(EngineError, match="date of settling"):
        EXPORTER.write(transcript(settled_on="yesterday"))


@pytest.mark.parametrize(
    "bad", [transcript(line(0, "Karen", "Yes.")), transcript(line(0, "Amelia", "Yes."), recording_id="Karen01")]
)
def test_the_gate_finds_a_name_in_a_label_or_id(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised.eaf")


@pytest.mark.parametrize(
    ("old", "new"),
    [('AUTHOR=""', 'AUTHOR="Karen"'), ("Grace is", "Karen is"), ('PARTICIPANT="Amelia"', 'PARTICIPANT="Karen"'),
     ('TIER_ID="Amelia"', 'TIER_ID="Karen (2)"'), ('LICENSE_URL=""', 'LICENSE_URL="http://karen.org"'),
     ('MEDIA_FILE=""', 'MEDIA_FILE="file:///C:/Karen.wav"'), ("<TIME_ORDER>", "<TIME_ORDER><!-- Karen -->"),
     ("<ANNOTATION_DOCUMENT", "<!-- Karen --><ANNOTATION_DOCUMENT"), ('NAME="about"', 'NAME="Karen"'),
     ("fine word", "fine K&#97;ren"), ("fine word", "fine Ka<x/>ren")],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_file_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised.eaf")
    assert old.encode() in data
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode(), 1), "R001_pseudonymised.eaf")


def test_pseudonyms_and_kept_words_that_are_names_elsewhere_pass() -> None:
    gate = Gate((person("P1", "Grace", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Zoë")), Policy())
    made = transcript(
        line(0, "Amelia", "so Amelia came", replaced=(Span(start=3, end=9, kind=Kind.PERSON),), seconds=90.0),
        line(1, "Amelia", "Grace is", kept=(Span(start=0, end=5, kind=None),)),
    )
    gate.check_file((made,), EXPORTER, EXPORTER.write(made), "R001")


def test_a_broken_file_is_noticed(tmp_path: Path) -> None:
    data = EXPORTER.write(study()[0])
    with pytest.raises(AssertionError):
        obeys_the_schema(data.replace(b'TIME_VALUE="7000"', b'TIME_VALUE="1"'))
    with pytest.raises(Exception, match="Unable to parse eaf"):
        by_pympi(data.replace(b"[infant]", b"<infant>"), tmp_path)


def test_two_hours_are_written_and_read_in_no_time() -> None:
    rng = random.Random(4)
    said = [" ".join(rng.choices("well so she slept & [infant] cried.".split(), k=13)) for _ in range(1500)]
    made = transcript(*(line(n, "Amelia" if n % 2 else "Interviewer", text) for n, text in enumerate(said)))
    start = time.perf_counter()
    assert len(EXPORTER.read_text(EXPORTER.write(made))) > 1500
    assert time.perf_counter() - start < 3.0
