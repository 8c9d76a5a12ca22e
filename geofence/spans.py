"""Stretches of time as plain lists, and what can be done with them.

What must stay true here: spans are in order, do not touch one another and are never empty; ends are exclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
Spans = tuple[Span, ...]
"""Microseconds, from the first moment to the first after it."""


def at_least(count: int, many: Iterable[Iterable[Span]]) -> Spans:
    """Return when at least ``count`` of ``many`` hold at once."""
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
    return at_least(1, many)


def common(*many: Iterable[Span]) -> Spans:
    """Return when all hold."""
    return at_least(len(many), [union(spans) for spans in many])


def without(spans: Spans, other: Sequence[Span]) -> Spans:
    """Return when ``spans`` hold and ``other`` do not."""
    if not spans:
        return ()
    edges = [spans[0][0], *(edge for span in other for edge in span), spans[-1][1]]
    free = tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)
    return common(spans, free)


def length(spans: Iterable[Span]) -> int:
    """Return how long they hold in all, in microseconds."""
    return sum(b - a for a, b in spans)


def clip(spans: Sequence[Span], start: int, end: int) -> Spans:
    """Return what of them lies between ``start`` and ``end``."""
    return tuple((max(a, start), min(b, end)) for a, b in spans if a < end and b > start)
