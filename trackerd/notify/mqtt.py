"""The broker's route: events, the state of zones, and that we are there, over one connection of its own.

What must stay true here: nothing waits for the broker; an event is told only once the broker confirmed it; state is
retained and names no person.
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
from trackerd.notify.sender import Parcel, Result, Undelivered
from trackerd.store import Letter

IN_FLIGHT = 200
"""Events on their way at once."""

log = logging.getLogger(__name__)


class MqttVoice:
    """What this daemon publishes."""

    def __init__(self, broker: Broker, prefix: str = "trackerd") -> None:
        """Prepare; nothing is sent before ``open``."""
        self._prefix = prefix
        self._flying: dict[int, Parcel] = {}
        self._landed: deque[tuple[int, str]] = deque()
        """Messages the broker has answered, and why it refused one."""
        self._states: dict[ZoneId, Mapping[str, Any]] = {}
        self._shown: Mapping[ZoneId, Mapping[str, Any]] | None = None
        """What was last looked through: the same once more says nothing new."""
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

    def room(self, urgent: bool = False) -> int:  # noqa: ARG002 - the broker takes all alike
        """Return how many more events may be given."""
        return IN_FLIGHT - len(self._flying) if self.connected else 0

    def put(self, parcel: Parcel) -> None:
        """Publish an event."""
        (letter,) = parcel.letters
        fail_point("before-tell")
        sent = self._client.publish(self._topic(letter), _json(letter.event.body), 1, properties=_CLOUDEVENT)
        self._flying[sent.mid] = parcel

    def results(self) -> list[Result]:
        """Return what the broker said since last asked."""
        landed = [self._landed.popleft() for _ in range(len(self._landed))]
        return [
            Result(self._flying.pop(mid), Undelivered(f"the broker refused it: {why}") if why else None)
            for mid, why in landed
            if mid in self._flying
        ]

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

    def show(self, states: Mapping[ZoneId, Mapping[str, Any]]) -> None:
        """Publish the state of every zone for which it has changed."""
        if not self.connected or (states is self._shown and not self._fresh):
            return
        self._shown = states
        if self._fresh:
            self._fresh = False
            self._states.clear()
        for zone, state in states.items():
            if self._states.get(zone) != state:
                self._states[zone] = state
                self._client.publish(f"{self._prefix}/zones/{zone}/state", _json(state), 1, retain=True)
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
        self._landed.append((mid, str(reason) if reason.is_failure else ""))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_CLOUDEVENT = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
_CLOUDEVENT.ContentType = "application/cloudevents+json; charset=utf-8"
