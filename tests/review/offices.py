"""A study's office that does nothing but remember what it was asked, and a browser that has entered."""

import re
import time
from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from transcribe.errors import LockedError
from transcribe.review import server
from transcribe.review.session import Session

HOME = "http://127.0.0.1:8000"
PASSPHRASE = "correct horse"
SCRIPT = "<script>alert('Siobhan')</script>"


class Watch:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeOffice:
    """Answers every call with its name, or raises what it was told to."""

    def __init__(self, sound: bytes = b"") -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.fails: Exception | None = None
        self.at_once = 0
        self.most_at_once = 0
        self.takes_s = 0.0
        self.closed = False
        self._sound = sound

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*given: Any) -> dict[str, Any]:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
            self.asked.append((name, *given))
            time.sleep(self.takes_s)
            self.at_once -= 1
            if self.fails:
                raise self.fails
            return {"did": name, "said": SCRIPT}

        return call

    def sound(self, recording_id: str) -> bytes:
        self.asked.append(("sound", recording_id))
        time.sleep(self.takes_s)
        return self._sound

    def close(self) -> None:
        self.closed = True


class Desk:
    """An application over a fake office, and one browser in front of it."""

    def __init__(self, office: FakeOffice | None = None, *, entered: bool = True, **session: Any) -> None:
        self.watch = Watch()
        self.session = Session(clock=self.watch, **session)
        self.office = office or FakeOffice()
        self.opened = 0
        self.app = server.app(self.unlock, self.office, self.session)  # type: ignore[arg-type]
        self.client = TestClient(self.app, base_url=HOME, follow_redirects=False)
        self.token = self.sound = ""
        if entered:
            response = self.enter(self.session.new_entry())
            self.token = re.findall(r'data-token="([^"]+)"', response.text)[0]
            self.sound = f"/api/recordings/R001/sound?ticket={self.get('/api/session').json()['ticket']}"
            self.office.asked.clear()

    def unlock(self, passphrase: str) -> FakeOffice:
        self.opened += 1
        if passphrase != PASSPHRASE:
            raise LockedError("the passphrase does not open this study", advice="try again")
        self.office = FakeOffice()
        return self.office

    def enter(self, token: str) -> Any:
        return self.client.get("/enter", params={"token": token})

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"X-Review-Token": self.token, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        given = {"Origin": HOME, "X-Review-Token": self.token, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.client.post(path, json={} if body is None else body, headers=given)
