"""What is owed of a zone in a window, and what is held of it: a case, its terms, and the verdict.

What must stay true here: a case and a verdict are plain values, named the same whoever computes them, and a store may
keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from geofence.calendar import Window
from geofence.model import Micros, RequirementId, VerdictId, WardenId, ZoneId
from geofence.names import named


class Outcome(StrEnum):
    """What became of a window."""

    MET = "met"
    PARTIAL = "partial"
    MISSED = "missed"
    UNPROVEN = "unproven"
    EXCUSED = "excused"


class Terms(NamedTuple):
    """What a requirement asks of a window."""

    visits: int = 1
    dwell_s: float = 0.0
    """Least presence of a visit that counts: within hard bounds, or surely believed."""
    spacing_s: float = 0.0
    """Least time between two visits that count."""
    together: int = 1
    """Wardens at once."""
    grace_s: float = 0.0


class Case(NamedTuple):
    """One window of one zone, as it stood when it was to be judged."""

    requirement: RequirementId
    zone: ZoneId
    window: Window
    terms: Terms
    waived: str | None = None
    """Why it need not be done, if somebody said so."""

    @property
    def id(self) -> VerdictId:
        """The same whoever computes it."""
        return _verdict_id(self.requirement, self.zone, self.window)


@lru_cache(maxsize=16_384)
def _verdict_id(requirement: RequirementId, zone: ZoneId, window: Window) -> VerdictId:
    return VerdictId(named(f"verdict|{requirement}|{zone}|{window}"))


class Gap(NamedTuple):
    """When one warden could have been there unseen."""

    warden: WardenId
    start: Micros
    end: Micros


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is held of a case."""

    outcome: Outcome
    at: Micros
    """When it became so: the fulfilment, or the window's end."""
    visits: int = 0
    """That count."""
    seconds: float = 0.0
    """Presence in the window that is sure, of all stays together."""
    gaps: tuple[Gap, ...] = ()
    """UNPROVEN: what leaves it open."""
    seen_elsewhere: tuple[WardenId, ...] = ()
    """MISSED: everyone it could have been."""
    reason: str | None = None
    """EXCUSED: why."""
