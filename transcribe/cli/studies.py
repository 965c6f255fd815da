"""Commands on a study: from its making to a settled transcript."""

from pathlib import Path
from typing import Annotated

import typer

from transcribe import console, describe, enrolment, intake, passphrase, redraw, rekeying, show, store, study, vault
from transcribe import explain as explanations
from transcribe import people as roster
from transcribe.cli.common import (
    AsJson,
    PassphraseFile,
    StudyPath,
    language_code,
    listed,
    unlock,
    unlock_if_possible,
)
from transcribe.engines import Engines
from transcribe.errors import ConfigError
from transcribe.review import settling
from transcribe.speakers import tell_apart

BY = ("channels", "voices")

app = typer.Typer()


@app.command()
def new(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Make a study. Prints the recovery sheet: keep it on paper, away from this computer."""
    chosen = passphrase.choose(passphrase_file)
    key_pair = store.new_identity()
    opened = study.create(root, key_pair, chosen)
    unlocked = vault.create(opened, key_pair)
    console.say(
        as_json,
        {"study": str(root), "study_id": opened.created["study"], "recovery_key": str(key_pair)},
        rekeying.sheet(unlocked),
        f"The study is made. Next: transcribe people {root} import roster.csv, then transcribe add {root} FILE...",
    )


@app.command()
def people(
    root: StudyPath,
    action: Annotated[str, typer.Argument(metavar="template|import|list|redraw")],
    what: Annotated[str | None, typer.Argument(metavar="[FILE|ID]", help="The roster, or whom to draw for.")] = None,
    prefix: Annotated[str, typer.Option(help="Put before every id of the roster.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The roster: print a template, import a CSV, list who is known, or draw another pseudonym for somebody."""
    if action == "template":
        console.say(as_json, {"template": roster.TEMPLATE}, roster.TEMPLATE.rstrip())
    elif action == "import" and what:
        count = roster.bring_in(unlock(root, passphrase_file), Path(what), prefix)
        said = f"{count} people and places are in the study. Next: transcribe add {root} FILE..."
        console.say(as_json, {"imported": count}, said)
    elif action == "list":
        rows = roster.listing(unlock(root, passphrase_file))
        titles = ("id", "kind", "role", "names", "written as")
        console.say(as_json, {"people": [dict(zip(titles, row, strict=True)) for row in rows]},
                    console.table(titles, rows))  # fmt: skip
    elif action == "redraw" and what:
        stale = redraw.draw_again(unlock(root, passphrase_file), what)
        console.say(as_json, {"redrawn": what, "replace": list(stale)},
                    f"{what} has another pseudonym from now on. Next: transcribe release {root}",
                    *(f"Replace what you have given away of {name}" for name in stale))  # fmt: skip
    else:
        raise ConfigError("people takes template, import FILE, list or redraw ID", advice="see --help")


@app.command()
def attributes(
    root: StudyPath,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="id of a person or a recording, then any columns.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """What is known of people and recordings beside names (age band, wave): for cases, variables and the sample."""
    count = describe.bring_in_attributes(unlock(root, passphrase_file), file)
    console.say(as_json, {"described": count}, f"{count} people and recordings are described. They are released with "
                f"what is written here. Next: transcribe release {root}")  # fmt: skip


@app.command()
def topics(
    root: StudyPath,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns recording, start, topic.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Where topics begin in recordings: headings of the Word document, for auto-coding by topic."""
    count = describe.bring_in_topics(unlock(root, passphrase_file), file)
    console.say(as_json, {"topics": count}, f"{count} topics are set. Next: transcribe release {root} --to docx")


@app.command("show")
def show_command(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    identified: Annotated[bool, typer.Option("--identified", help="With every name in it; for your eyes.")] = False,
    form: Annotated[str, typer.Option("--format", help="txt, json or rttm.")] = "txt",
    passphrase_file: PassphraseFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print one transcript: as a release would hold it, or identified."""
    form = "json" if as_json else form
    show.check_form(form)
    opened, unlocked = unlock_if_possible(root, passphrase_file, prompt=True)
    if identified:
        unlocked = unlocked or unlock(root, passphrase_file)
        console.raw(show.identified(unlocked, recording_id, form))
    elif unlocked is not None:
        console.raw(show.pseudonymised(unlocked, recording_id, form))
    else:
        console.raw(show.released(opened, recording_id, form))


@app.command()
def speakers(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    fixes: Annotated[list[str] | None, typer.Option("--set", help="S1=interviewer, or S1=P1.")] = None,
    by: Annotated[str, typer.Option(help="channels: each of two channels is one speaker's; voices: as before.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Who the voices are taken for, and how surely; --set corrects it, --by says how they are told apart."""
    if by not in ("", *BY):
        raise ConfigError(f"--by takes {' or '.join(BY)}", advice="leave it out to see who speaks")
    unlocked = unlock(root, passphrase_file)
    if by:
        tell_apart(unlocked, recording_id, by_channel=by == BY[0])
        told = f"{recording_id}: speakers are told apart by {by} from the next run on; then say again who they are."
        console.say(as_json, {"recording": recording_id, "by": by}, told, f"Next: transcribe run {root} {recording_id}")
        return
    learnt: tuple[str, ...] = ()
    if fixes:
        settling.fix_speakers(unlocked, recording_id, tuple(fixes))
        learnt = enrolment.learn(unlocked, recording_id, frozenset(fix.partition("=")[0] for fix in fixes))
    rows = settling.speakers(unlocked, recording_id)
    data = [
        {"label": s.label, "role": s.role, "person": s.person_id, "confidence": s.confidence, "by": s.by} for s in rows
    ]
    cells = [(s.label, s.role, s.person_id or "-", f"{s.confidence:.0%}", s.by or "") for s in rows]
    console.say(
        as_json,
        {"recording": recording_id, "speakers": data, "learnt": list(learnt)},
        console.table(("label", "role", "person", "confidence", "how"), cells),
        *(f"The voice of {whom} is learnt, as study.toml says she agreed." for whom in learnt),
        f"To correct: transcribe speakers {root} {recording_id} --set S1=interviewer",
    )


@app.command()
def language(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    code: Annotated[
        str, typer.Argument(metavar="[CODE]", help="Such as en or cy; auto to detect it; study for study.toml's.")
    ] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """In which language a recording is recognised; with a code, choose it for this recording alone."""
    chosen = language_code(code) if code else ""
    unlocked = unlock(root, passphrase_file)
    if code:
        intake.set_language(unlocked, recording_id, chosen)
    told = intake.spoken(unlocked, recording_id)
    heard = f", recognised as {told.heard} ({told.probability:.0%})" if told.heard else ""
    data = {"recording": recording_id, "language": told.language, "chosen": told.chosen,
            "recognised": told.heard, "probability": told.probability}  # fmt: skip
    by = "chosen for this recording" if told.chosen else "as study.toml says"
    console.say(as_json, data, f"{recording_id}: {told.language}, {by}{heard}",
                *([f"Next: transcribe run {root} {recording_id}"] if code else []))  # fmt: skip


@app.command("who")
def who_command(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    who: Annotated[str, typer.Argument(metavar="[P1,R1]", help="Ids of all who took part.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Who took part in a recording, whose consent counts; with ids, say so."""
    unlocked = unlock(root, passphrase_file)
    if who:
        intake.set_who(unlocked, recording_id, listed(who))
    told = unlocked.vault.entry(recording_id).who
    console.say(as_json, {"recording": recording_id, "who": list(told)},
                f"{recording_id}: {', '.join(told) or 'not said'}",
                *([f"Next: transcribe run {root} {recording_id}"] if who else []))  # fmt: skip


@app.command()
def settle(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    reviewer: Annotated[str, typer.Option(help="Your alias, never your name: it stands in the audit.")],
    reject: Annotated[
        str, typer.Option(help="Findings that are no names: F0003:0-5,F0017:22-28. The words stay.")
    ] = "",
    accept: Annotated[str, typer.Option(help="Questions that are names: F0004:8-12. They are withheld.")] = "",
    adds: Annotated[list[str] | None, typer.Option("--add", help="Withhold more: U0003:10-15=P1 or =place.")] = None,
    restore: Annotated[str, typer.Option(help="Flagged words that were said: X0001,X0004. They are shown.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Say that a person has read the transcript and settled it; words of questions she does not answer stay, and words
    that nobody may have said stay unclear unless she restores them.
    """
    unlocked = unlock(root, passphrase_file)
    more, given = tuple(adds or ()), (listed(accept), listed(restore))
    review = settling.settle(unlocked, recording_id, reviewer, listed(reject), more, *given)
    settling.check(unlocked, recording_id, Engines(unlocked.study.config))
    data = {"recording": recording_id, "decisions": len(review.decisions), "settled_on": review.settled_on}
    console.say(as_json, data, f"{recording_id} is settled. Next: transcribe release {root} {recording_id}")


@app.command()
def explain(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    finding_id: Annotated[str, typer.Argument(metavar="FINDING", help="F0003:0-5, as `show --identified` lists it.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Why a finding is one: the rules that spoke for it, how probable it is, and what becomes of it."""
    told = explanations.explain(unlock(root, passphrase_file), recording_id, finding_id)
    evidence = told.pop("evidence")
    rows = [(str(e["rule"]), str(e["detail"]), f"{e['score']:.0%}") for e in evidence]
    facts = [f"{name}: {value}" for name, value in told.items() if value is not None]
    console.say(
        as_json, {**told, "evidence": evidence}, *facts, console.table(("rule", "evidence", "probability"), rows)
    )
