"""A receiver that gpsd serves: its JSON reports, as bytes for the decoder ``gpsd``.

What must stay true here: a gpsd that vanished, or answers nothing any more, is noticed within a minute and tried again
for ever; each connection is a stream of its own, its end told.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.sources.backoff import Backoff
from trackerd.sources.standing import Standing, Wake

WATCH = b'?WATCH={"enable":true,"json":true};\n'
VERSION = b"?VERSION;\n"
"""A question any gpsd answers, with or without a receiver."""
SILENCE_S = 60.0
BLOCK = 16 * 1024


class GpsdSource(Standing):
    """What one gpsd reports."""

    def __init__(
        self,
        name: str,
        host: str = "localhost",
        port: int = 2947,
        *,
        silence_s: float = SILENCE_S,
        backoff: Backoff | None = None,
    ) -> None:
        super().__init__(name)
        self.host = host
        self.port = port
        self.silence_s = silence_s
        self._backoff = backoff or Backoff(0.5, 30)
        self._wake = Wake()
        self._connections = 0

    def __iter__(self) -> Iterator[Chunk]:
        """Yield what gpsd sends until closed, over as many connections as it takes."""
        while not self.closed.is_set():
            try:
                server = socket.create_connection((self.host, self.port), timeout=5)
            except OSError as fault:
                why = (fault.strerror or str(fault)).lower()
                self.tell(False, f"cannot reach gpsd at {self.host}:{self.port}: {why}; is it running?")
            else:
                self._connections += 1
                with server:
                    yield from self._read(server)
            if self._backoff.wait(self.closed):
                break
        self.tell(False, "closed", expected=True)

    def close(self) -> None:
        """Make the iteration end soon."""
        super().close()
        self._wake.ring()

    def _read(self, server: socket.socket) -> Iterator[Chunk]:
        """Yield one connection's bytes, and at its loss the stream's end."""
        try:
            server.sendall(WATCH)
            self.tell(True, f"connected to gpsd at {self.host}:{self.port}")
            while self._awaits(server):
                data = server.recv(BLOCK)
                if not data:
                    self.tell(False, "gpsd closed the connection")
                    break
                self._backoff.reset()
                yield self._chunk(data)
        except OSError as fault:
            self.tell(False, f"connection to gpsd lost: {(fault.strerror or str(fault)).lower()}")
        yield self._chunk(b"", closed=True)

    def _awaits(self, server: socket.socket) -> bool:
        """Wait for bytes; False when closed, or when gpsd stays silent though asked."""
        for question in (VERSION, None):
            poll = select.poll()
            poll.register(server, select.POLLIN)
            poll.register(self._wake, select.POLLIN)
            ready = [fd for fd, _ in poll.poll(self.silence_s / 2 * 1000)]
            if self.closed.is_set():
                return False
            if server.fileno() in ready:
                return True
            if question:  # a gpsd without a receiver has nothing to say, but answers
                server.sendall(question)
        self.tell(False, f"gpsd silent for {self.silence_s:.0f} s, though asked")
        return False

    def _chunk(self, data: bytes, closed: bool = False) -> Chunk:
        return Chunk(self.name, data, clock.now(), stream=f"connection {self._connections}", closed=closed)
