"""Two processes on one study, a recording that is gone, a clock that was set back."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash import day
from tests.crash.day import Place, Undisturbed
from tests.crash.processes import Ended
from transcribe.review.log import Deed as Act
from transcribe.review.log import Entry

pytestmark = pytest.mark.slow


def at_once(place: Place, commands: Sequence[Sequence[str]]) -> list[Ended]:
    """Several commands side by side."""
    folder = place.folder.parent

    def one(number: int) -> Ended:
        beside = folder / f"said-{number}"
        beside.mkdir()
        return place.command(*commands[number], beside=beside)

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(one, range(len(commands))))


def test_two_who_add_at_once_get_an_id_each(undisturbed: dict[str, Undisturbed], tmp_path: Path) -> None:
    place = undisturbed["add"].before.copy(tmp_path / "now")
    whole = (place.folder / "Zephyrine 3 May.wav").read_bytes()
    for number in (1, 2, 3):
        (place.folder / f"{number}.wav").write_bytes(whole + bytes(2 * number))
    ended = at_once(place, [("add", str(place.root), str(place.folder / f"{n}.wav")) for n in (1, 2, 3)])
    assert [one.status for one in ended] == [0, 0, 0]
    unlocked = place.unlocked()
    assert unlocked.study.recordings() == ("R001", "R002", "R003")
    day.check_whole(unlocked)
    assert len({entry.sha256 for entry in unlocked.vault.recordings}) == 3


def test_two_who_settle_at_once_both_stand_in_the_log_or_are_told_to_look_again(
    undisturbed: dict[str, Undisturbed], tmp_path: Path
) -> None:
    place = undisturbed["settle"].before.copy(tmp_path / "now")
    settle = ("settle", str(place.root), "T002", "--reviewer")
    commands = [(*settle, "AB", "--reject", "F0001:13-22"), (*settle, "CD", "--reject", "F0002:0-6")]
    for ended, words in zip(at_once(place, commands), commands, strict=True):
        if ended.status:
            assert "changed meanwhile" in ended.said
            assert place.command(*words).status == 0
    unlocked = place.unlocked()
    day.check_whole(unlocked)
    acts = [entry for entry in unlocked.appended("T002", Entry) if entry.deed is Act.ACT]
    assert {entry.reviewer for entry in acts} == {"AB", "CD"}


def test_a_run_and_a_release_at_once_disturb_nothing(undisturbed: dict[str, Undisturbed], tmp_path: Path) -> None:
    told = undisturbed["release"]
    place = told.before.copy(tmp_path / "now")
    words = [word.format(folder=place.folder) for word in told.deed.words]
    ended = at_once(place, [("run", str(place.root)), words, words])
    for one in ended:
        assert one.status == 0 or "another process is working on this study" in one.said
    day.check_whole(place.unlocked())
    if place.command(*words).status == 0:
        last = max(day.releases(place.root))
        wanted = day.releases(told.after.root)["001"]
        assert day.releases(place.root)[last]["T001_pseudonymised.json"] == wanted["T001_pseudonymised.json"]


def test_a_recording_that_is_gone_is_told_by_its_id_and_stops_no_other(
    undisturbed: dict[str, Undisturbed], tmp_path: Path
) -> None:
    place = undisturbed["run"].before.copy(tmp_path / "now")
    backup = place.folder / "saved"
    assert place.command("backup", str(place.root), str(backup)).status == 0
    (place.root / "private" / "recordings" / "R001.age").unlink()
    for words in (("run", str(place.root)), ("recordings", "export", str(place.root), str(tmp_path / "out"), "R001")):
        ended = place.command(*words)
        assert ended.status != 0
        assert "R001: " in ended.said
        assert not any(name in ended.said for name in day.NAMES)
    assert place.command("release", str(place.root), "T001", "T002", "--unreviewed", "--to", "txt").status == 0
    assert place.command("restore", str(backup), str(place.folder / "again")).status == 0
    day.check_whole(place.unlocked(place.folder / "again"))


def source_goes() -> None:
    """The source is removed by somebody else between the look at it and its copy."""
    from transcribe import audio

    inspect = audio.inspect

    def inspected(descriptor: int) -> object:
        found = inspect(descriptor)
        Path(f"/proc/self/fd/{descriptor}").readlink().unlink()
        return found

    audio.inspect = inspected  # type: ignore[assignment]


def test_a_source_that_is_removed_while_it_is_added_is_taken_in_whole(
    undisturbed: dict[str, Undisturbed], tmp_path: Path
) -> None:
    told = undisturbed["add"]
    place = told.before.copy(tmp_path / "now")
    assert place.do(told.deed, prepare=source_goes).status == 0
    assert not (place.folder / "Zephyrine 3 May.wav").exists()
    day.check_whole(place.unlocked())


def set_back() -> None:
    """The clock says 1999."""
    from transcribe import audit

    day.fake_engines()
    audit.now = lambda: "1999-12-31T23:59:59Z"


def test_a_clock_that_was_set_back_changes_no_order(undisturbed: dict[str, Undisturbed], tmp_path: Path) -> None:
    place = undisturbed["settle"].after.copy(tmp_path / "now")
    words = ("settle", str(place.root), "T002", "--reviewer", "CD", "--reject", "F0001:13-22")
    assert place.command(*words, prepare=set_back).status == 0
    unlocked = place.unlocked()
    day.check_whole(unlocked)
    entries = unlocked.appended("T002", Entry)
    assert [entry.at[:4] for entry in entries] == sorted((entry.at[:4] for entry in entries), reverse=True)
    assert place.command("release", str(place.root), "T002", "--to", "txt", prepare=set_back).status == 0
    text = next(iter(day.releases(place.root).values()))["T002_pseudonymised.txt"].decode()
    assert "Settled on 1999-12-31" in text
