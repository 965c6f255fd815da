"""A study in one encrypted file, and back: what a lost or broken disk takes, this gives again.

A backup is a zip of these parts, stored as they are:

    about.json      which study, its public key, when, by which version: no names
    identity.age    the study's secret, as the passphrase of that day sealed it; identity.NAME.age, as it was sealed to
                    others' keys
    study.tar.age   every file of the study, encrypted to its key; the last one, sums.json, has the SHA-256 of each

It is read back whole before it gets its name. Whoever has the backup can open it with the passphrase of the day it was
made, or with the recovery sheet of that day, also after the study itself was destroyed: `forget` cannot reach into it.
"""

import errno
import fcntl
import io
import json
import os
import re
import secrets
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Protocol

import pyrage
from pyrage.x25519 import Identity, Recipient

from transcribe import audit, keys, store
from transcribe.errors import StoreError, StudyError
from transcribe.schema import Quiet, record
from transcribe.store import HashingReader
from transcribe.study import Study, check_new
from transcribe.vault import Unlocked

ABOUT, ARCHIVE, SUMS = "about.json", "study.tar.age", "sums.json"
LARGEST_NOTE = 1_000_000  # bytes of about.json and of an identity
_SEALED = re.compile(r"identity\.([a-z0-9_-]+\.)?age")
_BLOCK = 1 << 20


class Source(Protocol):
    """What can be read block by block."""

    def read(self, size: int = -1, /) -> bytes: ...


@record
class About(Quiet):
    """What stands outside of the encryption. `id` is the backup's own, `recipient` the study's public key."""

    id: str
    study: str
    recipient: str
    at: str
    made_by: str


# --- writing --------------------------------------------------------------------------------------------------------


def write(unlocked: Unlocked, file: Path) -> About:
    """Write a backup to a new file and read it back. Nobody else can work on the study meanwhile.

    Raises StudyError: the file exists, lies in the study or cannot be written, or part of the study lies elsewhere;
    StoreError: it reads back differently.
    """
    study = unlocked.study
    with store.disk_trouble("the backup cannot be written"):  # a name that is too long, for one
        store.remove_unfinished(file)
        if file.exists():
            raise StudyError("the backup would replace a file", advice="choose a new name")
        if file.resolve().is_relative_to(study.root.resolve()):
            raise StudyError("a backup inside the study is lost with it", advice="choose another disk")
        if study.has_links():
            raise StudyError(
                "part of the study's folder is a link to another place, and would be missing from the backup",
                advice="move it into the study's folder",
            )
    with study.lock("work"), study.lock("vault", wait_s=30.0), store.disk_trouble("the backup cannot be written"):
        unlocked.check_key()
        about = About(
            id=secrets.token_hex(4),
            study=study.created["study"],
            recipient=study.public_key,
            at=audit.now(),
            made_by=f"transcribe {version('transcribe')}",
        )
        store.write_unnamed(file, lambda sink, path: _write(unlocked, about, sink, path))
    return about


def _write(unlocked: Unlocked, about: About, sink: BinaryIO, path: Path) -> None:
    with zipfile.ZipFile(sink, "w") as parts:
        parts.writestr(ABOUT, json.dumps(asdict(about), indent=1))
        for name, sealed in unlocked.study.sealed_keys().items():
            parts.writestr(name, sealed)
        with parts.open(ARCHIVE, "w", force_zip64=True) as archive:
            sums = _pack(unlocked.study, archive, unlocked.study.recipient)
    sink.flush()
    if not _reads_back(path, unlocked.identity, sums):
        raise StoreError("the backup reads back differently from the study", advice="check the disk and try again")
    # before it gets its name: no backup may exist that no certificate will tell of
    audit.append(unlocked.study.audit_path, "backed up", backup=about.id, study=about.study)


def _reads_back(path: Path, by: Identity, sums: dict[str, str]) -> bool:
    try:
        return _unpack(path, by, lambda name, source: None) == sums
    except StoreError:
        return False


