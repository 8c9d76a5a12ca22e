"""A store that keeps nothing: for a replay that only wants the events.

What must stay true here: it says yes to everything and remembers nothing but how much there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from geofence.model import DeviceId, Fixes, Micros, ZoneId
from geofence.track import Track
from trackerd.store.protocol import Batch, Kept, Letter, Tally


class NoStore:
    """See Store."""

    def commit(self, batch: Batch) -> int:
        """See Store."""
        return len(batch.fixes)

    def tracks(self) -> list[Track]:
        """See Store."""
        return []

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:  # noqa: ARG002
        """See Store."""
        return iter(())

    def devices(self) -> list[DeviceId]:
        """See Store."""
        return []

    def visits(self, start: int, end: int) -> Iterable[Kept]:  # noqa: ARG002
        """See Store."""
        return ()

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        return {}

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:  # noqa: ARG002
        """See Store."""
        return []

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """See Store."""

    def tally(self) -> Tally:
        """See Store."""
        return Tally()

    def close(self) -> None:
        """See Store."""
