"""people.csv and sample.csv: what an analyst needs, and no cell that stands for one or two people."""

import csv
import io
from dataclasses import replace
from itertools import product

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


def test_no_attributes_no_sample() -> None:
    assert casebook.sample([interview(n) for n in range(5)]) is None


def test_sample_counts_each_participant_once_and_hides_small_cells() -> None:
    bands = ["20-29"] * 4 + ["30-39"] * 5 + ["40-49"]
    made = [interview(n, age=band) for n, band in enumerate(bands)]
    told = rows(casebook.sample([*made, made[0]]))
    assert told[0] == {"attribute": "participants", "value": "all", "participants": "10", "percent": "100"}
    counts = {row["value"]: row["participants"] for row in told[1:]}
    # the one of 40-49 cannot be had from the total either
    assert counts == {"20-29": "suppressed", "30-39": "5", "40-49": "suppressed"}


def test_who_has_no_value_is_counted_as_not_known() -> None:
    told = rows(casebook.sample([*(interview(n, age="30-39") for n in range(3)), *(interview(n) for n in range(3, 6))]))
    assert {row["value"]: row["participants"] for row in told[1:]} == {"30-39": "3", "not known": "3"}


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 9), min_size=1, max_size=5))
def test_what_is_hidden_stays_hidden(counts: dict[str, int]) -> None:
    hidden = casebook.to_suppress(counts)
    assert {value for value, count in counts.items() if count < casebook.SMALLEST} <= hidden
    if not hidden or len(counts) == 1:
        return
    # every way to fill the hidden cells with the sum that the total tells; a cell that is the same in all is known
    values = sorted(hidden)
    total = sum(counts[value] for value in values)
    ways = [way for way in product(range(1, total + 1), repeat=len(values)) if sum(way) == total]
    known = [value for place, value in enumerate(values) if len({way[place] for way in ways}) == 1]
    assert not known or hidden == set(counts)
