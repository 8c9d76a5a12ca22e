"""One day: who was where, and what became of what was owed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trackerd.web.models.words import Answer, Asked, Day, Id, Lat, Lon, Moment, OutcomeName, Span, StateName


class DayVisit(Answer):
    """One visit."""

    visit: str
    zone: str
    warden: str | None
    team: str | None = None
    began: Moment
    ended: Moment | None = Field(default=None, description="None: not over yet.")
    seconds: float = Field(description="Certain presence.")
    seconds_possible: float
    confidence: float


class DayWarden(Answer):
    """One warden's day."""

    warden: str
    team: str | None = None
    duty: list[Span]
    gaps: list[Span] = Field(description="On duty and unheard for longer than a silence.")
    breaks: list[Span] = Field(default=[])
    distance_m: float | None = Field(default=None, description="None: too long ago, exact positions are thinned.")
    visits: list[DayVisit]


class Gap(Answer):
    """When somebody could have been there unseen."""

    warden: str
    start: Moment
    end: Moment


class DayWindow(Answer):
    """A window and what became of it."""

    requirement: str
    zone: str
    start: Moment
    end: Moment
    state: StateName
    at: Moment | None = Field(default=None, description="When it became so.")
    visits: int = Field(default=0, description="That count.")
    visits_asked: int = 1
    dwell_s: float = Field(default=0.0, description="Least presence of a visit that counts.")
    together: int = 1
    seconds: float = 0.0
    gaps: list[Gap] = Field(default=[], description="Unproven: what leaves it open.")
    seen_elsewhere: list[str] = Field(default=[], description="Skipped: everyone it could have been.")
    reason: str | None = Field(default=None, description="Excused: why.")
    grace_until: Moment | None = None


class DayZone(Answer):
    """One zone's day."""

    zone: str
    name: str
    visits: list[DayVisit]
    windows: list[DayWindow]


class DayAnswer(Answer):
    """A day of the town's calendar."""

    date: Day
    start: Moment
    end: Moment
    until: Moment = Field(description="How much of it is over.")
    wardens: list[DayWarden]
    zones: list[DayZone]


class Track(Answer):
    """Where one warden was, by one device; columns of equal length."""

    warden: str | None
    device: Id
    time: list[Moment]
    lon: list[Lon]
    lat: list[Lat]
    accuracy_m: list[float | None]


class Tracks(Answer):
    """Exact tracks of a day; that they were asked for is in the access log."""

    date: Day
    items: list[Track]
    looked: Moment = Field(description="When this look was written to the access log.")


class PlanCase(DayWindow):
    """A window on the board."""

    zone_name: str
    by: list[str] = Field(description="Who may do it.", examples=[["anyone"]])
    on_duty: list[str] = Field(default=[], description="Who of them is on duty in it, long enough.")
    waivable: bool = Field(default=False, description="It can be waived, or its waiver undone.")
    waived: Waiver | None = None
    can_be_met: bool | None = Field(default=None, description="Open: whether it still can be; none where that is past.")
    left_s: float | None = Field(default=None, description="Open: until its end.")


class Waiver(Answer):
    """Why a window need not be met."""

    reason: str
    by: str
    at: Moment


class PlanBoard(Answer):
    """What is owed on a day, in order of closing."""

    date: Day
    at: Moment
    cases: list[PlanCase]
    counts: dict[StateName, int]


class WaiverAsked(Asked):
    """Which window is waived, and why."""

    requirement: Id
    zone: Id
    start: Moment = Field(description="Of the window.")
    reason: str = Field(min_length=3, max_length=300, examples=["road works: the square is closed"])


class BreakAsked(Asked):
    """A break; without `start` from now on, without `until` to the end of the duty."""

    warden: Id
    start: Moment | None = None
    until: Moment | None = None


class Done(Answer):
    """The daemon has taken an order."""

    state: Literal["done", "waiting"] = Field(
        description="waiting: it is kept and will be carried out, as soon as can be."
    )


Outcome = OutcomeName
PlanCase.model_rebuild()
