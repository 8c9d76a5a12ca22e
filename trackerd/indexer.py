"""Makes the index of many zones beside the daemon's work: they are judged by meanwhile, only more slowly.

What must stay true here: it is made of the zones in force; the process does not end while its thread runs, which
geometry's own code would not survive, so the thread gives up soon where nobody waits for it any more.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

from geofence.zones import ZoneSet


class Indexer:
    """What makes the index of the zones in force."""

    def __init__(self) -> None:
        self._zones: ZoneSet | None = None

    def begin(self, zones: ZoneSet) -> None:
        """Let these be in force: begin with their index, if it is worth a thread and was not begun before."""
        if zones is self._zones:
            return
        self._zones = zones
        if zones.large:
            Thread(target=self._make, args=(zones,), name="index").start()

    def stop(self) -> None:
        """Give up what is not made yet."""
        self._zones = None

    def _make(self, zones: ZoneSet) -> None:
        def step() -> None:
            if zones is not self._zones:
                raise _UnwantedError

        with suppress(_UnwantedError):
            zones.prepare(step)


class _UnwantedError(Exception):
    """Nobody waits for this index any more."""
