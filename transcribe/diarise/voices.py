"""Which voice is whose: by what is said and how much. A guess with a confidence, corrected in one line.

An interviewer asks more and talks less; a person may say her own name. Weights of the score were set on the
development interviews d1 and d2 (see README, "What was measured").
"""

import re
from collections.abc import Mapping

from transcribe.schema import Person, Speaker, Transcript
from transcribe.wordforms import folded, search_forms

_ASKS = re.compile(
    r"^(?:(?:and|so|okay|right|well|yeah|um|erm)[,. ]+)*"
    r"(?:can you|could you|would you|do you|did you|have you|are you|were you|is there|was there|is it|was it|"
    r"how|what|when|where|who|why|which|tell me|and how|and what)\b",
    re.I,
)
_RESEARCH = re.compile(
    r"\b(?:i'm the researcher|the researcher on|this interview|the study|the recording|recording now|"
    r"stop the tape|for the tape|taking part|consent form|thank you for (?:your time|talking|coming))\b",
    re.I,
)
_INTRODUCES = r"\b(?:my name is|my name's|i'm|i am|call me)\s+(?:{})(?!\w|['’-]\w)"
"""Not "I'm Karen's husband" nor "I'm Karen-Ann"."""


def interviewing(transcript: Transcript) -> dict[str, float]:
    """For each label a score in [0, 1]: how much it talks as an interviewer does. Scores add up to 1."""
    asked: dict[str, float] = {}
    spoken: dict[str, int] = {}
    for utterance in transcript.utterances:
        sentences = re.split(r"(?<=[.?!])\s+", utterance.text.strip())
        questions = sum(1.0 if s.endswith("?") else 0.5 for s in sentences if s.endswith("?") or _ASKS.match(s))
        research = 2.0 * len(_RESEARCH.findall(utterance.text))
        asked[utterance.speaker] = asked.get(utterance.speaker, 0.0) + questions + research
        spoken[utterance.speaker] = spoken.get(utterance.speaker, 0) + len(utterance.words)
    total_words, total_asked = sum(spoken.values()) or 1, sum(asked.values()) or 1.0
    raw = {
        label: 0.7 * asked[label] / total_asked + 0.3 * (1 - spoken[label] / total_words) / max(len(spoken) - 1, 1)
        for label in spoken
    }
    whole = sum(raw.values()) or 1.0
    return {label: value / whole for label, value in raw.items()}


def introduced(transcript: Transcript, people: tuple[Person, ...]) -> dict[str, str]:
    """label -> id of the person who said "my name is ..." or "I'm ..." with a name of hers, where nobody else did.

    An infant never did.
    """
    found: dict[str, str] = {}
    for person in people:
        if person.role == "infant":
            continue
        forms = "|".join(re.escape(folded(form)) for form in search_forms(person))
        if not forms:
            continue
        pattern = re.compile(_INTRODUCES.format(forms))
        labels = {u.speaker for u in transcript.utterances if pattern.search(folded(u.text))}
        if len(labels) == 1:
            found.setdefault(labels.pop(), person.id)
    return found


def who_is_who(transcript: Transcript, people: tuple[Person, ...], fixed: Mapping[str, Speaker]) -> tuple[Speaker, ...]:
    """A role, and a person where one fits, for each label; `people` are those who took part, as far as known.

    People who are known to have taken part are dealt out first by self-introduction, then interviewers to the
    voices that ask most, then the others to those that talk most. Without any, the voice that asks most is the
    interviewer if it is clear, and the others stay speakers. `fixed` labels are corrected ones, not to be guessed.
    """
    asking = interviewing(transcript)
    dealt = {label: speaker for label, speaker in fixed.items() if label in asking}
    by_id = {person.id: person for person in people}
    for label, person_id in introduced(transcript, people).items():
        if person_id in by_id and label not in dealt:
            person = by_id.pop(person_id)
            dealt[label] = Speaker(label=label, role=person.role, person_id=person.id, confidence=0.9)
    open_labels = sorted((s for s in asking if s not in dealt), key=lambda s: -asking[s])
    interviewers = [p for p in by_id.values() if p.role == "interviewer"]
    others = [p for p in by_id.values() if p.role not in ("interviewer", "infant")]
    have_interviewer = any(speaker.role == "interviewer" for speaker in dealt.values())
    for person in interviewers[: len(open_labels)]:
        label = open_labels.pop(0)
        dealt[label] = _dealt(label, person, asking[label])
    if not interviewers and not have_interviewer and len(asking) > 1 and len(open_labels) > len(others):
        label = open_labels.pop(0)
        sure = asking[label] >= 0.6
        role = "interviewer" if sure else "speaker"
        dealt[label] = Speaker(label=label, role=role, person_id=None, confidence=asking[label])
    spoken = {s: sum(len(u.words) for u in transcript.utterances if u.speaker == s) for s in open_labels}
    for label in sorted(open_labels, key=lambda s: -spoken[s]):
        dealt[label] = _dealt(label, others.pop(0) if others else None, 1 - asking[label])
    return tuple(dealt[label] for label in sorted(dealt, key=lambda s: (len(s), s)))


def _dealt(label: str, person: Person | None, confidence: float) -> Speaker:
    role = person.role if person else "speaker"
    return Speaker(label=label, role=role, person_id=person.id if person else None, confidence=round(confidence, 3))
