"""Single records of what reviewers decided, damaged inside their seal: each is read or refused, the rest stands."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import add_detected, new_unlocked, person, transcript
from transcribe import store
from transcribe.errors import StoreError
from transcribe.review import corrections
from transcribe.review.corrections import corrected
from transcribe.review.log import Deed, Entry, Lost, Swap, history
from transcribe.schema import Decision, Kind, Verdict
from transcribe.vault import Unlocked

MARK = "Okonkwo"  # never in a message
TALK = transcript(("S1", f"My husband {MARK} works late."), ("S2", "And Poppy, how is she?"))
BASE = "0f" * 32
EXAMPLES = 150


def decision(turn: str, start: int, end: int) -> Decision:
    return Decision(
        utterance_id=turn, start=start, end=end, verdict=Verdict.ACCEPT, kind=Kind.PERSON, person_id="P1",
        reviewer="AB", at="2026-02-03T00:00:00Z",
    )  # fmt: skip


def entry(deed: Deed = Deed.ACT, **fields: Any) -> Entry:
    known = {"at": "2026-02-03T10:00:00Z", "reviewer": "AB", "base": BASE, "group": "h", "name": "accept"}
    return Entry(deed=deed, **{**known, **fields})


KEPT = decision("U0001", 11, 18)
FIRST = entry(group="g", decisions=(KEPT,))
SPLIT = corrections.split(TALK, "U0001", 2)
AFTER = corrected(TALK, (SPLIT,))
RECORDS = (
    entry(decisions=(decision("U0002", 4, 9), decision("U0001", 0, 2))),
    entry(corrections=(SPLIT, corrections.words(AFTER, AFTER.utterances[1].id, 0, 0, MARK))),
    entry(swaps=(Swap(before=person("P1", MARK), after=None),)),
    entry(Deed.SETTLE, seen=("U0001:11-18",)),
    entry(Deed.CARRY, decisions=(KEPT,), lost=(Lost(what="accept", text=MARK, utterance_id="U0001"),)),
    entry(Deed.UNDO, group="g"),
)


def written(body: bytes) -> bytes:
    """The record as `pack` would have written it: damage that no checksum tells."""
    header = {"schema": store.SCHEMA, "type": "Entry", "key": "", "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(header).encode() + b"\n" + body


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, one in inner for place in places(one, (*here, key)))]


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["", MARK, "U0001", "act", "undo", "0", "1e999", -1, 10**40, "2026", "P1"]),
)  # fmt: skip
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "start", "x"]), inner),
    max_leaves=4,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A record with up to three values retyped, left out, doubled or put elsewhere, or cut short as text."""
    record = json.loads(store.pack(draw(st.sampled_from(RECORDS))).partition(b"\n")[2])
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(places(record)[1:] or [("x",)]))
        holder = record
        for key in above:
            holder = holder[key]
        how = draw(st.sampled_from(["retype", "retype", "leave out", "double", "add"]))
        if how == "retype" or last not in (holder if isinstance(holder, dict) else range(len(holder))):
            holder[last] = draw(JUNK)
        elif how == "leave out":
            del holder[last]
        elif isinstance(holder, list):
            holder.append(holder[last] if how == "double" else draw(JUNK))
        else:
            holder[draw(st.sampled_from(list(record) or ["x"]))] = holder[last] if how == "double" else draw(JUNK)
    body = json.dumps(record).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=mutated())
def test_a_record_is_read_or_refused_and_what_was_decided_before_stands(body: bytes) -> None:
    read, said = None, ""
    try:
        read = store.unpack(written(body), Entry).value
    except StoreError as error:
        said = str(error)
    assert MARK not in said
    assert "\n" not in said
    if read is None:
        return
    past = history((FIRST, read), BASE)
    corrected(TALK, past.corrections)
    assert past.review().source == past.source
    about_it = read.base == BASE and (read.corrections or read.deed in (Deed.CARRY, Deed.UNDO, Deed.REDO))
    if not about_it:
        assert past.first[:1] == (KEPT,)


def test_most_of_the_damage_is_told() -> None:
    """Else the test above would prove little; what is still read differs in a text or a number."""
    for record in RECORDS:
        body = store.pack(record).partition(b"\n")[2]
        assert store.unpack(written(body), Entry).value == record
        for field in ("at", "reviewer", "deed", "base"):
            for junk in (None, [], {}, 7):
                with pytest.raises(StoreError):
                    store.unpack(written(json.dumps({**json.loads(body), field: junk}).encode()), Entry)


@pytest.fixture
def unlocked(tmp_path: Any) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", (person("P1", MARK),))
    add_detected(opened, TALK)
    return opened


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"at": 1}', b"[" * 100_000, b'{"at": "\xff"}'])
def test_a_record_on_the_disk_that_cannot_be_read_leaves_those_before_it(unlocked: Unlocked, body: bytes) -> None:
    unlocked.append("R001", FIRST)
    folder = unlocked.study.log_path("R001")
    public = unlocked.recording_key("R001").to_public()
    (folder / "000002.age").write_bytes(store.pyrage.encrypt(written(body), [public]))
    before = (folder / "000001.age").read_bytes()
    with pytest.raises(StoreError) as refused:
        unlocked.appended("R001", Entry)
    assert str(refused.value).startswith("R001: ")
    assert MARK not in str(refused.value)
    unlocked.append("R001", RECORDS[0])
    assert [path.name for path in store.numbered(folder)] == ["000001.age", "000002.age", "000003.age"]
    assert (folder / "000001.age").read_bytes() == before
    (folder / "000002.age").unlink()
    with pytest.raises(StoreError, match="a decision is lost"):
        unlocked.appended("R001", Entry)
    store.save(folder / "000002.age", RECORDS[0], public)
    assert unlocked.appended("R001", Entry) == (FIRST, RECORDS[0], RECORDS[0])


def test_a_correction_of_a_turn_that_a_lost_entry_split_off_is_left_out() -> None:
    split_off = AFTER.utterances[1]
    later = corrections.words(AFTER, split_off.id, 0, 0, "Then")
    joined = corrections.Correction(before=AFTER.utterances[:2], after=TALK.utterances[:1])
    for lost_before in (later, joined):
        past = history((FIRST, entry(corrections=(lost_before,))), BASE)
        assert corrected(TALK, past.corrections).utterances == TALK.utterances
    assert corrected(TALK, (SPLIT, later)).utterances[1].text.startswith("Then")
    assert corrected(TALK, (SPLIT, joined)).utterances == TALK.utterances
