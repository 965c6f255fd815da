"""Names of known people that the recogniser wrote in another way: "She vawn" for Siobhan, "pen her ligand".

Runs of up to four words are compared by sound and spelling with every name; which runs are worth it is a matter of
rarity, case and place. The score is a probability (logistic regression, approximate.toml). What it finds binds to its
position: it is no form to search for.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from transcribe.detect import defaults, diminutives, lexicon, sounds, word_runs
from transcribe.detect.ordinary import has_capitals
from transcribe.detect.sounds import Sounding
from transcribe.detect.variants import SHORT_NAME
from transcribe.detect.word_runs import TOKEN, Run, table
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, Utterance, record
from transcribe.wordforms import folded, search_forms

RULE = "approximate"
# Sounds that a recogniser confuses, as one: a coarse key that prunes before the exact distance is reckoned.
_CLASSES = str.maketrans("bfvwdTzSZCJsgkhnNmrliIeAaoOuUYWQ@", "ppppttssssssKKKMMMLLaaaaaaaaaaaaa")
_COMMON = 5.3  # Zipf frequency of the words that hold a sentence together
_SHORT = 8  # letters of a given name of two words, which is heard as one
_AS_LIKE = 0.05  # two people whose likenesses differ by less are both meant
_ALIKE_KEYS = 50  # percent; pairs whose keys are less alike are never names heard wrongly


@record
class _Row(Quiet):
    """One way to write one name of one person."""

    person_id: str
    name: str
    sounding: Sounding
    ordinary: bool
    place: bool


@record
class _Targets(Quiet):
    rows: tuple[_Row, ...]
    keys: tuple[str, ...]


@record
class _Option(Quiet):
    """A run as a name of somebody, with its probability."""

    score: float
    likeness: float
    run: Run
    row: _Row


# --- names ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _targets(people: tuple[Person, ...]) -> _Targets:
    rows: dict[tuple[str, str], _Row] = {}
    words = defaults.load().words
    for person in people:
        if person.kind not in (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE) or person.position_only:
            continue
        for form in _names(person):
            for sounding in sounds.soundings(form):
                row = _Row(
                    person_id=person.id,
                    name=folded(form),
                    sounding=sounding,
                    ordinary=words.needs_context(folded(form)),
                    place=person.kind is not Kind.PERSON,
                )
                rows.setdefault((person.id, sounding.phones), row)
    return _Targets(rows=tuple(rows.values()), keys=tuple(_key(row.sounding.phones) for row in rows.values()))


def _names(person: Person) -> Iterator[str]:
    """Each name of a person alone; of anything else the whole name, and those of its words that are rare."""
    for form in search_forms(person):
        words = TOKEN.findall(form)
        if not any(char.isdigit() for char in form) and 1 <= len(words) <= table()["gate"]["run"]:
            short = len(sounds.letters(form)) <= _SHORT
            if len(sounds.letters(form)) > 2 and (len(words) == 1 or short or person.kind is not Kind.PERSON):
                yield form
        if person.kind is not Kind.PERSON and len(words) > 1:
            yield from (word for word in words if len(word) > 4 and lexicon.zipf(folded(word)) < 3.3)


def _key(phones: str) -> str:
    return re.sub(r"(.)\1+", r"\1", phones.translate(_CLASSES))


# --- scoring --------------------------------------------------------------------------------------------------------


def features(run: Run, row: _Row, likeness: float, beside: bool) -> Mapping[str, float]:
    """What the probability is reckoned from; the names are those of [weights] in approximate.toml."""
    inside = run.cased and any(t.capital and not t.opens and t.word != "i" for t in run.tokens)
    return {
        "bias": 1.0,
        "likeness": likeness - 0.8,
        "exact": float(likeness > 0.97),
        "weight": min(6.0, row.sounding.weight),
        "rarity": 4.0 - min(t.zipf for t in run.tokens),
        "capital": float(inside),
        "lower": float(run.cased and not any(t.capital for t in run.tokens)),
        "elsewhere": float(run.elsewhere),
        "expected": float(run.expected),
        "subject": float(run.subject),
        "title": float(run.titled),
        "impossible": float(run.impossible and row.ordinary),
        "named": float(_other_name(run)),
        "beside": float(beside),
        "words": len(run.tokens) - 1.0,
        "common": float(sum(1 for t in run.tokens if t.zipf >= _COMMON)) if len(run.tokens) > 1 else 0.0,
        "acronym": float(any(t.acronym for t in run.tokens)),
        "ordinary": float(row.ordinary),
        "place": float(row.place),
    }


def _other_name(run: Run) -> bool:
    """ "and Emma": a common given name among words that hold a sentence together, no name in pieces."""
    rest = [t for t in run.tokens if t.zipf < _COMMON]
    return len(rest) == 1 < len(run.tokens) and rest[0].capital and bool(diminutives.of(rest[0].word))


def probability(values: Mapping[str, float]) -> float:
    """Logistic function of the weighted features."""
    weights = table()["weights"]
    return 1.0 / (1.0 + math.exp(-sum(weights[name] * value for name, value in values.items())))


def candidates(
    utterances: tuple[Utterance, ...], people: tuple[Person, ...], settled: tuple[Finding, ...] = ()
) -> Iterator[tuple[Run, _Row, Mapping[str, float]]]:
    """Every run with every name that it may be, and what speaks for it."""
    targets = _targets(people)
    cased = has_capitals(tuple(u.text for u in utterances))
    lower = frozenset(m.group() for u in utterances for m in TOKEN.finditer(u.text) if m.group()[0].islower())
    taken: dict[str, list[Finding]] = {}
    for finding in settled:
        taken.setdefault(finding.utterance_id, []).append(finding)
    firm = {u.id: [f for f in taken.get(u.id, []) if not _is_short(f)] for u in utterances}
    found = [r for u in utterances for r in word_runs.runs(u, firm[u.id], lower if cased else frozenset(), cased)]
    if not found or not targets.rows:
        return
    for run, place in _plausible(found, targets):
        row = targets.rows[place]
        likeness = sounds.alike(run.letters, run.sounds, row.sounding)
        if likeness >= table()["gate"]["floor"]:
            beside = _beside(run, row, taken.get(run.utterance.id, []))
            yield run, row, features(run, row, likeness, beside)


def _plausible(runs: list[Run], targets: _Targets) -> Iterator[tuple[Run, int]]:
    """Pairs whose coarse keys are alike and whose lengths fit."""
    keys = sorted({_key(run.sounds) for run in runs})
    alike = cdist(keys, targets.keys, scorer=Levenshtein.normalized_similarity, score_cutoff=_ALIKE_KEYS / 100)
    by_key: dict[str, list[int]] = {}
    for one, other in zip(*alike.nonzero(), strict=True):
        by_key.setdefault(keys[one], []).append(int(other))
    longer = table()["gate"]["longer"]
    for run in runs:
        for place in by_key.get(_key(run.sounds), ()):
            if len(run.letters) <= longer * len(targets.rows[place].sounding.letters):
                yield run, place


def _beside(run: Run, row: _Row, taken: list[Finding]) -> bool:
    text = run.utterance.text
    return any(
        f.person_id == row.person_id
        and (not text[f.end : run.start].strip() if f.end <= run.start else not text[run.end : f.start].strip())
        for f in taken
    )


def find(
    utterances: tuple[Utterance, ...], people: tuple[Person, ...], settled: tuple[Finding, ...] = ()
) -> tuple[Finding, ...]:
    """Disjoint findings with a person and a probability, low ones included; none overlaps what is `settled`.

    `settled`: what the roster rule found and kept; a name beside a found one of the same person is likelier. A short
    name may be no more than a piece of the name ("Ash ling"): findings may contain one, and are as sure as it then.
    """
    gate = table()["gate"]
    best: dict[tuple[str, int, int], list[_Option]] = {}
    for run, row, values in candidates(utterances, people, settled):
        score = probability(values)
        if score >= gate["report"]:
            best.setdefault((run.utterance.id, run.start, run.end), []).append(
                _Option(score=score, likeness=values["likeness"], run=run, row=row)
            )
    ranked = [sorted(options, key=lambda o: (-o.score, o.row.person_id, o.row.name)) for options in best.values()]
    ranked.sort(key=lambda o: (-o[0].score, o[0].run.utterance.id, o[0].run.start, -o[0].run.end))
    chosen: dict[str, list[Finding]] = {}
    short = [f for f in settled if _is_short(f)]
    for options in ranked:
        finding = _around(_finding(options, people, gate["shared"]), short)
        if finding is None:
            continue
        others = chosen.setdefault(finding.utterance_id, [])
        if not any(o.start < finding.end and finding.start < o.end for o in others):
            others.append(finding)
    return tuple(sorted((f for group in chosen.values() for f in group), key=lambda f: (f.utterance_id, f.start)))


def _is_short(settled: Finding) -> bool:
    return settled.reason.detail.startswith(SHORT_NAME)


def _around(finding: Finding, short: list[Finding]) -> Finding | None:
    """The finding, as sure as a short name that it contains; None where it is one or cuts one."""
    for other in short:
        if other.utterance_id != finding.utterance_id or finding.end <= other.start or other.end <= finding.start:
            continue
        inside = finding.start <= other.start and other.end <= finding.end
        if not inside or finding.end - finding.start == other.end - other.start:
            return None
        finding = replace(finding, score=max(finding.score, other.score))
    return finding


def _finding(options: list[_Option], people: tuple[Person, ...], at_most: float) -> Finding:
    best = options[0]
    score, run, row = best.score, best.run, best.row
    shared = any(o.row.person_id != row.person_id and o.likeness > best.likeness - _AS_LIKE for o in options[1:])
    why = "sounds like a known name" + (", shared" if shared else "")
    score = round(min(score, at_most) if shared else score, 4)
    kind = next(person.kind for person in people if person.id == row.person_id)
    return Finding(
        id="",
        utterance_id=run.utterance.id,
        start=run.start,
        end=run.end,
        kind=kind,
        person_id=row.person_id,
        score=score,
        reason=Reason(rule=RULE, detail=why, score=score),
    )
