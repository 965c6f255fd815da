"""A run's workers as real jobs of a real SLURM: one node, this machine, begun for the test and ended with it."""

import getpass
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client

from tests.study_session import last_json, new_study, succeed
from transcribe.batch import job_queue
from transcribe.batch.job_queue import Profile

pytestmark = pytest.mark.system("slurmctld")

# auth/none and linuxproc: neither munge nor cgroups, which a container may not have; every port is on loopback
CONF = """\
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 CPUs=2 CoresPerSocket=2 RealMemory=3000
PartitionName=main Nodes={node} Default=YES State=UP
"""


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout.strip()


def until(said: str, *command: str) -> None:
    """Wait till a command says that."""
    end = time.monotonic() + 60
    while asked(*command) != said:
        assert time.monotonic() < end, f"{command} does not say {said!r} but {asked(*command)!r}"
        time.sleep(0.2)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A node that takes jobs; the folder of its configuration."""
    folder, node = tmp_path / "slurm", platform.node().partition(".")[0]
    for part in ("state", "spool"):
        (folder / part).mkdir(parents=True)
    controller, daemon = free_ports(2)
    said = CONF.format(folder=folder, node=node, user=getpass.getuser(), controller=controller, daemon=daemon)
    (folder / "slurm.conf").write_text(said)
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    commands = (["slurmctld", "-D"], ["slurmd", "-D", "-N", node])
    begun = []
    for command in commands:
        with (folder / f"{command[0]}.log").open("wb") as log:
            begun.append(subprocess.Popen(command, stdout=log, stderr=log))
    try:
        until("idle", "sinfo", "-h", "-o", "%t")
        yield folder
    finally:
        asked("scancel", "--state=RUNNING", "--state=PENDING")
        for one in reversed(begun):
            one.send_signal(signal.SIGTERM)
            one.wait(timeout=30)


def test_two_jobs_of_slurm_are_two_workers_behind_tls(slurm: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    profile = Profile(jobs=2, cores=1, memory="1GB", walltime="5", interface="lo", scratch=str(tmp_path / "scratch"))
    with job_queue.cluster(profile, {"recognition": 1}, threads=1) as cluster:
        assert asked("squeue", "-h") == ""
        cluster.scale(jobs=profile.jobs)
        with Client(cluster, timeout=30) as client:
            client.wait_for_workers(2, timeout=60)
            assert client.scheduler.address.startswith("tls://127.0.0.1:")
            futures = client.map(pow, [2, 3], [10, 10], resources={"recognition": 1}, pure=False)
            assert client.gather(futures) == [1024, 59049]
            jobs = client.run(os.getenv, "SLURM_JOB_ID")
            assert len(set(jobs.values())) == 2
            assert all(address.startswith("tls://") for address in jobs)
            assert set(client.run(os.getenv, "OMP_NUM_THREADS").values()) == {"1"}
            assert set(client.run(os.getenv, "SLURM_CPUS_PER_TASK").values()) == {"1"}
            assert asked("squeue", "-h", "-o", "%j %T") == "transcribe RUNNING\ntranscribe RUNNING"
    until("", "squeue", "-h")
    assert list((tmp_path / "scratch").glob(".t*")) == []
    assert len(list((tmp_path / "scratch" / job_queue.LOGS).glob("*.err"))) == 2


@pytest.mark.weights
@pytest.mark.slow
def test_a_study_is_run_by_jobs(
    slurm: Path, tmp_path: Path, sample_dir: Path, model_path: Callable[[str], Path]
) -> None:
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    study, scratch = new_study(tmp_path / "study", sample_dir / "sample.wav"), tmp_path / "scratch"
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace('"whisper-base"', '"whisper-tiny.en"'))
    scratch.mkdir()
    profile = tmp_path / "profile.toml"
    profile.write_text(f'cores = 2\nmemory = "2GB"\nwalltime = "10"\ninterface = "lo"\nscratch = "{scratch}"\n')
    done = last_json(succeed("run", study, "--slurm", profile, "--json"))
    assert [one["state"] for one in done["recordings"]] == ["done"]
    printed = "".join(path.read_text() for path in (scratch / job_queue.LOGS).iterdir())
    assert "Diane" not in printed
    until("", "squeue", "-h")
    assert list(scratch.glob(".t*")) == []
