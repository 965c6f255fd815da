"""Who speaks when: pyannote.audio's pipeline over local weights, with CAM++ as the speaker model.

A window of ten seconds slides over the sound; segmentation-3.0 says which of up to three local voices speak in each
frame, overlapping or not; each local voice gets a CAM++ vector; centroid-linkage clustering joins the vectors to
speakers. Sources: Plaquet and Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization",
Interspeech 2023; Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023.

Ours: the speaker network runs once over the sound and its frame features are pooled for every window and voice, so
that its cost does not grow with the overlap of the windows.
"""

import os
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import file_digest, sha256
from importlib.metadata import version
from math import prod
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.torch_version import TorchVersion

from transcribe import offline as offline  # its switches stand before pyannote.audio is first imported
from transcribe import pulse, slack
from transcribe.diarise import Regions, Segmented, campplus
from transcribe.errors import EngineError, WeightsError
from transcribe.schema import SAMPLE_RATE_HZ, Audio, MadeBy, SpeakerBounds, Turn, Turns

# Warnings that are known and harmless here, one by one.
KNOWN = (
    r"\s*torchcodec is not installed",  # it would decode files; we hand over samples
    r"\s*The detected number of speakers",  # too little speech for the number asked for; the text shows it
    r"Mean of empty slice",  # nobody speaks long enough alone to be clustered: all speech is one speaker
    r"invalid value encountered in (scalar )?divide",  # the same
)


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in KNOWN:
            warnings.filterwarnings("ignore", message=message)
        yield


with _quietly():
    from pyannote.audio import Inference, Model, Pipeline
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature

# All that a checkpoint of pyannote.audio holds beside tensors and plain values; anything else in it is refused.
torch.serialization.add_safe_globals([Problem, Resolution, Specifications, TorchVersion])

SEGMENTED = "segmented"  # what was segmented before, among what a pipeline is told of a recording
SEGMENTATION_FILE = "pytorch_model.bin"
STRETCH_S = 20  # the speaker network's own window; longer ones cost no less and blur its context
MARGIN_S = 1  # heard on both sides of a stretch, so that its edges have context too
FRAMES_PER_S = 50  # of CAM++: a filter bank every 10 ms, halved once
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // FRAMES_PER_S
TAIL = 240  # samples by which a filter-bank window (25 ms) overhangs its step (10 ms)
SHARED_BY = 4
HEARD_BY = 0.2  # of the windows over a moment: one of them is enough to hear it
AROUND_S = 0.4  # left on both sides of speech, and
PAUSE_S = 2.0  # pauses that stay in it: as faster-whisper uses Silero
CLEAN_S = 0.4  # a voice heard alone for longer than this is known by that alone, without overlapped speech
SHORTEST_S = 0.05
AT_ONCE = 8  # windows, on all threads together
# Chosen on a part of the development data; the numbers stand in tests/diarise/test_pyannote_audio.py.
STEP = 0.25  # of the window, between two windows
CLUSTERING = {"method": "centroid", "min_cluster_size": 8, "threshold": 0.65}


