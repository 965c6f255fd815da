"""A run as it goes, on the screen: the table that is drawn on a terminal, and lines where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from transcribe import console
from transcribe.batch.plan import Task
from transcribe.batch.run import Outcome, Report, Told
from transcribe.batch.seats import Workers
from transcribe.batch.tally import Progress, Tally
from transcribe.pipeline import Event

LINES = 8
"""Recordings under way that have a line each."""
BAR_WIDTH = 40


@contextmanager
def stages(tasks: tuple[Task, ...], as_json: bool) -> Iterator[Report]:
    """What to tell of a run: it is drawn on a terminal; with --json or without a terminal there are lines."""
    tally = Tally(tasks)
    if as_json or not console.ERR.is_terminal:
        yield _in_lines(tally, {task.recording_id: task.duration_s for task in tasks}, as_json)
        return
    with Live(drawn(tally.now()), console=console.ERR, transient=True) as live:

        def report(told: Told) -> None:
            tally.take(told)
            live.update(drawn(tally.now()))
            _warn_of_kept(told)

        yield report


def _in_lines(tally: Tally, durations: dict[str, float], as_json: bool) -> Report:
    def report(told: Told) -> None:
        tally.take(told)
        if as_json:
            console.line(_document(told, tally.now(), durations))
        elif isinstance(told, Workers):
            console.warn(of_workers(told))
        elif isinstance(told, Outcome):
            console.warn(f"{told.recording_id} {told.state}; {summary(tally.now())}")
        elif told.state == "kept":
            _warn_of_kept(told)
        elif told.state == "finished":
            seconds = durations.get(told.recording_id, 0.0)
            speed = f", {seconds / told.seconds:.1f} times as fast as speech" if seconds and told.seconds else ""
            console.warn(f"{told.recording_id} {told.stage}: {told.seconds:.1f} s{speed}")

    return report


def _warn_of_kept(told: Told) -> None:
    if isinstance(told, Event) and told.state == "kept":
        what = f"{told.recording_id} was read by a person, so its words stay as another model heard them"
        console.warn(f"{what}; --again {told.stage} makes them anew")


def _document(told: Told, progress: Progress, durations: dict[str, float]) -> dict[str, object]:
    if isinstance(told, Workers):
        return {"workers": told.state} | ({"waits_s": told.waits_s} if told.state == "none" else {})
    return _ended(told, progress) if isinstance(told, Outcome) else _facts(told, durations)


def _facts(event: Event, durations: dict[str, float]) -> dict[str, object]:
    facts: dict[str, object] = {"recording": event.recording_id, "stage": event.stage, "state": event.state}
    if event.state == "finished":
        sound_s = durations.get(event.recording_id, 0.0)
        facts |= {"seconds": round(event.seconds, 3), "sound_s": round(sound_s, 3)}
    return facts


def _ended(outcome: Outcome, progress: Progress) -> dict[str, object]:
    return {
        "recording": outcome.recording_id,
        "state": outcome.state,
        "done": progress.done,
        "of": progress.of,
        "sound_done_s": round(progress.sound_done_s, 3),
        "sound_s": round(progress.sound_s, 3),
        "left_s": None if progress.left_s is None else round(progress.left_s, 1),
    }


def summary(progress: Progress) -> str:
    """A run in one line."""
    parts = [
        f"{progress.done} of {progress.of}",
        f"{console.hours(progress.sound_done_s)} of {console.hours(progress.sound_s)} h",
    ]
    if progress.speed:
        parts.append(f"{progress.speed:.{0 if progress.speed >= 10 else 1}f} times as fast as speech")
    if progress.left_s is not None:
        parts.append(f"{span(progress.left_s)} left")
    return ", ".join(parts)


def of_workers(workers: Workers) -> str:
    """Whether there are any, and for how long the run waits."""
    if workers.state == "some":
        return "there are workers again"
    until = "the queue to begin a job" if workers.waits_s is None else f"one, {span(workers.waits_s)} at most"
    return f"no worker is left: the run waits for {until}"


def drawn(progress: Progress) -> Group:
    """A run as a bar, two lines of numbers, and a line each for some of the recordings under way."""
    counts = [
        f"{count} {what}"
        for count, what in (
            (len(progress.running), "running"),
            (progress.failed, "failed"),
            (progress.set_aside, "set aside"),
            (progress.waiting, "waiting"),
        )
        if count
    ]
    shown, more = progress.running[:LINES], len(progress.running[LINES:])
    rows = [(one.recording_id, console.clock(one.duration_s), ", ".join(one.stages)) for one in shown]
    return Group(
        ProgressBar(total=1.0, completed=1.0 - progress.share_left, width=BAR_WIDTH),
        Text(f"done: {summary(progress)}"),
        Text(", ".join(counts)),
        *([Text(of_workers(progress.workers))] if progress.workers.state == "none" else []),
        console.table(("recording", "length", "stage"), rows),
        *([Text(f"and {more} more")] if more else []),
    )


def span(seconds: float) -> str:
    """About how long."""
    if seconds <= 0:
        return "nothing"
    if seconds < 90:
        return "about a minute"
    return f"about {seconds / 60:.0f} min" if seconds < 7200 else f"about {seconds / 3600:.0f} h"
