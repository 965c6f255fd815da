"""Runs of words that may be a name heard wrongly: rare, capitalised inside a sentence, or where a name is expected.

The gates are those of approximate.toml.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from transcribe.detect import defaults, lexicon, lowercase, sounds
from transcribe.schema import Finding, Quiet, Utterance, record
from transcribe.wordforms import folded

TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_SENTENCE_END = re.compile(r"(?:^|[.?!…:;\n])[\s\"“”‘'—–-]*$")
_JOINED = re.compile(r"(?:\s+|-|\s*-\s*)$")


@record
class Token(Quiet):
    start: int
    end: int
    word: str
    zipf: float
    capital: bool
    acronym: bool
    opens: bool


@record
class Run(Quiet):
    """Some words of an utterance: their letters, their sounds, and what is known of their place."""

    utterance: Utterance
    tokens: tuple[Token, ...]
    letters: str
    sounds: str
    expected: bool
    subject: bool
    titled: bool
    impossible: bool
    cased: bool
    elsewhere: bool

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


@cache
def table() -> dict[str, Any]:
    raw = tomllib.loads((files("transcribe.detect") / "approximate.toml").read_text(encoding="utf-8"))
    raw["expected"] = {name: tuple(f" {phrase}" for phrase in phrases) for name, phrases in raw["expected"].items()}
    return raw


def _tokens(text: str) -> list[Token]:
    tokens = []
    for match in TOKEN.finditer(text):
        word = match.group()
        stripped = _POSSESSIVE.sub("", word) or word
        plain = folded(stripped)
        tokens.append(
            Token(
                start=match.start(),
                end=match.start() + len(stripped),
                word=plain,
                zipf=lexicon.zipf(plain),
                capital=word[0].isupper(),
                acronym=len(stripped) > 1 and stripped.isupper(),
                opens=word[0].isupper() and bool(_SENTENCE_END.search(text, max(0, match.start() - 12), match.start())),
            )
        )
    return tokens


def runs(utterance: Utterance, taken: list[Finding], lower: frozenset[str], cased: bool) -> Iterator[Run]:
    """Runs of words that may be a name: rare, capitalised inside a sentence, or where a name is expected."""
    text = utterance.text
    tokens = _tokens(text)
    gate = table()["gate"]
    free = [not any(f.start < t.end and t.start < f.end for f in taken) for t in tokens]
    for first, token in enumerate(tokens):
        if not free[first]:
            continue
        expected = _expected(text, tokens, first)
        for count in range(1, gate["run"] + 1):
            last = first + count - 1
            if last >= len(tokens) or not free[last]:
                break
            if count > 1 and not _JOINED.match(text[tokens[last - 1].end : tokens[last].start]):
                break
            run = tuple(tokens[first : last + 1])
            rarest = min(t.zipf for t in run)
            inside = cased and any(t.capital and not t.opens and t.word != "i" for t in run)
            impossible = count == 1 and _impossible(tokens, first)
            if not (rarest < gate["rare"] or inside or (expected and count == 1) or impossible):
                continue
            written = text[token.start : run[-1].end]
            yield Run(
                utterance=utterance,
                tokens=run,
                letters=sounds.letters(written),
                sounds="".join(sounds.phones(t.word) for t in run),
                expected=expected,
                subject=last + 1 < len(tokens) and tokens[last + 1].word in defaults.load().words.followers,
                titled=first > 0 and tokens[first - 1].word in defaults.load().words.titles,
                impossible=impossible,
                cased=cased,
                elsewhere=count == 1 and token.word in lower,
            )


def _impossible(tokens: list[Token], first: int) -> bool:
    """ "we'll left": an auxiliary, run together with its subject, before what cannot follow it."""
    return (
        tokens[first].word.endswith("'ll")
        and first + 1 < len(tokens)
        and (lowercase.no_auxiliary_before(tokens[first + 1].word))
    )


def _expected(text: str, tokens: list[Token], first: int) -> bool:
    """After a word for kin, a title, a greeting, "called"."""
    words = defaults.load().words
    before = [t.word for t in tokens[max(0, first - 3) : first]]
    if not before:
        return False
    gap = text[tokens[first - 1].end : tokens[first].start]
    if re.search(r"[.?!…:;]", gap) and before[-1] not in words.titles:
        return False
    lead = " " + " ".join(before)
    return before[-1] in words.kin or before[-1] in words.titles or lead.endswith(table()["expected"]["after"])
