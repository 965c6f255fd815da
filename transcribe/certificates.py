"""What a researcher can show of what was forgotten or closed: text files in the study's folder, without names."""

from importlib.metadata import version
from pathlib import Path

from transcribe import audit, store
from transcribe.parting import Plan
from transcribe.schema import Quiet, record
from transcribe.study import Study
from transcribe.withdrawal import Renewed

FOLDER = "certificates"


@record
class KnownBackup(Quiet):
    """A backup that was made of the study: its id, and when; where that is not known, when the study was restored."""

    id: str
    at: str


def backups(study: Study) -> tuple[KnownBackup, ...]:
    """Every backup that the audit tells of, that of before a repair too, in order: those that were made, and the one
    that the study was restored from, which its own audit cannot hold. Whether one still exists is not known.
    """
    known: dict[str, str] = {}
    for line in (line for path in study.audit_paths() for line in store.read_lines(path)):
        if line.get("event") in ("backed up", "restored"):
            known.setdefault(str(line.get("backup")), str(line.get("made", line.get("at"))))
    return tuple(KnownBackup(id=one, at=at) for one, at in known.items())


def exported(study: Study) -> tuple[str, ...]:
    """The recordings that were ever given back, as the audit tells, in order."""
    lines = (line for path in study.audit_paths() for line in store.read_lines(path))
    return tuple(sorted({str(line.get("recording")) for line in lines if line.get("event") == "recording exported"}))


def forgotten(study: Study, plan: Plan, renewed: tuple[Renewed, ...], reviewer: str, number: int) -> Path:
    """Write the certificate of a `forget` under a number, in the place of one that was cut off; its path."""
    others = len(plan.people) - (plan.person in plan.people)
    released = [f"{one.number:03d} ({one.level})" for one in renewed if one.number]
    outside = tuple(one for one in exported(study) if one in plan.recordings)
    lines = [
        "CERTIFICATE OF ERASURE",
        "",
        f"Study       {study.created['study']}",
        f"Date        {audit.now()}",
        f"By          {reviewer}, with transcribe {version('transcribe')}",
        f"Of          {plan.of}",
        "",
        f"Recordings removed, and their keys destroyed: {_listed(plan.recordings)}.",
        f"People whose names were removed beside {plan.of}: {others}.",
        f"Mentions in other people's recordings, now withheld at their places: {sum(n for _, n in plan.mentions)}"
        f" (in {_listed(tuple(one for one, _ in plan.mentions))}).",
        f"Releases withdrawn and deleted from the study: {_listed(tuple(f'{n:03d}' for n in plan.releases))}.",
        *_about_moved(plan.moved),
        f"Released in their place: {_listed(tuple(released))}.",
        *([f"Given back before, to files that must be deleted where they lie: {_listed(outside)}."] if outside else []),
        *([f"Nobody said who took part in these, which stay: {_listed(plan.unsaid)}."] if plan.unsaid else []),
        "",
        "Of the names that were removed, keyed digests are left in the encrypted key table, so that an exact",
        "mention is still withheld. Whoever holds that table and its passphrase can test a name that she guesses.",
        "",
        *_about_backups(study),
        "",
        "Not covered by this certificate: copies of releases that were given to others, recordings that were given",
        "back, the sources of recordings that lie outside the study, and copies of the study's folder that another",
        "program made (snapshots, synchronised folders, disk images). Those must be deleted where they lie.",
    ]
    return _write(study, lines, number)


def _about_moved(moved: tuple[int, ...]) -> list[str]:
    if not moved:
        return []
    numbers = _listed(tuple(f"{number:03d}" for number in moved))
    return [f"Releases that lay elsewhere, of which the tables of what they replaced were deleted: {numbers}."]


def _about_backups(study: Study) -> list[str]:
    known = backups(study)
    if not known:
        return ["No backup was made with `transcribe backup` before this date."]
    return [
        "These backups were made before. Each still holds everything, with the old key table; they must be deleted.",
        "Their deletion is not claimed here:",
        *(f"    {one.id}, made {one.at}    deleted on ____________ by ____________" for one in known),
    ]


def closed(study: Study, recordings: tuple[str, ...], *, given_back: bool) -> Path:
    """Write the statement of a study that is closed; its path. `given_back`: the recordings lie somewhere else now."""
    known, outside = backups(study), exported(study)
    if given_back or outside:
        which = "the recordings" if given_back else "recordings"
        state = f"The releases remain PSEUDONYMISED: {which} exist outside of this folder."
    elif known:
        state = "The releases remain PSEUDONYMISED until every backup below is deleted."
    else:
        state = "No key and no recording is left in this folder."
    fate = "given back before" if given_back else "destroyed with their keys"
    lines = [
        "STATEMENT OF CLOSURE",
        "",
        f"Study       {study.created['study']}",
        f"Date        {audit.now()}",
        f"With        transcribe {version('transcribe')}",
        "",
        f"The key table was destroyed. Recordings ({_listed(recordings)}): {fate}.",
        state,
        *([f"Given back, and not encrypted any more where they lie: {_listed(outside)}."] if outside else []),
        "Files that were released before say that a key exists; that was so on their day.",
        "",
        *_about_backups(study),
        "",
        "What remains: whoever knows a participant may know her by her story, by what is rare about her, or by what",
        "several quotes tell together. Where sound was released, a voice identifies. Copies of the key, of the",
        "recordings' sources, of backups and of the folder that lie elsewhere are not covered by this statement.",
    ]
    return _write(study, lines, next_number(study))


def _listed(items: tuple[str, ...]) -> str:
    return ", ".join(items) if items else "none"


def next_number(study: Study) -> int:
    """The first number above those of all that stand."""
    stand = (path.stem for path in (study.root / FOLDER).glob("*.txt"))
    return 1 + max((int(stem) for stem in stand if stem.isdecimal()), default=0)


def _write(study: Study, lines: list[str], number: int) -> Path:
    path = study.root / FOLDER / f"{number:03d}.txt"
    store.write_bytes(path, ("\n".join(lines) + "\n").encode())
    return path
