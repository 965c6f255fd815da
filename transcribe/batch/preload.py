"""The first thing that happens in a worker on another machine: Dask imports it in the thread in which it talks.

That thread may reach the scheduler from then on, no other may; a worker that would write to the disk is refused. Nobody
else imports this file.
"""

from typing import Any
from urllib.parse import urlsplit

from transcribe import core_dumps, offline
from transcribe.errors import EngineError

offline.trust_this_thread()
core_dumps.forbid()


def dask_setup(worker: Any) -> None:
    """Called by Dask before a worker goes to its scheduler. Raises EngineError.

    Dask lays pickled results on the disk when memory is short, unless it is told not to.
    """
    manager = worker.memory_manager
    if manager.memory_spill_fraction or manager.memory_target_fraction:
        raise EngineError(
            "this worker would write to the disk when memory is short",
            advice="start it with the dask.yaml that `transcribe cluster` makes",
        )
    offline.admit(str(urlsplit(worker.scheduler.address).hostname))
