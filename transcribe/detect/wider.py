"""What belongs to a known name and stands beside it: "J. Smith", "Jane S.", "van der Berg". No piece of a name stays.

Like what variants.py finds it binds to its position; scores are in variants.toml.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from transcribe.detect.variants import NAME, RULE, full_names, scores
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, Utterance, record
from transcribe.wordforms import bare_surname, folded

ALL = INITIALLED, _PARTICLE = "initial and name", "particle and name"
_LEADING = re.compile(r"(?<![\w.'’])((?:[^\W\d_](?:\.\s*|\s+)){1,3})$")
_TRAILING = re.compile(r"\s+([^\W\d_])(?:\.(?!\w)|(?![\w.'’]))")
_BEFORE = 40  # characters that are read before a name
_NO_INITIALS = ("i", "a")  # unless a full stop says so


@record
class _Bearer(Quiet):
    """Whose last or first name it is, and her full name, folded."""

    person_id: str
    names: tuple[str, ...]


@lru_cache(maxsize=32)
def _bearers(people: tuple[Person, ...]) -> dict[str, tuple[_Bearer, ...]]:
    found: dict[str, list[_Bearer]] = {}
    for person in people:
        for names in full_names(person) if not person.position_only else ():
            for name in dict.fromkeys((names[0], names[-1])):
                found.setdefault(name, []).append(_Bearer(person_id=person.id, names=tuple(names)))
    return {name: tuple(bearers) for name, bearers in found.items()}


def find(utterances: tuple[Utterance, ...], people: tuple[Person, ...]) -> tuple[Finding, ...]:
    """Findings around names of `people`, possibly overlapping."""
    known = _bearers(people)
    return tuple(finding for utterance in utterances for finding in _in_utterance(utterance, known))


def _in_utterance(utterance: Utterance, known: dict[str, tuple[_Bearer, ...]]) -> Iterator[Finding]:
    for match in NAME.finditer(utterance.text):
        plain, end = folded(match.group()), match.end()
        plain, end = (plain[:-2], end - 2) if plain.endswith("'s") else (plain, end)
        found: dict[tuple[int, int, str], list[str]] = {}
        for bearer in known.get(plain, ()):
            for span, why in _spans(utterance.text, match.start(), end, bearer.names):
                found.setdefault((*span, why), []).append(bearer.person_id)
        for (first, last, why), ids in found.items():
            shared = len(set(ids)) > 1
            score = float(scores()["shared" if shared else "wider"])
            yield Finding(
                id="",
                utterance_id=utterance.id,
                start=first,
                end=last,
                kind=Kind.PERSON,
                person_id=ids[0],
                score=score,
                reason=Reason(rule=RULE, detail=f"{why}{', shared form' if shared else ''}", score=score),
            )


def _spans(text: str, start: int, end: int, names: tuple[str, ...]) -> Iterator[tuple[tuple[int, int], str]]:
    """Where the name at [start, end), which is the last or first of `names`, goes on."""
    plain, ahead = folded(text[start:end]), max(0, start - _BEFORE)
    particles = next((names[n:-1] for n in range(1, len(names)) if bare_surname(" ".join(names[n:])) == names[-1]), ())
    if plain == names[-1] and particles:
        lead = r"\s+".join(map(re.escape, particles))
        before = re.search(rf"(?<![\w'’-]){lead}\s+$", text[ahead:start], re.IGNORECASE)
        if before is not None:
            yield (ahead + before.start(), end), _PARTICLE
    if not text[start].isupper():
        return
    lead_in, tail = _LEADING.search(text[ahead:start]), _TRAILING.match(text, end)
    if plain == names[-1] and lead_in is not None and _is_initial(lead_in[1], names[0]):
        yield (ahead + lead_in.start(1), end), INITIALLED
    if plain == names[0] and tail is not None and _is_initial(tail.group().strip(), names[-1]):
        yield (start, tail.end()), INITIALLED


def _is_initial(said: str, name: str) -> bool:
    """Whether capital letters, the first of which begins the name."""
    letters = re.findall(r"[^\W\d_]", said)
    word = len(letters) == 1 and "." not in said and folded(letters[0]) in _NO_INITIALS
    return all(letter.isupper() for letter in letters) and folded(letters[0]) == name[0] and not word
