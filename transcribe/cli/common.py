"""What the commands share: their options, and the study they open."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import passphrase, study, vault
from transcribe.config import check_language
from transcribe.vault import Unlocked

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File that holds the passphrase, or your age key.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Say it in JSON.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Recording ids; all when none is given.")]
Formats = Annotated[str, typer.Option("--to", help="Formats, separated by commas.")]
AS_STUDY = "study"
Unreviewed = Annotated[bool, typer.Option(help="Release what nobody has reviewed; every file says so.")]


def unlock(root: Path, file: Path | None) -> Unlocked:
    """The study with its key at hand. Raises LockedError, StudyError."""
    opened = study.open_study(root)
    return vault.unlock(opened, passphrase.need(opened.created["study"], file))


def unlock_if_possible(root: Path, file: Path | None, *, prompt: bool) -> tuple[study.Study, Unlocked | None]:
    """The study, and with its key where a passphrase is at hand or can be asked for."""
    opened = study.open_study(root)
    given = passphrase.find(opened.created["study"], file, prompt=prompt)
    return opened, vault.unlock(opened, given) if given is not None else None


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def language_code(text: str) -> str:
    """A code to keep with a recording; nothing where it has none of its own. Raises ConfigError."""
    return "" if text == AS_STUDY else check_language(text)
