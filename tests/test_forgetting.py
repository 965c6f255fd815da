"""Somebody withdraws: nothing that was kept of her is left, whoever names her is withheld, the rest stands."""

import itertools
import shutil
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.builders import (
    Cut,
    NoEngines,
    add_detected,
    add_recording,
    cut_at,
    new_unlocked,
    person,
    says_nothing_of,
    stands,
    stretch,
    transcript,
)
from tests.study_session import call
from transcribe import (
    audit,
    backup,
    certificates,
    closing,
    doctor,
    forgetting,
    giving_back,
    people,
    permission,
    pipeline,
    publishing,
    release,
    store,
    withdrawal,
)
from transcribe.config import StudyConfig
from transcribe.errors import RosterError, StudyError, WeightsError
from transcribe.gate import Gate
from transcribe.invented import Flagged
from transcribe.overview import overview
from transcribe.ready import finished, named_people, settled
from transcribe.review import settling
from transcribe.review.decisions import decide, restore
from transcribe.review.log import Deed, Entry, Swap
from transcribe.schema import Consent, Kind, Purpose, ReviewState, Speaker, Transcript, Verdict
from transcribe.study import SET_ASIDE, Study, open_study
from transcribe.vault import Attributes, Rendering, Topic, Unlocked, Voiceprint, with_recording

ENGINES = NoEngines(StudyConfig())
KAREN = person("P1", "Karen Okonkwo", heard=("Carin",))
BABY = person("B1", "Zsofika", role="infant", relation="daughter", of="P1")
HUSBAND = person("H1", "Emeka Okonkwo", role="partner", relation="husband", of="P1")
DIANE = person("P2", "Diane Abercrombie")
NURSE = person("N1", "Philippa", role="nurse")
ASKS = person("I1", "Hartley Quayle", role="interviewer")
TOWN = person("L1", "Abercwmboi", kind=Kind.PLACE, role="place")
EVERYBODY = (KAREN, BABY, HUSBAND, DIANE, NURSE, ASKS, TOWN)
HERS = ("Karen", "Okonkwo", "Carin", "Zsofika", "Emeka")


@pytest.fixture
def study(tmp_path: Path) -> Unlocked:
    return study_in(tmp_path)


def study_in(folder: Path) -> Unlocked:
    """R001 is Karen's, R002 Diane's, who names Karen three times; R003 names nobody of hers. All are released."""
    opened = new_unlocked(folder / "study", EVERYBODY)
    add_detected(
        opened,
        transcript(("S1", "I am Karen and this is Zsofika, Philippa knows."), recording_id="R001"),
        who=("P1", "I1"), sound=b"her voice",
    )  # fmt: skip
    add_detected(
        opened,
        transcript(
            ("S1", "Diane here."),
            ("S2", "Did Karen Okonkwo tell you? Carin did."),
            ("S1", "Emeka is my husband's friend, says Karen."),
            recording_id="R002",
        ),
        who=("P2", "I1"),
    )  # fmt: skip
    add_detected(opened, transcript(("S1", "Only Philippa in Abercwmboi."), recording_id="R003"), who=("I1",))
    settle(opened, "R001", "R002", "R003")
    release.write(opened, ("R001", "R002"), ("txt", "json"), ENGINES, unreviewed=False)
    release.write(opened, ("R003",), ("txt",), ENGINES, unreviewed=False)
    return opened


def _link(opened: Unlocked, recording_id: str, who: tuple[str, ...]) -> None:
    entry = replace(opened.vault.entry(recording_id), who=who)
    opened.change(lambda vault: with_recording(vault, entry))


def settle(opened: Unlocked, *recordings: str) -> None:
    pipeline.refresh_findings(opened, ENGINES)
    for recording_id in recordings:
        settling.sign(opened, recording_id, "AB")
    pipeline.refresh_findings(opened, ENGINES)
    for recording_id in recordings:
        settling.check(opened, recording_id, ENGINES)


def settled_base(opened: Unlocked, recording_id: str) -> str:
    ready = settled(opened, recording_id)
    assert ready
    return ready.history.base


def forget(opened: Unlocked, of: str) -> tuple[forgetting.Plan, tuple[withdrawal.Renewed, ...]]:
    done = forgetting.forget(opened, of, "CD", ENGINES)
    return done.plan, done.renewed


def certified(opened: Unlocked) -> str:
    """The text of the only certificate."""
    (path,) = (opened.study.root / certificates.FOLDER).iterdir()
    return path.read_text()


