"""What stood in a study's folder when its vault was last written: what is gone since was lost, not never there."""

import hashlib
from collections.abc import Collection
from dataclasses import replace

from transcribe import store
from transcribe.schema import Quiet, record
from transcribe.study import Study

SOUND = "recordings"


@record
class Inventory(Quiet):
    """`artefacts` as "R001/words", sound as "recordings/R001"; `entries` are the numbers of the last entries of logs,
    by recording id, of the people's under "". The journal had so many bytes, with that SHA-256.
    """

    artefacts: tuple[str, ...] = ()
    entries: tuple[tuple[str, int], ...] = ()
    journal_bytes: int = 0
    journal_sha256: str = ""

    def without(self, gone: Collection[str]) -> "Inventory":
        """The inventory after somebody was told that these artefacts are lost."""
        return replace(self, artefacts=tuple(name for name in self.artefacts if name not in gone))


def taken(study: Study, before: Inventory, recordings: Collection[str]) -> Inventory:
    """What stands now of these recordings, and what stood before and is missed."""
    logs = dict(before.entries)
    for recording_id in ("", *recordings):
        paths = store.numbered(study.log_path(recording_id))
        if paths:
            logs[recording_id] = max(logs.get(recording_id, 0), int(paths[-1].stem))
    names = {*before.artefacts, *present(study, recordings)}
    known = {*recordings, ""}
    journal = study.journal_path.read_bytes() if study.journal_path.exists() else b""
    whole = len(journal[: journal.rfind(b"\n") + 1])
    stands = journal_stands(before, journal)
    return Inventory(
        artefacts=tuple(sorted(name for name in names if recording_of(name) in known)),
        entries=tuple(sorted((one, number) for one, number in logs.items() if one in known)),
        journal_bytes=whole if stands else before.journal_bytes,
        journal_sha256=hashlib.sha256(journal[:whole]).hexdigest() if stands else before.journal_sha256,
    )


def present(study: Study, recordings: Collection[str]) -> set[str]:
    """The artefacts and the sound of these recordings that are there."""
    found = {f"{one}/{path.stem}" for one in recordings for path in (study.private / one).glob("*.age")}
    found |= {f"{SOUND}/{one}" for one in recordings if study.sound_path(one).exists()}
    return {name for name in found if not name.endswith("/note")}


def journal_stands(before: Inventory, journal: bytes) -> bool:
    """Whether what was sealed of the journal is what it begins with now."""
    sealed = journal[: before.journal_bytes]
    return not before.journal_bytes or hashlib.sha256(sealed).hexdigest() == before.journal_sha256


def recording_of(name: str) -> str:
    """The id of the recording that an artefact is of."""
    folder, _, own = name.partition("/")
    return own if folder == SOUND else folder
