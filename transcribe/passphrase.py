"""Where a study's passphrase comes from: a file, TRANSCRIBE_PASSPHRASE, the OS keyring, or a prompt - in that order.

The recovery key, or the key file of somebody the study was opened to, is taken in its place. A new passphrase is a
strong one.
"""

import getpass
import os
import sys
from pathlib import Path

from transcribe import keys, store
from transcribe.errors import LockedError

VARIABLE = "TRANSCRIBE_PASSPHRASE"
KEYRING_SERVICE = "transcribe-study"
STRONG = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses, each of which costs a second (scrypt)
JUDGED = 40  # characters: zxcvbn takes seconds for more; what begins strongly is strong
MOST_BYTES = 100_000

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
        return _read(file)
    scrub()
    if _from_environment is not None:
        return _from_environment
    stored = _from_keyring(study_id) if study_id else None
    if stored is not None:
        return stored
    if prompt and sys.stdin.isatty():
        return _asked("Passphrase of the study: ")
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
    """A new study's passphrase, asked for twice at a terminal. Raises LockedError, for a weak one as well."""
    given = find("", file, prompt=False)
    return _strong(_asked_twice(f"set {VARIABLE}, give --passphrase-file") if given is None else given)


def choose_another(file: Path | None, former: str) -> str:
    """The passphrase that takes the place of `former`: from a file of its own, or a terminal. Raises LockedError."""
    chosen = _strong(_asked_twice("give --new-passphrase-file") if file is None else _read(file))
    if chosen == former:
        raise LockedError("this is the passphrase that the study has", advice="choose another")
    return chosen


def renew_stored(study_id: str, passphrase: str) -> bool:
    """Bring a study's entry in the OS keyring up to date; False where there is none. Raises LockedError."""
    import keyring
    from keyring.errors import KeyringError

    if _from_keyring(study_id) is None:
        return False
    try:
        keyring.set_password(KEYRING_SERVICE, study_id, passphrase)
    except (KeyringError, RuntimeError):
        raise LockedError(
            "the passphrase is changed, but the keyring holds the former one still",
            advice=f"set it with `keyring set {KEYRING_SERVICE} {study_id}`",
        ) from None
    return True


def _read(file: Path) -> str:
    try:
        data = store.read_at_most(file, MOST_BYTES)
        if len(data) > MOST_BYTES:
            raise LockedError("the passphrase file is too large", advice="check the path that was given")
        return data.decode().strip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise LockedError("the passphrase file cannot be read", advice="check the path that was given") from None


def _asked_twice(instead: str) -> str:
    if not sys.stdin.isatty():
        raise LockedError("a passphrase must be chosen", advice=f"{instead} or use a terminal")
    given = _asked("Choose a passphrase: ")
    if _asked("The same again: ") != given:
        raise LockedError("the two passphrases differ", advice="try again")
    return given


def _asked(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:  # Ctrl-D
        raise LockedError("no passphrase was given", advice="give it, or end the command with Ctrl-C") from None


def _strong(chosen: str) -> str:
    """Raises LockedError for what is soon guessed, without telling anything of it."""
    from zxcvbn import zxcvbn  # its lists of words are read for a new passphrase alone

    if keys.key_in(chosen) is not None:  # it would be taken for a key ever after, and open nothing
        raise LockedError("this is an age key, not a passphrase", advice="choose four or more random words")
    judged = chosen[:JUDGED]
    if not judged or zxcvbn(judged, max_length=JUDGED)["score"] < STRONG:
        raise LockedError("this passphrase is easy to guess", advice="choose four or more random words")
    return chosen


def _from_keyring(study_id: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, study_id)
    except (KeyringError, RuntimeError):  # no desktop session, no keyring: not an error
        return None
