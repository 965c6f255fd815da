"""The audit: each line holds on to the one before, and the vault to the last."""

import hashlib
import json
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import new_unlocked, person
from transcribe import audit, store, vault
from transcribe.audit import Chain, Seal
from transcribe.vault import Unlocked

Lines = list[bytes]


def written(path: Path, count: int = 6) -> Lines:
    for number in range(count):
        audit.append(path, "settled", recording=f"R{number:03d}", rejected=number)
    return path.read_bytes().splitlines()


def seal_of(path: Path) -> Seal:
    return audit.check(path, Seal()).now


def checked(path: Path, lines: Lines, sealed: Seal) -> Chain:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return audit.check(path, sealed)


def forged(lines: Lines, change: Callable[[Lines], Lines]) -> Lines:
    """A chain written anew after a change, every line holding on to the one before."""
    made: Lines = []
    for line in change(lines):
        previous = hashlib.sha256(made[-1]).hexdigest() if made else "0" * 64
        made.append(json.dumps({**json.loads(line), "previous": previous}).encode())
    return made


def edited(lines: Lines) -> Lines:
    return [lines[0], lines[1].replace(b"R001", b"R009"), *lines[2:]]


def test_a_whole_chain_counts_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert audit.check(path, Seal()).whole
    written(path, 4)
    chain = audit.check(path, Seal())
    assert (chain.lines, chain.unsealed, chain.whole, chain.torn) == (4, 4, True, ())
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (edited, (3,)),
        (lambda lines: [lines[0], *lines[2:]], (2,)),
        (lambda lines: lines[1:], (1,)),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], (2, 3, 4)),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], (3,)),
        (lambda lines: [*lines[:2], b"no json", *lines[2:]], (3, 4)),
        (lambda lines: [*lines[:2], b"[]", *lines[2:]], (3, 4)),
        (lambda lines: [*lines[:2], b"", *lines[2:]], (3,)),
        (lambda lines: [lines[0], lines[1] + b"\r", *lines[2:]], (2, 3)),
        (lambda lines: [lines[0], lines[1].replace(b'"R001"', b"R001"), *lines[2:]], (2, 3)),
        (lambda lines: [lines[0], lines[1][:30], *lines[2:]], (2, 3)),
    ],
)
def test_a_changed_lost_or_moved_line_is_told_by_its_number(
    tmp_path: Path, change: Callable[[Lines], Lines], broken: tuple[int, ...]
) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path)
    for sealed in (Seal(), seal_of(path)):
        chain = checked(path, change(lines), sealed)
        assert not chain.whole
        assert tuple(sorted(chain.broken)) == broken
        assert any(f"Line {broken[0]} does not hold on" in said for said in audit.told(chain))
        assert audit.sealed_anew(path, sealed) == sealed


def test_lines_cut_off_are_told_by_the_seal(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path)
    sealed = seal_of(path)
    for kept in range(6):
        chain = checked(path, lines[:kept], sealed) if kept else checked(path, [b""], sealed)
        assert chain.cut
        assert not chain.whole
    path.unlink()
    assert audit.check(path, sealed).cut
    assert "6 lines were sealed" in audit.told(audit.check(path, sealed))[0]
    assert audit.sealed_anew(path, sealed) == sealed


@pytest.mark.parametrize(
    "change", [edited, lambda lines: lines[1:] + lines[:1], lambda lines: [lines[0], *lines[2:], lines[5]]]
)
def test_a_chain_written_anew_from_the_beginning_is_told_by_the_seal(
    tmp_path: Path, change: Callable[[Lines], Lines]
) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path)
    sealed = seal_of(path)
    chain = checked(path, forged(lines, change), sealed)
    assert (chain.broken, chain.cut, chain.rewritten) == ((), False, True)
    assert "written anew" in audit.told(chain)[0]
    assert checked(path, forged(lines, change), Seal()).whole  # the chain alone cannot tell
    longer = checked(path, forged(lines, lambda all_lines: [*edited(all_lines), all_lines[0]]), sealed)
    assert longer.rewritten
    assert audit.sealed_anew(path, sealed) == sealed


def test_the_last_sealed_line_is_bound_by_the_seal_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path)
    sealed = seal_of(path)
    for last in (lines[5].replace(b"R005", b"R007"), lines[5][:-9], b"no json"):
        assert checked(path, [*lines[:5], last], sealed).rewritten


def test_lines_after_the_seal_are_counted_and_dated(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 3)
    sealed = seal_of(path)
    later = written(path, 2)[3]
    chain = audit.check(path, sealed)
    assert chain.whole
    assert (chain.unsealed, chain.since) == (2, json.loads(later)["at"])
    assert audit.told(chain) == (
        f"Lines after the seal: 2, the first on {chain.since}. Whoever held the study's files could have written them.",
    )
    assert audit.sealed_anew(path, sealed).lines == 5


