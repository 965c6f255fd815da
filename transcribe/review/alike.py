"""Words that no mark touches and that sound or look like a known name: for a reviewer's last look.

The approximate rule asks about what is rare or stands where a name may stand. Here every word is held against every
name, and a lower likeness will do; the more usual a word is, the further down it comes.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from transcribe.detect import lexicon, sounds
from transcribe.detect.sounds import Sounding
from transcribe.detect.word_runs import TOKEN
from transcribe.schema import Finding, Kind, Person, Quiet, Transcript, Utterance, record
from transcribe.wordforms import folded, search_forms

MOST = 300
LEAST = 0.6  # a lower score is not told
_RUN = 3  # words that may be one name, heard in pieces
_USUAL = 3.0  # Zipf frequency (once in a million words) from which a word counts as usual
_USUAL_COSTS = 0.05  # of the score, per Zipf unit above that
_PIECE_COSTS = 0.08  # of the score, per word beyond the first
_COMMON = 5.3  # Zipf frequency of the words that hold a sentence together: of these alone no run is made
_ROUGH = (0.3, 0.5)  # likeness of sounds, unweighted, below which one word, or several, are not looked at closely
_SHORTEST = 3  # letters
_SPOKEN = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE)


@record
class Alike(Quiet):
    """[start, end) of an utterance that may be somebody's name; `score` in [0, 1]."""

    utterance_id: str
    start: int
    end: int
    person_id: str
    score: float


@record
class _Name(Quiet):
    """One way to say one name of somebody."""

    person_id: str
    sounding: Sounding


@record
class _Token(Quiet):
    start: int
    end: int
    word: str


_Place = tuple[int, int, int]  # the number of an utterance, of a run's first word in it, and of its last


def alike(transcript: Transcript, taken: Sequence[Finding], people: Sequence[Person]) -> tuple[Alike, ...]:
    """The likeliest first, then in order; none overlaps another or what is `taken`, none is a form of a known name.

    A form as it is known is the roster rule's, which finds or keeps each of them.
    """
    known = tuple(p for p in people if not p.position_only and p.kind in _SPOKEN)
    names = tuple(_names(known))
    forms = {folded(form) for person in known for form in search_forms(person)}
    spans: dict[str, list[tuple[int, int]]] = {}
    for finding in taken:
        spans.setdefault(finding.utterance_id, []).append((finding.start, finding.end))
    tokens = [_tokens(utterance, forms) for utterance in transcript.utterances]
    runs: dict[tuple[str, ...], list[_Place]] = {}
    for number, utterance in enumerate(transcript.utterances):
        for first, last in _runs(utterance.text, tokens[number], spans.get(utterance.id, ())):
            words = tuple(token.word for token in tokens[number][first : last + 1])
            runs.setdefault(words, []).append((number, first, last))
    scored = [(score, place, who) for words, (score, who) in _scores(runs, names).items() for place in runs[words]]
    return tuple(
        Alike(
            utterance_id=transcript.utterances[number].id,
            start=tokens[number][first].start,
            end=tokens[number][last].end,
            person_id=who,
            score=round(score, 3),
        )
        for score, (number, first, last), who in _apart(sorted(scored, key=lambda s: (-s[0], s[1])))
    )


def _names(people: Sequence[Person]) -> Iterator[_Name]:
    """Each name of a person alone; of anything else the whole name and its words, where they are no usual ones."""
    for person in people:
        said: dict[str, None] = {}
        for form in search_forms(person):
            words = TOKEN.findall(form)
            if len(words) == 1 or (person.kind is not Kind.PERSON and len(words) <= _RUN):
                said[form] = None
            if person.kind is not Kind.PERSON:
                said.update(dict.fromkeys(word for word in words if lexicon.zipf(folded(word)) < _USUAL))
        soundings = {s.phones: s for form in said for s in sounds.soundings(form) if len(s.letters) >= _SHORTEST}
        yield from (_Name(person_id=person.same_as or person.id, sounding=sounding) for sounding in soundings.values())


def _tokens(utterance: Utterance, forms: set[str]) -> list[_Token]:
    """Its words, without a possessive; of a known form no word is told, in a run or alone."""
    tokens = []
    for match in TOKEN.finditer(utterance.text):
        word = folded(match.group())
        bare = word.removesuffix("'s").removesuffix("'")
        end = match.end() - (len(word) - len(bare))
        tokens.append(_Token(start=match.start(), end=end, word="" if bare in forms or word in forms else bare))
    return tokens


def _runs(text: str, tokens: Sequence[_Token], taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(first, last) of one to three words, all free, with white space or a hyphen between them."""
    free = [
        bool(token.word) and not any(start < token.end and token.start < end for start, end in taken)
        for token in tokens
    ]
    joined = [text[one.end : two.start].strip() in ("", "-") for one, two in pairwise(tokens)]
    for first in range(len(tokens)):
        for last in range(first, min(first + _RUN, len(tokens))):
            if not free[last] or (last > first and not joined[last - 1]):
                break
            yield first, last


def _scores(
    runs: dict[tuple[str, ...], list[_Place]], names: Sequence[_Name]
) -> dict[tuple[str, ...], tuple[float, str]]:
    """Of each run that is like enough to a name: (score, whose)."""
    best: dict[tuple[str, ...], tuple[float, str]] = {}
    for several in (False, True):
        said = [words for words in runs if (len(words) > 1) is several and _worth_it(words)]
        heard = ["".join(map(sounds.phones, words)) for words in said]
        written = [name.sounding.phones for name in names]
        if not said or not written:
            continue
        rough = cdist(heard, written, scorer=Levenshtein.normalized_similarity, score_cutoff=_ROUGH[several])
        for one, other in zip(*rough.nonzero(), strict=True):
            words, name = said[one], names[other]
            less = _less(words)
            if less + LEAST > 1:
                continue
            score = sounds.alike(sounds.letters("".join(words)), heard[one], name.sounding) - less
            if score >= LEAST and score > best.get(words, (0.0, ""))[0]:
                best[words] = score, name.person_id
    return best


def _worth_it(words: tuple[str, ...]) -> bool:
    if len(words) == 1:
        return len(words[0]) >= _SHORTEST
    return any(lexicon.zipf(word) < _COMMON for word in words)


def _less(words: tuple[str, ...]) -> float:
    """What a run's words, as usual as they are, take from its score."""
    rarest = min(map(lexicon.zipf, words))
    return _USUAL_COSTS * max(0.0, rarest - _USUAL) + _PIECE_COSTS * (len(words) - 1)


def _apart(scored: Sequence[tuple[float, _Place, str]]) -> Iterator[tuple[float, _Place, str]]:
    """The best of those that overlap, as many as are told."""
    covered: set[tuple[int, int]] = set()
    told = 0
    for score, place, who in scored:
        words = {(place[0], word) for word in range(place[1], place[2] + 1)}
        if words & covered:
            continue
        if told == MOST:
            return
        covered |= words
        told += 1
        yield score, place, who
