"""Ours against the reference stack on one machine and the same recordings. Called by scripts/bench speed [--quick].

Two processes of one tree hold a stack each, loaded and warmed once; every recording goes to the one and then to the
other, and the next one the other way round, so that a machine that grows slower is slow for both. Clocks run from
a 16 kHz file to words with speakers. Loading is told apart. Peak memory and CPU seconds are each process's own.

ours       transcribe as a study comes: Engines, build_transcript; language "en"
openai     the same with openai-whisper's engine
reference  faster-whisper's transcribe() at its defaults but for word times, int8, all cores; then pyannote.audio's
           SpeakerDiarization at its defaults (a window every 10 %) over the same segmentation-3.0 and CAM++, which
           embeds every window and voice by itself; each word goes to the speaker whose turns it overlaps most

The whole job of ten minutes, two speakers given, is a table of its own: ours takes the file into a study with one name
on its roster, encrypts, recognises, looks for names, listens for that one, renders, and releases unreviewed through the
gate as txt, docx, vtt and json; the reference decodes the file and writes lines of text.

The reference clusters as we do (centroid linkage at our threshold, which is CAM++'s own scale) with at least 12 vectors
a speaker, as pyannote's published pipeline 3.1 does, and leaves overlapped speech out of embeddings as that does.
Elsewhere nobody is told how many people speak.
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
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import soundfile
from bench import CALL, DATA, counted, looped_call, samples

from transcribe import weights
from transcribe.config import StudyConfig
from transcribe.evaluate import speech_files
from transcribe.evaluate.cpwer import SpeakerErrors, speaker_errors
from transcribe.evaluate.der import DiarisationErrors, diarisation_errors, read_rttm
from transcribe.evaluate.wer import ErrorCounts, word_errors
from transcribe.schema import SpeakerBounds, Turn

ROUNDS = 3
GROWTH_MIN = {"ours": (5, 10, 30, 120, 180), "reference": (5, 10)}
LEAST_VECTORS = 12
QUICK_S = 330  # where the comparison alone took longer, --quick leaves openai-whisper out, to end within ten minutes
WARM = slice(6 * 16_000, 12 * 16_000)  # of the call: somebody speaks
# What a stack makes of sound: (speaker, words with their leading space) in order, and turns.
Heard = tuple[list[tuple[str, str]], tuple[Turn, ...]]
Stack = Callable[[Path], Heard]
Case = tuple[Path, Path | None, tuple[Turn, ...]]  # sound, words if known, turns
Errors = tuple[ErrorCounts, SpeakerErrors, DiarisationErrors]
TWO = 2
JOB_MIN = 10


# --- the stacks -----------------------------------------------------------------------------------------------------


def ours(engine: str = "", model: str = "") -> Stack:
    """The pipeline's own engines and assembly, loaded."""
    from transcribe import asr
    from transcribe.engines import Engines
    from transcribe.pipeline import build_transcript

    engines = Engines(StudyConfig().with_recognition(engine, model))
    transcriber, diariser = engines.transcriber, engines.diariser
    language, beam_size = engines.config.language, engines.config.recognition.beam_size

    def run(path: Path) -> Heard:
        audio = samples(path)
        segmented = diariser.segment(audio)
        options = asr.AsrOptions(language=language, beam_size=beam_size, speech=segmented.speech)
        with ThreadPoolExecutor(1) as pool:  # beside one another, as pipeline.Job has it
            made = pool.submit(diariser.diarise, audio, SpeakerBounds(), segmented)
            words = transcriber.transcribe(audio, options)
            turns = made.result()
        transcript = build_transcript("R001", words, turns)
        return [(one.speaker, f" {one.text}") for one in transcript.utterances], turns.all

    return run


