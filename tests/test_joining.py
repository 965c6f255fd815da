"""Several files as one recording: one clock, every file back bit for bit, and all of them or none."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.builders import NoEngines, ciphertext_alone, new_unlocked, person, says_nothing_of
from tests.study_session import call, last_json, succeed
from transcribe import (
    audio,
    doctor,
    forgetting,
    giving_back,
    intake,
    joining,
    listening,
    media,
    overview,
    redact,
    store,
    stored_sound,
    study,
)
from transcribe.config import StudyConfig
from transcribe.errors import AudioError, StoreError, StudyError, TranscribeError
from transcribe.intake import Request
from transcribe.redact import Covered
from transcribe.schema import Recording
from transcribe.vault import Unlocked

CLICK_S = 0.5
NAMES = ("Karen part one.wav", "Karen.m4a", "Karen rest.flac")
LENGTHS_S = (2.0, 3.0, 1.5)
RATES_HZ = (8_000, 44_100, 48_000)
Add = Callable[..., Recording]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Three parts in three forms and rates, the second in stereo; each clicks half a second after its beginning."""
    folder = tmp_path_factory.mktemp("parts")
    for number, (name, seconds, rate_hz) in enumerate(zip(NAMES, LENGTHS_S, RATES_HZ, strict=True)):
        sound = np.random.default_rng(number).normal(0, 0.005, (int(seconds * rate_hz), 1 + number % 2))
        sound[int(CLICK_S * rate_hz) :][: rate_hz // 200] = 0.9
        soundfile.write(folder / "sound.wav", sound, rate_hz)
        command = [media.program(), "-nostdin", "-v", "error", "-i", folder / "sound.wav", folder / name]
        subprocess.run(command, check=True)
    return tuple(folder / name for name in NAMES)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))


@pytest.fixture
def add(unlocked: Unlocked) -> Add:
    """As the command line does it."""

    def added(*sources: Path, recording_id: str | None = None) -> Recording:
        return joining.add(unlocked.study, sources, Request(id=recording_id), unlocked)

    return added


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, ...]) -> Unlocked:
    """A study with the three as one recording."""
    opened = new_unlocked(tmp_path_factory.mktemp("once") / "study", (person("P1", "Karen Okonkwo"),))
    joining.add(opened.study, files, Request(who=("P1",)))
    return opened


@pytest.fixture
def joined(once: Unlocked, tmp_path: Path) -> Unlocked:
    """A copy of it, opened by the next command."""
    shutil.copytree(once.study.root, tmp_path / "joined")
    return Unlocked(study.open_study(tmp_path / "joined"), once.identity)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("int_1.wav", "int_10.wav", "int_2.wav"), True),
        (("int_10.wav", "int_1.wav", "int_2.wav"), True),  # as some languages sort them
        (("int_1.wav", "int_2.wav", "int_10.wav"), False),
        (("int_2.wav", "int_10.wav", "int_1.wav"), False),  # nobody's order but hers
        (("int_01.wav", "int_02.wav", "int_10.wav"), False),
        (("Karen b.wav", "Karen a.wav"), False),
    ],
)
def test_an_order_that_nobody_chose_is_asked_about(
    add: Add, unlocked: Unlocked, tmp_path: Path, names: tuple[str, ...], asked: bool
) -> None:
    with pytest.raises(TranscribeError, match="order 1, 10, 2" if asked else "cannot be opened") as told:
        add(*(tmp_path / name for name in names))
    says_nothing_of(told.value, *names)
    assert unlocked.study.recordings() == ()


def alone(path: Path) -> npt.NDArray[np.float32]:
    with path.open("rb") as file:
        return audio.decode(file.fileno()).samples


def plain(unlocked: Unlocked, recording_id: str = "R001") -> bytes:
    sealed = unlocked.study.sound_path(recording_id).read_bytes()
    return store.decrypt(sealed, unlocked.recording_key(recording_id))


