"""people.csv and sample.csv: what an analyst needs, and no cell that stands for one or two people."""

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.export.builders import line, study, transcript
from transcribe import casebook
from transcribe.schema import AnonymisedTranscript, Case, Kind, Span


def rows(data: bytes | None) -> list[dict[str, str]]:
    assert data is not None
    return list(csv.DictReader(io.StringIO(data.decode())))


def interview(number: int, **attributes: str) -> AnonymisedTranscript:
    name = f"Name {number}"
    case = Case(
        key=f"{number:064d}",
        kind=Kind.PERSON,
        name=name,
        role="participant",
        label=name,
        attributes=tuple(attributes.items()),
    )
    return transcript(line(1, case.label, "Well."), recording_id=f"R{number:03d}", cases=(case,))


def test_people_are_counted_over_recordings() -> None:
    first, second = study()
    said = replace(first.lines[0], replaced=(Span(start=16, end=24, kind=Kind.PERSON, case="b2" * 32),))
    amelia, infant = rows(casebook.people((replace(first, lines=(said, *first.lines[1:])), second)))
    assert amelia == {
        "pseudonym": "Amelia", "kind": "person", "role": "participant", "relation": "", "recordings": "R001 R002",
        "speaks in": "R001 R002", "turns": "2", "words": "12", "mentions": "0",
    }  # fmt: skip
    assert (infant["pseudonym"], infant["relation"], infant["recordings"]) == ("Infant", "daughter", "R001")
    assert (infant["speaks in"], infant["words"], infant["mentions"]) == ("", "0", "1")


def test_written_pauses_are_no_words() -> None:
    said = line(1, "Name 1", "(.) Yes, (non-speech, 12.4 s) (3.2 s) I (..) think.")
    (row,) = rows(casebook.people((replace(interview(1), lines=(said,)),)))
    assert row["words"] == "3"


def test_no_attributes_no_sample() -> None:
    assert casebook.sample([interview(n) for n in range(5)]) is None


def test_sample_counts_each_participant_once_and_hides_small_cells() -> None:
    bands = ["20-29"] * 4 + ["30-39"] * 5 + ["40-49"]
    made = [interview(n, age=band) for n, band in enumerate(bands)]
    told = rows(casebook.sample([*made, made[0]]))
    assert told[0] == {"attribute": "participants", "value": "all", "participants": "10", "percent": "100"}
    counts = {row["value"]: row["participants"] for row in told[1:]}
    # the one of 40-49 cannot be had from the total either
    assert counts == {"30-39": "5", "other": "5"}


def test_fewer_than_three_participants_have_no_sample() -> None:
    assert casebook.sample([interview(n, age="30-39") for n in range(2)]) is None


def test_who_has_no_value_is_counted_as_not_known() -> None:
    told = rows(casebook.sample([*(interview(n, age="30-39") for n in range(3)), *(interview(n) for n in range(3, 6))]))
    assert {row["value"]: row["participants"] for row in told[1:]} == {"30-39": "3", "not known": "3"}


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 9), min_size=1, max_size=6))
def test_no_cell_is_small_and_nobody_is_lost(counts: dict[str, int]) -> None:
    shown = casebook.recoded(counts)
    assert sum(count for _, count in shown) == sum(counts.values())
    assert sum(counts.values()) < casebook.SMALLEST or all(count >= casebook.SMALLEST for _, count in shown)
    assert all(counts[value] == count for value, count in shown if value != casebook.OTHER)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 6), min_size=2, max_size=4))
def test_what_is_shown_tells_no_small_count(counts: dict[str, int]) -> None:
    """Whatever is hidden could have been otherwise: which values there are besides those shown is not told."""
    shown = dict(casebook.recoded(counts))
    hidden = [value for value in counts if value not in shown]
    assert not hidden or shown[casebook.OTHER] >= min(casebook.SMALLEST, sum(counts.values()))
    assert not any(count < casebook.SMALLEST for value, count in counts.items() if value not in hidden)
