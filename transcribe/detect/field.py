"""The rule for what identifies in this field beside names: ages, birth weight, gestation, twins, rare diagnoses, dates.

Most of it is what a study is about, so policy keeps it unless told otherwise; a date of birth is replaced. The patterns
are in field.toml. All are bounded, so that a text of any length takes time in proportion to it.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from transcribe.detect import defaults
from transcribe.schema import Finding, Kind, Quiet, Reason, Utterance, record

RULE = "field"
BIRTH = "date of birth"


@record
class _Pattern(Quiet):
    name: str
    kind: Kind
    score: float
    regex: re.Pattern[str]


@record
class _Birth(Quiet):
    before: re.Pattern[str]
    after: re.Pattern[str]
    asked: re.Pattern[str]
    reach: int
    score: float


def find(utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
    """Spans without a person, sorted by position; `role` says what it is, as policy knows it."""
    found: list[Finding] = []
    previous = ""
    for utterance in utterances:
        text = utterance.text.replace("’", "'")  # one character for one: positions stay
        here = [*_matches(utterance.id, text), *_births(utterance.id, text, previous)]
        found += sorted(_longest(here), key=lambda f: (f.start, f.end, f.role))
        previous = text
    return tuple(found)


def _matches(utterance_id: str, text: str) -> Iterator[Finding]:
    for pattern in _patterns():
        for match in pattern.regex.finditer(text):
            yield _finding(utterance_id, match.span("it"), pattern.kind, pattern.name, pattern.score)


def _births(utterance_id: str, text: str, previous: str) -> Iterator[Finding]:
    """Dates of which the words around them, or the question before them, say that somebody was born then."""
    birth, dates, told = _birth()
    for regex in told:
        for match in regex.finditer(text):
            yield _finding(utterance_id, match.span("it"), Kind.DATE, BIRTH, birth.score)
    spans = {match.span() for regex in dates for match in regex.finditer(text)}
    for start, end in sorted(spans):
        before = birth.before.search(text[max(0, start - birth.reach) : start])
        asked = start < birth.reach and birth.asked.search(previous[-2 * birth.reach :])
        if before or asked or birth.after.search(text[end : end + birth.reach]):
            yield _finding(utterance_id, (start, end), Kind.DATE, BIRTH, birth.score)


def _finding(utterance_id: str, span: tuple[int, int], kind: Kind, name: str, score: float) -> Finding:
    return Finding(
        id="",
        utterance_id=utterance_id,
        start=span[0],
        end=span[1],
        kind=kind,
        person_id=None,
        score=score,
        reason=Reason(rule=RULE, detail=name, score=score),
        role=name,
    )


def _longest(findings: list[Finding]) -> list[Finding]:
    """Of findings of one kind inside each other the outer one; of equal ones the surer."""
    kept: list[Finding] = []
    reach: dict[Kind, int] = {}
    for finding in sorted(findings, key=lambda f: (f.start, -f.end, -f.score)):
        if finding.end > reach.get(finding.kind, 0):
            kept.append(finding)
            reach[finding.kind] = finding.end
    return kept


@cache
def _raw() -> Mapping[str, Any]:
    return tomllib.loads((files("transcribe.detect") / "field.toml").read_text(encoding="utf-8"))


@cache
def _patterns() -> tuple[_Pattern, ...]:
    raw = _raw()
    rare = "|".join(name.strip() for name in raw["rare"]["names"].replace("\n", "").split(";") if name.strip())
    fragments = {**raw["fragments"], "RARE": rare}
    return tuple(
        _Pattern(
            name=entry["name"],
            kind=Kind(entry["kind"]),
            score=entry["score"],
            regex=re.compile(_filled(regex, fragments), re.IGNORECASE),
        )
        for entry in raw["pattern"]
        for regex in entry["regex"]
    )


def _filled(regex: str, fragments: Mapping[str, str]) -> str:
    """The expression with its fragments, which may hold fragments themselves, written in."""
    for _ in range(2):
        for name, fragment in fragments.items():
            regex = regex.replace("{" + name + "}", fragment)
    return regex


@cache
def _birth() -> tuple[_Birth, tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]:
    """What the words around a date of birth are, the date patterns of default_rules.toml, and such as "born in May"."""
    raw = _raw()
    table = raw["birth"]
    birth = _Birth(
        before=re.compile(table["before"], re.IGNORECASE),
        after=re.compile(table["after"], re.IGNORECASE),
        asked=re.compile(table["asked"], re.IGNORECASE),
        reach=table["reach"],
        score=table["score"],
    )
    groups = [group for group in defaults.load().patterns if group.entity == "CALENDAR_DATE"]
    dates = tuple(re.compile(regex) for group in groups for regex in group.regex)
    told = tuple(re.compile(_filled(table[name], raw["fragments"]), re.IGNORECASE) for name in ("numbers", "month"))
    return birth, dates, told
