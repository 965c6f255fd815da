"""A cluster's folder: only its holders get in, and Dask runs by its settings: silent, encrypted, nothing on a disk."""

import asyncio
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client, KilledWorker, Security
from distributed.comm import connect
from distributed.comm.addressing import parse_address, parse_host_port
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.builders import NoEngines
from transcribe import store
from transcribe.batch import cluster_folder, dask_cluster, dask_settings, worker
from transcribe.cli import app
from transcribe.config import StudyConfig
from transcribe.errors import ConfigError, EngineError, StudyError

FILES = ("ca.pem", "certificate.pem", "dask.yaml", "key.pem")
ports = st.integers(min_value=1, max_value=65535)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "nodes"
    cluster_folder.make(made)
    return made


def own(folder: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


# --- making one ----------------------------------------------------------------------------------------------------


def test_only_its_owner_can_read_it(folder: Path) -> None:
    assert tuple(sorted(path.name for path in folder.iterdir())) == FILES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_an_empty_folder_is_filled_and_becomes_its_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    cluster_folder.make(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert cluster_folder.security(tmp_path).require_encryption


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    full, file, link = tmp_path / "full", tmp_path / "file", tmp_path / "link"
    full.mkdir()
    (full / "key.pem").write_text("mine")
    file.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for path in (full, file, link):
        with pytest.raises(ConfigError, match="already"):
            cluster_folder.make(path)
    assert (full / "key.pem").read_text() == file.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write = store.write_bytes

    def full_at_one(path: Path, data: bytes) -> None:
        if path.name == name:
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(store, "write_bytes", full_at_one)
    with pytest.raises(StudyError, match="no space left"):
        cluster_folder.make(tmp_path / "nodes")
    assert list(tmp_path.iterdir()) == []


def test_the_certificates_hold_by_the_strict_rules(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    cluster_folder.make(other)
    for authority, verified in ((folder, True), (other, False)):
        command = ["openssl", "verify", "-x509_strict", "-CAfile", authority / "ca.pem", folder / "certificate.pem"]
        assert (subprocess.run(command, capture_output=True, check=False).returncode == 0) is verified


# --- what may be read of it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ca.pem", "certificate.pem", "key.pem"])
@pytest.mark.parametrize("spoilt", ["missing", "empty", "cut", "noise", "another cluster's"])
def test_a_file_that_is_missing_damaged_or_anothers_is_one_sentence(
    folder: Path, tmp_path: Path, name: str, spoilt: str
) -> None:
    mine = own(folder, tmp_path)
    path, data = mine / name, (mine / name).read_bytes()
    if spoilt == "missing":
        path.unlink()
    elif spoilt == "another cluster's":
        cluster_folder.make(tmp_path / "other")
        path.write_bytes((tmp_path / "other" / name).read_bytes())
    else:
        path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "noise": os.urandom(300)}[spoilt])
    with pytest.raises(ConfigError, match="cluster's") as refused:
        cluster_folder.security(mine)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_can_read_is_refused(folder: Path, tmp_path: Path, mode: int) -> None:
    mine = own(folder, tmp_path)
    (mine / "key.pem").chmod(mode)
    with pytest.raises(ConfigError, match="others can read"):
        cluster_folder.security(mine)
    (mine / "key.pem").chmod(0o400)
    assert cluster_folder.security(mine).require_encryption


def test_a_certificate_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_folder, "DAYS", 0)
    cluster_folder.make(tmp_path / "nodes")
    with pytest.raises(ConfigError, match="expired"):
        cluster_folder.security(tmp_path / "nodes")


def test_no_folder_at_all_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no cluster's folder"):
        cluster_folder.security(tmp_path / "nodes")


# --- addresses -----------------------------------------------------------------------------------------------------


def accepted(address: str) -> bool:
    try:
        cluster_folder.check_address(address)
    except ConfigError:
        return False
    return True


@given(st.ip_addresses(v=4), ports)
def test_plain_tcp_is_for_this_machine_and_tls_for_any(address: ipaddress.IPv4Address, port: int) -> None:
    assert accepted(f"tls://{address}:{port}")
    assert accepted(f"tcp://{address}:{port}") is accepted(f"{address}:{port}") is (str(address).startswith("127."))


