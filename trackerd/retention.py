"""Lets go of what is kept no longer, a little after each turn.

What must stay true here: never so much at once that a turn waits for it noticeably; while the daemon is behind with
what came in, nothing; a store that fails meanwhile is tried again at the next round, and nothing else suffers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from geofence.model import SECOND, Micros, to_micros
from trackerd import clock
from trackerd.house import House
from trackerd.store import StoreError
from trackerd.store.values import DataClass

ROUND_S = 600.0
"""Between two rounds through all classes."""
STEP_S = 0.05
"""About so long a step takes: its size is fitted to it."""
LEAST, MOST = 50, 20_000
"""Rows of a step."""

log = logging.getLogger(__name__)


class Retention:
    """One installation's terms, and how far the round has come."""

    def __init__(self, house: House, keep_s: Mapping[DataClass, float]) -> None:
        """Begin with the first turn; ``keep_s``: seconds each class is kept."""
        self._house, self._keep = house, keep_s
        self._round: list[DataClass] = []
        self._next = 0.0
        self._rows = LEAST
        self.gone: dict[DataClass, int] = {}
        """How many rows were let go of since the start; of exact positions those thinned count too."""
        self.done: datetime | None = None
        """When a round was last gone through to its end."""

    def step(self) -> None:
        """Do a little, if it is time."""
        began = clock.monotonic()
        if not self._round and began < self._next:
            return
        try:
            if not self._round:
                self._begin()
            self._some()
            self.done = self.done if self._round else clock.now()
        except StoreError as error:
            log.warning("retention: %s; tried again later", error)
            self._round = []
        if not self._round:
            self._next = clock.monotonic() + ROUND_S

    def all(self) -> dict[DataClass, int]:
        """Do a whole round now; return how many rows of each class went. Raises StoreError."""
        self._begin()
        while self._round:
            self._some()
        return self.gone

    def _begin(self) -> None:
        self._house.retire(self._before("exact_positions"))
        self._round = list(self._keep)

    def _some(self) -> None:
        what, began = self._round[0], clock.monotonic()
        gone = self._house.store.forget(what, self._before(what), self._rows)
        took = max(clock.monotonic() - began, 1e-6)
        self._rows = round(min(max(self._rows * min(STEP_S / took, 2.0), LEAST), MOST))
        self.gone[what] = self.gone.get(what, 0) + gone
        if not gone:
            self._round.pop(0)

    def _before(self, what: DataClass) -> Micros:
        return Micros(to_micros(clock.now()) - round(self._keep[what] * SECOND))
