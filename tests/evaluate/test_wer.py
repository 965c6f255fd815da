"""Word errors: counts by hand, normalised as Whisper's paper does, added before the rate."""

import json
import math
from pathlib import Path

import pytest

from tests.study_session import call, last_json, succeed
from transcribe.evaluate.wer import ErrorCounts, normalised, word_errors


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("she slept well", "she slept well", (0, 0, 0, 3)),
        ("my name is Karen", "my name was Karen", (1, 0, 0, 4)),
        ("she slept all night", "she slept night", (0, 1, 0, 4)),
        ("she slept", "yes she slept", (0, 0, 1, 2)),
        ("Mister Jamieson liked the colour", "mr. jamieson liked the color", (0, 0, 0, 5)),
        ("she, um, cried", "She cried!", (0, 0, 0, 2)),
        ("", "thank you", (0, 0, 2, 0)),
        ("[noise]", "thank you", (0, 0, 2, 0)),
        ("thank you", "", (0, 2, 0, 2)),
        ("", "", (0, 0, 0, 0)),
    ],
)
def test_errors_are_counted(said: str, heard: str, expected: tuple[int, int, int, int]) -> None:
    counts = word_errors(said, heard)
    assert (counts.substitutions, counts.deletions, counts.insertions, counts.words) == expected


def test_counts_add_and_the_rate_comes_last() -> None:
    short = word_errors("yes", "no")
    long = word_errors("she slept all night and so did he", "she slept all night and so did he")
    total = sum((short, long), ErrorCounts())
    assert short.rate == 1.0
    assert long.rate == 0.0
    assert total.rate == pytest.approx(total.errors / total.words)
    assert total.rate < (short.rate + long.rate) / 2


def test_words_out_of_nothing_are_infinitely_wrong() -> None:
    assert word_errors("", "thank you").rate == math.inf
    assert ErrorCounts().rate == 0.0


def test_normalised_text_is_words_and_single_spaces() -> None:
    assert normalised("  Twenty-one  [noise]\n(laughs) um, colours. ") == "21 colors"
    assert normalised(" um ") == ""


def test_the_command_adds_counts_over_files(tmp_path: Path) -> None:
    said, heard = tmp_path / "ref", tmp_path / "hyp"
    for folder, second in ((said, "she slept all night"), (heard, "she wept night")):
        folder.mkdir()
        (folder / "R001.stm").write_text("r1 1 A 0 2 my name is Karen\nr1 1 B 2 3 yes\n")
        (folder / "R002.stm").write_text(f"r2 1 A 0 2 {second}\n")
    made = [{"model": "whisper-base", "model_sha256": "ab12"}]
    turns = [{"speaker": "S1", "start_s": 0.0, "end_s": 3.0, "text": "My name is Karen. Yes."}]
    (heard / "R001.stm").unlink()
    (heard / "R001.json").write_text(json.dumps({"schema": "transcribe/1", "made_by": made, "turns": turns}))
    told = last_json(succeed("evaluate", "wer", said, heard, "--json"))
    assert [told[name] for name in ("substitutions", "deletions", "insertions", "words")] == [1, 1, 0, 9]
    assert told["wer"] == pytest.approx(2 / 9)
    assert [(one["name"], one["errors"], one["words"]) for one in told["files"]] == [("R001", 0, 5), ("R002", 2, 4)]
    assert told["data_set"]["files"] == 2
    assert len(told["data_set"]["sha256"]) == 64
    assert told["models"] == [{"model": "whisper-base", "sha256": "ab12"}]
    assert told["machine"]["cores"] >= 1
    assert "commit" in told
    shown = succeed("evaluate", "wer", said, heard)
    assert "22.22 %" in shown
    assert "whisper-base ab12" in shown
    assert "Karen" not in shown


def test_the_command_refuses_what_has_no_words_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "Orla.rttm").write_text("SPEAKER x 1 0 2 <NA> <NA> Orla <NA> <NA>\n")
    (tmp_path / "Orla.json").write_text("{Orla")
    for reference, hypothesis in (("Orla.rttm", "Orla.rttm"), ("Orla.json", "Orla.json"), ("none.stm", "Orla.json")):
        for measure in ("wer", "cpwer"):
            done = call("evaluate", measure, tmp_path / reference, tmp_path / hypothesis)
            assert done.returncode == 2
            assert done.stdout == ""
            assert done.stderr.startswith("Error: ")
            assert done.stderr.count("\n") == 1
            assert "Orla" not in done.stderr


def test_words_where_nothing_was_said_have_no_rate_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "ref.stm").write_text("")
    (tmp_path / "hyp.stm").write_text("r1 1 A 0 1 thank you\n")
    told = last_json(succeed("evaluate", "wer", tmp_path / "ref.stm", tmp_path / "hyp.stm", "--json"))
    assert (told["wer"], told["insertions"], told["words"]) == (None, 2, 0)
