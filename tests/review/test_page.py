"""The review page in headless Chromium, on a study that the pipeline made of real recordings with real weights."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import soundfile
from playwright.sync_api import Browser, Route, expect

from tests.conftest import REPOSITORY
from tests.review.browser import LAPTOP, Screen, Served, review, served, until
from tests.study_session import journal, new_study, succeed
from transcribe import study as studies
from transcribe import vault
from transcribe.invented import Flagged
from transcribe.schema import Cause, Transcript, Unclear

pytestmark = [pytest.mark.weights, pytest.mark.slow, pytest.mark.system("chromium")]

SCRIPT = "<script>window.hacked=1</script>"
IMAGE = '<img src=x onerror="window.hacked=1">'
ROSTER = f"""\
id,kind,role,names,relation,of,pseudonym
Z1,person,<b>friend</b>,Zebedee {SCRIPT},{IMAGE.replace('"', "")},,
"""
TALK = f"""\
Hartley: So, Diane, how was the move to Abercwmboi?

Diane: It was hard. My sister Gwendolen helped. Then there was a beep.

Hartley: And then?

Diane: Then she said {SCRIPT} and {IMAGE} and left. It was a beep again.
"""
CLIP_S = 38  # two turns of each speaker, with the infant, a brother, a hospital and the home town
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
GRAVE = {"serious", "critical"}


@dataclass(frozen=True)
class Made:
    """A study as the pipeline left it; its recovery key opens it without a passphrase's slowness."""

    root: Path
    key: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, model_path: Callable[[str], Path]) -> Made:
    """R001 the demo call, with a stretch flagged; T001 a transcript with scripts in it; R002 a development interview,
    where that is present.
    """
    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    home = tmp_path_factory.mktemp("page")
    root = new_study(home / "study", sample_dir / "sample.wav")
    interview = REPOSITORY.parent / "shared" / "data" / "interviews" / "d1_oluwaseun.flac"
    if interview.exists():
        sound, rate = soundfile.read(interview, frames=CLIP_S * 16_000)
        soundfile.write(home / "clip.flac", sound, rate)
        succeed("people", root, "import", interview.with_suffix(".roster.csv"), "--prefix", "d")
        succeed("add", root, home / "clip.flac", "--speakers", "2", "--who", "dP1,dR1")
    succeed("run", root)
    (home / "roster.csv").write_text(ROSTER, encoding="utf-8")
    (home / "talk.txt").write_text(TALK, encoding="utf-8")
    succeed("people", root, "import", home / "roster.csv")
    succeed("anonymise", home / "talk.txt", "--study", root, "--who", "P1,R1")
    key = (home / "recovery.txt").read_text().strip()
    flag(root, key)
    return Made(root, key)


def flag(root: Path, key: str) -> None:
    """A stretch that perhaps nobody said: the third turn, whole."""
    unlocked = vault.unlock(studies.open_study(root), key)
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    third = stored.value.utterances[2]
    text = third.text
    start = len(text) - len(text.lstrip())
    stretch = Unclear(
        id="X0001",
        utterance_id=third.id,
        first_word=0,
        last_word=len(third.words) - 1,
        start=start,
        end=len(text.rstrip()),
        start_s=third.start_s,
        end_s=third.end_s,
        causes=(Cause.NOBODY,),
    )
    unlocked.save("R001", "invented", Flagged(source=stored.body_sha256, stretches=(stretch,)), "planted")


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    """The test's own study."""
    return shutil.copytree(made.root, tmp_path / "study")


Opened = Callable[..., Screen]


@pytest.fixture
def opened(chromium: Browser, made: Made, copy: Path) -> Iterator[Opened]:
    """Start the server on the test's own study and open the page; at the end nothing may have gone wrong in it."""
    screens: list[Screen] = []
    running: list[Any] = []

    def start(*options: str, alias: str = "AB", look: dict[str, Any] | None = None) -> Screen:
        server = review(copy, *options, passphrase=made.key, alias=alias)
        running.append(server)
        screens.append(Screen(chromium.new_context(viewport=LAPTOP, **(look or {})), server.__enter__()))
        return screens[-1].enter()

    yield start
    for screen in screens:
        screen.context.close()
    for server in running:
        server.__exit__(None, None, None)
    for screen in screens:
        assert screen.faults == []
        local = (f"{screen.server.home}/", screen.server.page.as_uri(), "data:", "blob:")
        assert [url for url in screen.asked if not url.startswith(local)] == []