def everything_readable(opened: Unlocked) -> str:
    """All that whoever holds the key can read, but for the transcripts and the words that releases replaced in them."""
    texts = [repr_of(opened.vault)]
    for path in sorted(opened.study.private.rglob("*.age")):
        key = opened.identity
        for entry in opened.vault.recordings:
            if entry.id in (path.stem, path.parent.name, path.parent.parent.name):
                key = opened.recording_key(entry.id)
        if path.name in ("identity.age", "transcript.age", "words.age") or path.name.startswith("replacements-"):
            continue
        texts.append(store.decrypt(path.read_bytes(), key).decode("utf-8", "replace"))
    for path in sorted(opened.study.root.rglob("*")):
        if path.is_file() and path.suffix != ".age":
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(texts)


def repr_of(value: object) -> str:
    return store.pack(value).decode()


# --- a person -------------------------------------------------------------------------------------------------------


def test_the_plan_says_what_would_go_and_does_nothing(study: Unlocked) -> None:
    before = stands(study.study.root)
    plan = forgetting.plan(study, "P1")
    assert plan.recordings == ("R001",)
    assert set(plan.people) == {"P1", "B1", "H1"}  # who belongs to her tells who she is
    assert dict(plan.mentions) == {"R002": 4}
    assert plan.releases == (1,)
    assert stands(study.study.root) == before


def test_nothing_is_left_of_her(study: Unlocked) -> None:
    secret = study.vault.entry("R001").secret
    assert "Karen" in everything_readable(study)
    forget(study, "P1")
    left = everything_readable(study)
    says_nothing_of(left, *HERS)
    assert secret not in left
    assert not study.study.sound_path("R001").exists()
    assert not (study.study.private / "R001").exists()
    assert study.study.recordings() == ("R002", "R003")
    assert not (study.study.releases / "001").exists()
    originals = publishing.originals(study, "R002")  # what Diane said stays hers; nothing says who is meant
    assert {row.original: row.person_id for row in originals.rows if row.original in (*HERS, "Karen Okonkwo")} == {
        "Karen Okonkwo": "", "Carin": "", "Karen": "", "Emeka": "",
    }  # fmt: skip


def test_what_others_said_of_her_is_withheld_where_it_stands_however_it_was_heard(study: Unlocked) -> None:
    _, renewed = forget(study, "P1")
    assert [(one.number, one.recordings) for one in renewed] == [(3, ("R002",))]
    text = (study.study.releases / "003" / "R002_pseudonymised.txt").read_text()
    assert "Did [person] tell you? [person] did." in text
    assert "says [person]" in text
    says_nothing_of(text, *HERS)
    ready = settled(study, "R002")
    assert ready is not None
    assert ready.settled.review is ReviewState.REVIEWED  # AB answers for it still
    assert ready.history.settled is not None
    assert ready.history.settled.reviewer == "AB"
    assert (study.study.releases / "002").exists()  # nobody of hers is in it


def test_whoever_names_her_later_is_withheld(study: Unlocked) -> None:
    forget(study, "P1")
    add_detected(study, transcript(("S1", "KAREN, or Karen Okonkwo's sister, but not Karena."), recording_id="R004"))
    settle(study, "R004")
    release.write(study, ("R004",), ("txt",), ENGINES, unreviewed=False)
    text = next(study.study.releases.glob("*/R004_pseudonymised.txt")).read_text()
    assert "[person], or [person]'s sister, but not Karena." in text


def test_the_gate_knows_her_where_nobody_withheld_her(study: Unlocked) -> None:
    forget(study, "P1")
    add_detected(study, transcript(("S1", "Karen came."), recording_id="R004"))
    pipeline.refresh_findings(study, ENGINES)
    ready = settled(study, "R004")
    assert ready is not None
    overlooked = replace(ready, settled=replace(ready.settled, replaced=()))
    named = named_people(study)
    (leak,) = Gate(named, study.study.config.policy).check_lines(finished(study, overlooked, named))
    assert (leak.recording_id, leak.line, leak.start) == ("R004", 1, 0)


def test_a_roster_cannot_bring_her_back(study: Unlocked, tmp_path: Path) -> None:
    forget(study, "P1")
    roster = tmp_path / "roster.csv"
    for row in ("P1,person,participant,Karen Okonkwo", "P9,person,participant,karen okonkwo", "P8,person,nurse,Carin"):
        roster.write_text(f"id,kind,role,names\n{row}\n")
        with pytest.raises(RosterError) as refused:
            people.bring_in(study, roster, "")
        says_nothing_of(refused.value, *HERS)
    roster.write_text("id,kind,role,names\nP9,person,participant,Karena Oke\n")
    assert people.bring_in(study, roster, "") == 1


