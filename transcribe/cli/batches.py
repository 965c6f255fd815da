"""Commands on all recordings of a study: run them, and see how far they are."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from transcribe import console, enrolment, live, looks
from transcribe.batch import plan, workforces
from transcribe.batch import run as batch
from transcribe.cli.common import AsJson, Ids, PassphraseFile, StudyPath, unlock, unlock_if_possible
from transcribe.engines import Engines
from transcribe.errors import ConfigError
from transcribe.overview import overview, totals
from transcribe.pipeline import AGAIN

app = typer.Typer()


@app.command()
def status(
    root: StudyPath,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until all is run or Ctrl-C.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The state of each recording; with the key also lengths, findings, and what needs care."""
    opened, unlocked = unlock_if_possible(root, passphrase_file, prompt=False)
    if watch:
        with suppress(KeyboardInterrupt):
            looks.watch(opened, unlocked, as_json)
        return
    seen = overview(opened, unlocked)
    data = {
        "study_id": seen.study_id,
        "recordings": [
            {"recording": r.id, "state": r.state, "stages": list(r.stages),
             "duration_s": r.duration_s, "findings": r.findings,
             "parts": [{"part": number, "start_s": start_s} for number, start_s in enumerate(r.parts, 1)],
             "by_channel": r.by_channel,
             "release": r.release or None, "keep_until": r.keep_until.isoformat() if r.keep_until else None,
             "consent": [{"person": o.person_id or None, "purpose": o.purpose, "said": o.said, "linked": o.linked}
                         for o in r.obstacles]}
            for r in seen.rows
        ],
        "totals": totals(seen.rows),
        "sources_outside": list(seen.sources_outside),
        "redraw": list(seen.to_redraw),
        "doubles": [list(pair) for pair in seen.doubles],
        "misnamed": list(seen.misnamed),
        "telling": list(seen.telling),
        "incomplete": list(seen.incomplete),
        "damaged": list(seen.damaged),
        "forgetting": seen.forgetting or None,
        "unprimed": list(seen.unprimed),
        "consent_recorded": seen.consent_recorded,
        "time_ends": [{"recordings": list(r.recording_ids), "until": r.until.isoformat(), "days": r.days}
                      for r in seen.reminders],
    }  # fmt: skip
    console.say(as_json, data, looks.table(seen.rows), looks.told(seen.rows), *seen.advice(str(root)))


@app.command()
def run(
    root: StudyPath,
    ids: Ids = None,
    asr: Annotated[str, typer.Option(help="faster-whisper or openai-whisper, instead of study.toml's.")] = "",
    model: Annotated[str, typer.Option(help="A recognition model of the registry, instead of study.toml's.")] = "",
    again: Annotated[str, typer.Option(help=f"Do a stage again: {', '.join(AGAIN)}.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="So many at once, instead of what the machine carries.")] = 0,
    dashboard: Annotated[bool, typer.Option(help="Dask's own page of the run, for this machine alone.")] = False,
    cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="Workers of a running scheduler.")] = "",
    certificates: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of that cluster: see transcribe cluster.")
    ] = None,
    slurm: Annotated[Path | None, typer.Option(metavar="PROFILE", help="Workers as jobs of SLURM, PBS or SGE.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take recordings through all stages; what is done is skipped, what was stopped goes on."""
    if again not in ("", *AGAIN):
        raise ConfigError(f"--again takes {' or '.join(AGAIN)}", advice="the other stages follow by themselves")
    unlocked = unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config.with_recognition(asr, model))
    engines.check()
    enrolment.check(unlocked)
    tasks = plan.tasks(unlocked, tuple(ids or ()))
    asked = workforces.Asked(
        workers=workers, dashboard=dashboard, cluster=cluster, certificates=certificates, profile=slurm
    )
    with workforces.found(engines, tasks, asked) as force:
        if dashboard and force is not None:
            _tell_of_page(force.dashboard, as_json)
        with live.stages(tasks, as_json) as report:
            told = workforces.noting(unlocked.study, asked, report)
            outcomes = batch.run(unlocked, tasks, engines, told, again, force)
    data = [{"recording": o.recording_id, "state": o.state, "error": o.error or None} for o in outcomes]
    lines = [f"{o.recording_id}: {o.state}" for o in outcomes if not o.error]
    console.say(as_json, {"recordings": data}, *lines, f"Next: transcribe show {root} ID --identified, then "
                f"transcribe settle {root} ID --reviewer ALIAS, then transcribe release {root}")  # fmt: skip
    failed = [o for o in outcomes if o.error]
    for outcome in failed:
        console.warn(f"Error: {outcome.error}")
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _tell_of_page(link: str, as_json: bool) -> None:
    if as_json:
        console.line({"dashboard": link})
    else:
        console.warn(f"Dask's page of this run: {link}")
