"""What all tests share: real sound, verified weights, the development sets, and what happens where one is missing.

A test that needs a system program, weights or the development data is skipped where these are missing, with the line
that brings them; TRANSCRIBE_TEST_ALL=1 (set by .ci/run) turns a missing program or missing weights into a failure.
"""

import importlib.util
import os
import re
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from transcribe import weights
from transcribe.errors import WeightsError
from transcribe.schema import Audio

REPOSITORY = Path(__file__).parent.parent
DEBIAN = {
    "ffprobe": "ffmpeg",
    "unshare": "util-linux",
    "ip": "iproute2",
    "chromium": "chromium",
    "soffice": "libreoffice-writer-nogui",
    "age-keygen": "age",
    "slurmctld": "slurm-wlm",
    "meeteval": "g++ python3-dev, then run scripts/setup --dev",
}
ALL = os.environ.get("TRANSCRIBE_TEST_ALL") == "1"


def missing(reason: str) -> None:
    """Skip, or fail where everything must run."""
    if ALL:
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("system"):
        for program in mark.args:
            if shutil.which(program) is None:
                missing(f"needs {program}: apt-get install {DEBIAN.get(program, program)}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: processes that take one file after another then end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A case that holds a key made anew is not named by it: all processes must see the same tests."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    if isinstance(text, str) and (key := re.search(r"AGE-SECRET-KEY-1|\bage1", text)):
        return f"{text[: key.start()]}{key[0]}"
    return None


@pytest.fixture(scope="session")
def model_path() -> Callable[[str], Path]:
    """The verified folder of a model by its registry name."""

    def find(name: str) -> Path:
        try:
            return weights.path(name)
        except WeightsError:
            missing(f"needs the weights {name}: transcribe models fetch {name}")
            raise

    return find


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """The folder of the real telephone call that the pyannote.audio wheel carries: sample.wav, .rttm, .stm."""
    spec = importlib.util.find_spec("pyannote")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / "audio" / "sample"


@pytest.fixture(scope="session")
def sample_audio(sample_dir: Path) -> Audio:
    """That call's sound."""
    with wave.open(str(sample_dir / "sample.wav")) as sound:
        assert sound.getframerate() == 16_000
        frames = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
    return Audio(samples=frames.astype(np.float32) / 32768)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development sets beside the project; skipped where they are not (they are no part of the product)."""
    path = REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("needs the development sets in ../shared/data")
    return path
