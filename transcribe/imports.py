"""Reading existing transcripts (txt, docx, vtt, srt) into a Transcript, so that they can be anonymised.

A label in such a file may itself be a real name: utterances carry S1, S2 ... in order of appearance, and the text of
each label is handed back beside the transcript, to be linked to the roster. Nothing a reader could see is dropped:
text before the first label (titles, headers, a vtt's notes) and, at the end, a Word document's page headers, footers,
footnotes, endnotes and comments are utterances of S0, role `note`. A file without any label is one speaker, S1.
Not read: text that track changes marks as deleted, field codes, document properties, style sheets, names of cues.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from transcribe.errors import StudyError
from transcribe.export.layout import OVERLAP_MARK, one_line
from transcribe.export.web_vtt import Caption, read_captions
from transcribe.export.word_docx import Rows, read_blocks
from transcribe.schema import MadeBy, Quiet, Speaker, Transcript, Utterance, Word, record
from transcribe.wordforms import folded

SUFFIXES = ("docx", "srt", "txt", "vtt")
NOTE_LABEL = "S0"
LABEL_CHARACTERS = 63  # MAXQDA's limit (FORMATS 1.4)
LABEL_WORDS = 4
WORD_S = 0.4  # 150 words a minute: how long the last turn of a stamped text is taken to last
UNLABELLED_S = 30.0  # captions without speakers become utterances of about this length, ending with a sentence
_NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")
_COLUMN_HEADS = frozenset(
    "timespan time timestamp start end speaker name who content text transcript turn no line".split()
)
_SPEAKER_HEADS = frozenset({"speaker", "name", "who"})

# Labels that say a role by themselves; a letter or short form says it less surely than a word.
_ROLES = {
    "interviewer": ("interviewer", 1.0),
    "researcher": ("interviewer", 1.0),
    "moderator": ("interviewer", 1.0),
    "facilitator": ("interviewer", 1.0),
    "participant": ("participant", 1.0),
    "respondent": ("participant", 1.0),
    "interviewee": ("participant", 1.0),
    "therapist": ("therapist", 1.0),
    "counsellor": ("therapist", 1.0),
    "i": ("interviewer", 0.8),
    "int": ("interviewer", 0.8),
    "iv": ("interviewer", 0.8),
    "q": ("interviewer", 0.8),
    "p": ("participant", 0.8),
    "r": ("participant", 0.5),  # respondent more often than researcher
    "t": ("therapist", 0.8),
    "th": ("therapist", 0.8),
}
_LABEL_TERMS = frozenset(
    "speaker voice unknown mother father mum mom dad parent husband wife partner infant baby child daughter son sister "
    "brother grandmother grandfather nan grandad friend nurse midwife doctor older elder younger other male female "
    "s m f b".split()
)
# How a sentence before a colon ends; what ends so is no speaker, however often it stands.
_NOT_LABELS = frozenset(
    "said says say asked ask thought think went go goes like is was are were so and but then yes no well okay ok "
    "date time place location venue title interview transcript project study duration recording file length".split()
)
_TERMS = _LABEL_TERMS | _ROLES.keys()

_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,-]\d{1,3})?"
_STAMP = rf"[\[({{#]\s*({_CLOCK})(?:\s*-+>?\s*({_CLOCK}))?\s*[\])}}#]"
_BARE = r"(\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?)(?=\s|$)"
_LEAD = re.compile(rf"^\s*(?:{_STAMP}|{_BARE})(?:\s+[-–]\s)?\s*")
_TRAIL = re.compile(rf"\s*{_STAMP}\s*$")
_LABEL = re.compile(
    r"^(?:[\[{](?P<bracketed>[^\]}:\t]{1,80})[\]}]\s*:|(?:[@#]|[-–]\s|>>\s?)?(?P<plain>[^\W_][^:\t]{0,80}?)\s*(?::(?!//|\d)|\t))\s*"
)
_LABEL_THEN_STAMP = re.compile(rf"^(?P<label>[^:\t\[({{#]{{1,80}}?)\s*(?P<stamp>{_STAMP})\s*:\s*")
_SENTENCE_END = re.compile(r"[.!?…][\"'’”)]*$")


@record
class Imported(Quiet):
    """A transcript, and for each of its labels with a name in the file (S1, label text) as it was written first."""

    transcript: Transcript
    labels: tuple[tuple[str, str], ...]


@record
class _Piece(Quiet):
    """A line of a file: `whole` without its stamps, `said` without its label too; `stamps` stood before and after.

    `certain`: the label stands where only a label can. Times are None where none is given.
    """

    whole: str
    said: str
    label: str = ""
    certain: bool = False
    overlapped: bool = False
    stamps: tuple[str, str] = ("", "")
    start_s: float | None = None
    end_s: float | None = None


@record
class _Turn(Quiet):
    """Pieces of one speaker: `key` is the folded label, empty for a speaker without one, None for notes."""

    key: str | None
    pieces: tuple[_Piece, ...]


def read_transcript(data: bytes, suffix: str, recording_id: str, language: str = "en") -> Imported:
    """The transcript in a file's bytes; `suffix` with or without its dot.

    `timed` where every turn has a time: a stamp that starts it (or, as in f4 texts, ends it), or a cue. Times of words
    are spread evenly. Otherwise all times are 0 and stamps stay in the text. Raises StudyError for an unknown suffix
    and for a file that is empty, damaged or of another format.
    """
    kind = suffix.lower().lstrip(".")
    if kind not in SUFFIXES:
        raise StudyError(
            f"transcripts are read from {', '.join(SUFFIXES)} files only", advice="save it as one of these"
        )
    if not data.strip():
        raise StudyError("the file is empty", recording_id=recording_id)
    pieces, notes = _read(data, kind)
    labels = _accepted(pieces)
    turns = _caption_turns(pieces, labels) if kind in ("vtt", "srt") else _text_turns(pieces, labels)
    head = () if kind == "docx" else notes
    tail = notes if kind == "docx" else ()
    turns = [*map(_note, head), *turns, *map(_note, tail)]
    if not turns:
        raise StudyError("the file holds no text", recording_id=recording_id)
    made_by = MadeBy(
        stage="import", engine="transcribe", version="1", model="", model_sha256="", options=(("format", kind),)
    )
    return _imported(turns, (recording_id, language, made_by))


# --- a file's bytes to pieces ---------------------------------------------------------------------------------------


def _read(data: bytes, kind: str) -> tuple[list[_Piece], tuple[str, ...]]:
    """The file's pieces, and its notes."""
    if kind == "docx":
        word = read_blocks(data)
        return [piece for block in word.blocks for piece in _block_pieces(block)], word.notes
    text = _decode(data)
    if kind == "txt":
        return [_piece(line) for line in text.splitlines() if one_line(line)], ()
    captions, notes = read_captions(text)
    if not captions:
        raise StudyError(f"the file is not a readable {kind}", advice="if it is plain text, call it txt")
    pieces: list[_Piece] = []
    for caption in sorted(captions, key=lambda caption: caption.start_s):
        for piece in _caption_pieces(caption):  # of overlapping cues the later line waits for the earlier one
            start_s = max(piece.start_s or 0.0, (pieces[-1].start_s or 0.0) if pieces else 0.0)
            pieces.append(replace(piece, start_s=start_s, end_s=max(start_s, piece.end_s or 0.0)))
    return pieces, notes


