"""Spans are sets of moments: each operation does what the same does to a set of small integers."""

from __future__ import annotations

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from geofence.spans import Span, Spans, at_least, bridged, clip, common, length, union, without

MOST = 14
span = st.tuples(st.integers(0, MOST), st.integers(0, MOST))
loose = st.lists(span, max_size=5)
"""In any order, overlapping, touching, empty."""
tidy = loose.map(union)


def moments(spans: list[Span] | Spans) -> set[int]:
    return set(chain.from_iterable(range(a, b) for a, b in spans))


def is_tidy(spans: Spans) -> bool:
    edges = [edge for one in spans for edge in one]
    return all(a < b for a, b in pairwise(edges))


@given(st.lists(tidy, max_size=4), st.integers(1, 4))
def test_at_least(many: list[Spans], count: int) -> None:
    found = at_least(count, many)
    assert is_tidy(found)
    assert moments(found) == {m for m in range(MOST) if sum(m in moments(one) for one in many) >= count}


@given(st.lists(loose, max_size=4))
def test_union_and_common(many: list[list[Span]]) -> None:
    sets = [moments(one) for one in many]
    for found, truth in (
        (union(*many), set().union(*sets)),
        (common(*many), set.intersection(*sets) if sets else set()),
    ):
        assert is_tidy(found)
        assert moments(found) == truth


@given(loose, loose)
def test_without(spans: list[Span], other: list[Span]) -> None:
    found = without(spans, other)
    assert is_tidy(found)
    assert moments(found) == moments(spans) - moments(other)


@given(tidy, st.integers(0, MOST), st.integers(0, MOST))
def test_clip_and_length(spans: Spans, start: int, end: int) -> None:
    found = clip(spans, start, end)
    assert is_tidy(found)
    assert moments(found) == moments(spans) & set(range(start, end))
    assert length(found) == len(moments(found))


@given(tidy, st.integers(1, 4))
def test_bridged(spans: Spans, hole: int) -> None:
    found = bridged(spans, hole)
    assert is_tidy(found)
    assert all(b - a >= hole for (_, a), (b, _) in pairwise(found))
    assert moments(spans) <= moments(found)
    holes = without(found, spans)
    assert all(b - a < hole for a, b in holes)
