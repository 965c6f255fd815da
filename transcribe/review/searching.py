"""Looking words up in a transcript, as they are typed: the last word may still be unfinished."""

import re

from transcribe.schema import Quiet, Transcript, record
from transcribe.wordforms import fold, folded

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_IN_WORD = r"(?<![^\W_])(?<![^\W_]')"  # a word begins here, and no "s" of "Dave's" does


@record
class Hit(Quiet):
    """Where it stands: [start, end) of an utterance, in code points, whole words."""

    utterance_id: str
    start: int
    end: int


def search(transcript: Transcript, text: str, most: int) -> tuple[Hit, ...]:
    """The first `most` places, in order, where the words of `text` stand in a row, the last one as a beginning.

    Case, accents and punctuation count for nothing, and no run goes over the end of a turn. Text without a letter or
    digit is nowhere.
    """
    words = [word.replace("'", "") for word in _WORD.findall(folded(text))]
    if not words:
        return ()
    pattern = re.compile(_IN_WORD + r"[\W_]+".join("'?".join(map(re.escape, word)) for word in words) + r"[^\W_]*")
    hits: list[Hit] = []
    for utterance in transcript.utterances:
        said = utterance.text
        if pattern.search(folded(said)) is None:  # remembered, so that a second search is fast
            continue
        plain, origin = fold(said)
        for match in pattern.finditer(plain):
            if len(hits) == most:
                return tuple(hits)
            start = origin[match.start()]
            end = origin[match.end()] if match.end() < len(plain) else len(said)
            hits.append(Hit(utterance_id=utterance.id, start=start, end=max(end, start + 1)))
    return tuple(hits)
