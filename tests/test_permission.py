"""Every door asks for consent: run, add, anonymise, release, quote and the review page, in process and as typed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import (
    NoEngines,
    add_detected,
    add_recording,
    new_unlocked,
    person,
    says_nothing_of,
    stands,
    transcript,
)
from tests.study_session import PASSPHRASE, call, journal, last_json, succeed
from transcribe import forgetting, intake, permission, release, store, study, vault
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.config import StudyConfig
from transcribe.errors import ConsentError, TranscribeError
from transcribe.overview import overview
from transcribe.pipeline import refresh_findings
from transcribe.review import settling
from transcribe.review.desk import Reviewer
from transcribe.review.office import Office
from transcribe.schema import Consent, Kind, Purpose, Speaker
from transcribe.sound_copies import Wish
from transcribe.speakers import SpeakerFixes
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())
RECORD, TRANSCRIBE, QUOTE, ARCHIVE = Purpose
ALL = tuple(Purpose)
PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("P2", "Moira Smith"),
    person("R1", "Tamsin Hartley", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place"),
)
NAMES = ("Karen", "Okonkwo", "Moira", "Smith", "Tamsin", "Hartley")
TALK = (("S1", "How was the week?"), ("S2", "It was better than the last one."))
FORMATS = ("txt",)


def said(unlocked: Unlocked, *consents: Consent) -> None:
    unlocked.change(lambda known: vault.with_consents(known, consents))


def agreed(person_id: str, *purposes: Purpose, **more: object) -> Consent:
    return Consent(person_id=person_id, agreed=purposes, **more)  # type: ignore[arg-type]


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    """R001 with P1, R002 with P1 and P2, both settled; R003 with nobody said, not transcribed."""
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    for recording_id, who in (("R001", ("P1", "R1")), ("R002", ("P1", "P2", "R1"))):
        add_detected(opened, transcript(*TALK, recording_id=recording_id), who=who, sound=b"sound")
        refresh_findings(opened, ENGINES)
        settling.settle(opened, recording_id, "AB")
    add_recording(opened, "R003", sound=b"more sound")
    return opened


def against(unlocked: Unlocked, recording_id: str, *purposes: Purpose) -> list[tuple[str, str | None, str]]:
    return [(o.person_id, o.purpose, o.said) for o in permission.obstacles(unlocked, recording_id, *purposes)]


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_without_the_columns_everything_is_as_before(unlocked: Unlocked) -> None:
    assert all(against(unlocked, one, QUOTE, ARCHIVE) == [] for one in ("R001", "R002", "R003"))
    assert overview(unlocked.study, unlocked).consent_recorded is False
    assert "Consent is not recorded" in "".join(overview(unlocked.study, unlocked).advice("study"))
    written = release.write(unlocked, ("R001", "R002"), FORMATS, ENGINES, unreviewed=False, level="public")
    assert (written.number, written.left_out) == (1, ())


def test_all_linked_participants_are_asked(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", RECORD, refused=(TRANSCRIBE,)))
    assert against(unlocked, "R001", QUOTE, ARCHIVE) == []
    assert against(unlocked, "R002") == [("P2", "transcribe", "no")]


def test_whom_a_voice_is_taken_for_is_asked_too(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", withdrawn="yes"))
    assert against(unlocked, "R001") == []
    fix = Speaker(label="S2", role="participant", person_id="P2", confidence=1.0)
    unlocked.save("R001", "speakers", SpeakerFixes(speakers=(fix,)))
    assert against(unlocked, "R001") == [("P2", None, "withdrawn")]


def test_where_nobody_said_who_took_part_it_may_be_any_participant(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", *ALL))
    assert against(unlocked, "R003", QUOTE, ARCHIVE) == []
    said(unlocked, agreed("P2", withdrawn="2026-05-01"))
    with pytest.raises(ConsentError) as refused:
        permission.refuse(unlocked, "R003")
    assert str(refused.value) == (
        "R003: who took part is not said, and P2 has withdrawn; say who took part with `transcribe who STUDY R003 "
        "P1,R1`."
    )
    intake.set_who(unlocked, "R003", ("P1", "R1"))
    assert against(unlocked, "R003", QUOTE, ARCHIVE) == []


def test_an_id_that_nobody_has_may_stand_for_somebody_who_refused(unlocked: Unlocked) -> None:
    add_recording(unlocked, "R004", sound=b"x", who=("P1", "p2"))  # as `add` without the key takes it
    assert overview(unlocked.study, unlocked).misnamed == ("R004",)
    assert against(unlocked, "R004") == []  # nothing is recorded of anybody's consent
    said(unlocked, agreed("P1", *ALL), agreed("P2", withdrawn="yes"))
    with pytest.raises(ConsentError) as refused:
        permission.refuse(unlocked, "R004")
    assert str(refused.value) == (
        "R004: who took part names an id that nobody has; say who took part with `transcribe who STUDY R004 P1,R1`."
    )
    assert not next(row for row in overview(unlocked.study, unlocked).rows if row.id == "R004").can_be_run
    told = "".join(overview(unlocked.study, unlocked).advice("study"))
    assert told.count("an id that nobody has") == 1
    intake.set_who(unlocked, "R004", ("P1", "P2"))
    assert against(unlocked, "R004") == [("P2", None, "withdrawn")]


def test_an_id_that_turns_out_to_be_a_name_is_told(unlocked: Unlocked) -> None:
    add_recording(unlocked, "Karen2", sound=b"x")
    assert overview(unlocked.study, unlocked).telling == ("Karen2",)


def test_what_another_process_wrote_meanwhile_counts(unlocked: Unlocked) -> None:
    other = Unlocked(unlocked.study, unlocked.identity)
    said(unlocked, agreed("P1", *ALL))
    assert against(other, "R001") == []
    said(unlocked, agreed("P1", withdrawn="yes"))
    assert against(other, "R001") == [("P1", None, "withdrawn")]


def test_a_recording_of_somebody_who_wanted_none_is_no_sound_to_run_but_notes_may_be_read(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", TRANSCRIBE, refused=(RECORD,)))
    assert against(unlocked, "R001") == [("P1", "record", "no")]
    unlocked.study.sound_path("R001").unlink()
    assert against(unlocked, "R001") == []


@pytest.mark.parametrize(
    ("consents", "advice"),
    [
        ((agreed("P1", withdrawn="yes"),), "leave it out, or destroy it with `transcribe forget STUDY R001`"),
        ((agreed("P1", refused=(TRANSCRIBE,)),), "leave it out; if that has changed, correct the roster"),
        ((agreed("P1", TRANSCRIBE),), "write yes into the roster's column archive and import it again"),
    ],
)
def test_a_refusal_names_the_recording_and_what_to_do_but_no_name(
    unlocked: Unlocked, consents: tuple[Consent, ...], advice: str
) -> None:
    said(unlocked, *consents)
    with pytest.raises(ConsentError) as refused:
        permission.refuse(unlocked, "R001", ARCHIVE, stage="release")
    assert str(refused.value).startswith("R001, release: P1 ")
    assert advice in str(refused.value)
    says_nothing_of(refused.value, *NAMES)


def test_of_somebody_who_is_forgotten_nothing_is_left_of_her_consent_either(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", withdrawn="yes"))
    left = forgetting.without(unlocked.vault, {"P2"}, ("R002",))
    assert [one.person_id for one in left.consents] == ["P1"]


# --- running ----------------------------------------------------------------------------------------------------------


def test_one_no_of_two_stops_the_recording_before_any_engine_and_no_other(unlocked: Unlocked) -> None:
    for recording_id, who in (("R004", ("P1", "P2")), ("R005", ("P2",))):
        add_recording(unlocked, recording_id, sound=b"x", who=who)
    said(unlocked, agreed("P1", *ALL), agreed("P2", RECORD, refused=(TRANSCRIBE,)))
    before = {path for path in unlocked.study.private.rglob("*") if path.is_file()}
    outcomes = batch.run(unlocked, plan.tasks(unlocked, ("R004", "R005")), ENGINES, lambda event: None)
    assert [(o.recording_id, o.state, o.exit_code) for o in outcomes] == [
        ("R004", "refused", 10),
        ("R005", "refused", 10),
    ]
    assert outcomes[0].error.startswith("R004: P2 said no to transcription; ")
    assert {path for path in unlocked.study.private.rglob("*") if path.is_file()} == before
    rows = {row.id: row for row in overview(unlocked.study, unlocked).rows}
    assert rows["R004"].state == "added"
    assert not rows["R004"].can_be_run
    assert rows["R001"].can_be_run


def test_when_only_those_are_left_that_cannot_be_run_the_overview_does_not_ask_for_it(tmp_path: Path) -> None:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(opened, "R001", sound=b"x", who=("P1",))
    assert "Next: transcribe run study" in overview(opened.study, opened).advice("study")
    said(opened, agreed("P1", withdrawn="yes"))
    told = overview(opened.study, opened).advice("study")
    assert "R001: P1 has withdrawn, transcribe forget study R001 destroys it" in told
    assert "Next: transcribe run study" not in told


# --- releasing --------------------------------------------------------------------------------------------------------

LEVELS = ("team", "archive", "public")


def released(unlocked: Unlocked, recording_id: str, level: str) -> bool:
    try:
        release.write(unlocked, (recording_id,), FORMATS, ENGINES, unreviewed=False, level=level)
    except ConsentError:
        return False
    return True


@pytest.mark.parametrize(
    ("second", "levels"),
    [
        (agreed("P2", *ALL), LEVELS),
        (agreed("P2", ARCHIVE), LEVELS),
        (agreed("P2"), ("team",)),
        (agreed("P2", RECORD, TRANSCRIBE, QUOTE), ("team",)),
        (agreed("P2", RECORD, TRANSCRIBE, refused=(ARCHIVE,)), ("team",)),
        (agreed("P2", refused=(QUOTE,)), ("team",)),
        (agreed("P2", ARCHIVE, refused=(TRANSCRIBE,)), ()),
        (agreed("P2", *ALL, withdrawn="2026-05-01"), ()),
    ],
)
def test_at_which_levels_it_goes_out(unlocked: Unlocked, second: Consent, levels: tuple[str, ...]) -> None:
    said(unlocked, agreed("P1", *ALL), second)
    assert tuple(level for level in LEVELS if released(unlocked, "R002", level)) == levels
    assert len(list(unlocked.study.releases.iterdir())) == len(levels)


def test_of_all_those_go_out_that_may(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", *ALL, withdrawn="yes"))
    intake.set_who(unlocked, "R003", ("P2",))
    written = release.write(unlocked, (), FORMATS, ENGINES, unreviewed=False)
    assert written.left_out == (("R002", "P2 has withdrawn"), ("R003", "P2 has withdrawn"))
    assert written.files == ("R001_pseudonymised.txt",)
    said(unlocked, agreed("P1", *ALL, withdrawn="yes"))
    with pytest.raises(ConsentError, match="nothing can be released") as refused:
        release.write(unlocked, (), FORMATS, ENGINES, unreviewed=False)
    assert "R001: P1 has withdrawn; R002: P1 has withdrawn, P2 has withdrawn" in str(refused.value)
    assert [path.name for path in unlocked.study.releases.iterdir()] == ["001"]


def test_sound_and_differences_follow_the_level(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", RECORD, TRANSCRIBE))
    with pytest.raises(ConsentError, match="archiving"):
        release.write(unlocked, ("R001",), FORMATS, ENGINES, unreviewed=False, level="archive", sound=Wish(form="flac"))
    with pytest.raises(ConsentError, match="archiving"):
        release.differences(unlocked, ("R001",), ENGINES, unreviewed=False, level="public")
    assert list(unlocked.study.releases.iterdir()) == []


def test_the_review_page_asks_too(unlocked: Unlocked) -> None:
    said(unlocked, agreed("P1", RECORD, TRANSCRIBE))
    office = Office(unlocked, ENGINES, Reviewer(alias="AB", second=False))
    wish = {"recordings": ["R001"], "formats": ["txt"]}
    with pytest.raises(ConsentError, match="R001, release: P1 is not known to agree to archiving"):
        office.release({**wish, "level": "archive"})
    assert list(unlocked.study.releases.iterdir()) == []
    assert office.release(wish)["release"] == 1
    said(unlocked, agreed("P1", withdrawn="yes"))
    with pytest.raises(ConsentError, match="R001, release: P1 has withdrawn"):
        office.release(wish)
    office.close()


@pytest.mark.parametrize(
    ("second", "may"),
    [
        (agreed("P2", QUOTE), True),
        (agreed("P2", RECORD, TRANSCRIBE, ARCHIVE), False),
        (agreed("P2", refused=(QUOTE,)), False),
        (agreed("P2", QUOTE, withdrawn="yes"), False),
        (agreed("P2", QUOTE, refused=(TRANSCRIBE,)), False),
    ],
)
def test_everybody_in_it_has_to_agree_to_be_quoted(unlocked: Unlocked, second: Consent, may: bool) -> None:
    said(unlocked, agreed("P1", *ALL), second)
    assert release.settled_text(unlocked, "R001", ENGINES).recording_id == "R001"
    if may:
        assert release.settled_text(unlocked, "R002", ENGINES).recording_id == "R002"
    else:
        with pytest.raises(ConsentError, match="R002, quote: P2 "):
            release.settled_text(unlocked, "R002", ENGINES)


# --- taking in --------------------------------------------------------------------------------------------------------


def test_a_transcript_is_not_taken_in_of_whom_a_label_names_either(unlocked: Unlocked, tmp_path: Path) -> None:
    said(unlocked, agreed("P1", *ALL), agreed("P2", refused=(TRANSCRIBE,)))
    before = unlocked.vault
    source = tmp_path / "old.txt"
    source.write_text("Tamsin: How was it?\n\nMoira: Better.\n")
    for who in ((), ("P2", "R1"), ("P1", "P2")):
        with pytest.raises(ConsentError, match="P2 said no to transcription") as refused:
            intake.add_transcript(unlocked, source, intake.Request(who=who))
        says_nothing_of(refused.value, *NAMES, "old.txt")
    assert (unlocked.vault, unlocked.study.recordings()) == (before, ("R001", "R002", "R003"))
    source.write_text("Tamsin: How was it?\n\nKaren: Better.\n")
    assert intake.add_transcript(unlocked, source, intake.Request(who=("P1",))).id == "T001"


def test_saying_who_took_part_is_audited_and_an_unknown_person_changes_nothing(unlocked: Unlocked) -> None:
    with pytest.raises(TranscribeError, match="nobody in this study has"):
        intake.set_who(unlocked, "R003", ("P1", "P9"))
    assert unlocked.vault.entry("R003").who == ()
    intake.set_who(unlocked, "R003", ("P2", "R1"))
    assert unlocked.vault.entry("R003").who == ("P2", "R1")
    assert '"event": "who took part said", "recording": "R003"' in unlocked.study.audit_path.read_text()


# --- as typed ---------------------------------------------------------------------------------------------------------

ROSTER = """\
id,kind,role,names,record,transcribe,quote,archive,consented,withdrawn
P1,person,participant,Karen Okonkwo,yes,yes,yes,yes,2026-03-02,
P2,person,participant,Moira Smith,yes,yes,,,2026-03-02,
P3,person,participant,Gethin Prosser,yes,yes,yes,yes,2026-03-02,2026-05-01
P4,person,participant,Siobhan Daly,yes,no,,,,
P5,person,participant,Ottoline Vance,no,,,,,
R1,person,interviewer,Tamsin Hartley,,,,,,
"""
TYPED = (*NAMES, "Gethin", "Prosser", "Siobhan", "Daly", "Ottoline", "Vance", "sample.wav", "old.txt")


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Imported transcripts T001 of P1, T002 of P1 and P2, T003 of P3 and T004 of P1 and P4, settled before the roster
    said what anybody agreed to.
    """
    folder = tmp_path_factory.mktemp("typed")
    identity = store.new_identity()
    made = study.create(folder / "study", identity, PASSPHRASE)
    made.config_path.write_text("[detection]\nrules = {}\n")  # the roster rule alone: no weights are asked for
    opened = vault.create(made, identity)
    roster = folder / "roster.csv"
    roster.write_text("".join(",".join(line.split(",")[:4]) + "\n" for line in ROSTER.splitlines()))
    succeed("people", made.root, "import", roster)
    opened = Unlocked(made, identity)
    for number, who in enumerate((("P1", "R1"), ("P1", "P2", "R1"), ("P3", "R1"), ("P1", "P4", "R1")), 1):
        source = folder / f"old-{number}.srt"
        source.write_text(f"1\n00:00:01,000 --> 00:00:09,000\nS1: It was better in week {number}.\n")
        recording_id = intake.add_transcript(opened, source, intake.Request(who=who)).id
        batch.run(opened, plan.tasks(opened, (recording_id,)), NoEngines(made.config), lambda event: None)
        settling.settle(opened, recording_id, "AB")
    roster.write_text(ROSTER)
    succeed("people", made.root, "import", roster)
    return made.root


