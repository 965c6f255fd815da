"""Words that nobody said: found in a transcript and marked, never taken out. Pure, but for its table, read once.

Recognisers that were trained on subtitles write where nobody speaks, repeat themselves, and fill silence with the
sentences that subtitles end with. What looks so is flagged with its reason, for a person to settle; until then the
release shows `[unclear]` there. Numbers, sentences and their sources stand in invented.toml.
"""

import hashlib
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from transcribe.schema import Cause, Quiet, Transcript, Turn, Turns, Unclear, Utterance, Word, record
from transcribe.wordforms import folded

_SENTENCE_END = re.compile(r"[.?!…。？！][\"'’”)\]]*$")


@record
class Flagged(Quiet):
    """The stretches of a transcript that nobody may have said; `source` is the checksum of that transcript."""

    source: str
    stretches: tuple[Unclear, ...]


@record
class Table(Quiet):
    """What stands in invented.toml; sentences as `_plain` writes them: credits, and what people do say as well."""

    margin_s: float
    times: tuple[int, ...]
    longest_words: int
    inside_word: int
    heard_share: float
    probability: float
    alone_s: float
    credits: frozenset[str]
    said: frozenset[str]


@record
class _Heard(Quiet):
    """Stretches in which somebody speaks, whoever it is: disjoint, sorted, seconds."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]

    def near(self, word: Word, margin_s: float) -> bool:
        """Whether somebody speaks within the margin of a word."""
        here = bisect_right(self.starts, word.end_s + margin_s) - 1
        return here >= 0 and self.ends[here] >= word.start_s - margin_s

    def share(self, start_s: float, end_s: float) -> float:
        """How much of the time from start to end somebody speaks, in [0, 1]; of a moment, whether somebody does."""
        last = bisect_right(self.starts, end_s)
        first = max(0, bisect_right(self.starts, start_s) - 1)
        pairs = list(zip(self.starts[first:last], self.ends[first:last], strict=True))
        if end_s <= start_s:
            return float(any(start <= start_s <= end for start, end in pairs))
        return sum(max(0.0, min(end_s, end) - max(start_s, start)) for start, end in pairs) / (end_s - start_s)


@cache
def load() -> Table:
    """The table."""
    data: dict[str, Any] = tomllib.loads(files("transcribe").joinpath("invented.toml").read_text(encoding="utf-8"))
    sentences = data["sentences"].values()
    return Table(
        margin_s=data["nobody"]["margin_s"],
        times=tuple(data["loop"]["times"]),
        longest_words=data["loop"]["longest_words"],
        inside_word=data["loop"]["inside_word"],
        heard_share=data["ghost"]["heard_share"],
        probability=data["ghost"]["probability"],
        alone_s=data["ghost"]["alone_s"],
        credits=frozenset(_plain(text) for one in sentences for text in one["credits"]),
        said=frozenset(_plain(text) for one in sentences for text in one["said"]),
    )


@cache
def table_sha256() -> str:
    """The checksum of the table: with another one, transcripts are looked at again."""
    return hashlib.sha256(files("transcribe").joinpath("invented.toml").read_bytes()).hexdigest()


def flag(transcript: Transcript, turns: Turns) -> tuple[Unclear, ...]:
    """The stretches that nobody may have said, X0001 ... in order of the transcript.

    Flagged words of one utterance that follow each other are one stretch. Nothing in a text without clock times.
    """
    if not transcript.timed:
        return ()
    heard, table = _heard(turns.all), load()
    causes = [[_nobody(word, heard, table) for word in u.words] for u in transcript.utterances]
    for found, cause in ((_loops(transcript, table), Cause.LOOP), (_ghosts(transcript, heard, table), Cause.GHOST)):
        for utterance, word in found:
            causes[utterance][word] = (cause, *causes[utterance][word])
    stretches = (s for u, mine in zip(transcript.utterances, causes, strict=True) for s in _stretches(u, mine))
    return tuple(_numbered(number, *stretch) for number, stretch in enumerate(stretches, 1))


def _heard(turns: Iterable[Turn]) -> _Heard:
    joined: list[list[float]] = []
    for turn in sorted(turns, key=lambda turn: turn.start_s):
        if joined and turn.start_s <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], turn.end_s)
        else:
            joined.append([turn.start_s, turn.end_s])
    return _Heard(starts=tuple(start for start, _ in joined), ends=tuple(end for _, end in joined))


def _nobody(word: Word, heard: _Heard, table: Table) -> tuple[Cause, ...]:
    return () if heard.near(word, table.margin_s) else (Cause.NOBODY,)


def _plain(text: str) -> str:
    """Letters alone, folded: recognisers write a sentence with and without its stops, spaces and the year."""
    return re.sub(r"[\W\d_]+", "", folded(text))


# --- loops ----------------------------------------------------------------------------------------------------------

Place = tuple[int, int]  # number of the utterance, number of the word in it


def _loops(transcript: Transcript, table: Table) -> set[Place]:
    """Words that stand in a loop of one speaker, over pauses too, and words that are a loop themselves."""
    found: set[Place] = set()
    numbered = enumerate(transcript.utterances)
    for _, run in groupby(numbered, key=lambda pair: pair[1].speaker):
        places = [((number, at), word) for number, utterance in run for at, word in enumerate(utterance.words)]
        said = [folded(word.text).strip(" .,;:?!-…\"'") for _, word in places]
        found.update(places[at][0] for at in _repeated(said, table))
        found.update(place for place, word in places if _stutters(folded(word.text), table.inside_word))
    return found


def _repeated(said: list[str], table: Table) -> Iterator[int]:
    """The numbers of the words that belong to an n-gram which follows itself as often as the table says."""
    for size in range(1, table.longest_words + 1):
        times = table.times[min(size, len(table.times)) - 1]
        same = [here >= size and said[here] == said[here - size] for here in range(len(said))]
        for is_same, group in groupby(range(len(said)), key=same.__getitem__):
            run = list(group)
            if is_same and len(run) >= size * (times - 1):
                yield from range(run[0] - size, run[-1] + 1)


def _stutters(word: str, times: int) -> bool:
    return re.search(rf"([^\W\d_]{{1,4}}?)\1{{{times - 1},}}", word) is not None


# --- sentences of silence -------------------------------------------------------------------------------------------


def _ghosts(transcript: Transcript, heard: _Heard, table: Table) -> Iterator[Place]:
    """The words of sentences that recognisers write in silence, where little or nobody is heard or they are unsure."""
    words = [word for utterance in transcript.utterances for word in utterance.words]
    before = 0
    for number, utterance in enumerate(transcript.utterances):
        for first, last in _sentences(utterance.words):
            if _is_ghost(words, before + first, before + last, heard, table):
                yield from ((number, at) for at in range(first, last))
        before += len(utterance.words)


def _sentences(words: tuple[Word, ...]) -> Iterator[Place]:
    """Half-open word ranges that end with a full stop or the like, or with the utterance."""
    first = 0
    for at, word in enumerate(words, 1):
        if at == len(words) or _SENTENCE_END.search(word.text.rstrip()):
            yield first, at
            first = at


def _is_ghost(words: list[Word], first: int, last: int, heard: _Heard, table: Table) -> bool:
    sentence = words[first:last]
    plain = _plain("".join(word.text for word in sentence))
    if plain not in table.credits and plain not in table.said:
        return False
    unheard = heard.share(sentence[0].start_s, sentence[-1].end_s) <= table.heard_share
    unsure = sum(word.probability for word in sentence) / len(sentence) <= table.probability
    if plain in table.credits:
        return unheard or unsure
    gaps = [sentence[0].start_s - words[first - 1].end_s] if first else []
    gaps += [words[last].start_s - sentence[-1].end_s] if last < len(words) else []
    return unheard and unsure and all(gap >= table.alone_s for gap in gaps)


# --- stretches ------------------------------------------------------------------------------------------------------


def _stretches(
    utterance: Utterance, causes: list[tuple[Cause, ...]]
) -> Iterator[tuple[Utterance, int, int, set[Cause]]]:
    """Maximal runs of flagged words: the utterance, a half-open range of its words, and why."""
    for flagged, group in groupby(range(len(causes)), key=lambda at: bool(causes[at])):
        run = list(group)
        if flagged:
            yield utterance, run[0], run[-1] + 1, {cause for at in run for cause in causes[at]}


def _numbered(number: int, utterance: Utterance, first: int, last: int, causes: set[Cause]) -> Unclear:
    before = "".join(word.text for word in utterance.words[:first])
    text = "".join(word.text for word in utterance.words[first:last])
    return Unclear(
        id=f"X{number:04d}",
        utterance_id=utterance.id,
        first_word=first,
        last_word=last - 1,
        start=len(before) + len(text) - len(text.lstrip() or text),
        end=len(before) + len(text.rstrip() or text),
        start_s=utterance.words[first].start_s,
        end_s=max(word.end_s for word in utterance.words[first:last]),
        causes=tuple(cause for cause in Cause if cause in causes),
    )
