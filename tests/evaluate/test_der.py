"""Diarisation errors: known cases, sums, and RTTM there and back."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.study_session import call, last_json, succeed
from transcribe.evaluate.der import DiarisationErrors, diarisation_errors, read_rttm, write_rttm
from transcribe.schema import Turn


def turns(*rows: tuple[float, float, str]) -> tuple[Turn, ...]:
    return tuple(Turn(start_s=start_s, end_s=end_s, speaker=speaker) for start_s, end_s, speaker in rows)


TRUTH = turns((0, 10, "a"), (10, 20, "b"))
# name: (hypothesis, false alarm, missed, confusion), all in seconds
CASES = {
    "other labels, same turns": (turns((0, 10, "S2"), (10, 20, "S1")), 0, 0, 0),
    "the border moved": (turns((0, 12, "S1"), (12, 20, "S2")), 0, 0, 2),
    "one voice for both": (turns((0, 20, "S1")), 0, 0, 10),
    "nobody heard": ((), 0, 20, 0),
    "speech after the end": (turns((0, 10, "S1"), (10, 25, "S2")), 5, 0, 0),
    "a third voice": (turns((0, 10, "S1"), (10, 15, "S2"), (15, 20, "S3")), 0, 0, 5),
    "overlap that is none": (turns((0, 10, "S1"), (8, 20, "S2")), 2, 0, 0),
    "no collar: 100 ms counts": (turns((0, 9.9, "S1"), (10, 20, "S2")), 0, 0.1, 0),
    "an empty turn": (turns((0, 10, "S1"), (10, 20, "S2"), (30, 30, "S3")), 0, 0, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_counts_errors(case: str) -> None:
    hypothesis, *expected = CASES[case]
    errors = diarisation_errors(TRUTH, hypothesis)
    assert [errors.false_alarm_s, errors.missed_s, errors.confusion_s] == pytest.approx(expected)
    assert errors.total_s == pytest.approx(20)
    assert errors.rate == pytest.approx(sum(expected) / 20)


def test_missed_overlap_counts() -> None:
    errors = diarisation_errors(turns((0, 10, "a"), (5, 10, "b")), turns((0, 10, "S1")))
    assert (errors.missed_s, errors.total_s) == pytest.approx((5, 15))


def test_a_speaker_whose_turns_overlap_speaks_once() -> None:
    errors = diarisation_errors(turns((0, 10, "a"), (5, 15, "a")), turns((0, 15, "S1"), (3, 4, "S1")))
    assert (errors.false_alarm_s, errors.missed_s, errors.total_s) == pytest.approx((0, 0, 15))


def test_counts_add_and_rates_do_not() -> None:
    good = DiarisationErrors(false_alarm_s=0, missed_s=0, confusion_s=1, total_s=99)
    bad = DiarisationErrors(false_alarm_s=1, missed_s=0, confusion_s=0, total_s=1)
    assert (good + bad).rate == pytest.approx(0.02)


def test_without_speech() -> None:
    assert diarisation_errors((), ()).rate == 0
    assert math.isinf(diarisation_errors((), TRUTH).rate)


def test_reads_the_call(sample_dir: Path) -> None:
    call = read_rttm((sample_dir / "sample.rttm").read_text())
    assert len(call) == 10
    assert {turn.speaker for turn in call} == {"speaker90", "speaker91"}
    assert diarisation_errors(call, call).rate == 0


def test_passes_over_other_lines() -> None:
    text = ";; comment\nSPKR-INFO x 1 <NA> <NA> <NA> unknown a <NA> <NA>\n\nSPEAKER x 1 1.5 2 <NA> <NA> a <NA> <NA>\n"
    assert read_rttm(text) == turns((1.5, 3.5, "a"))


@pytest.mark.parametrize(
    "line",
    [
        "SPEAKER x 1 1.0",
        "SPEAKER x 1 one 2 <NA> <NA> a <NA> <NA>",
        "SPEAKER x 1 1 -2 <NA> <NA> a <NA> <NA>",
        "SPEAKER x 1 nan 2 <NA> <NA> a <NA> <NA>",
        "SPEAKER x 1 1 inf <NA> <NA> a <NA> <NA>",
    ],
)
def test_names_a_broken_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_rttm(f"\n{line}\n")


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**6), st.sampled_from(["S1", "S2"])), max_size=20))
def test_rttm_round_trip(rows: list[tuple[int, int, str]]) -> None:
    made = turns(*sorted((start / 1000, (start + length) / 1000, speaker) for start, length, speaker in rows))
    back = read_rttm(write_rttm("R001", made))
    assert len(back) == len(made)
    for was, now in zip(made, back, strict=True):
        assert (now.start_s, now.end_s) == pytest.approx((was.start_s, was.end_s), abs=1e-6)
    assert sorted(turn.speaker for turn in back) == sorted(turn.speaker for turn in made)


def test_the_command_adds_seconds_over_files(tmp_path: Path) -> None:
    said, heard = tmp_path / "ref", tmp_path / "hyp"
    for folder, rows in ((said, [TRUTH, TRUTH]), (heard, [TRUTH, CASES["the border moved"][0]])):
        folder.mkdir()
        for name, row in zip(("R001", "R002"), rows, strict=True):
            (folder / f"{name}.rttm").write_text(write_rttm(name, row))
    told = last_json(succeed("evaluate", "der", said, heard, "--json"))
    assert (told["false_alarm_s"], told["missed_s"], told["confusion_s"], told["total_s"]) == (0, 0, 2, 40)
    assert told["der"] == pytest.approx(0.05)
    assert [(one["name"], one["der"]) for one in told["files"]] == [("R001", 0), ("R002", pytest.approx(0.1))]
    assert "5.00 %" in succeed("evaluate", "der", said, heard)
    assert last_json(succeed("evaluate", "der", said, said, "--json"))["der"] == 0


def test_the_command_says_what_it_cannot_score(tmp_path: Path, sample_dir: Path) -> None:
    (tmp_path / "Orla.rttm").write_text("SPEAKER x 1 5 -1 <NA> <NA> Orla <NA> <NA>\n")
    (tmp_path / "Orla.json").write_text('{"turns": [{"speaker": "Orla", "start": null, "end": null, "text": "yes"}]}')
    for name, why in (("Orla.rttm", "RTTM line 1"), ("Orla.json", "no times")):
        done = call("evaluate", "der", sample_dir / "sample.rttm", tmp_path / name)
        assert done.returncode == 2
        assert why in done.stderr
        assert done.stderr.count("\n") == 1
        assert "Orla" not in done.stderr
