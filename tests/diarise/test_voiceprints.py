"""Voiceprints: where somebody speaks alone, what vectors are like, who is taken for whom, and real voices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MADE_BY, turns
from transcribe.diarise import voiceprints
from transcribe.diarise.voiceprints import MOST, SURE, Embed, Vector, alone, match, probability, unit, vectors
from transcribe.evaluate.der import read_rttm
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Turn, Turns


def loudness(pieces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A speaker model that knows constant sounds: level .1 is the first direction, .2 the second, ..."""
    return np.stack([np.eye(8, dtype=np.float32)[round(10 * float(piece.mean())) - 1] * 7 for piece in pieces])


def levels(*spans: tuple[float, float, float]) -> Audio:
    """Sound of constant levels (start_s, end_s, level), silence between them."""
    samples = np.zeros(round(max(end for _, end, _ in spans) * SAMPLE_RATE_HZ), dtype=np.float32)
    for start, end, level in spans:
        samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)] = level
    return Audio(samples=samples)


def direction(*parts: float) -> Vector:
    return unit(np.array([*parts, *([0.0] * (8 - len(parts)))], dtype=np.float32))


FIRST, SECOND, THIRD = direction(1), direction(0, 1), direction(0, 0, 1)


@pytest.mark.parametrize(
    ("everybody", "own", "expected"),
    [
        ([(0, 10, "S1"), (10, 14, "S2")], [(0, 10, "S1")], ((0, 10),)),
        ([(0, 10, "S1"), (4, 6, "S2")], [(0, 10, "S1")], ((0, 4), (6, 10))),  # overlapped in the middle
        ([(0, 10, "S1"), (0.1, 9.9, "S2")], [(0, 10, "S1")], ()),  # what is left is too short
        ([(0, 10, "S1")], [], ()),
        ([(0, 50, "S1"), (60, 100, "S1"), (200, 201, "S1")], None, ((0, 50), (60, 70))),  # enough after a minute
    ],
)
def test_a_voice_is_taken_from_where_nobody_else_speaks(
    everybody: list[tuple[float, float, str]], own: list[tuple[float, float, str]] | None, expected: object
) -> None:
    own = everybody if own is None else own
    both = Turns(all=turns(*everybody).all, exclusive=turns(*own).all, made_by=MADE_BY)
    assert alone(both, "S1") == expected


def test_a_label_that_speaks_too_short_has_no_vector_and_nobody_elses_sound_is_in_hers() -> None:
    sound = levels((0, 8, 0.1), (8, 10.5, 0.2), (11, 40, 0.3))
    spoken = turns((0, 8, "S1"), (8, 10.5, "S2"), (11, 40, "S3"))
    found = vectors(sound, spoken, loudness)
    assert found.keys() == {"S1", "S3"}
    np.testing.assert_allclose(found["S1"], FIRST)
    np.testing.assert_allclose(found["S3"], THIRD)
    assert vectors(sound, spoken, loudness, frozenset({"S3"})).keys() == {"S3"}


def test_turns_beyond_the_end_of_the_sound_tell_nothing() -> None:
    assert vectors(levels((0, 1, 0.1)), turns((0, 30, "S1")), loudness) == {}


def test_a_known_voice_is_recognised_a_stranger_is_not() -> None:
    found = match({"S1": FIRST, "S2": SECOND}, {"R1": (FIRST,), "T1": (THIRD, direction(0, 0, 1, 0.1))})
    assert [(one.label, one.whom) for one in found] == [("S1", "R1")]
    assert found[0].probability > SURE


@pytest.mark.parametrize(
    ("heard", "known"),
    [
        ({"S1": FIRST}, {"R1": (direction(1, 0.1),), "R2": (direction(1, 0, 0.1),)}),  # two people as near
        ({"S1": direction(1, 0.1), "S2": direction(1, 0, 0.1)}, {"R1": (FIRST,)}),  # two labels as near
        ({"S1": direction(1, 2)}, {"R1": (FIRST,)}),  # not near enough
        ({}, {"R1": (FIRST,)}),
        ({"S1": FIRST}, {}),
        ({"S1": FIRST}, {"R1": ()}),
    ],
)
def test_in_doubt_nobody_is_recognised(heard: dict[str, Vector], known: dict[str, tuple[Vector, ...]]) -> None:
    assert match(heard, known) == ()


