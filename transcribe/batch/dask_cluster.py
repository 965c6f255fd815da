"""Orders given to the workers of a Dask cluster: on this machine, on a running scheduler, or as jobs of a queue.

A job is an order, its Dask key the job key with the number of the try. A worker that dies, that is stuck, or that has
too little memory costs a try; after `TRIES` the recording is set aside and the rest goes on. Where an engine fails
another worker is asked, since it may be the machine; one that can do nothing gets nothing. An artefact is written by
the one who holds the study alone, so that there is exactly one of each key.
"""

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, KilledWorker, LocalCluster, Security
from distributed.comm.core import CommClosedError
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from transcribe import offline, store
from transcribe.batch import cluster_folder, dask_settings, job_queue, seats, worker
from transcribe.batch.dask_settings import RESOURCES
from transcribe.batch.job_queue import Profile
from transcribe.batch.parcels import Errand, Parcel, Reply, another_version, error, failure, seal_key, wrap
from transcribe.batch.plan import Crew
from transcribe.batch.seats import Seats, Workers
from transcribe.engines import Engines
from transcribe.errors import ClusterLost, ConfigError, EngineError, SetAside
from transcribe.hearing import Order

TRIES = 4
OPINIONS = 2
"""How many workers have to say that an engine fails with a recording."""
ELSEWHERE = 20
"""How often an order may be given anew that reached no worker."""
PATIENCE_S = 900.0
"""A window of 30 s takes Whisper large on one slow core some minutes; nothing takes an engine longer between two."""
GPU = "GPU"
GPUS = "CUDA_VISIBLE_DEVICES"
"""The variable that says which ones a process may use, by number or by name."""
MOST_MEMORY = 0.95
"""Of a worker's share: above it the nanny ends it, before the system ends something else."""
RULES = ("distributed.scheduler.allowed-failures", "distributed.scheduler.no-workers-timeout")
PAGES = {
    "distributed.scheduler.http.routes": dask.config.get("distributed.scheduler.http.routes"),
    "distributed.worker.http.routes": dask.config.get("distributed.worker.http.routes"),
}
"""Dask's own, for who asks for them."""

PLAIN = {"distributed.comm.require-encryption": False}
ANSWERS_S, QUEUES_S = 20, 3600
LEAVES_S = 5
"""How long the end of a run waits for workers to forget it."""


