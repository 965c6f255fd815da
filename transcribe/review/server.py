"""The review's server: which address asks which work of whom. It decides nothing and reads no file of a study itself.

`guard` stands before all of it. The page's own files come from a table made at the start, so nothing that a client
sends ever becomes a path. Who came in by the entry has the page's token (`session`), which all else asks for; and while
the study's key is not held, all that is left is to unlock it.
"""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from transcribe import store
from transcribe.errors import LockedError, TranscribeError
from transcribe.review.bodies import parsed, text, written
from transcribe.review.guard import ENTER, Guard
from transcribe.review.ranges import answer
from transcribe.review.refusals import KeyDropped, Refused, Unknown
from transcribe.review.session import Session

Json = dict[str, Any]
Answer = Mapping[str, Any]
LOOK_EVERY_S = 5.0
SOUND = "audio/ogg; codecs=opus"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ENTERED = """<!doctype html>
<html lang="en" data-token="{token}" data-place="{place}">
<title>Review</title>
<script type="module" src="/page/enter.js"></script>
<noscript><p>This page works with JavaScript only. All of it comes from your own machine.</p></noscript>
</html>
"""
_NOT_ENTERED = "This link was used before, or is older than a minute. Start `transcribe review` again for a new one."
_OVER = "This session is over. Start `transcribe review` again."


class Office(Protocol):
    """What the page can ask of an unlocked study; all answers are ready for JSON; a
    document may be written already. Calls block, and one runs at a time,
    but for `sound`, which may run beside another. They raise `refusals` or any other TranscribeError.
    """

    def session(self) -> Answer: ...
    def study(self) -> Answer: ...
    def document(self, recording_id: str, /) -> Answer | bytes: ...
    def changes(self, recording_id: str, since: str, /) -> Answer: ...
    def act(self, recording_id: str, body: Json, /) -> Answer: ...
    def undo(self, recording_id: str, version: str, /) -> Answer: ...
    def redo(self, recording_id: str, version: str, /) -> Answer: ...
    def settle(self, recording_id: str, version: str, /) -> Answer: ...
    def preview(self, recording_id: str, /) -> Answer: ...
    def explain(self, recording_id: str, mark: str, /) -> Answer: ...
    def alike(self, recording_id: str, /) -> Answer: ...
    def suggest(self, recording_id: str, body: Json, /) -> Answer: ...
    def agreement(self, recording_id: str, /) -> Answer: ...
    def people(self) -> Answer: ...
    def act_on_people(self, body: Json, /) -> Answer: ...
    def undo_people(self, last: str, /) -> Answer: ...
    def redo_people(self, last: str, /) -> Answer: ...
    def search(self, wanted: str, /) -> Answer: ...
    def release(self, body: Json, /) -> Answer: ...
    def sound(self, recording_id: str, /) -> bytes: ...
    def close(self) -> None: ...


Call = Callable[[Office, Mapping[str, str], Json], Answer | bytes]
_RECORDING = "/api/recordings/{id}"
CHANGES = f"{_RECORDING}/changes"
READ: dict[str, Call] = {
    "/api/study": lambda office, at, body: office.study(),
    _RECORDING: lambda office, at, body: office.document(at["id"]),
    CHANGES: lambda office, at, body: office.changes(at["id"], text(body, "since")),
    f"{_RECORDING}/preview": lambda office, at, body: office.preview(at["id"]),
    f"{_RECORDING}/explain/{{mark}}": lambda office, at, body: office.explain(at["id"], at["mark"]),
    f"{_RECORDING}/alike": lambda office, at, body: office.alike(at["id"]),
    f"{_RECORDING}/agreement": lambda office, at, body: office.agreement(at["id"]),
    "/api/people": lambda office, at, body: office.people(),
}
"""What a GET asks; in the place of a body stands the query."""
WRITE: dict[str, Call] = {
    f"{_RECORDING}/act": lambda office, at, body: office.act(at["id"], body),
    f"{_RECORDING}/undo": lambda office, at, body: office.undo(at["id"], text(body, "version")),
    f"{_RECORDING}/redo": lambda office, at, body: office.redo(at["id"], text(body, "version")),
    f"{_RECORDING}/settle": lambda office, at, body: office.settle(at["id"], text(body, "version")),
    f"{_RECORDING}/suggest": lambda office, at, body: office.suggest(at["id"], body),
    "/api/people/act": lambda office, at, body: office.act_on_people(body),
    "/api/people/undo": lambda office, at, body: office.undo_people(text(body, "last")),
    "/api/people/redo": lambda office, at, body: office.redo_people(text(body, "last")),
    "/api/search": lambda office, at, body: office.search(text(body, "text")),
    "/api/release": lambda office, at, body: office.release(body),
}


