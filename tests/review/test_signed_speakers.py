"""Who speaks in a settled recording: as it was settled, until it is settled again."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import add_detected, new_unlocked, person, transcript
from tests.review.test_office import ENGINES, Page
from transcribe import forgetting
from transcribe.errors import StudyError
from transcribe.pipeline import refresh_findings
from transcribe.ready import need
from transcribe.review import settling
from transcribe.review.refusals import Conflict
from transcribe.schema import ReviewState, Speaker
from transcribe.speakers import speaking
from transcribe.vault import Unlocked, with_people, with_recording

TALK = (("S1", "How have you been sleeping? And at night?"), ("S2", "Badly. I lie there and I think of him, my son."))
PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("P2", "Moira Tennant"),
    person("R1", "Tamsin", role="interviewer"),
)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(*TALK), who=("P1", "R1"), sound=b"x")
    refresh_findings(opened, ENGINES)
    return opened


def now_with(unlocked: Unlocked, *who: str) -> None:
    unlocked.change(lambda vault: with_recording(vault, replace(vault.entry("R001"), who=who)))


def speakers(unlocked: Unlocked, *, proposed: bool = False) -> list[tuple[str, str | None]]:
    return [(s.label, s.person_id) for s in need(unlocked, "R001", proposed=proposed).transcript.value.speakers]


def reviewed(unlocked: Unlocked) -> bool:
    return need(unlocked, "R001").settled.review is ReviewState.REVIEWED


AS_SETTLED = [("S1", "R1"), ("S2", "P1")]


def test_they_stay_as_settled_until_it_is_settled_again(unlocked: Unlocked) -> None:
    assert speakers(unlocked) == AS_SETTLED
    settling.settle(unlocked, "R001", "AB")
    now_with(unlocked, "P2", "R1")
    assert (speakers(unlocked), reviewed(unlocked)) == (AS_SETTLED, True)
    assert speaking(unlocked, "R001") == {"P1", "P2", "R1"}  # whoever it may be has a say
    settling.settle(unlocked, "R001", "AB")
    assert speakers(unlocked) == [("S1", "R1"), ("S2", "P2")]


def test_also_where_another_participant_comes_into_the_study(unlocked: Unlocked) -> None:
    unlocked.change(lambda vault: replace(vault, people=tuple(p for p in vault.people if p.id != "P2")))
    now_with(unlocked)  # nobody said so: it is the study's one participant
    settling.settle(unlocked, "R001", "AB")
    assert speakers(unlocked) == AS_SETTLED
    unlocked.change(lambda vault: with_people(vault, (PEOPLE[1],)))
    assert speakers(unlocked) == AS_SETTLED


def test_what_a_person_says_of_them_holds_at_once(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    settling.fix_speakers(unlocked, "R001", ("S2=P2",))
    assert speakers(unlocked) == [("S1", "R1"), ("S2", "P2")]


def test_the_page_shows_who_they_would_be_and_asks_for_it_to_be_settled_again(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.take(page.office.settle("R001", page.version))
    assert page.facts["state"] == "settled"
    now_with(unlocked, "P2", "R1")
    with pytest.raises(Conflict):  # not as the page shows it
        page.office.settle("R001", page.version)
    page.poll()
    assert page.facts["state"] == "to review"
    assert [s["person"] for s in page.facts["speakers"]] == ["R1", "P2"]
    page.take(page.office.settle("R001", page.version))
    assert (page.facts["state"], speakers(unlocked)) == ("settled", [("S1", "R1"), ("S2", "P2")])


def test_who_a_speaker_is_in_a_second_pass_too_opens_what_was_settled(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    second = Page(unlocked, alias="CD", second=True)
    second.act("role", label="S2", who={"person": "P2"})
    assert not reviewed(unlocked)


def test_who_a_speaker_is_by_another_reviewers_word_is_not_overwritten(unlocked: Unlocked) -> None:
    one, other = Page(unlocked), Page(unlocked, alias="CD")
    one.act("role", label="S2", who={"person": "P2"})
    act = {"version": other.version, "do": "role", "label": "S2", "who": {"role": "grandmother"}}
    with pytest.raises(Conflict):
        other.office.act("R001", act)
    other.poll()
    assert other.facts["speakers"][1]["person"] == "P2"
    other.act("role", label="S2", who={"role": "grandmother"})
    assert other.facts["speakers"][1]["role"] == "grandmother"


def test_whom_a_settling_names_is_nobody_once_she_is_forgotten(unlocked: Unlocked) -> None:
    from transcribe.forgetting import _without_swaps
    from transcribe.history import entries

    settling.settle(unlocked, "R001", "AB")
    signed = entries(unlocked, "R001")[-1]
    left: tuple[Speaker, ...] = _without_swaps(signed, frozenset({"P1"})).speakers
    assert [(s.role, s.person_id) for s in left] == [("interviewer", "R1"), ("participant", None)]


def test_the_page_releases_nothing_that_says_otherwise_who_speaks_than_it_shows(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    now_with(unlocked, "P2", "R1")
    office = Page(unlocked).office
    with pytest.raises(StudyError, match="changed after it was settled"):
        office.release({"recordings": ["R001"], "formats": ["txt"]})
    settling.settle(unlocked, "R001", "AB")
    assert office.release({"recordings": ["R001"], "formats": ["txt"]})["release"] == 1


def test_who_is_forgotten_goes_by_who_speaks_now_not_by_who_was_taken_for_it_when_it_was_settled(
    unlocked: Unlocked,
) -> None:
    now_with(unlocked)
    unlocked.change(lambda vault: replace(vault, people=tuple(p for p in vault.people if p.id != "P2")))
    settling.settle(unlocked, "R001", "AB")
    unlocked.change(lambda vault: with_people(vault, (person("P2", "Moira Tennant"),)))
    assert forgetting.plan(unlocked, "P2").unsaid == ("R001",)
    now_with(unlocked, "P2", "R1")
    assert forgetting.plan(unlocked, "P1").recordings == ()
