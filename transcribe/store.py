"""Schema types to files and back: version, checksum, age encryption, atomic writes. Knows no path inside a study."""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Generic, NamedTuple, Protocol, TypeVar

import pyrage
from pydantic import TypeAdapter, ValidationError
from pyrage.x25519 import Identity, Recipient

from transcribe.errors import DamagedKeyError, LockedError, NewerError, StoreError, StudyError
from transcribe.schema import Quiet, record

SCHEMA = 1
Step = Callable[[Any], Any]
STEPS: dict[int, dict[str, Step]] = {}
"""How what an older version wrote is read: schema -> type -> its JSON, decoded, to that of the next schema.

Who changes a type so that bodies written before do not fit it any more raises `SCHEMA`, adds the step here (for each
stored type that holds the changed one) and freezes a study of the schema before (`tests/frozen`). A field with a
default needs no step.
"""
BY_PASSPHRASE = b"age-encryption.org/v1\n-> scrypt "
_ANOTHER, _TOO_LONG = "Decryption failed", "Excessive work parameter"
_OTHERWISE = "use the recovery sheet, or restore identity.age from a backup"
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
_OPENING = b'{"at": "'
_OF_THE_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
}  # fmt: skip
_OF_ALL_OF_IT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_NUMBERED = re.compile(r"[0-9]+\.age")


T = TypeVar("T")


@record
class Stored(Quiet, Generic[T]):
    """A value read back, with the job key it was written under and the SHA-256 of its serialised body."""

    value: T
    key: str
    body_sha256: str


def new_identity() -> Identity:
    """A fresh age key pair."""
    return Identity.generate()


def identity(secret: str) -> Identity:
    """The key pair behind an AGE-SECRET-KEY-1... line. Raises LockedError."""
    try:
        return Identity.from_str(secret.strip())
    except pyrage.IdentityError:
        raise LockedError("this is no age secret key", advice="give the line that begins AGE-SECRET-KEY-1") from None


def recipient(public: str) -> Recipient:
    """The public half behind an age1... line. Raises StoreError."""
    try:
        return Recipient.from_str(public)
    except pyrage.RecipientError:
        raise StoreError("a public key in journal.jsonl is damaged", advice="restore the file from a backup") from None


def body_sha256(value: object) -> str:
    """The checksum that a value will be stored under."""
    return hashlib.sha256(_body(value)).hexdigest()


def _body(value: object) -> bytes:
    return _adapter(type(value)).dump_json(value)


def _adapter(cls: type) -> TypeAdapter[Any]:
    """Made once: that takes longer than to write a small value."""
    if cls not in _ADAPTERS:
        _ADAPTERS[cls] = TypeAdapter(cls)
    return _ADAPTERS[cls]


