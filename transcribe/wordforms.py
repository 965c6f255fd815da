"""Word forms of names: folding, and finding whole-word forms in a text. Shared by the roster rule and the gate.

Folding ignores case and accents, so "Zsófia", "ZSOFIA" and "zsofia" are one form; every folded character remembers
the code point it came from, so that what is found is reported in positions of the text as written.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from transcribe import sealed_forms
from transcribe.schema import Kind, Person, Quiet, Sealed, record

# Letters that Unicode does not decompose into a base letter and a mark, as people type them without the stroke.
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
    | {"ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ŋ": "n"}
)
# What people type for an apostrophe, accents that stand alone among it, and for a hyphen.
_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u2032\ua78c`\u00b4", "'"),
        **dict.fromkeys("\u2010\u2012\u2013\u2014\u2212", "-"),
    }
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_EDGES = r"^[\W_]+|[\W_]+$"
_APART = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_NO_SURNAMES = frozenset("mr mrs miss ms mx missus mister dr prof professor midwife rev reverend".split())
KIN = frozenset("auntie aunty aunt uncle granny grandma grandad granddad grandpa cousin nanny pastor".split())
TITLES = _NO_SURNAMES | KIN | frozenset("doctor sister nurse father sir dame lady lord".split())
_LINKS = frozenset(("the", "and"))
_BEFORE_NAMES = TITLES | _LINKS | {"st", "saint"}
_PARTICLES = frozenset("de da do dos das del della di du la le les van von der den ter ibn bint o y e".split())
_E_MAIL = re.compile(r"[\w.+-]+@[\w.-]+")
_BETWEEN_NAMES = re.compile(r"[;,/|()&+\n\r]")


@record
class Match(Quiet):
    """A form found at [start, end) of a text; the form is empty where it is sealed."""

    start: int
    end: int
    form: str
    person_id: str


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters the index in `text` of the one it came from."""
    if text.isascii() and not _CONTROL.search(text):
        return text.lower().translate(_MARKS), range(len(text))
    folded: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        for out in _folded_character(char):
            folded.append(out)
            origin.append(index)
    return "".join(folded), origin


@lru_cache(maxsize=65_536)
def _folded_character(char: str) -> str:
    marked = char.translate(_MARKS)  # first: an acute that stands alone is a space and a mark to Unicode
    plain = "".join(c for c in unicodedata.normalize("NFKD", marked) if not _hides(c))
    return plain.casefold().translate(_STROKES).translate(_MARKS)


def _hides(char: str) -> bool:
    """Marks over letters, vowel signs, and what shows nothing (soft hyphens, joiners, controls that are no space, what
    is no character): no part of a folded word. No file has the latter, so the words are whole there.
    """
    category = unicodedata.category(char)
    return category in ("Mn", "Mc", "Me", "Cf", "Cs") or (category in ("Cc", "Cn") and not char.isspace())


def parted(text: str) -> str:
    """An id or a file name with its words apart: "P03Karen2" as "P 03 Karen 2"."""
    return _APART.sub(" ", text)


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """The folded text alone, with runs of white space as one space."""
    return " ".join(fold(text)[0].split())


def search_forms(person: Person) -> tuple[str, ...]:
    """Every form to look for: as given, and of a person's full name each name alone, without titles and particles."""
    if person.position_only:
        return ()
    bound = {folded(form) for form in person.bound}
    free = [form for form in person.forms if folded(form) not in bound]
    forms = [*free, *person.heard]
    if person.kind is Kind.PERSON:
        for form in free:
            forms += names_alone(form)
    unique: dict[str, str] = {}
    for form in forms:
        if re.search(r"[^\W_]", form):
            unique.setdefault(folded(form), form)
    for form in bound:
        unique.pop(form, None)
    return tuple(unique.values())


def sealed(person: Person) -> Sealed:
    """Her search forms as nobody can read them."""
    return sealed_forms.seal(_core(form) for form in search_forms(person))


def letters_alone(form: str) -> str:
    """The letters and digits of a folded form alone."""
    return re.sub(r"[\W_]", "", form)


@lru_cache(maxsize=65_536)
def names_alone(form: str) -> tuple[str, ...]:
    """Each name in a form of a person that may be said alone: Jo, Souza and Kit of "Dr Jo de Souza (Kit)".

    A full name ends at any mark but a full stop, a quotation mark, a hyphen or an apostrophe, so that no list of names
    stays one name.
    """
    apart = "".join(map(_or_gap, _E_MAIL.sub("\n", form)))
    alone = []
    for full in apart.split("\n"):
        names = [name for word in full.split() if (name := word.strip("'’‘`-_"))]
        while names and folded(names[0]) in _LINKS:  # "Karen, the nurse"
            names.pop(0)
        alone += [name for place, name in enumerate(names) if _may_stand_alone(names, place)]
    return tuple(alone)


