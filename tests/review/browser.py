"""The review page in a real Chromium, before a server that the command started, as a reviewer has it."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Response, expect

from tests.study_session import PROGRAM

CHROMIUM = "/usr/bin/chromium"
LAPTOP = {"width": 1366, "height": 768}
PATIENCE_S = 30.0
"""How long a test waits for what must come; recognition's and other tests' work may share the machine."""
expect.set_options(timeout=1000 * PATIENCE_S)
ASKED = 'fetch(path, { headers: { "X-Review-Token": localStorage.getItem("token") } })'


def until(holds: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition. The page's policy forbids playwright's own wait_for_function, which needs eval."""
    ends = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < ends, f"it never came: {what}"
        time.sleep(0.05)


class Served:
    """A running server: where its redirect page lies, and what it logged."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.log = log
        said = process.stdout.readline() + process.stdout.readline()
        found = re.search(r": (/\S+\.html)\s", said)
        assert found, log.read_text()
        self.page = Path(found[1])
        entry = re.search(r"url=(\S+)\"", self.page.read_text())
        assert entry
        self.entry = entry[1]
        self.home = self.entry.partition("/enter")[0]


@contextmanager
def served(command: list[str], log: Path, passphrase: str) -> Iterator[Served]:
    """The server that a command starts, killed at the end."""
    told = {**os.environ, "TRANSCRIBE_PASSPHRASE": passphrase, "NO_COLOR": "1", "COLUMNS": "400"}
    with log.open("a") as errors:
        process = subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield Served(process, log)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def review(root: Path, *options: str, passphrase: str, alias: str = "AB") -> Any:
    """`transcribe review` of a study."""
    command = [PROGRAM, "review", str(root), *options, "--reviewer", alias, "--no-browser"]
    return served(command, root.parent / f"{root.name}.log", passphrase)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    )


class Screen:
    """One window on the page; all that it asked for, and every fault of the page, is kept."""

    def __init__(self, context: BrowserContext, server: Served) -> None:
        self.context = context
        self.server = server
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.expected: tuple[int, ...] = ()
        context.on("request", lambda request: self.asked.append(request.url))
        self.page = self._new_page()

    def _new_page(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: self._heard(line.text, line.location["url"]) if line.type == "error" else None)
        page.on("dialog", lambda box: (self.faults.append(f"a script spoke: {box.message}"), box.dismiss()))
        return page

    def _heard(self, text: str, url: str) -> None:
        """An error of the console. An answer that a test expects is none, nor is that there is no favicon.ico, which
        Chromium asks for while it goes from the entry to the page.
        """
        if not url.endswith("/favicon.ico") and not any(f"status of {status}" in text for status in self.expected):
            self.faults.append(f"{text} {url}")

    def enter(self) -> "Screen":
        """By the redirect page, as the browser is sent there."""
        self.page.goto(self.server.page.as_uri())
        self.shows("interview", "study")
        return self

    def tab(self) -> "Screen":
        """Another tab of the same browser."""
        other = Screen.__new__(Screen)
        other.__dict__.update(self.__dict__)
        other.page = self._new_page()
        other.page.goto(f"{self.server.home}/")
        other.shows("interview", "study")
        return other

    # --- where one is

    def shows(self, *views: str) -> None:
        """Wait for one of these views, loaded."""
        html = self.page.locator("html")
        expect(html).to_have_attribute("data-view", re.compile("|".join(f"^{view}$" for view in views)))
        expect(self.page.locator("main .wait")).to_have_count(0)

    def go(self, place: str, view: str) -> None:
        """Follow an address of the page, such as "R001/preview"."""
        self.page.goto(f"{self.server.home}/#/{place}")
        expect(self.page.locator("#top nav")).to_be_visible()
        title = {"": "Study", "people": "People", "search": "Search"}.get(place, place.partition("/")[0])
        expect(self.page).to_have_title(re.compile(f"^{title}"))
        self.shows(view)

    def find(self, selector: str, **of: Any) -> Locator:
        return self.page.locator(selector, **of)

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def get(self, path: str) -> Any:
        """What the server answers the page, in JSON."""
        return self.run(f"path => {ASKED}.then(answer => answer.json())", path)

    def status(self, path: str) -> int:
        """With which status the server answers the page."""
        return int(self.run(f"path => {ASKED}.then(answer => answer.status)", path))

    # --- marks and words

    def mark(self, text: str) -> Locator:
        """The first mark over these words."""
        hit = self.page.locator(".hit", has_text=re.compile(f"^{re.escape(text)}$"))
        return self.page.locator("#transcript .mark[data-mark]").filter(has=hit).first

    def marks(self, text: str) -> Locator:
        """All marks over these words."""
        hit = self.page.locator(".hit", has_text=re.compile(f"^{re.escape(text)}$"))
        return self.page.locator("#transcript .mark[data-mark]").filter(has=hit)

    def marks_of(self, turn: str) -> list[str]:
        """What is marked in a turn."""
        return self.page.locator(f'#transcript [data-turn="{turn}"] .mark[data-mark] .hit').all_inner_texts()

    def word(self, turn: str, text: str) -> Locator:
        """The first word of a turn that reads so."""
        words = self.page.locator(f'#transcript [data-turn="{turn}"] [data-word]')
        return words.filter(has_text=re.compile(f"^{re.escape(text)}$")).first

    def turn(self, turn: str) -> str:
        """A turn's words as the page has them, without what stands beside marks."""
        words = self.page.locator(f'#transcript [data-turn="{turn}"] :is([data-word], [data-rest])')
        return " ".join(words.all_inner_texts())

    # --- acting

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def acted(self, do: Callable[[], object], path: str = "/act") -> Response:
        """Do something that the server must be told; its answer, once the page has it."""
        with self.page.expect_response(lambda answer: answer.url.endswith(path), timeout=60_000) as told:
            do()
        told.value.finished()
        return told.value

    def key(self, *keys: str, path: str = "/act") -> None:
        """Keys of which the last makes an act, answered well."""
        self.press(*keys[:-1])
        answer = self.acted(lambda: self.press(keys[-1]), path)
        assert answer.status == 200, answer.text()

    def undo(self) -> None:
        self.key("u", path="/undo")

    def redo(self) -> None:
        self.key("r", path="/redo")

    def quiet(self) -> None:
        """Wait until the server looks for nothing any more."""
        expect(self.page.locator("#status")).not_to_contain_text("Still looking", timeout=90_000)
