"""Passphrases and keys at the command line, with real ones, in processes of their own."""

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.study_session import PASSPHRASE, call, last_json, succeed

LATTER = "lichen tram kettle quince"
ROSTER = "id,kind,role,names,relation,of,pseudonym\nP1,person,participant,Gwendolen Trevelyan,self,P1,\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one person, and its recovery key beside it."""
    root = tmp_path_factory.mktemp("keys") / "study"
    told = last_json(succeed("new", root, "--json"))
    (root.parent / "recovery.txt").write_text(told["recovery_key"])
    (root.parent / "roster.csv").write_text(ROSTER)
    succeed("people", root, "import", root.parent / "roster.csv")
    return root


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "study")


def recovery_key(made: Path) -> str:
    """It opens the study without the seconds of its passphrase."""
    return (made.parent / "recovery.txt").read_text()


def opens(root: Path, passphrase: str | None, *options: str | Path) -> bool:
    done = call("people", root, "list", *options, passphrase=passphrase)
    assert done.returncode in (0, 3), done.stderr
    assert ("Gwendolen" in done.stdout) == (done.returncode == 0)
    return done.returncode == 0


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("weak", ["", "password1", "gwendolen"])
def test_no_study_is_made_with_a_weak_passphrase(tmp_path: Path, weak: str) -> None:
    done = call("new", tmp_path / "study", passphrase=weak)
    assert done.returncode == 3
    assert done.stderr == "Error: this passphrase is easy to guess; choose four or more random words.\n"
    assert not (tmp_path / "study").exists()


def test_every_wrong_passphrase_gets_the_same_sentence(study: Path) -> None:
    said = {call("people", study, "list", passphrase=wrong).stderr for wrong in ("", "not it", "x" * 10_000)}
    assert said == {"Error: the passphrase does not open this study; try again, or use the recovery sheet.\n"}


def test_a_forgotten_passphrase_is_replaced_by_the_recovery_sheet(study: Path, made: Path, tmp_path: Path) -> None:
    key = recovery_key(made)
    latter = written(tmp_path / "latter", f"{LATTER}\n")
    weak = call("passphrase", study, "--new-passphrase-file", written(tmp_path / "weak", "password1"), passphrase=key)
    assert (weak.returncode, "easy to guess" in weak.stderr) == (3, True)
    said = succeed("passphrase", study, "--new-passphrase-file", latter, passphrase=key)
    assert "the recovery sheet stays good" in said
    assert opens(study, LATTER)
    assert opens(study, key)
    assert not opens(study, PASSPHRASE)


def test_a_rotation_gives_another_sheet_and_ends_the_former(study: Path, made: Path, tmp_path: Path) -> None:
    latter = written(tmp_path / "latter", LATTER)
    said = succeed("passphrase", study, "--rotate", "--new-passphrase-file", latter)
    (key,) = (line.split()[1] for line in said.splitlines() if line.startswith("Key "))
    assert "with the former ones still" in said
    assert opens(study, LATTER)
    assert opens(study, key)
    assert not opens(study, PASSPHRASE)
    assert not opens(study, recovery_key(made))
    again = written(tmp_path / "again", PASSPHRASE)
    told = last_json(succeed("passphrase", study, "--rotate", "--new-passphrase-file", again, "--json", passphrase=key))
    assert told["rotated"] is True
    assert opens(study, told["recovery_key"])
    audit = (study / "audit.jsonl").read_text() + (study / "journal.jsonl").read_text()
    assert audit.count("key replaced") == 4
    for secret in (LATTER, PASSPHRASE, "AGE-SECRET-KEY", "Gwendolen"):
        assert secret not in audit


def her_key(folder: Path) -> tuple[Path, str]:
    """A key file as age-keygen writes it, and the public key that it tells."""
    file = folder / "hers.txt"
    made = subprocess.run(["age-keygen", "-o", str(file)], capture_output=True, text=True, check=True)
    return file, made.stderr.split()[-1]


@pytest.mark.system("age")
@pytest.mark.system("age-keygen")
def test_a_supervisor_opens_it_with_her_own_key_and_with_plain_age(study: Path, made: Path, tmp_path: Path) -> None:
    hers, public = her_key(tmp_path)
    assert not opens(study, None, "--passphrase-file", hers)
    succeed("keys", "add", study, "s1", public, passphrase=recovery_key(made))
    listed = last_json(succeed("keys", "list", study, "--json", "--passphrase-file", hers, passphrase=None))
    assert [(one["name"], one["public_key"], one["there"]) for one in listed["holders"]] == [("s1", public, True)]
    latter = written(tmp_path / "latter", LATTER)
    succeed("passphrase", study, "--rotate", "--new-passphrase-file", latter, passphrase=recovery_key(made))
    assert opens(study, None, "--passphrase-file", hers)

    def age(key: Path, name: str) -> bytes:
        command = ["age", "--decrypt", "--identity", str(key), str(study / "private" / name)]
        return subprocess.run(command, capture_output=True, check=True).stdout

    (tmp_path / "key.txt").write_bytes(age(hers, "identity.s1.age"))
    assert json.loads(age(tmp_path / "key.txt", "vault.age").split(b"\n", 1)[1])["people"][0]["id"] == "P1"
    succeed("keys", "remove", study, "s1", "--passphrase-file", tmp_path / "key.txt", passphrase=None)
    assert not opens(study, None, "--passphrase-file", hers)


@pytest.mark.system("age-keygen")
def test_a_backup_opens_with_her_key_as_well(study: Path, made: Path, tmp_path: Path) -> None:
    hers, public = her_key(tmp_path)
    succeed("keys", "add", study, "s1", public, passphrase=recovery_key(made))
    succeed("backup", study, tmp_path / "b", passphrase=recovery_key(made))
    succeed("restore", tmp_path / "b", tmp_path / "again", "--passphrase-file", hers, passphrase=None)
    assert opens(tmp_path / "again", None, "--passphrase-file", hers)


def test_what_is_typed_wrongly_is_not_repeated(study: Path, made: Path) -> None:
    secret = "AGE-SECRET-KEY-1QQPQYT4V4L0Z3J2Z9V6E4N4T0VZ"
    done = call("keys", "add", study, "s1", secret, passphrase=recovery_key(made))
    assert (done.returncode, secret in done.stderr, done.stderr.count("\n")) == (2, False, 1)
    done = call("keys", "add", study, "Gwendolen", "age1x", passphrase=recovery_key(made))
    assert (done.returncode, "Gwendolen" in done.stderr, done.stderr.count("\n")) == (2, False, 1)


def test_the_sheet_is_printed_again(study: Path, made: Path, tmp_path: Path) -> None:
    said = succeed("keys", "sheet", study, tmp_path / "sheet.txt", passphrase=recovery_key(made))
    assert "opens everything" in said
    assert recovery_key(made) in (tmp_path / "sheet.txt").read_text()
    assert "AGE-SECRET-KEY" not in said
    assert stat.S_IMODE((tmp_path / "sheet.txt").stat().st_mode) == 0o600
