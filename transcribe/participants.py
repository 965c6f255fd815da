"""Who took part in a recording, as far as anybody said."""

from transcribe.config import INTERVIEWER
from transcribe.schema import Person

PARTICIPANT = "participant"


def took_part(people: tuple[Person, ...], who: tuple[str, ...]) -> tuple[str, ...]:
    """`who`; where nobody said so and the study has one participant, it is that one and the interviewers."""
    participants = [p.id for p in people if p.role == PARTICIPANT and not p.found]
    if who or len(participants) != 1:
        return who
    return (*participants, *(p.id for p in people if p.role == INTERVIEWER and not p.found))
