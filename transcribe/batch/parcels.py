"""What travels between the researcher's machine and a worker: a sealed parcel there, a reply back.

A parcel is sealed to the key of its run. A worker is given that key sealed to a key of its own, which lives in its
memory alone; so a scheduler, through which all of it passes, can read nothing. A reply's artefact is sealed to the
recording. The study's own key is in none of it.
"""

import pickle
from typing import Any

import pyrage
from pyrage.x25519 import Identity

from transcribe import errors, store
from transcribe.config import StudyConfig
from transcribe.errors import EngineError, TranscribeError, of_memory
from transcribe.hearing import Order
from transcribe.schema import Quiet, record

Reply = dict[str, Any]
"""Exactly one of: "done" (an artefact's file), "lacks" ("key", with the worker's "public" half and "address", or
"sound"), "failed" (an error's name, with "what" and "advice" where it is ours, and whether it was for want of
"memory", or any order would fail so since the worker is "unfit"). Plain values: a scheduler need not have this
program."""


@record
class Parcel(Quiet):
    """An order, with what it is to be carried out by.

    `settings`: StudyConfig as JSON; `made_with`: what has to be the same on both sides; `patience_s`: how long an
    engine may be silent before it counts as stuck.
    """

    order: Order
    settings: str
    made_with: tuple[str, ...]
    patience_s: float

    @property
    def config(self) -> StudyConfig:
        return StudyConfig.model_validate_json(self.settings)


def wrap(parcel: Parcel, run: str) -> bytes:
    """A parcel, sealed to a run's public half."""
    return store.sealed(parcel, store.recipient(run))


def unwrap(data: bytes, key: Identity) -> Parcel:
    """Raises StoreError for what `wrap` did not seal to this key."""
    return store.unpack(store.decrypt(data, key), Parcel).value


def seal_key(key: Identity, public: str) -> bytes:
    """A run's key, for one worker."""
    return bytes(pyrage.encrypt(str(key).encode(), [store.recipient(public)]))


def open_key(data: bytes, key: Identity) -> Identity:
    return store.identity(store.decrypt(data, key).decode())


class Errand:
    """Unpickled on a worker, it is done there: all that a scheduler sees of it is bytes."""

    def __init__(self, run: str, parcel: bytes, sound: bytes | None) -> None:
        self._given = (run, parcel, sound)

    def __reduce__(self) -> tuple[Any, ...]:
        from transcribe.batch.worker import work

        return work, self._given

    def packed(self) -> bytes:
        return pickle.dumps(self)


def another_version() -> EngineError:
    """What is wrong with a worker that would hear something else than the others, or does not know what it is asked."""
    return EngineError(
        "a worker has another version of the program, or other weights",
        advice="install the same on all machines of the cluster",
    )


def failure(error: Exception, *, unfit: bool = False) -> Reply:
    """What may be told of an error. The message of one that is not ours may hold what was heard; its name cannot."""
    ours = error if isinstance(error, TranscribeError) else TranscribeError("")
    memory = of_memory(error) or of_memory(ours.__cause__)
    return {
        "failed": type(error).__name__,
        "what": ours.what,
        "advice": ours.advice,
        "memory": memory,
        "unfit": unfit and not memory,
    }


def error(reply: Reply) -> TranscribeError:
    """The error behind a failure."""
    known = getattr(errors, str(reply["failed"]), None)
    if isinstance(known, type) and issubclass(known, TranscribeError):
        return known(str(reply["what"]), advice=str(reply["advice"]))
    return EngineError(f"{reply['failed']} in an engine", advice="the other recordings go on")