def test_voices_renderings_attributes_and_the_log_of_people_lose_her(study: Unlocked) -> None:
    prints = (
        Voiceprint(whom="P1", recording_id="R001", label="S1", model_sha256="m", vector=(1.0,)),
        Voiceprint(whom="interviewer", recording_id="R001", label="S2", model_sha256="m", vector=(1.0,)),
        Voiceprint(whom="interviewer", recording_id="R002", label="S2", model_sha256="m", vector=(1.0,)),
    )
    study.change(
        lambda vault: replace(
            vault,
            voiceprints=prints,
            renderings=(Rendering(level="public", person_id="P1", action="tag", text="[mother]"),),
            attributes=(
                Attributes(of="person:P1", values=(("age", "31"),)),
                Attributes(of="recording:R001", values=(("visit", "1"),)),
                Attributes(of="person:P2", values=(("age", "40"),)),
            ),
            topics=(Topic(recording_id="R001", start_s=0.0, title="birth"),),
        )
    )
    swaps = (Swap(before=KAREN, after=None), Swap(before=DIANE, after=DIANE), Swap(before=None, after=SPEAKER))
    for recording_id in ("", "R002"):
        study.append(recording_id, Entry(at="t", reviewer="AB", deed=Deed.ACT, base="", group="g", swaps=swaps))
    forget(study, "P1")
    assert [(v.whom, v.recording_id) for v in study.vault.voiceprints] == [("interviewer", "R002")]
    assert [a.of for a in study.vault.attributes] == ["person:P2"]
    assert not [r for r in study.vault.renderings if r.person_id == "P1"]
    assert not study.vault.topics
    for recording_id in ("", "R002"):
        swapped = [e.swaps for e in study.appended(recording_id, Entry) if e.swaps]
        assert swapped == [(swaps[1], swaps[2])]


SPEAKER = Speaker(label="S1", role="participant", person_id="P2", confidence=1.0)


def test_recognition_is_primed_with_her_no_more_and_its_words_stay(
    study: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.weights, "sha256", lambda name: "0")
    job = pipeline.Job(study, "R002", ENGINES, lambda event: None)
    names = ("Diane Abercrombie", "Karen Okonkwo")
    words = study.load("R002", "words", pipeline.Words)
    assert words
    study.save("R002", "priming", pipeline.Priming(names=names))
    study.save("R002", "words", words.value, job._words_key(names))
    forget(study, "P1")
    priming = study.load("R002", "priming", pipeline.Priming)
    kept = study.load("R002", "words", pipeline.Words)
    assert priming
    assert kept
    assert priming.value.names == names[:1]
    assert kept.value == words.value
    assert kept.key == job._words_key(names[:1])


def test_two_participants_of_one_recording_lose_it_when_one_withdraws(study: Unlocked) -> None:
    _link(study, "R003", ("P1", "P2", "I1"))
    assert forgetting.plan(study, "P1").recordings == ("R001", "R003")
    assert forgetting.plan(study, "P2").recordings == ("R002", "R003")


def test_whoever_is_said_to_have_taken_part_loses_the_recording_in_whatever_role(study: Unlocked) -> None:
    _link(study, "R003", ("P2", "N1", "L1", "I1"))
    assert forgetting.plan(study, "N1").recordings == ("R003",)  # no voice is taken for hers
    assert forgetting.plan(study, "L1").recordings == ()  # nothing that speaks


def test_whoever_is_found_to_be_an_interviewer_is_refused_too(study: Unlocked) -> None:
    alias = person("R002-F05", "Mrs Quayle", found=True, same_as="I1")
    study.change(lambda vault: replace(vault, people=(*vault.people, alias)))
    with pytest.raises(StudyError, match="R002-F05 is an interviewer"):
        forgetting.plan(study, "R002-F05")


def test_recordings_of_which_nobody_said_who_took_part_are_told(study: Unlocked) -> None:
    add_recording(study, "R004", sound=b"hers, perhaps")
    add_detected(study, transcript(("S1", "So."), ("S2", "Well."), recording_id="R005"))
    pipeline.refresh_findings(study, ENGINES)
    assert forgetting.plan(study, "R001").unsaid == ()
    assert forgetting.plan(study, "P1").unsaid == ("R004", "R005")
    told = call("forget", study.study.root, "P1", passphrase=str(study.identity))
    assert "Nobody said who took part in these, and they stay: R004, R005." in told.stdout
    _link(study, "R005", ("P2",))
    planned, _ = forget(study, "P1")
    assert planned.unsaid == ("R004",)
    assert "Nobody said who took part in these, which stay: R004." in certified(study)


