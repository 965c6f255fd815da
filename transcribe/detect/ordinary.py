"""Is "Rose", "Will" or "May" a name here, or an ordinary word? Judged by case, neighbours and, in doubt, the tagger.

When in doubt it is a name: a doubtful one is found with a low score, and a reviewer decides.
"""

import re
from collections.abc import Iterator

from transcribe.detect import Tagger, defaults, lowercase
from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

CONTRACTION, PHRASE = "part of a contraction", "fixed phrase"  # so sure that no model's opinion counts
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE_END = ".?!…:;\n"
_CLAUSE_START = ",\"“”‘'—–-("
_NUMBER = re.compile(r"[0-9]{1,4}(?:st|nd|rd|th)?$")
_YEAR_OR_DAY = re.compile(r"\s*[0-9]{1,4}(?:st|nd|rd|th)?(?![^\W_])|,\s*(?:19|20)[0-9]{2}(?![^\W_])")
_PARTS = frozenset("end start beginning middle half month rest first last whole of".split())
_BEFORE_MONTH = frozenset("in last next this early late mid during since until till every each".split())
# Tags that no name has, by how far they are trusted at the start of a sentence.
_GRAMMAR_TAGS = frozenset("AUX PRON DET ADP SCONJ CCONJ PART ADV INTJ NUM".split())
_CONTENT_TAGS = _GRAMMAR_TAGS | {"VERB", "ADJ"}


@record
class Place(Quiet):
    """A form at [start, end) of an utterance, and what stands around it, folded."""

    text: str
    start: int
    end: int
    form: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def capital(self) -> bool:
        return self.text[self.start].isupper()

    @property
    def gap(self) -> str:
        """What parts the form from the word before it; empty at the very start."""
        return _gap(self.text, self.start)

    @property
    def opens(self) -> bool:
        """Whether the form is the first word of a sentence."""
        return not self.before or any(char in _SENTENCE_END for char in self.gap)

    @property
    def stands_alone(self) -> bool:
        """Whether punctuation or the end of the text follows at once."""
        return bool(re.match(r"\s*(?:$|[.,?!…;:\"”])", self.text[self.end :]))

    @property
    def possessive(self) -> bool:
        return bool(re.match(r"['’]s\b", self.text[self.end :], re.IGNORECASE))


@record
class Judgement(Quiet):
    """Whether a form is a name here, how sure that is in [0, 1], and why; `why` holds no word of the text."""

    name: bool
    score: float
    why: str


def _gap(text: str, start: int) -> str:
    words = list(_WORD.finditer(text, 0, start))
    return text[words[-1].end() : start] if words else text[:start]


def place(text: str, start: int, end: int) -> Place:
    """The form at text[start:end] with up to four words on either side."""
    before = [folded(m.group()) for m in _WORD.finditer(text[:start])][-4:]
    after = [folded(m.group()) for m in _WORD.finditer(re.sub(r"^['’][^\W_]+", "", text[end:]))][:4]
    form = folded(text[start:end]).strip(" .,'-")
    return Place(text=text, start=start, end=end, form=form, before=tuple(before), after=tuple(after))


def has_capitals(texts: tuple[str, ...]) -> bool:
    """Whether the transcript writes capitals at all; "I" says nothing. A recogniser without case gives none."""
    words = [word for text in texts for word in _WORD.findall(text) if len(word) > 1 and word[0] not in "Ii"]
    capitals = sum(1 for word in words if word[0].isupper())
    return capitals * 50 >= max(1, len(words))


