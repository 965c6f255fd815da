"""Words to speakers: each word to the turn it overlaps most, and none ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MADE_BY, heard, turns
from transcribe.assemble import PAUSE_S, assemble
from transcribe.schema import Speaker, Turn, Turns, Word, Words


def timed(*listed: tuple[float, float, str]) -> Words:
    words = tuple(Word(start_s=a, end_s=b, text=f" {text}", probability=0.9) for a, b, text in listed)
    return Words(words=words, language="en", language_probability=1.0, made_by=MADE_BY)


def said(words: Words, *spans: tuple[float, float, str]) -> list[tuple[str, str]]:
    return [(u.speaker, u.text) for u in assemble("R001", words, turns(*spans)).utterances]


@pytest.mark.parametrize(
    ("words", "spans", "expected"),
    [
        ([(0, 1, "a"), (1, 2, "b")], [(0, 2, "S1")], [("S1", "a b")]),
        ([(0, 1, "a"), (1, 2, "b")], [(0, 1, "S1"), (1, 2, "S2")], [("S1", "a"), ("S2", "b")]),
        ([(0, 1, "a"), (0.8, 2, "b")], [(0, 1, "S1"), (1, 2, "S2")], [("S1", "a"), ("S2", "b")]),
        ([(0.6, 1.2, "a")], [(0, 1, "S1"), (1, 2, "S2")], [("S1", "a")]),  # more of it in the first
        ([(0.9, 1.5, "a")], [(0, 1, "S1"), (1, 2, "S2")], [("S2", "a")]),
        ([(1, 1, "a")], [(0, 2, "S1"), (2, 3, "S2")], [("S1", "a")]),  # a word without length
        ([(2.1, 2.4, "a")], [(0, 2, "S1"), (3, 4, "S2")], [("S1", "a")]),  # outside any turn: the nearest
        ([(2.7, 2.9, "a")], [(0, 2, "S1"), (3, 4, "S2")], [("S2", "a")]),
        ([(9, 9.5, "a")], [(0, 2, "S1"), (3, 4, "S2")], [("S2", "a")]),
        ([(0, 0.5, "a")], [(3, 4, "S2")], [("S2", "a")]),
        ([(0, 1, "a")], [], [("S1", "a")]),  # no turns at all
        ([], [(0, 2, "S1")], []),
        ([], [], []),
        ([(0, 4, "a")], [(0, 1, "S1"), (1, 2, "S2"), (2, 3, "S1"), (3, 3.5, "S2")], [("S1", "a")]),  # shares add up
        ([(0, 1, "a"), (1 + PAUSE_S, 4, "b")], [(0, 5, "S1")], [("S1", "a b")]),
        ([(0, 1, "a"), (1.01 + PAUSE_S, 4, "b")], [(0, 5, "S1")], [("S1", "a"), ("S1", "b")]),  # a long pause
        ([(0, 1, "how"), (1, 1.4, "are"), (1.6, 2, "you?"), (2, 3, "Fine.")], [(0, 1.55, "S1"), (1.55, 4, "S2")],
         [("S1", "how are you?"), ("S2", "Fine.")]),  # the last word of a sentence goes back over the edge
        ([(0, 1, "Right."), (1, 1.4, "Well"), (1.5, 2, "I"), (2, 3, "went")], [(0, 1.45, "S1"), (1.45, 4, "S2")],
         [("S1", "Right."), ("S2", "Well I went")]),  # and so does the first
        ([(0, 1, "Really?"), (1, 1.4, "Yes."), (1.5, 2, "Oh.")], [(0, 1, "S1"), (1, 1.45, "S2"), (1.45, 4, "S1")],
         [("S1", "Really?"), ("S2", "Yes."), ("S1", "Oh.")]),  # a lone answer stays with who gave it
    ],
)  # fmt: skip
def test_words_go_to_speakers(
    words: list[tuple[float, float, str]], spans: list[tuple[float, float, str]], expected: list[tuple[str, str]]
) -> None:
    assert said(timed(*words), *spans) == expected


def told(before: str, after: str, gap_s: float = 0.0) -> list[tuple[str, str]]:
    """What S1 says, then S2, a third of a second for each word and so long between them."""
    texts, first = [*before.split(), *after.split()], len(before.split())
    starts = [place / 3 + (gap_s if place >= first else 0.0) for place in range(len(texts))]
    listed = [(start_s, start_s + 1 / 3, text) for start_s, text in zip(starts, texts, strict=True)]
    edge_s = first / 3 + gap_s / 2
    return said(timed(*listed), (0, edge_s, "S1"), (edge_s, 99, "S2"))


@pytest.mark.parametrize(
    ("before", "after", "gap_s"),
    [
        ("Did you ever hit her\u2014", "No. Never hit her.", 0.0),
        ("Did you ever hit her-", "Yes. I did once.", 0.0),
        ("And were you, you know,", "No. I was not.", 0.0),
        ('And then he said "Stop!"', "Yes. He did.", 0.0),
        ("Did he hit you\u2026", "No. He did not.", 0.0),
        ("Was it his fault", "No. It was mine.", 0.45),
        ("I'd never hurt her. Never", "Okay, so tell me", 0.0),
        ("It was him. Yes", "And you're sure?", 0.0),
        ("And was it\u2014", "no. It was mine.", 0.0),  # broken off, and the recogniser writes no capital
        ("Never. I was\u2014 well", "and then?", 0.0),  # she goes on after it herself
    ],
)
def test_an_answer_is_never_given_to_the_one_who_asked(before: str, after: str, gap_s: float) -> None:
    assert told(before, after, gap_s) == [("S1", before), ("S2", after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("How are", "you? Fine.", ["How are you?", "Fine."]),
        ("Shall", "I? Please do.", ["Shall I?", "Please do."]),
        ("Right. Well", "I went", ["Right.", "Well I went"]),
        ("Right. So", "I'd say so", ["Right.", "So I'd say so"]),
        ('He said "no." And', "you left", ['He said "no."', "And you left"]),
    ],
)
def test_a_word_across_the_edge_goes_to_its_sentence(before: str, after: str, expected: list[str]) -> None:
    assert [text for _, text in told(before, after)] == expected


def test_talking_over_one_another_is_marked_and_a_turns_edge_is_not() -> None:
    exclusive = (Turn(start_s=0, end_s=4, speaker="S1"), Turn(start_s=4, end_s=8, speaker="S2"))
    over = (Turn(start_s=0, end_s=4, speaker="S1"), Turn(start_s=1, end_s=8, speaker="S2"))
    edge = (Turn(start_s=0, end_s=4, speaker="S1"), Turn(start_s=3.9, end_s=8, speaker="S2"))
    words = timed((0, 2, "a"), (2, 4, "b"), (4, 8, "c"))
    for all_turns, expected in ((over, [True, False]), (edge, [False, False])):
        both = Turns(all=all_turns, exclusive=exclusive, made_by=MADE_BY)
        assert [u.overlapped for u in assemble("R001", words, both).utterances] == expected


def test_speakers_come_in_order_of_label_and_known_ones_stay() -> None:
    words = timed((0, 1, "a"), (1, 2, "b"), (2, 3, "c"))
    known = Speaker(label="S2", role="interviewer", person_id="R1", confidence=1.0)
    whole = assemble("R001", words, turns((0, 1, "S10"), (1, 2, "S2"), (2, 3, "S1")), (known,))
    assert [s.label for s in whole.speakers] == ["S1", "S2", "S10"]
    assert whole.speakers[1] == known
    assert [u.id for u in whole.utterances] == ["U0001", "U0002", "U0003"]


def test_the_language_and_what_made_it_come_along() -> None:
    whole = assemble("R001", heard("ja", language="de"), turns((0, 1, "S1")))
    assert (whole.recording_id, whole.language, whole.timed) == ("R001", "de", True)
    assert [m.stage for m in whole.made_by] == ["test", "test", "assemble"]


TIMES = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2)), max_size=25)
TEXTS = st.sampled_from([" a", " b.", " c?", " d,", "-e", "", " ", " \u00e9!"])


@given(TIMES, st.data(), st.lists(st.tuples(st.floats(0, 3), st.floats(0.01, 4), st.sampled_from("ABC")), max_size=12))
def test_no_word_is_ever_lost_or_moved(
    times: list[tuple[float, float]], data: st.DataObject, steps: list[tuple[float, float, str]]
) -> None:
    words, now = [], 0.0
    for gap, length in times:
        now += gap
        words.append(Word(start_s=now, end_s=now + length, text=data.draw(TEXTS), probability=0.5))
        now += length
    spans, now = [], 0.0
    for gap, length, label in steps:
        spans.append((now + gap, now + gap + length, label))
        now += gap + length
    before = Words(words=tuple(words), language="en", language_probability=1.0, made_by=MADE_BY)
    whole = assemble("R001", before, turns(*spans))
    after = [word for u in whole.utterances for word in u.words]
    assert [(w.start_s, w.end_s) for w in after] == [(w.start_s, w.end_s) for w in words]
    assert [w.text.strip() for w in after] == [w.text.strip() for w in words]
    for utterance in whole.utterances:
        assert utterance.text == "".join(w.text for w in utterance.words)
        assert utterance.words[0].text == utterance.words[0].text.lstrip()
        assert utterance.start_s <= utterance.end_s
        assert utterance.speaker in {s.label for s in whole.speakers}
    assert {s.label for s in whole.speakers} <= {label for *_, label in steps} | {"S1"}
