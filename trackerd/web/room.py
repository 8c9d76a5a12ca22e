"""All that an answer may need, wired together once.

What must stay true here: nothing of the turn's is touched but the pictures it shows; the record is read by connections
of the room's own, and changed only by orders left for the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from geofence.model import Micros, ZoneId, to_micros
from trackerd import clock, orders
from trackerd.assemble import rules
from trackerd.board import Board, Picture
from trackerd.breaks import Breaks
from trackerd.chunk import Source
from trackerd.config import Settings
from trackerd.http_section import HttpSection
from trackerd.inbox import Inbox
from trackerd.report.record import Record
from trackerd.store import Store
from trackerd.web.book import Book
from trackerd.web.limits import ASKED, Pace
from trackerd.web.problem import ProblemError
from trackerd.web.readers import Readers
from trackerd.zone_files import ZoneFiles

OBEYED_S = 3.0
"""An order is waited for so long."""


@dataclass
class Room:
    """What the application works on."""

    settings: Settings
    path: Path
    """Of the configuration."""
    board: Board
    book: Book
    readers: Readers
    inbox: Inbox | None = None
    """Where orders are left; None: nothing can be changed here."""
    zone_files: ZoneFiles | None = None
    sources: Sequence[Source] = ()
    demo: tuple[str, str] | None = None
    """Name and password anybody may use, where a recorded day is shown."""
    stop: Callable[[], bool] = lambda: False
    """Whether the server is closing."""
    pace: Pace = field(default_factory=lambda: Pace(*ASKED))
    """How often one address may ask."""
    shown: tuple[str, str] = ("", "")
    """The zones as judged, as they were last told: what tells them from others, and the text."""
    started: datetime = field(default_factory=clock.now)

    @property
    def http(self) -> HttpSection:
        """The table [http]."""
        return self.settings.http

    @property
    def zone(self) -> ZoneInfo:
        """The town's clock."""
        return ZoneInfo(self.settings.site.timezone)

    @property
    def picture(self) -> Picture:
        """How things stand; a problem where nothing is shown yet."""
        picture = self.board.picture
        if picture is None:
            raise ProblemError(503, "the daemon is starting; try again", headers={"Retry-After": "2"})
        return picture

    def now(self) -> Micros:
        """Return now; where a recorded day is shown, how far it is."""
        return self.picture.at if self.demo is not None else to_micros(clock.now())

    def record(self, store: Store) -> Record:
        """Return the record as reports ask of it. Raises StoreError."""
        roster = replace(self.picture.town.roster, breaks=Breaks(store.breaks()).spans())
        return Record(store, self.now(), roster, rules(self.settings), self.zone)

    def names(self, store: Store) -> dict[ZoneId, str]:
        """Return the names of all zones there ever were, as last known. Raises StoreError."""
        kept = {one.id: one.name or one.id for edition in store.editions() for one in edition.zones}
        return kept | {one.id: one.name or one.id for one in self.picture.town.zones}

    def order(self, order: orders.Order) -> str:
        """Leave an order for the daemon and wait a little; return ``done`` or ``waiting``. Raises ProblemError."""
        if self.inbox is None:
            raise ProblemError(409, "nothing can be changed here")
        file = self.inbox.put(orders.write(order))
        until = time.monotonic() + OBEYED_S
        while time.monotonic() < until:
            if not file.exists():
                return self._obeyed(file)
            time.sleep(0.02)
        return "waiting"

    def _obeyed(self, file: Path) -> str:
        """Say what became of an order that waits no longer."""
        if not file.with_suffix(".refused").exists():
            return "done"
        why = file.with_suffix(".why")
        text = why.read_text("utf-8").strip() if why.exists() else "the log says why"
        raise ProblemError(409, f"the daemon refuses it: {text}")
