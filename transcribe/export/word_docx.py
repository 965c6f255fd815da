"""Word documents, both ways: written with real styles through python-docx, and read paragraph by paragraph.

Equal inputs give equal bytes: dates are those of settling, zip entries have a fixed order, time and no compression
(deflated bytes differ between builds of zlib). python-docx writes no revision ids (`w:rsid`).

Read are the body's paragraphs, tables and text boxes in document order, inserted text included, and apart from them
page headers, footers, footnotes, endnotes and comments. Not read: what track changes marks as deleted or moved away.
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.parser import parse_xml
from docx.shared import Pt
from lxml import etree

from transcribe.errors import EngineError, StudyError
from transcribe.export import Exporter
from transcribe.export.layout import header_lines, one_line, review_line, speech, stamp
from transcribe.schema import AnonymisedTranscript, Line, Quiet, ReviewState, record

HEADER_STYLE = "Transcript header"
TURN_STYLE = "Transcript turn"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
# Parts of python-docx's template that no transcript needs: a picture of a page, a second style sheet, a bibliography.
MAX_UNPACKED_BYTES = 200 * 2**20
MAX_PARTS = 5000
_UNNEEDED = ("/thumbnail", "/stylesWithEffects", "/customXml")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError when `settled_on` is no ISO date."""
    document = docx.Document()
    _strip_template(document)
    _add_styles(document)
    _set_properties(document, transcript)
    title, *notes = header_lines(transcript)
    document.add_paragraph(title, style="Title")
    for note in notes:
        document.add_paragraph(note, style=HEADER_STYLE)
    for line in transcript.lines:
        _add_turn(document, line, timed=transcript.timed)
    running = f"{one_line(transcript.recording_id)} - {review_line(transcript)}"
    document.sections[0].header.paragraphs[0].text = running
    buffer = io.BytesIO()
    document.save(buffer)
    return _fixed_zip(buffer)


def _strip_template(document: Document) -> None:
    """Takes out what the template brings and no transcript uses; its table styles alone are 250 kB."""
    for owner in (document.part.package, document.part):
        rels = owner.rels
        for rel_id in [rid for rid, rel in rels.items() if rel.reltype.endswith(_UNNEEDED)]:
            del rels[rel_id]
    for style in list(document.styles):
        if style.type is WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()


def _add_styles(document: Document) -> None:
    for name, after_pt in ((HEADER_STYLE, 2), (TURN_STYLE, 8)):
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Normal"]
        style.paragraph_format.space_after = Pt(after_pt)
        style.quick_style = True


def _set_properties(document: Document, transcript: AnonymisedTranscript) -> None:
    try:
        settled = datetime.fromisoformat(transcript.settled_on[:10]).replace(tzinfo=UTC)
    except ValueError:
        raise EngineError(
            "docx needs the date of settling in ISO form", recording_id=transcript.recording_id, stage="release"
        ) from None
    core = document.core_properties
    core.title = one_line(transcript.recording_id)
    for name in ("author", "last_modified_by", "comments", "keywords", "subject", "category"):
        setattr(core, name, "")
    core.language = one_line(transcript.language)
    core.created = core.modified = settled
    core.revision = 1


def _add_turn(document: Document, line: Line, *, timed: bool) -> None:
    paragraph = document.add_paragraph(style=TURN_STYLE)
    if timed:
        paragraph.add_run(f"{stamp(line.start_s)} ")
    paragraph.add_run(f"{one_line(line.speaker)}:").bold = True
    text = speech(line)
    if text:
        paragraph.add_run(f" {text}")


def _fixed_zip(packed: io.BytesIO) -> bytes:
    """The same parts in a fixed order; `[Content_Types].xml` first, as readers expect (ECMA-376 part 2)."""
    out = io.BytesIO()
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(out, "w") as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, date_time=ZIP_TIME)
            entry.create_system = 3  # else the operating system's own number
            entry.external_attr = 0o600 << 16
            target.writestr(entry, source.read(name))
    return out.getvalue()


# python-docx's own parser gives elements whose `text` is that of all runs below them, so that it would count twice.
_PLAIN = etree.XMLParser(resolve_entities=False, no_network=True)


def read_text(data: bytes) -> tuple[str, ...]:
    """Every paragraph with its runs joined, and every other string of any part that an empty transcript lacks."""
    paragraphs, others = _strings(data)
    return (*paragraphs, *(string for string in others if string not in _empty_strings()))


def _strings(data: bytes) -> tuple[list[str], list[str]]:
    """The paragraphs' texts; and all else: part names, attributes, single texts, parts that are no XML as latin-1."""
    paragraphs: list[str] = []
    others: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        others += [text.decode("utf-8", "replace") for text in (package.comment,) if text]
        for entry in package.infolist():
            others += [entry.filename, entry.comment.decode("utf-8", "replace")]
            part = package.read(entry)
            if not entry.filename.endswith((".xml", ".rels")):
                others.append(part.decode("latin-1"))
                continue
            for node in etree.fromstring(part, _PLAIN).iter():
                others += [*node.attrib.values(), node.text or "", node.tail or ""]
                if str(node.tag).endswith("}p"):
                    paragraphs.append("".join(piece for piece in node.itertext()))
    return [text for text in paragraphs if text.strip()], [text for text in others if text.strip()]


