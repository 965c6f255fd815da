"""The second listen: where it listens, what it asks, what it makes of the answer; with a fake ear and a real one."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe import asr
from transcribe.asr.scoring import Passage, Scorer
from transcribe.detect import second_listen
from transcribe.schema import Audio, Finding, Kind, Person, Reason, Transcript, Utterance, Word

WILL = Person(id="X1", kind=Kind.PERSON, role="partner", forms=("Will Tarrant", "Will"))
PUGH = Person(id="C1", kind=Kind.PERSON, role="clinician", forms=("Doctor Pugh", "Pugh"))
NIAMH = Person(id="K1", kind=Kind.PERSON, role="relative", forms=("Niamh",))
TEILO = Person(id="L1", kind=Kind.PLACE, role="school", forms=("St Teilo's",))
PEOPLE = (WILL, PUGH, NIAMH, TEILO)
SILENCE = Audio(samples=np.zeros(16_000, dtype=np.float32))


class FakeEar:
    """Hears the names it is told by `nats` likelier than what was written, others not; keeps what it was asked."""

    def __init__(self, **nats: float) -> None:
        self._nats = nats
        self.asked: list[Passage] = []

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        self.asked.append(passage)
        _written, *others = passage.readings
        return (-5.0, *(-5.0 + self._nats.get(re.sub(r"\W", "", other), -15.0) for other in others))


def said(*texts: str, doubtful: str = "", language: str = "en", timed: bool = True) -> Transcript:
    """Utterances of words a third of a second each; `doubtful` ones have a low probability."""
    utterances = []
    for number, text in enumerate(texts):
        start = 60.0 * number
        words = tuple(
            Word(
                start_s=start + place / 3,
                end_s=start + (place + 1) / 3,
                text=word,
                probability=0.3 if word.strip(" .,?") in doubtful.split() else 0.95,
            )
            for place, word in enumerate(re.findall(r"\s*\S+", text))
        )
        ends = words[-1].end_s if words else start
        utterances.append(Utterance(id=f"U{number + 1:04d}", speaker="S1", start_s=start, end_s=ends, words=words))
    return Transcript(
        recording_id="R001", language=language, utterances=tuple(utterances), speakers=(), made_by=(), timed=timed
    )


def listen(transcript: Transcript, ear: Scorer, people: tuple[Person, ...] = PEOPLE) -> tuple[Finding, ...]:
    return second_listen.listen(transcript, people, ear, SILENCE)


def surface(transcript: Transcript, finding: Finding) -> str:
    text = next(u.text for u in transcript.utterances if u.id == finding.utterance_id)
    return text[finding.start : finding.end]


@pytest.mark.parametrize(
    ("text", "doubtful", "name", "nats", "whose", "found"),
    [
        ("so erm, we'll left when I was pregnant.", "we'll", "Will", 1.0, "X1", "we'll"),
        ("registered with Dr. Pug. We have not moved.", "Pug", "Pugh", 1.6, "C1", "Pug"),
        ("my sister Neve's boys came over", "Neve's", "Niamhs", 0.5, "K1", "Neve"),
        ("in year two at St. Taylor's primary", "", "StTeilos", 2.0, "L1", "St. Taylor's"),
        ("the health visitor said “nieve,” to me", "nieve", "Niamh", 0.0, "K1", "nieve"),
    ],
)
def test_a_clear_win_is_found_where_it_stands(
    text: str, doubtful: str, name: str, nats: float, whose: str, found: str
) -> None:
    transcript = said(text, doubtful=doubtful)
    (finding,) = listen(transcript, FakeEar(**{name: nats}))
    assert surface(transcript, finding).removesuffix("'s") == found.removesuffix("'s")
    assert finding.person_id == whose
    assert finding.score >= 0.5
    assert finding.reason.rule == second_listen.RULE


def test_a_close_call_is_a_question_and_a_loss_is_nothing() -> None:
    transcript = said("so erm, we'll left when I was pregnant.", doubtful="we'll")
    (close,) = listen(transcript, FakeEar(Will=-5.0))
    assert 0.1 <= close.score < 0.5
    assert listen(transcript, FakeEar()) == ()


def test_more_nats_never_lower_the_score() -> None:
    transcript = said("so erm, we'll left when I was pregnant.", doubtful="we'll")
    scores = [sum(f.score for f in listen(transcript, FakeEar(Will=nats))) for nats in range(-12, 8, 2)]
    assert all(one <= other for one, other in pairwise(scores))


def test_the_ear_is_asked_with_the_words_as_recognised_and_the_names_as_what_went_before() -> None:
    ear = FakeEar()
    listen(said("Yes. My sister Neve's boys came over when she could", doubtful="Neve's"), ear)
    asked = next(passage for passage in ear.asked if "Neve" in passage.readings[0])
    assert (asked.before, asked.after) == ("Yes. My sister", " boys came over")
    assert asked.readings[0] == " Neve's"
    assert " Niamh's" in asked.readings
    assert asked.names[0] == "Niamh"
    assert asked.start_s == 0
    assert asked.end_s == pytest.approx(7 / 3 + 0.3)


def test_a_respelling_that_was_written_is_no_reading_of_its_own() -> None:
    ear = FakeEar()
    listen(said("my sister Neve came over", doubtful="Neve"), ear)
    for passage in ear.asked:
        assert len(set(passage.readings)) == len(passage.readings)


@pytest.mark.parametrize(
    "transcript",
    [
        said("Niamh came, and Will and Doctor Pugh."),  # written as on the roster: the roster rule's
        said("so erm, we'll left", doubtful="we'll", language="cy"),
        said("so erm, we'll left", doubtful="we'll", timed=False),
        said("the weather was a little colder on Thursday"),
        said(),
        said("", "... 07700 900 461"),
    ],
)
def test_nothing_is_asked_where_nothing_can_be_told(transcript: Transcript) -> None:
    ear = FakeEar(Will=9.0, Niamh=9.0, Pugh=9.0)
    assert listen(transcript, ear) == ()


def test_what_the_text_is_sure_of_is_not_heard_again() -> None:
    transcript = said("my sister Neve came over", doubtful="Neve")
    reason = Reason(rule="approximate")
    for score, heard in ((0.95, 0), (0.4, 1)):
        sure = Finding(
            id="", utterance_id="U0001", start=10, end=14, kind=Kind.PERSON, person_id="K1", score=score, reason=reason
        )
        ear = FakeEar(Niamh=1.0)
        assert len(second_listen.listen(transcript, PEOPLE, ear, SILENCE, (sure,))) == heard


class RememberingEar(FakeEar):
    """Hears the name clearly in the first `clear` turns (a minute each) and hardly any later."""

    def __init__(self, name: str, clear: int) -> None:
        super().__init__()
        self._name, self._clear = name, clear

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        self._nats = {self._name: 1.0 if passage.start_s < 60 * self._clear else -6.0}
        return super().score(audio, passage)


def test_a_mishearing_that_comes_again_is_heard_out() -> None:
    """Beyond the places that are heard at first, and with what the others told."""
    turns = ["and I told ever that it was fine. And then she went off to the shops, you know, with her mother."] * 20
    ewa = Person(id="T1", kind=Kind.PERSON, role="therapist", forms=("Ewa",))
    ear = RememberingEar("Ewa", clear=9)
    found = listen(said(*turns), ear, (ewa,))
    minutes = sum(u.end_s - u.start_s for u in said(*turns).utterances) / 60
    assert np.ceil(minutes * 4) < len(ear.asked) <= np.ceil(minutes * 4) + np.ceil(minutes * 2)
    weak = [f for f in found if int(f.utterance_id[1:]) > 9]
    assert weak
    assert all("as elsewhere" in f.reason.detail for f in found)
    alone = listen(said(turns[0]), RememberingEar("Ewa", clear=0), (ewa,))
    assert all(f.score > one.score for f in weak for one in alone)


def test_one_win_says_nothing_of_other_places() -> None:
    turns = ["and I told ever that it was fine."] * 3
    ewa = Person(id="T1", kind=Kind.PERSON, role="therapist", forms=("Ewa",))
    found = listen(said(*turns), RememberingEar("Ewa", clear=1), (ewa,))
    assert [f.utterance_id for f in found] == ["U0001"]
    assert "as elsewhere" not in found[0].reason.detail


@pytest.mark.parametrize(
    ("text", "word", "misplaced"),
    [
        ("and then, ever sat on the floor", " ever", True),
        ("but ever shouted at him", " ever", True),
        ("if I ever sat there", " ever", False),
        ("was it ever, ever so good", " ever,", False),
        ("and I hold my up to the window", " my", True),
        ("she grabbed my. And then", " my.", True),
        ("and I hold my daughter up", " my", False),
    ],
)
def test_a_little_word_where_it_cannot_stand_is_likelier_a_name(text: str, word: str, misplaced: bool) -> None:
    people = (
        Person(id="T1", kind=Kind.PERSON, role="therapist", forms=("Ewa",)),
        Person(id="I1", kind=Kind.PERSON, role="infant", forms=("Mai",)),
    )
    (place,) = [p for p in second_listen.places(said(text), people) if [w.text for w in p.words] == [word]]
    assert bool(place.features["misplaced"]) is misplaced


def test_few_places_are_heard_and_none_twice() -> None:
    texts = ["we'll left and Pug came and Neve came and nieve said we'll go"] * 3
    transcript = said(*texts, doubtful="we'll Pug Neve nieve")
    ear = FakeEar(Will=1.0, Niamh=1.0, Pugh=1.0)
    found = listen(transcript, ear)
    spoken_s = sum(u.end_s - u.start_s for u in transcript.utterances)
    assert 0 < len(ear.asked) <= np.ceil(spoken_s / 60 * 4)
    spans = [(f.utterance_id, f.start, f.end) for f in found]
    assert spans == sorted(spans)
    assert all(one[0] != other[0] or one[2] <= other[1] for one, other in pairwise(spans))


@given(st.lists(st.text(alphabet="Nevpugwil 'stT.,-’é", max_size=12), max_size=6))
def test_positions_hold_and_reasons_say_no_word(texts: list[str]) -> None:
    transcript = said(*(text for text in texts if text.strip()), doubtful="Neve Pug wil")

    class Certain:
        def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
            return tuple(float(number) for number in range(len(passage.readings)))

    for finding in listen(transcript, Certain()):
        assert surface(transcript, finding).strip()
        assert 0.1 <= finding.score <= 1
        assert re.fullmatch(r"sounds like a known name by [+-]\d+\.\d nats", finding.reason.detail)


@pytest.mark.weights
def test_a_name_of_a_real_call_that_was_written_otherwise(
    model_path: Callable[[str], Path], sample_audio: Audio
) -> None:
    engine = asr.load("faster-whisper", "whisper-tiny.en", model_path("whisper-tiny.en"), "cpu", 2)
    assert isinstance(engine, Scorer)
    words = engine.transcribe(sample_audio, asr.AsrOptions(language="en")).words
    assert any(word.text.startswith(" Diane") for word in words)
    wrong = tuple(
        Word(start_s=w.start_s, end_s=w.end_s, text=w.text.replace("Diane", "Diner"), probability=0.5) for w in words
    )
    utterance = Utterance(id="U0001", speaker="S1", start_s=0, end_s=words[-1].end_s, words=wrong)
    transcript = Transcript(
        recording_id="R001", language="en", utterances=(utterance,), speakers=(), made_by=(), timed=True
    )
    diane = Person(id="P1", kind=Kind.PERSON, role="participant", forms=("Diane",))
    (finding,) = [f for f in second_listen.listen(transcript, (diane,), engine, sample_audio) if f.score >= 0.5]
    assert surface(transcript, finding) == "Diner"
