"""What one route is told, and when.

What must stay true here: an SOS is never held, and is told to a route of teams also where nobody knows whose it is; a
retraction goes where that went which it takes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from fnmatch import fnmatchcase

from geofence.calendar import Hours
from geofence.model import Micros, to_datetime
from geofence.wire import PREFIX
from trackerd.store import Told

SOS = PREFIX + "device.sos"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Wishes:
    """As configured; the default is everything, at once."""

    types: tuple[str, ...] = ("*",)
    """Patterns of types, without the prefix."""
    kinds: tuple[str, ...] = ()
    """Of zones; none: all. What is about no zone is not asked for one."""
    zones: tuple[str, ...] = ()
    """Patterns of ids; none: all."""
    teams: tuple[str, ...] = ()
    quiet: Hours | None = None
    zone: tzinfo = UTC
    """The town's clock, for the quiet hours."""
    group_s: float = 0.0
    """What comes within so long after the first goes in one."""
    give_up_s: float = 3 * 86_400.0
    """What could not be told for so long is set aside."""

    def want(self, event: Told) -> bool:
        """Return whether the route is told this; of a retraction ask about what it takes back."""
        data = event.body.get("data", {})
        if not _fits(event.type.removeprefix(PREFIX), self.types):
            return False
        if event.zone is not None and not (_fits(event.zone, self.zones) and _fits(data.get("kind"), self.kinds)):
            return False
        team = data.get("team")
        return _fits(team, self.teams) or (team is None and event.type == SOS)

    def quiet_at(self, now: Micros) -> bool:
        """Return whether only an SOS may go now."""
        if self.quiet is None:
            return False
        today = to_datetime(now).astimezone(self.zone).date()
        found = (self.quiet.on(day, self.zone) for day in (today - DAY, today))
        return any(window is not None and window.start <= now < window.end for window in found)


def _fits(name: str | None, patterns: tuple[str, ...]) -> bool:
    return not patterns or (name is not None and any(fnmatchcase(name, pattern) for pattern in patterns))
