"""What all our Word documents are made of: one template, styles, properties, a running head, a zip that never changes.

Equal inputs give equal bytes: dates are those of settling, and python-docx writes no revision ids (`w:rsid`).
Paragraphs are made as bare elements: python-docx's own `add_paragraph` looks each style up, and its tables count their
cells again for each row.
"""

import io
import zipfile
from datetime import UTC, datetime
from functools import cache
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.parser import OxmlElement, oxml_parser
from docx.shared import Cm, Pt
from lxml import etree

from transcribe.errors import EngineError
from transcribe.export.layout import header_lines, one_line, review_line
from transcribe.export.packed import own_strings, pack
from transcribe.schema import AnonymisedTranscript

HEADER_STYLE = "Transcript header"
TURN_STYLE = "Transcript turn"
RUNNING_STYLE = "Transcript running head"
STATE = "Pseudonymised: a key exists."
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Parts of python-docx's template that no transcript needs: a picture of a page, a second style sheet, a bibliography.
_UNNEEDED = ("/thumbnail", "/stylesWithEffects", "/customXml")
_PAGE_NUMBER = (("fldChar", "begin"), ("instrText", "PAGE"), ("fldChar", "end"))


# --- a new document -------------------------------------------------------------------------------------------------


def new_document(transcript: AnonymisedTranscript, name: str, notes: tuple[str, ...] = ()) -> Document:
    """A document without a body: properties, language, page number, and a running head that says who and what it is.

    `name` is that of the format; `notes` go into the running head where the body can hold none. Raises EngineError when
    `settled_on` is no ISO date.
    """
    document = docx.Document(io.BytesIO(_template()))
    _set_properties(document, transcript, name)
    _set_language(document, one_line(transcript.language))
    for text in _running_head(transcript, notes):
        document.sections[0].header._element.append(paragraph(RUNNING_STYLE, text))
    return document


@cache
def _template() -> bytes:
    """python-docx's template as a document without a text, for paper of size A4."""
    document = docx.Document()
    for owner in (document.part.package, document.part):
        rels = owner.rels
        for rel_id in [rid for rid, rel in rels.items() if rel.reltype.endswith(_UNNEEDED)]:
            del rels[rel_id]
    for style in list(document.styles):  # the table styles alone are 250 kB
        if style.type is WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()
    for name, size_pt, after_pt in ((HEADER_STYLE, None, 2), (TURN_STYLE, None, 8), (RUNNING_STYLE, 8, 0)):
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Normal"]
        style.paragraph_format.space_after = Pt(after_pt)
        style.font.size = Pt(size_pt) if size_pt else None
        style.quick_style = True
    for name in ("Title", HEADER_STYLE, RUNNING_STYLE):  # lines are counted from the first turn (17.3.1.35)
        document.styles[name].element.get_or_add_pPr().insert(0, OxmlElement("w:suppressLineNumbers"))
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    for part in (section.header, section.footer):
        part.is_linked_to_previous = False
        part._element.remove(part.paragraphs[0]._p)
    section.footer._element.append(_page_number())
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _page_number() -> Any:
    """A paragraph with the field PAGE (ECMA-376 part 1, 17.16.5.44); without a stored result, since readers count."""
    made = paragraph(RUNNING_STYLE, "")
    for tag, value in _PAGE_NUMBER:
        node = etree.SubElement(etree.SubElement(made, f"{W}r"), W + tag)
        if tag == "fldChar":
            node.set(f"{W}fldCharType", value)
        else:
            node.text = value
    return made


def _set_properties(document: Document, transcript: AnonymisedTranscript, name: str) -> None:
    try:
        settled = datetime.fromisoformat(transcript.settled_on[:10]).replace(tzinfo=UTC)
    except ValueError:
        raise EngineError(
            f"{name} needs the date of settling in ISO form", recording_id=transcript.recording_id, stage="release"
        ) from None
    core = document.core_properties
    core.title = one_line(transcript.recording_id)
    for field in ("author", "last_modified_by", "comments", "keywords", "subject", "category"):
        setattr(core, field, "")
    core.language = one_line(transcript.language)
    core.created = core.modified = settled
    core.revision = 1


