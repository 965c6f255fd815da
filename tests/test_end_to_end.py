"""The whole job on a real recording with real weights, through the command line, as a researcher runs it."""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.study_session import PASSPHRASE, call, journal, last_json, new_study, released_bytes, succeed
from transcribe.evaluate.der import diarisation_errors, read_rttm

pytestmark = [pytest.mark.weights, pytest.mark.slow]

NAMES = re.compile(r"\b(Diane|Sheila|New Jersey|Texas|Chicago)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, model_path: Callable[[str], Path]) -> Path:
    """The demo call, run and released unreviewed."""
    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    root = new_study(tmp_path_factory.mktemp("whole") / "study", sample_dir / "sample.wav")
    succeed("run", root)
    succeed("release", root, "--unreviewed", "--to", "txt,docx,vtt,json")
    return root


def text_of(name: str, data: bytes) -> str:
    """What a reader sees in a released file, docx unpacked."""
    if not name.endswith(".docx"):
        return data.decode()
    from io import BytesIO

    with zipfile.ZipFile(BytesIO(data)) as parts:
        return "\n".join(re.sub(r"<[^>]+>", "", parts.read(part).decode()) for part in parts.namelist())


def test_no_name_and_no_place_is_in_the_release_and_the_words_around_them_are(study: Path) -> None:
    files = released_bytes(study)
    transcripts = {name for name in files if name.startswith("R001_")}
    assert {Path(name).suffix for name in transcripts} == {".txt", ".docx", ".vtt", ".json"}
    assert {"people.csv", "replacements.csv", "methods.txt", "provenance.json", "manifest.json"} <= files.keys()
    for name, data in files.items():
        text = " ".join(text_of(name, data).split())
        assert not NAMES.search(text), name
        if name in transcripts:
            plain = re.sub(r"\W+", " ", re.sub(r"\[[^\]]*\]", "", text)).lower()
            for words in ("i didn t know you were there", "this is", "originally from", "not much difference"):
                assert words in plain, (name, words)
            assert "pseudonymised: a key exists" in text
            assert "UNREVIEWED" in text.upper()


def test_one_person_has_one_pseudonym_and_a_place_its_tag(study: Path) -> None:
    turns = json.loads(released_bytes(study)["R001_pseudonymised.json"])["turns"]
    text = " ".join(turn["text"] for turn in turns)
    said = re.search(r"This is (\w+) in (\[place \d\])", text)
    assert said
    assert said[1] in {turn["speaker"] for turn in turns}
    assert said[2] != "[place 1]"  # that is the roster's, which nobody mentions
    assert text.count(said[2]) >= 2


def test_diarisation_error_with_two_speakers_given_is_at_most_eight_per_cent(study: Path, sample_dir: Path) -> None:
    found = read_rttm(succeed("show", study, "R001", "--identified", "--format", "rttm"))
    wanted = read_rttm((sample_dir / "sample.rttm").read_text())
    errors = diarisation_errors(wanted, found)
    assert errors.rate <= 0.08


def test_a_second_run_does_nothing(study: Path) -> None:
    before = [event for event in journal(study) if event["event"] == "finished"]
    output = succeed("run", study, "--json")
    *stages, end = map(json.loads, output.splitlines()[:-1])
    assert {event["state"] for event in stages} == {"skipped"}
    assert (end["state"], end["done"], end["of"], end["left_s"]) == ("done", 1, 1, 0.0)
    assert [event for event in journal(study) if event["event"] == "finished"] == before


def test_a_second_release_has_a_number_of_its_own_and_the_same_bytes(study: Path) -> None:
    first = released_bytes(study)
    written = last_json(succeed("release", study, "--unreviewed", "--json"))
    second = released_bytes(study, written["release"])
    assert {n: d for n, d in first.items() if n != "manifest.json"} == {
        n: d for n, d in second.items() if n != "manifest.json"
    }
    assert released_bytes(study) == first


def test_private_holds_age_ciphertext_alone_and_nothing_is_open_to_others(study: Path) -> None:
    files = [path for path in (study / "private").rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n"), path.name
    for path in [study, *study.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_show_without_identified_is_what_a_release_would_hold(study: Path) -> None:
    assert not NAMES.search(succeed("show", study, "R001"))
    document = json.loads(succeed("show", study, "R001", "--format", "json"))
    assert document["speakers"]
    assert all(word["start_s"] <= word["end_s"] for turn in document["turns"] for word in turn["words"])


def test_show_without_the_key_reads_the_release_and_refuses_identified(study: Path) -> None:
    released = succeed("show", study, "R001", passphrase=None)
    assert "[place 2]" in released
    assert not NAMES.search(released)
    for passphrase in (None, "wrong passphrase"):
        locked = call("show", study, "R001", "--identified", passphrase=passphrase)
        assert locked.returncode == 3
        assert locked.stdout == ""
        assert locked.stderr.count("\n") == 1


def test_show_identified_has_names_words_and_times(study: Path) -> None:
    document = json.loads(succeed("show", study, "R001", "--identified", "--format", "json"))
    assert "Diane" in " ".join(turn["text"] for turn in document["turns"])
    for turn in document["turns"]:
        assert "".join(word["text"] for word in turn["words"]) == turn["text"]


def test_a_reviewed_release_bears_no_unreviewed_stamp_and_keeps_a_rejected_finding(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    findings = json.loads(succeed("show", copy, "R001", "--identified", "--format", "json"))["findings"]
    texas = next(f["id"] for f in findings if f["text"] == "Texas")
    refused = call("release", copy, "R001")
    assert refused.returncode == 8
    succeed("settle", copy, "R001", "--reviewer", "AB", "--reject", texas)
    written = last_json(succeed("release", copy, "R001", "--to", "txt", "--json"))
    text = (Path(written["folder"]) / "R001_pseudonymised.txt").read_text()
    assert "UNREVIEWED" not in text
    assert "Texas" in text
    assert "Sheila" not in text
    assert "AB" in (copy / "audit.jsonl").read_text()


def test_a_speaker_is_corrected_in_one_line(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    succeed("speakers", copy, "R001", "--set", "S2=interviewer")
    assert "Interviewer:" in succeed("show", copy, "R001")


def test_nothing_outside_the_encryption_gives_in_to_a_dictionary(study: Path, sample_dir: Path) -> None:
    """Digests of every name, of the sound and of the identified text: none stands in what anybody may read."""
    identified = succeed("show", study, "R001", "--identified")
    secrets = ["Diane", "Sheila", "New Jersey", "Texas", "Chicago", "Hartley Quayle", "Hartley", "Quayle", "Abercwmboi"]
    guesses = {form.encode() for s in secrets for form in (s, s.lower(), s.upper(), s + "\n")}
    guesses |= {identified.encode(), identified.strip().encode(), (sample_dir / "sample.wav").read_bytes()}
    for turn in json.loads(succeed("show", study, "R001", "--identified", "--format", "json"))["turns"]:
        guesses |= {turn["text"].encode(), json.dumps(turn).encode()}
    readable = b""
    for path in study.rglob("*"):
        if path.is_file() and "private" not in path.parts:
            data = path.read_bytes()
            readable += text_of(path.name, data).encode() if path.suffix == ".docx" else data
    for guess in guesses:
        for algorithm in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256"):
            assert hashlib.new(algorithm, guess).hexdigest().encode() not in readable.lower()
    assert not NAMES.search(readable.decode())
    assert PASSPHRASE.encode() not in readable


@pytest.mark.system("age")
def test_any_age_tool_opens_the_sound_with_the_recovery_key(study: Path, tmp_path: Path, sample_dir: Path) -> None:
    """recovery key -> vault -> the recording's key -> the very bytes that were added, without this program."""

    def decrypt(key: Path, file: Path) -> bytes:
        return subprocess.run(["age", "-d", "-i", str(key), str(file)], capture_output=True, check=True).stdout

    vault = decrypt(study.parent / "recovery.txt", study / "private" / "vault.age")
    key = tmp_path / "key.txt"
    key.write_text(json.loads(vault.split(b"\n", 1)[1])["recordings"][0]["secret"] + "\n")
    sound = decrypt(key, study / "private" / "recordings" / "R001.age")
    assert sound == (sample_dir / "sample.wav").read_bytes()


def test_the_recovery_key_stands_in_for_a_forgotten_passphrase(study: Path) -> None:
    key = (study.parent / "recovery.txt").read_text().strip()
    assert "Diane" in succeed("show", study, "R001", "--identified", passphrase=key)


def test_a_transcript_that_exists_already_goes_the_same_way(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    text = tmp_path / "old.txt"
    text.write_text(
        "Hartley: So, Diane, how was the move to Abercwmboi?\n\n"
        "Diane: It was hard. My sister Gwendolen helped, and you can ring me on 07700 900123.\n\n"
        "Hartley: Will you stay?\n\nDiane: I hope so. Will it be better in spring? We will see.\n",
        encoding="utf-8",
    )
    written = last_json(succeed("anonymise", text, "--study", copy, "--unreviewed", "--to", "txt,docx,json", "--json"))
    for name in written["files"]:
        released = text_of(name, (Path(written["folder"]) / name).read_bytes())
        assert not re.search(r"Hartley|Diane|Gwendolen|Abercwmboi|07700|900123", released), name
        assert "how was the move to" in released
        assert "Will it be better in spring? We will see." in released
        assert "Interviewer" in released


def test_detect_reads_rows_and_writes_spans(tmp_path: Path, model_path: Callable[[str], Path]) -> None:
    model_path("en_core_web_md")
    rows = [{"id": "a", "text": "my name is Oluwaseun and I live in Leeds"}, {"id": "b", "text": "nothing here"}]
    source, out, roster = tmp_path / "rows.jsonl", tmp_path / "found.jsonl", tmp_path / "roster.csv"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    roster.write_text("id,kind,role,names\nP1,person,participant,Oluwaseun Adeyemi\n")
    succeed("detect", source, "--roster", roster, "--out", out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in found] == ["a", "b"]
    assert [11, 20, "person"] in [span[:3] for span in found[0]["spans"]]
    assert all(0 <= probability <= 1 for *_, probability in found[0]["spans"])
    assert found[1]["spans"] == []


def test_a_recording_in_which_nobody_speaks_is_told_and_not_released(
    tmp_path: Path, model_path: Callable[[str], Path]
) -> None:
    import soundfile

    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    hum = np.sin(2 * np.pi * 50 * np.arange(20 * 16_000) / 16_000) * 0.02
    noise = np.random.default_rng(3).normal(0, 0.01, len(hum))
    soundfile.write(tmp_path / "room.wav", hum + noise, 16_000)
    root = tmp_path / "study"
    succeed("new", root)
    succeed("add", root, tmp_path / "room.wav")
    assert last_json(succeed("run", root, "--json"))["recordings"][0]["state"] == "no speech"
    assert last_json(succeed("status", root, "--json"))["recordings"][0]["state"] == "no speech"
    assert call("release", root, "--unreviewed").returncode == 8
    assert not list((root / "release").iterdir())
