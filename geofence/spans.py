"""Stretches of time as plain lists, and what can be done with them.

What must stay true here: what is returned is in order, does not touch and is never empty; ends are exclusive. What is
given may be in any order, may overlap, touch and be empty, unless it is called Spans.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise

Span = tuple[int, int]
Spans = tuple[Span, ...]
"""Microseconds, from the first moment to the first after it."""


def at_least(count: int, many: Iterable[Iterable[Span]]) -> Spans:
    """Return when at least ``count`` of ``many`` hold at once; each of them has no overlap in itself."""
    if count == 1:
        return union(*many)
    turns = [turn for spans in many for a, b in spans if a < b for turn in ((a, -1), (b, 1))]
    found: list[Span] = []
    holding, since = 0, 0
    for moment, step in sorted(turns):  # what begins at a moment comes before what ends then, so neighbours join
        before, holding = holding, holding - step
        if before < count <= holding:
            since = moment
        elif holding < count <= before and since < moment:
            found.append((since, moment))
    return tuple(found)


def union(*many: Iterable[Span]) -> Spans:
    """Return when any holds."""
    if len(many) == 1 and isinstance(many[0], tuple) and _tidy(many[0]):
        return many[0]
    found: list[Span] = []
    for a, b in sorted(span for spans in many for span in spans):
        if a >= b:
            continue
        if found and a <= found[-1][1]:
            if b > found[-1][1]:
                found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return tuple(found)


def _tidy(spans: tuple[Span, ...]) -> bool:
    """Return whether they are Spans as they are."""
    last: int | None = None
    for a, b in spans:
        if a >= b or (last is not None and a <= last):
            return False
        last = b
    return True


def common(*many: Iterable[Span]) -> Spans:
    """Return when all hold."""
    return reduce(_both, map(union, many)) if many else ()


def without(spans: Iterable[Span], other: Iterable[Span]) -> Spans:
    """Return when ``spans`` hold and ``other`` do not."""
    whole, gone = union(spans), union(other)
    if not whole or not gone:
        return whole
    edges = [whole[0][0], *(edge for span in gone for edge in span), whole[-1][1]]
    return _both(whole, tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b))


def bridged(spans: Spans, hole: int) -> Spans:
    """Return the spans with what lies between two of them, where that is shorter than ``hole``."""
    return union(spans, ((a, b) for (_, a), (b, _) in pairwise(spans) if b - a < hole))


def length(spans: Iterable[Span]) -> int:
    """Return how long they hold in all, in microseconds."""
    return sum(b - a for a, b in spans)


def clip(spans: Iterable[Span], start: int, end: int) -> Spans:
    """Return what of them lies between ``start`` and ``end``."""
    return tuple((max(a, start), min(b, end)) for a, b in spans if max(a, start) < min(b, end))


def _both(one: Spans, other: Spans) -> Spans:
    """Return when both hold."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        (a, b), (c, d) = one[i], other[j]
        if a < d and c < b:
            found.append((max(a, c), min(b, d)))
        i, j = (i + 1, j) if b <= d else (i, j + 1)
    return tuple(found)
