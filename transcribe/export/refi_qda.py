"""REFI-QDA project (.qdpx): the whole study with texts, codes, cases and variables, for NVivo, ATLAS.ti, MAXQDA,
QualCoder and others.

Source: REFI-QDA 1.5 (section numbers below are its own), its schema Project.xsd of 18 March 2019, and FORMATS 1.1.

A zip of `project.qde` and a lower-case `sources/` with a text for each interview, laid out as plain text is, since
QualCoder drops sync points and reads the visible stamps. A text is UTF-8 without BOM, and has LF, or CRLF where
`layout.crlf` says so. Positions are half-open and count code points of the text with LF (10.2): a CRLF counts as one,
as in ATLAS.ti; NVivo on Windows counts two, so that CRLF is for MAXQDA alone. No character is outside the basic plane
by now, so that code points and UTF-16 units are the same.

Coded are: what a turn says, without stamp, label and the overlap mark, by its speaker ("Speakers"); every replacement
in it, by its kind ("Anonymised"); and what is unclear. An empty turn has no selection. The transcript of a sound is
coded from one sync point to the next, which stand where paragraphs begin, so that there stamp and label belong to it.

All ids are uuid5 of the study's keyed digests and of names: a source's of its digest and id, a case's of its key, a
speaker code's of its label and the key of the one case that bears it; of a name alone where nobody is meant (groups,
kinds, a role as label, variables). They stay from one release to the next.
"""

import io
import re
import uuid
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from lxml import etree

from transcribe import __version__
from transcribe.errors import EngineError
from transcribe.export import StudyExporter, marked_name
from transcribe.export.layout import OVERLAP_MARK, clean, header_lines, one_line, review_line, stamp
from transcribe.export.packed import own_strings, pack
from transcribe.schema import AnonymisedTranscript, Case, Kind, Line, Quiet, record

NAMESPACE = "urn:QDA-XML:project:1.0"
USER = "transcribe"
SPEAKERS, ANONYMISED, UNCLEAR = "Speakers", "Anonymised", "Unclear"
_LOCATION = f"{NAMESPACE} http://schema.qdasoftware.org/versions/Project/v1.0/Project.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
_BY = str(uuid.uuid5(_IDS, USER))
# Okabe and Ito's colours, which the colour-blind tell apart, without black, and three more.
_COLOURS = "#E69F00 #56B4E9 #009E73 #F0E442 #0072B2 #D55E00 #CC79A7 #999999 #882255 #44AA99".split()
# Numbers that every tool reads and that lose nothing when read as one: no leading zeros, no more than 32 bits hold.
_WHOLE = "-?(?:0|[1-9][0-9]{0,8})"
_TYPES = (("Integer", re.compile(_WHOLE)), ("Float", re.compile(rf"{_WHOLE}(?:\.[0-9]+)?")))

Key = tuple[str, str]
"""Whose and what: (group, name) of a code; (owner, name) of a variable, the owner empty for our own."""


@record
class _Coded(Quiet):
    """A stretch [start, end) of a source's text and the code it bears."""

    start: int
    end: int
    code: Key


@record
class _Source(Quiet):
    """An interview as text: where each turn's paragraph begins, and of each what is coded, the turn itself first."""

    transcript: AnonymisedTranscript
    text: str
    begins: tuple[int, ...]
    coded: tuple[tuple[_Coded, ...], ...]
    values: dict[Key, str]
    at: str

    def guid(self, *parts: str) -> str:
        return _guid("source", self.transcript.source_digest, one_line(self.transcript.recording_id), *parts)


@record
class _Person(Quiet):
    """Somebody who speaks: her labels, the places of her recordings in the release, and what is known of her."""

    key: str
    name: str
    labels: tuple[str, ...]
    places: tuple[int, ...]
    values: dict[Key, str]


@record
class _Variable(Quiet):
    guid: str
    name: str
    type: str


