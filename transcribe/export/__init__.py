"""Exports: one file a format, found at the door `transcribe.export`, fed by AnonymisedTranscript alone."""

from collections.abc import Callable

from transcribe import plugins
from transcribe.schema import AnonymisedTranscript, record


@record
class Exporter:
    """A format: `write` gives a file's bytes (equal inputs, equal bytes), `read_text` its whole readable content back.

    `read_text` unpacks a written file and returns every string a reader could find in it - the lines, headers,
    attributes, document properties - for the gate.
    """

    name: str
    suffix: str
    summary: str
    write: Callable[[AnonymisedTranscript], bytes]
    read_text: Callable[[bytes], tuple[str, ...]]


def load(name: str) -> Exporter:
    """The exporter of that name. Raises EngineError with the list of known ones."""
    exporter: Exporter = plugins.load("transcribe.export", name)
    return exporter
