"""Who hears the recordings of a run: this process, workers on this machine, or a cluster."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from transcribe.batch import plan
from transcribe.batch.run import Workforce
from transcribe.engines import Engines
from transcribe.errors import ConfigError


@contextmanager
def found(
    engines: Engines, tasks: tuple[plan.Task, ...], workers: int = 0, *, dashboard: bool = False
) -> Iterator[Workforce | None]:
    """The workers that this machine carries, or `workers`; None where that is one: it is this process."""
    if dashboard and importlib.util.find_spec("bokeh") is None:
        raise ConfigError("Dask's page needs bokeh", advice="install it: .venv/bin/pip install 'bokeh>=3.1'")
    crew = plan.crew(engines, tasks, workers)
    if crew.workers == 1 and not dashboard:
        yield None
        return
    from transcribe.batch import dask_cluster

    with dask_cluster.local(crew, engines, dashboard=dashboard) as force:
        yield force
