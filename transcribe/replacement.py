"""Another key in the place of the study's, and all files that are sealed to it, at once or not at all.

A process that is killed here, anywhere, leaves the study whole, and these are the reasons:

1. `stage` writes all files into a folder beside, private/replacement.NUMBER, and syncs them. Until the next step the
   study is as it was, and the folder counts for nothing.
2. One line of the journal, "key replaced" with the public key and the folder's number, makes them valid. It is there,
   or it is torn and so not there.
3. `end` moves the files to where they belong, each by one rename, or removes a folder that no line names. It needs no
   key, so whoever takes the study's lock on the vault next does what is left of it before anything else. It syncs the
   journal first, so that no power cut takes the line and leaves what followed from it. A file that was moved is in the
   folder no more: what was written in its place since is not undone by going on.
4. Nobody works between. Whoever writes the vault, a note or the log of people holds that lock, or a claim, which
   `Study.replace_key` looks for first; whoever unlocks the study goes through `end`.
"""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from transcribe import store

EVENT = "key replaced"
_FOLDER = "replacement."  # with a dot, so that no recording's folder can be called so


def stage(private: Path, files: Mapping[str, bytes]) -> str:
    """Lay files beside, by their path in `private`; the number to name them by."""
    number = secrets.token_hex(4)
    folder = private / f"{_FOLDER}{number}"
    for name, data in files.items():
        store.write_bytes(folder / name, data)
    for parent in (*(path for path in folder.rglob("*") if path.is_dir()), folder, private):
        store.sync_folder(parent)
    return number


def under_way(private: Path) -> bool:
    """Whether a process is at it at this moment, or was when it ended."""
    return any(private.glob(f"{_FOLDER}*"))


def end(private: Path, journal: Path) -> None:
    """Do what is left of it, or undo it. Needs the lock on the vault."""
    folders = sorted(private.glob(f"{_FOLDER}*"))
    if not folders:
        return
    store.sync_folder(journal.parent)
    store.sync(journal)
    valid = {str(event.get("replacement")) for event in store.read_lines(journal) if event.get("event") == EVENT}
    for folder in folders:
        if folder.name.removeprefix(_FOLDER) in valid:
            _move_in(folder, private)
        shutil.rmtree(folder)
    store.sync_folder(private)


def _move_in(folder: Path, private: Path) -> None:
    for path in sorted(folder.rglob("*.age")):
        target = private / path.relative_to(folder)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        path.replace(target)
        store.sync_folder(target.parent)
