"""Running a plan: the longest recording first, several under way where there are workers for them.

One that fails does not stop the others. The stages that need the study's key are done here, the others by the workshop.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Protocol

from transcribe import pipeline, store
from transcribe.batch.plan import Task
from transcribe.batch.seats import Workers
from transcribe.engines import Engines
from transcribe.errors import ClusterLost, ConsentError, SetAside, TranscribeError
from transcribe.hearing import Workshop
from transcribe.pipeline import Event
from transcribe.schema import Quiet, record
from transcribe.study import Study
from transcribe.vault import Unlocked

SPARE = 2
"""Recordings under way beyond those that are heard: they are in the stages that are done here."""


class Workforce(Workshop, Protocol):
    """A workshop that carries out so many orders at the same time; `dashboard`: the address of its own page, if any."""

    slots: int

    @property
    def dashboard(self) -> str: ...

    def watched(self, tell: Callable[[Workers], None]) -> None:
        """From now on `tell` is told when no worker is left, and when there is one again; by any thread."""
        ...

    def stop(self) -> None:
        """Nobody waits for an order any more: those under way end with an error."""
        ...


@record
class Outcome(Quiet):
    """What became of a recording: done, no speech, or with a sentence failed, set aside after several tries, or refused
    for want of consent.
    """

    recording_id: str
    state: str
    error: str = ""
    exit_code: int = 0


Told = Event | Outcome | Workers
Report = Callable[[Told], None]
"""Is told of each stage, of each recording that has come to its end, and of workers; by one thread at a time."""


def run(
    unlocked: Unlocked,
    tasks: tuple[Task, ...],
    engines: Engines,
    report: Report,
    again: str = "",
    workforce: Workforce | None = None,
) -> tuple[Outcome, ...]:
    """All stages of all tasks, then the findings of the whole study; outcomes in the order of the tasks. Raises
    ClusterLost, and OSError where the disk is full or the journal cannot be written: what is done by then is kept.

    Without a workforce all is done in this process, recording by recording. Holds the study for this time.
    """
    with unlocked.study.lock("work"):
        unlocked.study.sweep()
        batch = _Batch(unlocked, engines, report, again, workforce)
        with _noted(unlocked.study):
            outcomes = batch.side_by_side(tasks, workforce) if workforce else batch.one_by_one(tasks)
            spoilt: dict[str, Exception] = {}
            pipeline.refresh_findings(unlocked, engines, spoilt)
    return _with(outcomes, spoilt)


@contextmanager
def _noted(study: Study) -> Iterator[None]:
    """The journal tells what is under way: nothing after a run, nor when one begins after another was killed."""
    study.log("run begun")
    try:
        yield
    finally:
        study.log("run ended")


class _Batch:
    """What all recordings of a run have in common."""

    def __init__(
        self, unlocked: Unlocked, engines: Engines, report: Report, again: str, workshop: Workshop | None
    ) -> None:
        self._open, self._engines, self._again, self._workshop = unlocked, engines, again, workshop
        self._tell, self._telling = report, threading.Lock()

    def one_by_one(self, tasks: tuple[Task, ...]) -> tuple[Outcome, ...]:
        return tuple(self._one(task) for task in tasks)

    def side_by_side(self, tasks: tuple[Task, ...], workforce: Workforce) -> tuple[Outcome, ...]:
        """As many under way as there are slots, and some, the longest begun first.

        A full disk, a lost cluster or a stop by hand stops all of them.
        """
        workforce.watched(self._report)
        longest_first = sorted(tasks, key=lambda task: -task.duration_s)
        with ThreadPoolExecutor(workforce.slots + SPARE) as pool:
            begun = {task.recording_id: pool.submit(self._one, task) for task in longest_first}
            try:
                for ended in wait(begun.values(), return_when=FIRST_EXCEPTION).done:
                    ended.result()  # raises what stops all
                return tuple(begun[task.recording_id].result() for task in tasks)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                workforce.stop()
                raise

    def _report(self, what: Told) -> None:
        with self._telling:
            self._tell(what)

    def _one(self, task: Task) -> Outcome:
        recording_id = task.recording_id
        try:
            job = pipeline.Job(self._open, recording_id, self._engines, self._report, self._workshop)
            transcript = job.run(self._again)
        except ClusterLost:  # nothing is wrong with the recording itself
            raise
        except Exception as error:
            if store.befalls_all(error):  # no other recording would fare better
                raise
            outcome = _failed(recording_id, error)
        else:
            state = "done" if transcript.utterances else "no speech"
            outcome = Outcome(recording_id=recording_id, state=state)
        self._open.study.log(outcome.state, recording=recording_id)
        self._report(outcome)
        return outcome


def _state(error: TranscribeError) -> str:
    if isinstance(error, SetAside):
        return "set aside"
    return "refused" if isinstance(error, ConsentError) else "failed"


def _failed(recording_id: str, error: Exception) -> Outcome:
    """What is told of an error: where it is not ours its type, since its message may hold words of the interview."""
    told = store.disk_error(error) if isinstance(error, OSError) else error
    if not isinstance(told, TranscribeError):
        what = f"{recording_id}: {type(error).__name__} in an engine; the other recordings go on."
        return Outcome(recording_id=recording_id, state="failed", error=what, exit_code=1)
    told.recording_id = told.recording_id or recording_id
    return Outcome(recording_id=recording_id, state=_state(told), error=str(told), exit_code=told.exit_code)


def _with(outcomes: tuple[Outcome, ...], spoilt: Mapping[str, Exception]) -> tuple[Outcome, ...]:
    """The outcomes, and what came out when all findings were made: of recordings that were not run, too."""
    told = {one.recording_id for one in outcomes if one.error}
    failed = {one: _failed(one, error) for one, error in spoilt.items() if one not in told}
    kept = tuple(failed.pop(one.recording_id, one) for one in outcomes)
    return (*kept, *failed.values())
