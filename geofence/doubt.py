"""Which fixes of a walk cannot all be right: those that nobody could have walked between.

What must stay true here: a pair that cannot be joined by a walk is held against nobody: both are granted the error, and
the way between them the speed, that would explain it. Plain loops over plain numbers: this is compiled (setup.py), and
says the same where it is not.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from geofence.leaves import Floats

DOUBT_S: Final = 60.0
"""A fix that is wrong is seldom alone: its neighbours, so near in time, may share its error."""
FAR: Final = 64
"""So many fixes apart it is worth looking whether anybody can be too fast at all."""
UNEVEN: Final = 2.0
"""Who goes faster than he should goes so much faster, at times, than on the whole."""


def doubted(seconds: Floats, east: Floats, north: Floats, bounds: Floats, slow: float) -> tuple[vec[float], vec[float]]:
    """Return the error bounds (metres) and the speeds between neighbours (m/s) with which all can be joined by a walk.

    Of each fix, one after the other: its moment, where it is in metres, and how far it may be off; ``slow``: a walker's
    speed. Fixes 1, 2, 4, 8, … apart are looked at: who is too fast for long is found over a long stretch only.
    """
    when, xs, ys, bound = vec[float](seconds), vec[float](east), vec[float](north), vec[float](bounds)
    n: i64 = len(when)
    speed = vec[float]([slow] * max(n - 1, 0))
    lag: i64 = 1
    wide = sqrt(_extent(xs) ** 2 + _extent(ys) ** 2)
    while lag < n and (lag < FAR or slow * _least(when, lag) < wide):  # nobody is farther apart than all are
        was = vec[float](bound)
        a: i64 = 0
        while a < n - lag:
            b = a + lag
            took, x, y = when[b] - when[a], xs[b] - xs[a], ys[b] - ys[a]
            reach = slow * took + was[b] + was[a]
            if x * x + y * y > reach * reach:
                apart = sqrt(x * x + y * y)
                _raise(speed, a, b, UNEVEN * (apart + was[a] + was[b]) / took)
                if took <= DOUBT_S:
                    least = apart + max(was[a], was[b]) + slow * took
                    _raise(bound, _first(when, when[a] - DOUBT_S), _first(when, when[b] + DOUBT_S), least)
            a += 1
        lag *= 2
    return bound, speed


def _extent(numbers: vec[float]) -> float:
    """Return how far the least of them, of which there are some, is from the greatest."""
    low, high = numbers[0], numbers[0]
    i: i64 = 1
    while i < len(numbers):
        low, high = min(low, numbers[i]), max(high, numbers[i])
        i += 1
    return high - low


def _least(when: vec[float], lag: i64) -> float:
    """Return the least time between two moments so many apart."""
    least = when[len(when) - 1] - when[0]
    i: i64 = lag
    while i < len(when):
        least = min(least, when[i] - when[i - lag])
        i += 1
    return least


def _raise(numbers: vec[float], first: i64, end: i64, least: float) -> None:
    """Let none of them from ``first`` to before ``end`` be less."""
    while first < end:
        numbers[first] = max(numbers[first], least)
        first += 1


def _first(numbers: vec[float], least: float) -> i64:
    """Return the place of the first of ascending numbers that is no less."""
    low: i64 = 0
    high: i64 = len(numbers)
    while low < high:
        middle = (low + high) >> 1
        if numbers[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low
