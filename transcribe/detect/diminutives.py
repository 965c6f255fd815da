"""Short and pet names: which a full name has, and which full names a short one stands for.

Two sources: diminutives.toml (ours, wide in origin) and the library `nicknames` (carltonnorthern, Apache-2.0, mostly
American English) for names that ours does not have.
"""

import tomllib
from functools import cache
from importlib.resources import files

from nicknames import NickNamer

from transcribe.wordforms import folded


@cache
def _tables() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """(short names by full name, full names by short name)."""
    raw = tomllib.loads((files("transcribe.detect") / "diminutives.toml").read_text(encoding="utf-8"))
    shorter = {name: frozenset(line.split()) for name, line in raw["names"].items()}
    longer: dict[str, set[str]] = {}
    for name, shorts in shorter.items():
        for short in shorts:
            longer.setdefault(short, set()).add(name)
    return shorter, {short: frozenset(names) for short, names in longer.items()}


@cache
def _library() -> NickNamer:
    return NickNamer()


@cache
def of(name: str) -> frozenset[str]:
    """Folded short and full forms that somebody of this first name may go by, the name itself not among them."""
    plain = folded(name)
    shorter, longer = _tables()
    ours = shorter.get(plain, frozenset()) | longer.get(plain, frozenset())
    if not ours:
        ours = frozenset(_library().nicknames_of(plain) | _library().canonicals_of(plain))
    return frozenset(folded(form) for form in ours if len(form) > 1) - {plain}


@cache
def known() -> frozenset[str]:
    """All folded names that a table has, full and short."""
    shorter, longer = _tables()
    listed = _library().nickname_lookup
    return frozenset(
        {*shorter, *longer, *map(folded, listed), *(folded(name) for few in listed.values() for name in few)}
    )
