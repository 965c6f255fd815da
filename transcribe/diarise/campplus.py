"""CAM++: who is speaking, as a vector of 192 numbers.

A densely connected time-delay network whose every layer is gated by the context around it. Written from the paper and
named as in the 3D-Speaker checkpoint `campplus_cn_en_common.pt`, so that its weights load strictly.
Source: Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking",
Interspeech 2023 (arXiv:2303.00332); weights iic/speech_campplus_sv_zh_en_16k-common_advanced, Apache-2.0.

What is ours: the statistics are pooled under a mask, and frame features are computed once for all speakers of a window.
"""

from collections import OrderedDict
from pathlib import Path
from pickle import UnpicklingError

import torch
import torch.nn.functional as F
import torchaudio.compliance.kaldi as kaldi
from torch import Tensor, nn

from transcribe.errors import WeightsError

FILE = "campplus_cn_en_common.pt"  # in the folder of its registry entry
SAMPLE_RATE_HZ = 16_000
MEL_BINS = 80
DIMENSION = 192
CHANNELS = 32  # of the convolutions in front
GROWTH = 32  # channels that each dense layer adds
CONTEXT_FRAMES = 100  # 2 s at the network's 20 ms a frame
MIN_SAMPLES = 1_200  # 75 ms: six filter-bank frames, three of the network's
BLOCKS = ((12, 1), (24, 2), (16, 2))  # (dense layers, dilation)


def _norm(channels: int, *, affine: bool = True, relu: bool = True) -> nn.Sequential:
    """Batch normalisation and, mostly, a rectifier, under the checkpoint's names."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(batchnorm=nn.BatchNorm1d(channels, affine=affine))
    if relu:
        layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions over (frequency, time) and a short cut; the stride halves frequency alone."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            narrow = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(narrow, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Head(nn.Module):
    """The convolutional front: (batch, mel, frames) to (batch, 32 * mel / 8, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS)
        self.layer1 = nn.Sequential(ResidualBlock(CHANNELS, 2), ResidualBlock(CHANNELS, 1))
        self.layer2 = nn.Sequential(ResidualBlock(CHANNELS, 2), ResidualBlock(CHANNELS, 1))
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        y = F.relu(self.bn2(self.conv2(self.layer2(self.layer1(y)))))
        return y.flatten(1, 2)


class ContextGate(nn.Module):
    """Context-aware masking: each frame is gated by the mean of everything plus the mean of its two seconds."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(channels, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(channels, channels // 2, 1)
        self.linear2 = nn.Conv1d(channels // 2, GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        near = F.avg_pool1d(x, CONTEXT_FRAMES, CONTEXT_FRAMES, ceil_mode=True)
        context = x.mean(-1, keepdim=True) + near
        # All frames of a stretch share one gate, so it is computed once a stretch and then spread.
        gate = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        spread = gate.repeat_interleave(CONTEXT_FRAMES, dim=-1)[..., : x.shape[-1]]
        return torch.mul(self.linear_local(x), spread)


class DenseLayer(nn.Module):
    """One layer of a dense block: adds GROWTH channels to those it was given."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        narrow = 4 * GROWTH
        self.nonlinear1 = _norm(channels)
        self.linear1 = nn.Conv1d(channels, narrow, 1, bias=False)
        self.nonlinear2 = _norm(narrow)
        self.cam_layer = ContextGate(narrow, dilation)

    def forward(self, x: Tensor) -> Tensor:
        added = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))
        return torch.cat((x, added), dim=1)


