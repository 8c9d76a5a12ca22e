"""Finding out at which speed a serial receiver talks.

What must stay true here: a speed is accepted on two NMEA sentences whose checksums hold, never on fewer (one in 256
damaged sentences passes its checksum); the bytes it was accepted on are not lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor

from trackerd import clock

SPEEDS = (9600, 4800, 115200, 38400, 57600)
"""In the order tried: the commonest of receivers first."""
LISTEN_S = 1.5
LISTEN_LONGER_S = 8.0
"""Where one sentence was good the second is waited for: some receivers say little."""
HELD = 16 * 1024
"""Bytes kept while deciding."""

SENTENCE = re.compile(rb"[$!]([A-Z][ -)+-~]{4,100})\*([0-9A-Fa-f]{2})")


def good_sentences(data: bytes) -> int:
    """Count NMEA sentences whose checksum holds."""
    return sum(reduce(xor, body) == int(said, 16) for body, said in SENTENCE.findall(data))


def speeds(remembered: int | None) -> Iterator[int]:
    """Each speed once, the one that worked before first."""
    if remembered is not None:
        yield remembered
    yield from (speed for speed in SPEEDS if speed != remembered)


def listen(read: Callable[[], bytes]) -> tuple[bytes, int]:
    """Read for a while at the speed that is set; return the bytes and how many good sentences they hold."""
    data, good = b"", 0
    began = clock.monotonic()
    while good < 2 and clock.monotonic() - began < (LISTEN_LONGER_S if good else LISTEN_S):
        more = read()
        if more:
            data = (data + more)[-HELD:]
            good = good_sentences(data)
    return data, good
