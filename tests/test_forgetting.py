"""Somebody withdraws: nothing that was kept of her is left, whoever names her is withheld, the rest stands."""

import itertools
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import (
    Cut,
    NoEngines,
    add_detected,
    cut_at,
    new_unlocked,
    person,
    says_nothing_of,
    stands,
    transcript,
)
from tests.study_session import call
from transcribe import (
    audit,
    backup,
    certificates,
    doctor,
    forgetting,
    people,
    pipeline,
    publishing,
    release,
    store,
    withdrawal,
)
from transcribe.config import StudyConfig
from transcribe.errors import RosterError, StudyError
from transcribe.gate import Gate
from transcribe.overview import overview
from transcribe.ready import finished, named_people, settled
from transcribe.review import settling
from transcribe.review.log import Deed, Entry, Swap
from transcribe.schema import Kind, ReviewState, Speaker
from transcribe.study import open_study
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
    planned, withdrawn = forgetting.forget(opened, of, "CD", ENGINES)
    return planned, withdrawal.renew(opened, withdrawn, ENGINES)


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


# --- cut off --------------------------------------------------------------------------------------------------------


def test_cut_off_anywhere_the_same_command_again_ends_it(tmp_path: Path) -> None:
    """Before each single change of the disk, until there is none left."""
    ended = False
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        opened = study_in(folder)
        with suppress(Cut), cut_at(number):
            forgetting.forget(opened, "P1", "CD", ENGINES)
            ended = True
        again = Unlocked(opened.study, opened.identity)
        with suppress(StudyError):  # forgotten already
            forgetting.forget(again, "P1", "CD", ENGINES)
        says_nothing_of(repr_of(again.vault), *HERS)
        assert not (again.study.private / "R001").exists()
        assert not again.study.sound_path("R001").exists()
        assert not (again.study.releases / "001").exists()
        ready = settled(again, "R002")
        assert ready is not None
        assert sum(f.person_id is None for f in ready.settled.replaced) == 4
        if ended:
            break
    assert number > 10


def test_the_files_go_also_where_the_journal_lost_how_an_earlier_forgetting_began(study: Unlocked) -> None:
    study.study.log("forgotten", number=1)
    forget(study, "R001")
    assert not study.study.sound_path("R001").exists()
    assert not (study.study.private / "R001").exists()


def test_what_a_deleted_release_held_is_released_no_more_and_no_number_is_given_again(study: Unlocked) -> None:
    forgetting.forget(study, "R001", "CD", ENGINES)
    rows = {row.id: (row.state, row.release) for row in overview(study.study, study).rows}
    assert rows == {"R002": ("settled", 0), "R003": ("released", 2)}
    assert study.study.free_id() == "R004"


# --- the certificate ------------------------------------------------------------------------------------------------


def test_the_certificate_names_nobody_and_every_backup(study: Unlocked, tmp_path: Path) -> None:
    made = backup.write(study, tmp_path / "disk" / "b.backup")
    planned, renewed = forget(study, "P1")
    path = certificates.forgotten(study.study, planned, renewed, "CD")
    text = path.read_text()
    says_nothing_of(text, *HERS, "Diane Abercrombie")
    for fact in ("P1", "R001", "001", f"{made.id}, made 20", "4 (in R002)", "003 (team)", "CD"):
        assert fact in text
    assert "not claimed" in text
    assert certificates.forgotten(study.study, planned, renewed, "CD") != path
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


def test_a_certificate_replaces_none(study: Unlocked) -> None:
    planned, renewed = forget(study, "P1")
    first, second = (certificates.forgotten(study.study, planned, renewed, "CD") for _ in range(2))
    before = second.read_bytes()
    first.unlink()
    third = certificates.forgotten(study.study, planned, renewed, "EF")
    assert [path.name for path in (first, second, third)] == ["001.txt", "002.txt", "003.txt"]
    assert second.read_bytes() == before


def test_without_a_backup_it_says_so(study: Unlocked) -> None:
    planned, renewed = forget(study, "P1")
    assert "No backup was made" in certificates.forgotten(study.study, planned, renewed, "CD").read_text()
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
