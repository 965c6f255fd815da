"""Capitals for a text without any: same length, names rather than words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.detect.recase import recased


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i told siobhan and karen", "I told Siobhan and Karen"),
        ("we live in aberystwyth now", "we live in Aberystwyth now"),
        ("i hope it will be in may", "I hope it will be in may"),
        ("i'm tired and siobhan's asleep", "I'm tired and Siobhan's asleep"),
        ("my mum and the health visitor", "my mum and the health visitor"),
        ("then mrs o'brien's son, at ten o'clock", "then mrs O'Brien's son, at ten o'clock"),
        ("d'you know, o\u2019neill came", "d'you know, O\u2019Neill came"),
        ("we saw olwyddaran", "we saw Olwyddaran"),
        ("", ""),
    ],
)
def test_recased(text: str, expected: str) -> None:
    assert recased(text) == expected


@given(st.text())
def test_the_length_stays(text: str) -> None:
    assert len(recased(text)) == len(text)
    assert recased(text).casefold() == text.casefold()