def pack(value: object, key: str = "") -> bytes:
    """A header line (schema version, type, job key, checksum) and the value as JSON."""
    body = _body(value)
    header = {
        "schema": SCHEMA,
        "type": type(value).__name__,
        "key": key,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + body


class Raw(NamedTuple):
    """What `pack` wrote, unread: its schema, type, job key, checksum and JSON."""

    schema: int
    name: str
    key: str
    sha256: str
    body: bytes


def raw(data: bytes) -> Raw:
    """The parts of what `pack` wrote. Raises StoreError when it is damaged, NewerError for a newer version's."""
    head, _, body = data.partition(b"\n")
    try:
        header = json.loads(head)
        schema, name, key, checksum = (header[k] for k in ("schema", "type", "key", "sha256"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreError("an artefact has no readable header", advice="run the stage again") from None
    if not isinstance(schema, int) or not isinstance(key, str) or not str(name).isidentifier():
        raise StoreError("an artefact has no readable header", advice="run the stage again")
    if schema > SCHEMA:
        raise NewerError(f"an artefact has schema {schema}, newer than this program", advice="use a newer version")
    if hashlib.sha256(body).hexdigest() != checksum:
        raise StoreError("an artefact does not match its checksum", advice="run the stage again")
    return Raw(schema=schema, name=str(name), key=key, sha256=checksum, body=body)


def unpack(data: bytes, cls: type[T]) -> Stored[T]:
    """The value that `pack` wrote, by this version or an older one; the checksum is that of what was written, since
    others know it by that.

    Raises StoreError when it is damaged, of another type or of a newer version.
    """
    found = raw(data)
    if found.name != cls.__name__:
        raise StoreError(f"an artefact is no {cls.__name__}, which belongs there", advice="run the stage again")
    try:
        value = _adapter(cls).validate_json(_as_now(found))
    except ValidationError:  # its message would show the content
        raise StoreError(f"an artefact is no readable {cls.__name__}", advice="run the stage again") from None
    return Stored(value=value, key=found.key, body_sha256=found.sha256)


def _as_now(found: Raw) -> bytes:
    """The JSON as the present schema has it."""
    steps = [STEPS.get(schema, {}).get(found.name) for schema in range(found.schema, SCHEMA)]
    body: Any = None
    for step in filter(None, steps):
        body = step(json.loads(found.body) if body is None else body)
    return found.body if body is None else json.dumps(body).encode()


def save(path: Path, value: object, to: Recipient, key: str = "") -> None:
    """Write a value, encrypted to `to`, atomically."""
    write_bytes(path, sealed(value, to, key))


def sealed(value: object, to: Recipient, key: str = "") -> bytes:
    """A value as a file of its own, encrypted to `to`."""
    return bytes(pyrage.encrypt(pack(value, key), [to]))


def load(path: Path, cls: type[T], by: Identity) -> Stored[T]:
    """Read a value back. Raises StoreError, also when `by` is not the key it was written for."""
    return unpack(decrypt(read(path), by), cls)


def read(path: Path) -> bytes:
    """A file of the study. Raises StoreError as `reading` does."""
    with reading():
        return path.read_bytes()


@contextmanager
def reading(what: str = "a file", advice: str = "see `transcribe doctor STUDY`") -> Iterator[None]:
    """Raises StoreError where the disk does not give a file back: that is this file's damage, and no other's."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise StoreError(f"{what} cannot be read from the disk any more", advice=advice) from None


def decrypt(data: bytes, by: Identity) -> bytes:
    """The plain bytes of an age file."""
    try:
        return bytes(pyrage.decrypt(data, [by]))
    except pyrage.DecryptError:
        raise StoreError("an encrypted file is damaged or was written for another key", advice="restore it") from None


def seal_secret(secret: Identity, passphrase: str) -> bytes:
    """An identity under a passphrase (age's scrypt recipient)."""
    return bytes(pyrage.passphrase.encrypt(str(secret).encode(), passphrase))


def open_secret(data: bytes, passphrase: str) -> Identity:
    """The identity that `seal_secret` wrapped. Raises LockedError, and of these DamagedKeyError where it is not the
    passphrase that is wrong. The few bytes that the passphrase itself seals have no other check: damage to these is
    told as a wrong one.
    """
    try:
        return Identity.from_str(bytes(pyrage.passphrase.decrypt(data, passphrase)).decode().strip())
    except pyrage.DecryptError as error:
        raise _locked(data, str(error)) from None
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise DamagedKeyError("identity.age holds no study's key", advice=_OTHERWISE) from None


def _locked(data: bytes, said: str) -> LockedError:
    """Why an identity does not open; age tells its reasons apart by their words alone."""
    if said == _ANOTHER:
        return LockedError("the passphrase does not open this study", advice="try again, or use the recovery sheet")
    if said.startswith(_TOO_LONG):
        what = "identity.age would take this machine too long to open: it is busy or slow, or the file is damaged"
        return LockedError(what, advice="end other programs and try again, or use the recovery sheet")
    if not data.startswith(BY_PASSPHRASE):
        return DamagedKeyError("identity.age is no file that a passphrase opens", advice=_OTHERWISE)
    return DamagedKeyError("identity.age is damaged or cut short, no passphrase opens it", advice=_OTHERWISE)


# --- whole files ----------------------------------------------------------------------------------------------------


def write_atomically(path: Path, write: Callable[[BinaryIO, Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there: a crash leaves the old file or the new one.

    `write` gets the file open, and its path to read it back by.
    The file is synced before the move and the folder after it: without both, a power cut can leave an empty file
    under the final name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held while we live: `Study.sweep` takes only what nobody holds
            write(sink, temporary)
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_unnamed(path: Path, write: Callable[[BinaryIO, Path], None]) -> None:
    """`write_atomically` of a new file in a folder that is somebody's own, where nothing sweeps: it has no name until
    it is whole, so that a crash leaves nothing of it. Where the file system has no such files it is as there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):  # as file systems and old kernels say it
            raise
        write_atomically(path, write)
        return
    with os.fdopen(descriptor, "wb") as sink:
        nameless = Path(f"/proc/self/fd/{descriptor}")
        write(sink, nameless)
        sink.flush()
        os.fsync(descriptor)
        os.link(nameless, path, src_dir_fd=descriptor)  # without that argument it would be a link to the link in /proc
    sync_folder(path.parent)


def remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed left beside a file or folder that they were to write."""
    temporary = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.tmp")
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    for left in [one for one in beside if temporary.fullmatch(one.name) and not is_held(one)]:
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living process holds a file's or a folder's lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def adding(folder: Path, to: Recipient, above: int = 0) -> Iterator[Callable[[object], None]]:
    """What writes a value, encrypted to `to`, as the next of a folder's numbered files, none of which is written again:
    its number is larger than `above`, too. Nobody else adds one until the end of the block.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)

    def add(value: object) -> None:
        number = 1 + max([above, *(int(path.stem) for path in numbered(folder))])
        save(folder / f"{number:06d}.age", value, to)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # else two processes at once would take the same number
        yield add
    finally:
        os.close(descriptor)


def numbered(folder: Path, after: int = 0) -> list[Path]:
    """What was added to a folder, in order, but for the first `after`; nothing where there is no folder."""
    try:
        names = sorted(name for name in os.listdir(folder) if _NUMBERED.fullmatch(name))  # noqa: PTH208 - asked often
    except FileNotFoundError:
        return []
    return [folder / name for name in names[after:]]


def write_bytes(path: Path, data: bytes) -> None:
    """`write_atomically` of bytes at hand."""
    write_atomically(path, lambda sink, _: _write_all(sink, data))


def _write_all(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)


def read_at_most(path: Path, most_bytes: int) -> bytes:
    """A file that a person named, or the first `most_bytes` + 1 of it: a device has no end. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe would wait for its writer
    with os.fdopen(descriptor, "rb") as file:
        os.set_blocking(descriptor, True)
        return file.read(most_bytes + 1)


@contextmanager
def disk_trouble(what: str) -> Iterator[None]:
    """A disk that is full, gone or not ours as a sentence: raises StudyError for any OSError."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "damaged"
        raise StudyError(f"{what} ({reason})", advice="check the disk and the path") from None


def disk_error(error: OSError) -> StudyError | None:
    """What befell the disk as a sentence; None where an OSError is something else, such as a lost connection."""
    if error.errno not in _OF_THE_DISK:
        return None
    what = f"a file cannot be read or written ({os.strerror(error.errno).lower()})"
    return StudyError(what, advice="make room or check the disk and do it again, what is finished is kept")


def befalls_all(error: BaseException) -> bool:
    """Whether the whole disk is full or read-only; whatever else befalls a file may be that file's alone."""
    return isinstance(error, OSError) and error.errno in _OF_ALL_OF_IT


def stamp(path: Path) -> tuple[int, int]:
    """What differs whenever a file was written anew: `write_atomically` puts another one in its place."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    sync(folder)


def sync(path: Path) -> None:
    """The same for what stands in a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, line: str) -> None:
    """Append one line and sync it. A line torn by a crash is closed first, so that it spoils itself alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (("\n" if torn else "") + line + "\n").encode()
        if os.write(descriptor, data) < len(data):
            os.ftruncate(descriptor, size)  # half a line would break the audit's chain for good
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_torn(line: bytes) -> bool:
    """Whether this is the beginning of a line of audit or journal, as a crash in the middle of writing leaves it."""
    return line[: len(_OPENING)] == _OPENING[: len(line)] and not line.endswith(b"}")


def read_lines(path: Path) -> Iterable[dict[str, object]]:
    """The JSON objects of a line file, torn lines left out; nothing when there is no file."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


# --- sound ----------------------------------------------------------------------------------------------------------


class Readable(Protocol):
    """What gives bytes until it gives none."""

    def read(self, size: int, /) -> bytes: ...


class HashingReader:
    """A binary reader that keeps the SHA-256 of what was read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
        return data

    def to_end(self) -> str:
        """Read what is left; the SHA-256 of all."""
        while self.read(1 << 20):
            pass
        return self.sha256.hexdigest()


class HashingWriter:
    """A binary writer that keeps the SHA-256 of what passed, and passes nothing on."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered."""


class _NotingReader:
    """A binary reader that keeps what went wrong in it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.trouble: OSError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except OSError as error:
            self.trouble = error
            raise


class _NotingWriter:
    """A binary writer that keeps what went wrong in it: age tells no more than that something did."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.trouble: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._sink.write(data)
        except OSError as error:
            self.trouble = error
            raise

    def flush(self) -> None:
        self._sink.flush()


def encrypt_file(source: Readable, path: Path, key_pair: Identity) -> str:
    """Stream `source` into an age file at `path`, decrypt it again, compare; the SHA-256 of the plain bytes.

    Raises StoreError, and leaves nothing at `path`, when what comes back is not what went in.
    """
    reader = HashingReader(source)

    def write(sink: BinaryIO, temporary: Path) -> None:
        noting = _NotingWriter(sink)
        try:
            pyrage.encrypt_io(reader, noting, [key_pair.to_public()])
        except pyrage.EncryptError:
            raise noting.trouble or OSError(errno.EIO, os.strerror(errno.EIO)) from None
        sink.flush()
        back = HashingWriter()
        decrypt_file(temporary, back, key_pair)
        if back.sha256.digest() != reader.sha256.digest():
            raise StoreError("the encrypted copy differs from the recording", advice="check the disk and add it again")

    write_atomically(path, write)
    return reader.sha256.hexdigest()


def decrypt_file(path: Path, sink: BinaryIO | HashingWriter, by: Identity) -> None:
    """Stream the plain bytes of an age file into `sink`. Raises StoreError."""
    noting: _NotingReader | None = None
    try:
        with path.open("rb") as source:
            noting = _NotingReader(source)
            pyrage.decrypt_io(noting, sink, [by])
    except (pyrage.DecryptError, OSError) as error:
        if noting is not None and noting.trouble is not None and noting.trouble.errno == errno.EIO:
            with reading():
                raise noting.trouble from None
        if isinstance(error, OSError) and error.errno is not None:  # a full disk; damage comes without a number
            raise
        raise StoreError("an encrypted recording is damaged", advice="restore it from a backup") from None