def test_what_a_killed_add_left_is_not_kept_behind_her_back(study: Unlocked) -> None:
    add_recording(study, "R005", sound=b"hers, perhaps", who=("P1",))
    study.change(lambda vault: replace(vault, recordings=tuple(e for e in vault.recordings if e.id != "R005")))
    study.study.artefact_path("R005", "recording").unlink()
    with pytest.raises(StudyError, match=r"R005: it was being added .* doctor STUDY --repair"):
        forgetting.plan(study, "P1")
    assert forgetting.plan(study, "R001").recordings == ("R001",)
    with study.study.lock("work"):
        doctor.repair(doctor.examine(study.study, str(study.identity)))
    forget(study, "P1")
    assert not study.study.sound_path("R005").exists()
    assert not (study.study.private / SET_ASIDE).exists()


def test_what_is_added_while_she_is_forgotten_is_not_overlooked(
    study: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    strike = forgetting._strike_names

    def meanwhile(*given: Any) -> None:
        strike(*given)
        add_recording(Unlocked(study.study, study.identity), "R005", sound=b"hers, too", who=("P1",))

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "_strike_names", meanwhile)
        with pytest.raises(StudyError, match="changed meanwhile; do it again"):
            forget(study, "P1")
    assert study.vault.person("P1").forms == KAREN.forms
    assert study.study.sound_path("R001").exists()
    planned, _ = forget(study, "P1")
    assert planned.recordings == ("R001", "R005")
    assert not study.study.sound_path("R005").exists()


def test_a_namesake_who_stays_can_be_imported_again(study: Unlocked, tmp_path: Path) -> None:
    namesake = person("P5", "Karen Smith")
    study.change(lambda vault: replace(vault, people=(*vault.people, namesake)))
    forget(study, "P1")
    roster = tmp_path / "roster.csv"
    roster.write_text("id,kind,role,names,withdrawn\nP5,person,participant,Karen Smith,yes\n")
    assert people.bring_in(study, roster, "") == 1
    assert [one.person_id for one in study.vault.consents if one.withdrawn] == ["P5"]
    roster.write_text("id,kind,role,names\nP5,person,participant,Karen Smith;Karen Okonkwo\n")
    with pytest.raises(RosterError, match="P5 bears a name that is forgotten"):
        people.bring_in(study, roster, "")


def test_an_interviewer_and_an_unknown_id_are_refused(study: Unlocked) -> None:
    for of in ("I1", "P77", ""):
        with pytest.raises(StudyError) as refused:
            forgetting.plan(study, of)
        says_nothing_of(refused.value, "Hartley Quayle")
    forget(study, "P1")
    with pytest.raises(StudyError, match="nobody in this study has the id P1"):
        forgetting.plan(study, "P1")


def test_a_source_that_still_lies_outside_is_told_of(study: Unlocked, tmp_path: Path) -> None:
    source = tmp_path / "Karen Okonkwo.wav"
    source.touch()
    entry = replace(study.vault.entry("R001"), source_path=str(source))
    study.change(lambda vault: with_recording(vault, entry))
    assert forgetting.plan(study, "P1").sources == ("R001",)
    assert forgetting.plan(study, "P2").sources == ()
    told = call("forget", study.study.root, "P1", passphrase=str(study.identity))
    assert "The source files of R001 still lie outside the study" in told.stdout
    says_nothing_of(told.stdout, *HERS)


# --- a recording ----------------------------------------------------------------------------------------------------


def test_a_recording_goes_and_its_people_stay(study: Unlocked) -> None:
    planned, renewed = forget(study, "R001")
    assert planned.people == ()
    assert study.vault.people == EVERYBODY or [p.id for p in study.vault.people] == [p.id for p in EVERYBODY]
    assert study.study.recordings() == ("R002", "R003")
    assert [one.recordings for one in renewed] == [("R002",)]
    assert "Zsofika" in repr_of(study.vault)


def test_whoever_was_told_to_be_one_of_them_goes_too(study: Unlocked) -> None:
    alias = person("R002-F05", "Dave Okonkwo", found=True, same_as="H1")
    study.change(lambda vault: replace(vault, people=(*vault.people, alias)))
    assert set(forgetting.plan(study, "P1").people) == {"P1", "B1", "H1", "R002-F05"}
    assert set(forgetting.plan(study, "R002-F05").people) == {"H1", "R002-F05"}
    forget(study, "P1")
    says_nothing_of(repr_of(study.vault), "Okonkwo")