def reference(speakers: int | None = None) -> Stack:
    """faster-whisper, then pyannote.audio, then words to speakers by overlap."""
    import torch
    from faster_whisper import WhisperModel

    folder = weights.path("whisper-base")
    model = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1, local_files_only=True
    )
    pipeline = plain_pipeline()

    def run(path: Path) -> Heard:
        audio = samples(path)
        segments, _ = model.transcribe(audio.samples, word_timestamps=True)
        words = [word for segment in segments for word in segment.words or ()]
        sound = torch.from_numpy(audio.samples).unsqueeze(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            heard = {"waveform": sound, "sample_rate": 16_000, "uri": "recording"}
            output = pipeline(heard, num_speakers=speakers)
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


def our_job(folder: Path) -> Stack:
    """A file to a release of a study in `folder`; tells nothing."""
    from transcribe import intake, people, release, store, study, vault
    from transcribe.batch import plan
    from transcribe.batch import run as batch
    from transcribe.engines import Engines

    identity = store.new_identity()
    unlocked = vault.create(study.create(folder / "study", identity, "a passphrase that nobody types"), identity)
    known = people.read(b"id,kind,role,names,relation,of,pseudonym\nP1,person,participant,Diane,self,P1,\n")
    unlocked.change(lambda before: vault.with_people(before, known))
    engines = Engines(unlocked.study.config)
    request = intake.Request(who=("P1",), bounds=SpeakerBounds(at_least=TWO, at_most=TWO))

    def run(path: Path) -> Heard:
        wanted = (intake.add(unlocked.study, path, request, unlocked).id,)
        batch.run(unlocked, plan.tasks(unlocked, wanted), engines, lambda told: None)
        release.write(unlocked, wanted, ("txt", "docx", "vtt", "json"), engines, unreviewed=True)
        return [], ()

    return run


def reference_job(folder: Path) -> Stack:
    """The same of the reference stack: a file to lines of text in `folder`."""
    hear = reference(TWO)

    def run(path: Path) -> Heard:
        said, turns = hear(path)
        lines = (f"{who}: {''.join(word for _, word in words)}\n" for who, words in groupby(said, itemgetter(0)))
        (folder / "released.txt").write_text("".join(lines))
        return said, turns

    return run


STACKS: dict[str, Callable[[Path], Stack]] = {
    "ours": lambda folder: ours(),
    "reference": lambda folder: reference(),
    "openai": lambda folder: ours("openai-whisper"),
    "our job": our_job,
    "reference job": reference_job,
}


# --- a stack in a process of its own ---------------------------------------------------------------------------------


def serve(name: str) -> None:
    """Load a stack, say so, then answer each path on a line of standard input by a line of JSON."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.monotonic(), time.process_time()
        run = STACKS[name](Path(folder))
        warm = Path(folder) / "warm.wav"
        soundfile.write(warm, samples(CALL).samples[WARM], 16_000)
        run(warm)
        told: dict[str, Any] = {"load_s": time.monotonic() - began, "load_cpu_s": time.process_time() - cpu}
        while True:
            answers.write(json.dumps(told) + "\n")
            answers.flush()
            line = sys.stdin.readline()
            if not line:
                return
            told = measured(run, Path(line.rstrip("\n")))


def measured(run: Stack, path: Path) -> dict[str, Any]:
    """What was heard, and what it cost: seconds, CPU seconds of all threads, the process's peak memory until now."""
    began, cpu = time.monotonic(), time.process_time()
    said, turns = run(path)
    return {
        "seconds": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "sound_s": soundfile.info(path).duration,
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


def recordings(quick: bool) -> list[Case]:
    """The call, interviews, LibriSpeech conversations, and AMI's half minutes, of which only the turns are known."""
    cases: list[Case] = [(CALL, CALL.with_suffix(".stm"), who_spoke(CALL))]
    if not DATA.is_dir():
        return cases
    for path in sorted((DATA / "interviews").glob("*.flac")):
        cases.append((path, path.with_suffix(".json"), who_spoke(path)))
    if quick:
        return cases[:2]
    for path in sorted((DATA / "audio" / "librispeech").glob("*.flac")):
        cases.append((path, path.with_suffix(".turns.json"), who_spoke(path)))
    cases.extend((path, None, who_spoke(path)) for path in sorted((DATA / "audio" / "ami").glob("*.flac")))
    return cases


def who_spoke(sound: Path) -> tuple[Turn, ...]:
    """The turns of a recording, which has a file of its own or lines in one of its folder's."""
    own = sound.with_suffix(".rttm")
    files = [own] if own.exists() else sorted(sound.parent.glob("*.rttm"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return read_rttm("\n".join(line for line in lines if own.exists() or line.split()[1] == sound.stem))


def scored(heard: dict[str, Any], words: Path | None, turns: tuple[Turn, ...]) -> Errors:
    """The three errors of one recording."""
    found = tuple(Turn(start_s=start_s, end_s=end_s, speaker=speaker) for start_s, end_s, speaker in heard["turns"])
    der = diarisation_errors(turns, found)
    if words is None:
        return ErrorCounts(), SpeakerErrors(), der
    gold = speech_files.read(words)
    said: dict[str, list[str]] = {}
    for speaker, text in heard["said"]:
        said.setdefault(speaker, []).append(text)
    by_speaker = {speaker: "".join(texts) for speaker, texts in said.items()}
    wer = word_errors(gold.text, "".join(text for _, text in heard["said"]))
    return wer, speaker_errors(gold.by_speaker, by_speaker), der


def told(runs: list[list[dict[str, Any]]], cases: list[Case], child: Child) -> dict[str, Any]:
    """Costs as the median of rounds, each over all recordings; errors of the first round, summed and each."""
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
        "each": {sound.stem: rates(one) for (sound, _, _), one in zip(cases, each, strict=True)},
    }


def rates(errors: Errors) -> dict[str, Any]:
    """Word errors as counts, the others as rates; of a recording without words its turns alone."""
    words, speakers, turns = errors
    der = {"der": round(turns.rate, 4)}
    if not words.words:
        return der
    return {"errors": counted(words)["errors"], "words": words.words, "cpwer": round(speakers.rate, 4)} | der


def compared(cases: list[Case], rounds: int) -> dict[str, Any]:
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


def openai(cases: list[Case]) -> dict[str, Any]:
    """Our pipeline with openai-whisper's engine, once."""
    with children("openai") as (child,):
        return told([[child.hear(sound) for sound, _, _ in cases]], cases, child)


def whole_job() -> dict[str, Any]:
    """Ten minutes, two speakers given: from the file to what is released, warm; and how many times as fast ours is."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "looped.wav"
        looped_call(sound, JOB_MIN)
        with children("our job", "reference job") as pair:
            table: dict[str, Any] = {child.name: cost(child.hear(sound)) for child in pair}
    mine, other = table["our job"], table["reference job"]
    return table | {name: round(other[of] / mine[of], 2) for name, of in (("speed", "rtf"), ("cpu", "cpu_s_per_h"))}


def cost(heard: dict[str, Any]) -> dict[str, Any]:
    """Of one recording, by length of the sound; memory in MB."""
    return {
        "rtf": round(heard["seconds"] / heard["sound_s"], 4),
        "cpu_s_per_h": round(heard["cpu_s"] / heard["sound_s"] * 3600, 1),
        "peak_mb": round(heard["peak_mb"]),
    }


def growth() -> dict[str, dict[str, dict[str, Any]]]:
    """What so many minutes cost, each in a fresh process: the call again and again, with faint noise between."""
    table: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in GROWTH_MIN}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in sorted({m for lengths in GROWTH_MIN.values() for m in lengths}):
            sound = Path(folder) / f"{minutes}.wav"
            looped_call(sound, minutes)
            for name in (name for name, lengths in GROWTH_MIN.items() if minutes in lengths):
                with children(name) as (child,):
                    table[name][str(minutes)] = cost(child.hear(sound))
            sound.unlink()
    return table


def tables(quick: bool) -> dict[str, Any]:
    """All of it, some hours; quick: the call and an interview once, openai-whisper on the call alone, no growth."""
    cases, began, load = recordings(quick), time.monotonic(), os.getloadavg()[0]
    result = compared(cases, 1 if quick else ROUNDS)
    if not quick:
        result |= {"whole job": whole_job(), "openai-whisper": openai(cases), "growth": growth()}
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
