"""A backup gives the study back as it was, or says that it does not; a recording comes back bit for bit."""

import errno
import json
import os
import random
import signal
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pyrage
import pytest

from tests.builders import (
    add_detected,
    add_recording,
    files_up_to,
    new_unlocked,
    person,
    says_nothing_of,
    transcript,
    unreadable,
)
from transcribe import audit, backup, certificates, giving_back, store
from transcribe.errors import LockedError, StoreError, StudyError, TranscribeError
from transcribe.study import open_study
from transcribe.vault import Unlocked, unlock

SOUND = random.Random(3).randbytes(300_000)
PEOPLE = (person("P1", "Karen Okonkwo"),)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(opened, "R001", sound=SOUND, name="Karen Okonkwo 3 May.WAV")
    add_detected(opened, transcript(("S1", "Karen was here."), recording_id="T001"))
    release = opened.study.releases / "001"
    release.mkdir()
    (release / "T001_x.txt").write_text("[person 1] was here.")
    opened.append("R001", opened.vault)
    return opened


def key_of(unlocked: Unlocked) -> str:
    return str(unlocked.identity)


def contents(root: Path) -> dict[str, bytes]:
    """Every file but the two that note the backup itself."""
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: data for name, data in files.items() if name not in ("audit.jsonl", "journal.jsonl")}


# --- there and back -------------------------------------------------------------------------------------------------


def test_what_is_restored_is_the_study_file_by_file(unlocked: Unlocked, tmp_path: Path) -> None:
    root, file = unlocked.study.root, tmp_path / "disk" / "b.backup"
    (unlocked.study.private / ".vault.age.0123abcd.tmp").write_bytes(b"left by a killed process")
    before = {name: data for name, data in contents(root).items() if not name.endswith(".tmp")}
    about = backup.write(unlocked, file)
    assert backup.restore(file, tmp_path / "again", key_of(unlocked)) == about == backup.read_about(file)
    assert contents(tmp_path / "again") == before
    assert len(before) > 8
    again = unlock(open_study(tmp_path / "again"), key_of(unlocked))
    assert replace(again.vault, audit=unlocked.vault.audit, inventory=unlocked.vault.inventory) == unlocked.vault
    assert audit.check(again.study.audit_path, again.vault.audit).whole
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
    for path in (tmp_path / "again").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_passphrase_of_its_day_opens_it(tmp_path: Path) -> None:
    root = tmp_path / "study"
    opened = new_unlocked(root, PEOPLE)
    store.write_bytes(opened.study.identity_path, store.seal_secret(opened.identity, "horse battery"))
    backup.write(opened, tmp_path / "b")
    store.write_bytes(opened.study.identity_path, store.seal_secret(opened.identity, "another one"))
    with pytest.raises(LockedError):
        backup.restore(tmp_path / "b", tmp_path / "again", "another one")
    assert not (tmp_path / "again").exists()
    backup.restore(tmp_path / "b", tmp_path / "again", "horse battery")
    assert unlock(open_study(tmp_path / "again"), "horse battery").vault.hmac_key == opened.vault.hmac_key


def test_a_backup_is_noted_by_its_own_id_and_holds_nothing_readable(unlocked: Unlocked, tmp_path: Path) -> None:
    about = backup.write(unlocked, tmp_path / "Karen Okonkwo.backup")
    said = unlocked.study.audit_path.read_text() + unlocked.study.journal_path.read_text()
    assert json.loads(unlocked.study.audit_path.read_text().splitlines()[-1])["backup"] == about.id
    data = (tmp_path / "Karen Okonkwo.backup").read_bytes()
    for word in ("Karen", "Okonkwo", "was here", "person 1"):
        assert word not in said
        assert word.encode() not in data
    assert b"R001" not in data


# --- nothing half, nothing lost -------------------------------------------------------------------------------------


