"""Every type that crosses a stage.

Frozen, keyword-only, tuples instead of lists. Times are seconds from the start of the recording (`_s`); text offsets
are half-open code-point positions in `Utterance.text` or `Line.text`. A word keeps its leading space, so joining the
words of an utterance gives its text exactly. Nothing here shows its content when printed: a repr that reaches a log
or a traceback must not hold a word of an interview or a real name.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, dataclass_transform

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000

T = TypeVar("T")


class Quiet:
    """Prints as its type alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass with slots that keeps the quiet repr."""
    return dataclass(frozen=True, kw_only=True, slots=True, repr=False)(cls)


class Kind(StrEnum):
    """What a finding identifies."""

    PERSON = "person"
    PLACE = "place"
    ORGANISATION = "organisation"
    SERVICE = "service"
    DATE = "date"
    AGE = "age"
    CONTACT = "contact"
    ID_NUMBER = "id_number"
    OTHER = "other"


class ReviewState(StrEnum):
    """Whether a person has settled the findings of a transcript."""

    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"


class Verdict(StrEnum):
    """What was decided about a span of a transcript."""

    ACCEPT = "accept"
    KEEP = "keep"
    ADD = "add"
    RESTORE = "restore"
    UNCLEAR = "unclear"


class Purpose(StrEnum):
    """What a participant may agree to, as the roster's columns are called."""

    RECORD = "record"
    TRANSCRIBE = "transcribe"
    QUOTE = "quote"
    ARCHIVE = "archive"


class By(StrEnum):
    """How we know who a speaker is."""

    CORRECTED = "corrected"
    VOICE = "by voice"
    WORDS = "by what is said"
    LABEL = "as labelled"


class Cause(StrEnum):
    """Why words may be nobody's, the most telling first."""

    GHOST = "a sentence that recognisers write in silence"
    LOOP = "repeats itself"
    NOBODY = "nobody speaks here"


# --- sound ----------------------------------------------------------------------------------------------------------


@record
class Recording(Quiet):
    """What a probe and one full decode say of a recording; `sha256` of the file's bytes stays inside the encryption.

    Of several files in one recording the highest rate and the most channels. `apart`: two channels that plainly hold
    two speakers, as far as was listened.
    """

    id: str
    sha256: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    apart: bool = False


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Audio(Quiet):
    """Mono sound at 16 kHz: `samples` float32 of shape (n,) in [-1, 1]. Never stored."""

    samples: npt.NDArray[np.float32]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


# --- engines --------------------------------------------------------------------------------------------------------


@record
class MadeBy(Quiet):
    """What really made an artefact; `options` are the (name, value) pairs that the engine read."""

    stage: str
    engine: str
    version: str
    model: str
    model_sha256: str
    options: tuple[tuple[str, str], ...] = ()


@record
class Word(Quiet):
    """One recognised word with its leading space and punctuation; probability in [0, 1]."""

    start_s: float
    end_s: float
    text: str
    probability: float


@record
class Words(Quiet):
    """All words of a recording, in order; language is an ISO 639-1 code."""

    words: tuple[Word, ...]
    language: str
    language_probability: float
    made_by: MadeBy


@record
class SpeakerBounds(Quiet):
    """How many speakers there are: both ends equal when the number is given, None where it is open."""

    at_least: int | None = None
    at_most: int | None = None


@record
class Turn(Quiet):
    """One stretch of speech of one voice; `speaker` is a label such as S1, in order of first speech."""

    start_s: float
    end_s: float
    speaker: str


@record
class Turns(Quiet):
    """All turns (may overlap), and the exclusive ones (never do), each sorted by start."""

    all: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]
    made_by: MadeBy


# --- transcript -----------------------------------------------------------------------------------------------------


@record
class Utterance(Quiet):
    """What one speaker said without a change of speaker; id U0001 ... in order of start."""

    id: str
    speaker: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    overlapped: bool = False

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words)


@record
class Speaker(Quiet):
    """Who a label is: a role (interviewer, participant, ... or `speaker`), a person if known, and how sure we are.

    `by`: how we know, None while nobody asked.
    """

    label: str
    role: str
    person_id: str | None
    confidence: float
    by: By | None = None


@record
class Transcript(Quiet):
    """An attributed, identified transcript. Without clock times (an imported text) `timed` is False, all times 0."""

    recording_id: str
    language: str
    utterances: tuple[Utterance, ...]
    speakers: tuple[Speaker, ...]
    made_by: tuple[MadeBy, ...]
    timed: bool = True


@record
class Unclear(Quiet):
    """Words of an utterance that nobody may have said, numbers `first_word` to `last_word`; id X0001 ...

    `start` and `end` are their positions in its text, without the white space around them.
    """

    id: str
    utterance_id: str
    first_word: int
    last_word: int
    start: int
    end: int
    start_s: float
    end_s: float
    causes: tuple[Cause, ...]


# --- people ---------------------------------------------------------------------------------------------------------


@record
class Sealed(Quiet):
    """Spellings of a name that can be recognised but not read: their HMACs under `key` (hex), sorted, and how many
    words the longest one has.
    """

    key: str
    longest: int
    digests: tuple[str, ...]


