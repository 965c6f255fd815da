"""Work on a study in a process of its own that is killed: after so many seconds, or before its n-th step on the disk.

The processes are forked from a clean server that has imported the program once, so that a kill costs a fraction of a
second and falls into the work, not into the start of Python.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

PRELOADED = [
    "transcribe.cli",
    "transcribe.release",
    "transcribe.backup",
    "transcribe.review.office",
    "tests.crash.warm",
]
AT = "2026-01-02T03:04:05Z"
LIMIT_S = 240.0
_STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.link"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)

Work = Callable[..., None]


class _Clock:
    """What intake asks for the day."""

    @staticmethod
    def now(zone: object) -> datetime:
        return datetime.fromisoformat(AT)


class Ended:
    """How a process ended: its exit status (negative: the signal), what it said, the steps it took, seconds."""

    def __init__(self, status: int, said: str, steps: int, told: list[Any], seconds: float) -> None:
        self.status, self.said, self.steps, self.told, self.seconds = status, said, steps, told, seconds

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def work(
    what: Work,
    *given: Any,
    secret: str,
    watched: Path,
    at_step: int = 0,
    after_s: float | None = None,
    prepare: Callable[[], None] | None = None,
    beside: Path | None = None,
) -> Ended:
    """Do `what` in a process; kill it before step `at_step` below `watched`, or after so many seconds.

    `what` gets a function that hands what it is told to us: what it acknowledged before it was killed. `prepare` runs
    in the process first; what it says is kept `beside`.
    """
    said = (beside or watched.parent) / f"{watched.name}.said"
    said.unlink(missing_ok=True)
    ours, theirs = FORKS.Pipe(duplex=False)
    steps = FORKS.Value("i", 0)
    child = FORKS.Process(target=_child, args=(what, given, secret, watched, at_step, steps, said, theirs, prepare))
    began = monotonic()
    child.start()
    theirs.close()
    child.join(LIMIT_S if after_s is None else after_s)
    if child.is_alive():
        child.kill()
        child.join()
    seconds = monotonic() - began
    told = _received(ours)
    status = child.exitcode
    child.close()
    assert status is not None
    return Ended(status, said.read_text() if said.exists() else "", steps.value, told, seconds)


def _received(pipe: Connection) -> list[Any]:
    told = []
    try:
        while pipe.poll():
            told.append(pipe.recv())
    except EOFError:
        pass
    return told


def _child(
    what: Work,
    given: Sequence[Any],
    secret: str,
    watched: Path,
    at_step: int,
    steps: Any,
    said: Path,
    pipe: Connection,
    prepare: Callable[[], None] | None,
) -> None:
    from transcribe import audit, intake

    audit.now = lambda: AT  # the same day in all runs, whatever the hour
    intake.datetime = _Clock  # type: ignore[assignment,misc]
    os.environ["TRANSCRIBE_PASSPHRASE"] = secret
    os.environ |= {"NO_COLOR": "1", "COLUMNS": "200"}
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    if prepare:
        prepare()
    sys.addaudithook(_counter(str(watched), at_step, steps))
    what(*given, pipe.send)


def _counter(watched: str, at_step: int, steps: Any) -> Callable[[str, tuple[Any, ...]], None]:
    def step(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if not (writes or event in _STEPS):
            return
        where = arguments[1] if event == "os.link" else arguments[0]  # of what has no name until then
        if not str(where).startswith(watched):
            return
        steps.value += 1
        if steps.value == at_step:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


# --- what a process may do ------------------------------------------------------------------------------------------


def command(arguments: Sequence[str], tell: Callable[[Any], None]) -> None:
    """One command of the command line, ended as the interpreter would end it."""
    from transcribe import cli

    sys.argv = ["transcribe", *arguments]
    try:
        cli.main()
    except Exception:  # multiprocessing would print the trace itself
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        sys.exit(1)


def reviewed(root: str, secret: str, acts: Sequence[tuple[str, dict[str, Any]]], tell: Callable[[Any], None]) -> None:
    """A reviewer's acts on T001 through the office of the review page; each is told once it is acknowledged.

    `at` in an act, (turn, words), is looked up on the page as it stands: a place, or the mark that stands there.
    """
    from tests.review.test_office import Page
    from transcribe import store, study, vault

    try:
        _act(Page(vault.unlock(study.open_study(Path(root)), secret), "T001"), acts, tell)
    except OSError as error:
        sys.stderr.write(f"Error: {store.disk_error(error)}\n")
        sys.exit(1)


def _act(page: Any, acts: Sequence[tuple[str, dict[str, Any]]], tell: Callable[[Any], None]) -> None:
    for number, (do, fields) in enumerate(acts):
        given = dict(fields)
        if "at" in given:
            turn, words = given.pop("at")
            given |= page.place(turn, words) if do == "add" else {"marks": [page.mark(turn, words)["id"]]}
        if do in ("undo", "redo", "settle"):
            answer = getattr(page.office, do)("T001", page.version)
        elif do == "person":
            answer = page.office.act_on_people(given)
        else:
            answer = page.office.act("T001", {"version": page.version, "do": do, **given})
        tell(number)
        if do != "person":
            page.take(answer)
        page.poll()
