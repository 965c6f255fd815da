"""How Dask is run, wherever it runs: encrypted, silent, and keeping nothing of ours on a disk.

Dask's own log lines may repeat a task's arguments and the message of its error, even those of its highest level; both
may hold words of an interview, so that every logger but the nannies' is silenced. The nannies start, watch and end
worker processes and see no task.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from transcribe import pulse

SILENT = logging.CRITICAL + 10
LOGGERS: dict[str, int | str] = {
    "distributed": SILENT, "distributed.client": SILENT, "distributed.gc": SILENT, "tornado": SILENT,
    "tornado.application": SILENT, "asyncio": SILENT, "distributed.nanny": "info",
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.tls.min-version": 1.3,
    "distributed.scheduler.allowed-failures": 0,  # a task that ended its worker fails; whether to repeat it is our rule
    "distributed.scheduler.no-workers-timeout": "5s",  # an order goes to one worker; if that is gone, to another
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,  # nothing is written to a disk for want of memory
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # models stay loaded, so that a paused worker would never go on
    "distributed.worker.memory.terminate": False,
    "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": None,  # Dask sets 1, and recognition would run on one core
    "distributed.nanny.pre-spawn-environ.MKL_NUM_THREADS": None,
    "distributed.nanny.pre-spawn-environ.OPENBLAS_NUM_THREADS": None,
    "distributed.logging": LOGGERS,
    "distributed.admin.system-monitor.disk": False,  # Dask watching itself took a sixth of a core
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.worker.profile.enabled": False,
}
"""Dask's keys and what we set them to; all else stays as Dask has it."""

RESOURCES = {pulse.RECOGNITION: 1, pulse.DIARISATION: 1}
"""What one worker can do at a time: recognition beside diarisation, as on one machine."""
THREADS = sum(RESOURCES.values())

HTTP_ADDRESS = "127.0.0.1:0"
"""Where Dask's HTTP server listens. It cannot be turned off, and listens on all interfaces unless told by option."""


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a tree, which is how a configuration file is written."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        *above, last = path.split(".")
        place = tree
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return tree


@contextmanager
def in_force() -> Iterator[None]:
    """These settings in this process, where the scheduler and the client of a run live, with every logger silent: what
    is to be said is said by ourselves. As it was before afterwards.
    """
    import dask
    import distributed  # noqa: F401 - sets the levels of its loggers when it is imported first

    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(SILENT)
    try:
        with dask.config.set(SETTINGS):
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
