"""The folder itself: who can read it, what killed processes left, and what does not belong there."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from transcribe import store
from transcribe.doctor.chart import Chart, readable
from transcribe.doctor.trouble import Trouble, What
from transcribe.study import SET_ASIDE, Study
from transcribe.vault import RecordingEntry

OTHERS = 0o077


def permissions(study: Study) -> list[Trouble]:
    """What others than the owner can reach."""
    parts = {
        "": [study.root, study.journal_path, study.audit_path],
        "private": [study.private, *study.private.rglob("*")],
        "release": [study.releases, *study.releases.rglob("*")],
    }
    troubles = []
    for where, paths in parts.items():
        open_ones = [path for path in paths if not path.is_symlink() and path.exists() and path.stat().st_mode & OTHERS]
        if open_ones:
            troubles.append(
                Trouble(
                    what=What.OPEN,
                    where=where or "the study",
                    said=f"other users can reach {len(open_ones)} files or folders",
                    remedy="make them yours alone",
                    repair=partial(_close, open_ones),
                )
            )
    return troubles


def _close(paths: Iterable[Path]) -> None:
    for path in paths:
        path.chmod(0o700 if path.is_dir() else 0o600)


def leftovers(study: Study) -> list[Trouble]:
    """Temporary files of processes that were killed."""
    left = study.leftovers()
    if not left:
        return []
    said = f"a process that was killed left {len(left)} temporary files; nothing is lost"
    repair, remedy = study.sweep, "remove them, as the next run does"
    return [Trouble(what=What.LEFT, where="temporary files", said=said, remedy=remedy, repair=repair, wrong=False)]


def notes(chart: Chart) -> list[Trouble]:
    """Recordings that wait for the vault, that the vault does not know, or that were never added whole."""
    study, known = chart.study, set(chart.ids)
    waiting = {path.parent.name: path for path in study.notes()}
    troubles = []
    for one in study.recordings():
        if one in waiting and readable(partial(store.load, waiting[one], RecordingEntry, chart.identity)) is None:
            said = "the key of a recording that was just added: add it once more from the file that it came from"
            troubles.append(_unfinished(study, one, What.DAMAGED, f"private/{one}/note.age", said, wrong=True))
        elif one not in known and one not in waiting:
            said = "the vault does not know this recording, so nothing can open it; only a backup has its key"
            troubles.append(Trouble(what=What.UNKNOWN, where=f"private/{one}", said=said, recording_id=one))
    for one in study.unfinished():
        if one not in known:
            said = "a recording was being added and never was; nothing counts on it"
            troubles.append(_unfinished(study, one, What.LEFT, f"private/{one}", said, wrong=False))
    return troubles


def _unfinished(study: Study, recording_id: str, what: What, where: str, said: str, *, wrong: bool) -> Trouble:
    def aside() -> None:
        for path in (study.sound_path(recording_id), study.private / recording_id):
            if path.exists():
                study.set_aside(path)

    return Trouble(
        what=what, where=where, said=said, recording_id=recording_id, remedy="set it aside", repair=aside, wrong=wrong
    )


def strangers(study: Study) -> list[Trouble]:
    """Files in private/ that are none of ours: they may be readable. They are not named, since a name may say much."""
    count: dict[str, int] = {}
    for path in study.files():
        parts = path.relative_to(study.root).parts
        if parts[0] == "private" and parts[1] != SET_ASIDE and path.suffix != ".age":
            folder = "/".join(parts[:-1])
            count[folder] = count.get(folder, 0) + 1
    said = "files that the program did not write, and that may not be encrypted; move them out"
    return [Trouble(what=What.UNKNOWN, where=where, said=f"{n} {said}") for where, n in count.items()]
