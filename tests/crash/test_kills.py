"""SIGKILL at any moment of any deed: the study is whole, nothing acknowledged is lost, the day ends as it would have.

A few dozen kills by default, two in three before a step on the disk and the others at a random time;
TRANSCRIBE_KILLS=200 asks for as many, TRANSCRIBE_SEED=N for other moments. The name of a failed test is its moment.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import day
from tests.crash.day import DEEDS, Place, Undisturbed, released
from tests.crash.processes import Ended

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("TRANSCRIBE_SEED", "20261128"))
ONLY_HERE = ("manifest.json", "changes.csv")  # these depend on how many releases came before
TORN = ".tmp"
BESIDE = ("backup", "restore", "export")  # what they write lies beside the study


def moments() -> Iterator[tuple[str, str, float]]:
    """(deed, how, where): "step" in shares of its steps, "time" in shares of its seconds."""
    chance = random.Random(SEED)
    for number in range(day.KILLS):
        deed = DEEDS[number % len(DEEDS)].name
        yield deed, chance.choice(("step", "step", "time")), chance.random()


@pytest.mark.parametrize(
    ("deed", "how", "where"), [pytest.param(*m, id=f"{m[0]}-{m[1]}-{m[2]:.4f}") for m in moments()]
)
def test_a_deed_killed_at_any_moment_ends_as_if_nothing_had_happened(
    undisturbed: dict[str, Undisturbed], tmp_path: Path, deed: str, how: str, where: float
) -> None:
    told = undisturbed[deed]
    place = told.before.copy(tmp_path / "now")
    if how == "step":
        ended = place.do(told.deed, at_step=1 + int(where * told.steps))
        assert ended.killed
    else:
        ended = place.do(told.deed, after_s=where * told.seconds)
    check(told, place, ended)


def check(told: Undisturbed, place: Place, ended: Ended) -> None:
    """What stands after the kill, after the deed was done again, and after a release."""
    assert "Traceback" not in ended.said
    unlocked = place.unlocked()
    day.check_whole(unlocked)
    lost_nothing(told, place)
    early = day.releases(place.root)
    do_again(told, place, ended)
    day.check_whole(place.unlocked())
    same_as(told, place)
    assert all(count == 1 for count in day.finished(place.unlocked()).values())
    if told.deed.name in BESIDE:
        assert day.releases(place.root) == early
        torn = [path for path in place.folder.rglob("*") if path.name.endswith(TORN)]
        assert not [path for path in torn if not path.is_relative_to(place.root)]
        return
    now = released(place, place.folder.parent / "end")
    for number, files in early.items():
        assert now[number] == files
    last, wanted = now[max(now)] if now else {}, told.released[max(told.released)] if told.released else {}
    assert plain(last) == plain(wanted)
    if now.keys() == told.released.keys():
        assert now == told.released
    end = place.folder.parent / "end"
    assert {int(number) for number in now} == set(day.noted_releases(end / "study"))
    assert not [path for path in (end / "study").rglob("*") if path.name.endswith(TORN)]


def plain(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in ONLY_HERE}


def lost_nothing(told: Undisturbed, place: Place) -> None:
    """All that stood before the deed stands; releases have not changed by a bit."""
    before, now = told.before.unlocked(), place.unlocked()
    had, has = day.stands(before), day.stands(now)
    ids = [person.id for person in has["people"]]
    assert [person.id for person in had["people"] if person.id not in ids] == []
    for name, value in had.items():
        if name.endswith("log"):
            assert has[name][: len(value)] == value
        elif name.endswith(("sound", "words", "turns", "transcript", "recordings")) and value:
            assert has[name][: len(value)] == value if isinstance(value, list) else has[name] == value
    for number, files in day.releases(told.before.root).items():
        assert day.releases(place.root)[number] == files


def do_again(told: Undisturbed, place: Place, ended: Ended) -> None:
    """As a person would who finds that it was stopped."""
    if told.deed.acts:
        go_on(told, place, ended)
        return
    again = place.do(told.deed)
    done_before = {"add": "already in the study", "backup": "would replace", "restore": "not empty",
                   "export": "is there already"}  # fmt: skip
    assert again.status == 0 or done_before.get(told.deed.name, "-") in again.said, again.said


def go_on(told: Undisturbed, place: Place, ended: Ended) -> None:
    """The page is opened again: what was acknowledged stands; the act under way is taken back, or was never done."""
    acts, number = list(told.deed.acts), len(ended.told)
    unlocked = place.unlocked()
    entries = day.acts_of(unlocked, told.before.unlocked())
    assert number <= len(entries) <= number + 1
    if number == len(acts):  # killed when all was done
        return
    known = {person.forms[0]: person.id for person in unlocked.vault.people}
    if len(entries) > number and acts[number][0] in ("keep", "add", "words", "role"):
        again = place.do(told.deed, [("undo", {})])
        assert again.status == 0, again.said
    elif len(entries) > number or acts[number][1].get("forms", [""])[0] in known:
        number += 1
    elif acts[number][0] == "add" and "cake" in known:  # made known, and not decided
        acts[number] = ("add", {**acts[number][1], "who": {"person": known["cake"]}})
    again = place.do(told.deed, acts[number:])
    assert again.status == 0, again.said


def same_as(told: Undisturbed, place: Place) -> None:
    """What stands is what an undisturbed day leaves; of a review with something taken back, but for its log."""
    has, wanted = day.stands(place.unlocked()), day.stands(told.after.unlocked())
    logs = [name for name in wanted if name.endswith("log")]
    if told.deed.name in ("review", "settle"):
        for name in logs:
            has.pop(name), wanted.pop(name)
    different = [name for name in has.keys() | wanted.keys() if has.get(name) != wanted.get(name)]
    assert different == []
    if told.deed.name == "restore":
        day.check_whole(place.unlocked(place.folder / "restored"))
        assert day.stands(place.unlocked(place.folder / "restored")) == wanted
    if told.deed.name == "export":
        assert [path.name for path in (place.folder / "exported").iterdir()] == ["R001.wav"]
        assert (place.folder / "exported" / "R001.wav").read_bytes() == (
            place.folder / "Zephyrine 3 May.wav"
        ).read_bytes()