def app(unlock: Callable[[str], Office], office: Office | None, session: Session) -> Starlette:
    """The application. `unlock` opens the study with a passphrase, slowly, and raises LockedError for a wrong one;
    `office` is the study where it is open already.
    """
    desk = _Desk(unlock, office, session)
    routes = [
        Route("/", desk.index),
        Route("/page/{name}", desk.file),
        Route(ENTER, desk.enter),
        Route("/api/session", desk.session),
        Route("/api/unlock", desk.unlock, methods=["POST"]),
        Route("/api/lock", desk.lock, methods=["POST"]),
        Route(f"{_RECORDING}/sound", desk.sound),
        *(Route(path, desk.reads(call, work=path != CHANGES)) for path, call in READ.items()),
        *(Route(path, desk.writes(call), methods=["POST"]) for path, call in WRITE.items()),
    ]
    made = Starlette(
        routes=routes,
        middleware=[Middleware(Guard)],
        exception_handlers={TranscribeError: _refused, HTTPException: _refused, OSError: _of_the_disk},
        lifespan=desk.lifespan,
    )
    made.router.redirect_slashes = False
    return made


class _Desk:
    """The endpoints, and the study's office while its key is held."""

    def __init__(self, unlock: Callable[[str], Office], office: Office | None, session: Session) -> None:
        self._unlock = unlock
        self._office = office
        self._session = session
        self._told: Answer = {}
        self._files = _page_files()
        self._at_work = asyncio.Lock()
        self._at_the_door = asyncio.Lock()
        self._listening = asyncio.Lock()

    # --- what anybody on this machine may have -----------------------------------------------------------------------

    async def index(self, request: Request) -> Response:
        return self._from_table("index.html")

    async def file(self, request: Request) -> Response:
        return self._from_table(request.path_params["name"])

    def _from_table(self, name: str) -> Response:
        if name not in self._files:
            raise HTTPException(404)
        content, media_type = self._files[name]
        return Response(content, media_type=media_type)

    async def enter(self, request: Request) -> Response:
        """The page's token for the entry's, in a page whose script stores it and goes on: a token that stood in the
        address would stay in the browser's history.
        """
        if request.method != "GET" or not self._session.enter(request.query_params.get("token", "")):
            return PlainTextResponse(_NOT_ENTERED, 403)
        office = self._held()
        if office is not None:
            self._told = await self._ask(office.session)
        opened = str(self._told.get("open") or "")
        place = f"/#/{opened}" if _ID.fullmatch(opened) else "/"
        return HTMLResponse(_ENTERED.format(token=self._session.page_token, place=place))

    # --- the key -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """While the server runs, the idle time is looked at even when nobody asks anything."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                self._held()

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            self._drop()

    def _held(self) -> Office | None:
        """The office, unless nobody worked with it for too long."""
        if self._session.idle and not self._at_work.locked():
            self._drop()
        return self._office

    def _drop(self) -> None:
        office, self._office = self._office, None
        if office is not None:
            office.close()
            del office
            gc.collect()  # what refers to itself would stay in memory for as long as nothing happens here

    async def session(self, request: Request) -> Response:
        """Also while the study is locked, as it was told last: it says nothing of the study, and lets a page load."""
        self._admit(request)
        office = self._held()
        if office is not None:
            self._told = await self._ask(office.session)
        own = {"ticket": self._session.sound_ticket, "locked": office is None}
        return _json(written({**self._told, **own}))

    async def unlock(self, request: Request) -> Response:
        passphrase = text(await self._sent(request), "passphrase")
        if self._at_the_door.locked():
            raise Refused("another passphrase is being tried", advice="wait until that is done")
        async with self._at_the_door:
            if self._held() is None:
                try:
                    self._office = await run_in_threadpool(self._unlock, passphrase)
                except LockedError as error:
                    raise HTTPException(403, str(error)) from None
            self._session.work()
        return _json(b"{}")

    async def lock(self, request: Request) -> Response:
        await self._sent(request)
        self._drop()
        return _json(b"{}")

    # --- work --------------------------------------------------------------------------------------------------------

    def reads(self, call: Call, *, work: bool) -> Callable[[Request], Any]:
        """The endpoint of a GET. To look for changes now and then is no `work`."""

        async def endpoint(request: Request) -> Response:
            self._admit(request)
            return await self._called(call, request, dict(request.query_params), work)

        return endpoint

    def writes(self, call: Call) -> Callable[[Request], Any]:
        """The endpoint of a POST."""

        async def endpoint(request: Request) -> Response:
            return await self._called(call, request, await self._sent(request), True)

        return endpoint

    async def sound(self, request: Request) -> Response:
        if not self._session.may_hear(request.query_params.get("ticket", "")):
            raise HTTPException(401, _OVER)
        office = self._need()
        self._session.work()
        async with self._listening:  # where the copy has to be made first, once is enough
            data = await run_in_threadpool(office.sound, _checked(request)["id"])
        return answer(data, request.method, request.headers, SOUND)

    async def _called(self, call: Call, request: Request, body: Json, work: bool) -> Response:
        office, at = self._need(), _checked(request)
        if not work:
            return _json(await self._ask(lambda: written(call(office, at, body))))
        self._session.work()
        try:
            return _json(await self._ask(lambda: written(call(office, at, body))))
        finally:
            self._session.work()

    async def _ask(self, what: Callable[[], Any]) -> Any:
        async with self._at_work:
            return await run_in_threadpool(what)

    # --- who asks ----------------------------------------------------------------------------------------------------

    def _admit(self, request: Request) -> None:
        if not self._session.is_page(request.headers.get("x-review-token", "")):
            raise HTTPException(401, _OVER)

    async def _sent(self, request: Request) -> Json:
        """What the page itself sent."""
        self._admit(request)
        return parsed(await request.body())

    def _need(self) -> Office:
        office = self._held()
        if office is None:
            raise KeyDropped("the study is locked", advice="give its passphrase")
        return office


