"""The server as a process: where it listens, the way in, what it leaves behind, and a real browser in front of it."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from tests.builders import add_recording, new_unlocked
from tests.conftest import REPOSITORY
from tests.review.offices import Watch
from transcribe import listening
from transcribe.review import serving
from transcribe.review.session import Session

PAGE = """<!doctype html><html lang="en"><title>Review</title><link rel="icon" href="data:,">
<script>document.documentElement.dataset.inline = "ran"</script>
<script type="module" src="/page/a.js"></script><p></p></html>"""
SCRIPT = """
const headers = {"Content-Type": "application/json", "X-Review-Token": localStorage.getItem("token")};
const answers = [];
for (const mode of ["cors", "same-origin"])
  answers.push((await fetch("/api/search", {method: "POST", mode, headers, body: '{"text": "x"}'})).status);
const said = (await (await fetch("/api/study", {headers})).json()).said;
document.querySelector("p").textContent = said;
document.documentElement.dataset.told = JSON.stringify({answers, cookie: document.cookie});
"""


class Served:
    """A running server, and what it said and logged."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.errors = errors
        assert process.stdout is not None
        self.said = process.stdout.readline() + process.stdout.readline()
        self.page = Path(re.search(r": (/\S+)", self.said)[1])  # type: ignore[index]
        self.port = int(re.search(r"-L (\d+):127.0.0.1:\1 ", self.said)[1])  # type: ignore[index]
        self.entry = re.search(r"url=(\S+)\"", self.page.read_text())[1]  # type: ignore[index]
        self.home = f"http://127.0.0.1:{self.port}"

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its exit status and its last words."""
        self.process.send_signal(how)
        assert self.process.stdout is not None
        return self.process.wait(20), self.process.stdout.read()

    def raw(self, request: bytes) -> bytes:
        """What it answers to bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as link:
            link.sendall(request)
            answer = b""
            while block := link.recv(65536):
                answer += block
        return answer


@contextmanager
def running(folder: Path, port: int = 0, browser: str = "", **environment: str) -> Iterator[Served]:
    (folder / "page").mkdir(exist_ok=True)
    (folder / "page" / "index.html").write_text(PAGE)
    (folder / "page" / "a.js").write_text(SCRIPT)
    shutil.copy(Path(serving.__file__).parent / "page" / "enter.js", folder / "page")
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    told = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), **environment}
    command = [sys.executable, "-m", "tests.review.served", str(folder), str(port), "browser" if browser else "none"]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=told, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    try:
        yield Served(process, folder / "errors")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tmp_path_factory.mktemp("shared")) as served:
        yield served


def test_it_listens_on_loopback_alone(shared: Served) -> None:
    listening = [c.laddr for c in psutil.Process(shared.process.pid).net_connections() if c.status == "LISTEN"]
    assert listening == [("127.0.0.1", shared.port)]


