"""Artefacts on the disk: what goes in comes back, or is refused in one sentence."""

import dataclasses
import errno
import io
import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MADE_BY, files_up_to, finding, heard, person, says_nothing_of, transcript, turns
from transcribe import schema, store
from transcribe.errors import LockedError, StoreError
from transcribe.schema import Decision, Findings, Kind, Recording, Verdict, Words

KEY = store.new_identity()
SECRET = "Karen said Okonkwo"


def values(cls: type) -> st.SearchStrategy[Any]:
    """Any value of a schema type, with finite numbers and text that UTF-8 can hold."""
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    with_floats = {float: st.floats(allow_nan=False, allow_infinity=False), str: text, bool: st.booleans()}

    def of(hint: Any) -> st.SearchStrategy[Any]:
        if dataclasses.is_dataclass(hint):
            return values(hint)  # type: ignore[arg-type]
        arguments = get_args(hint)
        if getattr(hint, "__origin__", None) is tuple:
            if arguments[-1] is Ellipsis:
                return st.lists(of(arguments[0]), max_size=3).map(tuple)
            return st.tuples(*map(of, arguments))
        if arguments:
            return st.one_of(*map(of, arguments))
        return with_floats[hint] if hint in with_floats else st.from_type(hint)

    return st.builds(cls, **{f.name: of(f.type) for f in dataclasses.fields(cls)})


TYPES = [
    cls
    for cls in vars(schema).values()
    if dataclasses.is_dataclass(cls) and cls.__name__ != "Audio" and isinstance(cls, type)
]


@pytest.mark.parametrize("cls", TYPES, ids=lambda c: c.__name__)
def test_every_type_of_the_schema_comes_back_as_it_went_in(cls: type) -> None:
    @settings(max_examples=15, deadline=None)
    @given(values(cls))
    def check(value: Any) -> None:
        back = store.unpack(store.pack(value, "a-key"), cls)
        assert back.value == value
        assert back.key == "a-key"

    check()


def test_a_saved_value_is_ciphertext_and_loads_with_its_key_alone(tmp_path: Path) -> None:
    path = tmp_path / "words.age"
    store.save(path, heard(SECRET), KEY.to_public(), "job")
    data = path.read_bytes()
    assert data.startswith(b"age-encryption.org/v1")
    assert b"Karen" not in data
    loaded = store.load(path, Words, KEY)
    assert (loaded.value, loaded.key) == (heard(SECRET), "job")
    with pytest.raises(StoreError) as refused:
        store.load(path, Words, store.new_identity())
    says_nothing_of(refused.value, SECRET)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 0.8, 0.999])
def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path, share: float) -> None:
    path = tmp_path / "words.age"
    store.save(path, heard(SECRET), KEY.to_public())
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError) as refused:
        store.load(path, Words, KEY)
    says_nothing_of(refused.value, SECRET)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("length", [0, 1, 20, 100, 250])
def test_a_file_cut_short_is_noticed(tmp_path: Path, length: int) -> None:
    path = tmp_path / "words.age"
    store.save(path, heard(SECRET), KEY.to_public())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreError):
        store.load(path, Words, KEY)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_in_the_plain_artefact_is_noticed_too(place: int, bit: int) -> None:
    good = store.pack(heard(SECRET), "job")
    data = bytearray(good)
    data[place % len(data)] ^= 1 << bit
    try:
        back = store.unpack(bytes(data), Words)
    except StoreError as error:
        says_nothing_of(error, SECRET)
    else:  # the job key and the version alone stand outside the checksum: another key only means work done again
        assert back.value == heard(SECRET)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"Karen",
        b"[]\n{}",
        b"null\nnull",
        b'{"schema": 1}\n{}',
        b'{"schema": "Karen", "type": "Words", "key": "", "sha256": ""}\n{}',
        b'{"schema": 1, "type": "Karen Okonkwo", "key": "", "sha256": ""}\n{}',
        b'{"schema": 1, "type": ["Words"], "key": "", "sha256": ""}\n{}',
        b'{"schema": 1, "type": "Words", "key": 5, "sha256": ""}\n{}',
        b"\xff\xfe\x00\n",
    ],
)
def test_a_file_that_is_no_artefact_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(StoreError) as refused:
        store.unpack(data, Words)
    says_nothing_of(refused.value, SECRET)


