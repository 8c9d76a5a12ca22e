"""One route's own thread: it is given parcels, sends them one after the other, and gives back how each went.

What must stay true here: whoever gives and takes here never waits; no more than a few parcels are held; a send that
never ends is given back as failed and leaves its thread behind, so that the route goes on; nothing raised in sending
ends the thread; no text of an exception that could hold a secret is kept.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from trackerd import clock
from trackerd.store import Letter, Told

HAND = 8
"""Parcels held at once."""
LIMIT_S = 60.0
"""How long one may take to send in all, whatever the receiver does."""
LEFT_BEHIND = 4
"""Threads that may hang in sends without end."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parcel:
    """What goes in one message."""

    letters: tuple[Letter, ...]
    about: Mapping[str, Told] = field(default_factory=dict)
    """What was taken back, by the id of the retraction."""
    urgent: bool = False


class Undelivered(Exception):  # noqa: N818 (what came of it, not an error in a program)
    """It was not told; the text says why, in a line, and holds no secret."""

    def __init__(self, why: str, *, refused: bool = False, away: bool = False, wait_s: float = 0.0) -> None:
        """``refused``: for good; ``away``: the receiver, not this letter, is the reason; ``wait_s``: as it asked."""
        super().__init__(" ".join(why.split())[:200])
        self.refused, self.away, self.wait_s = refused, away, wait_s


class Transport(Protocol):
    """A way to tell somebody."""

    def send(self, parcel: Parcel) -> str:
        """Tell it, and return in words who took it. Raises Undelivered."""


class Result(NamedTuple):
    """What became of a parcel."""

    parcel: Parcel
    fault: Undelivered | None


class Sender:
    """See the top."""

    def __init__(self, name: str, transport: Transport, limit_s: float = LIMIT_S) -> None:
        self._name, self._transport, self._limit_s = name, transport, limit_s
        self._waiting: queue.PriorityQueue[tuple[int, int, Parcel | None]] = queue.PriorityQueue()
        self._results: deque[Result] = deque()
        self._sending: deque[tuple[float, Parcel]] = deque()
        """What the thread at work is sending: whoever takes it out says what became of it."""
        self._threads: list[threading.Thread] = []
        self._held = 0

    def open(self) -> None:
        """Begin."""
        self._sending = deque()
        work = threading.Thread(target=self._work, args=(self._sending,), name=f"notify-{self._name}", daemon=True)
        self._threads.append(work)
        work.start()

    def room(self, urgent: bool = False) -> int:
        """Return how many more parcels may be given."""
        return HAND * (1 + urgent) - self._held

    def put(self, parcel: Parcel) -> None:
        """Take a parcel to be sent; the urgent goes before the others."""
        self._held += 1
        self._waiting.put((0 if parcel.urgent else 1, parcel.letters[0].seq, parcel))

    def results(self) -> list[Result]:
        """Return what became of parcels since last asked."""
        self._leave_behind()
        found = [self._results.popleft() for _ in range(len(self._results))]
        self._held -= len(found)
        return found

    def close(self, wait_s: float = 2.0) -> None:
        """End after the parcel at hand, or leave it if that takes long."""
        self._waiting.put((-1, 0, None))
        for thread in self._threads[-1:]:
            thread.join(wait_s)

    def _work(self, sending: deque[tuple[float, Parcel]]) -> None:
        while True:
            _, _, parcel = self._waiting.get()
            if parcel is None:
                return
            sending.append((clock.monotonic(), parcel))
            fault = self._send(parcel)
            try:
                sending.pop()
            except IndexError:
                return  # it took too long: it was given back as failed, and another thread is at work
            self._results.append(Result(parcel, fault))

    def _send(self, parcel: Parcel) -> Undelivered | None:
        try:
            self._transport.send(parcel)
        except Undelivered as fault:
            return fault
        except Exception as error:  # noqa: BLE001 - its text may hold a secret, so only its kind is told
            log.error("route %s: a fault of ours in sending: %s", self._name, type(error).__name__)
            return Undelivered(f"a fault of ours: {type(error).__name__}")
        return None

    def _leave_behind(self) -> None:
        """Where a send does not end, say that it failed and go on without its thread."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        try:
            began, parcel = self._sending[0]
            if clock.monotonic() - began < self._limit_s or len(self._threads) > LEFT_BEHIND:
                return
            self._sending.remove((began, parcel))
        except (IndexError, ValueError):
            return  # it has just ended
        self._results.append(Result(parcel, Undelivered(f"no end after {self._limit_s:g} s", away=True)))
        self.open()
