"""Which turns a release changes."""

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.export.builders import line, transcript
from transcribe import changes
from transcribe.schema import AnonymisedTranscript
from transcribe.vault import Vault

VAULT = Vault(hmac_key="ab" * 32)


def said(*texts: str) -> AnonymisedTranscript:
    return transcript(*(line(number, "Amelia", text) for number, text in enumerate(texts, 1)))


def between(before: AnonymisedTranscript, now: AnonymisedTranscript) -> list[tuple[str, int]]:
    return [(c.what, c.turn) for c in changes.between(changes.turns(VAULT, before, 3), VAULT, now)]


def test_equal_text_is_no_change_though_its_clock_moved() -> None:
    now = said("One.", "Two.")
    assert between(now, replace(now, lines=tuple(replace(one, start_s=one.start_s + 1) for one in now.lines))) == []


def test_changed_added_and_removed_turns() -> None:
    before = said("One.", "Two.", "Three.", "Four.")
    assert between(before, said("One.", "Two [infant].", "Three.", "Four.")) == [("changed", 2)]
    assert between(before, said("One.", "Two.", "And.", "Three.", "Four.")) == [("added", 3)]
    assert between(before, said("One.", "Three.", "Four.")) == [("removed", 2)]
    assert between(before, said("One.", "X.", "Four.")) == [("changed", 2), ("removed", 3)]
    assert between(before, said("One.", "X.", "Y.", "Z.", "Four.")) == [("changed", 2), ("changed", 3), ("added", 4)]


def test_another_speaker_is_a_change() -> None:
    before = said("One.")
    assert between(before, transcript(line(1, "Interviewer", "One."))) == [("changed", 1)]


def test_the_table_names_places_and_no_words() -> None:
    found = changes.between(changes.turns(VAULT, said("Dave came."), 3), VAULT, said("[partner] came."))
    (row,) = csv.DictReader(io.StringIO(changes.table(found).decode()))
    assert row == {"recording": "R001", "since release": "003", "change": "changed", "turn": "1", "start": "00:01:02"}


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_turns_that_are_not_listed_read_as_before(before: list[str], now: list[str]) -> None:
    found = between(said(*before), said(*now))
    new = [text for number, text in enumerate(now, 1) if not any(t == number and w != "removed" for w, t in found)]
    changed = sum(what == "changed" for what, _ in found)
    removed = sum(what == "removed" for what, _ in found)
    assert len(before) - changed - removed == len(new)
    rest = iter(before)
    assert all(text in rest for text in new)  # in their order