def _decode(data: bytes) -> str:
    """Text in UTF-8, UTF-16 or, when it is neither, Windows 1252 (as Word saves txt in Britain)."""
    try:
        if data.startswith(_NOT_TEXT):
            raise ValueError("another format")
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
        elif b"\0" in data[:200]:
            text = data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
        else:
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("cp1252", errors="replace")
    except ValueError:
        raise StudyError("the file is not plain text", advice="save it as txt or docx") from None
    if "\0" in text:
        raise StudyError("the file is not plain text", advice="save it as txt or docx")
    return text


def _piece(line: str) -> _Piece:
    """A line of text, its stamps and its label taken apart; whether that is a label is found out later."""
    rest = "\t".join(map(one_line, line.split("\t"))).strip()  # single spaces: the patterns below stay linear
    before, after = "", ""
    if lead := _LEAD.match(rest):
        before, rest = lead.group().strip(), rest[lead.end() :]
    elif inner := _LABEL_THEN_STAMP.match(rest):
        before, rest = inner["stamp"], f"{inner['label']}: {rest[inner.end() :]}"
    if trail := _TRAIL.search(rest):
        after, rest = trail.group().strip(), rest[: trail.start()]
    piece = _labelled(rest)
    if not before and piece.label and (lead := _LEAD.match(piece.said)):
        before, said = lead.group().strip(), piece.said[lead.end() :]
        piece = replace(piece, said=said, whole=piece.whole.replace(piece.said, said))
    start_s, range_end_s = _clock_times(before)
    end_s, later_s = _clock_times(after)
    end_s = next((time_s for time_s in (later_s, end_s, range_end_s) if time_s is not None), None)
    return replace(piece, stamps=(before, after), start_s=start_s, end_s=end_s)


