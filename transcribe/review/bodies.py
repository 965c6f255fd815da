"""JSON from the page and to it: a small object of limited depth in, any answer out."""

import json
import math
from typing import Any, NoReturn

from transcribe.review.refusals import Malformed

DEEPEST = 8  # levels; an act has three


def parsed(body: bytes) -> dict[str, Any]:
    """The object in a request. Raises Malformed: no JSON in UTF-8, no object, too deep, or text that is no Unicode."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):  # its message would show what was sent
        raise Malformed("what was sent is no JSON") from None
    if not isinstance(value, dict):
        raise Malformed("what was sent is no JSON object")
    _check(value)
    return value


def _check(value: object) -> None:
    """Walk the levels one after the other, so that depth costs no stack."""
    level = [value]
    for _ in range(DEEPEST):
        texts = [one for one in level if isinstance(one, str)]
        texts += [key for one in level if isinstance(one, dict) for key in one]
        if any(isinstance(one, float) and not math.isfinite(one) for one in level):
            raise Malformed("what was sent holds a number beyond all bounds")
        if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
            raise Malformed("what was sent holds half a character")
        inside = [
            tuple(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [value for values in inside for value in values]
        if not level:
            return
    raise Malformed("what was sent is nested too deep")


def _no_number(name: str) -> NoReturn:
    raise ValueError


def text(body: dict[str, Any], name: str) -> str:
    """A text that must stand in the object. Raises Malformed."""
    value = body.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing, or no text")
    return value


def written(value: object) -> bytes:
    """An answer as JSON in UTF-8; bytes were written before."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