def _transit(channels: int) -> nn.Sequential:
    """Halve the channels after a dense block."""
    linear = nn.Conv1d(channels, channels // 2, 1, bias=False)
    return nn.Sequential(OrderedDict(nonlinear=_norm(channels), linear=linear))


class CamPlusPlus(nn.Module):
    """The whole network: filter-bank features to frame features to speaker vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        channels = 4 * GROWTH
        first = nn.Conv1d(CHANNELS * MEL_BINS // 8, channels, 5, stride=2, padding=2, bias=False)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["tdnn"] = nn.Sequential(OrderedDict(linear=first, nonlinear=_norm(channels)))
        for number, (depth, dilation) in enumerate(BLOCKS, 1):
            dense = [(f"tdnnd{i + 1}", DenseLayer(channels + i * GROWTH, dilation)) for i in range(depth)]
            channels += depth * GROWTH
            layers[f"block{number}"] = nn.Sequential(OrderedDict(dense))
            layers[f"transit{number}"] = _transit(channels)
            channels //= 2
        layers["out_nonlinear"] = _norm(channels)
        last = nn.Conv1d(2 * channels, DIMENSION, 1, bias=False)
        normed = _norm(DIMENSION, affine=False, relu=False)
        layers["dense"] = nn.Sequential(OrderedDict(linear=last, nonlinear=normed))
        self.xvector = nn.Sequential(layers)

    def frames(self, features: Tensor) -> Tensor:
        """Filter banks (batch, time, 80) to frame features (batch, 512, time / 2)."""
        frames: Tensor = self.xvector[:-1](self.head(features.transpose(1, 2)))
        return frames

    def vectors(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Frame features (batch, 512, n) pooled under weights (batch, n): (batch, 192); NaN where all weights are 0."""
        statistics = weighted_statistics(frames, weights)
        vectors: Tensor = self.xvector[-1](statistics.unsqueeze(-1)).squeeze(-1)
        return vectors


def weighted_statistics(frames: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean and standard deviation over time: (batch, c, n), (batch, n) to (batch, 2 c).

    With equal weights the deviation is that of n - 1 degrees of freedom, as in training. NaN where all weights are 0.
    """
    w = weights.unsqueeze(1)
    total = w.sum(-1)
    mean = (frames * w).sum(-1) / total
    spread = ((frames - mean.unsqueeze(-1)).square() * w).sum(-1)
    freedom = total - w.square().sum(-1) / total
    deviation = (spread / freedom.clamp_min(1e-5)).sqrt()
    return torch.cat((mean, deviation), dim=1)


def filter_bank(waveforms: Tensor) -> Tensor:
    """Sound (batch, samples) at 16 kHz in [-1, 1] to Kaldi's log mel filter banks (batch, time, 80), without dither.

    The mean over time is taken off, which takes off the microphone's colour. Shorter sound than MIN_SAMPLES is padded.
    """
    padded = F.pad(waveforms, (0, max(0, MIN_SAMPLES - waveforms.shape[-1])))
    one_by_one = [kaldi.fbank(sound[None], num_mel_bins=MEL_BINS, sample_frequency=SAMPLE_RATE_HZ) for sound in padded]
    features = torch.stack(one_by_one)
    return features - features.mean(1, keepdim=True)


def load(path: Path) -> CamPlusPlus:
    """The network with the weights of a checkpoint, ready to infer. Raises WeightsError if they do not fit."""
    network = CamPlusPlus()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, EOFError, RuntimeError, TypeError, UnpicklingError) as error:
        raise WeightsError("the CAM++ weights cannot be loaded", advice="fetch them again") from error
    network.requires_grad_(False)
    network.head.to(memory_format=torch.channels_last)  # a quarter to a half faster on a CPU
    return network.eval()


def embed(network: CamPlusPlus, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
    """Speaker vectors (batch, 192) of sound (batch, samples), of what is heard under weights (batch, n) of any n.

    Equal neighbours in the batch are the same window asked for another speaker: their frame features are computed
    once. A window without any weight costs nothing and gives NaN.
    """
    if weights is None:
        weights = waveforms.new_ones(len(waveforms), 1)
    vectors = waveforms.new_full((len(waveforms), DIMENSION), torch.nan)
    for first, end in _runs(waveforms):
        heard = first + weights[first:end].sum(1).nonzero().squeeze(1)
        if len(heard) == 0:
            continue
        frames = network.frames(filter_bank(waveforms[first : first + 1]))
        # Mean weight under each frame: a speaker who was active for one fine frame alone is not lost.
        resampled = F.interpolate(weights[heard].unsqueeze(1), size=frames.shape[-1], mode="area").squeeze(1)
        vectors[heard] = network.vectors(frames.expand(len(heard), -1, -1), resampled)
    return vectors


def _runs(waveforms: Tensor) -> list[tuple[int, int]]:
    """The half-open runs of equal neighbours."""
    starts = [i for i in range(len(waveforms)) if i == 0 or not torch.equal(waveforms[i], waveforms[i - 1])]
    return list(zip(starts, [*starts[1:], len(waveforms)], strict=True))
