"""The two commands of evaluation, as they are typed. All names are invented."""

import json
from pathlib import Path

from tests.evaluate.test_leaks import gold, released
from tests.study_session import call, last_json, succeed


def test_pii_prints_counts_and_intervals(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"id": "1", "text": "Orla left", "spans": [[0, 4, "PERSON"]]}\n')
    (tmp_path / "found.jsonl").write_text('{"id": "1", "spans": [[0, 4, "person"]]}\n')
    told = last_json(succeed("evaluate", "pii", tmp_path / "gold.jsonl", tmp_path / "found.jsonl", "--json"))
    (recall,) = [r for r in told["kinds"]["person"] if r["name"] == "recall"]
    assert (recall["count"], recall["of"], recall["rate"], recall["high"]) == (1, 1, 1.0, 1.0)
    assert "95 % interval" in succeed("evaluate", "pii", tmp_path / "gold.jsonl", tmp_path / "found.jsonl")


def test_leaks_tells_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "gold.json").write_text(json.dumps(gold(("then", None), ("Aoibhra", "parent"))))
    (tmp_path / "out.json").write_text(json.dumps(released(("then", 0, 0.8, False), ("Eevra", 1, 1.8, False))))
    (tmp_path / "roster.csv").write_text("id,kind,role,names\nP1,person,participant,Aoibhra\n")
    told = last_json(
        succeed("evaluate", "leaks", tmp_path / "gold.json", tmp_path / "out.json", "--roster", tmp_path / "roster.csv",
                "--json")
    )  # fmt: skip
    (people,) = [r for r in told["rates"] if r["name"] == "roster people readable"]
    assert (people["count"], people["of"]) == (1, 1)


def test_files_that_are_something_else_get_one_sentence_without_a_word_of_them(tmp_path: Path) -> None:
    (tmp_path / "Orla.jsonl").write_text('{"id": "Orla"}\n')
    for arguments in (("pii", tmp_path / "Orla.jsonl", tmp_path / "Orla.jsonl"),
                      ("leaks", tmp_path / "Orla.jsonl", tmp_path / "Orla.jsonl"),
                      ("leaks", tmp_path / "nothing", tmp_path / "Orla.jsonl")):  # fmt: skip
        done = call("evaluate", *arguments)
        assert done.returncode == 2
        assert "Orla" not in done.stderr
        assert done.stderr.startswith("Error: ")
        assert "Traceback" not in done.stderr


def test_pii_names_labels_that_it_does_not_score(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"id": "1", "text": "Orla left", "spans": [[0, 4, "NAME"]]}\n')
    (tmp_path / "found.jsonl").write_text('{"id": "1", "spans": []}\n')
    assert last_json(succeed("evaluate", "pii", tmp_path / "gold.jsonl", tmp_path / "found.jsonl", "--json"))[
        "unscored"
    ] == {"NAME": 1}
    assert "NAME" in succeed("evaluate", "pii", tmp_path / "gold.jsonl", tmp_path / "found.jsonl")


def test_leaks_tells_of_names_that_stand_elsewhere(tmp_path: Path) -> None:
    words = [("[parent]", 1.0, 1.8, True), ("Aoibhra", 30.0, 30.8, False)]
    (tmp_path / "gold.json").write_text(json.dumps(gold(("then", None), ("Aoibhra", "parent"))))
    (tmp_path / "out.json").write_text(json.dumps(released(("then", 0, 0.8, False), *words)))
    told = succeed("evaluate", "leaks", tmp_path / "gold.json", tmp_path / "out.json").splitlines()
    (line,) = [line for line in told if "where nobody said them" in line]
    assert line.split()[-1].strip("│|") == "1" or " 1" in line
