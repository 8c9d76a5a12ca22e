"""Makes the index of many zones beside the daemon's work: they are judged by meanwhile, only more slowly.

What must stay true here: it is made of the zones in force; the process does not end while its thread runs, which
geometry's own code would not survive, so the thread gives up soon where nobody waits for it any more.
"""

from __future__ import annotations

import logging
from threading import Thread

from geofence.zones import ZoneSet

log = logging.getLogger(__name__)


class Indexer:
    """What makes the index of the zones in force."""

    def __init__(self) -> None:
        self._wanted: tuple[ZoneSet] | None = None
        """What the thread that is wanted was begun with: made anew each time, so who was given up stays so."""

    def begin(self, zones: ZoneSet) -> None:
        """Let these be in force: begin with their index, if it is worth a thread and not made; give up any other."""
        if self._wanted is not None and self._wanted[0] is zones:
            return
        wanted = self._wanted = (zones,)
        if zones.large and not zones.prepared:
            Thread(target=self._make, args=(wanted,), name="index").start()

    def stop(self) -> None:
        """Give up what is not made yet."""
        self._wanted = None

    def _make(self, wanted: tuple[ZoneSet]) -> None:
        def step() -> None:
            if wanted is not self._wanted:
                raise _UnwantedError

        try:
            wanted[0].prepare(step)
        except _UnwantedError:
            pass
        except Exception:
            log.exception("the index of the zones cannot be made: they are judged by as before, only more slowly")


class _UnwantedError(Exception):
    """Nobody waits for this index any more."""
