"""Commands on who can open a study."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import console, passphrase, rekeying, study, vault
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath, unlock

app = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="Who else can open a study, and its recovery sheet.")

Holder = Annotated[str, typer.Argument(metavar="NAME", help="An id, such as s1; it names a file that anybody sees.")]


@app.command("passphrase")
def passphrase_command(
    root: StudyPath,
    new_file: Annotated[
        Path | None, typer.Option("--new-passphrase-file", help="File that holds the new passphrase.")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Another key as well: somebody may know the former passphrase.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Another passphrase for a study; with --rotate another key, too, and a new recovery sheet."""
    opened = study.open_study(root)
    study_id = opened.created["study"]
    given = passphrase.need(study_id, passphrase_file)
    unlocked = vault.unlock(opened, given)
    chosen = passphrase.choose_another(new_file, given)
    if rotate:
        unlocked = rekeying.rotate(unlocked, chosen)
        console.say(as_json, {"study_id": study_id, "rotated": True, "recovery_key": str(unlocked.identity)},
                    rekeying.sheet(unlocked),
                    "The study has another passphrase and another key. Copies and backups that were made before open",
                    "with the former ones still, recordings that are in them too: delete what you can, and destroy",
                    f"the former sheet with them. Next: transcribe backup {root} FILE")  # fmt: skip
    else:
        rekeying.change_passphrase(unlocked, chosen)
        console.say(as_json, {"study_id": study_id, "rotated": False},
                    "The study has another passphrase; the recovery sheet stays good. Copies and backups that were",
                    "made before open with the former one still. If somebody else may know it:",
                    f"transcribe passphrase {root} --rotate")  # fmt: skip
    passphrase.renew_stored(study_id, chosen)


@keys.command("add")
def keys_add(
    root: StudyPath,
    name: Holder,
    public: Annotated[str, typer.Argument(metavar="PUBLIC_KEY", help="Her age1..., as age-keygen prints it.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody else open the study with her own age key: all of it."""
    rekeying.add_holder(unlock(root, passphrase_file), name, public)
    console.say(as_json, {"added": name},
                f"{name} can open the study with her own key: transcribe status {root} --passphrase-file HER_KEY_FILE",
                f"Any age tool does it, too, from private/identity.{name}.age.")  # fmt: skip


@keys.command("list")
def keys_list(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Who else can open the study, with which key, since when."""
    known = rekeying.listing(unlock(root, passphrase_file))
    data = [{"name": k.holder.id, "public_key": k.holder.recipient, "added_on": k.holder.added_on, "there": k.there}
            for k in known]  # fmt: skip
    rows = [(k.holder.id, k.holder.added_on, k.holder.recipient if k.there else "her file is missing: add her again")
            for k in known]  # fmt: skip
    console.say(as_json, {"holders": data}, console.table(("name", "since", "key"), rows))


@keys.command("remove")
def keys_remove(root: StudyPath, name: Holder, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Take somebody's key off the study. What she has copied stays readable to her."""
    rekeying.remove_holder(unlock(root, passphrase_file), name)
    console.say(as_json, {"removed": name},
                f"{name} cannot open this study any more, unless she kept its key or a copy. If she may have:",
                f"transcribe passphrase {root} --rotate")  # fmt: skip


@keys.command("sheet")
def keys_sheet(
    root: StudyPath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, readable by you alone.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The recovery sheet once more, as a text to print."""
    rekeying.write_sheet(unlock(root, passphrase_file), file)
    console.say(as_json, {"sheet": str(file)},
                f"{file} opens everything in this study and is not encrypted: print it, lock the paper away, and",
                "delete the file.")  # fmt: skip
