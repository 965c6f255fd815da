"""A study ends: the key goes first, releases stay, and what it says of that is true."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.builders import (
    Cut,
    NoEngines,
    add_detected,
    add_recording,
    cut_at,
    new_unlocked,
    person,
    says_nothing_of,
    transcript,
)
from tests.study_session import call
from transcribe import audit, backup, certificates, closing, doctor, giving_back, pipeline, release
from transcribe.config import StudyConfig
from transcribe.errors import StudyError
from transcribe.overview import overview
from transcribe.review import settling
from transcribe.study import open_study
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())
SOUND = random.Random(5).randbytes(90_000)
NAMES = ("Karen Okonkwo", "Karen Okonkwo 3 May.WAV")


@pytest.fixture
def study(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))
    said = transcript(("S1", "Karen was here."), recording_id="R001")
    add_detected(opened, said, sound=SOUND, name="Karen Okonkwo 3 May.WAV")
    pipeline.refresh_findings(opened, ENGINES)
    settling.sign(opened, "R001", "AB")
    return opened


def released(opened: Unlocked) -> Unlocked:
    release.write(opened, ("R001",), ("txt",), ENGINES, unreviewed=False)
    return opened


def word(opened: Unlocked) -> str:
    return closing.plan(opened).word


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_nothing_closes_before_a_release(study: Unlocked) -> None:
    before = files(study.study.root)
    with pytest.raises(StudyError, match="nothing of this study is released"):
        closing.close(study, "whatever", None)
    assert files(study.study.root) == before


def test_another_word_destroys_nothing(study: Unlocked) -> None:
    before = files(released(study).study.root)
    for wrong in ("", "yes", word(study).upper() + "x"):
        with pytest.raises(StudyError, match="not the word"):
            closing.close(study, wrong, None)
    assert files(study.study.root) == before


def test_the_plan_names_what_no_release_holds(study: Unlocked) -> None:
    add_recording(released(study), "R002", sound=b"never transcribed")
    plan = closing.plan(study)
    assert (plan.recordings, plan.unreleased, plan.releases) == (("R001", "R002"), ("R002",), 1)


def test_a_closed_study_keeps_its_releases_and_no_key(study: Unlocked) -> None:
    before = files(released(study).study.root)
    statement = closing.close(study, word(study), None)
    after = files(study.study.root)
    assert not [name for name in after if name.startswith("private/")]
    kept = {name for name in before if name.startswith("release/")} | {"study.toml"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    with pytest.raises(StudyError, match="this study is closed since"):
        open_study(study.study.root)
    text = statement.read_text()
    assert "anonymised" not in text.replace("PSEUDONYMISED", "").casefold()
    assert "No key and no recording is left in this folder." in text
    assert "No backup was made" in text
    assert "What remains" in text
    says_nothing_of(text + "".join(d.decode() for n, d in after.items() if n.endswith("jsonl")), *NAMES)
    assert audit.check(study.study.audit_path, audit.Seal()).whole


def test_recordings_that_are_given_back_come_first_and_are_told_of(study: Unlocked, tmp_path: Path) -> None:
    statement = closing.close(released(study), word(study), tmp_path / "back")
    assert (tmp_path / "back" / "R001.wav").read_bytes() == SOUND
    assert "remain PSEUDONYMISED: the recordings exist outside" in statement.read_text()


def test_a_recording_whose_facts_are_lost_is_told_of_and_given_back_too(study: Unlocked, tmp_path: Path) -> None:
    add_recording(released(study), "R003", sound=b"cannot be recorded again")
    study.study.log("added", recording="R003", recipient="age1")
    study.study.artefact_path("R003", "recording").unlink()
    for key in (None, study):
        seen = overview(study.study, key)
        assert seen.incomplete == ("R003",)
        assert "R003: a part of it is lost: transcribe doctor study" in seen.advice("study")
    assert closing.plan(study).unreleased == ("R003",)
    statement = closing.close(study, word(study), tmp_path / "back")
    assert (tmp_path / "back" / "R003.wav").read_bytes() == b"cannot be recorded again"
    assert "R001, R003" in statement.read_text()


def test_where_giving_back_fails_nothing_is_destroyed(study: Unlocked, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "R001.wav").write_bytes(b"something else")
    before = set(files(released(study).study.root))
    with pytest.raises(StudyError, match="a file of that name"):
        closing.close(study, word(study), tmp_path / "back")
    assert set(files(study.study.root)) == before
    assert open_study(study.study.root)


def test_nothing_is_given_back_into_what_is_destroyed(study: Unlocked) -> None:
    with pytest.raises(StudyError, match="goes with the key"):
        closing.close(released(study), word(study), study.study.private / "back")
    assert open_study(study.study.root)


def test_a_study_is_not_closed_while_a_recording_is_added(study: Unlocked) -> None:
    released(study)
    with study.study.claim("R002"), pytest.raises(StudyError, match="a recording is being added"):
        closing.close(study, word(study), None)
    assert open_study(study.study.root)


def test_a_backup_keeps_it_pseudonymised(study: Unlocked, tmp_path: Path) -> None:
    made = backup.write(released(study), tmp_path / "disk" / "b.backup")
    text = closing.close(study, word(study), None).read_text()
    assert "remain PSEUDONYMISED until every backup below is deleted" in text
    assert made.id in text
    assert [one.id for one in certificates.backups(study.study)] == [made.id]


def test_recordings_that_were_exported_before_keep_it_pseudonymised(study: Unlocked, tmp_path: Path) -> None:
    giving_back.give_back(released(study), tmp_path / "out")
    text = closing.close(study, word(study), None).read_text()
    assert "remain PSEUDONYMISED: recordings exist outside" in text
    assert "Given back, and not encrypted any more where they lie: R001." in text
    assert "No key and no recording is left" not in text


def test_a_recording_that_came_after_the_plan_is_not_destroyed_by_its_word(study: Unlocked) -> None:
    told = word(released(study))
    add_recording(Unlocked(study.study, study.identity), "R002", sound=b"cannot be recorded again")
    with pytest.raises(StudyError, match="not the word") as refused:
        closing.close(study, told, None)
    assert closing.plan(study).recordings == ("R001", "R002")
    assert word(study) not in str(refused.value)  # it is told with what would go, and not without
    assert study.study.sound_path("R002").exists()


def test_a_vault_that_was_lost_is_not_taken_for_a_closing_that_was_cut_off(study: Unlocked) -> None:
    released(study).study.log("closing", recordings="R001", given_back=0)  # stopped before anything was destroyed
    study.seal()
    study.study.vault_path.unlink()
    assert not closing.cut_off(study.study)
    with pytest.raises(StudyError, match="transcribe doctor"):
        open_study(study.study.root)
    with study.study.lock("work"):
        doctor.repair(doctor.examine(study.study, str(study.identity)))
    assert Unlocked(open_study(study.study.root), study.identity).vault.entry("R001")


@pytest.mark.parametrize("at", range(1, 12))
def test_cut_off_anywhere_it_is_whole_or_nobody_can_read_it(study: Unlocked, at: int) -> None:
    """Before each change of the disk: either all is as it was, or the key is gone and `close` ends it."""
    released(study)
    confirmed = word(study)
    ended = False
    with suppress(Cut), cut_at(at):
        closing.close(study, confirmed, None)
        ended = True
    root = study.study.root
    if ended:
        return
    if (root / "private" / "vault.age").exists():
        again = Unlocked(open_study(root), study.identity)
        assert again.study.sound_path("R001").exists()
        closing.close(again, confirmed, None)
    elif closing.cut_off(study.study):
        with pytest.raises(StudyError, match="cut off"):
            open_study(root)
        assert "R001" in closing.end(study.study).read_text()
    assert not (root / "private").exists()
    with pytest.raises(StudyError, match="closed since"):
        open_study(root)


def test_the_command_tells_first_closes_and_says_what_is_closed(study: Unlocked) -> None:
    root, key = released(study).study.root, str(study.identity)
    assert call("close", root, passphrase=key).returncode == 2  # what of the recordings?
    told = call("close", root, "--recordings", "destroy", passphrase=key)
    assert told.returncode == 0
    confirmed = told.stdout.split("--confirm ")[1].split()[0]
    assert (root / "private" / "vault.age").exists()
    assert call("close", root, "--recordings", "destroy", "--confirm", "yes", passphrase=key).returncode == 2
    done = call("close", root, "--recordings", "destroy", "--confirm", confirmed, passphrase=key)
    assert done.returncode == 0, done.stderr
    assert not (root / "private").exists()
    for command in (("status", root), ("doctor", root), ("close", root, "--recordings", "destroy"), ("release", root)):
        after = call(*command, passphrase=key)
        assert after.returncode == 2
        assert "this study is closed since" in after.stderr
        says_nothing_of(after.stdout + after.stderr + told.stdout + done.stdout, *NAMES)
