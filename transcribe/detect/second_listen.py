"""The second listen: was a name of the roster said here, though something else was written?

A recogniser writes what it expects: "we'll left" where Will left, "witcher" for Whitchurch. At places that look a
little like a known name (its sound, a low probability, a rare word, a place where a name is expected) the decoder is
asked again, with the name as previous text: how much likelier or less likely would that name make what is heard? The
answer, in nats, is the strongest evidence there is; the rest is the prior. Both weights: second_listen.toml.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any

from transcribe.asr.scoring import Passage, Scorer
from transcribe.detect import defaults, lexicon, sounds
from transcribe.schema import Audio, Finding, Kind, Person, Quiet, Reason, Transcript, Utterance, Word, record
from transcribe.wordforms import FormIndex, folded, search_forms

RULE = "second listen"
_EDGE = re.compile(r"^[\W_]*|(?:['’]s)?[\W_]*$")
_SENTENCE_END = re.compile(r"[.?!…][\"”’)]*$")
_STOP = re.compile(r"[^\w\s'’]\s*$")
_NAMED = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE)


@record
class _Name(Quiet):
    """A form of somebody that may be heard."""

    person_id: str
    kind: Kind
    form: str
    words: int
    soundings: tuple[sounds.Sounding, ...]


@record
class Place(Quiet):
    """Words [first, last) of an utterance, names they may be (likeliest first), and what speaks for that."""

    utterance: Utterance
    first: int
    last: int
    names: tuple[_Name, ...]
    features: Mapping[str, float]
    prior: float

    @property
    def words(self) -> tuple[Word, ...]:
        return self.utterance.words[self.first : self.last]


@cache
def _table() -> dict[str, Any]:
    raw = tomllib.loads((files("transcribe.detect") / "second_listen.toml").read_text(encoding="utf-8"))
    table = raw["misplaced"]
    raw["misplaced"] = {name: frozenset(v.split()) if isinstance(v, str) else v for name, v in table.items()}
    return raw


def listen(
    transcript: Transcript,
    people: tuple[Person, ...],
    scorer: Scorer,
    audio: Audio,
    known: tuple[Finding, ...] = (),
) -> tuple[Finding, ...]:
    """What sounds like a name of `people` (those linked to the recording) and is written as something else.

    `known`: what the text alone tells, by the roster rule; where that is as good as sure nothing is heard again. Only
    as many places are heard as `places_a_minute` allows, the likeliest first; where the same words turned out to be the
    same name again and again, more of these. None is heard in a transcript that is not English or has no times:
    likeness is told by English sounds. Raises EngineError when the engine fails.
    """
    if transcript.language != "en" or not transcript.timed:
        return ()
    minutes = sum(utterance.end_s - utterance.start_s for utterance in transcript.utterances) / 60
    candidates, table = tuple(places(transcript, people, known)), _table()["listen"]
    ear = partial(_answer, scorer=scorer, audio=audio, language=transcript.language)
    answers = [ear(place) for place in chosen(candidates, math.ceil(minutes * table["places_a_minute"]))]
    more = chosen(_like_those_won(candidates, answers), math.ceil(minutes * table["more_a_minute"]), least=0.0)
    answers += [ear(place) for place in more]
    won = _won(answers)
    heard = Counter(_key(one) for one in answers)
    order = {utterance.id: number for number, utterance in enumerate(transcript.utterances)}
    found = (_finding(one, _again(one, won, heard)) for one in answers)
    return tuple(sorted((f for f in found if f is not None), key=lambda f: (order[f.utterance_id], f.start)))


# --- where to listen ------------------------------------------------------------------------------------------------


def places(transcript: Transcript, people: tuple[Person, ...], known: tuple[Finding, ...] = ()) -> Iterator[Place]:
    """All places that may be a name in disguise; they overlap."""
    names, index, sure = _names(people), FormIndex(people), _table()["listen"]["sure"]
    settled: dict[str, list[tuple[int, int]]] = {}
    for finding in known:
        if finding.score >= sure:
            settled.setdefault(finding.utterance_id, []).append((finding.start, finding.end))
    for utterance in transcript.utterances:
        taken = [(match.start, match.end) for match in index.find(utterance.text)]
        for first, last in _runs(utterance, taken + settled.get(utterance.id, [])):
            place = _place(utterance, first, last, names)
            if place is not None:
                yield place


def _runs(utterance: Utterance, taken: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Half-open runs of up to `longest` words, said without a pause, that touch nothing taken."""
    longest, words = _table()["listen"]["longest"], utterance.words
    free = [not any(s < end and start < e for s, e in taken) for start, end in _spans(utterance)]
    for first in range(len(words)):
        for last in range(first + 1, min(first + longest, len(words)) + 1):
            if not free[last - 1] or (last - first > 1 and _parted(words[last - 2], words[last - 1])):
                break
            yield first, last


