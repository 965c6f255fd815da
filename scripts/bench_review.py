"""The review page under a long interview, in headless Chromium. Called by scripts/bench review.

Two studies are made of one development interview's own turns, repeated to ten minutes and to three hours at 167 words a
minute, with its roster and its sound; nothing is recognised. `transcribe review` serves each with all its models. Times
are those of the page itself: from the key `a` to the paint of the decision, at a reviewer's pace and back to back; from
the request of the page to the first painted names, over several fresh servers. The server's memory is its own peak.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
from bench import DATA
from bench_release import RosterAlone, fill, interview
from playwright.sync_api import Browser, Page, sync_playwright

from tests.review.browser import LAPTOP, Screen, Served, launch, review, until
from transcribe import intake, listening, people, pipeline, store, study, vault
from transcribe.config import StudyConfig
from transcribe.vault import with_people

NAME = "d1_oluwaseun"
WORDS_A_MINUTE = 167
MINUTES = (10, 180)
PRESSES = 100
SERVERS = 7
PACE_S = 1.0  # from one decision to the next: six times as fast as the study view reckons
BUDGET_MS = 50.0

# Event Timing (W3C), from the key to the next paint, goes in steps of 8 ms and tells nothing below 16.
WATCH = """
window.pressed = [];
window.slow = new Map();
addEventListener("keydown", (event) => event.key === "a" && pressed.push(event.timeStamp), true);
new PerformanceObserver((list) => {
  for (const { name, startTime, duration } of list.getEntries()) if (name === "keydown") slow.set(startTime, duration);
}).observe({ type: "event", durationThreshold: 16 });
const look = () => {
  if (document.querySelector("#transcript .mark")) setTimeout(() => { window.firstView = performance.now(); });
  else requestAnimationFrame(look);
};
look();
"""


def made_study(root: Path, minutes: int) -> tuple[str, int, int]:
    """A study of one interview: its key, its words, its findings."""
    identity = store.new_identity()
    opened = study.create(root, identity, "a passphrase that nobody types")
    unlocked = vault.create(opened, identity)
    roster = people.read((DATA / "interviews" / f"{NAME}.roster_full.csv").read_bytes(), "w1-")
    unlocked.change(lambda known: with_people(known, roster))
    sound, rate = soundfile.read(DATA / "interviews" / f"{NAME}.flac", dtype="int16")
    whole = root.parent / "whole.flac"
    soundfile.write(whole, np.resize(sound, 60 * minutes * rate), rate)
    intake.add(opened, whole, intake.Request(id="R001"), unlocked)
    said = interview("R001", NAME, "w1-", WORDS_A_MINUTE * minutes, 60.0 * minutes)
    fill(unlocked, "R001", said)
    pipeline.refresh_findings(unlocked, RosterAlone(StudyConfig()))
    listening.make(unlocked, "R001")
    found = unlocked.load("R001", "findings", pipeline.Findings)
    assert found
    return str(identity), sum(len(u.words) for u in said.utterances), len(found.value.found)


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and the most."""
    ranks = statistics.quantiles(values, n=20)
    return {"p50": round(ranks[9], 1), "p95": round(ranks[18], 1), "most": round(max(values), 1)}


def accepted(page: Page, pace_s: float) -> dict[str, float]:
    """Milliseconds from the key to the paint of PRESSES decisions, one mark after the other."""
    page.evaluate("pressed.length = 0")
    for _ in range(PRESSES):
        page.keyboard.press("Shift+N")
        time.sleep(pace_s / 2)
        page.keyboard.press("a")
        time.sleep(pace_s / 2)
    time.sleep(2)  # the last ones are told
    until(lambda: page.evaluate("pressed.length") == PRESSES, "every key arrives")
    return percentiles(page.evaluate("pressed.map((at) => slow.get(at) ?? 16)"))


def opened(chromium: Browser, root: Path, key: str) -> float:
    """Milliseconds to the first view of a server that nobody asked before."""
    with review(root, "R001", passphrase=key) as server:
        screen = entered(chromium, server)
        first_ms = float(screen.run("firstView"))
        screen.context.close()
    return first_ms


def entered(chromium: Browser, server: Served) -> Screen:
    """A browser that runs and has none of our files, come in by the redirect page and watched."""
    screen = Screen(chromium.new_context(viewport=LAPTOP), server)
    screen.context.add_init_script(WATCH)
    time.sleep(1)  # a window that opens is at work itself
    return screen.enter()


def measured(chromium: Browser, folder: Path, minutes: int) -> dict[str, Any]:
    """One interview."""
    folder.mkdir()
    key, words, findings = made_study(folder / "study", minutes)
    os.sync()  # else the page is opened while the study's files are still on their way to the disk
    first_ms = [opened(chromium, folder / "study", key) for _ in range(SERVERS)]
    with review(folder / "study", "R001", passphrase=key) as server:
        screen = entered(chromium, server)
        screen.quiet()
        screen.page.reload()
        screen.shows("interview")
        again_ms = float(screen.run("firstView"))
        result = {
            "words": words,
            "findings": findings,
            "first_view_ms": {"p50": round(statistics.median(first_ms)), "most": round(max(first_ms))},
            "again_ms": round(again_ms),
            "accept_ms": accepted(screen.page, PACE_S),
            "accept_back_to_back_ms": accepted(screen.page, 0.0),
            "server_peak_mb": peak_mb(server.process.pid),
            "page_heap_mb": round(screen.run("performance.memory.usedJSHeapSize") / 1e6),
        }
        screen.context.close()
    return result


def peak_mb(pid: int) -> int:
    """The most resident memory that a process has had (Linux), its children's own beside it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    most_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    children = sum(child.memory_info().rss for child in psutil.Process(pid).children(recursive=True))
    return round((most_kb * 1024 + children) / 1e6)


def tables() -> dict[str, Any]:
    """Both interviews, and what three hours cost against ten minutes."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = launch(playwright)
        rows = {f"{minutes} minutes": measured(chromium, Path(folder) / str(minutes), minutes) for minutes in MINUTES}
        chromium.close()
    short, long = rows.values()
    ratios = {
        "accept_p95_to_budget": round(long["accept_ms"]["p95"] / BUDGET_MS, 2),
        "accept_p95_to_ten_minutes": round(long["accept_ms"]["p95"] / short["accept_ms"]["p95"], 2),
        "first_view_to_ten_minutes": round(long["first_view_ms"]["p50"] / short["first_view_ms"]["p50"], 2),
        "server_memory_to_ten_minutes": round(long["server_peak_mb"] / short["server_peak_mb"], 2),
    }
    return {"review": rows, "ratios": ratios}