@given(st.ip_addresses(v=6), ports)
def test_the_same_of_version_6(address: ipaddress.IPv6Address, port: int) -> None:
    assert accepted(f"tls://[{address}]:{port}")
    assert accepted(f"tcp://[{address}]:{port}") is (address == ipaddress.IPv6Address(1))


PIECES = ("tcp://", "tls://", "ws://", "ucx://", "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.7",
          "evil.org", ".evil.org", "127.1", "0x7f000001", "2130706433", "@", ":", ":8786", "/", "?", "#", " ", "\n",
          ",", "%00")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=40))
def test_what_passes_without_tls_is_this_machine_as_dask_reads_it(address: str) -> None:
    if accepted(address) and not address.startswith("tls://"):
        scheme, place = parse_address(address)
        host, _ = parse_host_port(place)
        assert scheme == "tcp"
        assert host in ("localhost", "::1") or host.startswith("127.")


@given(st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(lambda scheme: scheme not in ("tcp", "tls")), ports)
def test_no_other_protocol_passes_even_here(scheme: str, port: int) -> None:
    assert not accepted(f"{scheme}://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "address",
    [
        "tcp://localhost.evil.org:8786", "tcp://127.0.0.1.evil.org:8786", "tcp://127.0.0.1@evil.org:8786",
        "tcp://ip6-localhost:8786", "tcp://LOCALHOST:8786", "tcp://[::ffff:127.0.0.1]:8786", "tcp://0.0.0.0:8786",
        "TLS://node:8786", "tls://node", "tls://:8786", "tls://node:8786\n", "inproc://1/2/3", "",
    ],
)  # fmt: skip
def test_look_alikes_are_refused(address: str) -> None:
    assert not accepted(address)


@pytest.mark.parametrize("address", ["tcp://localhost:8786", "localhost:8786", "tls://node-7.example.org:8786"])
def test_usual_ones_pass(address: str) -> None:
    assert accepted(address)


