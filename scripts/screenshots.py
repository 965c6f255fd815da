"""Writes scripts/pictures: each view of the review page, in Chromium, for the README.

python scripts/screenshots.py [FOLDER]. The study is made by `transcribe` itself of the synthetic development interviews
(../shared/data/interviews), so that no real person shows; the pictures are then looked at by whoever changed the page.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.review.browser import LAPTOP, Screen, launch, review
from tests.study_session import PASSPHRASE, succeed

ROOT = Path(__file__).parent.parent
INTERVIEWS = ROOT.parent / "shared" / "data" / "interviews"
NAMES = ("d1_oluwaseun", "d2_siobhan")


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


def pictures(screen: Screen, folder: Path) -> None:
    """One after the other, as a reviewer goes through them."""

    def take(name: str) -> None:
        screen.page.wait_for_timeout(400)
        screen.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    def over(name: str, *keys: str, box: str, then: Callable[[], object] = lambda: None) -> None:
        screen.press(*keys)
        expect(screen.find(box)).to_be_visible()
        then()
        take(name)
        screen.press("Escape")
        expect(screen.find(box)).to_have_count(0)

    screen.go("R001", "interview")
    decide(screen, 3)
    screen.press("Shift+N")
    take("interview")
    over("why", "w", box=".popover")
    over("keys", "?", box="#help")
    screen.find("#transcript [data-word]").nth(4).click()
    screen.press(" ")
    over("marking", "m", box="#who", then=lambda: expect(screen.find("#who [role=option]").first).to_be_visible())
    screen.press("i")
    take("alike")
    screen.go("R001/preview", "preview")
    take("preview")
    screen.go("people", "people")
    take("people")
    screen.go("search", "search")
    screen.page.keyboard.type("hospital")
    expect(screen.find("#hits li").first).to_be_visible()
    take("search")
    screen.go("", "study")
    take("study")


def main(folder: Path) -> None:
    """Make the study, open the page, write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        root = made_study(Path(home))
        chromium = launch(playwright)
        for scheme in ("light", "dark"):
            with review(root, "R001", passphrase=PASSPHRASE) as server:
                screen = Screen(chromium.new_context(viewport=LAPTOP, color_scheme=scheme), server).enter()
                screen.quiet()
                if scheme == "light":
                    pictures(screen, folder)
                else:
                    screen.go("R001", "interview")
                    screen.press("Shift+N")
                    screen.page.wait_for_timeout(400)
                    screen.page.screenshot(path=folder / "dark.png", animations="disabled")
                screen.context.close()
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "scripts" / "pictures")
