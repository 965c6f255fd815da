"""The tables of default_rules.toml, read once: words, scores, roles and patterns that a researcher may change."""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from transcribe.schema import Finding, Kind, Quiet, record


@record
class Words(Quiet):
    """Word tables, folded; what each is for stands in default_rules.toml."""

    ordinary: frozenset[str]
    auxiliary: frozenset[str]
    function: frozenset[str]
    months: frozenset[str]
    titles: frozenset[str]
    titles_weak: frozenset[str]
    kin: frozenset[str]
    naming: tuple[str, ...]
    place_before: frozenset[str]
    followers: frozenset[str]
    subjects: frozenset[str]
    idioms: tuple[str, ...]
    contractions: frozenset[str]
    clitics: frozenset[str]
    never: frozenset[str]
    trim: frozenset[str]

    def needs_context(self, form: str) -> bool:
        """Whether a folded form is also an ordinary English word."""
        return form in self.ordinary or form in self.auxiliary or form in self.function or form in self.months


@record
class PatternGroup(Quiet):
    """Regular expressions of one entity, their score in [0, 1], and context words that raise it."""

    entity: str
    regex: tuple[str, ...]
    score: float
    context: tuple[str, ...]


@record
class Defaults(Quiet):
    """Everything in default_rules.toml."""

    words: Words
    scores: Mapping[str, float]
    roles: Mapping[str, str]
    entities: Mapping[str, Kind]
    spacy: Mapping[str, str]
    patterns: tuple[PatternGroup, ...]


@cache
def load() -> Defaults:
    """The defaults as shipped. Raises KeyError or TypeError where the file lacks a table or has an unknown one."""
    raw = tomllib.loads((files("transcribe.detect") / "default_rules.toml").read_text(encoding="utf-8"))
    tables: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else frozenset(value.split())
        for name, value in raw["words"].items()
    }
    presidio = raw["presidio"]
    return Defaults(
        words=Words(**tables),
        scores=raw["scores"],
        roles=raw["roles"],
        entities={entity: Kind(kind) for entity, kind in presidio["entities"].items()},
        spacy=presidio["spacy"],
        patterns=tuple(_group(entry, raw["fragments"]) for entry in raw["pattern"]),
    )


@cache
def tables_sha256() -> str:
    """The checksum of all tables that detection reads: whoever changes one of them has the findings made again."""
    tables = sorted((one for one in files("transcribe.detect").iterdir() if one.name.endswith(".toml")), key=str)
    return hashlib.sha256(b"".join(table.read_bytes() for table in tables)).hexdigest()


def _group(entry: Mapping[str, object], fragments: Mapping[str, str]) -> PatternGroup:
    expressions = entry["regex"]
    assert isinstance(expressions, list)  # noqa: S101 - our own file
    regex = []
    for expression in expressions:
        for name, fragment in fragments.items():
            expression = expression.replace("{" + name + "}", fragment)
        regex.append(expression)
    context = entry["context"]
    score = entry["score"]
    assert isinstance(context, list) and isinstance(score, float)  # noqa: S101, PT018
    return PatternGroup(entity=str(entry["entity"]), regex=tuple(regex), score=score, context=tuple(context))


def role(finding: Finding) -> str:
    """The role of what was found outside the roster: by the entity that the rule names, else by kind."""
    roles = load().roles
    return roles.get(finding.reason.detail, roles[finding.kind.value])