REFUSED = {
    "a release of somebody who has withdrawn": (("release", "T003"), "T003, release: P3 has withdrawn; "),
    "a release where one of two said no": (("release", "T004"), "T004, release: P4 said no to transcription; "),
    "to an archive of what was not said": (
        ("release", "T002", "--policy", "archive"),
        "T002, release: P2 is not known to agree to archiving; ",
    ),
    "to the public": (
        ("release", "T002", "--policy", "public", "--unreviewed"),
        "P2 is not known to agree to archiving",
    ),
    "what would change": (("release", "T003", "--diff"), "T003, release: P3 has withdrawn; "),
    "the sound": (("release", "T003", "--audio", "flac"), "T003, release: P3 has withdrawn; "),
    "a quotation": (("quote", "T002", "0:00-0:09"), "T002, quote: P2 is not known to agree to quotation; "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_one_sentence_exit_10_and_nothing_is_written(typed: Path, what: str) -> None:
    (command, *rest), says = REFUSED[what]
    before = stands(typed)
    done = call(command, typed, *rest)
    assert done.returncode == 10, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert says in line
    says_nothing_of(done.stderr + done.stdout, *TYPED)
    assert stands(typed) == before


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("P3,R1", "P3 has withdrawn"),
        ("P1,P5", "P5 said no to being recorded"),
    ],
)
def test_add_refuses_whom_it_names_if_she_said_no(typed: Path, sample_dir: Path, who: str, says: str) -> None:
    before = stands(typed)
    done = call("add", typed, sample_dir / "sample.wav", "--who", who, "--id", "X01")
    assert done.returncode == 10
    assert done.stderr == (
        f"Error: file 1 of 1: X01: {says}; leave it out; if that has changed, correct the roster and import it again.\n"
    )
    says_nothing_of(done.stderr + done.stdout, *TYPED)
    assert stands(typed) == before


