"""What the command line prints: words or --json, progress, and errors as one sentence. Never a traceback."""

import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def say(as_json: bool, data: dict[str, Any], *lines: str | Table) -> None:
    """Print the data as one JSON document, or the lines for a reader."""
    if as_json:
        sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
        return
    for line in lines:
        OUT.print(line if isinstance(line, Table) else Text(line))


def line(data: dict[str, Any]) -> None:
    """Print one of several JSON documents, at once: somebody may be waiting for it."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def raw(text: str) -> None:
    """Print a document as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def warn(text: str) -> None:
    """Print a sentence to standard error."""
    ERR.print(Text(text))


def fail(error: str, as_json: bool = False) -> None:
    """Print why a command failed: a sentence, or {"error": sentence} where JSON was asked for."""
    if as_json:
        sys.stderr.write(json.dumps({"error": error}, ensure_ascii=False) + "\n")
    else:
        warn(f"Error: {error}")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table; cells are text, not markup."""
    drawn = Table(box=None, pad_edge=False)
    for title in titles:
        drawn.add_column(title)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def clock(seconds: float | None) -> str:
    """h:mm:ss, or a dash."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def hours(seconds: float) -> str:
    """0.25, 9.5 or 612: hours, with no more places than they are worth."""
    value = seconds / 3600
    return f"{value:.{2 if value < 1 else 1 if value < 100 else 0}f}"


@contextmanager
def downloads() -> Iterator[Any]:
    """A progress callback (name, done_bytes, total_bytes) for `models fetch`."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, disable=not ERR.is_terminal) as progress:
        bars: dict[str, Any] = {}

        def report(name: str, done_bytes: int, total_bytes: int) -> None:
            bar = bars.get(name)
            if bar is None:
                bar = bars[name] = progress.add_task(name, total=total_bytes)
            progress.update(bar, completed=done_bytes, total=total_bytes)

        yield report


def on_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For what nobody expected: the kind of error, the line of our code and that of a library it came up in, never its
    message, which may hold words.
    """
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if "transcribe" in Path(frame.filename).parts]
    told = dict.fromkeys(f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*ours[-1:], *frames[-1:]))
    where = f" at {', '.join(told)}" if told else ""
    said = f"unexpected {kind.__name__}{where}; nothing that was finished is lost. Please report this line."
    fail(said, "--json" in sys.argv)
