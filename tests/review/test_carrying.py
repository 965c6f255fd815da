"""What a person decided goes to the same words of a transcript that was made again."""

import random
import re
import time
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import builders
from transcribe.review.carrying import beside, carry
from transcribe.schema import Decision, Kind, Transcript, Utterance, Verdict, Word
from transcribe.wordforms import folded


def decision(utterance_id: str, start: int, end: int, **fields: object) -> Decision:
    given_: dict[str, object] = {
        "verdict": Verdict.ACCEPT,
        "kind": Kind.PERSON,
        "person_id": "P1",
        "reviewer": "AB",
        "at": "2026-11-24T10:00:00+00:00",
        **fields,
    }
    return Decision(utterance_id=utterance_id, start=start, end=end, **given_)  # type: ignore[arg-type]


def about(said: Transcript, words: str, **fields: object) -> Decision:
    """A decision about the first place where these words stand."""
    utterance = next(u for u in said.utterances if words in u.text)
    start = utterance.text.index(words)
    return decision(utterance.id, start, start + len(words), **fields)


def covered(said: Transcript, span: Decision) -> str:
    text = next(u.text for u in said.utterances if u.id == span.utterance_id)
    return text[span.start : span.end]


def turns(*texts: str, timed: bool = True) -> Transcript:
    return builders.transcript(*(("S1", text) for text in texts), timed=timed)


FOUND = [  # old turns, what the decision is about, new turns, what it covers there
    (["I met Dave today."], "Dave", ["And I met Dave today."], "Dave"),
    (["I met Dave today."], "Dave", ["I met dave, today"], "dave"),
    (["That is Dave's."], "Dave", ["And that is Dave's"], "Dave"),
    (["That is Dave’s."], "Dave", ["That is Dave's"], "Dave"),
    (["It was Dave."], "Dave", ["It was Dave"], "Dave"),
    (["It was S.B. then"], "S.B.", ["Oh, it was S.B. then"], "S.B."),
    (["It was S.B. then"], "S.B.", ["It was S.B then"], "S.B"),
    (["ask @dave now"], "@dave", ["do ask @dave now"], "@dave"),
    (["ask @dave now"], "@dave", ["ask dave now"], "dave"),
    (["my Mary Jane said"], "Mary Jane", ["my", "Mary-Jane said so"], "Mary-Jane"),
    (["with Anne-Marie there"], "Marie", ["with Anne Marie there"], "Marie"),
    (["Dave Kelly came"], "ave Kel", ["so Dave Kelly came"], "ave Kel"),
    (["my Zsófia came"], "ófi", ["my Zso\u0301fia came"], "o\u0301fi"),
    (["my Zso\u0301fia's came"], "Zso\u0301fia", ["my Zsófia's came"], "Zsófia"),
    (["one two", "Dave came"], "Dave", ["one two Dave came"], "Dave"),
]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("old", "words", "new", "there"), FOUND)
def test_a_decision_goes_where_its_words_are(
    old: list[str], words: str, new: list[str], there: str, timed: bool
) -> None:
    before, after = turns(*old, timed=timed), turns(*new, timed=timed)
    after = replace(after, utterances=tuple(_at_once(u) for u in after.utterances))
    before = replace(before, utterances=tuple(_at_once(u) for u in before.utterances))
    carried = carry(before, after, [about(before, words)])
    assert not carried.lost
    assert [covered(after, span) for span in carried.moved] == [there]


def _at_once(utterance: Utterance) -> Utterance:
    """All of it in the first second, so that the turns of a case lie within reach of each other."""
    words = tuple(replace(w, start_s=w.start_s % 10 / 10, end_s=w.end_s % 10 / 10) for w in utterance.words)
    return replace(utterance, start_s=0.0, end_s=1.0, words=words)


