"""What every question reads: the store, and what the configuration says beside it.

What must stay true here: nothing is known of a time that is still to come; of a time whose positions were let go of
nobody is called unheard, nor absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from geofence.belief import Rules
from geofence.calendar import Window
from geofence.event import Visit
from geofence.model import Micros, to_datetime, to_micros
from geofence.plan import Roster
from trackerd.store import Store


class ReportFault(Exception):  # noqa: N818 (the field's word: a fault in the question)
    """A question that cannot be answered; the text says why, and what to ask instead."""


@dataclass(frozen=True)
class Record:
    """The record of one town, as it is now."""

    store: Store
    now: Micros
    roster: Roster = field(default_factory=lambda: Roster(everyone=True))
    rules: Rules = field(default_factory=Rules)
    zone: tzinfo = UTC

    def local(self, moment: int) -> datetime:
        """Return a moment by the town's clock."""
        return to_datetime(moment).astimezone(self.zone)

    def day(self, on: date) -> Window:
        """Return one day of the town's calendar."""
        return self.days(on, on)

    def days(self, first: date, last: date) -> Window:
        """Return the time from the first day to the last, both whole."""
        start, end = (datetime.combine(day, datetime.min.time(), self.zone) for day in (first, last + timedelta(1)))
        return Window(to_micros(start), to_micros(end))

    def forgotten(self) -> Micros | None:
        """Return up to when positions were let go of, by the terms of retention; None while none were."""
        gone = self.store.horizons().values()
        return (self.store.first_position() or max(gone)) if gone else None

    def past(self, window: Window) -> Window:
        """Return what of it is over. Raises ReportFault where nothing is, or nothing was kept of that time."""
        if window.start >= window.end:
            raise ReportFault(f"the period ends before it begins ({self._when(window)}): change --from and --to over")
        if window.start >= self.now:
            raise ReportFault(f"{self._when(window)} is still to come: ask about a day that has begun")
        since = self.store.since()
        if since is None:
            raise ReportFault("nothing is stored yet: let `trackerd run` take in positions first")
        if window.end <= since:
            first = f"{self.local(since):%Y-%m-%d}"
            raise ReportFault(f"nothing is stored of {self._when(window)}: the record begins on {first}")
        return Window(window.start, min(window.end, self.now))

    def positioned(self, window: Window) -> Window:
        """Return what of it is over and has its positions. Raises ReportFault where they were all let go of."""
        window, forgotten = self.past(window), self.forgotten()
        if forgotten is None or forgotten <= window.start:
            return window
        if forgotten >= window.end:
            raise ReportFault(
                f"the positions of {self._when(window)} are kept no longer, by the terms of [retention]: they begin on "
                f"{self.local(forgotten):%Y-%m-%d}; visits to a zone may be kept longer: trackerd report zone"
            )
        return Window(forgotten, window.end)

    def ended(self, visit: Visit) -> Micros:
        """Return when a visit ended; of one that lasts, until when its device was heard of."""
        if visit.ended is not None:
            return visit.ended
        times = self.store.times(visit.device, visit.began, self.now + 1)
        return max(visit.began, min(Micros(int(times[-1])) if len(times) else visit.began, self.now))

    def _when(self, window: Window) -> str:
        first, last = (f"{self.local(moment):%Y-%m-%d}" for moment in (window.start, window.end - 1))
        return first if first == last else f"{first} to {last}"
