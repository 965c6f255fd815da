"""Evaluation files in, tables out: counts first, rates and their intervals last."""

import hashlib
import json
import math
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transcribe import people
from transcribe.errors import StudyError
from transcribe.evaluate import leaks, pii, speech_files
from transcribe.evaluate.cpwer import SpeakerErrors, speaker_errors
from transcribe.evaluate.der import DiarisationErrors, diarisation_errors
from transcribe.evaluate.intervals import interval
from transcribe.evaluate.pii import Rate
from transcribe.evaluate.speech_files import Pair
from transcribe.evaluate.wer import ErrorCounts, word_errors
from transcribe.schema import Kind

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
TITLES = ("", "count", "of", "rate", "95 % interval")
WORD_TITLES = ("subst.", "del.", "ins.", "words")
TURN_TITLES = ("false alarm, s", "missed, s", "confusion, s", "speech, s")


def pii_report(gold: Path, found: Path) -> tuple[dict[str, Any], list[Table]]:
    """Counts by kind. Raises StudyError for a file that holds no such rows."""
    try:
        rows = _rows(gold)
        counts, unscored = pii.score(rows, _rows(found)), pii.unscored(rows)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise StudyError("a row is not {id, text, spans}", advice="see the README, `transcribe evaluate`") from None
    kinds = [None, *sorted({m.kind for m in counts.mentions} | {c.kind for c in counts.claims})]
    made = {(kind.value if kind else "all"): pii.rates(counts, Kind(kind) if kind else None) for kind in kinds}
    kinds_told = {name: [_told(rate) for rate in rates] for name, rates in made.items()}
    tables = [_table(name, rates) for name, rates in made.items()]
    worth = pii.calibration(counts)
    calibration = [_told(rate) for rate in worth]
    data = {"words": sum(counts.words), "kinds": kinds_told, "calibration": calibration, "unscored": unscored}
    tables += [_table("probability", worth)] if worth else []
    strange: Table = (
        ("label not known, scored neither way", "count"),
        [(label, str(count)) for label, count in unscored.items()],
    )
    return data, [*tables, strange] if unscored else tables


def leaks_report(gold: Path, released: Path, roster: Path | None) -> tuple[dict[str, Any], list[Table]]:
    """Counts of one interview. Raises StudyError for files that are no interview and no released document."""
    known = people.read(_bytes(roster)) if roster else ()
    try:
        counts = leaks.count(json.loads(_bytes(gold)), json.loads(_bytes(released)), known)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise StudyError("this is no interview with its words, or no released json", advice="see --help") from None
    rates = leaks.rates(counts)
    data = {"rates": [_told(rate) for rate in rates], "elsewhere": counts.elsewhere}
    others: Table = (("", "count"), [("names of people written where nobody said them", str(counts.elsewhere))])
    return data, [_table("leaks", rates), others]


def wer_report(reference: Path, hypothesis: Path) -> tuple[dict[str, Any], list[Table]]:
    """Word errors, whoever said the words. Raises StudyError for files that hold no words."""
    found = speech_files.pairs(reference, hypothesis)
    each = [word_errors(pair.reference.text, pair.hypothesis.text) for pair in found]
    total = sum(each, ErrorCounts())
    cells = [_word_cells(one) for one in (*each, total)]
    *files, data = [{"wer": _finite(one.rate), **_words_told(one)} for one in (*each, total)]
    data |= _bounds([(one.errors, one.words) for one in each])
    return _report("wer", reference, found, data, files), [_by_file("wer", WORD_TITLES, found, cells)]


def cpwer_report(reference: Path, hypothesis: Path) -> tuple[dict[str, Any], list[Table]]:
    """Word errors by speaker, and how speakers were matched. Raises StudyError for files that hold no words."""
    found = speech_files.pairs(reference, hypothesis)
    each = [speaker_errors(pair.reference.by_speaker, pair.hypothesis.by_speaker) for pair in found]
    total = sum(each, SpeakerErrors())
    cells = [(*_word_cells(o.errors), str(o.assigned), str(o.missed), str(o.invented)) for o in (*each, total)]
    counts = [(one.errors.errors, one.errors.words) for one in each]
    *files, data = [{"cpwer": _finite(one.rate), **_speakers_told(one)} for one in (*each, total)]
    data |= _bounds(counts)
    titles = (*WORD_TITLES, "matched", "missed", "invented")
    return _report("cpwer", reference, found, data, files), [_by_file("cpwer", titles, found, cells)]


def der_report(reference: Path, hypothesis: Path) -> tuple[dict[str, Any], list[Table]]:
    """Seconds of speech wrongly put, no collar, overlap counted. Raises StudyError for files without times."""
    found = speech_files.pairs(reference, hypothesis, speech_files.TURNS)
    each = [diarisation_errors(pair.reference.turns, pair.hypothesis.turns) for pair in found]
    total = sum(each, DiarisationErrors())
    cells = [_turn_cells(one) for one in (*each, total)]
    counts = [(round(1000 * (o.false_alarm_s + o.missed_s + o.confusion_s)), round(1000 * o.total_s)) for o in each]
    *files, data = [{"der": _finite(one.rate), **_turns_told(one)} for one in (*each, total)]
    data |= _bounds(counts if any(wrong for wrong, _ in counts) else [])
    return _report("der", reference, found, data, files), [_by_file("der", TURN_TITLES, found, cells)]


