"""NUD*IST's documents, read by a parser written from how its users prepare them (FORMATS 1.7)."""

import re
import string
from dataclasses import replace
from unicodedata import category

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export.layout import NO_SOUND, clean, speech
from transcribe.export.nudist import EXPORTER, LINE_CHARACTERS, spell
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, Layout, Line, ReviewState, Span

from .builders import HOSTILE, awkward_transcripts, conversation, line, study, transcript, turns

GOLDEN = """\
*Transcript R001
*Pseudonymised, not anonymous. A key exists and is kept apart from this file.
*REVIEWED - a person has settled these replacements.
*Settled on 2026-03-04
*Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.
*Interviewer
How was it with [infant]?
*Amelia
Grace is a fine word.
*Interviewer
(overlapping) Yes.
"""
GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P9", "Amelia", pseudonym="Clara")), Policy())
UNITS = st.sampled_from(["turn", "sentence", "line72"])
# How the awkward pieces' characters beyond ASCII are to be read; all others are ASCII.
ASCII = {"ë": "e", "\u0301": "", "\u05d0": "'", "\u05d1": "v", "\u200d": "", "’": "'", "…": "...", "—": "--",
         "\ufffd": "?", "´": "'"}  # fmt: skip


def read(data: bytes) -> tuple[list[str], list[str], list[tuple[str, list[str]]]]:
    """The header, the units before any section, and each section's sub-header and units.

    The header is every line with an asterisk before the first one without.
    """
    text = data.decode("ascii")
    assert text.endswith("\r\n")
    rows = text.removesuffix("\r\n").split("\r\n")
    assert not [row for row in rows if not row or set(row) - set(string.printable) or set(row) & set("\t\r\n\x0b\x0c")]
    first = next(n for n, row in enumerate(rows) if not row.startswith("*"))
    header = [row[1:] for row in rows[:first]]
    before: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    for row in rows[first:]:
        if row.startswith("*"):
            sections.append((row[1:], []))
        else:
            (sections[-1][1] if sections else before).append(row[1:] if row.startswith(" *") else row)
    return header, before, sections


def plain(text: str) -> str:
    return " ".join("".join(ASCII.get(char, char) for char in text).split())


def expected(made: AnonymisedTranscript) -> list[tuple[str, str]]:
    return [(plain(name), plain(speech(one))) for one, (name, _) in zip(made.lines, turns(made), strict=True)]


def units(text: str, unit: str, spans: tuple[Span, ...] = (), **fields: bool) -> list[str]:
    made = transcript(line(0, "Amelia", text, replaced=spans, **fields), layout=Layout(unit=unit))
    return read(EXPORTER.write(made))[2][0][1]


def test_golden() -> None:
    assert EXPORTER.write(conversation()).decode() == GOLDEN.replace("\n", "\r\n")


@given(awkward_transcripts(), UNITS)
def test_every_turn_comes_back(made: AnonymisedTranscript, unit: str) -> None:
    made = replace(made, layout=Layout(unit=unit))
    data = EXPORTER.write(made)
    header, before, sections = read(data)
    assert len(header) == 5
    assert " ".join(before) == NO_SOUND
    assert [(name, " ".join(said)) for name, said in sections] == expected(made)
    assert all(len(said) <= 1 for _, said in sections if unit == "turn")
    rows = [row for row in data.decode().split("\r\n") if not row.startswith("*")]
    if unit == "line72":
        assert all(len(row) <= LINE_CHARACTERS or " " not in row.lstrip() for row in rows)
    strings = EXPORTER.read_text(data)
    assert all(text in [one.strip() for one in strings] for said in expected(made) for text in said if text)
    assert EXPORTER.write(replace(made, timed=False)) == data


def test_sentences() -> None:
    assert units("Yes. And no! \u201cReally?\u201d Well\u2026 maybe... We went.", "sentence") == [
        "Yes.", "And no!", '"Really?"', "Well... maybe...", "We went.",
    ]  # fmt: skip
    assert units("I saw Dr. Smith and Mrs. Jones, e.g. Tuesday. St. Mary was full.", "sentence") == [
        "I saw Dr. Smith and Mrs. Jones, e.g. Tuesday.", "St. Mary was full.",
    ]  # fmt: skip
    assert units("Dr. No. 5.5 p.m. so. *He said. * Yes. *", "sentence") == [
        "Dr. No.", "5.5 p.m. so.", "*He said.", "* Yes.", "*",
    ]  # fmt: skip
    said = "And then (..) I (3.2 s) said (.) Amelia left."  # pauses end no sentence
    assert units(said, "sentence") == [said]
    assert units("Yes. No.", "sentence", overlapped=True) == ["(overlapping) Yes.", "No."]
    assert units("", "sentence", overlapped=True) == ["(overlapping)"]
    assert units(" . \u200d ", "sentence") == ["."]


