"""The wall: hosts, origins, methods, kinds and sizes of bodies, and the headers of every answer - good and bad ones."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from tests.review.offices import HOME, Desk
from transcribe.review import guard

JSON = {"content-type": "application/json"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def judged(method: str = "GET", path: str = "/", **headers: str) -> int:
    """The status of a refusal, 0 where there is none."""
    given = {"host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    refused = guard.refusal(method, path, Headers(given))
    return refused[0] if refused else 0


# --- Host -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:65535", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_loopback_under_any_port_is_ours(host: str) -> None:
    assert judged(host=host) == 0


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1@evil.example",
        "127.0.0.1:8000@evil.example",
        "evil.example:127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:80000000",
        "127.0.0.1:80 ",
        "127.0.0.1:80\n",
        "127.0.0.1:8²",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0.0.0.0",  # noqa: S104 - as a name
        "0x7f.0.0.1",
        "[::ffff:127.0.0.1]",
        "::1",
        "localhost.",
        "a.localhost",
        "192.168.1.5",
    ],
)
def test_any_other_name_is_refused_before_anything_else(host: str) -> None:
    assert judged(host=host) == 421
    assert judged("POST", "/api/search", host=host, origin=f"http://{host}", **JSON) == 421
    assert judged("BREW", host=host) == 421


def test_a_request_has_one_host() -> None:
    assert guard.refusal("GET", "/", Headers({})) is not None
    twice = Headers(raw=[(b"host", b"127.0.0.1"), (b"host", b"evil.example")])
    assert guard.refusal("GET", "/", twice) is not None


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_text_before_or_after_a_loopback_name_passes(text: str) -> None:
    for host in (f"{text}127.0.0.1", f"127.0.0.1{text}", f"localhost{text}", f"{text}localhost"):
        if guard.refusal("GET", "/", Headers({"host": host.encode(errors="replace").decode("latin-1")})) is None:
            assert text[0] == ":"
            assert text[1:].isdecimal()


def test_a_name_pointed_at_us_gets_nothing(desk: Desk) -> None:
    token = desk.session.new_entry()
    for path in ("/", "/api/session", f"/enter?token={token}", "/page/api.js", "/nothing"):
        response = desk.get(path, Host="evil.example:8000")
        assert (response.status_code, list(response.json())) == (421, ["error"])
    refused = desk.post("/api/search", {"text": "x"}, Host="evil.example:8000", Origin="http://evil.example:8000")
    assert refused.status_code == 421
    assert desk.office.asked == []
    assert desk.enter(token).status_code == 200


# --- Origin and Fetch Metadata --------------------------------------------------------------------------------------


def posted(**headers: str) -> int:
    return judged("POST", "/api/search", **{**JSON, **headers})


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000",
        "http://localhost:8000",
        "http://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000/",
        "http://evil@127.0.0.1:8000",
        "127.0.0.1:8000",
        "file://",
    ],
)
def test_another_origin_is_refused(desk: Desk, origin: str) -> None:
    assert posted(origin=origin) == 403
    assert judged(origin=origin) == 403
    assert desk.post("/api/search", {"text": "x"}, Origin=origin).status_code == 403
    assert desk.office.asked == []


def test_a_change_without_an_origin_is_refused(desk: Desk) -> None:
    assert posted() == 403
    headers = {"X-Review-Token": desk.token}
    assert desk.client.post("/api/search", json={"text": "x"}, headers=headers).status_code == 403
    twice = Headers(raw=[(b"host", b"127.0.0.1:8000"), *[(b"origin", HOME.encode())] * 2])
    assert guard.refusal("POST", "/", twice) is not None


def test_our_own_origin_passes_through_a_forwarded_port_too() -> None:
    assert posted(origin="http://127.0.0.1:8000") == 0
    assert posted(host="localhost:7777", origin="http://localhost:7777") == 0
    assert posted(host="[::1]:7777", origin="http://[::1]:7777") == 0
    assert posted(host="localhost:7777", origin="http://127.0.0.1:8000") == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "nonsense"])
def test_what_another_site_makes_the_browser_ask_is_refused(site: str) -> None:
    assert posted(origin=HOME, sec_fetch_site=site) == 403
    assert judged(path="/api/session", sec_fetch_site=site) == 403
    assert judged(path="/api/recordings/R001/sound", sec_fetch_site=site) == 403
    assert judged(path="/page/api.js", sec_fetch_site=site) == 403
    assert judged(path="/", sec_fetch_site=site) == (0 if site == "none" else 403)


def test_the_page_itself_may_ask() -> None:
    assert posted(origin=HOME, sec_fetch_site="same-origin") == 0
    assert judged(path="/api/session", sec_fetch_site="same-origin", sec_fetch_mode="cors") == 0
    assert judged(path="/", sec_fetch_site="same-origin", sec_fetch_mode="navigate") == 0


def test_the_entry_is_a_navigation_from_anywhere() -> None:
    for site in ("none", "cross-site", "same-origin"):
        assert judged(path="/enter", sec_fetch_site=site, sec_fetch_mode="navigate") == 0
        assert judged(path="/enter", sec_fetch_site=site, sec_fetch_mode="no-cors") == 403
        assert judged("POST", "/enter", sec_fetch_site=site, sec_fetch_mode="navigate", **JSON) == 403


# --- methods, kinds and sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_other_methods_are_refused(method: str) -> None:
    assert judged(method, "/api/study", origin=HOME) == 405


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "json"]
)
def test_only_json_is_taken(desk: Desk, kind: str) -> None:
    assert posted(origin=HOME, content_type=kind) == 415
    headers = {"Origin": HOME, "X-Review-Token": desk.token, "Content-Type": kind}
    assert desk.client.post("/api/people/undo", content=b"{}", headers=headers).status_code == 415
    assert desk.office.asked == []


def test_json_is_taken_with_its_encoding() -> None:
    assert posted(origin=HOME, content_type="Application/JSON; charset=utf-8") == 0


@pytest.mark.parametrize("length", ["1000001", "9" * 30, "-1", "x", "", "+5", "1e3", "²"])
def test_a_length_beyond_the_limit_or_beyond_sense_is_refused(length: str) -> None:
    assert posted(origin=HOME, content_length=length.encode().decode("latin-1")) == 413


def test_a_body_up_to_a_megabyte_is_taken(desk: Desk) -> None:
    most = {"text": "x" * (guard.LARGEST_BODY - 11)}
    assert desk.post("/api/search", most).status_code == 200
    assert desk.post("/api/search", {"text": most["text"] + "x"}).status_code == 413
    assert len(desk.office.asked) == 1


def test_a_body_without_a_length_is_counted(desk: Desk) -> None:
    def pieces(count: int) -> Any:
        yield b'{"text": "'
        for _ in range(count):
            yield b"x" * 100_000
        yield b'"}'

    headers = {"Origin": HOME, "X-Review-Token": desk.token, "Content-Type": "application/json"}
    statuses = [desk.client.post("/api/search", content=pieces(n), headers=headers).status_code for n in (9, 11)]
    assert statuses == [200, 413]
    assert len(desk.office.asked) == 1


# --- what every answer carries --------------------------------------------------------------------------------------


def test_every_answer_carries_our_headers(desk: Desk) -> None:
    answers = [
        desk.get("/"),
        desk.get("/nothing"),
        desk.get("/api/study"),
        desk.get(desk.sound, Range="bytes=0-1"),
        desk.enter(desk.session.new_entry()),
        desk.enter("wrong"),
        desk.get("/", Host="evil.example"),
        desk.get("/", **{"Sec-Fetch-Site": "cross-site"}),
        desk.post("/api/search"),
        desk.post("/api/search", Origin="null"),
        desk.client.put("/api/study"),
        desk.client.head("/api/study"),
    ]
    assert {one.status_code for one in answers} >= {200, 400, 403, 404, 405, 421}
    for response in answers:
        assert all(response.headers[name] == value for name, value in guard.HEADERS.items())
        assert "server" not in response.headers
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_the_policy_lets_no_inline_script_and_nothing_from_outside_run() -> None:
    policy = dict(part.strip().split(" ", 1) for part in guard.HEADERS["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)
    assert "http" not in str(policy)


def test_a_web_socket_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def never(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "websocket", "path": "/", "headers": []}
    asyncio.run(guard.Guard(never)(scope, never, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
