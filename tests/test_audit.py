"""The audit: each line holds on to the one before."""

import multiprocessing
from pathlib import Path

import pytest

from transcribe import audit


def written(path: Path, count: int = 4) -> list[str]:
    for number in range(count):
        audit.append(path, "settled", recording=f"R{number:03d}", rejected=number)
    return path.read_text().splitlines()


def test_a_whole_chain_counts_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert audit.verify(path) == 0
    written(path)
    assert audit.verify(path) == 4
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda lines: [lines[0], lines[1].replace("R001", "R009"), *lines[2:]], 3),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [*lines[:2], "no json", *lines[2:]], 3),
        (lambda lines: [*lines[:2], "[]", *lines[2:]], 3),
    ],
)
def test_a_changed_lost_or_moved_line_is_told_by_its_number(tmp_path: Path, change, broken: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "audit.jsonl"
    path.write_text("\n".join(change(written(path))) + "\n")
    assert audit.verify(path) == -broken


def test_a_damaged_byte_breaks_the_chain_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path)
    data = bytearray(path.read_bytes())
    data[10] = 0xFF
    path.write_bytes(data)
    audit.append(path, "released", release=1)
    assert audit.verify(path) < 0


def test_after_a_torn_line_the_chain_goes_on_from_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 2)
    path.write_bytes(path.read_bytes()[:-20])
    audit.append(path, "released", release=1)
    assert audit.verify(path) == -2
    assert len(path.read_text().splitlines()) == 3


def append_many(path: Path) -> None:
    for number in range(25):
        audit.append(path, "recording added", recording=f"R{number:03d}")


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append_many, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert audit.verify(path) == 75
