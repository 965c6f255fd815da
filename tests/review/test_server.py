"""The review's server: what each address asks of the office, who may ask, and what becomes of errors."""

import errno
import logging
import re
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.review.offices import HOME, PASSPHRASE, SCRIPT, Desk, FakeOffice
from transcribe.errors import StoreError
from transcribe.review import bodies, refusals, server
from transcribe.review.guard import HEADERS

VERSION = {"version": "v1"}
WHO = {"version": "v1", "do": "accept", "marks": ["F0001"]}
GETS: list[tuple[str, tuple[Any, ...]]] = [
    ("/api/study", ("study",)),
    ("/api/recordings/R001", ("document", "R001")),
    ("/api/recordings/R001/changes?since=v1", ("changes", "R001", "v1")),
    ("/api/recordings/R001/preview", ("preview", "R001")),
    ("/api/recordings/R001/explain/F0001", ("explain", "R001", "F0001")),
    ("/api/recordings/R001/alike", ("alike", "R001")),
    ("/api/recordings/R001/agreement", ("agreement", "R001")),
    ("/api/people", ("people",)),
]
POSTS: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("/api/recordings/R001/act", WHO, ("act", "R001", WHO)),
    ("/api/recordings/R001/undo", VERSION, ("undo", "R001", "v1")),
    ("/api/recordings/R001/redo", VERSION, ("redo", "R001", "v1")),
    ("/api/recordings/R001/settle", VERSION, ("settle", "R001", "v1")),
    ("/api/recordings/R001/suggest", {"turn": "U0001"}, ("suggest", "R001", {"turn": "U0001"})),
    ("/api/people/act", {"do": "redraw"}, ("act_on_people", {"do": "redraw"})),
    ("/api/people/undo", {"last": "g1"}, ("undo_people", "g1")),
    ("/api/people/redo", {"last": "g1"}, ("redo_people", "g1")),
    ("/api/search", {"text": "Kelly"}, ("search", "Kelly")),
    ("/api/release", {"recordings": []}, ("release", {"recordings": []})),
]
SOUND = "/api/recordings/R001/sound"
ALL_GETS = [path for path, _ in GETS] + ["/api/session"]
ALL_POSTS = [(path, body) for path, body, _ in POSTS] + [("/api/lock", {}), ("/api/unlock", {"passphrase": "x"})]


@pytest.fixture
def desk() -> Desk:
    return Desk(FakeOffice(bytes(range(256))))


# --- what is asked of the office ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "call"), GETS, ids=[call[0] for _, call in GETS])
def test_a_get_asks_the_office(desk: Desk, path: str, call: tuple[Any, ...]) -> None:
    response = desk.get(path)
    assert (response.status_code, response.json()) == (200, {"did": call[0], "said": SCRIPT})
    assert desk.office.asked == [call]


@pytest.mark.parametrize(("path", "body", "call"), POSTS, ids=[call[0] for *_, call in POSTS])
def test_a_post_asks_the_office(desk: Desk, path: str, body: dict[str, Any], call: tuple[Any, ...]) -> None:
    assert desk.post(path, body).json()["did"] == call[0]
    assert desk.office.asked == [call]


def test_what_is_spoken_comes_back_as_json_that_no_browser_takes_for_a_page(desk: Desk) -> None:
    response = desk.get("/api/recordings/R001")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["said"] == SCRIPT


def test_the_session_tells_the_page_the_ticket_of_the_sound_and_never_the_pages_token(desk: Desk) -> None:
    response = desk.get("/api/session")
    told = response.json()
    assert (told["did"], told["ticket"], told["locked"]) == ("session", desk.session.sound_ticket, False)
    assert desk.token not in response.text


def test_calls_run_one_at_a_time_and_sound_does_not_wait_for_them() -> None:
    office = FakeOffice(b"sound")
    desk = Desk(office)
    office.takes_s = 0.1
    with desk.client, ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(desk.get, "/api/study") for _ in range(4)]
        time.sleep(0.05)
        assert desk.get(desk.sound).content == b"sound"
        assert [one.done() for one in waiting].count(True) < 3
        assert [one.result().status_code for one in waiting] == [200] * 4
    assert office.most_at_once == 1


