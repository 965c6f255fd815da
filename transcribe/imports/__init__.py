"""Reading existing transcripts (txt, docx, vtt, srt) into a Transcript, so that they can be anonymised.

A label in such a file may itself be a real name: utterances carry S1, S2 ... in order of appearance, and the text of
each label is handed back beside the transcript, to be linked to the roster. Nothing a reader could see is dropped:
text before the first label (titles, headers, a vtt's notes) and, at the end, a Word document's page headers, footers,
footnotes, endnotes and comments are utterances of S0, role `note`, and so are headings between the turns of a document
whose lower headings are the speakers. A file without any label is one speaker, S1.
Not read: text that track changes marks as deleted, field codes, document properties, style sheets, names of cues,
numbers that count lines or rows.
"""

from transcribe.errors import StudyError
from transcribe.imports.files import read
from transcribe.imports.pieces import Piece
from transcribe.imports.turns import Turn, accepted, caption_turns, note, speakers_of, text_turns
from transcribe.imports.turns import is_term as is_term
from transcribe.imports.turns import named as named
from transcribe.schema import MadeBy, Quiet, Speaker, Transcript, Utterance, Word, record

SUFFIXES = ("docx", "srt", "txt", "vtt")
NOTE_LABEL = "S0"
WORD_S = 0.4  # 150 words a minute: how long the last turn of a stamped text is taken to last


@record
class Imported(Quiet):
    """A transcript, and for each of its labels with a name in the file (S1, label text) as it was written first."""

    transcript: Transcript
    labels: tuple[tuple[str, str], ...]


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
    pieces, notes = read(data, kind)
    labels = accepted(pieces)
    turns = caption_turns(pieces, labels) if kind in ("vtt", "srt") else text_turns(pieces, labels)
    head = () if kind == "docx" else notes
    tail = notes if kind == "docx" else ()
    turns = [*map(note, head), *turns, *map(note, tail)]
    if not turns:
        raise StudyError("the file holds no text", recording_id=recording_id)
    made_by = MadeBy(
        stage="import", engine="transcribe", version="2", model="", model_sha256="", options=(("format", kind),)
    )
    return _imported(turns, (recording_id, language, made_by))


def _imported(turns: list[Turn], about: tuple[str, str, MadeBy]) -> Imported:
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
        speakers=(*(notes if any(t.key is None for t in turns) else ()), *speakers_of(names, label_of)),
        made_by=(made_by,),
        timed=times_s is not None,
    )
    return Imported(transcript=transcript, labels=tuple((label_of[key], name) for key, name in names.items() if name))


def _times(turns: list[Turn]) -> list[tuple[float, float]] | None:
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


def _text(piece: Piece, *, stamped: bool) -> str:
    return " ".join((piece.stamps[0], piece.said, piece.stamps[1])) if stamped else piece.said


def _word_count(turn: Turn) -> int:
    return sum(len(piece.said.split()) for piece in turn.pieces)


def _words(turn: Turn, span_s: tuple[float, float], *, timed: bool) -> tuple[Word, ...]:
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
