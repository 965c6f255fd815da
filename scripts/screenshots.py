"""Writes scripts/pictures: each view of the review page, in Chromium, for the README.

python scripts/screenshots.py [FOLDER]. The study is made by `transcribe` itself of the synthetic development interviews
(../shared/data/interviews), so that no real person shows; the pictures are then looked at by whoever changed the page.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.review.browser import LAPTOP, Screen, launch, review
from tests.study_session import PASSPHRASE, succeed

ROOT = Path(__file__).parent.parent
INTERVIEWS = ROOT.parent / "shared" / "data" / "interviews"
NAMES = ("d1_oluwaseun", "d2_siobhan")
Take = Callable[[str], None]


def made_study(home: Path) -> Path:
    """Two interviews, as `run` leaves them; `succeed` gives the passphrase."""
    root = home / "study"
    succeed("new", root)
    for number, name in enumerate(NAMES, 1):
        succeed("people", root, "import", INTERVIEWS / f"{name}.roster.csv", "--prefix", f"w{number}-")
        succeed("add", root, INTERVIEWS / f"{name}.flac", "--who", f"w{number}-P1,w{number}-R1")
    succeed("run", root)
    return root


def decide(screen: Screen, count: int) -> None:
    """Accept so many open places."""
    for _ in range(count):
        if "Nothing" in screen.find("#status").inner_text():
            return
        screen.key("n", "a")


def first_pass(screen: Screen, take: Take) -> None:
    """Through the views, as a reviewer goes."""

    def over(name: str, key: str, box: str, ready: str = "") -> None:
        screen.press(key)
        expect(screen.find(ready or box).first).to_be_visible()
        take(name)
        screen.press("Escape")
        expect(screen.find(box)).to_have_count(0)

    decide(screen, 3)
    screen.quiet()
    screen.press("Shift+N")
    take("interview")
    over("why", "w", ".popover")
    over("keys", "?", "#help")
    over("marking", "c", "#who", "#who-likely")
    screen.press("i")
    expect(screen.find("#alike button.row").first).to_be_visible()
    take("alike")
    for place, view in (("R001/preview", "preview"), ("people", "people"), ("search", "search"), ("", "study")):
        screen.go(place, view)
        if view == "search":
            screen.page.keyboard.type("hope")
            expect(screen.find("#hits li").first).to_be_visible()
        if view == "study":
            expect(screen.find("#summary")).to_contain_text("settled")
        take(view)


def second_pass(screen: Screen, take: Take) -> None:
    """Somebody else decides otherwise here and there."""
    for key in "xax":
        screen.press("Shift+N")
        screen.key(key)
    take("second")


def compared(screen: Screen, take: Take) -> None:
    """What the first one sees of it."""
    screen.go("R001/agreement", "agreement")
    expect(screen.find("#differences")).to_be_visible()
    take("agreement")


def in_the_dark(screen: Screen, take: Take) -> None:
    """The same at night."""
    screen.press("Shift+N")
    take("dark")


WALKS = (
    (first_pass, "AB", (), "light"),
    (second_pass, "CD", ("--second",), "light"),
    (compared, "AB", (), "light"),
    (in_the_dark, "AB", (), "dark"),
)


def main(folder: Path) -> None:
    """Make the study, open the page, write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        root = made_study(Path(home))
        chromium = launch(playwright)
        for walk, alias, options, scheme in WALKS:
            with review(root, "R001", *options, passphrase=PASSPHRASE, alias=alias) as server:
                screen = Screen(chromium.new_context(viewport=LAPTOP, color_scheme=scheme), server).enter()

                def take(name: str, page: Page = screen.page) -> None:
                    page.wait_for_timeout(600)
                    page.screenshot(path=folder / f"{name}.png", animations="disabled")

                walk(screen, take)
                screen.context.close()
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "scripts" / "pictures")