def test_sound_comes_by_ranges(desk: Desk) -> None:
    whole = desk.get(desk.sound)
    assert (whole.status_code, whole.content) == (200, bytes(range(256)))
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("audio/ogg; codecs=opus", "bytes")
    part = desk.get(desk.sound, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/256"
    assert desk.get(desk.sound, Range="bytes=256-").status_code == 416
    head = desk.client.head(desk.sound)
    assert (head.headers["content-length"], head.content) == ("256", b"")


# --- coming in ------------------------------------------------------------------------------------------------------


def test_the_entry_hands_the_pages_token_over_in_no_cookie_and_no_address() -> None:
    desk = Desk(entered=False)
    response = desk.enter(desk.session.new_entry())
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert response.text.count(desk.session.page_token) == 1
    assert f'data-token="{desk.session.page_token}" data-place="/"' in response.text
    assert re.findall(r"<script[^>]*>[^<]*", response.text) == ['<script type="module" src="/page/enter.js">']


def test_who_came_in_just_before_the_key_was_dropped_is_told_what_a_page_needs() -> None:
    desk = Desk(entered=False)
    desk.token = re.findall(r'data-token="([^"]+)"', desk.enter(desk.session.new_entry()).text)[0]
    desk.post("/api/lock")
    told = desk.get("/api/session").json()
    assert (told["locked"], told["did"]) == (True, "session")


@pytest.mark.parametrize("token", ["", "wrong", "ü", "x" * 5000])
def test_a_wrong_entry_is_refused_with_a_sentence_and_uses_nothing_up(token: str) -> None:
    desk = Desk(entered=False)
    right = desk.session.new_entry()
    refused = desk.enter(token)
    assert refused.status_code == 403
    assert refused.text.startswith("This link was used before")
    assert desk.session.page_token not in refused.text
    assert desk.get("/api/session").status_code == 401
    assert desk.enter(right).status_code == 200


def test_an_entry_is_good_once() -> None:
    desk = Desk(entered=False)
    token = desk.session.new_entry()
    assert [desk.enter(token).status_code for _ in range(2)] == [200, 403]


def test_looking_at_an_entry_does_not_use_it_up() -> None:
    desk = Desk(entered=False)
    token = desk.session.new_entry()
    assert desk.client.head("/enter", params={"token": token}).status_code == 403
    assert desk.enter(token).status_code == 200


def test_a_late_entry_is_refused() -> None:
    desk = Desk(entered=False)
    token = desk.session.new_entry()
    desk.watch.now += 60
    assert desk.enter(token).status_code == 403


@pytest.mark.parametrize("path", [*ALL_GETS, SOUND, f"{SOUND}?ticket=wrong"])
def test_nothing_is_read_without_the_pages_token(desk: Desk, path: str) -> None:
    tokens = ("", "wrong", desk.session.sound_ticket)
    for headers in ({}, *({"X-Review-Token": token} for token in tokens), {"Cookie": f"token={desk.token}"}):
        response = desk.client.get(path, headers=headers)
        assert response.status_code == 401
        assert list(response.json()) == ["error"]
        assert desk.token not in response.text
    assert desk.office.asked == []


def test_the_ticket_of_the_sound_is_neither_the_pages_token_nor_good_while_the_study_is_locked(desk: Desk) -> None:
    assert desk.get(f"{SOUND}?ticket={desk.token}").status_code == 401
    assert desk.get(SOUND).status_code == 401
    desk.post("/api/lock")
    assert desk.get(desk.sound).json()["locked"]
    assert desk.office.asked == []


@pytest.mark.parametrize(("path", "body"), ALL_POSTS)
def test_nothing_is_changed_without_the_pages_token(desk: Desk, path: str, body: dict[str, Any]) -> None:
    for token in ("", "wrong", desk.session.sound_ticket):
        assert desk.post(path, body, X_Review_Token=token).status_code == 401
    assert desk.office.asked == []
    assert desk.opened == 0


@pytest.mark.parametrize(("path", "body"), ALL_POSTS)
def test_a_change_is_never_a_get(desk: Desk, path: str, body: dict[str, Any]) -> None:
    assert desk.get(path).status_code in (404, 405)
    assert desk.client.request("DELETE", path).status_code == 405
    assert desk.office.asked == []


# --- addresses and bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/page/..%2fserver.py",
        "/page/../server.py",
        "/page/%2e%2e%2fserver.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/__init__.py",
        "/page/index.html%00.js",
        "/page/",
        "/page",
        "/server.py",
        "/api/recordings/..%2f..%2fvault/sound",
        "/api/recordings/%2e%2e/sound",
        "/api/recordings/R001%00",
        "/api/recordings/R%C3%BC",
        f"/api/recordings/{'R' * 65}",
        "/api/recordings/R001/explain/..%2fF0001",
        "/api/recordings/",
        "/docs",
    ],
)
def test_an_address_reaches_no_file(desk: Desk, path: str) -> None:
    response = desk.get(f"{path}?ticket={desk.session.sound_ticket}")
    assert response.status_code == 404
    assert list(response.json()) == ["error"]
    assert desk.office.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"R001"',
        b"null",
        b'{"a": NaN}',
        b'{"a": 1e999999}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ' + b"[" * 9 + b"]" * 9 + b"}",
        b'{"a": ' + b"[" * 400_000 + b"]" * 400_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_malformed_body_is_refused(desk: Desk, body: bytes) -> None:
    headers = {"Origin": HOME, "X-Review-Token": desk.token, "Content-Type": "application/json"}
    response = desk.client.post("/api/recordings/R001/act", content=body, headers=headers)
    assert response.status_code == 400
    assert desk.office.asked == []