def _checked(request: Request) -> Mapping[str, str]:
    """The parts of the address. Raises Unknown for what can be no id."""
    if not all(_ID.fullmatch(value) for value in request.path_params.values()):
        raise Unknown("there is nothing under this address")
    return request.path_params


def _page_files() -> dict[str, tuple[bytes, str]]:
    """Content and type of each file of the page by its name. The first page names all modules, so that a browser asks
    for them at once and not one after the other as it reads what they import.
    """
    folder = resources.files("transcribe.review") / "page"
    kinds = [(file, TYPES.get("." + file.name.rpartition(".")[2])) for file in folder.iterdir()]
    files = {file.name: (file.read_bytes(), kind) for file, kind in kinds if kind}
    links = (f'<link rel="modulepreload" href="/page/{name}">\n' for name in sorted(files) if name.endswith(".js"))
    first, kind = files["index.html"]
    files["index.html"] = first.replace(b"</head>", "".join(links).encode() + b"</head>"), kind
    return files


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    """Any expected error as one sentence."""
    if isinstance(error, HTTPException):
        return _json(written({"error": error.detail}), error.status_code)
    facts = error.facts if isinstance(error, Refused) else {}
    status = error.status if isinstance(error, Refused) else 409
    return _json(written({"error": str(error), **facts}), status)


async def _of_the_disk(request: Request, error: Exception) -> Response:
    """A disk that is full or gone, as a sentence; what else went wrong is the guard's to tell."""
    trouble = store.disk_error(error) if isinstance(error, OSError) else None
    if trouble is None:
        raise error
    return _json(written({"error": str(trouble)}), 507)
