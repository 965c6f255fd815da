"""Detection on one text without a study, for `transcribe detect` and for evaluation."""

from transcribe.detect import Rule, look, resolve, tagger_of
from transcribe.schema import Person, Transcript, Utterance, Word


def detect_text(
    text: str, rules: tuple[Rule, ...], people: tuple[Person, ...] = (), least: float = 0.0
) -> tuple[tuple[int, int, str, float], ...]:
    """Spans (start, end, kind, probability) of what rules and roster find in a text; each line is read as an utterance.

    `least`: the probability from which on a finding counts.
    """
    utterances = []
    offsets = {}
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        utterance = _utterance(number, line)
        utterances.append(utterance)
        offsets[utterance.id] = start
        start += len(line) + 1
    transcript = Transcript(
        recording_id="TEXT", language="en", utterances=tuple(utterances), speakers=(), made_by=(), timed=False
    )
    found = look.look(transcript, rules).found
    resolution = resolve.resolve(transcript, found, people, tagger=tagger_of(rules))
    return tuple(
        (offsets[f.utterance_id] + f.start, offsets[f.utterance_id] + f.end, f.kind.value, f.score)
        for f in resolution.findings.found
        if f.score >= least
    )


def _utterance(number: int, line: str) -> Utterance:
    word = Word(start_s=0.0, end_s=0.0, text=line, probability=1.0)
    return Utterance(id=f"U{number:04d}", speaker="S1", start_s=0.0, end_s=0.0, words=(word,))