def test_the_redirect_page_is_for_this_user_alone_and_its_token_shows_nowhere_else(shared: Served) -> None:
    token = shared.entry.split("=")[1]
    assert len(token) == 43
    assert stat.S_IMODE(shared.page.stat().st_mode) == 0o600
    assert stat.S_IMODE(shared.page.parent.stat().st_mode) == 0o700
    assert shared.page.parent.parent.name == "runtime"
    assert token not in shared.said
    for process in psutil.process_iter(["cmdline"]):
        assert token not in " ".join(process.info["cmdline"] or [])
    assert token not in str(psutil.Process(shared.process.pid).environ())


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /../../etc/passwd HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /page/../../server.py HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /page/..%2f..%2fserver.py HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /page/%2e%2e/server.py HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /page/a.js%00 HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET http://evil.example/ HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET //evil.example/ HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET / HTTP/1.1", "Host: evil.example", 421),
        ("GET / HTTP/1.0", "X: y", 421),
        ("GET / HTTP/1.1", "X: y", 400),
        ("GET / HTTP/1.1", "Host: 127.0.0.1\r\nHost: evil.example", 400),
        ("GET / HTTP/1.1", "Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 10.0.0.1", 200),
        ("GET /api/study HTTP/1.1", "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade", 401),
        ("CONNECT evil.example:443 HTTP/1.1", "Host: 127.0.0.1", 405),
        ("OPTIONS / HTTP/1.1", "Host: 127.0.0.1\r\nOrigin: http://evil.example", 405),
    ],
)
def test_requests_that_no_browser_sends(shared: Served, request_line: str, headers: str, status: int) -> None:
    answer = shared.raw(f"{request_line}\r\n{headers}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"root:" not in answer
    assert b"\nserver:" not in answer.lower()


def test_a_body_that_never_says_its_length_is_cut_off(shared: Served) -> None:
    head = b"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
    kind = b"Content-Type: application/json\r\n"
    endless = b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"
    assert b" 401 " in shared.raw(head + kind + endless).split(b"\r\n")[0]
    answer = shared.raw(head + kind + b"Content-Length: 99999999\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b"connection: close" in answer


def test_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with running(tmp_path) as served:
            assert served.page.exists()
            assert httpx.get(served.home).status_code == 200
            status, last = served.end(how)
            assert (status, last) == (0, "The review page has ended; everything that was decided is saved.\n")
            assert list((tmp_path / "runtime").iterdir()) == []
            assert served.errors.read_text() == "GET / 200\n"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_can_be_ended_at_once_and_from_the_background(tmp_path: Path, how: signal.Signals) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it starts with &
    try:
        with running(tmp_path) as served:
            assert served.end(how)[0] == 0
            assert list((tmp_path / "runtime").iterdir()) == []
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_way_in_closes_behind_the_browser(tmp_path: Path) -> None:
    with running(tmp_path) as served, httpx.Client() as browser:
        came_in = browser.get(served.entry)
        assert came_in.status_code == 200
        browser.headers["X-Review-Token"] = re.findall(r'data-token="([^"]+)"', came_in.text)[0]
        assert browser.get(f"{served.home}/api/session").status_code == 200
        deadline = time.monotonic() + 10
        while served.page.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert browser.get(served.entry).status_code == 403
        assert served.end()[0] == 0
        lines = served.errors.read_text().splitlines()
        assert lines == ["GET /enter 200", "GET /api/session 200", "GET /enter 403"]


def test_the_way_in_closes_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "LOOK_EVERY_S", 0.01)
    watch, page = Watch(), tmp_path / "review.html"
    session = Session(clock=watch)
    session.new_entry()
    page.touch()

    async def a_minute() -> None:
        removing = asyncio.create_task(serving._removed(page, session))
        await asyncio.sleep(0.1)
        assert page.exists()
        watch.now += 60
        await removing

    asyncio.run(a_minute())
    assert not page.exists()


def test_a_taken_port_is_refused_with_a_sentence(tmp_path: Path, shared: Served) -> None:
    (tmp_path / "page").mkdir()
    command = [sys.executable, "-m", "tests.review.served", str(tmp_path), str(shared.port), "none"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    expected = f"port {shared.port} cannot be had (address already in use); choose another, or name none.\n"
    assert done.stderr == expected


def test_no_answer_waits_for_the_receipt_of_its_first_half() -> None:
    with serving._bound(0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_wanted_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(tmp_path, port) as served:
        assert served.port == port
        assert served.end()[0] == 0


def test_the_browser_gets_the_path_of_the_page_and_never_the_token(tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/given.part\nmv {tmp_path}/given.part {tmp_path}/given\n'
    )
    program.chmod(0o700)
    with running(tmp_path, browser="yes", BROWSER=f"{program} %s") as served:
        assert served.said.startswith("The review page opens in your browser; if it does not, open this file")
        deadline = time.monotonic() + 10
        while not (tmp_path / "given").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (tmp_path / "given").read_text() == f"{served.page.as_uri()}\n"


# --- in Chromium ----------------------------------------------------------------------------------------------------


@contextmanager
def chromium(*options: str) -> Iterator[Any]:
    """A fresh context of a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", *options])
        yield browser.new_context()
        browser.close()


@pytest.mark.system("chromium")
def test_chromium_comes_in_by_the_redirect_page(tmp_path: Path) -> None:
    with running(tmp_path) as served, chromium() as context:
        tab = context.new_page()
        tab.goto(served.page.as_uri())
        tab.wait_for_selector("html[data-told]", timeout=10_000)
        assert tab.url == f"{served.home}/"
        told = json.loads(tab.get_attribute("html", "data-told"))
        assert told == {"answers": [200, 200], "cookie": ""}
        assert tab.get_attribute("html", "data-inline") is None  # no inline script runs
        assert tab.inner_text("p") == "<script>alert('Siobhan')</script>"
        assert context.cookies() == []
        tab.reload()
        tab.wait_for_selector("html[data-told]", timeout=10_000)
        other = context.new_page()
        other.goto(served.home)
        other.wait_for_selector("html[data-told]", timeout=10_000)


@pytest.mark.system("chromium")
def test_chromium_comes_in_through_a_port_that_ssh_forwards(tmp_path: Path) -> None:
    with running(tmp_path) as served, forwarded(served.port) as port, chromium() as context:
        tab = context.new_page()
        for address in (served.entry.replace(f":{served.port}/", f":{port}/"), f"http://127.0.0.1:{port}/"):
            tab.goto(address)
            tab.wait_for_selector("html[data-told]", timeout=10_000)
            assert tab.url == f"http://127.0.0.1:{port}/"
            assert json.loads(tab.get_attribute("html", "data-told"))["answers"] == [200, 200]


@contextmanager
def forwarded(port: int) -> Iterator[int]:
    """Another port that leads to this one, byte by byte."""

    def passed(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                threading.Thread(target=passed, args=(there, self.request), daemon=True).start()
                passed(self.request, there)

    class Forwarding(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Forwarding(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


LISTEN = """async () => {
  const headers = {"X-Review-Token": localStorage.getItem("token")};
  const {ticket} = await (await fetch("/api/session", {headers})).json();
  const address = `/api/recordings/R001/sound?ticket=${ticket}`, told = {};
  const audio = new Audio(address);
  const once = (name) => new Promise((done) => audio.addEventListener(name, done, {once: true}));
  await once("loadedmetadata");
  told.duration = audio.duration;
  const context = new AudioContext({sampleRate: 48000}), heard = [];
  const tap = context.createScriptProcessor(1024, 1, 1);
  tap.onaudioprocess = (event) => heard.push(...event.inputBuffer.getChannelData(0));
  context.createMediaElementSource(audio).connect(tap);
  tap.connect(context.destination);
  await context.resume();
  const loudest = (samples, from, to) => {
    let best = from;
    for (let at = from; at < to; at++) if (Math.abs(samples[at]) > Math.abs(samples[best])) best = at;
    return best / 48000;
  };
  told.clicks = [];
  for (const place of [200, 40.5]) {
    audio.currentTime = place;
    await once("seeked");
    heard.length = 0;
    await audio.play();
    while (audio.currentTime < place + 1.5) await new Promise((done) => setTimeout(done, 50));
    audio.pause();
    const begins = heard.findIndex((sample) => Math.abs(sample) > 1e-4);
    told.clicks.push(loudest(heard, begins, heard.length) - begins / 48000);
  }
  const whole = await context.decodeAudioData(await (await fetch(address)).arrayBuffer());
  const samples = whole.getChannelData(0);
  told.decoded = [41, 201, 291].map((place) => loudest(samples, (place - 1) * 48000, (place + 1) * 48000));
  told.moved = audio.currentTime;
  return told;
}"""


def clicks(path: Path) -> bytes:
    """Five minutes of a murmur with a click at 41, 201 and 291 s."""
    sound = np.random.default_rng(5).normal(0, 0.01, 16_000 * 300)
    burst = 0.8 * np.sin(2 * np.pi * 1500 * np.arange(64) / 16_000)
    for at in (41, 201, 291):
        sound[at * 16_000 :][: len(burst)] += burst
    soundfile.write(path, sound, 16_000, subtype="PCM_16")
    return path.read_bytes()


@pytest.mark.system("chromium")
def test_chromium_seeks_in_the_listening_copy_and_plays_from_there(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=clicks(tmp_path / "clicks.wav"))
    listening.make(unlocked, "R001")
    (tmp_path / "sound.opus").write_bytes(listening.read(unlocked, "R001") or b"")
    with running(tmp_path) as served, chromium("--autoplay-policy=no-user-gesture-required") as context:
        tab = context.new_page()
        answers: list[tuple[int, str]] = []
        tab.on("response", lambda one: answers.append((one.status, one.url)))
        tab.goto(served.page.as_uri())
        tab.wait_for_selector("html[data-told]", timeout=10_000)
        told = tab.evaluate(LISTEN)
        assert told["duration"] == pytest.approx(300, abs=0.01)
        assert told["moved"] > 41
        assert told["decoded"] == pytest.approx([41, 201, 291], abs=0.010)
        assert told["clicks"] == pytest.approx([1, 0.5], abs=0.03)  # heard through the sound card's blocks
        assert 206 in {status for status, url in answers if "/sound?" in url}


ATTACK = """
const home = new URLSearchParams(location.search).get("home");
const tries = {};
const attempt = async (name, path, options) => {
  try { tries[name] = (await fetch(home + path, {credentials: "include", ...options})).status; }
  catch { tries[name] = "refused"; }
};
const json = {"Content-Type": "application/json"};
await attempt("read", "/api/study", {});
await attempt("post", "/api/people/undo", {method: "POST", headers: json, body: "{}"});
await attempt("plain", "/api/people/undo", {method: "POST", headers: {"Content-Type": "text/plain"}, body: "{}"});
await attempt("silent", "/api/people/undo", {method: "POST", mode: "no-cors", body: "{}"});
const shown = (element) => new Promise((done) => {
  element.onload = () => done("loaded"); element.onerror = () => done("refused");
  document.body.append(element);
});
tries.script = await shown(Object.assign(document.createElement("script"), {src: home + "/page/a.js"}));
document.documentElement.dataset.told = JSON.stringify(tries);
"""


@pytest.mark.system("chromium")
def test_a_page_on_another_port_of_this_machine_gets_and_changes_nothing(tmp_path: Path) -> None:
    """The worst neighbour: the same site for the browser, so that any cookie of ours would be sent along."""
    with running(tmp_path) as served, chromium() as context, evil() as (port, sent):
        tab = context.new_page()
        tab.goto(served.page.as_uri())
        tab.wait_for_selector("html[data-told]", timeout=10_000)
        before = len(served.errors.read_text().splitlines())
        for host in ("127.0.0.1", "localhost"):
            tab.goto(f"http://{host}:{port}/?home={served.home}")
            tab.wait_for_selector("html[data-told]", timeout=10_000)
            tries = json.loads(tab.get_attribute("html", "data-told"))
            assert tries.pop("silent") in (0, "refused")  # opaque: the log tells
            assert set(tries.values()) == {"refused"}
            assert tab.evaluate("localStorage.length") == 0
        logged = served.errors.read_text().splitlines()[before:]
        assert logged
        assert not [line for line in logged if line.endswith(" 200")]
        tab.reload()  # for the browser no other site asks for it
        assert len(sent) > 2
        for headers in sent:
            kept = {"Cookie": headers.get("Cookie", "")}
            assert httpx.get(f"{served.home}/api/session", headers=kept).status_code == 401


@contextmanager
def evil() -> Iterator[tuple[int, list[Any]]]:
    """A web server of somebody else on this machine: its port, and the headers of what it was asked."""
    sent: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<!doctype html><body><script type="module">{ATTACK}</script>'.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, sent
        server.shutdown()
