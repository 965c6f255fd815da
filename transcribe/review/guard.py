"""The wall before the review's server: every request is judged by its headers, every answer gets ours, one line is
logged of each.

A page from elsewhere must not reach us through the reviewer's own browser: not under a name that was pointed at
127.0.0.1 (DNS rebinding: Host), not by a form or a script (Origin, Fetch Metadata), not framed. Any loopback port is
taken for ours, so that `ssh -L` works. Sources: OWASP Cross-Site Request Forgery Prevention; W3C Fetch Metadata.
"""

import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENTER = "/enter"
LARGEST_BODY = 1_000_000  # bytes
METHODS = ("GET", "HEAD", "POST")
LOG = logging.getLogger("transcribe.review")

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,9}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_UNUSED = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb")
HEADERS = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store",  # of the sound too: a browser would keep it on the disk
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
}
Refusal = tuple[int, str]
TOO_LARGE: Refusal = (413, "This is more than the server takes at once.")
FAILED: Refusal = (500, "Something went wrong in the server; what was decided before is kept.")


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        answer = _Answer(send)
        refused = refusal(scope["method"], scope["path"], headers)
        failure = ""
        if refused is None:
            try:
                await self._app(scope, _counted(receive), answer.send)
            except _TooLarge:
                refused = TOO_LARGE
            except Exception as error:  # the last resort: its message may hold words of an interview
                refused, failure = FAILED, f" {type(error).__name__}"
        if refused is not None and not answer.status:
            status, sentence = refused
            # the rest of a body that nobody reads must not be taken for the next request
            response = JSONResponse({"error": sentence}, status, headers={"connection": "close"})
            await response(scope, receive, answer.send)
        method = scope["method"] if scope["method"] in METHODS else "-"
        LOG.info("%s %s %d%s", method, getattr(scope.get("route"), "path", "-"), answer.status, failure)


def refusal(method: str, path: str, headers: Headers) -> Refusal | None:
    """Why a request goes no further, with its status; None when it may."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0].lower()):
        return 421, "This page answers only under the address of this machine itself."
    if method not in METHODS:
        return 405, "This method is not used here."
    if not _from_here(method, path, headers):
        return 403, "This was asked for by another page than the review's own."
    if method != "POST":
        return None
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return 415, "Only JSON is taken here."
    length = headers.get("content-length", "0")
    return None if _LENGTH.fullmatch(length) and int(length) <= LARGEST_BODY else TOO_LARGE


def _from_here(method: str, path: str, headers: Headers) -> bool:
    """Whether Origin and Fetch Metadata say that our own page asks, or that somebody typed our address.

    The entry comes from the redirect page, a file, and so from another site: there only the token counts.
    """
    origins = headers.getlist("origin")
    if any(origin.lower() != f"http://{headers['host'].lower()}" for origin in origins):
        return False
    if method == "POST" and len(origins) != 1:
        return False
    site = headers.get("sec-fetch-site", "same-origin")
    if method != "POST" and path == ENTER:
        return headers.get("sec-fetch-mode", "navigate") == "navigate"
    return site == "same-origin" or (site == "none" and method != "POST" and path == "/")


class _TooLarge(Exception):
    """A body without a length turned out to be too large."""


def _counted(receive: Receive) -> Receive:
    """What is received, up to the largest body."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_BODY:
            raise _TooLarge
        return message

    return counted


class _Answer:
    """Sends an answer under our headers and remembers its status, 0 while there is none."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
        await self._send(message)
