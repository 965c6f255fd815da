"""One transcript as text, JSON or RTTM: as it may be released, or identified for the key holder's eyes."""

import json
from dataclasses import replace
from pathlib import Path

from transcribe import export
from transcribe.anonymise import speaker_names
from transcribe.errors import ConfigError, StudyError
from transcribe.evaluate.der import write_rttm
from transcribe.explain import QUESTION, WAITING, WHO, by_place, flagged, state_of, told
from transcribe.export.json_document import made_by
from transcribe.export.layout import stamp
from transcribe.ready import Ready, named_people, need, preview
from transcribe.schema import Person, Speaker, Turns
from transcribe.study import Study
from transcribe.vault import Unlocked

FORMATS = ("txt", "json", "rttm")
CONTEXT = 30  # characters shown on both sides of a question


def identified(unlocked: Unlocked, recording_id: str, form: str) -> str:
    """The transcript with every name in it, and below it what a reviewer should look at.

    Raises StudyError when there is none yet.
    """
    ready = need(unlocked, recording_id, proposed=True)
    transcript = ready.transcript.value
    people = {person.id: person for person in unlocked.vault.people}
    names = {speaker.label: _real_name(speaker, people) for speaker in transcript.speakers}
    if form == "rttm":
        return _rttm(unlocked, recording_id, {label: label for label in names})
    if form == "json":
        parts = unlocked.vault.entry(recording_id).parts
        begins = [{"part": number, "start_s": part.start_s} for number, part in enumerate(parts, 1)]
        return json.dumps({**_document(ready, people, names), "parts": begins}, ensure_ascii=False, indent=1)
    turns = (
        f"{stamp(u.start_s)} {names[u.speaker]}: {u.text}" if transcript.timed else f"{names[u.speaker]}: {u.text}"
        for u in transcript.utterances
    )
    return "\n\n".join([*turns, *_to_decide(ready, people), *_unclear(ready, words=True)])


def pseudonymised(unlocked: Unlocked, recording_id: str, form: str) -> str:
    """What a release would hold, passed by the gate; and apart from it, the stretches that nobody may have said."""
    ready = need(unlocked, recording_id, proposed=True)
    transcript = preview(unlocked, ready)
    if form == "rttm":
        people = {person.id: person for person in named_people(unlocked)}
        return _rttm(
            unlocked,
            recording_id,
            speaker_names(ready.transcript.value, people, unlocked.study.config.policy),
        )
    document = export.load_for_recording(form).write(transcript).decode()
    if form == "json":
        return json.dumps({**json.loads(document), "flagged": flagged(ready)}, ensure_ascii=False, indent=1)
    return "\n".join([document, *_unclear(ready, words=False)])


def released(study: Study, recording_id: str, form: str) -> str:
    """Without the key: the latest released file. Raises StudyError when there is none in this form."""
    name = f"{recording_id}_pseudonymised.{form}"
    releases = (path for path in study.releases.iterdir() if path.name.isdigit() and (path / name).is_file())
    files = [path / name for path in sorted(releases, key=lambda path: int(path.name))]
    if not files:
        raise StudyError(
            f"nothing is released as {form}", recording_id=recording_id, advice="give the passphrase to see a preview"
        )
    return Path(files[-1]).read_text(encoding="utf-8")


def check_form(form: str) -> None:
    """Raises ConfigError for a form that `show` does not know."""
    if form not in FORMATS:
        raise ConfigError(f"there is no format {form!r} to show", advice=f"choose one of {', '.join(FORMATS)}")


def _to_decide(ready: Ready, people: dict[str, Person]) -> list[str]:
    """The questions, each in a few words of its context, and the turns that no rule could read."""
    texts = {u.id: u for u in ready.transcript.value.utterances}
    lines = []
    for finding in by_place(ready):
        doubt = state_of(ready, finding)
        if doubt in (QUESTION, WAITING, WHO):
            utterance = texts[finding.utterance_id]
            lead, tail = utterance.text[: finding.start][-CONTEXT:], utterance.text[finding.end :][:CONTEXT]
            marked = f"{lead}>{utterance.text[finding.start : finding.end]}<{tail}"
            asked = f"who? taken for {finding.person_id}" if doubt == WHO else "a name?"
            lines.append(
                f"{finding.id} {stamp(utterance.start_s)} {asked} ({finding.score:.0%}) ...{marked.strip()}..."
            )
    lines += [f"{i}: in another language? No rule read it." for i in ready.foreign]
    return ["To decide:\n" + "\n".join(lines)] if lines else []


def _unclear(ready: Ready, *, words: bool) -> list[str]:
    """The stretches that nobody may have said, with their words for the key holder's eyes alone."""
    texts = {u.id: u.text for u in ready.transcript.value.utterances}
    lines = []
    for stretch, facts in zip(ready.flagged, flagged(ready), strict=True):
        reasons, seconds = "; ".join(stretch.causes), stretch.end_s - stretch.start_s
        heard = f" ...{texts[stretch.utterance_id][stretch.start : stretch.end]}..." if words else ""
        lines.append(f"{stretch.id} {stamp(stretch.start_s)} {seconds:.1f} s, {facts['state']}: {reasons}{heard}")
    return ["Perhaps said by nobody (settle --restore shows the words):\n" + "\n".join(lines)] if lines else []


def _real_name(speaker: Speaker, people: dict[str, Person]) -> str:
    person = people.get(speaker.person_id or "")
    if person is not None:
        return person.forms[0]
    return speaker.label if speaker.role == "speaker" else f"{speaker.role.capitalize()} ({speaker.label})"


def _rttm(unlocked: Unlocked, recording_id: str, names: dict[str, str]) -> str:
    turns = unlocked.load(recording_id, "turns", Turns)
    if turns is None:
        raise StudyError("a transcript that came without sound has no turns in time", recording_id=recording_id)
    renamed = (replace(turn, speaker=names.get(turn.speaker, turn.speaker)) for turn in turns.value.all)
    return write_rttm(recording_id, tuple(replace(t, speaker=t.speaker.replace(" ", "_")) for t in renamed))


def _document(ready: Ready, people: dict[str, Person], names: dict[str, str]) -> dict[str, object]:
    transcript = ready.transcript.value
    texts = {u.id: u.text for u in transcript.utterances}
    return {
        "schema": "transcribe-identified/1",
        "recording": transcript.recording_id,
        "made_by": [made_by(one) for one in transcript.made_by],
        "language": transcript.language,
        "speakers": [
            {
                "label": s.label,
                "role": s.role,
                "person": s.person_id,
                "name": names[s.label],
                "confidence": s.confidence,
            }
            for s in transcript.speakers
        ],
        "turns": [
            {
                "id": u.id,
                "speaker": u.speaker,
                "start_s": u.start_s,
                "end_s": u.end_s,
                "overlapped": u.overlapped,
                "text": u.text,
                "words": [
                    {"text": w.text, "start_s": w.start_s, "end_s": w.end_s, "probability": w.probability}
                    for w in u.words
                ],
            }
            for u in transcript.utterances
        ],
        "findings": [told(ready, finding, people) for finding in by_place(ready)],
        "foreign": list(ready.foreign),
        "flagged": [
            {**facts, "text": texts[stretch.utterance_id][stretch.start : stretch.end]}
            for stretch, facts in zip(ready.flagged, flagged(ready), strict=True)
        ],
    }
