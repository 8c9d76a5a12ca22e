"""How long a device can, and must, have been inside: the space-time prism over one zone.

What must stay true here: if no error exceeds its bound and nobody goes faster than the speed given, the time truly
spent inside lies between ``certain`` and ``possible``; one fix more never widens them. A fix puts the depth inside
the zone (negative outside) between ``low`` and ``high``; depth changes no faster than the device goes, so each fix
casts a cone before and behind it (Hägerstrand 1970; Kuijpers, Miller & Othman 2017). Belief does not come into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mypy_extensions import mypyc_attr

from geofence.model import SECOND, Micros

Span = tuple[int, int]
DEEP_M: Final = 500.0
"""Metres: what a depth is called that nothing is known of."""
PIECES: Final = 48
"""So many unsettled spans are kept; older ones count as they are."""


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Prism:
    """What is known of one device and zone since ``since``, up to the fix ``at``."""

    since: Final[Micros]
    at: Final[Micros]
    low: Final[float]
    """Least depth at ``at``."""
    high: Final[float]
    """Greatest depth at ``at``."""
    unsure: Final[tuple[Span, ...]]
    """When it may have been outside; all other time since ``since`` it was inside."""
    maybe: Final[tuple[Span, ...]]
    """When it may have been inside; may begin before ``since``."""
    doubt: Final[int]
    """Microseconds may-be outside that are settled."""
    hope: Final[int]
    """Microseconds may-be inside that are settled."""

    def __init__(
        self,
        since: Micros,
        at: Micros,
        low: float,
        high: float,
        unsure: tuple[Span, ...] = (),
        maybe: tuple[Span, ...] = (),
        doubt: int = 0,
        hope: int = 0,
    ) -> None:
        self.since = since
        self.at = at
        self.low = low
        self.high = high
        self.unsure = unsure
        self.maybe = maybe
        self.doubt = doubt
        self.hope = hope


def begin(at: Micros, low: float, high: float) -> Prism:
    """Return the prism of one fix, nothing being known before it."""
    return Prism(at, at, low, high)


def extend(prism: Prism, at: Micros, low: float, high: float, speed: float) -> Prism:
    """Add the fix ``at``, which puts the depth between ``low`` and ``high``."""
    per_m = SECOND / speed
    span = (at - prism.at) / per_m
    unsure = _gap(prism.unsure, prism.at, at, prism.low * per_m, low * per_m)
    maybe = _gap(prism.maybe, prism.at, at, -prism.high * per_m, -high * per_m)
    doubt, hope = prism.doubt, prism.hope
    if len(unsure) > PIECES:
        doubt += unsure[0][1] - unsure[0][0]
        unsure = unsure[1:]
    if len(maybe) > PIECES:
        hope += maybe[0][1] - maybe[0][0]
        maybe = maybe[1:]
    if prism.low - span <= high and low <= prism.high + span:  # or else a bound was broken: begin anew
        low, high = max(low, prism.low - span), min(high, prism.high + span)
    return Prism(prism.since, at, low, high, unsure, maybe, doubt, hope)


def calm(prism: Prism, at: Micros, low: float) -> Prism:
    """Return the prism ``at``, all fixes up to it having put the depth above ``low`` at short intervals."""
    maybe = _joined(prism.maybe, prism.at, at)
    return Prism(prism.since, at, low, DEEP_M, prism.unsure, maybe, prism.doubt, prism.hope)


def restart(prism: Prism) -> Prism:
    """Forget all before now, but for the unbroken time up to now that it may have been inside."""
    last = prism.maybe[-1:] if prism.maybe and prism.maybe[-1][1] >= prism.at else ()
    return Prism(prism.at, prism.at, prism.low, prism.high, (), last)


def clip(prism: Prism, since: Micros) -> Prism:
    """Count certain time from ``since``."""
    unsure = tuple([(max(a, since), b) for a, b in prism.unsure if b > since])
    return Prism(since, prism.at, prism.low, prism.high, unsure, prism.maybe, prism.doubt, prism.hope)


def certain_s(prism: Prism, until: Micros) -> float:
    """Return the seconds it must have been inside from ``since`` to ``until``."""
    out = prism.doubt + sum([max(0, min(b, until) - a) for a, b in prism.unsure])
    return max(0, until - prism.since - out) / SECOND


def possible_s(prism: Prism) -> float:
    """Return the seconds it can have been inside, in one stretch or with breaks, up to now."""
    return (prism.hope + sum([b - a for a, b in prism.maybe])) / SECOND


def _gap(spans: tuple[Span, ...], a: int, b: int, ahead: float, behind: float) -> tuple[Span, ...]:
    """Add the open time between ``a`` and ``b``, less what the cone ahead of ``a`` and the one behind ``b`` close."""
    start = a + int(ahead) if ahead > 0 else a
    end = b - int(behind) if behind > 0 else b
    if start < end:
        return _joined(spans, start, end)
    while spans and spans[-1][1] > end:
        spans = spans[:-1] if spans[-1][0] >= end else spans[:-1] + ((spans[-1][0], end),)
    return spans


def _joined(spans: tuple[Span, ...], a: int, b: int) -> tuple[Span, ...]:
    if spans and spans[-1][1] >= a:
        a, spans = spans[-1][0], spans[:-1]
    return spans + ((a, b),) if a < b else spans
