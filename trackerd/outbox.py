"""Tells the world what is committed: each route its letters, in order, until each is told or set aside.

What must stay true here: only what the store has is told; the thread that turns here and nobody else touches the
store, and it never waits for a receiver; one route's trouble is no other's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from geofence.model import ZoneId, to_micros
from trackerd import clock
from trackerd.notify.mqtt import IN_FLIGHT, MqttVoice
from trackerd.notify.route import Route
from trackerd.store import Store, StoreError

ROUTE = "mqtt"

log = logging.getLogger(__name__)


class Outbox:
    """All routes."""

    def __init__(self, routes: Sequence[Route], broker: MqttVoice | None = None) -> None:
        """``broker``: the voice of one of the routes that shows the state of zones too."""
        self._routes, self._broker = routes, broker

    def open(self) -> None:
        """Let every route begin."""
        for route in self._routes:
            route.voice.open()

    @property
    def connected(self) -> bool:
        """Whether the broker is there, if one is told."""
        return self._broker is None or self._broker.connected

    def tell(self, states: Mapping[ZoneId, Mapping[str, Any]]) -> None:
        """Note what arrived, send what may go. ``states``: of every zone, now. Raises StoreError."""
        now = to_micros(clock.now())
        for route in self._routes:
            try:
                route.turn(now)
            except StoreError:
                raise
            except Exception:
                log.exception("route %s could not turn", route.name)
        if self._broker is not None:
            self._broker.show(states)

    def close(self) -> None:
        """Leave; what was not confirmed is told again after the next start."""
        for route in self._routes:
            route.voice.close()
        try:
            for route in self._routes:
                route.settle(to_micros(clock.now()))
        except StoreError as error:
            log.error("the store: %s; what was told last may be told again", error)


def mqtt_route(store: Store, voice: MqttVoice) -> Route:
    """Return the broker's route: it is told everything, and keeps the order by itself."""
    return Route(ROUTE, store, voice, depth=IN_FLIGHT)
