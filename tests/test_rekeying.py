"""Another passphrase, another key, other people's keys: what was there is there, whoever kills us in between."""

import errno
import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.builders import add_recording, heard, new_unlocked, person, says_nothing_of
from transcribe import audit, backup, keys, rekeying, replacement, store, vault
from transcribe.cli import checks
from transcribe.errors import ConfigError, LockedError, StoreError, StudyError
from transcribe.schema import Person, Recording, SpeakerBounds, Words
from transcribe.study import Study, open_study
from transcribe.vault import RecordingEntry, Unlocked

KAREN = person("P1", "Karen Okonkwo")
FORMER, LATTER = "correct horse battery", "lichen tram kettle quince"
SOUND = b"RIFF" * 1000
HERS = store.new_identity()


def _sealed(secret: store.Identity, passphrase: str) -> bytes:
    return f"{passphrase}\n{secret}".encode()


def _opened(data: bytes, passphrase: str) -> store.Identity:
    sealed_by, _, secret = data.decode().partition("\n")
    if sealed_by != passphrase:
        raise LockedError("the passphrase does not open this study")
    return store.identity(secret)


@pytest.fixture(autouse=True)
def _without_the_seconds_of_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about scrypt; tests/test_keys.py and tests/test_cli_keys.py are."""
    monkeypatch.setattr(store, "seal_secret", _sealed)
    monkeypatch.setattr(store, "open_secret", _opened)


def note(study: Study, recording_id: str, *, whole: bool = True) -> RecordingEntry:
    """What `add` leaves that has no passphrase; one that was killed leaves no facts."""
    with study.claim(recording_id):
        entry = RecordingEntry(
            id=recording_id, secret=str(store.new_identity()), sha256=recording_id, original_name="Karen.wav",
            source_path="/nowhere/Karen.wav", who=(), bounds=SpeakerBounds(), added_on="2026-01-02",
        )  # fmt: skip
        study.save(recording_id, "note", entry, study.recipient)
        facts = Recording(id=recording_id, sha256="", duration_s=1, sample_rate_hz=1, channels=1)
        if whole:
            study.save(recording_id, "recording", facts, store.identity(entry.secret).to_public())
    return entry


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    """A study with all that is sealed to its key: people, their log, recordings, notes whole and half, a holder."""
    opened = new_unlocked(tmp_path / "study", (KAREN,))
    store.write_bytes(opened.study.identity_path, _sealed(opened.identity, FORMER))
    add_recording(opened, "R001", sound=SOUND)
    opened.save("R001", "words", heard("Karen was here."))
    for number in range(2):
        opened.append("", person(f"P{number}", "Karen"))
    rekeying.add_holder(opened, "s1", str(HERS.to_public()))
    note(opened.study, "R003", whole=False)
    note(opened.study, "R002")
    return opened


def opens(root: Path, given: str) -> Unlocked | None:
    try:
        return vault.unlock(open_study(root), given)
    except LockedError:
        return None


def check_whole(root: Path) -> str:
    """Fails unless everything is there for one of both passphrases, which it gives, and for the holder."""
    added = note(open_study(root), f"N{len(list(root.glob('private/N*')))}")  # by a process without any key, before all
    found = {given: opened for given in (FORMER, LATTER) if (opened := opens(root, given))}
    assert len(found) == 1
    ((given, opened),) = found.items()
    assert not replacement.under_way(opened.study.private)
    assert opened.vault.people == (KAREN,)
    assert {"R001", "R002", added.id} <= {entry.id for entry in opened.vault.recordings}
    words = opened.load("R001", "words", Words)
    assert words
    assert words.value == heard("Karen was here.")
    assert opened.load("R002", "recording", Recording)
    assert store.decrypt(opened.study.sound_path("R001").read_bytes(), opened.recording_key("R001")) == SOUND
    assert [p.id for p in opened.appended("", Person)] == ["P0", "P1"]
    half = store.load(opened.study.artefact_path("R003", "note"), RecordingEntry, opened.identity)
    assert half.value.id == "R003"
    hers = opens(root, f"# hers\n{HERS}\n")
    assert hers
    assert hers.vault == opened.vault
    assert rekeying.standing(opened) == opened.vault.holders
    return given


# --- a passphrase ---------------------------------------------------------------------------------------------------


def test_another_passphrase_opens_the_same_key(unlocked: Unlocked) -> None:
    root = unlocked.study.root
    before = {path: path.read_bytes() for path in root.rglob("*.age")}
    rekeying.change_passphrase(unlocked, LATTER)
    changed = {path for path in root.rglob("*.age") if path.read_bytes() != before[path]}
    assert changed == {unlocked.study.identity_path}
    assert check_whole(root) == LATTER
    again = opens(root, str(unlocked.identity))
    assert again
    assert "passphrase changed" in events(unlocked.study)


def events(study: Study) -> list[str]:
    """Those of the audit, which is whole and holds no secret."""
    text = study.audit_path.read_text() + study.journal_path.read_text()
    says_nothing_of(text, FORMER, LATTER, "Karen", "AGE-SECRET")
    assert audit.check(study.audit_path, audit.Seal()).whole
    return [str(line["event"]) for line in store.read_lines(study.audit_path)]


# --- a key ----------------------------------------------------------------------------------------------------------


def test_after_a_rotation_the_former_passphrase_key_and_files_open_nothing(unlocked: Unlocked, tmp_path: Path) -> None:
    root = unlocked.study.root
    former = shutil.copytree(root, tmp_path / "copied before")
    again = rekeying.rotate(unlocked, LATTER)
    assert str(again.identity) != str(unlocked.identity)
    assert check_whole(root) == LATTER
    assert opens(root, str(unlocked.identity)) is None
    assert opens(root, str(again.identity))
    for path in (again.study.vault_path, *store.numbered(again.study.log_path("")), *again.study.notes()):
        with pytest.raises(StoreError):
            store.decrypt(path.read_bytes(), unlocked.identity)
    store.write_bytes(again.study.identity_path, (former / "private" / "identity.age").read_bytes())
    with pytest.raises(LockedError, match="another key than the study's journal names"):
        vault.unlock(open_study(root), FORMER)
    assert "key replaced" in events(again.study)
    assert opens(former, FORMER), "a copy that was made before opens as it did"


def test_rotation_after_rotation(unlocked: Unlocked) -> None:
    once = rekeying.rotate(unlocked, LATTER)
    twice = rekeying.rotate(once, FORMER)
    assert check_whole(unlocked.study.root) == FORMER
    assert len({str(u.identity) for u in (unlocked, once, twice)}) == 3


def test_who_was_removed_is_not_let_in_by_a_rotation(unlocked: Unlocked) -> None:
    rekeying.add_holder(unlocked, "s2", str(store.new_identity().to_public()))
    unlocked.study.holder_path("s2").unlink()  # as a removal that was killed leaves it
    rekeying.remove_holder(unlocked, "s1")
    again = rekeying.rotate(unlocked, LATTER)
    assert sorted(again.study.sealed_keys()) == ["identity.age"]
    assert opens(again.study.root, str(HERS)) is None
    assert [(s.holder.id, s.there) for s in rekeying.listing(again)] == [("s2", False)]


def test_who_had_it_open_is_told_and_writes_nothing_that_nobody_could_read(unlocked: Unlocked) -> None:
    with_former = Unlocked(open_study(unlocked.study.root), unlocked.identity)
    rekeying.rotate(unlocked, LATTER)
    files = {path: path.read_bytes() for path in unlocked.study.root.rglob("*.age")}
    attempts: tuple[Callable[[], Any], ...] = (
        lambda: with_former.change(lambda known: known),
        with_former.look,
        lambda: with_former.append("", KAREN),
        lambda: with_former.appended("", Person),
        lambda: rekeying.change_passphrase(with_former, FORMER),
        lambda: rekeying.rotate(with_former, FORMER),
        lambda: rekeying.add_holder(with_former, "s3", str(HERS.to_public())),
        lambda: backup.write(with_former, unlocked.study.root.with_name("b")),
    )
    for attempt in attempts:
        with pytest.raises(LockedError, match="replaced meanwhile; open it with the new passphrase"):
            attempt()
    assert {path: path.read_bytes() for path in unlocked.study.root.rglob("*.age")} == files
    assert check_whole(unlocked.study.root) == LATTER


def test_no_key_is_replaced_while_a_recording_comes_in_or_a_run_goes_on(unlocked: Unlocked) -> None:
    files = {path: path.read_bytes() for path in unlocked.study.root.rglob("*.age")}
    with unlocked.study.claim("R009"), pytest.raises(StudyError, match="a recording is being added"):
        rekeying.rotate(unlocked, LATTER)
    with unlocked.study.lock("work"), pytest.raises(StudyError, match="another process"):
        rekeying.rotate(unlocked, LATTER)
    assert {path: path.read_bytes() for path in unlocked.study.root.rglob("*.age")} == files
    assert not replacement.under_way(unlocked.study.private)


def test_a_damaged_file_stops_a_rotation_before_anything_is_changed(unlocked: Unlocked) -> None:
    path = store.numbered(unlocked.study.log_path(""))[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(StoreError):
        rekeying.rotate(unlocked, LATTER)
    path.write_bytes(whole)
    assert check_whole(unlocked.study.root) == FORMER


def test_a_backup_of_the_days_before_opens_with_what_opened_the_study_then(unlocked: Unlocked, tmp_path: Path) -> None:
    backup.write(unlocked, tmp_path / "before")
    again = rekeying.rotate(unlocked, LATTER)
    backup.write(again, tmp_path / "after")
    hers, former_key = f"# hers\n{HERS}", str(unlocked.identity)
    for name, good, bad in (("before", FORMER, LATTER), ("after", LATTER, FORMER)):
        with pytest.raises(LockedError):
            backup.restore(tmp_path / name, tmp_path / "refused", bad)
        backup.restore(tmp_path / name, tmp_path / f"from {name}", good)
        assert check_whole(tmp_path / f"from {name}") == good
        backup.restore(tmp_path / name, tmp_path / f"by her from {name}", hers)
    backup.restore(tmp_path / "before", tmp_path / "by the former sheet", former_key)
    with pytest.raises(LockedError, match="replaced"):
        backup.restore(tmp_path / "after", tmp_path / "refused", former_key)


# --- killed at any moment -------------------------------------------------------------------------------------------

CHANGES = ("os.write", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
STEPS = {"killed": CHANGES, "torn": ("os.write",), "full": (*CHANGES, "os.fsync")}


def ended(work: Callable[[], object], at: int, how: str) -> bool:
    """Do it in a process of its own and end it `at` its nth step: by a kill, after half a line, or by a full disk.

    A step is whatever changes the disk, and on a full one what syncs it. Whether it came so far.
    """
    child = os.fork()
    if child == 0:
        left = [at]

        def step(event: str, args: tuple[Any, ...] = ()) -> None:
            makes = event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT and how != "torn"
            if event not in STEPS[how] and not makes:
                return
            left[0] -= 1
            if left[0] == 0 and how == "full":
                raise OSError(errno.ENOSPC, "no space left")
            if left[0] == 0:
                if how == "torn" and event == "os.write":
                    write(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)

        write, fsync = os.write, os.fsync

        def write_counted(descriptor: int, data: bytes) -> int:
            step("os.write", (descriptor, data))
            return write(descriptor, data)

        def fsync_counted(descriptor: int) -> None:
            step("os.fsync")
            fsync(descriptor)

        os.write, os.fsync = write_counted, fsync_counted  # type: ignore[assignment]
        sys.addaudithook(step)
        try:
            work()
        except (OSError, StudyError):
            os._exit(1)
        finally:
            os._exit(1 if left[0] <= 0 else 0)
    status = os.waitpid(child, 0)[1]
    return status != 0


@pytest.mark.parametrize("how", ["killed", "torn", "full"])
def test_a_rotation_ended_at_any_step_loses_nothing(unlocked: Unlocked, tmp_path: Path, how: str) -> None:
    opened_by: list[str] = []
    for at in range(1, 1000):
        root = shutil.copytree(unlocked.study.root, tmp_path / "ended")
        its = Unlocked.__new__(Unlocked)  # the note waits on
        its.study, its.identity, its.vault = open_study(root), unlocked.identity, unlocked.vault
        its._stamp = (0, 0)
        went_on = ended(lambda its=its: rekeying.rotate(its, LATTER), at, how)  # type: ignore[misc]
        if went_on:
            opened_by.append(check_whole(root))
        shutil.rmtree(root)
        if not went_on:
            break
    assert len(opened_by) > (1 if how == "torn" else 30)
    assert set(opened_by) == {FORMER, LATTER}
    if how != "full":  # before the line of the journal always the former, after it always the latter
        assert opened_by == sorted(opened_by, key=[FORMER, LATTER].index)


def test_the_doctor_lets_a_rotation_that_was_killed_come_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_healthy(root: Path, given: str) -> bool:
        monkeypatch.setenv("TRANSCRIBE_PASSPHRASE", given)
        try:
            checks.doctor_command(root, repair=True, as_json=True)
        except typer.Exit:
            return False
        return opens(root, given) is not None

    monkeypatch.setattr(store, "BY_PASSPHRASE", b"")
    opened = new_unlocked(tmp_path / "study", (KAREN,))
    store.write_bytes(opened.study.identity_path, _sealed(opened.identity, FORMER))
    add_recording(opened, "R001", sound=SOUND)
    opened.seal()
    healthy_by: list[str] = []
    for at in range(1, 1000):
        root = shutil.copytree(opened.study.root, tmp_path / "ended")
        its = Unlocked(open_study(root), opened.identity)
        if not ended(lambda its=its: rekeying.rotate(its, LATTER), at, "killed"):  # type: ignore[misc]
            break
        found = [given for given in (FORMER, LATTER) if is_healthy(root, given)]
        assert len(found) == 1
        healthy_by += found
        shutil.rmtree(root)
    assert healthy_by == sorted(healthy_by, key=[FORMER, LATTER].index)
    assert set(healthy_by) == {FORMER, LATTER}


def test_what_was_begun_is_ended_although_the_process_that_ends_it_is_killed_again_and_again(
    unlocked: Unlocked, tmp_path: Path
) -> None:
    its = unlocked.study
    with its.lock("vault"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(replacement, "end", lambda private, journal: None)
        new = store.new_identity()
        files = {path.relative_to(its.private).as_posix(): rekeying._again(path, unlocked, new.to_public())
                 for path in (its.vault_path, *store.numbered(its.log_path("")), *its.notes())}  # fmt: skip
        files["identity.s1.age"] = keys.sealed_to(new, HERS.to_public())
        its.replace_key({**files, "identity.age": _sealed(new, LATTER)}, str(new.to_public()))
    assert replacement.under_way(its.private)
    deaths = 0
    while ended(open_study(its.root).end_replacement, 4, "killed"):  # each moves one file and dies before the next
        deaths += 1
        assert deaths < 100
    assert deaths >= len(files)
    assert check_whole(its.root) == LATTER


def test_a_folder_that_no_line_names_counts_for_nothing(unlocked: Unlocked) -> None:
    """Nor does one that a recording could be called after."""
    replacement.stage(unlocked.study.private, {"vault.age": b"half", "log/000001.age": b"half"})
    with pytest.raises(StudyError):
        unlocked.study.check_id("replacement.01234567")
    assert check_whole(unlocked.study.root) == FORMER


# --- people ---------------------------------------------------------------------------------------------------------


def test_a_holder_opens_it_until_she_is_removed(unlocked: Unlocked) -> None:
    hers = store.new_identity()
    root, public = unlocked.study.root, str(hers.to_public())
    rekeying.add_holder(unlocked, "s2", f" {public}\n")
    rekeying.add_holder(unlocked, "s2", public)  # once more, as after a kill
    opened = opens(root, str(hers))
    assert opened
    assert [(s.holder.id, s.holder.recipient, s.there) for s in rekeying.listing(opened)][1:] == [("s2", public, True)]
    assert stat.S_IMODE(unlocked.study.holder_path("s2").stat().st_mode) == 0o600
    with pytest.raises(StudyError, match="s2 holds another key; remove s2 first"):
        rekeying.add_holder(unlocked, "s2", str(HERS.to_public()))
    rekeying.remove_holder(unlocked, "s2")
    assert opens(root, str(hers)) is None
    assert check_whole(root) == FORMER
    with pytest.raises(StudyError, match="nobody of that name"):
        rekeying.remove_holder(unlocked, "s2")
    assert events(unlocked.study)[-2:] == ["key holder added", "key holder removed"]


@pytest.mark.parametrize("name", ["", "S1", "a b", "../x", "a.b", "x" * 33, "é", "-x", "s1\n", "karen", "dr_okonkwo"])
def test_a_holders_id_is_an_id_and_no_name_of_the_study(unlocked: Unlocked, name: str) -> None:
    before = sorted(unlocked.study.private.iterdir())
    with pytest.raises(StudyError) as refused:
        rekeying.add_holder(unlocked, name, str(HERS.to_public()))
    says_nothing_of(refused.value, "karen", "okonkwo")
    with pytest.raises(ConfigError):
        rekeying.add_holder(unlocked, "s4", str(HERS))
    assert sorted(unlocked.study.private.iterdir()) == before
    assert len(unlocked.vault.holders) == 1


@pytest.mark.parametrize("how", ["killed", "full"])
def test_adding_and_removing_may_be_ended_anywhere_too(unlocked: Unlocked, how: str) -> None:
    root, public = unlocked.study.root, str(store.new_identity().to_public())
    at = 0
    while ended(lambda: rekeying.add_holder(unlocked, "s2", public), at := at + 1, how):
        assert check_whole_but_listed(root, "s2")
    at = 0
    while ended(lambda: rekeying.remove_holder(Unlocked(open_study(root), unlocked.identity), "s2"), at := at + 1, how):
        opened = opens(root, FORMER)
        assert opened
        if all(holder.id != "s2" for holder in opened.vault.holders):
            rekeying.add_holder(opened, "s2", public)
    assert "identity.s2.age" not in unlocked.study.sealed_keys()
    assert at > 10


def check_whole_but_listed(root: Path, name: str) -> bool:
    """Nobody holds a key that no list shows."""
    opened = opens(root, FORMER)
    assert opened
    return name in {h.id for h in opened.vault.holders} or not opened.study.holder_path(name).exists()


# --- paper ----------------------------------------------------------------------------------------------------------


def test_the_sheet_is_written_for_its_owner_alone_and_opens_the_study(unlocked: Unlocked, tmp_path: Path) -> None:
    file = tmp_path / "sheet.txt"
    rekeying.write_sheet(unlocked, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (key,) = (line.split()[1] for line in file.read_text().splitlines() if line.startswith("Key "))
    assert opens(unlocked.study.root, key)
    assert unlocked.study.created["study"] in file.read_text()
    assert events(unlocked.study)[-1] == "recovery sheet written"
    with pytest.raises(StudyError, match="would replace a file"):
        rekeying.write_sheet(unlocked, file)
    with pytest.raises(StudyError, match="inside the study"):
        rekeying.write_sheet(unlocked, unlocked.study.root / "sheet.txt")
    with pytest.raises(StudyError, match="the sheet cannot be written"):
        rekeying.write_sheet(unlocked, file / "below a file")


def test_the_vault_of_former_versions_has_no_holders(unlocked: Unlocked) -> None:
    header, body = store.pack(unlocked.vault).split(b"\n", 1)
    old = {key: value for key, value in json.loads(body).items() if key != "holders"}
    body = json.dumps(old).encode()
    facts = {**json.loads(header), "sha256": store.hashlib.sha256(body).hexdigest()}
    data = json.dumps(facts).encode() + b"\n" + body
    assert store.unpack(data, vault.Vault).value.holders == ()


def test_the_copy_of_the_vault_is_the_new_keys_alone(unlocked: Unlocked) -> None:
    former = unlocked.identity
    again = rekeying.rotate(unlocked, LATTER)
    for path in (again.study.vault_path, again.study.vault_copy_path):
        store.load(path, vault.Vault, again.identity)
        with pytest.raises(StoreError):
            store.load(path, vault.Vault, former)
