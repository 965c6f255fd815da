"""How a study's identity, the key to its vault, is sealed, opened and written on paper. Knows no path.

private/identity.age holds it under the passphrase; private/identity.NAME.age holds the same to the public key of one
more person, since age allows no passphrase beside another recipient.
"""

from collections.abc import Mapping
from importlib.resources import files

import pyrage
from pyrage.x25519 import Identity, Recipient

from transcribe import store
from transcribe.errors import ConfigError, LockedError, StoreError

IDENTITY = "identity.age"


def key_in(text: str) -> str | None:
    """The AGE-SECRET-KEY line of a recovery sheet's key or of a file that age-keygen wrote; None in a passphrase."""
    lines = (line.strip() for line in text.splitlines())
    said = [line for line in lines if line and not line.startswith("#")]
    return said[0] if len(said) == 1 and said[0].startswith("AGE-SECRET-KEY-1") else None


def public_key(text: str) -> Recipient:
    """The public key that somebody gave. Raises ConfigError."""
    try:
        return Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise ConfigError(
            "this is no age public key", advice="give the one that begins age1, as age-keygen prints it"
        ) from None


def sealed_to(identity: Identity, holder: Recipient) -> bytes:
    """The identity for another person's key. Decrypted, it is a file that `age -i` takes."""
    return bytes(pyrage.encrypt(f"{identity}\n".encode(), [holder]))


def opened(given: str, public: str, sealed: Mapping[str, bytes]) -> Identity:
    """The identity of the study with that public key, from its sealed files by name.

    `given` is the passphrase, the recovery key, or the key of somebody it was sealed to. Whatever is no key is tried
    as a passphrase, the empty text as well: each costs the same seconds (scrypt) and gets the same answer.
    Raises LockedError.
    """
    key = key_in(given)
    if key is not None:
        return _by_key(store.identity(key), public, sealed)
    if IDENTITY not in sealed:
        raise LockedError("private/identity.age is missing", advice="use the recovery sheet, or restore the file")
    identity = store.open_secret(sealed[IDENTITY], given)
    if str(identity.to_public()) != public:
        raise LockedError(
            "identity.age holds another key than the study's journal names",
            advice="restore private/ and journal.jsonl from one backup",
        )
    return identity


def _by_key(own: Identity, public: str, sealed: Mapping[str, bytes]) -> Identity:
    candidates = [own, *(_unsealed(data, own) for name, data in sealed.items() if name != IDENTITY)]
    for identity in candidates:
        if identity is not None and str(identity.to_public()) == public:
            return identity
    raise LockedError(
        "this key does not open the study: it is the key of another study, or was replaced",
        advice="take the recovery sheet of this one, or ask for your key to be added to it",
    )


def _unsealed(data: bytes, own: Identity) -> Identity | None:
    """What was sealed to a key; None for another's, and for what holds no identity: anybody can encrypt to a key."""
    try:
        return store.identity(store.decrypt(data, own).decode())
    except (StoreError, LockedError, UnicodeDecodeError):
        return None


def sheet(study_id: str, identity: Identity, day: str) -> str:
    """The recovery sheet, a text for paper; `day` is an ISO date."""
    text = files("transcribe").joinpath("recovery_sheet.txt").read_text(encoding="utf-8")
    return text.format(study_id=study_id, day=day, secret=str(identity))
