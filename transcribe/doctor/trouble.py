"""Something that is wrong with a study, and what can be done about it."""

from collections.abc import Callable
from enum import StrEnum

from transcribe.schema import Quiet, record


class What(StrEnum):
    """The kinds of trouble."""

    DAMAGED = "damaged"
    MISSING = "missing"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    OPEN = "open to others"
    LEFT = "left over"


@record
class Trouble(Quiet):
    """`where` is a place in the study, ids and the program's own names alone; `said` what it means and who can help.

    `remedy` is what `repair` does, both empty where only a person can do something. What a killed process left behind
    is not `wrong`.
    """

    what: What
    where: str
    said: str
    recording_id: str = ""
    remedy: str = ""
    repair: Callable[[], None] | None = None
    wrong: bool = True