def _parted(word: Word, following: Word) -> bool:
    """A name is said in one breath, though a recogniser may write a full stop into it."""
    return bool(following.start_s - word.end_s > _table()["listen"]["breath_s"])


def chosen(candidates: Iterable[Place], at_most: int, least: float | None = None) -> tuple[Place, ...]:
    """The likeliest ones, no two of which share a word; `least`: else that of the table."""
    least = _table()["listen"]["least_prior"] if least is None else least
    taken: dict[str, set[int]] = {}
    picked: list[Place] = []
    for place in sorted(candidates, key=lambda p: (-p.prior, p.utterance.id, p.first, p.last)):
        if len(picked) >= at_most or place.prior < least:
            break
        used = taken.setdefault(place.utterance.id, set())
        if used.isdisjoint(range(place.first, place.last)):
            used.update(range(place.first, place.last))
            picked.append(place)
    return tuple(picked)


@lru_cache(maxsize=32)
def _names(people: tuple[Person, ...]) -> tuple[_Name, ...]:
    """Each name of a person alone; of a place or an organisation the whole name."""
    names: dict[tuple[str, str], _Name] = {}
    for person in people:
        if person.kind not in _NAMED or person.position_only:
            continue
        for form in search_forms(person):
            words = len(form.split())
            if any(char.isdigit() for char in form) or (words > 1 and person.kind is Kind.PERSON):
                continue
            soundings = sounds.soundings(form)
            name = _Name(person_id=person.id, kind=person.kind, form=form, words=words, soundings=soundings)
            names.setdefault((person.id, folded(form)), name)
    return tuple(names.values())


def _spans(utterance: Utterance) -> list[tuple[int, int]]:
    """Where each word stands in the text, without what surrounds it: quotes, commas, the s of a possessive."""
    spans, at = [], 0
    for word in utterance.words:
        start = at + _bare_start(word.text)
        end = at + _bare_end(word.text)
        spans.append((min(start, end), end))
        at += len(word.text)
    return spans


def _bare_start(text: str) -> int:
    return len(text) - len(re.sub(r"^[\W_]+", "", text))


def _bare_end(text: str) -> int:
    return len(re.sub(r"(?:['’]s)?[\W_]*$", "", text))


def _place(utterance: Utterance, first: int, last: int, names: tuple[_Name, ...]) -> Place | None:
    words = utterance.words[first:last]
    bare = [_EDGE.sub("", word.text) for word in words]
    letters, phones = sounds.letters("".join(bare)), "".join(sounds.phones(one) for one in bare)
    if not phones:
        return None
    likely = _alike(letters, phones, len(words), names)
    if not likely:
        return None
    features = _features(utterance, first, last, bare, likely[0][0])
    return Place(
        utterance=utterance,
        first=first,
        last=last,
        names=tuple(name for _, name in likely),
        features=features,
        prior=_weighted("prior", features),
    )


def _alike(letters: str, phones: str, words: int, names: tuple[_Name, ...]) -> list[tuple[float, _Name]]:
    """The few names that sound most like what was written, and how much, in [0, 1]."""
    table = _table()["listen"]
    weight = sounds.weight(phones)
    found = []
    for name in names:
        if abs(name.words - words) > table["longest"] - 1:
            continue
        likeness = max(
            (
                sounds.alike(letters, phones, one)
                for one in name.soundings
                if min(weight, one.weight) >= 0.5 * max(weight, one.weight)
            ),
            default=0.0,
        )
        if likeness >= table["likeness"]:
            found.append((likeness, name))
    found.sort(key=lambda pair: (-pair[0], pair[1].person_id, pair[1].form))
    return found[: table["names"]]


