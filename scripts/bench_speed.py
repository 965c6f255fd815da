"""Ours against the reference stack on one machine and the same recordings. Called by scripts/bench speed [--quick].

Two processes of one tree hold a stack each, loaded and warmed once; every recording goes to the one and then to the
other, and the next one the other way round, so that a machine that grows slower is slow for both. Clocks run from
samples in memory to words with speakers. Loading is told apart. Peak memory and CPU seconds are each process's own.

ours       transcribe as a study comes: Engines, build_transcript; language "en"
openai     the same with openai-whisper's engine
reference  faster-whisper's transcribe() at its defaults but for word times, int8, all cores; then pyannote.audio's
           SpeakerDiarization at its defaults (a window every 10 %) over the same segmentation-3.0 and CAM++, which
           embeds every window and voice by itself; each word goes to the speaker whose turns it overlaps most

The reference clusters as we do (centroid linkage at our threshold, which is CAM++'s own scale) with at least 12 vectors
a speaker, as pyannote's published pipeline 3.1 does, and leaves overlapped speech out of embeddings as that does.
Nobody is told how many people speak.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import CALL, DATA, looped_call, samples

from transcribe import weights
from transcribe.config import StudyConfig
from transcribe.evaluate import speech_files
from transcribe.evaluate.cpwer import SpeakerErrors, speaker_errors
from transcribe.evaluate.der import DiarisationErrors, diarisation_errors
from transcribe.evaluate.wer import ErrorCounts, word_errors
from transcribe.schema import Audio, SpeakerBounds, Turn

ROUNDS = 3
GROWTH_MIN = {"ours": (5, 10, 30, 120, 180), "reference": (5, 10)}
LEAST_VECTORS = 12
QUICK_S = 330  # where the comparison alone took longer, --quick leaves openai-whisper out, to end within ten minutes
WARM = slice(6 * 16_000, 12 * 16_000)  # of the call: somebody speaks
# What a stack makes of sound: (speaker, words with their leading space) in order, and turns.
Heard = tuple[list[tuple[str, str]], tuple[Turn, ...]]
Stack = Callable[[Audio], Heard]


# --- the stacks -----------------------------------------------------------------------------------------------------


def ours(engine: str = "", model: str = "") -> Stack:
    """The pipeline's own engines and assembly, loaded."""
    from transcribe import asr
    from transcribe.engines import Engines
    from transcribe.pipeline import build_transcript

    engines = Engines(StudyConfig().with_recognition(engine, model))
    transcriber, diariser = engines.transcriber, engines.diariser
    language, beam_size = engines.config.language, engines.config.recognition.beam_size

    def run(audio: Audio) -> Heard:
        segmented = diariser.segment(audio)
        options = asr.AsrOptions(language=language, beam_size=beam_size, speech=segmented.speech)
        with ThreadPoolExecutor(1) as pool:  # beside one another, as pipeline.Job has it
            made = pool.submit(diariser.diarise, audio, SpeakerBounds(), segmented)
            words = transcriber.transcribe(audio, options)
            turns = made.result()
        transcript = build_transcript("R001", words, turns)
        return [(one.speaker, f" {one.text}") for one in transcript.utterances], turns.all

    return run