def test_a_flipped_bit_anywhere_is_noticed_and_nothing_is_laid_out(unlocked: Unlocked, tmp_path: Path) -> None:
    file = tmp_path / "b"
    backup.write(unlocked, file)
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as parts:
        sealed = parts.getinfo(backup.ARCHIVE)
    chance = random.Random(11)
    first = sealed.header_offset + 200
    for where in (first, first + sealed.file_size // 2, *(chance.randrange(first, len(whole)) for _ in range(40))):
        broken = bytearray(whole)
        broken[where] ^= 1 << chance.randrange(8)
        (tmp_path / "broken").write_bytes(broken)
        try:
            backup.restore(tmp_path / "broken", tmp_path / "again", key_of(unlocked))
        except TranscribeError as error:
            says_nothing_of(error, "Karen")
            assert not (tmp_path / "again").exists()
        else:  # a bit that means nothing, such as a date in the zip's directory
            assert contents(tmp_path / "again") == contents(unlocked.study.root)
            backup.shutil.rmtree(tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "broken", "study"]


@pytest.mark.parametrize("kept", [0, 10, 300, 5_000, -1000, -1])
def test_a_backup_cut_short_is_none(unlocked: Unlocked, tmp_path: Path, kept: int) -> None:
    backup.write(unlocked, tmp_path / "b")
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes()[:kept])
    with pytest.raises(StoreError, match="no backup of a study, or it is damaged"):
        backup.restore(tmp_path / "b", tmp_path / "again", key_of(unlocked))
    assert not (tmp_path / "again").exists()


