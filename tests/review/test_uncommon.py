"""Capitalised words inside a sentence, without those that have their capital for a usual reason."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from transcribe.review.uncommon import uncommon
from transcribe.schema import Utterance


def said(text: str) -> Utterance:
    return builders.transcript(("S1", text)).utterances[0]


CASES = [  # said, the words that are shown
    ("and then Briony came", "Briony"),
    ("Briony came", ""),
    ("I saw her. Briony came! Then Tom went? Yes, Anna did", "Tom Anna"),
    ("well... Briony came, and … Tom", ""),
    ("she said “Briony, come” and (Tom) went", "“Briony, (Tom)"),
    ("he said. “Briony” came", ""),
    ("he said — Briony — came", "Briony"),
    ("I'm sure I’ve said I would, I'd say", ""),
    ("on Monday, in March and May, or at Christmas's end", ""),
    ("we speak English and Polish at home", ""),
    ("the GP and the GPs' TV in the NHS's A&E is OK, he has a PhD", ""),
    ("my Mum and your Dad's", ""),
    ("I told Dr. Whitmore and Mrs Osei", "Whitmore Osei"),
    ("it was J. Whitmore there", "J. Whitmore"),
    ("so did I. Then we went", ""),
    ("with al-Hassan and mid-May and non-English", "al-Hassan"),
    ("the ferry.Then home", ""),
    ("to Pip and the PIP form", "Pip"),
    ("in Zsófia's and Łódź", "Zsófia's Łódź"),
    ("OH MY GOD BRIONY", ""),
    ("an iPhone, 3D and 5 Euros", "Euros"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_what_is_shown(text: str, shown: str) -> None:
    utterance = said(text)
    assert [utterance.words[n].text.strip().rstrip(",") for n in uncommon(utterance, ())] == [
        word.rstrip(",") for word in shown.split()
    ]


def test_what_a_mark_touches_is_not() -> None:
    utterance = said("and then Briony Whitmore-Osei came with Briony")
    assert uncommon(utterance, [(9, 15)]) == (3, 6)
    assert uncommon(utterance, [(25, 29)]) == (2, 6)
    assert uncommon(utterance, [(15, 16), (0, 9)]) == (2, 3, 6)
    assert uncommon(utterance, [(38, 44), (9, 29)]) == ()


def test_a_word_of_several_is_shown_once() -> None:
    whole = said("and Briony")
    one = replace(whole, words=(replace(whole.words[0], text="and Briony met Tom"),))
    assert uncommon(one, ()) == (0,)
    assert uncommon(one, [(4, 10)]) == (0,)
    assert uncommon(one, [(4, 10), (15, 18)]) == ()


@given(st.text(alphabet=st.characters(max_codepoint=0x250), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_whatever_is_said_only_words_with_a_capital_are_shown(text: str, start: int, end: int) -> None:
    utterance = said(text)
    shown = uncommon(utterance, [(start, end)])
    assert list(shown) == sorted(set(shown))
    assert all(re.search(r"[^\W\d_]", utterance.words[n].text) for n in shown)
    assert all(utterance.words[n].text != utterance.words[n].text.lower() for n in shown)
    assert set(shown) <= set(uncommon(utterance, ()))
    assert uncommon(utterance, [(0, len(text))]) == ()
