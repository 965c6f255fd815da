"""Orders given to the workers of a Dask cluster: on this machine, on a running scheduler, or as jobs of a queue.

A job is an order, its Dask key the job key with the number of the try. A worker that dies, that is stuck, or that has
too little memory costs a try; after `TRIES` the recording is set aside and the rest goes on. An artefact is written by
the one who holds the study alone, so that there is exactly one of each key.
"""

import logging
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, Security
from distributed.comm.core import CommClosedError

from transcribe import pulse, store
from transcribe.batch import worker
from transcribe.batch.parcels import Errand, Parcel, Reply, error, seal_key, wrap
from transcribe.batch.plan import Crew
from transcribe.engines import Engines
from transcribe.errors import ClusterLost, SetAside
from transcribe.hearing import DIARISE, SEGMENT, Order

TRIES = 4
PATIENCE_S = 900.0
"""A window of 30 s takes Whisper large on one slow core some minutes; nothing takes an engine longer between two."""
SETTINGS = {
    "distributed.worker.memory.target": False,  # else results are laid on the disk, pickled and readable
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": 0.8,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.scheduler.allowed-failures": 0,  # who tries again, and how, is decided here
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.large-graph-warning-threshold": "100GB",
}
RESOURCES = {pulse.RECOGNITION: 1, pulse.DIARISATION: 1}
"""What every worker offers: each engine hears one recording at a time."""
GPU = "GPU"


class Workforce:
    """A cluster as a workshop; safe to use from as many threads as there are recordings under way."""

    def __init__(self, client: Client, engines: Engines, *, slots: int, patience_s: float = PATIENCE_S) -> None:
        """`slots`: how many orders are done at the same time."""
        self.slots = slots
        self._client = client
        self._engines = engines
        self._patience_s = patience_s
        self._key = store.new_identity()
        self._run = str(self._key.to_public())
        self._numbers = count()
        self._admitting = threading.Lock()

    @property
    def dashboard(self) -> str:
        return str(self._client.dashboard_link or "")

    def do(self, order: Order) -> bytes:
        """See `hearing.Workshop`. Raises what the engine raised, SetAside, ClusterLost."""
        for lean in range(TRIES):
            try:
                reply = self._reply(replace(order, lean=lean))
            except (KilledWorker, CancelledError, CommClosedError):
                if self._client.status != "running":
                    raise ClusterLost(
                        "the cluster's scheduler is gone", advice="run again, what is done is kept"
                    ) from None
                continue
            if "done" in reply:
                return bytes(reply["done"])
            if not reply["memory"]:
                raise error(reply)
        raise SetAside(
            f"set aside: in {TRIES} tries its worker died, was stuck or had too little memory",
            recording_id=order.recording_id,
            stage=order.task.stage,
            advice="run it again with fewer workers, or on a machine with more memory",
        )

    def let_go(self, recording_id: str) -> None:
        """Workers let go of a sound when they are given another."""

    def _reply(self, order: Order) -> Reply:
        """What a worker says that lacks nothing. Raises what Dask raises when it dies."""
        config = self._engines.config.model_dump_json()
        parcel = wrap(
            Parcel(order=order, settings=config, made_with=self._engines.fingerprint, patience_s=self._patience_s),
            self._run,
        )
        sound: bytes | None = None
        while True:
            reply = self._sent(order, parcel, sound)
            if reply.get("lacks") == "key":
                self._admit(str(reply["public"]), str(reply["address"]))
            elif reply.get("lacks") == "sound":
                sound = Path(order.sound).read_bytes()
            else:
                return reply

    def _sent(self, order: Order, parcel: bytes, sound: bytes | None) -> Reply:
        engine = pulse.DIARISATION if order.task.stage in (SEGMENT, DIARISE) else pulse.RECOGNITION
        resources = {engine: 1} | ({GPU: 1} if self._engines.device.startswith("cuda") else {})
        future = self._client.submit(
            pickle.loads,
            Errand(self._run, parcel, sound).packed(),
            key=f"{order.task.stage}-{order.key}-{next(self._numbers)}",
            resources=resources,
            pure=False,
        )
        try:
            reply: Reply = future.result()
        finally:
            future.release()
        return reply

    def _admit(self, public: str, address: str) -> None:
        """Give a worker the key of this run, sealed to its own; it may be gone by now, then nothing is lost."""
        with self._admitting:
            self._client.run(worker.admit, self._run, seal_key(self._key, public), workers=[address], on_error="ignore")


class _Crew(LocalCluster):
    """Workers on this machine, each with a GPU of its own where there are any."""

    gpus = 0

    def new_worker_spec(self) -> dict[Any, Any]:
        spec: dict[Any, Any] = super().new_worker_spec()  # type: ignore[no-untyped-call]
        for name, one in spec.items():
            one["options"] = dict(one["options"])
            if self.gpus:
                one["options"]["env"] = {"CUDA_VISIBLE_DEVICES": str(int(name) % self.gpus)}
        return spec


@contextmanager
def local(
    crew: Crew, engines: Engines, *, dashboard: bool = False, patience_s: float = PATIENCE_S
) -> Iterator[Workforce]:
    """Workers on this machine, for the time of a run; their ports take nothing from anybody else (TLS, both ways)."""
    engines = Engines(engines.config.model_copy(update={"threads": crew.threads}))
    resources = RESOURCES | ({GPU: crew.slots if engines.side_by_side else 1} if crew.gpus else {})
    _be_quiet()
    pages = {} if dashboard else {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    with (
        dask.config.set(SETTINGS | pages),
        _Crew(  # type: ignore[no-untyped-call]
            n_workers=crew.workers,
            threads_per_worker=crew.slots,
            processes=True,
            host="127.0.0.1",
            protocol="tls://",
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"dashboard": dashboard},
            resources=resources,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield Workforce(client, engines, slots=crew.workers * crew.slots, patience_s=patience_s)


def _be_quiet() -> None:
    """What Dask logs of a worker's death is told by ourselves, in a sentence."""
    for name in ("distributed", "tornado", "asyncio", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
