"""Small transcripts and people for detection tests; all names are invented."""

from transcribe.schema import Finding, Kind, Person, Transcript, Utterance, Word


def utterance(text: str, number: int = 1) -> Utterance:
    word = Word(start_s=0.0, end_s=1.0, text=text, probability=1.0)
    return Utterance(id=f"U{number:04d}", speaker="S1", start_s=0.0, end_s=1.0, words=(word,))


def utterances(*texts: str) -> tuple[Utterance, ...]:
    return tuple(utterance(text, number) for number, text in enumerate(texts, 1))


def transcript(*texts: str, recording_id: str = "R001") -> Transcript:
    return Transcript(
        recording_id=recording_id, language="en", utterances=utterances(*texts), speakers=(), made_by=(), timed=False
    )


def person(id: str, *forms: str, kind: Kind = Kind.PERSON, role: str = "participant") -> Person:
    return Person(id=id, kind=kind, role=role, forms=forms)


def surfaces(texts: tuple[str, ...], findings: tuple[Finding, ...]) -> list[str]:
    by_id = {f"U{number:04d}": text for number, text in enumerate(texts, 1)}
    return [by_id[f.utterance_id][f.start : f.end] for f in findings]
