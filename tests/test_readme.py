"""Every command of the README, run in its order on a real recording as it stands there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.study_session import PASSPHRASE
from transcribe import config
from transcribe.errors import TranscribeError
from transcribe.evaluate.der import read_rttm

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSCRIPT = "Rowena: How was the week?\n\nDiane: Better. My sister Sheila came over from New Jersey.\n"


def blocks(language: str) -> list[str]:
    """The README's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """What stands behind a `$ ` in the README's sessions."""
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


FINDING = re.compile(r"F\d{4}:\d+-\d+")


def _findings(desk: Path) -> list[str]:
    """What `show --identified` has just listed of R001, as the researcher reads it."""
    program = str(Path(sys.executable).parent / "transcribe")
    shown = subprocess.run(
        [program, "show", str(desk / "my-study"), "R001", "--identified", "--format", "json"],
        env={**os.environ, "TRANSCRIBE_PASSPHRASE": PASSPHRASE}, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return [found["id"] for found in json.loads(shown.stdout)["findings"]]


def _by_channel(samples: npt.NDArray[np.float64], rate: int, said: Path) -> npt.NDArray[np.float64]:
    """The call as a telephone recorder keeps it: a speaker a channel."""
    turns = read_rttm(said.read_text())
    channels = np.zeros((len(samples), 2))
    for turn in turns:
        here = slice(int(turn.start_s * rate), int(turn.end_s * rate))
        channels[here, int(turn.speaker != turns[0].speaker)] = samples[here]
    return channels


def _write_microphones(folder: Path, samples: npt.NDArray[np.float64], rate: int, said: Path) -> None:
    """The call as two recorders keep it that each hear the other speaker too, the first begun a second later."""
    near = _by_channel(samples, rate, said)
    both = near + 0.2 * near[:, ::-1] + np.random.default_rng(1).normal(0, 0.001, near.shape)
    soundfile.write(folder / "mic-1.wav", both[rate:, 0], rate)
    soundfile.write(folder / "mic-2.wav", both[:, 1], rate)


@pytest.fixture
def desk(tmp_path: Path, sample_dir: Path) -> Path:
    """A folder with what the README's researcher has: a recording, a roster, old transcripts, texts, passphrases."""
    from docx import Document

    shutil.copy(sample_dir / "sample.wav", tmp_path / "interview.wav")
    samples, rate = soundfile.read(sample_dir / "sample.wav")
    soundfile.write(tmp_path / "interview-2.wav", samples[: 15 * rate], rate)
    for name, start_s in (("part-1", 6), ("part-2", 12), ("dropped/late", 18)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / f"{name}.wav", samples[start_s * rate : (start_s + 6) * rate], rate)
    soundfile.write(tmp_path / "phone.wav", _by_channel(samples, rate, sample_dir / "sample.rttm"), rate)
    _write_microphones(tmp_path, samples, rate, sample_dir / "sample.rttm")
    alone = max(read_rttm((sample_dir / "sample.rttm").read_text()), key=lambda turn: turn.end_s - turn.start_s)
    soundfile.write(tmp_path / "sample.wav", samples[int(alone.start_s * rate) : int(alone.end_s * rate)], rate)
    shutil.copy(sample_dir / "sample.stm", tmp_path / "gold.stm")
    shutil.copy(sample_dir / "sample.rttm", tmp_path / "gold.rttm")
    for name, block in zip(("roster", "consent", "attributes", "topics"), blocks("csv"), strict=True):
        (tmp_path / f"{name}.csv").write_text(block, encoding="utf-8")
    (tmp_path / "old-interview.txt").write_text(TRANSCRIPT, encoding="utf-8")
    document = Document()
    for line in TRANSCRIPT.replace("week", "month").splitlines():
        document.add_paragraph(line)
    document.save(str(tmp_path / "wave-2.docx"))
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "text": "Diane lives in Leeds."}\n', encoding="utf-8")
    gold = {"id": "1", "text": "Diane lives in Leeds.", "spans": [[0, 5, "PERSON"], [15, 20, "GPE"]]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(gold) + "\n", encoding="utf-8")
    words = [{"text": "Diane", "start": 14.0, "end": 14.5, "start_char": 0, "end_char": 5}]
    spoken = {"role": "parent", "turn": 0, "text": "Diane", "spoken": "Diane", "start_char": 0, "end_char": 5}
    said = {
        "turns": [{"index": 0, "text": "Diane", "words": words}],
        "identifiers": [{**spoken, "start_time": 14.0, "end_time": 14.5}],
        "keep_words": [],
    }
    (tmp_path / "gold-interview.json").write_text(json.dumps(said), encoding="utf-8")
    (tmp_path / "new.txt").write_text("lichen tram kettle quince\n")
    (tmp_path / "newer.txt").write_text("velvet ounce harbour mast\n")
    (tmp_path / "usb-stick").mkdir()
    return tmp_path


