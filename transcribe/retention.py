"""Until when each recording may be kept. A reminder alone: nothing is ever destroyed by it.

The dates stand in journal.jsonl, which is read without the key, since a date by an id names nobody.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from transcribe import audit
from transcribe.errors import ConfigError, StudyError, typed
from transcribe.schema import Quiet, record
from transcribe.study import Study
from transcribe.tables import iso_date

EVENT = "retention"
SOON_DAYS = 30


@record
class Reminder(Quiet):
    """Recordings whose time ends on one day, and how many days are left; less than 0 when it has passed."""

    until: date
    days: int
    recording_ids: tuple[str, ...]


def until(text: str) -> date:
    """A day as it is given on the command line. Raises ConfigError."""
    day = iso_date(text.strip())
    if day is None:
        raise ConfigError("--until takes a day such as 2031-12-31", advice="correct it")
    return day


def retain(study: Study, wanted: tuple[str, ...], day: date) -> tuple[str, ...]:
    """Say until when recordings (all, if none is named) may be kept; which they are.

    Raises StudyError for an unknown id, or where there are none; then no date is set.
    """
    known = study.recordings()
    for recording_id in wanted:
        if recording_id not in known:
            raise StudyError(f"no recording has the id {typed(recording_id)}", advice="see `transcribe status STUDY`")
    chosen = tuple(dict.fromkeys(wanted or known))
    if not chosen:
        raise StudyError("there is no recording yet", advice="add one with `transcribe add STUDY FILE`")
    for recording_id in chosen:
        study.log(EVENT, recording=recording_id, until=day.isoformat())
    audit.append(study.audit_path, "retention set", recordings=list(chosen), until=day.isoformat())
    return chosen


def dates(study: Study) -> dict[str, date]:
    """Recording id -> the last day on which it may be kept: as was said, else the study's months from its adding."""
    added: dict[str, date] = {}
    said: dict[str, date] = {}
    for event in study.journal():
        recording_id = str(event.get("recording"))
        if event.get("event") == "added":
            said.pop(recording_id, None)  # an id whose recording was destroyed may be given again
            day = iso_date(str(event.get("at"))[:10])
            added |= {recording_id: day} if day else {}
        elif event.get("event") == EVENT:
            day = iso_date(str(event.get("until")))
            said |= {recording_id: day} if day else {}
    for recording_id in study.recordings() if study.config.retention_months else ():
        if recording_id not in added:  # it was stopped, or the disk was full, before the journal knew
            facts = study.artefact_path(recording_id, "recording")
            added[recording_id] = datetime.fromtimestamp(facts.stat().st_mtime, UTC).date()
    months = study.config.retention_months
    default = {recording_id: months_after(day, months) for recording_id, day in added.items()} if months else {}
    known = default | said
    return {recording_id: known[recording_id] for recording_id in study.recordings() if recording_id in known}


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def reminders(kept_until: Mapping[str, date], today: date) -> tuple[Reminder, ...]:
    """The recordings whose time has passed or ends in less than 30 days, by day."""
    found: dict[date, list[str]] = {}
    for recording_id, day in sorted(kept_until.items()):
        if (day - today).days < SOON_DAYS:
            found.setdefault(day, []).append(recording_id)
    return tuple(
        Reminder(until=day, days=(day - today).days, recording_ids=tuple(ids)) for day, ids in sorted(found.items())
    )


def lines(found: Iterable[Reminder], root: str) -> tuple[str, ...]:
    """What a reader is told of them, and what to run."""
    return tuple(
        f"{', '.join(one.recording_ids)}: {_when(one)}: transcribe forget {root} ID, or another date: "
        f"transcribe retain {root} ID --until DAY"
        for one in found
    )


def _when(one: Reminder) -> str:
    if one.days < 0:
        return f"to be kept until {one.until.isoformat()}, which has passed"
    return f"to be kept until {one.until.isoformat()}, {one.days} day{'' if one.days == 1 else 's'} from now"
