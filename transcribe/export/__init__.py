"""Exports: one file a format, found at the door `transcribe.export`, fed by AnonymisedTranscript alone."""

from collections.abc import Callable

from transcribe import plugins
from transcribe.errors import EngineError
from transcribe.schema import AnonymisedTranscript, record

DOOR = "transcribe.export"
MARK = "_pseudonymised"
"""Stands in file names, so that a file shows its state wherever it goes."""


def as_written(text: str) -> str:
    """The spelling of a format that changes no character of a line."""
    return text


def marked_name(recording_id: str, suffix: str) -> str:
    """The file name that most formats give."""
    return f"{recording_id}{MARK}{suffix}"


@record
class Exporter:
    """A format with a file for each recording.

    `write` gives a file's bytes (equal inputs, equal bytes). `read_text` unpacks a written file and returns every
    string that a reader could find in it - the lines, headers, attributes, document properties - for the gate. `spell`
    is how the format spells a line, each character by itself: the gate undoes it. `file_name` makes the file's name of
    the recording's id and the suffix. `timed`: it needs clock times.
    """

    name: str
    suffix: str
    summary: str
    write: Callable[[AnonymisedTranscript], bytes]
    read_text: Callable[[bytes], tuple[str, ...]]
    spell: Callable[[str], str] = as_written
    file_name: Callable[[str, str], str] = marked_name
    timed: bool = False


@record
class StudyExporter:
    """A format with one file for all recordings of a release; `write` takes them in order of id."""

    name: str
    suffix: str
    summary: str
    write: Callable[[tuple[AnonymisedTranscript, ...]], bytes]
    read_text: Callable[[bytes], tuple[str, ...]]
    spell: Callable[[str], str] = as_written


def load(name: str) -> Exporter | StudyExporter:
    """The exporter of that name. Raises EngineError with the list of known ones."""
    exporter: Exporter | StudyExporter = plugins.load(DOOR, name)
    return exporter


def load_for_recording(name: str) -> Exporter:
    """An exporter that writes a file for each recording. Raises EngineError."""
    exporter = load(name)
    if not isinstance(exporter, Exporter):
        raise EngineError(f"{name} is one file for a whole study", advice="release it with `transcribe release`")
    return exporter


def everything() -> tuple[Exporter | StudyExporter, ...]:
    """All formats at the door, by name."""
    return tuple(load(name) for name in plugins.names(DOOR))


def fitting(file_name: str) -> tuple[Exporter | StudyExporter, ...]:
    """The formats that a released file may be of, by its longest suffix."""
    found = [one for one in everything() if file_name.endswith(one.suffix)]
    longest = max((len(one.suffix) for one in found), default=0)
    return tuple(one for one in found if len(one.suffix) == longest)


def written(exporter: Exporter | StudyExporter, transcripts: tuple[AnonymisedTranscript, ...]) -> bytes:
    """The file of these transcripts; of exactly one where the format has a file for each."""
    if isinstance(exporter, StudyExporter):
        return exporter.write(transcripts)
    (transcript,) = transcripts
    return exporter.write(transcript)
