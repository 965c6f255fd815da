"""A watched folder: what stands still is taken in once, what is refused is told once, nothing else is touched."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile

from tests.builders import new_unlocked, person, says_nothing_of
from tests.study_session import PROGRAM, environment, last_json
from transcribe import intake, joining, watching
from transcribe.errors import LockedError, StudyError
from transcribe.intake import Request
from transcribe.vault import Unlocked, with_recording
from transcribe.watching import STILL_S, Folder, Outcome

RATE = 8_000


def record(path: Path, seed: int) -> Path:
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, RATE), RATE)
    return path


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))


@pytest.fixture
def dropped(tmp_path: Path) -> Path:
    folder = tmp_path / "Karen"
    folder.mkdir()
    return folder


class Clock:
    """A folder that is looked at every few seconds, by a clock of our own."""

    def __init__(self, unlocked: Unlocked, path: Path, *, remove_source: bool = False) -> None:
        self.folder = Folder(unlocked, path, Request(who=("P1",)), remove_source=remove_source)
        self.now_s = 0.0

    def after(self, seconds: float) -> tuple[list[str], list[int]]:
        """Ids of recordings taken in, and numbers of files refused."""
        self.now_s += seconds
        self.folder.look(self.now_s)
        told = list(self.folder.take(self.now_s, Event()))
        return [one.added.id for one in told if one.added], [one.number for one in told if one.refused]


def test_a_file_is_taken_once_it_stands_still(unlocked: Unlocked, dropped: Path) -> None:
    clock, path = Clock(unlocked, dropped), record(dropped / "Karen.wav", 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:9000])
    assert clock.after(0) == ([], [])
    path.write_bytes(whole)
    assert clock.after(STILL_S - 1) == ([], [])
    assert clock.after(STILL_S - 1) == ([], [])
    assert clock.after(1) == (["R001"], [])
    assert clock.after(100) == ([], [])
    assert path.exists()
    assert unlocked.vault.entry("R001").who == ("P1",)


def test_a_file_of_the_same_size_that_is_still_written_is_not_whole(unlocked: Unlocked, dropped: Path) -> None:
    clock, path = Clock(unlocked, dropped), record(dropped / "a.wav", 1)
    clock.after(0)
    os.utime(path, ns=(1, 1))
    assert clock.after(STILL_S) == ([], [])
    assert clock.after(STILL_S) == (["R001"], [])


def test_a_file_that_somebody_has_open_to_write_is_not_taken(unlocked: Unlocked, dropped: Path) -> None:
    """A copy that stalls stands still, too."""
    clock, path = Clock(unlocked, dropped, remove_source=True), record(dropped / "a.wav", 1)
    with path.open("ab"):
        clock.after(0)
        assert clock.after(10 * STILL_S) == ([], [])
        assert path.exists()
    assert clock.after(1) == (["R001"], [])
    assert not path.exists()


def test_what_is_in_the_study_is_passed_over(unlocked: Unlocked, dropped: Path, tmp_path: Path) -> None:
    first, second = record(tmp_path / "a.wav", 1), record(tmp_path / "b.wav", 2)
    joining.add(unlocked.study, (first, second), Request())
    for name, source in (("x.wav", second), ("y.wav", record(tmp_path / "c.wav", 3)), ("z.wav", tmp_path / "c.wav")):
        (dropped / name).write_bytes(source.read_bytes())
    clock = Clock(Unlocked(unlocked.study, unlocked.identity), dropped, remove_source=True)
    clock.after(0)
    assert clock.after(STILL_S) == (["R002"], [])
    assert sorted(path.name for path in dropped.iterdir()) == ["x.wav", "z.wav"]


def test_a_refused_file_is_told_once_and_again_when_it_is_another(unlocked: Unlocked, dropped: Path) -> None:
    path = dropped / "Karen.wav"
    path.write_text("no sound")
    clock = Clock(unlocked, dropped, remove_source=True)
    clock.after(0)
    record(dropped / "also.wav", 4)
    assert clock.after(STILL_S) == ([], [1])
    assert clock.after(STILL_S) == (["R001"], [])
    assert clock.after(STILL_S) == ([], [])
    assert path.exists()
    record(path, 5)
    clock.after(0)
    assert clock.after(STILL_S) == (["R002"], [])
    assert not path.exists()


def test_what_is_no_recording_by_its_name_is_left_alone(unlocked: Unlocked, dropped: Path) -> None:
    (dropped / "notes.txt").write_text("Karen")
    (dropped / ".part.wav").write_text("half")
    record(dropped / "gone.wav", 6)
    clock = Clock(unlocked, dropped)
    clock.after(0)
    (dropped / "gone.wav").unlink()
    assert clock.folder.look(STILL_S) == 0
    assert clock.after(STILL_S) == ([], [])


def test_no_file_is_begun_after_it_is_time_to_stop(unlocked: Unlocked, dropped: Path) -> None:
    clock = Clock(unlocked, dropped)
    for number in range(3):
        record(dropped / f"{number}.wav", number)
    clock.after(0)
    clock.folder.look(STILL_S)
    stop, taken = Event(), []
    for outcome in clock.folder.take(STILL_S, stop):
        taken.append(outcome)
        stop.set()
    assert len(taken) == 1
    assert unlocked.study.recordings() == ("R001",)


def test_a_key_that_was_replaced_ends_it(unlocked: Unlocked, dropped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, path = Clock(unlocked, dropped), record(dropped / "a.wav", 1)
    clock.after(0)

    def replaced() -> None:
        raise LockedError("the study's key was replaced meanwhile")

    monkeypatch.setattr(unlocked, "look", replaced)
    with pytest.raises(LockedError):
        clock.after(STILL_S)
    assert path.exists()


def test_a_recording_that_another_process_added_is_known(unlocked: Unlocked, dropped: Path, tmp_path: Path) -> None:
    clock, path = Clock(unlocked, dropped), record(dropped / "a.wav", 1)
    clock.after(0)
    other = Unlocked(unlocked.study, unlocked.identity)
    intake.add(other.study, path, Request(), other)
    other.change(lambda vault: with_recording(vault, vault.entry("R001")))
    assert clock.after(STILL_S) == ([], [])


@pytest.mark.parametrize("where", ["missing", "file", "study", "above"])
def test_a_folder_that_cannot_be_watched_is_refused(unlocked: Unlocked, tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    path = {"study": unlocked.study.releases, "above": tmp_path}.get(where, tmp_path / where)
    with pytest.raises(StudyError) as refused:
        Folder(unlocked, path, Request(), remove_source=False)
    says_nothing_of(refused.value, "missing")


def test_once_waits_for_what_is_there_and_tells_what_still_changes(
    unlocked: Unlocked, dropped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STILL_S", 0.3)
    record(dropped / "a.wav", 1)
    growing, done = dropped / "b.wav", Event()

    def grow() -> None:
        while not done.wait(0.05):
            with growing.open("ab") as file:
                file.write(b"more")

    writer = threading.Thread(target=grow)
    writer.start()
    told: list[Outcome] = []
    try:
        time.sleep(0.2)
        folder = Folder(unlocked, dropped, Request(), remove_source=False)
        left = watching.watch(folder, Event(), told.append, once=True)
    finally:
        done.set()
        writer.join()
    assert ([one.added.id for one in told if one.added], left) == (["R001"], 1)


def test_ctrl_c_ends_it_well(unlocked: Unlocked, dropped: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_text(f"{unlocked.identity}\n")
    record(dropped / "Karen.wav", 1)
    command = [PROGRAM, "watch", unlocked.study.root, dropped, "--passphrase-file", key, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(None)
    ) as p:
        assert p.stdout
        assert '"watching"' in p.stdout.readline()
        assert '"R001"' in p.stdout.readline()
        p.send_signal(signal.SIGINT)
        said, complained = p.communicate(timeout=60)
    assert (p.returncode, complained) == (0, "")
    assert last_json(said) == {"added": ["R001"], "refused": 0, "changing": 0, "left": 0}
    says_nothing_of(said, "Karen")