class Workforce:
    """A cluster as a workshop; safe to use from as many threads as there are recordings under way."""

    def __init__(
        self,
        client: Client,
        engines: Engines,
        *,
        slots: int,
        patience_s: float = PATIENCE_S,
        awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        """`slots`: how many orders are done at the same time; `awaited`: whether more workers come by themselves."""
        self.slots = slots
        self._seats = Seats(self._look, awaited=awaited, place=self._place)
        self._places: dict[str, str] = {}
        self._claims: dict[str, dict[str, int]] = {}
        self._client = client
        self._engines = engines
        self._settings = engines.config.model_dump_json()
        self._patience_s = patience_s
        self._key = store.new_identity()
        self._run = str(self._key.to_public())
        self._numbers = count()
        self._admitting = threading.Lock()
        self._admitted: set[str] = set()

    @property
    def dashboard(self) -> str:
        return str(self._client.dashboard_link or "")

    def do(self, order: Order) -> bytes:
        """See `hearing.Workshop`. Raises what the engine raised, SetAside, ClusterLost."""
        lean, opinions = 0, 0
        failed_at: set[str] = set()
        for _ in range(TRIES):
            try:
                reply = self._reply(replace(order, lean=lean), failed_at)
            except Exception as trouble:
                if self._client.status != "running":  # whatever it says then
                    what = "the cluster's scheduler is gone"
                    raise ClusterLost(what, advice="run again, what is done is kept") from None
                if not isinstance(trouble, KilledWorker | CancelledError | CommClosedError):
                    raise
                lean += 1
                continue
            if "done" in reply:
                return bytes(reply["done"])
            if reply["memory"]:
                lean += 1
                continue
            opinions += 1
            if opinions == OPINIONS or not self._seats.elsewhere(failed_at):
                raise error(reply)
        raise SetAside(
            f"set aside: in {TRIES} tries its worker died, was stuck or had too little memory",
            recording_id=order.recording_id,
            stage=order.task.stage,
            advice="run it again with fewer workers, or on a machine with more memory",
        )

    def watched(self, tell: Callable[[Workers], None]) -> None:
        """See `run.Workforce`."""
        self._seats.tell = tell

    def let_go(self) -> None:
        """Workers let go of a sound when they are given another, and at the end of the run."""

    def stop(self) -> None:
        """Nobody waits for an order any more: all that are under way raise ClusterLost."""
        self._seats.close()
        self.leave()
        with suppress(TimeoutError):  # it does not wait for what it was doing
            self._client.close(timeout=0)

    def leave(self) -> None:
        """Workers outlive a run of theirs: those that have its key forget it and what they heard last, if they can be
        reached. The others are gone, or soon hear something else.
        """
        if self._admitted and self._client.status == "running":
            told = list(self._admitted)
            with suppress(OSError, TimeoutError):
                self._client.run(worker.dismiss, self._run, workers=told, on_error="ignore", callback_timeout=LEAVES_S)

    def _reply(self, order: Order, failed_at: set[str]) -> Reply:
        """What a worker says that lacks nothing; where it fails, its place is added. Raises what Dask raises when it
        dies, and ClusterLost where all are unfit.
        """
        parcel = wrap(
            Parcel(
                order=order, settings=self._settings, made_with=self._engines.fingerprint, patience_s=self._patience_s
            ),
            self._run,
        )
        sound: bytes | None = None
        while True:
            reply, place = self._sent(order, parcel, sound, failed_at)
            if reply.get("lacks") == "key":
                self._admit(str(reply["public"]), str(reply["address"]))
            elif reply.get("lacks") == "sound":
                sound = Path(order.sound).read_bytes()
            elif reply.get("unfit"):
                if not self._seats.unfit(place):
                    all_alike = error(reply)
                    self._seats.close(all_alike.what, all_alike.advice)  # whoever else waits would do so in vain
                    raise ClusterLost(all_alike.what, advice=all_alike.advice)
            elif "done" in reply:
                self._seats.done(order.engine, place, failed_at)
                return reply
            else:
                failed_at.add(place)
                return reply

    def _sent(self, order: Order, parcel: bytes, sound: bytes | None, failed_at: set[str]) -> tuple[Reply, str]:
        """What a worker replies, and its place. Raises what Dask raises when it dies over it."""
        errand = Errand(self._run, parcel, sound).packed()
        for _ in range(ELSEWHERE):
            with self._seats.taken(order.engine, order.sound, failed_at) as address:
                place = self._place(address)
                future = self._client.submit(
                    pickle.loads,
                    errand,
                    key=f"{order.task.stage}-{order.key}-{next(self._numbers)}",
                    workers=[address],
                    resources={order.engine: 1} | self._claims.get(address, {}),
                    pure=False,
                )
                try:
                    return future.result(), place
                except (NoValidWorkerError, NoWorkerError):  # it was gone before the order reached it
                    self._seats.gone(address)
                except KilledWorker:
                    self._seats.gone(address)
                    failed_at.add(place)
                    raise
                except (ImportError, AttributeError):  # it does not know what it is asked
                    return failure(another_version(), unfit=True), place
                finally:
                    future.release()
        raise EngineError("workers are gone again and again before work reaches them", advice="see what ends them")

    def _look(self) -> dict[str, int]:
        """The workers that have our engines, and how many orders each does at the same time."""
        able = _able(self._client)
        self._claims = {address: {GPU: 1} for address, one in able.items() if GPU in one["resources"]}
        self._places |= {address: one["nanny"] for address, one in able.items() if one.get("nanny")}
        return {address: room(one) for address, one in able.items()}

    def _place(self, address: str) -> str:
        """A nanny begins a worker that died anew, at another address; where there is none it is the worker itself."""
        return self._places.get(address, address)

    def _admit(self, public: str, address: str) -> None:
        """Give a worker the key of this run, sealed to its own; it may be gone by now, then nothing is lost."""
        with self._admitting:
            self._admitted.add(address)
            self._client.run(worker.admit, self._run, seal_key(self._key, public), workers=[address], on_error="ignore")


class _Crew(LocalCluster):
    """Workers on this machine, each with a GPU of its own where there are any."""

    def __init__(self, gpus: int, **settings: Any) -> None:
        self._gpus = gpus
        super().__init__(**settings)  # type: ignore[no-untyped-call]

    async def _start(self) -> None:
        if self._gpus:
            for name, one in self.worker_spec.items():
                options = one["options"] | {"env": {GPUS: gpu(name, self._gpus)}}
                self.worker_spec[name] = one | {"options": options}
        await super()._start()  # type: ignore[no-untyped-call]


def gpu(number: int, count: int) -> str:
    """A GPU of its own for each worker, of the `count` that this process was given: the others are somebody else's."""
    given = [one.strip() for one in os.environ.get(GPUS, "").split(",") if one.strip()]
    return (given or [str(one) for one in range(count)])[number % count]


@contextmanager
def local(
    crew: Crew, engines: Engines, *, dashboard: bool = False, patience_s: float = PATIENCE_S
) -> Iterator[Workforce]:
    """Workers on this machine, for the time of a run; their ports take nothing from anybody else (TLS, both ways).

    Raises EngineError where they do not start.
    """
    engines = Engines(engines.config.model_copy(update={"threads": crew.threads}))
    resources = RESOURCES | ({GPU: crew.slots if engines.side_by_side else 1} if crew.gpus else {})
    of_its_own = {
        "distributed.worker.memory.terminate": MOST_MEMORY,
        "distributed.worker.preload": ["transcribe.batch.preload_local"],
        "distributed.deploy.lost-worker-timeout": f"{seats.PATIENCE_S}s",  # to begin anew may take more than 15 s
        **(PAGES if dashboard else {}),
    }
    with dask_settings.in_force(), dask.config.set(of_its_own), ExitStack() as stack:
        try:
            cluster = stack.enter_context(
                _Crew(
                    crew.gpus,
                    n_workers=crew.workers,
                    threads_per_worker=crew.slots,
                    processes=True,
                    host="127.0.0.1",
                    protocol="tls://",
                    security=Security.temporary(),
                    dashboard_address=dask_settings.HTTP_ADDRESS,
                    worker_dashboard_address=None,
                    silence_logs=dask_settings.SILENT,
                    scheduler_kwargs={"dashboard": dashboard},
                    resources=resources,
                )
            )
            client = stack.enter_context(Client(cluster))
        except (RuntimeError, OSError, TimeoutError):
            raise EngineError("the workers did not start", advice="try again with fewer, or with --workers 1") from None
        yield Workforce(client, engines, slots=crew.workers * crew.slots, patience_s=patience_s)


@contextmanager
def joined(address: str, folder: Path | None, engines: Engines) -> Iterator[Workforce]:
    """The workers of a running scheduler. Raises ConfigError for an address or a folder that will not do, EngineError
    where nobody answers or no worker is there.
    """
    cluster_folder.check_address(address)
    security = cluster_folder.security(folder) if folder is not None else None
    if address.startswith("tls://") and security is None:
        raise ConfigError("a tls:// cluster asks for certificates", advice="name its folder with --certificates")
    offline.admit(str(urlsplit(address).hostname))
    with dask_settings.in_force(), dask.config.set({} if security else PLAIN):
        try:
            client = Client(address, security=security, timeout=f"{ANSWERS_S}s")
        except (OSError, TimeoutError):
            raise EngineError(
                "no scheduler answers at that address, or it takes other certificates",
                advice="check that it runs, and that its folder is the same",
            ) from None
        with client:
            _check_rules(client)
            workforce = Workforce(client, engines, slots=_slots(client), patience_s=PATIENCE_S)
            try:
                yield workforce
            finally:
                workforce.leave()


@contextmanager
def queued(profile: Profile, engines: Engines) -> Iterator[Workforce]:
    """Workers that are jobs of a queue, for the time of a run; those that the queue ends are asked for again.

    Raises ConfigError, StudyError, and EngineError when none has begun in time.
    """
    resources = RESOURCES | ({GPU: 1} if profile.gpus else {})
    engines = Engines(engines.config.model_copy(update={"threads": profile.cores}))
    with ExitStack() as stack:
        with offline.network_allowed():
            cluster = stack.enter_context(job_queue.cluster(profile, resources, dask_settings.THREADS))
        cluster.sync(_trust_loop)
        client = stack.enter_context(Client(cluster))
        cluster.scale(jobs=profile.jobs)
        _wait_for_jobs(client, cluster.refused)
        cluster.adapt(minimum_jobs=profile.jobs, maximum_jobs=profile.jobs)
        awaited = partial(job_queue.awaited, cluster)
        yield Workforce(client, engines, slots=profile.jobs * dask_settings.THREADS, awaited=awaited)


def _wait_for_jobs(client: Client, refused: threading.Event) -> None:
    """Until a first job has begun. Raises EngineError."""
    end = time.monotonic() + QUEUES_S
    while not client.scheduler_info()["workers"]:
        if refused.wait(1.0):
            what = "the queue does not take the jobs"
            raise EngineError(what, advice="compare the profile with what your site's queue offers")
        if time.monotonic() > end:
            raise EngineError("no job of the queue has begun within an hour", advice="run again when it is less busy")


async def _trust_loop() -> None:
    """The scheduler in this process talks to the nodes, in Dask's own thread."""
    offline.trust_this_thread()


def _check_rules(client: Client) -> None:
    """With other rules a scheduler would keep an order for a worker that is gone, and a run wait for ever. Raises
    EngineError.
    """
    for rule in RULES:
        if client.run_on_scheduler(dask.config.get, rule, None) != dask_settings.SETTINGS[rule]:
            raise EngineError(
                "the scheduler of this cluster has other rules than this version needs",
                advice="start it with the dask.yaml of a folder that this version's `transcribe cluster` made",
            )


def _slots(client: Client) -> int:
    """How many orders a cluster's workers do at the same time. Raises EngineError where none can."""
    slots = sum(map(room, _able(client).values()))
    if not slots:
        raise EngineError(
            "no worker of this cluster has begun as `transcribe cluster` says", advice="start them with its dask.yaml"
        )
    return slots


def _able(client: Client) -> dict[str, Mapping[str, Any]]:
    """The workers that take orders and have our engines, as the scheduler describes them. Raises CommClosedError."""
    if client.scheduler is None:
        raise CommClosedError
    workers = client.sync(client.scheduler.identity, n_workers=-1)["workers"]  # whatever the client itself asks for
    return {
        address: one
        for address, one in workers.items()
        if one["status"] == "running" and one["resources"].keys() >= RESOURCES.keys()
    }


def room(worker: Mapping[str, Any]) -> int:
    """How many orders a worker does at the same time."""
    return int(min(len(RESOURCES), worker["nthreads"], worker["resources"].get(GPU, len(RESOURCES))))
