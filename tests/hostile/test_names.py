"""Names of files under attack: taken or refused in a sentence, and never seen again."""

import os
import re
from pathlib import Path

import pytest

from tests import study_session
from tests.builders import new_unlocked
from tests.hostile.attacks import noise_wav, snapshot
from transcribe import backup, intake, people, study
from transcribe.errors import TranscribeError
from transcribe.intake import Request

NAMES = {
    "line break": b"Karen\nOkonkwo",
    "carriage return": b"Karen\rOkonkwo",
    "tab": b"Karen\tOkonkwo",
    "quotes": b'"Karen\'s"',
    "dots": b"..Karen..",
    "251 bytes": b"Karen" + b"k" * 246,
    "too long": b"Karen" + b"k" * 300,
    "far too deep": b"Karen/" * 2000 + b"k",
    "emoji": "Karen \U0001f476".encode(),
    "bidi": "Karen\u202eowknokO".encode(),
    "no UTF-8": b"Karen\xff\xfe",
    "surrogate": b"Karen\xed\xa0\x80",
    "leading dash": b"-Karen",
    "option": b"--passphrase-file=Karen",
    "escape": b"\x1b[31mKaren\x1b]0;x\x07",
    "shell": b"$(touch Karen);`id`",
    "percent": b"%sKaren%n%99999d",
    "protocol": b"concat:Karen",
    "spaces": b"  Karen  ",
    "markup": b"[red]Karen<script>",
}
REFUSED = {"too long", "far too deep", "no UTF-8", "surrogate"}
UNWRITTEN = {"251 bytes", "too long", "far too deep"}  # what is written bears a longer name at first
ROSTER = b"id,kind,role,names\nP1,person,participant,Moira\n"


def named(folder: Path, name: str, suffix: str, data: bytes) -> Path:
    """The file, or only its path where the system allows none of that name."""
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + NAMES[name] + suffix.encode()))
    if len(NAMES[name]) < 256:
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_a_transcript_and_a_roster(name: str, tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    before = snapshot(unlocked.study.root)
    sound = named(tmp_path, name, ".wav", noise_wav())
    _, refused = intake.add_all(unlocked.study, (sound,), Request(), unlocked, remove_source=False)
    said = [str(error) for _, error in refused]
    assert bool(refused) == (name in REFUSED)
    text = named(tmp_path, name, ".txt", b"I: And then?\n\nP: Nothing.\n")
    try:
        intake.add_transcript(unlocked, text, Request())
    except TranscribeError as error:
        said.append(str(error))
    assert len(said) == 2 * (name in REFUSED)
    if name in REFUSED:
        assert snapshot(unlocked.study.root) == before
    else:
        assert {entry.original_name for entry in unlocked.vault.recordings} == {sound.name, text.name}
    try:
        people.bring_in(unlocked, named(tmp_path, name, ".csv", ROSTER), "")
    except TranscribeError as error:
        said.append(str(error))
    assert not any("Karen" in one or "\n" in one for one in said)
    assert not any("Karen" in path for path in snapshot(unlocked.study.root))
    for path in (unlocked.study.journal_path, unlocked.study.audit_path):
        assert not path.exists() or "Karen" not in path.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_study_s_folder(name: str, tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + NAMES[name]))
    if name in ("too long", "far too deep"):
        for act in (new_unlocked, study.open_study, study.check_new):
            with pytest.raises(TranscribeError) as refused:
                act(root)  # type: ignore[operator]
            assert "Karen" not in str(refused.value)
        return
    unlocked = new_unlocked(root)
    source = tmp_path / "a.wav"
    source.write_bytes(noise_wav())
    assert intake.add(study.open_study(root), source, Request(), unlocked).id == "R001"


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_is_removed(name: str, tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    beside = tmp_path / "beside"
    beside.mkdir()
    source, other = named(beside, name, ".wav", noise_wav()), beside / "other.wav"
    other.write_bytes(noise_wav(0.5))
    added, refused = intake.add_all(unlocked.study, (source,), Request(), unlocked, remove_source=True)
    assert [len(added), len(refused)] == ([0, 1] if name in REFUSED else [1, 0])
    kept = {b"other.wav", NAMES[name] + b".wav"} if name in REFUSED and len(NAMES[name]) < 256 else {b"other.wav"}
    assert set(os.listdir(os.fsencode(beside))) == kept  # noqa: PTH208 - as bytes
    assert tells_nothing(unlocked.study.root, *(str(error) for _, error in refused))


@pytest.mark.parametrize("name", NAMES)
def test_a_backup_and_a_study_given_back(name: str, tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + NAMES[name]))
    said = []
    try:
        backup.write(unlocked, file)
        backup.restore(file, tmp_path / "again", str(unlocked.identity))
    except TranscribeError as error:
        said.append(str(error))
    # 251 bytes leave no room for a temporary name beside the file; where a file may be without one none is needed
    assert name == "251 bytes" or bool(said) == (name in UNWRITTEN)
    first = len(said)
    plain, before = tmp_path / "plain", set(tmp_path.iterdir())
    backup.write(unlocked, plain)
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/again " + NAMES[name]))
    for act in (lambda: backup.read_about(root), lambda: backup.restore(plain, root, str(unlocked.identity))):
        try:
            act()
        except TranscribeError as error:
            said.append(str(error))
    assert len(said) - first == (2 if name in UNWRITTEN else 1)  # there is no file at that path yet
    if name in UNWRITTEN:
        assert set(tmp_path.iterdir()) == {*before, plain}
    else:
        assert study.open_study(root).recordings() == ()
        assert tells_nothing(root)
    assert tells_nothing(unlocked.study.root, *said)


def tells_nothing(root: Path, *said: str) -> bool:
    """Whether neither these messages nor the logs hold a part of the name; every message is one line."""
    logs = [path.read_text() for path in (root / "journal.jsonl", root / "audit.jsonl") if path.exists()]
    return not any("Karen" in text for text in (*said, *logs)) and not any("\n" in one for one in said)


def test_a_backup_through_the_command(tmp_path: Path, shared_study: Path) -> None:
    key = (shared_study.parent / "recovery.txt").read_text()
    done = study_session.call("backup", shared_study, tmp_path / os.fsdecode(NAMES["too long"]), passphrase=key)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: [^\n]+\n", done.stderr)
    assert tells_nothing(shared_study, done.stderr.strip())


@pytest.mark.parametrize("name", ["line break", "no UTF-8", "too long"])
def test_through_the_command(name: str, tmp_path: Path, shared_study: Path) -> None:
    source = named(tmp_path, name, ".wav", noise_wav(0.3 + 0.01 * sorted(NAMES).index(name)))
    done = study_session.call("add", shared_study, "--", source)
    assert done.returncode == (5 if name in REFUSED else 0), done.stderr
    assert not done.stderr or re.fullmatch(r"Error: [^\n]+\n", done.stderr)
    records = [(shared_study / f"{kind}.jsonl").read_text() for kind in ("journal", "audit")]
    assert not any("Karen" in text for text in (done.stdout, done.stderr, *records))


@pytest.fixture(scope="module")
def shared_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shared") / "study"
    made = study_session.last_json(study_session.succeed("new", root, "--json"))
    (root.parent / "recovery.txt").write_text(made["recovery_key"])
    return root
