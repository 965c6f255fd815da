"""What the page does while something comes in, is on its way, or is put away: nothing typed is lost, no key acts on
what nobody looks at, nothing is signed unseen, and no word or voice stays for whoever comes by.
"""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.review.browser import Screen, until
from tests.review.test_office import Page, flag, rules_find_osgood
from tests.review.windows import focused, quick_study, unlock, window
from transcribe.vault import Unlocked

pytestmark = pytest.mark.system("chromium")

GONE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return quick_study(tmp_path)


@pytest.fixture
def screen(chromium: Browser, unlocked: Unlocked) -> Iterator[Screen]:
    with window(chromium, unlocked) as opened:
        yield opened


@pytest.fixture
def hers(unlocked: Unlocked) -> Page:
    """Another reviewer's window, in another process."""
    return Page(Unlocked(unlocked.study, unlocked.identity), alias="CD")


def mine(unlocked: Unlocked) -> Page:
    """Another window of the same reviewer."""
    return Page(Unlocked(unlocked.study, unlocked.identity))


def decided(screen: Screen) -> int:
    return screen.find("#transcript .mark[data-decided]").count()


def held(screen: Screen, path: str) -> list[Route]:
    """Requests that do not reach the server until they are let through."""
    routes: list[Route] = []
    screen.page.route(path, lambda route: routes.append(route))
    return routes


def come(screen: Screen, routes: list[Route], count: int = 1) -> None:
    until(lambda: screen.page.wait_for_timeout(20) or len(routes) >= count, "it is on its way")


def released(screen: Screen) -> str:
    return " ".join(screen.find(".sides .released").all_inner_texts())


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_held_down_decides_one_place_and_no_more(chromium: Browser, unlocked: Unlocked) -> None:
    rules_find_osgood(unlocked, 0.3)
    with window(chromium, unlocked) as screen:
        screen.mark("Tamsin").click()
        for _ in range(3):
            screen.page.keyboard.down("x")
        screen.page.keyboard.up("x")
        expect(screen.mark("Osgood")).to_have_attribute("aria-current", "true")
        screen.page.wait_for_timeout(300)
        assert decided(screen) == 1
        screen.mark("Osgood").click()
        screen.find("#keep").focus()
        for _ in range(3):
            screen.page.keyboard.down("Enter")
        screen.page.keyboard.up("Enter")
        screen.page.wait_for_timeout(300)
        assert decided(screen) <= 2


def test_the_browsers_own_keys_choose_no_speaker(screen: Screen) -> None:
    screen.word("U0001", "How").click()
    screen.press("v")
    expect(screen.find("dialog#speaker")).to_be_visible()
    screen.press("Control+0", "Control+2")
    expect(screen.find("dialog#speaker")).to_be_visible()
    screen.press("Escape")
    assert len(screen.get("/api/recordings/R001")["speakers"]) == 2


def test_whom_words_mean_is_not_taken_from_a_list_that_is_not_there_yet(screen: Screen) -> None:
    late = held(screen, "**/suggest")
    screen.word("U0002", "Osgood").click()
    screen.press("m")
    expect(screen.find("#who-people")).to_be_visible()
    come(screen, late)
    screen.press("Enter")
    screen.page.wait_for_timeout(100)
    expect(screen.find("#who")).to_be_visible()
    late[0].continue_()
    expect(screen.find("#who-likely")).to_be_visible()
    screen.key("Enter")
    expect(screen.mark("Osgood")).to_have_attribute("data-state", "withheld")


def test_turns_are_joined_and_given_to_somebody_else_only_where_one_is_chosen(screen: Screen) -> None:
    screen.press("g", "v")
    screen.page.wait_for_timeout(200)
    expect(screen.find("#transcript [data-turn]")).to_have_count(3)
    expect(screen.find("dialog")).to_have_count(0)


