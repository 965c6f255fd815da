"""What people decided: numbered entries of a log, none of which anything can make again.

The least that can be lost is the entry itself. What takes its place says so and decides nothing; where the recording
was settled it is not any more, since a correction of words may be lost and later decisions stand at other words then.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from transcribe import audit, store
from transcribe.doctor.chart import Chart, readable
from transcribe.doctor.trouble import Trouble, What
from transcribe.history import entries
from transcribe.review.log import Deed, Entry

LOST, BY = "lost", "doctor"


def log(chart: Chart, recording_id: str) -> list[Trouble]:
    """What of a recording's log, or without an id of the people's, is damaged or missing."""
    folder = chart.study.log_path(recording_id)
    there = {int(path.stem): path for path in store.numbered(folder)}
    last = max([*there, dict(chart.vault.inventory.entries).get(recording_id, 0)], default=0)
    troubles = []
    for number in range(1, last + 1):
        path = there.get(number)
        if path is None or readable(partial(store.load, path, Entry, chart.key(recording_id))) is None:
            troubles.append(_trouble(chart, recording_id, folder / f"{number:06d}.age", number))
    return troubles


def _trouble(chart: Chart, recording_id: str, path: Path, number: int) -> Trouble:
    missing = not path.exists()
    written = "" if missing else f", written {_written(path)}"
    about = f"of what was decided on {recording_id}" if recording_id else "of what was changed of the study's people"
    said = f"entry {number} {about}{written}, is lost unless a backup has it, and has to be decided again"
    if recording_id:
        said += "; if it corrected words, later decisions may stand at other words: read all before you settle"
    return Trouble(
        what=What.MISSING if missing else What.DAMAGED,
        where=path.relative_to(chart.study.root).as_posix(),
        said=said,
        recording_id=recording_id,
        remedy="keep all other entries, note the loss, and ask for the recording to be settled again"
        if recording_id
        else "keep all other entries, and note the loss",
        repair=partial(_without, chart, recording_id, path, number),
    )


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _without(chart: Chart, recording_id: str, path: Path, number: int) -> None:
    key = chart.key(recording_id).to_public()
    if path.exists():
        chart.study.set_aside(path)
    store.save(path, Entry(at=audit.now(), reviewer=BY, deed=Deed.ACT, base=LOST, name=LOST), key)
    audit.append(chart.study.audit_path, "decision lost", recording=recording_id, entry=number)


def unsettle(chart: Chart, recording_id: str) -> None:
    """After entries were lost: whoever settled what stood before has not read what stands now."""
    settled = [one for one in entries(chart.unlocked, recording_id) if one.deed is Deed.SETTLE]
    for base, second in dict.fromkeys((one.base, one.second) for one in settled):
        entry = Entry(at=audit.now(), reviewer=BY, deed=Deed.UNDO, base=base, group=LOST, name=LOST, second=second)
        chart.unlocked.append(recording_id, entry)
