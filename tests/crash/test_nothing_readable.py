"""While a study is worked on nothing of it can be read: in no file, temporary ones too, in no argument or environment.

What was said may be read in a release, where names may not; all else on the disk is ciphertext, ids and times.
"""

import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.crash import day
from tests.crash.day import DEEDS
from tests.study_session import PASSPHRASE, PROGRAM, environment

FORMS = ("Zephyrine", "Quillfeather", "Diane", "Hartley", "Quayle", "Abercwmboi")
ROSTER = """\
id,kind,role,names,relation,of,pseudonym
P1,person,participant,Diane;Zephyrine Quillfeather,self,P1,
R1,person,interviewer,Hartley Quayle,interviewer,,
L1,place,place,Abercwmboi,home town,P1,
"""
SOUND = (b"RIFF", b"OggS", b"fLaC", b"ID3")
LARGEST = 200_000
"""Bytes of a temporary file that may lie in the open: half a minute of decoded sound has two million."""
SHARED = Path("/dev/shm")  # noqa: S108 - watched, not written


class Watch:
    """Looks at files and processes, again and again while work is done; `seen` are complaints."""

    def __init__(self, root: Path, temporary: Path) -> None:
        self.root = root
        self.temporary = temporary
        self.words = [form.encode() for form in FORMS]
        self.seen: set[str] = set()
        self.files = 0
        self.processes: set[str] = set()
        self._read: dict[Path, tuple[int, int]] = {}
        self._before = set(SHARED.iterdir())

    def look(self, commands: tuple[int, ...] = ()) -> None:
        """Once at everything."""
        self._files(self.root, temporary=False)
        self._files(self.temporary, temporary=True)
        for path in set(SHARED.iterdir()) - self._before:
            self._file(path, temporary=True)
        for pid in commands:
            self._children(pid)

    def _files(self, folder: Path, *, temporary: bool) -> None:
        for inside, _, names in os.walk(folder):  # which passes over a folder that is gone meanwhile
            for name in names:
                self._file(Path(inside) / name, temporary=temporary)

    def _file(self, path: Path, *, temporary: bool) -> None:
        try:
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode) or self._read.get(path) == (facts.st_mtime_ns, facts.st_size):
                return
            data = path.read_bytes()
        except OSError:  # gone meanwhile, or a socket
            return
        self._read[path] = (facts.st_mtime_ns, facts.st_size)
        self.files += 1
        self._check(data, f"file {path.name}", released="release" in path.relative_to(path.anchor).parts)
        self._check(str(path).encode(), f"the name of {path.suffix}", released=True)
        if temporary and (data.startswith(SOUND) or len(data) > LARGEST):
            self.seen.add(f"sound in {path}")

    def _children(self, pid: int) -> None:
        try:
            children = psutil.Process(pid).children(recursive=True)
        except psutil.Error:
            return
        for child in children:
            try:
                words = [*child.cmdline(), *(f"{k}={v}" for k, v in child.environ().items())]
                self.processes.add(child.name())
            except psutil.Error:
                continue
            self._check("\0".join(words).encode(), "a child process", released=True)
            if PASSPHRASE in "\0".join(words):
                self.seen.add("the passphrase in a child process")

    def _check(self, data: bytes, where: str, *, released: bool) -> None:
        for word in self.words if not released else [form.encode() for form in FORMS]:
            if word in data:
                self.seen.add(f"{word!r} in {where}")

    @contextmanager
    def over(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Look all the time until the block is left."""
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                self.look((process.pid,))
                time.sleep(0.1)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.look()


def fives(text: str) -> list[bytes]:
    """All stretches of five words of a transcript, as they stand in it, apart from its labels."""
    lines = [line.partition(": ")[2].split() for line in text.splitlines()]
    return [" ".join(words[n : n + 5]).encode() for words in lines for n in range(len(words) - 4)]


@pytest.mark.weights
@pytest.mark.slow
def test_nothing_can_be_read_while_a_study_is_worked_on(
    tmp_path: Path, sample_dir: Path, model_path: Callable[[str], Path]
) -> None:
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus", "en_core_web_md", "rampart"):
        model_path(name)
    root, temporary, outside = tmp_path / "study", tmp_path / "temporary", tmp_path / "outside"
    temporary.mkdir()
    outside.mkdir()
    source = Path(shutil.copy(sample_dir / "sample.wav", outside / "Zephyrine Quillfeather 3 May.wav"))
    (outside / "roster.csv").write_text(ROSTER)
    watch = Watch(root, temporary)

    def call(*arguments: str | Path, ends_s: float | None = None) -> str:
        ours = {**environment(), "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""}
        with (outside / "said").open("w+") as said:
            process = subprocess.Popen([PROGRAM, *map(str, arguments)], env=ours, stdout=said, text=True)
            with watch.over(process):
                if ends_s is not None:
                    time.sleep(ends_s)
                    process.send_signal(signal.SIGTERM)
                assert process.wait() == 0
            said.seek(0)
            return said.read()

    call("new", root)
    settings = root / "study.toml"
    settings.write_text(settings.read_text().replace('"whisper-base"', '"whisper-tiny.en"'))
    call("people", root, "import", outside / "roster.csv")
    call("add", root, source, "--speakers", "2", "--who", "P1,R1")
    call("run", root)
    identified = call("show", root, "R001", "--identified")
    stretches = fives(identified)
    assert len(stretches) > 20
    watch.words += stretches
    watch._read.clear()
    call("settle", root, "R001", "--reviewer", "AB")
    call("release", root)
    call("quote", root, "R001", "00:00:05-00:00:15")
    call("review", root, "R001", "--reviewer", "AB", "--no-browser", ends_s=12.0)
    call("backup", root, root.parent / "backup.age")
    watch._check((root.parent / "backup.age").read_bytes(), "the backup", released=False)
    assert watch.seen == set()
    assert watch.files > 30
    assert any("ffmpeg" in name or "ffprobe" in name for name in watch.processes)
    assert [path for path in temporary.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def with_umask(mask: int) -> None:
    day.fake_engines()
    os.umask(mask)


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_whatever_the_umask_all_of_a_study_is_its_owners_alone(tmp_path: Path, mask: int) -> None:
    place = day.morning(tmp_path / "now")
    prepare = partial(with_umask, mask)
    another = place.command("new", str(tmp_path / "now" / "umasked"), secret="correct horse battery", prepare=prepare)
    assert another.status == 0
    for deed in DEEDS:
        if deed.name != "review":
            assert place.do(deed, prepare=prepare).status == 0
    written = [place.root, place.folder / "restored", place.folder / "umasked"]
    for path in [*written, *(one for folder in written for one in folder.rglob("*"))]:
        if path.name != "study.toml" or path.parent != place.root:  # the one that this test has written over
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path.suffix
    for path in (place.folder / "backup", *(place.folder / "exported").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
