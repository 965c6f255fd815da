"""Who took part, where it was said and where it was not."""

from tests.builders import person
from transcribe.participants import took_part

ONE = (person("P1", "Karen"), person("R1", "Tamsin", role="interviewer"), person("I1", "Rose", role="infant"))


def test_what_was_said_counts() -> None:
    assert took_part(ONE, ("I1",)) == ("I1",)


def test_in_a_study_of_one_participant_it_is_she_and_the_interviewers() -> None:
    assert took_part(ONE, ()) == ("P1", "R1")


def test_among_several_nobody_is_guessed() -> None:
    assert took_part((*ONE, person("P2", "Moira")), ()) == ()
    assert took_part((*ONE, person("P2", "Moira", found=True)), ()) == ("P1", "R1")