def test_a_release_that_was_stopped_before_it_was_noted_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_in(tmp_path)

    note = publishing._note

    def stopped(opened: Unlocked, number: int, ids: list[str]) -> None:
        if number == 3:
            raise KeyboardInterrupt
        note(opened, number, ids)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_note", stopped)
        with pytest.raises(KeyboardInterrupt):
            release.write(study, ("R001",), ("txt",), ENGINES, unreviewed=False)
    assert (study.study.releases / "003").exists()
    assert forgetting.plan(study, "P1").releases == (1, 3)
    forget(study, "P1")
    assert not (study.study.releases / "003").exists()
    assert not publishing.originals_paths(study.study, 3)


def test_what_was_reviewed_is_not_released_unreviewed_beside_what_was_not(study: Unlocked) -> None:
    add_detected(study, transcript(("S1", "Did Karen come?"), recording_id="R004"), who=("I1",))
    pipeline.refresh_findings(study, ENGINES)
    release.write(study, ("R004",), ("txt",), ENGINES, unreviewed=True)
    study.append("R002", Entry(at=audit.now(), reviewer="CD", deed=Deed.ACT, base=settled_base(study, "R002")))
    assert settled(study, "R002").settled.review is ReviewState.UNREVIEWED  # type: ignore[union-attr]
    _, renewed = forget(study, "P1")
    assert [(one.recordings, bool(one.number)) for one in renewed] == [(("R002",), False), (("R004",), True)]
    assert renewed[0].why == withdrawal.WAITS


def test_people_found_in_it_alone_go_with_it(study: Unlocked) -> None:
    found = person("R001-F01", "Ingeborg", role="neighbour", found=True)
    other = person("R001-F02", "Ottoline", role="neighbour", found=True)
    study.change(lambda vault: replace(vault, people=(*vault.people, found, other)))
    add_detected(study, transcript(("S1", "Ottoline again."), recording_id="R004"))
    pipeline.refresh_findings(study, ENGINES)
    forget(study, "R001")
    left = repr_of(study.vault)
    assert "Ingeborg" not in left
    assert "Ottoline" in left


# --- an id that two bear --------------------------------------------------------------------------------------------


def _with_recording_p1(study: Unlocked) -> None:
    said = transcript(("S1", "Only Philippa."), recording_id="P1")
    add_detected(study, said, who=("I1",), sound=b"another voice")
    settle(study, "P1")
    release.write(study, ("P1",), ("txt",), ENGINES, unreviewed=False)


def test_an_id_of_a_person_and_of_a_recording_is_asked_about(study: Unlocked) -> None:
    _with_recording_p1(study)
    before = stands(study.study.root)
    with pytest.raises(StudyError, match="both a person and a recording have this id"):
        forget(study, "P1")
    assert stands(study.study.root) == before
    planned, _ = forget(study, "recording:P1")
    assert (planned.recordings, planned.people, planned.releases) == (("P1",), (), (3,))
    assert not study.study.sound_path("P1").exists()
    assert not (study.study.private / "P1").exists()
    assert not (study.study.releases / "003").exists()
    assert [row.id for row in overview(study.study, study).rows] == ["R001", "R002", "R003"]
    assert "Karen Okonkwo" in repr_of(study.vault)
    planned, _ = forget(study, "P1")
    assert planned.recordings == ("R001",)
    says_nothing_of(repr_of(study.vault), *HERS)


def test_the_person_of_two_that_bear_an_id_goes_alone(study: Unlocked) -> None:
    _with_recording_p1(study)
    assert forgetting.plan(study, "person:P1").recordings == ("R001",)
    for of in ("person:R001", "recording:P2", "person:", "recording:I1"):
        with pytest.raises(StudyError):
            forgetting.plan(study, of)
    planned, _ = forget(study, "person:P1")
    assert planned.people[0] == "P1"
    assert study.study.recordings() == ("P1", "R002", "R003")
    says_nothing_of(repr_of(study.vault), *HERS)


def test_what_an_earlier_version_left_half_done_is_ended(study: Unlocked) -> None:
    """The recording went out of the key table, and its files stayed since a person bears its id."""
    _with_recording_p1(study)
    study.study.log("forgetting", number=1, of="P1", recordings="P1", releases="3")
    study.change(lambda vault: forgetting.without(vault, (), ("P1",)))
    forgetting.finish(study)
    assert study.study.recordings() == ("R001", "R002", "R003")
    assert not (study.study.releases / "003").exists()
    study.study.log("forgetting", number=2, of="P1", recordings="R001", releases="1")  # stopped before it was done
    forgetting.finish(study)
    assert study.study.recordings() == ("R001", "R002", "R003")


# --- releases that lie elsewhere, and what they tell ----------------------------------------------------------------


