"""How the daemon stands, for whoever asks from another thread.

What must stay true here: what only the turning thread may touch (engine, docket, store) is looked at by that thread,
now and then, and put here as one object; everything else is a number or a word that any thread may read while it
changes. Looking never takes more than a fiftieth of the turning thread's time. No person, no place.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from geofence.model import SECOND, Micros, ZoneId, to_micros
from trackerd import clock
from trackerd.carry import Carrier
from trackerd.chunk import Source
from trackerd.house import House
from trackerd.retention import Retention
from trackerd.store import StoreError, Waiting

EVERY_S = 5.0
SHARE = 50
"""Between two looks goes by at least so many times what one took."""
UNDECIDED = "undecided"
"""Of a window whose end has come and that is not judged yet."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What the turning thread saw."""

    at: Micros
    last_presence: Mapping[ZoneId, Micros] = field(default_factory=dict)
    """When somebody was last known to be in each zone that was ever visited and is still one."""
    zones: int = 0
    occupied: int = 0
    """Zones somebody is believed to be in."""
    due: int = 0
    """Zones to which something is owed now."""
    windows: Mapping[str, int] = field(default_factory=dict)
    """What became of the windows that began since midnight, the town's; those still open are not among them."""
    on_duty: int = 0
    """Wardens on duty, without those on break."""
    waiting: Sequence[Waiting] = ()
    """How each receiver's letters stand."""


class Vitals:
    """One daemon, as it stands. ``look`` is the turning thread's; the rest is anybody's."""

    def __init__(
        self, house: House, sources: Sequence[Source], carrier: Carrier, retention: Retention | None = None
    ) -> None:
        """Nothing has been looked at yet."""
        self.house, self.sources, self.carrier, self.retention = house, sources, carrier, retention
        self.last = Look(Micros(0))
        self.turned = clock.now()
        """When the loop last went round."""
        self.blind = False
        """The store could not be looked into the last time."""
        self._next = 0.0

    def look(self, last_visits: Mapping[ZoneId, Micros], *, anew: bool = False) -> None:
        """Look, if it is time, or at once where ``anew``."""
        began = clock.monotonic()
        self.turned = clock.now()
        if began < self._next and not anew:
            return
        try:
            self.last, self.blind = self._seen(last_visits), False
        except StoreError as error:
            if not self.blind:
                log.warning("the store: %s; its figures are those of before", error)
            self.blind = True
        self._next = clock.monotonic() + max(EVERY_S, SHARE * (clock.monotonic() - began))

    def _seen(self, last_visits: Mapping[ZoneId, Micros]) -> Look:
        house, now = self.house, to_micros(self.turned)
        zones = {zone.id for zone in house.town.zones}
        return Look(
            at=now,
            last_presence={zone: seen for zone, seen in last_visits.items() if zone in zones},
            zones=len(zones),
            occupied=sum(zone in zones for zone in house.engine.occupancy()),
            due=len(house.docket.due),
            windows=self._windows(now),
            on_duty=len(self._on_duty(now)),
            waiting=house.store.waiting(),
        )

    def _windows(self, now: Micros) -> Counter[str]:
        local = self.turned.astimezone(self.house.town.plan.zone)
        midnight = to_micros(datetime.combine(local.date(), time(), local.tzinfo))
        found = self.house.store.outcomes(midnight, now + 86_400 * SECOND)
        return Counter(one.outcome.value if one.outcome is not None else UNDECIDED for one in found)

    def _on_duty(self, now: Micros) -> set[str]:
        roster = self.house.town.roster
        devices = {duty.device for duty in roster.duties} | self.house.engine.tracks.keys()
        return {warden for device in devices if (warden := roster.holder(device, now)) is not None}