LOST = [  # old turns, what the decision is about, new turns
    (["I met Dave today"], "Dave", ["I met Steve today"]),
    (["I met Dave today"], "Dave", ["I met Dave's today"]),
    (["I met Dave today"], "Dave", []),
    (["my Mary Jane said"], "Mary Jane", ["my Mary", "Jane said"]),
    (["my Mary Jane said"], "Mary Jane", ["my Mary um Jane said"]),
    (["my Mary Jane said"], "Mary Jane", ["my Jane said"]),
    (["well ... yes"], "...", ["well ... yes"]),
]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("old", "words", "new"), LOST)
def test_a_decision_is_lost_where_a_word_of_it_is_gone_or_stands_apart(
    old: list[str], words: str, new: list[str], timed: bool
) -> None:
    before, after = turns(*old, timed=timed), turns(*new, timed=timed)
    span = about(before, words)
    carried = carry(before, after, [span])
    assert carried.moved == ()
    assert carried.lost == (span,)


BESIDE = [  # what stands in its place
    (["I met Dave today"], "Dave", ["I met Steve today"], ["Steve"]),
    (["I met Dave today"], "Dave", ["I met the Dafydd today"], ["the Dafydd"]),
    (["my Mary Jane"], "Mary Jane", ["my Mary", "Jane"], ["Mary", "Jane"]),
    (["my Mary Jane said"], "Mary Jane", ["my Mary um Jane said"], ["Mary um Jane"]),
    (["Dave came"], "Dave", ["Steve came"], ["Steve"]),
    (["I met Dave"], "Dave", ["I met Steve"], ["Steve"]),
    (["I met Dave today"], "Dave", ["I met today"], []),
    (["I met Dave today"], "Dave", ["I met a man whom I did not know today"], []),
    (["I met Dave today"], "Dave", [], []),
]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("old", "words", "new", "there"), BESIDE)
def test_other_words_may_stand_where_a_name_was_said(
    old: list[str], words: str, new: list[str], there: list[str], timed: bool
) -> None:
    before, after = turns(*old, timed=timed), turns(*new, timed=timed)
    (found,) = beside(before, after, [about(before, words)])
    text = {u.id: u.text for u in after.utterances}
    assert [text[d.utterance_id][d.start : d.end] for d in found] == there


def test_a_word_goes_to_none_that_is_said_at_another_time() -> None:
    before = turns("Dave", "well")
    for later_s, kept in ((1.9, True), (2.1, False)):
        words = tuple(replace(w, start_s=w.start_s + later_s) for w in before.utterances[0].words)
        after = replace(before, utterances=(replace(before.utterances[0], words=words), before.utterances[1]))
        assert bool(carry(before, after, [about(before, "Dave")]).moved) is kept
        assert carry(replace(before, timed=False), after, [about(before, "Dave")]).moved


def test_of_repeated_words_each_goes_to_the_one_said_when_it_was() -> None:
    before = turns("no no no no no")
    utterance = before.utterances[0]
    for gone in range(5):
        words = tuple(word for number, word in enumerate(utterance.words) if number != gone)
        after = replace(before, utterances=(replace(utterance, words=words),))
        spans = [decision("U0001", 3 * n, 3 * n + 2, person_id=f"P{n}") for n in range(5)]
        carried = carry(before, after, spans)
        assert carried.lost == (spans[gone],)
        assert [s.person_id for s in carried.moved] == [f"P{n}" for n in range(5) if n != gone]
        lead = gone == 0  # the first word left has its space now
        assert [s.start for s in carried.moved] == [3 * n + lead for n in range(4)]


def test_another_speaker_and_another_id_do_no_harm() -> None:
    before = turns("I met Dave", "yes")
    told = replace(before.utterances[0], id="U0007", speaker="S2")
    carried = carry(before, replace(before, utterances=(before.utterances[1], told)), [about(before, "Dave")])
    assert carried.moved == (decision("U0007", 6, 10),)


