"""What a store is: where the record is kept.

What must stay true of every store (tests/trackerd/test_store.py holds each one to it): a batch is committed whole or
not at all; when ``commit`` returns, it is on disk; a fix is unique by device and time, and which of two stays is
never for arrival to say (the SOS, else the finer, else the smaller in its values); an event is unique by its id, also
once it was taken back; a visit is kept as the last standing event about it tells, and not at all where none stands;
nothing in the outbox is forgotten before it is marked told; a device whose record waits to be revised is not
forgotten before it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.model import DeviceId, Event, Fixes, Micros, TeamId, Visit, VisitId, WardenId, ZoneId
from geofence.revise import Standing


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


class Said(NamedTuple):
    """What the engine said, in its own words, and of whom: the ledger and every revision are made of it."""

    event: Event
    warden: WardenId | None = None
    team: TeamId | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the world is told it: the CloudEvent, and what it is filed under."""

    id: str
    type: str
    time: Micros
    body: dict[str, Any]
    zone: ZoneId | None = None
    device: DeviceId | None = None
    said: Said | None = None
    """None for what is never revised, and in a Letter."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A visit with who made it."""

    visit: Visit
    warden: WardenId | None = None
    team: TeamId | None = None


@dataclass(frozen=True, slots=True)
class Revised:
    """One device's record was told anew from the fixes: what is no longer so."""

    device: DeviceId
    since: Micros
    """Checkpoints from then on are void."""
    wrong: Sequence[str] = ()
    """Ids of the events taken back."""
    redated: Sequence[tuple[str, Micros]] = ()
    """Ids of events that stand, with the moment that now decides them."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """All that one turn has to say. Columns of ``wardens`` and ``received`` (microseconds) match ``fixes``."""

    fixes: Fixes
    received: Sequence[int] = ()
    wardens: Sequence[WardenId | None] = ()
    late: Sequence[int] = ()
    """Rows of ``fixes`` the engine did not take: where one is news, its device is dirty from its time on."""
    refusals: Sequence[Refusal] = ()
    pulses: Sequence[Pulse] = ()
    tracks: Sequence[Saved] = ()
    checkpoints: Sequence[Saved] = ()
    editions: Sequence[Edition] = ()
    dirty: Sequence[tuple[DeviceId, Micros]] = ()
    """Devices to revise for another reason than late fixes, and since when."""
    revised: Revised | None = None
    events: Sequence[Told] = ()
    routes: Sequence[str] = ()
    """Who has to be told each event."""


class Committed(NamedTuple):
    """What of a batch was news."""

    fixes: int
    """Fixes of a moment not known before."""
    events: list[Told]


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


class Found(NamedTuple):
    """An event that was told, as it was told."""

    told: Told
    stands: bool
    """Not taken back."""


class Store(Protocol):
    """Where the record is kept. Used by one thread."""

    def commit(self, batch: Batch) -> Committed:
        """Keep the batch in one transaction. Raises StoreError."""

    def tracks(self) -> list[Saved]:
        """Return the state of every device as last committed."""

    def checkpoint(self, device: DeviceId, before: Micros) -> Saved | None:
        """Return the newest state kept of a device whose time had not passed to ``before``."""

    def dirty(self) -> dict[DeviceId, Micros]:
        """Return the devices whose record is to be revised, and since when."""

    def standing(self, device: DeviceId, after: Micros) -> list[Standing]:
        """Return the device's events decided after that moment and not taken back, in the order they were decided."""

    def find(self, begins: str) -> list[Found]:
        """Return the events, two at most, whose id begins so, whether or not they stand."""

    def revision(self, visit: VisitId) -> int:
        """Return the least revision of a visit, not below any told, of which nothing was taken back; 0 at first."""

    def editions(self) -> list[Edition]:
        """Return every edition of the zones, oldest first."""

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
