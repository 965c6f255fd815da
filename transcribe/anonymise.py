"""Transcript, settled spans and pseudonyms to an AnonymisedTranscript. Pure: no disk, no model."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from transcribe.config import Action, Policy
from transcribe.detect import defaults
from transcribe.pseudonyms import NUMBERED, action, relation_of, role_of, tells_of_twins, written
from transcribe.review.decisions import Settled
from transcribe.schema import (
    AnonymisedTranscript,
    Case,
    Finding,
    Kind,
    Layout,
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
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")
_DETERMINER = re.compile(r"\b(?:the|a|an|my|our|your|his|her|their|this|that)\s+$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


@record
class _Piece(Quiet):
    """A span of an utterance and what is written there: None = the words stay, as decided; no kind = unclear words."""

    start: int
    end: int
    kind: Kind | None
    text: str | None
    case: str = ""


def _no_key(_: str) -> str:
    """Without the vault's key nobody is told from anybody."""
    return ""


def anonymise(
    transcript: Transcript,
    settled: Settled,
    people: Mapping[str, Person],
    policy: Policy,
    source_digest: str,
    key: Callable[[str], str] = _no_key,
    layout: Layout = Layout(),  # noqa: B008 - frozen
) -> AnonymisedTranscript:
    """What may be released, if the gate agrees. Every person that a span points to has her pseudonym by now.

    `key` gives a person's id a keyed form. Characters outside the basic plane, which coding tools count differently,
    become U+FFFD here, once for all formats.
    """
    transcript = _in_basic_plane(transcript)
    names = speaker_names(transcript, people, policy)
    by_utterance = _pieces(transcript, settled, people, policy, key, layout.tags)
    lines = tuple(
        _line(number, names[u.speaker], u, sorted(by_utterance.get(u.id, []), key=lambda p: p.start))
        for number, u in enumerate(transcript.utterances, 1)
    )
    counts = Counter(span.kind for line in lines for span in line.replaced if span.kind)
    return AnonymisedTranscript(
        recording_id=transcript.recording_id,
        language=transcript.language,
        lines=lines,
        policy=f"{policy.level}, {policy.convention}",
        dates=_dates(policy),
        statement=STATEMENT,
        review=settled.review,
        settled_on=settled.settled_on,
        source_digest=source_digest,
        counts=tuple(sorted(counts.items())),
        timed=transcript.timed,
        unclear=len(settled.unclear),
        unclear_s=sum(stretch.end_s - stretch.start_s for stretch in settled.unclear),
        cases=_cases(transcript, settled, names, people, policy, key),
        made_by=transcript.made_by,
        layout=layout,
    )


def _pieces(
    transcript: Transcript,
    settled: Settled,
    people: Mapping[str, Person],
    policy: Policy,
    key: Callable[[str], str],
    tags: str,
) -> dict[str, list[_Piece]]:
    """Utterance id -> what is settled of its words."""
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    by_utterance: dict[str, list[_Piece]] = {}
    for finding in settled.replaced:
        surface = texts[finding.utterance_id][finding.start : finding.end]
        piece = _piece(finding, surface, people, policy)
        styled = with_tags(piece.text, tags) if piece.text is not None else None
        case = key(piece.case) if piece.case else ""
        by_utterance.setdefault(finding.utterance_id, []).append(replace(piece, text=styled, case=case))
    for finding in settled.kept:
        kept = _Piece(start=finding.start, end=finding.end, kind=finding.kind, text=None)
        by_utterance.setdefault(finding.utterance_id, []).append(kept)
    for stretch in settled.unclear:
        text = with_tags(UNCLEAR, tags)
        unclear = _Piece(start=stretch.start, end=stretch.end, kind=None, text=text)
        by_utterance.setdefault(stretch.utterance_id, []).append(unclear)
    return by_utterance


def with_tags(text: str, tags: str) -> str:
    """Tags in a text with other brackets around them: `tags` holds an opening and a closing half of equal length."""
    half = len(tags) // 2
    return text.replace("[", tags[:half]).replace("]", tags[half:])