@record
class Person(Quiet):
    """A person, place, service or organisation of the study; lives in the vault alone.

    `kind` is person, place, service or organisation for roster entries, any `Kind` value for found ones. `forms`:
    surface forms, the full name first. `position_only`: forms that are bound to their findings and never searched for;
    `bound`: those of her forms of which this holds when others are searched for.
    `heard`: how a recogniser wrote her name, as the roster says or learnt from accepted decisions, no ordinary words
    among these; and her names that the roster gave once.
    `of` is the id of the participant she belongs to; `pseudonym` what is written instead, once chosen or assigned;
    `general` the researcher's vaguer words for a place ("a town in the north"), for where policy generalises.
    `same_as`: the id of whom a reviewer found her to be; her forms stay hers, her mentions count as the other's.
    `sealed`: all that is left of the forms of somebody who is forgotten; they are found, and nobody can read them.
    """

    id: str
    kind: Kind
    role: str
    forms: tuple[str, ...]
    relation: str = ""
    of: str = ""
    pseudonym: str = ""
    chosen: bool = False
    found: bool = False
    position_only: bool = False
    bound: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    general: str = ""
    same_as: str = ""
    sealed: Sealed | None = None


@record
class Consent(Quiet):
    """What somebody of the roster agreed to; lives in the vault alone.

    A purpose in neither tuple is one of which nothing is said. `on` is an ISO date or empty; `withdrawn` an ISO date,
    "yes" where the day is not known, empty where she has not.
    """

    person_id: str
    agreed: tuple[Purpose, ...] = ()
    refused: tuple[Purpose, ...] = ()
    on: str = ""
    withdrawn: str = ""


# --- detection ------------------------------------------------------------------------------------------------------


@record
class Reason(Quiet):
    """Why a rule found something: the rule's name, a detail that holds no word of the interview, its own score."""

    rule: str
    detail: str = ""
    score: float = 0.0


@record
class Finding(Quiet):
    """A span that may identify somebody: positions and reasons, never the words.

    `score` in [0, 1] is the probability that it identifies. `reason` is the one that decided, `evidence` all that
    spoke for it. `role` and `relation` are what the context says of somebody who is not on the roster ("my husband").
    """

    id: str
    utterance_id: str
    start: int
    end: int
    kind: Kind
    person_id: str | None
    score: float
    reason: Reason
    role: str = ""
    relation: str = ""
    evidence: tuple[Reason, ...] = ()


@record
class Findings(Quiet):
    """What the rules say of a transcript: `found` spans, and `kept` spans a rule holds for ordinary words.

    `source` is the checksum of the transcript whose positions these are.
    """

    found: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    made_by: tuple[MadeBy, ...]
    source: str = ""


@record
class Decision(Quiet):
    """What a reviewer (an alias, never a login name) decided about a span; `at` in ISO 8601 UTC. `role` and `relation`
    are those of what is nobody's: a date of birth, an exact age.
    """

    utterance_id: str
    start: int
    end: int
    verdict: Verdict
    kind: Kind
    person_id: str | None
    reviewer: str
    at: str
    role: str = ""
    relation: str = ""


# --- what may be released -------------------------------------------------------------------------------------------


@record
class Span(Quiet):
    """A half-open stretch of `Line.text`; `kind` says what was replaced there, or is None where a word was kept.

    `case` is the key of whoever is meant, empty where that is nobody in particular.
    """

    start: int
    end: int
    kind: Kind | None
    case: str = ""


@record
class Line(Quiet):
    """One turn as it will be read: `speaker` is a pseudonym or role, `words` join to `text`.

    `unclear`: where `[unclear]` stands for words that nobody may have said; no kind.
    """

    number: int
    speaker: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    replaced: tuple[Span, ...]
    kept: tuple[Span, ...]
    overlapped: bool = False
    unclear: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words)


@record
class Case(Quiet):
    """Somebody who speaks or is spoken of, as an analyst may know her.

    `key` is keyed, and the same in all recordings; `name` is what is written instead of hers, without brackets; `label`
    how she stands before the colon here, empty where she does not speak; `attributes` are the researcher's own, as
    (name, value) pairs.
    """

    key: str
    kind: Kind
    name: str
    role: str
    label: str = ""
    relation: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@record
class Layout(Quiet):
    """How files are laid out where a format leaves a choice (study.toml, [export]).

    `tags` are what stands around a tag, half on each side; `unit` is what NUD*IST takes for a text unit.
    """

    tags: str = "[]"
    line_numbers: bool = False
    wide_margin: bool = False
    unit: str = "turn"
    crlf: bool = False


@record
class AnonymisedTranscript(Quiet):
    """The only thing an exporter takes.

    `statement` is the sentence every file carries; `settled_on` an ISO date, the date that files are given;
    `source_digest` is keyed; `counts` the number of replacements by kind, sorted; `unclear` the number of stretches
    written as `[unclear]`, `unclear_s` the seconds they last together. `policy` names the anonymity level and the
    convention, `dates` says what becomes of dates. `cases` are in order of first turn, then of first mention;
    `variables` the researcher's (name, value) pairs of the recording; `topics` where a topic begins (s) and its title.
    `audio` is the file name of the covered sound in the same release, empty where there is none.
    """

    recording_id: str
    language: str
    lines: tuple[Line, ...]
    policy: str
    statement: str
    review: ReviewState
    settled_on: str
    source_digest: str
    counts: tuple[tuple[Kind, int], ...]
    timed: bool = True
    unclear: int = 0
    unclear_s: float = 0.0
    dates: str = ""
    duration_s: float = 0.0
    cases: tuple[Case, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    topics: tuple[tuple[float, str], ...] = ()
    made_by: tuple[MadeBy, ...] = ()
    layout: Layout = Layout()
    audio: str = ""
