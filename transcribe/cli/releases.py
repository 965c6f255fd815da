"""Commands on releases: what leaves the study, in which form."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from transcribe import changes, console, export, intake, publishing, quote, release, replacements
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.changes import Change
from transcribe.cli.common import AsJson, Formats, Ids, PassphraseFile, StudyPath, Unreviewed, listed, unlock
from transcribe.engines import Engines
from transcribe.errors import ConfigError, ConsentError, StudyError
from transcribe.sound_copies import Wish

DEFAULT_FORMATS = "txt,docx,vtt,json"

Level = Annotated[str, typer.Option(help="How much is withheld: team, archive or public.")]
TEAM = "team"

app = typer.Typer()


@app.command("release")
def release_command(
    root: StudyPath,
    ids: Ids = None,
    to: Formats = DEFAULT_FORMATS,
    unreviewed: Unreviewed = False,
    policy: Level = TEAM,
    audio: Annotated[str, typer.Option(help="A copy of the sound with names covered: flac, m4a or wav.")] = "",
    disguise: Annotated[bool, typer.Option("--disguise", help="With --audio: other voices; no anonymisation.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Say what would change; write nothing.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a numbered release of what is settled, if the gate passes it."""
    unlocked = unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    wanted = tuple(ids or ())
    if diff:
        _say_differences(release.differences(unlocked, wanted, engines, unreviewed=unreviewed, level=policy), as_json)
        return
    sound = Wish(form=audio, disguise=disguise) if audio else None
    if disguise and sound is None:
        raise ConfigError("--disguise is for the sound of --audio", advice="name a format, such as --audio flac")
    written = release.write(unlocked, wanted, listed(to), engines, unreviewed=unreviewed, level=policy, sound=sound)
    _say_released(written, as_json)


def _say_differences(found: tuple[Change, ...], as_json: bool) -> None:
    data = [
        {
            "recording": c.recording_id,
            "since": c.since or None,
            "change": c.what,
            "turn": c.turn or None,
            "start": c.start or None,
        }
        for c in found
    ]
    rows = [changes.cells(change) for change in found]
    said = console.table(changes.COLUMNS, rows) if rows else "Nothing would change."
    console.say(as_json, {"changes": data}, said)


def _say_released(written: release.Released, as_json: bool) -> None:
    left_out = [{"recording": recording_id, "reason": reason} for recording_id, reason in written.left_out]
    console.say(
        as_json,
        {
            "release": written.number,
            "folder": written.folder,
            "files": list(written.files),
            "beside": list(written.beside),
            "left_out": left_out,
        },
        f"Release {written.number:03d}: {len(written.files)} files in {written.folder}, and beside them "
        f"{', '.join(written.beside)}",
        *(f"Left out: {one['recording']} ({one['reason']})" for one in left_out),
    )
    if written.barred:
        raise typer.Exit(ConsentError.exit_code)


@app.command()
def formats(as_json: AsJson = False) -> None:
    """All formats that `release --to` takes, each with the tool it is for."""
    every = export.everything()
    rows = [(one.name, one.suffix, one.summary) for one in every]
    data = [{"format": one.name, "suffix": one.suffix, "for": one.summary} for one in every]
    console.say(as_json, {"formats": data}, console.table(("format", "file", "for"), rows))


@app.command("quote")
def quote_command(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    passages: Annotated[list[str], typer.Argument(metavar="00:12:30-00:13:10...", help="From and to, once or more.")],
    policy: Level = TEAM,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """A passage of a settled transcript as papers print it, with the pseudonym; its place is for your file only."""
    asked = quote.ranges(passages)
    unlocked = unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    told = quote.quote(release.settled_text(unlocked, recording_id, engines, level=policy), asked)
    data = {"quote": told.text, "speaker": told.speaker, "recording": told.recording_id, "where": told.where}
    console.say(as_json, data, told.text, f"({told.speaker})", "",
                f"For your file only: {told.recording_id}, {told.where}")  # fmt: skip


@app.command("replacements")
def replacements_command(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    number: Annotated[int, typer.Option("--release", help="Of which release; of the latest if not given.")] = 0,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """What a release replaced, with the originals, as CSV; for your eyes, and to be kept apart from releases."""
    table = publishing.originals(unlock(root, passphrase_file), recording_id, number)
    data = [asdict(row) for row in table.rows]
    if as_json:
        console.say(True, {"recording": recording_id, "release": table.release, "replacements": data})
    else:
        console.raw(replacements.originals_table(recording_id, table).decode())


@app.command()
def anonymise(
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="txt, docx, vtt or srt.")],
    root: Annotated[Path, typer.Option("--study", help="The study whose people and policy apply.")],
    recording_id: Annotated[str | None, typer.Option("--id", help="Your own id, for one file.")] = None,
    who: Annotated[str, typer.Option(help="Ids of all who took part.")] = "",
    to: Formats = "txt,docx,json",
    unreviewed: Unreviewed = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take transcripts that exist already through detection, pseudonyms, gate and export."""
    unlocked = unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    request = intake.Request(id=recording_id, who=listed(who))
    ids = intake.add_transcripts(unlocked, tuple(sources), request)
    outcomes = batch.run(unlocked, plan.tasks(unlocked, ids), engines, lambda event: None)
    for outcome in outcomes:
        if outcome.error:
            raise StudyError(outcome.error.rstrip("."), advice="nothing was released")
    if unreviewed:
        _say_released(release.write(unlocked, ids, listed(to), engines, unreviewed=True), as_json)
    else:
        then = f"transcribe settle {root} ID --reviewer ALIAS"
        said = f"{', '.join(ids)} to review. Next: transcribe show {root} ID --identified, then {then}"
        console.say(as_json, {"added": list(ids), "state": "to review"}, said)