def no_auxiliaries(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Where a name that is an auxiliary verb too ("Will") stands in any case, or as "we'll", and none can stand."""
    for match in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE):
        if lowercase.no_auxiliary(place(text, *match.span())):
            yield match.span()
    if folded(name) == "will":
        for match in re.finditer(r"(?<![^\W_])[^\W_]+['’]ll(?![^\W_])", text):
            following = _WORD.match(text, match.end() + 1)
            if following and lowercase.no_auxiliary_before(folded(following.group())):
                yield match.span()


def judge(here: Place, cased: bool, tagger: Tagger | None) -> Judgement:
    """Judge a form that is an ordinary word, too; `cased`: the transcript distinguishes capitals."""
    words = defaults.load().words
    if _in_contraction(here, words):
        return _kept(CONTRACTION)
    if _is_month(here, words):
        return _kept("month in a date")
    if not here.capital:
        return _lower(here, cased, tagger, words)
    if _after_title(here, words):
        return _name("after a title")
    if here.possessive and lowercase.is_auxiliary(here.form):
        return _name("an auxiliary has no possessive")
    if _in_idiom(here, words):
        return _kept(PHRASE)
    if here.opens:
        return _opening(here, tagger, words)
    grammatical = here.form in words.function or here.form in words.auxiliary
    if grammatical and here.gap.strip() and here.gap.strip()[-1] in _CLAUSE_START:
        return _opening(here, tagger, words)  # reported speech: She said, Will you ...
    return _name("ordinary word, capital inside a sentence")


def _kept(why: str) -> Judgement:
    return Judgement(name=False, score=defaults.load().scores["kept"], why=why)


def _name(why: str) -> Judgement:
    return Judgement(name=True, score=defaults.load().scores["form_in_context"], why=why)


def _doubtful(why: str) -> Judgement:
    return Judgement(name=True, score=defaults.load().scores["doubtful"], why=f"doubtful: {why}")


def _in_contraction(here: Place, words: defaults.Words) -> bool:
    clitic = here.form in words.clitics and re.search(r"[^\W_]['’]$", here.text[: here.start])
    tail = re.match(r"['’][^\W_]+", here.text[here.end :])
    whole = folded(here.form + tail.group()) if tail else ""
    return bool(clitic) or whole in words.contractions


def _is_month(here: Place, words: defaults.Words) -> bool:
    """A day or year beside it, or "in June", "end of June"; "by May" and "of May" alone may be a person, and whoever is
    parted from the word before is one: "Come in, June", "In 2019, June rang".
    """
    if here.form not in words.months:
        return False
    if _YEAR_OR_DAY.match(here.text, here.end):
        return True
    before = here.before[-1] if here.before and not here.opens and not re.search(r"[,.;:?!…]", here.gap) else ""
    if before in _BEFORE_MONTH:
        return not here.possessive
    of = before == "of" and len(here.before) > 1
    return bool(_NUMBER.match(before)) or (of and (here.before[-2] in _PARTS or bool(_NUMBER.match(here.before[-2]))))


def _after_title(here: Place, words: defaults.Words) -> bool:
    if not here.before or not re.fullmatch(r"\.?\s+", here.gap):
        return False
    if here.before[-1] in words.titles:
        return True
    if here.gap.startswith(".") or here.before[-1] not in words.titles_weak:
        return False
    title = here.text[: here.start].rstrip().split()[-1]
    grammatical = here.form in words.function or here.form in words.auxiliary
    return title[0].isupper() and (here.capital or not grammatical)


def _in_idiom(here: Place, words: defaults.Words) -> bool:
    """At the start of a sentence, and nothing parts its words: "Hope. They came" tells her name."""
    said = folded(re.split(r"[^\w\s'’]", here.text[here.start :], maxsplit=1)[0])
    return here.opens and any(f"{said} ".startswith(f"{idiom} ") for idiom in words.idioms)


def _lower(here: Place, cased: bool, tagger: Tagger | None, words: defaults.Words) -> Judgement:
    if _after_title(here, words):
        return _name("after a title")
    chance = lowercase.probability(here, cased, tagger)
    if not lowercase.reportable(chance):
        return _kept("ordinary word, lower case")
    return Judgement(
        name=True, score=round(chance, 3), why="doubtful: ordinary word, lower case, where a name may stand"
    )


def _before_verb(here: Place, tagger: Tagger | None) -> bool:
    following = re.match(r"\s+([^\W_]+)", here.text[here.end :])
    if tagger is None or following is None:
        return False
    start, end = here.end + following.start(1), here.end + following.end(1)
    return tagger.part_of_speech(here.text, start, end) in ("VERB", "AUX")


def _opening(here: Place, tagger: Tagger | None, words: defaults.Words) -> Judgement:
    """A capital that a sentence's first word has anyway."""
    following = here.after[0] if here.after else ""
    auxiliary, function = here.form in words.auxiliary, here.form in words.function
    if auxiliary and not here.stands_alone and following in words.subjects:
        return _kept("auxiliary before its subject")
    if not function and (here.stands_alone or here.possessive):
        return _name("stands alone")
    if not function and following in words.followers:
        return _name("before a verb it is the subject of")
    tag = tagger.part_of_speech(here.text, here.start, here.end) if tagger else ""
    if tag == "PROPN":
        return _name("tagged as a name") if not function else _doubtful("tagged as a name")
    if auxiliary and _before_verb(here, tagger):  # "May rang me": taggers call this May an auxiliary, too
        return _doubtful("before a verb")
    if tag in (_GRAMMAR_TAGS if auxiliary or function else _CONTENT_TAGS):
        return _kept("ordinary word at the start of a sentence")
    if function and (not tag or here.form in ("i", "a")):
        return _kept("function word at the start of a sentence")
    return _doubtful("ordinary word at the start of a sentence")