def test_the_evidence_of_a_mark_is_not_shown_beside_another(screen: Screen) -> None:
    late = held(screen, "**/explain/*")
    screen.mark("Teodor").click()
    screen.press("w")
    come(screen, late)
    screen.mark("Abercwmboi").click()
    late[0].continue_()
    screen.page.wait_for_timeout(300)
    expect(screen.find("#evidence")).to_have_count(0)


# --- what is being written --------------------------------------------------------------------------------------------


def writing(screen: Screen, text: str) -> None:
    """The word friend is being written over."""
    screen.word("U0002", "friend").click()
    screen.press("t")
    screen.find("#words").fill(text)


def test_what_is_being_written_stays_when_marks_come_into_its_turn(screen: Screen, hers: Page) -> None:
    writing(screen, "mate")
    hers.act("add", **hers.place("U0002", "cake"), who={"kind": "other"})
    focused(screen)
    expect(screen.mark("cake")).to_be_visible()
    screen.page.keyboard.type(" xad")
    expect(screen.find("#words")).to_have_value("mate xad")
    screen.key("Enter")
    expect(screen.word("U0002", "mate")).to_be_visible()
    assert "mate xad" in screen.turn("U0002")
    assert decided(screen) == 1


def test_what_is_being_written_over_words_that_were_changed_can_be_read_and_no_key_acts(
    screen: Screen, hers: Page
) -> None:
    writing(screen, "mate")
    hers.act("words", turn="U0002", first_word=0, last_word=0, text="Oh yes he")
    focused(screen)
    expect(screen.find("#unwritten")).to_have_value("mate")
    screen.page.keyboard.type("xad")
    expect(screen.find("#unwritten")).to_have_value("matexad")
    screen.press("Escape")
    expect(screen.find("dialog")).to_have_count(0)
    assert "Oh yes he is fine" in screen.turn("U0002")
    assert decided(screen) == 0


def test_what_could_not_be_saved_can_be_read(screen: Screen) -> None:
    screen.expected = (507,)
    screen.page.route("**/act", lambda route: route.fulfill(status=507, json={"error": "the disk is full"}))
    writing(screen, "mate")
    screen.press("Enter")
    expect(screen.find("#unwritten")).to_have_value("mate")
    expect(screen.find(".toast.bad")).to_contain_text("the disk is full")


def test_who_goes_back_while_writing_has_written(screen: Screen) -> None:
    screen.go("people", "people")
    screen.go("R001", "interview")
    writing(screen, "mate")
    screen.acted(screen.page.go_back)
    screen.shows("people")
    screen.go("R001", "interview")
    assert "mate" in screen.turn("U0002")


def test_a_window_does_not_close_over_what_is_not_saved_yet(screen: Screen) -> None:
    on_its_way = held(screen, "**/act")
    screen.mark("Teodor").click()
    screen.press("x")
    come(screen, on_its_way)
    asked: list[str] = []
    screen.page.on("dialog", lambda box: asked.append(box.type))
    screen.page.close(run_before_unload=True)
    other = screen.context.new_page()
    until(lambda: other.wait_for_timeout(20) or asked, "the browser asks")
    assert asked == ["beforeunload"]
    screen.faults.clear()  # the harness takes any such question for a script's


# --- the preview and a release --------------------------------------------------------------------------------------


def test_the_preview_is_of_what_stands(screen: Screen, hers: Page) -> None:
    screen.go("R001/preview", "preview")
    assert "Teodor" not in released(screen)
    hers.act("keep", marks=[hers.mark("U0001", "Teodor")["id"]])
    focused(screen)
    expect(screen.find(".sides .released", has_text="Teodor")).to_have_count(1)


