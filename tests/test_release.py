"""Releases: only what is settled, only what the gate passes, and nothing in them to look a name up by."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, save_candidates, says_nothing_of, transcript
from transcribe import export, levels, pseudonyms, publishing, redraw, release, vault
from transcribe.config import StudyConfig
from transcribe.errors import ConfigError, EngineError, LeakError, NotSettledError, StoreError, StudyError
from transcribe.export import Exporter
from transcribe.overview import overview
from transcribe.pipeline import refresh_findings
from transcribe.ready import named_people, need, preview, settled
from transcribe.review import settling
from transcribe.schema import Kind, ReviewState, Speaker, Transcript
from transcribe.speakers import SpeakerFixes
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())
PEOPLE = (
    person("P1", "Karen Okonkwo", "Kaz"),
    person("I1", "Teodor", role="infant", of="P1"),
    person("T1", "Moira O'Brien", role="therapist", of="P1"),
    person("R1", "Tamsin Hartley", role="interviewer"),
    person("S1", "Willowfield Clinic", kind=Kind.SERVICE, role="service", of="P1"),
)
NAMES = ["Karen", "Okonkwo", "Kaz", "Teodor", "Moira", "O'Brien", "Tamsin", "Hartley", "Willowfield"]
TALK = (
    ("S1", "I'm Tamsin. How is Teodor, Karen?"),
    ("S2", "He is fine. Moira at the Willowfield Clinic says Teodor's well."),
)
FORMATS = ("txt", "json", "docx", "vtt")


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(*TALK), sound=b"sound of Karen", who=("P1", "R1"), name="Karen Okonkwo 1.wav")
    return opened


def settle(unlocked: Unlocked, recording_id: str = "R001") -> None:
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, recording_id, "AB")


def write(unlocked: Unlocked, *wanted: str, unreviewed: bool = False) -> release.Released:
    return release.write(unlocked, wanted, FORMATS, ENGINES, unreviewed=unreviewed)


def released_bytes(written: release.Released) -> dict[str, bytes]:
    return {name: (Path(written.folder) / name).read_bytes() for name in written.files}


def nothing_written(unlocked: Unlocked) -> bool:
    return list(unlocked.study.releases.iterdir()) == []


def test_what_nobody_reviewed_is_refused_unless_asked_for(unlocked: Unlocked) -> None:
    for wanted in ((), ("R001",)):
        with pytest.raises(NotSettledError) as refused:
            write(unlocked, *wanted)
        assert "R001" in str(refused.value)
        says_nothing_of(refused.value, *NAMES)
    assert nothing_written(unlocked)
    written = write(unlocked, unreviewed=True)
    text = released_bytes(written)["R001_pseudonymised.txt"].decode()
    assert "UNREVIEWED" in text
    says_nothing_of(text, *NAMES)


def test_what_is_settled_is_released_with_pseudonyms(unlocked: Unlocked) -> None:
    settle(unlocked)
    written = write(unlocked)
    assert (written.number, written.left_out) == (1, ())
    assert sorted(written.files) == sorted(f"R001_pseudonymised.{suffix}" for suffix in FORMATS)
    names = {p.id: p.pseudonym for p in unlocked.vault.people}
    turns = json.loads(released_bytes(written)["R001_pseudonymised.json"])["turns"]
    assert [t["speaker"] for t in turns] == ["Interviewer", names["P1"]]
    assert turns[1]["text"] == f"He is fine. {names['T1']} at the [service] says {names['I1']}'s well."


def test_releases_are_numbered_and_never_overwritten(unlocked: Unlocked) -> None:
    settle(unlocked)
    first = write(unlocked)
    before = released_bytes(first)
    second = write(unlocked)
    assert (first.number, second.number) == (1, 2)
    assert released_bytes(first) == before
    for path in Path(first.folder).iterdir():
        path.unlink()
    Path(first.folder).rmdir()
    for path in Path(second.folder).iterdir():
        path.unlink()
    Path(second.folder).rmdir()
    unlocked.study.releases.rmdir()  # moved away as a whole: its numbers are with others
    assert write(unlocked).number == 3


def test_equal_inputs_give_equal_bytes(unlocked: Unlocked) -> None:
    settle(unlocked)
    assert released_bytes(write(unlocked)) == released_bytes(write(unlocked))


def test_a_finding_that_nobody_has_seen_makes_it_unreviewed_again(unlocked: Unlocked) -> None:
    settle(unlocked)
    unlocked.change(lambda known: vault.with_people(known, (person("X1", "Fine", role="partner"),)))
    unlocked.change(lambda known: vault.with_people(known, (person("X2", "says", kind=Kind.OTHER, role="other"),)))
    with pytest.raises(NotSettledError):
        write(unlocked, "R001")
    assert nothing_written(unlocked)
    settle(unlocked)
    assert write(unlocked, "R001").number == 1


def test_a_transcript_that_was_made_again_is_unreviewed_again(unlocked: Unlocked) -> None:
    settle(unlocked)
    again = transcript(*TALK, ("S1", "Thank you, Karen."))
    unlocked.save("R001", "transcript", again, "k2")
    save_candidates(unlocked, again)
    refresh_findings(unlocked, ENGINES)
    now = settled(unlocked, "R001")
    assert now is not None
    assert now.settled.review is ReviewState.UNREVIEWED


def test_positions_in_an_earlier_transcript_are_never_released(unlocked: Unlocked) -> None:
    """As a run leaves it that was killed after a transcript was made again and before detection was."""
    settle(unlocked)
    unlocked.save("R001", "transcript", transcript(("S1", "Well, well, Ann-Marie is here."), *TALK), "k2")
    with pytest.raises(NotSettledError, match="not transcribed yet"):
        write(unlocked, "R001", unreviewed=True)
    assert nothing_written(unlocked)


def test_a_failed_gate_writes_nothing_and_names_no_name(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(unlocked)
    monkeypatch.setattr(release, "refresh_findings", lambda unlocked, engines: None)
    unlocked.change(lambda known: vault.with_people(known, (person("X1", "fine", role="partner"),)))
    with pytest.raises(LeakError) as refused:
        write(unlocked)
    says_nothing_of(refused.value, "fine", *NAMES)
    assert nothing_written(unlocked)
    assert not any(event["event"] == "released" for event in unlocked.study.journal())


@pytest.mark.parametrize("role", ["Karen", "moira"])
def test_a_name_as_a_speakers_role_is_refused(unlocked: Unlocked, role: str) -> None:
    settle(unlocked)
    said = Speaker(label="S2", role=role, person_id=None, confidence=1.0)  # `speakers --set` took any word once
    unlocked.save("R001", "speakers", SpeakerFixes(speakers=(said,)))
    with pytest.raises(LeakError) as refused:
        write(unlocked)
    says_nothing_of(refused.value, *NAMES)
    assert nothing_written(unlocked)


@pytest.mark.parametrize("formats", [(), ("txt", "nvivo99")])
def test_without_a_known_format_nothing_is_written(unlocked: Unlocked, formats: tuple[str, ...]) -> None:
    settle(unlocked)
    with pytest.raises((ConfigError, EngineError)):
        release.write(unlocked, (), formats, ENGINES, unreviewed=False)
    assert nothing_written(unlocked)


def test_an_error_while_writing_leaves_nothing_and_what_a_kill_leaves_is_swept(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(unlocked)
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_manifest", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write(unlocked)
    assert nothing_written(unlocked)
    (unlocked.study.releases / ".001.0123abcd.tmp").mkdir()
    write(unlocked)
    assert [p.name for p in unlocked.study.releases.iterdir()] == ["001"]


def test_all_formats_are_every_one_that_the_transcript_can_have(unlocked: Unlocked) -> None:
    settle(unlocked)
    add_detected(unlocked, transcript(*TALK, recording_id="T001", timed=False))
    settle(unlocked, "T001")
    written = release.write(unlocked, (), (release.EVERY_FORMAT,), ENGINES, unreviewed=False)
    suffixes = {name.removeprefix("R001_pseudonymised") for name in written.files if name.startswith("R001_")}
    every = export.everything()
    assert suffixes == {one.suffix for one in every if isinstance(one, Exporter) and one.name != "nudist"}
    assert {"R001.txt", "T001.txt", "study_pseudonymised.qdpx"} <= set(written.files)
    assert "T001_pseudonymised.docx" in written.files
    assert "T001_pseudonymised.vtt" not in written.files
    with pytest.raises(EngineError, match="times"):
        release.write(unlocked, ("T001",), ("vtt",), ENGINES, unreviewed=False)


def test_no_speech_is_left_out_with_its_reason(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(recording_id="R002"), sound=b"x")
    settle(unlocked)
    assert write(unlocked).left_out == (("R002", "no speech"),)
    with pytest.raises(NotSettledError, match="no speech"):
        write(unlocked, "R002")


def test_a_language_that_no_detector_knows_is_released_only_when_a_person_settled_it(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Ja."), recording_id="R002", language="de"), looked=False, sound=b"x")
    with pytest.raises(NotSettledError, match="no detector knows"):
        write(unlocked, "R002", unreviewed=True)
    assert write(unlocked, unreviewed=True).left_out[0][0] == "R002"
    settle(unlocked, "R002")
    assert write(unlocked, "R002").left_out == ()


def test_what_was_not_transcribed_and_who_is_not_known_is_told(unlocked: Unlocked) -> None:
    with pytest.raises(StudyError, match="no recording has the id R009"):
        write(unlocked, "R009")
    unlocked.study.artefact_path("R001", "findings").unlink()
    with pytest.raises(StudyError, match="not transcribed yet"):
        preview(unlocked, need(unlocked, "R001", proposed=True))


def test_a_preview_is_gated_and_draws_nothing_for_good(unlocked: Unlocked) -> None:
    settle(unlocked)
    seen = preview(unlocked, need(unlocked, "R001", proposed=True))
    assert not any(p.pseudonym for p in unlocked.vault.people)
    says_nothing_of(" ".join(line.text for line in seen.lines), *NAMES)
    write(unlocked)
    assert preview(unlocked, need(unlocked, "R001", proposed=True)) == seen


def test_drawing_again_names_the_files_to_replace(unlocked: Unlocked) -> None:
    settle(unlocked)
    write(unlocked)
    old = unlocked.vault.person("I1").pseudonym
    late = person("P9", old)
    unlocked.change(lambda known: vault.with_people(known, (late,)))
    assert overview(unlocked.study, unlocked).to_redraw == ("I1",)
    stale = redraw.draw_again(unlocked, "I1")
    new = unlocked.vault.person("I1").pseudonym
    names = [*(f"R001_pseudonymised.{suffix}" for suffix in FORMATS), "people.csv", "replacements.csv"]
    assert stale == tuple(sorted(f"release/001/{name}" for name in names))
    assert new not in ("", old)
    assert pseudonyms.clashes(unlocked.vault.people) == ()
    settle(unlocked)
    text = released_bytes(write(unlocked))["R001_pseudonymised.txt"].decode()
    assert new in text
    assert old not in text


def test_drawing_again_names_files_that_cannot_be_read_and_passes_folders(unlocked: Unlocked) -> None:
    settle(unlocked)
    folder = Path(write(unlocked).folder)
    (folder / "~$01_pseudonymised.docx").write_bytes(b"\x05owner")  # what Word leaves beside an open document
    (folder / "copy.txt").mkdir()
    for number, suffix in enumerate((".html", ".qdpx", ".eaf", ".json", ".docx", ".srt", ".TextGrid")):
        (folder / f"empty{suffix}").touch()
        (folder / f"odd{suffix}").write_bytes(b"PK\x03\x04\xff<" + bytes([number]) * 40)
    stale = redraw.draw_again(unlocked, "I1")
    assert "release/001/~$01_pseudonymised.docx" in stale
    assert "release/001/R001_pseudonymised.docx" in stale


def test_drawing_again_leaves_what_was_learnt_of_her_meanwhile(unlocked: Unlocked) -> None:
    write(unlocked, unreviewed=True)
    other = Unlocked(unlocked.study, unlocked.identity)
    infant = replace(other.vault.person("I1"), heard=("Teo Door",))
    other.change(lambda known: vault.with_people(known, (infant,)))
    redraw.draw_again(unlocked, "I1")
    assert unlocked.vault.person("I1").heard == ("Teo Door",)
    assert unlocked.vault.person("I1").pseudonym not in ("", infant.pseudonym)


def test_who_becomes_known_while_it_is_prepared_stops_it(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(unlocked)
    other = Unlocked(unlocked.study, unlocked.identity)
    prepared = release._prepared

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        made = prepared(*arguments, **named)
        other.change(lambda known: vault.with_people(known, (person("X1", "Fine", role="friend"),)))
        return made

    monkeypatch.setattr(release, "_prepared", meanwhile)
    with pytest.raises(StudyError, match="changed while") as refused:
        write(unlocked)
    says_nothing_of(refused.value, "Fine", *NAMES)
    assert nothing_written(unlocked)


def test_settings_that_were_edited_since_the_study_was_opened_count(unlocked: Unlocked) -> None:
    settle(unlocked)
    assert unlocked.study.config.policy.convention == "pseudonyms"
    unlocked.study.config_path.write_text('[policy]\nconvention = "brackets"\n')
    text = released_bytes(write(unlocked))["R001_pseudonymised.txt"].decode()
    assert "[infant]" in text
    assert "[therapist]" in text


def test_what_was_never_released_is_drawn_again_too_and_a_tag_is_not(unlocked: Unlocked) -> None:
    shown = {p.id: p.pseudonym for p in named_people(unlocked)}
    assert redraw.draw_again(unlocked, "I1") == ()
    assert unlocked.vault.person("I1").pseudonym not in ("", shown["I1"])
    with pytest.raises(StudyError, match="nothing else to write for S1"):
        redraw.draw_again(unlocked, "S1")


def test_two_redraws_do_not_lead_back_and_nobody_new_gets_the_name_that_was_left(unlocked: Unlocked) -> None:
    write(unlocked, unreviewed=True)
    borne = []
    for _ in range(4):
        borne.append(unlocked.vault.person("I1").pseudonym)
        redraw.draw_again(unlocked, "I1")
    assert len(set(borne)) == 4
    assert unlocked.vault.retired == tuple(borne)
    assert set(borne) <= levels.taken(unlocked.vault).keys()


def test_who_is_called_by_what_turns_out_to_be_her_own_name_is_not_released_until_she_is_called_otherwise(
    unlocked: Unlocked,
) -> None:
    settle(unlocked)
    write(unlocked)
    mother = unlocked.vault.person("P1")
    named = replace(mother, forms=(*mother.forms, f"Karen {mother.pseudonym} Okonkwo"))
    unlocked.change(lambda known: vault.with_people(known, (named,)))
    settle(unlocked)
    with pytest.raises(LeakError, match="P1"):
        write(unlocked)
    redraw.draw_again(unlocked, "P1")
    settle(unlocked)
    assert mother.pseudonym not in released_bytes(write(unlocked))["R001_pseudonymised.txt"].decode()


def test_the_overview_tells_states_from_added_to_released(unlocked: Unlocked) -> None:
    assert overview(unlocked.study, None).rows[0].duration_s is None
    assert overview(unlocked.study, unlocked).rows[0].state == "to review"
    settle(unlocked)
    assert overview(unlocked.study, unlocked).rows[0].state == "settled"
    write(unlocked)
    seen = overview(unlocked.study, unlocked)
    assert (seen.rows[0].state, seen.rows[0].release, seen.rows[0].duration_s) == ("released", 1, 60.0)
    says_nothing_of(f"{seen!r} {seen.advice('study')}", *NAMES)


def friend_made_known(unlocked: Unlocked) -> None:
    """Whom a recording names that was released without anybody knowing her."""
    unlocked.change(lambda known: vault.with_people(known, (person("X1", "Osgood", role="friend"),)))
    refresh_findings(unlocked, ENGINES)


def row_of(unlocked: Unlocked, recording_id: str) -> tuple[str, int]:
    row = next(row for row in overview(unlocked.study, unlocked).rows if row.id == recording_id)
    return row.state, row.release


def test_what_a_new_finding_opened_again_is_released_no_more_in_the_overview(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Osgood came."), recording_id="R002"))
    for recording_id in ("R001", "R002"):
        settle(unlocked, recording_id)
    write(unlocked)
    assert row_of(unlocked, "R002") == ("released", 1)
    friend_made_known(unlocked)
    assert (row_of(unlocked, "R001"), row_of(unlocked, "R002")) == (("released", 1), ("to review", 1))
    assert "transcribe settle study ID" in " ".join(overview(unlocked.study, unlocked).advice("study"))
    settle(unlocked, "R002")
    write(unlocked)
    assert row_of(unlocked, "R002") == ("released", 2)


def test_what_went_out_unreviewed_is_released_until_something_changes(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Osgood came."), recording_id="R002"))
    refresh_findings(unlocked, ENGINES)
    write(unlocked, unreviewed=True)
    assert row_of(unlocked, "R002") == ("released", 1)
    friend_made_known(unlocked)
    assert row_of(unlocked, "R002") == ("to review", 1)


def test_an_id_that_is_given_again_has_no_past_in_the_overview(unlocked: Unlocked) -> None:
    write(unlocked, unreviewed=True)
    unlocked.study.log("failed", recording="R001")
    assert overview(unlocked.study, None).rows[0].state == "failed"
    unlocked.study.log("added", recording="R001", recipient="age1")
    for key in (None, unlocked):
        assert (seen := overview(unlocked.study, key).rows[0]).state == "to review"
        assert seen.release == 0


DECOYS = [f"{a}{b}{c}" for a in ("Ka", "Mo", "Te", "Ra", "Si") for b in "aeiou" for c in
          ("ren", "ra", "lle", "nnis", "dor", "vid", "th", "mes", "ck", "sha", "bel", "rine", "x", "lin", "phie", "ga",
           "han", "wen", "zia", "mund")]  # fmt: skip


def test_a_dictionary_finds_nothing_outside_the_encryption(unlocked: Unlocked) -> None:
    settle(unlocked)
    add_detected(unlocked, transcript(*TALK, recording_id="R002"), sound=b"sound of Karen", name="Karen 2.wav")
    write(unlocked, "R001")
    write(unlocked, unreviewed=True)
    root = unlocked.study.root
    outside = [p for p in root.rglob("*") if p.is_file() and "private" not in p.relative_to(root).parts]
    assert {p.name for p in outside} >= {"study.toml", "journal.jsonl", "audit.jsonl", "manifest.json"}
    contents = {p: p.read_bytes().lower() for p in outside}
    said = transcript(*TALK)
    whole = [
        " ".join(u.text for u in said.utterances),
        "\n".join(u.text for u in said.utterances),
        *(t for _, t in TALK),
    ]
    words = {*NAMES, *(f for p in PEOPLE for f in p.forms), *DECOYS, "Karen Okonkwo 1.wav", *whole}
    guesses = {v.encode() for word in words for v in (word, word.lower(), word.upper())} | {b"sound of Karen"}
    loaded = unlocked.load("R001", "transcript", Transcript)
    assert loaded is not None
    hashes = {loaded.body_sha256, *(e.sha256 for e in unlocked.vault.recordings)}
    for guess in guesses:
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
            hashes.add(hashlib.new(name, guess).hexdigest())
    for path, data in contents.items():
        assert not any(code.encode() in data for code in hashes), path.name
        if path.suffix != ".docx":
            says_nothing_of(data.decode(), *NAMES)
    for path in (root / "private").rglob("*"):
        assert path.is_dir() or path.read_bytes().startswith(b"age-encryption.org/v1")
    everything = str([p.relative_to(root) for p in root.rglob("*")])
    says_nothing_of(everything, *NAMES)


def test_the_key_decides_over_every_digest(tmp_path: Path) -> None:
    digests = []
    for n in (1, 2):
        opened = new_unlocked(tmp_path / f"study{n}", tuple(replace(p, pseudonym=f"[{p.id}]") for p in PEOPLE))
        add_detected(opened, transcript(*TALK), sound=b"x")
        manifest = json.loads((Path(write(opened, unreviewed=True).folder) / "manifest.json").read_text())
        digests.append([manifest["recordings"][0]["source_digest"], *(f["hmac_sha256"] for f in manifest["files"])])
    assert not set(digests[0]) & set(digests[1])


@pytest.mark.parametrize("name", ["findings", "candidates", "transcript"])
def test_a_damaged_artefact_of_one_recording_stops_no_other(unlocked: Unlocked, name: str) -> None:
    add_detected(unlocked, transcript(("S1", "All is well."), recording_id="R002"))
    path = unlocked.study.artefact_path("R002", name)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    assert write(unlocked, "R001", unreviewed=True).number == 1
    assert any(event.get("artefact") == name for event in unlocked.study.journal())
    if name != "findings":  # those are made again at once
        with pytest.raises(StoreError, match="R002"):
            write(unlocked, "R002", unreviewed=True)


def test_a_release_that_was_stopped_before_it_was_noted_is_noted_by_the_next(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(unlocked)

    def stopped(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_note", stopped)
        with pytest.raises(KeyboardInterrupt):
            write(unlocked)
    assert write(unlocked).number == 2
    for path in (unlocked.study.journal_path, unlocked.study.audit_path):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        assert [e["release"] for e in events if e["event"] == "released"] == [1, 2]
    assert publishing.originals(unlocked, "R001", 1).release == 1
