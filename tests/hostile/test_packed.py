"""Word documents with packed files inside, or instead of a part: read as what they say, or refused, never unpacked."""

import io
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from tests.builders import new_unlocked, says_nothing_of
from tests.hostile.attacks import snapshot
from transcribe import intake
from transcribe.errors import StudyError
from transcribe.intake import Request
from transcribe.schema import Transcript

LONGEST_S = 20.0  # on a machine at work
NAME, SECRET = "Karen Okonkwo", "Bertha"
TYPES, BODY = "[Content_Types].xml", "word/document.xml"


def whole(said: str = "I: And then?") -> bytes:
    document = docx.Document()
    document.add_paragraph(said)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return out.getvalue()


def changed(changes: dict[str, bytes]) -> bytes:
    """The document with these parts in the place of its own, or beside them."""
    with zipfile.ZipFile(io.BytesIO(whole())) as package:
        return packed({name: package.read(name) for name in package.namelist()} | changes)


def bomb(depth: int = 5, breadth: int = 10) -> bytes:
    """Ten zips, each with ten zips ... and at the bottom 10 MB of nothing: a terabyte in a few kilobytes."""
    data = packed({"0": bytes(10_000_000)})
    for _ in range(depth):
        data = packed({str(number): data for number in range(breadth)})
    return data


def typed(kind: str, part: str) -> bytes:
    """The list of parts, with one more of that kind."""
    with zipfile.ZipFile(io.BytesIO(whole())) as package:
        types = package.read(TYPES)
    content = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"
    return types.replace(b"</Types>", f'<Override PartName="/{part}" ContentType="{content}"/></Types>'.encode())


def lying() -> bytes:
    """Both of its directories promise a kilobyte for a part that unpacks to 100 MB."""
    body = b"<w:document>" + bytes(100_000_000)
    data = changed({BODY: body})
    return data.replace(len(body).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def patched() -> bytes:
    """A part with a zip's first bytes, 40 MB of nothing packed, and a zip's directory that is another's."""
    inner = zlib.compress(bytes(40_000_000), 9)
    return changed({"word/embeddings/oleObject1.bin": b"PK\x03\x04" + inner + whole()[-22:]})


READ: dict[str, Callable[[], bytes]] = {
    "a document inside": lambda: changed({"word/embeddings/Karen.docx": whole(SECRET)}),
    "a bomb inside": lambda: changed({"word/embeddings/Microsoft_Word.docx": bomb()}),
    "a bomb by a hostile name": lambda: changed({"../../Karen\n.zip": bomb(2)}),
    "half a zip inside": patched,
    "a document in front": lambda: whole(SECRET) + whole(),
    "a bomb in front": lambda: bomb(3) + whole(),
}
REFUSED: dict[str, Callable[[], bytes]] = {
    "a document for its body": lambda: changed({BODY: whole(SECRET)}),
    "a bomb for its body": lambda: changed({BODY: bomb()}),
    "a bomb for its list of parts": lambda: changed({TYPES: bomb()}),
    "a bomb for its styles": lambda: changed({"word/styles.xml": bomb()}),
    "a bomb for a header": lambda: changed({TYPES: typed("header", "word/h.xml"), "word/h.xml": bomb()}),
    "a document in a zip": lambda: packed({"a.docx": whole(SECRET)}),
    "only a bomb": bomb,
    "a bomb of one part": lambda: changed({"word/media/image1.png": bytes(250_000_000)}),
    "a bomb that says it is small": lying,
}


@pytest.mark.parametrize("case", [*READ, *REFUSED])
def test_what_lies_packed_in_a_document_stays_packed(tmp_path: Path, case: str) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    before = snapshot(unlocked.study.root)
    source = tmp_path / f"{NAME}.docx"
    source.write_bytes((READ | REFUSED)[case]())
    started = time.process_time()
    if case in READ:
        added = intake.add_transcript(unlocked, source, Request())
        stored = unlocked.load(added.id, "transcript", Transcript)
        assert stored
        assert [u.text for u in stored.value.utterances] == ["And then?"]
    else:
        with pytest.raises(StudyError) as refused:
            intake.add_transcript(unlocked, source, Request())
        assert "\n" not in str(refused.value)
        says_nothing_of(refused.value, NAME, SECRET)
        assert snapshot(unlocked.study.root) == before
    assert time.process_time() - started < LONGEST_S
    assert {path.name for path in tmp_path.iterdir()} == {"study", source.name}
