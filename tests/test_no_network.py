"""Nothing leaves the machine: the whole job without any network, and without a single attempt to reach one."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.study_session import environment
from transcribe import weights

DEMO = Path(__file__).parent.parent / "scripts" / "demo.py"
pytestmark = [pytest.mark.weights, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def _weights(model_path: Callable[[str], Path]) -> None:
    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)


@pytest.mark.system("unshare")
def test_the_whole_job_runs_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "-Urn", sys.executable, str(DEMO), "--study", str(tmp_path / "study")],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is in the release" in done.stdout


@pytest.mark.system("strace")
def test_no_process_of_the_whole_job_tries_to_reach_another_machine(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    traced = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    done = subprocess.run(
        [*traced, sys.executable, str(DEMO), "--study", str(tmp_path / "study")],
        capture_output=True,
        text=True,
        env=environment() | {"TRANSCRIBE_MODELS": str(weights.home())},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outside = [
        line
        for line in trace.read_text(errors="replace").splitlines()
        if re.search(r"sa_family=AF_INET6?\b", line) and not re.search(r'"(127\.\d+\.\d+\.\d+|::1)"', line)
    ]
    assert outside == []
    assert os.environ.get("HF_HUB_OFFLINE") == "1"
