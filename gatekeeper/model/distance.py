"""How far two distributions lie apart.

Sources: the population stability index as in Siddiqi, Credit Risk Scorecards (2006), where 0.1 is a slight shift and
0.25 a serious one; Lin, Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37 (1991), of which
the square root is a metric (Endres, Schindelin 2003); Kolmogorov (1933) and Smirnov (1948).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log, log2, sqrt
from typing import Literal

Distance = Literal["psi", "jensen_shannon", "kolmogorov_smirnov"]
Shares = Sequence[float]


def psi(usual: Shares, now: Shares, least: float) -> float:
    """The population stability index. A share of nothing counts as `least`, half a row of the smaller side."""
    pairs = [(max(p, least), max(q, least)) for p, q in zip(now, usual, strict=True)]
    return sum((p - q) * log(p / q) for p, q in pairs)


def jensen_shannon(usual: Shares, now: Shares, least: float) -> float:
    """The Jensen-Shannon distance, from 0 to 1."""
    total = 0.0
    for p, q in zip(now, usual, strict=True):
        middle = (p + q) / 2
        total += sum(share * log2(share / middle) / 2 for share in (p, q) if share > 0)
    return sqrt(max(total, 0.0))


def kolmogorov_smirnov(usual: Shares, now: Shares, least: float) -> float:
    """The greatest difference of the two cumulative shares, from 0 to 1; the groups must have an order."""
    gap = far = 0.0
    for p, q in zip(now, usual, strict=True):
        gap += p - q
        far = max(far, abs(gap))
    return far


DISTANCES: Mapping[Distance, Callable[[Shares, Shares, float], float]] = {
    "psi": psi, "jensen_shannon": jensen_shannon, "kolmogorov_smirnov": kolmogorov_smirnov,
}  # fmt: skip
