"""Run the review's server until Ctrl-C: bind, write the redirect page, open the browser, clear up.

The way in is a file that only this user can read, since what stands in an argument list shows to everybody on the
machine (ps): the browser is given the path of a page, and that page leads to the server with the entry token.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from transcribe.errors import ConfigError
from transcribe.review.guard import ENTER, LOG
from transcribe.review.session import ENTRY_S, Session

ADDRESS = "127.0.0.1"
LOOK_EVERY_S = 0.5
LAST_ANSWERS_S = 5
"""How long answers under way may take at the end, in seconds; what was decided is saved before it is answered."""
_TALKATIVE = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "asyncio")
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={url}">
<title>Review</title>
<p><a href="{url}">{url}</a></p>
</html>
"""


def serve(
    make_app: Callable[[], ASGIApp],
    session: Session,
    *,
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], None],
) -> None:
    """Serve what `make_app` makes, which happens once the port is ours, until the process is told to end.

    `port` 0 takes a free one; `say` gets sentences for the person at the terminal. Raises ConfigError: port taken.
    """
    with _bound(port) as listening, _ended_by_any_signal():
        app = make_app()
        _log_lines()
        port = listening.getsockname()[1]
        entry = f"http://{ADDRESS}:{port}{ENTER}?token={session.new_entry()}"
        # Cancelled: by a SIGINT in the moment before asyncio's runner begins to count them
        with suppress(KeyboardInterrupt, asyncio.CancelledError), _redirect_page(entry) as page:
            say(_welcome(page, port, opens=browser))
            asyncio.run(_run(app, listening, session, page, browser=browser))
    say("The review page has ended; everything that was decided is saved.")


def _welcome(page: Path, port: int, *, opens: bool) -> str:
    first = "The review page opens in your browser; if it does not, open" if opens else "Open"
    return (
        f"{first} this file in a browser within {ENTRY_S:.0f} seconds: {page}\n"
        f"From another machine, forward the port first (ssh -L {port}:{ADDRESS}:{port} ...), "
        "then open the address that stands in the file. Ctrl-C ends the review."
    )


def _bound(port: int) -> socket.socket:
    """A socket that listens on the loopback address alone."""
    try:
        listening = socket.create_server((ADDRESS, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise ConfigError(f"port {port} cannot be had ({reason})", advice="choose another, or name none") from None
    # Connections inherit it. Without it an answer's second half waits for the first one's delayed receipt (40 ms), and
    # asyncio sets it only where a socket tells the protocol's number, which an accepted one does not.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def _run(app: ASGIApp, listening: socket.socket, session: Session, page: Path, *, browser: bool) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=LAST_ANSWERS_S,
        )
    )
    removing = asyncio.create_task(_removed(page, session))
    if browser:  # in a thread that nobody waits for: some browsers return only when they are closed
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()
    try:
        await server.serve(sockets=[listening])
    finally:
        removing.cancel()


async def _removed(page: Path, session: Session) -> None:
    """Remove the redirect page when it was used, or has become useless."""
    while session.entry_open:
        await asyncio.sleep(LOOK_EVERY_S)
    page.unlink(missing_ok=True)


@contextmanager
def _redirect_page(url: str) -> Iterator[Path]:
    """A page that leads to the address, for this user's eyes alone; it is gone on leaving."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    own = runtime if Path(runtime).is_absolute() and os.access(runtime, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="review-", dir=own) as folder:
        page = Path(folder) / "review.html"
        descriptor = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(url=url))
        yield page


@contextmanager
def _ended_by_any_signal() -> Iterator[None]:
    """A closed terminal or a `kill` ends us as Ctrl-C does, so that nothing is left lying about.

    The signal is handed on, since uvicorn waits for SIGINT. An exception raised from here could come up in the midst
    of a request, where uvicorn would take it for that request's failure, and go on. A shell that starts us in the
    background has SIGINT ignored, so that is set as well.
    """
    before = {one: signal.signal(one, _as_ctrl_c) for one in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _as_ctrl_c(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def _log_lines() -> None:
    """Our own line of each request goes to standard error; libraries, whose lines hold addresses, say nothing."""
    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
    LOG.addHandler(logging.StreamHandler(sys.stderr))
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