def test_what_says_the_same_of_the_same_place_is_said_once_and_last() -> None:
    before, after = turns("I met Dave"), turns("I met Dave")
    first, second = about(before, "Dave", at="1"), about(before, "Dave", verdict=Verdict.KEEP, at="2")
    third, gone = about(before, "Dave", at="3", reviewer="CD"), decision("U0009", 0, 4)
    carried = carry(before, after, [first, gone, second, third, gone])
    assert carried.moved == (second, third)
    assert carried.lost == (gone,)


def test_words_restored_are_whole_with_their_punctuation() -> None:
    before, after = turns("so. Thank you", "yes"), turns("so, “Thank you!” ", "yes")
    span = about(before, "Thank you", verdict=Verdict.RESTORE)
    assert covered(after, carry(before, after, [span]).moved[0]) == "“Thank you!”"
    name = about(before, "Thank you")
    assert covered(after, carry(before, after, [name]).moved[0]) == "Thank you"


# --- properties -----------------------------------------------------------------------------------------------------

VOCABULARY = ["no", "yes", "Dave", "Dave's", "Mary,", "the", "Zsófia.", "straße", "“well”", "a-b"]


def spoken(words: list[tuple[str, float]], cuts: set[int], *, timed: bool) -> Transcript:
    """A transcript of (word, second), a new turn before each of the numbers in `cuts`."""
    groups: list[list[Word]] = []
    for number, (text, at_s) in enumerate(words):
        if not groups or number in cuts:
            groups.append([])
        space = " " if groups[-1] else ""
        groups[-1].append(Word(start_s=at_s, end_s=at_s, text=space + text, probability=1.0))
    utterances = tuple(
        Utterance(id=f"U{n:04d}", speaker="S1", start_s=0.0, end_s=0.0, words=tuple(group))
        for n, group in enumerate(groups, 1)
    )
    return Transcript(recording_id="R001", language="en", utterances=utterances, speakers=(), made_by=(), timed=timed)


@st.composite
def decided(draw: st.DrawFn) -> tuple[list[tuple[str, float]], set[int], list[Decision], list[set[int]], bool]:
    """Words, where turns begin, decisions that touch a word, the numbers of the words they touch, and if there are
    times; without times no two words are the same.
    """
    timed = draw(st.booleans())
    texts = draw(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=25))
    if not timed:
        texts = [re.sub(r"[\w']+", lambda part, n=n: f"w{n}{part.group()}", text) for n, text in enumerate(texts)]
    words = [(text, 0.3 * n) for n, text in enumerate(texts)]
    cuts = draw(st.sets(st.integers(0, len(words))))
    said = spoken(words, cuts, timed=timed)
    spans: list[Decision] = []
    touched: list[set[int]] = []
    places: dict[str, list[tuple[int, int, int]]] = {}
    number = 0
    for utterance in said.utterances:
        at = 0
        for word in utterance.words:
            lead, bare = len(word.text) - len(word.text.lstrip()), word.text.strip("“”,. ")
            start = at + word.text.index(bare)
            places.setdefault(utterance.id, []).append((start, start + len(bare), number))
            at, number = at + len(word.text), number + 1
            assert lead in (0, 1)
    for count in range(draw(st.integers(0, 6))):
        utterance = draw(st.sampled_from(said.utterances))
        start = draw(st.integers(0, len(utterance.text) - 1))
        end = draw(st.integers(start + 1, len(utterance.text)))
        inside = {n for a, b, n in places[utterance.id] if a < end and start < b}
        text = utterance.text[start:end]
        if any(char.isalnum() for char in text):
            spans.append(decision(utterance.id, start, end, person_id=f"P{count}"))
            touched.append(inside)
    return words, cuts, spans, touched, timed


Decided = tuple[list[tuple[str, float]], set[int], list[Decision], list[set[int]], bool]


def stripped(said: Transcript, span: Decision) -> str:
    return folded(covered(said, span)).strip("“”,. ")


