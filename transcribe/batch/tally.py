"""How far a run is: what has ended, what is under way, how fast it goes, and how long the rest will take."""

import time
from collections import Counter
from collections.abc import Callable

from transcribe.batch.plan import Task
from transcribe.batch.run import Outcome, Told
from transcribe.batch.seats import Workers
from transcribe.pipeline import SHARE
from transcribe.schema import Quiet, record

WELL = ("done", "no speech")


@record
class Running(Quiet):
    """A recording under way, and which of its stages are."""

    recording_id: str
    duration_s: float
    stages: tuple[str, ...]


@record
class Progress(Quiet):
    """A run at one moment: counts of recordings, seconds of sound.

    Of all of them `done` ended well, `sound_done_s` is their sound; `failed` counts those that were refused too.
    `share_left` is the part of the work that is left. `speed` is seconds of sound a second, of what this run did
    itself, and `left_s` what is left at that speed; None before any stage has been done.
    """

    of: int
    done: int
    failed: int
    set_aside: int
    running: tuple[Running, ...]
    sound_s: float
    sound_done_s: float
    share_left: float
    speed: float | None
    left_s: float | None
    workers: Workers = Workers(state="some")

    @property
    def waiting(self) -> int:
        return self.of - self.done - self.failed - self.set_aside - len(self.running)


class Tally:
    """Counts what a run tells. The time left is that of the stages left, as long as they take in general (`SHARE`);
    a stage that was skipped is not left, and says nothing of the speed.
    """

    def __init__(self, tasks: tuple[Task, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._durations = {task.recording_id: task.duration_s for task in tasks}
        self._left = {one: {stage: duration_s * SHARE[stage] for stage in SHARE}
                      for one, duration_s in self._durations.items()}  # fmt: skip
        self._running: dict[str, list[str]] = {}
        self._ended: Counter[str] = Counter()
        self._workers = Workers(state="some")
        self._sound_s = sum(self._durations.values())
        self._left_s = self._sound_s
        self._done_s = self._worked_s = self._took_s = 0.0
        self._clock, self._began_s = clock, clock()

    def take(self, told: Told) -> None:
        """Something has happened."""
        if isinstance(told, Workers):
            self._workers = told
            return
        if isinstance(told, Outcome):
            self._end(told)
            return
        stages = self._running.setdefault(told.recording_id, [])
        if told.state == "started":
            stages.append(told.stage)
            return
        if told.stage in stages:
            stages.remove(told.stage)
        share_s = self._left.get(told.recording_id, {}).pop(told.stage, 0.0)  # segmentation may be told twice
        self._left_s -= share_s
        if told.state == "finished":
            self._worked_s += share_s
            self._took_s = self._clock() - self._began_s

    def _end(self, outcome: Outcome) -> None:
        self._running.pop(outcome.recording_id, None)
        self._left_s -= sum(self._left.pop(outcome.recording_id, {}).values())
        self._ended[outcome.state] += 1
        if outcome.state in WELL:
            self._done_s += self._durations[outcome.recording_id]

    def now(self) -> Progress:
        left_s = max(self._left_s, 0.0) if self._left else 0.0  # sums of fractions are a little off
        speed = self._worked_s / self._took_s if self._worked_s and self._took_s else None
        done = sum(self._ended[state] for state in WELL)
        return Progress(
            of=len(self._durations),
            done=done,
            failed=self._ended["failed"] + self._ended["refused"],
            set_aside=self._ended["set aside"],
            running=tuple(
                Running(recording_id=one, duration_s=self._durations[one], stages=tuple(stages))
                for one, stages in self._running.items()
            ),
            sound_s=self._sound_s,
            sound_done_s=min(self._done_s, self._sound_s),
            share_left=min(left_s / self._sound_s, 1.0) if self._sound_s else 0.0,
            speed=speed,
            left_s=0.0 if not left_s else left_s / speed if speed else None,
            workers=self._workers,
        )