def test_nothing_that_the_preview_does_not_show_is_signed(screen: Screen, hers: Page) -> None:
    screen.expected = (409,)
    screen.go("R001/preview", "preview")
    hers.act("keep", marks=[hers.mark("U0001", "Teodor")["id"]])
    screen.press("Shift+S")
    expect(screen.find("dialog")).to_be_visible()
    late = held(screen, "**/preview")
    assert screen.acted(lambda: screen.press("Enter"), "/settle").status == 409
    come(screen, late)
    screen.press("Shift+S")  # the text of before still shows
    screen.page.wait_for_timeout(200)
    expect(screen.find("dialog")).to_have_count(0)
    late[0].continue_()
    expect(screen.find(".sides .released", has_text="Teodor")).to_have_count(1)
    expect(screen.find("#settle")).to_have_attribute("aria-disabled", "false")
    screen.press("Shift+S")
    expect(screen.find("dialog")).to_be_visible()


def test_what_was_done_before_is_in_the_preview(screen: Screen) -> None:
    on_its_way = held(screen, "**/act")
    screen.mark("Teodor").click()
    screen.press("x")
    come(screen, on_its_way)
    screen.press("5")
    screen.page.wait_for_timeout(300)
    on_its_way[0].continue_()
    screen.shows("preview")
    assert "Teodor" in released(screen)


def test_what_was_done_before_is_saved_before_a_release_is_written(screen: Screen) -> None:
    on_its_way = held(screen, "**/act")
    releases = held(screen, "**/api/release")
    screen.mark("Teodor").click()
    screen.press("x")
    come(screen, on_its_way)
    screen.press("Shift+L")
    screen.find("#release-go").click()
    screen.page.wait_for_timeout(300)
    assert releases == []
    on_its_way[0].continue_()
    come(screen, releases)


# --- put away ---------------------------------------------------------------------------------------------------------


