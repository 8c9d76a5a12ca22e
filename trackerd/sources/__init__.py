"""Where bytes come from: one module each, and their names as the configuration has them.

What must stay true here: every class of ``SOURCES`` is a ``trackerd.chunk.Source``; nothing a tracker or a network
peer sends ends its iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from trackerd.chunk import Source
from trackerd.sources.file import FileSource
from trackerd.sources.gpsd import GpsdSource
from trackerd.sources.mqtt import MqttSource
from trackerd.sources.serial import SerialSource
from trackerd.sources.tcp import NmeaListener

SOURCES: dict[str, Callable[..., Source]] = {
    "serial": SerialSource,
    "mqtt": MqttSource,
    "tcp": partial(NmeaListener, protocol="tcp"),
    "udp": partial(NmeaListener, protocol="udp"),
    "gpsd": GpsdSource,
    "file": FileSource,
}
