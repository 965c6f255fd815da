"""Measures on this machine, printed with the data set, the command, the commit and the machine.

scripts/bench accuracy            word errors of both engines, ours and plain, with names and without,
                                  between devices; errors of diarisation
scripts/bench names               what is found of names, and what can still be read, from texts and from sound
scripts/bench speed [--quick]     ours against faster-whisper and pyannote.audio as they come: time, memory, errors
scripts/bench release             a study of long interviews to all formats: time by format
scripts/bench review              the review page on an interview of three hours, in Chromium: key to paint, memory
scripts/bench cluster             one worker and two, and what Dask costs for hundreds of recordings
scripts/bench memory --minutes N  a recording of N minutes through `transcribe run`: time and resident memory
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import psutil
import soundfile

from transcribe import asr, diarise, weights
from transcribe.evaluate.der import diarisation_errors, read_rttm
from transcribe.evaluate.report import made_on
from transcribe.evaluate.wer import ErrorCounts, word_errors
from transcribe.schema import Audio, SpeakerBounds, Turn

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"
CALL = Path(str(distribution("pyannote.audio").locate_file("pyannote/audio/sample/sample.wav")))
BEAM = 5


def machine() -> dict[str, Any]:
    """Where the numbers were taken."""
    where = made_on()
    return {
        "commit": where["commit"],
        **where["machine"],
        "command": "scripts/bench " + " ".join(sys.argv[1:]),
        "date": time.strftime("%Y-%m-%d"),
    }


# --- accuracy -------------------------------------------------------------------------------------------------------


def samples(path: Path) -> Audio:
    """A 16 kHz mono file's sound."""
    data, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return Audio(samples=data)


