"""What every source has besides its bytes: a name, how it is doing in words, and an end.

What must stay true here: ``status`` and ``close`` are safe from any thread; a state is logged when it changes, not
each time an attempt fails the same way; no coordinate, payload or password is ever part of it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading

from trackerd import clock
from trackerd.chunk import Status

log = logging.getLogger(__name__)


class Standing:
    """A source's standing; sources are built on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = threading.Event()
        self._status = Status(connected=False, since=clock.now(), detail="not started")

    @property
    def status(self) -> Status:
        """How it is doing now."""
        return self._status

    def close(self) -> None:
        """Make the iteration end soon."""
        self.closed.set()

    def tell(self, connected: bool, detail: str, *, expected: bool = False) -> None:
        """Set the status; ``since`` moves only when ``connected`` does. ``expected``: an end nobody need mind."""
        was = self._status
        if (was.connected, was.detail) == (connected, detail):
            return
        since = was.since if was.connected == connected else clock.now()
        self._status = Status(connected, since, detail, expected)
        log.log(logging.INFO if connected or expected else logging.WARNING, "source %s: %s", self.name, detail)


class Wake:
    """Ends another thread's wait on sockets; ``fileno`` makes it selectable."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._rung = False

    def fileno(self) -> int:
        """Return the descriptor to wait on for reading."""
        return self._near.fileno()

    def ring(self) -> None:
        """Wake the waiting thread; cheap when it was woken already."""
        if self._rung:
            return
        self._rung = True
        with contextlib.suppress(OSError):  # full: then it is awake anyway
            self._far.send(b"!")

    def clear(self) -> None:
        """Take note of the ringing. Done before looking for what it was about, so that nothing is missed."""
        with contextlib.suppress(OSError):
            self._near.recv(4096)
        self._rung = False

    def __del__(self) -> None:
        self._near.close()
        self._far.close()
