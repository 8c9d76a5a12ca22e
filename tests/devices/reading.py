"""What the tests of the decoders share: reading whole bytes, and sorting what was said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import xor
from pathlib import Path

from devices.decoder import Bad, Decoder, Heartbeat, Said
from geofence.model import DeviceId, Fix

CAPTURES = Path(__file__).parent / "captures"
DEVICE = DeviceId("w01")
Make = Callable[[DeviceId], Decoder]


def read(make: Make, data: bytes, received: datetime | None = None) -> list[Said]:
    """Return all that a decoder says of ``data``, given whole."""
    decoder = make(DEVICE)
    return decoder.receive(data, received) + decoder.end()


def fixes(said: list[Said]) -> list[Fix]:
    return [one for one in said if isinstance(one, Fix)]


def whys(said: list[Said]) -> list[str]:
    """Return the reasons of what was refused."""
    return [one.why for one in said if isinstance(one, Bad)]


def signs(said: list[Said]) -> list[str]:
    """Return what kinds of signs of life there were."""
    return [one.why for one in said if isinstance(one, Heartbeat)]


def nmea(*bodies: str) -> bytes:
    """Return sentences with their checksums, one a line."""
    return b"".join(f"${body}*{reduce(xor, body.encode(), 0):02X}\r\n".encode() for body in bodies)
