"""Lists of names: many origins, folded single words, and how usual a word is."""

import pytest

from transcribe.detect import lexicon


@pytest.mark.parametrize(
    "name", ["oluwaseun", "siobhan", "niamh", "angharad", "zofia", "priya", "xiao", "fatima", "sophie", "will", "nick"]
)
def test_given_names_of_many_origins(name: str) -> None:
    assert name in lexicon.load().given


@pytest.mark.parametrize(
    ("word", "listed"), [("aberystwyth", True), ("nigeria", True), ("and", False), ("river", False)]
)
def test_places_without_the_common_words_of_their_names(word: str, listed: bool) -> None:
    assert (word in lexicon.load().places) is listed


def test_what_more_lists_hold_counts_more() -> None:
    given = lexicon.load().given
    assert given["anna"] > given["oluwaseun"] > 0
    assert lexicon.zipf("the") > 6 > lexicon.zipf("siobhan") > 0 == lexicon.zipf("qqzzxx")


def test_locales_can_be_left_out() -> None:
    some = lexicon.without(frozenset(["pl_PL"]))
    assert sum(some.given.values()) < sum(lexicon.load().given.values())
    assert "pl_PL" in lexicon.sources("people")
    assert lexicon.load().holds("anna")
    assert not lexicon.load().holds("wardrobe")