def test_anonymise_refuses_whom_a_label_names(typed: Path, tmp_path: Path) -> None:
    source = tmp_path / "old.txt"
    source.write_text("Siobhan: It was fine.\n")
    before = stands(typed)
    done = call("anonymise", source, "--study", typed, "--unreviewed")
    assert (done.returncode, stands(typed)) == (10, before)
    assert "P4 said no to transcription" in done.stderr
    says_nothing_of(done.stderr + done.stdout, *TYPED)


def test_anonymise_is_given_again_as_it_was(typed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(typed, tmp_path / "study")
    sources = tuple(tmp_path / f"{name}.txt" for name in ("one", "two"))
    for source in sources:
        source.write_text(f"Tamsin: It was fine in {source.stem}.\n")
    succeed("anonymise", sources[0], "--study", root, "--who", "P1,R1")
    again = last_json(succeed("anonymise", *sources, "--study", root, "--who", "P1,R1", "--json"))
    assert again["added"] == ["T005", "T006"]


def test_what_may_be_done_is_done(typed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(typed, tmp_path / "study")
    assert "better" in succeed("quote", root, "T001", "0:00-0:09")
    assert last_json(succeed("release", root, "T001", "--policy", "archive", "--to", "txt", "--json"))["release"] == 1
    done = call("release", root, "--to", "txt", "--json")
    assert done.returncode == 10  # the rest is released; a script that archives all of them must not take it for all
    told = last_json(done.stdout)
    assert told["files"] == ["T001_pseudonymised.txt", "T002_pseudonymised.txt"]
    assert told["left_out"] == [
        {"recording": "T003", "reason": "P3 has withdrawn"},
        {"recording": "T004", "reason": "P4 said no to transcription"},
    ]


@pytest.mark.weights
def test_run_leaves_out_whom_it_may_not_transcribe(
    typed: Path, tmp_path: Path, model_path: Callable[[str], Path]
) -> None:
    for name in ("whisper-base", "segmentation-3.0", "campplus"):
        model_path(name)
    root = shutil.copytree(typed, tmp_path / "study")
    before = stands(root / "private")
    done = call("run", root, "T001", "T003", "T004", "--json")
    assert done.returncode == 10
    states = {one["recording"]: one["state"] for one in last_json(done.stdout)["recordings"]}
    assert states == {"T001": "done", "T003": "refused", "T004": "refused"}
    assert (
        "Error: T003: P3 has withdrawn; leave it out, or destroy it with `transcribe forget STUDY T003`." in done.stderr
    )
    assert "Error: T004: P4 said no to transcription; leave it out; " in done.stderr
    says_nothing_of(done.stderr + done.stdout, *TYPED)
    assert stands(root / "private") == before
    assert [e["recording"] for e in journal(root) if e["event"] == "refused"] == ["T003", "T004"]


def test_status_tells_what_stands_in_the_way(typed: Path) -> None:
    told = succeed("status", typed)
    assert "T002: P2 is not known to agree to quotation and archiving\n" in told
    assert "T003: P3 has withdrawn, transcribe forget" in told
    assert "T004: P4 said no to transcription, P4 is not known to agree to quotation and archiving\n" in told
    assert "T001:" not in told
    says_nothing_of(told, *TYPED)
    seen = last_json(succeed("status", typed, "--json"))
    assert seen["consent_recorded"] is True
    found = {one["recording"]: one["consent"] for one in seen["recordings"]}
    assert found["T001"] == []
    assert found["T003"] == [{"person": "P3", "purpose": None, "said": "withdrawn", "linked": True}]
    assert [one["purpose"] for one in found["T004"]] == ["transcribe", "quote", "archive"]
    locked = last_json(succeed("status", typed, "--json", passphrase=None))
    assert (locked["consent_recorded"], {tuple(one["consent"]) for one in locked["recordings"]}) == (None, {()})


def test_who_took_part_can_be_said_later(typed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(typed, tmp_path / "study")
    assert "T003: P3, R1" in succeed("who", root, "T003")
    told = last_json(succeed("who", root, "T003", "P1,R1", "--json"))
    assert (told["recording"], told["who"]) == ("T003", ["P1", "R1"])
    assert "T003:" not in succeed("status", root)
    assert call("who", root, "T003", "P9").returncode == 2


def test_dates_to_keep_to_are_set_and_reminded_of_without_the_key(typed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(typed, tmp_path / "study")
    private = stands(root / "private")
    succeed("retain", root, "--all", "--until", "2199-12-31", passphrase=None)
    told = succeed("retain", root, "T002", "--until", "2020-01-31", passphrase=None)
    assert told.startswith("T002: to be kept until 2020-01-31")
    for passphrase in (None, PASSPHRASE):
        lines = succeed("status", root, passphrase=passphrase)
        assert "T002: to be kept until 2020-01-31, which has passed: transcribe forget" in lines
        assert lines.count("2199-12-31") == 3
    seen = last_json(succeed("status", root, "--json", passphrase=None))
    assert [(one["recordings"], one["until"]) for one in seen["time_ends"]] == [(["T002"], "2020-01-31")]
    assert seen["recordings"][0]["keep_until"] == "2199-12-31"
    for wrong in (("T002", "--all", "--until", "2031-12-31"), ("--until", "2031-12-31"),
                  ("T002", "--until", "soon"), ("T009", "--until", "2031-12-31")):  # fmt: skip
        done = call("retain", root, *wrong, passphrase=None)
        assert done.returncode == 2, wrong
        assert len(done.stderr.strip().splitlines()) == 1
    assert stands(root / "private") == private