def _told_of(study: Unlocked) -> set[str]:
    """Whom the tables of what releases replaced name."""
    found = set()
    for recording_id in study.study.recordings():
        for path in (study.study.private / recording_id).glob("replacements-*.age"):
            stored = study.load(recording_id, path.stem, publishing.Originals)
            assert stored
            found |= {row.person_id for row in stored.value.rows}
    return found


def test_a_release_that_was_moved_away_leaves_no_table_of_her(study: Unlocked, tmp_path: Path) -> None:
    shutil.move(study.study.releases / "001", tmp_path / "given to the team")
    assert "P1" in _told_of(study)
    planned, renewed = forget(study, "P1")
    assert (planned.releases, planned.moved) == ((), (1,))
    assert not renewed
    assert _told_of(study).isdisjoint(planned.people)
    assert (tmp_path / "given to the team" / "manifest.json").exists()
    assert "elsewhere, of which the tables of what they replaced were deleted: 001." in certified(study)


def test_an_older_release_that_named_her_goes_though_the_recording_does_not_now(study: Unlocked) -> None:
    release.write(study, ("R002",), ("txt",), ENGINES, unreviewed=False)
    ready = settled(study, "R002")
    assert ready
    hers = [f for f in ready.settled.replaced if f.person_id in ("P1", "H1")]
    kept = tuple(decide(f, Verdict.KEEP, "AB", audit.now()) for f in hers)
    study.append("R002", Entry(at=audit.now(), reviewer="AB", deed=Deed.ACT, base=ready.history.base, group="k",
                               name="keep", decisions=kept))  # fmt: skip
    assert forgetting.plan(study, "P1").mentions == ()
    planned, _ = forget(study, "P1")
    assert planned.releases == (1, 3)
    assert _told_of(study).isdisjoint(planned.people)


def test_what_a_release_replaced_that_was_stopped_before_it_stood_goes_too(study: Unlocked) -> None:
    study.save("R002", "replacements-003", replace(publishing.originals(study, "R002"), release=3))
    planned, renewed = forget(study, "P1")
    assert (planned.releases, planned.moved) == ((1,), ())
    assert [one.number for one in renewed] == [3]
    assert _told_of(study).isdisjoint(planned.people)
    study.save("R002", "replacements-004", replace(publishing.originals(study, "R002"), release=4))
    forget(study, "R003")
    assert not publishing.originals_paths(study.study, 4)


# --- somebody else who took part ------------------------------------------------------------------------------------


def test_whoever_has_an_interview_of_his_own_stays_with_what_he_refused(study: Unlocked) -> None:
    husband = person("P3", "Emeka Okonkwo", relation="husband", of="P1")
    baby = person("B3", "Obinna", role="infant", relation="son", of="P3")
    no = Consent(person_id="P3", agreed=(Purpose.RECORD, Purpose.TRANSCRIBE), refused=(Purpose.ARCHIVE,))
    yes = Consent(person_id="P2", agreed=tuple(Purpose))
    study.change(lambda vault: replace(vault, people=(*vault.people, husband, baby), consents=(no, yes)))
    add_detected(study, transcript(("S1", "Emeka here, Karen's."), recording_id="R004"), who=("P3", "I1"))
    pipeline.refresh_findings(study, ENGINES)
    assert forgetting.plan(study, "P1").stay == ("P3",)
    planned, _ = forget(study, "P1")
    assert planned.recordings == ("R001",)
    assert {"P3", "B3"}.isdisjoint(planned.people)
    assert study.vault.entry("R004").who == ("P3", "I1")
    stays = study.vault.person("P3")
    assert (stays.forms, stays.of, stays.relation) == (("Emeka Okonkwo",), "", "")
    assert [one.person_id for one in permission.obstacles(study, "R004", Purpose.ARCHIVE)] == ["P3"]
    says_nothing_of(repr_of(study.vault), "Karen", "Zsofika")


# --- mentions that are not seen at once -----------------------------------------------------------------------------


def test_a_mention_in_words_that_nobody_may_have_said_is_decided_too(study: Unlocked) -> None:
    siobhan = person("P4", "Siobhan Keogh")
    study.change(lambda vault: replace(vault, people=(*vault.people, siobhan)))
    said = transcript(("S1", "I said to Shavorn, sit down."), ("S1", "So."), recording_id="R004")
    add_detected(study, said, who=("P2", "I1"))
    stored = study.load("R004", "transcript", Transcript)
    assert stored
    flagged = stretch(said, "U0001", 0, 5)
    study.save("R004", "invented", Flagged(source=stored.body_sha256, stretches=(flagged,)))
    pipeline.refresh_findings(study, ENGINES)
    assert dict(forgetting.plan(study, "P4").mentions) == {"R004": 1}
    forget(study, "P4")
    base = settled_base(study, "R004")
    said_it = restore(flagged, "AB", audit.now())
    study.append("R004", Entry(at=audit.now(), reviewer="AB", deed=Deed.ACT, base=base, decisions=(said_it,)))
    ready = settled(study, "R004")
    assert ready
    line, _ = finished(study, ready, named_people(study)).lines
    assert line.text == "I said to [person], sit down."


