import contextlib
import io
import zipfile

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.parser import parse_xml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.builders import conversation, line, transcript
from transcribe import export
from transcribe.errors import StudyError, TranscribeError
from transcribe.export import Exporter, nvivo, word_paragraphs, word_reading
from transcribe.export.layout import one_line
from transcribe.imports import NOTE_LABEL, SUFFIXES, Imported, read_transcript

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def read(text: str | bytes, suffix: str = "txt") -> Imported:
    return read_transcript(text.encode() if isinstance(text, str) else text, suffix, "R001")


def turns(imported: Imported) -> list[tuple[str, str]]:
    """(label as written, or note, or empty; text) of each utterance."""
    names = {**dict(imported.labels), NOTE_LABEL: "note"}
    return [(names.get(u.speaker, ""), u.text) for u in imported.transcript.utterances]


def as_docx(document: "docx.document.Document") -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


# --- labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I: Hello.\nDiane: Hi.\nand more\n", [("I", "Hello."), ("Diane", "Hi. and more")]),
        ("Diane Smith:Hi", [("Diane Smith", "Hi")]),
        ("I:\tHello\nDiane\tHi", [("I", "Hello"), ("Diane", "Hi")]),
        ("@Diane: Hi\n#Bob: Yes\n[infant]: ah", [("Diane", "Hi"), ("Bob", "Yes"), ("infant", "ah")]),
        ("older daughter: no", [("older daughter", "no")]),
        ("diane: a\nbob: b\ndiane: c\nbob: d", [("diane", "a"), ("bob", "b"), ("diane", "c"), ("bob", "d")]),
        ("Diane: a\nDIANE: b", [("Diane", "a"), ("Diane", "b")]),
        ("Diane:\nHi there", [("Diane", "Hi there")]),
        ("Interview one\n\nI: Hi", [("note", "Interview one"), ("I", "Hi")]),
        ("Date: May\nI: Hi", [("note", "Date: May"), ("I", "Hi")]),
        ("Just prose.\nAnd more.", [("", "Just prose."), ("", "And more.")]),
        (
            "I: So?\nHealth visitor (Karen): Yes.\nI: Oh.",
            [("I", "So?"), ("Health visitor (Karen)", "Yes."), ("I", "Oh.")],
        ),
        ("**Diane:** **Hi** you\n**I**: Yes\n*Bob:* No", [("Diane", "**Hi** you"), ("I", "Yes"), ("Bob", "No")]),
        ("I: How many?\nDiane:5 of us\nI:1 more?", [("I", "How many?"), ("Diane", "5 of us"), ("I", "1 more?")]),
        ("Q: So?\nA: Well.\nQ: And?", [("Q", "So?"), ("A", "Well."), ("Q", "And?")]),
    ],
)
def test_labels(text: str, wanted: list[tuple[str, str]]) -> None:
    assert turns(read(text)) == wanted


@pytest.mark.parametrize(
    "line",
    ["And then he said: no", "we met at 10:30 sharp", "10: we left", "see http://x.y", "So: no", f"{'X' * 64}: no"],
)
def test_a_colon_alone_makes_no_speaker(line: str) -> None:
    assert turns(read(f"Diane: Well\n{line}")) == [("Diane", f"Well {line}")]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("I: a\nP: b\nT: c\nBaby: d", ["interviewer", "participant", "therapist", "speaker"]),
        ("Interviewer 2: a\nParticipant: b\nSpeaker 1: c", ["interviewer", "participant", "speaker"]),
        ("I: a\nR: b", ["interviewer", "participant"]),
        ("R: a\nP1: b", ["interviewer", "participant"]),
        ("Title line\nDiane: a", ["note", "speaker"]),
        (
            "Interviewer (Rowena): a\nP1 (mother): b\nTherapist Karen: c\nKaren P: d",
            ["interviewer", "participant", "therapist", "speaker"],
        ),
    ],
)
def test_roles(text: str, roles: list[str]) -> None:
    imported = read(text).transcript
    assert [speaker.role for speaker in imported.speakers] == roles
    assert all(speaker.person_id is None for speaker in imported.speakers)


