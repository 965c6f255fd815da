"""Core dumps are off in real processes, in what they start, and in ffmpeg's."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from transcribe import core_dumps

LOOK = "import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))"
BOTH = f"""
import subprocess, sys
from transcribe import cli
def app(standalone_mode):
    exec({LOOK!r})
    print(subprocess.run([sys.executable, "-c", {LOOK!r}], capture_output=True, text=True).stdout)
cli.app = app
cli.main()
"""
CRASH = "from transcribe import core_dumps\nif sys.argv[1:]: core_dumps.forbid()\nos.abort()"
DUMPS_TO_FILES = not Path("/proc/sys/kernel/core_pattern").read_text().startswith(("|", "@", "/"))


def run(code: str, *arguments: str, hard: str = "unlimited", folder: Path | None = None) -> tuple[int, list[str]]:
    """The exit status and the lines of a program that begins with core dumps on, as far as `hard` lets it."""
    command = f'ulimit -Sc {hard} && ulimit -Hc {hard} && exec "$0" "$@"'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, "-c", f"import os, sys\n{code}", *arguments],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    return done.returncode, done.stdout.split("\n")


@pytest.fixture(autouse=True)
def _they_can_be_on() -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        pytest.skip("core dumps are limited for the tests themselves")


@pytest.mark.parametrize(("hard", "limit"), [("unlimited", "1 1"), ("0", "0 0")])
def test_every_command_runs_without_them_and_so_does_what_it_starts(hard: str, limit: str) -> None:
    assert run(LOOK)[1][0] == "-1 -1"
    status, (ours, child, *_) = run(BOTH, hard=hard)
    assert (status, ours, child) == (0, limit, limit)


def test_a_child_of_ours_is_limited_by_its_id() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        before = resource.prlimit(0, resource.RLIMIT_CORE)
        core_dumps.forbid(child.pid)
        assert resource.prlimit(child.pid, resource.RLIMIT_CORE) == (1, 1)
        assert resource.prlimit(0, resource.RLIMIT_CORE) == before
        child.kill()


@pytest.mark.skipif(not DUMPS_TO_FILES, reason="this kernel writes core dumps elsewhere")
def test_a_process_that_crashes_leaves_no_core(tmp_path: Path) -> None:
    assert run(CRASH, folder=tmp_path)[0] == -6
    assert len(list(tmp_path.iterdir())) == 1  # here they are on
    (left,) = tmp_path.iterdir()
    left.unlink()
    assert run(CRASH, "without", folder=tmp_path)[0] == -6
    assert list(tmp_path.iterdir()) == []