def _features(utterance: Utterance, first: int, last: int, bare: list[str], likeness: float) -> dict[str, float]:
    words = utterance.words[first:last]
    before = utterance.words[first - 1].text if first else "."
    opens = bool(_SENTENCE_END.search(before))
    rarity = 4.0 - min(lexicon.zipf(folded(one)) for one in bare)
    return {
        "bias": 1.0,
        "likeness": likeness,
        "doubt": 1.0 - min(word.probability for word in words),
        "rarity": rarity,
        "common": max(0.0, -rarity),
        "alike": 10 * (min(likeness, 0.9) - 0.8),
        "capital": float(any(one[:1].isupper() and one != "I" for one in (bare[1:] if opens else bare))),
        "expected": float(_expected(utterance, first)),
        "misplaced": float(_is_misplaced(utterance, first, last)),
        "words": float(last - first - 1),
    }


def _expected(utterance: Utterance, first: int) -> bool:
    """Directly after a word for kin, a title, a greeting, "called"."""
    tables = defaults.load().words
    before = [folded(word.text).strip(" ,.!?-") for word in utterance.words[max(0, first - 3) : first]]
    if not before or _SENTENCE_END.search(utterance.words[first - 1].text):
        return False
    lead = f" {' '.join(before)}"
    return before[-1] in tables.kin | tables.titles | tables.titles_weak or any(
        lead.endswith(f" {phrase}") for phrase in (*tables.naming, *_table()["listen"]["greetings"])
    )


def _is_misplaced(utterance: Utterance, first: int, last: int) -> bool:
    """Whether a little word stands where it cannot: "but ever sat on the floor", "I hold my up to the window"."""
    words, table = utterance.words, _table()["misplaced"]
    own = folded(_EDGE.sub("", words[first].text))
    if last - first > 1 or lexicon.zipf(own) < table["common"]:
        return False
    parted = last >= len(words) or bool(_STOP.search(words[last - 1].text))
    following = "" if parted else folded(_EDGE.sub("", words[last].text))
    if own in table["determiners"]:
        return parted or following in table["no_noun"]
    before = words[first - 1].text if first else "."
    begins = bool(_STOP.search(before)) or folded(before).strip() in table["before"]
    verb = following in table["verbs"] or (len(following) > table["regular"] and following.endswith("ed"))
    return begins and verb and own not in table["subjects"]


def _weighted(table: str, features: Mapping[str, float]) -> float:
    """Logistic regression: the probability that `features` and the weights of that table give."""
    weights = _table()[table]
    exponent = -sum(weight * features[name] for name, weight in weights.items())
    return 1.0 / (1.0 + math.exp(min(exponent, 700.0)))


# --- listening ------------------------------------------------------------------------------------------------------


def ask(place: Place, language: str) -> tuple[Passage, tuple[_Name, ...]]:
    """What to ask of the recogniser: first what was written, then each reading; and whose name each of these is."""
    words, first, last = place.utterance.words, place.first, place.last
    table = _table()["listen"]
    low, high = first, last
    while low > max(0, first - table["before"]) and words[first].start_s - words[low - 1].start_s < table["context_s"]:
        low -= 1
    while (
        high < min(len(words), last + table["after"]) and words[high].end_s - words[last - 1].end_s < table["context_s"]
    ):
        high += 1
    written = "".join(word.text for word in place.words)
    lead = written[: _bare_start(written)]
    tail = written[_bare_end(written) :]
    likeliest, *rest = place.names
    options = [*((likeliest, form) for form in _readings(likeliest, written)), *((name, name.form) for name in rest)]
    passage = Passage(
        start_s=max(0.0, words[low].start_s - table["margin_s"]),
        end_s=words[high - 1].end_s + table["margin_s"],
        before="".join(word.text for word in words[low:first]),
        readings=(written, *(f"{lead}{form}{_fitting(tail, form)}" for _, form in options)),
        after="".join(word.text for word in words[last:high]),
        names=tuple(dict.fromkeys(name.form for name in place.names)),
        language=language,
    )
    return passage, tuple(name for name, _ in options)