def test_a_backup_that_reads_back_differently_gets_no_name(
    unlocked: Unlocked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backup._add_sums
    monkeypatch.setattr(backup, "_add_sums", lambda tar, sums: real(tar, {**sums, "study.toml": "0" * 64}))
    with pytest.raises(StoreError, match="reads back differently"):
        backup.write(unlocked, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    assert not unlocked.study.audit_path.exists() or "backed up" not in unlocked.study.audit_path.read_text()


def test_a_study_that_lies_in_part_elsewhere_is_not_backed_up_in_part(unlocked: Unlocked, tmp_path: Path) -> None:
    recordings = unlocked.study.private / "recordings"
    recordings.rename(tmp_path / "bigger disk")
    recordings.symlink_to(tmp_path / "bigger disk")
    with pytest.raises(StudyError, match="is a link to another place"):
        backup.write(unlocked, tmp_path / "b.backup")
    assert not (tmp_path / "b.backup").exists()


def test_nothing_is_replaced(unlocked: Unlocked, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("something else")
    with pytest.raises(StudyError, match="would replace a file"):
        backup.write(unlocked, tmp_path / "b")
    with pytest.raises(StudyError, match="lost with it"):
        backup.write(unlocked, unlocked.study.root / "b")
    backup.write(unlocked, tmp_path / "c")
    with pytest.raises(StudyError, match="not empty"):
        backup.restore(tmp_path / "c", unlocked.study.root, key_of(unlocked))
    with pytest.raises(StudyError, match="cannot be read"):
        backup.read_about(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    backup.restore(tmp_path / "c", tmp_path / "empty", key_of(unlocked))


def test_a_backup_is_noted_before_it_has_a_name(unlocked: Unlocked, tmp_path: Path, disk: str) -> None:
    killed_before((store, "sync_folder"), lambda: backup.write(unlocked, tmp_path / "b"))
    about = backup.read_about(tmp_path / "b")
    assert [one.id for one in certificates.backups(unlocked.study)] == [about.id]
    killed_before((store, "sync_folder"), lambda: giving_back.give_back(unlocked, tmp_path / "out"))
    assert (tmp_path / "out" / "R001.wav").exists()
    assert certificates.exported(unlocked.study) == ("R001",)


def test_the_folder_that_one_is_in_can_be_restored_to(
    unlocked: Unlocked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.write(unlocked, tmp_path / "b")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    monkeypatch.chdir(tmp_path / "empty")
    backup.restore(tmp_path / "b", Path(), key_of(unlocked))
    monkeypatch.chdir(tmp_path)
    assert contents(tmp_path / "empty") == contents(unlocked.study.root)
    backup.shutil.rmtree(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    backup.restore(tmp_path / "b", tmp_path / "link", key_of(unlocked))
    assert contents(tmp_path / "empty") == contents(unlocked.study.root)


def test_a_file_that_the_disk_does_not_give_back_is_no_trouble_of_the_backups_disk(
    unlocked: Unlocked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(store.HashingReader):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "x")

    monkeypatch.setattr(backup, "HashingReader", Failing)
    with pytest.raises(StoreError, match="a file of the study cannot be read from the disk any more"):
        backup.write(unlocked, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_full_disk_is_a_sentence_and_leaves_nothing(unlocked: Unlocked, tmp_path: Path) -> None:
    with files_up_to(100_000), pytest.raises(StudyError, match=r"the backup cannot be written \(file too large\)"):
        backup.write(unlocked, tmp_path / "b")
    backup.write(unlocked, tmp_path / "c")
    with files_up_to(100_000), pytest.raises(StudyError, match=r"the study cannot be written \(file too large\)"):
        backup.restore(tmp_path / "c", tmp_path / "again", key_of(unlocked))
    with files_up_to(100_000), pytest.raises(StudyError, match=r"R001: the recording cannot be written"):
        giving_back.give_back(unlocked, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "out", "study"]
    assert list((tmp_path / "out").iterdir()) == []


# --- hostile backups ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "private/../../evil", "a//b", "..", "private\\..\\evil"])
def test_a_backup_that_would_write_elsewhere_is_refused(unlocked: Unlocked, tmp_path: Path, name: str) -> None:
    forged(unlocked, tmp_path / "b", {name: b"evil"})
    with pytest.raises(StoreError, match="outside of the folder"):
        backup.restore(tmp_path / "b", tmp_path / "deep" / "again", key_of(unlocked))
    assert not list(tmp_path.rglob("*evil*"))


def forged(unlocked: Unlocked, file: Path, files: dict[str, bytes]) -> None:
    """A backup by somebody who has the public key alone."""
    packed = backup.io.BytesIO()
    with backup.tarfile.open(fileobj=packed, mode="w|") as tar:
        for name, data in files.items():
            tar.addfile(backup._member(name, len(data)), backup.io.BytesIO(data))
    facts = {"id": "x", "study": "y", "recipient": unlocked.study.created["recipient"], "at": "z", "made_by": "w"}
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr(backup.ABOUT, json.dumps(facts))
        parts.writestr(backup.ARCHIVE, pyrage.encrypt(packed.getvalue(), [unlocked.study.recipient]))


def test_another_studys_key_is_refused(unlocked: Unlocked, tmp_path: Path) -> None:
    backup.write(unlocked, tmp_path / "b")
    with pytest.raises(LockedError, match="key of another study"):
        backup.restore(tmp_path / "b", tmp_path / "again", str(store.new_identity()))


# --- recordings -----------------------------------------------------------------------------------------------------


def test_a_recording_comes_back_bit_for_bit_under_its_id(unlocked: Unlocked, tmp_path: Path) -> None:
    given = giving_back.give_back(unlocked, tmp_path / "out")
    assert [(one.id, one.name) for one in given] == [("R001", "R001.wav")]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["R001.wav"]
    assert (tmp_path / "out" / "R001.wav").read_bytes() == SOUND
    assert stat.S_IMODE((tmp_path / "out" / "R001.wav").stat().st_mode) == 0o600
    assert json.loads(unlocked.study.audit_path.read_text().splitlines()[-1])["recording"] == "R001"
    with pytest.raises(StudyError, match="R001: a file of that name is there already"):
        giving_back.give_back(unlocked, tmp_path / "out")


def killed_before(step: tuple[object, str], work: Callable[[], object]) -> None:
    """Do `work` in a process that is killed when it comes to this step."""
    child = os.fork()
    if not child:
        setattr(*step, lambda *arguments, **named: os.kill(os.getpid(), signal.SIGKILL))
        try:
            work()
        finally:
            os._exit(1)
    os.waitpid(child, 0)


@pytest.fixture(params=["nameless", "named"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system that has files without a name, or one that has none, such as a memory stick's."""
    real = os.open

    def opened(path: Path, flags: int, *more: int, **named: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "none here")
        return real(path, flags, *more, **named)

    if request.param == "named":
        monkeypatch.setattr(os, "open", opened)
    return str(request.param)


STEPS = [(os, "fsync"), (os, "link"), (Path, "replace"), (audit, "append")]


@pytest.mark.parametrize("step", STEPS, ids=[name for _, name in STEPS])
def test_an_export_that_is_killed_leaves_nothing_once_it_is_done_again(
    unlocked: Unlocked, tmp_path: Path, step: tuple[object, str], disk: str
) -> None:
    add_recording(unlocked, "R002", sound=SOUND, name="x.wav")
    killed_before(step, lambda: giving_back.give_back(unlocked, tmp_path / "out", ("R002",)))
    if disk == "nameless":
        assert {path.name for path in (tmp_path / "out").iterdir()} <= {"R002.wav"}
    with suppress(StudyError):  # where it was there already
        giving_back.give_back(unlocked, tmp_path / "out", ("R002",))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["R002.wav"]
    assert (tmp_path / "out" / "R002.wav").read_bytes() == SOUND


@pytest.mark.parametrize("step", STEPS, ids=[name for _, name in STEPS])
def test_a_backup_or_a_restore_that_is_killed_leaves_nothing_once_it_is_done_again(
    unlocked: Unlocked, tmp_path: Path, step: tuple[object, str], disk: str
) -> None:
    file, root, key = tmp_path / "b", tmp_path / "again", key_of(unlocked)
    deeds = (lambda: backup.write(unlocked, file)), (lambda: backup.restore(file, root, key))
    for deed in deeds:
        killed_before(step, deed)
        with suppress(StudyError):
            deed()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "b", "study"]


def test_what_another_export_is_at_work_on_is_left_alone(unlocked: Unlocked, tmp_path: Path, disk: str) -> None:
    out = tmp_path / "out"

    def while_at_work(sink: BinaryIO, path: Path) -> None:
        there = list(out.iterdir())
        store.remove_unfinished(out / "R001.wav")
        assert list(out.iterdir()) == there
        sink.write(b"whole")

    store.write_unnamed(out / "R001.wav", while_at_work)
    assert (out / "R001.wav").read_bytes() == b"whole"


def test_one_that_is_damaged_keeps_no_other_from_being_given_back(unlocked: Unlocked, tmp_path: Path) -> None:
    add_recording(unlocked, "R002", sound=SOUND, name="x.wav")
    unreadable(unlocked.study.sound_path("R001"))
    with pytest.raises(StoreError, match=r"R001: a file cannot be read from the disk.*; all others are given back\."):
        giving_back.give_back(unlocked, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["R002.wav"]
    assert certificates.exported(unlocked.study) == ("R002",)


def test_what_cannot_be_given_back_is_said_and_leaves_nothing(unlocked: Unlocked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(StudyError, match="T001: a transcript that came without sound"):
        giving_back.give_back(unlocked, out, ("R001", "T001"))
    with pytest.raises(StudyError):
        giving_back.give_back(unlocked, out, ("R009",))
    assert not out.exists()
    sealed = unlocked.study.sound_path("R001")
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-10] + bytes(10))
    with pytest.raises(StoreError, match="R001: an encrypted recording is damaged"):
        giving_back.give_back(unlocked, out)
    sealed.write_bytes(pyrage.encrypt(b"another", [unlocked.recording_key("R001").to_public()]))
    with pytest.raises(StoreError, match="R001: the recording is not what was taken in"):
        giving_back.give_back(unlocked, out)
    assert list(out.iterdir()) == []
