"""No bytes get anything out of a parser but its documented errors, none of which shows a part of them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.parsers import MARK, PARSERS, check

EXAMPLES = 100  # of each parser
FUZZED = ("roster", "srt")  # the others by hand: python -m tests.hostile.fuzz NAME SECONDS
FUZZED_S = 5
LONGEST_S = 20.0  # for the bombs below, on a machine at work

_BITS = st.one_of(st.binary(max_size=12), st.just(MARK.encode()), st.sampled_from([
    b"\0", b'"', b"'", b"\n", b"\r\n", b",", b";", b":", b"[", b"{", b"[[[[[", b'{"a":', b"9" * 5000, b"-->", b"&#x0;",
    b"<!DOCTYPE x>", b"]]>", b"\xff\xfe", b"\xed\xa0\x80", "\u202e\u2028\ufeff\ufffe".encode(), b"=1+1", b"NaN",
    b"1e999", b"\\ud800", b"../../", b"\x1b[31m",
]))  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, wholes: tuple[bytes, ...]) -> bytes:
    """A whole file with up to four places cut out, doubled or written over."""
    data = draw(st.sampled_from(wholes))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        data = draw(st.sampled_from([
            data[:start] + draw(_BITS) + data[end:],
            data[:start] + draw(_BITS) + data[start:],
            data[:end] + data[start:],
        ]))  # fmt: skip
    return data


@pytest.mark.parametrize("name", PARSERS)
def test_whole_files_are_read(name: str) -> None:
    for whole in PARSERS[name].wholes:
        PARSERS[name].read(whole)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_only_documented_errors_come_out(name: str, data: st.DataObject) -> None:
    check(PARSERS[name], data.draw(mutated(PARSERS[name].wholes)))


ROW = b"P%d,person,participant,Name %s,,,Chosen%d\n"
HEAD = b"id,kind,role,names,relation,of,pseudonym\n"
CUE = b"1\n00:00:01,000 --> 00:00:02,000\n"
BOMBS = {
    "roster of formulas": ("roster", HEAD + b'P1,person,participant,"=HYPERLINK(""http://x"",""' + b'Okonkwo"")",,,\n'),
    "roster in UTF-16": ("roster", HEAD.decode().encode("utf-16")),
    "roster with a cell of a megabyte": ("roster", HEAD + b"P1,person,participant," + b"K" * 1_000_000 + b",,,\n"),
    "roster of commas": ("roster", HEAD + b"," * 4_000_000),
    "roster of ten thousand": ("roster", HEAD + b"".join(
        ROW % (n, bytes(97 + int(d) for d in str(n)), n) for n in range(10_000))),
    "settings of brackets": ("study.toml", b"a = " + b"[" * 20_000),
    "settings of tables": ("study.toml", b"a = " + b"{a=" * 9_000),
    "settings of one key": ("study.toml", b".".join([b"a"] * 9_000) + b" = 1"),
    "settings of one number": ("study.toml", b"threads = " + b"9" * 20_000),
    "settings of 10 MB": ("study.toml", b"#" * 10_000_000),
    "settings with a name for a key": ("study.toml", b'"Karen Okonkwo\\u001b[31m" = 1'),
    "settings with a name for a role": ("study.toml", b'[policy.roles]\n"Karen Okonkwo" = "no"'),
    "journal of brackets": ("journal", b"[" * 100_000),
    "audit of brackets": ("audit", b'{"previous":' * 50_000),
    "artefact of brackets": ("artefact", b"[" * 100_000),
    "artefact of one number": ("artefact", b'{"schema": ' + b"9" * 5000 + b"}\n"),
    "turn of forty thousand lines": ("txt", b"I: a\n" + b"b\n" * 40_000),
    "text of 6 MB": ("txt", b"I: Okonkwo\n" * 550_000),
    "cue of forty thousand lines": ("srt", CUE + b"b\n" * 40_000),
    "forty thousand cues": ("srt", (CUE + b"b\n\n") * 40_000),
    "cue of forty thousand voices": ("vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<v K>b" * 40_000),
    "time of ten thousand digits": ("srt", b"1\n" + b"0" * 10_000 + b":00:01,000 --> 00:00:02,000\nx"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_in_bounded_time(bomb: str) -> None:
    name, data = BOMBS[bomb]
    started = time.process_time()
    check(PARSERS[name], data)
    assert time.process_time() - started < LONGEST_S


@pytest.mark.skipif(sys.platform != "linux", reason="atheris comes as wheels for Linux")
@pytest.mark.parametrize("name", FUZZED)
def test_guided_by_coverage(name: str) -> None:
    pytest.importorskip("atheris")
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.fuzz", name, str(FUZZED_S)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.returncode == 0, done.stderr[-2000:]
