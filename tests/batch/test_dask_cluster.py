"""Workers in processes of their own, that die, hang, run short of memory or fail; engines are faked, Dask is real."""

import io
import os
import signal
import threading
import urllib.error
import urllib.request
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest

from tests.batch import fakes
from tests.builders import NoEngines, add_recording, new_unlocked, person, says_nothing_of
from transcribe import store
from transcribe.batch import dask_cluster, plan, run
from transcribe.batch.dask_cluster import TRIES, Workforce
from transcribe.batch.job_queue import Profile
from transcribe.batch.parcels import Parcel, Reply, another_version, failure, unwrap, wrap
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.engines import Engines
from transcribe.errors import ClusterLost, EngineError, StoreError
from transcribe.hearing import Order, Recognise, Segment
from transcribe.schema import Transcript, Turns, Words
from transcribe.vault import Unlocked

pytestmark = pytest.mark.weights  # none is loaded, but a run asks for them
CONFIG = StudyConfig.model_validate(
    {
        "device": "cpu",
        "recognition": {"engine": "acting", "model": "whisper-tiny.en"},
        "diarisation": {"engine": "fake"},
        "detection": {"rules": {}},
    }
)
PATIENCE_S = 4.0
PEOPLE = (person("P1", "Karen Okonkwo"),)


def tone(seconds: float) -> bytes:
    samples = (np.sin(np.arange(int(seconds * 16_000)) / 20) * 8000).astype(np.int16)
    data = io.BytesIO()
    with wave.open(data, "wb") as sink:
        sink.setparams((1, 2, 16_000, 0, "NONE", ""))
        sink.writeframes(samples.tobytes())
    return data.getvalue()


@pytest.fixture(scope="module")
def acts(tmp_path_factory: pytest.TempPathFactory, model_path: Callable[[str], Path]) -> Iterator[Path]:
    """Where the fakes read what befalls them; workers find them at the door."""
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus"):
        model_path(name)
    doors, acts = tmp_path_factory.mktemp("doors"), tmp_path_factory.mktemp("acts")
    fakes.install(doors)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(doors)  # which a spawned process has from us
        patch.setenv(fakes.ACTS, str(acts))
        yield acts


@pytest.fixture(scope="module")
def force(acts: Path) -> Iterator[Workforce]:
    """Two workers for all tests here: they have to come through whatever happens."""
    with dask_cluster.local(plan.Crew(workers=2, threads=1), Engines(CONFIG), patience_s=PATIENCE_S) as made:
        yield made


class Study:
    """A study of recordings of 1.0 s, 1.1 s, ..., and a run of it."""

    def __init__(self, root: Path, count: int, acts: Path) -> None:
        self.unlocked: Unlocked = new_unlocked(root, PEOPLE)
        self.acts = acts
        (acts / "tries").write_text("")
        self.ids = tuple(f"R{number:03d}" for number in range(count))
        for number, recording_id in enumerate(self.ids):
            add_recording(self.unlocked, recording_id, sound=tone(self.seconds(number)), who=("P1",))

    def seconds(self, number: int) -> float:
        return 1.0 + number / 10

    def told(self, number: int, what: str) -> None:
        (self.acts / f"{self.seconds(number):.3f}").write_text(what)

    def run(self, force: Workforce | None, engines: Engines | None = None) -> dict[str, run.Outcome]:
        tasks = tuple(plan.Task(recording_id=one, duration_s=self.seconds(n)) for n, one in enumerate(self.ids))
        self.events: list[run.Told] = []
        outcomes = run.run(self.unlocked, tasks, engines or NoEngines(CONFIG), self.events.append, workforce=force)
        return {outcome.recording_id: outcome for outcome in outcomes}

    def tries(self, number: int) -> list[int]:
        """With which leanness recognition was tried."""
        lines = [line.split() for line in (self.acts / "tries").read_text().splitlines()]
        return [int(line[1]) for line in lines if line[0] == f"{self.seconds(number):.3f}"]

    def checksums(self) -> dict[tuple[str, str], str]:
        """Of what was heard and assembled."""
        found = {}
        for recording_id in self.ids:
            for name, cls in (("segmented", Segmented), ("words", Words), ("turns", Turns), ("transcript", Transcript)):
                stored = self.unlocked.load(recording_id, name, cls)
                assert stored
                found[recording_id, name] = stored.body_sha256
        return found

    def finished(self) -> Counter[tuple[str, str]]:
        events = (event for event in self.unlocked.study.journal() if event["event"] == "finished")
        return Counter((str(event["recording"]), str(event["stage"])) for event in events)


