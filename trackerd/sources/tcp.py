"""A listener trackers connect to, or send datagrams to, with NMEA or whatever the configured decoder reads.

What must stay true here: one thread serves all; nothing is kept of what a peer sends, so none can fill the memory;
a peer that completes no line in time is let go, and when all places are taken the one quiet longest makes room, so
mute connections cannot keep trackers out; not asking for the next chunk leaves the bytes with the peers.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.sources.backoff import Backoff
from trackerd.sources.standing import Standing, Wake

BLOCK = 4096
DATAGRAM = 65535
LISTEN_BACKLOG = 64


@dataclass(slots=True)
class Peer:
    """A connection."""

    sock: socket.socket
    stream: str
    address: tuple[str, ...]
    heard: float
    """When it last completed a line; when it connected, before that."""


class NmeaListener(Standing):
    """Many trackers by TCP, each connection a stream; or by UDP, each datagram whole."""

    def __init__(
        self,
        name: str,
        host: str = "",
        port: int = 0,
        protocol: Literal["tcp", "udp"] = "tcp",
        *,
        idle_s: float = 600.0,
        max_connections: int = 256,
        backoff: Backoff | None = None,
    ) -> None:
        """Port 0: a free one, to be read from ``port`` once listening."""
        super().__init__(name)
        self.host = host
        self.port = port
        self.protocol = protocol
        self.idle_s = idle_s
        self.max_connections = max_connections
        self._backoff = backoff or Backoff(0.5, 30)
        self._wake = Wake()
        self._peers: dict[int, Peer] = {}
        self._accepted = 0

    def __iter__(self) -> Iterator[Chunk]:
        """Yield what peers send until closed."""
        while not self.closed.is_set():
            try:
                door = self._listen()
            except OSError as fault:
                why = (fault.strerror or str(fault)).lower()
                self.tell(False, f"cannot listen on {self.host or '*'}:{self.port}: {why}")
            else:
                self.port = door.getsockname()[1]
                self.tell(True, f"listening on {self.host or '*'}:{self.port} ({self.protocol})")
                with door:
                    yield from self._connections(door) if self.protocol == "tcp" else self._datagrams(door)
            if self._backoff.wait(self.closed):
                break
        self.tell(False, "closed", expected=True)

    def close(self) -> None:
        """Make the iteration end soon."""
        super().close()
        self._wake.ring()

    def _listen(self) -> socket.socket:
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        host = self.host or None
        family, _, _, _, where = socket.getaddrinfo(host, self.port, type=kind, flags=socket.AI_PASSIVE)[0]
        door = socket.socket(family, kind)
        try:
            if kind == socket.SOCK_STREAM:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(where)
            if kind == socket.SOCK_STREAM:
                door.listen(LISTEN_BACKLOG)
            door.setblocking(False)
        except OSError:
            door.close()
            raise
        return door

    def _connections(self, door: socket.socket) -> Iterator[Chunk]:
        with selectors.DefaultSelector() as selector:
            selector.register(door, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            try:
                while not self.closed.is_set():
                    for key, _ in selector.select(min(1.0, self.idle_s / 4)):
                        if key.fileobj is door:
                            yield from self._accept(door, selector)
                        elif key.fd in self._peers:
                            yield from self._read(self._peers[key.fd], selector)
                    yield from self._drop_idle(selector)
            finally:
                for peer in self._peers.values():
                    peer.sock.close()
                self._peers.clear()

    def _accept(self, door: socket.socket, selector: selectors.BaseSelector) -> Iterator[Chunk]:
        if len(self._peers) >= self.max_connections:
            quiet = min(self._peers.values(), key=lambda peer: peer.heard)
            yield self._drop(quiet, selector)
        try:
            sock, where = door.accept()
        except OSError:  # gone before it was taken, or no descriptors left: then this paces the attempts
            self.closed.wait(0.1)
            return
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._accepted += 1
        peer = Peer(sock, f"{where[0]}:{where[1]} {self._accepted}", (str(where[0]),), clock.monotonic())
        self._peers[sock.fileno()] = peer
        selector.register(sock, selectors.EVENT_READ)

    def _read(self, peer: Peer, selector: selectors.BaseSelector) -> Iterator[Chunk]:
        try:
            data = peer.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            yield self._drop(peer, selector)
            return
        if b"\n" in data or b"\r" in data:
            peer.heard = clock.monotonic()
        yield Chunk(self.name, data, clock.now(), stream=peer.stream, address=peer.address)

    def _drop_idle(self, selector: selectors.BaseSelector) -> Iterator[Chunk]:
        now = clock.monotonic()
        for peer in [peer for peer in self._peers.values() if now - peer.heard > self.idle_s]:
            yield self._drop(peer, selector)

    def _drop(self, peer: Peer, selector: selectors.BaseSelector) -> Chunk:
        self._peers.pop(peer.sock.fileno(), None)
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(peer.sock)
        peer.sock.close()
        return Chunk(self.name, b"", clock.now(), stream=peer.stream, address=peer.address, closed=True)

    def _datagrams(self, door: socket.socket) -> Iterator[Chunk]:
        with selectors.DefaultSelector() as selector:
            selector.register(door, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self.closed.is_set():
                selector.select(1.0)
                try:
                    data, where = door.recvfrom(DATAGRAM)
                except OSError:  # nothing there, or the echo of an earlier failure to reach somebody
                    continue
                # Closed as well: a sender's address is easily forged, and each must not leave a decoder behind.
                yield Chunk(
                    self.name,
                    data,
                    clock.now(),
                    stream=f"{where[0]}:{where[1]}",
                    address=(str(where[0]),),
                    whole=True,
                    closed=True,
                )
