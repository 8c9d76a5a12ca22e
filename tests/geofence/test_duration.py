"""Spans of time as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.duration import LONGEST_S, seconds, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("3m", 180),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("1d 2h", 93_600),
        (45, 45),
        ("45", 45),
        (0, 0),
        ("1.5s", 1.5),
    ],
)
def test_spans(text: object, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "3 weeks", "-1s", -1, True, None, "9" * 40, "20000d", float("nan"), "1m2h", [3]]
)
def test_what_is_no_span_is_told(text: object) -> None:
    with pytest.raises(ValueError, match=r"span of time|ten years"):
        seconds(text)


@given(st.integers(0, int(LONGEST_S)))
def test_written_and_read_back(span: int) -> None:
    assert seconds(words(span)) == span
