"""The room's own connections to the record: to read it while the daemon writes.

What must stay true here: no more questions are answered at once than there are connections, whoever asks; who has to
wait too long is told to come back; a connection that failed is not used again; what the room writes (that somebody
asked; which letters wait again) goes by a connection of its own, for that moment alone.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from trackerd.store import Store, StoreError
from trackerd.web.problem import ProblemError

AT_ONCE = 2
WAIT_S = 10.0


class Readers:
    """A few connections, lent one at a time."""

    def __init__(self, reading: Callable[[], Store], beside: Callable[[], Store]) -> None:
        """Take what opens the store to read it, and beside the daemon (``open_store``)."""
        self._open, self._beside = reading, beside
        self._idle: queue.LifoQueue[Store | None] = queue.LifoQueue()
        for _ in range(AT_ONCE):
            self._idle.put(None)

    @contextmanager
    def lend(self) -> Iterator[Store]:
        """Lend a connection. Raises StoreError, ProblemError."""
        try:
            store = self._idle.get(timeout=WAIT_S)
        except queue.Empty:
            raise ProblemError(503, "too much is asked at once; try again", headers={"Retry-After": "5"}) from None
        try:
            if store is None:
                store = self._open()
            yield store
        except StoreError:
            if store is not None:
                with suppress(StoreError):
                    store.close()
                store = None
            raise
        finally:
            self._idle.put(store)

    @contextmanager
    def beside(self) -> Iterator[Store]:
        """Lend a connection that may write what needs no turn. Raises StoreError."""
        with closing(self._beside()) as store:
            yield store

    def close(self) -> None:
        """Close what is idle."""
        for _ in range(AT_ONCE):
            with suppress(queue.Empty):
                store = self._idle.get_nowait()
                if store is not None:
                    store.close()
