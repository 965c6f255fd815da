"""Commands that take recordings in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from transcribe import console, intake, joining, watching
from transcribe.cli.common import (
    AS_STUDY,
    AsJson,
    PassphraseFile,
    StudyPath,
    language_code,
    listed,
    unlock,
    unlock_if_possible,
)
from transcribe.errors import ConfigError
from transcribe.intake import Request
from transcribe.schema import Recording, SpeakerBounds
from transcribe.watching import Outcome

PARTS, CHANNELS, MICROPHONES = MANNERS = ("parts", "channels", "microphones")
TOGETHER = {PARTS: joining.add, MICROPHONES: joining.add_microphones}

Speakers = Annotated[str, typer.Option(help="How many speak: 2, or 2-4.")]
Who = Annotated[str, typer.Option(help="Ids of all who took part: P1,R1.")]
Language = Annotated[str, typer.Option(help="The language of these, such as cy, or auto.")]
RemoveSource = Annotated[bool, typer.Option(help="Delete the source once its copy is verified.")]

app = typer.Typer()


@app.command()
def add(
    root: StudyPath,
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recordings, or folders of them.")],
    recording_id: Annotated[str | None, typer.Option("--id", help="Your own id, for one recording.")] = None,
    speakers: Speakers = "",
    who: Who = "",
    language: Language = AS_STUDY,
    manner: Annotated[
        str,
        typer.Option(
            "--as",
            help="parts: all files are one recording, in this order; channels: one speaker each; "
            "microphones: two recorders that ran at once.",
        ),
    ] = "",
    remove_source: RemoveSource = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take recordings into the study, encrypted; needs no passphrase, but checks more with one."""
    if manner not in ("", *MANNERS):
        raise ConfigError(
            f"--as takes {', '.join(MANNERS[:-1])} or {MANNERS[-1]}", advice="leave it out for a recording a file"
        )
    opened, unlocked = unlock_if_possible(root, passphrase_file, prompt=False)
    request = Request(id=recording_id, who=listed(who), bounds=_bounds(speakers), language=language_code(language),
                      by_channel=manner in (CHANNELS, MICROPHONES))  # fmt: skip
    if manner in TOGETHER:
        before = tuple(intake.seen(source) for source in sources)
        taken = [TOGETHER[manner](opened, tuple(sources), request, unlocked)]
        refused = joining.remove(opened, taken[0], tuple(sources), before) if remove_source else []
    else:
        taken, refused = intake.add_all(opened, tuple(sources), request, unlocked, remove_source=remove_source)
    data = {
        "added": [_facts(r, request) for r in taken],
        "refused": [{"file": number, "error": str(error)} for number, error in refused],
    }
    lines = [line for r in taken for line in _said(r, request, root)]
    console.say(as_json, data, *lines, *([f"Next: transcribe run {root}"] if taken else []))
    for number, error in refused:
        console.warn(f"Error: file {number}: {error}")
    if refused:
        raise typer.Exit(refused[0][1].exit_code)


def _facts(one: Recording, request: Request) -> dict[str, object]:
    return {"recording": one.id, "duration_s": one.duration_s, "channels": one.channels,
            "by_channel": request.by_channel, "apart": one.apart}  # fmt: skip


def _said(one: Recording, request: Request, root: Path) -> list[str]:
    lines = [f"{one.id}: {console.clock(one.duration_s)}, {one.channels} channel(s), {one.sample_rate_hz} Hz"]
    if one.apart and not request.by_channel:
        lines.append(f"{one.id}: its two channels seem to hold a speaker each, who are told apart by that after "
                     f"transcribe speakers {root} {one.id} --by channels")  # fmt: skip
    return lines


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
def watch(
    root: StudyPath,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where new recordings are dropped.")],
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    speakers: Speakers = "",
    who: Who = "",
    language: Language = AS_STUDY,
    remove_source: RemoveSource = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in what is dropped in a folder, as it comes and stands still; Ctrl-C ends it."""
    request = Request(who=listed(who), bounds=_bounds(speakers), language=language_code(language))
    watched = watching.Folder(unlock(root, passphrase_file), folder, request, remove_source=remove_source)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        _tell(outcome, request, root, as_json)

    if not once:
        console.say(as_json, {"watching": True}, "The folder is watched. Ctrl-C ends it.")
    with _ended_by_signals() as stop:
        left = watching.watch(watched, stop, tell, once=once)
    added = [one.added.id for one in outcomes if one.added]
    data = {"added": added, "refused": sum(one.refused is not None for one in outcomes), "changing": left}
    still = [f"Files that still change, and were left: {left}. Watch again later."] if left and once else []
    following = [f"Next: transcribe run {root}"] if added else []
    console.say(as_json, data, f"Recordings taken in: {len(added)}.", *still, *following)
    first = next((one.refused for one in outcomes if one.refused), None)
    if once and first is not None:
        raise typer.Exit(first.exit_code)


def _tell(outcome: Outcome, request: Request, root: Path, as_json: bool) -> None:
    if as_json:
        added = _facts(outcome.added, request) if outcome.added else None
        error = str(outcome.refused) if outcome.refused else None
        console.line({"file": outcome.number, "added": added, "error": error})
        return
    if outcome.added:
        console.say(False, {}, *_said(outcome.added, request, root))
    if outcome.refused:
        console.warn(f"Error: file {outcome.number}: {outcome.refused}")


@contextmanager
def _ended_by_signals() -> Iterator[Event]:
    """Set by Ctrl-C, a `kill` or a closed terminal, so that a file that is being taken in is taken to its end. A second
    Ctrl-C ends us at once.
    """
    stop = Event()

    def end(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
