"""Weights under attack: compared before any loader opens them, and loaded as weights alone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe import weights
from transcribe.errors import WeightsError

HERE = ("segmentation-3.0", "campplus", "rampart", "en_core_web_md", "whisper-base", "whisper-tiny.en")


def copied(name: str, real: Path, home: Path, flipped: str) -> None:
    """The weights as links, but for one file, which is a copy with a byte changed in its middle."""
    for file in (path for path in real.rglob("*") if path.is_file()):
        place = home / name / file.relative_to(real)
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.relative_to(real).as_posix() != flipped:
            place.symlink_to(file)
            continue
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        place.write_bytes(data)


@pytest.mark.weights
@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize("name", HERE)
def test_a_flipped_byte_is_refused_before_a_loader_opens_it(
    name: str, which: str, model_path: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = model_path(name)
    files = [file.path for file in weights.entry(name).files]
    flipped = files[0 if which == "first" else -1]
    copied(name, real, tmp_path, flipped)
    monkeypatch.setenv("TRANSCRIBE_MODELS", str(tmp_path))
    with pytest.raises(WeightsError, match="damaged") as refused:
        weights.path(name)
    assert flipped in str(refused.value)


@pytest.mark.weights
def test_a_checkpoint_that_would_run_code_runs_none(model_path: Callable[[str], Path], tmp_path: Path) -> None:
    """pyannote.audio itself asks torch to unpickle anything."""
    import torch

    from transcribe.diarise import campplus, pyannote_audio

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    for name, main in (("segmentation-3.0", pyannote_audio.SEGMENTATION_FILE), ("campplus", campplus.FILE)):
        shutil.copytree(model_path(name), tmp_path / name)
        held = torch.load(tmp_path / name / main, map_location="cpu", weights_only=True)
        torch.save({**held, "more": Attack()}, tmp_path / name / main)
    real = (model_path("segmentation-3.0"), model_path("campplus"))
    for folders in ((tmp_path / "segmentation-3.0", real[1]), (real[0], tmp_path / "campplus")):
        with pytest.raises(WeightsError):
            pyannote_audio.load(folders)
    assert not (tmp_path / "ran").exists()
    assert pyannote_audio.load(real)


def test_no_loader_of_ours_unpickles() -> None:
    """Every torch.load says weights_only=True; nothing imports pickle to load by, but Dask does: over mutual TLS."""
    package = Path(weights.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("torch.load(") == text.count("weights_only=True)"), path.name
        assert "import pickle" not in text or path.name in ("parcels.py", "dask_cluster.py"), path.name
        assert "pickle.loads(" not in text, path.name
        assert "joblib" not in text, path.name
