"""Workers as jobs: what a profile says stands in the script that dask-jobqueue hands to the queue, and nothing else."""

import os
import re
import subprocess
import time
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.batch import cluster_folder, job_queue
from transcribe.batch.job_queue import Profile
from transcribe.errors import ConfigError, StudyError

RESOURCES = {"recognition": 1, "diarisation": 1}
FULL = {
    "jobs": 3, "cores": 6, "memory": "20GiB", "walltime": "03:30:00", "queue": "long", "account": "project7",
    "interface": "lo", "setup": ["module load ffmpeg"],
}  # fmt: skip
ASKED = {
    "slurm": (
        {"gpus": 2, "directives": ["--constraint=skylake"]},
        ["#SBATCH -J transcribe", "#SBATCH -p long", "#SBATCH -A project7", "#SBATCH -n 1",
         "#SBATCH --cpus-per-task=6", "#SBATCH --mem=20G", "#SBATCH -t 03:30:00", "#SBATCH --gres=gpu:2",
         "#SBATCH --constraint=skylake"],
    ),
    "pbs": (
        {"gpus": 2, "directives": ["-m n"]},
        ["#PBS -N transcribe", "#PBS -q long", "#PBS -A project7", "#PBS -l select=1:ncpus=6:mem=20GB:ngpus=2",
         "#PBS -l walltime=03:30:00", "#PBS -m n"],
    ),
    "sge": (
        {"directives": ["-pe smp 6", "-l h_vmem=4G"]},
        ["#$ -N transcribe", "#$ -q long", "#$ -P project7", "#$ -l h_rt=03:30:00", "#$ -cwd", "#$ -j y",
         "#$ -pe smp 6", "#$ -l h_vmem=4G"],
    ),
}  # fmt: skip


def profile(**said: object) -> Profile:
    return Profile.model_validate(said)


