"""Where a sound stands among the words: once, in order, and only where nobody says any."""

from hypothesis import given, settings
from hypothesis import strategies as st

from transcribe.diarise.non_speech import SHORTEST_S
from transcribe.interludes import placed
from transcribe.schema import Line, Word

TIMES = st.integers(0, 400).map(lambda tenths: tenths / 10)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    """Lines whose words are in order; those of two lines may overlap."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        edges = sorted(draw(st.lists(TIMES, max_size=8)))
        words = tuple(
            Word(start_s=start_s, end_s=end_s, text=" so", probability=1.0)
            for start_s, end_s in zip(edges[::2], edges[1::2], strict=False)
        )
        start_s, end_s = (words[0].start_s, words[-1].end_s) if words else (0.0, 0.0)
        line = Line(number=number, speaker="A", start_s=start_s, end_s=end_s, words=words, replaced=(), kept=())
        made.append(line)
    return tuple(made)


@settings(deadline=None)
@given(lines(), st.lists(TIMES, max_size=8, unique=True))
def test_a_sound_stands_once_and_no_word_is_said_in_it(said: tuple[Line, ...], edges: list[float]) -> None:
    edges = sorted(edges)
    sounds = tuple(zip(edges[::2], edges[1::2], strict=False))
    spoken = [word for line in said for word in line.words]
    by_line = placed(said, sounds)
    found = [sound for inside in by_line.values() for sound in inside]
    assert len(found) <= len(sounds)
    for number, inside in by_line.items():
        assert [at for at, _, _ in inside] == sorted(at for at, _, _ in inside)
        assert all(0 <= at <= len(said[number].words) for at, _, _ in inside)
    for _, start_s, end_s in found:
        assert round(end_s - start_s, 3) >= SHORTEST_S
        assert any(a <= start_s and end_s <= b for a, b in sounds)
        assert not any(word.start_s < end_s and start_s < word.end_s for word in spoken)
    for start_s, end_s in sounds:
        alone = not any(word.start_s <= end_s and start_s <= word.end_s for word in spoken)
        if alone and spoken and round(end_s - start_s, 3) >= SHORTEST_S:
            assert (start_s, end_s) in [(a, b) for _, a, b in found]
