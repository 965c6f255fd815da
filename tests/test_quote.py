"""Quotations as papers print them."""

from dataclasses import replace

import pytest

from tests.export.builders import line, transcript
from transcribe import quote
from transcribe.errors import StudyError
from transcribe.schema import AnonymisedTranscript, Case, Kind, Layout, Line, Span

THERAPIST = Case(key="t", kind=Kind.PERSON, name="Therapist", role="therapist")
PARTNER = Case(key="p", kind=Kind.PERSON, name="Partner", role="partner", relation="husband")
AMELIA = Case(key="a", kind=Kind.PERSON, name="Amelia", role="participant", label="Amelia")


def said(number: int, speaker: str, text: str, **cases: str) -> Line:
    """A turn of a second a word, from `number` minutes on; `cases` maps a word of the text to a key."""
    spans = tuple(
        Span(start=text.index(f"[{word}]"), end=text.index(f"[{word}]") + len(word) + 2, kind=Kind.PERSON, case=key)
        for word, key in cases.items()
    )
    return line(number, speaker, text, replaced=spans, seconds=float(len(text.split())))


def made(*lines: Line, **fields: object) -> AnonymisedTranscript:
    return transcript(*lines, cases=(AMELIA, THERAPIST, PARTNER), **fields)


def printed(text: AnonymisedTranscript, *passages: str) -> str:
    return quote.quote(text, quote.ranges(passages)).text


def test_a_whole_turn() -> None:
    text = made(said(0, "Amelia", "It was the hardest year of all."))
    told = quote.quote(text, quote.ranges(["00:00:00-00:00:30"]))
    assert (told.text, told.speaker) == ("It was the hardest year of all.", "Amelia")
    assert (told.recording_id, told.where) == ("R001", "00:00:00-00:00:30")


def test_part_of_a_turn_is_marked_at_both_ends() -> None:
    assert printed(made(said(0, "Amelia", "So it was the hardest year of all.")), "0:04-0:07") == "… was the hardest …"


def test_two_passages_are_joined_by_a_cut() -> None:
    text = made(said(0, "Amelia", "I cried and then I called and then I slept."))
    assert printed(text, "0:02-0:04", "0:09-0:13") == "I cried […] then I slept."


def test_backchannels_are_cut_and_marked() -> None:
    text = made(said(0, "Amelia", "I cried"), said(1, "Interviewer", "Mm."), said(2, "Amelia", "every day."))
    assert printed(text, "0:00-3:00") == "I cried […] every day."


def test_a_backchannel_with_a_pause_is_one_too() -> None:
    text = made(
        said(0, "Amelia", "I cried"), said(1, "Interviewer", "Mm, (.) yeah. (2.4 s)"), said(2, "Amelia", "every day.")
    )
    assert printed(text, "0:00-3:00") == "I cried […] every day."


def test_a_conversation_keeps_its_speakers() -> None:
    text = made(said(0, "Interviewer", "Who helped?"), said(1, "Amelia", "Nobody did at all."))
    assert printed(text, "0:00-2:00") == "Interviewer: Who helped?\nAmelia: Nobody did at all."


@pytest.mark.parametrize("answer", ["No.", "Yes.", "Yeah.", "Mm."])
def test_an_answer_is_no_backchannel(answer: str) -> None:
    asked = "Did you ever think of hurting her?"
    text = made(said(0, "Interviewer", asked), said(1, "Amelia", answer), said(2, "Interviewer", "I see."))
    assert printed(text, "0:00-2:00") == f"Interviewer: {asked}\nAmelia: {answer}"
    assert printed(text, "0:00-3:00") == f"Interviewer: {asked}\nAmelia: {answer}\nInterviewer: I see."


def test_no_is_never_a_backchannel() -> None:
    text = made(said(0, "Amelia", "He hit me then."), said(1, "Interviewer", "No."), said(2, "Amelia", "He did."))
    assert printed(text, "0:00-3:00") == "Amelia: He hit me then.\nInterviewer: No.\nAmelia: He did."


def test_a_pronoun_is_explained_by_what_the_speaker_said() -> None:
    text = made(said(0, "Amelia", "I told [therapist] that. She laughed.", therapist="t"))
    assert printed(text, "0:06-0:09") == "… She [therapist] laughed."


