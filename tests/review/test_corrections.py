"""Corrections of a transcript: what changes, what may be taken back, and where spans stand afterwards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import finding, transcript
from transcribe.errors import StudyError
from transcribe.review import corrections
from transcribe.review.corrections import Correction, corrected, fits, moved
from transcribe.schema import Cause, Finding, Transcript, Unclear

TALK = transcript(("S1", "My husband Dave works late."), ("S2", "And Poppy, how is she?"), ("S1", "Poppy is fine."))


def at(talk: Transcript, turn: str, text: str) -> Finding:
    """A finding on these words."""
    said = next(u.text for u in talk.utterances if u.id == turn)
    return finding(turn, said.index(text), said.index(text) + len(text), None)


def words_of(talk: Transcript, span: Finding) -> str:
    return next(u.text for u in talk.utterances if u.id == span.utterance_id)[span.start : span.end]


def texts(talk: Transcript) -> list[str]:
    return [u.text for u in talk.utterances]


def apply(talk: Transcript, correction: Correction, *spans: Finding) -> tuple[Transcript, tuple[Finding, ...]]:
    return corrected(talk, (correction,)), moved(spans, (correction,))


def test_a_word_is_replaced_and_keeps_its_times() -> None:
    before = TALK.utterances[0].words[2]
    talk, spans = apply(TALK, corrections.words(TALK, "U0001", 2, 2, "Dafydd"), at(TALK, "U0001", "late"))
    assert talk.utterances[0].text == "My husband Dafydd works late."
    after = talk.utterances[0].words[2]
    assert (after.start_s, after.end_s, after.probability) == (before.start_s, before.end_s, 1.0)
    assert [words_of(talk, s) for s in spans] == ["late"]


def test_more_words_share_the_time_of_what_they_replace() -> None:
    talk = corrected(TALK, (corrections.words(TALK, "U0001", 2, 3, "Dave never works"),))
    new = talk.utterances[0].words[2:5]
    assert [w.text for w in new] == [" Dave", " never", " works"]
    assert (new[0].start_s, new[-1].end_s) == (TALK.utterances[0].words[2].start_s, TALK.utterances[0].words[3].end_s)
    assert all(w.start_s <= w.end_s for w in new)


def test_a_span_on_replaced_words_is_lost_and_its_neighbours_are_not() -> None:
    spans = (at(TALK, "U0001", "Dave"), at(TALK, "U0001", "husband"), at(TALK, "U0003", "Poppy"))
    talk, left = apply(TALK, corrections.words(TALK, "U0001", 2, 2, "Mo"), *spans)
    assert [words_of(talk, s) for s in left] == ["husband", "Poppy"]


def test_the_first_word_of_a_turn_may_go_and_the_next_stands_without_a_space() -> None:
    talk = corrected(TALK, (corrections.words(TALK, "U0001", 0, 0, ""),))
    assert talk.utterances[0].text == "husband Dave works late."


def test_a_turn_without_words_is_gone_and_comes_back_where_it_was() -> None:
    for turn in ("U0001", "U0002", "U0003"):
        count = len(next(u for u in TALK.utterances if u.id == turn).words)
        gone = corrections.words(TALK, turn, 0, count - 1, "")
        talk = corrected(TALK, (gone,))
        assert turn not in [u.id for u in talk.utterances]
        assert corrected(TALK, (gone, gone.inverse)) == TALK


def test_the_last_turn_stays() -> None:
    alone = transcript(("S1", "Hello there."))
    with pytest.raises(StudyError, match="at least one turn"):
        corrections.words(alone, "U0001", 0, 1, "")


def test_a_turn_is_split_and_spans_follow_their_words() -> None:
    spans = (at(TALK, "U0001", "Dave"), at(TALK, "U0001", "late"), at(TALK, "U0001", "works late"))
    talk, there = apply(TALK, corrections.split(TALK, "U0001", 4), *spans)
    assert texts(talk)[:2] == ["My husband Dave works", "late."]
    assert [u.id for u in talk.utterances] == ["U0001", "U0004", "U0002", "U0003"]
    assert [(s.utterance_id, words_of(talk, s)) for s in there] == [("U0001", "Dave"), ("U0004", "late")]
    assert talk.utterances[0].end_s == talk.utterances[0].words[-1].end_s
    assert talk.utterances[1].start_s == talk.utterances[1].words[0].start_s


def test_turns_are_joined_and_spans_of_both_follow() -> None:
    spans = (at(TALK, "U0001", "Dave"), at(TALK, "U0002", "Poppy"))
    talk, there = apply(TALK, corrections.merge(TALK, "U0001"), *spans)
    assert talk.utterances[0].text == "My husband Dave works late. And Poppy, how is she?"
    assert [(s.utterance_id, words_of(talk, s)) for s in there] == [("U0001", "Dave"), ("U0001", "Poppy")]


def test_another_speaker_said_it_even_one_without_a_label_so_far() -> None:
    talk = corrected(TALK, (corrections.speaker(TALK, "U0002", "new"),))
    assert (talk.utterances[1].speaker, [s.label for s in talk.speakers]) == ("S3", ["S1", "S2", "S3"])
    assert talk.speakers[-1].role == "speaker"


def test_what_was_changed_meanwhile_does_not_fit_any_more() -> None:
    one, other = corrections.words(TALK, "U0001", 2, 2, "Mo"), corrections.words(TALK, "U0001", 2, 2, "Jo")
    assert fits(TALK, other)
    assert not fits(corrected(TALK, (one,)), other)
    assert fits(corrected(TALK, (one,)), one.inverse)
    assert not fits(transcript(("S1", "Nobody.")), corrections.merge(TALK, "U0002"))


def test_a_stretch_moves_with_its_word_numbers() -> None:
    stretch = Unclear(
        id="X0001", utterance_id="U0002", first_word=2, last_word=4, start=11, end=22, start_s=21.0, end_s=22.0,
        causes=(Cause.NOBODY,),
    )  # fmt: skip
    (there,) = moved((stretch,), (corrections.merge(TALK, "U0001"),))
    talk = corrected(TALK, (corrections.merge(TALK, "U0001"),))
    assert (there.utterance_id, there.first_word, there.last_word) == ("U0001", 7, 9)
    assert talk.utterances[0].text[there.start : there.end] == TALK.utterances[1].text[11:22]


@pytest.mark.parametrize(
    "act",
    [
        lambda: corrections.words(TALK, "U0009", 0, 0, "x"),
        lambda: corrections.words(TALK, "U0001", 3, 2, "x"),
        lambda: corrections.words(TALK, "U0001", 0, 5, "x"),
        lambda: corrections.split(TALK, "U0001", 0),
        lambda: corrections.split(TALK, "U0001", 5),
        lambda: corrections.merge(TALK, "U0003"),
        lambda: corrections.speaker(TALK, "U0001", "S7"),
    ],
)
def test_what_is_not_there_cannot_be_changed(act: object) -> None:
    with pytest.raises(StudyError):
        act()  # type: ignore[operator]


said = st.lists(st.sampled_from("Dave Poppy is, and so. [x] we'll ÉA".split()), min_size=1, max_size=6).map(" ".join)
talks = st.lists(st.tuples(st.sampled_from(["S1", "S2"]), said), min_size=2, max_size=5).map(lambda t: transcript(*t))


@st.composite
def changed(draw: st.DrawFn) -> tuple[Transcript, list[Correction]]:
    """A talk and corrections that follow one another."""
    start = talk = draw(talks)
    made: list[Correction] = []
    for _ in range(draw(st.integers(1, 5))):
        turn = draw(st.sampled_from(talk.utterances))
        kind = draw(st.sampled_from(["words", "split", "merge", "speaker"]))
        try:
            if kind == "words":
                first = draw(st.integers(0, len(turn.words) - 1))
                last = draw(st.integers(first, len(turn.words) - 1))
                one = corrections.words(talk, turn.id, first, last, draw(st.one_of(st.just(""), said)))
            elif kind == "split":
                one = corrections.split(talk, turn.id, draw(st.integers(1, len(turn.words))))
            elif kind == "merge":
                one = corrections.merge(talk, turn.id)
            else:
                one = corrections.speaker(talk, turn.id, draw(st.sampled_from(["S1", "S2", "new"])))
        except StudyError:
            continue
        made.append(one)
        talk = corrected(talk, (one,))
    return start, made


@given(changed())
def test_corrections_keep_ids_apart_and_are_taken_back_exactly(case: tuple[Transcript, list[Correction]]) -> None:
    start, made = case
    talk = corrected(start, made)
    ids = [u.id for u in talk.utterances]
    assert len(set(ids)) == len(ids)
    assert all(u.words and u.text == u.text.lstrip() for u in talk.utterances)
    back = corrected(talk, [c.inverse for c in reversed(made)])
    assert back.utterances == start.utterances


def test_a_word_put_into_a_span_takes_it_off_since_nobody_decided_about_that_word() -> None:
    talk = transcript(("S1", "Dave Dave was here"))
    made = corrections.words(talk, "U0001", 0, 0, "Dave Poppy")
    assert moved((finding("U0001", 0, 9, None),), (made,)) == ()
    assert [words_of(corrected(talk, (made,)), s) for s in moved((finding("U0001", 10, 13, None),), (made,))] == ["was"]


@given(changed(), st.data())
def test_a_span_that_moves_still_covers_its_words(
    case: tuple[Transcript, list[Correction]], data: st.DataObject
) -> None:
    start, made = case
    turn = data.draw(st.sampled_from(start.utterances))
    first = data.draw(st.integers(0, len(turn.words) - 1))
    last = data.draw(st.integers(first, len(turn.words) - 1))
    begin = len("".join(w.text for w in turn.words[:first]))
    end = len("".join(w.text for w in turn.words[: last + 1]))
    begin += len(turn.text[begin:end]) - len(turn.text[begin:end].lstrip())
    span = finding(turn.id, begin, end, None)
    for there in moved((span,), made):
        assert words_of(corrected(start, made), there) == turn.text[begin:end]
        assert replace(there, utterance_id=span.utterance_id, start=span.start, end=span.end) == span
