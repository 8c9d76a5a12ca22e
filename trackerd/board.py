"""What the turn shows to whoever looks: one immutable picture after the other.

What must stay true here: showing costs the turn a copy of a few references and waits for nobody; whoever looks has a
picture that changes no more; nothing here knows who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from geofence.editions import Editions
from geofence.model import DeviceId, Micros, VerdictId, ZoneId
from geofence.track import Track
from geofence.verdict import Outcome
from trackerd import clock
from trackerd.house import Counts, House
from trackerd.latest import LastFix
from trackerd.store import Docketed
from trackerd.town import Town

EVERY_S = 0.25
"""At most so often, unless there is something to tell."""


@dataclass(frozen=True)
class Picture:
    """How things stand. Whoever takes it must not change it."""

    at: Micros
    """How far time has passed."""
    town: Town
    """With the breaks that are known."""
    editions: Editions
    tracks: Mapping[DeviceId, Track]
    latest: Mapping[DeviceId, LastFix]
    last_visits: Mapping[ZoneId, Micros]
    due: Mapping[ZoneId, Micros]
    verdicts: Mapping[ZoneId, Outcome]
    open: Mapping[VerdictId, Docketed]
    """Ended and not judged, or met before the end."""
    counts: Counts
    away: str = ""
    """Why the store does not answer."""
    news: int = 0
    """Grows whenever there may be new events."""


class Board:
    """The newest picture."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self._watchers: tuple[Callable[[], None], ...] = ()
        self._next = 0.0
        self._news = 0

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have ``watcher`` called after each new picture; it must return at once and raise nothing."""
        self._watchers = (*self._watchers, watcher)

    def show(self, house: House, at: Micros, last_visits: Mapping[ZoneId, Micros], events: int, away: str = "",
             at_once: bool = False) -> None:  # fmt: skip
        """Show how things stand; ``events``: how many were told since the last time."""
        now = clock.monotonic()
        if now < self._next and not events and not at_once:
            return
        self._next = now + EVERY_S
        self._news += bool(events)
        docket = house.docket
        self.picture = Picture(
            at, house.town, house.editions, dict(house.engine.tracks), dict(house.latest.of if house.latest else {}),
            dict(last_visits), dict(docket.due), dict(docket.verdicts), dict(docket.open), replace(house.counts), away,
            self._news,
        )  # fmt: skip
        for watcher in self._watchers:
            watcher()
