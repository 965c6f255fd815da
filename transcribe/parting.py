"""What a withdrawal takes, and what it has still to do: ids and numbers alone."""

from transcribe.schema import Quiet, record


@record
class Plan(Quiet):
    """What goes: `of` is what was named, `person` her id, empty for a recording; ids of people and of recordings; who
    belongs to these people and stays, since he takes part in a recording that stays; how often others name them, by
    recording; the releases that hold any of it, `moved` those of them whose folders lie here no more; recordings whose
    source files still lie outside the study; `unsaid`: recordings that stay, of which nobody said who took part.
    """

    of: str
    person: str
    people: tuple[str, ...]
    recordings: tuple[str, ...]
    stay: tuple[str, ...]
    mentions: tuple[tuple[str, int], ...]
    releases: tuple[int, ...]
    moved: tuple[int, ...]
    sources: tuple[str, ...]
    unsaid: tuple[str, ...] = ()


@record
class Withdrawn(Quiet):
    """A release that goes: what it held, in which formats, what of it nobody had reviewed, whether with sound."""

    number: int
    level: str
    recordings: tuple[str, ...]
    formats: tuple[str, ...]
    unreviewed: tuple[str, ...]
    sound: bool


@record
class Unfinished(Quiet):
    """A withdrawal from when the key table has lost what goes until the certificate stands: what was withdrawn, by
    whom; its number in the journal and that of its certificate, and of the last release `before` it.
    """

    plan: Plan
    withdrawn: tuple[Withdrawn, ...]
    reviewer: str
    number: int
    certificate: int
    before: int