def changed(**fields: object) -> bytes:
    head, _, body = store.pack(heard(SECRET)).partition(b"\n")
    return json.dumps({**json.loads(head), **fields}).encode() + b"\n" + body


def test_a_newer_version_says_to_use_a_newer_program() -> None:
    with pytest.raises(StoreError, match="use a newer version"):
        store.unpack(changed(schema=store.SCHEMA + 1), Words)


# --- what older versions wrote ----------------------------------------------------------------------------------------


def written_by(number: int, body: dict[str, Any]) -> bytes:
    """A file of an older schema, whose body need not fit today's type."""
    text = json.dumps(body).encode()
    head = {"schema": number, "type": "MadeBy", "key": "k", "sha256": store.hashlib.sha256(text).hexdigest()}
    return json.dumps(head).encode() + b"\n" + text


def of_schema_1(body: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 said "by" for the stage, schema 2 "step"."""
    return {**{k: v for k, v in body.items() if k != "by"}, "step": body["by"]}


def of_schema_2(body: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in body.items() if k != "step"}, "stage": body["step"]}


@pytest.mark.parametrize(("number", "name"), [(1, "by"), (2, "step"), (3, "stage")])
def test_what_older_versions_wrote_is_read_by_small_steps(
    monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    monkeypatch.setattr(store, "SCHEMA", 3)
    monkeypatch.setattr(store, "STEPS", {1: {"MadeBy": of_schema_1}, 2: {"MadeBy": of_schema_2}})
    plain = json.loads(store.raw(store.pack(MADE_BY)).body)
    body = {k: v for k, v in plain.items() if k != "stage"} | {name: "test"}
    data = written_by(number, body)
    back = store.unpack(data, schema.MadeBy)
    assert (back.value, back.key) == (MADE_BY, "k")
    assert back.body_sha256 == store.raw(data).sha256  # whatever points to it by its checksum still does
    assert store.raw(store.pack(back.value)).schema == 3
    head, _, text = data.partition(b"\n")
    with pytest.raises(StoreError, match="checksum"):
        store.unpack(head + b"\n" + text.replace(b"test", b"rest"), schema.MadeBy)


def test_a_type_without_a_step_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    data = store.pack(heard(SECRET))
    monkeypatch.setattr(store, "SCHEMA", 4)
    monkeypatch.setattr(store, "STEPS", {2: {"MadeBy": of_schema_1}})
    assert store.unpack(data, Words).value == heard(SECRET)


def test_a_step_that_is_missing_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SCHEMA", 3)
    with pytest.raises(StoreError, match="no readable MadeBy") as refused:
        store.unpack(written_by(1, {"by": SECRET}), schema.MadeBy)
    says_nothing_of(refused.value, SECRET)


def test_another_type_is_not_taken_for_this_one() -> None:
    with pytest.raises(StoreError, match="is no Words"):
        store.unpack(store.pack(turns((0, 1, "S1"))), Words)


def test_a_body_that_does_not_fit_its_type_shows_nothing_of_itself() -> None:
    body = json.dumps({"words": SECRET}).encode()
    head = {"schema": 1, "type": "Words", "key": "", "sha256": store.hashlib.sha256(body).hexdigest()}
    with pytest.raises(StoreError) as refused:
        store.unpack(json.dumps(head).encode() + b"\n" + body, Words)
    says_nothing_of(refused.value, SECRET)
    assert refused.value.__suppress_context__


# --- atomic writes ----------------------------------------------------------------------------------------------------


class Interrupted(BaseException):
    """As KeyboardInterrupt: no Exception."""


@pytest.mark.parametrize("error", [OSError, Interrupted])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.age"
    store.write_bytes(path, b"old")

    def fail(sink: Any, temporary: Path) -> None:
        sink.write(b"half of the new")
        assert temporary.exists()
        raise error

    with pytest.raises(error):
        store.write_atomically(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.age"]
    assert path.read_bytes() == b"old"


def test_a_failing_sync_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.age"
    store.write_bytes(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write_bytes(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.age"]
    assert path.read_bytes() == b"old"


def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.write_bytes(tmp_path / "deep" / "a.age", b"x")
        store.append_line(tmp_path / "lines.jsonl", "{}")
    finally:
        os.umask(before)
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "deep" / "a.age").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lines.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_torn_line_spoils_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    store.append_line(path, '{"n": 1}')
    with path.open("ab") as file:
        file.write(b'{"n": 2, "x": "\xc3')
    store.append_line(path, '{"n": 3}')
    store.append_line(path, '{"n": 4}')
    assert [line["n"] for line in store.read_lines(path)] == [1, 3, 4]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert list(store.read_lines(tmp_path / "none.jsonl")) == []


# --- sound and secrets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 300_000])
def test_sound_is_streamed_in_and_out_unchanged(tmp_path: Path, size: int) -> None:
    plain = os.urandom(size)
    checksum = store.encrypt_file(io.BytesIO(plain), tmp_path / "R001.age", KEY)
    assert checksum == store.hashlib.sha256(plain).hexdigest()
    out = io.BytesIO()
    store.decrypt_file(tmp_path / "R001.age", out, KEY)
    assert out.getvalue() == plain


def test_a_copy_that_comes_back_different_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(source: Any, sink: Any, keys: Any) -> None:
        sink.write(b"other")

    monkeypatch.setattr(store.pyrage, "decrypt_io", wrong)
    with pytest.raises(StoreError, match="differs"):
        store.encrypt_file(io.BytesIO(b"sound"), tmp_path / "R001.age", KEY)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_recording_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "R001.age"
    store.encrypt_file(io.BytesIO(b"sound" * 1000), path, KEY)
    data = bytearray(path.read_bytes())
    data[-10] ^= 4
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        store.decrypt_file(path, io.BytesIO(), KEY)


@pytest.mark.parametrize("text", ["", "AGE-SECRET-KEY-1XYZ", "age1abc", "hunter2"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(LockedError) as refused:
        store.identity(text)
    assert not text or text not in str(refused.value)
    with pytest.raises(StoreError):
        store.recipient(text)


PRINTED = [
    heard(SECRET),
    transcript(("S1", SECRET)),
    person("P1", SECRET, pseudonym="Amelia"),
    Findings(found=(finding("U1", 0, 3, None),), kept=(), made_by=(MADE_BY,)),
    Recording(id="R1", sha256="Karen", duration_s=1, sample_rate_hz=1, channels=1),
    Decision(utterance_id="U1", start=0, end=1, verdict=Verdict.ADD, kind=Kind.PERSON, person_id="P1", reviewer="Karen",
             at=""),
    store.Stored(value=SECRET, key="Karen", body_sha256=""),
]  # fmt: skip


@pytest.mark.parametrize("value", PRINTED, ids=lambda v: type(v).__name__)
def test_nothing_shows_its_content_when_printed(value: object) -> None:
    for shown in (repr(value), str(value), f"{[value]!r}", repr({"a": (value,)})):
        says_nothing_of(shown, SECRET, "Amelia")


def test_numbered_files_come_in_order_and_from_where_one_left_off(tmp_path: Path) -> None:
    key = store.new_identity()
    assert store.numbered(tmp_path / "log") == []
    for _ in range(11):
        with store.adding(tmp_path / "log", key.to_public()) as add:
            add(MADE_BY)
    (tmp_path / "log" / ".000012.age.1a2b3c4d.tmp").touch()
    (tmp_path / "log" / "notes.age").touch()
    assert [path.stem for path in store.numbered(tmp_path / "log", 9)] == ["000010", "000011"]
    assert len(store.numbered(tmp_path / "log")) == 11


def test_a_recording_that_does_not_fit_the_disk_is_trouble_of_the_disk(tmp_path: Path) -> None:
    with files_up_to(10_000), pytest.raises(OSError, match="File too large") as caught:
        store.encrypt_file(io.BytesIO(bytes(100_000)), tmp_path / "R001.age", KEY)
    assert "file too large" in str(store.disk_error(caught.value))
    assert list(tmp_path.iterdir()) == []
    assert store.disk_error(BrokenPipeError(errno.EPIPE, "x")) is None


def test_a_line_that_does_not_fit_leaves_no_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    store.append_line(path, '{"a": 1}')
    with files_up_to(12), pytest.raises(OSError, match="No space left"):
        store.append_line(path, '{"b": 2}')
    assert path.read_text() == '{"a": 1}\n'
