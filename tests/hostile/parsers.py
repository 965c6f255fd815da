"""Every parser of bytes from outside: how it is called, what alone it may raise, and whole files to begin from."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docx

from tests.builders import heard
from transcribe import audit, backup, config, imports, people, store
from transcribe.errors import ConfigError, RosterError, StoreError, StudyError, TranscribeError
from transcribe.review import log
from transcribe.review.decisions import Review
from transcribe.schema import Words

MARK = "Okonkwo"  # never in a message


@dataclass(frozen=True)
class Parser:
    """`read` takes the bytes; `raises` is all that may come out of it; `wholes` are files that it reads."""

    read: Callable[[bytes], object]
    raises: tuple[type[TranscribeError], ...]
    wholes: tuple[bytes, ...]


def _at_a_path(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """For what reads a file, not bytes."""

    def reading(data: bytes) -> object:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return read(Path(file.name))

    return reading


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Speaker 1", 2)
    document.add_paragraph("[00:00:01] I: And then?")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "P", "Nothing."
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _backup() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        about = {"id": "ab", "study": "s", "recipient": "age1", "at": "2026-01-01T00:00:00Z", "made_by": "transcribe"}
        parts.writestr(backup.ABOUT, json.dumps(about))
    return out.getvalue()


def _chain() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        for number in range(3):
            audit.append(path, "recording added", recording=f"R00{number}")
        return path.read_bytes()


def _transcript(suffix: str) -> Callable[[bytes], object]:
    return lambda data: imports.read_transcript(data, suffix, "T001")


_ENTRY = log.Entry(
    at="2026-01-01T00:00:00Z", reviewer="ab", deed=log.Deed.ACT, base="0f" * 32, group="g", name="accept"
)
_REVIEW = Review(decisions=(), source="0f" * 32, seen=(), reviewer="ab", settled_on="")

PARSERS = {
    "roster": Parser(people.read, (RosterError,), (people.TEMPLATE.encode(),)),
    "txt": Parser(_transcript("txt"), (StudyError,), (b"I: And then?\n[00:00:01] P: Nothing.\n",)),
    "srt": Parser(_transcript("srt"), (StudyError,), (b"1\n00:00:01,000 --> 00:00:02,000\nI: And then?\n",)),
    "vtt": Parser(_transcript("vtt"), (StudyError,), (b"WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000\n<v I>Then?\n",)),
    "docx": Parser(_transcript("docx"), (StudyError,), (_docx(),)),
    "study.toml": Parser(_at_a_path(config.load), (ConfigError,), (config.TEMPLATE.encode(),)),
    "journal": Parser(
        _at_a_path(lambda path: list(store.read_lines(path))), (), (b'{"at": "x", "event": "created"}\n',)
    ),
    "audit": Parser(_at_a_path(lambda path: audit.check(path, audit.Seal())), (), (_chain(),)),
    "log entry": Parser(lambda data: store.unpack(data, log.Entry), (StoreError,), (store.pack(_ENTRY),)),
    "review": Parser(lambda data: store.unpack(data, Review), (StoreError,), (store.pack(_REVIEW),)),
    "artefact": Parser(lambda data: store.unpack(data, Words), (StoreError,), (store.pack(heard("And then?")),)),
    "backup": Parser(_at_a_path(backup.read_about), (StoreError,), (_backup(),)),
}


def check(parser: Parser, data: bytes) -> None:
    """Fails unless the parser reads the bytes or refuses them with one of its errors, and shows nothing of them."""
    try:
        parser.read(data)
    except parser.raises as error:
        said = str(error)
        assert "\n" not in said
        assert MARK not in said
