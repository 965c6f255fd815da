"""Workers as jobs of SLURM, PBS or SGE, as a profile describes them: what a job asks for, and the cluster it makes."""

import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from transcribe import config, store
from transcribe.batch import cluster_folder, dask_settings
from transcribe.errors import ConfigError

LOGS = "transcribe-jobs"
"""The folder in `scratch` where the queue writes what jobs print."""
_WAIT_S = 60  # in which a worker finds its scheduler, or ends its job
_TERMINATE = 0.95  # of a job's memory, before the queue ends the job, and a worker's nanny with it


def _one_line(text: str) -> str:
    """A job's script is made of lines: none may bring another."""
    if not text.isprintable():
        raise PydanticCustomError("line", "is not one line of printable characters")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Word = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.@+:/-]*)?$", max_length=100)]
Folder = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_.@+=,-]+)+$")]  # Dask writes it into the script unquoted


class Profile(BaseModel):
    """What one job asks its queue for, and how many there are; an empty text asks for nothing.

    `cores`, `memory` and `gpus` are those of a job, which is one worker. `interface`: the network interface by which
    nodes and this machine reach each other. `python`: the interpreter that transcribe is installed for, on the nodes.
    `directives`: further options of the queue, one a line. `setup`: shell commands before the worker starts. `scratch`:
    a folder that this machine and all nodes see, for the run's certificates and the jobs' logs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    system: Literal["slurm", "pbs", "sge"] = "slurm"
    jobs: int = Field(default=1, ge=1, le=1000)
    cores: int = Field(default=4, ge=1, le=1024)
    memory: str = Field(default="16GB", pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B$")
    walltime: str = Field(default="12:00:00", pattern=r"^([0-9]{1,3}-)?[0-9]{1,4}(:[0-9]{2}){0,2}$")
    queue: Word = ""
    account: Word = ""
    gpus: int = Field(default=0, ge=0, le=64)
    interface: Word = ""
    python: Annotated[Line, Field(pattern="^/")] = sys.executable
    directives: tuple[Annotated[Line, Field(pattern="^-")], ...] = ()
    setup: tuple[Line, ...] = ()
    scratch: Folder = Field(default_factory=lambda: str(Path.home()))

    @model_validator(mode="after")
    def _sge_is_asked_by_directives(self) -> Self:
        if self.system == "sge" and self.gpus:
            raise PydanticCustomError("gpus", 'SGE has no common name for GPUs; ask in directives, such as "-l gpu=1"')
        if self.system == "sge" and self.cores > 1 and not any(one.startswith("-pe ") for one in self.directives):
            raise PydanticCustomError(
                "cores", 'SGE has no common name for cores of one machine; ask in directives, such as "-pe smp 4"'
            )
        return self


def template() -> str:
    """A profile to begin from: each setting at its default, with what it is for."""
    return """\
# How `transcribe run STUDY --slurm profile.toml` asks the queue for workers. One job is one worker.