def _set_language(document: Document, language: str) -> None:
    """The language of all text, whatever its script, for spelling and for being read aloud (17.3.2.20)."""
    for lang in document.styles.element.iter(f"{W}lang"):
        for script in ("val", "eastAsia", "bidi"):
            lang.set(W + script, language)


def _running_head(transcript: AnonymisedTranscript, notes: tuple[str, ...]) -> tuple[str, ...]:
    """The lines at the head of each page: participants who speak, each alone as the gate wants it; what file this is.

    Where no participant is known to speak, all speakers stand there.
    """
    speakers = tuple(dict.fromkeys(one_line(line.speaker) for line in transcript.lines))
    participants = {one_line(case.label) for case in transcript.cases if case.role == "participant"}
    named = tuple(label for label in speakers if label in participants) or speakers
    dates = f" - Dates: {one_line(transcript.dates)}" if transcript.dates else ""
    what = f"{one_line(transcript.recording_id)}{dates}"
    return (*named, what, *(notes or (f"{STATE} {review_line(transcript)}",)))


# --- paragraphs -----------------------------------------------------------------------------------------------------


def paragraph(style: str, text: str) -> Any:
    """A `w:p` element of that style; `text` has no spaces at its ends."""
    made = oxml_parser.makeelement(f"{W}p", nsmap={"w": W[1:-1]})
    properties = etree.SubElement(made, f"{W}pPr")
    etree.SubElement(properties, f"{W}pStyle").set(f"{W}val", style.replace(" ", ""))  # python-docx names ids so
    if text:
        etree.SubElement(etree.SubElement(made, f"{W}r"), f"{W}t").text = text
    return made


def add(document: Document, *elements: Any) -> None:
    """Put paragraphs or tables at the end of the body."""
    end = document.element.body.sectPr
    for element in elements:
        end.addprevious(element)


def add_header(document: Document, transcript: AnonymisedTranscript) -> None:
    """The lines before the first turn: a title, and notes under it."""
    title, *notes = header_lines(transcript)
    add(document, paragraph("Title", title), *(paragraph(HEADER_STYLE, note) for note in notes))


# --- bytes ----------------------------------------------------------------------------------------------------------


def saved(document: Document) -> bytes:
    """The parts in a fixed order; `[Content_Types].xml` first, as readers expect (ECMA-376 part 2)."""
    buffer = io.BytesIO()
    document.save(buffer)
    with zipfile.ZipFile(buffer) as source:
        names = sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        return pack((name, source.read(name)) for name in names)


# python-docx's own parser gives elements whose `text` is that of all runs below them, so that it would count twice.
_PLAIN = etree.XMLParser(resolve_entities=False, no_network=True)


def read_text(data: bytes) -> tuple[str, ...]:
    """Every paragraph with its runs joined, and every other string of any part that the bare template lacks."""
    paragraphs, others = read_parts(data)
    return (*paragraphs, *others)


def read_parts(data: bytes) -> tuple[list[str], list[str]]:
    """The same, the paragraphs apart."""
    paragraphs, others = _strings(data)
    return paragraphs, [string for string in others if string not in _template_strings()]


def _strings(data: bytes) -> tuple[list[str], list[str]]:
    """The paragraphs' texts; and all else: part names, attributes, single texts, parts that are no XML as latin-1."""
    paragraphs: list[str] = []
    others: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        others += own_strings(package)
        for entry in package.infolist():
            part = package.read(entry)
            if not entry.filename.endswith((".xml", ".rels")):
                others.append(part.decode("latin-1"))
                continue
            for node in etree.fromstring(part, _PLAIN).iter():
                others += [*node.attrib.values(), node.text or "", node.tail or ""]
                if str(node.tag).endswith("}p"):
                    paragraphs.append("".join(piece for piece in node.itertext()))
    return [text for text in paragraphs if text.strip()], [text for text in dict.fromkeys(others) if text.strip()]


@cache
def _template_strings() -> frozenset[str]:
    """What stands in a document that says nothing: fonts, of which some are first names, and names of styles."""
    paragraphs, others = _strings(_template())
    return frozenset((*paragraphs, *others))
