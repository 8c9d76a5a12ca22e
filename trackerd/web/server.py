"""The web server in a thread of its own below the daemon.

What must stay true here: whatever befalls it, the daemon goes on: it listens before the daemon turns, or says why it
cannot; connections are bounded in number, and one that stands still is closed; it never holds a lock of the turn's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from trackerd.store import StoreError
from trackerd.web.app import make
from trackerd.web.room import Room

CONNECTIONS = 600
"""At once; each is a descriptor of the daemon's."""
LOOK_S = 15.0
"""A connection on which nothing is asked, and nothing taken of what was answered, for so long is closed."""
LEAST = 16 * 1024
"""Bytes to be taken in that time, where so many wait."""
STOP_S = 2.0
TICK_S = 1.0

log = logging.getLogger(__name__)


class Bounded(H11Protocol):
    """HTTP on one connection, on which something must be going on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._before: tuple[RequestResponseCycle | None, int] = None, 0
        self._took = False
        self._next = self.loop.call_later(LOOK_S, self._look)
        if len(self.connections) > CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._next.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._took = True
        super().resume_writing()

    def _look(self) -> None:
        """Let go of who has asked nothing since the last look, or takes nothing of the answer; with no more ado."""
        cycle, left = self.cycle, self.transport.get_write_buffer_size()
        before, waited = self._before
        if left:
            stands = 0 < waited < left + LEAST and not self._took
        else:
            stands = cycle is before and (cycle is None or cycle.response_complete)
        if stands:
            self.transport.abort()
            return
        self._before, self._took = (cycle, left), False
        self._next = self.loop.call_later(LOOK_S, self._look)


class Quiet(uvicorn.Server):
    """A uvicorn that is not woken ten times a second to see that it need not end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        """See uvicorn.Server: once a second the date of the answers is set."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_S)

    def end(self) -> None:
        """Leave soon; from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has left
                self._loop.call_soon_threadsafe(self._told.set)


class Server:
    """One server; made, then run in a thread."""

    def __init__(self, room: Room) -> None:
        """Take the address. Raises StoreError with a remedy where it cannot be had."""
        http = room.http
        assert http.at is not None
        self._room = room
        self._socket = _listening(*http.at)
        files = {"ssl_certfile": http.cert_file, "ssl_keyfile": http.key_file}
        tls: dict[str, Any] = {key: room.path.parent / file for key, file in files.items() if file is not None}
        config = uvicorn.Config(
            make(room), http=Bounded, ws="none", loop="asyncio", lifespan="on", log_config=None, access_log=False,
            server_header=False, date_header=True, proxy_headers=False, timeout_keep_alive=20,
            timeout_graceful_shutdown=round(STOP_S), h11_max_incomplete_event_size=16 * 1024, **tls,
        )  # fmt: skip
        self._server = Quiet(config)
        room.stop = lambda: self._server.should_exit
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host, port = self._socket.getsockname()[:2]
        scheme = "https" if self._room.http.cert_file else "http"
        shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"{scheme}://{shown}:{port}/"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Let those go that listen, and end."""
        self._server.end()
        if self._thread.is_alive():
            self._thread.join(STOP_S + 2.0)
        self._socket.close()
        self._room.readers.close()
        self._room.book.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit):
            log.exception("the pages are gone; the record goes on")


@contextlib.contextmanager
def serving(room: Room) -> Iterator[Server]:
    """Serve while the block lasts. Raises StoreError."""
    server = Server(room)
    server.start()
    try:
        yield server
    finally:
        server.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128, reuse_port=False
        )
    except OSError as error:
        raise StoreError(
            f"http.listen: {host}:{port}: {error.strerror or error}: name another address, or stop what listens there"
        ) from error
