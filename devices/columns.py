"""Columns of numbers as a fix's may be: the same as ``position`` and ``accuracy`` make of them one by one.

What must stay true here: what cannot be true of what stands beside a position is NaN, and never refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from devices import accuracy
from geofence.model import FloatColumn, IntColumn


def numbers(rows: Sequence[Sequence[float | None]], width: int) -> NDArray[np.float64]:
    """Return rows of so many numbers each, NaN for None."""
    try:
        return np.fromiter(chain.from_iterable(rows), np.float64, width * len(rows)).reshape(-1, width)
    except TypeError:  # there is a None
        return np.array(rows, dtype=np.float64).reshape(-1, width)


def micros(seconds: FloatColumn) -> IntColumn:
    """Return moments, given in seconds since 1970, in microseconds."""
    return np.rint(seconds * 1e6).astype(np.int64)


def stated(accuracy_m: FloatColumn) -> FloatColumn:
    """Return the errors receivers state, in metres."""
    return np.where((accuracy_m > 0) & (accuracy_m <= accuracy.MOST_M), accuracy_m, np.nan)


def speed(mps: FloatColumn) -> FloatColumn:
    """Return speeds over ground in metres a second."""
    return in_range(mps, 0.0, 10_000.0)


def course(deg: FloatColumn) -> FloatColumn:
    """Return courses in degrees, 0 inclusive to 360 exclusive."""
    known = in_range(deg, 0.0, 360.0)
    return known if np.isnan(known).all() else known % 360.0


def altitude(metres: FloatColumn) -> FloatColumn:
    """Return altitudes in metres."""
    return in_range(metres, -20_000.0, 100_000.0)


def in_range(values: FloatColumn, low: float, high: float) -> FloatColumn:
    """Return the values that can be true, NaN for the others."""
    return np.where((values >= low) & (values <= high), values, np.nan)