@cache
def _empty_strings() -> frozenset[str]:
    """What this exporter writes when there is nothing to say."""
    empty = AnonymisedTranscript(
        recording_id="",
        language="",
        lines=(),
        policy="",
        statement="",
        review=ReviewState.UNREVIEWED,
        settled_on="1980-01-01",
        source_digest="",
        counts=(),
    )
    paragraphs, others = _strings(write(empty))
    return frozenset((*paragraphs, *others))


# --- reading a stranger's document ----------------------------------------------------------------------------------

_BODY = (".document.main+xml", ".template.main+xml", ".macroenabled.main+xml", ".macroenabledtemplate.main+xml")
_NOTES = (".header+xml", ".footer+xml", ".footnotes+xml", ".endnotes+xml", ".comments+xml")
# Properties (where `tab` is a tab stop), what was deleted or moved away, and the second copy of a text box.
_PASSED_OVER = {"pPr", "rPr", "sdtPr", "tblPr", "trPr", "tcPr", "sectPr", "del", "moveFrom", "Fallback"}
_SPACES = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# What zipfile and lxml raise on damaged or hostile bytes; lxml's own errors are SyntaxErrors and LookupErrors.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, LookupError,
               SyntaxError, NotImplementedError, RuntimeError, OverflowError)  # fmt: skip

Rows = tuple[tuple[str, ...], ...]


@record
class WordText(Quiet):
    """`blocks`: each a table's rows of cells, a paragraph being one of one cell; `notes`: paragraphs beside them."""

    blocks: tuple[Rows, ...]
    notes: tuple[str, ...]


def read_blocks(data: bytes) -> WordText:
    """The text of a Word document. Raises StudyError when it is damaged, none at all, or unpacks to over 200 MB."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise StudyError("the docx file unpacks to more than can be read", advice="save it anew from Word")
            kinds = _part_kinds(package)
            blocks = [block for name in _of_kind(kinds, _BODY)[:1] for block in _blocks(_parse(package.read(name)))]
            if not _of_kind(kinds, _BODY):
                raise ValueError("no main part")
            notes = [_flat(block) for name in _of_kind(kinds, _NOTES) for block in _blocks(_parse(package.read(name)))]
    except _UNREADABLE:
        raise StudyError("the file is not a readable docx", advice="open it in Word and save it anew as docx") from None
    return WordText(blocks=tuple(blocks), notes=tuple(note for note in notes if note.strip()))


def _part_kinds(package: zipfile.ZipFile) -> dict[str, str]:
    """Part name to content type (ECMA-376 part 2, 7.2.3); the main part is called document.xml by custom only."""
    types = _parse(package.read("[Content_Types].xml"))
    return {
        str(node.get("PartName", "")).lstrip("/"): str(node.get("ContentType", "")).lower()
        for node in types
        if _name(node) == "Override"
    }


def _of_kind(kinds: dict[str, str], endings: tuple[str, ...]) -> list[str]:
    return sorted(name for name, kind in kinds.items() if kind.endswith(endings))


def _parse(part: bytes) -> Any:
    """The root element. OOXML allows no document type, so no entity can be declared; python-docx resolves none."""
    if b"<!DOCTYPE" in part:
        raise ValueError("document type")
    return parse_xml(part)


def _name(node: Any) -> str:
    """The local name, since strict and transitional documents differ in their namespaces; empty for a comment."""
    return node.tag.rsplit("}", 1)[-1] if isinstance(node.tag, str) else ""


def _blocks(node: Any) -> Iterator[Rows]:
    for child in node:
        name = _name(child)
        if name == "p":
            boxes: list[Any] = []
            yield (("".join(_inline(child, boxes)),),)
            for box in boxes:
                yield from _blocks(box)
        elif name == "tbl":
            yield tuple(tuple(map(_cell, _children(row, "tc"))) for row in _children(child, "tr"))
        elif name not in _PASSED_OVER:
            yield from _blocks(child)


def _inline(node: Any, boxes: list[Any]) -> Iterator[str]:
    """The pieces of a paragraph's text; text boxes in it are put aside, to be read after it."""
    for child in node:
        name = _name(child)
        if name == "t":
            yield child.text or ""
        elif name in _SPACES:
            yield _SPACES[name]
        elif name == "txbxContent":
            boxes.append(child)
        elif name not in _PASSED_OVER:
            yield from _inline(child, boxes)


def _children(node: Any, wanted: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, also where a content control or a revision wraps them."""
    for child in node:
        if _name(child) == wanted:
            yield child
        elif _name(child) not in (*_PASSED_OVER, "tbl"):
            yield from _children(child, wanted)


def _cell(cell: Any) -> str:
    return "\n".join(_flat(block) for block in _blocks(cell)).strip()


def _flat(block: Rows) -> str:
    return "\n".join(" ".join(row) for row in block)


EXPORTER = Exporter(
    name="docx",
    suffix=".docx",
    summary="Word document, one paragraph a turn: NVivo, ATLAS.ti, MAXQDA, QualCoder",
    write=write,
    read_text=read_text,
)
