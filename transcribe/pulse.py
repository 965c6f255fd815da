"""Signs of life: an engine at work says so at every window, and whoever waits for it can tell slow from stuck.

A native call cannot be broken off, so it is also where an engine in another thread ends when work is stopped by hand.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

RECOGNITION, DIARISATION = "recognition", "diarisation"
_last: dict[str, float] = {}
_stopped = threading.Event()


class Stopped(Exception):
    """Nobody waits for what the engine makes any more."""


@contextmanager
def stopping(beside: Future[Any]) -> Iterator[None]:
    """Where Ctrl-C ends the block, the engine at work `beside` it in another thread ends at its next sign of life."""
    try:
        yield
    except KeyboardInterrupt:
        _stopped.set()
        beside.add_done_callback(lambda _: _stopped.clear())
        raise


def beat(engine: str) -> None:
    """The engine has got on. Raises Stopped."""
    if _stopped.is_set():
        raise Stopped
    _last[engine] = time.monotonic()


def silent_s(engine: str) -> float:
    """Seconds since it last got on; since the start of time where it never did."""
    return time.monotonic() - _last.get(engine, 0.0)
