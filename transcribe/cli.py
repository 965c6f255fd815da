"""The command line: parse and call. Each command says what to run next, in words or with --json."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from transcribe import console, enrolment, intake, passphrase, release, show, store, study, vault, weights
from transcribe import explain as explanations
from transcribe import people as roster
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.config import check_language
from transcribe.errors import ConfigError, StudyError, TranscribeError
from transcribe.overview import overview
from transcribe.pipeline import STAGES, Engines
from transcribe.review import settling
from transcribe.schema import SpeakerBounds
from transcribe.vault import Unlocked

if TYPE_CHECKING:
    from transcribe.evaluate.report import Table

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models = typer.Typer(no_args_is_help=True, help="The weights of the models: list, fetch, verify, path.")
app.add_typer(models, name="models")
evaluate = typer.Typer(no_args_is_help=True, help="How much is found, and how much can still be read.")
app.add_typer(evaluate, name="evaluate")
voices = typer.Typer(no_args_is_help=True, help="Voices that are recognised by consent: enrol, list, forget.")
app.add_typer(voices, name="voices")

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")]
PassphraseFile = Annotated[Path | None, typer.Option("--passphrase-file", help="File that holds the passphrase.")]
AsJson = Annotated[bool, typer.Option("--json", help="Say it in JSON.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Recording ids; all when none is given.")]
Formats = Annotated[str, typer.Option("--to", help="Formats, separated by commas.")]
Unreviewed = Annotated[bool, typer.Option(help="Release what nobody has reviewed; every file says so.")]
AS_STUDY = "study"
DEFAULT_FORMATS = "txt,docx,vtt,json"


def _unlock(root: Path, file: Path | None) -> Unlocked:
    opened = study.open_study(root)
    return vault.unlock(opened, passphrase.need(opened.created["study"], file))


def _unlock_if_possible(root: Path, file: Path | None, *, prompt: bool) -> tuple[study.Study, Unlocked | None]:
    opened = study.open_study(root)
    given = passphrase.find(opened.created["study"], file, prompt=prompt)
    return opened, vault.unlock(opened, given) if given is not None else None


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@app.command()
def new(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Make a study. Prints the recovery sheet once: keep it on paper, away from this computer."""
    key_pair = store.new_identity()
    chosen = passphrase.choose(passphrase_file)
    opened = study.create(root, key_pair, chosen)
    vault.create(opened, key_pair)
    sheet = files("transcribe").joinpath("recovery_sheet.txt").read_text(encoding="utf-8")
    console.say(
        as_json,
        {"study": str(root), "study_id": opened.created["study"], "recovery_key": str(key_pair)},
        sheet.format(study_id=opened.created["study"], secret=str(key_pair)),
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
        count = roster.bring_in(_unlock(root, passphrase_file), Path(what), prefix)
        said = f"{count} people and places are in the study. Next: transcribe add {root} FILE..."
        console.say(as_json, {"imported": count}, said)
    elif action == "list":
        rows = roster.listing(_unlock(root, passphrase_file))
        titles = ("id", "kind", "role", "names", "written as")
        console.say(as_json, {"people": [dict(zip(titles, row, strict=True)) for row in rows]},
                    console.table(titles, rows))  # fmt: skip
    elif action == "redraw" and what:
        stale = release.draw_again(_unlock(root, passphrase_file), what)
        console.say(as_json, {"redrawn": what, "replace": list(stale)},
                    f"{what} has another pseudonym from now on. Next: transcribe release {root}",
                    *(f"Replace what you have given away of {name}" for name in stale))  # fmt: skip
    else:
        raise ConfigError("people takes template, import FILE, list or redraw ID", advice="see --help")


@app.command()
def add(
    root: StudyPath,
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recordings, or folders of them.")],
    recording_id: Annotated[str | None, typer.Option("--id", help="Your own id, for one file.")] = None,
    speakers: Annotated[str, typer.Option(help="How many speak: 2, or 2-4.")] = "",
    who: Annotated[str, typer.Option(help="Ids of all who took part: P1,R1.")] = "",
    language: Annotated[str, typer.Option(help="The language of these, such as cy, or auto.")] = AS_STUDY,
    remove_source: Annotated[bool, typer.Option(help="Delete the source once its copy is verified.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take recordings into the study, encrypted; needs no passphrase, but checks more with one."""
    opened, unlocked = _unlock_if_possible(root, passphrase_file, prompt=False)
    request = intake.Request(id=recording_id, who=_list(who), bounds=_bounds(speakers), language=_language(language))
    taken, refused = intake.add_all(opened, tuple(sources), request, unlocked, remove_source=remove_source)
    lines = [f"{r.id}: {console.clock(r.duration_s)}, {r.channels} channel(s), {r.sample_rate_hz} Hz" for r in taken]
    data = {
        "added": [{"recording": r.id, "duration_s": r.duration_s, "channels": r.channels} for r in taken],
        "refused": [{"file": number, "error": str(error)} for number, error in refused],
    }
    console.say(as_json, data, *lines, *([f"Next: transcribe run {root}"] if taken else []))
    for number, error in refused:
        console.warn(f"Error: file {number}: {error}")
    if refused:
        raise typer.Exit(refused[0][1].exit_code)


def _language(code: str) -> str:
    """A code to keep with a recording; nothing where it has none of its own. Raises ConfigError."""
    return "" if code == AS_STUDY else check_language(code)


def _bounds(text: str) -> SpeakerBounds:
    low, _, high = text.partition("-")
    try:
        numbers = [int(low), int(high or low)] if text else [None, None]
    except ValueError:
        numbers = [0, 0]
    if text and not 1 <= (numbers[0] or 0) <= (numbers[1] or 0) <= 20:
        raise ConfigError("--speakers is a number such as 2, or a range such as 2-4", advice="correct it")
    return SpeakerBounds(at_least=numbers[0], at_most=numbers[1])


@app.command()
def status(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """The state of each recording; with the key also lengths, findings, and what needs care."""
    opened, unlocked = _unlock_if_possible(root, passphrase_file, prompt=False)
    seen = overview(opened, unlocked)
    rows = [
        (r.id, r.state, console.clock(r.duration_s), "-" if r.findings is None else str(r.findings),
         f"{r.release:03d}" if r.release else "-")
        for r in seen.rows
    ]  # fmt: skip
    titles = ("recording", "state", "length", "findings", "release")
    data = {
        "study_id": seen.study_id,
        "recordings": [
            {"recording": r.id, "state": r.state, "duration_s": r.duration_s, "findings": r.findings,
             "release": r.release or None}
            for r in seen.rows
        ],
        "sources_outside": list(seen.sources_outside),
        "redraw": list(seen.to_redraw),
        "doubles": [list(pair) for pair in seen.doubles],
    }  # fmt: skip
    console.say(as_json, data, console.table(titles, rows), *seen.advice(str(root)))


@app.command()
def run(
    root: StudyPath,
    ids: Ids = None,
    asr: Annotated[str, typer.Option(help="faster-whisper or openai-whisper, instead of study.toml's.")] = "",
    model: Annotated[str, typer.Option(help="A recognition model of the registry, instead of study.toml's.")] = "",
    again: Annotated[str, typer.Option(help=f"Do a stage again: {', '.join(STAGES[:2])}.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take recordings through all stages; what is done is skipped, what was stopped goes on."""
    if again not in ("", *STAGES[:2]):
        raise ConfigError(f"--again takes {' or '.join(STAGES[:2])}", advice="the other stages follow by themselves")
    unlocked = _unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config.with_recognition(asr, model))
    engines.check()
    enrolment.check(unlocked)
    tasks = plan.tasks(unlocked, tuple(ids or ()))
    with console.stages(tasks, as_json) as report:
        outcomes = batch.run(unlocked, tasks, engines, report, again)
    data = [{"recording": o.recording_id, "state": o.state, "error": o.error or None} for o in outcomes]
    lines = [f"{o.recording_id}: {o.state}" for o in outcomes if o.state != "failed"]
    console.say(as_json, {"recordings": data}, *lines, f"Next: transcribe show {root} ID --identified, then "
                f"transcribe settle {root} ID --reviewer ALIAS, then transcribe release {root}")  # fmt: skip
    failed = [o for o in outcomes if o.state == "failed"]
    for outcome in failed:
        console.warn(f"Error: {outcome.error}")
    if failed:
        raise typer.Exit(failed[0].exit_code)


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
    opened, unlocked = _unlock_if_possible(root, passphrase_file, prompt=True)
    if identified:
        unlocked = unlocked or _unlock(root, passphrase_file)
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
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Who the voices are taken for, and how surely; --set corrects it."""
    unlocked = _unlock(root, passphrase_file)
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
    chosen = _language(code) if code else ""
    unlocked = _unlock(root, passphrase_file)
    if code:
        intake.set_language(unlocked, recording_id, chosen)
    told = intake.spoken(unlocked, recording_id)
    heard = f", recognised as {told.heard} ({told.probability:.0%})" if told.heard else ""
    data = {"recording": recording_id, "language": told.language, "chosen": told.chosen,
            "recognised": told.heard, "probability": told.probability}  # fmt: skip
    by = "chosen for this recording" if told.chosen else "as study.toml says"
    console.say(as_json, data, f"{recording_id}: {told.language}, {by}{heard}",
                *([f"Next: transcribe run {root} {recording_id}"] if code else []))  # fmt: skip


@app.command()
def settle(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    reviewer: Annotated[str, typer.Option(help="Your alias, never your name: it stands in the audit.")],
    reject: Annotated[str, typer.Option(help="Findings that are no names: F0003,F0017. The words stay.")] = "",
    accept: Annotated[str, typer.Option(help="Questions that are names: F0004. They are withheld.")] = "",
    adds: Annotated[list[str] | None, typer.Option("--add", help="Withhold more: U0003:10-15=P1 or =place.")] = None,
    restore: Annotated[str, typer.Option(help="Flagged words that were said: X0001,X0004. They are shown.")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Say that a person has read the transcript and settled it; words of questions she does not answer stay, and words
    that nobody may have said stay [unclear] unless she restores them.
    """
    unlocked = _unlock(root, passphrase_file)
    more, given = tuple(adds or ()), (_list(accept), _list(restore))
    review = settling.settle(unlocked, recording_id, reviewer, _list(reject), more, *given)
    settling.check(unlocked, recording_id, Engines(unlocked.study.config))
    data = {"recording": recording_id, "decisions": len(review.decisions), "settled_on": review.settled_on}
    console.say(as_json, data, f"{recording_id} is settled. Next: transcribe release {root} {recording_id}")


@app.command()
def explain(
    root: StudyPath,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    finding_id: Annotated[str, typer.Argument(metavar="FINDING", help="F0003, as `show --identified` lists it.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Why a finding is one: the rules that spoke for it, how probable it is, and what becomes of it."""
    told = explanations.explain(_unlock(root, passphrase_file), recording_id, finding_id)
    evidence = told.pop("evidence")
    rows = [(str(e["rule"]), str(e["detail"]), f"{e['score']:.0%}") for e in evidence]
    facts = [f"{name}: {value}" for name, value in told.items() if value is not None]
    console.say(
        as_json, {**told, "evidence": evidence}, *facts, console.table(("rule", "evidence", "probability"), rows)
    )


@app.command("release")
def release_command(
    root: StudyPath,
    ids: Ids = None,
    to: Formats = DEFAULT_FORMATS,
    unreviewed: Unreviewed = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a numbered release of what is settled, if the gate passes it."""
    unlocked = _unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    written = release.write(unlocked, tuple(ids or ()), _list(to), engines, unreviewed=unreviewed)
    _say_released(written, as_json)


def _say_released(written: release.Released, as_json: bool) -> None:
    left_out = [{"recording": recording_id, "reason": reason} for recording_id, reason in written.left_out]
    console.say(
        as_json,
        {"release": written.number, "folder": written.folder, "files": list(written.files), "left_out": left_out},
        f"Release {written.number:03d}: {len(written.files)} files in {written.folder}",
        *(f"Left out: {one['recording']} ({one['reason']})" for one in left_out),
    )


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
    unlocked = _unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    request = intake.Request(id=recording_id, who=_list(who))
    ids = intake.add_transcripts(unlocked, tuple(sources), request)
    outcomes = batch.run(unlocked, plan.tasks(unlocked, ids), engines, lambda event: None)
    for outcome in outcomes:
        if outcome.error:
            raise StudyError(outcome.error.rstrip("."), advice="nothing was released")
    if unreviewed:
        _say_released(release.write(unlocked, ids, _list(to), engines, unreviewed=True), as_json)
    else:
        said = f"{', '.join(ids)} to review. Next: transcribe show {root} ID --identified, then transcribe settle"
        console.say(as_json, {"added": list(ids), "state": "to review"}, said)


@app.command("detect")
def detect_command(
    source: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help='Rows {"id", "text"}.')],
    out: Annotated[Path, typer.Option(help='Rows {"id", "spans": [[start, end, kind], ...]}.')],
    roster_file: Annotated[Path | None, typer.Option("--roster", help="A roster CSV.")] = None,
    unreviewed: Annotated[
        bool, typer.Option(help="With every question, as an unreviewed release withholds it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what identifies in plain texts, for evaluation; needs no study and keeps nothing."""
    from transcribe.evaluate import detection

    rows, spans = detection.detect_file(source, out, roster_file, unreviewed=unreviewed)
    console.say(as_json, {"rows": rows, "spans": spans}, f"{spans} spans in {rows} texts.")


@voices.command("enrol")
def voices_enrol(
    root: StudyPath,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose voice it is: her id, or interviewer.")],
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Half a minute or more in which she alone speaks.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Learn the voice of somebody who agreed to it (voices in study.toml) from a sample; the file is not kept."""
    unlocked = _unlock(root, passphrase_file)
    engines = Engines(unlocked.study.config)
    whom = enrolment.enrol(unlocked, person, source, lambda: engines.diariser)
    said = f"The voice of {whom} is learnt. Next: transcribe run {root}, then transcribe speakers {root} ID"
    console.say(as_json, {"enrolled": whom}, said)


@voices.command("list")
def voices_list(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Who agreed to be recognised by voice, and from what her voice is known."""
    known = enrolment.listing(_unlock(root, passphrase_file))
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
    count = enrolment.forget(_unlock(root, passphrase_file), person)
    said = f"{count} voiceprints are removed. Take the id out of voices in study.toml, or corrections teach it again."
    console.say(as_json, {"forgotten": count}, said)


def _measured(as_json: bool, data: dict[str, Any], tables: "list[Table]", *more: str) -> None:
    """Print what a command of this group counted."""
    console.say(as_json, data, *(console.table(titles, rows) for titles, rows in tables), *more)


@evaluate.command("pii")
def evaluate_pii(
    gold: Annotated[Path, typer.Argument(metavar="GOLD.jsonl", help='Rows {"id", "text", "spans"}.')],
    found: Annotated[Path, typer.Argument(metavar="FOUND.jsonl", help="What `transcribe detect` wrote.")],
    as_json: AsJson = False,
) -> None:
    """What of the names and identifiers in texts was found: recall, precision, people safe, false alarms."""
    from transcribe.evaluate import report

    data, tables = report.pii_report(gold, found)
    _measured(as_json, data, tables)


@evaluate.command("leaks")
def evaluate_leaks(
    gold: Annotated[Path, typer.Argument(metavar="GOLD.json", help="An interview with timed words and identifiers.")],
    released: Annotated[Path, typer.Argument(metavar="RELEASED.json", help="Its released json, or show --json.")],
    roster_file: Annotated[Path | None, typer.Option("--roster", help="The roster CSV of the study.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which of the identifiers that were spoken can still be read in what was released, in any spelling."""
    from transcribe.evaluate import report

    data, tables = report.leaks_report(gold, released, roster_file)
    _measured(as_json, data, tables)


Reference = Annotated[Path, typer.Argument(metavar="REF", help=".json, .stm or .rttm, or a folder of them.")]
Hypothesis = Annotated[Path, typer.Argument(metavar="HYP", help="The same; of folders, files of one stem are paired.")]


@evaluate.command("wer")
def evaluate_wer(reference: Reference, hypothesis: Hypothesis, as_json: AsJson = False) -> None:
    """Word errors after Whisper's English normaliser (jiwer), whoever said the words; counts add over files."""
    from transcribe.evaluate import report

    data, tables = report.wer_report(reference, hypothesis)
    _measured(as_json, data, tables, *report.footer(data))


@evaluate.command("cpwer")
def evaluate_cpwer(reference: Reference, hypothesis: Hypothesis, as_json: AsJson = False) -> None:
    """Word errors that count who said it (meeteval): a word given to the wrong speaker costs two."""
    from transcribe.evaluate import report

    data, tables = report.cpwer_report(reference, hypothesis)
    _measured(as_json, data, tables, *report.footer(data))


@evaluate.command("der")
def evaluate_der(reference: Reference, hypothesis: Hypothesis, as_json: AsJson = False) -> None:
    """Seconds of speech missed, invented or given to the wrong speaker (pyannote.metrics): no collar, with overlap."""
    from transcribe.evaluate import report

    data, tables = report.der_report(reference, hypothesis)
    _measured(as_json, data, tables, *report.footer(data))


@models.command("list")
def models_list(as_json: AsJson = False) -> None:
    """All models of the registry and whether they are here."""
    states = {check.name: check.state.value for check in weights.verify()}
    rows = [(e.name, states[e.name], "default" if e.default else "", f"{e.size_bytes / 1e6:.0f} MB", e.licence, e.use)
            for e in weights.entries()]  # fmt: skip
    data = [{"name": e.name, "state": states[e.name], "default": e.default, "licence": e.licence, "use": e.use,
             "upstream": e.upstream, "revision": e.revision} for e in weights.entries()]  # fmt: skip
    titles = ("name", "state", "", "size", "licence", "use")
    console.say(as_json, {"home": str(weights.home()), "models": data}, console.table(titles, rows))


@models.command("fetch")
def models_fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="The default set if none.")] = None,
    from_dir: Annotated[Path | None, typer.Option("--from", help="A folder of files carried by hand.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring weights to this machine: the only command that uses the network."""
    with console.downloads() as report:
        fetched = weights.fetch(tuple(names or ()), from_dir=from_dir, on_progress=report)
    said = f"Fetched: {', '.join(fetched)}." if fetched else "All weights are here already."
    console.say(as_json, {"fetched": list(fetched), "home": str(weights.home())}, said)


@models.command("verify")
def models_verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None, as_json: AsJson = False
) -> None:
    """Read all weights that are here and compare their checksums."""
    checks = [c for c in weights.verify(tuple(names or ())) if names or c.state is not weights.State.MISSING]
    data = [{"name": c.name, "state": c.state.value, "files": list(c.files)} for c in checks]
    console.say(as_json, {"models": data}, *(f"{c.name}: {c.state.value}" for c in checks))
    if any(check.state is not weights.State.OK for check in checks):
        raise typer.Exit(6)


@models.command("path")
def models_path(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> None:
    """The folder of a model's verified weights."""
    folder = str(weights.path(name))
    console.say(as_json, {"name": name, "path": folder}, folder)


def _usage(error: TyperException) -> str:
    """What is wrong with the command line; most messages repeat what was typed, and that may be a file name."""
    if type(error).__name__ in ("NoSuchOption", "MissingParameter"):
        return error.format_message().rstrip(".") + "."
    return f"the command line is not understood ({type(error).__name__}); see --help."


def main() -> None:
    """Run a command; every error is one sentence and an exit status of its own."""
    passphrase.scrub()
    as_json = "--json" in sys.argv
    try:
        status_code = app(standalone_mode=False)
    except TranscribeError as error:
        console.fail(str(error), as_json)
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        console.fail("stopped; what is finished is kept, run it again to go on.", as_json)
        sys.exit(130)
    except TyperException as error:
        console.fail(_usage(error), as_json)
        sys.exit(2)
    except BaseException:
        sys.excepthook = console.on_crash  # set here, since typer sets its own, which would print the message
        raise
    sys.exit(status_code if isinstance(status_code, int) else 0)
