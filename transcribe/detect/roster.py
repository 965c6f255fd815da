"""The roster rule: every form of every known person in every utterance is either found or, with a reason, kept.

Beside the forms, what variants.py derives from them (short names, plurals, spelt out, broken off) is found. The form
index is that of the release gate, so what is neither found nor kept here cannot pass the gate. The longest match wins;
matches that overlap only in part become one span, so that no fragment of a name stays readable.
"""

import re
from dataclasses import replace

from transcribe.detect import Tagger, defaults, lexicon, ordinary, variants, wider
from transcribe.detect.ordinary import Judgement
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, Utterance, record
from transcribe.wordforms import FormIndex, Match, folded, whole_parts

RULE = variants.RULE


@record
class _Roster(Quiet):
    people: dict[str, Person]
    order: dict[str, int]
    index: FormIndex
    parts: frozenset[tuple[str, str]]
    cased: bool
    tagger: Tagger | None


def find(
    utterances: tuple[Utterance, ...], people: tuple[Person, ...], tagger: Tagger | None = None
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """(found, kept): disjoint spans that together cover every match of a search form of any person.

    What is found beyond the search forms lies clear of them or around them, so that this holds all the same.
    """
    roster = _Roster(
        people={person.id: person for person in people},
        order={person.id: place for place, person in enumerate(people)},
        index=FormIndex(people),
        parts=frozenset((person.id, part) for person in people for part in _parts(person)),
        cased=ordinary.has_capitals(tuple(utterance.text for utterance in utterances)),
        tagger=tagger,
    )
    derived: dict[str, list[Finding]] = {}
    for finding in variants.find(utterances, people, roster.cased) + wider.find(utterances, people):
        derived.setdefault(finding.utterance_id, []).append(finding)
    found: list[Finding] = []
    kept: list[Finding] = []
    for utterance in utterances:
        names, words = _in_utterance(utterance, roster)
        names, words = _with_derived(names, words, derived.get(utterance.id, []))
        found += names
        kept += words
    return tuple(found), tuple(kept)


def _with_derived(
    names: list[Finding], words: list[Finding], derived: list[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """Adds the derived forms that overlap no name; kept words inside one give way to it, any others stay. Of "J. Smith"
    the name itself does, too.
    """
    for finding in sorted(derived, key=lambda f: (f.start - f.end, f.start)):
        touched = [k for k in names + words if k.start < finding.end and finding.start < k.end]
        around = finding.reason.detail.startswith(wider.ALL)
        if all((around or k in words) and finding.start <= k.start and k.end <= finding.end for k in touched):
            words = [k for k in words if k not in touched]
            names = [*(k for k in names if k not in touched), finding]
    return sorted(names, key=lambda f: f.start), words


def _in_utterance(utterance: Utterance, roster: _Roster) -> tuple[list[Finding], list[Finding]]:
    text = utterance.text
    spans: dict[tuple[int, int], list[Match]] = {}
    for match in roster.index.find(text):
        spans.setdefault((match.start, match.end), []).append(match)
    names: list[Finding] = []
    words: list[Finding] = []
    neighbours = frozenset(spans)
    for (start, end), matches in spans.items():
        judgement = _judge(text, matches, neighbours, roster)
        person_id, shared = _whose(text, matches, roster)
        score = defaults.load().scores["shared_form"] if shared and judgement.name else judgement.score
        finding = Finding(
            id="",
            utterance_id=utterance.id,
            start=start,
            end=end,
            kind=roster.people[person_id].kind,
            person_id=person_id,
            score=min(score, judgement.score),
            reason=Reason(rule=RULE, detail=f"{judgement.why}{', shared form' if shared else ''}"),
        )
        (names if judgement.name else words).append(finding)
    return _unite(names), _outside(_unite(words), names)


def _judge(text: str, matches: list[Match], neighbours: frozenset[tuple[int, int]], roster: _Roster) -> Judgement:
    start, end = matches[0].start, matches[0].end
    here = ordinary.place(text, start, end)
    scores = defaults.load().scores
    part = all((match.person_id, here.form) in roster.parts for match in matches)
    lower = roster.cased and not here.capital
    if defaults.load().words.needs_context(here.form) or (part and not lower and lexicon.is_usual_word(here.form)):
        judgement = ordinary.judge(here, roster.cased, roster.tagger)
        if not judgement.name and _beside_name(text, start, end, neighbours):
            return Judgement(name=True, score=scores["form_in_context"], why="beside a name")
        return judgement
    doubt = lower and " " not in here.form and (part or _only_found(matches, roster))
    if doubt and roster.tagger and roster.tagger.part_of_speech(text, start, end) not in ("PROPN", ""):
        return _lower_case(here.form)
    return Judgement(name=True, score=scores["form"], why="form")


def _lower_case(form: str) -> Judgement:
    """What was found, or is part of a longer name, and is written as a word here: only a usual word is kept; a usual
    name ("karen") is a question.
    """
    scores = defaults.load().scores
    if lexicon.is_usual_word(form):
        return Judgement(name=False, score=scores["kept"], why="found name, here a usual word in lower case")
    usual = lexicon.zipf(form) >= lexicon.USUAL
    return Judgement(
        name=True, score=scores["weak_repeat" if usual else "doubtful"], why="doubtful: found name in lower case"
    )


def _parts(person: Person) -> set[str]:
    """The folded parts of the longer names of a place, a service or an organisation: "Neonatal, Bay Three"."""
    if person.kind is Kind.PERSON:
        return set()
    return {folded(part) for form in person.forms if len(parts := whole_parts(form)) > 1 for part in parts}


def _only_found(matches: list[Match], roster: _Roster) -> bool:
    return all(roster.people[match.person_id].found for match in matches)


def _beside_name(text: str, start: int, end: int, neighbours: frozenset[tuple[int, int]]) -> bool:
    """Whether a form that is no ordinary word stands directly before or after, parted by white space alone."""
    words = defaults.load().words
    for other_start, other_end in neighbours:
        between = text[end:other_start] if other_start >= end else text[other_end:start] if other_end <= start else "x"
        if between and between.isspace():
            other = folded(text[other_start:other_end])
            grammatical = folded(text[start:end]) in words.function | words.auxiliary | words.months
            # "Karen will come": a verb or a month beside a name is no surname unless it is written as one.
            if not words.needs_context(other) and (not grammatical or text[start].isupper()):
                return not (grammatical and other_start >= end)  # "Will Karen come?"
    return False


def _whose(text: str, matches: list[Match], roster: _Roster) -> tuple[str, bool]:
    """The person a span belongs to, and whether that is only a guess among several."""
    ids = sorted({match.person_id for match in matches}, key=lambda i: (roster.people[i].found, roster.order[i]))
    if len(ids) == 1:
        return ids[0], False
    start, end = matches[0].start, matches[0].end
    form = folded(text[start:end])
    explicit = [i for i in ids if form in {folded(f) for f in roster.people[i].forms}]
    humans = [i for i in ids if roster.people[i].kind is Kind.PERSON]
    others = [i for i in ids if i not in humans]
    words = defaults.load().words
    here = ordinary.place(text, start, end)
    if humans and others:
        if here.before and here.before[-1] in words.place_before and not here.opens:
            return others[0], len(others) > 1
        if _after_name(here, words):
            return humans[0], len(humans) > 1
        return ids[0], True
    return (explicit or ids)[0], True


def _after_name(here: ordinary.Place, words: defaults.Words) -> bool:
    """A title, or a capital inside a sentence, directly before: this is a surname."""
    previous = re.search(r"([^\W_]+)\.?\s+$", here.text[: here.start])
    if previous is None:
        return False
    word = previous.group(1)
    return folded(word) in words.titles | words.titles_weak or (word[0].isupper() and len(word) > 1)


def _unite(findings: list[Finding]) -> list[Finding]:
    """Spans that overlap become one that covers them all and belongs to the longest of them."""
    united: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.start, -f.end)):
        if united and finding.start < united[-1].end:
            last = united[-1]
            owner = last if last.end - last.start >= finding.end - finding.start else finding
            united[-1] = replace(owner, start=last.start, end=max(last.end, finding.end))
        else:
            united.append(finding)
    return united


def _outside(kept: list[Finding], found: list[Finding]) -> list[Finding]:
    """Kept spans that no found one covers; what is kept beside a part of a name gives way to the name."""
    spans = [(f.start, f.end) for f in _unite(found)]
    return [k for k in kept if not any(start < k.end and k.start < end for start, end in spans)]
