"""Taking in: a recording is added whole or not at all, and leaves nothing readable behind."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.builders import ciphertext_alone, new_unlocked, person, says_nothing_of
from tests.study_session import last_json, succeed
from transcribe import audit, folders, intake, labels, overview, study
from transcribe.audit import Seal
from transcribe.cli import taking
from transcribe.errors import AudioError, StoppedError, StudyError
from transcribe.imports import read_transcript
from transcribe.intake import Request
from transcribe.schema import Kind, Person, Recording, Transcript
from transcribe.study import Study
from transcribe.vault import Unlocked, with_people

PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("R1", "Tamsin", role="interviewer"),
    person("L1", "Milton Keynes", kind=Kind.PLACE, role="place"),
)


@pytest.fixture
def unlocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unlocked:
    probe = SimpleNamespace(sample_rate_hz=44_100, channels=2)
    monkeypatch.setattr(intake.audio, "inspect", lambda descriptor: (probe, 12.5))
    return new_unlocked(tmp_path / "study", PEOPLE)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "Karen Okonkwo 3 May.wav"
    path.write_bytes(b"the sound of Karen" * 1000)
    return path


def again(unlocked: Unlocked) -> Unlocked:
    return Unlocked(unlocked.study, unlocked.identity)


def test_without_the_key_a_recording_waits_in_a_note_for_the_next_unlock(unlocked: Unlocked, source: Path) -> None:
    added = intake.add(study.open_study(unlocked.study.root), source, Request(who=("P1",)))
    assert (added.id, added.duration_s, added.channels) == ("R001", 12.5, 2)
    assert unlocked.vault.recordings == ()
    assert len(unlocked.study.notes()) == 1
    assert ciphertext_alone(unlocked)
    later = again(unlocked)
    (entry,) = later.vault.recordings
    assert (entry.id, entry.original_name, entry.who) == ("R001", source.name, ("P1",))
    assert unlocked.study.notes() == ()
    assert source.exists()
    says_nothing_of(unlocked.study.journal_path.read_text() + unlocked.study.audit_path.read_text(), "Karen", "Okonkwo")
    assert audit.check(unlocked.study.audit_path, Seal()).unsealed == 1


def test_the_sound_comes_back_as_it_was(unlocked: Unlocked, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intake.add(unlocked.study, source, Request(), unlocked)
    monkeypatch.setattr(intake.stored_sound, "decode", lambda descriptor: os.pread(descriptor, 1 << 20, 0))
    assert intake.sound(unlocked, "R001") == source.read_bytes()  # type: ignore[comparison-overlap]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", ["note", "sound"])
def test_an_add_that_is_killed_leaves_no_recording_and_its_id_free(
    unlocked: Unlocked, source: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    def killed(*args: object) -> str:
        raise Killed

    with monkeypatch.context() as patch:
        if after == "note":
            patch.setattr(intake.store, "encrypt_file", killed)
        else:
            save = study.Study.save
            patch.setattr(study.Study, "save", lambda s, i, n, *a: killed() if n == "recording" else save(s, i, n, *a))
        with pytest.raises(Killed):
            intake.add(unlocked.study, source, Request(id="P03"))
    assert unlocked.study.recordings() == ()
    assert again(unlocked).vault.recordings == ()
    assert ciphertext_alone(unlocked)
    assert intake.add(unlocked.study, source, Request(id="P03")).id == "P03"
    assert [e.id for e in again(unlocked).vault.recordings] == ["P03"]


def test_a_recording_that_is_there_already_is_refused(unlocked: Unlocked, source: Path) -> None:
    intake.add(unlocked.study, source, Request(), unlocked)
    with pytest.raises(StudyError, match="already in the study as R001") as refused:
        intake.add(unlocked.study, source, Request(), unlocked)
    says_nothing_of(refused.value, source.name, "Karen")
    assert unlocked.study.recordings() == ("R001",)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(who=("P9",)), "P9"),
        (Request(id="karen-1"), "holds a name"),
        (Request(id="P3Karen"), "holds a name"),
        (Request(id="Milton_Keynes_03"), "holds a name"),
        (Request(id="a b"), "letters, digits"),
    ],
)
def test_unknown_people_and_telling_ids_are_refused(
    unlocked: Unlocked, source: Path, request_: Request, message: str
) -> None:
    with pytest.raises(StudyError, match=message) as refused:
        intake.add(unlocked.study, source, request_, unlocked)
    says_nothing_of(refused.value, "karen", "Milton", source.name)
    assert unlocked.study.recordings() == ()


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_what_is_no_ordinary_file_is_refused_at_once(unlocked: Unlocked, tmp_path: Path, what: str) -> None:
    path = tmp_path / "Karen.wav"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    with pytest.raises(AudioError) as refused:
        intake.add(unlocked.study, path, Request(), unlocked)
    says_nothing_of(refused.value, "Karen")


def test_a_recording_that_changes_while_it_is_read_is_not_added(
    unlocked: Unlocked, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "sum_of", lambda descriptor: "00")
    with pytest.raises(StudyError, match="changed while it was read"):
        intake.add(unlocked.study, source, Request(), unlocked)
    assert unlocked.study.recordings() == ()


def test_a_folder_is_searched_and_one_refusal_stops_no_other(unlocked: Unlocked, tmp_path: Path) -> None:
    folder = tmp_path / "Karen"
    (folder / "deep").mkdir(parents=True)
    for number, name in enumerate(("b.wav", "a.MP3", "notes.txt", ".hidden.wav", "deep/c.m4a")):
        (folder / name).write_bytes(b"%d" % number)
    (folder / "same.wav").write_bytes(b"0")
    added, refused = intake.add_all(unlocked.study, (folder,), Request(), unlocked, remove_source=True)
    assert [r.id for r in added] == ["R001", "R002", "R003"]
    assert [number for number, _ in refused] == [4]
    says_nothing_of(refused[0][1], "Karen", "same.wav")
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == [".hidden.wav", "notes.txt", "same.wav"]


def test_recordings_are_counted_as_people_count(unlocked: Unlocked, tmp_path: Path) -> None:
    expected = ["P1/interview.wav", "P2/interview.wav", "P10/interview.wav", "a01.MTS", "a1b2.wav", "a1b10.wav"]
    for name in reversed(expected):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / name).write_text(name)
    for name in ("notes.xyz", "P1/plan.pdf", ".hidden"):
        (tmp_path / "all" / name).touch()
    found = folders.media_files((tmp_path / "all",))
    assert [path.relative_to(tmp_path / "all").as_posix() for path in found] == expected
    assert folders.left((tmp_path / "all", tmp_path / "all" / "notes.xyz"), unlocked.study.root) == 2
    told = list(intake.add_each(unlocked.study, (tmp_path / "all",), Request(), unlocked, remove_source=False))
    assert [(one.number, one.count, one.added and one.added.id) for one in told][1:3] == [
        (2, 6, "R002"),
        (3, 6, "R003"),
    ]
    assert unlocked.vault.entry("R003").sources == (str(tmp_path / "all" / "P10/interview.wav"),)


def test_a_folder_without_a_recording_says_what_it_holds(unlocked: Unlocked, tmp_path: Path) -> None:
    (tmp_path / "Karen").mkdir()
    (tmp_path / "Karen" / "Okonkwo.xyz").touch()
    with pytest.raises(StudyError, match="1 file is none by the name") as told:
        intake.add_all(unlocked.study, (tmp_path / "Karen",), Request(), unlocked, remove_source=False)
    says_nothing_of(told.value, "Karen Okonkwo")


def test_with_the_key_it_is_told_which_file_a_recording_was(unlocked: Unlocked, tmp_path: Path) -> None:
    for place in ("P1", "P10"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "Karen interview.wav").write_text(place)
    intake.add_all(unlocked.study, (tmp_path / "P1", tmp_path / "P10"), Request(), unlocked, remove_source=False)
    (tmp_path / "key.txt").write_text(f"{unlocked.identity}\n")
    key = ("--passphrase-file", tmp_path / "key.txt")
    told = succeed("who", unlocked.study.root, "R002", *key, passphrase=None)
    assert told == f"R002: not said; from {tmp_path}/P10/Karen interview.wav\n"
    every = last_json(succeed("who", unlocked.study.root, "--json", *key, passphrase=None))["recordings"]
    assert [(one["recording"], Path(one["sources"][0]).parent.name) for one in every] == [
        ("R001", "P1"),
        ("R002", "P10"),
    ]
    says_nothing_of(unlocked.study.journal_path.read_text() + unlocked.study.audit_path.read_text(), "Karen interview")


@pytest.mark.parametrize("opened", [False, True])
def test_stopped_halfway_without_the_key_it_says_how_to_go_on(
    unlocked: Unlocked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bool
) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"Karen {number}.wav").write_text(str(number))
    add = intake.add

    def stopped_at_the_third(study: Study, source: Path, *given: Any) -> Recording:
        if source.name == "Karen 3.wav":
            raise KeyboardInterrupt
        return add(study, source, *given)

    monkeypatch.setattr(intake, "add", stopped_at_the_third)
    files = tuple(tmp_path / f"Karen {number}.wav" for number in (1, 2, 3))
    key = unlocked if opened else None
    with pytest.raises(KeyboardInterrupt if opened else StoppedError) as told:
        taking._one_by_one(unlocked.study, files, Request(), key, remove=False)
    assert opened or "R001, R002 are in the study" in str(told.value)
    _, refused = intake.add_all(unlocked.study, files[:2], Request(), again(unlocked), remove_source=False)
    assert ["already in the study" in str(why) for _, why in refused] == [True, True]


def test_a_source_that_cannot_be_removed_is_told_and_is_added_all_the_same(
    unlocked: Unlocked, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    added, refused = intake.add_all(unlocked.study, (source,), Request(), None, remove_source=True)
    assert [r.id for r in added] == ["R001"]
    says_nothing_of(refused[0][1], "Karen")


def test_a_source_that_is_written_or_was_changed_stays(
    unlocked: Unlocked, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = intake.seen(source)
    with source.open("ab"), pytest.raises(StudyError, match="writing the source"):
        intake.remove(unlocked.study, "R001", source, before)
    with source.open("ab") as more:
        more.write(b"the rest")
    with pytest.raises(StudyError, match="or it has changed"):
        intake.remove(unlocked.study, "R001", source, before)
    assert source.read_bytes().endswith(b"the rest")
    intake.remove(unlocked.study, "R001", source, intake.seen(source))
    assert not source.exists()


@pytest.mark.parametrize("through", ["file", "folder"])
def test_a_link_is_not_taken_for_its_file(unlocked: Unlocked, source: Path, through: str) -> None:
    """To remove it would leave the sound in the clear, where nobody would look for it any more."""
    (source.parent / "card").mkdir()
    real = source.rename(source.parent / "card" / source.name)
    link = source if through == "file" else source.parent / "linked"
    link.symlink_to(real if through == "file" else real.parent)
    given = link if through == "file" else link / source.name
    added, refused = intake.add_all(unlocked.study, (given,), Request(), unlocked, remove_source=True)
    assert [one.id for one in added] == ["R001"]
    assert unlocked.vault.entry("R001").sources == (str(real.resolve()),)
    if through == "file":
        assert "only a link" in str(refused[0][1])
        says_nothing_of(refused[0][1], "Karen")
        assert link.is_symlink()
        assert overview.overview(unlocked.study, unlocked).sources_outside == ("R001",)
        assert "source removed" not in unlocked.study.audit_path.read_text()
    assert real.exists() is (through == "file")


def test_a_link_to_itself_is_one_sentence(unlocked: Unlocked, tmp_path: Path) -> None:
    loop = tmp_path / "Karen.wav"
    loop.symlink_to(loop)
    added, ((_, why),) = intake.add_all(unlocked.study, (loop,), Request(), unlocked, remove_source=False)
    assert not added
    assert "cannot be opened" in str(why)
    assert "Karen" not in str(why)


def test_what_was_released_is_no_source(unlocked: Unlocked, source: Path) -> None:
    covered = unlocked.study.releases / "001" / "R001.wav"
    covered.parent.mkdir(parents=True)
    covered.write_bytes(b"covered")
    added, refused = intake.add_all(unlocked.study, (source.parent,), Request(), unlocked, remove_source=True)
    assert ([one.id for one in added], refused, covered.exists()) == (["R001"], [], True)


@pytest.mark.parametrize("left", ["sound", "artefact"])
def test_an_id_of_which_something_is_left_is_not_given_again(unlocked: Unlocked, source: Path, left: str) -> None:
    """Even where what tells that the recording was added is lost: its sound, or what was decided, is not replaced."""
    intake.add(unlocked.study, source, Request(), unlocked)
    unlocked.study.artefact_path("R001", "recording").unlink()
    if left == "artefact":
        unlocked.study.artefact_path("R001", "words").write_bytes(b"sealed")
        unlocked.study.sound_path("R001").unlink()
    assert unlocked.study.free_id() == "R002"
    with pytest.raises(StudyError, match="the id r001 is taken"):
        unlocked.study.check_id("r001")


@pytest.mark.parametrize("count", [0, 2])
def test_an_id_is_for_one_file(unlocked: Unlocked, tmp_path: Path, count: int) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.wav").touch()
    with pytest.raises(StudyError):
        intake.add_all(unlocked.study, (folder,), Request(id="P3"), unlocked, remove_source=False)


def test_a_stranger_does_not_replace_one_of_a_former_transcript(unlocked: Unlocked, tmp_path: Path) -> None:
    """Who is named elsewhere too stays known when the transcript that brought her in is forgotten and its id free."""
    former = Person(id="T001-L01", kind=Kind.PERSON, role="speaker", forms=("Jane Eyre",), found=True)
    unlocked.change(lambda vault: with_people(vault, (former,)))
    path = tmp_path / "another.txt"
    path.write_text("Karen: Hello.\n\nBertha Mason: Hello.\n\nKaren: Yes.\n\nGrace Poole: No.\n")
    assert intake.add_transcript(unlocked, path, Request()).id == "T001"
    found = {one.id: one.forms for one in unlocked.vault.people if one.found}
    assert found == {
        "T001-L01": ("Jane Eyre",), "T001-L02": ("Bertha Mason",), "T001-L03": ("Grace Poole",)
    }  # fmt: skip


def test_a_transcript_links_its_labels_and_takes_in_strangers(unlocked: Unlocked, tmp_path: Path) -> None:
    path = tmp_path / "Karen.txt"
    path.write_text("Karen: Hello.\n\nBertha Mason: Hello Karen.\n\nKaren: Yes.\n\nBertha Mason: No.\n")
    added = intake.add_transcript(unlocked, path, Request())
    assert added.id == "T001"
    stored = unlocked.load("T001", "transcript", Transcript)
    assert stored is not None
    assert [s.person_id for s in stored.value.speakers] == ["P1", None]
    assert ("Bertha Mason",) in [p.forms for p in unlocked.vault.people if p.found]
    assert ciphertext_alone(unlocked)
    says_nothing_of(unlocked.study.journal_path.read_text(), "Karen", "Bertha")
    with pytest.raises(StudyError, match="already"):
        intake.add_transcript(unlocked, path, Request())


def known_as(imported: str, people: tuple[Person, ...], who: tuple[str, ...]) -> list[str | None]:
    """Whom the labels of a transcript are taken for; None for strangers."""
    transcript, _ = labels.linked(read_transcript(imported.encode(), "txt", "T001"), people, who)
    return [speaker.person_id for speaker in transcript.speakers]


FAMILIES = (
    person("P1", "Karen Smith"),
    person("P9", "Diane Lee"),
    person("X9", "Marian Lee", role="mother", of="P9"),
    person("R1", "Tamsin Hartley", role="interviewer"),
    person("Y1", "Dave", role="husband", of="P1", found=True),
)


@pytest.mark.parametrize(
    ("label", "who", "meant"),
    [
        ("Karen", ("P9", "R1"), None),
        ("Karen", ("P1", "R1"), "P1"),
        ("Karen", (), "P1"),
        ("Karen Smith", ("P9", "R1"), "P1"),  # her consent is asked then, too
        ("Marian", ("P9",), "X9"),
        ("Marian", ("P1",), None),
        ("Tamsin", ("P9",), "R1"),
        ("Dave", ("P9", "R1"), None),
        ("Dave", ("P1", "R1"), "Y1"),
        ("Dave", (), None),
    ],
)
def test_a_label_names_those_who_took_part(label: str, who: tuple[str, ...], meant: str | None) -> None:
    assert known_as(f"{label}: Hello.\nMoira Quill: Hi.\n", FAMILIES, who) == [meant, None]


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("Interviewer (Tamsin Hartley)", "R1"),
        ("Interviewer Tamsin", "R1"),
        ("P1 (Karen Smith)", "P1"),
        ("Karen (mother)", "P1"),
        ("Tamsin (interviewer)", "R1"),
        ("Karen (whispering)", "P1"),
        ("Baby Karen", None),
        ("Therapist (Karen)", None),
        ("Mother of Karen", None),
        ("T Hartley", None),
    ],
)
def test_a_label_may_say_beside_the_name_what_she_is(label: str, meant: str | None) -> None:
    assert known_as(f"{label}: Hello.\nMoira Quill: Hi.\n{label}: So.\n", FAMILIES, ("P1", "R1")) == [meant, None]


@pytest.mark.parametrize(
    ("label", "form"),
    [
        ("P7 (mother)", None),
        ("A", None),
        ("Interviewer (Moira)", "Moira"),
        ("Therapist Moira Quill", "Moira Quill"),
        ("Moira (P2)", "Moira"),
        ("Nan Quill", "Nan Quill"),
        ("Moira Elder", "Moira Elder"),
        ("Moira Quill (MQ)", "Moira Quill (MQ)"),
        ("Mother of Moira", "Mother of Moira"),
        ("Mother (moira)", "Mother (moira)"),
    ],
)
def test_of_a_stranger_s_label_the_name_alone_is_searched_for(label: str, form: str | None) -> None:
    said = read_transcript(f"{label}: Hello.\nI: Hi.\n{label}: So.\n".encode(), "txt", "T001")
    _, strangers = labels.linked(said, FAMILIES, ())
    assert [one.forms for one in strangers] == ([(form,)] if form else [])


def test_of_two_of_a_name_the_one_who_took_part_is_meant() -> None:
    both = (person("P1", "Karen Smith"), person("P9", "Karen Jones"))
    said = "Karen: Hello.\nI: Hi.\n"
    assert known_as(said, both, ("P9",)) == ["P9", None]
    assert known_as(said, both, ()) == [None, None]
    assert known_as(said, both, ("P1", "P9")) == [None, None]


def test_transcripts_that_are_there_are_passed_over_and_refused_ones_stop_no_other(
    unlocked: Unlocked, tmp_path: Path
) -> None:
    paths = tuple(tmp_path / f"{name}.txt" for name in ("one", "bad", "two"))
    for path in paths:
        path.write_text(f"Karen: Hello {path.stem}.\n")
    paths[1].write_bytes(b"%PDF-")
    intake.add_transcript(unlocked, paths[0], Request())
    ids, refused = intake.add_transcripts(unlocked, paths, Request())
    assert (ids, [number for number, _ in refused]) == (("T001", "T002"), [2])
    assert intake.add_transcripts(unlocked, paths[:1], Request(id="T001")) == (("T001",), [])
    _, refused = intake.add_transcripts(unlocked, paths[:1], Request(id="T009"))
    assert "already in the study as T001" in str(refused[0][1])
    assert unlocked.study.recordings() == ("T001", "T002")