def test_labels_are_numbered_in_order_of_appearance_and_shown_nowhere() -> None:
    imported = read("Title\nDiane: a\nBob: b\nDiane: c")
    assert imported.labels == (("S1", "Diane"), ("S2", "Bob"))
    assert [u.speaker for u in imported.transcript.utterances] == ["S0", "S1", "S2", "S1"]
    assert [u.id for u in imported.transcript.utterances] == ["U0001", "U0002", "U0003", "U0004"]
    assert "Diane" not in repr(imported)


@pytest.mark.parametrize(
    "text",
    [
        "Karen Smith   0:03\nHello.\nTamsin   0:07\nHi.\nKaren Smith   1:02\nSo.",
        "00:00:03 Karen Smith\nHello.\n\n00:00:07 Tamsin\nHi.\n\n00:01:02 Karen Smith\nSo.",
        "Karen Smith\t0:03\nHello.\nTamsin\t0:07\nHi.\nKaren Smith\t1:02\nSo.",
    ],
)
def test_a_name_and_a_time_on_a_line_of_their_own_are_a_label(text: str) -> None:
    for data, suffix in ((text.encode(), "txt"), (one_document(text), "docx")):
        imported = read(data, suffix)
        assert turns(imported) == [("Karen Smith", "Hello."), ("Tamsin", "Hi."), ("Karen Smith", "So.")]
        assert [u.start_s for u in imported.transcript.utterances] == [3.0, 7.0, 62.0]
    assert turns(read(text.split("Tamsin")[0].removesuffix("00:00:07 "))) == [("Karen Smith", "Hello.")]


def test_such_a_name_may_have_small_words_and_brackets() -> None:
    said = "".join(
        f"{name}   0:0{n}\nSo.\n" for n, name in enumerate(["Anna van der Berg", "Smith, Karen (Guest)"] * 2)
    )
    assert [name for name, _ in turns(read(said))] == ["Anna van der Berg", "Smith, Karen (Guest)"] * 2


def one_document(text: str) -> bytes:
    document = docx.Document()
    for paragraph in text.splitlines():
        document.add_paragraph(paragraph)
    return as_docx(document)


@pytest.mark.parametrize(
    "text",
    [
        "I: When?\nWe met at 10:30\nor later.",
        "00:00:01 Right\n00:00:04 Exactly so\nand more\n00:00:09 Right",
        "The Birth 0:03\nWe went.\nThe Night 5:10\nWe slept.\nThe Day 9:00\nWe woke.",
        "Karen 9:00\nHello.\nTamsin 0:07\nHi.\nKaren 0:09\nSo.",
    ],
)
def test_a_time_beside_few_words_alone_makes_no_speaker(text: str) -> None:
    assert {name for name, _ in turns(read(text))} <= {"I", ""}


def test_a_word_with_a_colon_that_counts_up_is_speech() -> None:
    said = "Diane: We had two choices.\nOne: stay.\nTwo: leave.\nI: And?\nBob: Ha.\nHealth visitor: Yes.\nCarer: So."
    assert turns(read(said)) == [
        ("Diane", "We had two choices. One: stay. Two: leave."),
        ("I", "And?"),
        ("Bob", "Ha."),
        ("Health visitor", "Yes."),
        ("Carer", "So."),
    ]


NUMBERED = {
    "every line": "A title\n1 Diane: Hello Karen\n2 Smith there.\n3\n4 I: Yes.\n",
    "every turn": "1. Diane: Hello Karen\nSmith there.\n\n2. I: Yes.\n3. Diane: 2 of us.\n",
    "turns in brackets": "[9] Diane: Hello Karen\n\nSmith there.\n[10] I: Yes.\n[11] Diane: 2 of us.\n",
    "every fifth line": "Diane: Hello Karen\nSmith there.\nI: Yes.\nI: Yes.\n5 Diane: 2 of us.\n"
    + "".join(
        "\nDiane: Hello Karen\nSmith there.\nI: Yes.\nI: Yes." + f"\n{number}  Diane: 2 of us." for number in (10, 15)
    ),
}