def _in_basic_plane(transcript: Transcript) -> Transcript:
    if all(ord(char) <= 0xFFFF for utterance in transcript.utterances for char in utterance.text):
        return transcript
    utterances = tuple(
        replace(u, words=tuple(replace(w, text=_ASTRAL.sub("\ufffd", w.text)) for w in u.words))
        for u in transcript.utterances
    )
    return replace(transcript, utterances=utterances)


def _dates(policy: Policy) -> str:
    """What becomes of dates, in words for a header."""
    date = Person(id="", kind=Kind.DATE, role=Kind.DATE.value, forms=("",))
    what = action(date, policy)
    said = {Action.KEEP: "kept", Action.GENERALISE: f"cut to the {policy.dates}"}
    return said.get(what, "withheld")


def _cases(
    transcript: Transcript,
    settled: Settled,
    names: Mapping[str, str],
    people: Mapping[str, Person],
    policy: Policy,
    key: Callable[[str], str],
) -> tuple[Case, ...]:
    """Who speaks and who is spoken of here, without those whose names are kept: a file tells nothing more of them."""
    speaking = {s.person_id: names[s.label] for s in transcript.speakers if s.person_id}
    order = {u.id: n for n, u in enumerate(transcript.utterances)}
    mentioned = sorted(settled.replaced, key=lambda f: (order[f.utterance_id], f.start))
    cases = []
    for person_id in dict.fromkeys([*speaking, *(f.person_id for f in mentioned)]):
        person = people.get(person_id or "")
        if person is None or person.sealed or person.kind not in NUMBERED or action(person, policy) is Action.KEEP:
            continue
        label = speaking.get(person.id, "")
        name = label_of(written(person, policy) or "")
        relation, role = relation_of(person, policy).lower(), role_of(person, policy)
        cases.append(Case(key=key(person.id), kind=person.kind, name=name, role=role, label=label, relation=relation))
    return tuple(cases)


def speaker_names(transcript: Transcript, people: Mapping[str, Person], policy: Policy) -> dict[str, str]:
    """label -> what stands before the colon: a pseudonym, or a role such as "Interviewer" or "Speaker 2"."""
    names: dict[str, str] = {}
    known: dict[str, str] = {}
    for speaker in transcript.speakers:
        if speaker.person_id in known:  # two voices that are one person's
            names[speaker.label] = known[speaker.person_id or ""]
            continue
        name = _speaker_name(speaker, people, policy)
        number = 2
        base = name
        while name in names.values():
            name, number = f"{base} {number}", number + 1
        names[speaker.label] = name
        if speaker.person_id:
            known[speaker.person_id] = name
    return names


def _speaker_name(speaker: Speaker, people: Mapping[str, Person], policy: Policy) -> str:
    person = people.get(speaker.person_id or "")
    if person is not None and action(person, policy) is Action.KEEP:
        return person.forms[0]
    # what she was when the voice was given to her, the roster may have corrected since
    role = speaker.role if person is None or person.sealed else person.role
    if person is not None and person.pseudonym and role != "interviewer":
        return label_of(person.pseudonym)
    if role == "speaker":
        return f"Speaker {speaker.label.lstrip('S') or speaker.label}"
    role = "child" if tells_of_twins(role, policy) else role
    return role[:1].upper() + role[1:].replace("_", " ")


def label_of(pseudonym: str) -> str:
    """A pseudonym as a speaker's label; a tag without its brackets, which coding tools take for a stamp."""
    bare = pseudonym.strip("[]")
    return bare if bare == pseudonym else bare[:1].upper() + bare[1:]


def _piece(finding: Finding, surface: str, people: Mapping[str, Person], policy: Policy) -> _Piece:
    person = people.get(finding.person_id or "")
    if (
        person is None or person.sealed
    ):  # nobody in particular: withheld questions, kinds bound to a place, who is forgotten
        role = finding.role or defaults.role(finding)
        person = Person(id="", kind=finding.kind, role=role, forms=(surface,), relation=finding.relation)
    text = written(person, policy)
    return _Piece(start=finding.start, end=finding.end, kind=finding.kind, text=text, case=person.id)


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
            kind = piece.kind if piece.text is not None else None
            span = Span(start=at, end=at + len(inserted), kind=kind, case=piece.case)
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
