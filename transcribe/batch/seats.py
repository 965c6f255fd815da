"""Which worker hears what. An order is given to a worker only when the engine it asks for stands idle there.

Dask places an order when it gets it, by how long the orders of each worker took so far. It does not know that a worker
has two engines: one would stand idle while orders for it wait at another worker, and what waited behind an order that
ends its worker would fail with it. Of the orders that wait, a worker is given those of the recording it heard last
first, since it has that sound decoded; then those that have waited longest.

A worker that is always idle since all it is given fails there would be given all of it. So an order goes to another
worker than those where it failed, if there is one, and where others did what failed no more is given.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field

from transcribe.errors import ClusterLost
from transcribe.pulse import DIARISATION, RECOGNITION
from transcribe.schema import Quiet, record

LOOKS_S = 2.0
"""How long a look at the workers is taken to hold; a new worker is noticed after that."""
PATIENCE_S = 600.0
"""How long a run without any worker waits for one: a machine that is begun anew takes some minutes."""
BACK_S = 60.0
"""Within which a worker that died is there again, if it is begun anew."""
DOUBTED = 3
"""Orders in a row that failed at a worker's engine and that another did: it gets none while there are others."""


@record
class Workers(Quiet):
    """Whether there are workers: state is none or some. After `waits_s` of none a run ends; where None it waits on."""

    state: str
    waits_s: float | None = None


@dataclass(eq=False)
class _Waiting:
    engine: str
    sound: str
    failed_at: Set[str] = frozenset()
    address: str = ""
    called: threading.Event = field(default_factory=threading.Event)


class Seats:
    """The engines of all workers; safe to use from many threads."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, int]],
        *,
        patience_s: float = PATIENCE_S,
        awaited: Callable[[], bool] = lambda: False,
        place: Callable[[str], str] = lambda address: address,
    ) -> None:
        """`look`: the workers' addresses, and how many orders each does at the same time; `awaited`: whether others
        will come, however long it takes; `place`: what stays the same of a worker that is begun anew.
        """
        self.tell: Callable[[Workers], None] = lambda workers: None
        self._look, self._looked = look, -LOOKS_S
        self._patience_s, self._awaited, self._place = patience_s, awaited, place
        self._workers, self._since = Workers(state="some"), 0.0
        self._room: dict[str, int] = {}
        self._busy: dict[str, set[str]] = {}
        self._heard: dict[str, str] = {}
        self._unfit: set[str] = set()
        self._blamed: Counter[tuple[str, str]] = Counter()
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._gone_at = -BACK_S
        self._closed, self._why = False, ("", "")

    @contextmanager
    def taken(self, engine: str, sound: str, failed_at: Set[str] = frozenset()) -> Iterator[str]:
        """The address of a worker whose engine is ours meanwhile; none of the places `failed_at`, if there are others.
        Raises ClusterLost after `close` and where no worker is left for too long, and what `look` raises.
        """
        mine = _Waiting(engine, sound, failed_at)
        self._refresh()
        with self._lock:
            self._waiting.append(mine)
            self._serve()
        try:
            while not (self._closed or mine.called.wait(LOOKS_S)):
                self._refresh()
                self._check_patience()
            if self._closed:
                raise ClusterLost(self._why[0], advice=self._why[1])
            yield mine.address
        finally:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                else:
                    self._busy[mine.address].discard(engine)
                self._serve()

    def gone(self, address: str) -> None:
        """This worker takes no orders any more; it may be begun anew."""
        with self._lock:
            self._room.pop(address, None)
            self._gone_at = time.monotonic()

    def unfit(self, place: str) -> bool:
        """Nothing can be done there, and nothing is given there any more; whether there are workers at other places,
        or may soon be.
        """
        with self._lock:
            self._unfit.add(place)
            self._room = self._fit(self._room)
            some = bool(self._room) or time.monotonic() - self._gone_at < BACK_S
        return some or self._awaited()

    def elsewhere(self, places: Iterable[str]) -> bool:
        """Whether there are workers at other places than these."""
        with self._lock:
            return not {*map(self._place, self._room)} <= {*places}

    def done(self, engine: str, place: str, failed_at: Iterable[str]) -> None:
        """An order was done at a place that had failed at these."""
        with self._lock:
            self._blamed.update((engine, one) for one in failed_at)
            self._blamed[engine, place] = 0

    def close(self, what: str = "the run was stopped", advice: str = "run again, what is done is kept") -> None:
        """Nobody waits any more; who does is told why."""
        with self._lock:
            self._closed, self._why = True, (what, advice)
            for waiting in self._waiting:
                waiting.called.set()

    def _refresh(self) -> None:
        """A call over the network, by one thread at a time and without keeping the others from their orders."""
        with self._lock:
            if time.monotonic() - self._looked < LOOKS_S:
                return
            self._looked = time.monotonic()
        room = self._fit(self._look())
        now = Workers(state="some") if room else Workers(state="none", waits_s=self._waits_s())
        with self._lock:
            self._room = room
            self._serve()
            told, self._workers = self._workers, now
            if now != told:
                self._since = time.monotonic()
        if now != told:
            self.tell(now)

    def _fit(self, room: Mapping[str, int]) -> dict[str, int]:
        return {address: count for address, count in room.items() if self._place(address) not in self._unfit}

    def _waits_s(self) -> float | None:
        return None if self._awaited() else self._patience_s

    def _check_patience(self) -> None:
        with self._lock:
            waits_s, waited_s = self._workers.waits_s, time.monotonic() - self._since
        if waits_s is not None and waited_s > waits_s:
            what = "no worker is left and none has come"
            raise ClusterLost(what, advice="see why, and run again, what is done is kept")

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
            if (
                waiting.engine == engine
                and (not known or waiting.sound == self._heard.get(address))
                and not self._spared(waiting, address)
            ):
                self._waiting.remove(waiting)
                busy.add(engine)
                self._heard[address] = waiting.sound
                waiting.address = address
                waiting.called.set()
                return

    def _spared(self, waiting: _Waiting, address: str) -> bool:
        """Whether another worker is a better one for this order, idle or not."""
        doubt = self._doubt(waiting, address)
        return any(doubt) and any(self._doubt(waiting, one) < doubt for one in self._room)

    def _doubt(self, waiting: _Waiting, address: str) -> tuple[bool, bool]:
        """What speaks against a worker: the order failed there, or others did."""
        place = self._place(address)
        return place in waiting.failed_at, self._blamed[waiting.engine, place] >= DOUBTED