def write(transcripts: tuple[AnonymisedTranscript, ...]) -> bytes:
    """The project. Raises EngineError when a `settled_on` is no ISO date."""
    sources = tuple(map(_source, transcripts))
    files = [(f"sources/{name}", content) for source in sources for name, content in _files(source)]
    head = b'<?xml version="1.0" encoding="utf-8"?>\n'
    return pack([("project.qde", head + etree.tostring(_project(sources), encoding="utf-8") + b"\n"), *files])


def _files(source: _Source) -> Iterator[tuple[str, bytes]]:
    """The texts; that of a sound's transcript is its own, as every path names one file."""
    text = source.text.replace("\n", "\r\n") if source.transcript.layout.crlf else source.text
    yield f"{source.guid()}.txt", text.encode()
    if source.transcript.audio:
        yield f"{source.guid('transcript')}.txt", text.encode()


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(_IDS, "\n".join(parts)))


def _name(text: str) -> str:
    """A name that can be shown: never empty."""
    return one_line(text) or "-"


def _unique(name: str, taken: set[str], suffix: str = "") -> str:
    """The name, or else with the suffix, or else with a number, too, so that no two agree, case apart."""
    tries = (name, f"{name}{suffix}", *(f"{name}{suffix} {number}" for number in range(2, len(taken) + 3)))
    chosen = next(one for one in tries if one.casefold() not in taken)
    taken.add(chosen.casefold())
    return chosen


# --- texts ------------------------------------------------------------------------------------------------------------


def _source(transcript: AnonymisedTranscript) -> _Source:
    """The text as plain_text writes it, and what is coded in it."""
    paragraphs = ["\n".join(header_lines(transcript))]
    begins, coded = [], []
    length = len(paragraphs[0])
    labels = {speaker: one_line(speaker) for speaker in {line.speaker for line in transcript.lines}}
    for line in transcript.lines:
        text, label = line.text, labels[line.speaker]
        said = one_line(text)
        before = f"{stamp(line.start_s)} {label}: " if transcript.timed else f"{label}: "
        before += f"{OVERLAP_MARK} " if line.overlapped else ""
        begins.append(length + 2)
        at = begins[-1] + len(before)
        turn = [_Coded(start=at, end=at + len(said), code=(SPEAKERS, label or "-"))] if said else []
        coded.append((*turn, *_spans(line, text, said, at)))
        paragraphs.append((before + said).rstrip())
        length = begins[-1] + len(paragraphs[-1])
    return _Source(
        transcript=transcript,
        text="\n\n".join(paragraphs) + "\n",
        begins=tuple(begins),
        coded=tuple(coded),
        values=_recording_values(transcript),
        at=_moment(transcript),
    )


def _spans(line: Line, text: str, said: str, at: int) -> Iterator[_Coded]:
    """What was replaced and what is unclear in a turn that says `said` at `at`, without spaces at its ends."""
    marked = [(span.start, span.end, (ANONYMISED, _kind_name(span.kind))) for span in line.replaced if span.kind]
    marked += [(span.start, span.end, ("", UNCLEAR)) for span in line.unclear]
    kept = _kept(text, said) if marked else ()
    for span_start, span_end, code in sorted(marked):
        start = bisect_left(kept, span_start)
        piece = said[start : bisect_left(kept, span_end)]
        start += len(piece) - len(piece.lstrip())
        if piece.strip():
            yield _Coded(start=at + start, end=at + start + len(piece.strip()), code=code)


def _kept(text: str, said: str) -> Sequence[int]:
    """For each character of `said`, which is one_line(text), the index in `text` of the one that it stands for."""
    if text.strip() == said:
        lead = len(text) - len(text.lstrip())
        return range(lead, lead + len(said))
    kept: list[int] = []
    for index, char in enumerate(text):
        if len(kept) < len(said) and clean(char) == said[len(kept)]:
            kept.append(index)
    return kept


