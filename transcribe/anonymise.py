"""Transcript, settled spans and pseudonyms to an AnonymisedTranscript. Pure: no disk, no model."""

import re
from collections import Counter
from collections.abc import Mapping

from transcribe.config import Action, Policy
from transcribe.detect import defaults
from transcribe.pseudonyms import action, written
from transcribe.review.decisions import Settled
from transcribe.schema import (
    AnonymisedTranscript,
    Finding,
    Kind,
    Line,
    Person,
    Quiet,
    Span,
    Speaker,
    Transcript,
    Utterance,
    Word,
    record,
)

STATEMENT = (
    "The names in this transcript were replaced on the researchers' own machine; it is pseudonymised: a key exists. "
    "A voice, a story or a rare event can still identify a person."
)
UNCLEAR = "[unclear]"
_DETERMINER = re.compile(r"\b(?:the|a|an|my|our|your|his|her|their|this|that)\s+$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


@record
class _Piece(Quiet):
    """A span of an utterance and what is written there: None = the words stay, as decided; no kind = unclear words."""

    start: int
    end: int
    kind: Kind | None
    text: str | None


def anonymise(
    transcript: Transcript, settled: Settled, people: Mapping[str, Person], policy: Policy, source_digest: str
) -> AnonymisedTranscript:
    """What may be released, if the gate agrees. Every person that a span points to has her pseudonym by now."""
    names = speaker_names(transcript, people, policy)
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    by_utterance: dict[str, list[_Piece]] = {}
    for finding in settled.replaced:
        surface = texts[finding.utterance_id][finding.start : finding.end]
        by_utterance.setdefault(finding.utterance_id, []).append(_piece(finding, surface, people, policy))
    for finding in settled.kept:
        kept = _Piece(start=finding.start, end=finding.end, kind=finding.kind, text=None)
        by_utterance.setdefault(finding.utterance_id, []).append(kept)
    for stretch in settled.unclear:
        unclear = _Piece(start=stretch.start, end=stretch.end, kind=None, text=UNCLEAR)
        by_utterance.setdefault(stretch.utterance_id, []).append(unclear)
    lines = tuple(
        _line(number, names[u.speaker], u, sorted(by_utterance.get(u.id, []), key=lambda p: p.start))
        for number, u in enumerate(transcript.utterances, 1)
    )
    counts = Counter(span.kind for line in lines for span in line.replaced if span.kind)
    return AnonymisedTranscript(
        recording_id=transcript.recording_id,
        language=transcript.language,
        lines=lines,
        policy=policy.convention,
        statement=STATEMENT,
        review=settled.review,
        settled_on=settled.settled_on,
        source_digest=source_digest,
        counts=tuple(sorted(counts.items())),
        timed=transcript.timed,
        unclear=len(settled.unclear),
        unclear_s=sum(stretch.end_s - stretch.start_s for stretch in settled.unclear),
    )


def speaker_names(transcript: Transcript, people: Mapping[str, Person], policy: Policy) -> dict[str, str]:
    """label -> what stands before the colon: a pseudonym, or a role such as "Interviewer" or "Speaker 2"."""
    names: dict[str, str] = {}
    for speaker in transcript.speakers:
        name = _speaker_name(speaker, people, policy)
        number = 2
        base = name
        while name in names.values():
            name, number = f"{base} {number}", number + 1
        names[speaker.label] = name
    return names


def _speaker_name(speaker: Speaker, people: Mapping[str, Person], policy: Policy) -> str:
    person = people.get(speaker.person_id or "")
    if person is not None and action(person, policy) is Action.KEEP:
        return person.forms[0]
    if person is not None and person.pseudonym and speaker.role != "interviewer":
        return label_of(person.pseudonym)
    if speaker.role == "speaker":
        return f"Speaker {speaker.label.lstrip('S') or speaker.label}"
    return speaker.role[:1].upper() + speaker.role[1:].replace("_", " ")


def label_of(pseudonym: str) -> str:
    """A pseudonym as a speaker's label; a tag without its brackets, which coding tools take for a stamp."""
    bare = pseudonym.strip("[]")
    return bare if bare == pseudonym else bare[:1].upper() + bare[1:]


def _piece(finding: Finding, surface: str, people: Mapping[str, Person], policy: Policy) -> _Piece:
    person = people.get(finding.person_id or "")
    if person is None:  # nobody in particular: a question withheld, or a kind that is bound to its place
        role = finding.role or defaults.role(finding)
        person = Person(id="", kind=finding.kind, role=role, forms=(surface,), relation=finding.relation)
    return _Piece(start=finding.start, end=finding.end, kind=finding.kind, text=written(person, policy))


def _line(number: int, speaker: str, utterance: Utterance, pieces: list[_Piece]) -> Line:
    words, spans = _rewrite(utterance.words, pieces)
    return Line(
        number=number,
        speaker=speaker,
        start_s=utterance.start_s,
        end_s=utterance.end_s,
        words=words,
        replaced=tuple(span for span, text in spans if span.kind is not None),
        kept=tuple(span for span, text in spans if text is None),
        overlapped=utterance.overlapped,
        unclear=tuple(span for span, text in spans if span.kind is None and text is not None),
    )


def _rewrite(
    words: tuple[Word, ...], pieces: list[_Piece]
) -> tuple[tuple[Word, ...], tuple[tuple[Span, str | None], ...]]:
    """Words with the pieces written in, and where each stands now, with its text; words that a piece joins become one,
    with the times of the whole.
    """
    out: list[Word] = []
    spans: list[tuple[Span, str | None]] = []
    source = "".join(word.text for word in words)
    written = 0  # length of the text so far
    for first, last, start, end in _groups(words, pieces):
        text = ""
        place = start
        for piece in (p for p in pieces if start <= p.start < end):
            text += source[place : piece.start]
            inserted = source[piece.start : piece.end]
            if piece.text is not None:
                before = "".join(word.text for word in out) + text if _ARTICLE.match(piece.text) else ""
                inserted = _ARTICLE.sub("", piece.text) if _DETERMINER.search(before) else piece.text
            at = written + len(text)
            span = Span(start=at, end=at + len(inserted), kind=piece.kind if piece.text is not None else None)
            spans.append((span, piece.text))
            text += inserted
            place = piece.end
        text += source[place:end]
        probability = min(word.probability for word in words[first : last + 1])
        out.append(Word(start_s=words[first].start_s, end_s=words[last].end_s, text=text, probability=probability))
        written += len(text)
    return tuple(out), tuple(spans)


def _groups(words: tuple[Word, ...], pieces: list[_Piece]) -> list[tuple[int, int, int, int]]:
    """(first word, last word, start, end) of each run of words that a piece ties together."""
    groups: list[tuple[int, int, int, int]] = []
    place = 0
    for index, word in enumerate(words):
        start, end = place, place + len(word.text)
        place = end
        tied = any(p.start < start < p.end for p in pieces)
        if tied and groups:
            first, _, group_start, _ = groups[-1]
            groups[-1] = (first, index, group_start, end)
        else:
            groups.append((index, index, start, end))
    return groups
