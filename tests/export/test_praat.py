import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from praatio import textgrid

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export.praat import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, Line, Span, Word

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, transcript, turns

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
GOLDEN = """\
    item [2]:
        class = "IntervalTier"
        name = "Interviewer"
        xmin = 0
        xmax = 130.000
        intervals: size = 5
        intervals [1]:
            xmin = 0
            xmax = 2.000
            text = ""
        intervals [2]:
            xmin = 2.000
            xmax = 7.000
            text = "How was it with [infant]?"
"""
Tiers = dict[str, list[tuple[float, float, str]]]


def as_praat_does(data: bytes) -> tuple[float, Tiers]:
    """The end, and intervals (start, end, text) of each tier, points having a start alone.

    Praat's manual, "TextGrid file formats": free-standing numbers, texts in quotes and flags in angle brackets count;
    everything else is passed over. Checks that intervals fill their tier.
    """
    token = r'"((?:[^"]|"")*)"|(?:^|(?<=\s))(-?\d+(?:\.\d+)?)(?=\s|$)|(?:^|(?<=\s))(<\w+>)(?=\s|$)'
    found = [(text.replace('""', '"') if not (number or flag) else number or flag)
             for text, number, flag in re.findall(token, data.decode(), re.MULTILINE)]  # fmt: skip
    assert found[:2] == ["ooTextFile", "TextGrid"]
    start, end, flag, size, *rest = found[2:]
    assert (float(start), flag) == (0.0, "<exists>")
    tiers: Tiers = {}
    for _ in range(int(size)):
        kind, name, first, last, count, *rest = rest
        assert (float(first), float(last)) == (0.0, float(end))
        assert name not in tiers
        tiers[name], at = [], -1.0 if kind == "TextTier" else 0.0
        for _ in range(int(count)):
            if kind == "TextTier":
                point, text, *rest = rest
                assert at < float(point) <= float(end)
                at = float(point)
                tiers[name].append((at, at, text))
            else:
                first, last, text, *rest = rest
                assert float(first) == at < float(last)
                at = float(last)
                tiers[name].append((float(first), at, text))
        assert kind == "TextTier" or at == float(end)
    assert rest == []
    return float(end), tiers


def read_turns(data: bytes) -> list[tuple[str, str]]:
    """(speaker, text) of all that is said, in order of start."""
    _, tiers = as_praat_does(data)
    found = [
        (start, re.sub(r" \(\d+\)$", "", name), text)
        for name, intervals in tiers.items()
        for start, _, text in intervals
        if text and name != "statement" and not name.endswith(" - words")
    ]
    return [(speaker, text) for _, speaker, text in sorted(found)]


def read_words(data: bytes, speaker: str) -> str:
    return " ".join(text for *_, text in as_praat_does(data)[1][f"{speaker} - words"] if text)


def test_golden() -> None:
    text = EXPORTER.write(conversation(duration_s=130.0)).decode()
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 130.000\ntiers? <exists>\nsize = 5\n'
    )
    assert text.startswith(head + "item []:\n    item [1]:\n")
    assert GOLDEN in text


def test_praatio_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_bytes(EXPORTER.write(conversation()))
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert grid.tierNames == ("statement", "Interviewer", "Interviewer - words", "Amelia", "Amelia - words")
    assert [point.label for point in grid.getTier("statement").entries][:2] == ["Transcript R001", STATEMENT]
    assert [tuple(entry) for entry in grid.getTier("Interviewer").entries] == [
        (2.0, 7.0, "How was it with [infant]?"),
        (122.0, 127.0, "Yes."),
    ]
    assert [entry.label for entry in grid.getTier("Amelia - words").entries] == "Grace is a fine word.".split()
    assert grid.maxTimestamp == 127.0