def _fitting(tail: str, form: str) -> str:
    """What follows a name; no second possessive where it ends with one itself, as a saint's school does."""
    return re.sub(r"^['’]s", "", tail) if re.search(r"['’]s$", form) else tail


def _readings(name: _Name, written: str) -> list[str]:
    """The name as spelt, then as it may be written by ear: a model that does not know how it is said knows that.

    Not as it is written here, which would tell nothing.
    """
    heard = sounds.letters(written)
    respelt = [form.title() for form in sounds.respellings(name.form) if sounds.letters(form) != heard]
    return [name.form, *respelt[: _table()["listen"]["respellings"]]]


@record
class _Answer(Quiet):
    """Which name is the likeliest at a place, and by how many nats likelier than what was written."""

    place: Place
    name: _Name
    nats: float

    def score(self, again: float = 0.0) -> float:
        """The probability that the name was said; `again`: what the same words told elsewhere, see `_again`."""
        return _weighted("posterior", {**self.place.features, "nats": _bounded(self.nats), "again": again})


def _answer(place: Place, scorer: Scorer, audio: Audio, language: str) -> _Answer:
    passage, names = ask(place, language)
    written, *others = scorer.score(audio, passage)
    best = max(range(len(others)), key=lambda number: others[number])
    return _Answer(place=place, name=names[best], nats=others[best] - written)


def _written(place: Place) -> str:
    return " ".join(folded(_EDGE.sub("", word.text)) for word in place.words)


def _key(answer: _Answer) -> tuple[str, str]:
    return _written(answer.place), answer.name.person_id


def _won(answers: Iterable[_Answer]) -> Counter[tuple[str, str]]:
    """How often the same words were the same name."""
    return Counter(_key(one) for one in answers if one.score() >= _table()["listen"]["won"])


def _like_those_won(candidates: Iterable[Place], answers: list[_Answer]) -> Iterator[Place]:
    """Places not yet heard whose words were a name elsewhere, more than once: a mishearing that comes again."""
    often = {key for key, times in _won(answers).items() if times >= _table()["listen"]["won_times"]}
    heard = {(one.place.utterance.id, number) for one in answers for number in range(one.place.first, one.place.last)}
    for place in candidates:
        comes_again = any((_written(place), name.person_id) in often for name in place.names)
        if comes_again and heard.isdisjoint((place.utterance.id, n) for n in range(place.first, place.last)):
            yield place


def _again(answer: _Answer, won: Mapping[tuple[str, str], int], heard: Mapping[tuple[str, str], int]) -> float:
    """What the other places with the same words tell: log odds of their being this name, at least 0 (Laplace, 1/2)."""
    key, table = _key(answer), _table()["listen"]
    wins = won.get(key, 0) - (answer.score() >= table["won"])
    losses = heard[key] - 1 - wins
    return max(0.0, math.log((wins + 0.5) / (losses + 0.5))) if wins >= table["won_times"] else 0.0


def _finding(answer: _Answer, again: float) -> Finding | None:
    score = answer.score(again)
    if score < _table()["listen"]["least"]:
        return None
    place, spans = answer.place, _spans(answer.place.utterance)
    told = f"sounds like a known name by {answer.nats:+.1f} nats" + (", as elsewhere" if again else "")
    return Finding(
        id="",
        utterance_id=place.utterance.id,
        start=spans[place.first][0],
        end=spans[place.last - 1][1],
        kind=answer.name.kind,
        person_id=answer.name.person_id,
        score=round(score, 4),
        reason=Reason(rule=RULE, detail=told, score=round(score, 4)),
    )


def _bounded(nats: float) -> float:
    """Beyond these nothing more is told, and a broken passage must not tip the scale."""
    low, high = _table()["listen"]["nats"]
    return float(min(max(nats, low), high))
