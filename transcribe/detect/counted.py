"""What runs of numbers only count: "30, 40 minutes", "two, three, four", "10,000,000", "fifty fifty"."""

import re
from collections.abc import Sequence
from itertools import pairwise

from transcribe.detect.numerals import Item, Tokens, tables

_DIGITS = 10  # a longer item is no quantity
_SPELT = 8  # at most so many digits in a row are counts of something
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+|.*[£$€%].*|.*\d\.\d.*")


def some(tokens: Tokens, items: Sequence[Item], code: bool, called: bool) -> bool:
    """Whether a unit follows, or steps are equal: "30, 40 minutes", "20, 30, 40" (of no `code`), "fifty fifty" (unless
    it was `called` a code, pin or number).
    """
    chars = [item.chars for item in items]
    if sum(map(len, chars)) > _SPELT or any(len(one) > 3 or one[0] in "O0" for one in chars):
        return False
    steps = _steps(_values(items))
    units = (tables()["context"]["units"] - {"of"}) | tables()["context"]["measures"]
    following = items[-1].last + 1
    measured = tokens.near(following) and tokens.gap(following) in (" ", "-") and tokens.words[following] in units
    if measured and (len(steps) == 1 or max(map(len, chars)) > 1):
        return True
    if len(chars) == 2:
        return steps == {0} and len(chars[0]) == 2 and not called
    return len(chars) > 2 and len(steps) == 1 and max(map(len, chars)) > 1 and not code


def ordinary(tokens: Tokens, items: Sequence[Item]) -> bool:
    """Counting, money, thousands, years, and one number after another: "two, three, four", "10,000,000"."""
    if any(len(item.chars) > _DIGITS for item in items):
        return False
    values = _values(items)
    if len(_steps(values)) == 1 or all(1800 < value < 2100 for value in values):
        return True
    if len(values) > 3 and len(set(values)) <= 3:
        return True
    text = " ".join(tokens.texts[here][max(0, start - 1) : end + 1] for here, start, end in
                    tokens.pieces(items[0].first, items[-1].last))  # fmt: skip
    compact = text.strip(" ,.?!")
    return bool(_THOUSANDS.fullmatch(compact)) or (max(values) >= 1000 > min(values) and len(items) < 4)


def _values(items: Sequence[Item]) -> list[int]:
    return [int(item.digits) for item in items]


def _steps(values: list[int]) -> set[int]:
    return {after - before for before, after in pairwise(values)}
