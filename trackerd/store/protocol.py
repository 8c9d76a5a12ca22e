"""What a store is: where the record is kept.

What must stay true of every store (tests/trackerd/test_store.py holds each one to it): a batch is committed whole or
not at all; when ``commit`` returns, it is on disk; a fix is unique by device and time, and which of two stays is
never for arrival to say (the SOS, else the finer, else the smaller in its values); an event is unique by its id, also
once it was taken back; a visit is kept as the last standing event about it tells, and not at all where none stands;
nothing in the outbox is forgotten before it is marked told, not even what was set aside; a device whose record waits
to be revised is not forgotten before it was, nor one by whose fixes something is to be judged again; what is erased
leaves no trace in any file once the revision it made necessary is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.model import DeviceId, Fixes, IntColumn, Micros, VisitId, ZoneId
from geofence.revise import Standing
from trackerd.store.values import (
    ALL,
    Asking,
    Batch,
    Box,
    Break,
    Committed,
    DataClass,
    Docketed,
    Entry,
    Found,
    Kept,
    Letter,
    Outcomes,
    Seen,
    Tally,
    Told,
    Trouble,
    Waiting,
    Waiver,
    Wanted,
)


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

    def visits(self, start: int, end: int, zone: ZoneId | None = None) -> Iterable[Kept]:
        """Return the visits (to that zone) that touch [start, end), in order of their beginning."""

    def docket(self, start: int, end: int, zone: ZoneId | None = None) -> list[Docketed]:
        """Return the cases (of that zone) whose windows touch [start, end), in order of their ends."""

    def outcomes(self, start: int, end: int) -> list[Outcomes]:
        """Return what became of the cases whose windows begin in [start, end), in order of their ends."""

    def seen(self, start: int, end: int, box: Box | None = None) -> list[Seen]:
        """Return all that is kept of where people were in [start, end), within the box; also what was thinned."""

    def times(self, device: DeviceId, start: int, end: int, apart: int = 0) -> IntColumn:
        """Return the moments in [start, end) of which a position of the device is kept, in order.

        Of moments with neighbours no farther than ``apart`` (microseconds) some may be left out, never so that a new
        gap longer than that arises.
        """

    def since(self) -> Micros | None:
        """Return the first moment of which anything is kept; None where nothing is."""

    def history(self, after: int, limit: int, wanted: Wanted = ALL) -> list[Entry]:
        """Return events in the order they were recorded, beyond ``after``, so many at most."""

    def newest(self) -> int:
        """Return the place of the event recorded last; 0 where none ever was."""

    def first_position(self) -> Micros | None:
        """Return the first moment of which a position is kept, exact or thinned; None where none is."""

    def ask(self, asking: Asking) -> None:
        """Keep, on disk, that somebody asks."""

    def askings(self, start: int, end: int) -> list[Asking]:
        """Return who asked in [start, end), in order."""

    def open_cases(self) -> list[Docketed]:
        """Return the cases that are not closed, in order of their ends."""

    def rejudge(self) -> dict[DeviceId, Micros]:
        """Return the devices by whose fixes cases must be judged again, and since when."""

    def frontier(self) -> Micros | None:
        """Return up to when every window that ended is on the docket; None where none ever was."""

    def breaks(self) -> list[Break]:
        """Return every break, in order of their beginning."""

    def waivers(self, start: int, end: int) -> list[Waiver]:
        """Return the waivers that hold of windows that begin in [start, end)."""

    def last_visits(self) -> dict[ZoneId, Micros]:
        """Return for each zone ever visited the last moment somebody is known to have been there."""

    def event(self, id_: str) -> Told | None:
        """Return the event of that id, also where it was taken back; ``said`` is None."""

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """Return what the route has not been told and is not set aside, in the order recorded, beyond ``after``."""

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """Remember that the route was told these; on disk with the next commit at the latest."""

    def mark_failed(self, route: str, failed: Mapping[int, Trouble]) -> None:
        """Remember what these letters of the route met; it takes the place of what they met before."""

    def dead(self, limit: int) -> list[Letter]:
        """Return the letters set aside, by route in the order they were recorded."""

    def revive(self, route: str | None = None) -> int:
        """Let the letters set aside (of one route) wait again as if never tried; return how many.

        Those whose event was taken back meanwhile are forgotten: what is known to be wrong is not said again.
        """

    def waiting(self) -> list[Waiting]:
        """Return how each route stands that has any letter."""

    def retire(self, before: Micros) -> dict[DeviceId, Micros]:
        """Let no exact position from before that moment be kept on account of a revision to come.

        Return each device's horizon: up to then its exact positions go, or are gone, and nothing can be told anew. It
        lies at the last state kept of the device, so up to about an hour of its fixes before ``before``.
        """

    def horizons(self) -> dict[DeviceId, Micros]:
        """Return the devices' horizons, as last retired."""

    def forget(self, what: DataClass, before: Micros, limit: int) -> int:
        """Let go of some of what is older, about ``limit`` rows; return how many were dealt with, 0 where none is left.

        Exact positions go up to their devices' horizons, whatever ``before`` says; one a minute of them is kept.
        """

    def thinned(self, device: DeviceId, after: Micros, before: Micros) -> Fixes:
        """Return what is kept of a device's exact positions, one a minute, with ``after`` < time < ``before``."""

    def tally(self) -> Tally:
        """Count what is kept."""

    def close(self) -> None:
        """Let go of it, in good order."""
