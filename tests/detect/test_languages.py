"""Which stretches are not English: tables of right and wrong cases."""

import pytest

from tests.detect.helpers import utterances
from transcribe.detect import languages

FOREIGN = [
    ("No i wtedy moja mama powiedziała że muszę iść do lekarza", "pl"),
    ("y entonces mi madre me dijo que no podía quedarme sola", "es"),
    ("wel doedd gen i ddim syniad beth oedd yn digwydd", "und"),
    ("et puis ma mère m'a dit que je devais dormir un peu", "fr"),
    ("und dann hat meine mutter gesagt dass ich schlafen soll", "de"),
    ("And she said to me, és akkor azt mondta az anyám hogy nem szabad egyedül, you know", "hu"),
    ("قلت له أن الطفل لا ينام", "ar"),
    ("我昨天跟我妈妈说他不睡觉", "und"),  # no blank parts its words
    ("赤ちゃんがねむらないのです", "und"),
]


@pytest.mark.parametrize(("text", "language"), FOREIGN)
def test_foreign(text: str, language: str) -> None:
    found = languages.stretches(utterances(text), "en")
    assert [(s.utterance_id, s.language) for s in found] == [("U0001", language)]


def test_foreign_in_short_turns() -> None:
    turns = (
        "And then she rang.",
        "No i co powiedziała?",
        "Nie wiem przecież.",
        "Mm.",
        "Muszę już iść.",
        "Okay, so she left us.",
    )
    found = languages.stretches(utterances(*turns), "en")
    assert [s.utterance_id for s in found] == ["U0002", "U0003", "U0005"]


def test_english_in_short_turns() -> None:
    turns = (
        "Did she?",
        "Yeah, twice.",
        "Gosh.",
        "Over by the pond.",
        "Zsofia again?",
        "No, mum.",
        "Off to nursery then",
    )
    assert not languages.stretches(utterances(*turns), "en")


ENGLISH = [
    "Mm. Mm. Mmhm, uh, er, erm, yeah.",
    "And then Oluwaseun and Chidinma and Gwenllian Siobhan Aoife Zsofia Niamh came.",
    "goo goo ga ga boo boo ba ba goo goo",
    "It's 0 1 1 7, 4 9 6, 0 1 5 8.",
    "It's 0117-496-0158, or you can email me at www.tilda.quillon.atexample.com",
    "it's tilda.quillon.brown.atexample.org.uk now",
    "She calls it 小龙, you know, little dragon.",
    "We had jollof and pierogi and a croissant in the café afterwards.",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english(text: str) -> None:
    assert not languages.stretches(utterances(text), "en")
