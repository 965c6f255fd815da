"""Corrections of a transcript: what changes, what may be taken back, and where spans stand afterwards."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import finding, stretch, transcript
from transcribe.errors import StudyError
from transcribe.review import corrections
from transcribe.review.corrections import Correction, corrected, fits, moved, still_withheld
from transcribe.review.decisions import decided, restore
from transcribe.schema import Decision, Finding, Kind, Transcript, Unclear, Utterance, Verdict

TALK = transcript(("S1", "My husband Dave works late."), ("S2", "And Poppy, how is she?"), ("S1", "Poppy is fine."))


def at(talk: Transcript, turn: str, text: str) -> Finding:
    """A finding on these words."""
    said = next(u.text for u in talk.utterances if u.id == turn)
    return finding(turn, said.index(text), said.index(text) + len(text), None)


def words_of(talk: Transcript, span: Finding | Decision) -> str:
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


@pytest.mark.parametrize(
    ("words", "number", "written", "text"),
    [
        (("I", " self", "-harm", " a lot."), 2, "-harming", "I self-harming a lot."),
        (("I", " self", "-harm", " a lot."), 2, "-harm quite", "I self-harm quite a lot."),
        (("At", " 10", ".30"), 2, ".45", "At 10.45"),
        (("At", " 50", "%."), 2, "percent.", "At 50 percent."),
        (("我", "說", "過", "了。"), 2, "完", "我說完了。"),
        (("I", " said", " so."), 1, "thought", "I thought so."),
    ],
)
def test_a_word_stands_as_near_to_the_one_before_as_what_it_replaces(
    words: tuple[str, ...], number: int, written: str, text: str
) -> None:
    talk = transcript(("S1", " ".join(word.strip() for word in words)))
    heard = tuple(replace(TALK.utterances[0].words[0], text=word) for word in words)
    talk = replace(talk, utterances=(replace(talk.utterances[0], words=heard),))
    assert texts(corrected(talk, (corrections.words(talk, "U0001", number, number, written),))) == [text]


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


def test_a_turn_that_would_take_the_id_of_another_does_not_fit() -> None:
    one, other = corrections.split(TALK, "U0001", 2), corrections.split(TALK, "U0002", 2)
    assert not fits(corrected(TALK, (other,)), one)
    gone = corrections.words(TALK, "U0003", 0, 2, "")
    assert fits(corrected(TALK, (gone,)), gone.inverse)
    talk = corrected(TALK, (gone,))
    assert not fits(corrected(talk, (corrections.split(talk, "U0001", 2),)), gone.inverse)


def words_in(talk: Transcript, flagged: Unclear) -> str:
    """A stretch's words by its numbers, which must be those at its place."""
    said = next(u for u in talk.utterances if u.id == flagged.utterance_id)
    inside = said.words[flagged.first_word : flagged.last_word + 1]
    text = "".join(w.text for w in inside).strip()
    assert said.text[flagged.start : flagged.end] == text
    assert (flagged.start_s, flagged.end_s) == (inside[0].start_s, inside[-1].end_s)
    return text


def test_a_stretch_moves_with_its_word_numbers() -> None:
    (there,) = moved((stretch(TALK, "U0002", 2, 4),), (corrections.merge(TALK, "U0001"),))
    talk = corrected(TALK, (corrections.merge(TALK, "U0001"),))
    assert (there.id, there.utterance_id, there.first_word, there.last_word) == ("X0001", "U0001", 7, 9)
    assert words_in(talk, there) == "how is she?"


LONG = transcript(
    ("S1", "And then I said I killed him so long ago now. Thanks for watching."), ("S2", "Go on."), ("S1", "No.")
)
STRETCH = stretch(LONG, "U0001", 2, 13)


@pytest.mark.parametrize(
    ("acts", "left"),
    [
        ((("split", 9),), ["I said I killed him so long", "ago now. Thanks for watching."]),
        ((("words", 13, 13, "us."),), ["I said I killed him so long ago now. Thanks for"]),
        ((("words", 2, 2, "she"),), ["said I killed him so long ago now. Thanks for watching."]),
        ((("words", 5, 6, "kissed"),), ["I said I", "so long ago now. Thanks for watching."]),
        ((("words", 11, 13, ""),), ["I said I killed him so long ago now."]),
        ((("words", 5, 6, ""),), ["I said I so long ago now. Thanks for watching."]),
        ((("words", 0, 0, "But"),), ["I said I killed him so long ago now. Thanks for watching."]),
        ((("words", 2, 13, "nothing"),), []),
        ((("words", 2, 13, ""),), []),
        ((("split", 9), ("merge",)), ["I said I killed him so long ago now. Thanks for watching."]),
        ((("words", 4, 4, "she"), ("words", 4, 4, "")), ["I said killed him so long ago now. Thanks for watching."]),
        ((("split", 9), ("words", 3, 3, "told")), ["I", "I killed him so long", "ago now. Thanks for watching."]),
    ],
)
def test_of_a_stretch_leaves_only_what_a_person_wrote(acts: tuple[tuple[Any, ...], ...], left: list[str]) -> None:
    talk, made = LONG, []
    for name, *given_ in acts:
        made.append(getattr(corrections, name)(talk, "U0001", *given_))
        talk = corrected(talk, made[-1:])
    there = moved((STRETCH,), made)
    assert [words_in(talk, one) for one in there] == left
    assert [one.id for one in there] == ["X0001", "X0001.2", "X0001.3"][: len(left)]


