"""Pauses, sounds and fillers: what is asked for is written, and every other word and every span is as it was."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NoEngines, add_detected, new_unlocked, person
from tests.builders import transcript as said
from tests.export.builders import STATEMENT, line, transcript
from transcribe import config, release
from transcribe.config import StudyConfig, Verbatim
from transcribe.diarise import Regions
from transcribe.errors import ConfigError, LeakError
from transcribe.export import load
from transcribe.gate import Gate
from transcribe.imports import read_transcript
from transcribe.pipeline import refresh_findings
from transcribe.ready import finished, named_people, need, preview, rendered
from transcribe.schema import AnonymisedTranscript, Kind, Line, Span, Word
from transcribe.vault import Unlocked
from transcribe.verbatim import pause, written

DROP = Verbatim(fillers="drop")
PAUSES = Verbatim(pauses=True)
BOTH = Verbatim(pauses=True, fillers="drop")
SOUNDS = Verbatim(non_speech=True)
ALL = Verbatim(pauses=True, fillers="drop", non_speech=True)


def one(text: str, options: Verbatim, **fields: Any) -> Line:
    return written(transcript(line(1, "Amelia", text, **fields)), options).lines[0]


def timed(*said: tuple[str, float, float], speaker: str = "Amelia", number: int = 1) -> Line:
    """A line of (text, start, end) words."""
    heard = tuple(Word(start_s=start, end_s=end, text=text, probability=0.9) for text, start, end in said)
    start_s, end_s = heard[0].start_s, heard[-1].end_s
    return Line(number=number, speaker=speaker, start_s=start_s, end_s=end_s, words=heard, replaced=(), kept=())


# --- fillers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Um, I went", "I went"),
        ("Um, so then", "So then"),
        ("Um so then", "So then"),
        ("um, so then", "so then"),
        ("I, um, went", "I went"),
        ("I um went", "I went"),
        ("I, um, uh, erm, went", "I went"),
        ("I went um, uh and, er, came.", "I went and came."),
        ("I went, um she left", "I went, she left"),
        ("I went um.", "I went."),
        ("I went, um. She left.", "I went. She left."),
        ("Was it, um?", "Was it?"),
        ("I went. Um. She left.", "I went. She left."),
        ("I went. Um, she left.", "I went. She left."),
        ("and then... Um, she left.", "and then... She left."),
        ("I went um... she left", "I went she left"),
        ("I went um", "I went"),
        ("I went, um", "I went"),
        ("Ummm, erm I went, uhh, home", "I went home"),
        ("Yes. Uhm. No.", "Yes. No."),
        ("I, uh, um, went, uh. Hmm.", "I went. Hmm."),
    ],
)
def test_a_filler_leaves_a_tidy_sentence(text: str, expected: str) -> None:
    assert one(text, DROP).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "I like it, well, you know, sort of.",
        "Mm.",
        "Mhm, uh-huh, mm-hmm, hmm.",
        "Oh, ah, I see.",
        "Uh huh.",
        "Uh huh, he did.",
        "Uhh huh.",
        "uh, huh",
        "Umm hm, umm, hmm.",
        "I said uh uh, no way.",
        "Um hm, um hmm.",
        "Um.",
        "Um, uh, erm.",
        "in the ER that night",
        "To err is human.",
        "then Mrs Um came",
        "an umbrella, her, summer, uhura",
        '"Um," she said',
        "",
    ],
)
def test_words_answers_names_and_turns_of_nothing_else_stay(text: str) -> None:
    assert one(text, DROP).text == text


def test_only_english_has_these_fillers() -> None:
    german = transcript(line(1, "Amelia", "Da kam er um acht."), language="de")
    assert written(german, DROP) is german


def test_a_line_may_be_left_as_it_was_said() -> None:
    two = transcript(line(1, "Amelia", "Um, yes."), line(2, "Amelia", "Um, no."))
    assert [one.text for one in written(two, DROP, frozenset({2})).lines] == ["Yes.", "Um, no."]


def test_a_pseudonym_a_tag_and_a_kept_word_are_never_dropped_nor_changed() -> None:
    text = "Um, the clinic, um, and Er, um, May um, the service."
    places = {surface: text.index(surface) for surface in ("the clinic", "Er", "May", "the service")}
    spans = {key: Span(start=at, end=at + len(key), kind=Kind.PERSON) for key, at in places.items()}
    kept = replace(spans.pop("May"), kind=None)
    made = one(text, DROP, replaced=tuple(spans.values()), kept=(kept,))
    assert made.text == "the clinic and Er May the service."
    assert [made.text[s.start : s.end] for s in made.replaced] == ["the clinic", "Er", "the service"]
    assert [made.text[s.start : s.end] for s in made.kept] == ["May"]


# --- pauses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silence_s", "expected"),
    [
        (0.0, ""), (0.29, ""), (0.3, "(.)"), (0.5 - 0.2, "(.)"), (0.99, "(.)"), (1.0, "(..)"), (1.99, "(..)"),
        (2.0, "(2.0 s)"), (3.24, "(3.2 s)"), (75.0, "(75.0 s)"),
    ],
)  # fmt: skip
def test_a_pause_is_written_by_its_length(silence_s: float, expected: str) -> None:
    assert pause(silence_s, PAUSES) == expected


def test_pauses_stand_between_the_words_they_part() -> None:
    spoken = timed(("I", 0, 0.2), (" went", 0.3, 0.6), (" and", 1.0, 1.2), (" she", 2.4, 2.6), (" left.", 5.8, 6.0))
    made = written(transcript(spoken), PAUSES).lines[0]
    assert made.text == "I went (.) and (..) she (3.2 s) left."
    assert [(w.start_s, w.end_s) for w in made.words if w.text == " (..)"] == [(1.2, 2.4)]


def test_a_filler_is_no_silence_but_the_silence_around_it_is() -> None:
    spoken = timed(("I", 0, 0.2), (" um", 0.8, 2.0), (" went", 2.6, 3.0))
    assert written(transcript(spoken), BOTH).lines[0].text == "I (..) went"
    assert written(transcript(spoken), PAUSES).lines[0].text == "I (.) um (.) went"


def test_a_speaker_who_goes_on_is_given_her_pause_and_a_change_of_speaker_only_a_long_one() -> None:
    lines = (
        timed(("Yes.", 5.0, 6.0)),
        timed(("And", 8.5, 9.0), number=2),
        timed(("Mhm.", 10.0, 10.4), speaker="Interviewer", number=3),
        timed(("No.", 14.0, 15.0), number=4),
    )
    made = written(transcript(*lines), PAUSES).lines
    assert [one.text for one in made] == ["Yes.", "(2.5 s) And", "Mhm.", "(3.6 s) No."]
    assert [(one.start_s, one.end_s) for one in made] == [(one.start_s, one.end_s) for one in lines]
    assert all(one.start_s <= w.start_s <= w.end_s <= one.end_s for one in made for w in one.words)


def test_talk_over_a_silence_is_none() -> None:
    lines = (timed(("Long", 0.0, 20.0)), timed(("Mhm.", 1.0, 1.5), speaker="B", number=2), timed(("So", 21.0, 22.0)))
    assert [one.text for one in written(transcript(*lines), PAUSES).lines] == ["Long", "Mhm.", "So"]


def test_spans_move_with_their_words_and_no_pause_stands_inside_one() -> None:
    spoken = timed(("Older", 1.0, 1.2), (" daughter", 2.5, 2.8), (" and", 3.5, 3.8), (" May", 6.0, 6.3))
    spoken = replace(
        spoken, replaced=(Span(start=0, end=14, kind=Kind.PERSON),), kept=(Span(start=19, end=22, kind=None),)
    )
    before = timed(("Yes.", 0.0, 0.1), number=0)
    made = written(transcript(before, replace(spoken, number=2)), PAUSES).lines[1]
    assert made.text == "(.) Older daughter (.) and (2.2 s) May"
    assert [made.text[s.start : s.end] for s in (*made.replaced, *made.kept)] == ["Older daughter", "May"]


def test_without_clock_times_there_are_no_pauses() -> None:
    untimed = transcript(line(1, "Amelia", "I went"), line(9, "Amelia", "home"), timed=False)
    assert written(untimed, PAUSES) is untimed
    assert "Pauses" not in written(untimed, BOTH).statement


# --- sounds ---------------------------------------------------------------------------------------------------------


def texts(options: Verbatim, sounds: Regions, *lines: Line) -> list[str]:
    return [one.text for one in written(transcript(*lines), options, non_speech=sounds).lines]


def two_turns() -> tuple[Line, Line]:
    """Amelia until 2 s, and the interviewer from 20 s to 22 s."""
    return timed(("I", 1.0, 1.2), (" went.", 1.3, 2.0)), timed(("Did", 20.0, 21.0), (" you?", 21.0, 22.0), speaker="B")


@pytest.mark.parametrize(
    ("sound", "without_pauses", "with_pauses"),
    [
        ((4.0, 16.4), "(non-speech, 12.4 s) Did you?", "(2.0 s) (non-speech, 12.4 s) (3.6 s) Did you?"),
        ((2.3, 19.6), "(non-speech, 17.3 s) Did you?", "(non-speech, 17.3 s) Did you?"),
        ((3.9, 18.1), "(non-speech, 14.2 s) Did you?", "(non-speech, 14.2 s) Did you?"),  # short ones are nobody's
        ((1.8, 20.3), "(non-speech, 18.0 s) Did you?", "(non-speech, 18.0 s) Did you?"),  # cut by the words beside it
        ((1.0, 16.0), "Did you?", "(18.0 s) Did you?"),  # a word was heard in it
        ((1.9, 3.9), "Did you?", "(18.0 s) Did you?"),  # too little is left of it
    ],
)
def test_a_sound_stands_before_the_next_line_and_the_silence_beside_it_by_itself(
    sound: tuple[float, float], without_pauses: str, with_pauses: str
) -> None:
    assert texts(SOUNDS, (sound,), *two_turns()) == ["I went.", without_pauses]
    assert texts(ALL, (sound,), *two_turns()) == ["I went.", with_pauses]
    assert texts(PAUSES, (sound,), *two_turns()) == ["I went.", "(18.0 s) Did you?"]


def test_a_sound_inside_a_turn_stands_between_its_words_with_its_times() -> None:
    spoken = timed(("I", 0.0, 0.2), (" um", 0.8, 1.0), (" went", 8.0, 8.5), (" home.", 9.0, 9.4))
    made = written(transcript(spoken), ALL, non_speech=((2.0, 6.5),)).lines[0]
    assert made.text == "I (..) (non-speech, 4.5 s) (..) went (.) home."
    assert [(w.start_s, w.end_s) for w in made.words if "non-speech" in w.text] == [(2.0, 6.5)]


def test_sounds_before_the_first_word_and_after_the_last_are_not_lost() -> None:
    first, last = two_turns()
    made = texts(ALL, ((-5.0, -2.0), (25.0, 30.0), (31.0, 33.5)), first, last)
    assert made[0] == "(non-speech, 3.0 s) I went."
    assert made[1] == "(18.0 s) Did you? (3.0 s) (non-speech, 5.0 s) (..) (non-speech, 2.5 s)"


def test_several_sounds_in_one_gap_are_in_order() -> None:
    made = texts(ALL, ((3.0, 6.0), (9.0, 12.0)), *two_turns())
    assert made[1] == "(non-speech, 3.0 s) (3.0 s) (non-speech, 3.0 s) (8.0 s) Did you?"


def test_no_sound_stands_inside_a_replaced_span_or_an_unclear_stretch() -> None:
    spoken = timed(("Older", 1.0, 1.2), (" daughter", 9.0, 9.4), (" [unclear]", 12.0, 18.0), (" so", 19.0, 19.2))
    spoken = replace(
        spoken, replaced=(Span(start=0, end=14, kind=Kind.PERSON),), unclear=(Span(start=15, end=24, kind=None),)
    )
    made = written(transcript(spoken), SOUNDS, non_speech=((2.0, 8.0), (12.5, 17.5))).lines[0]
    assert made.text == "Older daughter (non-speech, 6.0 s) [unclear] so"
    spans = (*made.replaced, *made.unclear)
    assert [made.text[span.start : span.end] for span in spans] == ["Older daughter", "[unclear]"]


def test_a_sound_that_would_part_a_word_stands_after_it() -> None:
    spoken = timed(("He", 0.0, 0.5), ("'s", 6.0, 6.2), (" gone", 6.3, 6.6))
    assert texts(SOUNDS, ((1.0, 5.0),), spoken) == ["He's (non-speech, 4.0 s) gone"]


def test_a_sound_through_which_somebody_else_talks_is_none() -> None:
    over = timed(("Mhm.", 10.0, 10.4), speaker="B", number=2)
    slow = timed(("I", 0.0, 1.0), (" went.", 30.0, 31.0))
    assert texts(SOUNDS, ((5.0, 20.0),), slow, over) == ["I went.", "Mhm."]
    assert texts(SOUNDS, ((12.0, 20.0),), slow, over) == ["I (non-speech, 8.0 s) went.", "Mhm."]


def test_the_statement_says_that_sounds_are_marked_only_where_somebody_listened_for_them() -> None:
    plain, untimed = transcript(*two_turns()), transcript(line(1, "Amelia", "I went"), timed=False)
    assert "(non-speech, 12.4 s)" in written(plain, SOUNDS, non_speech=()).statement
    assert written(plain, SOUNDS) is plain
    assert written(plain, Verbatim(), non_speech=((5.0, 9.0),)) is plain
    assert written(untimed, SOUNDS, non_speech=((5.0, 9.0),)) is untimed
    assert written(transcript(), SOUNDS, non_speech=((5.0, 9.0),)).lines == ()


# --- all ------------------------------------------------------------------------------------------------------------


def test_by_default_nothing_is_done() -> None:
    plain = transcript(line(1, "Amelia", "Um, I went"), line(9, "Amelia", "home"))
    assert written(plain, Verbatim()) is plain


def test_the_statement_says_what_was_done() -> None:
    made = written(transcript(line(1, "Amelia", "Um, I went")), BOTH).statement
    assert made.startswith(STATEMENT)
    assert "(.) from 0.3 s, (..) from 1 s, and in seconds from 2 s" in made
    assert "left out" in made


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"pauses": True, "long_s": 3.0}, "have to rise"),
        ({"short_s": -1.0}, "verbatim.short_s"),
        ({"fillers": "maybe"}, "verbatim.fillers"),
        ({"non_speech": 12.4}, "verbatim.non_speech"),
        ({"pause": True}, "known here: pauses, short_s, long_s, timed_s, fillers, non_speech"),
    ],
)
def test_a_wrong_option_is_one_sentence(raw: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.check({"verbatim": raw})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


WORD = st.sampled_from(
    "I went, home. um Um, uh. er, Erm like well mm Mhm. [sister] Amelia's ER uh-huh so? the... um-".split()
)
GAP = st.sampled_from([0.0, 0.1, 0.4, 1.2, 3.3])


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    made, now = [], 0.0
    for number in range(1, draw(st.integers(0, 4)) + 1):
        heard = []
        for place, text in enumerate(draw(st.lists(WORD, max_size=8))):
            now += draw(GAP)
            spaced = f" {text}" if place else text
            heard.append(Word(start_s=round(now, 3), end_s=round(now + 0.3, 3), text=spaced, probability=0.5))
            now += 0.3
        ends = heard[-1].end_s if heard else now
        text = "".join(w.text for w in heard)
        spans = [Span(start=m.start(), end=m.end(), kind=Kind.PERSON) for m in re.finditer(r"\[sister]|Amelia", text)]
        made.append(
            Line(
                number=number,
                speaker=draw(st.sampled_from("AB")),
                start_s=heard[0].start_s if heard else now,
                end_s=ends,
                words=tuple(heard),
                replaced=tuple(spans[::2]),
                kept=tuple(replace(span, kind=None) for span in spans[1::2]),
            )
        )
    return tuple(made)


def bare(words: tuple[Word, ...]) -> list[str]:
    """Words without what a filler beside them may change: case and the marks at their ends."""
    return [re.sub(r"[.,?!…-]+$", "", word.text.strip()).casefold() for word in words]


SOUND = st.tuples(st.floats(0, 20), st.floats(2, 6)).map(lambda at: (at[0], at[0] + at[1]))


@settings(deadline=None)
@given(lines(), st.booleans(), st.sampled_from(["keep", "drop"]), st.none() | st.lists(SOUND, max_size=4))
def test_no_other_word_changes_and_without_the_marks_the_text_is_back(
    given_lines: tuple[Line, ...], pauses: bool, fillers: str, sounds: list[tuple[float, float]] | None
) -> None:
    options = config.check({"verbatim": {"pauses": pauses, "fillers": fillers, "non_speech": True}}).verbatim
    before = transcript(*given_lines)
    heard = None if sounds is None else tuple(sorted(sounds))
    after = written(before, options, non_speech=heard)
    plain = written(before, options.model_copy(update={"pauses": False}))
    assert sum(one.text.count("(non-speech, ") for one in after.lines) <= len(heard or ())
    for old, new, unpaused in zip(before.lines, after.lines, plain.lines, strict=True):
        assert not new.text[:1].isspace()
        assert "  " not in new.text
        for one_span, other in zip((*old.replaced, *old.kept), (*new.replaced, *new.kept), strict=True):
            assert old.text[one_span.start : one_span.end] == new.text[other.start : other.end]
        spoken = tuple(
            w for w in new.words if not re.fullmatch(r"\s*\((?:\.|\.\.|(?:non-speech, )?\d+\.\d s)\)", w.text)
        )
        assert "".join(w.text for w in spoken).strip() == unpaused.text.strip()
        if fillers == "keep":
            assert "".join(w.text for w in spoken).strip() == old.text
        left = bare(old.words)
        for word in bare(spoken):
            while (gone := left.pop(0)) != word:
                assert gone in {"um", "uh", "er", "erm"}
        starts = [w.start_s for w in new.words]
        assert starts == sorted(starts)
        assert new.text.count("[") == old.text.count("[")


# --- exports, gate and release --------------------------------------------------------------------------------------


def spoken_twice() -> AnonymisedTranscript:
    lines = (
        timed(("Um,", 2.0, 2.2), (" so", 2.6, 2.8), (" [infant]", 4.0, 4.5)),
        timed(("slept.", 13.0, 13.5), number=2),
    )
    first = replace(lines[0], replaced=(Span(start=7, end=15, kind=Kind.PERSON),))
    return written(transcript(first, lines[1]), BOTH)


@pytest.mark.parametrize("form", ["txt", "docx", "vtt", "json"])
def test_every_export_holds_the_pauses_and_the_gate_passes_it(form: str) -> None:
    made = spoken_twice()
    exporter = load(form)
    data = exporter.write(made)
    everything = "\n".join(exporter.read_text(data))
    assert "(.) So (..) [infant]" in everything
    assert "(8.5 s) slept." in everything
    gate = Gate((person("I1", "Rose", role="infant", pseudonym="[infant]"),), StudyConfig().policy)
    assert gate.check_lines(made) == ()
    gate.check_file((made,), exporter, data, f"R001_pseudonymised{exporter.suffix}")


@pytest.mark.parametrize("form", ["txt", "docx", "vtt"])
def test_what_is_exported_is_read_in_again_with_its_speaker_and_its_pauses(form: str) -> None:
    exporter = load(form)
    back = read_transcript(exporter.write(spoken_twice()), exporter.suffix, "T001", "en").transcript
    (speaker,) = {u.speaker for u in back.utterances if "slept" in u.text}
    assert [u.text for u in back.utterances if u.speaker == speaker][-1].endswith("(8.5 s) slept.")


PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("S1", "Acorn Rise", kind=Kind.SERVICE, role="service", of="P1"),
)
ENGINES = NoEngines(StudyConfig())


def study(tmp_path: Path, *turns: tuple[str, str], options: str, **fields: Any) -> Unlocked:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    unlocked.study.config_path.write_text(f"[verbatim]\n{options}\n")
    unlocked.study.read_config_again()
    add_detected(unlocked, said(*turns, **fields), sound=b"x", who=("P1",))
    refresh_findings(unlocked, ENGINES)
    return unlocked


def test_a_release_holds_what_the_preview_showed(tmp_path: Path) -> None:
    turns = ("S1", "Um, then, uh, Karen came."), ("S1", "Um, so we, er, went.")
    unlocked = study(tmp_path, *turns, options='pauses = true\nfillers = "drop"')
    shown = [one.text for one in preview(unlocked, need(unlocked, "R001", proposed=True)).lines]
    assert shown[0].startswith("Then ")
    assert shown[1] == "(..) So we went."
    out = release.write(unlocked, ("R001",), ("txt",), ENGINES, unreviewed=True)
    text = (Path(out.folder) / out.files[0]).read_text()
    assert all(line_text in text for line_text in shown)
    assert "Karen" not in text
    assert "were left out" in text


def test_a_filler_that_parts_a_name_stays_and_so_the_name_is_not_joined(tmp_path: Path) -> None:
    unlocked = study(
        tmp_path, ("S1", "We saw acorn um rise, um, there."), ("S1", "Er, yes."), options='fillers = "drop"'
    )
    ready, people = need(unlocked, "R001", proposed=True), named_people(unlocked)
    ready = replace(ready, settled=replace(ready.settled, replaced=(), kept=()))  # as if no rule had seen it
    gate = Gate(people, unlocked.study.config.policy)
    assert gate.check_lines(written(finished(unlocked, ready, people), DROP))
    made = rendered(unlocked, ready, people, gate)
    assert gate.check_lines(made) == ()
    assert made.lines[0].text == "We saw acorn um rise, um, there."


def test_a_pause_inside_a_name_hides_it_from_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = study(tmp_path, ("S1", "We saw acorn rise there."), options="pauses = true")
    ready, people = need(unlocked, "R001", proposed=True), named_people(unlocked)
    apart = replace(ready.settled, replaced=(), kept=())
    plain = finished(unlocked, replace(ready, settled=apart), people)
    (only,) = plain.lines
    slow = tuple(replace(w, start_s=w.start_s + 3.0 * n, end_s=w.end_s + 3.0 * n) for n, w in enumerate(only.words))
    monkeypatch.setattr("transcribe.ready.finished", lambda *_: replace(plain, lines=(replace(only, words=slow),)))
    with pytest.raises(LeakError):
        rendered(unlocked, ready, people, Gate(people, unlocked.study.config.policy))


def test_a_turn_in_another_language_keeps_what_only_looks_like_a_filler(tmp_path: Path) -> None:
    unlocked = study(tmp_path, ("S1", "Er, yes."), ("S1", "sie schlief um acht"), options='fillers = "drop"')
    ready, people = need(unlocked, "R001", proposed=True), named_people(unlocked)
    made = rendered(unlocked, replace(ready, foreign=("U0002",)), people, Gate(people, StudyConfig().policy))
    assert [one.text for one in made.lines] == ["Yes.", "sie schlief um acht"]


def test_an_unclear_stretch_is_no_word_and_stays_where_it_stands() -> None:
    spoken = timed(("Um,", 1.0, 1.2), (" so", 1.6, 1.8), (" [unclear]", 3.0, 9.0), (" slept.", 9.4, 9.8))
    first = replace(spoken, unclear=(Span(start=7, end=16, kind=None),))
    made = written(transcript(first), BOTH).lines[0]
    assert made.text == "(.) So (..) [unclear] (.) slept."
    assert [made.text[span.start : span.end] for span in made.unclear] == ["[unclear]"]
