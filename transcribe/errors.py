"""The error tree: what went wrong, in which recording, at which stage, and what to do next.

No message ever holds a word of an interview, a real name or an original file name: a recording is named by its
id, a person by hers, a file on the command line by its position ("file 2 of 5").
"""

import re

_ID = re.compile(r"[A-Za-z]{1,2}[0-9]{1,6}([-_.][A-Za-z]?[0-9]{1,6})?")


def typed(given: str) -> str:
    """What was typed as an id, to be repeated in a message: only where it looks like one, since it may be a name."""
    return given if _ID.fullmatch(given) else "that was given"


def of_memory(error: BaseException | None) -> bool:
    """Whether it is for want of memory; torch and CTranslate2 tell it in their message alone."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


class TranscribeError(Exception):
    """The root of all expected errors; the command line prints it as one sentence and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, what: str, *, advice: str = "", recording_id: str = "", stage: str = "") -> None:
        """`what` happened, and `advice` on what to do next; both are full clauses without a final stop."""
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.recording_id = recording_id
        self.stage = stage

    def __str__(self) -> str:
        place = ", ".join(p for p in (self.recording_id, self.stage) if p)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text}; {self.advice}." if self.advice else f"{text}."


class ConfigError(TranscribeError):
    """study.toml or an option cannot be used as written."""

    exit_code = 2


class StudyError(TranscribeError):
    """The study folder, or something asked of it, does not exist or is in the wrong state."""

    exit_code = 2


class RosterError(TranscribeError):
    """A roster row cannot be taken; names the row and the column, never what stands there."""

    exit_code = 2


class LockedError(TranscribeError):
    """The study's key is needed and could not be had."""

    exit_code = 3


class DamagedKeyError(LockedError):
    """The file that holds the study's key is damaged: no passphrase opens it, the right one neither."""


class StoreError(TranscribeError):
    """An artefact is damaged, of another type, or from a newer version."""

    exit_code = 4


class NewerError(StoreError):
    """An artefact was written by a newer version: it is not damaged, and nothing may be done to it."""


class AudioError(TranscribeError):
    """A recording cannot be used: unreadable, without sound, silent or cut short."""

    exit_code = 5


class WeightsError(TranscribeError):
    """A model's weights are missing, damaged or not the ones the registry names."""

    exit_code = 6


class NetworkForbidden(WeightsError):
    """Something tried to leave the machine; only `transcribe models fetch` may."""


class EngineError(TranscribeError):
    """A recognition, diarisation or detection engine failed or is not known."""

    exit_code = 7


class SetAside(EngineError):
    """A recording at which workers died, were stuck or had too little memory again and again."""


class ClusterLost(EngineError):
    """The scheduler of a cluster is gone, or no worker is left."""


class NotSettledError(TranscribeError):
    """A release was asked for findings that nobody has settled."""

    exit_code = 8


class LeakError(TranscribeError):
    """The gate found something that would have identified a person; nothing was written."""

    exit_code = 9


class ConsentError(TranscribeError):
    """A participant has not agreed to what was asked for, or has withdrawn."""

    exit_code = 10


class StoppedError(TranscribeError):
    """Somebody stopped it, and running the same again would not just go on."""

    exit_code = 130
