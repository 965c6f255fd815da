"""Nothing leaves the machine: environment switches and a guard on every socket, imported before any engine.

The guard is an audit hook (PEP 578), so it also sees sockets opened by a library's C-level Python calls and cannot be
monkey-patched away. Loopback and AF_UNIX stay open. `network_allowed` opens the door for `transcribe models fetch`,
`admit` to the one machine that a cluster's scheduler runs on, `trust_this_thread` to the one that Dask talks in.
"""

import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from transcribe.errors import NetworkForbidden

SWITCHES = {
    "PYANNOTE_METRICS_ENABLED": "0",  # pyannote.audio posts durations and speaker counts unless told not to
    "OTEL_SDK_DISABLED": "true",  # ... through OpenTelemetry
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime (from 1.29) reports processes and models from native code, where the
    "ORT_TELEMETRY_DISABLED": "1",  # guard below cannot see it; the second is the switch's earlier name
    "HF_HUB_OFFLINE": "1",  # Hugging Face libraries look a model up before they use the local copy
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # not the network, but weights that run code: pyannote.audio asks torch to unpickle whatever a checkpoint holds
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}

_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOK_UPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_allowed = False
_peers: set[str] = set()
_threads: set[int] = set()


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost") or str(host) in _peers:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _is_number(host: object) -> bool:
    """An address in figures needs no look-up; its name would."""
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _guard(event: str, args: tuple[object, ...]) -> None:
    if _allowed or not event.startswith("socket.") or threading.get_ident() in _threads:
        return
    if event in _EVENTS:
        address = args[1]
        local = not isinstance(address, tuple) or _is_local(address[0])
    elif event == "socket.getnameinfo":
        local = _is_local(args[0][0]) if isinstance(args[0], tuple) else False
    elif event in _LOOK_UPS:
        local = _is_local(args[0]) or (event != "socket.gethostbyaddr" and _is_number(args[0]))
    else:
        return
    if not local:
        raise NetworkForbidden("something tried to reach the network", advice="please report it; nothing was sent")


@contextmanager
def network_allowed() -> Iterator[None]:
    """Open the network for the time of a download of weights."""
    global _allowed
    before, _allowed = _allowed, True
    try:
        yield
    finally:
        _allowed = before


def admit(host: str) -> None:
    """Open the network to one machine from now on: the scheduler of a cluster that the researcher named."""
    with network_allowed(), suppress(OSError):
        _peers.update(str(found[4][0]) for found in socket.getaddrinfo(host, None))
    _peers.add(host)


def trust_this_thread() -> None:
    """Open the network to one thread from now on: that in which Dask talks to the machines of a cluster.

    No engine runs in it.
    """
    _threads.add(threading.get_ident())


def _install() -> None:
    for name, value in SWITCHES.items():
        os.environ[name] = value
    sys.addaudithook(_guard)


_install()
