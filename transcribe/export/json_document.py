"""JSON for programs: one object in the schema named by its `schema` field.

Schema `transcribe/2`, keys in this order (1, of releases before 0.3, ends with `turns` and has no `dates` and
`duration_s`):

    schema, recording, language, statement, review, settled_on, policy, dates, source_digest   strings
    duration_s   of the recording, or null
    counts     {kind: number of replacements}
    unclear    {stretches, seconds}: what stands as "[unclear]", since nobody may have said it
    speakers   [label, ...] in order of first turn
    turns      [{number, speaker, start_s, end_s, overlapped, text, words, replaced, unclear}, ...]
    words      [{text, start_s, end_s, probability}, ...]; the texts of a turn's words join to its text
    replaced   [{start, end, kind}, ...]: half-open code-point offsets in the turn's text
    unclear    [{start, end}, ...]: where "[unclear]" stands, likewise
    people     [{name, kind, role, label, relation, attributes}, ...]: who speaks (under `label`) and who is spoken of
    variables  {name: value}: what the researcher knows of the recording; `attributes` likewise of a person
    topics     [{start_s, title}, ...]
    made_by    [{stage, engine, version, model, model_sha256}, ...]

Times are seconds from the start of the recording, to 3 decimals, or null where the transcript has no clock times.
Words that a reviewer kept are not marked: a mark would tell a reader where a name-like word stands.
"""

import json
from collections.abc import Iterator
from typing import Any

from transcribe.export import Exporter
from transcribe.export.layout import clean
from transcribe.schema import AnonymisedTranscript, Case, Line, MadeBy

SCHEMA = "transcribe/2"


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: UTF-8, LF, indented by one. Raises ValueError for a time that is not a finite number."""
    document = {
        "schema": SCHEMA,
        "recording": clean(transcript.recording_id),
        "language": clean(transcript.language),
        "statement": clean(transcript.statement),
        "review": transcript.review.value,
        "settled_on": clean(transcript.settled_on),
        "policy": clean(transcript.policy),
        "dates": clean(transcript.dates),
        "source_digest": clean(transcript.source_digest),
        "duration_s": _seconds(transcript.duration_s, timed=transcript.timed),
        "counts": {kind.value: count for kind, count in transcript.counts},
        "unclear": {"stretches": transcript.unclear, "seconds": round(float(transcript.unclear_s), 3)},
        "speakers": list(dict.fromkeys(clean(line.speaker) for line in transcript.lines)),
        "turns": [_turn(line, timed=transcript.timed) for line in transcript.lines],
        "people": [_person(case) for case in transcript.cases],
        "variables": _pairs(transcript.variables),
        "topics": [{"start_s": round(start_s, 3), "title": clean(title)} for start_s, title in transcript.topics],
        "made_by": [made_by(one) for one in transcript.made_by],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    return (text + "\n").encode()


def made_by(one: MadeBy) -> dict[str, str]:
    """What made an artefact, without its options."""
    names = ("stage", "engine", "version", "model", "model_sha256")
    return {name: clean(getattr(one, name)) for name in names}


def _person(case: Case) -> dict[str, Any]:
    return {
        "name": clean(case.name),
        "kind": case.kind.value,
        "role": clean(case.role),
        "label": clean(case.label),
        "relation": clean(case.relation),
        "attributes": _pairs(case.attributes),
    }


def _pairs(values: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {clean(name): clean(value) for name, value in values}


def _turn(line: Line, *, timed: bool) -> dict[str, Any]:
    text = line.text
    return {
        "number": line.number,
        "speaker": clean(line.speaker),
        "start_s": _seconds(line.start_s, timed=timed),
        "end_s": _seconds(line.end_s, timed=timed),
        "overlapped": line.overlapped,
        "text": clean(text),
        "words": [
            {
                "text": clean(word.text),
                "start_s": _seconds(word.start_s, timed=timed),
                "end_s": _seconds(word.end_s, timed=timed),
                "probability": round(float(word.probability), 3),
            }
            for word in line.words
        ],
        "replaced": [
            {"start": len(clean(text[: span.start])), "end": len(clean(text[: span.end])), "kind": span.kind.value}
            for span in line.replaced
            if span.kind is not None
        ],
        "unclear": [
            {"start": len(clean(text[: span.start])), "end": len(clean(text[: span.end]))} for span in line.unclear
        ],
    }


def _seconds(time_s: float, *, timed: bool) -> float | None:
    return round(float(time_s), 3) if timed else None


def read_text(data: bytes) -> tuple[str, ...]:
    """Every key and every string of the file, and for each list of texts what they join to."""
    # Pairs instead of dicts: of two equal keys a dict would hide the first.
    return tuple(_strings(json.loads(data, object_pairs_hook=_Pairs)))


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in order, doubles included."""


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, _Pairs):
        for key, member in value:
            yield key
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
        yield from _joined(value)


def _joined(members: list[Any]) -> Iterator[str]:
    """The texts of a list of words as one string: a name may be spread over its words (but not over turns)."""
    pairs = [pair for member in members if isinstance(member, _Pairs) for pair in member]
    texts = [value for key, value in pairs if key == "text" and isinstance(value, str)]
    if len(texts) > 1 and not any(isinstance(value, list) for _, value in pairs):
        yield "".join(texts)


EXPORTER = Exporter(
    name="json",
    suffix=".json",
    summary="a documented JSON schema with every word's time: for programs",
    write=write,
    read_text=read_text,
)
