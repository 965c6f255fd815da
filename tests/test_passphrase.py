"""Where the passphrase comes from."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError

from tests.builders import says_nothing_of
from transcribe import passphrase, store
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


@pytest.mark.parametrize("data", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "karen-pass"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(LockedError) as refused:
        passphrase.need("id", path)
    says_nothing_of(refused.value, "karen-pass")


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_an_empty_one_is_tried_like_any_other(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pass"
    path.write_bytes(data)
    assert passphrase.need("id", path) == ""


WEAK = ["", "1234567", "password1", "Tr0ub4dour&3", "hunter2hunter2", "a" * 50_000, "0123456789" * 5_000, " " * 40,
        "karen1985"]  # fmt: skip
STRONG = [SECRET, "correct horse battery staple", "measured on this machine", "ünbegreiflich Quitte löschte Kähne",
          "kV9$w2Lq!rT7", SECRET + "a" * 50_000, "\U0001f400 kettle tram \U0001f400 lichen"]  # fmt: skip


@pytest.mark.parametrize("given", WEAK)
def test_a_new_one_that_is_easily_guessed_is_refused_and_nothing_told_of_it(tmp_path: Path, given: str) -> None:
    path = tmp_path / "pass"
    path.write_text(given, encoding="utf-8")
    for choose in (lambda: passphrase.choose(path), lambda: passphrase.choose_another(path, SECRET)):
        with pytest.raises(LockedError) as refused:
            choose()
        said = "this passphrase is easy to guess; choose four or more random words."
        assert str(refused.value) == said


@pytest.mark.parametrize("given", STRONG)
def test_a_new_one_that_is_hard_to_guess_is_taken_whole(tmp_path: Path, given: str) -> None:
    path = tmp_path / "pass"
    path.write_text(given, encoding="utf-8")
    assert passphrase.choose(path) == given
    assert passphrase.choose_another(path, "another") == given


def test_however_it_is_written_it_is_judged_in_seconds(tmp_path: Path) -> None:
    """zxcvbn takes minutes for a long text that is all substitutions."""
    path = tmp_path / "pass"
    path.write_text("4@8({[<369&#!1/|0$5+7%2" * 100, encoding="utf-8")
    begun = time.process_time()
    passphrase.choose(path)
    assert time.process_time() - begun < 60


def test_a_key_is_no_passphrase(tmp_path: Path) -> None:
    """The program would take it for a key ever after, and the study would open with neither."""
    path = tmp_path / "pass"
    path.write_text(f"# created: today\n{store.new_identity()}\n")
    for choose in (lambda: passphrase.choose(path), lambda: passphrase.choose_another(path, SECRET)):
        with pytest.raises(LockedError, match="not a passphrase") as refused:
            choose()
        assert "SECRET-KEY" not in str(refused.value)


def test_another_one_is_another_and_never_the_one_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pass"
    path.write_text(SECRET)
    with pytest.raises(LockedError, match="choose another"):
        passphrase.choose_another(path, SECRET)
    monkeypatch.setenv(passphrase.VARIABLE, SECRET)
    monkeypatch.setattr(passphrase, "_from_keyring", lambda study_id: SECRET)
    with pytest.raises(LockedError, match="--new-passphrase-file"):
        passphrase.choose_another(None, "the former")


class Drawer(KeyringBackend):
    """A keyring in memory; `shut` refuses to write."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, shut: bool = False) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.shut = shut

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.shut:
            raise PasswordSetError(password)
        self.held[service, username] = password


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawer]:
    monkeypatch.undo()  # the entry is read as it is
    before, ours = keyring.get_keyring(), Drawer()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_the_keyrings_entry_of_this_study_follows_and_none_is_made(drawer: Drawer) -> None:
    assert not passphrase.renew_stored("one", SECRET)
    assert drawer.held == {}
    drawer.held = {("transcribe-study", "one"): "former", ("transcribe-study", "two"): "former"}
    assert passphrase.renew_stored("one", SECRET)
    assert drawer.held == {("transcribe-study", "one"): SECRET, ("transcribe-study", "two"): "former"}
    drawer.shut = True
    with pytest.raises(LockedError, match="keyring set transcribe-study two") as refused:
        passphrase.renew_stored("two", SECRET)
    says_nothing_of(refused.value, SECRET)


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


def test_an_end_of_input_at_the_prompt_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrase.getpass, "getpass", ended)
    for ask in (lambda: passphrase.find("id", None), lambda: passphrase.choose(None)):
        with pytest.raises(LockedError, match="no passphrase was given"):
            ask()