@settings(deadline=None)
@given(awkward_transcripts())
def test_every_turn_and_word_comes_back(made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    assert read_turns(data) == [turn for turn in turns(made) if turn[1]]
    for speaker in {one.speaker for one in made.lines}:
        said = " ".join(text for who, text in turns(made) if who == speaker and text)
        assert read_words(data, speaker) == said
        assert not said or said in EXPORTER.read_text(data)


def test_turns_of_one_speaker_that_overlap_stand_in_two_tiers() -> None:
    made = transcript(
        line(0, "Amelia", "I was", seconds=100.0), line(1, "Amelia", "and so", seconds=1.0), line(2, "statement", "x")
    )
    data = EXPORTER.write(made)
    names = ["Amelia", "Amelia (2)", "statement (2)"]
    assert [name for name in as_praat_does(data)[1] if not name.endswith("words")] == ["statement", *names]
    assert read_turns(data) == turns(made)


def test_words_that_overlap_are_all_there() -> None:
    times = [
        (5.0, 9.0, "a"),
        (5.0, 9.0, " b"),
        (6.0, 7.0, ' "c"'),
        (8.0, 8.0, " Di"),
        (8.0, 9.5, "ane"),
        (9.6, 9.6, " d"),
    ]
    words = tuple(Word(start_s=start, end_s=end, text=text, probability=1.0) for start, end, text in times)
    turn = Line(number=1, speaker="Amelia", start_s=5, end_s=9, words=words, replaced=(), kept=())
    data = EXPORTER.write(transcript(turn))
    intervals = [interval for interval in as_praat_does(data)[1]["Amelia - words"] if interval[2]]
    assert intervals == [(5.0, 9.0, 'a b "c"'), (9.0, 9.5, "Diane"), (9.6, 9.601, "d")]
    assert read_words(data, "Amelia") == 'a b "c" Diane d'


def test_empty_transcript_empty_turns_and_hostile_turns() -> None:
    end, tiers = as_praat_does(EXPORTER.write(transcript(counts=())))
    assert (list(tiers), end > 0) == (["statement"], True)
    quotes = 'item [1]: "xmin = 5" "" intervals [9]: ! <exists>'
    made = transcript(line(0, "Amelia", ""), line(1, 'A "B"', HOSTILE), line(2, "Amelia", quotes, seconds=0.0))
    assert read_turns(EXPORTER.write(made)) == turns(made)[1:]


def test_without_times_it_refuses() -> None:
    with pytest.raises(EngineError, match=r"R001.*praat needs times"):
        EXPORTER.write(conversation(timed=False))


@pytest.mark.parametrize(
    "bad", [transcript(line(0, "Karen", "Yes.")), transcript(line(0, "Amelia", "Yes."), recording_id="Karen01")]
)
def test_the_gate_finds_a_name_in_a_label_or_id(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised.TextGrid")


@pytest.mark.parametrize(
    ("old", "new"),
    [('text = "Grace is', 'text = "Karen is'), ('text = "Grace"', 'text = "Karen"'), ("item []:", "item []: ! Karen"),
     ('name = "Amelia"', 'name = "Karen (2)"'), ('mark = "Settled', 'mark = "Karen'), ("is a", 'is ""Karen"" a'),
     ('name = "Amelia - words"', 'name = "Karen - words"'), ('"ooTextFile"', '"ooTextFile" Karen')],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_file_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised.TextGrid")
    assert old.encode() in data
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode(), 1), "R001_pseudonymised.TextGrid")


def test_the_gate_finds_a_name_spread_over_words() -> None:
    gate = Gate((person("S1", "Willow Tree Clinic", kind=Kind.SERVICE, pseudonym="[service]"),), Policy())
    good = transcript(line(0, "Amelia", "to the old red house"))
    data = EXPORTER.write(good)
    for old, new in ((b'"old"', b'"Willow"'), (b'"red"', b'"Tree"'), (b'"house"', b'"Clinic"')):
        gate.check_file((good,), EXPORTER, data, "R001.TextGrid")
        data = data.replace(old, new)
    with pytest.raises(LeakError):
        gate.check_file((good,), EXPORTER, data, "R001.TextGrid")


def test_pseudonyms_and_kept_words_that_are_names_elsewhere_pass() -> None:
    gate = Gate((person("P1", "Grace", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Zoë")), Policy())
    made = transcript(
        line(0, "Amelia", "so Amelia came", replaced=(Span(start=3, end=9, kind=Kind.PERSON),), seconds=90.0),
        line(1, "Amelia", "Grace is", kept=(Span(start=0, end=5, kind=None),)),
        line(3, "Amelia", "and Grace was", kept=(Span(start=4, end=9, kind=None),)),
    )
    gate.check_file((made,), EXPORTER, EXPORTER.write(made), "R001")


def test_a_broken_file_is_noticed() -> None:
    data = EXPORTER.write(conversation())
    with pytest.raises(AssertionError):
        as_praat_does(data.replace(b"xmax = 7.000", b"xmax = 8.000", 1))
    broken = data.replace(b"[infant]?", b'[infant]" 7 "?')
    with pytest.raises((AssertionError, ValueError)):
        as_praat_does(broken)


def test_two_hours_are_written_and_read_in_no_time() -> None:
    rng = random.Random(4)
    said = [" ".join(rng.choices('well so she slept & "[infant]" cried.'.split(), k=13)) for _ in range(1500)]
    made = transcript(*(line(n, "Amelia" if n % 2 else "Interviewer", text) for n, text in enumerate(said)))
    start = time.perf_counter()
    assert len(EXPORTER.read_text(EXPORTER.write(made))) > 1500
    assert time.perf_counter() - start < 3.0
