"""The study folder: ids, locks, what is swept away, and who may read it."""

import fcntl
import multiprocessing
import os
from pathlib import Path

import pytest

from tests.builders import add_recording, new_unlocked
from transcribe import store, study
from transcribe.errors import StudyError
from transcribe.study import Study


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    return new_unlocked(tmp_path / "study").study


def test_a_new_study_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = new_unlocked(tmp_path / "study").study
    finally:
        os.umask(before)
    for path in (made.root, *made.root.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path.name
    assert repr(made) == "<Study>"


def test_a_study_is_made_in_an_empty_or_missing_folder_only(tmp_path: Path) -> None:
    (tmp_path / "karen.txt").touch()
    with pytest.raises(StudyError, match="not empty") as refused:
        study.create(tmp_path, store.new_identity(), "12345678")
    assert "karen" not in str(refused.value)
    with pytest.raises(StudyError):
        study.create(tmp_path / "karen.txt", store.new_identity(), "12345678")


def test_new_that_is_stopped_while_the_key_is_sealed_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "seal_secret", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.create(tmp_path / "study", store.new_identity(), "12345678")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("missing", ["study.toml", "private/vault.age"])
def test_a_folder_that_lacks_its_parts_is_no_study(opened: Study, missing: str) -> None:
    assert study.open_study(opened.root).created["study"] == opened.created["study"]
    (opened.root / missing).unlink()
    with pytest.raises(StudyError, match="a file of this study is missing; see `transcribe doctor"):
        study.open_study(opened.root)
    for name in ("study.toml", "private/vault.age", "private/identity.age"):
        (opened.root / name).unlink(missing_ok=True)
    with pytest.raises(StudyError, match="not a study"):
        study.open_study(opened.root)


def test_a_study_without_its_journal_says_so(opened: Study) -> None:
    opened.journal_path.unlink()
    with pytest.raises(StudyError, match="restore it"):
        _ = study.open_study(opened.root).recipient


@pytest.mark.parametrize(
    "bad",
    ["", "-x", "_x", "a b", "../x", "a/b", "x" * 33, "é", "recordings", "VAULT", "identity", "con", "LPT1", ".x",
     "x\n"],
)  # fmt: skip
def test_an_id_that_cannot_be_a_file_name_everywhere_is_refused(opened: Study, bad: str) -> None:
    with pytest.raises(StudyError) as refused:
        opened.check_id(bad)
    assert len(bad) < 2 or bad not in str(refused.value)


def test_an_id_is_taken_in_any_case(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "Pilot")
    for same in ("Pilot", "PILOT", "pilot"):
        with pytest.raises(StudyError, match="taken"):
            unlocked.study.check_id(same)
    unlocked.study.check_id("Pilot2")


def test_the_next_free_id_fills_gaps(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    assert unlocked.study.free_id() == "R001"
    for recording_id in ("R001", "r002", "R004"):
        add_recording(unlocked, recording_id)
    assert unlocked.study.free_id() == "R003"
    assert unlocked.study.free_id("T") == "T001"
    assert unlocked.study.recordings() == ("R001", "R004", "r002")


def test_an_id_that_another_process_is_adding_is_not_given_twice(opened: Study) -> None:
    with opened.claim(None) as first, opened.claim(None) as second:
        assert (first, second) == ("R001", "R002")
        with pytest.raises(StudyError, match="taken"), opened.claim("r001"):
            pass
    assert opened.free_id() == "R001"  # neither came to anything


def hold(
    root: Path, what: str, held: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event"
) -> None:
    with Study(root).lock(what):
        held.set()
        done.wait(20)


@pytest.mark.parametrize("what", ["vault", "work"])
def test_two_processes_do_not_work_on_a_study_at_once(opened: Study, what: str) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(opened.root, what, held, done))
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(StudyError, match="another process"), opened.lock(what):
            pass
    finally:
        done.set()
        other.join()
    with opened.lock(what):
        pass


def test_the_locks_of_changes_and_of_runs_do_not_hinder_each_other(opened: Study) -> None:
    with opened.lock("work"), opened.lock("vault"):
        pass


def test_a_lock_ends_also_where_a_process_that_was_started_meanwhile_still_holds_its_descriptor(tmp_path: Path) -> None:
    opened = new_unlocked(tmp_path / "study").study
    with opened.lock("work"):
        held = next(fd for fd in Path("/proc/self/fd").iterdir() if fd.resolve() == opened.releases)
        copy = os.dup(int(held.name))  # as a fork does
    try:
        with opened.lock("work"):
            pass
    finally:
        os.close(copy)


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_stays(opened: Study) -> None:
    left = opened.private / "recordings" / ".R001.age.0123abcd.tmp"
    written = opened.private / "recordings" / ".R002.age.0123abcd.tmp"
    release = opened.releases / ".001.0123abcd.tmp"
    others = opened.private / ".something.tmp"
    for path in (left, written, others):
        path.write_bytes(b"age")
    release.mkdir()
    (release / "R001.txt").touch()
    with written.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        opened.sweep()
    assert not left.exists()
    assert not release.exists()
    assert written.exists()
    assert others.exists()
