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
from transcribe.detect.numerals import LISTENED, SAYS, Tokens, numbers, read, runs, tables
from transcribe.schema import Finding, Kind, Quiet, Reason, Utterance, record

RULE = "field"
BIRTH, AGE = "date of birth", "exact age"
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_PARTED = re.compile(r"(?<!hundred[ -])(?<!thousand[ -])\band\b", re.IGNORECASE)


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
    says: re.Pattern[str]
    numbers: re.Pattern[str]
    reach: int
    score: float


def find(utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
    """Spans without a person, sorted by position; `role` says what it is, as policy knows it."""
    found: list[Finding] = []
    birth, _, _ = _birth()
    previous, passed = "", 0
    for utterance in utterances:
        text = utterance.text.replace("’", "'")  # one character for one: positions stay
        here = [
            *_matches(utterance.id, text),
            *_births(utterance.id, text, previous),
            *_ages(utterance.id, text, previous),
        ]
        found += sorted(_longest(here), key=lambda f: (f.start, f.end, f.role))
        answered = any(finding.role in (BIRTH, AGE) for finding in here) or not _answers_nothing(text)
        passed += 1
        if answered or passed > LISTENED or _asks(text) or not _asks(previous):
            previous, passed = text[-2 * birth.reach :], 0
    return tuple(found)


def _asks(text: str) -> bool:
    return any(asked.search(text) for asked in (_birth()[0].asked, _age()[0]))


def _answers_nothing(text: str) -> bool:
    """Whether a turn leaves the question before it open: of few words, or without a number."""
    return len(text.split()) <= SAYS or not numbers(text)


def _matches(utterance_id: str, text: str) -> Iterator[Finding]:
    for pattern in _patterns():
        for match in pattern.regex.finditer(text):
            yield _finding(utterance_id, match.span("it"), pattern.kind, pattern.name, pattern.score)


def _births(utterance_id: str, text: str, previous: str) -> Iterator[Finding]:
    """Dates of which the words around them, or the question before them, say that somebody was born then."""
    birth, dates, parts = _birth()
    for match in (match for part in parts for match in part.finditer(text)):
        yield _finding(utterance_id, match.span("it"), Kind.DATE, BIRTH, birth.score)
    question = birth.asked.search(previous)
    for start, end in _three_numbers(text) if question or birth.before.search(text) else ():
        said = text[max(0, start - birth.reach) : start]
        if birth.says.search(said) or birth.asked.search(said) or (question and start < birth.reach):
            yield _finding(utterance_id, (start, end), Kind.DATE, BIRTH, birth.score)
    spans = {match.span() for regex in dates for match in regex.finditer(text)}
    for start, end in sorted(spans):
        before = birth.before.search(text[max(0, start - birth.reach) : start])
        if before or (question and start < birth.reach) or birth.after.search(text[end : end + birth.reach]):
            yield _finding(utterance_id, (start, end), Kind.DATE, BIRTH, birth.score)


def _ages(utterance_id: str, text: str, previous: str) -> Iterator[Finding]:
    """An age that answers the question of the turn before: "How old is she?" "Four."."""
    asked, answer, score = _age()
    if asked.search(previous) and (match := answer.match(text)):
        yield _finding(utterance_id, match.span("it"), Kind.AGE, AGE, score)


def _three_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where three numbers can be a day, a month and a year: "12th, 3rd, 2019", "twelve, three, nineteen", "120319"."""
    birth, _, _ = _birth()
    tokens = Tokens((_ORDINAL.sub("  ", text).replace("/", " "),))  # one character for one
    for run in runs(tokens):
        said, starts, ends = "", {}, {}
        for item in run:
            starts[len(said)] = tokens.spans[item.first][0]
            said += item.digits
            ends[len(said)] = item.last
            said += " "
        for match in birth.numbers.finditer(said):
            start, last = starts[match.start()], ends[match.end()]
            end = tokens.spans[last][1]
            if not _PARTED.search(text, start, end) and not _goes_on(tokens, last + 1):
                yield start, end


def _goes_on(tokens: Tokens, index: int) -> bool:
    """Whether a unit or a further number follows: "ten, eleven, twelve weeks", "oh seven seven double oh nine"."""
    if index == len(tokens.words) or tokens.gap(index) not in (" ", "-"):
        return False
    item = read(tokens, index)
    further = item is not None and item.numeric and item.chars[0] != "O"  # "oh" may be no number
    return further or tokens.words[index] in tables()["context"]["units"]


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
    """What the words around a date of birth are, the date patterns of default_rules.toml in any case, and those of
    parts of a date: "born in May".
    """
    raw = _raw()
    table = raw["birth"]
    birth = _Birth(
        before=re.compile(table["before"], re.IGNORECASE),
        after=re.compile(table["after"], re.IGNORECASE),
        asked=re.compile(table["asked"], re.IGNORECASE),
        says=re.compile(table["says"], re.IGNORECASE),
        numbers=re.compile(table["numbers"]),
        reach=table["reach"],
        score=table["score"],
    )
    groups = [group for group in defaults.load().patterns if group.entity == "CALENDAR_DATE"]
    dates = tuple(re.compile(regex, re.IGNORECASE) for group in groups for regex in group.regex)
    parts = tuple(re.compile(_filled(part, raw["fragments"]), re.IGNORECASE) for part in table["parts"])
    return birth, dates, parts


@cache
def _age() -> tuple[re.Pattern[str], re.Pattern[str], float]:
    """What asks for an age, what answers that, and how sure it is one then."""
    raw = _raw()
    table = raw["age"]
    answer = re.compile(_filled(table["answer"], raw["fragments"]), re.IGNORECASE)
    return re.compile(table["asked"], re.IGNORECASE), answer, table["score"]