def segment(unlocked: Unlocked, recording_id: str) -> Order:
    return Order(
        recording_id=recording_id,
        sound=str(unlocked.study.sound_path(recording_id)),
        secret=unlocked.vault.entry(recording_id).secret,
        key="k",
        task=Segment(),
    )


@pytest.fixture
def study(tmp_path: Path, acts: Path) -> Iterator[Callable[[int], Study]]:
    yield lambda count: Study(tmp_path / "study", count, acts)
    for path in acts.iterdir():
        path.unlink()


def test_workers_make_what_this_process_makes_once_each(study: Callable[[int], Study], force: Workforce) -> None:
    spread = study(5)
    for number in range(5):
        spread.told(number, "meet:1")
    assert {outcome.error for outcome in spread.run(force).values()} == {""}
    assert set(spread.finished().values()) == {1}
    pids = {line.split()[2] for line in (spread.acts / "tries").read_text().splitlines()}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    made = spread.checksums()
    for recording_id, name in made:
        spread.unlocked.study.artefact_path(recording_id, name).unlink()
    engines = NoEngines(CONFIG)
    engines.__dict__ |= {"transcriber": fakes.Acting(fakes.SCRIPT), "diariser": FakeDiariser()}
    assert {outcome.state for outcome in spread.run(None, engines).values()} == {"done"}
    assert spread.checksums() == made


@pytest.mark.parametrize("what", ["die", "hang", "no memory"])
def test_what_befell_a_worker_once_costs_one_try_with_less_at_once(
    study: Callable[[int], Study], force: Workforce, what: str
) -> None:
    spoilt = study(3)
    spoilt.told(1, f"{what}:1")
    assert {outcome.state for outcome in spoilt.run(force).values()} == {"done"}
    assert spoilt.tries(1) == [0, 1]
    assert set(spoilt.finished().values()) == {1}


def test_what_kills_every_worker_is_set_aside_and_the_rest_goes_on(
    study: Callable[[int], Study], force: Workforce
) -> None:
    spoilt = study(3)
    spoilt.told(1, "die:99")
    outcomes = spoilt.run(force)
    assert [outcomes[one].state for one in spoilt.ids] == ["done", "set aside", "done"]
    assert outcomes["R001"].exit_code == 7
    assert "R001" in outcomes["R001"].error
    assert spoilt.tries(1) == [*range(TRIES)]
    assert [e for e in spoilt.unlocked.study.journal() if e["event"] == "set aside"]
    spoilt.told(1, "die:0")  # another day, a larger machine
    assert spoilt.run(force)["R001"].state == "done"
    assert set(spoilt.finished().values()) == {1}


def test_what_an_engine_says_of_its_own_error_stays_in_the_worker(
    study: Callable[[int], Study], force: Workforce, capfd: pytest.CaptureFixture[str]
) -> None:
    spoilt = study(2)
    spoilt.told(1, "wrong:99")
    outcomes = spoilt.run(force)
    assert [outcomes[one].state for one in spoilt.ids] == ["done", "failed"]
    assert "ValueError" in outcomes["R001"].error
    assert spoilt.tries(1) == [0, 0]  # once at each worker: it is not the machine
    said = capfd.readouterr()
    says_nothing_of(
        outcomes["R001"].error + said.out + said.err + spoilt.unlocked.study.journal_path.read_text(), "Karen"
    )


def _memory(dask_worker: object) -> tuple[str, object, object, str]:
    from distributed import Worker

    assert isinstance(dask_worker, Worker)
    manager = dask_worker.memory_manager
    return (
        type(dask_worker.data).__name__,
        manager.memory_target_fraction,
        manager.memory_spill_fraction,
        dask_worker.local_directory,
    )


def test_nothing_is_laid_on_the_disk_and_nobody_listens_beyond_this_machine(
    study: Callable[[int], Study], force: Workforce
) -> None:
    study(3).run(force)
    for address, (kind, target, spill, folder) in force._client.run(_memory).items():
        assert (kind, target, spill) == ("dict", False, False)
        assert address.startswith("tls://127.0.0.1:")
        assert [path for path in Path(folder).rglob("*") if path.is_file()] == []
    port = force._client.scheduler_info()["services"].get("dashboard")
    if port:
        for page in ("info/main/workers.html", "status", "json/identity.json", "metrics"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}")


def test_a_run_that_is_stopped_waits_for_nobody_and_blames_no_recording(
    study: Callable[[int], Study], acts: Path
) -> None:
    stuck = study(2)
    stuck.told(1, "hang:99")
    with dask_cluster.local(plan.Crew(workers=1, threads=1), Engines(CONFIG)) as force:
        timer = threading.Timer(6.0, force.stop)
        timer.start()
        with pytest.raises(ClusterLost, match="run again"):
            stuck.run(force)
        timer.join()
    assert not [event for event in stuck.unlocked.study.journal() if event["event"] in ("failed", "set aside")]