def clicks_s(samples: npt.NDArray[np.float32], rate_hz: int) -> list[float]:
    """Where the sound becomes loud."""
    loud = np.flatnonzero(np.abs(samples) > 0.3) / rate_hz
    return [float(at) for at, before in zip(loud, [-1.0, *loud[:-1]], strict=True) if at - before > 0.3]


def facts_of(unlocked: Unlocked) -> Recording:
    stored = unlocked.load("R001", "recording", Recording)
    assert stored is not None
    return stored.value


def expected_clicks(unlocked: Unlocked) -> list[float]:
    return [part.start_s + CLICK_S for part in unlocked.vault.entry("R001").parts]


def test_the_sound_of_one_follows_that_of_the_other_on_one_clock(joined: Unlocked, files: tuple[Path, ...]) -> None:
    each = [alone(path) for path in files]
    assert np.array_equal(intake.sound(joined, "R001").samples, np.concatenate(each))
    entry = joined.vault.entry("R001")
    assert (entry.who, [part.original_name for part in entry.parts]) == (("P1",), list(NAMES))
    lengths = [len(samples) / 16_000 for samples in each]
    assert [part.start_s for part in entry.parts] == pytest.approx([0.0, lengths[0], sum(lengths[:2])], abs=1e-9)
    facts = facts_of(joined)
    assert facts.duration_s == pytest.approx(sum(lengths), abs=1e-9)
    assert (facts.sample_rate_hz, facts.channels) == (48_000, 2)
    assert clicks_s(intake.sound(joined, "R001").samples, 16_000) == pytest.approx(expected_clicks(joined), abs=0.03)


def test_the_order_is_the_one_that_was_given(unlocked: Unlocked, add: Add, files: tuple[Path, ...]) -> None:
    add(files[2], files[0])
    sound = np.concatenate([alone(files[2]), alone(files[0])])
    assert np.array_equal(intake.sound(unlocked, "R001").samples, sound)


def test_each_file_comes_back_bit_for_bit_and_by_tar_alone(
    joined: Unlocked, files: tuple[Path, ...], tmp_path: Path
) -> None:
    given = giving_back.give_back(joined, tmp_path / "out")
    assert [one.name for one in given] == ["R001.part1.wav", "R001.part2.m4a", "R001.part3.flac"]
    assert [(tmp_path / "out" / one.name).read_bytes() for one in given] == [path.read_bytes() for path in files]
    with tarfile.open(fileobj=BytesIO(plain(joined))) as tar:
        members = [tar.extractfile(name) for name in ("1.wav", "2.m4a", "3.flac")]
        assert [member.read() for member in members if member] == [path.read_bytes() for path in files]
    with pytest.raises(StudyError, match="there already"):
        giving_back.give_back(joined, tmp_path / "out")


def test_a_file_that_is_not_what_was_taken_in_is_not_given_back(
    joined: Unlocked, files: tuple[Path, ...], tmp_path: Path
) -> None:
    spoilt = bytearray(plain(joined))
    spoilt[-5000] ^= 1
    key = joined.recording_key("R001").to_public()
    store.write_bytes(joined.study.sound_path("R001"), store.pyrage.encrypt(bytes(spoilt), [key]))
    with pytest.raises(StoreError, match="not what was taken in"):
        giving_back.give_back(joined, tmp_path / "out")
    assert not (tmp_path / "out" / "R001.part3.flac").exists()


def test_nothing_readable_is_left_and_no_name_is_told(joined: Unlocked, files: tuple[Path, ...]) -> None:
    assert ciphertext_alone(joined)
    says_nothing_of(joined.study.journal_path.read_text() + joined.study.audit_path.read_text(), "Karen", *NAMES)
    later = Unlocked(joined.study, joined.identity)
    assert len(later.vault.entry("R001").parts) == 3
    assert overview.overview(later.study, later).sources_outside == ("R001",)


def test_status_says_where_each_part_begins(joined: Unlocked, files: tuple[Path, ...]) -> None:
    seen = overview.overview(joined.study, joined)
    assert [round(start_s, 1) for start_s in seen.rows[0].parts] == [0.0, 2.0, 5.0]
    assert "R001: part 3 begins at [00:00:05]" in seen.advice("s")
    assert overview.overview(joined.study, None).rows[0].parts == ()


