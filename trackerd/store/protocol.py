"""What a store is: where the record is kept.

What must stay true of every store (tests/trackerd/test_store.py holds each one to it): a batch is committed whole or
not at all; when ``commit`` returns, it is on disk; a fix is unique by device and time and the first one stays; an
event is unique by its id; nothing in the outbox is forgotten before it is marked told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from geofence.model import DeviceId, Fixes, Micros, TeamId, Visit, WardenId, ZoneId
from geofence.track import Track


class StoreError(Exception):
    """The store cannot do what was asked; the text tells an administrator why and what to do."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Data that was not believed, for the quarantine."""

    source: str
    received: Micros
    why: str
    detail: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A sign of life without a position."""

    device: DeviceId
    received: Micros
    why: str
    battery_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the world is told it: the CloudEvent, and what it is filed under."""

    id: str
    type: str
    time: Micros
    body: dict[str, Any]
    zone: ZoneId | None = None
    device: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A visit with who made it."""

    visit: Visit
    warden: WardenId | None = None
    team: TeamId | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """All that one turn has to say. Columns of ``wardens`` and ``received`` (microseconds) match ``fixes``."""

    fixes: Fixes
    received: Sequence[int] = ()
    wardens: Sequence[WardenId | None] = ()
    refusals: Sequence[Refusal] = ()
    pulses: Sequence[Pulse] = ()
    tracks: Sequence[Track] = ()
    visits: Sequence[Kept] = ()
    events: Sequence[Told] = ()
    routes: Sequence[str] = ()
    """Who has to be told each event."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One event that one route has still to be told."""

    seq: int
    route: str
    event: Told


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is kept."""

    fixes: int = 0
    visits: int = 0
    events: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    untold: int = 0


class Store(Protocol):
    """Where the record is kept. Used by one thread."""

    def commit(self, batch: Batch) -> int:
        """Keep the batch in one transaction; return how many of its fixes were new. Raises StoreError."""

    def tracks(self) -> list[Track]:
        """Return the state of every device as last committed."""

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """Yield one device's fixes with ``after`` < time < ``before`` in order of time, in pieces."""

    def devices(self) -> list[DeviceId]:
        """Return every device that has a fix."""

    def visits(self, start: int, end: int) -> Iterable[Kept]:
        """Return the visits that touch [start, end), in order of their beginning."""

    def last_visits(self) -> dict[ZoneId, Micros]:
        """Return for each zone ever visited the last moment somebody is known to have been there."""

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """Return what the route has not been told, in the order it was recorded, beyond ``after``."""

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """Remember that the route was told these; on disk with the next commit at the latest."""

    def tally(self) -> Tally:
        """Count what is kept."""

    def close(self) -> None:
        """Let go of it, in good order."""