def test_a_parcel_is_for_the_run_alone_and_carries_no_key_of_the_study(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(unlocked, "R001", sound=b"x")
    task = Recognise(language="en", names=("Karen Okonkwo",), beam_size=5, speech=())
    secret = unlocked.vault.entry("R001").secret
    order = Order(recording_id="R001", sound="/nowhere", secret=secret, key="k", task=task)
    parcel = Parcel(order=order, settings=CONFIG.model_dump_json(), made_with=("1",), patience_s=1.0)
    run_key, other = store.new_identity(), store.new_identity()
    data = wrap(parcel, str(run_key.to_public()))
    assert b"Karen" not in data
    assert unwrap(data, run_key) == parcel
    assert str(unlocked.identity) not in store.decrypt(data, run_key).decode()
    with pytest.raises(StoreError):
        unwrap(data, other)


def test_a_worker_of_another_version_is_refused(force: Workforce, tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=tone(1.0))

    class Newer(Engines):
        @property
        def fingerprint(self) -> tuple[str, ...]:
            return ("99", *super().fingerprint)

    newer = Workforce(force._client, Newer(CONFIG), slots=2)
    for _ in range(2):  # all of them are; who asks next is told at once, too
        with pytest.raises(ClusterLost, match="another version"):
            newer.do(segment(unlocked, "R001"))


def test_a_worker_that_can_do_nothing_gets_nothing(
    study: Callable[[int], Study], force: Workforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One machine of several has another version: the others go on without it."""
    spread = study(6)
    alone = Workforce(force._client, Engines(CONFIG), slots=2)
    unfit, sent, asked = min(alone._look()), Workforce._sent, []

    def answered(self: Workforce, order: Order, parcel: bytes, *rest: Any) -> tuple[Reply, str]:
        reply, place = sent(self, order, parcel, *rest)
        if place != self._place(unfit):
            return reply, place
        asked.append(place)
        return failure(another_version(), unfit=True), place

    monkeypatch.setattr(Workforce, "_sent", answered)
    assert {outcome.error for outcome in spread.run(alone).values()} == {""}
    assert 1 <= len(asked) <= 2  # one of each engine


def test_an_order_for_a_worker_that_is_gone_goes_to_another(
    force: Workforce, study: Callable[[int], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = [{"tls://127.0.0.1:9": 1}], Workforce._look
    monkeypatch.setattr(Workforce, "_look", lambda self: looks.pop() if looks else look(self))
    late = Workforce(force._client, Engines(CONFIG), slots=1)
    assert late.do(segment(study(1).unlocked, "R000"))
    assert not looks


def test_workers_that_die_while_they_are_idle_cost_no_try(study: Callable[[int], Study], force: Workforce) -> None:
    twice = study(4)
    twice.run(force)
    for pid in {int(line.split()[2]) for line in (twice.acts / "tries").read_text().splitlines()}:
        os.kill(pid, signal.SIGKILL)
    for recording_id in twice.ids:
        for name in ("segmented", "words", "turns"):
            twice.unlocked.study.artefact_path(recording_id, name).unlink()
    assert {outcome.error for outcome in twice.run(force).values()} == {""}
    assert [twice.tries(number) for number in range(4)] == [[0, 0]] * 4


def test_a_worker_that_takes_long_to_begin_again_is_not_given_up(study: Callable[[int], Study]) -> None:
    """Dask gives up who is not back in time; on a busy machine that was every worker, one after the other."""
    spoilt = study(2)
    spoilt.told(1, "die:1")
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "100ms"}),
        dask_cluster.local(plan.Crew(workers=1, threads=1), Engines(CONFIG)) as alone,
    ):
        assert {outcome.error for outcome in spoilt.run(alone).values()} == {""}
    assert spoilt.tries(1) == [0, 1]


def test_who_hears_beside_one_that_dies_is_heard_by_another(study: Callable[[int], Study]) -> None:
    """A worker of two threads does two things at a time."""
    spread = study(4)
    spread.told(1, "die:1")
    with dask_cluster.local(plan.Crew(workers=1, threads=2), Engines(CONFIG)) as both:
        assert both.slots == 2
        assert {outcome.error for outcome in spread.run(both).values()} == {""}
    assert set(spread.finished().values()) == {1}
    assert spread.tries(1) == [0, 1]


@pytest.mark.parametrize(
    ("threads", "gpu", "expected"), [(2, {}, 2), (1, {}, 1), (8, {}, 2), (2, {"GPU": 1}, 1), (2, {"GPU": 2}, 2)]
)
def test_a_worker_does_what_its_threads_and_its_gpu_allow(threads: int, gpu: dict[str, float], expected: int) -> None:
    worker = {"nthreads": threads, "resources": {"recognition": 1, "diarisation": 1} | gpu}
    assert dask_cluster.room(worker) == expected


def test_a_sound_out_of_a_workers_reach_is_sent_sealed(force: Workforce, study: Callable[[int], Study]) -> None:
    """The worker is told of a place that only this process can read."""
    far = study(1)
    path = far.unlocked.study.sound_path("R000")
    hidden = path.with_name("hidden")
    path.rename(hidden)
    os.mkfifo(path)  # no ordinary file there for the worker
    order = segment(far.unlocked, "R000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: store.read_at_most(hidden, 10_000_000))
        sealed = force.do(order)
    made = store.unpack(store.decrypt(sealed, store.identity(order.secret)), Segmented)
    assert made.key == "k"
    assert made.value.speech == ((0.0, 1.0),)


@pytest.mark.parametrize(
    ("cores", "free_gb", "recordings", "wanted", "expected"),
    [
        (2, 64, 10, 0, (1, 2)),
        (2, 64, 10, 2, (2, 1)),
        (16, 64, 600, 0, (8, 2)),
        (16, 8, 600, 0, (2, 8)),  # memory for two
        (16, 64, 3, 0, (3, 5)),
        (16, 1, 3, 0, (1, 16)),  # one there always is
        (1, 64, 3, 0, (1, 1)),
    ],
)
def test_this_machine_carries_as_many_workers_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch,
    model_path: Callable[[str], Path],
    cores: int,
    free_gb: int,
    recordings: int,
    wanted: int,
    expected: tuple[int, int],
) -> None:
    model_path("whisper-tiny.en")
    import psutil

    class Memory:
        available = free_gb * 1_000_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    tasks = tuple(plan.Task(recording_id=f"R{n}", duration_s=3600.0) for n in range(recordings))
    crew = plan.crew(Engines(CONFIG), tasks, wanted)
    assert (crew.workers, crew.threads) == expected
    assert crew.workers * crew.threads <= cores


def test_each_worker_sees_a_gpu_of_its_own(study: Callable[[int], Study]) -> None:
    spread = study(4)
    with dask_cluster.local(plan.Crew(workers=2, threads=1, gpus=2), Engines(CONFIG)) as force:
        assert {outcome.state for outcome in spread.run(force).values()} == {"done"}
    seen = {tuple(line.split()[2:]) for line in (spread.acts / "tries").read_text().splitlines()}
    assert sorted(gpu for _, gpu in seen) == ["0", "1"]


@pytest.mark.parametrize(
    ("given", "expected"), [("", ["0", "1", "0"]), ("3, GPU-5e", ["3", "GPU-5e", "3"]), ("2,3,-1", ["2", "3", "2"])]
)
def test_no_worker_takes_a_gpu_that_was_given_to_somebody_else(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert [dask_cluster.gpu(number, 2) for number in range(3)] == expected


def test_a_worker_that_fails_with_everything_spoils_nothing(study: Callable[[int], Study]) -> None:
    """A GPU that has broken down: its worker would be idle again at once, and be given the next recording."""
    spread = study(8)
    (spread.acts / "sick").write_text("0")
    with dask_cluster.local(plan.Crew(workers=2, threads=1, gpus=2), Engines(CONFIG)) as force:
        assert {outcome.state for outcome in spread.run(force).values()} == {"done"}
    assert {line.split()[3] for line in (spread.acts / "tries").read_text().splitlines()} == {"0", "1"}


def test_a_worker_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    engines = Engines(CONFIG.model_copy(update={"device": "cuda"}))
    crew = plan.crew(engines, (plan.Task(recording_id="R001", duration_s=1.0),) * 9)
    assert (crew.workers, crew.gpus) == (4, 4)
    assert crew.slots == 2


def test_jobs_that_the_queue_does_not_take_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = tmp_path / "sbatch"
    queue.write_text("#!/bin/sh\necho no such partition >&2\nexit 1\n")
    queue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    profile = Profile(cores=1, memory="1GB", interface="lo", scratch=str(tmp_path))
    with (
        pytest.raises(EngineError, match="does not take the jobs"),
        dask_cluster.queued(profile, Engines(CONFIG)),
    ):
        pass
    assert list(tmp_path.glob(".t*")) == []
