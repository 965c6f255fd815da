"""The guard: nothing in this process reaches beyond the machine."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from transcribe import offline
from transcribe.errors import NetworkForbidden

AWAY = ["192.0.2.1", "8.8.8.8", "2001:db8::1", "example.org", "localhost.example.org", "127.0.0.1.example.org"]


@pytest.mark.parametrize("host", [h for h in AWAY if h[0].isdigit() and h[-1].isdigit() and ":" not in h])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_connection_leaves_the_machine(host: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        for reach in (sock.connect, sock.connect_ex):
            with pytest.raises(NetworkForbidden) as refused:
                reach((host, 9))
            assert host not in str(refused.value)
        with pytest.raises(NetworkForbidden):
            sock.sendto(b"x", (host, 9))
        with pytest.raises(NetworkForbidden):
            sock.sendmsg([b"x"], [], 0, (host, 9))


@pytest.mark.parametrize("host", AWAY)
def test_no_name_is_looked_up(host: str) -> None:
    if not host[-1].isdigit():  # what is a number already is asked of nobody
        with pytest.raises(NetworkForbidden):
            socket.getaddrinfo(host, 443)
        with pytest.raises(NetworkForbidden):
            socket.gethostbyname(host)
    with pytest.raises(NetworkForbidden):
        socket.gethostbyaddr(host)


def test_one_machine_and_one_thread_can_be_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "_peers", set())
    monkeypatch.setattr(offline, "_threads", set())
    offline.admit("192.0.2.1")
    offline._guard("socket.connect", (None, ("192.0.2.1", 9)))
    with pytest.raises(NetworkForbidden):
        offline._guard("socket.connect", (None, ("192.0.2.2", 9)))
    trusted = threading.Thread(target=offline.trust_this_thread)
    trusted.start()
    trusted.join()
    with pytest.raises(NetworkForbidden):
        offline._guard("socket.connect", (None, ("192.0.2.2", 9)))
    offline.trust_this_thread()
    offline._guard("socket.connect", (None, ("192.0.2.2", 9)))


@pytest.mark.parametrize("host", ["192.0.2.1", "8.8.8.8"])
def test_no_address_is_looked_up(host: str) -> None:
    with pytest.raises(NetworkForbidden):
        socket.getnameinfo((host, 80), 0)


def test_a_thread_is_guarded_too() -> None:
    seen: list[BaseException] = []

    def reach() -> None:
        try:
            socket.create_connection(("192.0.2.1", 9), timeout=0.1)
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=reach)
    thread.start()
    thread.join()
    assert [type(error) for error in seen] == [NetworkForbidden]


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")])
def test_loopback_stays_open(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5) as client:
            client.sendall(b"x")


def test_sockets_without_a_network_stay_open() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.send(b"x")
        assert right.recv(1) == b"x"
    assert socket.getaddrinfo(None, 80)


def test_the_door_opens_for_a_download_and_closes_after_it() -> None:
    with offline.network_allowed():
        with offline.network_allowed():
            pass
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.connect(("192.0.2.1", 9))  # UDP: names a peer, sends nothing
            except NetworkForbidden:
                pytest.fail("the door is shut")
            except OSError:
                pass  # no network here at all
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkForbidden):
        sock.connect(("192.0.2.1", 9))


def test_the_door_closes_when_the_download_fails() -> None:
    with pytest.raises(ValueError, match="x"), offline.network_allowed():
        raise ValueError("x")
    with pytest.raises(NetworkForbidden):
        socket.gethostbyname("example.org")


@pytest.mark.parametrize(("name", "value"), sorted(offline.SWITCHES.items()))
def test_the_switches_of_the_libraries_are_set(name: str, value: str) -> None:
    assert os.environ[name] == value


def test_switches_outweigh_what_the_environment_says_and_reach_children() -> None:
    code = (
        "import transcribe, os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', \"import os; print(os.environ['PYANNOTE_METRICS_ENABLED'])\"])"
    )
    asked = {**os.environ, "PYANNOTE_METRICS_ENABLED": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
