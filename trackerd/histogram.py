"""Counts how often a number was how large: what a mean hides.

What must stay true here: one thread adds, any thread reads; what is read belongs together, for it is one object put in
place of another; a batch costs one pass, however long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Seen(NamedTuple):
    """What was added up to some moment."""

    counts: NDArray[np.int64]
    """How many fell into each bucket, not added up; the last holds what is above every bound."""
    sum: float


class Histogram:
    """Numbers of one unit, in buckets."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """``bounds``: the greatest number each bucket takes, rising, in the unit of what is added."""
        self.bounds = tuple(bounds)
        self._edges = np.array(self.bounds, dtype=np.float64)
        self.seen = Seen(np.zeros(len(self.bounds) + 1, dtype=np.int64), 0.0)

    def add(self, numbers: ArrayLike) -> None:
        """Count these numbers; below nought (a clock that runs ahead) counts as nought."""
        values = np.maximum(np.asarray(numbers, dtype=np.float64).ravel(), 0.0)
        if len(values):
            fresh = np.bincount(np.searchsorted(self._edges, values), minlength=len(self.bounds) + 1)
            self.seen = Seen(self.seen.counts + fresh, self.seen.sum + float(values.sum()))
