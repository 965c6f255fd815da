"""Word errors by speaker: what a swap, a word in the wrong mouth and a missing speaker cost."""

import math
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.study_session import call, last_json, succeed
from transcribe.errors import StudyError
from transcribe.evaluate.cpwer import SpeakerErrors, speaker_errors
from transcribe.evaluate.wer import word_errors

if find_spec("meeteval") is None:
    pytestmark = pytest.mark.system("meeteval")

SAID = {"nurse": "how did she sleep last week", "mother": "she slept all night"}
# name: (hypothesis, (substitutions, deletions, insertions), (assigned, missed, invented))
CASES = {
    "the same": (SAID, (0, 0, 0), (2, 0, 0)),
    "labels renamed and swapped": (
        {"mother": "how did she sleep last week", "nurse": "she slept all night"}, (0, 0, 0), (2, 0, 0)
    ),
    "labels nobody knows": ({"S1": "she slept all night", "S2": "How did she sleep last week?"}, (0, 0, 0), (2, 0, 0)),
    "a word of one given to the other": (
        {"S1": "how did she sleep last", "S2": "week she slept all night"}, (0, 1, 1), (2, 0, 0)
    ),
    "a wrong word": ({"S1": "how did she sleep last week", "S2": "she wept all night"}, (1, 0, 0), (2, 0, 0)),
    "one voice for both": ({"S1": "how did she sleep last week she slept all night"}, (0, 4, 4), (1, 1, 0)),
    "a third voice": (
        {"S1": "how did she sleep", "S2": "she slept all night", "S3": "last week"}, (0, 2, 2), (2, 0, 1)
    ),
    "a speaker who says no word is none": ({**SAID, "S3": "um", "S4": ""}, (0, 0, 0), (2, 0, 0)),
    "nobody": ({}, (0, 10, 0), (0, 2, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_counts_errors_and_speakers(case: str) -> None:
    hypothesis, errors, speakers = CASES[case]
    found = speaker_errors(SAID, hypothesis)
    assert (found.errors.substitutions, found.errors.deletions, found.errors.insertions) == errors
    assert (found.assigned, found.missed, found.invented) == speakers
    assert found.errors.words == 10
    assert found.rate == pytest.approx(sum(errors) / 10)


def test_a_word_given_to_the_wrong_speaker_costs_nothing_in_wer_and_two_here() -> None:
    heard = {"S1": "how did she sleep last", "S2": "week she slept all night"}
    assert word_errors(" ".join(SAID.values()), " ".join(heard.values())).errors == 0
    assert speaker_errors(SAID, heard).errors.errors == 2


def test_words_of_nobody() -> None:
    nothing = speaker_errors({}, {})
    assert (nothing.rate, nothing.assigned) == (0.0, 0)
    invented = speaker_errors({"nurse": "um"}, {"S1": "thank you"})
    assert (invented.errors.insertions, invented.invented) == (2, 1)
    assert math.isinf(invented.rate)


def test_counts_add_and_rates_do_not() -> None:
    good, bad = speaker_errors(SAID, SAID), speaker_errors({"a": "yes"}, {"S1": "no", "S2": "no"})
    total = sum((good, bad), SpeakerErrors())
    assert (total.errors.errors, total.errors.words) == (bad.errors.errors, 11)
    assert (total.assigned, total.missed, total.invented) == (3, 0, 1)
    assert total.rate == pytest.approx(2 / 11)


def test_more_speakers_than_meeteval_takes_are_one_sentence() -> None:
    many = {f"S{n}": "yes" for n in range(21)}
    with pytest.raises(StudyError, match="more than 20 speakers"):
        speaker_errors(SAID, many)
    assert speaker_errors({**dict(list(many.items())[:20])}, dict(list(many.items())[:20])).assigned == 20


def test_says_what_to_do_without_meeteval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeteval.wer", None)
    with pytest.raises(StudyError, match="meeteval is not installed"):
        speaker_errors(SAID, SAID)


def test_the_command_tells_errors_and_how_speakers_were_matched(tmp_path: Path) -> None:
    (tmp_path / "ref.stm").write_text("r1 1 A 0 2 how did she sleep last week\nr1 1 B 2 3 she slept all night\n")
    (tmp_path / "hyp.stm").write_text("r1 1 B 0 2 how did she sleep last\nr1 1 A 2 3 week she slept all night\n")
    told = last_json(succeed("evaluate", "cpwer", tmp_path / "ref.stm", tmp_path / "hyp.stm", "--json"))
    assert (told["errors"], told["words"], told["cpwer"]) == (2, 10, 0.2)
    assert [told[f"speakers_{name}"] for name in ("assigned", "missed", "invented")] == [2, 0, 0]
    assert told["low"] is None  # one file does not tell how files differ
    done = call("evaluate", "cpwer", tmp_path / "ref.stm", tmp_path / "hyp.stm")
    assert (done.returncode, done.stderr) == (0, "")
    assert "20.00 %" in done.stdout
