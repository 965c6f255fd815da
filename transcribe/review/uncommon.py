"""Words that a reviewer should not overlook: a capital inside a sentence, for no usual reason, and no mark on it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from transcribe.detect import defaults
from transcribe.schema import Utterance
from transcribe.wordforms import TITLES, folded

_PIECE = re.compile(r"\S+")
_PART = re.compile(r"(?<!\d)[^\W\d_]+(?:['’&][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.?!…][\"“”‘’'»)\]]*$")
_CLITIC = re.compile(r"['’](?:s|m|d|ll|re|ve)?$", re.IGNORECASE)
# What is written with a capital and names nobody, beside months, titles and what is never a name (default_rules.toml).
_LANGUAGES = frozenset(
    """english british welsh scottish irish gaelic scots cornish cymraeg french german spanish italian portuguese polish
    romanian bulgarian hungarian czech slovak ukrainian russian lithuanian latvian estonian greek turkish albanian
    serbian croatian bosnian dutch flemish danish swedish norwegian finnish icelandic arabic hebrew farsi persian
    kurdish pashto dari urdu hindi punjabi bengali bangla gujarati sylheti tamil telugu malayalam marathi nepali sinhala
    mandarin cantonese chinese japanese korean vietnamese thai tagalog filipino malay indonesian somali swahili yoruba
    igbo hausa twi amharic tigrinya shona zulu afrikaans lingala creole patois romani yiddish latin""".split()
)
_ACRONYMS = frozenset(  # as written: Pip and Ed may be somebody
    """A&E AC ADHD AM ASD ATM BA BBC BCG BMI BP BPD BSL BSc BTEC CAMHS CBT CCTV CD CPN CT CV DC DIY DNA DVD DWP ECG ED
    EHCP EMDR ENT ESA EU GCSE GP HDU HIV HR HV IAPT ICU ID IQ IT ITU ITV IUI IV IVF MA MBA MMR MOT MP MRI MSc NCT NHS
    NICU OCD OK OT PA PC PDF PE PGCE PIN PIP PM PND PTSD PhD QR SCBU SEN SEND SIDS SMS STI TENS TV UK US USA USB UTI VAT
    VBAC""".split()
)


def uncommon(utterance: Utterance, taken: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The indexes of such words; `taken` are the marked spans [start, end) of the utterance's text.

    The first word of a sentence says nothing, nor does an utterance that has no lower-case letter.
    """
    text = utterance.text
    if text.upper() == text:
        return ()
    ends = list(accumulate(len(word.text) for word in utterance.words))
    return tuple(
        dict.fromkeys(
            bisect_right(ends, start)
            for start, end in _capitals(text)
            if not any(mark_start < end and start < mark_end for mark_start, mark_end in taken)
        )
    )


def _capitals(text: str) -> Iterator[tuple[int, int]]:
    """Pieces between white space in which a part, not the first of its sentence, has a capital for no usual reason."""
    opens = True
    for piece in _PIECE.finditer(text):
        parts = list(_PART.finditer(piece.group()))
        after = 0
        telling = False
        for part in parts:
            gap = piece.group()[after : part.start()]
            opens = opens or bool(after > 1 and re.search(r"[.?!…]", gap))
            telling = telling or not (opens or _usual(part.group()))
            opens, after = False, part.end()
        if telling:
            yield piece.start() + parts[0].start(), piece.start() + parts[-1].end()
        opens = _ends_sentence(piece.group()) or (opens and not any(char.isalnum() for char in piece.group()))


def _usual(part: str) -> bool:
    """Whether nothing is to be made of how it is written."""
    bare = _CLITIC.sub("", part)
    if not bare[0].isupper() or bare == "I" or bare.removesuffix("s") in _ACRONYMS:
        return True
    words, plain = defaults.load().words, folded(bare)
    return any(plain in table for table in (words.never, words.months, TITLES, _LANGUAGES))


def _ends_sentence(piece: str) -> bool:
    """ "Dr." and the "J." of a name end none."""
    bare = re.sub(r"^\W+|\W+$", "", piece)
    initial = len(bare) == 1 and bare.isupper() and bare != "I"
    return bool(_SENTENCE_END.search(piece)) and not initial and folded(bare) not in TITLES
