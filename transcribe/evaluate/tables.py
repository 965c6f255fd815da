"""The tables of scoring.toml, read once: what evaluation takes labels, roles and words for."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from transcribe.detect import defaults
from transcribe.schema import Kind, Quiet, record

IGNORED = "ignored"
PERSON_GROUP = "person"


@record
class Tables(Quiet):
    """Everything in scoring.toml; what each is for stands there."""

    labels: Mapping[str, str]
    groups: Mapping[str, str]
    likeness: Mapping[str, float]
    numbers: Mapping[str, str]
    plain: frozenset[str]
    repeats: frozenset[str]


@cache
def load() -> Tables:
    """The tables as shipped. Raises KeyError where the file lacks one."""
    raw = tomllib.loads((files("transcribe.evaluate") / "scoring.toml").read_text(encoding="utf-8"))
    return Tables(
        labels=raw["labels"],
        groups=raw["groups"],
        likeness=raw["likeness"],
        numbers=raw["numbers"],
        plain=frozenset(raw["words"]["plain"].split()),
        repeats=frozenset(raw["words"]["repeats"].split()),
    )


def kind_of(label: str) -> Kind | None:
    """Our kind for a gold label; None where it is scored neither way."""
    labels = load().labels
    for name in (label, label.lower()):
        if name in labels:
            return None if labels[name] == IGNORED else Kind(labels[name])
        if name in {kind.value for kind in Kind}:
            return Kind(name)
    return None


def is_listed(label: str) -> bool:
    """Whether scoring.toml says what a gold label is, or that it is scored neither way."""
    return kind_of(label) is not None or not {label, label.lower()}.isdisjoint(load().labels)


def group_of(role: str) -> str:
    """The group of an identifier of this role, however its words are joined."""
    return load().groups.get(re.sub(r"[\s-]+", "_", role.strip().lower()), PERSON_GROUP)


def is_ordinary(token: str) -> bool:
    """Whether a folded name token is also an ordinary English word (Grace, Will); Karen is usual and is none."""
    return defaults.load().words.needs_context(token)