def _labelled(rest: str) -> _Piece:
    match = _LABEL.match(rest)
    label = one_line(match["bracketed"] or match["plain"]) if match else ""
    if not match or len(label) > LABEL_CHARACTERS or not any(map(str.isalpha, label)):
        return _Piece(whole=one_line(rest), said=one_line(rest))
    said = one_line(rest[match.end() :])
    overlapped = said.startswith(OVERLAP_MARK)
    return _Piece(
        whole=one_line(rest),
        said=said.removeprefix(OVERLAP_MARK).strip(),
        label=label,
        certain=match["bracketed"] is not None,
        overlapped=overlapped,
    )


def _clock_times(stamp: str) -> tuple[float | None, float | None]:
    """The times in a stamp, in seconds; `hh:mm:ss-t` has tenths after its hyphen."""
    match = re.fullmatch(rf"(?:{_STAMP}|{_BARE})(?:\s[-–])?", stamp)
    if not match:
        return None, None
    times_s: list[float | None] = []
    for clock in (match.group(1) or match.group(3), match.group(2)):
        parts = re.sub(r"[-,]", ".", clock).split(":") if clock else []
        times_s.append(sum(60.0**power * float(part) for power, part in enumerate(reversed(parts))) if parts else None)
    return times_s[0], times_s[1]


def _block_pieces(rows: Rows) -> list[_Piece]:
    """A paragraph's lines; or a table's rows, one column of which may hold speakers and others time stamps."""
    column = _speaker_column(rows)
    pieces = []
    for row in rows:
        cells = [cell for cell in row if one_line(cell)]
        if column is None or len(row) <= column or not one_line(row[column]) or _is_heading(row):
            pieces += [_piece(line) for cell in cells for line in cell.splitlines() if one_line(line)]
            continue
        others = [cell for number, cell in enumerate(row) if number != column]
        stamps = " ".join(map(_cell_stamp, others)).strip()
        first, *more = "\n".join(cell for cell in others if not _cell_stamp(cell)).splitlines() or [""]
        label = one_line(row[column]).rstrip(":")
        start_s, end_s = _clock_times(stamps)
        said = one_line(first)
        piece = _Piece(whole=f"{label}: {said}", said=said, label=label, certain=True)
        pieces.append(replace(piece, stamps=(stamps, ""), start_s=start_s, end_s=end_s))
        pieces += [_piece(line) for line in more if one_line(line)]
    return pieces


def _cell_stamp(cell: str) -> str:
    """The cell in square brackets if it is a time stamp or a timespan, with or without brackets; else empty."""
    text = one_line(cell)
    if re.fullmatch(_STAMP, text):
        return text
    return f"[{text}]" if re.match(r"\d{1,2}:\d{2}:\d{2}", text) and re.fullmatch(_STAMP, f"[{text}]") else ""


def _speaker_column(rows: Rows) -> int | None:
    """The column called speaker, or else of those that hold labels alone the one with the fewest different ones."""
    width = max(map(len, rows), default=0)
    if width < 2:
        return None
    for number, cell in enumerate(rows[0]):
        if folded(cell) in _SPEAKER_HEADS:
            return number
    columns = {n: [row[n] for row in rows if len(row) > n and one_line(row[n])] for n in range(width)}
    fit = [n for n, cells in columns.items() if cells and all(map(_could_be_label, cells))]
    return min(fit, key=lambda n: (len({folded(cell) for cell in columns[n]}), n), default=None)


def _is_heading(row: tuple[str, ...]) -> bool:
    return all(folded(cell).rstrip(".") in _COLUMN_HEADS for cell in row if one_line(cell))


def _could_be_label(cell: str) -> bool:
    text = one_line(cell).rstrip(":")
    short = 0 < len(text) <= LABEL_CHARACTERS and len(text.split()) <= LABEL_WORDS
    return short and any(map(str.isalpha, text)) and not _SENTENCE_END.search(text)


