"""Two machines that share no folder: the one has the study, the other works; what passes between them is recorded.

Network namespaces stand for the machines; the second one sees an empty folder where the first has the study.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.study_session import PROGRAM, call, environment, journal, new_study, succeed

pytestmark = [pytest.mark.weights, pytest.mark.slow, pytest.mark.system("ip")]
HERE, THERE = "10.77.0.1", "10.77.0.2"
SHORT_S = 20
CAPTURE = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.bind((sys.argv[1], 0))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
with open(sys.argv[2], "wb", buffering=0) as sink:
    print("on", flush=True)
    while True:
        sink.write(wire.recv(1 << 17))
"""


class Hosts:
    """Two network namespaces with a cable between them."""

    def __init__(self) -> None:
        mark = str(os.getpid())
        self.here, self.there = f"here{mark}", f"there{mark}"
        self.cable = f"va{mark}"[:15]
        other = f"vb{mark}"[:15]
        self._begun: list[subprocess.Popen[str]] = []
        for name in (self.here, self.there):
            self._ip("netns", "add", name)
        self._ip("link", "add", self.cable, "type", "veth", "peer", "name", other)
        for name, end, address in ((self.here, self.cable, HERE), (self.there, other, THERE)):
            self._ip("link", "set", end, "netns", name)
            self._ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            for link in (end, "lo"):
                self._ip("-n", name, "link", "set", link, "up")

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def on(self, name: str, *words: str) -> list[str]:
        return ["ip", "netns", "exec", name, *words]

    def begin(self, name: str, *words: str, log: Path, **more: str) -> subprocess.Popen[str]:
        with log.open("wb") as sink:
            begun = subprocess.Popen(
                self.on(name, *words), stdout=sink, stderr=sink, text=True, env=environment(None) | more
            )
        self._begun.append(begun)
        return begun

    def close(self) -> None:
        for one in reversed(self._begun):
            one.send_signal(signal.SIGTERM)
        for one in self._begun:
            one.wait(timeout=30)
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    try:
        made = Hosts()
    except subprocess.CalledProcessError:
        pytest.skip("needs the right to make network namespaces (root)")
    yield made
    made.close()


@pytest.fixture
def study(tmp_path: Path, sample_dir: Path, model_path: Callable[[str], Path]) -> Path:
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    short = tmp_path / "short.wav"
    with wave.open(str(sample_dir / "sample.wav")) as source, wave.open(str(short), "wb") as sink:
        sink.setparams(source.getparams())
        sink.writeframes(source.readframes(SHORT_S * source.getframerate()))
    (tmp_path / "data").mkdir()
    root = new_study(tmp_path / "data" / "study", short)
    settings = root / "study.toml"
    text = settings.read_text().replace('"whisper-base"', '"whisper-tiny.en"')
    settings.write_text(text.replace("language =", "threads = 2\nlanguage =", 1))
    return root


def test_a_worker_on_another_machine_is_sent_the_sound_and_nothing_can_be_read_on_the_way(
    hosts: Hosts, study: Path, tmp_path: Path
) -> None:
    alone = shutil.copytree(study, tmp_path / "alone")
    nodes, wire = tmp_path / "nodes", tmp_path / "wire"
    succeed("cluster", nodes)
    dask = str(Path(sys.executable).parent / "dask")
    quiet = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    settings = {"DASK_CONFIG": str(nodes), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    hosts.begin(
        hosts.there, dask, "scheduler", "--host", THERE, "--port", "8786", *quiet, log=tmp_path / "s.log", **settings
    )
    work = f"mount -t tmpfs tmpfs {study.parent} && exec {dask} worker tls://{THERE}:8786 --host {THERE} --nthreads 2"
    hosts.begin(
        hosts.there, "sh", "-c", f"{work} {' '.join(quiet)} --local-directory {tmp_path}/scratch",
        log=tmp_path / "w.log", **settings,
    )  # fmt: skip
    tap = subprocess.Popen(
        hosts.on(hosts.here, sys.executable, "-c", CAPTURE, hosts.cable, str(wire)), stdout=subprocess.PIPE, text=True
    )
    assert tap.stdout
    assert tap.stdout.readline() == "on\n"
    words = (PROGRAM, "run", str(study), "--cluster", f"tls://{THERE}:8786", "--certificates", str(nodes))
    for _ in range(5):  # the scheduler and its worker are beginning
        done = subprocess.run(
            hosts.on(hosts.here, *words), capture_output=True, text=True, env=environment(), check=False
        )
        if "no scheduler answers" not in done.stderr and "no worker of this cluster" not in done.stderr:
            break
    tap.kill()
    tap.wait()
    logs = "".join((tmp_path / name).read_text() for name in ("s.log", "w.log"))
    assert done.returncode == 0, done.stderr + logs
    left = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert [path.name for path in left if not path.name.endswith("lock")] == []
    succeed("run", alone)
    said = [json.loads(succeed("show", root, "R001", "--identified", "--format", "json")) for root in (study, alone)]
    assert said[0]["turns"] == said[1]["turns"]
    taken = wire.read_bytes()
    assert len(taken) > (study / "private" / "recordings" / "R001.age").stat().st_size  # the sound went over the wire
    spoken = " ".join(turn["text"] for turn in said[0]["turns"]).split()
    runs = [" ".join(spoken[n : n + 5]) for n in range(len(spoken) - 4)]
    names = ("Diane", "Hartley", "Quayle", "Abercwmboi", "AGE-SECRET-KEY", "age-encryption.org")
    assert [one for one in (*runs, *names) if one.encode() in taken + logs.encode()] == []
    finished = [event["stage"] for event in journal(study) if event["event"] == "finished"]
    assert len(finished) == len(set(finished))


def test_work_is_sent_nowhere_in_the_clear(study: Path, tmp_path: Path) -> None:
    refused = call("run", study, "--cluster", "tcp://192.0.2.1:8786")
    assert (refused.returncode, "without TLS" in refused.stderr) == (2, True)
    refused = call("run", study, "--cluster", "tls://192.0.2.1:8786")
    assert (refused.returncode, "--certificates" in refused.stderr) == (2, True)