def test_sentences_do_not_end_inside_a_replacement() -> None:
    said = "At St. A. The Clinic. Then home. Yes."
    clinic = Span(start=3, end=21, kind=Kind.SERVICE)
    assert units(said, "sentence", (clinic,)) == ["At St. A. The Clinic.", "Then home.", "Yes."]
    assert units(said, "sentence") == ["At St. A.", "The Clinic.", "Then home.", "Yes."]
    home = Span(start=27, end=32, kind=Kind.PLACE)  # ends where the sentence does
    assert units(said, "sentence", (home, clinic)) == ["At St. A. The Clinic.", "Then home.", "Yes."]


def test_lines_of_72() -> None:
    assert units("x" * 72 + " y", "line72") == ["x" * 72, "y"]
    assert units("x" * 100 + " y", "line72") == ["x" * 100, "y"]
    assert units("x" * 70 + " y", "line72") == ["x" * 70 + " y"]
    assert units("x" * 71 + " y", "line72") == ["x" * 71, "y"]
    assert units("\u2026" * 24 + " y", "line72") == ["." * 72, "y"]
    starred = EXPORTER.write(
        transcript(line(0, "A", "word " * 14 + "*" + "x" * 69 + " y"), layout=Layout(unit="line72"))
    )
    assert starred.endswith(b"word\r\n *" + b"x" * 69 + b"\r\ny\r\n")


def test_no_spoken_line_begins_with_an_asterisk() -> None:
    for unit in ("turn", "sentence", "line72"):
        made = transcript(line(0, "*Amelia", "*Eve* \u2605 \u00d7 said. *Eve " * 40), layout=Layout(unit=unit))
        ((name, said),) = read(EXPORTER.write(made))[2]
        assert name == "*Amelia"
        assert " ".join(said) == ("*Eve* * x said. *Eve " * 40).strip()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\u2018a\u2019 \u201cb\u201d \u201ec\u201d \u00abd\u00bb", '\'a\' "b" "c" <<d>>'),
        ("a\u2013b\u2014c\u2011d\u2026", "a-b--c-d..."),
        ("Zoë, Łódź, Straße, Æsir, Ångström, niño, français", "Zoe, Lodz, Strasse, Aesir, Angstrom, nino, francais"),
        ("Zoe\u0308 e\u0301", "Zoe e"),
        ("\ufffd £5 €6 ½ 37° 3×4 •", "? GBP5 EUR6 1/2 37deg 3x4 -"),
        ("שלום, مامان سلام", "slvm, maman slam"),
        ("Привет, Ελλάδα", "Privet, Ellada"),
        ("می\u200cروم", "my-rwm"),
        ("a\u1390b \u3267", "a?b ?"),
        ("a\u1361b \u2800 c", "a b c"),
        ("a[b]<c>&*#@{}|~", "a[b]<c>&*#@{}|~"),
    ],
)
def test_transliteration(text: str, written: str) -> None:
    assert units(text, "turn") == [written]
    assert spell(text) == "".join(map(spell, text))


def test_no_character_is_lost_but_marks_of_letters() -> None:
    characters = [char for char in map(chr, range(0x10000)) if clean(char).strip()]
    assert all(spell(char).isascii() and spell(char).isprintable() for char in characters)
    lost = {category(char) for char in characters if not spell(char)}
    assert lost == {"Mn", "Mc", "Me", "Lm", "Cf"}


def test_file_names_are_short_and_never_alike() -> None:
    names = {one: EXPORTER.file_name(one, ".txt") for one in ("R001", "p03", "abcdefgh", "CON", "lpt1", "Com", "a-1")}
    assert [names[one] for one in ("R001", "p03", "abcdefgh", "Com")] == [
        "R001.txt",
        "P03.txt",
        "ABCDEFGH.txt",
        "COM.txt",
    ]
    ids = [
        *names,
        "abcdefghi",
        "abcdefgh1",
        "mother_P03",
        "mother-P03",
        "_",
        *(f"interview-{n:04}" for n in range(1000)),
    ]
    written = [EXPORTER.file_name(one, ".txt") for one in ids]
    assert len({name.casefold() for name in written}) == len(ids)
    assert all(re.fullmatch(r"[A-Z0-9_]{1,8}\.txt", name) for name in written)
    assert not {"CON.txt", "LPT1.txt"} & set(written)
    assert EXPORTER.file_name("Mother-P03", ".txt") == EXPORTER.file_name("mother-p03", ".txt") == "M_9XFJKW.txt"