def test_where_a_run_stopped_half_way_nothing_is_forgotten(study: Unlocked) -> None:
    stored = study.load("R002", "candidates", pipeline.Candidates)
    assert stored
    study.save("R002", "candidates", replace(stored.value, source="another"))
    assert settled(study, "R002") is None
    before = stands(study.study.root)
    with pytest.raises(StudyError, match=r"R002: .* run `transcribe run STUDY`"):
        forget(study, "P1")
    assert stands(study.study.root) == before
    assert forgetting.plan(study, "P2").recordings == ("R002",)  # what goes need not be known


def test_what_forget_decided_no_undo_takes_back(study: Unlocked) -> None:
    ready = settled(study, "R002")
    assert ready
    mention = next(f for f in ready.settled.replaced if f.person_id == "P1")
    for deed, decisions in ((Deed.ACT, (decide(mention, Verdict.KEEP, "CD", "t"),)), (Deed.UNDO, ())):
        study.append("R002", Entry(at="t", reviewer="CD", deed=deed, base=ready.history.base, group="g", name="keep",
                                   decisions=decisions))  # fmt: skip
    forget(study, "P1")
    ready = settled(study, "R002")
    assert ready
    assert ready.history.last_done("CD", second=False) is None
    assert ready.history.last_undone("CD", second=False) is None
    assert sum(f.person_id is None for f in ready.settled.replaced) == 4


# --- cut off --------------------------------------------------------------------------------------------------------


def test_cut_off_anywhere_the_same_command_again_ends_it(tmp_path: Path) -> None:
    """Before each single change of the disk, until there is none left."""
    made = study_in(tmp_path)
    ended = False
    for number in itertools.count(1):
        copy = Study(shutil.copytree(made.study.root, tmp_path / str(number)))
        with suppress(Cut), cut_at(number):
            forgetting.forget(Unlocked(copy, made.identity), "P1", "CD", ENGINES)
            ended = True
        again = Unlocked(copy, made.identity)
        cut_past_the_end = again.vault.forgetting is None and (copy.root / certificates.FOLDER).exists()
        with pytest.raises(StudyError, match="nobody") if cut_past_the_end else nullcontext():
            assert forgetting.plan(again, "P1").recordings == ("R001",)
            assert forgetting.forget(again, "P1", "CD", ENGINES).plan.releases == (1,)
        says_nothing_of(repr_of(again.vault), *HERS)
        assert again.vault.forgetting is None
        assert not (copy.private / "R001").exists()
        assert not copy.sound_path("R001").exists()
        ready = settled(again, "R002")
        assert ready is not None
        assert sum(f.person_id is None for f in ready.settled.replaced) == 4
        assert {n: copy.released()[n] for n in copy.standing_releases()} == {2: ("R003",), 3: ("R002",)}
        assert "Released in their place: 003 (team)." in certified(again)
        audited = [line for line in store.read_lines(copy.audit_path) if line["event"] == "forgotten"]
        assert [(line["of"], line["by"]) for line in audited] == [("P1", "CD")]
        shutil.rmtree(copy.root)
        if ended:
            break
    assert number > 20


def test_one_that_was_cut_off_is_ended_before_another(study: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "refresh_findings", _stopped)
        with pytest.raises(KeyboardInterrupt):
            forget(study, "P1")
    assert "Forgetting P1 was cut off: transcribe forget study P1 --reviewer ALIAS --confirm P1" in (
        overview(study.study, study).advice("study")
    )
    with pytest.raises(StudyError, match="forgetting P1 was cut off; end it first"):
        closing.plan(study)  # releases that hold her would stay
    unfinished = study.vault.forgetting
    assert unfinished
    says_nothing_of(repr_of(unfinished), *HERS, "Diane", "Philippa")
    planned, _ = forget(study, "R003")
    assert planned.recordings == ("R003",)
    assert study.study.recordings() == ("R002",)
    assert sorted(path.name for path in (study.study.root / certificates.FOLDER).iterdir()) == ["001.txt", "002.txt"]
    audited = [line for line in store.read_lines(study.study.audit_path) if line["event"] == "forgotten"]
    assert [line["of"] for line in audited] == ["P1", "R003"]
    assert study.vault.forgetting is None


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


