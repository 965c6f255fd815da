"""What nobody may have said: flagged with its reason, and never what people do say; nothing is lost by it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MADE_BY, turns
from tests.study_session import call, last_json, released_bytes, succeed
from transcribe import invented
from transcribe.assemble import assemble
from transcribe.pipeline import build_transcript
from transcribe.schema import Cause, Transcript, Turns, Unclear, Utterance, Word, Words

EVERYBODY = (0.0, 1000.0, "S1")


def word(text: str, start_s: float, probability: float = 0.9, end_s: float | None = None) -> Word:
    ends = start_s + 0.3 if end_s is None else end_s
    return Word(start_s=start_s, end_s=ends, text=f" {text}", probability=probability)


def talk(text: str, start_s: float = 0.0, probability: float = 0.9) -> list[Word]:
    """Words a third of a second apart."""
    return [word(one, start_s + n / 3, probability) for n, one in enumerate(text.split())]


def heard(words: list[Word]) -> Words:
    return Words(words=tuple(words), language="en", language_probability=1.0, made_by=MADE_BY)


def flagged(words: list[Word], *spans: tuple[float, float, str]) -> list[tuple[str, tuple[Cause, ...]]]:
    """The words of each stretch, with the reasons."""
    made = build_transcript("R001", heard(words), turns(*spans))
    texts = {u.id: u.text for u in made.utterances}
    found = invented.flag(made, turns(*spans))
    return [(texts[s.utterance_id][s.start : s.end], s.causes) for s in found]


def causes(words: list[Word], *spans: tuple[float, float, str]) -> set[Cause]:
    return {cause for _, some in flagged(words, *spans) for cause in some}


# --- nobody speaks --------------------------------------------------------------------------------------------------


def test_words_far_from_every_turn_are_flagged_and_those_beside_one_are_not() -> None:
    words = [word("Yes", 1.0), word("and", 2.4), word("more", 3.6), word("noise", 3.9), word("again", 9.8)]
    assert flagged(words, (0.0, 2.0, "S1"), (10.2, 12.0, "S1")) == [("more noise", (Cause.NOBODY,))]


@pytest.mark.parametrize(("start_s", "nobody"), [(1.8, False), (2.1, False), (2.45, False), (2.6, True), (3.0, True)])
def test_the_margin_is_that_of_word_times(start_s: float, nobody: bool) -> None:
    assert bool(flagged([word("Mm-hm.", start_s)], (0.0, 2.0, "S1"), (6.0, 7.0, "S2"))) is nobody


def test_where_segmentation_hears_nobody_at_all_every_word_is_flagged_and_none_is_gone() -> None:
    assert flagged(talk("the rain fell")) == [("the rain fell", (Cause.NOBODY,))]


def test_a_word_without_length_and_a_very_long_one() -> None:
    assert not flagged([word("Yes", 1.0, end_s=1.0)], (0.0, 2.0, "S1"))
    assert not flagged([word("So", 0.0, end_s=29.0)], (28.0, 40.0, "S1"))  # Whisper draws first words out


def test_a_text_without_clock_times_is_left_alone() -> None:
    made = build_transcript("R001", heard(talk("you " * 20)), turns())
    untimed = Transcript(
        recording_id="R001", language="en", utterances=made.utterances, speakers=(), made_by=(), timed=False
    )
    assert invented.flag(untimed, turns()) == ()


# --- loops ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "you " * 20,
        "and then " * 7,
        "I'm going to " * 6,
        "I don't know what it is. " * 5,
        "We went to the shop, and we came back. " * 4,
        "ha" * 40,
        "Ja, ja, ja. Ja ja ja ja, ja!",
    ],
)
def test_loops_are_flagged_wherever_they_stand(said: str) -> None:
    words = talk(f"Before it we talked {said} whatever came after", 0.0)
    (text, why), *more = flagged(words, EVERYBODY)
    assert not more
    assert why == (Cause.LOOP,)
    assert text.split() == said.split()


@pytest.mark.parametrize(
    "said",
    [
        "no no no no no I said no",
        "Yeah, yeah, yeah, yeah.",
        "very very very very tired",
        "you know you know you know how it is",
        "row row row your boat gently down the stream",
        "round and round, round and round, round and round",
        "I love you, I love you, I love you so much",
        "he cried and cried and cried and cried and I cried",
        "seven seven seven five five five",
        "hahahaha that is so so funny",
        "baby shark doo doo doo doo doo doo " * 3,
    ],
)
def test_what_people_do_repeat_is_no_loop(said: str) -> None:
    assert not flagged(talk(said), EVERYBODY)


def test_a_loop_goes_on_over_pauses_but_not_from_one_speaker_to_another() -> None:
    words = [word("bye", 3.0 * n) for n in range(8)]
    assert [why for _, why in flagged(words, EVERYBODY)] == [(Cause.LOOP,)] * 8
    each = [(3.0 * n, 3.0 * n + 1.0, f"S{n % 2 + 1}") for n in range(8)]
    assert not flagged(words, *each)


# --- sentences of silence -------------------------------------------------------------------------------------------


def test_every_sentence_of_the_table_is_flagged_in_silence_with_its_reason() -> None:
    for text in ("Thank you for watching!", "Thanks for watching", "Subtitles by the Amara.org community",
                 "Untertitel im Auftrag des ZDF für funk, 2017", "Sous-titres réalisés par la communauté d'Amara.org",
                 "ご視聴ありがとうございました", "Субтитры сделал DimaTorzok"):  # fmt: skip
        assert causes(talk(text, 50.0), (0.0, 20.0, "S1")) == {Cause.GHOST, Cause.NOBODY}, text


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        (talk("Thank you for watching.", 50.0), [(50.9, 53.0, "S1")]),  # hardly anybody is heard
        (talk("Thank you for watching.", 50.0, probability=0.3), [EVERYBODY]),  # or the recogniser is unsure
        (talk("I see. Thanks for watching! And so on.", 50.0, probability=0.4), [EVERYBODY]),
        (talk("Thank you.", 50.0, probability=0.3), [(50.6, 55.0, "S1")]),
    ],
)
def test_a_sentence_of_silence_is_flagged_where_it_is_likely_to_be_one(
    words: list[Word], spans: list[tuple[float, float, str]]
) -> None:
    assert Cause.GHOST in causes(words, *spans)


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        (talk("Thank you for watching.", 50.0), [EVERYBODY]),  # somebody says it, and clearly
        (talk("thank you for watching the baby", 50.0, probability=0.3), [EVERYBODY]),  # no sentence of its own
        (talk("Thank you.", 50.0), [EVERYBODY]),
        (talk("Thank you.", 50.0, probability=0.2), [EVERYBODY]),  # said quietly
        (talk("Thank you.", 50.0), [(50.6, 55.0, "S1")]),  # a turn that begins late
        ([*talk("Here you are.", 48.9), *talk("Thank you.", 50.0, probability=0.3)], [(48.0, 50.1, "S1")]),
        (talk("Bye bye.", 50.0, probability=0.4), [EVERYBODY]),
        (talk("So, I'm sorry.", 50.0, probability=0.4), [EVERYBODY]),
    ],
)
def test_real_thanks_and_farewells_stay(words: list[Word], spans: list[tuple[float, float, str]]) -> None:
    assert not flagged(words, *spans)


def test_a_stretch_has_all_its_reasons_and_its_time() -> None:
    words = [*talk("We stopped there."), *talk("Thanks for watching! Bye", 30.0)]
    made = build_transcript("R001", heard(words), turns((0.0, 2.0, "S1")))
    (stretch,) = invented.flag(made, turns((0.0, 2.0, "S1")))
    assert (stretch.id, stretch.utterance_id, stretch.first_word, stretch.last_word) == ("X0001", "U0002", 0, 3)
    assert stretch.causes == (Cause.GHOST, Cause.NOBODY)
    assert (stretch.start_s, stretch.end_s) == (30.0, pytest.approx(31.3))


# --- nothing is lost ------------------------------------------------------------------------------------------------

_WORDS = st.lists(
    st.tuples(
        st.sampled_from(["you", "you", "Thank", "for", "watching.", "so", "Yes.", "♪", "-", "é"]),
        st.floats(0, 3),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    max_size=60,
)
_SPANS = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 8), st.sampled_from(["S1", "S2"])), max_size=8)


@given(_WORDS, _SPANS)
def test_every_word_is_either_shown_or_inside_one_stretch(
    listed: list[tuple[str, float, float, float]], spans: list[tuple[float, float, str]]
) -> None:
    words, at = [], 0.0
    for text, gap_s, length_s, probability in listed:
        words.append(word(text, at + gap_s, probability, at + gap_s + length_s))
        at += gap_s + length_s
    heard_turns = turns(*sorted((a, a + length, s) for a, length, s in spans))
    exclusive = Turns(all=heard_turns.all, exclusive=(), made_by=MADE_BY)
    made = assemble("R001", heard(words), exclusive)
    found = invented.flag(made, exclusive)
    assert [w.text.strip() for u in made.utterances for w in u.words] == [text for text, *_ in listed]
    assert [s.id for s in found] == [f"X{n:04d}" for n in range(1, len(found) + 1)]
    for utterance in made.utterances:
        whole_and_apart(utterance, [s for s in found if s.utterance_id == utterance.id])
    assert all(stretch.causes for stretch in found)


def whole_and_apart(utterance: Utterance, mine: list[Unclear]) -> None:
    """Each stretch is whole words of the utterance, and between two of them stands a word that is none's."""
    for stretch in mine:
        inside = "".join(w.text for w in utterance.words[stretch.first_word : stretch.last_word + 1])
        assert utterance.text[stretch.start : stretch.end] == inside.strip()
        assert stretch.start_s <= stretch.end_s
    for one, other in pairwise(mine):
        assert one.last_word + 1 < other.first_word


