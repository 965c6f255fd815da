import csv
import io
import re

import pandas
import pytest
from hypothesis import given, settings

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export.csv_table import COLUMNS, EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Case, Kind, ReviewState, Span

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, study, transcript, turns

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
GOLDEN = (
    "\ufeffrecording,turn,start,end,start_s,end_s,speaker,role,overlapped,text,review,statement\r\n"
    "R001,0,00:00:02.000,00:00:07.000,2.000,7.000,Interviewer,,no,How was it with [infant]?,"
    f'REVIEWED - a person has settled these replacements.,"{STATEMENT}"\r\n'
)
FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"


def unguarded(cell: str) -> str:
    return re.sub(r"^'(?='*[=+\-@\uff1d\uff0b\uff0d\uff20])", "", cell)


def rows(data: bytes) -> list[dict[str, str]]:
    """The rows as the standard library reads them; no cell is a formula."""
    table = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    for row in table:
        assert list(row) == COLUMNS
        assert not any(cell.startswith(tuple(FORMULA)) for cell in row.values())
    return table


def read_turns(data: bytes) -> list[tuple[str, str]]:
    return [(unguarded(row["speaker"]), unguarded(row["text"])) for row in rows(data)]


def test_golden() -> None:
    data = EXPORTER.write(conversation())
    assert data.decode().startswith(GOLDEN)
    assert data.count(b"\r\n") == 4
    assert [row["overlapped"] for row in rows(data)] == ["no", "no", "yes"]


def test_pandas_reads_it() -> None:
    data = EXPORTER.write(study()[0])
    frame = pandas.read_csv(io.BytesIO(data), encoding="utf-8-sig", keep_default_na=False)
    assert list(frame.columns) == COLUMNS
    assert list(frame["start_s"]) == [2.0, 62.0, 122.0]
    assert list(frame["speaker"]) == ["Interviewer", "Amelia", "Interviewer"]
    assert list(frame["role"]) == ["", "participant", ""]
    assert set(frame["statement"]) == {STATEMENT}
    assert pandas.read_csv(io.BytesIO(data)).columns[0] == "recording"


@settings(deadline=None)
@given(awkward_transcripts())
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    if made.lines:
        assert read_turns(data) == turns(made)
        frame = pandas.read_csv(io.BytesIO(data), encoding="utf-8-sig", keep_default_na=False, dtype=str)
        assert [unguarded(text) for text in frame["text"]] == [text for _, text in turns(made)]
    said = {text for turn in turns(made) for text in turn if text}
    assert said <= set(EXPORTER.read_text(data))


@pytest.mark.parametrize(
    "text", ["=1+1", "+44", "-so", "@me", "\t=x", "'=x", "''-x", "'cause", "\uff1dx", "'", HOSTILE]
)
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    made = transcript(line(0, text, text), recording_id="R001")
    assert read_turns(EXPORTER.write(made)) == turns(made)
    rows(EXPORTER.write(transcript(line(0, "Amelia", "x"), statement=text)))
    assert (text == "'cause") == (b",'cause," in EXPORTER.write(made))


def test_without_times_their_cells_are_empty() -> None:
    (first, *_) = rows(EXPORTER.write(conversation(timed=False)))
    assert [first[name] for name in ("start", "end", "start_s", "end_s")] == [""] * 4
    assert first["text"] == "How was it with [infant]?"


def test_an_empty_transcript_has_one_row_without_a_turn() -> None:
    (row,) = rows(EXPORTER.write(transcript(review=ReviewState.UNREVIEWED)))
    assert (row["recording"], row["turn"], row["text"], row["statement"]) == ("R001", "", "", STATEMENT)
    assert row["review"].startswith("UNREVIEWED")


def test_a_turn_of_30_000_words_is_one_cell() -> None:
    made = transcript(line(0, "Amelia", 'so "well" ' * 15_000, seconds=9000.0))
    assert turns(made)[0][1] in EXPORTER.read_text(EXPORTER.write(made))


def karen(**fields: str) -> tuple[Case, ...]:
    return (Case(**{"key": "a1", "kind": Kind.PERSON, "name": "Amelia", "role": "x", "label": "Amelia", **fields}),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        transcript(line(0, "Karen", "Yes.")),
        transcript(line(0, "Amelia", "Yes."), recording_id="Karen01"),
        transcript(line(0, "Amelia", "Yes."), cases=karen(role="sister of Karen")),
    ],
)
def test_the_gate_finds_a_name_in_a_label_id_or_role(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised.csv")


@pytest.mark.parametrize(
    ("old", "new"),
    [("Grace is", "Karen is"), ("Grace is a fine word.", '"so, ""Karen"" is"'), ("recording,", "Karen,"),
     (",no,", ",Karen,"), (STATEMENT, "Karen"), ("R001,0", "R001,=Karen")],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_file_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised.csv")
    assert old.encode() in data
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode(), 1), "R001_pseudonymised.csv")


def test_guarded_kept_words_and_pseudonyms_that_are_names_elsewhere_pass() -> None:
    gate = Gate((person("P1", "Grace", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Zoë")), Policy())
    made = transcript(
        line(0, "Amelia", "-Amelia came", replaced=(Span(start=1, end=7, kind=Kind.PERSON),)),
        line(1, "Amelia", "Grace is", kept=(Span(start=0, end=5, kind=None),)),
    )
    gate.check_file((made,), EXPORTER, EXPORTER.write(made), "R001")


def test_a_broken_file_is_noticed() -> None:
    made = conversation()
    data = EXPORTER.write(made)
    with pytest.raises((AssertionError, csv.Error)):
        rows(data.replace(b"Grace is", b"Grace, is"))
    with pytest.raises(AssertionError):
        rows(data.replace(b"Grace is", b"=Grace is"))