def test_a_stretch_in_parts_is_whole_again_once_the_turn_is() -> None:
    one = corrections.split(LONG, "U0001", 9)
    assert moved((STRETCH,), (one, one.inverse)) == (STRETCH,)


@pytest.mark.parametrize("act", [corrections.split(LONG, "U0001", 9), corrections.words(LONG, "U0001", 5, 6, "kissed")])
@pytest.mark.parametrize("verdict", [Verdict.RESTORE, Verdict.UNCLEAR])
def test_what_was_decided_of_a_stretch_is_decided_of_its_parts(act: Correction, verdict: Verdict) -> None:
    made = moved((restore(STRETCH, "AB", "2026-01-01T00:00:00Z", verdict),), (act,))
    parts = moved((STRETCH,), (act,))
    assert len(parts) == 2
    assert [decided(part, made) for part in parts] == [verdict, verdict]


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


def withholding(text: str) -> Decision:
    """What somebody decided of these words of the first turn."""
    span = at(TALK, "U0001", text)
    return Decision(
        utterance_id="U0001", start=span.start, end=span.end, verdict=Verdict.ADD, kind=Kind.PERSON, person_id="P1",
        reviewer="AB", at="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("act", "text", "withheld"),
    [
        (corrections.words(TALK, "U0001", 2, 2, "Dafydd"), "Dave", ["Dafydd"]),
        (corrections.words(TALK, "U0001", 2, 2, "Dafydd Rhys"), "Dave", ["Dafydd Rhys"]),
        (corrections.words(TALK, "U0001", 0, 4, "Our man Dafydd worked early."), "Dave", ["Dafydd"]),
        (corrections.words(TALK, "U0001", 0, 3, "Our Dafydd works"), "Dave", ["Our Dafydd"]),
        (corrections.words(TALK, "U0001", 0, 4, "Our husband Dave worked early"), "Dave", ["Dave"]),
        (corrections.words(TALK, "U0001", 2, 2, "Dafydd"), "husband Dave", ["husband Dafydd"]),
        (corrections.words(TALK, "U0001", 4, 4, "lately,"), "late", ["lately"]),
        (corrections.words(TALK, "U0001", 2, 2, ""), "Dave", []),
        (corrections.split(TALK, "U0001", 2), "husband Dave", ["husband", "Dave"]),
    ],
)
def test_what_was_withheld_stays_so_in_other_words_and_in_parts(
    act: Correction, text: str, withheld: list[str]
) -> None:
    talk = corrected(TALK, (act,))
    span = withholding(text)
    there = moved((span,), (act,)) or still_withheld(span, act)
    assert [words_of(talk, s) for s in there] == withheld
    assert still_withheld(replace(span, verdict=Verdict.KEEP), act) == ()


@st.composite
def words_in_a_turn(draw: st.DrawFn, talk: Transcript) -> tuple[Utterance, int, int]:
    """A turn, and the numbers of a first and a last word in it."""
    turn = draw(st.sampled_from(talk.utterances))
    first = draw(st.integers(0, len(turn.words) - 1))
    return turn, first, draw(st.integers(first, len(turn.words) - 1))


@given(changed(), st.data())
def test_a_span_that_moves_still_covers_its_words(
    case: tuple[Transcript, list[Correction]], data: st.DataObject
) -> None:
    start, made = case
    turn, first, last = data.draw(words_in_a_turn(start))
    begin = len("".join(w.text for w in turn.words[:first]))
    end = len("".join(w.text for w in turn.words[: last + 1]))
    begin += len(turn.text[begin:end]) - len(turn.text[begin:end].lstrip())
    span = finding(turn.id, begin, end, None)
    for there in moved((span,), made):
        assert words_of(corrected(start, made), there) == turn.text[begin:end]
        assert replace(there, utterance_id=span.utterance_id, start=span.start, end=span.end) == span


@given(changed(), st.data())
def test_no_word_leaves_a_stretch_but_what_a_person_wrote(
    case: tuple[Transcript, list[Correction]], data: st.DataObject
) -> None:
    start, made = case
    turn, first, last = data.draw(words_in_a_turn(start))
    flagged = stretch(start, turn.id, first, last)
    talk = corrected(start, made)
    unclear = {
        (there.utterance_id, number)
        for there in moved((flagged,), made)
        for number in range(there.first_word, there.last_word + 1)
    }
    assert all(words_in(talk, there) for there in moved((flagged,), made))
    inside = {word.start_s for word in turn.words[first : last + 1]}
    as_heard = {w.start_s for u in talk.utterances for w in u.words if w.probability < 1.0 and w.start_s in inside}
    assert as_heard <= {w.start_s for u in talk.utterances for n, w in enumerate(u.words) if (u.id, n) in unclear}