@pytest.mark.parametrize("text", NUMBERED.values(), ids=NUMBERED.keys())
def test_numbers_that_count_lines_are_no_part_of_labels_or_speech(text: str) -> None:
    said = [(name, words) for name, words in turns(read(text)) if name != "note"]
    assert set(said) <= {
        ("Diane", "Hello Karen Smith there."),
        ("I", "Yes."),
        ("I", "Yes. Yes."),
        ("Diane", "2 of us."),
    }
    assert said[0] == ("Diane", "Hello Karen Smith there.")


@pytest.mark.parametrize(
    "text",
    [
        "1. How old?\nThirty.\n2. And he?\nForty.\n3. And she?\nFifty.",
        "I: a\n1 Bob: b\nDiane: c\n3 Bob: d\n2 Bob: e",
        "Diane: So.\n2 of us\n3 of them",
    ],
)
def test_other_numbers_are_text(text: str) -> None:
    digits = [char for char in text if char.isdigit()]
    said = [*dict(read(text).labels).values(), *(words for _, words in turns(read(text)))]
    assert sorted(char for words in said for char in words if char.isdigit()) == sorted(digits)


# --- stamps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[00:01:02] Diane: Hi you\n[00:01:04] I: Yes",
        "Diane: [00:01:02] Hi you\nI: [00:01:04] Yes",
        "Diane [00:01:02]: Hi you\nI [01:04]: Yes",
        "#00:01:02-0# Diane: Hi you\n#00:01:04-0# I: Yes",
        "00:01:02 Diane: Hi you\n00:01:04.0 I: Yes",
        "1:02 Diane: Hi you\n1:04 I: Yes",
        "01:02 - Diane: Hi\nyou\n\n01:04 - I: Yes",
        "[00:01:02 - 00:01:04] Diane: Hi you\n{00:01:04} I: Yes",
    ],
)
def test_stamps_before_or_after_the_speaker(text: str) -> None:
    imported = read(text)
    assert imported.transcript.timed
    assert turns(imported) == [("Diane", "Hi you"), ("I", "Yes")]
    first, second = imported.transcript.utterances
    assert (first.start_s, first.end_s, second.start_s) == (62.0, 64.0, 64.0)
    assert [(word.text, word.start_s, word.end_s) for word in first.words] == [("Hi", 62, 63), (" you", 63, 64)]
    assert second.end_s > second.start_s


@pytest.mark.parametrize(
    "text",
    [
        "Diane: We went.\n10:30 Monday: we came\nI: And?\n10:40 Monday: we left",
        "Diane: We went.\n10:30 Monday: we came",
        "10:40 Monday: we came\n10:30 Monday: we left",
    ],
)
def test_a_time_that_is_said_before_a_colon_is_no_stamp(text: str) -> None:
    assert "10:30 Monday: we" in " ".join(words for _, words in turns(read(text)))


def test_f4_stamps_end_their_turns() -> None:
    imported = read("I: Hallo #00:00:05-4#\nP: Ja. #00:00:09-1#")
    assert [(u.start_s, u.end_s, u.text) for u in imported.transcript.utterances] == [
        (0.0, 5.4, "Hallo"),
        (5.4, 9.1, "Ja."),
    ]


@pytest.mark.parametrize("second", ["I: Yes", "[00:00:01] I: Yes"])
def test_stamps_that_are_missing_or_go_back_are_text(second: str) -> None:
    imported = read(f"[00:01:02] Diane: Hi\n{second}")
    assert not imported.transcript.timed
    assert imported.transcript.utterances[0].text == "[00:01:02] Hi"
    assert {u.end_s for u in imported.transcript.utterances} == {0.0}