# --- a cluster as the command's own lines start it -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Running:
    """A scheduler and a worker, begun from the lines that the command prints."""

    folder: Path
    address: str
    processes: tuple[psutil.Process, ...]
    logs: tuple[Path, ...]

    def client(self) -> Client:
        return Client(self.address, security=cluster_folder.security(self.folder), timeout=30)

    def listening(self) -> dict[str, set[int]]:
        """The ports of all its processes by the address they listen on."""
        found: dict[str, set[int]] = {}
        for process in self.processes:
            for one in (process, *process.children(recursive=True)):
                for connection in one.net_connections():
                    if connection.status == psutil.CONN_LISTEN:
                        found.setdefault(connection.laddr.ip, set()).add(connection.laddr.port)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    place = tmp_path_factory.mktemp("cluster")
    said = CliRunner().invoke(app, ["cluster", str(place / "the nodes"), "--json"])
    lines = json.loads(said.stdout)
    port = free_port()
    commands = (
        f"{lines['scheduler']} --port {port}",
        lines["worker"].replace("tls://HOST:8786", f"tls://127.0.0.1:{port}") + f" --local-directory {place}/scratch",
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    logs = (place / "scheduler.log", place / "worker.log")
    begun = []
    for command, log in zip(commands, logs, strict=True):
        with log.open("wb") as sink:
            said_by = {"stdout": sink, "stderr": sink}
            begun.append(subprocess.Popen(["bash", "-c", f"exec env {command}"], env=environment, **said_by))
    made = Running(
        folder=place / "the nodes", address=f"tls://127.0.0.1:{port}", logs=logs,
        processes=tuple(psutil.Process(one.pid) for one in begun),
    )  # fmt: skip
    with made.client() as client:
        client.wait_for_workers(1, timeout=60)
    yield made
    for one in reversed(begun):
        one.send_signal(signal.SIGTERM)
        one.wait(timeout=30)


def test_whoever_holds_the_folder_is_served_by_its_settings(running: Running) -> None:
    with running.client() as client:
        assert client.submit(sum, [1, 2], resources={"recognition": 1}).result(timeout=30) == 3
        (worker,) = client.scheduler_info()["workers"].values()
        assert worker["nthreads"] == dask_settings.THREADS
        assert worker["resources"] == dask_settings.RESOURCES
        for key in ("target", "spill", "pause", "terminate"):
            where = f"distributed.worker.memory.{key}"
            assert client.submit(dask.config.get, where, pure=False).result(timeout=30) is False
        assert client.submit(os.getenv, "OMP_NUM_THREADS", pure=False).result(timeout=30) is None


def test_a_scheduler_of_the_folder_can_be_joined_and_one_with_other_rules_cannot(running: Running) -> None:
    engines = NoEngines(StudyConfig(device="cpu", threads=2))
    with dask_cluster.joined(running.address, running.folder, engines) as force:
        assert force.slots == dask_settings.THREADS
    port = free_port()
    command = ["dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    plain = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL)
    try:
        with (
            pytest.raises(EngineError, match="other rules than this version needs"),
            dask_cluster.joined(f"tcp://127.0.0.1:{port}", None, engines),
        ):
            pass
    finally:
        plain.terminate()
        plain.wait(timeout=30)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_worker_has_the_key_of_a_run_until_the_run_ends_or_is_stopped(running: Running, stopped: bool) -> None:
    def reply(client: Client, run: str) -> dict[str, str]:
        """To an order that cannot be read."""
        said = client.submit(worker.work, run, b"", None, pure=False).result(timeout=30)
        assert isinstance(said, dict)
        return said

    engines = NoEngines(StudyConfig(device="cpu", threads=2))
    with dask_cluster.joined(running.address, running.folder, engines) as force:
        lacking = reply(force._client, force._run)
        assert lacking["lacks"] == "key"
        force._admit(lacking["public"], lacking["address"])
        assert reply(force._client, force._run)["failed"] == "StoreError"
        if stopped:
            force.stop()
    with running.client() as client:
        assert reply(client, force._run)["lacks"] == "key"


def test_a_stranger_is_not_served(running: Running, tmp_path: Path) -> None:
    cluster_folder.make(tmp_path / "other")

    async def reached(address: str, security: Security) -> bool:
        try:
            comm = await connect(address, timeout=5, **security.get_connection_args("client"))
        except OSError:
            return False
        await comm.close()
        return True

    assert asyncio.run(reached(running.address, cluster_folder.security(running.folder)))
    assert not asyncio.run(reached(running.address, cluster_folder.security(tmp_path / "other")))
    assert not asyncio.run(reached(running.address.replace("tls:", "tcp:"), Security(require_encryption=False)))


@pytest.mark.parametrize(
    ("who", "answer"), [("nobody", "certificate required"), ("another's", "unknown ca"), ("older", "protocol version")]
)
def test_all_that_listens_to_the_network_wants_a_certificate_of_the_folder(
    running: Running, tmp_path: Path, who: str, answer: str
) -> None:
    listening = running.listening()
    beyond = {port for address, found in listening.items() if address != "127.0.0.1" for port in found}
    assert int(running.address.rpartition(":")[2]) in beyond
    credulous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    credulous.check_hostname, credulous.verify_mode = False, ssl.CERT_NONE
    if who != "nobody":
        holds = running.folder if who == "older" else tmp_path / "other"
        if who == "another's":
            cluster_folder.make(holds)
        credulous.load_cert_chain(holds / "certificate.pem", holds / "key.pem")
    if who == "older":
        credulous.maximum_version = ssl.TLSVersion.TLSv1_2
    for port in beyond:
        with (
            pytest.raises(ssl.SSLError, match=answer),
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            credulous.wrap_socket(plain) as wrapped,
        ):
            wrapped.recv(1)


def test_a_task_that_ends_its_worker_fails_at_once_and_the_worker_comes_back(running: Running) -> None:
    with running.client() as client:
        ended = client.submit(os._exit, 3, pure=False)
        with pytest.raises(KilledWorker):
            ended.result(timeout=30)
        assert client.submit(sum, [1, 2], pure=False).result(timeout=60) == 3


def test_no_log_line_repeats_what_a_task_was_given_or_said(running: Running) -> None:
    with running.client() as client, pytest.raises(ValueError, match="Karen"):
        client.submit(int, "Karen said so", pure=False).result(timeout=30)
    said = "".join(log.read_text() for log in running.logs)
    assert "Start Nanny" in said
    assert "Karen" not in said


def test_the_settings_hold_in_this_process_for_a_time() -> None:
    before = dask.config.get("distributed.scheduler.allowed-failures")
    with dask_settings.in_force():
        assert dask.config.get("distributed.scheduler.allowed-failures") == 0
        assert dask.config.get("distributed.nanny.pre-spawn-environ")["MALLOC_TRIM_THRESHOLD_"]
    assert dask.config.get("distributed.scheduler.allowed-failures") == before
