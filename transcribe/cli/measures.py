"""Commands that measure: what is found, what can still be read, who said what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transcribe import console, study
from transcribe.cli.common import AsJson

if TYPE_CHECKING:
    from transcribe.evaluate.report import Table

app = typer.Typer()
evaluate = typer.Typer(no_args_is_help=True, help="How much is found, and how much can still be read.")


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


Noted = Annotated[
    Path | None, typer.Option("--study", help="Note the rate in this study: its releases' methods.txt then has it.")
]


def _measured(as_json: bool, data: dict[str, Any], tables: "list[Table]", noted: Path | None, *more: str) -> None:
    """Print what a command of this group counted, and note it in a study."""
    if noted is not None:
        from transcribe.evaluate import report

        rate = report.noted(data)
        if rate["of"]:
            study.open_study(noted).log("evaluated", **rate)
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
    _measured(as_json, data, tables, None)


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
    _measured(as_json, data, tables, None)


Reference = Annotated[Path, typer.Argument(metavar="REF", help=".json, .stm or .rttm, or a folder of them.")]
Hypothesis = Annotated[Path, typer.Argument(metavar="HYP", help="The same; of folders, files of one stem are paired.")]


@evaluate.command("wer")
def evaluate_wer(reference: Reference, hypothesis: Hypothesis, noted: Noted = None, as_json: AsJson = False) -> None:
    """Word errors after Whisper's English normaliser (jiwer), whoever said the words; counts add over files."""
    from transcribe.evaluate import report

    data, tables = report.wer_report(reference, hypothesis)
    _measured(as_json, data, tables, noted, *report.footer(data))


@evaluate.command("cpwer")
def evaluate_cpwer(reference: Reference, hypothesis: Hypothesis, noted: Noted = None, as_json: AsJson = False) -> None:
    """Word errors that count who said it (meeteval): a word given to the wrong speaker costs two."""
    from transcribe.evaluate import report

    data, tables = report.cpwer_report(reference, hypothesis)
    _measured(as_json, data, tables, noted, *report.footer(data))


@evaluate.command("der")
def evaluate_der(reference: Reference, hypothesis: Hypothesis, noted: Noted = None, as_json: AsJson = False) -> None:
    """Seconds of speech missed, invented or given to the wrong speaker (pyannote.metrics): no collar, with overlap."""
    from transcribe.evaluate import report

    data, tables = report.der_report(reference, hypothesis)
    _measured(as_json, data, tables, noted, *report.footer(data))
