"""Signs of life: an engine at work says so at every window, and whoever waits for it can tell slow from stuck."""

import time

RECOGNITION, DIARISATION = "recognition", "diarisation"
_last: dict[str, float] = {}


def beat(engine: str) -> None:
    """The engine has got on."""
    _last[engine] = time.monotonic()


def silent_s(engine: str) -> float:
    """Seconds since it last got on; since the start of time where it never did."""
    return time.monotonic() - _last.get(engine, 0.0)
