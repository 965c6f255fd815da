"""What a paper's Methods section needs of a release: a short text, and a provenance sheet with all versions. Pure."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from transcribe import __version__
from transcribe.config import Action, Policy
from transcribe.pseudonyms import action
from transcribe.schema import AnonymisedTranscript, Kind, MadeBy, Person, Quiet, ReviewState, record

SCHEMA = "transcribe-provenance/1"
_STAGES = {"recognise": "recognition", "diarise": "diarisation", "detect": "detection of names"}
_READERS = {"team": "for the research team", "archive": "for an archive", "public": "for the public"}
_DETAILS = {
    "dates": (Kind.DATE, "date"),
    "ages": (Kind.AGE, "exact age"),
    "places": (Kind.PLACE, "place"),
    "rare features": (Kind.OTHER, "rare diagnosis"),
}


@record
class Measured(Quiet):
    """An error rate that `transcribe evaluate --study` measured: `errors` of `of`, on data that the name describes."""

    measure: str
    errors: float
    of: float
    on: str


def text(
    transcripts: Sequence[AnonymisedTranscript],
    policy: Policy,
    measured: Sequence[Measured],
    helped: Collection[str] = (),
) -> str:
    """A paragraph to adapt: what was done with which programs, by which policy (a level's), and what was measured.

    `helped` are the ids of recordings that further machines may have heard.
    """
    count = len(transcripts)
    hours = sum(one.duration_s for one in transcripts) / 3600
    reviewed = sum(one.review is ReviewState.REVIEWED for one in transcripts)
    made = _made_by(transcripts)
    what = "recording" if any(one.stage == "recognise" for one in made) else "transcript"
    said = [
        f"{f'The {what}' if count == 1 else f'All {count} {what}s'}"
        f"{f' ({hours:.1f} hours)' if hours >= 0.05 else ''} "
        f"{'was' if count == 1 else 'were'} processed on the researchers' own computer with transcribe {__version__}; "
        f"{_where([one.recording_id in helped for one in transcripts])}",
        *(_sentence(stage, made) for stage in _STAGES if any(one.stage == stage for one in made)),
        f"Names and other identifying details were replaced by pseudonyms and role tags {_for_whom(policy)}; "
        f"{_total(transcripts)} replacements were made.",
        f"A person checked and settled {'it' if count == reviewed == 1 else f'{reviewed} of {count} transcripts'}."
        if reviewed
        else "No person has checked the replacements.",
        *(_rate(one) for one in measured),
        "The transcripts are pseudonymised, not anonymous: the key is kept encrypted, apart from them.",
    ]
    return " ".join(said)


def _where(helped: Sequence[bool]) -> str:
    """What left the researchers' computer."""
    if not any(helped):
        return "no recording and no text left it."
    of = "it" if len(helped) == 1 else f"{sum(helped)} of them"
    which = f"{of} {'was' if sum(helped) == 1 else 'were'}"
    return (
        f"{which} transcribed with the help of further machines that the researchers named, to which recordings and "
        "names to expect went encrypted; nothing was sent anywhere else."
    )


def _for_whom(policy: Policy) -> str:
    """Whom the release is for, and what its policy does to details that are nobody's name."""
    done: dict[Action, list[str]] = {}
    for detail, (kind, role) in _DETAILS.items():
        what = action(Person(id="", kind=kind, role=role, forms=()), policy)
        done.setdefault(Action.TAG if what is Action.PSEUDONYM else what, []).append(detail)
    said = {Action.GENERALISE: "made vaguer", Action.TAG: "withheld"}
    parts = [f"{_listed(done[what])} {how}" for what, how in said.items() if what in done]
    told = policy.level != "team" and parts
    return f"{_READERS[policy.level]}{f', with {_listed(parts)}' if told else ''}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _sentence(stage: str, made: Iterable[MadeBy]) -> str:
    used = [_engine(one) for one in made if one.stage == stage]
    return f"{_STAGES[stage].capitalize()}: {', '.join(used)}."


def _engine(one: MadeBy) -> str:
    return f"{one.engine} {one.version}{f' with the model {one.model}' if one.model else ''}"


def _total(transcripts: Sequence[AnonymisedTranscript]) -> int:
    return sum(count for one in transcripts for _, count in one.counts)


def _rate(one: Measured) -> str:
    return f"Measured {one.measure} on {one.on}: {100 * one.errors / one.of:.1f} % ({one.errors:g} of {one.of:g})."


def provenance(
    transcripts: Sequence[AnonymisedTranscript], level: str, settings: dict[str, Any], measured: Sequence[Measured]
) -> bytes:
    """provenance.json: every engine with version, model, checksum and options; settings; what was measured."""
    sheet = {
        "schema": SCHEMA,
        "program": f"transcribe {__version__}",
        "level": level,
        "recordings": [one.recording_id for one in transcripts],
        "made_by": [
            {
                "stage": one.stage,
                "engine": one.engine,
                "version": one.version,
                "model": one.model,
                "model_sha256": one.model_sha256,
                "options": dict(one.options),
            }
            for one in _made_by(transcripts)
        ],
        "settings": settings,
        "measured": [{"measure": one.measure, "errors": one.errors, "of": one.of, "on": one.on} for one in measured],
    }
    return json.dumps(sheet, ensure_ascii=False, indent=1).encode() + b"\n"


def _made_by(transcripts: Sequence[AnonymisedTranscript]) -> list[MadeBy]:
    """Everything that made any of them, each once, in order of stage."""
    every = dict.fromkeys(one for transcript in transcripts for one in transcript.made_by)
    stages = ["decode", *_STAGES, "assemble"]
    return sorted(every, key=lambda one: (stages.index(one.stage) if one.stage in stages else len(stages), one.engine))