def _caption_pieces(caption: Caption) -> list[_Piece]:
    """The lines of a cue, which share its time by their numbers of words."""
    pieces = []
    for name, overlapped, said in caption.voices:
        first, *more = said.splitlines() or [""]
        if name:
            text = one_line(first)
            pieces.append(_Piece(whole=text, said=text, label=name, certain=True, overlapped=overlapped))
            pieces += [_Piece(whole=one_line(line), said=one_line(line)) for line in more]
        else:
            pieces += [_labelled(one_line(line)) for line in (first, *more) if one_line(line)]
    weights = [max(1, len(piece.said.split())) for piece in pieces]
    step_s = (caption.end_s - caption.start_s) / max(1, sum(weights))
    at = [caption.start_s + step_s * sum(weights[:number]) for number in range(len(weights))] + [caption.end_s]
    return [replace(piece, start_s=at[n], end_s=at[n + 1]) for n, piece in enumerate(pieces)]


# --- pieces to turns ------------------------------------------------------------------------------------------------


def _accepted(pieces: Iterable[_Piece]) -> frozenset[str]:
    """The folded labels that are speakers: a colon alone proves nothing ("And then he said: no")."""
    written = [piece.label for piece in pieces if piece.label]
    counts = Counter(map(folded, written))
    certain = {folded(piece.label) for piece in pieces if piece.certain}
    return frozenset(certain | {folded(label) for label in written if _is_label(label, counts[folded(label)])})


def _is_label(label: str, count: int) -> bool:
    words = label.split()
    if not _could_be_label(label) or folded(words[-1]) in _NOT_LABELS:
        return False
    return count > 1 or all(word[0].isupper() or word[0].isdigit() or _term(word) in _TERMS for word in words)


def _term(label: str) -> str:
    return folded(label).rstrip("0123456789 .#")


def _text_turns(pieces: Iterable[_Piece], labels: frozenset[str]) -> list[_Turn]:
    """A label opens a turn, and so does a stamp; what stands before the first label is notes."""
    turns: list[_Turn] = []
    for piece in _settled(pieces, labels):
        last = turns[-1] if turns else None
        if piece.label or not labels:
            turns.append(_Turn(key=folded(piece.label), pieces=(piece,)))
        elif last is None or last.key is None:
            turns.append(_Turn(key=None, pieces=(piece,)))
        elif piece.start_s is not None and any(p.said or p.start_s is not None for p in last.pieces):
            turns.append(_Turn(key=last.key, pieces=(piece,)))
        else:
            turns[-1] = _extended(last, piece)
    return turns


def _caption_turns(pieces: Iterable[_Piece], labels: frozenset[str]) -> list[_Turn]:
    """Cues of one speaker in a row are one turn, so that a name stays whole; without labels, half a minute is one."""
    turns: list[_Turn] = []
    for piece in _settled(pieces, labels):
        last = turns[-1] if turns else None
        key = folded(piece.label)
        if last is not None and (key == last.key or not key) and (labels or not _is_full(last)):
            turns[-1] = _extended(last, piece)
        else:
            turns.append(_Turn(key=key, pieces=(piece,)))
    return turns


def _settled(pieces: Iterable[_Piece], labels: frozenset[str]) -> list[_Piece]:
    """The pieces with labels that are none put back into what was said."""
    return [p if folded(p.label) in labels else replace(p, label="", said=p.whole, overlapped=False) for p in pieces]


def _extended(turn: _Turn, piece: _Piece) -> _Turn:
    return replace(turn, pieces=(*turn.pieces, piece))


def _is_full(turn: _Turn) -> bool:
    length_s = (turn.pieces[-1].end_s or 0.0) - (turn.pieces[0].start_s or 0.0)
    return length_s >= UNLABELLED_S and (
        length_s >= 4 * UNLABELLED_S or bool(_SENTENCE_END.search(turn.pieces[-1].said))
    )


def _note(text: str) -> _Turn:
    return _Turn(key=None, pieces=(_Piece(whole=one_line(text), said=one_line(text)),))


# --- turns to a transcript ------------------------------------------------------------------------------------------


