"""A copy of a recording in which every replaced word is covered, and a second hearing of that copy.

    transcripts + settled -> spans -> the original, decoded, covered, encoded -> heard again

The original is decoded block by block and never stands on a disk decoded; what is not covered is the same sample for
sample. A voice remains a voice: covering names does not make a recording anonymous.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from transcribe import audio, audio_writing, stored_sound, tables
from transcribe.asr import AsrOptions, Transcriber
from transcribe.asr.sections import cut
from transcribe.audio import Form, Sink
from transcribe.detect import Tagger, roster
from transcribe.errors import EngineError, LeakError
from transcribe.review.decisions import Settled
from transcribe.schema import (
    SAMPLE_RATE_HZ,
    Audio,
    Finding,
    Kind,
    Person,
    Quiet,
    Transcript,
    Unclear,
    Utterance,
    Word,
    record,
)
from transcribe.wordforms import folded

STAGE = "release"
UNCLEAR, CORRECTED = "unclear", "corrected"
PAD_S = 0.120
TONE_HZ = 440
TONE_LEVEL = 10 ** (-30 / 20)
RAMP_S = 0.005
AROUND_S = 5.0
"""How much is heard again on each side of a covered span."""
PIECE_S = 30.0
NEAR_S = 1.0
"""A name read this near to a covered span was not covered whole."""
KEPT_S = 0.5
"""How far beyond the time of a kept word it may be heard again: a second hearing times words a little otherwise."""
SHORT_S = 60.0
"""A recording this short is heard again whole."""
_SAMPLES: dict[str, tuple[npt.DTypeLike, float]] = {
    "s16le": ("<i2", 1),
    "s32le": ("<i4", 65536),
    "f32le": ("<f4", 1 / 32768),
}


@record
class Covered(Quiet):
    """A stretch of the recording whose sound is replaced; `kinds` are those of the findings in it, "unclear" or
    "corrected".
    """

    start_s: float
    end_s: float
    kinds: tuple[str, ...]


@record
class Kept(Quiet):
    """When words are said that look like a name and stay as they are, and these words, folded."""

    start_s: float
    end_s: float
    form: str


@record
class StillHeard(Quiet):
    """Where a known name was read in the covered copy: never the word itself."""

    kind: Kind
    start_s: float
    end_s: float


# --- what is covered ------------------------------------------------------------------------------------------------


def covered_spans(
    transcript: Transcript, settled: Settled, recognised: Transcript, duration_s: float
) -> tuple[Covered, ...]:
    """The sound of all that is replaced or `[unclear]` in the text, and of the words that a person took out of it or
    wrote into it: whole words and PAD_S on each side, in order.

    A word is covered where a span touches a character of it that is no white space. `recognised` is the transcript
    before any correction. Raises EngineError for a transcript without clock times.
    """
    if not transcript.timed:
        raise EngineError(
            "covered sound needs times and this transcript has none",
            advice="release it without --audio",
            recording_id=transcript.recording_id,
            stage=STAGE,
        )
    withheld = [
        Covered(start_s=start_s, end_s=end_s, kinds=(_kind(one),))
        for one, start_s, end_s in _timed(transcript, (*settled.replaced, *settled.unclear))
    ]
    corrected = (*_taken_out(recognised, transcript), *_written(recognised, transcript))
    return merged(_widened((*withheld, *corrected), PAD_S), duration_s)


def _taken_out(recognised: Transcript, transcript: Transcript) -> Iterator[Covered]:
    """Stretches of words recognised that corrections removed or replaced; a respelt word with its times still stands.

    A correction to fewer words or more spreads new ones over the time of the old: none of these has its own time then,
    and all are covered.
    """
    standing = {_at(word) for word in _words_of(transcript)}
    for utterance in recognised.utterances:
        for stands, group in groupby(utterance.words, lambda word: _at(word) in standing):
            if not stands:
                times = [(word.start_s, word.end_s) for word in group]
                yield Covered(start_s=times[0][0], end_s=max(end for _, end in times), kinds=(CORRECTED,))


def _written(recognised: Transcript, transcript: Transcript) -> Iterator[Covered]:
    """Stretches of words that a person wrote, from the recognised word before them to the one after them: what the
    recogniser missed has the times of words that it did not, and was said anywhere between.

    Where such words begin or end a turn, the nearest word of anybody bounds them; where there is none, the recording.
    """
    known = {_at(word) for word in _words_of(recognised)}
    heard = [word for word in _words_of(transcript) if _at(word) in known]
    for utterance in transcript.utterances:
        groups = [(stands, list(group)) for stands, group in groupby(utterance.words, lambda word: _at(word) in known)]
        for place, (stands, words) in enumerate(groups):
            if stands:
                continue
            start_s, end_s = min(word.start_s for word in words), max(word.end_s for word in words)
            earlier, later = groups[:place], groups[place + 1 :]
            before = earlier[-1][1][-1:] if earlier else [word for word in heard if word.end_s <= start_s]
            after = later[0][1][:1] if later else [word for word in heard if word.start_s >= end_s]
            yield Covered(
                start_s=min(start_s, max((word.end_s for word in before), default=0.0)),
                end_s=max(end_s, min((word.start_s for word in after), default=math.inf)),
                kinds=(CORRECTED,),
            )


def _words_of(transcript: Transcript) -> Iterator[Word]:
    return (word for utterance in transcript.utterances for word in utterance.words)


def _at(word: Word) -> tuple[float, float, str]:
    return word.start_s, word.end_s, _form(word.text)


def _form(text: str) -> str:
    """The words of a text, folded, without case, accents and punctuation."""
    return " ".join(re.findall(r"[^\W_]+", folded(text)))


def kept_spans(transcript: Transcript, settled: Settled) -> tuple[Kept, ...]:
    """Where words are said that look like names and stay as they are, as somebody or a rule decided."""
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    return tuple(
        Kept(start_s=start_s, end_s=end_s, form=_form(texts[one.utterance_id][one.start : one.end]))
        for one, start_s, end_s in _timed(transcript, (*settled.kept, *settled.waiting))
    )


def merged(spans: Iterable[Covered], duration_s: float) -> tuple[Covered, ...]:
    """Spans in order, clipped to the recording, those that touch as one."""
    united: list[Covered] = []
    for span in sorted(spans, key=lambda one: (one.start_s, one.end_s)):
        start_s, end_s = max(span.start_s, 0.0), min(span.end_s, duration_s)
        if start_s >= end_s:
            continue
        last = united[-1] if united else None
        if last is not None and start_s <= last.end_s:
            kinds = tuple(sorted({*last.kinds, *span.kinds}))
            united[-1] = replace(last, end_s=max(last.end_s, end_s), kinds=kinds)
        else:
            united.append(replace(span, start_s=start_s, end_s=end_s))
    return tuple(united)


def _kind(one: Finding | Unclear) -> str:
    return one.kind.value if isinstance(one, Finding) else UNCLEAR


def _timed(
    transcript: Transcript, spans: Iterable[Finding | Unclear]
) -> Iterator[tuple[Finding | Unclear, float, float]]:
    """Each span with the first start and the last end of its words; an unclear stretch with its own times, too."""
    utterances = {utterance.id: utterance for utterance in transcript.utterances}
    for one in spans:
        touched = _touched(utterances[one.utterance_id].words, one.start, one.end)
        times = [(word.start_s, word.end_s) for word in touched]
        times += [(one.start_s, one.end_s)] if isinstance(one, Unclear) else []
        if times:
            yield one, min(start for start, _ in times), max(end for _, end in times)


def _touched(words: tuple[Word, ...], start: int, end: int) -> list[Word]:
    """The words of which a character that is no white space stands in text[start:end]."""
    touched, at = [], 0
    for word in words:
        first, last = at + len(word.text) - len(word.text.lstrip()), at + len(word.text.rstrip())
        at += len(word.text)
        if first < end and start < last:
            touched.append(word)
    return touched


def listing(covered: Iterable[tuple[str, tuple[Covered, ...]]]) -> bytes:
    """A CSV table of the covered spans of recordings (id, spans), numbered in each from 1; no word of theirs."""
    rows = (
        (recording_id, number, f"{span.start_s:.3f}", f"{span.end_s:.3f}", "; ".join(span.kinds))
        for recording_id, spans in covered
        for number, span in enumerate(spans, 1)
    )
    return tables.write(("recording", "number", "start_s", "end_s", "kinds"), rows)


# --- the copy -------------------------------------------------------------------------------------------------------


def write_copy(
    fd_in: int, spans: tuple[Covered, ...], form: str, fd_out: int, *, tone: bool = True, disguise: bool = False
) -> None:
    """The covered copy of the recording `fd_in` into the empty open file `fd_out`, as wav, flac or m4a.

    Rate, channels and the number of samples are the original's; so is every sample outside `spans` (sorted and
    disjoint), unless voices are disguised: see `audio_writing.disguised`, which is no anonymisation. Then nothing
    that is covered goes into the disguise, and what comes out is covered again. Raises AudioError, EngineError.
    """
    target = audio_writing.format_named(form)
    seen = stored_sound.seen(fd_in)
    raw = audio_writing.form_for(seen, target)
    with audio_writing.encoder(fd_out, seen, target) as encode:
        cover = _Cover(spans, raw, encode, tone=tone)
        if not disguise:
            stored_sound.stream(fd_in, seen, raw, cover.take)
            return
        with audio_writing.disguised(raw, cover.take) as disguised:
            stored_sound.stream(fd_in, seen, raw, _Cover(spans, raw, disguised, tone=False).take)


class _Cover:
    """Covers blocks of sound in place and hands them on.

    Word times are seconds of a decode at 16 kHz, which ffmpeg's resampler leaves where they were; a span holds every
    sample that it touches. The tone has steps of 16 bits at any depth, so that it is the same on every machine.
    """

    def __init__(self, spans: tuple[Covered, ...], form: Form, sink: Sink, *, tone: bool) -> None:
        rate = form.sample_rate_hz
        self._places = [(math.floor(span.start_s * rate), math.ceil(span.end_s * rate)) for span in spans]
        self._ends = [last for _, last in self._places]
        self._form = form
        self._sink = sink
        self._tone = tone
        self._at = 0

    def take(self, block: memoryview) -> None:
        kind, step = _SAMPLES[self._form.sample]
        frames = np.frombuffer(block, dtype=kind).reshape(-1, self._form.channels)
        end = self._at + len(frames)
        for first, last in self._places[bisect_right(self._ends, self._at) :]:
            if first >= end:
                break
            start, stop = max(first, self._at), min(last, end)
            sound = self._sound(np.arange(start, stop) - first, last - first)
            frames[start - self._at : stop - self._at] = (sound * step).astype(kind)[:, np.newaxis]
        self._at = end
        self._sink(block)

    def _sound(self, places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.float64]:
        """What stands at these places of a span of that length, in steps of 16 bits."""
        if not self._tone:
            return np.zeros(len(places))
        rate = self._form.sample_rate_hz
        ramp = RAMP_S * rate
        loud = np.minimum(1.0, np.minimum(places, length - 1 - places) / ramp) * TONE_LEVEL * 32767
        tone: npt.NDArray[np.float64] = np.rint(np.sin(2 * np.pi * TONE_HZ / rate * (places % rate)) * loud)
        return tone


# --- heard again ----------------------------------------------------------------------------------------------------


def heard_again(
    fd: int,
    spans: tuple[Covered, ...],
    people: tuple[Person, ...],
    transcriber: Transcriber,
    options: AsrOptions,
    *,
    kept: tuple[Kept, ...] = (),
    tagger: Tagger | None = None,
    whole: bool = False,
) -> tuple[StillHeard, ...]:
    """Where a name of `people`, those whose names are withheld, is read in a covered copy.

    AROUND_S on each side of every span is recognised, without names to expect, in pieces of up to 30 s, each by itself;
    what is found in a span or within NEAR_S of it is told. Of a `whole` or short recording it is what is found
    anywhere. `options.language` should be the transcript's. A word that the roster rule holds for an ordinary one is
    no name, and one that is heard where that word itself, or a longer name that it is part of, was `kept` was decided;
    another beside it was not. Raises AudioError, EngineError.
    """
    sound = audio.decode(fd)
    whole = whole or sound.duration_s <= SHORT_S
    all_of_it = Covered(start_s=0.0, end_s=sound.duration_s, kinds=())
    around = (all_of_it,) if whole else merged(_widened(spans, AROUND_S), sound.duration_s)
    pieces = [_words(sound, window, transcriber, options) for window in around]
    near = around if whole else tuple(_widened(spans, NEAR_S))
    found = _found(pieces, people, tagger)
    return tuple(one for one, form in found if _touches(one, near) and not _is_kept(one, form, kept))


def _words(sound: Audio, window: Covered, transcriber: Transcriber, options: AsrOptions) -> tuple[Word, ...]:
    """What is heard in a window, timed in the recording.

    A piece is a call of its own: of 20 names left uncovered in a development interview 16 were read so, and 13 where
    all windows were joined in one call.
    """
    first, last = (round(edge * SAMPLE_RATE_HZ) for edge in (window.start_s, window.end_s))
    heard: list[Word] = []
    for start, end in cut(sound.samples[first:last], PIECE_S):
        piece = Audio(samples=sound.samples[first + start : first + end])
        asked = replace(options, names=(), speech=((0.0, piece.duration_s),))
        shift_s = (first + start) / SAMPLE_RATE_HZ
        words = transcriber.transcribe(piece, asked).words
        heard += [replace(word, start_s=word.start_s + shift_s, end_s=word.end_s + shift_s) for word in words]
    return tuple(heard)


def refuse(recording_id: str, heard: tuple[StillHeard, ...]) -> None:
    """Raises LeakError when a name can still be heard."""
    if heard:
        first = heard[0]
        clock = f"{int(first.start_s) // 3600}:{int(first.start_s) // 60 % 60:02}:{int(first.start_s) % 60:02}"
        more = f" and {len(heard) - 1} more" if len(heard) > 1 else ""
        raise LeakError(
            f"a {first.kind.value} of this study could still be heard in the covered sound (at {clock}{more})",
            advice="nothing was written; listen to that place and settle what is said there",
            recording_id=recording_id,
            stage=STAGE,
        )


def _widened(spans: Iterable[Covered], by_s: float) -> Iterator[Covered]:
    return (replace(span, start_s=span.start_s - by_s, end_s=span.end_s + by_s) for span in spans)


def _found(
    windows: list[tuple[Word, ...]], people: tuple[Person, ...], tagger: Tagger | None
) -> Iterator[tuple[StillHeard, str]]:
    """The names in what was heard, each with its folded form; each window is read as one utterance."""
    said = {
        f"W{number}": Utterance(id=f"W{number}", speaker="", start_s=0.0, end_s=0.0, words=words)
        for number, words in enumerate(windows)
    }
    for finding in roster.find(tuple(said.values()), people, tagger)[0]:
        window = said[finding.utterance_id]
        touched = _touched(window.words, finding.start, finding.end)
        still = StillHeard(kind=finding.kind, start_s=touched[0].start_s, end_s=touched[-1].end_s)
        yield still, _form(window.text[finding.start : finding.end])


def _touches(one: StillHeard, spans: Iterable[Covered]) -> bool:
    return any(one.start_s <= span.end_s and span.start_s <= one.end_s for span in spans)


def _is_kept(one: StillHeard, form: str, kept: Iterable[Kept]) -> bool:
    """Whether what is heard is a kept word itself: whole words of it, and within its time."""
    return any(
        f" {form} " in f" {word.form} " and word.start_s - KEPT_S <= one.start_s and one.end_s <= word.end_s + KEPT_S
        for word in kept
    )
