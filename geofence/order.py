"""Back into time order: what one device says may arrive out of it.

What must stay true here: whatever the order of arrival within the window, sightings go on in order of their time,
each moment once; what comes after its moment has passed, or when another of the same moment already waits, is called
late and goes on nowhere here (whoever keeps the fixes says whether it is news, and the record is revised from them).
"""

from __future__ import annotations

from dataclasses import dataclass

from geofence.model import Micros
from geofence.track import Seen


@dataclass(frozen=True, slots=True)
class Order:
    """The queue of one device: what waits for its turn."""

    mark: Micros | None = None
    """Everything up to this moment has gone on: sightings, and the deadlines that time alone brought about."""
    held: tuple[Seen, ...] = ()


def admit(order: Order, seen: Seen, window: int) -> tuple[Order, tuple[Seen, ...], bool]:
    """Take one sighting; return the queue, what goes on now, and whether this one came too late.

    ``window`` is in microseconds: how far behind its device's newest sighting one may come and still find its place.
    """
    if order.mark is not None and seen.time <= order.mark:
        return order, (), True
    held = (*order.held, seen)
    if order.held and seen.time <= order.held[-1].time:  # seldom
        if any(other.time == seen.time for other in order.held):
            return order, (), True  # one moment, one fix: which of two is not for arrival to say
        held = tuple(sorted(held, key=lambda one: one.time))
    order, ready = settle(Order(order.mark, held), Micros(held[-1].time - window))
    return order, ready, False


def settle(order: Order, mark: Micros) -> tuple[Order, tuple[Seen, ...]]:
    """Let everything up to ``mark`` go on, in order."""
    if not order.held or order.held[0].time > mark:
        return order, ()
    ready = tuple([seen for seen in order.held if seen.time <= mark])
    return Order(ready[-1].time, order.held[len(ready) :]), ready
