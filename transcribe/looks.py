"""A study as it stands, on the screen: once, or again and again while another process works on it."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from transcribe import console
from transcribe.overview import GROUPS, Row, overview, totals
from transcribe.schema import Recording
from transcribe.study import Study
from transcribe.vault import Unlocked

TITLES = ("recording", "state", "length", "findings", "release", "keep until")
EVERY_S = 5.0
"""A look at 600 recordings takes some hundredths of a second."""
ROOM = 4
"""Lines of a screen that are no recording's: titles, the totals, what is left out, the cursor's."""


def watch(study: Study, unlocked: Unlocked | None, as_json: bool) -> None:
    """Look at a study until nothing of it is left to be run. No lock is taken, and no transcript is opened: the key
    tells the lengths alone.
    """
    lengths: dict[str, float] = {}
    on_screen = not as_json and console.OUT.is_terminal
    shown: tuple[Row, ...] | None = None
    with Live(console=console.OUT, auto_refresh=False) if on_screen else nullcontext() as screen:
        while True:
            rows = _rows(study, unlocked, lengths)
            if as_json:
                console.line(_data(study, rows))
            elif screen is not None:
                screen.update(_fitting(rows, console.OUT.height - ROOM), refresh=True)
            elif rows != shown:
                console.say(False, {}, table(rows), told(rows))
            shown = rows
            if not any(row.group in ("running", "waiting") for row in rows):
                return
            time.sleep(EVERY_S)


def table(rows: Sequence[Row]) -> Table:
    """A line for each recording."""
    return console.table(
        TITLES,
        [
            (row.id, f"running: {', '.join(row.stages)}" if row.stages else row.state, console.clock(row.duration_s),
             "-" if row.findings is None else str(row.findings), f"{row.release:03d}" if row.release else "-",
             row.keep_until.isoformat() if row.keep_until else "-")
            for row in rows
        ],
    )  # fmt: skip


def told(rows: Sequence[Row]) -> str:
    """How many recordings count as what, and how much sound of it is done where the lengths are known."""
    counted = totals(rows)
    parts = [f"{len(rows)} recordings", *(f"{count} {group}" for group, count in counted.items() if count)]
    lengths = [row.duration_s for row in rows if row.duration_s is not None]
    if lengths:
        done_s = sum(row.duration_s or 0.0 for row in rows if row.group == "done")
        parts.append(f"{console.hours(done_s)} of {console.hours(sum(lengths))} h done")
    return ", ".join(parts)


def _fitting(rows: tuple[Row, ...], most: int) -> Group:
    """What a screen holds: those under way first, those that are done last."""
    by_group = sorted(rows, key=lambda row: GROUPS.index(row.group))
    left_out = len(by_group[most:])
    return Group(table(by_group[:most]), *([Text(f"and {left_out} more")] if left_out else []), Text(told(rows)))


def _rows(study: Study, unlocked: Unlocked | None, lengths: dict[str, float]) -> tuple[Row, ...]:
    """As the folder shows them, with the lengths; these never change and are read once."""
    rows = overview(study, None).rows
    if unlocked is not None and not lengths.keys() >= {row.id for row in rows}:
        unlocked.look()
        known = {entry.id for entry in unlocked.vault.recordings}
        for row in rows:
            if row.id in known and row.id not in lengths:
                recording = unlocked.load(row.id, "recording", Recording)
                lengths |= {row.id: recording.value.duration_s} if recording else {}
    return tuple(replace(row, duration_s=lengths.get(row.id)) for row in rows)


def _data(study: Study, rows: tuple[Row, ...]) -> dict[str, object]:
    return {
        "study_id": study.created["study"],
        "totals": totals(rows),
        "recordings": [
            {"recording": row.id, "state": row.state, "stages": list(row.stages), "duration_s": row.duration_s}
            for row in rows
        ],
    }
