"""`transcribe detect`: rows of text in, spans out, for evaluation; no study, and nothing is kept."""

import json
from pathlib import Path

from transcribe import detect, people, store, weights
from transcribe.config import Detection
from transcribe.detect import defaults
from transcribe.detect.rows import detect_text
from transcribe.errors import StudyError


def detect_file(source: Path, out: Path, roster: Path | None, *, unreviewed: bool = False) -> tuple[int, int]:
    """Read rows {"id", "text"}, write rows {"id", "spans": [[start, end, kind], ...]}; how many rows and spans.

    What is likely to identify somebody; with `unreviewed` whatever possibly does. Raises StudyError that names the line
    of a row that cannot be read; then nothing is written.
    """
    known = people.read(_bytes(roster)) if roster else ()
    rows = [_row(line, number) for number, line in enumerate(_bytes(source).splitlines(), 1) if line.strip()]
    rules = tuple(detect.load(name, weights.path(model)) for name, model in Detection().rules.items())
    least = 0.0 if unreviewed else defaults.load().scores["balance"]
    lines, count = [], 0
    for row_id, text in rows:
        spans = detect_text(text, rules, known, least)
        lines.append(json.dumps({"id": row_id, "spans": spans}, ensure_ascii=False) + "\n")
        count += len(spans)
    store.write_bytes(out, "".join(lines).encode())
    return len(lines), count


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise StudyError("a file cannot be opened", advice="check what was named on the command line") from None


def _row(line: bytes, number: int) -> tuple[object, str]:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()  # no half of a surrogate pair
        return row["id"], str(row["text"])
    except (ValueError, KeyError, TypeError):
        raise StudyError(f'line {number} is not a row {{"id", "text"}}', advice="correct it") from None