@pytest.fixture(scope="module")
def shared_server(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for tests that change nothing."""
    root = shutil.copytree(made.root, tmp_path_factory.mktemp("shared") / "study")
    with review(root, "R001", passphrase=made.key) as server:
        yield server


@pytest.fixture(scope="module")
def state(chromium: Browser, shared_server: Served) -> Any:
    """What the browser of whoever came in there keeps."""
    screen = Screen(chromium.new_context(), shared_server).enter()
    return screen.context.storage_state()


@pytest.fixture
def reading(chromium: Browser, shared_server: Served, state: Any) -> Iterator[Opened]:
    """A window on that server, of the wished look."""
    screens: list[Screen] = []

    def start(**look: Any) -> Screen:
        context = chromium.new_context(**{"viewport": LAPTOP, "storage_state": state, **look})
        screens.append(Screen(context, shared_server))
        screens[-1].go("R001", "interview")
        return screens[-1]

    yield start
    for screen in screens:
        screen.context.close()
        assert screen.faults == []


def open_count(screen: Screen) -> int:
    return len(screen.get("/api/recordings/R001")["open"])


def restored(screen: Screen) -> None:
    """R001 without an open place."""
    screen.key("n", "o")
    expect(screen.find("#status")).to_contain_text("Nothing is open")


# --- coming in ----------------------------------------------------------------------------------------------------


def test_the_redirect_page_leads_in_once(opened: Opened) -> None:
    screen = opened("R001")
    expect(screen.find("html")).to_have_attribute("data-view", "interview")
    until(lambda: not screen.server.page.exists(), "the redirect page is removed")
    again = screen.page.request.get(screen.server.entry)
    assert again.status == 403
    assert "Start `transcribe review` again" in again.text()
    with screen.context.expect_page() as beside:
        screen.find("#top a", has_text="People").click(modifiers=["Control"])
    expect(beside.value.locator("#people")).to_be_visible()
    assert screen.context.cookies() == []
    assert "token" not in screen.run("location.href + document.cookie")
    assert {line.split()[0] for line in screen.server.log.read_text().splitlines()} <= {"GET", "POST"}


# --- sound --------------------------------------------------------------------------------------------------------


def now_s(screen: Screen) -> float:
    return float(screen.run("document.getElementById('audio').currentTime"))


def test_play_hear_seek_and_follow(reading: Opened) -> None:
    screen = reading()
    screen.press(" ")
    until(lambda: now_s(screen) > 0.4, "the sound plays")
    expect(screen.find("#play")).to_have_attribute("data-playing", "true")
    screen.press(" ")
    expect(screen.find("#play")).to_have_attribute("data-playing", "false")
    screen.word("U0004", "thought,").click()
    begin = screen.get("/api/recordings/R001")["turns"][3]["words"][2][1]
    until(lambda: begin - 0.05 <= now_s(screen) <= begin + 4, "a click on a word plays it")
    lit = ".said-now"
    expect(screen.find(lit).first).to_be_visible()
    first = screen.find(lit).first.inner_text()
    until(lambda: screen.find(lit).count() and screen.find(lit).first.inner_text() != first, "the highlight moves on")
    at = now_s(screen)
    screen.find("#back").click()
    until(lambda: now_s(screen) < at - 1.5, "back 3 s")
    screen.find("#speed").select_option("2")
    at = now_s(screen)
    until(lambda: now_s(screen) > at + 2, "it goes on at twice the speed")
    assert screen.run("document.getElementById('audio').preservesPitch") is True
    assert screen.run("document.getElementById('audio').playbackRate") == 2
    screen.find("#strip").click(position={"x": 10, "y": 10})
    until(lambda: now_s(screen) < 5, "the strip seeks")


# --- deciding -----------------------------------------------------------------------------------------------------


def test_accept_keep_undo_and_redo_many_times(opened: Opened) -> None:
    screen = opened("R001")
    names = ("Diane", "Sheila", "Texas")
    before = [screen.mark(name).get_attribute("data-state") for name in names]
    assert before == ["withheld"] * 3
    for name, key, state in zip(names, "axx", ("withheld", "kept", "kept"), strict=True):
        screen.mark(name).focus()
        screen.mark(name).click()
        screen.key(key)
        expect(screen.mark(name)).to_have_attribute("data-state", state)
        expect(screen.mark(name)).to_have_attribute("data-decided", "")
    for _ in range(3):
        for _ in names:
            screen.undo()
        for name in names:
            expect(screen.mark(name)).to_have_attribute("data-state", "withheld")
            expect(screen.mark(name)).not_to_have_attribute("data-decided", "")
        for _ in names:
            screen.redo()
        expect(screen.mark("Texas")).to_have_attribute("data-state", "kept")
    screen.quiet()
    screen.page.reload()
    screen.shows("interview")
    expect(screen.mark("Sheila")).to_have_attribute("data-state", "kept")
    screen.find("#undo").click()
    expect(screen.mark("Texas")).to_have_attribute("data-state", "withheld")


def test_the_same_everywhere_reaches_every_mention_and_the_other_recording(opened: Opened) -> None:
    screen = opened("R001")
    screen.mark("New Jersey").click()
    screen.key("Shift+X")
    count = screen.marks("New Jersey").count()
    assert count == 3
    for n in range(count):
        expect(screen.marks("New Jersey").nth(n)).to_have_attribute("data-state", "kept")
    screen.mark("Diane").click()
    screen.key("Shift+X")
    screen.go("T001", "interview")
    expect(screen.mark("Diane")).to_have_attribute("data-state", "kept")
    screen.go("R001", "interview")
    screen.undo()
    expect(screen.mark("Diane")).to_have_attribute("data-state", "withheld")
    screen.go("T001", "interview")
    expect(screen.mark("Diane")).to_have_attribute("data-state", "withheld")


def choose(screen: Screen, wanted: str, *, everywhere: bool = False) -> None:
    """The first fitting line of the dialog that asks whom words mean."""
    expect(screen.find("#who [role=option]").first).to_be_visible()
    screen.find("#who-filter").fill(wanted)
    expect(screen.find("#who [role=option][aria-selected=true]")).to_contain_text(re.compile(wanted, re.IGNORECASE))
    screen.key("Shift+Enter" if everywhere else "Enter")


def test_another_person_is_chosen_for_a_mark(opened: Opened) -> None:
    screen = opened("R001")
    screen.mark("Sheila").click()
    screen.press("c")
    choose(screen, "new: therapist")
    expect(screen.mark("Sheila")).to_have_attribute("aria-label", re.compile("therapist"))
    screen.mark("Sheila").click()
    screen.press("c")
    choose(screen, "Diane")
    expect(screen.mark("Sheila").locator(".as")).to_contain_text(
        screen.mark("Diane").locator(".as").inner_text().split()[1]
    )
    screen.undo()
    expect(screen.mark("Sheila")).to_have_attribute("aria-label", re.compile("therapist"))


def test_what_she_points_at_stays_pointed_at_when_the_likely_ones_come_late(opened: Opened) -> None:
    screen = opened("T001")
    late: list[Route] = []
    screen.page.route("**/suggest", lambda route: late.append(route))
    screen.word("U0002", "hard.").click()
    screen.press("m")
    expect(screen.find("#who [role=option]").filter(has_text="Diane").first).to_be_visible()
    screen.press("ArrowDown", "ArrowDown")
    pointed = screen.find("#who [role=option][aria-selected=true]")
    label = pointed.inner_text()
    (held,) = late
    held.fulfill(json={"who": [{"label": "A likely one", "why": "", "who": {"kind": "date"}}]})
    expect(screen.find("#who [role=option]").first).to_contain_text("A likely one")
    assert pointed.inner_text() == label
    screen.find("#who-filter").fill("likely")
    expect(pointed).to_contain_text("A likely one")
    screen.press("Escape")
    screen.page.unroute("**/suggest")


def test_a_missed_name_is_marked_and_replaced_in_the_whole_study(opened: Opened) -> None:
    screen = opened("T001")
    expect(screen.marks("beep")).to_have_count(0)
    screen.word("U0002", "beep.").click()
    screen.press("m")
    choose(screen, "new: therapist", everywhere=True)
    screen.quiet()
    expect(screen.marks("beep")).to_have_count(2)
    instead = screen.mark("beep").locator(".as").inner_text().split()[1]
    screen.go("R001", "interview")
    expect(screen.marks("beep")).to_have_count(1)
    for recording in ("R001", "T001"):
        assert "beep" not in written(screen, recording)
        assert instead in written(screen, recording)


def test_selecting_with_the_mouse_marks_a_missed_name(opened: Opened) -> None:
    screen = opened("R001")
    first, last = screen.word("U0004", "heard"), screen.word("U0004", "a")
    begin, end = first.bounding_box(), last.bounding_box()
    assert begin
    assert end
    screen.page.mouse.move(begin["x"] + 2, begin["y"] + 8)
    screen.page.mouse.down()
    screen.page.mouse.move(end["x"] + end["width"] - 2, end["y"] + 8, steps=4)
    screen.page.mouse.up()
    expect(screen.find("#transcript .chosen")).to_have_text(["heard", "a"])
    screen.find("#add").click()
    choose(screen, "a date")
    expect(screen.mark("heard a")).to_have_attribute("data-state", "withheld")


# --- correcting ---------------------------------------------------------------------------------------------------


def test_words_are_edited_turns_split_and_joined_and_a_speaker_changed(opened: Opened) -> None:
    screen = opened("R001")
    screen.word("U0002", "hello.").click()
    screen.press("t")
    expect(screen.find("#words")).to_have_value("hello.")
    screen.find("#words").fill("goodbye.")
    screen.key("Enter")
    expect(screen.word("U0002", "goodbye.")).to_be_visible()
    before = screen.find("[data-turn]").count()
    screen.word("U0002", "didn't").click()
    screen.key("s")
    expect(screen.find("#transcript [data-turn]")).to_have_count(before + 1)
    made = screen.find("#transcript [data-turn]").nth(2)
    expect(made.locator("[data-word]").first).to_have_text("didn't")
    screen.press("v")
    expect(screen.find("dialog#speaker")).to_be_visible()
    name = made.locator(".speaker").inner_text()
    screen.key("Enter")
    expect(made.locator(".speaker")).not_to_have_text(name)
    screen.word("U0002", "goodbye.").click()
    screen.key("g")
    expect(screen.find("#transcript [data-turn]")).to_have_count(before)
    for _ in range(4):
        screen.undo()
    expect(screen.word("U0002", "hello.")).to_be_visible()
    expect(screen.find("#transcript [data-turn]")).to_have_count(before)


def test_words_written_stay_where_she_clicks_elsewhere_and_escape_leaves_them(opened: Opened) -> None:
    screen = opened("R001")
    screen.word("U0002", "hello.").click()
    screen.press("t")
    screen.find("#words").fill("goodbye.")
    answer = screen.acted(screen.word("U0004", "heard").click)
    assert answer.status == 200
    expect(screen.word("U0002", "goodbye.")).to_be_visible()
    expect(screen.find("#words")).to_have_count(0)
    expect(screen.find("#transcript .chosen")).to_have_text("heard")
    screen.word("U0002", "goodbye.").click()
    screen.press("t")
    screen.find("#words").fill("never mind.")
    screen.press("Escape")
    expect(screen.word("U0002", "goodbye.")).to_be_visible()
    screen.press("t")
    screen.word("U0004", "heard").click()
    screen.undo()  # of the one correction: nothing else was done
    expect(screen.word("U0002", "hello.")).to_be_visible()


def test_a_flagged_stretch_is_left_unclear_restored_or_dropped(opened: Opened) -> None:
    screen = opened("R001")
    assert open_count(screen) == 1
    expect(screen.find("#settle")).to_contain_text("1 open")
    screen.press("n")
    assert screen.acted(screen.find("#unclear").click).status == 200
    expect(screen.find("[data-flagged=X0001]")).to_have_attribute("data-state", "unclear")
    expect(screen.find("[data-flagged=X0001]")).to_have_attribute("data-decided", "")
    assert open_count(screen) == 0
    assert "[unclear]" in written(screen)
    screen.undo()
    screen.key("n", "o")
    expect(screen.find("[data-flagged=X0001]")).to_have_attribute("data-state", "restored")
    assert open_count(screen) == 0
    screen.undo()
    assert open_count(screen) == 1
    screen.key("n", "d")
    expect(screen.find("#status")).to_contain_text("Nothing is open")
    assert "Neither" not in written(screen)
    assert "[unclear]" not in written(screen)


def written(screen: Screen, recording: str = "R001") -> str:
    """What a release would write, without the speakers."""
    lines = screen.get(f"/api/recordings/{recording}/preview")["lines"]
    return "".join(part for line in lines for part, _ in line["parts"])


# --- people, search, preview --------------------------------------------------------------------------------------


def person(screen: Screen, name: str) -> Any:
    return screen.find("#people tr[data-person]", has=screen.page.locator("th", has_text=re.compile(f"^{name}\\b")))


def test_people_are_renamed_merged_and_parted(opened: Opened) -> None:
    screen = opened("R001")
    screen.quiet()
    screen.go("people", "people")
    path = "/people/act"
    person(screen, "Diane").get_by_role("button", name="Pseudonym").click()
    screen.find("#field-pseudonym").fill("Marigold")
    screen.key("Enter", path=path)
    expect(person(screen, "Diane").locator(".as")).to_contain_text("Marigold")
    person(screen, "Sheila").get_by_role("button", name="Merge").click()
    screen.find("#field-into").select_option("P1")
    button = screen.find("dialog .primary")
    assert screen.acted(button.click, path).status == 200
    expect(person(screen, "Sheila")).to_contain_text("the same as Diane")
    screen.go("R001", "interview")
    expect(screen.mark("Sheila").locator(".as")).to_contain_text("Marigold")
    expect(screen.mark("Diane").locator(".as")).to_contain_text("Marigold")
    screen.go("people", "people")
    part = person(screen, "Sheila").get_by_role("button", name="Part")
    assert screen.acted(part.click, path).status == 200
    expect(person(screen, "Sheila")).not_to_contain_text("the same as")
    screen.key("u", path="/people/undo")
    expect(person(screen, "Sheila")).to_contain_text("the same as Diane")
    screen.key("u", path="/people/undo")
    screen.key("u", path="/people/undo")
    expect(person(screen, "Diane").locator(".as")).not_to_contain_text("Marigold")


def test_search_finds_in_the_study_and_jumps(reading: Opened) -> None:
    screen = reading()
    screen.press("/")
    screen.shows("search")
    screen.page.keyboard.type("diane")
    hits = screen.find("#hits a")
    expect(hits.first).to_be_visible()
    assert {text[:4] for text in hits.all_inner_texts()} >= {"R001", "T001"}
    hits.filter(has_text="R001").first.click()
    screen.shows("interview")
    expect(screen.find("#transcript .cursor").first).to_be_in_viewport()


# --- settle and release -------------------------------------------------------------------------------------------


def settle(screen: Screen) -> None:
    """Settle, and accept whatever the second reading brings up, as often as it does."""
    for _ in range(4):
        screen.quiet()
        screen.press("Shift+S")
        expect(screen.find("dialog")).to_be_visible()
        answer = screen.acted(lambda: screen.press("Enter"), "/settle")
        if answer.status == 200:
            break
        expect(screen.find("#status")).to_contain_text("open")
        while "Nothing" not in screen.find("#status").inner_text():
            screen.key("n", "a")
    screen.shows("preview")
    expect(screen.find("#settle")).to_contain_text("Settled")


NAMES = re.compile(r"\b(Diane|Sheila|New Jersey|Texas|Chicago)\b", re.IGNORECASE)


def test_settling_is_shut_while_a_place_is_open_and_what_is_released_bears_no_name(opened: Opened, copy: Path) -> None:
    screen = opened("R001")
    settle_button = screen.find("#settle")
    expect(settle_button).to_have_attribute("aria-disabled", "true")
    settle_button.click(force=True)  # shut, but it leads to what is open
    expect(screen.find("[data-flagged=X0001]")).to_have_attribute("aria-current", "true")
    screen.key("o")
    expect(settle_button).to_have_attribute("aria-disabled", "false")
    settle(screen)
    expect(screen.find(".sides .pair[data-turn]")).to_have_count(8)
    for text in screen.find(".sides .released").all_inner_texts():
        assert not NAMES.search(text)
    assert NAMES.search(" ".join(screen.find(".sides .identified").all_inner_texts()))
    screen.find("#release").click()
    answer = screen.acted(screen.find("#release-go").click, "/api/release")
    assert answer.status == 200
    expect(screen.find(".answer")).to_contain_text("Release 1 is written")
    folder = copy / "release" / "001"
    assert {path.suffix for path in folder.glob("R001_*")} == {".txt", ".docx"}
    for path in folder.glob("*.txt"):
        text = path.read_text()
        assert not NAMES.search(text)
        assert "UNREVIEWED" not in text.upper()
    assert not NAMES.search((copy / "audit.jsonl").read_text() + screen.server.log.read_text())
    assert journal(copy)
    screen.find("dialog .close").click()
    screen.go("", "study")
    expect(screen.find("tr[data-recording=R001]")).to_have_attribute("data-state", "released")
    expect(screen.find("tr[data-recording=R001]")).to_contain_text("AB")


@pytest.mark.data
def test_by_keyboard_alone_from_load_to_release(opened: Opened, copy: Path, shared_data: Path) -> None:
    """The development interview: no call of the mouse anywhere."""
    assert shared_data
    screen = opened()
    screen.shows("study")
    row = "R002"
    for _ in range(4):
        if screen.run("document.activeElement.textContent") == row:
            break
        screen.press("j")
    screen.press("Enter")
    screen.shows("interview")
    expect(screen.page).to_have_title(re.compile(f"^{row}"))
    expect(screen.find("#transcript .as", has_text="stays, by the policy")).to_have_count(1)  # a child's age
    screen.press("?")
    expect(screen.find("#help")).to_be_visible()
    screen.press("Escape")
    expect(screen.find("#help")).to_have_count(0)
    for _ in range(40):
        if "Nothing" in screen.find("#status").inner_text():
            break
        screen.key("n", "a")
    screen.press("ArrowDown", "ArrowRight", "Shift+ArrowRight")
    expect(screen.find("#transcript .chosen")).not_to_have_count(1)
    screen.press("m")
    expect(screen.find("#who [role=option]").first).to_be_visible()
    screen.page.keyboard.type("a date")
    screen.key("Enter")
    screen.undo()
    screen.press("Shift+N", "w")
    expect(screen.find(".popover")).to_be_visible()
    screen.press("Escape")
    expect(screen.find(".popover")).to_have_count(0)
    screen.press(" ")
    until(lambda: now_s(screen) > 0.2, "space plays")
    screen.press(" ")
    settle(screen)
    screen.press("Shift+L")
    expect(screen.find("#release-dialog")).to_be_visible()
    for _ in range(80):
        if screen.run("document.activeElement.id") == "release-go":
            break
        screen.press("Tab")
    assert screen.acted(lambda: screen.press("Enter"), "/api/release").status == 200
    text = next((copy / "release" / "001").glob("R002_*.txt")).read_text()
    for name in ("Oluwaseun", "Kwame", "Southmead", "Tamsin", "Bristol"):
        assert name not in text


# --- the key, other windows, a killed server ----------------------------------------------------------------------


def test_locked_and_unlocked_again(opened: Opened, made: Made) -> None:
    screen = opened("R001")
    screen.expected = (401, 403)
    screen.press("Shift+K")
    expect(screen.find("#unlock")).to_be_visible()
    screen.press("Escape", "Escape", "Escape")
    expect(screen.find("#unlock")).to_be_visible()
    assert screen.status("/api/study") == 401
    screen.page.keyboard.type("not the passphrase")
    assert screen.acted(lambda: screen.press("Enter"), "/unlock").status == 403
    expect(screen.find("#unlock .wrong")).not_to_be_empty()
    screen.find("#passphrase").fill(made.key)
    assert screen.acted(lambda: screen.press("Enter"), "/unlock").status == 200
    expect(screen.find("#unlock")).to_have_count(0)
    screen.mark("Sheila").click()
    screen.key("x")
    expect(screen.mark("Sheila")).to_have_attribute("data-state", "kept")


def test_an_idle_server_puts_the_key_away_and_the_act_is_done_after_unlocking(
    chromium: Browser, made: Made, copy: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.review.idle", str(copy), "6"]
    with served(command, tmp_path / "log", made.key) as server:
        screen = Screen(chromium.new_context(), server).enter()
        until(lambda: not screen.get("/api/recordings/R001")["busy"], "nothing is looked for any more")
        screen.quiet()
        screen.expected = (401,)
        until(lambda: screen.get("/api/session")["locked"], "the key is dropped")
        expect(screen.find("#unlock")).to_be_visible()  # nobody pressed a key: the page asks now and then
        screen.find("#passphrase").fill(made.key)
        assert screen.acted(lambda: screen.press("Enter"), "/unlock").status == 200
        expect(screen.find("#unlock")).to_have_count(0)
        screen.page.route("**/api/session", lambda route: route.fulfill(json={"locked": False}))
        until(lambda: screen.status("/api/recordings/R001/changes?since=") == 401, "the key is dropped again")
        screen.mark("Sheila").focus()
        screen.press("Shift+N", "x")
        expect(screen.find("#unlock")).to_be_visible()
        screen.find("#passphrase").fill(made.key)
        with screen.page.expect_response(lambda answer: answer.url.endswith("/act") and answer.status != 401) as told:
            screen.press("Enter")
        assert told.value.status == 200
        expect(screen.find("#unlock")).to_have_count(0)
        screen.context.close()


def test_what_she_chose_is_not_marked_where_other_words_came_meanwhile(opened: Opened) -> None:
    first = opened("R001")
    second = first.tab()
    before = first.marks_of("U0002")
    first.word("U0002", "didn't").click()
    first.press("m")
    expect(first.find("#who-likely")).to_be_visible()
    second.find('#transcript [data-turn="U0002"] [data-word]').first.click()
    second.press("t")
    second.find("#words").fill("Oh well then")
    second.key("Enter")
    with first.page.expect_response(lambda answer: "/changes?" in answer.url):
        first.run("window.dispatchEvent(new Event('focus'))")
    expect(first.word("U0002", "well")).to_be_visible()
    first.press("Enter")
    expect(first.find(".toast.bad")).to_contain_text("changed meanwhile")
    second.run("window.dispatchEvent(new Event('focus'))")
    for screen in (first, second):
        assert screen.marks_of("U0002") == before
    first.word("U0002", "didn't").click()
    first.press("m")
    expect(first.find("#who-likely")).to_be_visible()
    first.key("Enter")
    expect(first.mark("didn't")).to_be_visible()


def test_words_are_not_corrected_where_other_words_came_meanwhile(opened: Opened) -> None:
    """Two quick corrections in one turn: the second was begun over words that the first moved."""
    screen = opened("R001")
    slow: list[Any] = []
    screen.page.route("**/act", lambda route: slow.append(route))
    screen.find('#transcript [data-turn="U0002"] [data-word]').first.click()
    screen.press("t")
    screen.find("#words").fill("Oh well then")
    screen.press("Enter")
    until(lambda: slow or screen.page.wait_for_timeout(50), "the first is on its way")
    screen.word("U0002", "didn't").click()
    screen.press("t")
    screen.find("#words").fill("dared")
    screen.press("Enter")
    slow[0].continue_()
    expect(screen.find(".toast.bad")).to_contain_text("changed meanwhile")
    said = screen.turn("U0002")
    assert "Oh well then" in said
    assert "didn't" in said
    assert "dared" not in said
    assert len(slow) == 1


def test_what_came_in_before_she_signs_is_not_signed_unseen(opened: Opened) -> None:
    first = opened("R001")
    restored(first)
    second = first.tab()
    first.expected = (409,)
    first.press("Shift+S")
    expect(first.find("dialog")).to_contain_text("Settle this transcript?")
    second.mark("Sheila").click()
    second.key("x")
    first.run("window.dispatchEvent(new Event('focus'))")
    assert first.acted(lambda: first.press("Enter"), "/settle").status == 409
    expect(first.find(".toast.bad")).to_contain_text("changed meanwhile")
    expect(first.mark("Sheila")).to_have_attribute("data-state", "kept")
    expect(first.find("#settle")).to_have_attribute("aria-disabled", "false")


def test_two_tabs_do_not_lose_each_others_work(opened: Opened) -> None:
    first = opened("R001")
    second = first.tab()
    first.mark("Texas").click()
    first.key("x")
    second.mark("Sheila").click()
    second.key("x")
    for screen in (first, second):
        screen.run("window.dispatchEvent(new Event('focus'))")
        expect(screen.mark("Texas")).to_have_attribute("data-state", "kept")
        expect(screen.mark("Sheila")).to_have_attribute("data-state", "kept")
    first.expected = second.expected = (409,)
    first.mark("Diane").click()
    second.mark("Diane").click()
    first.key("x")
    answer = second.acted(lambda: second.press("a"))
    assert answer.status in (200, 409)
    expect(second.mark("Diane")).to_have_attribute("data-state", "withheld" if answer.status == 200 else "kept")


def test_a_killed_server_loses_nothing(opened: Opened) -> None:
    screen = opened("R001")
    screen.mark("Texas").click()
    screen.key("x")
    screen.word("U0002", "hello.").click()
    screen.press("t")
    screen.find("#words").fill("goodbye.")
    screen.key("Enter")
    screen.server.process.kill()
    screen.server.process.wait()
    screen.mark("Sheila").click()
    screen.press("x")
    expect(screen.find(".toast.bad").first).to_contain_text("does not answer")
    expect(screen.mark("Sheila")).to_have_attribute("data-state", "withheld")
    screen.page.goto("about:blank")
    screen.faults.clear()
    again = opened("R001")
    expect(again.mark("Texas")).to_have_attribute("data-state", "kept")
    expect(again.word("U0002", "goodbye.")).to_be_visible()
    again.undo()
    expect(again.word("U0002", "hello.")).to_be_visible()


def test_a_second_pass_is_blind_and_then_compared(opened: Opened) -> None:
    first = opened("R001")
    for name, key in (("Sheila", "x"), ("Texas", "a")):
        first.mark(name).click()
        first.key(key)
    restored(first)
    first.server.process.kill()
    first.server.process.wait()
    first.page.goto("about:blank")
    second = opened("R001", "--second", alias="CD")
    second.expected = (409,)
    expect(second.find("#second")).to_contain_text("blind to the first")
    expect(second.mark("Sheila")).to_have_attribute("data-state", "withheld")
    expect(second.find("#agreement")).to_have_count(0)
    assert second.status("/api/recordings/R001/agreement") == 409
    for name in ("Sheila", "Texas"):
        second.mark(name).click()
        second.key("a")
    second.server.process.kill()
    second.server.process.wait()
    second.page.goto("about:blank")
    third = opened("R001")
    third.go("R001/agreement", "agreement")
    expect(third.find("main")).to_contain_text("First reading by AB, second by CD")
    link = third.find("#differences a", has_text="Sheila")
    expect(link).to_be_visible()
    link.click()
    third.shows("interview")
    expect(third.find("#transcript .chosen, #transcript [aria-current=true]").first).to_be_in_viewport()
    first.asked[:] = []
    second.asked[:] = []


# --- for everybody ------------------------------------------------------------------------------------------------

VIEWS = (
    ("R001", "interview"),
    ("T001", "interview"),
    ("", "study"),
    ("people", "people"),
    ("search", "search"),
    ("R001/preview", "preview"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(reading: Opened, scheme: str) -> None:
    screen = reading(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    for place, view in VIEWS:
        screen.go(place, view)
        if view == "search":
            screen.page.keyboard.type("diane")
            expect(screen.find("#hits a").first).to_be_visible()
        check(screen, f"{place} {scheme}")
    screen.go("R001", "interview")
    for keys, box in ((["?"], "#help"), (["n", "w"], ".popover"), (["Shift+N", "c"], "#who"), (["Shift+L"], "dialog")):
        screen.press(*keys)
        expect(screen.find(box)).to_be_visible()
        if box == "#who":  # it grows while whom to choose from comes in
            expect(screen.find("#who-likely")).to_be_visible()
            expect(screen.find("#who-people")).to_be_visible()
        check(screen, f"{box} {scheme}")
        screen.press("Escape")
        expect(screen.find(box)).to_have_count(0)
    screen.press("i")
    expect(screen.find("#alike li").first).to_be_visible()
    check(screen, f"sounds like {scheme}")


def check(screen: Screen, where: str) -> None:
    if not screen.run("'axe' in window"):
        screen.run(AXE.read_text(encoding="utf-8"))
    result = screen.run("axe.run(document, {resultTypes: ['violations']})")
    grave = [
        (v["id"], v["nodes"][0]["target"], v["nodes"][0]["failureSummary"])
        for v in result["violations"]
        if v["impact"] in GRAVE
    ]
    assert not grave, (where, grave)


def test_scripts_in_words_names_and_roles_are_text(reading: Opened) -> None:
    screen = reading()
    screen.go("T001", "interview")
    said = screen.turn("U0004")
    assert "script>window.hacked=1" in said.replace(" ", "")
    assert "<img src=x" in said
    screen.word("U0002", "hard.").click()
    screen.press("m")
    screen.find("#who-filter").fill("zebedee")
    expect(screen.find("#who [role=option]").first).to_contain_text("<b>friend</b>")
    screen.press("Escape")
    screen.go("people", "people")
    row = screen.find("tr[data-person=Z1]")
    expect(row).to_contain_text(SCRIPT)
    expect(row).to_contain_text("<b>friend</b>")
    row.get_by_role("button", name="Edit").click()
    expect(screen.find("#field-forms")).to_have_value(f"Zebedee {SCRIPT}")
    screen.press("Escape")
    screen.go("search", "search")
    screen.page.keyboard.type("hacked")
    expect(screen.find("#hits a").first).to_contain_text("window.hacked")
    screen.go("T001/preview", "preview")
    expect(screen.find("main")).to_contain_text("window.hacked")
    assert screen.run("window.hacked === undefined")
    assert screen.find("main script, main img, main b b").count() == 0


REACHED = """id => {
    const node = document.querySelector(id);
    node.scrollIntoView({ block: "nearest", behavior: "instant" });
    const { x, y, width, height, right, bottom } = node.getBoundingClientRect();
    const whole = x >= 0 && y >= 0 && right <= innerWidth && bottom <= innerHeight;
    return whole && node.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


@pytest.mark.parametrize(
    "size", [{"viewport": {"width": 683, "height": 384}, "device_scale_factor": 2}, {"viewport": LAPTOP}]
)
def test_small_and_zoomed_windows_do_not_scroll_sideways(reading: Opened, size: dict[str, Any]) -> None:
    screen = reading(reduced_motion="reduce", **size)
    for place, view in VIEWS:
        screen.go(place, view)
        wide = screen.run("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], (place, wide)
    screen.go("R001", "interview")
    screen.press("n")
    expect(screen.find("[data-flagged=X0001]")).to_have_attribute("aria-current", "true")
    expect(screen.find("[data-flagged=X0001]")).to_be_in_viewport()
    for control in ("#settle", "#undo", "#preview", "#play", "#restore", "#next-open", "#lock", "#keys"):
        until(
            lambda control=control: screen.run(REACHED, control), f"{control} is whole in the window, nothing over it"
        )
    height = screen.run("document.getElementById('dock').getBoundingClientRect().top")
    bar = screen.run("Math.max(0, document.getElementById('bar').getBoundingClientRect().bottom)")
    assert height - bar >= 100, "hardly any room is left to read"


def test_the_page_asks_nothing_of_anybody_but_its_server(reading: Opened) -> None:
    screen = reading()
    for place, view in VIEWS:
        screen.go(place, view)
    assert screen.asked
    assert [url for url in screen.asked if not url.startswith(screen.server.home)] == []