def plain_faster(compute_type: str, audio: Audio, folder: Path) -> str:
    """faster-whisper as it comes: only beam size and no conditioning on previous text given."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, local_files_only=True)
    segments, _ = model.transcribe(audio.samples, beam_size=BEAM, condition_on_previous_text=False, language="en")
    return "".join(segment.text for segment in segments)


def plain_openai(audio: Audio, folder: Path) -> str:
    """openai-whisper as it comes, over the same converted checkpoint."""
    import whisper

    from transcribe.asr.whisper_openai import converted

    options = {"beam_size": BEAM, "condition_on_previous_text": False, "language": "en", "fp16": False}
    return str(whisper.transcribe(converted(folder), audio.samples, verbose=None, **options)["text"])


def ours(engine: str, device: str = "cpu") -> Any:
    """One of our engines as a function from sound to text."""

    def transcribe(audio: Audio, folder: Path) -> str:
        options = asr.AsrOptions(language="en", beam_size=BEAM)
        words = asr.load(engine, "whisper-base", folder, device).transcribe(audio, options).words
        return "".join(word.text for word in words)

    return transcribe


def conversations() -> dict[Path, str]:
    """The three LibriSpeech conversations: sound, and what is said."""
    told = {path: path.with_suffix(".turns.json") for path in sorted((DATA / "audio" / "librispeech").glob("*.flac"))}
    return {path: " ".join(turn["text"] for turn in json.loads(turns.read_text())) for path, turns in told.items()}


def word_error_table() -> dict[str, Any]:
    """Errors summed over the three LibriSpeech conversations, seconds beside them."""
    folder, spoken = weights.path("whisper-base"), conversations()
    engines = {
        "faster-whisper, ours": ours("faster-whisper"),
        "faster-whisper, plain": partial(plain_faster, "float32"),
        "faster-whisper, plain, int8": partial(plain_faster, "int8"),
        "openai-whisper, ours": ours("openai-whisper"),
        "openai-whisper, plain": plain_openai,
    }
    table = {}
    for name, transcribe in engines.items():
        total, began = ErrorCounts(), time.monotonic()
        for path, said in spoken.items():
            total += word_errors(said, transcribe(samples(path), folder))
        table[name] = counted(total) | {"seconds": round(time.monotonic() - began, 1)}
    return table


def counted(total: ErrorCounts) -> dict[str, Any]:
    """The rate with what it is of."""
    errors = total.substitutions + total.deletions + total.insertions
    return {"wer": round(total.rate, 4), "errors": errors, "words": total.words}


def device_table() -> dict[str, Any]:
    """Our recognition on the CPU and on each GPU: word errors, how many points more, and words that came out otherwise.

    Devices compute in other types (float32, float16), so the bytes are equal on one kind of device only.
    """
    folder, spoken = weights.path("whisper-base"), conversations()
    gpus = [f"cuda:{index}" for index in range(ctranslate2.get_cuda_device_count())]
    heard = {d: {p: ours("faster-whisper", d)(samples(p), folder) for p in spoken} for d in ("cpu", *gpus)}
    totals = {d: sum((word_errors(spoken[p], said[p]) for p in spoken), ErrorCounts()) for d, said in heard.items()}
    table: dict[str, Any] = {"cpu": counted(totals["cpu"])}
    for gpu in gpus:
        other = sum((word_errors(heard["cpu"][p], heard[gpu][p]) for p in spoken), ErrorCounts())
        points = round(100 * (totals[gpu].rate - totals["cpu"].rate), 2)
        table[gpu] = counted(totals[gpu]) | {"points_above_cpu": points, "words_otherwise": counted(other)["errors"]}
    return table if gpus else table | {"cuda": "not run: no GPU here"}


def diarisation_table() -> dict[str, Any]:
    """Diarisation error without collar, speakers given and estimated."""
    diariser = diarise.load("pyannote", (weights.path("segmentation-3.0"), weights.path("campplus")))
    cases: list[tuple[str, Path, Path]] = [("demo call", CALL, CALL.with_suffix(".rttm"))]
    for folder in ("librispeech", "../interviews"):
        for path in sorted((DATA / "audio" / folder).glob("*.flac")):
            cases.append((path.stem, path, path.with_suffix(".rttm")))
    table = {}
    for name, sound, reference in cases:
        wanted: tuple[Turn, ...] = read_rttm(reference.read_text())
        count = len({turn.speaker for turn in wanted})
        audio, row = samples(sound), {}
        segmented = diariser.segment(audio)
        for label, bounds in (("given", SpeakerBounds(at_least=count, at_most=count)), ("estimated", SpeakerBounds())):
            turns = diariser.diarise(audio, bounds, segmented)
            row[f"der_{label}"] = round(diarisation_errors(wanted, turns.all).rate, 4)
            row[f"speakers_{label}"] = len({turn.speaker for turn in turns.all})
        table[name] = {"speakers": count, **row}
    return table


# --- memory ---------------------------------------------------------------------------------------------------------


def looped_call(path: Path, minutes: float) -> None:
    """The demo call again and again with 5 s of faint noise between, written block by block."""
    with wave.open(str(CALL)) as source:
        call = np.frombuffer(source.readframes(source.getnframes()), dtype=np.int16)
    noise = np.random.default_rng(7).normal(0, 30, 5 * 16_000).astype(np.int16)
    block = np.concatenate([call, noise]).tobytes()
    wanted = int(minutes * 60 * 16_000) * 2
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, 16_000, 0, "NONE", ""))
        written = 0
        while written < wanted:
            sink.writeframes(block[: wanted - written])
            written += len(block)


def resident(process: psutil.Process) -> int:
    """Bytes resident in a process and all its children; memory they share is counted in each."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def memory(minutes: float) -> dict[str, Any]:
    """A recording of that length through `transcribe run`: seconds and peak resident memory of the process tree."""
    program = str(Path(sys.executable).parent / "transcribe")
    os.environ["TRANSCRIBE_PASSPHRASE"] = "measured on this machine"  # noqa: S105 - a study thrown away
    with tempfile.TemporaryDirectory() as folder:
        study, sound = Path(folder) / "study", Path(folder) / "looped.wav"
        looped_call(sound, minutes)
        subprocess.run([program, "new", study], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([program, "add", study, sound, "--speakers", "2"], check=True, stdout=subprocess.DEVNULL)
        began, peak = time.monotonic(), 0
        run = psutil.Popen([program, "run", str(study), "--json"], stdout=subprocess.PIPE, text=True)
        while run.poll() is None:
            peak = max(peak, resident(run))
            time.sleep(0.2)
        seconds = time.monotonic() - began
        events = [json.loads(line) for line in run.stdout.read().splitlines()]
    if run.returncode:
        sys.exit(f"bench: transcribe run ended with {run.returncode}")
    stages = {e["stage"]: e["seconds"] for e in events if e.get("state") == "finished"}
    return {
        "minutes": minutes,
        "seconds": round(seconds, 1),
        "real_time_factor": round(seconds / (minutes * 60), 4),
        "stage_seconds": stages,
        "peak_resident_mb": round(peak / 1e6),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["accuracy", "names", "speed", "memory", "release", "review", "cluster"])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--quick", action="store_true", help="speed: two recordings, under ten minutes")
    parser.add_argument("--interviews", type=int, default=21, help="release: of two hours each")
    parser.add_argument("--recordings", type=int, default=600, help="cluster: short ones, engines faked")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.what == "memory":
        result: dict[str, Any] = {"memory": memory(arguments.minutes)}
    elif arguments.what == "speed":
        import bench_speed

        result = bench_speed.tables(arguments.quick)
    elif not DATA.is_dir():
        sys.exit(f"bench: {arguments.what} needs the development sets in ../shared/data")
    elif arguments.what == "release":
        import bench_release

        result = {"release": bench_release.release_table(arguments.interviews)}
    elif arguments.what == "review":
        import bench_review

        result = bench_review.tables()
    elif arguments.what == "cluster":
        import bench_cluster

        result = bench_cluster.tables(arguments.recordings)
    elif arguments.what == "names":
        import bench_names

        result = bench_names.tables()
    else:
        import bench_priming

        result = {
            "word_errors": word_error_table(),
            "priming": bench_priming.priming_table(),
            "between_devices": device_table(),
            "diarisation": diarisation_table(),
        }
    result["machine"] = machine()
    if arguments.json:
        print(json.dumps(result))
        return
    for title, table in result.items():
        print(title)
        for key, value in table.items():
            print(f"  {key}: {value}")


if __name__ == "__main__":
    main()
