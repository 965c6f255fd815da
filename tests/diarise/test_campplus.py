"""CAM++: the statistics, the batch, determinism, and whether it tells real voices apart."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch

from transcribe.diarise import campplus
from transcribe.errors import WeightsError
from transcribe.evaluate.der import read_rttm
from transcribe.schema import SAMPLE_RATE_HZ, Audio

ModelPath = Callable[[str], Path]


@pytest.fixture(scope="module")
def network(model_path: ModelPath) -> campplus.CamPlusPlus:
    return campplus.load(model_path("campplus") / "campplus_cn_en_common.pt")


def clip(audio: Audio, start_s: float, end_s: float) -> torch.Tensor:
    return torch.from_numpy(audio.samples[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)])


def vectors(network: campplus.CamPlusPlus, sounds: list[torch.Tensor]) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        found = torch.cat([campplus.embed(network, sound[None]) for sound in sounds])
    return torch.nn.functional.normalize(found, dim=1).numpy()


def same_and_different(found: npt.NDArray[np.float32], voices: list[str]) -> tuple[list[float], list[float]]:
    """The cosines of all pairs of one voice, and of two voices."""
    cosines: dict[bool, list[float]] = {True: [], False: []}
    for i in range(len(voices)):
        for j in range(i):
            cosines[voices[i] == voices[j]].append(float(found[i] @ found[j]))
    return cosines[True], cosines[False]


def test_statistics_with_equal_weights_are_the_plain_ones() -> None:
    frames = torch.randn(2, 5, 40, generator=torch.Generator().manual_seed(1))
    plain = torch.cat((frames.mean(-1), frames.std(-1)), dim=1)
    torch.testing.assert_close(campplus.weighted_statistics(frames, torch.ones(2, 40)), plain)


def test_statistics_see_only_what_has_weight() -> None:
    frames = torch.randn(1, 5, 40, generator=torch.Generator().manual_seed(1))
    weights = torch.zeros(1, 40)
    weights[0, 10:25] = 1
    part = frames[..., 10:25]
    plain = torch.cat((part.mean(-1), part.std(-1)), dim=1)
    torch.testing.assert_close(campplus.weighted_statistics(frames, weights), plain)


def test_statistics_of_one_frame_and_of_none() -> None:
    frames = torch.randn(2, 5, 40, generator=torch.Generator().manual_seed(1))
    weights = torch.zeros(2, 40)
    weights[0, 3] = 1
    found = campplus.weighted_statistics(frames, weights)
    torch.testing.assert_close(found[0, :5], frames[0, :, 3])
    assert (found[0, 5:] == 0).all()
    assert found[1].isnan().all()


def test_filter_bank_pads_the_shortest_sound() -> None:
    assert campplus.filter_bank(torch.randn(1, 10)).shape == (1, 6, 80)
    assert campplus.filter_bank(torch.randn(1, 160000)).shape == (1, 998, 80)


def test_refuses_other_weights(tmp_path: Path) -> None:
    torch.save({"head.conv1.weight": torch.zeros(3)}, tmp_path / "other.pt")
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    for name in ("other.pt", "broken.pt", "missing.pt"):
        with pytest.raises(WeightsError, match=r"CAM\+\+"):
            campplus.load(tmp_path / name)


@pytest.mark.weights
def test_is_deterministic_alone_and_in_a_batch(network: campplus.CamPlusPlus, sample_audio: Audio) -> None:
    first, second = clip(sample_audio, 7, 10), clip(sample_audio, 11, 14)
    assert np.array_equal(vectors(network, [first, second]), vectors(network, [first, second]))
    with torch.inference_mode():
        batch = campplus.embed(network, torch.stack((first, second, first)))
        alone = campplus.embed(network, second[None])
    assert batch.shape == (3, campplus.DIMENSION)
    torch.testing.assert_close(batch[1:2], alone)
    assert torch.equal(batch[0], batch[2])


@pytest.mark.weights
def test_equal_neighbours_share_their_frames(
    network: campplus.CamPlusPlus, sample_audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    frames = network.frames
    monkeypatch.setattr(network, "frames", lambda features: calls.append(len(features)) or frames(features))
    first, second = clip(sample_audio, 7, 10), clip(sample_audio, 11, 14)
    weights = torch.zeros(7, 177)
    weights[0, :90], weights[1, 90:], weights[3], weights[6, 5] = 1, 1, 1, 1
    sounds = torch.stack((first, first, first, second, second, first, first))
    with torch.inference_mode():
        found = campplus.embed(network, sounds, weights)
    assert calls == [1, 1, 1]
    assert found.isnan().any(1).tolist() == [False, False, True, False, True, True, False]


@pytest.mark.weights
def test_a_window_that_nobody_speaks_in_costs_nothing(
    network: campplus.CamPlusPlus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "frames", lambda features: pytest.fail("computed"))
    assert campplus.embed(network, torch.zeros(3, 16000), torch.zeros(3, 59)).isnan().all()


@pytest.mark.weights
def test_a_mask_over_two_voices_finds_the_one(network: campplus.CamPlusPlus, sample_audio: Audio) -> None:
    """Half of a window under a mask is closer to that half heard alone than to the other half."""
    one, other = clip(sample_audio, 9.4, 12.4), clip(sample_audio, 21.9, 24.9)
    weights = torch.zeros(2, 100)
    weights[0, :50], weights[1, 50:] = 1, 1
    with torch.inference_mode():
        both = campplus.embed(network, torch.cat((one, other)).expand(2, -1), weights)
    masked = torch.nn.functional.normalize(both, dim=1).numpy()
    cosines = masked @ vectors(network, [one, other]).T
    assert cosines.diagonal().min() > 0.6
    assert cosines.diagonal().min() > max(cosines[0, 1], cosines[1, 0]) + 0.2


@pytest.mark.weights
def test_tells_the_two_voices_of_the_call_apart(
    network: campplus.CamPlusPlus, sample_audio: Audio, sample_dir: Path
) -> None:
    turns = [t for t in read_rttm((sample_dir / "sample.rttm").read_text()) if t.end_s - t.start_s >= 1]
    found = vectors(network, [clip(sample_audio, t.start_s, t.end_s) for t in turns])
    same, different = same_and_different(found, [t.speaker for t in turns])
    assert np.mean(same) > np.mean(different) + 0.3


@pytest.mark.weights
@pytest.mark.data
def test_separates_six_readers(network: campplus.CamPlusPlus, shared_data: Path) -> None:
    """LibriSpeech test-other: three seconds of each utterance; fewer than 2 % of the pairs on the wrong side."""
    sounds, voices = [], []
    for path in sorted((shared_data / "audio" / "librispeech").glob("*.turns.json")):
        samples, _ = soundfile.read(path.with_name(path.name.replace(".turns.json", ".flac")), dtype="float32")
        turns = json.loads(path.read_text())
        for turn in turns["turns"] if isinstance(turns, dict) else turns:
            if turn["end"] - turn["start"] > 3.5:
                sounds.append(clip(Audio(samples=samples), turn["start"] + 0.4, turn["start"] + 3.4))
                voices.append(turn["speaker"])
    same, different = same_and_different(vectors(network, sounds), voices)
    assert len(set(voices)) == 6
    border = 0.5 * (np.median(same) + np.median(different))
    wrong = np.mean([cosine < border for cosine in same]) / 2 + np.mean([cosine > border for cosine in different]) / 2
    assert wrong < 0.02