@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_command_of_the_readme_works_in_its_order(desk: Path, model_path: Callable[[str], Path]) -> None:
    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md", "rampart"):
        model_path(name)
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "TRANSCRIBE_PASSPHRASE": PASSPHRASE}
    environment["BROWSER"] = "/bin/true"
    assert len(commands()) > 20
    named = dict.fromkeys(found for command in commands() for found in FINDING.findall(command))
    for command in commands():
        for place, found in enumerate(named):  # hers have other places: the first that is found, the second
            if found in command:
                command = command.replace(found, _findings(desk)[place])
        if "evaluate cpwer" in command and find_spec("meeteval") is None:
            continue  # tests/evaluate/test_cpwer.py says what brings it
        if command.startswith("transcribe review"):  # ended as the researcher does it, by Ctrl-C
            command = f"timeout --preserve-status -s INT 20 {command}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=desk, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    for released in (desk / "my-study" / "release").glob("*/*.txt"):  # New Jersey is rejected, and so it stays
        assert not re.search(r"\b(Diane|Sheila|Rowena)\b", released.read_text(encoding="utf-8")), released


def test_the_two_commands_of_the_first_screen_are_there_and_ci_runs_the_second() -> None:
    first = [line.split("#")[0].split() for line in blocks("sh")[0].splitlines()]
    assert first == [["scripts/demo"], ["scripts/test"]]
    for command in first:
        assert os.access(ROOT / command[0], os.X_OK)
    assert "\nscripts/test\n" in (ROOT / ".ci" / "run").read_text()


def _read(path: Path, block: str) -> config.StudyConfig:
    path.write_text(block)
    return config.load(path)


def test_settings_that_the_readme_shows_are_taken(tmp_path: Path) -> None:
    read = [_read(tmp_path / f"{number}.toml", block) for number, block in enumerate(blocks("toml"))]
    assert {one.policy.convention for one in read} == {"brackets", "pseudonyms"}
    assert any(one.verbatim.pauses and one.verbatim.non_speech for one in read)


def test_every_command_and_every_script_stands_in_the_readme() -> None:
    from typer.main import get_command

    from transcribe.cli import app

    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"transcribe {name}" in README, name
    for script in (ROOT / "scripts").iterdir():
        if not script.suffix:
            assert f"scripts/{script.name}" in README, script.name


def test_every_exit_code_of_the_error_tree_stands_in_the_readme() -> None:
    tree, classes = {TranscribeError}, [TranscribeError]
    while classes:
        below = classes.pop().__subclasses__()
        tree.update(below)
        classes += below
    (told,) = re.findall(r"Exit codes: 0 done, (.*?)\.\n", README, re.DOTALL)
    codes = [int(code) for code in re.findall(r"(?:^|,\s)(\d+) [a-z]", told)]
    assert sorted(codes) == sorted({error.exit_code for error in tree})
