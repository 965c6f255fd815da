"""Sound to files: raw blocks through a pipe into an ffmpeg that encodes, or that disguises a voice on the way.

All three formats are lossless, so what is decoded again is what was written, with as many samples. AAC is none of
them: FFmpeg 5.1 decodes it to whole frames of 1024 samples, 9.0 sometimes to a few too few. A file carries no title,
date, picture, chapter or name of a program (FFmpeg's formats documentation, `bitexact`); equal sound gives equal bytes
with the same ffmpeg.
"""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache

import ffmpeg

from transcribe.audio import LONGEST_S, QUIETLY, Form, Sink, program, running
from transcribe.errors import EngineError
from transcribe.media import Look, child_environment
from transcribe.schema import Quiet, record

STAGE = "release"
DROP = 0.8
"""What a disguise multiplies pitch and formants by: four semitones down."""
LATE_S = 1.0
"""A filter may keep this much at the end (atempo keeps 20 ms, rubberband nothing); where more is missing it failed."""
_HEADER = 1 << 20  # bytes
_LAYOUTS = {3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1(back)", 8: "7.1(wide)"}
"""Those that ALAC knows; without being told ffmpeg would mix three, seven or eight channels to one of them."""


@record
class Format(Quiet):
    """A kind of file: ffmpeg's name of its container, its codec by the depth of the sound, the most channels."""

    name: str
    suffix: str
    container: str
    codecs: tuple[tuple[str, str], ...]
    channels: int = 8


_WAV = (("s16", "pcm_s16le"), ("s24", "pcm_s24le"), ("s32", "pcm_s32le"), ("f32", "pcm_f32le"))
FORMATS = {
    one.name: one
    for one in (
        Format(name="wav", suffix=".wav", container="wav", codecs=_WAV, channels=64),
        Format(name="flac", suffix=".flac", container="flac", codecs=(("s16", "flac"), ("s24", "flac"))),
        Format(name="m4a", suffix=".m4a", container="ipod", codecs=(("s16", "alac"), ("s24", "alac"))),
    )
}


def format_named(name: str) -> Format:
    """Raises EngineError for a format that is not written."""
    if name not in FORMATS:
        raise EngineError(
            f"sound is not written as {name!r}", advice=f"choose one of {', '.join(FORMATS)}", stage=STAGE
        )
    return FORMATS[name]


def form_for(seen: Look, target: Format) -> Form:
    """How the sound of a file goes into a format: its own rate and channels, as deep as it is or the format allows.

    FLAC and ALAC take 24 bits at most. Raises EngineError for more channels than the format has.
    """
    if seen.probe.channels > target.channels:
        raise EngineError(
            f"the recording has {seen.probe.channels} channels and {target.name} takes {target.channels}",
            advice="choose wav",
            stage=STAGE,
        )
    sample = {"s16": "s16le", "f32": "f32le"}.get(_depth(seen, target), "s32le")
    return Form(sample_rate_hz=seen.probe.sample_rate_hz, channels=seen.probe.channels, sample=sample)


def _depth(seen: Look, target: Format) -> str:
    depths = [depth for depth, _ in target.codecs]
    return seen.depth if seen.depth in depths else depths[-1]


@contextmanager
def encoder(fd: int, seen: Look, target: Format) -> Iterator[Sink]:
    """Takes the sound, in `form_for`'s form, that the open file `fd` is to hold; the file is whole on leaving.

    ffmpeg opens it afresh by `/dev/fd`, because a header is completed at the end. Raises EngineError: not written.
    """
    form = form_for(seen, target)
    most = LONGEST_S * form.bytes_per_s + _HEADER
    try:
        with running(_encoding(fd, form, target, _depth(seen, target)), (fd,), fed=True, writes=most) as child:
            yield child.feed
            child.fed()
            _, failed = child.end()
    except (OSError, subprocess.TimeoutExpired):
        failed = True
    if failed:
        raise EngineError(
            "the covered sound could not be written", advice="see whether the disk is full, and try wav", stage=STAGE
        )


def _encoding(fd: int, form: Form, target: Format, depth: str) -> list[str]:
    told: dict[str, object] = {"f": target.container, "acodec": dict(target.codecs)[depth]}
    if target.container == "wav":
        told["rf64"] = "auto"  # beyond 4 GiB sizes are written in 64 bits
    elif form.sample == "s32le":
        told["bits_per_raw_sample"] = 24
    if target.container == "ipod" and form.channels in _LAYOUTS:
        places = "|".join(map(str, range(form.channels)))
        told["af"] = f"channelmap=map={places}:channel_layout={_LAYOUTS[form.channels]}"
    bare = {"map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact", "flags:a": "+bitexact", "threads": 1}
    sink = _raw(form).output(f"/dev/fd/{fd}", protocol_whitelist="file,pipe", **told, **bare)
    return _arguments(sink)


def _raw(form: Form) -> ffmpeg.nodes.FilterableStream:
    """Raw sound on standard input."""
    return ffmpeg.input("pipe:0", f=form.sample, ar=form.sample_rate_hz, ac=form.channels, protocol_whitelist="pipe")


def _arguments(sink: ffmpeg.nodes.OutputStream) -> list[str]:
    arguments: list[str] = sink.global_args(*QUIETLY).compile(cmd=program(), overwrite_output=True)
    return arguments


# --- a voice in disguise --------------------------------------------------------------------------------------------


@contextmanager
def disguised(form: Form, sink: Sink) -> Iterator[Sink]:
    """Takes sound and hands it on to `sink` with another pitch and as many samples.

    This is no anonymisation. It keeps a voice from being known by chance; how somebody speaks stays, programs still
    tell speakers apart, and whoever shifts it back hears the voice. Raises EngineError: it failed.
    """
    through = _SameLength(form, sink)
    with ThreadPoolExecutor(1) as pool, running(_disguising(form), fed=True) as child:

        def passed_on() -> None:
            try:
                for block in child.blocks(form):
                    through.take(block)
            except BaseException:
                child.kill()  # whoever feeds it must not wait for us
                raise

        def feed(block: memoryview) -> None:
            through.expected += len(block)
            child.feed(block)

        reading = pool.submit(passed_on)
        try:
            yield feed
            child.fed()
        except BaseException as error:
            child.kill()
            wait([reading])
            reading.result()  # raises what was the cause, if that was it
            raise _plain() if isinstance(error, OSError) else error from None
        reading.result()
        if child.end()[1]:
            raise _plain()
        through.end()


def _plain() -> EngineError:
    return EngineError("the voices could not be disguised", advice="release the sound without a disguise", stage=STAGE)


class _SameLength:
    """Hands on as many bytes as were expected: what is over at the end is left out, what is missing is silence."""

    def __init__(self, form: Form, sink: Sink) -> None:
        self._form = form
        self._sink = sink
        self._passed = 0
        self.expected = 0

    def take(self, block: memoryview) -> None:
        """A filter never gives more than it was fed, but at its end."""
        block = block[: self.expected - self._passed]
        self._passed += len(block)
        self._sink(block)

    def end(self) -> None:
        missing = self.expected - self._passed
        if missing > LATE_S * self._form.bytes_per_s:
            raise _plain()
        self._sink(memoryview(bytearray(missing)))


def _disguising(form: Form) -> list[str]:
    """Rubber Band moves pitch and formants together; without it the sound is played slower, and stretched back."""
    rate = form.sample_rate_hz
    sound = _raw(form).audio
    if _has_rubberband(program()):
        sound = sound.filter("rubberband", pitch=DROP, formant="shifted")
    else:
        slow = round(rate * DROP)
        sound = sound.filter("asetrate", slow).filter("aresample", rate).filter("atempo", rate / slow)
    return _arguments(sound.output("pipe:1", f=form.sample, ar=rate, ac=form.channels))


@cache
def _has_rubberband(path: str) -> bool:
    """Whether this ffmpeg was built with the Rubber Band library."""
    command = [path, "-hide_banner", "-filters"]
    listed = subprocess.run(command, capture_output=True, check=False, env=child_environment())
    return b" rubberband " in listed.stdout