def test_also_by_my_husband() -> None:
    text = made(said(0, "Amelia", "My husband came. He cried."))
    assert printed(text, "0:05-0:09") == "… He [husband] cried."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("My husband left. My dad came.", "He shouted."),  # dad, who is no tag, may be meant
        ("My husband left. Tom came.", "He shouted."),  # kept by a reviewer
        ("My sister's boyfriend came.", "She cried."),
        ("My husband left. The man came.", "He shouted."),
        ("My husband left. Some man came.", "He shouted."),
        ("My husband left. The paramedic came.", "He shouted."),
        ("My husband left. Another man came.", "He shouted."),
        ("My husband left. Two men came.", "He shouted."),
        ("My husband left. Somebody came.", "He shouted."),
        ("My husband left. The police officer came.", "He shouted."),
        ("My husband left and the really nice doctor came.", "He shouted."),
        ("My husband saw my psychotherapist.", "He shouted."),
        ("My husband saw Gordon.", "He shouted."),
        ("My husband left. It rained. It poured.", "He shouted."),  # too far back
        ("The toddler and my husband cried.", "He shouted."),
        ("My husband came.", "He's always late."),
    ],
)
def test_where_somebody_else_may_be_meant_nothing_is_explained(before: str, after: str) -> None:
    turn = said(0, "Amelia", f"{before} {after}")
    if "Tom" in before:
        turn = replace(turn, kept=(Span(start=before.index("Tom"), end=before.index("Tom") + 3, kind=None),))
    at = 2 + len(before.split())
    assert printed(made(turn), f"0:{at:02}-0:{at + len(after.split()):02}") == f"… {after}"


def test_a_pseudonym_is_written_as_it_stands() -> None:
    poppy = Case(key="q", kind=Kind.PERSON, name="Poppy", role="")
    turn = said(0, "Amelia", "Poppy cried. She was shouting.")
    named = replace(turn, replaced=(Span(start=0, end=5, kind=Kind.PERSON, case="q"),))
    assert printed(replace(made(named), cases=(AMELIA, poppy)), "0:04-0:08") == "… She [Poppy] was shouting."


def test_whom_another_named_last_may_be_meant() -> None:
    text = made(
        said(0, "Amelia", "My brother came."),
        said(1, "Interviewer", "And [gp]?", gp="t"),
        said(2, "Amelia", "He is fine."),
    )
    close = replace(
        text, lines=tuple(replace(one, start_s=10.0 * n, end_s=10.0 * n + 5) for n, one in enumerate(text.lines))
    )
    assert "[" not in quote.quote(replace(close, lines=(*close.lines[:2], text.lines[2])), ((120.0, 130.0),)).text


def test_a_role_as_it_was_typed_is_never_printed() -> None:
    carer = Case(key="c", kind=Kind.PERSON, name="Person", role="karen's carer")
    text = made(said(0, "Amelia", "Then [person] came. He shouted.", person="c"))
    told = quote.quote(replace(text, cases=(AMELIA, carer)), quote.ranges(["0:05-0:08"])).text
    assert told == "… He [person] shouted."


def test_ranges_that_touch_are_one() -> None:
    assert quote.ranges(["0:04-0:09", "0:02-0:06"]) == ((2.0, 9.0),)
    assert printed(made(said(0, "Amelia", "one two three four")), "0:02-0:04", "0:03-0:06") == "one two three four"


def test_another_speakers_words_explain_nothing() -> None:
    text = made(said(0, "Interviewer", "And my husband?"), said(1, "Amelia", "He cried."))
    assert printed(text, "1:00-2:00") == "He cried."


def test_two_that_fit_explain_nothing_and_one_that_cannot_is_passed_over() -> None:
    both = made(said(0, "Amelia", "My brother and my husband came. He cried."))
    assert printed(both, "0:08-0:12") == "… He cried."
    one = made(said(0, "Amelia", "My sister and my husband came. He cried."))
    assert printed(one, "0:08-0:12") == "… He [husband] cried."


def test_who_is_named_in_the_passage_needs_no_explaining() -> None:
    text = made(said(0, "Amelia", "My husband came. Then [therapist] said she knew.", therapist="t"))
    assert printed(text, "0:05-0:12") == "… Then [therapist] said she knew."


def test_what_lies_too_far_back_explains_nothing() -> None:
    text = made(said(0, "Amelia", "My husband came."), said(3, "Amelia", "He cried."))
    assert printed(text, "3:00-4:00") == "He cried."


def test_explanations_have_the_study_s_tags() -> None:
    text = made(said(0, "Amelia", "My husband came. He cried."), layout=Layout(tags="<<>>"))
    assert printed(text, "0:05-0:09") == "… He <<husband>> cried."


def test_a_replacement_is_never_cut_in_two() -> None:
    text = made(said(0, "Amelia", "We saw [the health visitor] twice.", **{"the health visitor": "t"}))
    assert printed(text, "0:05-0:09") == "… [the health visitor] twice."


@pytest.mark.parametrize("passage", ["", "0:10", "0:20-0:10", "0:10-0:10", "a-b", "1-2", "0:10-0:20-0:30"])
def test_what_is_no_passage(passage: str) -> None:
    with pytest.raises(StudyError, match="00:12:30-00:13:10"):
        quote.ranges([passage])


def test_where_nobody_speaks() -> None:
    with pytest.raises(StudyError, match="nobody speaks"):
        printed(made(said(0, "Amelia", "Yes.")), "5:00-6:00")
    with pytest.raises(StudyError, match="nobody speaks"):
        printed(made(said(0, "Amelia", "Yes."), timed=False), "0:00-6:00")
