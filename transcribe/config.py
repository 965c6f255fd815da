"""study.toml -> StudyConfig. What a researcher may change, each with its default; an unknown key is an error."""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import tomlkit
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from rapidfuzz.distance import Levenshtein

from transcribe import store
from transcribe.errors import ConfigError
from transcribe.schema import Kind

LANGUAGES = frozenset(
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si "
    "sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh".split()
)
"""The codes that Whisper knows (openai/whisper, tokenizer.py): ISO 639-1 but for haw, jw and yue."""
AUTO = "auto"
FILE = "study.toml"
_CORRECT = "correct it and try again"
M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 20_000
"""Of study.toml: reading keys of thousands of parts takes time by the square of their number."""

SLIPS = 2  # letters by which a mistyped key differs from the one that was meant
INTERVIEWER = "interviewer"
"""The one role that may be recognised by voice as a role."""
_ROLES = frozenset(
    "adult baby boyfriend brother carer child clinician counsellor daughter doctor family father friend girlfriend "
    "grandparent gp husband infant interviewee interviewer midwife mother nurse parent partner participant person "
    "professional psychologist psychotherapist relative researcher respondent sibling sister son speaker therapist "
    "wife".split()
)
"""Words that are written for a role; a person is listed by her id alone."""
SYNONYMS = {"parent": "participant", "respondent": "participant", "researcher": "interviewer"}


def known_role(role: str) -> str:
    """A role as the study writes it."""
    plain = role.strip().lower()
    return SYNONYMS.get(plain, plain)


def _known_roles(raw: object) -> object:
    """Settings by role under the roles that people have: Parent is participant, as it is in a roster."""
    if not isinstance(raw, dict):
        return raw
    known: dict[str, object] = {}
    for role, said in raw.items():
        if known.setdefault(known_role(str(role)), said) != said:
            raise PydanticCustomError("roles", "two settings are of one role")
    return known


class Action(StrEnum):
    """What is written instead of a name."""

    PSEUDONYM = "pseudonym"
    TAG = "tag"
    GENERALISE = "generalise"
    KEEP = "keep"


