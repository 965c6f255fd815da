"""A reviewer at work: rejecting, adding, correcting speakers."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, says_nothing_of, transcript
from transcribe import audit
from transcribe.audit import Seal
from transcribe.config import StudyConfig
from transcribe.errors import StudyError
from transcribe.pipeline import refresh_findings
from transcribe.ready import need, preview, settled
from transcribe.review import settling
from transcribe.schema import Kind, ReviewState
from transcribe.vault import Unlocked, with_people, with_recording

TALK = (("S1", "Karen, the Hubcap rose on Monday?"), ("S2", "Yes, the Hubcap."))
PEOPLE = (person("P1", "Karen Okonkwo"), person("R1", "Tamsin", role="interviewer"))
ENGINES = NoEngines(StudyConfig())


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(*TALK), who=("P1", "R1"), sound=b"x")
    refresh_findings(opened, ENGINES)
    return opened


def text(unlocked: Unlocked) -> list[str]:
    return [line.text for line in preview(unlocked, need(unlocked, "R001", proposed=True)).lines]


def state(unlocked: Unlocked) -> ReviewState:
    now = settled(unlocked, "R001")
    assert now is not None
    return now.settled.review


def test_settling_accepts_what_was_found_and_says_so_without_a_name(unlocked: Unlocked) -> None:
    assert state(unlocked) is ReviewState.UNREVIEWED
    review = settling.settle(unlocked, "R001", "AB")
    assert state(unlocked) is ReviewState.REVIEWED
    assert (review.decisions, review.seen, review.reviewer) == ((), ("U0001:0-5",), "AB")
    logs = unlocked.study.audit_path.read_text() + unlocked.study.journal_path.read_text()
    says_nothing_of(logs, "Karen", "Hubcap")
    assert audit.check(unlocked.study.audit_path, Seal()).whole


def test_a_rejected_finding_stays_in_the_text_and_stays_rejected(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB", reject=("F0001:0-5",))
    assert text(unlocked)[0].startswith("Karen,")
    settling.settle(unlocked, "R001", "CD")
    assert text(unlocked)[0].startswith("Karen,")


def test_what_she_names_is_what_she_read_also_when_more_is_found_meanwhile(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "And Hubcap met Karen."), recording_id="R002"), who=("P1",))
    refresh_findings(unlocked, ENGINES)
    (read,) = (finding.id for finding in need(unlocked, "R002").findings.found)
    unlocked.change(lambda vault: with_people(vault, (person("P2", "Hubcap"),)))
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, "R002", "AB", reject=(read,))
    (line,) = preview(unlocked, need(unlocked, "R002")).lines
    assert line.text.endswith(" met Karen.")
    assert "Hubcap" not in line.text
    with pytest.raises(StudyError):
        settling.settle(unlocked, "R002", "AB", reject=("F0001:4-9",))  # a place that is none


def test_whom_she_accepts_is_whom_it_was_decided_to_be(unlocked: Unlocked) -> None:
    unlocked.change(lambda vault: with_people(vault, (person("P2", "Moira"),)))
    settling.settle(unlocked, "R001", "AB", add=("U0001:0-5=P2",))
    settling.settle(unlocked, "R001", "AB", accept=("F0001:0-5",))
    assert [f.person_id for f in need(unlocked, "R001").settled.replaced] == ["P2"]


@pytest.mark.parametrize("span", ["U0001:11-17", "U0001:10-17", "U0001:10-18"])
def test_an_added_span_is_withheld_here_and_found_everywhere_else(unlocked: Unlocked, span: str) -> None:
    settling.settle(unlocked, "R001", "AB", add=(f"{span}=place",))
    refresh_findings(unlocked, ENGINES)
    assert state(unlocked) is ReviewState.UNREVIEWED  # the second mention is new to her
    settling.settle(unlocked, "R001", "AB")
    assert state(unlocked) is ReviewState.REVIEWED
    assert [t.split("the ", 1)[1] for t in text(unlocked)] == ["[place] rose on Monday?", "[place]."]
    added = unlocked.vault.people[-1]
    assert (added.id, added.kind, added.forms) == ("R001-A01", Kind.PLACE, ("Hubcap",))


def test_an_added_span_of_a_known_person_is_learnt_as_heard_and_its_repeat_withheld(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB", add=("U0001:11-17=P1",))
    settling.check(unlocked, "R001", ENGINES)
    person_now = unlocked.vault.person("P1")
    assert (person_now.forms, person_now.heard) == (("Karen Okonkwo",), ("Hubcap",))
    assert state(unlocked) is ReviewState.REVIEWED  # she accepted the form, so its repeat needs no question
    assert "Hubcap" not in " ".join(text(unlocked))


def test_an_ordinary_word_marked_as_a_name_is_withheld_there_alone(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB", add=("U0001:18-22=P1",))  # "rose"
    settling.check(unlocked, "R001", ENGINES)
    assert unlocked.vault.person("P1").heard == ()
    assert "rose" not in text(unlocked)[0]


def test_an_added_date_binds_to_its_place(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB", add=("U0001:26-32=date",))
    assert unlocked.vault.people[-1].position_only
    assert text(unlocked)[0].endswith("on [date]?")


@pytest.mark.parametrize(
    ("reviewer", "reject", "add"),
    [
        ("Karen Okonkwo", (), ()),
        ("", (), ()),
        ("x" * 17, (), ()),
        ("AB", ("F0001:1-5",), ()),
        ("AB", ("Karen",), ()),
        ("AB", (), ("U0001:0-5",)),
        ("AB", (), ("U0001:0-99=P1",)),
        ("AB", (), ("U0001:5-5=P1",)),
        ("AB", (), ("U0001:6-7=P1",)),
        ("AB", (), ("U0009:0-5=P1",)),
        ("AB", (), ("U0001:0-5=P77",)),
    ],
)
def test_what_cannot_be_settled_changes_nothing(
    unlocked: Unlocked, reviewer: str, reject: tuple[str, ...], add: tuple[str, ...]
) -> None:
    before = unlocked.vault
    with pytest.raises(StudyError) as refused:
        settling.settle(unlocked, "R001", reviewer, reject, add)
    if reject != ("Karen",):  # what she typed herself in the place of an id
        says_nothing_of(refused.value, "Karen", "Hubcap", "Okonkwo")
    assert state(unlocked) is ReviewState.UNREVIEWED
    assert unlocked.vault == before


@pytest.mark.parametrize("alias", ["Milton_Keynes", "MiltonKeynes", "milton-keynes2"])
def test_an_alias_is_no_name_of_several_words(alias: str) -> None:
    place = person("L1", "Milton Keynes", kind=Kind.PLACE, role="place")
    with pytest.raises(StudyError, match="is a name of this study"):
        settling.check_alias(alias, (place,))
    settling.check_alias("Milton_K", (place,))


def test_what_was_not_transcribed_cannot_be_settled(unlocked: Unlocked) -> None:
    unlocked.study.artefact_path("R001", "transcript").unlink()
    for call in (
        lambda: settling.settle(unlocked, "R001", "AB"),
        lambda: settling.speakers(unlocked, "R001"),
        lambda: settling.fix_speakers(unlocked, "R001", ("S1=P1",)),
    ):
        with pytest.raises(StudyError, match="not transcribed yet"):
            call()


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        ("S2=P1", ("participant", "P1")),
        ("S2=participant", ("participant", "P1")),
        ("S2=interviewer", ("interviewer", "R1")),
        ("S2=grandmother", ("grandmother", None)),
        ("S2=p1", ("participant", "P1")),
        ("S2=Interviewer", ("interviewer", "R1")),
    ],
)
def test_a_corrected_speaker_stays_corrected(unlocked: Unlocked, fix: str, expected: tuple[str, str | None]) -> None:
    settling.fix_speakers(unlocked, "R001", (fix,))
    settling.fix_speakers(unlocked, "R001", ("S1=child",))
    first, second = settling.speakers(unlocked, "R001")
    assert (first.role, first.confidence) == ("child", 1.0)
    assert (second.role, second.person_id, second.confidence) == (*expected, 1.0)


@pytest.mark.parametrize("fix", ["S9=P1", "S1", "S1=", "=P1", "S1=<b>", "Karen=P1"])
def test_a_correction_that_is_none_is_refused(unlocked: Unlocked, fix: str) -> None:
    with pytest.raises(StudyError, match="LABEL=ROLE") as refused:
        settling.fix_speakers(unlocked, "R001", (fix,))
    says_nothing_of(refused.value, "Karen")


@pytest.mark.parametrize("fix", ["S2=Sheila", "S2=P12", "S2=P 1", "S2=Hubcap rose"])
def test_a_word_that_is_neither_an_id_nor_a_role_does_not_become_a_label_of_the_release(
    unlocked: Unlocked, fix: str
) -> None:
    with pytest.raises(StudyError, match="nobody has that id") as refused:
        settling.fix_speakers(unlocked, "R001", (fix,))
    says_nothing_of(refused.value, "Sheila", "Hubcap")
    assert settling.speakers(unlocked, "R001") == need(unlocked, "R001").transcript.value.speakers


def test_a_role_that_two_have_is_asked_for_by_id(unlocked: Unlocked) -> None:
    unlocked.change(lambda vault: with_people(vault, (person("P2", "Ewan", role="participant"),)))
    unlocked.change(lambda vault: with_recording(vault, replace(vault.entry("R001"), who=("P1", "P2"))))
    with pytest.raises(StudyError, match="several people of this recording have that role: P1, P2"):
        settling.fix_speakers(unlocked, "R001", ("S2=participant",))


@pytest.mark.parametrize("alias", ["Karen", "KAREN", "Karen2", "dr_Karen"])
def test_an_alias_that_names_somebody_of_the_study_does_not_come_into_the_audit(unlocked: Unlocked, alias: str) -> None:
    with pytest.raises(StudyError, match="a name of this study"):
        settling.settle(unlocked, "R001", alias)
    assert not unlocked.study.audit_path.exists()


def test_a_login_name_does_not_come_into_the_audit(unlocked: Unlocked) -> None:
    login = settling.pwd.getpwuid(settling.os.getuid()).pw_name[:16]
    with pytest.raises(StudyError, match="login name"):
        settling.settle(unlocked, "R001", login.upper())
    assert not unlocked.study.audit_path.exists()


def test_a_settling_that_is_repeated_names_nobody_twice(unlocked: Unlocked) -> None:
    for _ in range(2):  # the first may have been stopped half-way
        settling.settle(unlocked, "R001", "AB", add=("U0001:10-17=place",))
    assert [p.id for p in unlocked.vault.people] == ["P1", "R1", "R001-A01"]
    settling.settle(unlocked, "R001", "AB", add=("U0001:10-17=service",))
    assert [p.id for p in unlocked.vault.people][2:] == ["R001-A01", "R001-A02"]


def test_a_surname_that_the_roster_learns_later_is_withheld_beside_a_name_that_was_accepted(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Emma Brown came."), recording_id="R002"), who=("P1",))
    unlocked.change(lambda vault: with_people(vault, (person("X1", "Emma", role="friend"),)))
    refresh_findings(unlocked, ENGINES)
    (finding,) = need(unlocked, "R002").findings.found
    settling.settle(unlocked, "R002", "AB", accept=(finding.id,))
    unlocked.change(
        lambda vault: replace(vault, people=(*vault.people[:-1], person("X1", "Emma Brown", role="friend")))
    )
    refresh_findings(unlocked, ENGINES)
    assert need(unlocked, "R002").settled.review is ReviewState.UNREVIEWED
    settling.settle(unlocked, "R002", "AB")
    (line,) = preview(unlocked, need(unlocked, "R002")).lines
    assert "Brown" not in line.text
