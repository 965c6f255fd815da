"""What scripts/bench accuracy tells of two kinds of device.

The engines are faked: no GPU is at hand, and none is needed to count words.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
bench = pytest.importorskip("bench")
SAID = "so she came home and he was glad to see them all again"


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Device -> what its engine hears; one conversation is the data."""
    heard: dict[str, str] = {}
    folder = tmp_path / "audio" / "librispeech"
    folder.mkdir(parents=True)
    soundfile.write(folder / "one.flac", np.zeros(16_000), 16_000)
    (folder / "one.turns.json").write_text(json.dumps([{"text": SAID[:16]}, {"text": SAID[17:]}]))
    monkeypatch.setattr(bench, "DATA", tmp_path)
    monkeypatch.setattr(bench.weights, "path", lambda name: tmp_path / name)

    def load(engine: str, model: str, weights: Path, device: str) -> SimpleNamespace:
        words = SimpleNamespace(words=[SimpleNamespace(text=f" {word}") for word in heard[device].split()])
        return SimpleNamespace(transcribe=lambda audio, options: words)

    monkeypatch.setattr(bench.asr, "load", load)
    return heard


def test_a_gpu_is_told_by_its_word_errors_beside_the_processor(
    on: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.ctranslate2, "get_cuda_device_count", lambda: 2)
    on |= {"cpu": SAID, "cuda:0": SAID.replace("glad", "bad").replace(" all", ""), "cuda:1": SAID}
    table = bench.device_table()
    assert table["cpu"] == {"wer": 0.0, "errors": 0, "words": 13}
    assert table["cuda:0"] == {
        "wer": 0.1538, "errors": 2, "words": 13, "points_above_cpu": 15.38, "words_otherwise": 2,
    }  # fmt: skip
    assert table["cuda:1"]["points_above_cpu"] == table["cuda:1"]["words_otherwise"] == 0


def test_two_devices_may_err_as_often_and_yet_otherwise(on: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.ctranslate2, "get_cuda_device_count", lambda: 1)
    on |= {"cpu": SAID.replace("home", "hum"), "cuda:0": SAID.replace("see", "sea")}
    row = bench.device_table()["cuda:0"]
    assert (row["points_above_cpu"], row["words_otherwise"]) == (0.0, 2)


def test_where_there_is_no_gpu_the_table_says_that_none_was_run(
    on: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.ctranslate2, "get_cuda_device_count", lambda: 0)
    on["cpu"] = SAID
    assert bench.device_table() == {"cpu": {"wer": 0.0, "errors": 0, "words": 13}, "cuda": "not run: no GPU here"}