Roles = Annotated[dict[str, Action], BeforeValidator(_known_roles)]


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

    In study.toml a rule that is not named keeps its model, one with "" does not run; `rules = {}`: none does.

    `operating_point` "reviewed" is balanced: what is only possible is a question for the reviewer, and stays readable
    in a transcript that she settles without an answer. "unreviewed" puts recall first: every question is withheld. What
    is released unreviewed is always at the second.
    """

    operating_point: Literal["reviewed", "unreviewed"] = "reviewed"
    rules: dict[str, str] = {"presidio": "en_core_web_md", "rampart": "rampart"}


class Level(_Section):
    """What an anonymity level changes: what is written instead of single roles and kinds, what is left of dates, which
    columns of attributes are released, none if none is named, and whether the titles of topics are.
    """

    roles: Roles = {}
    kinds: dict[Kind, Action] = {}
    dates: Literal["month", "year"] | None = None
    attributes: tuple[str, ...] = ()
    topics: bool = False


class Policy(_Section):
    """What is written instead of each role and kind, for the team and at two stricter levels.

    `convention` "pseudonyms": participants, infants and therapists get pseudonyms; "brackets": participants alone do,
    infants and therapists are tagged as in the published study. `roles` and `kinds` override single ones; `dates` is
    what is left of a date that is generalised. `archive` and `public` change the team's, and policy.toml's for that
    level (see `levels`); `level`, `attributes` (None: all), `topics` and `inherited`, what a kind's roles have from
    the team, are set there alone.
    """

    convention: Literal["pseudonyms", "brackets"] = "pseudonyms"
    roles: Roles = {}
    kinds: dict[Kind, Action] = {}
    dates: Literal["month", "year"] = "year"
    archive: Level = Level()
    public: Level = Level()
    level: Annotated[Literal["team", "archive", "public"], Field(exclude=True)] = "team"
    attributes: Annotated[tuple[str, ...] | None, Field(exclude=True)] = None
    topics: Annotated[bool, Field(exclude=True)] = True
    inherited: Annotated[dict[Kind, dict[str, Action]], Field(exclude=True)] = {}

    @model_validator(mode="before")
    @classmethod
    def _levels_are_asked_for(cls, raw: object) -> object:
        for name, field in cls.model_fields.items():
            if field.exclude and isinstance(raw, dict) and name in raw:
                raise PydanticCustomError(
                    "level", "is set by `release --policy`, or under [policy.archive] or [policy.public]"
                )
        return raw


class Export(_Section):
    """How files are laid out where a format leaves a choice: what stands around tags, line numbers and a wide margin
    (docx), the text unit of NUD*IST, and the line ends of texts in a .qdpx (`crlf`).
    """

    tags: Literal["[]", "<<>>", "@@##"] = "[]"
    line_numbers: bool = False
    wide_margin: bool = False
    unit: Literal["turn", "sentence", "line72"] = "turn"
    crlf: bool = False


class Verbatim(_Section):
    """How close to the sound the released lines read (see `verbatim`); seconds of silence from which a pause is marked.

    `short_s` and more is written (.), `long_s` and more (..), `timed_s` and more in seconds. `non_speech`: whether loud
    stretches in which nobody speaks are marked.
    """

    pauses: bool = False
    short_s: float = Field(default=0.3, ge=0.05, le=60.0)
    long_s: float = Field(default=1.0, ge=0.05, le=60.0)
    timed_s: float = Field(default=2.0, ge=0.05, le=60.0)
    fillers: Literal["keep", "drop"] = "keep"
    non_speech: bool = False

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.short_s <= self.long_s <= self.timed_s:
            raise ValueError("short_s, long_s and timed_s have to rise")
        return self


class StudyConfig(_Section):
    """All settings of a study; `language` is an ISO 639-1 code or "auto", `device` auto, cpu or cuda.

    `voices` lists who agreed to be recognised by voice: "interviewer" for all of that role, everybody else by her id.
    `retention_months`: how long a recording may be kept from its adding, where no date was set for it; 0: not said.
    """

    language: str = Field(default="en", pattern=r"^([a-z]{2,3}|auto)$")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=0, ge=0, le=256)
    recognition: Recognition = Recognition()
    diarisation: Diarisation = Diarisation()
    detection: Detection = Detection()
    policy: Policy = Policy()
    verbatim: Verbatim = Verbatim()
    export: Export = Export()
    voices: tuple[str, ...] = ()
    retention_months: int = Field(default=0, ge=0, le=1200)

    @field_validator("language")
    @classmethod
    def _known_language(cls, language: str) -> str:
        if language != AUTO and language not in LANGUAGES:
            raise PydanticCustomError("language", "no recognition model knows a language of that code")
        return language

    @field_validator("voices")
    @classmethod
    def _by_name(cls, voices: tuple[str, ...]) -> tuple[str, ...]:
        for number, one in enumerate(voices, 1):
            role = one.casefold().removesuffix("s")
            if one != INTERVIEWER and (role in _ROLES or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", one)):
                raise PydanticCustomError(
                    "voices",
                    'entry {number} is neither "interviewer" nor a person\'s id: nobody else is listed as a role',
                    {"number": number},
                )
        return tuple(dict.fromkeys(voices))

    def with_recognition(self, engine: str, model: str) -> "StudyConfig":
        """The same settings with another recognition engine or model, where one is given."""
        asked = {key: value for key, value in (("engine", engine), ("model", model)) if value}
        return self.model_copy(update={"recognition": self.recognition.model_copy(update=asked)})


TEMPLATE = """\
# Settings of this study. No names in here: people belong into the roster (transcribe people STUDY import roster.csv).

language = "en"          # spoken language (ISO 639-1), or "auto"
device = "auto"          # auto, cpu or cuda
# Who is recognised by voice in the next recordings: ["interviewer"], and others by their ids, ["interviewer", "T1"].
# A voiceprint is special-category data: list nobody who has not agreed to it. Whoever is taken out is forgotten.
voices = []
retention_months = 0     # how long recordings may be kept; status reminds of it. 0: as `transcribe retain` says

[recognition]
engine = "faster-whisper"    # or openai-whisper
model = "whisper-base"       # see: transcribe models list

[diarisation]
engine = "pyannote"

[detection]
operating_point = "reviewed"  # or "unreviewed": whatever is only possibly a name is withheld, too

