"""What every source yields: some bytes, from where, received when, and how to acknowledge them.

What must stay true here: ``receipt`` is called once, after what the bytes said is committed, and never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec


class Chunk(msgspec.Struct, frozen=True):
    """Bytes as they came in."""

    source: str
    """Name of the source, as configured."""
    data: bytes
    received: datetime
    stream: str = ""
    """Which of the source's streams (a connection, a topic): each has a decoder of its own."""
    address: tuple[str, ...] = ()
    """What the transport says of who sent it: for MQTT the topic levels the subscription's ``+`` matched."""
    decoder: str | None = None
    """Which decoder, where the source knows better than its configuration (MQTT: by topic)."""
    whole: bool = False
    """The bytes stand for themselves (a datagram, an MQTT message): the decoder is told the end after them."""
    retained: bool = False
    """The broker's memory of an earlier message, not news."""
    closed: bool = False
    """The stream ended with these bytes; its decoder can be forgotten."""
    receipt: Callable[[], None] | None = None
    """Acknowledge to the sender; None where the transport cannot."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a source is doing, in words an administrator can act on."""

    connected: bool
    since: datetime
    detail: str
    expected: bool = False
    """Not connected, and so it should be: closed, or a file read to its end."""


class Source(Protocol):
    """A place bytes come from. Iterated by one thread of its own; it blocks, reconnects, and ends when closed."""

    name: str

    def __iter__(self) -> Iterator[Chunk]:
        """Yield what comes in, for ever or until closed or (a file) at its end."""

    def close(self) -> None:
        """Make the iteration end soon; safe from any thread, and twice."""

    @property
    def status(self) -> Status:
        """How it is doing now; safe from any thread."""