def test_sources_are_removed_once_all_are_verified(tmp_path: Path, unlocked: Unlocked) -> None:
    paths = [tmp_path / f"{name} Okonkwo.wav" for name in "abc"]
    for number, path in enumerate(paths):
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 8_000), 8_000)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[: len(whole) // 2])
    (tmp_path / "key.txt").write_text(f"{unlocked.identity}\n")
    words = ("add", unlocked.study.root, *paths, "--as", "parts", "--remove-source", "--json",
             "--passphrase-file", tmp_path / "key.txt")  # fmt: skip
    refused = call(*words, passphrase=None)
    assert (refused.returncode, "part 3: the file is cut short" in refused.stderr) == (5, True)
    says_nothing_of(refused.stderr, "Okonkwo")
    assert all(path.exists() for path in paths)
    assert unlocked.study.recordings() == ()
    paths[2].write_bytes(whole)
    added = last_json(succeed(*words, passphrase=None))
    assert [one["recording"] for one in added["added"]] == ["R001"]
    assert not any(path.exists() for path in paths)
    seen = last_json(succeed("status", unlocked.study.root, "--json", *words[-2:], passphrase=None))
    assert seen["recordings"][0]["parts"] == [{"part": n, "start_s": n - 1.0} for n in (1, 2, 3)]
    assert seen["sources_outside"] == []


def test_a_part_that_cannot_be_removed_is_told_by_its_number(
    add: Add, files: tuple[Path, ...], unlocked: Unlocked, tmp_path: Path
) -> None:
    copies = tuple(shutil.copy(path, tmp_path / path.name) for path in files[:2])
    before = tuple(intake.seen(path) for path in copies)
    added = add(*copies)
    copies[0].unlink()
    ((number, error),) = joining.remove(unlocked.study, added, copies, before)
    assert (number, copies[1].exists()) == (1, False)
    says_nothing_of(error, *NAMES)


class Killed(BaseException):
    """The process ends here."""


def test_an_add_that_is_killed_leaves_no_recording_and_its_id_free(
    unlocked: Unlocked, add: Add, files: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> str:
        raise Killed

    save = study.Study.save
    with monkeypatch.context() as patch:
        patch.setattr(study.Study, "save", lambda s, i, n, *a: killed() if n == "recording" else save(s, i, n, *a))
        with pytest.raises(Killed):
            add(*files, recording_id="P03")
    assert unlocked.study.recordings() == ()
    assert add(*files, recording_id="P03").id == "P03"


def test_a_part_that_changes_while_it_is_read_is_not_added(
    unlocked: Unlocked, add: Add, tmp_path: Path, files: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = tmp_path / "growing.wav"
    growing.write_bytes(files[0].read_bytes())
    encrypt = store.encrypt_file

    def changed(*given: object) -> str:
        growing.write_bytes(b"RIFF" + growing.read_bytes()[4:-4] + b"else")
        return encrypt(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "encrypt_file", changed)
    with pytest.raises(StudyError, match="changed while it was read"):
        add(files[1], growing)
    assert unlocked.study.recordings() == ()


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ((0,), "one file has no parts"),
        ((0, 1, 0), "part 3 is the same file as part 1"),
        ((0, 3), "part 2: this is not an ordinary file"),
        ((0, 4), "part 2: the file cannot be opened"),
        ((0, 5), "part 2: the file is not a sound"),
        ((6, 0), "do not have equally many"),
    ],
)
def test_what_makes_no_recording_is_refused_with_its_number(
    unlocked: Unlocked, add: Add, files: tuple[Path, ...], tmp_path: Path, which: tuple[int, ...], message: str
) -> None:
    folder, missing, text, surround = (tmp_path / name for name in ("Karen", "Karen.wav", "Karen.txt", "Karen6.wav"))
    folder.mkdir()
    text.write_text("Karen")
    soundfile.write(surround, np.random.default_rng(9).normal(0, 0.1, (8_000, 6)), 8_000)
    known = (*files, folder, missing, text, surround)
    with pytest.raises(TranscribeError, match=message) as refused:
        add(*(known[number] for number in which))
    says_nothing_of(refused.value, "Karen")
    assert unlocked.study.recordings() == ()


def test_a_file_is_in_the_study_once(joined: Unlocked, files: tuple[Path, ...]) -> None:
    with pytest.raises(StudyError, match="already in the study as R001"):
        intake.add(joined.study, files[1], Request(), joined)
    with pytest.raises(StudyError, match="part 1: this recording is already in the study as R001"):
        joining.add(joined.study, (files[2], files[0]), Request(), joined)
    assert joined.study.recordings() == ("R001",)


def test_without_the_key_a_double_is_told_by_status(joined: Unlocked, files: tuple[Path, ...]) -> None:
    intake.add(joined.study, files[1], Request())
    later = Unlocked(joined.study, joined.identity)
    assert overview.overview(later.study, later).doubles == (("R002", "R001"),)


def test_a_bundle_of_ours_is_no_recording_from_outside(
    joined: Unlocked, files: tuple[Path, ...], tmp_path: Path
) -> None:
    """Else a stranger's file could say how the files in it are to be read."""
    (tmp_path / "stolen.wav").write_bytes(plain(joined))
    with pytest.raises(AudioError, match="not a sound"):
        intake.add(joined.study, tmp_path / "stolen.wav", Request(), joined)


# --- what reads the sound -------------------------------------------------------------------------------------------


def test_the_listening_copy_stands_on_the_same_clock(joined: Unlocked, files: tuple[Path, ...]) -> None:
    listening.make(joined, "R001")
    copy = listening.read(joined, "R001")
    assert copy
    with audio.in_memory(copy) as descriptor:
        heard = audio.decode(descriptor)
    assert clicks_s(heard.samples, 16_000) == pytest.approx(expected_clicks(joined), abs=0.03)


def test_covered_sound_is_covered_where_words_are(joined: Unlocked, files: tuple[Path, ...], tmp_path: Path) -> None:
    second = expected_clicks(joined)[1]
    spans = (Covered(start_s=second - 0.1, end_s=second + 0.1, kinds=("person",)),)
    with (tmp_path / "covered.wav").open("w+b") as file, intake.opened(joined, "R001") as original:
        redact.write_copy(original, spans, "wav", file.fileno(), tone=False)
    samples, rate_hz = soundfile.read(tmp_path / "covered.wav")
    assert (rate_hz, samples.shape[1]) == (48_000, 2)
    assert len(samples) / rate_hz == pytest.approx(facts_of(joined).duration_s, abs=1e-4)
    first, _, third = expected_clicks(joined)
    assert clicks_s(samples.max(axis=1).astype(np.float32), rate_hz) == pytest.approx([first, third], abs=0.03)


def test_the_doctor_finds_it_well_and_reads_its_facts_again(joined: Unlocked, files: tuple[Path, ...]) -> None:
    before = facts_of(joined)
    joined.seal()
    key = str(joined.identity)
    assert not [one for one in doctor.examine(joined.study, key).troubles if one.recording_id]
    joined.study.artefact_path("R001", "recording").unlink()
    doctor.repair(doctor.examine(joined.study, key))
    assert facts_of(Unlocked(joined.study, joined.identity)) == before


def test_all_parts_are_forgotten(joined: Unlocked, files: tuple[Path, ...]) -> None:
    assert forgetting.plan(joined, "R001").sources == ("R001",)
    forgetting.forget(joined, "R001", "AB", NoEngines(StudyConfig()))
    assert not joined.study.sound_path("R001").exists()
    assert joined.vault.recordings == ()


def test_a_damaged_bundle_is_refused_as_such(joined: Unlocked, files: tuple[Path, ...]) -> None:
    data = plain(joined)
    for spoilt in (data[:600], data[:700] + b"\xff" * 50 + data[750:], data[: len(data) // 2]):
        with audio.in_memory(spoilt) as descriptor, pytest.raises(StoreError):
            stored_sound.decode(descriptor)
