"""A disk that is full or read-only, a limit on files: one clear sentence, nothing lost, and it goes on with room."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.crash import day
from tests.crash.day import DEEDS, Place, Undisturbed
from tests.crash.processes import Ended
from tests.crash.test_kills import do_again, lost_nothing, same_as

pytestmark = pytest.mark.slow

SIZE_KB = 8192
FREE_KB = (0, 8, 40)
LARGEST_BYTES = (2_000, 9_000)
"""A study of half a megabyte; so much room left for a deed."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE_KB}k,mode=700"]
    if subprocess.run(["mount", *options, "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk of its own: run the tests as root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, free_kb: int) -> Path:
    """Take the room of a disk but for so much; the file that takes it."""
    ballast = disk / "ballast"
    left = shutil.disk_usage(disk).free - free_kb * 1024
    with ballast.open("wb") as file:
        for _ in range(left // 4096):
            file.write(bytes(4096))
    return ballast


def said_clearly(ended: Ended) -> None:
    """A deed that failed says why in one sentence, and that is no crash."""
    assert not ended.killed
    lines = [line for line in ended.said.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert "unexpected" not in lines[0]
    assert any(word in lines[0] for word in ("no space left", "read-only", "file too large"))
    assert "Traceback" not in ended.said
    assert not any(name in ended.said for name in day.NAMES)


def check(told: Undisturbed, place: Place, ended: Ended) -> None:
    """Once there is room: all is there, and the deed ends as it would have."""
    day.check_whole(place.unlocked())
    lost_nothing(told, place)
    do_again(told, place, ended)
    day.check_whole(place.unlocked())
    same_as(told, place)


@pytest.mark.parametrize("deed", [deed.name for deed in DEEDS])
@pytest.mark.parametrize("free_kb", FREE_KB)
def test_a_full_disk_is_said_and_nothing_is_lost(
    undisturbed: dict[str, Undisturbed], small_disk: Path, deed: str, free_kb: int
) -> None:
    told = undisturbed[deed]
    place = told.before.copy(small_disk / "now")
    ballast = fill(small_disk, free_kb)
    ended = place.do(told.deed, beside=small_disk.parent)
    if ended.status:
        said_clearly(ended)
    else:
        assert free_kb or deed == "people"  # what the copy of the vault took is enough for a new vault
    ballast.unlink()
    check(told, place, ended)


def limited(most_bytes: int) -> None:
    """No file of this process grows beyond so many bytes."""
    day.fake_engines()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


@pytest.mark.parametrize("deed", [deed.name for deed in DEEDS if deed.name != "review"])
@pytest.mark.parametrize("most_bytes", LARGEST_BYTES)
def test_a_limit_on_files_is_said_and_nothing_is_lost(
    undisturbed: dict[str, Undisturbed], tmp_path: Path, deed: str, most_bytes: int
) -> None:
    told = undisturbed[deed]
    place = told.before.copy(tmp_path / "now")
    ended = place.do(told.deed, prepare=partial(limited, most_bytes))
    if ended.status:
        said_clearly(ended)
    check(told, place, ended)


@pytest.mark.parametrize("deed", ["people", "add", "anonymise", "run", "settle", "review", "release"])
def test_a_study_that_is_read_only_stays_as_it_is(
    undisturbed: dict[str, Undisturbed], small_disk: Path, deed: str
) -> None:
    told = undisturbed[deed]
    place = told.before.copy(small_disk / "now")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    ended = place.do(told.deed, beside=small_disk.parent)
    assert ended.status != 0
    said_clearly(ended)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    check(told, place, ended)
