"""Studies of older forms, as they lay on researchers' disks: today's program opens, reads and releases them."""

import shutil
from pathlib import Path

import pytest

from tests.frozen.make_older import PASSPHRASE
from tests.whole_studies import FakeEngines
from transcribe import doctor, forgetting, publishing, quote, release, store, vault
from transcribe.config import StudyConfig
from transcribe.errors import StudyError
from transcribe.ready import need
from transcribe.review import settling
from transcribe.schema import ReviewState
from transcribe.study import open_study
from transcribe.vault import Unlocked

FROZEN = Path(__file__).parent / "frozen"
TIMELESS = (".txt", ".csv", ".json")
VERSIONED = ("manifest.json", "methods.txt", "provenance.json")  # they say which version wrote them


@pytest.fixture(params=sorted(path.name for path in FROZEN.iterdir() if (path / "study").is_dir()))
def frozen(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of one, with what git keeps none of: modes and empty folders."""
    root = shutil.copytree(FROZEN / request.param / "study", tmp_path / request.param)
    (root / "private" / "recordings").mkdir(exist_ok=True)
    for path in (root, *root.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return root


def opened(root: Path) -> Unlocked:
    key = (FROZEN / root.name / "key.txt").read_text()
    return vault.unlock(open_study(root), key)


def test_a_study_of_every_schema_so_far_is_frozen() -> None:
    names = {path.name for path in FROZEN.iterdir() if path.is_dir()}
    assert {f"schema-{number}" for number in range(1, store.SCHEMA + 1)} <= names
    assert {"version-0.1", "version-0.3"} <= names


def test_an_older_study_opens_by_its_passphrase_and_nothing_is_wrong_with_it(frozen: Path) -> None:
    unlocked = vault.unlock(open_study(frozen), PASSPHRASE)
    assert [person.id for person in unlocked.vault.people][:2] == ["P1", "R1"]
    assert doctor.examine(unlocked.study, str(unlocked.identity)).troubles == ()


def test_what_was_decided_in_an_older_study_stands_and_is_released_in_the_same_bytes(frozen: Path) -> None:
    unlocked = opened(frozen)
    for recording_id in unlocked.study.recordings():
        assert need(unlocked, recording_id).settled.review is ReviewState.REVIEWED
    release.write(unlocked, (), ("txt", "json"), FakeEngines(unlocked.study.config), unreviewed=False)
    before, after = (unlocked.study.releases / number for number in ("001", "002"))
    compared = [path.name for path in before.iterdir() if path.suffix in TIMELESS and path.name not in VERSIONED]
    if frozen.name == "version-0.1":  # its json said less: neither who speaks nor what made it
        compared.remove("T001_pseudonymised.json")
    assert "T001_pseudonymised.txt" in compared
    for name in compared:
        assert (after / name).read_bytes() == (before / name).read_bytes(), name
    assert doctor.examine(unlocked.study, str(unlocked.identity)).troubles == ()


def test_an_older_study_is_worked_on(frozen: Path) -> None:
    unlocked = opened(frozen)
    before = need(unlocked, "T001").settled.replaced
    settling.settle(unlocked, "T001", "CD", reject=(need(unlocked, "T001").findings.found[0].id,))
    again = need(unlocked, "T001").settled
    assert again.review is ReviewState.REVIEWED
    assert len(again.replaced) < len(before)
    assert opened(frozen).vault.audit.lines > 0


def test_whoever_stands_in_an_older_release_is_forgotten_and_it_is_withdrawn(frozen: Path) -> None:
    unlocked, engines = opened(frozen), FakeEngines(StudyConfig())
    done = forgetting.forget(unlocked, "P1", "CD", engines)
    assert "T001" in done.plan.recordings
    assert [(one.number, one.level, one.formats) for one in done.withdrawn] == [(1, "team", ("json", "txt"))]
    assert not (frozen / "release" / "001").exists()
    assert done.renewed == ()
    assert opened(frozen).study.recordings() == ()


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"recordings": [{"id": "T001"}], "files": []}']
)
def test_a_damaged_manifest_is_read_by_nobody(frozen: Path, damage: bytes) -> None:
    folder = frozen / "release" / "001"
    assert publishing.read_manifest(folder) is not None
    (folder / publishing.MANIFEST).write_bytes(damage)
    assert publishing.read_manifest(folder) is None
    with pytest.raises(StudyError, match="manifest of release 001 is damaged"):
        forgetting.forget(opened(frozen), "P1", "CD", FakeEngines(StudyConfig()))
    troubles = doctor.examine(open_study(frozen), (FROZEN / frozen.name / "key.txt").read_text()).troubles
    assert [one.where for one in troubles] == ["release/001/manifest.json"]


@pytest.mark.parametrize("frozen", ["schema-1"], indirect=True)
def test_a_passage_of_a_frozen_recording_is_quoted(frozen: Path) -> None:
    unlocked = opened(frozen)
    text = release.settled_text(unlocked, "R001", FakeEngines(unlocked.study.config))
    told = quote.quote(text, quote.ranges(["00:00:01-00:00:02"]))
    assert told.text
    assert told.text.split()[0] in (frozen / "release" / "001" / "R001_pseudonymised.txt").read_text()