def told(text: str, tmp_path: Path) -> str:
    """The sentence with which a profile is refused."""
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        job_queue.load(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- the profile ---------------------------------------------------------------------------------------------------


def test_the_template_says_the_defaults_and_each_commented_line_works() -> None:
    assert profile(**tomllib.loads(job_queue.template())) == Profile()
    all_said = tomllib.loads(re.sub(r"^# (?=[a-z]+ = )", "", job_queue.template(), flags=re.MULTILINE))
    assert set(all_said) == set(Profile.model_fields)
    assert profile(**all_said).directives == ("--constraint=skylake",)


def test_the_readme_shows_the_template() -> None:
    readme = Path(__file__).parents[2] / "README.md"
    assert f"```text\n{job_queue.template()}```" in readme.read_text(encoding="utf-8")


def test_a_profile_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text('jobs = 2\nmemory = "8 GB"\n')
    assert job_queue.load(path) == profile(jobs=2, memory="8 GB")
    with pytest.raises(StudyError, match="the profile cannot be read"):
        job_queue.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("job = 2", "unknown key 'job'"),
        ("Zephyrine = 2", "unknown key '...'"),
        ("jobs = 0", "jobs"),
        ("cores = -1", "cores"),
        ('memory = "lots"', "memory"),
        ('memory = "16"', "memory"),
        ('walltime = "a day"', "walltime"),
        ('system = "lsf"', "system"),
        ('python = "python3"', "python"),
        ('scratch = "here"', "scratch"),
        ('directives = ["exclusive"]', "directives"),
        ('system = "sge"\ngpus = 1', "-l gpu=1"),
        ('system = "sge"\ncores = 4', "-pe smp 4"),
        ("jobs = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_by_its_place(text: str, said: str, tmp_path: Path) -> None:
    assert said in told(text, tmp_path)


def test_an_unknown_key_is_told_with_the_known_ones(tmp_path: Path) -> None:
    known = told("job = 2", tmp_path).partition("known here: ")[2]
    assert known.rstrip(".").split(", ") == list(Profile.model_fields)


HOSTILE = ("main\n#SBATCH --wrap=x", "main\r", "main\x0bx", "main\u2028x", "main\u0085x", "main\x00")


@pytest.mark.parametrize("field", ["queue", "account", "interface", "python", "scratch", "memory", "walltime"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_field_can_bring_a_line(field: str, text: str) -> None:
    start = {"python": "/", "scratch": "/"}.get(field, "")
    with pytest.raises(ValueError, match=field):
        profile(**{field: start + text})


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_of_directives_or_setup_can_bring_another(text: str) -> None:
    with pytest.raises(ValueError, match="directives"):
        profile(directives=[f"-{text}"])
    with pytest.raises(ValueError, match="setup"):
        profile(setup=[text])


@pytest.mark.parametrize("field", ["queue", "account", "interface", "scratch"])
@pytest.mark.parametrize(
    "text", ["a b", "$(id)", "`id`", "a;b", "a&b", "a|b", "a>b", "'a", '"a', "a\\b", "~", "#a", "-a"]
)
def test_what_a_shell_would_read_is_refused_where_it_cannot_be_quoted(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=field):
        profile(**{field: f"/{text}" if field == "scratch" and text != "-a" else text})


@given(st.text(max_size=30))
def test_whatever_passes_is_one_line(text: str) -> None:
    for field in ("queue", "account", "interface", "memory", "walltime"):
        try:
            passed = profile(**{field: text})
        except ValueError:
            continue
        assert re.fullmatch(r"[\w.@+:/ -]*", str(getattr(passed, field)), re.ASCII)
    try:
        passed = profile(setup=[text], directives=[f"-{text}"], python=f"/{text}")
    except ValueError:
        return
    assert len([*passed.setup[0].splitlines(), *passed.directives[0].splitlines(), *passed.python.splitlines()]) <= 3


# --- the script and the cluster ------------------------------------------------------------------------------------


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue that takes every job and runs none; the file it notes them in."""
    noted = tmp_path / "submitted"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sbatch", "qsub", "scancel", "qdel"):
        (programs / name).write_text(
            f'#!/bin/sh\necho "{name}" >> {noted}\nls {tmp_path}/scratch/.t* >> {noted}\necho 7\n'
        )
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (tmp_path / "scratch").mkdir()
    return noted


@pytest.mark.parametrize("system", list(ASKED))
def test_every_field_stands_in_the_script(system: str, queue: Path, tmp_path: Path) -> None:
    more, directives = ASKED[system]
    scratch = str(tmp_path / "scratch")
    asked = profile(system=system, scratch=scratch, python="/opt/py/bin/python", **FULL, **more)
    with job_queue.cluster(asked, RESOURCES, threads=2) as cluster:
        lines = cluster.job_script().splitlines()
    assert [line for line in directives if line not in lines] == []
    assert lines.index("module load ffmpeg") < lines.index("export OMP_NUM_THREADS=6")
    worker = lines[-1].split()
    assert worker[:3] == ["/opt/py/bin/python", "-m", "distributed.cli.dask_worker"]
    options = dict(pairwise(worker))
    assert worker[3].startswith("tls://127.0.0.1:")
    assert {"--nanny", "--no-dashboard"} < set(worker)
    assert options["--nthreads"] == "2"
    assert options["--memory-limit"] == "20.00GiB"
    assert options["--dashboard-address"] == "127.0.0.1:0"
    assert options["--resources"] == "recognition=1,diarisation=1"
    assert options["--interface"] == "lo"
    assert options["--protocol"] == "tls://"
    assert options["--tls-key"].startswith(f"{scratch}/.transcribe-cluster-")
    assert not queue.exists()


def test_a_job_is_submitted_when_the_cluster_is_scaled_and_taken_back_at_the_end(queue: Path, tmp_path: Path) -> None:
    asked = profile(jobs=2, interface="lo", scratch=str(tmp_path / "scratch"))
    with job_queue.cluster(asked, RESOURCES, threads=2) as cluster:
        assert not queue.exists()
        cluster.scale(jobs=asked.jobs)
        cluster.sync(cluster._correct_state)
        assert queue.read_text().split().count("sbatch") == 2
        assert (holder := next((tmp_path / "scratch").glob(".t*"))).stat().st_mode & 0o777 == 0o700
    assert queue.read_text().split().count("scancel") == 2
    assert not holder.exists()


def test_an_interpreter_with_any_name_is_started_and_nothing_else(queue: Path, tmp_path: Path) -> None:
    python = tmp_path / "a b;touch hacked;$(touch hacked)`touch hacked`'" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\n')
    python.chmod(0o755)
    asked = profile(interface="lo", scratch=str(tmp_path / "scratch"), python=str(python), setup=["true #"])
    with job_queue.cluster(asked, RESOURCES, threads=2) as cluster:
        script = cluster.job_script()
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "arguments").read_text().split("\n")[:2] == ["-m", "distributed.cli.dask_worker"]
    assert not (tmp_path / "hacked").exists()


def test_an_interface_or_a_scratch_that_is_not_there_is_one_sentence(queue: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="check interface"),
        job_queue.cluster(profile(interface="none0", scratch=str(tmp_path / "scratch")), RESOURCES, threads=2),
    ):
        pass
    assert list((tmp_path / "scratch").glob(".t*")) == []
    with (
        pytest.raises(StudyError, match="scratch cannot be written"),
        job_queue.cluster(profile(interface="lo", scratch=str(tmp_path / "none")), RESOURCES, threads=2),
    ):
        pass


def test_a_job_gets_in_by_the_folder_that_its_script_names(queue: Path, tmp_path: Path) -> None:
    asked = profile(interface="lo", scratch=str(tmp_path / "scratch"))
    with job_queue.cluster(asked, RESOURCES, threads=2) as cluster:
        named = re.search(r"^export DASK_CONFIG=(.+)$", cluster.job_script(), re.MULTILINE)
        assert named
        assert cluster_folder.security(Path(named[1])).tls_worker_key == cluster.security.tls_worker_key


@pytest.mark.parametrize(
    ("says", "awaited"), [("echo Submitted batch job 1", True), ("echo no such partition >&2; exit 1", False)]
)
def test_a_worker_is_awaited_of_a_queue_that_took_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, awaited: bool
) -> None:
    for name, does in (("sbatch", says), ("scancel", "true")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    slurm = profile(jobs=2, cores=1, memory="1GB", interface="lo", scratch=str(tmp_path))
    with job_queue.cluster(slurm, RESOURCES, threads=1) as cluster:
        cluster.scale(jobs=slurm.jobs)
        assert job_queue.awaited(cluster)  # they are being asked for
        end = time.monotonic() + 30
        while len(cluster.workers) < slurm.jobs and time.monotonic() < end:
            time.sleep(0.1)
        assert job_queue.awaited(cluster) is awaited