def _kind_name(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _moment(transcript: AnonymisedTranscript) -> str:
    """The date of settling as the schema's dateTime."""
    try:
        return f"{date.fromisoformat(transcript.settled_on[:10])}T00:00:00Z"
    except ValueError:
        raise EngineError(
            "qdpx needs the date of settling in ISO form", recording_id=transcript.recording_id, stage="release"
        ) from None


# --- people and variables ---------------------------------------------------------------------------------------------


def _people(transcripts: Iterable[AnonymisedTranscript]) -> tuple[_Person, ...]:
    """Everybody who speaks, once, in order of first recording and first turn."""
    found: dict[str, list[tuple[int, Case]]] = {}
    for place, transcript in enumerate(transcripts):
        for case in transcript.cases:
            if case.label:
                found.setdefault(case.key or case.name, []).append((place, case))
    taken: set[str] = set()
    return tuple(
        _Person(
            key=key,
            name=_unique(_name(seen[0][1].name or seen[0][1].label), taken),
            labels=tuple(dict.fromkeys(_name(case.label) for _, case in seen)),
            places=tuple(dict.fromkeys(place for place, _ in seen)),
            values=_merged(pair for _, case in seen for pair in _person_values(case)),
        )
        for key, seen in found.items()
    )


def _person_values(case: Case) -> Iterator[tuple[Key, str]]:
    yield ("", "role"), case.role
    if case.relation:
        yield ("", "relation"), case.relation
    for name, value in case.attributes:
        yield ("person", _name(name)), value


def _recording_values(transcript: AnonymisedTranscript) -> dict[Key, str]:
    pairs: list[tuple[Key, str]] = [(("", "recording"), transcript.recording_id)]
    if transcript.duration_s > 0:
        pairs.append((("", "duration_min"), f"{transcript.duration_s / 60:.1f}"))
    return _merged([*pairs, *((("recording", _name(name)), value) for name, value in transcript.variables)])


def _merged(pairs: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """Each variable's one value: where several were given they stand beside each other."""
    values: dict[Key, dict[str, None]] = {}
    for key, value in pairs:
        values.setdefault(key, {})[one_line(value)] = None
    return {key: "; ".join(filter(None, given)) for key, given in values.items()}


def _variables(held: Sequence[dict[Key, str]]) -> dict[Key, _Variable]:
    """Each variable, our own first, so that these keep their names, then in order of first value."""
    keys = sorted(dict.fromkeys(key for values in held for key in values), key=lambda key: key[0] != "")
    taken: set[str] = set()
    return {
        key: _Variable(
            guid=_guid("variable", *key),
            name=_unique(key[1], taken, f" ({key[0]})"),
            type=_type([values[key] for values in held if values.get(key)]),
        )
        for key in keys
    }


def _type(values: list[str]) -> str:
    return next((name for name, shape in _TYPES if values and all(map(shape.fullmatch, values))), "Text")


# --- the project ------------------------------------------------------------------------------------------------------


def _add(parent: Any, tag: str, **attributes: str) -> Any:
    """A child element; attributes stand in the order given."""
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def _made(at: str) -> dict[str, str]:
    return {"creatingUser": _BY, "creationDateTime": at}


def _project(sources: tuple[_Source, ...]) -> Any:
    """The root; the schema's order of children is enforced, and it knows no empty lists (6.3)."""
    people = _people(source.transcript for source in sources)
    variables = _variables([*(person.values for person in people), *(source.values for source in sources)])
    project = etree.Element(f"{{{NAMESPACE}}}Project", nsmap={None: NAMESPACE, "xsi": _XSI})
    project.set(f"{{{_XSI}}}schemaLocation", _LOCATION)
    project.set("name", marked_name("study", ""))
    project.set("origin", f"transcribe {__version__}")
    project.set("creatingUserGUID", _BY)
    if sources:
        project.set("creationDateTime", max(source.at for source in sources))
    _add(_add(project, "Users"), "User", guid=_BY, name=USER)
    codes = _add_codes(project, sources, people)
    if variables:
        group = _add(project, "Variables")
        for one in variables.values():
            _add(group, "Variable", guid=one.guid, name=one.name, typeOfVariable=one.type)
    if people:
        _add_cases(_add(project, "Cases"), people, sources, codes, variables)
    if sources:
        group = _add(project, "Sources")
        for source in sources:
            _add_text(group, source, codes, variables)
            if source.transcript.audio:
                _add_sound(group, source, codes, variables)
        _add_note(project, sources)
    return project


def _add_codes(project: Any, sources: tuple[_Source, ...], people: tuple[_Person, ...]) -> dict[Key, str]:
    """The code book, and each code's id: speakers in order of first turn, kinds in their own order."""
    used = dict.fromkeys(one.code for source in sources for turn in source.coded for one in turn)
    speaking = dict.fromkeys(_name(speaker) for speaker in _speakers(sources))
    labels = dict.fromkeys([*speaking, *(label for person in people for label in person.labels)])
    coloured = [((SPEAKERS, label), number) for number, label in enumerate(labels)]
    coloured += [
        ((ANONYMISED, _kind_name(kind)), n) for n, kind in enumerate(Kind) if (ANONYMISED, _kind_name(kind)) in used
    ]
    coloured += [(("", UNCLEAR), len(Kind))] if ("", UNCLEAR) in used else []
    if not coloured:
        return {}
    book = _add(_add(project, "CodeBook"), "Codes")
    groups = {"": book}
    codes: dict[Key, str] = {}
    for (group, name), number in coloured:
        if group not in groups:
            groups[group] = _add(book, "Code", guid=_guid("code", group), name=group, isCodable="false")
        keys = [person.key for person in people if group == SPEAKERS and name in person.labels]
        codes[group, name] = _guid("code", group, name, *(keys if len(keys) == 1 else ()))
        colour = _COLOURS[number % len(_COLOURS)]
        _add(groups[group], "Code", guid=codes[group, name], name=name, isCodable="true", color=colour)
    return codes


def _speakers(sources: Iterable[_Source]) -> dict[str, None]:
    return dict.fromkeys(line.speaker for source in sources for line in source.transcript.lines)


def _add_cases(
    group: Any,
    people: tuple[_Person, ...],
    sources: tuple[_Source, ...],
    codes: dict[Key, str],
    variables: dict[Key, _Variable],
) -> None:
    for person in people:
        case = _add(group, "Case", guid=_guid("case", person.key), name=person.name)
        for label in person.labels:
            _add(case, "CodeRef", targetGUID=codes[SPEAKERS, label])
        _add_values(case, person.values, variables)
        for source in (sources[place] for place in person.places):
            _add(case, "SourceRef", targetGUID=source.guid())
            if source.transcript.audio:
                _add(case, "SourceRef", targetGUID=source.guid("sound"))


def _add_values(parent: Any, values: dict[Key, str], variables: dict[Key, _Variable]) -> None:
    for key, value in values.items():
        if value:
            held = _add(parent, "VariableValue")
            _add(held, "VariableRef", targetGUID=variables[key].guid)
            _add(held, f"{variables[key].type}Value").text = value


def _add_text(group: Any, source: _Source, codes: dict[Key, str], variables: dict[Key, _Variable]) -> None:
    guid = source.guid()
    # never richTextPath: ATLAS.ti rejects a project where it names a .txt
    text = _add(
        group,
        "TextSource",
        guid=guid,
        name=_name(source.transcript.recording_id),
        plainTextPath=f"internal://{guid}.txt",
        **_made(source.at),
    )
    _add(text, "Description").text = review_line(source.transcript)
    for number, one in enumerate(one for turn in source.coded for one in turn):
        place = {"startPosition": str(one.start), "endPosition": str(one.end)}
        _add_coded(text, "PlainTextSelection", _guid(guid, str(number)), codes[one.code], place)
    _add_values(text, source.values, variables)


def _add_coded(parent: Any, tag: str, guid: str, code: str, place: dict[str, str]) -> None:
    selection = _add(parent, tag, guid=guid, **place, creatingUser=_BY)
    coding = _add(selection, "Coding", guid=_guid(guid, "coding"), creatingUser=_BY)
    _add(coding, "CodeRef", targetGUID=code)


def _add_sound(group: Any, source: _Source, codes: dict[Key, str], variables: dict[Key, _Variable]) -> None:
    """The covered sound beside the project, by its name alone (8.3), and its transcript."""
    # never currentPath or an absolute path: they hold names of folders and people
    name = re.split(r"[/\\]", _name(source.transcript.audio))[-1]
    made = _made(source.at)
    sound = _add(group, "AudioSource", guid=source.guid("sound"), name=name, path=f"relative:///{name}", **made)
    _add(sound, "Description").text = review_line(source.transcript)
    guid = source.guid("transcript")
    # QualCoder looks for the transcript of a sound by this name
    transcript = _add(
        sound, "Transcript", guid=guid, name=f"{name}.txt", plainTextPath=f"internal://{guid}.txt", **made
    )
    if source.transcript.timed:
        _add_sync(transcript, source, codes)
    _add_values(sound, source.values, variables)


def _add_sync(transcript: Any, source: _Source, codes: dict[Key, str]) -> None:
    """Sync points at the start, at each turn's paragraph and at the end, and each turn coded from its own to the next.

    Times are whole milliseconds and never fall.
    """
    lines = source.transcript.lines
    last_s = max([source.transcript.duration_s, *(line.end_s for line in lines)])
    points: list[str] = []
    reached = 0
    times_s = [0.0, *(line.start_s for line in lines), last_s]
    for position, time_s in zip([0, *source.begins, len(source.text)], times_s, strict=True):
        reached = max(reached, round(time_s * 1000))
        points.append(source.guid("point", str(len(points))))
        _add(transcript, "SyncPoint", guid=points[-1], timeStamp=str(reached), position=str(position))
    for number, line in enumerate(lines, 1):
        place = {"fromSyncPoint": points[number], "toSyncPoint": points[number + 1]}
        guid = source.guid("turn", str(number))
        _add_coded(transcript, "TranscriptSelection", guid, codes[SPEAKERS, _name(line.speaker)], place)


def _add_note(project: Any, sources: tuple[_Source, ...]) -> None:
    """The statement and each recording's state as a note on the whole project."""
    transcripts = [source.transcript for source in sources]
    lines = [*dict.fromkeys(one_line(one.statement) for one in transcripts)]
    lines += [f"{one_line(one.recording_id)} - {review_line(one)}" for one in transcripts]
    guid = _guid("note", *(source.guid() for source in sources))
    note = _add(_add(project, "Notes"), "Note", guid=guid, name="Anonymisation", **_made(max(s.at for s in sources)))
    _add(note, "PlainTextContent").text = "\n".join(lines)
    _add(project, "NoteRef", targetGUID=guid)


# --- reading back -----------------------------------------------------------------------------------------------------

_XML = etree.XMLParser(resolve_entities=False, no_network=True)
_ID = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLACES = {"startPosition", "endPosition", "timeStamp", "position"}


def read_text(data: bytes) -> tuple[str, ...]:
    """Every string of the zip, of each attribute and element, and each line of a source, once.

    Without ids and positions: of many thousand some would spell a name ("-edda-") or a number by chance.
    """
    strings: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        strings += own_strings(package)
        for entry in package.infolist():
            part = package.read(entry)
            is_project = entry.filename.lower().endswith(".qde")
            strings += _project_strings(part) if is_project else part.decode("utf-8", "replace").splitlines()
    bare = (_ID.sub("", string) for string in dict.fromkeys(strings))
    return tuple(dict.fromkeys(string for string in bare if string.strip()))


def _project_strings(part: bytes) -> Iterator[str]:
    root = etree.fromstring(part, _XML)
    for node in (*root.itersiblings(preceding=True), *root.iter(), *root.itersiblings()):
        for name, value in node.attrib.items():
            if name not in _PLACES or not value.isdigit():
                yield value
        for text in (node.text, node.tail):
            yield from text.splitlines() if text else ()


EXPORTER = StudyExporter(
    name="qdpx",
    suffix=".qdpx",
    summary="REFI-QDA project of all interviews with codes, cases and variables: NVivo, ATLAS.ti, MAXQDA, QualCoder",
    write=write,
    read_text=read_text,
)
