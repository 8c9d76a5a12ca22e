"""Tells MQTT what is committed: zone and device events, the state of zones, and that we are there.

What must stay true here: only what the store has is told, in the order it was recorded; an event is forgotten only
once the broker confirmed it; nothing here waits for the broker, so a slow one never holds up the turning thread.
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from geofence.model import ZoneId
from trackerd import __version__
from trackerd.failpoint import fail_point
from trackerd.mqtt import Broker, make_client
from trackerd.store import Letter, Store

ROUTE = "mqtt"
IN_FLIGHT = 200
"""Events on their way at once."""

log = logging.getLogger(__name__)


class Outbox:
    """Everything this daemon publishes, over one connection of its own."""

    def __init__(self, store: Store, broker: Broker, prefix: str = "trackerd") -> None:
        """Prepare; nothing is sent before ``open``."""
        self._store = store
        self._prefix = prefix
        self._after = 0
        self._flying: dict[int, int] = {}
        self._landed: deque[tuple[int, bool]] = deque()
        """Messages the broker has answered, and whether it took them."""
        self._states: dict[ZoneId, str] = {}
        self._fresh = False
        self.connected = False
        self._client = make_client(broker, in_flight=IN_FLIGHT)
        self._client.will_set(f"{prefix}/status", self._status("offline"), 1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.reconnect_delay_set(1, 60)

    def open(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._client.loop_start()

    def tell(self, states: Mapping[ZoneId, Mapping[str, Any]]) -> None:
        """Publish what is new, note what arrived. ``states``: of every zone, now."""
        landed = [self._landed.popleft() for _ in range(len(self._landed))]
        flown = [(self._flying.pop(mid, None), taken) for mid, taken in landed]
        arrived = [seq for seq, taken in flown if seq is not None and taken]
        if arrived:
            fail_point("before-mark")
            self._store.mark_told(ROUTE, arrived)
            fail_point("after-mark")
        if not self.connected:
            return
        room = IN_FLIGHT - len(self._flying)
        for letter in self._store.untold(ROUTE, self._after, room) if room > 0 else ():
            fail_point("before-tell")
            sent = self._client.publish(self._topic(letter), _json(letter.event.body), 1, properties=_CLOUDEVENT)
            self._flying[sent.mid] = letter.seq
            self._after = letter.seq
        self._tell_states(states)

    def close(self, wait_s: float = 2.0) -> None:
        """Say goodbye and leave; what was not confirmed is told again after the next start."""
        if self.connected:
            goodbye = self._client.publish(f"{self._prefix}/status", self._status("offline"), 1, retain=True)
            try:
                goodbye.wait_for_publish(wait_s)
            except (RuntimeError, ValueError):
                log.info("mqtt: left without a goodbye")
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def idle(self) -> bool:
        """Whether everything told has been confirmed."""
        return not self._flying

    def _tell_states(self, states: Mapping[ZoneId, Mapping[str, Any]]) -> None:
        if self._fresh:
            self._fresh = False
            self._states.clear()
        for zone, state in states.items():
            text = _json(state)
            if self._states.get(zone) != text:
                self._states[zone] = text
                self._client.publish(f"{self._prefix}/zones/{zone}/state", text, 1, retain=True)
        for gone in self._states.keys() - states.keys():
            del self._states[gone]
            self._client.publish(f"{self._prefix}/zones/{gone}/state", b"", 1, retain=True)

    def _topic(self, letter: Letter) -> str:
        if letter.event.zone is not None:
            return f"{self._prefix}/zones/{letter.event.zone}/events"
        device = re.sub(r"[/+#\0]", "-", letter.event.device or "unknown")
        return f"{self._prefix}/devices/{device}/events"

    def _status(self, state: str) -> str:
        return _json({"state": state, "version": __version__})

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            log.warning("mqtt: the broker refused us for telling events: %s", reason)
            return
        log.info("mqtt: connected for telling events")
        client.publish(f"{self._prefix}/status", self._status("online"), 1, retain=True)
        self._fresh = True
        self.connected = True

    def _on_disconnect(self, _client: object, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self.connected = False
        log.info("mqtt: connection for telling events ended: %s", reason)

    def _on_publish(self, _client: object, _data: object, mid: int, reason: Any, _properties: object) -> None:
        if reason.is_failure:  # it stays in the outbox; the next start tries again
            log.warning("mqtt: the broker refused what was told: %s", reason)
        self._landed.append((mid, not reason.is_failure))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_CLOUDEVENT = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
_CLOUDEVENT.ContentType = "application/cloudevents+json; charset=utf-8"
