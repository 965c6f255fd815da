"""Media files from outside: the ffmpeg program, a probe of what a file says of itself, and whether its end is there.

A recording is hostile until proven otherwise (DESIGN.md): ffmpeg reads an inherited descriptor, never a name, never
through a shell, from local files and pipes alone, with demuxers that cannot refer to other files (no playlists, no
concat scripts, no HLS or DASH), without our secrets and under limits. What it prints may hold metadata that names
people ("Interview with ..."), so no word of it leaves this module.
"""

import json
import os
import re
import resource
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import imageio_ffmpeg

from transcribe import core_dumps
from transcribe.errors import AudioError
from transcribe.schema import Quiet, record

SCRUBBED = ("TRANSCRIBE_PASSPHRASE",)
PROBE_LIMIT_S = 120

# ffmpeg's demuxers of recorders, phones, cameras and editors. A demuxer with several names needs only one of them.
DEMUXERS = (
    "aac,ac3,act,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dss,dts,dv,eac3,flac,flv,loas,matroska,webm,mov,mp4,m4a,3gp,"
    "mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,sox,tak,tta,voc,w64,wav,wtv,wv,xwma"
)
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8}
_CONVERT = "check that it is the recording; if it is in a rare format, convert it to WAV or M4A"
_AGAIN = "copy it from the recorder again, or export a whole copy from an audio editor"


class Refusal(Enum):
    """Why a recording cannot be used: what is wrong, and what to do next."""

    NOT_MEDIA = ("the file is not a sound or video recording that ffmpeg can read", _CONVERT)
    NO_SOUND = ("the file holds no sound track", "add the file that holds the sound")
    EMPTY = ("the file is empty", _AGAIN)
    TOO_SHORT = ("the recording is empty: it holds less than a tenth of a second of sound", _AGAIN)
    SILENT = ("the recording is digitally silent throughout", "check that the recorder's microphone was on")
    CUT_SHORT = ("the file is cut short: its end is missing", _AGAIN)
    NO_INDEX = ("the file is cut short: its index is missing", _AGAIN)
    TOO_LONG = ("the recording is longer than 24 hours", "cut it into sessions and add each")
    TOO_LARGE = ("the file is far larger than the sound in it", _AGAIN)
    STUCK = ("ffmpeg could not read the file in reasonable time", _CONVERT)
    DAMAGED = ("the sound cannot be decoded; the file is damaged", _AGAIN)

    def error(self) -> AudioError:
        """A fresh exception that names no file: the caller adds its position or its recording's id."""
        what, advice = self.value
        return AudioError(what, advice=advice)


@record
class Probe(Quiet):
    """What a file says of its sound track; `duration_s` None where it does not say (a stream, raw frames).

    Of several tracks, which are heard as one: the longest's, the highest rate, and the most channels if these are no
    more than two, which is as many as tracks can be mixed in without loss, else one.
    """

    duration_s: float | None
    sample_rate_hz: int
    channels: int
    codec: str


@dataclass(frozen=True)
class Look:
    """A probe, and whether the declared duration is that of the sound (in a video it may be that of the picture).

    `depth`: what its decoded samples lose nothing in: s16, s24, s32 or f32. `tracks`: of each sound track that can be
    decoded its number among all of them, and its channels.
    """

    probe: Probe
    of_the_sound: bool
    depth: str = "s16"
    tracks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class _Track:
    """What a file says of one of its sound tracks, in ffmpeg's words; 0 or nothing where it does not say."""

    codec: str
    rate_hz: int
    channels: int
    samples: str
    bits: str
    duration_s: float = 0.0


def program() -> str:
    """The ffmpeg program: the system's, or the one inside imageio-ffmpeg. Raises AudioError if there is none."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        raise AudioError("the ffmpeg program is missing", advice="install it: apt install ffmpeg") from None


def ffprobe() -> str | None:
    """The ffprobe program beside ffmpeg, if there is one."""
    return shutil.which("ffprobe", path=str(Path(program()).parent)) or shutil.which("ffprobe")


def child_environment() -> dict[str, str]:
    """Our environment without secrets and without ffmpeg's own reporting, which would write a log file."""
    return {name: value for name, value in os.environ.items() if name not in (*SCRUBBED, "FFREPORT")}


def restrain(pid: int, most_written: int = 0) -> None:
    """Limit a child: an hour of processor time, 4 GiB, no file written or none longer than `most_written` bytes, no
    core dump (it would hold the sound).
    """
    limits = ((resource.RLIMIT_CPU, 3600), (resource.RLIMIT_AS, 4 << 30), (resource.RLIMIT_FSIZE, most_written))
    with suppress(ProcessLookupError):  # it may have finished already
        core_dumps.forbid(pid)
        for kind, most in limits:
            resource.prlimit(pid, kind, (most, most))


