"""Stretches that are not in the transcript's language, by how common their words are in each language wordfreq knows.

No rule that looks for names reads them, so a person has to. Names, addresses and noises say nothing of a language:
capitalised words, web and e-mail addresses, digits and short sounds are left out. Source of the frequencies: wordfreq
(offline data).
"""

import re
import unicodedata
from functools import lru_cache

from transcribe.detect import defaults
from transcribe.schema import Quiet, Utterance, record
from transcribe.wordforms import folded

UNKNOWN = "und"
WINDOW = 6  # words; shorter stretches are quotations, dishes and names more often than another language
BETTER = 1.3  # how much commoner, in Zipf units (powers of ten) a word, another language must make the stretch
STRANGE = 3.2  # mean Zipf frequency below which six words of ordinary speech are not of that language (English: 6)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ADDRESS = re.compile(r"\S*\w[.@_]\w\S*")  # of the web, of e-mail, a user's name
_SPOKEN_HERE = "pl es fr de tr hu pt it ro nl cs sv id fil vi lt lv sh sl sk fi da nb ca is ms"  # Latin letters
_UNSPACED = re.compile(r"(?:CJK|HIRAGANA|KATAKANA|THAI|LAO|KHMER|MYANMAR)\b")  # one run of letters is many words
_RUN = 4  # of such letters: more than a name
_OTHER_SCRIPTS = "ar bg bn el fa he hi mk ru ta uk ur"  # not zh, ja, ko: wordfreq needs further packages for these


@record
class Stretch(Quiet):
    """A stretch [start, end) of an utterance in another language: an ISO 639 code, or und."""

    utterance_id: str
    start: int
    end: int
    language: str


def stretches(utterances: tuple[Utterance, ...], language: str) -> tuple[Stretch, ...]:
    """The longest stretch of each utterance that is not in `language` (a code such as en).

    Of turns with fewer words than a stretch has, those that follow each other are read together, too.
    """
    telling = [_telling(utterance.text) for utterance in utterances]
    found = [_foreign(*one, language) for one in zip(utterances, telling, strict=True)]
    for here in _short_turns(telling, language):
        found[here] = found[here] or _stretch(utterances[here], telling[here], language)
    return tuple(stretch for stretch in found if stretch is not None)


def _telling(text: str) -> list[re.Match[str]]:
    addresses = [m.span() for m in _ADDRESS.finditer(text)]
    return [
        m
        for m in _WORD.finditer(text)
        if _tells(text, m) and not any(start <= m.start() < end for start, end in addresses)
    ]


def _short_turns(telling: list[list[re.Match[str]]], language: str) -> set[int]:
    """Numbers of the turns over which a stretch in another language goes on: "No i co?" "Nie wiem przecież."."""
    found: set[int] = set()
    words: list[tuple[int, re.Match[str]]] = []
    for here, own in enumerate(telling):
        if len(own) >= WINDOW:
            words = []
        for one in own if len(own) < WINDOW else ():
            words = [*words, (here, one)][-WINDOW:]
            if len(words) == WINDOW and _is_foreign([match for _, match in words], language):
                turns = {turn for turn, _ in words}
                found |= {turn for turn in turns if _mean([m.group() for m in telling[turn]], language) < STRANGE}
    return found


def _foreign(utterance: Utterance, words: list[re.Match[str]], language: str) -> Stretch | None:
    text = utterance.text
    strange = [m for m in _WORD.finditer(text) if _other_script(m.group())]
    if (len(strange) >= 2 or any(_unspaced(m.group()) for m in strange)) and language in (*_SPOKEN_HERE.split(), "en"):
        guess = _best([m.group() for m in strange], tuple(_OTHER_SCRIPTS.split()), language)
        return Stretch(utterance_id=utterance.id, start=strange[0].start(), end=strange[-1].end(), language=guess[0])
    hits = [place for place in range(len(words) - WINDOW + 1) if _is_foreign(words[place : place + WINDOW], language)]
    if not hits:
        return None
    return _stretch(utterance, words[hits[0] : hits[-1] + WINDOW], language)


def _stretch(utterance: Utterance, stretch: list[re.Match[str]], language: str) -> Stretch:
    plain = [m.group() for m in stretch]
    guess = _best(plain, tuple(_SPOKEN_HERE.split()), language)
    sure = guess[1] - _mean(plain, language) >= BETTER
    return Stretch(
        utterance_id=utterance.id,
        start=stretch[0].start(),
        end=stretch[-1].end(),
        language=guess[0] if sure else UNKNOWN,
    )


def _tells(text: str, word: re.Match[str]) -> bool:
    """Whether a word says something of the language: no name, no noise."""
    plain = folded(word.group())
    opens = not text[: word.start()].strip() or text[: word.start()].rstrip()[-1] in ".?!"
    noise = len(plain) < 2 or plain in defaults.load().words.never or re.search(r"(.)\1\1|^[^aeiouyw]+$", plain)
    return not noise and (word.group()[0].islower() or bool(opens and len(plain) < 5))


def _unspaced(word: str) -> bool:
    return len(word) >= _RUN and _UNSPACED.match(unicodedata.name(word[0], "")) is not None


def _other_script(word: str) -> bool:
    return not unicodedata.name(word[0], "LATIN").startswith("LATIN")


def _is_foreign(words: list[re.Match[str]], language: str) -> bool:
    plain = [m.group() for m in words]
    if len(set(plain)) < WINDOW - 1:
        return False  # baby talk
    here = _mean(plain, language)
    if here < STRANGE:
        return True
    return here < 5 and _best(plain, tuple(_SPOKEN_HERE.split()), language)[1] - here >= BETTER


def _best(words: list[str], languages: tuple[str, ...], apart_from: str) -> tuple[str, float]:
    """The language that makes the words commonest, and their mean Zipf frequency in it."""
    means = [(_mean(words, code), code) for code in languages if code != apart_from]
    value, code = max(means)
    return (code, value) if value >= STRANGE else (UNKNOWN, value)


def _mean(words: list[str], language: str) -> float:
    return sum(_frequency(word.lower().replace("’", "'"), language) for word in words) / len(words)


@lru_cache(maxsize=200_000)
def _frequency(word: str, language: str) -> float:
    # the large lists of all these languages take more than a gigabyte of memory, the small ones a fifth of it
    from wordfreq import zipf_frequency

    return float(zipf_frequency(word, language, wordlist="best" if language == "en" else "small"))