def tone() -> bytes:
    """Ten seconds of sound that a browser plays."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x00\x10\x00\xf0" * 40_000)
    return file.getvalue()


def test_a_locked_page_is_silent_and_holds_no_sound_and_goes_on_where_it_was(chromium: Browser, tmp_path: Path) -> None:
    with window(chromium, quick_study(tmp_path, tone())) as screen:
        screen.expected = (401,)
        audio = "document.getElementById('audio')"
        screen.find("#speed").select_option("1.5")
        screen.find("#transcript").focus()
        screen.press(" ")
        until(lambda: screen.run(f"{audio}.currentTime") > 0.4, "the sound plays")
        screen.press("Shift+K")
        expect(screen.find("#unlock")).to_be_visible()
        assert screen.run(f"[{audio}.paused, {audio}.hasAttribute('src'), {audio}.duration > 0]") == [
            True,
            False,
            False,
        ]
        unlock(screen)
        until(lambda: screen.run(f"{audio}.currentTime") > 0.4, "where it was")
        assert screen.run(f"[{audio}.paused, {audio}.playbackRate]") == [True, 1.5]
        at = screen.run(f"{audio}.currentTime")
        screen.press(" ")
        until(lambda: screen.run(f"{audio}.currentTime") > at + 0.2, "it plays on")


def test_all_windows_hide_what_they_show_and_print_nothing_of_it(screen: Screen) -> None:
    screen.expected = (401,)
    other = screen.tab()
    other.go("people", "people")
    screen.press("Shift+K")
    for one in (screen, other):
        expect(one.find("#unlock")).to_be_visible(timeout=5000)
        expect(one.find("main")).to_be_hidden()
        expect(one.find("#passphrase")).to_be_visible()
    unlock(screen)
    expect(screen.find("main")).to_be_visible()
    expect(screen.mark("Teodor")).to_be_visible()


def test_who_comes_back_to_any_view_of_a_study_that_was_locked_sees_nothing(screen: Screen) -> None:
    screen.expected = (401,)
    screen.go("people", "people")
    screen.run("fetch('/api/lock', {method: 'POST', body: '{}', headers: "
               "{'Content-Type': 'application/json', 'X-Review-Token': localStorage.getItem('token')}})")  # fmt: skip
    focused(screen)
    expect(screen.find("#unlock")).to_be_visible(timeout=5000)
    expect(screen.find("#people")).to_be_hidden()


def without_a_server(screen: Screen) -> None:
    screen.page.route("**/api/**", lambda route: route.abort("connectionrefused"))


def forgiven(screen: Screen) -> None:
    """A server that is not there is an error of the console, too."""
    screen.faults[:] = [fault for fault in screen.faults if not any(reason in fault for reason in GONE)]


def test_a_page_whose_server_is_gone_hides_itself_until_it_answers(chromium: Browser, unlocked: Unlocked) -> None:
    with window(chromium, unlocked, clock=True) as screen:
        without_a_server(screen)
        screen.page.clock.fast_forward(21_000)
        screen.page.clock.fast_forward(21_000)
        expect(screen.find("#gone")).to_be_visible()
        expect(screen.find("main")).to_be_hidden()
        screen.press("Escape", "Escape")
        expect(screen.find("#gone")).to_be_visible()
        screen.page.unroute("**/api/**")
        screen.page.clock.fast_forward(21_000)
        expect(screen.find("#gone")).to_have_count(0)
        expect(screen.mark("Teodor")).to_be_visible()
        forgiven(screen)


def test_a_page_that_cannot_tell_the_server_to_lock_hides_itself(screen: Screen) -> None:
    without_a_server(screen)
    screen.press("Shift+K")
    expect(screen.find("#gone")).to_be_visible()
    expect(screen.find("main")).to_be_hidden()
    forgiven(screen)


def test_the_browser_is_told_to_send_no_word_to_a_spelling_or_translating_service(screen: Screen) -> None:
    assert screen.run("document.documentElement.translate") is False
    screen.word("U0002", "Osgood").click()
    screen.press("m")
    expect(screen.find("#who-filter")).to_be_visible()
    assert screen.run("document.getElementById('who-filter').spellcheck") is False
    screen.press("Escape")
    screen.go("people", "people")
    screen.press("n")
    assert screen.run("document.getElementById('field-forms').spellcheck") is False


def test_nothing_is_left_of_a_session_that_is_over(screen: Screen) -> None:
    screen.expected = (401,)
    screen.mark("Teodor").click()
    screen.key("x")
    screen.press("w")
    expect(screen.find("#evidence")).to_be_visible()
    expect(screen.find("#live")).to_contain_text("Teodor")
    screen.server.session.page_token = "another"  # type: ignore[attr-defined]
    focused(screen)
    expect(screen.find("html")).to_have_attribute("data-view", "over")
    expect(screen.find("#evidence")).to_have_count(0)
    assert "Teodor" not in screen.run("document.documentElement.textContent")
    screen.press("x")
    expect(screen.find(".toast")).to_have_count(0)


# --- other windows --------------------------------------------------------------------------------------------------


def test_what_another_window_did_last_is_not_taken_back_by_one_that_does_not_show_it(
    screen: Screen, unlocked: Unlocked
) -> None:
    screen.expected = (409,)
    screen.mark("Teodor").click()
    screen.key("x")
    other = mine(unlocked)
    other.act("keep", marks=[other.mark("U0001", "Karen")["id"]])
    assert screen.acted(lambda: screen.press("u"), "/undo").status == 409
    expect(screen.find(".toast.bad")).to_contain_text("changed meanwhile")
    expect(screen.mark("Karen")).to_have_attribute("data-state", "kept")
    screen.undo()
    expect(screen.mark("Karen")).to_have_attribute("data-state", "withheld")
    expect(screen.mark("Teodor")).to_have_attribute("data-state", "kept")


def test_nor_on_the_page_of_people(screen: Screen, unlocked: Unlocked) -> None:
    screen.expected = (409,)
    office = mine(unlocked).office
    somebody = {"do": "new", "kind": "person", "role": "friend"}
    office.act_on_people({**somebody, "forms": ["Osgood"]})
    screen.go("people", "people")
    office.act_on_people({**somebody, "forms": ["Brannigan"]})
    assert screen.acted(lambda: screen.press("u"), "/undo").status == 409
    expect(screen.find("#people")).to_contain_text("Brannigan")
    screen.key("u", path="/people/undo")
    expect(screen.find("#people")).not_to_contain_text("Brannigan")
    expect(screen.find("#people")).to_contain_text("Osgood")


def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why(screen: Screen) -> None:
    screen.expected = (409,)
    screen.go("people", "people")
    screen.press("n")
    screen.find("#field-forms").fill("Osgood Brannigan; Ozzie")
    screen.find("#field-role").fill("friend")
    screen.page.route("**/people/act", lambda route: route.fulfill(status=409, json={"error": "no such thing."}))
    screen.press("Enter")
    expect(screen.find("dialog .body")).to_contain_text("no such thing.")
    expect(screen.find("#field-forms")).to_have_value("Osgood Brannigan; Ozzie")
    screen.page.unroute("**/people/act")
    screen.key("Enter", path="/people/act")
    expect(screen.find("#people")).to_contain_text("Ozzie")


def test_a_form_about_somebody_who_was_changed_meanwhile_is_sent_again_only_knowingly(
    screen: Screen, unlocked: Unlocked
) -> None:
    screen.expected = (409,)
    office = mine(unlocked).office
    told = office.act_on_people({"do": "new", "kind": "person", "role": "friend", "forms": ["Osgood"]})
    (hers,) = (one for one in told["people"] if one["forms"] == ["Osgood"])
    screen.go("people", "people")
    screen.find("#people tr", has_text="Osgood").get_by_role("button", name="Edit").click()
    screen.find("#field-relation").fill("old friend")
    office.act_on_people({"do": "pseudonym", "person": hers["id"], "version": hers["version"], "pseudonym": "Zebedee"})
    assert screen.acted(lambda: screen.find("dialog button", has_text="Save").click(), "/people/act").status == 409
    expect(screen.find("dialog .body")).to_contain_text("changed meanwhile")
    expect(screen.find("#field-relation")).to_have_value("old friend")
    assert screen.acted(lambda: screen.find("dialog button", has_text="Save").click(), "/people/act").status == 200
    unlocked.look()
    now = unlocked.vault.person(hers["id"])
    assert (now.relation, now.pseudonym) == ("old friend", "Zebedee")


def test_who_speaks_is_not_said_over_what_another_reviewer_said_meanwhile(screen: Screen, hers: Page) -> None:
    screen.word("U0001", "How").click()
    screen.press("Shift+R")
    expect(screen.find("#who [role=option]").first).to_be_visible()
    hers.act("role", label="S1", who={"person": "R1"})
    focused(screen)
    expect(screen.find('[data-turn="U0001"] .speaker')).to_contain_text("Tamsin")
    screen.find("#who-filter").fill("Karen")
    screen.press("Enter")
    expect(screen.find(".toast.bad")).to_contain_text("changed meanwhile")
    expect(screen.find('[data-turn="U0001"] .speaker')).to_contain_text("Tamsin")


def test_the_study_counts_stretches_that_are_open(chromium: Browser, unlocked: Unlocked) -> None:
    flag(unlocked, ("U0002", 0, 2))
    with window(chromium, unlocked) as screen:
        screen.go("", "study")
        expect(screen.find("#summary")).to_contain_text("1 place is open")


def test_a_second_reader_who_has_settled_is_shown_no_error(chromium: Browser, unlocked: Unlocked) -> None:
    with window(chromium, unlocked, second=True) as screen:
        screen.press("Shift+S")
        expect(screen.find("dialog")).to_be_visible()
        assert screen.acted(lambda: screen.press("Enter"), "/settle").status == 200
        expect(screen.find("#settle")).to_contain_text("Settled")
        screen.page.wait_for_timeout(200)
        screen.shows("interview")
