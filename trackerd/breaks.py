"""The breaks of the wardens: what is known of them, and what a word about one changes.

What must stay true here: a break nobody ends is over with the duty it was taken in; saying the same twice changes
nothing; what only a phone's mark began, only the mark's absence or a clear word ends.
"""

from __future__ import annotations

from collections.abc import Iterable

from geofence.calendar import Window
from geofence.model import Micros, WardenId
from geofence.plan import Roster
from geofence.spans import Spans, union
from trackerd.store import Break

TAG = "tag"
"""Who said so, where it is a mark that every message of the break carries."""


class Breaks:
    """All breaks, and what they come to."""

    def __init__(self, kept: Iterable[Break] = ()) -> None:
        """Begin with those on disk."""
        self._of: dict[WardenId, dict[Micros, Break]] = {}
        self._take(kept)

    def recall(self, told: Iterable[Break]) -> None:
        """Take breaks told earlier, each as it was told last; what is known of the same one meanwhile stays."""
        last = {(one.warden, one.start): one for one in told}.values()
        self._take(one for one in list(last) if one.start not in self._of.get(one.warden, {}))

    def standing(self, told: Iterable[Break]) -> list[Break]:
        """Return those breaks as they are now, each once."""
        keys = dict.fromkeys((one.warden, one.start) for one in told)
        return [of[start] for warden, start in keys if start in (of := self._of.get(warden, {}))]

    def spans(self) -> dict[WardenId, Spans]:
        """Return when each warden is on break."""
        return {warden: union(one[1:3] for one in of.values()) for warden, of in self._of.items()}

    def begin(self, new: Break) -> list[Break]:
        """Take a break; return what is to be kept of it: nothing, where it lies within one."""
        if any(one.start <= new.start and new.end <= one.end for one in self._of.get(new.warden, {}).values()):
            return []
        return self._take([new])

    def end(self, warden: WardenId, at: Micros, by: str | None = None) -> list[Break]:
        """End the breaks the warden is on at that moment (only those said ``by``); return them as they are now."""
        found = [one for one in self._of.get(warden, {}).values() if one.start <= at < one.end]
        return self._take(one._replace(end=at) for one in found if by in (None, one.by))

    def _take(self, changed: Iterable[Break]) -> list[Break]:
        kept = list(changed)
        for one in kept:
            of = self._of.setdefault(one.warden, {})
            if one.start < one.end:
                of[one.start] = one
            else:
                of.pop(one.start, None)
        return kept


def extent(roster: Roster, warden: WardenId, start: Micros, until: Micros | None) -> Window | None:
    """Return from when to when a break holds; None where there is no duty to interrupt.

    Without ``until`` it ends with the stretch of duty that holds ``start``.
    """
    if until is None:
        duty = roster.stretch(warden, start)
        return None if duty is None else Window(start, duty.end)
    return Window(start, until) if start < until else None
