import json

from transcribe.export.json_document import EXPORTER
from transcribe.schema import Kind, Line, Span, Word

from .builders import HOSTILE, conversation, line, study, transcript


def test_golden_shape() -> None:
    data = EXPORTER.write(conversation())
    document = json.loads(data)
    assert list(document) == (
        "schema recording language statement review settled_on policy dates source_digest".split()
        + "duration_s counts unclear speakers turns people variables topics made_by".split()
    )
    assert document["schema"] == "transcribe/2"
    assert document["counts"] == {"person": 2, "id_number": 1}
    assert document["speakers"] == ["Interviewer", "Amelia"]
    first = document["turns"][0]
    assert list(first) == "number speaker start_s end_s overlapped text words replaced unclear".split()
    assert first["replaced"] == [{"start": 16, "end": 24, "kind": "person"}]
    assert first["words"][0] == {"text": "How", "start_s": 2.0, "end_s": 3.0, "probability": 0.9}
    assert document["turns"][2]["overlapped"] is True
    assert data.endswith(b"}\n")
    assert b"\r" not in data


def test_people_variables_topics_and_what_made_it() -> None:
    document = json.loads(EXPORTER.write(study()[0]))
    amelia, infant = document["people"]
    assert (amelia["label"], amelia["attributes"]) == ("Amelia", {"age band": "30-39", "education": "degree"})
    assert (infant["label"], infant["relation"]) == ("", "daughter")
    assert (document["variables"], document["duration_s"]) == ({"wave": "1"}, 130.0)
    assert document["topics"] == [{"start_s": 0.0, "title": "Pregnancy"}]
    assert document["made_by"][0]["model_sha256"] == "ab" * 32


def test_kept_words_are_not_marked() -> None:
    assert "kept" not in [text for text in EXPORTER.read_text(EXPORTER.write(conversation())) if len(text) < 9]


def test_without_times_they_are_null() -> None:
    turn = json.loads(EXPORTER.write(conversation(timed=False)))["turns"][0]
    assert (turn["start_s"], turn["words"][0]["end_s"]) == (None, None)


def test_empty_transcript() -> None:
    assert json.loads(EXPORTER.write(transcript(counts=())))["turns"] == []


def test_offsets_survive_cleaning() -> None:
    said = HOSTILE + "[infant] sleeps"
    start = said.index("[infant]")
    data = EXPORTER.write(
        transcript(line(0, "Amelia", said, replaced=(Span(start=start, end=start + 8, kind=Kind.PERSON),)))
    )
    turn = json.loads(data)["turns"][0]
    span = turn["replaced"][0]
    assert turn["text"][span["start"] : span["end"]] == "[infant]"
    assert "".join(word["text"] for word in turn["words"]) == turn["text"]


def test_no_string_hides_from_the_gate() -> None:
    strings = EXPORTER.read_text(b'{"a": "one", "a": {"Diane": [["two"]]}, "words": [{"text": "Di"}, {"text": "ane"}]}')
    assert {"a", "one", "Diane", "two"} <= set(strings)
    assert strings.count("Diane") == 2  # once as a key, once from its pieces
    pieces = (Word(start_s=0, end_s=1, text="Di", probability=1), Word(start_s=1, end_s=2, text="ane", probability=1))
    split = Line(number=1, speaker="Amelia", start_s=0, end_s=2, words=pieces, replaced=(), kept=())
    assert EXPORTER.read_text(EXPORTER.write(transcript(split))).count("Diane") == 2