def reference() -> Stack:
    """faster-whisper, then pyannote.audio, then words to speakers by overlap."""
    import torch
    from faster_whisper import WhisperModel

    folder = weights.path("whisper-base")
    model = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1, local_files_only=True
    )
    pipeline = plain_pipeline()

    def run(audio: Audio) -> Heard:
        segments, _ = model.transcribe(audio.samples, word_timestamps=True)
        words = [word for segment in segments for word in segment.words or ()]
        sound = torch.from_numpy(audio.samples).unsqueeze(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output = pipeline({"waveform": sound, "sample_rate": 16_000, "uri": "recording"})
        tracks = output.speaker_diarization.itertracks(yield_label=True)
        turns = tuple(Turn(start_s=one.start, end_s=one.end, speaker=label) for one, _, label in tracks)
        return [(by_overlap(word.start, word.end, turns), word.word) for word in words], turns

    return run


def plain_pipeline() -> Any:
    """pyannote.audio's own pipeline with CAM++ as any embedding model: no frames shared, no silent voice skipped."""
    import torch
    import torch.nn.functional as F
    from pyannote.audio import Model
    from pyannote.audio.pipelines import SpeakerDiarization

    from transcribe.diarise import campplus
    from transcribe.diarise.pyannote_audio import CLUSTERING, SEGMENTATION_FILE, _NoPlda

    class Embedding(Model):
        """(batch, 1, samples) and weights (batch, n) to (batch, 192)."""

        dimension = campplus.DIMENSION

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__(sample_rate=16_000, num_channels=1)
            self.network = network

        def forward(self, waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
            frames = self.network.frames(campplus.filter_bank(waveforms[:, 0]))
            under = waveforms.new_ones(len(waveforms), 1) if weights is None else weights
            under = F.interpolate(under.unsqueeze(1), size=frames.shape[-1], mode="area").squeeze(1)
            return self.network.vectors(frames, under)

    pipeline = SpeakerDiarization(
        segmentation=str(weights.path("segmentation-3.0") / SEGMENTATION_FILE),
        embedding=Embedding(campplus.load(weights.path("campplus") / campplus.FILE)),
        embedding_exclude_overlap=True,
        plda=_NoPlda(),
        clustering="AgglomerativeClustering",
    )
    clustering = {**CLUSTERING, "min_cluster_size": LEAST_VECTORS}
    return pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": clustering})


def by_overlap(start_s: float, end_s: float, turns: tuple[Turn, ...]) -> str:
    """The speaker who speaks longest during a word; where nobody does, the nearest turn's; S1 without any turn."""
    shares: dict[str, float] = {}
    for turn in turns:
        shared = min(end_s, turn.end_s) - max(start_s, turn.start_s)
        if shared > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + shared
    if shares:
        return max(shares, key=lambda speaker: shares[speaker])
    if not turns:
        return "S1"
    return min(turns, key=lambda turn: max(turn.start_s - end_s, start_s - turn.end_s)).speaker


STACKS: dict[str, Callable[[], Stack]] = {
    "ours": ours,
    "reference": reference,
    "openai": lambda: ours("openai-whisper"),
}


# --- a stack in a process of its own ---------------------------------------------------------------------------------


def serve(name: str) -> None:
    """Load a stack, say so, then answer each path on a line of standard input by a line of JSON."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    began, cpu = time.monotonic(), time.process_time()
    run = STACKS[name]()
    run(Audio(samples=samples(CALL).samples[WARM]))
    told: dict[str, Any] = {"load_s": time.monotonic() - began, "load_cpu_s": time.process_time() - cpu}
    while True:
        answers.write(json.dumps(told) + "\n")
        answers.flush()
        line = sys.stdin.readline()
        if not line:
            return
        told = measured(run, samples(Path(line.rstrip("\n"))))


def measured(run: Stack, audio: Audio) -> dict[str, Any]:
    """What was heard, and what it cost: seconds, CPU seconds of all threads, the process's peak memory until now."""
    began, cpu = time.monotonic(), time.process_time()
    said, turns = run(audio)
    return {
        "seconds": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "sound_s": audio.duration_s,
        "said": said,
        "turns": [(turn.start_s, turn.end_s, turn.speaker) for turn in turns],
    }


def peak_mb() -> float:
    """The most memory this process was ever resident with; getrusage would tell that of its parent, if that is more."""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


class Child:
    """A process that holds a stack."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Whatever the caller set for himself, each stack has all cores.
        free = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
        self._process = subprocess.Popen(
            [sys.executable, __file__, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=free,
        )
        self.loaded = self._answer()

    def hear(self, path: Path) -> dict[str, Any]:
        """What the stack makes of a recording."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"bench: the stack {self.name!r} ended with {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


@contextmanager
def children(*names: str) -> Iterator[list[Child]]:
    """Processes of these stacks, loaded one after the other."""
    held: list[Child] = []
    try:
        for name in names:
            held.append(Child(name))
        yield held
    finally:
        for child in held:
            child.close()


# --- the comparison -------------------------------------------------------------------------------------------------


def recordings(quick: bool) -> list[tuple[Path, Path, Path]]:
    """Sound, words and turns of each recording: the call, the interviews and the LibriSpeech conversations."""
    cases = [(CALL, CALL.with_suffix(".stm"), CALL.with_suffix(".rttm"))]
    if not DATA.is_dir():
        return cases
    for path in sorted((DATA / "interviews").glob("*.flac")):
        cases.append((path, path.with_suffix(".json"), path.with_suffix(".rttm")))
    if quick:
        return cases[:2]
    for path in sorted((DATA / "audio" / "librispeech").glob("*.flac")):
        cases.append((path, path.with_suffix(".turns.json"), path.with_suffix(".rttm")))
    return cases


def scored(heard: dict[str, Any], words: Path, turns: Path) -> tuple[ErrorCounts, SpeakerErrors, DiarisationErrors]:
    """The three errors of one recording."""
    gold = speech_files.read(words)
    said: dict[str, list[str]] = {}
    for speaker, text in heard["said"]:
        said.setdefault(speaker, []).append(text)
    by_speaker = {speaker: "".join(texts) for speaker, texts in said.items()}
    found = tuple(Turn(start_s=start_s, end_s=end_s, speaker=speaker) for start_s, end_s, speaker in heard["turns"])
    return (
        word_errors(gold.text, "".join(text for _, text in heard["said"])),
        speaker_errors(gold.by_speaker, by_speaker),
        diarisation_errors(speech_files.read(turns).turns, found),
    )


def told(runs: list[list[dict[str, Any]]], cases: list[tuple[Path, Path, Path]], child: Child) -> dict[str, Any]:
    """Costs as the median of rounds, each over all recordings; errors of the first round, summed over them."""
    sound_s = sum(one["sound_s"] for one in runs[0])
    each = [scored(heard, words, turns) for heard, (_, words, turns) in zip(runs[0], cases, strict=True)]
    words = sum((one[0] for one in each), ErrorCounts())
    speakers = sum((one[1] for one in each), SpeakerErrors())
    turns = sum((one[2] for one in each), DiarisationErrors())
    return {
        "wer": round(words.rate, 4),
        "cpwer": round(speakers.rate, 4),
        "der": round(turns.rate, 4),
        "rtf": round(statistics.median(sum(one["seconds"] for one in row) for row in runs) / sound_s, 4),
        "cpu_s_per_h": round(statistics.median(sum(one["cpu_s"] for one in row) for row in runs) / sound_s * 3600, 1),
        "peak_mb": round(max(one["peak_mb"] for row in runs for one in row)),
        "rtf_of_rounds": [round(sum(one["seconds"] for one in row) / sound_s, 4) for row in runs],
        "words": words.words,
        "sound_s": round(sound_s, 1),
        "load_s": round(child.loaded["load_s"], 1),
    }


def compared(cases: list[tuple[Path, Path, Path]], rounds: int) -> dict[str, Any]:
    """Ours and the reference stack over the recordings, in turn."""
    runs: dict[str, list[list[dict[str, Any]]]] = {"ours": [], "reference": []}
    with children("ours", "reference") as pair:
        for number in range(rounds):
            for child in pair:
                runs[child.name].append([])
            for place, (sound, _, _) in enumerate(cases):
                for child in pair if (number + place) % 2 == 0 else reversed(pair):
                    runs[child.name][-1].append(child.hear(sound))
        result = {child.name: told(runs[child.name], cases, child) for child in pair}
    return result | {"ratio": ratio(result["ours"], result["reference"])}


def ratio(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, float | None]:
    """How many times faster and cheaper ours is (above 1 is better), and its memory and errors over the reference's."""

    def over(name: str, first: dict[str, Any], second: dict[str, Any]) -> float | None:
        return round(first[name] / second[name], 3) if second[name] else None

    ours_over = {name: over(name, mine, other) for name in ("peak_mb", "wer", "cpwer", "der")}
    return {"speed": over("rtf", other, mine), "cpu": over("cpu_s_per_h", other, mine), **ours_over}


def openai(cases: list[tuple[Path, Path, Path]]) -> dict[str, Any]:
    """Our pipeline with openai-whisper's engine, once."""
    with children("openai") as (child,):
        return told([[child.hear(sound) for sound, _, _ in cases]], cases, child)


def growth() -> dict[str, dict[str, dict[str, Any]]]:
    """What so many minutes cost, each in a fresh process: the call again and again, with faint noise between."""
    table: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in GROWTH_MIN}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in sorted({m for lengths in GROWTH_MIN.values() for m in lengths}):
            sound = Path(folder) / f"{minutes}.wav"
            looped_call(sound, minutes)
            for name in (name for name, lengths in GROWTH_MIN.items() if minutes in lengths):
                with children(name) as (child,):
                    heard = child.hear(sound)
                table[name][str(minutes)] = {
                    "rtf": round(heard["seconds"] / heard["sound_s"], 4),
                    "cpu_s_per_h": round(heard["cpu_s"] / heard["sound_s"] * 3600, 1),
                    "peak_mb": round(heard["peak_mb"]),
                }
            sound.unlink()
    return table


def tables(quick: bool) -> dict[str, Any]:
    """All of it, some hours; quick: the call and an interview once, openai-whisper on the call alone, no growth."""
    cases, began, load = recordings(quick), time.monotonic(), os.getloadavg()[0]
    result = compared(cases, 1 if quick else ROUNDS)
    if not quick:
        result |= {"openai-whisper": openai(cases), "growth": growth()}
    elif time.monotonic() - began < QUICK_S:
        result["openai-whisper"] = openai(cases[:1]) | {"of": cases[0][0].stem}
    else:
        result["openai-whisper"] = {"left out": "the comparison took long already"}
    # Above one or so somebody else computes, too: the seconds are worth little then, CPU seconds more.
    result["load"] = {"at the start": round(load, 2)}
    result["recordings"] = {sound.stem: round(samples(sound).duration_s, 1) for sound, _, _ in cases}
    return result


if __name__ == "__main__":
    serve(sys.argv[1])
