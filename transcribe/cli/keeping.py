"""Commands that keep a study and give it back."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import backup, console, giving_back, passphrase, retention, study
from transcribe.cli.common import AsJson, Ids, PassphraseFile, StudyPath, unlock
from transcribe.errors import ConfigError

app = typer.Typer()
recordings = typer.Typer(no_args_is_help=True, help="The recordings themselves.")


@app.command("backup")
def backup_command(
    root: StudyPath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, best on another disk.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The whole study in one encrypted file, read back before it gets its name."""
    about = backup.write(unlock(root, passphrase_file), file)
    console.say(as_json, {"backup": about.id, "at": about.at, "bytes": file.stat().st_size},
                f"Backup {about.id} is written and was read back whole. It opens with today's passphrase or the",
                "recovery sheet, also after this study is destroyed: delete it when the study must go.")  # fmt: skip


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    root: Annotated[Path, typer.Argument(metavar="STUDY", help="A new folder.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """A study from its backup, in a new folder: whole, or not at all."""
    given = passphrase.need(backup.read_about(file).study, passphrase_file)
    root = root if root.name else root.resolve()  # another folder lies at "." afterwards than the shell is in
    about = backup.restore(file, root, given)
    console.say(as_json, {"backup": about.id, "at": about.at},
                f"Backup {about.id} of {about.at} is restored. Next: transcribe status {root}")  # fmt: skip


@app.command()
def retain(
    root: StudyPath,
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day, such as 2031-12-31.")],
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Recording ids.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All recordings that are in the study now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Until when recordings may be kept; status reminds of it, and nothing is destroyed by itself. Needs no key."""
    day = retention.until(until)
    if bool(ids) is every:
        raise ConfigError("retain takes either ids or --all", advice="say which recordings are meant")
    chosen = retention.retain(study.open_study(root), tuple(ids or ()), day)
    console.say(as_json, {"recordings": list(chosen), "until": day.isoformat()},
                f"{', '.join(chosen)}: to be kept until {day.isoformat()}. transcribe status {root} reminds of it from "
                f"{retention.SOON_DAYS} days before on.")  # fmt: skip


@recordings.command("export")
def export_command(
    root: StudyPath,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go, readable by you alone.")],
    ids: Ids = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The recordings as they came, bit for bit, named by id. They are not encrypted any more."""
    given = giving_back.give_back(unlock(root, passphrase_file), folder, tuple(ids or ()))
    console.say(as_json, {"exported": [{"recording": one.id, "file": one.name} for one in given],
                          "folder": str(folder)},
                *(f"{one.id}: {one.name}" for one in given),
                "These files are identified data, and not encrypted: delete them when they have served.")  # fmt: skip