def made_on() -> dict[str, Any]:
    """Where numbers were taken: the commit (empty for an installed package), our version, and the machine."""
    root = Path(__file__).parent.parent.parent
    try:
        told = subprocess.run(
            ["git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True
        )
        commit = told.stdout.strip() if (root / ".git").exists() else ""
    except OSError:
        commit = ""
    return {
        "commit": commit,
        "version": version("transcribe"),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        },
    }


def footer(data: dict[str, Any]) -> tuple[str, ...]:
    """For a reader: how far the rate can be trusted, what it is of, and where it was taken."""
    of, machine = data["data_set"], data["machine"]
    bounds = f"95 % interval {100 * data['low']:.2f} to {100 * data['high']:.2f} %" if data["low"] is not None else ""
    models = ", ".join(f"{one['model']} {one['sha256'][:12]}" for one in data["models"])
    return (
        *((bounds,) if bounds else ()),
        f"Data set: {of['name']}, {of['files']} {'files' if of['files'] > 1 else 'file'}, {of['sha256'][:12]}",
        f"Models: {models or 'not named in the files'}",
        f"transcribe {data['version']}, commit {data['commit'] or 'unknown'}; {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB",
    )


def _processor() -> str:
    """What Linux calls the first core, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _report(
    measure: str, reference: Path, found: tuple[Pair, ...], counts: dict[str, Any], files: list[dict[str, Any]]
) -> dict[str, Any]:
    """Counts and rate, then by file, then what they are of: the data set, the models named in it, commit, machine."""
    models = sorted({model for pair in found for model in pair.hypothesis.models})
    digest = hashlib.sha256(b"\0".join(repr(_stretches(pair)).encode() for pair in found)).hexdigest()
    return {
        "measure": measure,
        **counts,
        "files": [{"name": pair.name, **told} for pair, told in zip(found, files, strict=True)],
        "data_set": {"name": reference.name.split(".")[0], "files": len(found), "sha256": digest},
        "models": [{"model": model, "sha256": sha256} for model, sha256 in models],
        **made_on(),
    }


def _stretches(pair: Pair) -> tuple[object, ...]:
    return (pair.name, *((one.speaker, one.start_s, one.end_s, one.text) for one in pair.reference.stretches))


def _bounds(counts: list[tuple[int, int]]) -> dict[str, float | None]:
    """The 95 % interval by bootstrap over files; None of fewer than two, which cannot tell how files differ."""
    low, high = (interval(counts) or (None, None)) if len(counts) > 1 else (None, None)
    return {"low": low, "high": high}


def noted(data: dict[str, Any]) -> dict[str, str | float]:
    """What a study's journal keeps of a word or speaker error rate: no name of a file, which may be a person's."""
    if data["measure"] == "der":
        errors, of = sum(data[name] for name in ("false_alarm_s", "missed_s", "confusion_s")), data["total_s"]
    else:
        errors, of = data["errors"], data["words"]
    measure = {"wer": "word error rate", "cpwer": "word error rate by speaker", "der": "diarisation error rate"}
    files = data["data_set"]["files"]
    return {
        "measure": measure[data["measure"]],
        "errors": errors,
        "of": of,
        "on": f"{files} recording{'' if files == 1 else 's'}",
    }


def _finite(rate: float) -> float | None:
    """JSON has no infinity: None stands for errors where the reference holds nothing."""
    return rate if math.isfinite(rate) else None


def _words_told(counts: ErrorCounts) -> dict[str, Any]:
    names = ("substitutions", "deletions", "insertions", "errors", "words")
    return {name: getattr(counts, name) for name in names}


def _speakers_told(counts: SpeakerErrors) -> dict[str, Any]:
    matched = {"assigned": counts.assigned, "missed": counts.missed, "invented": counts.invented}
    return _words_told(counts.errors) | {f"speakers_{name}": count for name, count in matched.items()}


def _turns_told(errors: DiarisationErrors) -> dict[str, Any]:
    names = ("false_alarm_s", "missed_s", "confusion_s", "total_s")
    return {name: round(getattr(errors, name), 3) for name in names}


def _word_cells(counts: ErrorCounts) -> tuple[str, ...]:
    numbers = (counts.substitutions, counts.deletions, counts.insertions, counts.words)
    return _percent(counts.rate), *map(str, numbers)


def _turn_cells(errors: DiarisationErrors) -> tuple[str, ...]:
    seconds = (errors.false_alarm_s, errors.missed_s, errors.confusion_s, errors.total_s)
    return _percent(errors.rate), *(f"{one:.2f}" for one in seconds)


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %" if math.isfinite(rate) else "-"


def _by_file(measure: str, titles: tuple[str, ...], found: tuple[Pair, ...], cells: list[tuple[str, ...]]) -> Table:
    """One row a file and one for all of them, where there are several."""
    names = [*(pair.name for pair in found), "all"]
    rows = [(name, *row) for name, row in zip(names, cells, strict=True)]
    return ("", measure, *titles), rows if len(found) > 1 else rows[:1]


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
