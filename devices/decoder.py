"""What a decoder is: bytes in, values out.

What must stay true of every decoder (tests/devices/test_contract.py holds each one to it):

- it never raises on data: what it cannot read comes back as ``Bad`` with a reason and the bytes at fault;
- a stream cut anywhere gives the same values as the whole (frame decoders get one whole frame at a time);
- its memory is bounded by ``LIMIT`` bytes, whatever is sent;
- it never invents: a position is passed on only where every part of it was said and can be true;
- it knows no clock: when a chunk was received is told to it, or it is not (a file of old), and then it does not guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from geofence.model import DeviceId, Fix, Fixes, IntColumn

LIMIT = 64 * 1024
"""Bytes: the longest frame accepted, and the most a decoder keeps."""


@dataclass(frozen=True, slots=True)
class Bad:
    """Data at fault: a short reason from a small fixed set (it becomes a metric's label), and the bytes."""

    why: str
    data: bytes
    detail: str = ""
    """What exactly was wrong, for a person; never a coordinate."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The device is alive but said nothing new of where it is."""

    device: DeviceId
    battery_pct: float | None = None
    why: str = ""
    """What kind of message it was: ``ping``, ``retained``, ``lwt``, ``no-fix``, …"""


@dataclass(frozen=True, slots=True)
class Pause:
    """The warden says: on break, or back."""

    device: DeviceId
    on: bool
    start: datetime | None = None
    """From when; None: from when it was said."""
    until: datetime | None = None
    tagged: bool = False
    """A mark that every message of the break carries: it is over with the first message without."""


Said = Fix | Heartbeat | Bad | Pause


class Decoder(Protocol):
    """One device's bytes (or one file's) into what they say."""

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:
        """Take more bytes, received at that moment (None: unknown, as in a file); return what they complete."""

    def end(self) -> list[Said]:
        """Say what is still held: the stream, or a frame that stands for itself, is complete."""


Place = tuple[float | None, ...]
"""What one message says of where a device is, as ``Terse.columns`` takes it: seconds since 1970 first."""


class Terse(Decoder, Protocol):
    """A decoder of messages that come by thousands a second: those that say no more than places are read as numbers."""

    @staticmethod
    def places(data: bytes) -> list[Place] | None:
        """Return what a whole message says; None where it says anything else: then ``receive`` is to be asked."""

    @staticmethod
    def columns(devices: tuple[DeviceId, ...], device: IntColumn, places: Sequence[Place]) -> Fixes:
        """Return the fixes that ``receive`` would have made of these places."""


@runtime_checkable
class Swift(Decoder, Protocol):
    """A decoder that can read a long file by columns: years of it are read so, a row at a time would take minutes."""

    def receive_many(self, data: bytes) -> list[Said | Fixes]:
        """Do what ``receive`` does, of a file; the same fixes in the same order, many of them as columns."""
