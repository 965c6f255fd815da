"""Commands on voices that are recognised by consent."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import console, enrolment
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath, unlock
from transcribe.engines import Engines

voices = typer.Typer(no_args_is_help=True, help="Voices that are recognised by consent: enrol, list, forget.")


@voices.command("enrol")
def voices_enrol(
    root: StudyPath,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose voice it is: her id, or interviewer.")],
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Half a minute or more in which she alone speaks.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Learn the voice of somebody who agreed to it (voices in study.toml) from a sample; the file is not kept."""
    unlocked = unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    whom = enrolment.enrol(unlocked, person, source, lambda: engines.diariser)
    said = f"The voice of {whom} is learnt. Next: transcribe run {root}, then transcribe speakers {root} ID"
    console.say(as_json, {"enrolled": whom}, said)


@voices.command("list")
def voices_list(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Who agreed to be recognised by voice, and from what her voice is known."""
    known = enrolment.listing(unlock(root, passphrase_file))
    data = [{"person": k.whom, "consents": k.consents, "recordings": list(k.recordings), "samples": k.samples}
            for k in known]  # fmt: skip
    rows = [(k.whom, "yes" if k.consents else "no: forgotten at the next run", ", ".join(k.recordings) or "-",
             str(k.samples)) for k in known]  # fmt: skip
    console.say(as_json, {"voices": data}, console.table(("person", "agreed", "learnt from", "samples"), rows))


@voices.command("forget")
def voices_forget(
    root: StudyPath,
    person: Annotated[str, typer.Argument(metavar="PERSON")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove all that is kept of somebody's voice."""
    count = enrolment.forget(unlock(root, passphrase_file), person)
    said = f"{count} voiceprints are removed. Take the id out of voices in study.toml, or corrections teach it again."
    console.say(as_json, {"forgotten": count}, said)