def test_states_empty_ones_and_long_ones() -> None:
    header, _, sections = read(EXPORTER.write(transcript(review=ReviewState.UNREVIEWED, counts=())))
    assert header[2].startswith("UNREVIEWED - ")
    assert sections == []
    made = transcript(line(0, "Amelia", ""), line(1, "", HOSTILE), line(2, "Amelia", "Yes. " * 10_000))
    for unit in ("turn", "sentence", "line72"):
        _, _, sections = read(EXPORTER.write(replace(made, layout=Layout(unit=unit))))
        assert sections[0] == ("Amelia", [])
        assert " ".join(sections[1][1]) == "a --> b NOTE x<v Eve>]]>&amp; - &"
        assert len(sections[2][1]) == {"turn": 1, "sentence": 10_000, "line72": 50_000 // 70 + 1}[unit]


def test_what_is_known_of_people_is_not_written() -> None:
    text = EXPORTER.write(study()[0]).decode()
    assert not [word for word in ("age band", "30-39", "degree", "wave", "Pregnancy", "whisper") if word in text]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"*Amelia", b"*Karen"),
        (b"*Amelia", b"*Amelia (karen)"),
        (b"Grace", b"Karen"),
        (b"[infant]", b"[Karen]"),
        (b"(overlapping)", b"(Karen)"),
        (b"*Transcript", b"*Karen"),
        (b"*Settled", b"Karen\r\n*Settled"),
        (b"This file", b"Karen's file"),
        (b"Grace is", b"Grace Karen\r\nOkonkwo is"),
    ],
)
def test_a_name_in_a_broken_file_is_refused(old: bytes, new: bytes) -> None:
    made = conversation()
    data = EXPORTER.write(made)
    GATE.check_file((made,), EXPORTER, data, "R001.txt")
    assert data.replace(old, new) != data
    with pytest.raises(LeakError):
        GATE.check_file((made,), EXPORTER, data.replace(old, new), "R001.txt")


def test_a_name_over_two_units_is_refused() -> None:
    gate = Gate((person("S1", "Willow. Tree Clinic", kind=Kind.SERVICE, pseudonym="[service]"),), Policy())
    data = EXPORTER.write(replace(conversation(), layout=Layout(unit="sentence")))
    broken = data.replace(b"Grace is a", b"Willow.\r\nTree Clinic")
    with pytest.raises(LeakError):
        gate.check_file((conversation(),), EXPORTER, broken, "R001.txt")


@settings(deadline=None)
@given(awkward_transcripts(), UNITS)
def test_a_pseudonym_that_is_somebody_elses_name_passes(made: AnonymisedTranscript, unit: str) -> None:
    """Amelia is Karen's pseudonym, and the name of another; here as a label, and as a replacement."""
    assume(not GATE.check_lines(made))
    made = replace(made, layout=Layout(unit=unit))
    GATE.check_file((made,), EXPORTER, EXPORTER.write(made), "R001.txt")


@pytest.mark.parametrize("unit", ["turn", "sentence", "line72"])
def test_a_replacement_among_transliterated_words_passes(unit: str) -> None:
    said = "Zoë\u2026 Straße. Łódź \u2014 Amelia. Yes, " + "more " * 30
    start = said.index("Amelia")
    spans = (Span(start=start, end=start + 6, kind=Kind.PERSON),)
    one: Line = line(0, "Amelia", said, replaced=spans, overlapped=True)
    made = transcript(one, layout=Layout(unit=unit))
    data = EXPORTER.write(made)
    GATE.check_file((made,), EXPORTER, data, "R001.txt")
    with pytest.raises(LeakError):
        GATE.check_file((made,), EXPORTER, data.replace(b"Yes", b"Amelia"), "R001.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"This file", b"*This file"), (b"Grace", b"\r\nGrace"), (b"Grace", b"*Grace"), (b"Grace", "Gr\u00e2ce".encode()),
     (b"*Amelia", b"Amelia"), (b"a fine word", b"word"), (b"\r\n", b"\n")],
)  # fmt: skip
def test_the_checks_see_a_broken_file(old: bytes, new: bytes) -> None:
    data = EXPORTER.write(conversation())
    assert old in data

    def good(data: bytes) -> bool:
        header, before, sections = read(data)
        said = [(name, " ".join(rows)) for name, rows in sections]
        return len(header) == 5 and before == [NO_SOUND] and said == expected(conversation())

    assert good(data)
    try:
        seen = not good(data.replace(old, new))
    except (AssertionError, UnicodeDecodeError):
        seen = True
    assert seen
