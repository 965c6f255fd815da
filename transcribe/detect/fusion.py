"""Names nobody knew beforehand: what the models, the lists and the context say of each word, weighed together.

Two logistic regressions (softmax over person, place, organisation and none), one for a text with capitals and one for a
text without. The first reads `fusion_features.table`, the second also what the first says of the neighbours and of the
same word elsewhere in the transcript. Weights stand in fusion.toml; scripts/train_names.py makes them.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from transcribe.detect import Tagger, defaults, fusion_features
from transcribe.detect.fusion_features import Columns, Matrix, Token
from transcribe.detect.ordinary import has_capitals
from transcribe.schema import Finding, Kind, Quiet, Reason, Utterance, record

RULE = "names"
KINDS = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION)
_ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION")
_INTERCEPT = "intercept"
_JOINT = re.compile(r"[\s.'’\-&]*")


@record
class Weights(Quiet):
    """Weights of one text style, by column: for person, place and organisation against none.

    `odds` is what a missed name weighs against a wrong one.
    """

    odds: float
    first: dict[str, tuple[float, float, float]]
    second: dict[str, tuple[float, float, float]]


@record
class Settings(Quiet):
    """fusion.toml: `ask` is the least probability that is told; weights for a text with capitals, and without."""

    ask: float
    cased: Weights
    small: Weights


@cache
def load() -> Settings:
    """The settings as shipped."""
    raw: dict[str, Any] = tomllib.loads((files("transcribe.detect") / "fusion.toml").read_text(encoding="utf-8"))
    return Settings(
        ask=raw["ask"],
        cased=Weights(odds=raw["odds_cased"], **raw["cased"]),
        small=Weights(odds=raw["odds_lower"], **raw["lower"]),
    )


def fuse(
    utterances: tuple[Utterance, ...], candidates: tuple[Finding, ...], tagger: Tagger | None = None
) -> tuple[Finding, ...]:
    """The candidates with those of the name models replaced by names found from all of them together.

    Where no model spoke the candidates come back as they are. A score is the name's probability p, weighed with
    `odds` (p * odds against 1 - p); p itself is the score of the evidence called "probability".
    """
    weighed = tuple(c for c in candidates if _of_a_model(c))
    others = tuple(c for c in candidates if not _of_a_model(c))
    if not weighed:
        return candidates
    words = fusion_features.tokens(utterances)
    weights = weights_for(utterances)
    likely = probabilities(utterances, words, weighed, tagger)
    told: dict[str, list[Finding]] = {}
    for candidate in weighed:
        told.setdefault(candidate.utterance_id, []).append(candidate)
    return others + tuple(
        _finding(
            utterances[words[group[0]].utterance], [words[place] for place in group], likely[group], told, weights.odds
        )
        for group in spans(words, likely, weights.odds)
    )


def weights_for(utterances: tuple[Utterance, ...]) -> Weights:
    """Those of the transcript's style."""
    return load().cased if has_capitals(tuple(utterance.text for utterance in utterances)) else load().small


def probabilities(
    utterances: tuple[Utterance, ...], words: list[Token], candidates: Iterable[Finding], tagger: Tagger | None
) -> Matrix:
    """(words, 4): person, place, organisation, none."""
    if not words:
        return np.zeros((0, len(KINDS) + 1))
    weights = weights_for(utterances)
    columns = fusion_features.table(utterances, words, candidates, tagger)
    first = _softmax(_sum(columns, weights.first))
    more = fusion_features.second(words, first)
    return _softmax(_sum(columns, weights.second) + _sum(more, weights.second, intercept=False))


def _sum(columns: Columns, weights: dict[str, tuple[float, float, float]], intercept: bool = True) -> Matrix:
    zero = (0.0, 0.0, 0.0)
    total = columns.values @ np.array([weights.get(name, zero) for name in columns.names]).reshape(-1, len(KINDS))
    return np.asarray(total + np.array(weights[_INTERCEPT]) if intercept else total)


def _softmax(sums: Matrix) -> Matrix:
    whole = np.concatenate([sums, np.zeros((len(sums), 1))], axis=1)
    odds = np.exp(whole - whole.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def spans(words: list[Token], likely: Matrix, odds: float) -> list[list[int]]:
    """Runs of words of one kind: first those to be replaced, then what remains worth a question, apart from them."""
    ask, balance = load().ask, defaults.load().scores["balance"]
    sure = balance / (balance + odds * (1 - balance))
    name = 1 - likely[:, 3]
    strong = [place for place in range(len(words)) if name[place] >= sure]
    weak = [place for place in range(len(words)) if ask <= name[place] < sure]
    runs = _runs(words, likely, strong) + _runs(words, likely, weak)
    return sorted(runs)


def _runs(words: list[Token], likely: Matrix, places: list[int]) -> list[list[int]]:
    kinds = likely[:, :3].argmax(axis=1) if len(words) else np.zeros(0)
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1 and kinds[place] == kinds[place - 1] and _joins(words, place):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _joins(words: list[Token], place: int) -> bool:
    """Whether a word may belong to the same name as the one before: nothing but space, initials' stops and hyphens."""
    before, word = words[place - 1], words[place]
    if before.utterance != word.utterance or before.possessive or not _JOINT.fullmatch(word.gap):
        return False
    return "." not in word.gap or len(before.form) <= 3


def _finding(
    utterance: Utterance, group: list[Token], likely: Matrix, told: dict[str, list[Finding]], weight: float
) -> Finding:
    start, end = group[0].start, group[-1].end
    kind = KINDS[int(likely[:, :3].sum(axis=0).argmax())]
    probability = float((1 - likely[:, 3]).max())
    odds = weight * probability
    score = round(odds / (odds + 1 - probability), 4)
    heard = [c for c in told.get(utterance.id, []) if c.start < end and start < c.end]
    best: dict[tuple[str, str], Reason] = {}
    for candidate in sorted(heard, key=lambda c: c.score):
        key = (candidate.reason.rule, candidate.reason.detail)
        best[key] = Reason(rule=key[0], detail=key[1], score=candidate.score)
    reason = Reason(rule=RULE, detail=kind.value, score=score)
    chance = Reason(rule=RULE, detail="probability", score=round(probability, 4))
    return Finding(
        id="",
        utterance_id=utterance.id,
        start=start,
        end=end,
        kind=kind,
        person_id=None,
        score=score,
        reason=reason,
        evidence=(chance, *(one for one in best.values() if one.score >= load().ask)),
    )


def _of_a_model(candidate: Finding) -> bool:
    reason = candidate.reason
    return reason.rule == "rampart" or (reason.rule == "presidio" and reason.detail in _ENTITIES)
