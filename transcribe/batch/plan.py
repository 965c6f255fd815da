"""Which jobs there are: the recordings of a study, in the order in which they are done."""

from transcribe.errors import StudyError, typed
from transcribe.schema import Quiet, Recording, record
from transcribe.vault import Unlocked


@record
class Task(Quiet):
    """One recording to take through all stages; seconds of sound, for the time left."""

    recording_id: str
    duration_s: float


def tasks(unlocked: Unlocked, wanted: tuple[str, ...] = ()) -> tuple[Task, ...]:
    """The recordings named, or all, in order of id. Raises StudyError for one that is not known."""
    known = unlocked.study.recordings()
    for recording_id in wanted:
        if recording_id not in known:
            raise StudyError(f"no recording has the id {typed(recording_id)}", advice="see `transcribe status STUDY`")
    planned = []
    for recording_id in dict.fromkeys(wanted or known):
        recording = unlocked.load(recording_id, "recording", Recording)
        planned.append(Task(recording_id=recording_id, duration_s=recording.value.duration_s if recording else 0.0))
    return tuple(planned)
