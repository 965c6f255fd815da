"""Core dumps are off in real processes, and what the switch does to /proc stops neither us nor ffmpeg."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = (
    "import ctypes, resource; print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
)
BOTH = f"""
import subprocess, sys
from transcribe import cli
def app(standalone_mode):
    exec({LOOK!r})
    print(subprocess.run([sys.executable, "-c", {LOOK!r}], capture_output=True, text=True).stdout)
cli.app = app
cli.main()
"""
SOUND = """
import os, sys
from transcribe import audio, core_dumps, media
if os.getuid() == 0:  # root may read anything in /proc
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
core_dumps.forbid()
descriptor = os.memfd_create("sound", os.MFD_CLOEXEC)
with open(sys.argv[1], "rb") as file:
    os.write(descriptor, file.read())
print(media.look(descriptor).probe.sample_rate_hz, len(audio.decode(descriptor).samples))
print(open(f"/dev/fd/{descriptor}", "rb").read(4), str(descriptor) in os.listdir("/proc/self/fd"))
try:
    open("/proc/self/environ")
except PermissionError:
    print("closed")
"""


def output(code: str, *arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the flag is Linux's")
def test_every_command_runs_without_them_and_so_does_what_it_starts() -> None:
    ours, child, *_ = output(BOTH)
    assert ours == "(0, 0) 0"
    assert child == "(0, 0) 1"  # the flag ends with an exec, the limit does not


@pytest.mark.skipif(sys.platform != "linux", reason="the flag is Linux's")
def test_ffmpeg_reads_the_sound_from_our_memory_all_the_same(sample_dir: Path) -> None:
    told = output(SOUND, str(sample_dir / "sample.wav"))
    assert told[:2] == ["16000 480000", "b'RIFF' True"]
    assert told[2] == "closed"  # to other processes of this user as well


def test_a_process_that_crashes_leaves_no_core(tmp_path: Path) -> None:
    code = "from transcribe import core_dumps\ncore_dumps.forbid()\nimport os\nos.abort()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    script = f"ulimit -c unlimited 2>/dev/null; exec {sys.executable} -c '{code}'"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == -6
    assert list(tmp_path.iterdir()) == []
