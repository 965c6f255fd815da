"""What naming the people of a recording to the recogniser does to its words. Called by scripts/bench accuracy.

The development interviews, each heard without names and with those that its roster links to participant and
interviewer. Windows that names spoil are decoded again without them, a rule that was set on d1 and d2; d3 was left out.
Speech with none of the names are the LibriSpeech conversations, each with each of the rosters.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bench import BEAM, DATA, conversations, counted, samples

from transcribe import asr, diarise, people, pipeline, weights
from transcribe.diarise import Regions
from transcribe.evaluate import speech_files
from transcribe.evaluate.wer import ErrorCounts, word_errors

WHO = ("P1", "R1")
WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]{2,})*")  # without a possessive
TITLES = {"Dr", "Doctor", "Mr", "Mrs", "Ms", "Miss", "the", "The"}


def priming_table() -> dict[str, Any]:
    """Of each interview: word errors, name tokens written as spelt, tokens written that nobody said. Of speech without
    the names: word errors and tokens written, over all rosters together.
    """
    engine = asr.load("faster-whisper", "whisper-base", weights.path("whisper-base"))
    diariser = diarise.load("pyannote", (weights.path("segmentation-3.0"), weights.path("campplus")))

    @cache
    def speech(sound: Path) -> Regions:
        return diariser.segment(samples(sound)).speech

    @cache
    def heard(sound: Path, names: tuple[str, ...]) -> str:
        options = asr.AsrOptions(language="en", beam_size=BEAM, names=names, speech=speech(sound))
        return "".join(word.text for word in engine.transcribe(samples(sound), options).words)

    table: dict[str, Any] = {}
    rosters: dict[str, tuple[str, ...]] = {}
    for sound in sorted((DATA / "interviews").glob("*.flac")):
        roster = sound.with_name(f"{sound.stem.removesuffix('_noisy')}.roster.csv")
        rosters[sound.stem] = primed_with(roster)
        said = speech_files.read(sound.with_suffix(".json")).text
        for how, names in (("without", ()), ("with", rosters[sound.stem])):
            written = heard(sound, names)
            right, invented, wanted = spelt(said, written, rosters[sound.stem])
            told = {"names_right": right, "of": wanted, "names_invented": invented}
            table[f"{sound.stem}, {how} names"] = counted(word_errors(said, written)) | told
    for how in ("without", "with"):
        errors, invented = ErrorCounts(), 0
        for sound, said in conversations().items():
            for names in dict.fromkeys(rosters.values()):
                written = heard(sound, names if how == "with" else ())
                errors += word_errors(said, written)
                invented += spelt(said, written, names)[1]
        table[f"LibriSpeech, {how} names nobody says"] = counted(errors) | {"names_invented": invented}
    return table


def primed_with(roster: Path) -> tuple[str, ...]:
    """The names that a run gives to the recogniser."""
    return tuple(person.forms[0] for person in pipeline.linked(people.read(roster.read_bytes()), WHO))


def spelt(said: str, written: str, names: Iterable[str]) -> tuple[int, int, int]:
    """Tokens of names: written and said, written though not said, said; case counts, so that "hope" is no Hope."""
    wanted = {token for name in names for token in WORD.findall(name)} - TITLES
    spoken, found = (Counter(token for token in WORD.findall(text) if token in wanted) for text in (said, written))
    return (spoken & found).total(), (found - spoken).total(), spoken.total()