def _pack(study: Study, sink: object, to: Recipient) -> dict[str, str]:
    """Stream the study's files through a tar into an age file; their SHA-256 by name."""
    sums: dict[str, str] = {}

    def pack(into: int) -> None:
        with os.fdopen(into, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as tar:
            for path in study.files():
                name = path.relative_to(study.root).as_posix()
                sums[name] = _add(tar, path, name)
            _add_sums(tar, sums)

    read, into = os.pipe()
    with ThreadPoolExecutor(1) as beside, os.fdopen(read, "rb") as pipe:
        packing = beside.submit(pack, into)
        pyrage.encrypt_io(pipe, sink, [to])
        packing.result()
    return sums


def _add(tar: tarfile.TarFile, path: Path, name: str) -> str:
    """Put a file into the tar; its SHA-256. Raises StoreError where the disk does not give it back."""
    advice = "see `transcribe doctor STUDY`; what that set aside is to be moved out"
    with store.reading("a file of the study", advice), path.open("rb") as file:
        reader = HashingReader(file)
        tar.addfile(_member(name, os.fstat(file.fileno()).st_size), reader)
    return reader.sha256.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _add_sums(tar: tarfile.TarFile, sums: dict[str, str]) -> None:
    data = json.dumps(sums).encode()
    tar.addfile(_member(SUMS, len(data)), io.BytesIO(data))


# --- reading --------------------------------------------------------------------------------------------------------


def read_about(file: Path) -> About:
    """Which study a backup holds. Raises StudyError: there is no such file; StoreError: it is no backup."""
    with store.disk_trouble("the backup cannot be read"), _parts(file) as parts:
        facts = json.loads(_note(parts, ABOUT))
        return About(**{field.name: str(facts[field.name]) for field in fields(About)})


def restore(file: Path, root: Path, given: str) -> About:
    """Lay the study out again in a new folder; `given` is the passphrase of the backup's day or the recovery key.

    The folder gets its name when every file is there and is what it was. Raises StudyError, LockedError, StoreError.
    """
    check_new(root)
    root = root.resolve()  # "." has no name to put another beside, and a link cannot be replaced by a folder
    about = read_about(file)
    identity = _identity(file, about, given)
    beside = root.with_name(f".{root.name}.{secrets.token_hex(4)}.tmp")
    with store.disk_trouble("the study cannot be written"):
        store.remove_unfinished(root)
        beside.mkdir(mode=0o700, parents=True)
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held while we live: another restore takes only what nobody holds
            _unpack(file, identity, lambda name, source: _lay_out(beside, name, source))
            study = Study(beside)
            study.make_folders()
            Unlocked(study, identity)  # its vault opens
            study.log("restored", backup=about.id)
            audit.append(study.audit_path, "restored", backup=about.id, made=about.at)
            beside.replace(root)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        finally:
            os.close(descriptor)
        store.sync_folder(root.parent)
    return about


def _identity(file: Path, about: About, given: str) -> Identity:
    with store.disk_trouble("the backup cannot be read"), _parts(file) as parts:
        sealed = {name: _note(parts, name) for name in parts.namelist() if _SEALED.fullmatch(name)}
    return keys.opened(given, about.recipient, sealed)


def _unpack(file: Path, by: Identity, take: Callable[[str, Source], None]) -> dict[str, str]:
    """Hand every file to `take`, which need not read it, and compare; the SHA-256 of each. Raises StoreError."""
    read, into = os.pipe()
    sums: dict[str, str] = {}
    stated: dict[str, str] | None = None
    with _parts(file) as parts, ThreadPoolExecutor(1) as beside, os.fdopen(read, "rb") as pipe:
        unsealing = beside.submit(_unseal, parts, into, by)
        with tarfile.open(fileobj=pipe, mode="r|") as tar:
            for member in tar:
                source = tar.extractfile(member)
                if source is None or stated is not None:
                    raise _damaged()
                if member.name == SUMS:
                    stated = json.loads(source.read())
                    continue
                reader = HashingReader(source)
                take(_checked(member.name), reader)
                sums[member.name] = reader.to_end()
        while pipe.read(_BLOCK):  # else the last padding has nowhere to go
            pass
        unsealing.result()
    if stated != sums:
        raise _damaged()
    return sums


def _unseal(parts: zipfile.ZipFile, into: int, by: Identity) -> None:
    with os.fdopen(into, "wb") as pipe, parts.open(ARCHIVE) as archive:
        pyrage.decrypt_io(archive, pipe, [by])


def _checked(name: str) -> str:
    """A name that stays inside the folder. Raises StoreError: anybody can encrypt to a public key."""
    if "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise StoreError("this backup would write outside of the folder", advice="do not trust it")
    return name


def _lay_out(root: Path, name: str, source: Source) -> None:
    path = root / name
    # one by one: what `parents=True` makes is open to all
    for folder in reversed(path.relative_to(root).parents[:-1]):
        (root / folder).mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        while block := source.read(_BLOCK):
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())  # before the folder gets its name


def _damaged() -> StoreError:
    return StoreError("this is no backup of a study, or it is damaged", advice="take another copy")


def _note(parts: zipfile.ZipFile, name: str) -> bytes:
    with parts.open(name) as part:
        return part.read(LARGEST_NOTE)


@contextmanager
def _parts(file: Path) -> Iterator[zipfile.ZipFile]:
    """The backup's parts; whatever goes wrong in reading them is damage."""
    try:
        if file.exists() and not file.is_file():  # a pipe would wait for its writer
            raise _damaged()
        with zipfile.ZipFile(file) as parts:
            yield parts
    except (zipfile.BadZipFile, tarfile.TarError, KeyError, EOFError, TypeError, ValueError, NotImplementedError,
            RecursionError, pyrage.DecryptError):  # fmt: skip
        raise _damaged() from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before the file's begin: the zip's own directory is damaged
            raise _damaged() from None
        raise