@settings(deadline=None)
@given(decided())
def test_to_the_same_transcript_all_is_carried_as_it_stands(case: Decided) -> None:
    words, cuts, spans, _, timed = case
    said = spoken(words, cuts, timed=timed)
    carried = carry(said, said, spans)
    assert not carried.lost
    for there, span in zip(carried.moved, spans, strict=True):
        white = covered(said, span)
        start, end = span.start + len(white) - len(white.lstrip()), span.end - len(white) + len(white.rstrip())
        assert there == replace(span, start=start, end=end)


@settings(deadline=None)
@given(decided(), st.data())
def test_words_that_come_or_go_elsewhere_lose_nothing(case: Decided, data: st.DataObject) -> None:
    words, cuts, spans, touched, timed = case
    before = spoken(words, cuts, timed=timed)
    held = set().union(*touched) if touched else set()
    inner = {n for some in touched for n in some if n != min(some)}  # nothing comes between words of one decision
    gone = (
        data.draw(st.sets(st.integers(0, len(words) - 1).filter(lambda n: n not in held)))
        if len(held) < len(words)
        else set()
    )
    new: list[tuple[str, float]] = []
    new_cuts: set[int] = set()
    for number, word in enumerate(words):
        if number not in inner and data.draw(st.booleans()):
            new.append(("new", word[1] - 0.1))
        if number in cuts:
            new_cuts.add(len(new))
        if number not in gone:
            new.append(word)
    after = spoken(new, new_cuts, timed=timed)
    carried = carry(before, after, spans)
    assert not carried.lost
    assert [stripped(after, s) for s in carried.moved] == [stripped(before, s) for s in spans]
    assert [s.person_id for s in carried.moved] == [s.person_id for s in spans]


@settings(deadline=None)
@given(decided(), st.data())
def test_another_word_loses_the_decisions_that_touch_it_and_no_other(case: Decided, data: st.DataObject) -> None:
    words, cuts, spans, touched, timed = case
    changed = data.draw(st.integers(0, len(words) - 1))
    new = [("other", at_s) if number == changed else (text, at_s) for number, (text, at_s) in enumerate(words)]
    carried = carry(spoken(words, cuts, timed=timed), spoken(new, cuts, timed=timed), spans)
    assert [s.person_id for s in carried.lost] == [
        s.person_id for s, some in zip(spans, touched, strict=True) if changed in some
    ]


@settings(deadline=None)
@example(["0\U0002ebe10"], 1, 1)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4), st.integers(0, 30), st.integers(1, 30))
def test_whatever_is_written_a_decision_stays_where_it_is(texts: list[str], start: int, size: int) -> None:
    said = spoken([(text, 0.0) for text in texts], set(), timed=True)
    text = said.utterances[0].text
    span = decision("U0001", min(start, len(text) - 1), min(start + size, len(text)))
    if span.start >= span.end:
        return
    for there in carry(said, said, [span]).moved:
        assert 0 <= there.start < there.end <= len(text)
        assert stripped(said, there) == stripped(said, span)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("new", ["a few differences", "another text", "one word only"])
def test_three_hours_take_seconds_at_most(new: str, timed: bool) -> None:
    rng = random.Random(7)
    vocabulary = [f"w{n}" for n in range(2000)]
    usual = [1 / (n + 1) for n in range(2000)]
    texts = rng.choices(vocabulary, usual, k=30_000)
    others = {
        "a few differences": [text if rng.random() > 0.01 else "other" for text in texts],
        "another text": rng.choices(vocabulary, usual, k=30_000),
        "one word only": ["w0"] * 30_000,
    }[new]
    cuts = set(range(0, 30_000, 10))
    before = spoken([(text, 0.36 * n) for n, text in enumerate(texts)], cuts, timed=timed)
    after = spoken([(text, 0.36 * n) for n, text in enumerate(others)], cuts, timed=timed)
    spans = [decision(u.id, 0, 2) for u in before.utterances[::2]]
    began = time.perf_counter()
    carried = carry(before, after, spans)
    assert time.perf_counter() - began < 10
    assert len(carried.moved) + len(carried.lost) == len(spans)
    if new == "a few differences":
        assert len(carried.moved) > 0.97 * len(spans)
