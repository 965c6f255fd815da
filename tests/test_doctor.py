"""Every file of a finished study is damaged, cut short and deleted: the doctor names it, and loses nothing quietly."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests import whole_studies
from tests.builders import files_up_to, says_nothing_of, unreadable
from tests.study_session import call, last_json
from tests.whole_studies import FakeEngines, released, run
from transcribe import audit, doctor, release, retention, store, vault
from transcribe.doctor import Trouble, What
from transcribe.doctor.artefacts import FACTS, ORIGINS
from transcribe.errors import LockedError, NewerError, StoreError
from transcribe.overview import overview
from transcribe.ready import need
from transcribe.review import corrections, settling
from transcribe.review.decisions import decide
from transcribe.review.log import Deed, Entry
from transcribe.schema import ReviewState, Transcript, Verdict, Words
from transcribe.study import Study
from transcribe.vault import RecordingEntry, Unlocked

PASSPHRASE = "correct horse battery"
NAMES = ("Wilhelmina", "Tarn", "Osgood", "Quill", "Tuesday", "a.flac", "b.txt")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


SPOILT: dict[str, Callable[[Path], None]] = {"flip": flip, "truncate": truncate, "delete": Path.unlink}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Unlocked:
    beside = tmp_path_factory.mktemp("doctor")
    unlocked = whole_studies.build(beside / "study", PASSPHRASE, beside)
    unlocked.append("", Entry(at=audit.now(), reviewer="AB", deed=Deed.ACT, base="", group="g", name="people"))
    unlocked.seal()
    return unlocked


@pytest.fixture
def patient(finished: Unlocked, tmp_path: Path) -> Unlocked:
    """A copy of it."""
    shutil.copytree(finished.study.root, tmp_path / "study")
    return Unlocked(Study(tmp_path / "study"), finished.identity)


def examined(unlocked: Unlocked) -> tuple[Trouble, ...]:
    """What is wrong; nothing that is said may give anybody away."""
    found = doctor.examine(Study(unlocked.study.root), str(unlocked.identity)).troubles
    says_nothing_of("; ".join(f"{one.where} {one.said} {one.remedy}" for one in found), *NAMES)
    return found


def repaired(unlocked: Unlocked, *, runs: bool = True) -> Unlocked:
    """The study after a repair and a run, opened anew."""
    with unlocked.study.lock("work"):
        doctor.repair(doctor.examine(unlocked.study, str(unlocked.identity)))
    again = vault.unlock(Study(unlocked.study.root), str(unlocked.identity))
    if runs:
        run(again)
    again.seal()
    return again


def review_of(unlocked: Unlocked, recording_id: str) -> ReviewState:
    return need(unlocked, recording_id).settled.review


def test_nothing_is_wrong_with_a_healthy_study_and_nothing_is_written(finished: Unlocked) -> None:
    before = {path: store.stamp(path) for path in finished.study.root.rglob("*")}
    assert examined(finished) == ()
    assert {path: store.stamp(path) for path in finished.study.root.rglob("*")} == before


def kind(name: str, how: str) -> What:
    if how == "delete":
        return What.MISSING
    plain = name.startswith("release/") or name == "audit.jsonl"
    return What.CHANGED if plain else What.DAMAGED


BY_HAND = ("private/recordings/R001.age", "private/T001/transcript.age")


def stays_wrong(name: str) -> bool:
    """What only a backup has."""
    return name in BY_HAND or name.startswith("release/")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", SPOILT)
def test_every_file_that_is_spoilt_is_named_and_made_whole_or_told_as_lost(
    finished: Unlocked, tmp_path: Path, how: str
) -> None:
    before = released(finished)
    names = [path.relative_to(finished.study.root).as_posix() for path in finished.study.files()]
    assert len(names) > 35
    for number, name in enumerate(names):
        if name in ("study.toml", "private/identity.age"):  # below
            continue
        root = shutil.copytree(finished.study.root, tmp_path / f"{number}")
        SPOILT[how](root / name)
        opened = Unlocked.__new__(Unlocked)
        opened.study, opened.identity = Study(root), finished.identity
        (found,) = examined(opened)
        assert found.where == name
        journal_kinds = {What.CHANGED, What.DAMAGED} if name == "journal.jsonl" and how != "delete" else set()
        assert found.what in {kind(name, how), *journal_kinds}, name
        assert found.wrong is (name != "private/vault.copy.age")
        again = repaired(opened, runs=name not in BY_HAND)
        left = examined(again)
        assert [one.where for one in left] == ([name] if stays_wrong(name) else []), name
        if name in BY_HAND:
            continue
        if "/log/" in name:
            assert "decision lost" in again.study.audit_path.read_text()
        else:
            assert review_of(again, "R001") is review_of(again, "T001") is ReviewState.REVIEWED, name
            if name != "private/R001/speakers.age":
                assert released(again) == before, name
        shutil.rmtree(root)


# --- what people decided ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("how", SPOILT)
def test_a_lost_decision_costs_itself_and_asks_for_the_recording_to_be_settled_again(
    patient: Unlocked, number: int, how: str
) -> None:
    others = [one for n, one in enumerate(patient.appended("R001", Entry), 1) if n != number]
    SPOILT[how](patient.study.log_path("R001") / f"{number:06d}.age")
    (found,) = examined(patient)
    assert f"entry {number} of what was decided on R001" in found.said
    assert ("written 20" in found.said) is (how != "delete")
    again = repaired(patient)
    entries = again.appended("R001", Entry)
    kept = [one for one in entries if one.name != "lost"]
    assert kept == others
    assert (entries[number - 1].name, entries[number - 1].decisions) == ("lost", ())
    assert review_of(again, "R001") is ReviewState.UNREVIEWED
    assert review_of(again, "T001") is ReviewState.REVIEWED
    whole_studies.settle_and_release(again)
    assert review_of(again, "R001") is ReviewState.REVIEWED
    assert examined(again) == ()


@pytest.mark.parametrize("number", [2, 3])
def test_with_an_entry_that_is_not_there_nothing_is_settled_or_released(patient: Unlocked, number: int) -> None:
    path = patient.study.log_path("R001") / f"{number:06d}.age"
    path.unlink()
    with pytest.raises(StoreError, match=r"R001: .*transcribe doctor"):
        settling.settle(patient, "R001", "AB")
    with pytest.raises(StoreError, match=r"R001: .*transcribe doctor"):
        release.write(patient, ("R001",), ("txt",), FakeEngines(patient.study.config), unreviewed=True)
    patient.append("R001", Entry(at=audit.now(), reviewer="AB", deed=Deed.ACT, base="", group="g", name="edit"))
    assert not path.exists()
    assert [one.where for one in examined(patient)] == [f"private/R001/log/{number:06d}.age"]
    again = repaired(patient)
    assert review_of(again, "R001") is ReviewState.UNREVIEWED
    assert [one.name for one in again.appended("R001", Entry)][number - 1] == "lost"


def test_where_a_lost_entry_had_split_a_turn_what_was_done_to_its_half_stops_nothing(patient: Unlocked) -> None:
    base = patient.load("T001", "transcript", Transcript)
    assert base
    split = corrections.split(base.value, base.value.utterances[0].id, 2)
    half = split.after[1]
    later = corrections.words(corrections.corrected(base.value, (split,)), half.id, 0, 0, "Then")
    mark = replace(decide(need(patient, "T001").settled.replaced[0], Verdict.ACCEPT, "AB", "2026-01-01T00:00:00Z"),
                   utterance_id=half.id, start=0, end=4)  # fmt: skip
    for fields in ({"corrections": (split,)}, {"corrections": (later,)}, {"decisions": (mark,)}):
        entry = Entry(at=mark.at, reviewer="AB", deed=Deed.ACT, base=base.body_sha256, name="edit", **fields)  # type: ignore[arg-type]
        patient.append("T001", entry)
    assert "Then" in [u.text.split()[0] for u in need(patient, "T001").transcript.value.utterances]
    numbered = store.numbered(patient.study.log_path("T001"))
    flip(numbered[-3])
    again = repaired(patient)
    assert need(again, "T001").transcript.value.utterances == base.value.utterances
    assert review_of(again, "T001") is ReviewState.UNREVIEWED
    assert len([one for one in again.appended("T001", Entry) if one.name == "edit"]) == 2
    whole_studies.settle_and_release(again)
    assert review_of(again, "T001") is ReviewState.REVIEWED
    assert examined(again) == ()


def test_a_settled_recording_whose_transcript_and_decision_are_lost_at_once_is_not_settled(patient: Unlocked) -> None:
    flip(patient.study.artefact_path("R001", "transcript"))
    flip(patient.study.log_path("R001") / "000001.age")
    assert len(examined(patient)) == 2
    assert review_of(repaired(patient), "R001") is ReviewState.UNREVIEWED


def test_what_was_found_damaged_is_kept(patient: Unlocked) -> None:
    path = patient.study.artefact_path("R001", "words")
    flip(path)
    data = path.read_bytes()
    repaired(patient)
    (kept,) = (patient.study.private / "set-aside").iterdir()
    assert kept.read_bytes() == data
    assert kept.name.endswith("-R001-words.age")


# --- what opens the study ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_secret_is_named_and_the_recovery_sheet_opens_the_study(patient: Unlocked, how: str) -> None:
    SPOILT[how](patient.study.identity_path)
    found = doctor.examine(patient.study, PASSPHRASE)
    (trouble,) = found.troubles
    assert trouble.where == "private/identity.age"
    assert trouble.what is (What.MISSING if how == "delete" else What.DAMAGED)
    assert "recovery sheet" in trouble.said
    assert doctor.repair(found) == ()


# --- what the disk does not give back any more ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "private/vault.age",
        "private/vault.copy.age",
        "private/R001/words.age",
        "private/R001/log/000001.age",
        "private/recordings/R001.age",
        "release/001/manifest.json",
        "release/001/R001_pseudonymised.txt",
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_hides_no_other(patient: Unlocked, where: str) -> None:
    flip(patient.study.artefact_path("T001", "findings"))
    unreadable(patient.study.root / where)
    assert {one.where for one in examined(patient)} >= {where, "private/T001/findings.age"}


def test_a_secret_that_cannot_be_read_leaves_the_recovery_sheet(patient: Unlocked) -> None:
    unreadable(patient.study.identity_path)
    assert doctor.examine(patient.study, PASSPHRASE).troubles[0].where == "private/identity.age"
    assert vault.unlock(patient.study, str(patient.identity)).vault.people
    with pytest.raises(LockedError, match="no file that a passphrase opens"):
        vault.unlock(patient.study, PASSPHRASE)


def test_a_vault_that_cannot_be_read_has_its_copy(patient: Unlocked) -> None:
    unreadable(patient.study.vault_path)
    with pytest.raises(StoreError, match="transcribe doctor"):
        vault.unlock(patient.study, str(patient.identity))
    assert repaired(patient, runs=False).vault.entry("R001")


@pytest.mark.parametrize("how", [flip, unreadable])
def test_of_one_that_is_damaged_status_tells_and_of_all_others_too(
    patient: Unlocked, how: Callable[[Path], None]
) -> None:
    how(patient.study.artefact_path("R001", "findings"))
    seen = overview(patient.study, patient)
    assert [(row.id, row.duration_s is None) for row in seen.rows] == [("R001", True), ("T001", False)]
    assert "R001: a part of it cannot be read: transcribe doctor study" in seen.advice("study")
    assert last_json(call("status", patient.study.root, "--json", passphrase=str(patient.identity)).stdout)[
        "damaged"
    ] == ["R001"]


def test_where_the_disk_is_full_the_journal_that_was_to_be_begun_anew_stays(patient: Unlocked) -> None:
    path = patient.study.journal_path
    path.write_bytes(path.read_bytes() + b"no line\n")
    before = path.read_bytes()
    with files_up_to(len(before) // 2), suppress(OSError), patient.study.lock("work"):
        doctor.repair(doctor.examine(patient.study, str(patient.identity)))
    assert path.read_bytes() == before


def test_a_vault_and_copy_both_damaged_are_for_a_backup(patient: Unlocked) -> None:
    for path in (patient.study.vault_path, patient.study.vault_copy_path):
        flip(path)
    found = doctor.examine(patient.study, str(patient.identity))
    (trouble,) = found.troubles
    assert (trouble.where, trouble.repair) == ("private/vault.age", None)
    with pytest.raises(StoreError, match="transcribe doctor"):
        vault.unlock(patient.study, str(patient.identity))


def test_a_forgotten_key_is_in_no_file_of_the_vault(patient: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the change is stopped at its worst moment: the vault is written, its copy is not."""
    secret = patient.vault.entry("T001").secret

    def stopped(path: Path, data: bytes) -> None:
        if path == patient.study.vault_copy_path:
            raise KeyboardInterrupt
        store.write_atomically(path, lambda sink, _: sink.write(data) and None)

    monkeypatch.setattr(store, "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        patient.change(lambda v: replace(v, recordings=tuple(e for e in v.recordings if e.id != "T001")))
    monkeypatch.undo()
    for path in patient.study.private.glob("vault*"):
        assert secret.encode() not in store.decrypt(path.read_bytes(), patient.identity)
    assert vault.unlock(patient.study, str(patient.identity)).study.vault_copy_path.exists()


@pytest.mark.parametrize("text", [None, b"\x00\xff", b"[policy\n", b"colour = 1\n"])
def test_settings_that_cannot_be_read_are_named(patient: Unlocked, text: bytes | None) -> None:
    path = patient.study.config_path
    path.unlink()
    if text is not None:
        path.write_bytes(text)
        path.chmod(0o600)
    (found,) = examined(patient)
    assert (found.where, found.what) == ("study.toml", What.DAMAGED if text else What.MISSING)
    if text is None:
        assert examined(repaired(patient)) == ()
    else:
        assert found.repair is None


# --- journal and audit ------------------------------------------------------------------------------------------------


def test_a_journal_begun_anew_has_what_the_study_hangs_on(patient: Unlocked) -> None:
    before = list(patient.study.journal())
    patient.study.journal_path.unlink()
    again = repaired(patient)
    events = list(again.study.journal())
    assert again.study.created["recipient"] == before[0]["recipient"]
    for event in ("added", "released"):
        now, then = ([e for e in all_events if e["event"] == event] for all_events in (events, before))
        shown = ("recording", "recipient", "release", "recordings")
        assert [[e.get(k) for k in shown] for e in now] == [[e.get(k) for k in shown] for e in then]
    whole_studies.settle_and_release(again)
    assert (again.study.releases / "002").is_dir()


@pytest.mark.parametrize("spoilt", ["added", "retention", "all"])
def test_a_journal_begun_anew_keeps_until_when_recordings_may_be_kept(patient: Unlocked, spoilt: str) -> None:
    study = patient.study
    entries = tuple(replace(entry, added_on="2026-01-02") for entry in patient.vault.recordings)
    patient.change(lambda known: replace(known, recordings=entries))
    retention.retain(study, (), date(2031, 1, 31))
    retention.retain(study, ("R001",), date(2027, 1, 31))
    retention.retain(study, ("T001",), date(2032, 1, 31))
    before = retention.dates(study)
    lines = [line.replace(f'"event": "{spoilt}"', "spoilt") for line in study.journal_path.read_text().splitlines()]
    study.journal_path.write_text("\n".join([] if spoilt == "all" else lines) + "\n")
    again = repaired(patient, runs=False)
    assert retention.dates(again.study) == before == {"R001": date(2027, 1, 31), "T001": date(2032, 1, 31)}
    days = [str(event["at"])[:10] for event in again.study.journal() if event["event"] == "added"]
    assert spoilt == "retention" or days == ["2026-01-02", "2026-01-02"]
    assert examined(again) == ()


def test_torn_lines_are_no_trouble(patient: Unlocked) -> None:
    for path in (patient.study.journal_path, patient.study.audit_path):
        with path.open("ab") as file:
            file.write(b'{"at": "2026-01-02T03:04:05Z", "eve')
    assert examined(patient) == ()
    patient.study.log("done")
    audit.append(patient.study.audit_path, "people imported", count=1)
    assert examined(patient) == ()


def test_an_audit_that_was_changed_is_kept_as_evidence_beside_a_new_one(patient: Unlocked) -> None:
    path = patient.study.audit_path
    path.write_bytes(path.read_bytes().replace(b'"AB"', b'"CD"', 1))
    before = path.read_bytes()
    assert [one.what for one in examined(patient)] == [What.CHANGED]
    again = repaired(patient)
    first = json.loads(path.read_text().splitlines()[0])
    assert first["event"] == "chain begun anew"
    assert (patient.study.root / first["kept"]).read_bytes() == before
    assert audit.check(path, again.vault.audit).whole
    assert again.vault.audit.lines >= 1
    assert examined(again) == ()


# --- the folder -------------------------------------------------------------------------------------------------------


def test_what_others_can_read_is_closed(patient: Unlocked) -> None:
    for name, mode in [("private/R001/words.age", 0o644), ("release/001", 0o755), ("audit.jsonl", 0o640)]:
        (patient.study.root / name).chmod(mode)
    assert sorted(one.where for one in examined(patient)) == ["private", "release", "the study"]
    assert examined(repaired(patient)) == ()
    assert (patient.study.releases / "001").stat().st_mode & 0o777 == 0o700


def test_a_damaged_file_that_others_can_read_is_set_aside_for_its_owner_alone(patient: Unlocked) -> None:
    path = patient.study.artefact_path("R001", "words")
    flip(path)
    path.chmod(0o644)
    assert {one.what for one in examined(patient)} == {What.DAMAGED, What.OPEN}
    assert examined(repaired(patient)) == ()


def test_the_key_of_another_study_is_refused_rather_than_everything_called_damaged(patient: Unlocked) -> None:
    with pytest.raises(LockedError, match="another study"):
        doctor.examine(patient.study, str(store.new_identity()))


def test_the_doctor_knows_every_artefact_that_the_program_writes() -> None:
    saved = re.compile(r"""\.(?:save|_do)\([\w.]+, "(\w+)",""")
    code = [path.read_text() for path in (Path(doctor.__file__).parent.parent).rglob("*.py")]
    names = {name for text in code for name in saved.findall(text)} - {"note", FACTS}
    assert names >= {"transcript", "findings", "speakers", "clean", "priming"}
    assert names <= set(ORIGINS)


def test_what_a_killed_process_left_is_no_harm_and_goes(patient: Unlocked) -> None:
    (patient.study.private / "R001" / ".words.age.0123abcd.tmp").write_bytes(b"half")
    (patient.study.releases / ".002.0123abcd.tmp").mkdir(mode=0o700)
    os.chmod(patient.study.private / "R001" / ".words.age.0123abcd.tmp", 0o600)  # noqa: PTH101
    entry = RecordingEntry(
        id="R009", secret=str(store.new_identity()), sha256="", original_name="", source_path="", who=(),
        bounds=patient.vault.recordings[0].bounds, added_on="2026-01-01",
    )  # fmt: skip
    patient.study.save("R009", "note", entry, patient.study.recipient)
    store.write_bytes(patient.study.sound_path("R009"), b"half of the sound")
    found = examined(patient)
    assert [(one.what, one.wrong) for one in found] == [(What.LEFT, False)] * 2
    again = repaired(patient)
    assert examined(again) == ()
    assert not (patient.study.private / "R009").exists()
    patient.study.check_id("R009")


def test_an_add_that_goes_on_is_left_alone(patient: Unlocked) -> None:
    with patient.study.claim("R009"):
        patient.study.save("R009", "note", patient.vault.recordings[0], patient.study.recipient)
        assert examined(patient) == ()


def test_a_note_that_cannot_be_read_does_not_lock_the_study(patient: Unlocked) -> None:
    folder = patient.study.private / "R009"
    shutil.copytree(patient.study.private / "R001", folder)
    store.write_bytes(folder / "note.age", b"spoilt")
    with pytest.raises(StoreError, match=r"R009: .*transcribe doctor"):
        vault.unlock(patient.study, str(patient.identity))
    (found,) = examined(patient)
    assert (found.where, found.what) == ("private/R009/note.age", What.DAMAGED)
    assert examined(repaired(patient)) == ()


def test_a_recording_that_the_vault_does_not_know_is_named(patient: Unlocked) -> None:
    shutil.copytree(patient.study.private / "R001", patient.study.private / "R009")
    (found,) = examined(patient)
    assert (found.where, found.what, found.repair) == ("private/R009", What.UNKNOWN, None)


def test_a_recording_whose_folder_is_gone_is_told_file_by_file_and_its_sound_is_run_again(patient: Unlocked) -> None:
    shutil.rmtree(patient.study.private / "R001")
    found = examined(patient)
    assert {one.what for one in found} == {What.MISSING}
    assert {one.where for one in found} >= {"private/R001/recording.age", "private/R001/log/000003.age"}
    again = repaired(patient)
    assert examined(again) == ()
    assert review_of(again, "R001") is ReviewState.UNREVIEWED


def test_an_artefact_in_the_place_of_another_is_named(patient: Unlocked) -> None:
    shutil.copy(patient.study.artefact_path("R001", "words"), patient.study.artefact_path("R001", "turns"))
    assert [one.where for one in examined(patient)] == ["private/R001/turns.age"]
    shutil.copy(patient.study.artefact_path("T001", "clean"), patient.study.artefact_path("R001", "clean"))
    assert [one.where for one in examined(patient)] == ["private/R001/clean.age", "private/R001/turns.age"]


def test_files_that_are_not_ours_are_counted_and_not_named(patient: Unlocked) -> None:
    store.write_bytes(patient.study.private / "R001" / "Wilhelmina.txt", b"Wilhelmina")
    store.write_bytes(patient.study.releases / "001" / "Wilhelmina.txt", b"Wilhelmina")
    assert [(one.where, one.what) for one in examined(patient)] == [
        ("release/001", What.UNKNOWN),
        ("private/R001", What.UNKNOWN),
    ]


def test_a_release_that_was_moved_away_is_no_trouble(patient: Unlocked) -> None:
    shutil.rmtree(patient.study.releases / "001")
    assert examined(patient) == ()


def test_a_newer_study_is_left_alone(patient: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SCHEMA", store.SCHEMA + 1)
    patient.save("R001", "words", patient.load("R001", "words", Words).value)  # type: ignore[union-attr]
    monkeypatch.undo()
    with pytest.raises(NewerError):
        doctor.examine(patient.study, str(patient.identity))
    assert not (patient.study.private / "set-aside").exists()


# --- from the command line --------------------------------------------------------------------------------------------


def test_the_command_says_what_is_wrong_repairs_it_and_ends_accordingly(patient: Unlocked) -> None:
    root, key = patient.study.root, str(patient.identity)
    done = call("doctor", root, "--json", passphrase=PASSPHRASE)
    assert (done.returncode, last_json(done.stdout)) == (0, {"healthy": True, "repaired": [], "troubles": []})
    (root / "private").chmod(0o755)
    flip(root / "private" / "R001" / "clean.age")
    flip(root / "private" / "vault.age")
    flip(root / "journal.jsonl")
    assert call("status", root, passphrase=key).returncode == 4
    done = call("doctor", root, passphrase=key)
    assert done.returncode == 4
    for said in ("private/vault.age: damaged", "R001/clean.age: damaged", "private: open to others", "doctor"):
        assert said in done.stdout
    done = call("doctor", root, "--repair", "--json", passphrase=key)
    assert done.returncode == 0, done.stdout
    told = last_json(done.stdout)
    assert (told["healthy"], len(told["repaired"]), told["troubles"]) == (True, 4, [])
    assert call("status", root, passphrase=key).returncode == 0
    done = call("audit", "verify", root, "--json", passphrase=key)
    assert (done.returncode, last_json(done.stdout)["whole"]) == (0, True)
    path = root / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"AB"', b'"CD"', 1))
    done = call("audit", "verify", root, passphrase=key)
    assert done.returncode == 4
    assert "does not hold on to the line before" in done.stdout
    assert call("doctor", root, passphrase="another one").returncode == 4
    assert call("doctor", root.parent, passphrase=key).returncode == 2


RELEASING = """
import sys
from tests.whole_studies import *
from transcribe.study import Study
unlocked = Unlocked(Study(Path(sys.argv[1])), store.identity(sys.argv[2]))
print("ready", flush=True)
while True:
    settle_and_release(unlocked)
"""


@pytest.mark.slow
def test_after_kills_at_any_moment_nothing_is_wrong(patient: Unlocked) -> None:
    arguments = [sys.executable, "-c", RELEASING, str(patient.study.root), str(patient.identity)]
    for wait_s in (0.05, 0.3, 0.7, 1.1):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        process.stdout.readline()
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not [one for one in examined(patient) if one.wrong]
    release.write(patient, (), ("txt",), FakeEngines(patient.study.config), unreviewed=False)
    assert examined(vault.unlock(patient.study, str(patient.identity))) == ()