def test_a_stamp_without_a_label_goes_on_with_the_speaker() -> None:
    assert turns(read("Diane:\n[00:00:01] a\n[00:00:05] b\nI: [00:00:09] c")) == [
        ("Diane", "a"),
        ("Diane", "b"),
        ("I", "c"),
    ]


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings(encoding: str, newline: str) -> None:
    data = f"I: Hello“{newline}Zoë: café".encode(encoding)
    assert turns(read(data)) == [("I", "Hello“"), ("Zoë", "café")]


@pytest.mark.parametrize(
    "data",
    [
        "Zoë: café, oui".encode() + b" it\x92s",
        "Zoë: so".encode() + b" it\x92s, it\x92s, \x93yes\x94, \xe9",
        b"Zo\xeb: caf\xe9 \x81",
    ],
)
@pytest.mark.parametrize("suffix", ["txt", "srt", "vtt"])
def test_text_of_mixed_encodings_is_refused(data: bytes, suffix: str) -> None:
    with pytest.raises(StudyError, match="save it as UTF-8") as refused:
        read(b"1\n00:00:01,000 --> 00:00:02,000\n" + data, suffix)
    assert "Zo" not in str(refused.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("data", [b"", b" \n\n", b"%PDF-1.4 x", b"{\\rtf1 x}", b"PK\x03\x04xx", b"\x00\x01\x02"])
def test_what_is_no_transcript_is_refused_without_a_word_of_it(suffix: str, data: bytes) -> None:
    with pytest.raises(StudyError, match="the file"):
        read(data, suffix)


def test_unknown_suffix_lists_the_known_ones() -> None:
    with pytest.raises(StudyError, match="docx, srt, txt, vtt files only"):
        read("I: a", ".odt")
    assert turns(read("I: a", ".TXT")) == [("I", "a")]


def test_invisible_characters_hide_no_name() -> None:
    assert turns(read("\u200bDi\u00adane: Ka\u200bren\u202e")) == [("Diane", "Karen")]


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from(SUFFIXES), st.sampled_from([b"", b"WEBVTT\n\n0:01.0 --> 0:02.0\n", b"PK"])
)
def test_random_bytes_raise_nothing_of_their_own(data: bytes, suffix: str, head: bytes) -> None:
    try:
        imported = read_transcript(head + data, suffix, "R001")
    except TranscribeError:
        return
    assert imported.transcript.utterances


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_docx_raises_nothing_of_its_own(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TranscribeError):
        read_transcript(bytes(whole[: data.draw(st.integers(1, len(whole)))]), "docx", "R001")


# --- docx -----------------------------------------------------------------------------------------------------------


