"""Where a study's passphrase comes from: a file, TRANSCRIBE_PASSPHRASE, the OS keyring, or a prompt - in that order."""

import getpass
import os
import sys
from pathlib import Path

from transcribe import store
from transcribe.errors import LockedError

VARIABLE = "TRANSCRIBE_PASSPHRASE"
KEYRING_SERVICE = "transcribe-study"
MOST_BYTES = 10_000

_from_environment: str | None = None


def scrub() -> None:
    """Take the variable out of the environment, so that no child process (ffmpeg, a worker) inherits it."""
    global _from_environment
    _from_environment = os.environ.pop(VARIABLE, _from_environment)


def find(study_id: str, file: Path | None, *, prompt: bool = True) -> str | None:
    """The passphrase, or None when there is none to be had without a terminal. Raises LockedError.

    `study_id` names the entry in the OS keyring (service `transcribe-study`).
    """
    if file is not None:
        try:
            text = store.read_at_most(file, MOST_BYTES).decode().strip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise LockedError("the passphrase file cannot be read", advice="check --passphrase-file") from None
        return _not_empty(text)
    scrub()
    if _from_environment is not None:
        return _not_empty(_from_environment)
    stored = _from_keyring(study_id) if study_id else None
    if stored is not None:
        return stored
    if prompt and sys.stdin.isatty():
        return _not_empty(getpass.getpass("Passphrase of the study: "))
    return None


def need(study_id: str, file: Path | None) -> str:
    """The passphrase. Raises LockedError when there is none."""
    passphrase = find(study_id, file)
    if passphrase is None:
        raise LockedError(
            "this needs the study's passphrase", advice=f"set {VARIABLE}, give --passphrase-file or use a terminal"
        )
    return passphrase


def choose(file: Path | None) -> str:
    """A new study's passphrase, asked for twice at a terminal. Raises LockedError."""
    given = find("", file, prompt=False)
    if given is None and sys.stdin.isatty():
        given = _not_empty(getpass.getpass("Choose a passphrase: "))
        if getpass.getpass("The same again: ") != given:
            raise LockedError("the two passphrases differ", advice="try again")
    if given is None:
        return need("", file)
    if len(given) < 8:
        raise LockedError("a passphrase has at least 8 characters", advice="four or more random words make a good one")
    return given


def _not_empty(text: str) -> str:
    if not text:
        raise LockedError("the passphrase is empty", advice="give the one chosen when the study was made")
    return text


def _from_keyring(study_id: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, study_id)
    except (KeyringError, RuntimeError):  # no desktop session, no keyring: not an error
        return None
