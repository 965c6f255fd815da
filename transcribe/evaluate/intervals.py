"""How far a rate can be trusted: a percentile bootstrap over documents (Efron 1979), with a fixed seed.

Where no draw can differ from another - every count is nought or full, or there is one document - the bootstrap would
say "0 to 0" of three cases as of three thousand; there Wilson's score interval (1927) stands instead.
"""

import math
from collections.abc import Sequence

import numpy as np

DRAWS = 1_000
SEED = 20_260_301
LEVEL = 0.95
_Z = 1.959964  # the normal quantile of (1 + LEVEL) / 2

Pair = tuple[int, int]


def interval(pairs: Sequence[Pair], *, within: bool = False) -> tuple[float, float] | None:
    """The 95 % interval of sum(count) / sum(of) over documents, each a pair (count, of); None where `of` is 0.

    With `within`, each drawn document's own cases are drawn again, too (counts must not exceed `of`): for few
    documents, whose cases vary as much as they do.
    """
    counted = [(count, of) for count, of in pairs if of]
    total, cases = sum(count for count, _ in counted), sum(of for _, of in counted)
    if not cases:
        return None
    if total in (0, cases) or (len(counted) < 2 and not within):
        return wilson(total, cases) if total <= cases else None
    drawn = np.random.default_rng(SEED)
    counts, of = (np.array(column, dtype=np.int64) for column in zip(*counted, strict=True))
    chosen = drawn.integers(len(counted), size=(DRAWS, len(counted)))
    hits = drawn.binomial(of[chosen], (counts / of)[chosen]) if within else counts[chosen]
    rates = hits.sum(axis=1) / of[chosen].sum(axis=1)
    edge = 50 * (1 - LEVEL)
    low, high = np.percentile(rates, [edge, 100 - edge])
    return float(low), float(high)


def wilson(count: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of count / of, for of > 0 and count <= of."""
    share, square = count / of, _Z * _Z
    centre = share + square / (2 * of)
    spread = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    low, high = (centre - spread) / (1 + square / of), (centre + spread) / (1 + square / of)
    return (0.0 if count == 0 else low), (1.0 if count == of else high)