[policy]
convention = "pseudonyms"    # or "brackets": [infant] and [therapist] as in the published study
dates = "year"               # what is left of a date that is generalised; or "month"
# [policy.roles]
# partner = "pseudonym"      # pseudonym, tag, generalise or keep
# [policy.kinds]
# date = "generalise"
# [policy.archive.roles]     # release --policy archive; [policy.public.roles], [policy.public.kinds] likewise
# partner = "tag"

[verbatim]
pauses = false           # true: (.) from 0.3 s of silence, (..) from 1 s, (3.2 s) from 2 s; short_s, long_s, timed_s
fillers = "keep"         # or "drop": um, uh, er and erm are left out of what is released
non_speech = false       # true: two seconds and more of loud sound that is no speech read (non-speech, 12.4 s)

[export]
tags = "[]"              # or "<<>>" or "@@##": what stands around a tag
line_numbers = false     # docx
wide_margin = false      # docx: room for notes by hand
unit = "turn"            # NUD*IST text unit: turn, sentence or line72
crlf = false             # line ends of texts in a .qdpx; true where MAXQDA on Windows asks for it
"""


def load(path: Path) -> StudyConfig:
    """The settings in study.toml. Raises StudyError; ConfigError, with the known keys where one is not known."""
    return check(read(path))


def read(path: Path, name: str = FILE) -> dict[str, object]:
    """What stands in a TOML file that messages call `name`. Raises StudyError, ConfigError.

    A ValueError may also be a number of too many digits.
    """
    with store.disk_trouble(f"{name} cannot be read"):
        data = store.read_at_most(path, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{name} is larger than {MOST_BYTES // 1000} kB", advice=_CORRECT)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = f" near line {line}" if line else ""
        raise ConfigError(f"{name} is not valid TOML{where}", advice=_CORRECT) from None


def set_role(path: Path, role: str, action: str) -> None:
    """Write into study.toml what is written instead of a role; all else there stays as it is, comments too.

    Raises ConfigError; then nothing was written.
    """
    load(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    policy = document.setdefault("policy", tomlkit.table())
    roles = policy.setdefault("roles", tomlkit.table())
    for key in [key for key in roles if known_role(key) == known_role(role)] or [role]:
        roles[key] = action
    text = tomlkit.dumps(document)
    check(tomllib.loads(text))
    store.write_bytes(path, text.encode())


def check(raw: dict[str, object]) -> StudyConfig:
    """Validated settings; every default stated once, in the classes above."""
    detection = raw.get("detection")
    if isinstance(detection, dict) and isinstance(rules := detection.get("rules"), dict) and rules:
        together = {rule: model for rule, model in {**Detection().rules, **rules}.items() if model != ""}
        raw = {**raw, "detection": {**detection, "rules": together}}
    return checked(StudyConfig, raw)


def checked(model: type[M], raw: dict[str, object], name: str = FILE) -> M:
    """A file's settings, validated. Raises ConfigError, with the known keys where one is not known."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = _where(model, problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(_known(model, problem["loc"][:-1]))
            raise ConfigError(f"{name} has an unknown key {where!r}", advice=f"known here: {known}") from None
        place = f"{name}, {where}" if where else name
        raise ConfigError(f"{place}: {problem['msg']}", advice=_CORRECT) from None


def _where(model: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """The path to a setting. A key is shown where it is one of ours, or a slip of the pen from one: any other may be a
    name, or rule the terminal.
    """
    return ".".join(_shown(str(part), _known(model, path[:depth])) for depth, part in enumerate(path))


def _shown(key: str, known: list[str]) -> str:
    ours = known or [*_ROLES, *(kind.value for kind in Kind)]
    return key if any(Levenshtein.distance(key, one) <= SLIPS for one in ours) else "..."


def check_language(code: str) -> str:
    """The code, in lower case, if some recognition model knows it, or "auto". Raises ConfigError."""
    plain = code.strip().lower()
    if plain != AUTO and plain not in LANGUAGES:
        raise ConfigError(
            "no recognition model knows a language of that code",
            advice='give one of two letters such as en or cy, or "auto"',
        )
    return plain


def _known(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return [name for name, field in model.model_fields.items() if not field.exclude]