def rich_docx() -> bytes:
    """Paragraphs, a table, inserted and deleted text, a text box twice, a page header."""
    document = docx.Document()
    document.add_paragraph("Interview with Diane")
    document.add_paragraph("I: Hello").add_run(" you")
    inserted = document.add_paragraph("Diane:")._p
    for tag, text in (("ins", " added"), ("del", " struck")):
        inner = "t" if tag == "ins" else "delText"
        xml = f'<w:{tag} xmlns:w="{W}"><w:r><w:{inner} xml:space="preserve">{text}</w:{inner}></w:r></w:{tag}>'
        inserted.append(parse_xml(xml))
    box = f'<w:r xmlns:w="{W}" xmlns:mc="urn:mc"><mc:AlternateContent>'
    for choice in ("Choice", "Fallback"):
        box += f"<mc:{choice}><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:{choice}>"
    inserted.append(parse_xml(f"{box}</mc:AlternateContent></w:r>"))
    table = document.add_table(rows=0, cols=2)
    for row in (("I:", "One?"), ("Diane", "Two.\nThree."), ("I", "Yes")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph("Bob: last")
    document.sections[0].header.paragraphs[0].text = "Clinic: Elm House"
    return as_docx(document)


WHOLE = rich_docx()


def test_docx_in_document_order_with_nothing_dropped() -> None:
    assert turns(read(WHOLE, "docx")) == [
        ("note", "Interview with Diane"),
        ("I", "Hello you"),
        ("Diane", "added boxed"),
        ("I", "One?"),
        ("Diane", "Two. Three."),
        ("I", "Yes"),
        ("Bob", "last"),
        ("note", "Clinic: Elm House"),
    ]


def test_docx_table_with_timespans_and_a_heading() -> None:
    document = docx.Document()
    table = document.add_table(rows=0, cols=3)
    for row in (
        ("Timespan", "Content", "Speaker"),
        ("0:00:01-0:00:03", "Hi", "Diane"),
        ("0:00:03-0:00:04", "Yes", "I"),
    ):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    imported = read(as_docx(document), "docx")
    assert [text for name, text in turns(imported) if name != "note"] == ["Hi", "Yes"]
    assert [(u.start_s, u.end_s) for u in imported.transcript.utterances if u.speaker != "S0"] == [
        (1.0, 3.0),
        (3.0, 4.0),
    ]


def table_of(*rows: tuple[str, ...]) -> bytes:
    document = docx.Document()
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    return as_docx(document)


def test_a_column_of_row_numbers_is_not_said() -> None:
    said = [("Diane", "5 of us."), ("I", "Yes."), ("Diane", "So.")]
    rows = [(str(number), name, words) for number, (name, words) in enumerate(said, 1)]
    for heading in ((), (("No.", "Speaker", "Text"),)):
        found = turns(read(table_of(*heading, *rows), "docx"))
        assert [one for one in found if one[0] != "note"] == said


def test_a_table_of_what_is_told_of_an_interview_makes_no_speakers() -> None:
    told = table_of(("Project", "Elm House"), ("Date", "3 May"), ("Place", "Milton Keynes"))
    assert {name for name, _ in turns(read(told, "docx"))} == {""}


def test_docx_lines_within_a_paragraph_are_lines() -> None:
    document = docx.Document()
    document.add_paragraph("I: Hello\nDiane: Hi")
    document.paragraphs[0]._p.append(OxmlElement("w:bookmarkEnd"))
    assert turns(read(as_docx(document), "docx")) == [("I", "Hello"), ("Diane", "Hi")]


# --- docx with headings ---------------------------------------------------------------------------------------------


def headed(*paragraphs: tuple[int | str, str]) -> bytes:
    """A document of (heading level, or style, or 0 for plain text; text)."""
    document = docx.Document()
    for kind, text in paragraphs:
        style = f"Heading {kind}" if isinstance(kind, int) and kind else kind or "Normal"
        if style not in [one.name for one in document.styles]:
            document.styles.add_style(str(style), 1)
        document.add_paragraph(text, style=str(style))
    return as_docx(document)


SPOKEN = [("Interviewer", "How are you?"), ("Diane", "Well: fine."), ("Interviewer", "Good.")]
DIALOGUE = ((2, "Interviewer"), (0, "How are you?"), (2, "Diane"), (0, "Well: fine."), (2, "Interviewer"), (0, "Good."))


def test_headings_that_repeat_above_speech_are_speakers() -> None:
    assert turns(read(headed(*DIALOGUE), "docx")) == SPOKEN
    title = ((0, "Study: Elm House"), (1, "Part one"))
    assert turns(read(headed(*title, *DIALOGUE), "docx")) == [("note", text) for _, text in title] + SPOKEN
    spaced = [pair for one in DIALOGUE for pair in (one, (0, ""))]
    assert turns(read(headed(*spaced), "docx")) == SPOKEN
    assert turns(read(headed(*((kind and 1, text) for kind, text in DIALOGUE)), "docx")) == SPOKEN


def test_a_higher_heading_among_the_turns_is_a_note_and_ends_none() -> None:
    said = headed(*DIALOGUE, (1, "Birth"), (0, "And now?"), (2, "Diane"), (0, "Mum: no"), (0, "at all"), (3, "pause"))
    assert turns(read(said, "docx"))[3:] == [
        ("note", "Birth"),
        ("Interviewer", "And now?"),
        ("Diane", "Mum: no at all pause"),
    ]


def test_stamps_in_headings_or_below_them() -> None:
    said = headed((2, "Interviewer [00:00:01]"), (0, "a"), (2, "Diane [00:00:03]:"), (0, "b"),
                  (2, "Interviewer"), (0, "[00:00:05] c"), (0, "[00:00:08] (overlapping) d"))  # fmt: skip
    imported = read(said, "docx")
    assert [text for _, text in turns(imported)] == list("abcd")
    assert [u.start_s for u in imported.transcript.utterances] == [1.0, 3.0, 5.0, 8.0]
    assert [u.overlapped for u in imported.transcript.utterances] == [False, False, False, True]
    assert [name for _, name in imported.labels] == ["Interviewer", "Diane"]


CHAPTERS = [(1, f"Family {n}") for n in "AB"]
SECTIONS = [(2, "Background"), (0, "They live here."), (2, "Findings"), (0, "All is well.")]


@pytest.mark.parametrize(
    "paragraphs",
    [
        ((1, "Introduction"), (0, "We met."), (1, "Method"), (0, "We asked.")),
        (CHAPTERS[0], *SECTIONS, CHAPTERS[1], *SECTIONS),
        (
            (2, "How did it begin for you all then?"),
            (0, "Well."),
            (2, "How did it begin for you all then?"),
            (0, "So."),
        ),
        ((2, "Part"), (2, "Part"), (2, "Part"), (0, "Well.")),
        ((2, "Diane"), (0, "Well."), (0, "So.")),
    ],
    ids=["report", "chapters", "questions", "no speech", "one"],
)
def test_other_headings_are_text_as_any_other(paragraphs: tuple[tuple[int, str], ...]) -> None:
    assert turns(read(headed(*paragraphs), "docx")) == [("", text) for _, text in paragraphs]


def test_headings_above_labelled_turns_are_no_speakers() -> None:
    part = [(2, "Part"), (0, "I: Hello."), (0, "Diane: Hi.")]
    assert dict(read(headed(*part, *part, *part), "docx").labels) == {"S1": "I", "S2": "Diane"}


def test_headings_are_known_by_their_name_and_by_the_style_they_are_built_on() -> None:
    document = docx.Document(io.BytesIO(headed(*((kind and "Person", text) for kind, text in DIALOGUE))))
    assert turns(read(as_docx(document), "docx"))[0] == ("", "Interviewer")
    document.styles["Person"].base_style = document.styles["Heading 2"]
    document.styles["Heading 2"].element.set(f"{{{W}}}styleId", "berschrift2")
    document.styles["Person"].element.find(f"{{{W}}}basedOn").set(f"{{{W}}}val", "berschrift2")
    assert turns(read(as_docx(document), "docx")) == SPOKEN
    document.styles["Person"].element.find(f"{{{W}}}basedOn").set(f"{{{W}}}val", "Person")  # built on itself
    assert turns(read(as_docx(document), "docx"))[0] == ("", "Interviewer")


def test_our_documents_with_topics_and_our_older_ones() -> None:
    made = conversation(topics=((60.0, "Birth"), (900.0, "Farewell")))
    imported = read(export.load_for_recording("docx").write(made), "docx")
    assert turns(imported)[6:11] == [
        ("Interviewer", "How was it with [infant]?"),
        ("note", "Birth"),
        ("Amelia", "Grace is a fine word."),
        ("Interviewer", "Yes."),
        ("note", "Farewell"),
    ]
    assert [u.start_s for u in imported.transcript.utterances[6:11]] == [2.0, 62.0, 62.0, 122.0, 122.0 + 0.4]
    older = headed(("Title", "Transcript R001"), ("Transcript turn", "[00:00:02] Interviewer: Well?"),
                   (2, "Later"), ("Transcript turn", "[00:01:02] Amelia: (overlapping) Yes."))  # fmt: skip
    assert [pair for pair in turns(read(older, "docx")) if pair[0] != "note"][-1] == ("Amelia", "Yes.")


def test_one_turn_of_ours_and_labels_of_many_words() -> None:
    label = "Partner of the older daughter of P3"
    made = transcript(line(0, label, "Amelia: no"), timed=False)
    assert turns(read(export.load_for_recording("docx").write(made), "docx"))[6] == (label, "Amelia: no")
    made = transcript(line(0, "Amelia", "- [00:00:01] no #00:00:02-0#"))
    assert turns(read(export.load_for_recording("docx").write(made), "docx"))[6][1] == "- [00:00:01] no #00:00:02-0#"


def altered(part: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name != part:
                target.writestr(name, source.read(name))
        target.writestr(part, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        altered("word/document.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'),
        altered("word/document.xml", b"<x>"),
        altered("[Content_Types].xml", b"<Types/>"),
        altered("word/big.bin", bytes(201 * 2**20)),
    ],
    ids=["entity", "xml", "no main part", "bomb"],
)
def test_hostile_docx_is_refused(data: bytes) -> None:
    with pytest.raises(StudyError, match="docx"):
        read(data, "docx")


@pytest.mark.parametrize("element", ["<w:altChunk/>", "<w:p><w:subDoc/></w:p>"])
def test_a_document_whose_text_stands_in_another_file_is_refused(element: str) -> None:
    said = f'<w:x xmlns:w="{W}"><w:p><w:r><w:t>Diane: Hi</w:t></w:r></w:p>{{}}</w:x>'
    assert turns(read(altered("word/document.xml", said.format("").encode()), "docx"))[0] == ("Diane", "Hi")
    with pytest.raises(StudyError, match="save it anew as docx"):
        read(altered("word/document.xml", said.format(element).encode()), "docx")


@pytest.mark.parametrize("limit", ["MAX_BLOCKS", "MAX_PARSED_BYTES"])
def test_a_document_too_large_to_hold_is_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = altered("word/document.xml", f'<w:x xmlns:w="{W}">{"<w:p/>" * 1000}</w:x>'.encode())
    read(data, "docx")
    monkeypatch.setattr(word_reading, limit, 999)
    with pytest.raises(StudyError, match="unpacks to more"):
        read(data, "docx")


def test_no_entity_is_resolved_in_any_encoding() -> None:
    xml = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "leak">]>'
    xml += f'<w:x xmlns:w="{W}"><w:p><w:r><w:t>I: &a;</w:t></w:r></w:p></w:x>'
    try:
        said = turns(read(altered("word/document.xml", xml.encode("utf-16")), "docx"))
    except StudyError:
        return
    assert not any("leak" in text for _, text in said)


# --- captions -------------------------------------------------------------------------------------------------------


def test_vtt_voices_notes_and_markup() -> None:
    imported = read(
        "WEBVTT\nKind: captions\n\nSTYLE\n::cue {}\n\nNOTE\nabout Diane\n\nx\n00:01.000 --> 00:02.000 align:left\n"
        "<v Diane>Hello a &lt; b\n\n00:02.000 --> 00:04.000\n<v.overlap Diane>my <i>dear</i></v> <v Bob>no <Karen>\n",
        "vtt",
    )
    assert turns(imported) == [
        ("note", "Kind: captions"),
        ("note", "about Diane"),
        ("Diane", "Hello a < b my dear"),
        ("Bob", "no <Karen>"),
    ]
    diane, bob = imported.transcript.utterances[2:]
    assert (diane.start_s, diane.overlapped, bob.end_s, bob.overlapped) == (1.0, True, 4.0, False)


def test_srt_prefixes_and_blank_lines() -> None:
    imported = read(
        "1\r\n00:00:01,000 --> 00:00:03,000\r\nDiane: Will\r\n\r\n"
        "2\r\n00:00:03,000 --> 00:00:04,500\r\nSmith\r\n\r\nyes\r\n"
        "\r\n3\r\n00:00:04,500 --> 00:00:06,500\r\n- Bob: one\r\n- Diane: two\r\n",
        "srt",
    )
    assert turns(imported) == [("Diane", "Will Smith yes"), ("Bob", "one"), ("Diane", "two")]
    assert [word.start_s for word in imported.transcript.utterances[0].words] == [1.0, 3.0, 3.75]
    assert [u.start_s for u in imported.transcript.utterances] == [1.0, 4.5, 5.5]


@pytest.mark.parametrize(("suffix", "head"), [("srt", ""), ("vtt", "WEBVTT\n\n")])
def test_what_a_cue_says_is_neither_a_note_nor_a_region(suffix: str, head: str) -> None:
    cues = ("NOTE THE DATE", "REGION\nNORTH", "STYLE")
    text = head + "\n\n".join(f"{n}\n00:00:{n:02}.000 --> 00:00:{n + 1:02}.000\n{cue}" for n, cue in enumerate(cues, 1))
    assert turns(read(text, suffix)) == [("", "NOTE THE DATE REGION NORTH STYLE")]


def test_captions_without_speakers_become_utterances_of_half_a_minute() -> None:
    cues = "\n\n".join(f"{n}\n00:00:{n:02},000 --> 00:00:{n + 1:02},000\nword {n}." for n in range(59))
    imported = read(cues, "srt")
    assert [u.end_s - u.start_s for u in imported.transcript.utterances] == [30.0, 29.0]
    assert imported.labels == ()
    assert [speaker.role for speaker in imported.transcript.speakers] == ["speaker"]


# --- round trips ----------------------------------------------------------------------------------------------------

LABELS = st.sampled_from(["Amelia", "Mark", "Interviewer", "Speaker 2", "Older daughter", "Zoë"])
TEXTS = st.lists(st.text("abz éÅ.,?!'’-:()<>&", max_size=8), max_size=8).map(" ".join)


SAID = st.lists(st.tuples(LABELS, TEXTS, st.booleans()), min_size=1, max_size=8)


@settings(deadline=None)
@given(SAID, st.booleans(), st.sampled_from(["txt", "docx"]))
def test_export_then_import_gives_the_same_turns(said: list[tuple[str, str, bool]], timed: bool, name: str) -> None:
    lines = [line(n, label, text, overlapped=over) for n, (label, text, over) in enumerate(said)]
    imported = read(export.load_for_recording(name).write(transcript(*lines, timed=timed)), name)
    spoken = [u for u in imported.transcript.utterances if u.speaker != NOTE_LABEL]
    names = dict(imported.labels)
    assert [(names[u.speaker], u.text, u.overlapped) for u in spoken] == [(a, one_line(b), c) for a, b, c in said]
    assert imported.transcript.timed is timed
    assert [u.start_s for u in spoken] == [x.start_s if timed else 0.0 for x in lines]
    for utterance in imported.transcript.utterances:
        assert "".join(word.text for word in utterance.words) == utterance.text == one_line(utterance.text)


@settings(max_examples=60, deadline=None)
@given(SAID, st.sampled_from([nvivo.EXPORTER, word_paragraphs.ATLAS_TI, word_paragraphs.MAXQDA]))
def test_our_documents_for_coding_tools_are_read_again(said: list[tuple[str, str, bool]], exporter: Exporter) -> None:
    lines = [line(n, label, text, overlapped=over) for n, (label, text, over) in enumerate(said)]
    imported = read(exporter.write(transcript(*lines)), "docx")
    spoken = [u for u in imported.transcript.utterances if u.speaker != NOTE_LABEL]
    names = dict(imported.labels)
    assert [(names[u.speaker], u.text, u.overlapped) for u in spoken] == [(a, one_line(b), c) for a, b, c in said]
    assert imported.transcript.timed


def test_vtt_export_then_import() -> None:
    imported = read(export.load_for_recording("vtt").write(conversation()), "vtt")
    assert [pair for pair in turns(imported) if pair[0] != "note"] == [
        ("Interviewer", "How was it with [infant]?"),
        ("Amelia", "Grace is a fine word."),
        ("Interviewer", "Yes."),
    ]
