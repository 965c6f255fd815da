"""Where the passphrase comes from."""

import os
import sys
from pathlib import Path

import pytest

from tests.builders import says_nothing_of
from transcribe import passphrase
from transcribe.errors import LockedError

SECRET = "correct horse battery"


@pytest.fixture(autouse=True)
def _nothing_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(passphrase.VARIABLE, raising=False)
    monkeypatch.setattr(passphrase, "_from_environment", None)
    monkeypatch.setattr(passphrase, "_from_keyring", lambda study_id: None)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


@pytest.mark.parametrize("written", [SECRET, SECRET + "\n", SECRET + "\r\n"])
def test_a_file_holds_it_with_or_without_a_line_end(tmp_path: Path, written: str) -> None:
    path = tmp_path / "pass"
    path.write_bytes(written.encode())
    assert passphrase.need("id", path) == SECRET


def test_spaces_belong_to_it(tmp_path: Path) -> None:
    path = tmp_path / "pass"
    path.write_text(f" {SECRET} \n")
    assert passphrase.need("id", path) == f" {SECRET} "


def test_a_file_comes_before_the_environment_and_that_before_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pass"
    path.write_text("from the file")
    monkeypatch.setattr(passphrase, "_from_keyring", lambda study_id: f"keyring of {study_id}")
    assert passphrase.find("id", None) == "keyring of id"
    assert passphrase.find("", None) is None
    monkeypatch.setenv(passphrase.VARIABLE, "from the environment")
    assert passphrase.find("id", None) == "from the environment"
    assert passphrase.find("id", path) == "from the file"


def test_the_environment_is_scrubbed_and_still_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(passphrase.VARIABLE, SECRET)
    passphrase.scrub()
    assert passphrase.VARIABLE not in os.environ
    passphrase.scrub()
    assert passphrase.find("id", None) == SECRET


def test_a_terminal_is_asked_unless_it_must_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: SECRET)
    assert passphrase.find("id", None) == SECRET
    assert passphrase.find("id", None, prompt=False) is None


def test_without_any_it_is_said_how_to_give_one() -> None:
    assert passphrase.find("id", None) is None
    with pytest.raises(LockedError, match="--passphrase-file"):
        passphrase.need("id", None)


@pytest.mark.parametrize("data", [None, b"", b"\n", b"\xff\xfe"])
def test_a_file_that_holds_none_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "karen-pass"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(LockedError) as refused:
        passphrase.need("id", path)
    says_nothing_of(refused.value, "karen-pass")


@pytest.mark.parametrize(("given", "accepted"), [("1234567", False), ("12345678", True)])
def test_a_new_one_has_eight_characters(tmp_path: Path, given: str, accepted: bool) -> None:
    path = tmp_path / "pass"
    path.write_text(given)
    if accepted:
        assert passphrase.choose(path) == given
    else:
        with pytest.raises(LockedError, match="8 characters") as refused:
            passphrase.choose(path)
        assert given not in str(refused.value)


@pytest.mark.parametrize(("answers", "accepted"), [((SECRET, SECRET), True), ((SECRET, "other words"), False)])
def test_at_a_terminal_a_new_one_is_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, str], accepted: bool
) -> None:
    left = list(answers)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: left.pop(0))
    if accepted:
        assert passphrase.choose(None) == SECRET
    else:
        with pytest.raises(LockedError, match="differ") as refused:
            passphrase.choose(None)
        assert SECRET not in str(refused.value)


def test_a_new_one_needs_to_come_from_somewhere() -> None:
    with pytest.raises(LockedError):
        passphrase.choose(None)
