import csv
import io
import re

import docx
import pytest
from hypothesis import given, settings

from transcribe.errors import EngineError
from transcribe.export.nvivo import EXPORTER, TSV_EXPORTER
from transcribe.schema import AnonymisedTranscript, ReviewState

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, transcript
from .test_word_docx import wanted

SPAN = re.compile(r"(\d\d+):([0-5]\d):([0-5]\d)\.(\d)-(\d\d+):([0-5]\d):([0-5]\d)\.(\d)")
HEAD = ["Timespan", "Content", "Speaker"]


def table(data: bytes) -> list[list[str]]:
    """The rows, read by python-docx; there must be one table and no other text in the body."""
    document = docx.Document(io.BytesIO(data))
    (found,) = document.tables
    assert [paragraph.text for paragraph in document.paragraphs] == [""]
    return [[cell.text for cell in row.cells] for row in found.rows]


def tabbed(data: bytes) -> list[list[str]]:
    """The cells of each line, without what guards them: no cell is a formula, every line must have as many."""
    assert data.startswith(b"\xef\xbb\xbf")
    lines = data.decode("utf-8-sig").split("\r\n")
    assert lines.pop() == ""
    rows = [line.split("\t") for line in lines]
    assert not any(cell.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20")) for row in rows for cell in row)
    rows = [[re.sub(r"^'(?='*[\"=+\-@\uff1d\uff0b\uff0d\uff20])", "", cell) for cell in row] for row in rows]
    assert {len(row) for row in rows} == {4}
    assert not re.search(r"[\r\n]", "".join(lines))
    return rows


def spans(rows: list[list[str]]) -> list[tuple[int, int]]:
    """Start and end of each row in tenths; in order, none of no length."""
    found: list[tuple[int, int]] = []
    for row in rows:
        match = SPAN.fullmatch(row[0])
        assert match, row[0]
        h, m, s, t, *end = map(int, match.groups())
        span = ((h * 60 + m) * 60 + s) * 10 + t, ((end[0] * 60 + end[1]) * 60 + end[2]) * 10 + end[3]
        assert span[0] < span[1]
        assert not found or found[-1][0] <= span[0]
        found.append(span)
    return found


def test_golden() -> None:
    rows = [
        ["00:00:02.0-00:00:07.0", "How was it with [infant]?", "Interviewer"],
        ["00:01:02.0-00:01:07.0", "Grace is a fine word.", "Amelia"],
        ["00:02:02.0-00:02:07.0", "(overlapping) Yes.", "Interviewer"],
    ]
    assert table(EXPORTER.write(conversation())) == [HEAD, *rows]
    said = f"R001 - {STATEMENT} - REVIEWED - a person has settled these replacements."
    assert tabbed(TSV_EXPORTER.write(conversation())) == [[*HEAD, said], *([*row, "REVIEWED"] for row in rows)]


def test_the_first_row_is_repeated_and_only_the_page_head_says_what_file_this_is() -> None:
    document = docx.Document(io.BytesIO(EXPORTER.write(conversation(review=ReviewState.UNREVIEWED, dates="withheld"))))
    assert ["tblHeader" in row._tr.xml for row in document.tables[0].rows] == [True, False, False, False]
    assert [paragraph.text for paragraph in document.sections[0].header.paragraphs][:5] == [
        "Interviewer",
        "Amelia",
        "R001 - Dates: withheld",
        STATEMENT,
        "UNREVIEWED - no person has checked these replacements.",
    ]


def test_every_line_of_the_tabbed_file_says_that_nobody_looked() -> None:
    head, *rows = tabbed(TSV_EXPORTER.write(conversation(review=ReviewState.UNREVIEWED)))
    assert "UNREVIEWED" in head[3]
    assert {row[3] for row in rows} == {"UNREVIEWED"}


def test_rows_are_in_order_of_start_and_none_is_of_no_length() -> None:
    made = transcript(
        line(2, "Amelia", "c", seconds=0.0),
        line(0, "Interviewer", "a", seconds=500.0),
        line(1, "Amelia", "b", seconds=-3.0),
        line(61, "Amelia", "d", seconds=0.04),
    )
    for rows in (table(EXPORTER.write(made))[1:], tabbed(TSV_EXPORTER.write(made))[1:]):
        assert [row[1] for row in rows] == ["a", "b", "c", "d"]
        assert spans(rows) == [(20, 5020), (620, 621), (1220, 1221), (36620, 36621)]


def test_empty_transcript_and_without_times() -> None:
    assert table(EXPORTER.write(transcript())) == [HEAD]
    assert len(tabbed(TSV_EXPORTER.write(transcript()))) == 1
    for exporter in (EXPORTER, TSV_EXPORTER):
        assert exporter.timed
        with pytest.raises(EngineError, match=r"R001.*nvivo.* needs times.*choose docx"):
            exporter.write(conversation(timed=False))
    with pytest.raises(EngineError, match="nvivo needs the date of settling"):
        EXPORTER.write(conversation(settled_on="yesterday"))


@settings(max_examples=60, deadline=None)
@given(awkward_transcripts())
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    data, tsv = EXPORTER.write(made), TSV_EXPORTER.write(made)
    for rows, strings in (
        (table(data)[1:], EXPORTER.read_text(data)),
        (tabbed(tsv)[1:], TSV_EXPORTER.read_text(tsv)),
    ):
        assert [(row[2], row[1]) for row in rows] == wanted(made)
        assert len(spans(rows)) == len(made.lines)
        assert {part for row in wanted(made) for part in row if part} <= set(strings)


def test_hostile_turn_and_a_broken_file() -> None:
    made = transcript(line(0, "A & <B>", HOSTILE))
    said = ["00:00:02.0-00:00:07.0", "a --> b NOTE x<v Eve>]]>&amp; - &", "A & <B>"]
    assert table(EXPORTER.write(made))[1] == said
    data = TSV_EXPORTER.write(made)
    assert tabbed(data)[1][:3] == said
    with pytest.raises(AssertionError):
        tabbed(data.replace(b"\tA & <B>", b"\tA &\t<B>"))
    with pytest.raises(AssertionError):
        spans(tabbed(data.replace(b"00:00:07.0", b"00:00:02.0"))[1:])


def test_a_turn_that_begins_with_a_quotation_mark_swallows_no_row_of_a_spreadsheet() -> None:
    said = ('"I never said that, she told me.', "And he said no.", 'Right." And so on', "'\"Mm.")
    made = transcript(*(line(n, "S1", text) for n, text in enumerate(said)))
    data = TSV_EXPORTER.write(made)
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines(), delimiter="\t"))
    assert len(rows) == 1 + len(said)
    assert [row[1].removeprefix("'") for row in rows[1:]] == [said[0], said[1], said[2], said[3]]
    assert set(said) <= set(TSV_EXPORTER.read_text(data))


@pytest.mark.parametrize("text", ["=1+1", "+44", "- so", "@me", "'=x", "''-x", "'cause", "\uff1dx", "'"])
def test_no_cell_of_the_tabbed_file_is_a_formula_and_each_comes_back(text: str) -> None:
    data = TSV_EXPORTER.write(transcript(line(0, text, text)))
    assert tabbed(data)[1][1:3] == [text, text]
    assert text in TSV_EXPORTER.read_text(data)