def _ask(command: list[str], fd: int) -> tuple[str, str]:
    """What a program that reads the descriptor prints: output and messages."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(fd,),
        env=child_environment(),
    )
    restrain(child.pid)
    with child:
        try:
            out, err = child.communicate(timeout=PROBE_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            raise Refusal.NOT_MEDIA.error() from None
    return out.decode(errors="replace"), err.decode(errors="replace")


def look(fd: int) -> Look:
    """Probe the sound tracks, with ffprobe where there is one. Raises AudioError for what is no recording."""
    if os.fstat(fd).st_size == 0:
        raise Refusal.EMPTY.error()
    source = ["-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS, "-i", f"/dev/fd/{fd}"]
    prober = ffprobe()
    if prober is None:
        _, said = _ask([program(), "-nostdin", "-hide_banner", *source], fd)
        seen = _from_messages(said)
    else:
        stream = "codec_type,codec_name,sample_rate,channels,duration,sample_fmt,bits_per_raw_sample"
        wanted = f"format=format_name,duration:stream={stream}:stream_disposition=attached_pic"
        options = ["-v", "warning", "-of", "json", "-show_entries", wanted]
        out, said = _ask([prober, *options, *source], fd)
        seen = _from_json(out, estimated=_is_estimated(said))
    if seen is None:
        raise (Refusal.NO_INDEX if "moov atom not found" in said else Refusal.NOT_MEDIA).error()
    return seen


def probe(fd: int) -> Probe:
    """What the file says of its sound. Raises AudioError: empty, not media, no sound track."""
    return look(fd).probe


def _is_estimated(said: str) -> bool:
    """ffmpeg guessed the duration from the bit rate; seen 8 % off for AAC in ADTS, so no better than none."""
    return "Estimating duration from bitrate" in said


def _from_json(out: str, *, estimated: bool) -> Look | None:
    """Read ffprobe's JSON."""
    try:
        answer = json.loads(out)
    except ValueError:
        return None
    if not answer.get("format"):
        return None
    streams = answer.get("streams", [])
    picture = any(s.get("codec_type") == "video" and not s.get("disposition", {}).get("attached_pic") for s in streams)
    tracks = tuple(
        _Track(
            codec=str(sound.get("codec_name", "unknown")),
            rate_hz=int(sound.get("sample_rate", 0)),
            channels=int(sound.get("channels", 0)),
            samples=sound.get("sample_fmt", ""),
            bits=sound.get("bits_per_raw_sample", ""),
            duration_s=float(sound.get("duration", 0)),
        )
        for sound in streams
        if sound.get("codec_type") == "audio"
    )
    own = max((track.duration_s for track in tracks if track.samples), default=0.0)
    declared = None if estimated else own or answer["format"].get("duration")
    return _look(tracks, None if declared is None else float(declared), picture=picture, own=own > 0)


def _from_messages(said: str) -> Look | None:
    """Read what `ffmpeg -i` prints; only lines at ffmpeg's own indent, since metadata may say anything."""
    if not re.search(r"^Input #0, ", said, re.M):
        return None
    form = r"(\d+) Hz, ([^,\n]+)(?:, ([a-z]\w*))?(?: \((\d+) bit\))?"
    tracks = tuple(
        _Track(codec=one[1], rate_hz=int(one[2]), channels=_channels(one[3].strip()), samples=one[4] or "",
               bits=one[5] or "")
        for one in re.finditer(rf"^  Stream #0:\d.*?: Audio: (\w+).*?, {form}", said, re.M)
    )  # fmt: skip
    pictures = re.findall(r"^  Stream #0:\d.*?: Video: (?!.*\(attached pic\))", said, re.M)
    clock = re.search(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", said, re.M)
    duration_s = None
    if clock and not _is_estimated(said):
        duration_s = int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
    return _look(tracks, duration_s, picture=bool(pictures), own=False)


def _look(tracks: tuple[_Track, ...], duration_s: float | None, *, picture: bool, own: bool) -> Look:
    """Of the tracks that can be decoded, whose samples have a format; if none can, of the first. Raises AudioError.

    `own`: the duration is theirs, and not that of whatever lasts longest.
    """
    if not tracks:
        raise Refusal.NO_SOUND.error()
    numbers = [number for number, track in enumerate(tracks) if track.samples] or [0]
    chosen = [tracks[number] for number in numbers]
    first, most = chosen[0], max(track.channels for track in chosen)
    found = Probe(
        duration_s=duration_s,
        sample_rate_hz=max(track.rate_hz for track in chosen),
        channels=most if most <= 2 or len(chosen) == 1 else 1,
        codec=first.codec,
    )
    counted = tuple((number, tracks[number].channels) for number in numbers)
    depth = _depth(first.codec, first.samples, first.bits)
    alone = not picture and len(chosen) == len(tracks)
    return Look(found, of_the_sound=own or alone, depth=depth, tracks=counted)


def _depth(codec: str, samples: str, bits: str) -> str:
    """What a codec's samples lose nothing in, from ffmpeg's name of their format (s16p) and the bits in use of a s32.

    A lossy codec decodes to floats, but holds no more than 16 bits are good for.
    """
    kind = samples.removesuffix("p")
    if kind == "s32":
        return "s24" if bits.isdigit() and 0 < int(bits) <= 24 else "s32"
    exact = codec.startswith("pcm_f") or codec == "wavpack"
    return "f32" if kind in ("flt", "dbl") and exact else "s16"


def _channels(layout: str) -> int:
    """The number of channels in a layout such as `stereo`, `5.1(side)`, `7.1.4`, `3 channels`."""
    name = layout.split("(")[0].strip()
    if name in _CHANNELS:
        return _CHANNELS[name]
    if re.fullmatch(r"\d+(\.\d+)+", name):
        return sum(int(part) for part in name.split("."))
    count = re.match(r"\d+", name)
    return int(count[0]) if count else 1
