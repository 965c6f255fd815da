"""Which worker hears what. An order is given to a worker only when the engine it asks for stands idle there.

Dask places an order when it gets it, by how long the orders of each worker took so far. It does not know that a worker
has two engines: one would stand idle while orders for it wait at another worker, and what waited behind an order that
ends its worker would fail with it. Of the orders that wait, a worker is given those of the recording it heard last
first, since it has that sound decoded; then those that have waited longest.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from transcribe.errors import ClusterLost
from transcribe.pulse import DIARISATION, RECOGNITION

LOOKS_S = 2.0
"""How long a look at the workers is taken to hold; a new worker is noticed after that."""


@dataclass(eq=False)
class _Waiting:
    engine: str
    sound: str
    address: str = ""
    called: threading.Event = field(default_factory=threading.Event)


class Seats:
    """The engines of all workers; safe to use from many threads."""

    def __init__(self, look: Callable[[], Mapping[str, int]]) -> None:
        """`look`: the workers' addresses, and how many orders each does at the same time."""
        self._look, self._looked = look, -LOOKS_S
        self._room: dict[str, int] = {}
        self._busy: dict[str, set[str]] = {}
        self._heard: dict[str, str] = {}
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def taken(self, engine: str, sound: str) -> Iterator[str]:
        """The address of a worker whose engine is ours meanwhile. Raises ClusterLost after `close`, and what `look`
        raises.
        """
        mine = _Waiting(engine, sound)
        self._refresh()
        with self._lock:
            self._waiting.append(mine)
            self._serve()
        try:
            while not (self._closed or mine.called.wait(LOOKS_S)):
                self._refresh()
            if self._closed:
                raise ClusterLost("the run was stopped", advice="run again, what is done is kept")
            yield mine.address
        finally:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                else:
                    self._busy[mine.address].discard(engine)
                self._serve()

    def gone(self, address: str) -> None:
        """This worker takes no orders any more."""
        with self._lock:
            self._room.pop(address, None)

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._closed = True
            for waiting in self._waiting:
                waiting.called.set()

    def _refresh(self) -> None:
        """A call over the network, by one thread at a time and without keeping the others from their orders."""
        with self._lock:
            if time.monotonic() - self._looked < LOOKS_S:
                return
            self._looked = time.monotonic()
        room = dict(self._look())
        with self._lock:
            self._room = room
            self._serve()

    def _serve(self) -> None:
        """Every idle engine gets an order, if one waits for it."""
        if self._closed or not self._waiting:
            return
        for known in (True, False):
            for engine in (RECOGNITION, DIARISATION):  # the one that takes longer first
                for address in sorted(self._room, key=lambda one: len(self._busy.get(one, ()))):
                    self._give(address, engine, known)

    def _give(self, address: str, engine: str, known: bool) -> None:
        busy = self._busy.setdefault(address, set())
        if engine in busy or len(busy) >= self._room[address]:
            return
        for waiting in self._waiting:
            if waiting.engine == engine and (not known or waiting.sound == self._heard.get(address)):
                self._waiting.remove(waiting)
                busy.add(engine)
                self._heard[address] = waiting.sound
                waiting.address = address
                waiting.called.set()
                return
