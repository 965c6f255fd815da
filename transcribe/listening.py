"""The listening copy: a recording's sound as a small Ogg Opus file, encrypted to the recording's key.

A reviewer's browser plays it, and it stands beside the words in time: it is encoded from the same decoding that
recognition hears, sample after sample, so that no container's offset or gap comes between (`audio.stream`). 24 kbit/s
in mono is what Opus takes for speech in full band (RFC 6716 section 2.1.1); 3 hours come to about 32 MB.
"""

import os
import subprocess

import ffmpeg

from transcribe import audio, intake, store, stored_sound
from transcribe.audio import LONGEST_S, QUIETLY, Form, program
from transcribe.errors import EngineError, StoreError
from transcribe.vault import Unlocked

ARTEFACT = "listening"
BIT_RATE = 24_000
OPUS = Form(sample_rate_hz=48_000, channels=1, sample="s16le")  # Opus's own clock (RFC 7845 section 4)
MOST_BYTES = 2 * LONGEST_S * BIT_RATE // 8
"""Twice what a day takes: the rate is a mean, and pages have headers."""


def make(unlocked: Unlocked, recording_id: str) -> None:
    """Make the copy, unless it stands whole or the recording has no sound. Nothing of it is on the disk in the clear.

    Raises AudioError: the recording cannot be decoded; EngineError: the copy cannot be encoded.
    """
    if not unlocked.study.sound_path(recording_id).exists() or read(unlocked, recording_id) is not None:
        return
    path = unlocked.study.artefact_path(recording_id, ARTEFACT)
    with (
        intake.opened(unlocked, recording_id) as original,
        open(os.memfd_create("listening", os.MFD_CLOEXEC), "w+b") as copy,  # noqa: PTH123 - a descriptor
    ):
        _encode(original, copy.fileno(), recording_id)
        store.encrypt_file(copy, path, unlocked.recording_key(recording_id))


def read(unlocked: Unlocked, recording_id: str) -> bytes | None:
    """The copy, decrypted in memory; None when there is none or it is damaged."""
    path = unlocked.study.artefact_path(recording_id, ARTEFACT)
    if not path.exists():
        return None
    try:
        return store.decrypt(path.read_bytes(), unlocked.recording_key(recording_id))
    except StoreError:  # it can be made again
        unlocked.study.log("damaged", recording=recording_id, artefact=ARTEFACT)
        return None


def _encode(original: int, copy: int, recording_id: str) -> None:
    """Decode one descriptor and encode into the other, block by block."""
    try:
        with audio.running(_command(copy), (copy,), fed=True, writes=MOST_BYTES) as child:
            stored_sound.stream(original, stored_sound.seen(original), OPUS, child.feed)
            child.fed()
            _, failed = child.end()
    except (OSError, subprocess.TimeoutExpired):
        failed = True
    if failed:
        raise EngineError(
            "the copy to listen to could not be made",
            recording_id=recording_id,
            stage=ARTEFACT,
            advice="check that ffmpeg has the encoder libopus, and that memory is free",
        )


def _command(copy: int) -> list[str]:
    """Read raw sound from the pipe, write Ogg Opus; the file's only metadata is what Ogg cannot do without."""
    source = ffmpeg.input("pipe:0", f=OPUS.sample, ar=OPUS.sample_rate_hz, ac=OPUS.channels, protocol_whitelist="pipe")
    told = {"f": "ogg", "acodec": "libopus", "b:a": BIT_RATE, "application": "voip"}
    bare = {"map_metadata": -1, "fflags": "+bitexact", "flags:a": "+bitexact"}
    sink = source.output(f"/dev/fd/{copy}", protocol_whitelist="file,pipe", **told, **bare)
    arguments: list[str] = sink.global_args(*QUIETLY).compile(cmd=program(), overwrite_output=True)
    return arguments
