"""Voices by consent: nothing is kept without it, corrections teach, samples too, and forgetting leaves nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.builders import NoEngines, add_detected, new_unlocked, person, says_nothing_of, transcript, turns
from tests.diarise.test_voiceprints import levels, loudness
from tests.review.test_office import Page
from tests.study_session import call, last_json, new_study, succeed
from transcribe import enrolment, store, vault
from transcribe.config import TEMPLATE, StudyConfig, check
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import ConfigError, StudyError
from transcribe.evaluate.der import read_rttm
from transcribe.pipeline import Job, refresh_findings
from transcribe.review import settling
from transcribe.schema import Audio, By, Kind, Speaker, Transcript, Turns, Words
from transcribe.speakers import Recognised, with_speakers
from transcribe.vault import Unlocked, Vault, Voiceprint, with_voiceprints

PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("T1", "Moira Fell", role="therapist"),
    person("R1", "Tamsin Quayle", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place"),
)
TALK = (("S1", "And how was that for you?"), ("S2", "It was fine, really, and then we all went home."))
SPOKEN = turns((0, 20, "S1"), (20, 60, "S2"))
TAMSIN, KAREN, MOIRA = 0.1, 0.2, 0.3  # their voices


class World:
    """A study whose recordings are constant sounds, and a speaker model that tells these apart."""

    def __init__(self, root: Path, voices: str) -> None:
        self.unlocked = new_unlocked(root, PEOPLE)
        self.sounds: dict[str, Audio] = {}
        self.allow(voices)

    def allow(self, voices: str) -> None:
        text = TEMPLATE.replace("voices = []", f"voices = {voices}")
        (self.unlocked.study.root / "study.toml").write_text(text)
        self.unlocked.study.__dict__.pop("config", None)

    def add(self, recording_id: str, first: float, second: float) -> None:
        """A recording in which one voice speaks for 20 s and then another for 40 s."""
        add_detected(self.unlocked, transcript(*TALK, recording_id=recording_id), sound=recording_id.encode())
        self.unlocked.save(recording_id, "turns", SPOKEN, "k")
        self.sounds[recording_id] = levels((0, 20, first), (20, 60, second))
        self.run(recording_id)

    def run(self, recording_id: str) -> None:
        stored = self.unlocked.load(recording_id, "turns", Turns)
        assert stored
        enrolment.recognise(self.unlocked, recording_id, stored, lambda: self.sounds[recording_id])

    def set(self, recording_id: str, *fixes: str) -> tuple[str, ...]:
        settling.fix_speakers(self.unlocked, recording_id, fixes)
        return enrolment.learn(self.unlocked, recording_id, frozenset(fix.partition("=")[0] for fix in fixes))

    def who(self, recording_id: str) -> dict[str, tuple[str, str | None, By | None]]:
        return {s.label: (s.role, s.person_id, s.by) for s in self.speakers(recording_id)}

    def speakers(self, recording_id: str) -> tuple[Speaker, ...]:
        stored = self.unlocked.load(recording_id, "transcript", Transcript)
        assert stored
        return with_speakers(self.unlocked, stored.value).speakers

    def plain_vault(self) -> bytes:
        return store.decrypt(self.unlocked.study.vault_path.read_bytes(), self.unlocked.identity)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[World]:
    """Makes worlds: `make(tmp_path / "study", '["interviewer"]')`."""
    worlds: list[World] = []

    class Wired(World):
        def __init__(self, root: Path, voices: str) -> None:
            super().__init__(root, voices)
            worlds.append(self)

    monkeypatch.setattr(enrolment, "_network", lambda: loudness)
    monkeypatch.setattr(enrolment.weights, "sha256", lambda name: "0" * 64)
    monkeypatch.setattr(enrolment.intake, "sound", lambda unlocked, recording_id: worlds[-1].sounds[recording_id])
    return Wired


def test_a_voice_that_was_named_once_is_recognised_in_the_next_recording(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    assert world.who("R001")["S1"][2] is By.WORDS
    assert world.set("R001", "S1=R1", "S2=P1") == ("R1",)
    world.add("R002", MOIRA, TAMSIN)  # the text would make S1 the interviewer
    assert world.who("R002")["S2"] == ("interviewer", "R1", By.VOICE)
    assert world.who("R002")["S1"][2] is By.WORDS
    speaker = world.speakers("R002")[1]
    assert 0.95 <= speaker.confidence <= 0.99
    assert world.who("R001")["S1"] == ("interviewer", "R1", By.CORRECTED)


def test_without_consent_nothing_of_any_voice_is_kept(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", "[]")
    world.add("R001", TAMSIN, KAREN)
    assert world.set("R001", "S1=R1", "S2=P1") == ()
    world.add("R002", TAMSIN, KAREN)
    assert b'"voiceprints":[]' in world.plain_vault()
    assert not list(world.unlocked.study.private.rglob("recognised.age"))
    assert {how for *_, how in world.who("R002").values()} == {By.WORDS}


def test_of_those_who_did_not_agree_nothing_is_kept_beside_those_who_did(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    world.set("R001", "S1=R1", "S2=P1")
    world.add("R002", TAMSIN, KAREN)
    assert [(v.whom, v.label) for v in world.unlocked.vault.voiceprints] == [("R1", "S1")]
    for path in world.unlocked.study.private.glob("R00*/*.age"):
        key = world.unlocked.recording_key(path.parent.name)
        assert b"vector" not in (b"" if path.stem == "note" else store.decrypt(path.read_bytes(), key)), path.name
    logs = world.unlocked.study.audit_path.read_text() + world.unlocked.study.journal_path.read_text()
    assert "vector" not in logs
    says_nothing_of(logs, "Karen", "Okonkwo", "Tamsin", "Quayle")


def test_a_wrong_guess_that_was_corrected_once_is_learnt(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer", "T1"]')
    world.add("R001", MOIRA, KAREN)
    world.set("R001", "S1=R1")  # a slip: it is the therapist
    world.add("R002", MOIRA, KAREN)
    assert world.who("R002")["S1"] == ("interviewer", "R1", By.VOICE)
    assert world.set("R002", "S1=T1") == ("T1",)
    assert [(v.whom, v.recording_id) for v in world.unlocked.vault.voiceprints] == [("T1", "R002")]
    world.add("R003", KAREN, MOIRA)
    assert world.who("R003")["S2"] == ("therapist", "T1", By.VOICE)


def test_a_wrong_guess_of_somebody_who_did_not_agree_is_not_made_again(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, MOIRA)
    world.set("R001", "S1=R1")
    world.add("R002", KAREN, MOIRA)
    world.set("R002", "S1=R1")  # a slip
    world.add("R003", MOIRA, KAREN)
    assert world.who("R003")["S2"] == ("interviewer", "R1", By.VOICE)
    assert world.set("R003", "S2=P1") == ()
    assert [(v.whom, v.recording_id) for v in world.unlocked.vault.voiceprints] == [("R1", "R001")]


def test_a_label_that_is_named_anew_takes_its_voice_along(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer", "T1"]')
    world.add("R001", MOIRA, KAREN)
    world.set("R001", "S1=R1")
    assert world.set("R001", "S1=T1") == ("T1",)
    assert [v.whom for v in world.unlocked.vault.voiceprints] == ["T1"]
    assert world.set("R001", "S1=P1") == ()
    assert b'"voiceprints":[]' in world.plain_vault()


def test_a_corrected_label_is_never_overruled_nor_its_person_found_twice(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    world.set("R001", "S1=R1")
    world.add("R002", TAMSIN, KAREN)
    world.set("R002", "S1=P1")
    assert world.who("R002")["S1"] == ("participant", "P1", By.CORRECTED)
    world.add("R003", TAMSIN, KAREN)
    settling.fix_speakers(world.unlocked, "R003", ("S2=R1",))
    assert world.who("R003")["S2"] == ("interviewer", "R1", By.CORRECTED)
    assert world.who("R003")["S1"][1:] != ("R1", By.VOICE)


def test_forgetting_leaves_nothing_and_so_does_taking_her_off_the_list(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer", "T1"]')
    world.add("R001", TAMSIN, MOIRA)
    world.set("R001", "S1=R1", "S2=T1")
    world.add("R002", TAMSIN, MOIRA)
    assert enrolment.forget(world.unlocked, "T1") == 1
    assert [v.whom for v in world.unlocked.vault.voiceprints] == ["R1"]
    stored = world.unlocked.load("R002", "recognised", Recognised)
    assert stored
    assert [match.whom for match in stored.value.matches] == ["R1"]
    assert world.who("R002")["S2"][2] is By.WORDS
    world.allow('["T1"]')
    assert world.who("R002")["S1"][2] is By.WORDS  # at once, though she is forgotten at the next run
    world.run("R002")
    assert b'"voiceprints":[]' in world.plain_vault()
    with pytest.raises(StudyError, match="nobody in this study has the id T9"):
        enrolment.forget(world.unlocked, "T9")


def test_a_slip_on_the_page_that_is_taken_back_leaves_no_voice(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    refresh_findings(world.unlocked, NoEngines(StudyConfig()))
    page = Page(world.unlocked)
    page.act("role", label="S2", who={"person": "R1"})
    kept = world.unlocked.vault.voiceprints
    assert [(one.whom, one.label) for one in kept] == [("R1", "S2")]
    page.undo()
    assert b'"voiceprints":[]' in world.plain_vault()
    page.redo()
    assert world.unlocked.vault.voiceprints == kept


def test_a_label_means_the_voice_that_the_transcript_gives_it_though_turns_were_made_anew(
    make: type[World], tmp_path: Path
) -> None:
    """A run that goes on has told voices apart already; who reads the transcript sees its labels."""
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    world.unlocked.save("R001", "turns", turns((0, 20, "S2"), (20, 60, "S1")), "k2")
    assert world.set("R001", "S1=R1") == ("R1",)
    (kept,) = world.unlocked.vault.voiceprints
    hers = loudness(world.sounds["R001"].samples[None, : 16_000 * 4])[0]
    assert np.argmax(kept.vector) == np.argmax(hers)
    world.unlocked.save("R001", "turns", turns((0, 5, "S4"), (50, 60, "S2")), "k3")
    assert world.set("R001", "S2=R1") == ()  # nobody speaks there now
    assert [one.label for one in world.unlocked.vault.voiceprints] == ["S1"]


def test_a_voiceprint_goes_with_its_voice_to_another_label_and_goes_where_that_is_gone(
    make: type[World], tmp_path: Path
) -> None:
    world = make(tmp_path / "study", '["interviewer", "P1"]')
    world.add("R001", TAMSIN, KAREN)
    world.add("R002", TAMSIN, KAREN)
    for recording_id in ("R001", "R002"):
        world.set(recording_id, "S1=R1", "S2=P1")
    for labels, expected in ((("S2", "S1"), {"R1": "S2", "P1": "S1"}), (("S3", "S3"), {"P1": "S3"})):
        assembled_anew(world.unlocked, turns((0, 20, labels[0]), (20, 60, labels[1])))
        kept = world.unlocked.vault.voiceprints
        assert {one.whom: one.label for one in kept if one.recording_id == "R001"} == expected
        assert {one.whom: one.label for one in kept if one.recording_id == "R002"} == {"R1": "S1", "P1": "S2"}


def assembled_anew(unlocked: Unlocked, made: Turns) -> None:
    """As a run does that made the turns of a recording anew."""
    unlocked.save("R001", "turns", made, repr(made.exclusive))
    said = unlocked.load("R001", "transcript", Transcript)
    assert said
    spoken = tuple(replace(w, text=f" {w.text.strip()}") for u in said.value.utterances for w in u.words)
    heard = Words(words=spoken, language="en", language_probability=1.0, made_by=said.value.made_by[0])
    unlocked.save("R001", "words", heard, "k")
    words, stored = unlocked.load("R001", "words", Words), unlocked.load("R001", "turns", Turns)
    assert words
    assert stored
    Job(unlocked, "R001", NoEngines(StudyConfig()), lambda event: None)._transcript(words, stored)


def test_recordings_that_wait_are_compared_again_and_settled_ones_are_not(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    world.add("R002", TAMSIN, KAREN)
    world.add("R003", TAMSIN, KAREN)
    world.unlocked.save("R003", "review", SPOKEN)  # whatever stands there: it is settled
    world.set("R001", "S1=interviewer")
    for recording_id in ("R002", "R003"):
        world.run(recording_id)
        stored = world.unlocked.load(recording_id, "recognised", Recognised)
        assert stored
        assert [m.label for m in stored.value.matches] == (["S1"] if recording_id == "R002" else [])


def test_an_interviewer_whom_no_roster_names_is_recognised_as_one(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.unlocked.change(lambda v: Vault(hmac_key=v.hmac_key, recordings=v.recordings))
    world.add("R001", TAMSIN, KAREN)
    assert world.set("R001", "S1=interviewer") == ("interviewer",)
    world.add("R002", KAREN, TAMSIN)
    assert world.who("R002")["S2"] == ("interviewer", None, By.VOICE)
    world.unlocked.change(lambda v: vault.with_people(v, PEOPLE))  # now she is on the roster
    world.run("R002")
    assert world.who("R002")["S2"] == ("interviewer", "R1", By.VOICE)


def diariser(*spans: tuple[float, float, str]) -> FakeDiariser:
    return FakeDiariser(turns(*spans).all)


def enrolled(world: World, whom: str, sound: Audio, engine: FakeDiariser, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(enrolment.intake, "sample", lambda source: sound)
    return enrolment.enrol(world.unlocked, whom, Path("/nowhere/Moira Fell.wav"), lambda: engine)


def test_a_sample_enrols_whoever_agreed(make: type[World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(tmp_path / "study", '["T1"]')
    sample, engine = levels((0, 30, MOIRA)), diariser((0, 15, "S1"), (15, 30, "S2"))  # one voice, split in two
    assert enrolled(world, "T1", sample, engine, monkeypatch) == "T1"
    world.add("R001", KAREN, MOIRA)
    assert world.who("R001")["S2"] == ("therapist", "T1", By.VOICE)
    assert [(k.whom, k.consents, k.samples) for k in enrolment.listing(world.unlocked)] == [("T1", True, 1)]
    assert b"/nowhere/Moira" not in world.plain_vault()


@pytest.mark.parametrize(
    ("whom", "sound", "spans", "says"),
    [
        ("P1", levels((0, 30, KAREN)), [(0, 30, "S1")], "does not list P1"),
        ("R1", levels((0, 30, TAMSIN)), [(0, 30, "S1")], "does not list R1"),
        ("X9", levels((0, 30, KAREN)), [(0, 30, "S1")], "nobody in this study"),
        ("T1", levels((0, 2, MOIRA)), [(0, 2, "S1")], "less than 3 seconds"),
        ("T1", levels((0, 2, MOIRA)), [], "less than 3 seconds"),
        ("T1", levels((0, 20, MOIRA), (20, 40, KAREN)), [(0, 20, "S1"), (20, 40, "S2")], "more than one voice"),
        ("T1", levels((0, 2, MOIRA), (2, 4, KAREN)), [(0, 2, "S1"), (2, 4, "S2")], "less than 3 seconds"),
    ],
)
def test_a_sample_that_may_not_or_cannot_be_used_leaves_nothing(
    make: type[World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    whom: str, sound: Audio, spans: list[tuple[float, float, str]], says: str,
) -> None:  # fmt: skip
    world = make(tmp_path / "study", '["T1"]')
    with pytest.raises(StudyError, match=says) as refused:
        enrolled(world, whom, sound, diariser(*spans), monkeypatch)
    says_nothing_of(refused.value, "Moira", "Fell", "Karen", "Tamsin")
    assert b'"voiceprints":[]' in world.plain_vault()


def test_of_others_who_speak_for_a_moment_in_a_sample_nothing_is_kept(
    make: type[World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(tmp_path / "study", '["T1"]')
    sample = levels((0, 2.9, KAREN), (2.9, 8.9, MOIRA), (8.9, 11.8, TAMSIN))
    engine = diariser((0, 2.9, "S1"), (2.9, 8.9, "S2"), (8.9, 11.8, "S3"))
    enrolled(world, "T1", sample, engine, monkeypatch)
    enrolled(world, "T1", levels((0, 6, MOIRA)), diariser((0, 6, "S1")), monkeypatch)
    with_others, alone = (one.vector for one in world.unlocked.vault.voiceprints)
    assert with_others == pytest.approx(alone, abs=1e-3)


def test_a_vault_from_before_voices_opens(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    plain = store.decrypt(unlocked.study.vault_path.read_bytes(), unlocked.identity)
    body = plain.partition(b"\n")[2].replace(b',"voiceprints":[]', b"")
    header = store.json.dumps(
        {"schema": 1, "type": "Vault", "key": "", "sha256": store.hashlib.sha256(body).hexdigest()}
    )
    whole = store.pyrage.encrypt(header.encode() + b"\n" + body, [unlocked.identity.to_public()])
    unlocked.study.vault_path.write_bytes(whole)
    assert Unlocked(unlocked.study, unlocked.identity).vault == unlocked.vault


def test_of_each_person_the_latest_are_kept() -> None:
    def one(whom: str, number: int) -> Voiceprint:
        return Voiceprint(whom=whom, recording_id=f"R{number}", label="S1", model_sha256="", vector=(float(number),))

    known = with_voiceprints(Vault(hmac_key=""), tuple(one(whom, n) for n in range(10) for whom in ("R1", "T1")))
    assert [v.recording_id for v in known.voiceprints if v.whom == "T1"] == [f"R{n}" for n in range(2, 10)]
    assert with_voiceprints(known, (one("R1", 99),)).voiceprints[-1].recording_id == "R99"


@pytest.mark.parametrize("written", ["therapist", "participants", "Interviewer", "Karen Okonkwo", "infant", ""])
def test_a_role_but_interviewer_is_no_consent_and_the_message_repeats_nothing(written: str) -> None:
    with pytest.raises(ConfigError, match="entry 2 is neither") as refused:
        check({"voices": ["interviewer", written]})
    if written != "Interviewer":
        says_nothing_of(refused.value, *written.split())


def test_an_id_that_is_nobodys_is_refused_before_a_run(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer", "T1"]')
    enrolment.check(world.unlocked)
    for wrong in ('["T2"]', '["L1"]', '["Karen"]'):
        world.allow(wrong)
        with pytest.raises(StudyError, match="entry 1 is no person's id") as refused:
            enrolment.check(world.unlocked)
        says_nothing_of(refused.value, "Karen")


def test_vectors_are_of_unit_length_in_the_vault(make: type[World], tmp_path: Path) -> None:
    world = make(tmp_path / "study", '["interviewer"]')
    world.add("R001", TAMSIN, KAREN)
    world.set("R001", "S1=R1")
    assert np.linalg.norm(world.unlocked.vault.voiceprints[0].vector) == pytest.approx(1, abs=1e-4)


@pytest.mark.weights
@pytest.mark.slow
def test_the_commands_enrol_list_and_forget(
    tmp_path: Path, sample_dir: Path, sample_audio: Audio, model_path: Callable[[str], Path]
) -> None:
    for name in ("segmentation-3.0", "campplus"):
        model_path(name)
    alone = tmp_path / "Hartley Quayle.wav"
    spoken = [t for t in read_rttm((sample_dir / "sample.rttm").read_text()) if t.speaker == "speaker90"]
    cut = [sample_audio.samples[int(t.start_s * 16_000) : int(t.end_s * 16_000)] for t in spoken]
    soundfile.write(alone, np.concatenate(cut), 16_000)
    root = new_study(tmp_path / "study", sample_dir / "sample.wav")
    refused = call("voices", "enrol", root, "R1", alone)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    settings = root / "study.toml"
    settings.write_text(settings.read_text().replace("voices = []", 'voices = ["interviewer"]'))
    both = call("voices", "enrol", root, "R1", sample_dir / "sample.wav")
    assert "more than one voice" in both.stderr
    said = succeed("voices", "enrol", root, "interviewer", alone)
    assert "Quayle" not in said
    wanted = {"person": "R1", "consents": True, "recordings": [], "samples": 1}
    assert last_json(succeed("voices", "list", root, "--json")) == {"voices": [wanted]}
    assert last_json(succeed("voices", "forget", root, "R1", "--json")) == {"forgotten": 1}
    assert last_json(succeed("voices", "list", root, "--json"))["voices"][0]["samples"] == 0
    assert "Quayle" not in (root / "audit.jsonl").read_text() + (root / "journal.jsonl").read_text()