class SpeakerModel(Model):
    """CAM++ as pyannote.audio wants a speaker model: (batch, 1, samples), (batch, n) to (batch, 192)."""

    dimension = campplus.DIMENSION

    def __init__(self, network: campplus.CamPlusPlus) -> None:
        super().__init__(sample_rate=SAMPLE_RATE_HZ, num_channels=1)
        self.network = network

    def forward(self, waveforms: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        return campplus.embed(self.network, waveforms[:, 0], kwargs.get("weights"))


class _NoPlda(PLDA):
    """Agglomerative clustering compares cosines; the pipeline asks for an instance all the same."""

    def __init__(self) -> None:
        pass


class SideBySide(Inference):
    """Windows of a batch on a thread each, where they are computed on a CPU, as many as torch may use at the time.

    The segmentation network is a chain of small steps, which one core takes as fast as two together.
    """

    def infer(self, chunks: torch.Tensor) -> Any:
        """Windows (batch, 1, samples) to (batch, frames, voices)."""
        threads = min(torch.get_num_threads(), len(chunks)) if self.device.type == "cpu" else 1
        if threads == 1:
            return super().infer(chunks)
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return np.concatenate(list(pool.map(super().infer, chunks.tensor_split(threads))))


class SharedFrames(SpeakerDiarization):
    """The pipeline, with the speaker network run once over the sound instead of once a window and voice.

    Segmentation was made before, by `segment`, and comes in the file.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made = self._segmentation
        self._segmentation = SideBySide(
            made.model, duration=made.duration, step=made.step, skip_aggregation=True, batch_size=made.batch_size
        )

    def get_segmentations(self, file: dict[str, Any], hook: Any = None) -> SlidingWindowFeature:
        """(windows, frames, voices), each 0 or 1."""
        return file[SEGMENTED] if SEGMENTED in file else super().get_segmentations(file, hook)

    def get_embeddings(
        self, file: dict[str, Any], binary_segmentations: SlidingWindowFeature, *_: object, **__: object
    ) -> npt.NDArray[np.float32]:
        """Speaker vectors (windows, voices, 192) under segmentations (windows, frames, voices); NaN where unheard."""
        masks = _clean(np.nan_to_num(binary_segmentations.data).astype(np.float32))
        window_frames = round(binary_segmentations.sliding_window.duration * FRAMES_PER_S)
        model = self._embedding.model_
        frames = _Frames(model.network, file["waveform"][0].to(model.device))
        vectors = np.full((len(masks), masks.shape[2], campplus.DIMENSION), np.nan, dtype=np.float32)
        with torch.inference_mode():
            for i, (window, _segmentation) in enumerate(binary_segmentations):
                heard = np.flatnonzero(masks[i].sum(axis=0))
                if len(heard) == 0:
                    continue
                stretch = frames.between(round(window.start * FRAMES_PER_S), window_frames)
                weights = torch.from_numpy(masks[i].T[heard]).to(stretch.device)
                weights = F.interpolate(weights.unsqueeze(1), size=window_frames, mode="area").squeeze(1)
                pooled = model.network.vectors(stretch.expand(len(heard), -1, -1), weights)
                vectors[i, heard] = pooled.cpu().numpy()
        return vectors


def _beat(*_: object, **__: object) -> None:
    pulse.beat(pulse.DIARISATION)


def _clean(masks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Leave overlapped speech out of a voice's mask (windows, frames, voices), where enough else is left of it."""
    alone = masks * (masks.sum(axis=2, keepdims=True) < 2)
    least = CLEAN_S / 10 * masks.shape[1]
    return np.where(alone.sum(axis=1, keepdims=True) > least, alone, masks)


class _Frames:
    """CAM++ frame features of a recording, computed a stretch at a time when first asked for."""

    def __init__(self, network: campplus.CamPlusPlus, samples: torch.Tensor) -> None:
        self._network = network
        self._samples = samples
        # Windows come in order, so that the last two stretches are all that is asked for again.
        self._stretch = lru_cache(maxsize=2)(self._computed)

    def _computed(self, number: int) -> torch.Tensor:
        """The features (512, 50 * STRETCH_S) of one stretch; after the end of the sound, of silence."""
        _beat()
        start = number * STRETCH_S * SAMPLE_RATE_HZ
        heard_from = max(0, start - MARGIN_S * SAMPLE_RATE_HZ)
        heard_to = start + (STRETCH_S + MARGIN_S) * SAMPLE_RATE_HZ + TAIL
        sound = self._samples[heard_from:heard_to]
        least = start + STRETCH_S * SAMPLE_RATE_HZ + TAIL - heard_from
        sound = F.pad(sound, (0, max(0, least - len(sound))))
        features = campplus.filter_bank(sound.unsqueeze(0))
        with torch.autocast("cpu", torch.bfloat16, enabled=features.device.type == "cpu" and _has_bfloat16()):
            frames = self._network.frames(features)[0].float()
        skipped = (start - heard_from) // SAMPLES_PER_FRAME
        return frames[:, skipped : skipped + STRETCH_S * FRAMES_PER_S]

    def between(self, first: int, count: int) -> torch.Tensor:
        """The features (512, count) from a frame on."""
        size = STRETCH_S * FRAMES_PER_S
        numbers = range(first // size, (first + count - 1) // size + 1)
        joined = torch.cat([self._stretch(number) for number in numbers], dim=1)
        offset = first - numbers[0] * size
        return joined[:, offset : offset + count]


@cache
def _has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16, which halves the cost of frames (cosine to float32: .9999)."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


class PyannoteDiariser:
    """A pyannote.audio pipeline as a Diariser."""

    def __init__(self, pipeline: Pipeline, made_by: MadeBy, device: str, threads: int) -> None:
        """`made_by`: the engine's signature, to which the bounds of each call are added; `threads` 0 = all cores.

        Segmentation has them to itself; the rest runs beside recognition, and takes one in `SHARED_BY`.
        """
        self._pipeline = pipeline
        self._made_by = made_by
        # torch's own count may be another engine's by now: CTranslate2 sets that of the thread it is loaded in
        self._threads = threads or len(os.sched_getaffinity(0))
        try:
            self._pipeline.to(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise EngineError(f"the device {device!r} cannot be used", advice="choose cpu or cuda") from error

    def segment(self, audio: Audio) -> Segmented:
        """Speech is where one window in `HEARD_BY` hears somebody, with a margin, over pauses shorter than `PAUSE_S`.

        The frames are those of all windows, a bit for each voice of each.
        """
        if audio.duration_s < SHORTEST_S:
            return Segmented(speech=())
        with _quietly(), _threads(self._threads), torch.inference_mode():
            segmented = self._pipeline.get_segmentations(_file(audio), hook=_beat)
            somebody = SlidingWindowFeature(segmented.data.max(axis=2, keepdims=True), segmented.sliding_window)
            field = self._pipeline._segmentation.model.receptive_field
            heard = Inference.aggregate(somebody, field, missing=0.0)
        slack.give_back()
        frames = np.flatnonzero(np.nan_to_num(heard.data[:, 0]) >= HEARD_BY)
        moments = (heard.sliding_window[int(frame)] for frame in frames)
        speech = regions(((moment.start, moment.end) for moment in moments), audio.duration_s)
        bits = np.packbits(segmented.data.astype(bool))
        return Segmented(speech=speech, frames=b64encode(bits.tobytes()).decode(), shape=segmented.data.shape)

    def _windows(self, segmented: Segmented) -> SlidingWindowFeature:
        """(windows, frames, voices), each 0 or 1, as `segment` found them. Raises EngineError for what it is not."""
        try:
            bits = np.frombuffer(b64decode(segmented.frames, validate=True), dtype=np.uint8)
            data = np.unpackbits(bits, count=prod(segmented.shape)).reshape(segmented.shape).astype(np.float32)
        except ValueError as error:
            raise EngineError("the segmentation is not this engine's", advice="run it again") from error
        window = self._pipeline._segmentation
        return SlidingWindowFeature(data, SlidingWindow(start=0.0, duration=window.duration, step=window.step))

    def diarise(self, audio: Audio, bounds: SpeakerBounds, segmented: Segmented) -> Turns:
        """The turns of a recording, to the millisecond; none where nobody speaks."""
        made_by = _with_options(self._made_by, at_least=bounds.at_least or "", at_most=bounds.at_most or "")
        if audio.duration_s < SHORTEST_S:
            return Turns(all=(), exclusive=(), made_by=made_by)
        beside = max(1, self._threads // SHARED_BY)
        with _quietly(), _threads(beside), torch.inference_mode():
            file = _file(audio) | {SEGMENTED: self._windows(segmented)}
            output: Any = self._pipeline(file, preload=False, hook=_beat, **_bounds(bounds))
        slack.give_back()
        everything = _turns(output.speaker_diarization, audio.duration_s)
        exclusive = _turns(output.exclusive_speaker_diarization, audio.duration_s)
        # Where fewer speakers were found than speak at once, pyannote.audio invents labels for the overlap alone.
        real = {turn.speaker for turn in exclusive}
        labels: dict[str, str] = {}
        for turn in everything:
            if turn.speaker in real:
                labels.setdefault(turn.speaker, f"S{len(labels) + 1}")
        return Turns(all=_renamed(everything, labels), exclusive=_renamed(exclusive, labels), made_by=made_by)


def _file(audio: Audio) -> dict[str, Any]:
    """The recording as pyannote.audio takes one."""
    sound = torch.from_numpy(np.ascontiguousarray(audio.samples, dtype=np.float32)).unsqueeze(0)
    return {"waveform": sound, "sample_rate": SAMPLE_RATE_HZ, "uri": "recording"}


def regions(spans: Iterable[tuple[float, float]], duration_s: float) -> Regions:
    """Sorted spans in seconds, each with `AROUND_S` on both sides, joined over pauses shorter than `PAUSE_S`."""
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        first, last = max(0.0, start - AROUND_S), min(duration_s, end + AROUND_S)
        if joined and first - joined[-1][1] < PAUSE_S - 2 * AROUND_S:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        elif first < last:
            joined.append((first, last))
    return tuple(joined)


def load(weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> PyannoteDiariser:
    """The diariser over two verified folders: segmentation-3.0, CAM++. Raises WeightsError, EngineError."""
    if len(weights) != 2:
        raise EngineError("the pyannote engine needs two models: segmentation and speakers")
    segmentation, speakers = weights[0] / SEGMENTATION_FILE, weights[1] / campplus.FILE
    network = campplus.load(speakers)
    with _quietly(), _safely():
        pipeline = SharedFrames(
            segmentation=str(_existing(segmentation)),
            segmentation_step=STEP,
            segmentation_batch_size=AT_ONCE,
            embedding=SpeakerModel(network),
            plda=_NoPlda(),
            clustering="AgglomerativeClustering",
        )
        pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": CLUSTERING})
    made_by = _made_by("segmentation-3.0+campplus", (segmentation, speakers))
    frames = "bfloat16" if device == "cpu" and _has_bfloat16() else "float32"
    made_by = _with_options(
        made_by, segmentation_step=STEP, stretch_s=STRETCH_S, clean_s=CLEAN_S, frames=frames, **CLUSTERING
    )
    return PyannoteDiariser(pipeline, made_by, device, threads)


def load_community(weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> PyannoteDiariser:
    """The diariser over a local copy of speaker-diarization-community-1. Raises WeightsError, EngineError."""
    if len(weights) != 1:
        raise EngineError("the community-1 engine needs one folder: a copy of speaker-diarization-community-1")
    folder = weights[0]
    _existing(folder / "config.yaml")
    with _quietly(), _safely():
        pipeline = Pipeline.from_pretrained(folder)
    if pipeline is None:
        raise WeightsError("the folder holds no pyannote.audio pipeline", advice="fetch the model again")
    files = tuple(sorted(path for path in folder.rglob("*") if path.suffix in (".bin", ".npz", ".yaml")))
    return PyannoteDiariser(pipeline, _made_by("speaker-diarization-community-1", files), device, threads)


@contextmanager
def _safely() -> Iterator[None]:
    """A checkpoint that holds more than weights, as a sentence. Raises WeightsError."""
    try:
        yield
    except UnpicklingError:
        raise WeightsError("the diarisation weights hold more than weights", advice="fetch the model again") from None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise WeightsError(f"the weights file {path.name} is missing", advice="fetch the model again")
    return path


def _made_by(model: str, files: tuple[Path, ...]) -> MadeBy:
    """The engine's signature; the checksum is taken over the files' own checksums, in order."""
    digest = sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(file_digest(file, "sha256").hexdigest().encode())
    engine = "pyannote.audio"
    return MadeBy(stage="diarise", engine=engine, version=version(engine), model=model, model_sha256=digest.hexdigest())


def _with_options(made_by: MadeBy, **options: object) -> MadeBy:
    pairs = (*made_by.options, *((name, str(value)) for name, value in options.items()))
    return replace(made_by, options=tuple(sorted(pairs)))


def _bounds(bounds: SpeakerBounds) -> dict[str, int]:
    """The bounds as the pipeline's arguments."""
    if bounds.at_least is not None and bounds.at_least == bounds.at_most:
        return {"num_speakers": bounds.at_least}
    given = {"min_speakers": bounds.at_least, "max_speakers": bounds.at_most}
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many torch threads for the time of a call."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _turns(annotation: Annotation, duration_s: float) -> tuple[Turn, ...]:
    """The turns of an annotation within the sound, to the millisecond, sorted by start."""
    found = [
        Turn(start_s=round(max(segment.start, 0.0), 3), end_s=round(min(segment.end, duration_s), 3), speaker=label)
        for segment, _, label in annotation.itertracks(yield_label=True)
    ]
    return tuple(sorted((t for t in found if t.end_s > t.start_s), key=lambda t: (t.start_s, t.end_s, t.speaker)))


def _renamed(turns: tuple[Turn, ...], labels: dict[str, str]) -> tuple[Turn, ...]:
    return tuple(replace(turn, speaker=labels[turn.speaker]) for turn in turns if turn.speaker in labels)