system = "slurm"         # or "pbs" or "sge"
jobs = 1                 # how many workers
cores = 4                # of a job; with sge also directives = ["-pe smp 4"], as your site calls it
memory = "16GB"          # of a job; with sge also a directive, as your site calls it
walltime = "12:00:00"    # after which the queue ends the job; what is finished by then is kept
gpus = 0                 # of a job; with sge a directive, as your site calls it
# queue = "main"         # or partition
# account = "project7"   # what is charged
# interface = "ib0"      # the network by which the nodes and this machine reach each other
# python = "/home/me/transcribe/.venv/bin/python"  # on the nodes; this one when not said
# directives = ["--constraint=skylake"]            # further options of the queue
# setup = ["module load ffmpeg"]                   # shell commands before the worker starts
# scratch = "/scratch/me"                          # a folder that all nodes see; your home folder when not said
"""


def load(path: Path) -> Profile:
    """The profile in a TOML file. Raises StudyError; ConfigError, with the known keys where one is not known."""
    return config.checked(Profile, config.read(path, "the profile"), "the profile")


@contextmanager
def cluster(profile: Profile, resources: Mapping[str, int], threads: int) -> Iterator[Any]:
    """A scheduler in this process, for workers that are jobs: a `JobQueueCluster` whose event `refused` is set when the
    queue does not take a job. None is submitted before its `scale`.

    Each worker takes `threads` tasks at a time and has these `resources`. What admits to the cluster is made for this
    time, in a folder of `scratch`. The scheduler reaches other machines, which `offline` forbids unless
    `offline.network_allowed()` is in force. Raises ConfigError where it cannot start, StudyError where `scratch` cannot
    be written.
    """
    from dask_jobqueue.pbs import PBSCluster
    from dask_jobqueue.sge import SGECluster
    from dask_jobqueue.slurm import SLURMCluster

    kinds = {"slurm": SLURMCluster, "pbs": PBSCluster, "sge": SGECluster}
    with store.disk_trouble("scratch cannot be written"):
        holder = tempfile.TemporaryDirectory(prefix=".transcribe-cluster-", dir=profile.scratch)
    with holder, dask_settings.in_force():
        folder = Path(holder.name) / "cluster"
        cluster_folder.make(folder)
        options = {**_job(profile, folder, resources), **_request(profile)}
        try:
            started = _noting(kinds[profile.system])(cores=threads, **options)
        except (OSError, RuntimeError, ValueError):
            raise ConfigError(
                "the cluster's scheduler cannot start on this machine", advice="check interface in the profile"
            ) from None
        with started:
            yield started


def awaited(cluster: Any) -> bool:
    """Whether a job waits in the queue or works, or one that ended is about to be asked for again; not where the queue
    has refused them all.
    """
    from distributed.core import Status

    asked = list(cluster.workers.values())  # changed by Dask's own thread
    return len(asked) < len(cluster.worker_spec) or any(job.status != Status.closed for job in asked)


def _noting(kind: Any) -> Any:
    """The same kind of cluster; `refused` is set when its queue does not take a job, of which Dask says nothing."""
    from distributed.core import Status

    refused = threading.Event()

    class Job(kind.job_cls):  # type: ignore[misc]
        async def start(self) -> None:
            try:
                await super().start()
            except Exception:
                refused.set()
                self.status = Status.closed  # else the cluster could not be closed: it waits for what never began
                raise

    return type(kind.__name__, (kind,), {"job_cls": Job, "refused": refused})


def _job(profile: Profile, folder: Path, resources: Mapping[str, int]) -> dict[str, Any]:
    """What all queues have alike: the worker's command line, what goes before it, and the scheduler's options."""
    no_dashboard = ["--no-dashboard", "--dashboard-address", dask_settings.HTTP_ADDRESS]
    asked = ",".join(f"{name}={number}" for name, number in resources.items())
    return {
        "job_name": "transcribe",
        "processes": 1,
        "memory": profile.memory,
        "walltime": profile.walltime,
        "queue": profile.queue or None,
        "interface": profile.interface or None,
        "python": shlex.quote(profile.python),
        "nanny": True,
        "death_timeout": _WAIT_S,
        "protocol": "tls://",
        "security": cluster_folder.security(folder),
        "worker_extra_args": [*no_dashboard, *(["--resources", shlex.quote(asked)] if asked else [])],
        "job_script_prologue": [
            *profile.setup,
            f"export DASK_CONFIG={folder}",
            f"export DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE={_TERMINATE}",
            f"export OMP_NUM_THREADS={profile.cores}",
        ],
        "job_directives_skip": (),
        "shebang": "#!/usr/bin/env bash",
        "log_directory": f"{profile.scratch}/{LOGS}",
        "scheduler_options": {"dashboard": False, "dashboard_address": dask_settings.HTTP_ADDRESS},
    }


def _request(profile: Profile) -> dict[str, Any]:
    """What each queue calls the same things."""
    directives = list(profile.directives)
    account = profile.account or None
    if profile.system == "slurm":
        gres = [f"--gres=gpu:{profile.gpus}"] if profile.gpus else []
        return {"account": account, "job_cpu": profile.cores, "job_extra_directives": gres + directives}
    if profile.system == "sge":
        return {"project": account, "job_extra_directives": directives}
    from dask.utils import parse_bytes
    from dask_jobqueue.pbs import pbs_format_bytes_ceil

    spec = f"select=1:ncpus={profile.cores}:mem={pbs_format_bytes_ceil(parse_bytes(profile.memory))}"
    spec += f":ngpus={profile.gpus}" if profile.gpus else ""
    return {"account": account, "resource_spec": spec, "job_extra_directives": directives}
