"""Bad input at the command line: one clear sentence, a non-zero exit, nothing lost, and no word that identifies."""

import json
import shutil
from pathlib import Path

import pytest

from tests.study_session import PASSPHRASE, call, last_json, succeed

SECRETS = ("Gwendolen", "Trevelyan", "gwendolen-trevelyan")
ROSTER = "id,kind,role,names,relation,of,pseudonym\nP1,person,participant,Gwendolen Trevelyan;Gwen,self,P1,\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one person and no recording."""
    root = tmp_path_factory.mktemp("cli") / "study"
    succeed("new", root)
    roster = root.parent / "gwendolen-trevelyan.csv"
    roster.write_text(ROSTER)
    succeed("people", root, "import", roster)
    succeed("people", root, "list")  # an unlock seals what was done
    return root


def files(root: Path) -> dict[Path, bytes]:
    """Everything in a study."""
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def refused(*arguments: str | Path, passphrase: str | None = PASSPHRASE) -> str:
    """The one sentence that a refused command says."""
    done = call(*arguments, passphrase=passphrase)
    assert done.returncode != 0
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, done.stderr
    assert said[0].startswith("Error: ")
    assert said[0].endswith(".")
    assert not any(secret.lower() in (done.stderr + done.stdout).lower() for secret in SECRETS)
    return said[0]


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that are no recordings, named as people name files."""
    made = {
        "missing": folder / "gwendolen-trevelyan.m4a",
        "empty": folder / "gwendolen-trevelyan 1.wav",
        "text": folder / "gwendolen-trevelyan 2.mp3",
        "newline": folder / "gwendolen-trevelyan\n'\"$(id) 3.wav",
        "folder": folder / "gwendolen-trevelyan",
    }
    made["empty"].touch()
    made["text"].write_text("Gwendolen Trevelyan spoke")
    made["newline"].write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    made["folder"].mkdir()
    return made


@pytest.mark.parametrize("which", ["missing", "empty", "text", "newline", "folder"])
def test_a_file_that_is_no_recording_is_refused_and_nothing_is_kept_of_it(
    study: Path, tmp_path: Path, which: str
) -> None:
    before = files(study)
    refused("add", study, bad_files(tmp_path)[which], passphrase=None)
    assert files(study) == before


def test_a_bad_file_among_good_ones_stops_no_other(study: Path, tmp_path: Path, sample_dir: Path) -> None:
    root = shutil.copytree(study, tmp_path / "study")
    bad = bad_files(tmp_path)["empty"]
    done = call("add", root, bad, sample_dir / "sample.wav", "--json", passphrase=None)
    assert done.returncode == 5
    said = last_json(done.stdout)
    assert [one["file"] for one in said["refused"]] == [1]
    assert [one["recording"] for one in said["added"]] == ["R001"]


WRONG = {
    "not a study": ("status", "{folder}"),
    "a folder that is not empty": ("new", "{folder}"),
    "an unknown command": ("gwendolen-trevelyan",),
    "an extra argument": ("status", "{study}", "gwendolen-trevelyan.wav"),
    "an unknown option": ("status", "{study}", "--everything"),
    "an unknown recording": ("run", "{study}", "R777"),
    "an unknown recording to show": ("show", "{study}", "R777"),
    "a name in the place of an id": ("run", "{study}", "Gwendolen"),
    "a name in the place of a person's id": ("people", "{study}", "redraw", "Trevelyan"),
    "a name in the place of a model's": ("models", "path", "Gwendolen"),
    "an unknown format": ("show", "{study}", "R001", "--format", "pdf"),
    "an unknown export": ("release", "{study}", "--to", "pdf"),
    "an unknown stage": ("run", "{study}", "--again", "everything"),
    "an unknown engine": ("run", "{study}", "--asr", "sphinx"),
    "an unknown model": ("models", "path", "whisper-enormous"),
    "an unknown person": ("people", "{study}", "redraw", "P99"),
    "no action": ("people", "{study}", "import"),
    "a roster that is not there": ("people", "{study}", "import", "{folder}/gwendolen-trevelyan.csv"),
    "a roster that is no table": ("people", "{study}", "import", "{bad}"),
    "a speaker count that is none": ("add", "{study}", "{bad}", "--speakers", "two"),
    "a speaker range upside down": ("add", "{study}", "{bad}", "--speakers", "4-2"),
    "a language nobody knows": ("add", "{study}", "{bad}", "--language", "gwendolen-trevelyan"),
    "a language nobody knows, later": ("language", "{study}", "R001", "welsh"),
    "the language of an unknown recording": ("language", "{study}", "R777", "cy"),
    "nothing to release": ("release", "{study}"),
    "a reviewer who gives her name": ("settle", "{study}", "R001", "--reviewer", "Gwendolen Trevelyan"),
    "rows that are none": ("detect", "{bad}", "--out", "{folder}/out.jsonl"),
    "a transcript of an unknown kind": ("anonymise", "{bad}", "--study", "{study}"),
    "a passphrase file that is not there": ("people", "{study}", "list", "--passphrase-file", "{folder}/none"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(study: Path, tmp_path: Path, why: str) -> None:
    (tmp_path / "something").touch()
    bad = tmp_path / "gwendolen-trevelyan.rtf"
    bad.write_text("Gwendolen Trevelyan,\0\n")
    before = files(study)
    refused(*(part.format(study=study, folder=tmp_path, bad=bad) for part in WRONG[why]))
    assert files(study) == before


@pytest.mark.parametrize("passphrase", [None, "", "not the passphrase"])
def test_without_the_right_passphrase_nothing_identified_is_shown(study: Path, passphrase: str | None) -> None:
    assert "passphrase" in refused("people", study, "list", passphrase=passphrase)


def test_an_unknown_setting_is_refused_with_the_known_ones(study: Path, tmp_path: Path) -> None:
    root = shutil.copytree(study, tmp_path / "study")
    (root / "study.toml").write_text("[recognition]\nmodle = 'whisper-base'\n")
    said = refused("run", root)
    assert "recognition.modle" in said
    assert "beam_size" in said


def test_missing_weights_are_told_before_any_work(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSCRIBE_MODELS", str(tmp_path / "none"))
    assert "transcribe models fetch whisper-base" in refused("run", study)


def test_a_recording_may_have_a_language_of_its_own(study: Path, tmp_path: Path, sample_dir: Path) -> None:
    root = shutil.copytree(study, tmp_path / "study")
    succeed("add", root, sample_dir / "sample.wav", "--language", "cy", passphrase=None)
    told = last_json(succeed("language", root, "R001", "--json"))
    assert told == {"recording": "R001", "language": "cy", "chosen": True, "recognised": None, "probability": None}
    assert "R001: auto, chosen for this recording" in succeed("language", root, "R001", "auto")
    assert "R001: en, as study.toml says" in succeed("language", root, "R001", "study")


def test_every_command_says_in_json_what_it_says_in_words(study: Path) -> None:
    assert json.loads(succeed("status", study, "--json"))["recordings"] == []
    assert json.loads(succeed("people", study, "list", "--json"))["people"][0]["id"] == "P1"
    assert "id,kind,role" in json.loads(succeed("people", study, "template", "--json"))["template"]
    assert any(model["default"] for model in json.loads(succeed("models", "list", "--json"))["models"])
    failed = call("run", study, "R777", "--json")
    assert "R777" in json.loads(failed.stderr)["error"]


def test_the_template_is_a_roster_that_can_be_imported(study: Path, tmp_path: Path) -> None:
    root = shutil.copytree(study, tmp_path / "study")
    roster = tmp_path / "roster.csv"
    roster.write_text(succeed("people", root, "template"))
    assert json.loads(succeed("people", root, "import", roster, "--prefix", "w1-", "--json"))["imported"] == 6


def test_a_crash_shows_neither_message_nor_trace(study: Path, tmp_path: Path) -> None:
    """A vault that is no vault: the worst case, and still one sentence."""
    root = shutil.copytree(study, tmp_path / "study")
    (root / "private" / "vault.age").write_bytes(b"Gwendolen Trevelyan")
    assert "damaged" in refused("people", root, "list")