@st.composite
def voices(draw: st.DrawFn, names: str) -> dict[str, Vector]:
    chosen = draw(st.lists(st.sampled_from(names.split()), unique=True, max_size=4))
    parts = st.lists(st.integers(-9, 9), min_size=8, max_size=8).filter(any)
    return {name: unit(np.array(draw(parts), dtype=np.float32)) for name in chosen}


@given(voices("S1 S2 S3 S4"), voices("R1 T1 T2 P1"))
def test_nobody_is_two_labels_and_no_label_two_people_and_every_match_is_sure(
    heard: dict[str, Vector], owned: dict[str, Vector]
) -> None:
    found = match(heard, {whom: (vector,) for whom, vector in owned.items()})
    assert len({one.label for one in found}) == len({one.whom for one in found}) == len(found)
    for one in found:
        cosine = float(heard[one.label] @ owned[one.whom])
        assert SURE - 0.001 <= one.probability <= min(MOST, probability(cosine) + 0.001)
        assert all(cosine > float(heard[one.label] @ v) for whom, v in owned.items() if whom != one.whom)
        assert all(cosine > float(v @ owned[one.whom]) for label, v in heard.items() if label != one.label)


@given(voices("S1 S2 S3"), voices("R1 T1"))
def test_the_order_of_labels_and_people_changes_nothing(heard: dict[str, Vector], owned: dict[str, Vector]) -> None:
    known = {whom: (vector,) for whom, vector in owned.items()}
    turned = dict(reversed(heard.items())), dict(reversed(known.items()))
    assert match(heard, known) == match(*turned)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_nearer_voice_is_more_probable(one: float, other: float) -> None:
    assert 0 < probability(one) < 1
    assert (one <= other) <= (probability(one) <= probability(other))


# --- real voices ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embed(model_path: Callable[[str], Path]) -> Embed:
    return voiceprints.network(model_path("campplus"))


def half(folder: Path, name: str, second: bool) -> tuple[Audio, Turns]:
    """The first or the second half of a conversation of two readers, as a recording of its own."""
    samples, _ = soundfile.read(folder / f"{name}.flac", dtype="float32")
    listed = read_rttm((folder / f"{name}.rttm").read_text())
    mine = tuple(t for n, t in enumerate(listed) if (n >= len(listed) // 2) == second)
    return Audio(samples=samples), Turns(all=mine, exclusive=mine, made_by=MADE_BY)


@pytest.mark.weights
@pytest.mark.data
def test_a_reader_is_recognised_in_what_she_reads_later_and_strangers_are_not(embed: Embed, shared_data: Path) -> None:
    folder = shared_data / "audio" / "librispeech"
    first = vectors(*half(folder, "ls_conv3_2033_2414", second=False), embed)
    later = vectors(*half(folder, "ls_conv3_2033_2414", second=True), embed)
    others = vectors(*half(folder, "ls_conv1_367_533", second=True), embed)
    known = {"R1": (first["2033"],)}
    assert [(one.label, one.whom) for one in match(later, known)] == [("2033", "R1")]
    assert match(others, known) == ()
    assert match({"2414": later["2414"]}, known) == ()


@pytest.mark.weights
def test_two_sides_of_a_call_are_two_voices(embed: Embed, sample_audio: Audio, sample_dir: Path) -> None:
    spoken: tuple[Turn, ...] = read_rttm((sample_dir / "sample.rttm").read_text())
    found = vectors(sample_audio, Turns(all=spoken, exclusive=spoken, made_by=MADE_BY), embed)
    assert len(found) == 2
    one, other = found.values()
    assert probability(float(one @ other)) < SURE
