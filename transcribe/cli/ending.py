"""Commands that take away for good: what belongs to somebody who withdrew, and the key of a study that ends."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from transcribe import certificates, closing, console, forgetting, study
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath, unlock
from transcribe.closing import Closing
from transcribe.engines import Engines
from transcribe.errors import ConfigError
from transcribe.parting import Plan
from transcribe.review.settling import check_alias
from transcribe.withdrawal import Renewed

app = typer.Typer()


@app.command("forget")
def forget_command(
    root: StudyPath,
    of: Annotated[
        str,
        typer.Argument(
            metavar="PERSON|RECORDING",
            help="The id of who, or what, is to go; where both bear it, after person: or recording:.",
        ),
    ],
    reviewer: Annotated[str, typer.Option(help="Your alias, never your name: it stands on the certificate.")] = "",
    confirm: Annotated[str, typer.Option(help="The same id again: then it is done. Without, it is only told.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove a participant, or a recording, for good: sound, transcripts, names, releases, and the recordings' keys."""
    unlocked = unlock(root, passphrase_file)
    if not confirm:
        planned = forgetting.plan(unlocked, of)
        then = f"transcribe forget {root} {of} --reviewer ALIAS --confirm {of}"
        console.say(as_json, {"planned": asdict(planned), "done": False}, *_plan_said(planned),
                    f"Nothing is done yet. Next: {then}")  # fmt: skip
        return
    if confirm != of:
        raise ConfigError("--confirm is not the id that is to go", advice=f"give --confirm {of}")
    check_alias(reviewer)
    done = forgetting.forget(unlocked, of, reviewer, Engines(unlocked.study.config))
    backups, sound = certificates.backups(unlocked.study), any(one.sound for one in done.withdrawn)
    console.say(
        as_json,
        {
            "planned": asdict(done.plan),
            "done": True,
            "renewed": [asdict(one) for one in done.renewed],
            "sound_withdrawn": sound,
            "certificate": str(done.certificate),
            "backups": [asdict(one) for one in backups],
        },
        f"{of} is forgotten. The certificate: {done.certificate}",
        *map(_renewed_said, done.renewed),
        *(["Covered sound was withdrawn: release it anew with --audio."] if sound else []),
        *_sources_said(done.plan),
        *(f"Backup {one.id} of {one.at} still holds everything: delete it." for one in backups),
    )


def _plan_said(planned: Plan) -> list[str]:
    mentions = ", ".join(f"{recording_id} ({count})" for recording_id, count in planned.mentions)
    return [
        f"Recordings that go, with their keys: {', '.join(planned.recordings) or 'none'}",
        f"People whose names go: {', '.join(planned.people) or 'none'}",
        *([f"They belong to them and stay, since they take part in recordings that stay: {', '.join(planned.stay)}"]
          if planned.stay else []),
        f"Recordings of others that name them, where they are withheld from now on: {mentions or 'none'}",
        f"Releases that are deleted, and made anew without them: {', '.join(map(str, planned.releases)) or 'none'}",
        *([f"Releases that lie elsewhere, of which what they replaced is deleted: {', '.join(map(str, planned.moved))}"]
          if planned.moved else []),
        *([f"Nobody said who took part in these, and they stay: {', '.join(planned.unsaid)}. If one is hers, say so "
           "first: transcribe who STUDY ID P1,R1"] if planned.unsaid else []),
        *_sources_said(planned),
    ]  # fmt: skip


def _sources_said(planned: Plan) -> list[str]:
    """What no command of ours deletes."""
    if not planned.sources:
        return []
    return [f"The source files of {', '.join(planned.sources)} still lie outside the study: delete them yourself."]


def _renewed_said(one: Renewed) -> str:
    if one.number:
        return f"Release {one.number:03d} ({one.level}) stands in the place of those that were deleted."
    return f"Not released anew ({one.level}): {', '.join(one.recordings)}: {one.why}"


@app.command("close")
def close_command(
    root: StudyPath,
    recordings: Annotated[str, typer.Option(help="export:FOLDER or destroy.")] = "",
    confirm: Annotated[str, typer.Option(help="The word that this command tells without it.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """End a study: destroy its key, and with it names, recordings and transcripts. Releases stay."""
    if closing.cut_off(study.Study(root)):
        statement = closing.end(study.Study(root))
    else:
        unlocked = unlock(root, passphrase_file)
        planned = closing.plan(unlocked)
        folder = _fate(recordings)
        if not confirm:
            console.say(as_json, {"planned": asdict(planned), "done": False}, *_closing_said(planned),
                        f"Nothing is done yet. Next: transcribe close {root} --recordings {recordings} "
                        f"--confirm {planned.word}")  # fmt: skip
            return
        statement = closing.close(unlocked, confirm, folder)
    console.say(as_json, {"done": True, "statement": str(statement)},
                f"The study is closed. What that means, and what it does not: {statement}")  # fmt: skip


def _fate(recordings: str) -> Path | None:
    """Where the recordings go; None = they are destroyed. Raises ConfigError when neither is said."""
    what, _, folder = recordings.partition(":")
    if (what, bool(folder)) == ("export", True):
        return Path(folder)
    if recordings == "destroy":
        return None
    raise ConfigError(
        "what happens to the recordings is not said", advice="give --recordings export:FOLDER or --recordings destroy"
    )


def _closing_said(planned: Closing) -> list[str]:
    return [
        f"Recordings: {', '.join(planned.recordings) or 'none with sound'}",
        *([f"In no release, so that nothing is left of them: {', '.join(planned.unreleased)}"]
          if planned.unreleased else []),
        f"Releases that stay: {planned.releases}",
        "The key table, every name, recording and transcript in this folder goes. There is no way back but a backup.",
    ]  # fmt: skip
