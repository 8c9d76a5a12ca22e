"""The socket under paho: read ahead in large pieces, messages taken out before paho sees them, small sends joined.

paho reads byte by byte and sends each acknowledgement by itself: three quarters of what a message costs. So the
messages, which are nearly all that comes, are cut out here; every other packet is lent to paho, which keeps the
connection: greeting, subscriptions, pings, properties, reason codes.

What must stay true here: packets keep their order; paho is lent whole packets only, so the place between two is always
known; no more is read than one piece beyond what was asked for; whatever a publisher sends comes out as a message, also
properties that paho takes for malformed (a U+FEFF in a text, which brokers pass on: MQTT-1.5.4-3).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import NamedTuple

PIECE = 64 * 1024
"""Bytes read at once at most."""
PUBLISH, PUBACK = 3, b"\x40\x02"
LONGEST = 4
"""Bytes of a packet's length."""


class Arrived(NamedTuple):
    """One message."""

    topic: bytes
    payload: bytes
    mid: int
    qos: int
    retain: bool


class NoPacketError(ValueError):
    """The broker sent what is no MQTT."""


class Stream:
    """What paho takes for its socket."""

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._held = b""
        self._at = 0
        """How far of ``_held`` is taken."""
        self._lent = 0
        """Bytes paho may still take."""
        self._ended = False
        self._out = bytearray()

    def fill(self) -> bool:
        """Read what is there, a piece at most; False where nothing was. OSError where the connection is no more."""
        try:
            data = self._raw.recv(PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        self._ended = not data
        self._held, self._at = self._held[self._at :] + data, 0
        return True

    def take(self) -> list[Arrived]:
        """Return the messages that have come whole, up to a packet that is for paho. NoPacketError, IndexError."""
        found: list[Arrived] = []
        while (end := self._packet_end()) is not None and self._held[self._at] >> 4 == PUBLISH:
            head = self._held[self._at]
            found.append(read_publish(head, self._held[self._body() : end]))
            self._at = end
        return found

    def lend(self) -> bool:
        """Let paho have the next packet, if it has come whole, or the connection's end; False where it is neither."""
        end = self._packet_end()
        self._lent = 0 if end is None else end - self._at
        return end is not None or self._ended

    def recv(self, most: int) -> bytes:
        """Give paho of what it was lent; nothing is left at the connection's end."""
        if not self._lent and not self._ended:
            raise BlockingIOError
        data = self._held[self._at : self._at + min(most, self._lent)]
        self._at += len(data)
        self._lent -= len(data)
        return data

    def send(self, data: bytes) -> int:
        """Take what is to be sent; ``flush`` sends it."""
        self._out += data
        return len(data)

    def flush(self) -> bool:
        """Send as much as goes; return whether that was all. OSError where the connection is no more."""
        try:
            while self._out:
                del self._out[: self._raw.send(self._out)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    @property
    def unsent(self) -> bool:
        """Whether anything waits to be sent."""
        return bool(self._out)

    def pending(self) -> int:
        """Return how much TLS has read and not given out."""
        return self._raw.pending() if isinstance(self._raw, ssl.SSLSocket) else 0

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:
        """See socket."""
        self._raw.setblocking(flag)

    def setsockopt(self, level: int, name: int, value: int) -> None:
        """See socket."""
        self._raw.setsockopt(level, name, value)

    def close(self) -> None:
        """Send what goes at once, and close."""
        with contextlib.suppress(OSError, ValueError):
            self.flush()
        self._raw.close()

    def _packet_end(self) -> int | None:
        """Return where the next packet ends, if it has come whole."""
        length = 0
        for n in range(LONGEST):
            if self._at + 1 + n >= len(self._held):
                return None
            byte = self._held[self._at + 1 + n]
            length |= (byte & 127) << 7 * n
            if byte < 128:
                end = self._at + 2 + n + length
                return end if end <= len(self._held) else None
        raise NoPacketError("a packet's length of more than four bytes")

    def _body(self) -> int:
        at = self._at + 1
        while self._held[at] >= 128:
            at += 1
        return at + 1


def read_publish(head: int, packet: bytes) -> Arrived:
    """Read an MQTT 5 PUBLISH, its properties unread; NoPacketError or IndexError where it is cut short."""
    end = 2 + int.from_bytes(packet[:2], "big")
    topic, qos, mid = packet[2:end], (head >> 1) & 3, 0
    if qos:
        mid, end = int.from_bytes(packet[end : end + 2], "big"), end + 2
    length = shift = 0
    while True:
        byte = packet[end]
        length, end, shift = length | (byte & 127) << shift, end + 1, shift + 7
        if byte < 128:
            break
        if shift > 7 * (LONGEST - 1):
            raise NoPacketError("a length of more than four bytes")
    if end + length > len(packet):
        raise NoPacketError("a message cut short")
    return Arrived(topic, packet[end + length :], mid, qos, bool(head & 1))


def acknowledgement(mid: int) -> bytes:
    """Return a PUBACK that says the message was taken."""
    return PUBACK + mid.to_bytes(2, "big")