# --- a crash is no manipulation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [1, 12, 60, -1])
@pytest.mark.parametrize("seen", [False, True])
def test_a_line_torn_by_a_crash_is_told_apart_and_the_chain_goes_on(tmp_path: Path, left: int, seen: bool) -> None:
    path = tmp_path / "audit.jsonl"
    whole = len(b"\n".join(written(path, 2))) + 1
    sealed = seal_of(path) if seen else Seal()
    written(path, 1)
    path.write_bytes(path.read_bytes()[: whole + left] if left > 0 else path.read_bytes()[: left - 1])
    chain = audit.check(path, sealed)
    assert (chain.whole, chain.torn, chain.now.lines) == (True, (3,), 2)
    audit.append(path, "released", release=1)
    chain = audit.check(path, sealed)
    assert (chain.whole, chain.torn, chain.now.lines) == (True, (3,), 4)
    assert "as a crash" in audit.told(chain)[0]
    lines = path.read_bytes().splitlines()
    assert checked(path, [*lines[:2], *lines[3:]], Seal()).whole is False  # taking it out is told, too
    assert checked(path, edited(lines), Seal()).broken == (4,)  # and it does not part what stands on its two sides


def test_a_disk_that_was_full_twice_tears_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 2)
    path.write_bytes(b"\n".join([*lines, lines[0][:40], lines[0][:50]]))
    audit.append(path, "released", release=1)
    chain = audit.check(path, Seal())
    assert (chain.whole, chain.torn, chain.lines) == (True, (3, 4), 5)


def test_only_the_end_line_break_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 2)
    path.write_bytes(path.read_bytes()[:-1])
    assert audit.check(path, Seal()).now.lines == 2
    audit.append(path, "released", release=1)
    assert audit.check(path, Seal()).torn == ()
    assert audit.check(path, Seal()).whole


def test_a_damaged_byte_breaks_the_chain_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path)
    data = bytearray(path.read_bytes())
    data[10] = 0xFF
    path.write_bytes(data)
    audit.append(path, "released", release=1)
    assert not audit.check(path, Seal()).whole


def append_many(path: Path) -> None:
    for number in range(25):
        audit.append(path, "recording added", recording=f"R{number:03d}")


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append_many, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    seen = Seal()
    while any(process.is_alive() for process in processes):  # sealing meanwhile never sees a half line
        assert audit.check(path, seen).whole
        assert audit.check(path, seen).torn == ()
        seen = audit.sealed_anew(path, seen)
    for process in processes:
        process.join()
    chain = audit.check(path, seen)
    assert (chain.lines, chain.whole) == (75, True)


# --- the seal in the vault --------------------------------------------------------------------------------------------


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))


def opened(unlocked: Unlocked) -> Unlocked:
    return vault.unlock(unlocked.study, str(unlocked.identity))


def test_every_unlock_seals_what_came_and_writes_nothing_where_nothing_came(unlocked: Unlocked) -> None:
    written(unlocked.study.audit_path, 3)
    assert opened(unlocked).vault.audit.lines == 3
    before = store.stamp(unlocked.study.vault_path)
    found = opened(unlocked)
    assert store.stamp(unlocked.study.vault_path) == before
    written(unlocked.study.audit_path, 1)
    found.change(lambda known: vault.with_people(known, (person("P2", "Moira"),)))
    assert found.vault.audit.lines == 4
    assert found.found_seal.lines == 3


def test_an_unlock_does_not_seal_over_what_was_changed(unlocked: Unlocked) -> None:
    path = unlocked.study.audit_path
    lines = written(path)
    opened(unlocked)
    path.write_bytes(b"\n".join(forged(lines, edited)) + b"\n")
    written(path, 2)
    assert opened(unlocked).vault.audit.lines == 6
    assert audit.check(path, opened(unlocked).found_seal).rewritten


def test_who_only_reads_is_not_kept_waiting_by_the_seal(unlocked: Unlocked) -> None:
    written(unlocked.study.audit_path, 3)
    before = unlocked.study.vault_path.read_bytes()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with unlocked.study.lock("vault"):
            held.set()
            done.wait(20)

    beside = threading.Thread(target=hold)
    beside.start()
    held.wait(20)
    try:
        assert opened(unlocked).vault.people
    finally:
        done.set()
        beside.join()
    assert unlocked.study.vault_path.read_bytes() == before


def test_a_study_that_can_only_be_read_opens(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    written(unlocked.study.audit_path, 3)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(store, "write_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert opened(unlocked).vault.people
