"""Commands that take recordings in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from transcribe import console, folders, intake, joining, watching
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
from transcribe.errors import ConfigError, StoppedError
from transcribe.intake import Request, Taken
from transcribe.schema import Recording, SpeakerBounds
from transcribe.study import Study
from transcribe.vault import Unlocked
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
    given = tuple(sources)
    if manner in TOGETHER:
        taken = _together(manner, opened, given, request, unlocked, remove=remove_source)
    else:
        taken = _one_by_one(opened, given, request, unlocked, remove=remove_source)
    left = folders.left(given, opened.root) if manner not in TOGETHER else 0
    _tell_all(taken, left, request, root, as_json)


def _tell_all(taken: list[Taken], left: int, request: Request, root: Path, as_json: bool) -> None:
    """What became of each file; ends with the status of the first that was refused."""
    data = {
        "added": [{**_facts(one.added, request), "file": one.number, "of": one.count} for one in taken if one.added],
        "refused": [{"file": one.number, "of": one.count, "error": str(one.refused)} for one in taken if one.refused],
        "left": left,
    }
    lines = [line for one in taken if one.added for line in _said(one.added, request, root, _place(one))]
    following = [f"Next: transcribe run {root}"] if data["added"] else []
    console.say(as_json, data, *lines, *_left_said(left), *following)
    refused = [(one, one.refused) for one in taken if one.refused]
    for one, why in refused:
        console.warn(f"Error: file {one.number} of {one.count}: {why}")
    if refused:
        raise typer.Exit(refused[0][1].exit_code)


def _together(
    manner: str, opened: Study, sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None, *, remove: bool
) -> list[Taken]:
    """Several files as one recording."""
    before = tuple(intake.seen(source) for source in sources)
    added = TOGETHER[manner](opened, sources, request, unlocked)
    left = joining.remove(opened, added, sources, before) if remove else []
    whole = Taken(number=1, count=1, added=added)
    return [whole, *(Taken(number=number, count=len(sources), refused=why) for number, why in left)]


def _one_by_one(
    opened: Study, sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None, *, remove: bool
) -> list[Taken]:
    """A recording a file. Raises StudyError where it was stopped and running it again would take files in twice."""
    before = {*opened.recordings()}
    try:
        return list(intake.add_each(opened, sources, request, unlocked, remove_source=remove))
    except KeyboardInterrupt:
        ids = sorted({*opened.recordings()} - before)
        if unlocked is not None or remove or not ids:
            raise
        raise StoppedError(
            f"stopped; {', '.join(ids)} {'is' if len(ids) == 1 else 'are'} in the study",
            advice="run it again with --passphrase-file, which refuses what is there already: without the passphrase "
            "that would be taken in a second time",
        ) from None


def _facts(one: Recording, request: Request) -> dict[str, object]:
    return {"recording": one.id, "duration_s": one.duration_s, "channels": one.channels,
            "by_channel": request.by_channel, "apart": one.apart}  # fmt: skip


def _place(one: Taken) -> str:
    return f" (file {one.number} of {one.count})" if one.count > 1 else ""


def _left_said(left: int) -> list[str]:
    if not left:
        return []
    files = "1 file in the folder is no recording by its name and was" if left == 1 else (
        f"{left} files in the folder are no recordings by their names and were")  # fmt: skip
    return [f"{files} left. A recording that you name itself is taken in whatever it is called."]


def _said(one: Recording, request: Request, root: Path, of: str = "") -> list[str]:
    lines = [f"{one.id}{of}: {console.clock(one.duration_s)}, {one.channels} channel(s), {one.sample_rate_hz} Hz"]
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
    others = watched.left
    data = {
        "added": added,
        "refused": sum(one.refused is not None for one in outcomes),
        "changing": left,
        "left": others,
    }
    still = [f"Files that still change, and were left: {left}. Watch again later."] if left and once else []
    following = [f"Next: transcribe run {root}"] if added else []
    console.say(as_json, data, f"Recordings taken in: {len(added)}.", *still, *_left_said(others), *following)
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
