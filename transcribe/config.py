"""study.toml -> StudyConfig. What a researcher may change, each with its default; an unknown key is an error."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transcribe.errors import ConfigError
from transcribe.schema import Kind


class Action(StrEnum):
    """What is written instead of a name."""

    PSEUDONYM = "pseudonym"
    TAG = "tag"
    GENERALISE = "generalise"
    KEEP = "keep"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recognition(_Section):
    """Which engine writes the words down."""

    engine: str = "faster-whisper"
    model: str = "whisper-base"
    beam_size: int = Field(default=5, ge=1, le=20)


class Diarisation(_Section):
    """Which engine says who speaks, over which models."""

    engine: str = "pyannote"
    models: tuple[str, ...] = ("segmentation-3.0", "campplus")


class Detection(_Section):
    """Which model-backed rules look for names, each with its model; the rules that need no model always run.

    `operating_point` "reviewed" is balanced: what is only possible is a question for the reviewer, and stays readable
    in a transcript that she settles without an answer. "unreviewed" puts recall first: every question is withheld. What
    is released unreviewed is always at the second.
    """

    operating_point: Literal["reviewed", "unreviewed"] = "reviewed"
    rules: dict[str, str] = {"presidio": "en_core_web_md", "rampart": "rampart"}


class Policy(_Section):
    """What is written instead of each role and kind.

    `convention` "pseudonyms": participants, infants and therapists get pseudonyms; "brackets": participants alone do,
    infants and therapists are tagged as in the published study. `roles` and `kinds` override single ones.
    """

    convention: Literal["pseudonyms", "brackets"] = "pseudonyms"
    roles: dict[str, Action] = {}
    kinds: dict[Kind, Action] = {}


class StudyConfig(_Section):
    """All settings of a study; `language` is an ISO 639-1 code or "auto", `device` auto, cpu or cuda."""

    language: str = Field(default="en", pattern=r"^([a-z]{2,3}|auto)$")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=0, ge=0, le=256)
    recognition: Recognition = Recognition()
    diarisation: Diarisation = Diarisation()
    detection: Detection = Detection()
    policy: Policy = Policy()

    def with_recognition(self, engine: str, model: str) -> "StudyConfig":
        """The same settings with another recognition engine or model, where one is given."""
        asked = {key: value for key, value in (("engine", engine), ("model", model)) if value}
        return self.model_copy(update={"recognition": self.recognition.model_copy(update=asked)})


TEMPLATE = """\
# Settings of this study. No names in here: people belong into the roster (transcribe people STUDY import roster.csv).

language = "en"          # spoken language (ISO 639-1), or "auto"
device = "auto"          # auto, cpu or cuda

[recognition]
engine = "faster-whisper"    # or openai-whisper
model = "whisper-base"       # see: transcribe models list

[diarisation]
engine = "pyannote"

[detection]
operating_point = "reviewed"  # or "unreviewed": whatever is only possibly a name is withheld, too

[policy]
convention = "pseudonyms"    # or "brackets": [infant] and [therapist] as in the published study
# [policy.roles]
# partner = "pseudonym"      # pseudonym, tag, generalise or keep
# [policy.kinds]
# date = "generalise"
"""


def load(path: Path) -> StudyConfig:
    """The settings in study.toml. Raises ConfigError that lists the known keys where one is not known."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        where = f" near line {line}" if line else ""
        raise ConfigError(f"study.toml is not valid TOML{where}", advice="correct it and try again") from None
    return check(raw)


def check(raw: dict[str, object]) -> StudyConfig:
    """Validated settings; every default stated once, in the classes above."""
    try:
        return StudyConfig.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(_known(problem["loc"][:-1]))
            raise ConfigError(f"study.toml has an unknown key {where!r}", advice=f"known here: {known}") from None
        raise ConfigError(f"study.toml, {where}: {problem['msg']}", advice="correct it and try again") from None


def _known(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = StudyConfig
    for part in path:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
