"""Who hears the recordings of a run: this process, workers on this machine, or a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from transcribe.batch import plan
from transcribe.batch.run import Workforce
from transcribe.engines import Engines


@contextmanager
def found(
    engines: Engines, tasks: tuple[plan.Task, ...], workers: int = 0, *, dashboard: bool = False
) -> Iterator[Workforce | None]:
    """The workers that this machine carries, or `workers`; None where that is one: it is this process."""
    crew = plan.crew(engines, tasks, workers)
    if crew.workers == 1 and not dashboard:
        yield None
        return
    from transcribe.batch import dask_cluster

    with dask_cluster.local(crew, engines, dashboard=dashboard) as force:
        yield force
