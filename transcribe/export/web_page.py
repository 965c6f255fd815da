"""A web page that needs nothing but itself: Taguette, QualCoder, Dedoose, any browser.

HTML Living Standard, https://html.spec.whatwg.org/. A heading, the header's lines as a list, a paragraph a turn with
the stamp, the label in `strong` and the text. Taguette keeps these elements and drops all others but not their text
(FORMATS 1.6). What was replaced stands in `span class="replaced"`, and is underlined; words that a reviewer kept are
not marked, since a mark would tell a reader where a name-like word stands.
"""

import html
from collections.abc import Iterator
from typing import Any

from lxml import html as lxml_html

from transcribe.export import Exporter
from transcribe.export.layout import OVERLAP_MARK, clean, header_lines, one_line, stamp
from transcribe.schema import AnonymisedTranscript, Line

_STYLE = "body{max-width:45em;margin:auto;padding:1em;line-height:1.5}.replaced{text-decoration:underline dotted}"


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: UTF-8, LF, a line a paragraph."""
    title, *notes = map(html.escape, header_lines(transcript))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{html.escape(one_line(transcript.language))}">',
        f'<head>\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{_STYLE}</style>\n</head>',
        f"<body>\n<header>\n<h1>{title}</h1>\n<ul>",
        *(f"<li>{note}</li>" for note in notes),
        "</ul>\n</header>\n<main>",
        *(_paragraph(line, timed=transcript.timed) for line in transcript.lines),
        "</main>\n</body>\n</html>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _paragraph(line: Line, *, timed: bool) -> str:
    pieces = [
        f'<span class="replaced">{html.escape(piece)}</span>' if replaced else html.escape(piece)
        for piece, replaced in _pieces(line)
    ]
    before = f"{stamp(line.start_s)} " if timed else ""
    label = f"<strong>{html.escape(one_line(line.speaker))}:</strong>"
    said = " ".join(filter(None, [OVERLAP_MARK if line.overlapped else "", "".join(pieces)]))
    return f"<p>{before}{label} {said}".rstrip() + "</p>"


def _pieces(line: Line) -> Iterator[tuple[str, bool]]:
    """The turn's text on one line, in pieces, and whether each was written instead of something."""
    text, at = line.text, 0
    stretches = []
    for span in sorted(line.replaced, key=lambda span: span.start):
        stretches += [(text[at : span.start], False), (text[span.start : span.end], True)]
        at = span.end
    begun = spaced = False
    for stretch, replaced in [*stretches, (text[at:], False)]:
        cleaned = clean(stretch)
        piece = " ".join(cleaned.split())
        if piece:
            if begun and (spaced or cleaned[0] == " "):
                yield " ", False
            yield piece, replaced
            begun, spaced = True, cleaned[-1] == " "
        else:
            spaced = spaced or bool(cleaned)


def read_text(data: bytes) -> tuple[str, ...]:
    """Every attribute, text and comment, and of each paragraph all of it and what stands after its label.

    A `span` parts no words: what it holds and what follows it are read with the paragraph.
    """
    strings: list[str] = []
    for node in nodes(data):
        strings += [*node.attrib.values(), *([] if node.tag == "span" else [node.text or "", node.tail or ""])]
        if node.tag == "p":
            strings += ["".join(node.itertext()), _after_label(node)]
    return tuple(string.strip() for string in strings if string.strip())


def nodes(data: bytes) -> list[Any]:
    """All elements, comments and processing instructions of a page."""
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
    root = lxml_html.document_fromstring(data, parser=parser)
    return [*root.itersiblings(preceding=True), *root.iter(), *root.itersiblings()]


def _after_label(paragraph: Any) -> str:
    """The text after the first `strong`."""
    label = paragraph.find("strong")
    if label is None:
        return ""
    return "".join(paragraph.itertext()).removeprefix((paragraph.text or "") + "".join(label.itertext()))


EXPORTER = Exporter(
    name="html",
    suffix=".html",
    summary="a web page, one paragraph a turn: Taguette, QualCoder, any browser",
    write=write,
    read_text=read_text,
)
