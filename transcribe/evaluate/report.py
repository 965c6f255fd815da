"""Evaluation files in, tables out: counts first, rates and their intervals last."""

import json
from pathlib import Path
from typing import Any

from transcribe import people
from transcribe.errors import StudyError
from transcribe.evaluate import leaks, pii
from transcribe.evaluate.pii import Rate
from transcribe.schema import Kind

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
TITLES = ("", "count", "of", "rate", "95 % interval")


def pii_report(gold: Path, found: Path) -> tuple[dict[str, Any], list[Table]]:
    """Counts by kind. Raises StudyError for a file that holds no such rows."""
    try:
        counts = pii.score(_rows(gold), _rows(found))
    except (KeyError, IndexError, TypeError, ValueError):
        raise StudyError("a row is not {id, text, spans}", advice="see the README, `transcribe evaluate`") from None
    kinds = [None, *sorted({m.kind for m in counts.mentions} | {c.kind for c in counts.claims})]
    made = {(kind.value if kind else "all"): pii.rates(counts, Kind(kind) if kind else None) for kind in kinds}
    kinds_told = {name: [_told(rate) for rate in rates] for name, rates in made.items()}
    tables = [_table(name, rates) for name, rates in made.items()]
    worth = pii.calibration(counts)
    calibration = [_told(rate) for rate in worth]
    data = {"words": sum(counts.words), "kinds": kinds_told, "calibration": calibration}
    return data, tables + ([_table("probability", worth)] if worth else [])


def leaks_report(gold: Path, released: Path, roster: Path | None) -> tuple[dict[str, Any], list[Table]]:
    """Counts of one interview. Raises StudyError for files that are no interview and no released document."""
    known = people.read(_bytes(roster)) if roster else ()
    try:
        counts = leaks.count(json.loads(_bytes(gold)), json.loads(_bytes(released)), known)
    except (KeyError, IndexError, TypeError, ValueError):
        raise StudyError("this is no interview with its words, or no released json", advice="see --help") from None
    rates = leaks.rates(counts)
    data = {"rates": [_told(rate) for rate in rates], "elsewhere": counts.elsewhere}
    return data, [_table("leaks", rates)]


def _told(rate: Rate) -> dict[str, Any]:
    return {
        "name": rate.name,
        "count": rate.count,
        "of": rate.of,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
    }


def _table(name: str, rates: tuple[Rate, ...]) -> Table:
    return (name, *TITLES[1:]), [row(rate) for rate in rates]


def row(rate: Rate) -> tuple[str, ...]:
    """A rate as the cells of a table."""
    if rate.rate is None:
        return rate.name, str(rate.count), str(rate.of), "-", "-"
    bounds = "-" if rate.low is None or rate.high is None else f"{rate.low:.3f} to {rate.high:.3f}"
    return rate.name, str(rate.count), str(rate.of), f"{rate.rate:.3f}", bounds


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _bytes(path).splitlines() if line.strip()]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise StudyError("a file cannot be opened", advice="check what was named on the command line") from None