# --- the whole job ---------------------------------------------------------------------------------------------------


def click(seconds: int) -> npt.NDArray[np.float64]:
    """Digital silence after a recorder's button; without it the recording is refused."""
    sound = np.zeros(seconds * 16_000)
    sound[1000:1160] = 0.3 * np.hanning(160)
    return sound


def room(seconds: int) -> npt.NDArray[np.float64]:
    """Pink noise at -46 dB, as of a quiet room with a refrigerator."""
    count = seconds * 16_000
    spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=count))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)
    return 0.005 * pink / pink.std()


def music(seconds: int) -> npt.NDArray[np.float64]:
    """Chords of three voices with overtones, a new one each second, as a toy or a radio plays them."""
    at = np.arange(16_000) / 16_000
    bars = []
    for number in range(seconds):
        root = 220 * 2 ** ((0, 5, 7, 0)[number % 4] / 12)
        tones = (root * step * over for step in (1, 5 / 4, 3 / 2) for over in (1, 2, 3))
        chord = sum(np.sin(2 * np.pi * tone * at) for tone in tones)
        bars.append(0.03 * np.asarray(chord) * np.exp(-2 * at))
    return np.concatenate(bars)


@pytest.mark.weights
@pytest.mark.slow
def test_silence_room_noise_and_music_give_no_released_words(tmp_path: Path, model_path: Callable[[str], Path]) -> None:
    import soundfile

    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    root = tmp_path / "study"
    succeed("new", root)
    soundfile.write(tmp_path / "silence.wav", np.zeros(20 * 16_000), 16_000)
    assert call("add", root, tmp_path / "silence.wav").returncode == 5  # nothing to recognise
    for name, sound in (("click", click(20)), ("room", room(20)), ("music", music(20))):
        soundfile.write(tmp_path / f"{name}.wav", sound, 16_000)
        succeed("add", root, tmp_path / f"{name}.wav", "--id", name)
    outcomes = last_json(succeed("run", root, "--json"))["recordings"]
    assert {outcome["state"] for outcome in outcomes} <= {"done", "no speech"}
    if call("release", root, "--unreviewed", "--to", "txt").returncode == 0:
        for data in released_bytes(root).values():
            turns_read = [line.partition(": ")[2] for line in data.decode().splitlines() if line.startswith("[")]
            assert set(turns_read) <= {"[unclear]", "(overlapping) [unclear]"}
