"""What is known of a word by itself: whether lists of names hold it, and how usual it is in English.

The lists are those of Faker's locales (MIT), the nicknames table of the library `nicknames` (Apache-2.0), and the
additions in lexicon.toml. How usual a word is comes from wordfreq, as Zipf values: 3 is once in a million words.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from types import ModuleType

from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

USUAL = 4.0  # zipf: ten times in a million words
RARE = 3.0  # once in a million: so rare a word in lower case is likelier a name that was written so


@record
class Lexicon(Quiet):
    """Folded single words that are names somewhere, with the number of lists that hold them.

    Given names, surnames, and places or parts of their names.
    """

    given: Mapping[str, int]
    surnames: Mapping[str, int]
    places: Mapping[str, int]

    def holds(self, word: str) -> bool:
        """Whether any list has a folded word."""
        return word in self.given or word in self.surnames or word in self.places


@cache
def load() -> Lexicon:
    """All lists, read once a process (about a second)."""
    return without(frozenset())


def without(locales: frozenset[str]) -> Lexicon:
    """The lists but those of some locales: to measure how names fare that no list holds."""
    raw = tomllib.loads((files("transcribe.detect") / "lexicon.toml").read_text(encoding="utf-8"))
    people = [_provider("person", locale) for locale in raw["people"].split() if locale not in locales]
    places = [_provider("address", locale) for locale in raw["places"].split() if locale not in locales]
    parts = set(raw["place_parts"].split())
    return Lexicon(
        given=_counted(
            *(_listed(one, "first_names", "first_romanized_names") for one in people),
            _nicknames(),
            raw["given"].split(),
        ),
        surnames=_counted(
            *(_listed(one, "last_names", "last_romanized_names") for one in people), raw["surnames"].split()
        ),
        places=_counted(
            *(_listed(one, "cities", "counties", "states", "countries") - parts for one in places),
            raw["place_names"].split(),
        ),
    )


def sources(what: str) -> list[str]:
    """The locales that a list is read from: of "people" or of "places"."""
    raw = tomllib.loads((files("transcribe.detect") / "lexicon.toml").read_text(encoding="utf-8"))
    return str(raw[what]).split()


@cache
def zipf(word: str) -> float:
    """How usual a folded word is in English: 0 (unknown) to 8, logarithm of uses in a thousand million words."""
    from wordfreq import zipf_frequency

    return float(zipf_frequency(word, "en"))


def is_usual_word(word: str) -> bool:
    """A usual folded word that hardly any list has for a name."""
    known = load()
    named = known.given.get(word, 0) > 1 or known.surnames.get(word, 0) > 1 or word in known.places
    return not named and zipf(word) >= USUAL


def _counted(*lists: Iterable[str]) -> Counter[str]:
    return Counter(word for one in lists for word in set(one))


def _provider(what: str, locale: str) -> ModuleType:
    return import_module(f"faker.providers.{what}.{locale}")


def _listed(module: ModuleType, *names: str) -> set[str]:
    """The folded words of a provider's lists; some are (weighted) tables, some are not there."""
    listed = [getattr(module.Provider, name, ()) for name in names]
    entries = [str(entry) for one in listed if isinstance(one, (tuple, list, dict)) for entry in one]
    return {word for entry in entries for word in folded(entry).replace("-", " ").split() if len(word) > 1}


def _nicknames() -> set[str]:
    from nicknames import NickNamer

    table = NickNamer().nickname_lookup
    return {name for key, names in table.items() for name in (key, *names)}
