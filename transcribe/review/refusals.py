"""Why the review page is refused something: each error with its HTTP status and what else the page is told."""

from collections.abc import Mapping, Sequence
from typing import Any

from transcribe.errors import TranscribeError


class Refused(TranscribeError):
    """Something the page asked for; `facts` go into the answer beside the sentence."""

    status = 409

    @property
    def facts(self) -> Mapping[str, Any]:
        return {}


class Malformed(Refused):
    """What was sent is not what the contract says."""

    status = 400


class Unknown(Refused):
    """There is no such recording, mark or person."""

    status = 404


class Conflict(Refused):
    """Somebody else changed it in the meantime: the page fetches the changes, and the reviewer looks again."""

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"changed": True}


class StillOpen(Refused):
    """It cannot be settled while these places, as the document lists them, are open."""

    def __init__(self, what: str, *, places: Sequence[Mapping[str, Any]], advice: str = "") -> None:
        super().__init__(what, advice=advice)
        self._places = tuple(places)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"open": self._places}


class KeyDropped(Refused):
    """The study's key is no longer held: the page asks for the passphrase."""

    status = 401

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"locked": True}
