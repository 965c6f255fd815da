"""Who can open a study: another passphrase, another key, other people's age keys, another copy of the sheet."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pyrage
from pyrage.x25519 import Recipient

from transcribe import audit, keys, store
from transcribe.errors import StudyError
from transcribe.schema import Quiet, record
from transcribe.vault import Holder, Unlocked, Vault
from transcribe.wordforms import FormIndex, parted

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def change_passphrase(unlocked: Unlocked, passphrase: str) -> None:
    """Seal the study's identity under another passphrase. Copies of the former file open with the former one still."""
    study = unlocked.study
    sealed = store.seal_secret(unlocked.identity, passphrase)  # takes seconds, so before the lock
    with study.lock("vault", wait_s=30.0), store.disk_trouble("the passphrase cannot be changed"):
        unlocked.check_key()
        store.write_bytes(study.identity_path, sealed)
    audit.append(study.audit_path, "passphrase changed")


def rotate(unlocked: Unlocked, passphrase: str) -> Unlocked:
    """Give the study another identity under another passphrase, for when the former may have leaked; the study with it.

    All that is sealed to the identity is sealed to the new one: the vault, with the keys of all recordings in it, the
    log of people, waiting notes, and the identity itself for the people who hold it. What is sealed to the recordings'
    own keys stays as it is. `replacement` says why a process killed here loses nothing. Nobody else can work on the
    study meanwhile. Raises StudyError, StoreError; then the study is as it was.
    """
    study, identity = unlocked.study, store.new_identity()
    sealed = store.seal_secret(identity, passphrase)
    with study.lock("work"), study.lock("vault", wait_s=30.0), store.disk_trouble("the key cannot be replaced"):
        unlocked.look()
        unlocked.check_key()
        files = {path.relative_to(study.private).as_posix(): _again(path, unlocked, identity.to_public())
                 for path in (study.vault_path, *store.numbered(study.log_path("")), *study.notes())}  # fmt: skip
        for holder in standing(unlocked):
            files[study.holder_path(holder.id).name] = keys.sealed_to(identity, keys.public_key(holder.recipient))
        files[study.vault_copy_path.name] = files[study.vault_path.name]  # else the former key would open the copy
        study.replace_key({**files, study.identity_path.name: sealed}, str(identity.to_public()))
    audit.append(study.audit_path, "key replaced")
    again = Unlocked(study, identity)
    again.seal()
    return again


def _again(path: Path, unlocked: Unlocked, to: Recipient) -> bytes:
    return bytes(pyrage.encrypt(store.decrypt(store.read(path), unlocked.identity), [to]))


# --- people who can open the study with keys of their own -----------------------------------------------------------


@record
class Standing(Quiet):
    """Somebody who holds the study's key, and whether her file is there: without it she cannot open the study."""

    holder: Holder
    there: bool


def listing(unlocked: Unlocked) -> tuple[Standing, ...]:
    """Everybody who was added and not removed."""
    there = {holder.id for holder in standing(unlocked)}
    return tuple(Standing(holder=one, there=one.id in there) for one in unlocked.vault.holders)


def standing(unlocked: Unlocked) -> tuple[Holder, ...]:
    """Those whose file is there. One that was taken away by hand, or by a killed removal, is not made again."""
    study = unlocked.study
    return tuple(holder for holder in unlocked.vault.holders if study.holder_path(holder.id).is_file())


def add_holder(unlocked: Unlocked, name: str, public: str) -> None:
    """Let somebody open the study with her own age key. Raises StudyError for the name, ConfigError for the key.

    The vault knows first, so that no file stands there that no list shows; her key is kept there, since the journal can
    be written by whoever reaches the folder, and the next rotation would hand the study to whom it names.
    """
    study, recipient = unlocked.study, keys.public_key(public)
    _check_name(unlocked, name)
    known = {holder.id: holder.recipient for holder in unlocked.vault.holders}
    if known.get(name, str(recipient)) != str(recipient):
        raise StudyError(f"{name} holds another key", advice=f"remove {name} first")
    holder = Holder(id=name, recipient=str(recipient), added_on=datetime.now(UTC).date().isoformat())
    unlocked.change(lambda vault: replace(vault, holders=(*_but(vault, name), holder)))
    with study.lock("vault", wait_s=30.0), store.disk_trouble("the key cannot be added"):
        unlocked.check_key()
        store.write_bytes(study.holder_path(name), keys.sealed_to(unlocked.identity, recipient))
    audit.append(study.audit_path, "key holder added", holder=name)


def remove_holder(unlocked: Unlocked, name: str) -> None:
    """Take away the file by which somebody opens the study. What she has copied she can open still: see `rotate`."""
    study = unlocked.study
    if all(holder.id != name for holder in unlocked.vault.holders):
        raise StudyError("nobody of that name holds the study's key", advice="see `transcribe keys list STUDY`")
    with study.lock("vault", wait_s=30.0), store.disk_trouble("the key cannot be removed"):
        study.holder_path(name).unlink(missing_ok=True)
    unlocked.change(lambda vault: replace(vault, holders=_but(vault, name)))
    audit.append(study.audit_path, "key holder removed", holder=name)


def _but(vault: Vault, name: str) -> tuple[Holder, ...]:
    return tuple(holder for holder in vault.holders if holder.id != name)


def _check_name(unlocked: Unlocked, name: str) -> None:
    """It becomes a file's name that everybody sees who reaches the folder, so it identifies nobody."""
    if not _NAME.fullmatch(name):
        raise StudyError(
            "a key holder's id has 1 to 32 lower-case letters, digits, - or _ and begins with a letter or digit",
            advice="choose one that says nothing, such as s1",
        )
    if FormIndex(unlocked.vault.people).find(parted(name)):
        raise StudyError("the id holds a name of this study", advice="choose one that says nothing, such as s1")


# --- paper ----------------------------------------------------------------------------------------------------------


def sheet(unlocked: Unlocked) -> str:
    """The recovery sheet as of today."""
    return keys.sheet(unlocked.study.created["study"], unlocked.identity, datetime.now(UTC).date().isoformat())


def write_sheet(unlocked: Unlocked, file: Path) -> None:
    """Write the recovery sheet to a new file that only this user can read. Raises StudyError."""

    def write(sink: BinaryIO, _: Path) -> None:
        sink.write(sheet(unlocked).encode())

    with store.disk_trouble("the sheet cannot be written"):
        store.remove_unfinished(file)
    if file.exists():
        raise StudyError("the sheet would replace a file", advice="choose a new name")
    if file.resolve().is_relative_to(unlocked.study.root.resolve()):
        raise StudyError(
            "a sheet inside the study opens it to whoever copies the folder", advice="choose another place"
        )
    with store.disk_trouble("the sheet cannot be written"):
        store.write_unnamed(file, write)
    audit.append(unlocked.study.audit_path, "recovery sheet written")
