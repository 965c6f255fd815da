"""The command that opens the review page."""

from typing import Annotated

import typer

from transcribe import console, passphrase, study, vault
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath
from transcribe.engines import Engines
from transcribe.errors import ConfigError
from transcribe.vault import Unlocked

IDLE_MINUTES = 30

app = typer.Typer()


@app.command("review")
def review_command(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="[ID]", help="The recording to begin with.")] = "",
    reviewer: Annotated[str, typer.Option(help="Your alias, never your name: it stands in the audit.")] = "",
    second: Annotated[bool, typer.Option("--second", help="A second pass, blind to the first.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes a free one.")] = 0,
    idle: Annotated[
        int, typer.Option(min=1, max=1440, help="Minutes until the key is asked for again.")
    ] = IDLE_MINUTES,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Read, hear, decide, correct, settle and release in the browser, on this machine alone."""
    from transcribe.review import server, serving
    from transcribe.review.desk import Reviewer
    from transcribe.review.office import Office
    from transcribe.review.session import Session
    from transcribe.review.settling import check_alias

    if not reviewer:
        raise ConfigError("who reviews is not said", advice="give --reviewer AB, an alias of your own")
    check_alias(reviewer)
    opened = study.open_study(root)
    given = passphrase.need(opened.created["study"], passphrase_file)

    def office(unlocked: Unlocked) -> Office:
        check_alias(reviewer, unlocked.vault.people)
        if recording_id:
            unlocked.vault.entry(recording_id)
        return Office(unlocked, Engines(opened.config), Reviewer(alias=reviewer, second=second), recording_id)

    first = [office(vault.unlock(opened, given))]  # handed over whole: who keeps it keeps the key
    first[0].prepare()
    del given
    session = Session(idle_minutes=idle)
    serving.serve(
        lambda: server.app(lambda text: office(vault.unlock(opened, text)), first.pop(), session),
        session,
        port=port,
        browser=browser,
        say=lambda text: console.say(as_json, {"said": text}, text),
    )
