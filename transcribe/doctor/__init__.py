"""Examine a study, every file of it, and put right what can be put right without losing anything.

What a run can make again is set aside, what a person decided is kept but for the entry that cannot be read, releases
are never touched, and what nothing can make again is named. Nothing that is said holds a word of an interview.
"""

from collections.abc import Iterable
from contextlib import suppress

from transcribe.doctor import artefacts, folder, logs, records, releases
from transcribe.doctor.chart import Chart
from transcribe.doctor.trouble import Trouble, What
from transcribe.errors import StoreError, TranscribeError
from transcribe.schema import Quiet, record
from transcribe.study import Study

__all__ = ["Examined", "Trouble", "What", "examine", "repair"]


@record
class Examined(Quiet):
    """All that is wrong with a study; no chart where its vault could not be opened."""

    troubles: tuple[Trouble, ...]
    chart: Chart | None

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong; what a killed process left is not."""
        return not any(trouble.wrong for trouble in self.troubles)


def examine(study: Study, given: str) -> Examined:
    """Everything that is wrong, by passphrase or recovery key; nothing is changed. Needs "work".

    Raises NewerError for a study of a newer version, LockedError for the key of another study.
    """
    troubles = folder.permissions(study)  # first: what is set aside keeps its mode
    identity, found = records.identity(study, given)
    troubles += [*found, *records.settings(study)]
    outside = [*folder.leftovers(study), *folder.strangers(study)]
    if identity is None:
        return Examined(troubles=(*troubles, *outside), chart=None)
    vault, found = records.opened(study, identity)
    troubles += found
    if vault is None:
        return Examined(troubles=(*troubles, *outside), chart=None)
    chart = Chart(study, identity, vault)
    troubles += folder.notes(chart)  # before anything that opens the vault for a change
    troubles += [*records.journal(chart), *records.chain(chart)]
    for recording_id in chart.ids:
        troubles += artefacts.recording(chart, recording_id)
    for recording_id in ("", *chart.ids):
        troubles += logs.log(chart, recording_id)
    return Examined(troubles=(*troubles, *releases.releases(chart), *outside), chart=chart)


def repair(found: Examined) -> tuple[Trouble, ...]:
    """Take every remedy there is, in order; those that were taken. Needs "work"."""
    done = tuple(trouble for trouble in found.troubles if _repaired(trouble))
    if found.chart is not None and done:
        for recording_id in _with_lost_entries(done):
            with suppress(StoreError):  # an entry that could not be replaced: nothing counts until it is
                logs.unsettle(found.chart, recording_id)
        found.chart.unlocked.seal()
    return done


def _repaired(trouble: Trouble) -> bool:
    if trouble.repair is None:
        return False
    try:
        trouble.repair()
    except TranscribeError:  # such as facts that are to come from a recording that is damaged, too
        return False
    return True


def _with_lost_entries(done: Iterable[Trouble]) -> list[str]:
    """Recordings whose log lost an entry just now."""
    ids = (trouble.recording_id for trouble in done if "/log/" in trouble.where)
    return [recording_id for recording_id in dict.fromkeys(ids) if recording_id]