@pytest.mark.parametrize("body", [{}, {"version": 1}, {"version": None}, {"version": ["v1"]}])
def test_a_missing_or_wrong_field_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.post("/api/recordings/R001/undo", body).status_code == 400
    assert desk.get("/api/recordings/R001/changes").status_code == 400
    assert desk.office.asked == []


def test_text_of_any_script_passes() -> None:
    said = {"text": "Siobhán 𝔘 👩‍👧", "deep": [[[[{"a": 1}]]]]}
    assert bodies.parsed(bodies.written(said)) == said


# --- errors ---------------------------------------------------------------------------------------------------------

OPEN = [{"id": "F0003", "turn": "U0001", "start": 0, "end": 4}]


@pytest.mark.parametrize(
    ("error", "status", "facts"),
    [
        (StoreError("an artefact is damaged", advice="run it again"), 409, {}),
        (refusals.Conflict("it was changed meanwhile"), 409, {"changed": True}),
        (refusals.StillOpen("something is open", places=OPEN), 409, {"open": OPEN}),
        (refusals.Malformed("no such action"), 400, {}),
        (refusals.Unknown("no such recording"), 404, {}),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_expected_error_is_told_as_a_sentence(desk: Desk, error: Exception, status: int, facts: Any) -> None:
    desk.office.fails = error
    response = desk.post("/api/recordings/R001/act", WHO)
    assert (response.status_code, response.json()) == (status, {"error": str(error), **facts})


def test_what_nobody_expected_is_told_to_nobody(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.office.fails = ValueError("Siobhan Kelly said")
    with caplog.at_level(logging.INFO):
        response = desk.post("/api/recordings/R001/act", WHO)
    assert response.status_code == 500
    assert list(response.json()) == ["error"]
    assert all(response.headers[name] == value for name, value in HEADERS.items())
    assert caplog.messages[-1] == "POST /api/recordings/{id}/act 500 ValueError"
    for said in (response.text, caplog.text, *capfd.readouterr()):
        assert "Siobhan" not in said
        assert "Traceback" not in said


def test_the_log_holds_method_route_and_status_alone(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="transcribe"):
        desk.get("/api/recordings/KELLY/changes?since=Siobhan")
        desk.post("/api/search", {"text": "Siobhan"})
        desk.get("/Siobhan?Kelly")
        desk.get("/page/Siobhan.js")
        desk.client.request("SIOBHAN", "/", headers={"User-Agent": "Siobhan"})
        desk.enter("Siobhan")
        desk.get("/", Host="siobhan.example")
    assert caplog.messages == [
        "GET /api/recordings/{id}/changes 200",
        "POST /api/search 200",
        "GET - 404",
        "GET /page/{name} 404",
        "- - 405",
        "GET /enter 403",
        "GET - 421",
    ]


# --- the key --------------------------------------------------------------------------------------------------------


def is_locked(desk: Desk) -> bool:
    """Whether all work is refused, and the rest is not."""
    reads = [desk.get(path) for path in (*ALL_GETS, desk.sound) if path != "/api/session"]
    writes = [desk.post(path, body) for path, body, _ in POSTS]
    told = {(one.status_code, one.json().get("locked")) for one in (*reads, *writes) if one.status_code != 200}
    assert told in (set(), {(401, True)})
    shown = desk.get("/api/session").json()
    assert shown["locked"] == bool(told)
    assert shown["did"] == "session"  # a page that is loaded anew can unlock
    return bool(told)


def test_the_page_locks_the_study_and_the_passphrase_opens_it_again(desk: Desk) -> None:
    before = desk.office
    assert desk.post("/api/lock").json() == {}
    assert before.closed
    assert is_locked(desk)
    assert before.asked == []
    refused = desk.post("/api/unlock", {"passphrase": "wrong horse"})
    assert refused.status_code == 403
    assert "horse" not in refused.text
    assert is_locked(desk)
    assert desk.post("/api/unlock", {"passphrase": PASSPHRASE}).json() == {}
    assert not is_locked(desk)
    assert before.asked == []


def test_the_key_is_dropped_when_nobody_works(desk: Desk) -> None:
    for _ in range(3):
        desk.watch.now += 20 * 60
        assert desk.get("/api/study").status_code == 200
    desk.watch.now += 30 * 60
    assert is_locked(desk)


def test_looking_for_changes_is_no_work_and_listening_is(desk: Desk) -> None:
    for _ in range(2):
        desk.watch.now += 20 * 60
        assert desk.get(desk.sound).status_code == 200
    for _ in range(29):
        desk.watch.now += 60
        assert desk.get("/api/recordings/R001/changes?since=v1").status_code == 200
        assert desk.get("/api/session").status_code == 200
        assert desk.get("/").status_code in (200, 404)
    desk.watch.now += 60
    assert is_locked(desk)


def test_the_key_is_dropped_when_nothing_is_asked_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOK_EVERY_S", 0.01)
    held = weakref.ref(desk.office)
    desk.office = FakeOffice()
    with desk.client:
        time.sleep(0.1)
        assert held() is not None
        desk.watch.now += 30 * 60
        deadline = time.monotonic() + 5
        while held() is not None:  # nobody refers to it any more
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert is_locked(desk)


def test_the_end_of_the_server_drops_the_key(desk: Desk) -> None:
    with desk.client:
        assert not desk.office.closed
    assert desk.office.closed


def test_a_study_that_is_worked_on_keeps_its_key_until_that_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_EVERY_S", 0.01)
    desk.office.takes_s = 0.3
    with desk.client, ThreadPoolExecutor(1) as pool:
        settling = pool.submit(desk.post, "/api/recordings/R001/settle", VERSION)
        time.sleep(0.1)
        desk.watch.now += 30 * 60
        assert settling.result().status_code == 200
        desk.office.takes_s = 0.0
        assert not is_locked(desk)


def test_one_passphrase_is_tried_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(passphrase: str) -> FakeOffice:
        began.set()
        assert go_on.wait(5)
        return FakeOffice()

    desk = Desk(FakeOffice())
    desk.app = server.app(slow, None, desk.session)  # type: ignore[arg-type]
    desk.token = desk.session.page_token
    desk.client = TestClient(desk.app, base_url=HOME)
    with desk.client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.post, "/api/unlock", {"passphrase": PASSPHRASE})
        assert began.wait(5)
        second = desk.post("/api/unlock", {"passphrase": "another"})
        assert (second.status_code, "another passphrase" in second.json()["error"]) == (409, True)
        go_on.set()
        assert first.result().status_code == 200


@pytest.mark.parametrize("body", [{}, {"passphrase": 7}, {"passphrase": ["x"]}])
def test_a_passphrase_is_a_text(desk: Desk, body: dict[str, Any]) -> None:
    desk.post("/api/lock")
    assert desk.post("/api/unlock", body).status_code == 400
    assert desk.opened == 0


# --- the page's files -----------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "page"
    folder.mkdir()
    monkeypatch.setattr(server.resources, "files", lambda _: tmp_path)
    return folder


def test_the_first_page_names_every_module_and_nothing_else() -> None:
    text = Desk(entered=False).get("/").text
    named = re.findall(r'<link rel="modulepreload" href="/page/([^"]+)">', text)
    folder = Path(server.__file__).parent / "page"
    assert sorted(named) == sorted(path.name for path in folder.glob("*.js"))
    assert text.index(named[-1]) < text.index("</head>")


def test_the_pages_files_come_from_a_table_made_at_the_start(page: Path) -> None:
    files = {"index.html": "text/html; charset=utf-8", "api.js": "text/javascript; charset=utf-8"}
    files |= {"page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
    for name in (*files, "notes.txt", "index.html~"):
        (page / name).write_text(name)
    desk = Desk(entered=False)
    (page / "api.js").write_text("changed")
    (page / "later.js").write_text("later")
    for name, kind in files.items():
        response = desk.get("/" if name == "index.html" else f"/page/{name}")
        assert (response.text, response.headers["content-type"]) == (name, kind)
        assert response.headers["cache-control"] == "no-store"
    for name in ("notes.txt", "index.html~", "later.js"):
        assert desk.get(f"/page/{name}").status_code == 404


def test_a_full_disk_is_said_on_the_page() -> None:
    desk = Desk()
    desk.office.fails = OSError(errno.ENOSPC, "Siobhan Kelly.wav")
    answer = desk.post("/api/recordings/R001/undo", {"version": "v"})
    assert answer.status_code == 507
    assert "no space left on device" in answer.json()["error"]
    assert "Siobhan" not in answer.text
