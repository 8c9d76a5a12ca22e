"""The demo's page: a copy of its installation that may be drawn on, and an account anybody may use.

What must stay true here: the pages are those of any installation; orders are taken between two pieces of the day, by
the thread that turns, and go on being taken when the day is over.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from geofence.model import Micros, ZoneId
from trackerd import orders
from trackerd.board import Board
from trackerd.config import Settings
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.latest import Latest
from trackerd.pipeline import empty, record
from trackerd.store import StoreError, Told
from trackerd.web.book import Account, Book
from trackerd.web.opened import room
from trackerd.web.server import Server
from trackerd.zone_files import ZoneFiles

DEMO = ("demo", "demo")
"""Name and password: nothing but a recorded day is shown."""


def copied(folder: Path, into: Path) -> Path:
    """Copy the demo's installation to where it can be drawn on; return its configuration."""
    into.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.suffix in (".toml", ".geojson", ".gz"):
            shutil.copyfile(file, into / file.name)
    return into / "trackerd.toml"


class Pages:
    """What the pages are shown of the day, and what they order."""

    def __init__(self, settings: Settings, path: Path, made: House) -> None:
        """``path``: the configuration's. Raises StoreError where they cannot be served."""
        self._house, self._at = made, Micros(0)
        self._board, self._files = Board(), ZoneFiles(settings, path)
        self._last_visits: dict[ZoneId, Micros] = made.store.last_visits()
        self._events = 0
        made.latest = Latest()
        made.latest.wake(made.store)
        self._room = room(settings, path, self._board)
        self._room.book.close()
        self._room.book = Book(None, PasswordHasher.from_parameters(CHEAPEST))
        self._room.book.add(Account(DEMO[0], "administrator"), DEMO[1], short=True)
        self._room.demo = DEMO
        self._server = Server(self._room)
        self.url = self._server.url

    def tell(self, told: Told) -> None:
        """Take one event."""
        self._at = max(self._at, told.time)
        if (zone := told.presence) is not None:
            self._last_visits[zone] = max(told.time, self._last_visits.get(zone, told.time))

    def beat(self, at: int) -> None:
        """Show how things stand at that moment, and do what was ordered."""
        self._at = max(self._at, Micros(at))
        with contextlib.suppress(StoreError):
            self._obey()
        if self._at:
            events, self._events = self._house.counts.events - self._events, self._house.counts.events
            self._board.show(self._house, self._at, self._last_visits, events)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve while the block lasts."""
        self._server.start()
        try:
            yield
        finally:
            self._server.close()

    def _obey(self) -> None:
        inbox = self._room.inbox
        assert inbox is not None
        for path, command in inbox.waiting():
            try:
                taken = self._ordered(orders.read(command))
            except orders.OrderError as error:
                inbox.refuse(path, str(error))
                continue
            for told in record(self._house, taken, self._at).events:
                self.tell(told)
            inbox.done(path)

    def _ordered(self, order: orders.Order) -> Taken:
        if not isinstance(order, orders.Rezone):
            return orders.carry_out(self._house, order)
        self._house.move(self._files.carry_out(order), self._at)
        return empty()