class WithoutWeights(NoEngines):
    @property
    def rules(self) -> NoReturn:  # type: ignore[override]
        raise WeightsError("the weights are not here", advice="fetch them")


def test_without_what_reads_the_transcripts_again_nothing_is_forgotten(study: Unlocked) -> None:
    before, vault = stands(study.study.root), study.vault
    with pytest.raises(WeightsError):
        forgetting.forget(study, "P1", "CD", WithoutWeights(StudyConfig()))
    assert stands(study.study.root) == before
    assert study.vault == vault


def test_the_files_go_also_where_the_journal_lost_how_an_earlier_forgetting_began(study: Unlocked) -> None:
    study.study.log("forgotten", number=1)
    forget(study, "R001")
    assert not study.study.sound_path("R001").exists()
    assert not (study.study.private / "R001").exists()


def test_what_a_deleted_release_held_is_released_no_more_and_no_number_is_given_again(
    study: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "renew", lambda *_: ())  # as where nothing can be released in its place
    forgetting.forget(study, "R001", "CD", ENGINES)
    rows = {row.id: (row.state, row.release) for row in overview(study.study, study).rows}
    assert rows == {"R002": ("settled", 0), "R003": ("released", 2)}
    assert study.study.free_id() == "R004"


# --- the certificate ------------------------------------------------------------------------------------------------


def test_the_certificate_names_nobody_and_every_backup(study: Unlocked, tmp_path: Path) -> None:
    made = backup.write(study, tmp_path / "disk" / "b.backup")
    forget(study, "P1")
    text = certified(study)
    says_nothing_of(text, *HERS, "Diane Abercrombie")
    for fact in ("P1", "R001", "001", f"{made.id}, made 20", "4 (in R002)", "003 (team)", "CD"):
        assert fact in text
    assert "not claimed" in text
    assert certificates.next_number(study.study) == 2
    assert audit.check(study.study.audit_path, audit.Seal()).whole


def test_a_restored_study_knows_its_backup_and_so_does_one_whose_audit_was_begun_anew(
    study: Unlocked, tmp_path: Path
) -> None:
    made = backup.write(study, tmp_path / "b")
    backup.restore(tmp_path / "b", tmp_path / "again", str(study.identity))
    restored = Unlocked(open_study(tmp_path / "again"), study.identity)
    assert certificates.backups(restored.study) == (certificates.KnownBackup(id=made.id, at=made.at),)
    later = backup.write(restored, tmp_path / "c")
    restored.seal()
    path = restored.study.audit_path
    path.write_bytes(path.read_bytes().replace(b'"at": "2', b'"at": "1', 1))
    with restored.study.lock("work"):
        doctor.repair(doctor.examine(restored.study, str(study.identity)))
    assert later.id not in path.read_text()
    assert [one.id for one in certificates.backups(restored.study)] == [made.id, later.id]


def test_the_certificate_tells_what_was_given_back_before(study: Unlocked, tmp_path: Path) -> None:
    giving_back.give_back(study, tmp_path / "out", ("R001",))
    forget(study, "P1")
    assert "Given back before, to files that must be deleted where they lie: R001." in certified(study)


def test_a_certificate_replaces_none(study: Unlocked) -> None:
    forget(study, "P1")
    forget(study, "R003")
    folder = study.study.root / certificates.FOLDER
    before = (folder / "002.txt").read_bytes()
    (folder / "001.txt").unlink()  # handed in
    assert certificates.next_number(study.study) == 3
    assert (folder / "002.txt").read_bytes() == before


def test_without_a_backup_it_says_so(study: Unlocked) -> None:
    forget(study, "P1")
    assert "No backup was made" in certified(study)
    assert not publishing.originals_paths(study.study, 1)


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_tells_first_and_wants_the_id_and_an_alias(study: Unlocked) -> None:
    root, key = study.study.root, str(study.identity)
    before = stands(study.study.root)
    told = call("forget", root, "P1", passphrase=key)
    assert told.returncode == 0
    assert "R001" in told.stdout
    assert "--confirm P1" in told.stdout
    says_nothing_of(told.stdout, *HERS, "Diane Abercrombie")
    for options in (("--confirm", "P2"), ("--confirm", "P1"), ("--confirm", "P1", "--reviewer", "A name with spaces")):
        refused = call("forget", root, "P1", *options, passphrase=key)
        assert refused.returncode == 2
        assert refused.stderr.startswith("Error: ")
    unknown = call("forget", root, "Karen", passphrase=key)
    assert unknown.returncode == 2
    assert len(unknown.stderr.splitlines()) == 1
    says_nothing_of(unknown.stderr, "Karen")  # whoever types a name in the place of an id
    assert stands(study.study.root) == before
