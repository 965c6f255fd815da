"""Who hears the recordings of a run: this process, workers on this machine, or a cluster."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transcribe.batch import plan
from transcribe.batch.run import Report, Told, Workforce
from transcribe.engines import Engines
from transcribe.errors import ConfigError
from transcribe.hearing import DIARISE, LISTEN, RECOGNISE, SEGMENT
from transcribe.pipeline import Event
from transcribe.schema import Quiet, record
from transcribe.study import Study

ORDERED = (SEGMENT, RECOGNISE, DIARISE, LISTEN)


@record
class Asked(Quiet):
    """What was asked for: so many `workers` on this machine (0: as many as it carries), the scheduler at an address
    with its folder of certificates, or jobs of a queue as a profile describes them.
    """

    workers: int = 0
    dashboard: bool = False
    cluster: str = ""
    certificates: Path | None = None
    profile: Path | None = None


@contextmanager
def found(engines: Engines, tasks: tuple[plan.Task, ...], asked: Asked) -> Iterator[Workforce | None]:
    """The workforce; None where one worker on this machine is enough: it is this process.

    Raises ConfigError, StudyError, EngineError.
    """
    _check(asked)
    if not (asked.cluster or asked.profile):
        crew = plan.crew(engines, tasks, asked.workers)
        if crew.workers == 1 and not asked.dashboard:
            yield None
            return
    from transcribe.batch import dask_cluster, job_queue

    if asked.cluster:
        force = dask_cluster.joined(asked.cluster, asked.certificates, engines)
    elif asked.profile:
        force = dask_cluster.queued(job_queue.load(asked.profile), engines)
    else:
        force = dask_cluster.local(crew, engines, dashboard=asked.dashboard)
    with force as workers:
        yield workers


def noting(study: Study, asked: Asked, report: Report) -> Report:
    """A report that also notes in the journal which recordings further machines hear, before their first order goes
    out: methods.txt of a release says so.
    """
    if not (asked.cluster or asked.profile):
        return report
    noted: set[str] = set()

    def told(what: Told) -> None:
        if isinstance(what, Event) and what.state == "started" and what.stage in ORDERED:
            if what.recording_id not in noted:
                study.log("helped", recording=what.recording_id)
            noted.add(what.recording_id)
        report(what)

    return told


def _check(asked: Asked) -> None:
    if sum(map(bool, (asked.workers, asked.cluster, asked.profile))) > 1:
        raise ConfigError("--workers, --cluster and --slurm exclude each other", advice="give one of them")
    if asked.certificates and not asked.cluster:
        raise ConfigError("--certificates are those of a cluster", advice="give --cluster as well")
    if asked.dashboard and (asked.cluster or asked.profile):
        raise ConfigError("--dashboard is for workers on this machine", advice="leave it out")
    if asked.dashboard and importlib.util.find_spec("bokeh") is None:
        raise ConfigError("Dask's page needs bokeh", advice="install it: .venv/bin/pip install 'bokeh>=3.1'")
