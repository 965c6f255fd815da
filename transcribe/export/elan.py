"""ELAN annotation files (EAF 3.0): a tier a speaker, an annotation a turn.

Schema: http://www.mpi.nl/tools/elan/EAFv3.0.xsd. The children of ANNOTATION_DOCUMENT stand in its order: LICENSE,
HEADER, TIME_ORDER, TIER, LINGUISTIC_TYPE. Time slots are milliseconds in rising order; annotation ids count turns.

Annotations of one tier may not overlap. A turn that begins while the same speaker's turn before it lasts stands in a
second tier, `Amelia (2)`, of the same participant. That others spoke at the same time can be seen from the times.

AUTHOR, which the schema demands, is empty; DATE is the day of settling. The statement and the review state are the
LICENSE, which ELAN shows, and every header line is a PROPERTY. The sound, where there is one, is named without a
folder: ELAN looks beside the file.
"""

import re
from datetime import date

from lxml import etree

from transcribe.errors import EngineError
from transcribe.export import Exporter
from transcribe.export.cues import Tier, need_times, tiers, uncounted
from transcribe.export.layout import header_lines, one_line, review_line
from transcribe.schema import AnonymisedTranscript, Line

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_TYPE = "turn"
_IDENTIFIER = re.compile(r"(?:ts|a)?\d+")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError for a transcript without clock times or when `settled_on` is no ISO date."""
    need_times(transcript, "elan")
    root = etree.Element("ANNOTATION_DOCUMENT", nsmap={"xsi": _XSI})
    for name, value in (("AUTHOR", ""), ("DATE", _date(transcript)), ("FORMAT", "3.0"), ("VERSION", "3.0")):
        root.set(name, value)
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", _SCHEMA)
    notice = f"{one_line(transcript.statement)} {review_line(transcript)}".strip()
    etree.SubElement(root, "LICENSE", LICENSE_URL="").text = notice
    _add_header(root, transcript)
    made = tiers(transcript.lines)
    slots = _add_times(root, made)
    for tier in made:
        _add_tier(root, tier, slots, transcript.lines)
    etree.SubElement(
        root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID=_TYPE, TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false"
    )
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def _date(transcript: AnonymisedTranscript) -> str:
    try:
        return f"{date.fromisoformat(transcript.settled_on[:10]).isoformat()}T00:00:00Z"
    except ValueError:
        raise EngineError(
            "elan needs the date of settling in ISO form", recording_id=transcript.recording_id, stage="release"
        ) from None


def _add_header(root: etree._Element, transcript: AnonymisedTranscript) -> None:
    header = etree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    audio = one_line(transcript.audio)
    if audio:
        mime = "audio/x-wav" if audio.lower().endswith(".wav") else "unknown"
        etree.SubElement(
            header, "MEDIA_DESCRIPTOR", MEDIA_URL=f"./{audio}", MIME_TYPE=mime, RELATIVE_MEDIA_URL=f"./{audio}"
        )
    for text in header_lines(transcript):
        etree.SubElement(header, "PROPERTY", NAME="about").text = text


def _add_times(root: etree._Element, made: list[Tier]) -> dict[tuple[int, int], str]:
    """Writes two time slots for each turn; their ids by the turn's place and 0 (start) or 1 (end)."""
    order = etree.SubElement(root, "TIME_ORDER")
    times = [(time, place, end) for tier in made for *both, place in tier.turns for end, time in enumerate(both)]
    slots = {}
    for count, (time, place, end) in enumerate(sorted(times), start=1):
        slots[place, end] = f"ts{count}"
        etree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{count}", TIME_VALUE=str(time))
    return slots


def _add_tier(root: etree._Element, tier: Tier, slots: dict[tuple[int, int], str], lines: tuple[Line, ...]) -> None:
    element = etree.SubElement(root, "TIER", TIER_ID=tier.name, PARTICIPANT=tier.speaker, LINGUISTIC_TYPE_REF=_TYPE)
    for _, _, place in tier.turns:
        annotation = etree.SubElement(
            etree.SubElement(element, "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            ANNOTATION_ID=f"a{place + 1}",
            TIME_SLOT_REF1=slots[place, 0],
            TIME_SLOT_REF2=slots[place, 1],
        )
        etree.SubElement(annotation, "ANNOTATION_VALUE").text = one_line(lines[place].text)


_SAFE = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def read_text(data: bytes) -> tuple[str, ...]:
    """Every attribute, text and comment; tiers without their number; ids and times of slots left out."""
    strings: list[str] = []
    root = etree.fromstring(data, _SAFE)
    for node in (*root.itersiblings(preceding=True), *root.iter(), *root.itersiblings()):
        strings += [uncounted(value) if name == "TIER_ID" else value for name, value in node.attrib.items()]
        strings += [node.text or "", node.tail or ""]
        if node.tag == "ANNOTATION_VALUE" and len(node):
            strings.append("".join(node.itertext()))
    return tuple(text for text in map(str.strip, strings) if text and not _IDENTIFIER.fullmatch(text))


EXPORTER = Exporter(
    name="elan",
    suffix=".eaf",
    summary="ELAN annotations, a tier a speaker: ELAN, EXMARaLDA; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)