def bare_surname(form: str) -> str:
    """A folded form without particles before it: "berg" of "van der berg"."""
    words = form.split()
    while len(words) > 1 and words[0] in _PARTICLES:
        words.pop(0)
    return " ".join(words)


def whole_parts(form: str) -> tuple[str, ...]:
    """What stands between the marks that part whole names: Elm House and EH of "Elm House (EH)"."""
    parts = (" ".join(part.split()) for part in _BETWEEN_NAMES.split(form))
    return tuple(dict.fromkeys(part for part in parts if part))


def _or_gap(char: str) -> str:
    """A character of a name; else a space, or a line break where a full name ends."""
    if char.isspace() or char in '."“”„«»':
        return " "
    return char if char.isalnum() or _hides(char) or _folded_character(char) in ("'", "-", "_") else "\n"


def _may_stand_alone(names: list[str], place: int) -> bool:
    """No title, no particle inside a name; but what ends a full name is a surname (Priya Das, Jon Lord), and a particle
    that begins one is a given name (Di Harris) unless it alone is written small (de Souza).
    """
    words = [folded(name) for name in names]
    word = words[place]
    if len(word) < 2 or word in _NO_SURNAMES:
        return False
    if 0 < place == len(names) - 1:
        return True
    if word in _PARTICLES:
        small = names[place].islower() and not all(name.islower() for name in names)
        return not small and all(before in TITLES for before in words[:place])
    if word in KIN:
        return not all(before in _BEFORE_NAMES for before in words[:place])  # Pastor of Ana Pastor Ruiz is a surname
    return word not in _BEFORE_NAMES


def halves(name: str) -> tuple[str, ...]:
    """The folded parts of a hyphenated name, but for the shortest; of any other name none."""
    parts = folded(name).split("-")
    return tuple(part for part in parts if len(part) > 2) if len(parts) > 1 else ()


@lru_cache(maxsize=65_536)
def _pattern(form: str) -> re.Pattern[str]:
    """Words of a form may be parted by other white space or another hyphen, full stop or underscore than it has."""
    pieces = re.split(r"([\W_]+)", _core(form))
    whole = "".join(piece if position % 2 == 0 else _gap(piece) for position, piece in enumerate(pieces))
    # [^\W_]: an underscore parts words, as it does in file names
    return re.compile(rf"(?<![^\W_]){whole}(?![^\W_])")


def _gap(piece: str) -> str:
    """What may stand between two words of a form that has `piece` there."""
    own = re.escape("".join(sorted(set(piece) - set(" -.,'_"))))
    return rf"[\s\-.,_{own}]+" if " " in piece else rf"[\s\-.'_{own}]*"


@lru_cache(maxsize=65_536)
def _first_words(form: str) -> tuple[str, ...]:
    """The words that a text holds where a form begins: "o" or "obrien" for O'Brien, which may be written as one."""
    pieces = re.split(r"([\W_]+)", _core(form))
    firsts = [pieces[0]]
    for gap, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if " " in gap:
            break
        firsts.append(firsts[-1] + piece)
    return tuple(firsts)


def _core(form: str) -> str:
    """The folded form without what is no letter or digit at its ends: quotes, brackets, the @ of a handle."""
    return re.sub(_EDGES, "", folded(form))


class FormIndex:
    """Finds all forms of all people in a text, whole words only, overlapping matches included."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._by_form: dict[str, list[tuple[str, str]]] = {}  # patterns are made when a text may hold them
        self._sealed: dict[str, Sealed] = {}
        for person in people:
            if person.sealed:
                self._sealed[person.id] = person.sealed
            for form in search_forms(person):
                for key in _first_words(form):
                    self._by_form.setdefault(key, []).append((form, person.id))

    def find(self, text: str) -> tuple[Match, ...]:
        """All matches, sorted by start, longest first."""
        plain, origin = fold(text)
        words = set(re.findall(r"[^\W_]+", plain))
        matches = set()
        for first, after, form, person_id in self._hits(plain, words):
            start, end = origin[first], origin[after - 1] + 1
            while end < len(text) and _hides(text[end]):
                end += 1
            matches.add(Match(start=start, end=end, form=form, person_id=person_id))
        return tuple(sorted(matches, key=lambda m: (m.start, -m.end, m.person_id, m.form)))

    def _hits(self, plain: str, words: set[str]) -> Iterator[tuple[int, int, str, str]]:
        for form, person_id in dict.fromkeys(entry for word in words for entry in self._by_form.get(word, ())):
            for hit in _pattern(form).finditer(plain):
                yield hit.start(), hit.end(), form, person_id
        for person_id, spellings in self._sealed.items():
            for start, end in sealed_forms.find(plain, spellings):
                yield start, end, "", person_id
