"""Word documents of strangers and our own, read block by block: paragraphs with the styles they bear, and tables.

Read are the body's paragraphs, tables and text boxes in document order, inserted text included, and apart from them
page headers, footers, footnotes, endnotes and comments. Not read: what track changes marks as deleted or moved away.
"""

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from docx.oxml.parser import parse_xml

from transcribe.errors import StudyError
from transcribe.schema import Quiet, record

MAX_UNPACKED_BYTES = 200 * 2**20
MAX_PARTS = 5000
MAX_PARSED_BYTES = 50 * 2**20  # of one part that is parsed: in memory it takes many times as much
MAX_BLOCKS = 200_000
_BODY = (".document.main+xml", ".template.main+xml", ".macroenabled.main+xml", ".macroenabledtemplate.main+xml")
_STYLES = (".styles+xml",)
_NOTES = (".header+xml", ".footer+xml", ".footnotes+xml", ".endnotes+xml", ".comments+xml")
# Properties (where `tab` is a tab stop), what was deleted or moved away, and the second copy of a text box.
_PASSED_OVER = {"pPr", "rPr", "sdtPr", "tblPr", "trPr", "tcPr", "sectPr", "del", "moveFrom", "Fallback"}
_ELSEWHERE = {"altChunk", "subDoc"}  # stand for other files, in other formats too
_SPACES = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# What zipfile and lxml raise on damaged or hostile bytes; lxml's own errors are SyntaxErrors and LookupErrors.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, LookupError,
               SyntaxError, NotImplementedError, RuntimeError, OverflowError)  # fmt: skip

Rows = tuple[tuple[str, ...], ...]
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_DEEPEST_STYLE = 11  # styles are built on one another; Word itself allows eleven


@record
class Block(Quiet):
    """A table's rows of cells, or a paragraph as one of one cell, with its style's name; `heading`: its level, or 0."""

    rows: Rows
    style: str = ""
    heading: int = 0


@record
class WordText(Quiet):
    """`blocks`: the body's, in document order; `notes`: paragraphs beside it."""

    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def read_blocks(data: bytes) -> WordText:
    """The text of a Word document. Raises StudyError when it is damaged, none at all, or unpacks to over 200 MB."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise _too_large()
            kinds = _part_kinds(package)
            styles = _styles([_parse(_part(package, name)) for name in _of_kind(kinds, _STYLES)[:1]])
            main_part = _of_kind(kinds, _BODY)[0]  # a LookupError where there is none
            body = _parse(_part(package, main_part))
            if any(_name(node) in _ELSEWHERE for node in body.iter()):
                raise ValueError("text that Word puts in when it opens the file")
            blocks = tuple(islice(_blocks(body, styles), MAX_BLOCKS + 1))
            notes = [
                _flat(block) for name in _of_kind(kinds, _NOTES) for block in _blocks(_parse(_part(package, name)))
            ]
    except _UNREADABLE:
        raise StudyError("the file is not a readable docx", advice="open it in Word and save it anew as docx") from None
    if len(blocks) > MAX_BLOCKS:
        raise _too_large()
    return WordText(blocks=blocks, notes=tuple(note for note in notes if note.strip()))


def _too_large() -> StudyError:
    return StudyError("the docx file unpacks to more than can be read", advice="save it anew from Word")


def _part(package: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a part; zipfile reads no more of it than its entry promises."""
    if package.getinfo(name).file_size > MAX_PARSED_BYTES:
        raise _too_large()
    return package.read(name)


def _part_kinds(package: zipfile.ZipFile) -> dict[str, str]:
    """Part name to content type (ECMA-376 part 2, 7.2.3); the main part is called document.xml by custom only."""
    types = _parse(_part(package, "[Content_Types].xml"))
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


def _styles(parts: list[Any]) -> dict[str, tuple[str, int]]:
    """Paragraph style id to its name and its heading level, or that of the style it is built on; 0 for other styles.

    Headings are called `heading 1` ... in every language of Word, their ids are not (ECMA-376 part 1, 17.7.4.9).
    """
    found = {
        _value(style, "styleId"): (_child_value(style, "name"), _child_value(style, "basedOn"))
        for part in parts
        for style in part
        if _name(style) == "style"
    }
    styles = {}
    for style_id, (name, parent) in found.items():
        line = [name]
        while parent in found and len(line) < _DEEPEST_STYLE:
            above, parent = found[parent]
            line.append(above)
        levels = [int(match.group(1)) for match in map(_HEADING.fullmatch, line) if match]
        styles[style_id] = (name, levels[0] if levels else 0)
    return styles


def _value(node: Any, wanted: str) -> str:
    """An attribute by its local name."""
    return next((str(value) for name, value in node.attrib.items() if name.rsplit("}", 1)[-1] == wanted), "")


def _child_value(node: Any, wanted: str) -> str:
    """The `val` of the first child of that name."""
    return next((_value(child, "val") for child in node if _name(child) == wanted), "")


def _blocks(node: Any, styles: Mapping[str, tuple[str, int]] = MappingProxyType({})) -> Iterator[Block]:
    for child in node:
        name = _name(child)
        if name == "p":
            boxes: list[Any] = []
            properties = next((part for part in child if _name(part) == "pPr"), ())
            style, heading = styles.get(_child_value(properties, "pStyle"), ("", 0))
            yield Block(rows=(("".join(_inline(child, boxes)),),), style=style, heading=heading)
            for box in boxes:
                yield from _blocks(box, styles)
        elif name == "tbl":
            yield Block(rows=tuple(tuple(map(_cell, _children(row, "tc"))) for row in _children(child, "tr")))
        elif name not in _PASSED_OVER:
            yield from _blocks(child, styles)


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


def _flat(block: Block) -> str:
    return "\n".join(" ".join(row) for row in block.rows)
