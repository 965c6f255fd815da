"""What runs in a worker's process. It has engines and the keys of recordings it was given, never the study's.

On another machine `preload` comes first.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyrage.x25519 import Identity

from transcribe import audio, pulse, store, stored_sound
from transcribe.batch.parcels import Parcel, Reply, another_version, failure, open_key, unwrap
from transcribe.engines import Engines
from transcribe.errors import EngineError, StoreError, WeightsError
from transcribe.hearing import Here, Order, decoded
from transcribe.schema import Audio

STUCK = 70  # the exit status of a worker that ended itself
LOOKS_EVERY = 20  # times within the patience


class _NoSound(Exception):
    """The recording does not lie here."""


class Post:
    """A worker's keys and engines, for as long as its process lives."""

    def __init__(self) -> None:
        self._own = store.new_identity()
        self._runs: dict[str, Identity] = {}
        self._here: dict[str, tuple[Engines, Here]] = {}
        self._sent: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def public(self) -> str:
        return str(self._own.to_public())

    def admit(self, run: str, sealed: bytes) -> None:
        """Take the key of a run."""
        self._runs[run] = open_key(sealed, self._own)

    def dismiss(self, run: str) -> None:
        """Forget the key of a run that has ended, and the sound that was heard last, whoever's it is."""
        self._runs.pop(run, None)
        for _, here in self._here.values():
            here.let_go()

    def work(self, run: str, data: bytes, sound: bytes | None) -> Reply:
        """Carry out one order; `sound` is the sealed recording, where it does not lie within reach."""
        key = self._runs.get(run)
        if key is None:
            return {"lacks": "key", "public": self.public, "address": _address()}
        try:
            parcel = unwrap(data, key)
            engines, here = self._engines(parcel)
        except Exception as error:
            return failure(error, unfit=True)
        try:
            with self._sound(parcel.order, sound), _watched(parcel):
                return {"done": here.do(parcel.order)}
        except _NoSound:
            return {"lacks": "sound"}
        except (EngineError, WeightsError) as error:
            return failure(error, unfit=not engines.has(parcel.order.engine))
        except Exception as error:
            return failure(error)
        finally:
            if run not in self._runs:  # it has ended meanwhile
                self.dismiss(run)

    def _engines(self, parcel: Parcel) -> tuple[Engines, Here]:
        """One set of engines: those of another study's settings are let go. Raises EngineError where this worker would
        hear something else than the others.
        """
        with self._lock:
            if parcel.settings not in self._here:
                engines = Engines(parcel.config)
                self._here = {parcel.settings: (engines, Here(engines, self._decoded))}
            engines, here = self._here[parcel.settings]
            if engines.fingerprint != parcel.made_with:
                raise another_version()
            return engines, here

    @contextmanager
    def _sound(self, order: Order, sound: bytes | None) -> Iterator[None]:
        if sound is not None:
            self._sent[order.secret] = sound
        try:
            yield
        finally:
            self._sent.pop(order.secret, None)

    def _decoded(self, order: Order) -> Audio:
        """From where it lies, if that can be read from here; else as it was sent. Raises _NoSound."""
        sent = self._sent.get(order.secret)
        if sent is not None:
            with audio.in_memory(store.decrypt(sent, store.identity(order.secret))) as descriptor:
                return stored_sound.decode(descriptor)
        if not Path(order.sound).is_file():
            raise _NoSound
        try:
            return decoded(order)
        except (OSError, StoreError):  # another machine's file may lie at the same place
            raise _NoSound from None


_POST = Post()


def work(run: str, parcel: bytes, sound: bytes | None) -> Reply:
    """The errand. Raises nothing: Dask would log an error with what it holds."""
    return _POST.work(run, parcel, sound)


def admit(run: str, sealed: bytes) -> None:
    """Take the key of a run, sealed to this worker."""
    _POST.admit(run, sealed)


def dismiss(run: str) -> None:
    """A run has ended: nothing of it is kept."""
    _POST.dismiss(run)


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


@contextmanager
def _watched(parcel: Parcel) -> Iterator[None]:
    """A native call that never returns cannot be broken off: where the engine is silent for long the process ends.

    Dask notices, and the order goes to another worker.
    """
    engine = parcel.order.engine
    pulse.beat(engine)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(parcel.patience_s / LOOKS_EVERY):
            if pulse.silent_s(engine) > parcel.patience_s:
                os._exit(STUCK)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()
