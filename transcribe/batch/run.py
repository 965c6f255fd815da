"""Running a plan on this machine, recording by recording; one that fails does not stop the others."""

from transcribe import pipeline, store
from transcribe.batch.plan import Task
from transcribe.errors import ConsentError, TranscribeError
from transcribe.pipeline import Engines, Report
from transcribe.schema import Quiet, record
from transcribe.vault import Unlocked


@record
class Outcome(Quiet):
    """What became of a recording: done, no speech, or with a sentence failed, or refused for want of consent."""

    recording_id: str
    state: str
    error: str = ""
    exit_code: int = 0


def run(
    unlocked: Unlocked, tasks: tuple[Task, ...], engines: Engines, report: Report, again: str = ""
) -> tuple[Outcome, ...]:
    """All stages of all tasks, then the findings of the whole study. Holds the study for this time."""
    with unlocked.study.lock("work"):
        unlocked.study.sweep()
        outcomes = tuple(_one(unlocked, task, engines, report, again) for task in tasks)
        pipeline.refresh_findings(unlocked, engines)
    return outcomes


def _one(unlocked: Unlocked, task: Task, engines: Engines, report: Report, again: str) -> Outcome:
    recording_id = task.recording_id
    try:
        transcript = pipeline.Job(unlocked, recording_id, engines, report).run(again)
    except TranscribeError as error:
        error.recording_id = error.recording_id or recording_id
        state = "refused" if isinstance(error, ConsentError) else "failed"
        outcome = Outcome(recording_id=recording_id, state=state, error=str(error), exit_code=error.exit_code)
    except OSError as error:
        if store.disk_error(error) is not None:  # no other recording would fare better
            raise
        outcome = _engine_failed(recording_id, error)
    except Exception as error:  # an engine's own fault; its message may hold words of the interview, its type cannot
        outcome = _engine_failed(recording_id, error)
    else:
        state = "done" if transcript.utterances else "no speech"
        outcome = Outcome(recording_id=recording_id, state=state)
    unlocked.study.log(outcome.state, recording=recording_id)
    return outcome


def _engine_failed(recording_id: str, error: Exception) -> Outcome:
    what = f"{recording_id}: {type(error).__name__} in an engine; the other recordings go on."
    return Outcome(recording_id=recording_id, state="failed", error=what, exit_code=1)