def _imported(turns: list[_Turn], about: tuple[str, str, MadeBy]) -> Imported:
    recording_id, language, made_by = about
    names: dict[str, str] = {}
    for turn in turns:
        if turn.key is not None:
            names.setdefault(turn.key, turn.pieces[0].label)
    label_of: dict[str | None, str] = {key: f"S{number}" for number, key in enumerate(names, start=1)}
    label_of[None] = NOTE_LABEL
    times_s = _times(turns)
    utterances = tuple(
        Utterance(
            id=f"U{number:04}",
            speaker=label_of[turn.key],
            start_s=start_s,
            end_s=end_s,
            words=_words(turn, (start_s, end_s), timed=times_s is not None),
            overlapped=any(piece.overlapped for piece in turn.pieces),
        )
        for number, (turn, (start_s, end_s)) in enumerate(
            zip(turns, times_s or [(0.0, 0.0)] * len(turns), strict=True), start=1
        )
    )
    notes = [Speaker(label=NOTE_LABEL, role="note", person_id=None, confidence=1.0)]
    transcript = Transcript(
        recording_id=recording_id,
        language=language,
        utterances=utterances,
        speakers=(*(notes if any(t.key is None for t in turns) else ()), *_speakers(names, label_of)),
        made_by=(made_by,),
        timed=times_s is not None,
    )
    return Imported(transcript=transcript, labels=tuple((label_of[key], name) for key, name in names.items() if name))


def _speakers(names: dict[str, str], label_of: dict[str | None, str]) -> list[Speaker]:
    terms = {_term(key) for key in names}
    speakers = []
    for key in names:
        role, confidence = _ROLES.get(_term(key), ("speaker", 0.0))
        if _term(key) == "r" and "p" in terms and not terms & {"i", "int", "iv", "interviewer"}:
            role = "interviewer"  # beside a participant, R is the researcher
        speakers.append(Speaker(label=label_of[key], role=role, person_id=None, confidence=confidence))
    return speakers


def _times(turns: list[_Turn]) -> list[tuple[float, float]] | None:
    """Start and end of every turn in seconds, or None unless all have a time and none goes back. Notes take no time."""
    spoken = [turn for turn in turns if turn.key is not None]
    starts = [next((p.start_s for p in turn.pieces if p.start_s is not None), None) for turn in spoken]
    ends = [turn.pieces[-1].end_s for turn in spoken]
    if spoken and None in starts and None not in ends:  # f4: a stamp ends its turn
        starts = [0.0, *ends[:-1]]
    given = [start_s for start_s in starts if start_s is not None]
    if not spoken or len(given) < len(spoken) or given != sorted(given):
        return None
    spans = []
    for turn, start_s, own_end_s, next_s in zip(spoken, given, ends, [*given[1:], None], strict=True):
        end_s = own_end_s if own_end_s is not None and own_end_s >= start_s else next_s
        spans.append((start_s, start_s + WORD_S * _word_count(turn) if end_s is None else end_s))
    now_s, timeline, following = 0.0, [], iter(spans)
    for turn in turns:
        span = (now_s, now_s) if turn.key is None else next(following)
        timeline.append(span)
        now_s = max(now_s, span[1])
    return timeline


def _text(piece: _Piece, *, stamped: bool) -> str:
    return " ".join((piece.stamps[0], piece.said, piece.stamps[1])) if stamped else piece.said


def _word_count(turn: _Turn) -> int:
    return sum(len(piece.said.split()) for piece in turn.pieces)


def _words(turn: _Turn, span_s: tuple[float, float], *, timed: bool) -> tuple[Word, ...]:
    """The words of a turn, spread evenly over each piece's time where all have one, else over the turn's."""
    texts = [_text(piece, stamped=not timed or turn.key is None) for piece in turn.pieces]
    segments = [(" ".join(texts), *span_s)]
    own = [(text, p.start_s, p.end_s) for text, p in zip(texts, turn.pieces, strict=True)]
    if timed and all(start is not None and end is not None and start <= end for _, start, end in own):
        segments = [(text, start or 0.0, end or 0.0) for text, start, end in own]
    words: list[Word] = []
    for text, start_s, end_s in segments:
        tokens = text.split()
        for number, token in enumerate(tokens):
            at = [start_s + (end_s - start_s) * n / len(tokens) for n in (number, number + 1)]
            spaced = f" {token}" if words else token
            words.append(Word(start_s=at[0], end_s=at[1], text=spaced, probability=1.0))
    return tuple(words)
