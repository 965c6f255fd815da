"""SIGKILL in each stage, start again: the same released bytes, and no finished stage repeated."""

import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.study_session import PROGRAM, environment, journal, new_study, released_bytes, succeed

pytestmark = [pytest.mark.weights, pytest.mark.slow]

STAGES = ("segment", "recognise", "diarise", "assemble", "detect")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, model_path: Callable[[str], Path]) -> Path:
    """A study with one recording, nothing run yet; the small model, since the words do not matter here."""
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    root = new_study(tmp_path_factory.mktemp("kill") / "study", sample_dir / "sample.wav")
    settings = root / "study.toml"
    settings.write_text(settings.read_text().replace('"whisper-base"', '"whisper-tiny.en"'))
    return root


@pytest.fixture(scope="module")
def undisturbed(prepared: Path) -> dict[str, bytes]:
    """What a run and a release without any accident give."""
    root = shutil.copytree(prepared, prepared.parent / "undisturbed")
    succeed("run", root)
    succeed("release", root, "--unreviewed")
    return released_bytes(root)


def kill_in(root: Path, stage: str) -> bool:
    """Start a run and kill it the moment this stage begins; False when it ended before."""
    process = subprocess.Popen(
        [PROGRAM, "run", str(root), "--json"], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event.get("stage") == stage and event["state"] == "started":
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def test_a_run_killed_in_every_stage_ends_in_the_same_bytes(prepared: Path, undisturbed: dict[str, bytes]) -> None:
    root = shutil.copytree(prepared, prepared.parent / "killed")
    killed = [kill_in(root, stage) for stage in STAGES]
    assert killed.count(True) >= 4  # assembling takes a hundredth of a second and may be over before the signal
    succeed("run", root)
    succeed("release", root, "--unreviewed")
    assert released_bytes(root) == undisturbed
    finished = Counter(event["stage"] for event in journal(root) if event["event"] == "finished")
    made_twice = {stage for stage, count in finished.items() if count > 1}
    assert not made_twice
    assert not list(root.rglob("*.tmp"))
