"""Back into time order: each case a stream of arrivals and what goes on when."""

from __future__ import annotations

import math

import pytest

from geofence.model import Micros
from geofence.order import Order, admit, settle
from geofence.track import Seen


def seen(time: int) -> Seen:
    return Seen(Micros(time), math.nan, ())


@pytest.mark.parametrize(
    ("window", "arrivals", "goes_on", "late"),
    [
        (0, [1, 2, 3], [1, 2, 3], []),
        (0, [1, 3, 2], [1, 3], [2]),
        (0, [1, 1, 2], [1, 2], [1]),
        (10, [1, 3, 2, 13], [1, 2, 3], []),
        (10, [5, 1, 30, 4], [1, 5], [4]),
        (10, [5, 5, 4, 15], [4, 5], [5]),
        (10, [5, 15, 15, 5, 25], [5, 15], [15, 5]),
    ],
)
def test_arrivals(window: int, arrivals: list[int], goes_on: list[int], late: list[int]) -> None:
    order, went, missed = Order(), [], []
    for time in arrivals:
        order, ready, was_late = admit(order, seen(time), window)
        went += [one.time for one in ready]
        missed += [time] if was_late else []
    assert went == goes_on
    assert missed == late


def test_time_lets_go_of_what_waits() -> None:
    order, _, _ = admit(Order(), seen(5), 10)
    order, ready = settle(order, Micros(4))
    assert ready == ()
    order, ready = settle(order, Micros(5))
    assert [one.time for one in ready] == [5]
    assert order == Order(Micros(5))
