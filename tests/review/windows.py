"""Browser windows on a study that no model has touched, before a server within this process: quick, and both can be
acted on behind the page's back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, expect

from tests.builders import add_detected, new_unlocked, transcript
from tests.review.browser import LAPTOP, Screen, until
from tests.review.test_office import ENGINES, FIRST, PEOPLE, SECOND
from transcribe.errors import LockedError
from transcribe.pipeline import refresh_findings
from transcribe.review import server, serving
from transcribe.review.desk import Reviewer
from transcribe.review.office import Office
from transcribe.review.session import Session
from transcribe.vault import Unlocked

PASSPHRASE = "correct horse"


def quick_study(folder: Path, sound: bytes | None = None) -> Unlocked:
    """Two recordings; without their sound a click on a word plays nothing."""
    opened = new_unlocked(folder / "study", PEOPLE)
    add_detected(opened, transcript(*FIRST), sound=sound, who=("P1", "R1"))
    add_detected(opened, transcript(*SECOND, recording_id="R002"), who=("P1", "R1"))
    refresh_findings(opened, ENGINES)
    return opened


class Running:
    """A server of `transcribe review`, without the command around it."""

    def __init__(self, unlocked: Unlocked, *, second: bool = False) -> None:
        self.session = Session()
        self._unlocked = unlocked
        self._second = second
        self._socket = serving._bound(0)
        self.home = f"http://{serving.ADDRESS}:{self._socket.getsockname()[1]}"
        application = server.app(self._unlock, self._office(), self.session)
        self._server = uvicorn.Server(
            uvicorn.Config(application, lifespan="on", log_config=None, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "the server has started")

    def _office(self) -> Office:
        reviewer = Reviewer(alias="AB", second=self._second)
        return Office(Unlocked(self._unlocked.study, self._unlocked.identity), ENGINES, reviewer, "R001")

    def _unlock(self, passphrase: str) -> Office:
        if passphrase != PASSPHRASE:
            raise LockedError("the passphrase does not open this study")
        return self._office()

    @property
    def entry(self) -> str:
        return f"{self.home}/enter?token={self.session.new_entry()}"

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@contextmanager
def window(browser: Browser, unlocked: Unlocked, *, second: bool = False, clock: bool = False) -> Iterator[Screen]:
    """A window on R001; at the end nothing may have gone wrong in it. `clock`: the page's time can be put on."""
    running: Any = Running(unlocked, second=second)
    context = browser.new_context(viewport=LAPTOP, reduced_motion="reduce")
    try:
        screen = Screen(context, running)
        if clock:
            screen.page.clock.install()
        screen.page.goto(running.entry)
        screen.shows("interview")
        screen.quiet()
        yield screen
    finally:
        context.close()
        running.end()
    assert screen.faults == []


def unlock(screen: Screen) -> None:
    """Give the passphrase that the page asks for."""
    expect(screen.find("#unlock")).to_be_visible()
    screen.find("#passphrase").fill(PASSPHRASE)
    screen.press("Enter")
    expect(screen.find("#unlock")).to_have_count(0)


def focused(screen: Screen) -> None:
    """Somebody comes back to the window."""
    screen.run("window.dispatchEvent(new Event('focus'))")
