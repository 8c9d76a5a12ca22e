"""What is so now."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from trackerd.web.models.words import Answer, Id, Lat, Lon, Moment, StateName


class InZone(Answer):
    """A zone somebody is believed to be in."""

    zone: str
    since: Moment
    certainty: float = Field(ge=0, le=1, description="Probability of the stay, as believed.")


class LiveWarden(Answer):
    """A warden on duty. Who is off duty, on a break or in a private zone is not here, or stands where last seen."""

    warden: str = Field(description="A pseudonym.", examples=["gw-1"])
    device: Id
    team: str | None = None
    lon: Lon
    lat: Lat
    accuracy_m: float | None = Field(
        default=None, description="Radius that holds the true place with 68 % probability."
    )
    measured: Moment
    age_s: float = Field(
        description="Of the position at the moment of this answer; on the stream reckon it from `measured`."
    )
    silent: bool = Field(default=False, description="Unheard for longer than a silence.")
    still_since: Moment | None = Field(default=None, description="Not moved beyond the receiver's error since then.")
    speed_mps: float | None = None
    battery_pct: float | None = None
    zones: list[InZone] = Field(default=[])


class Inside(Answer):
    """Somebody in a zone."""

    warden: str | None = Field(default=None, description="A pseudonym; a warden sees only their own.")
    since: Moment
    certainty: float


class LiveWindow(Answer):
    """A window that is open now, or the newest that was judged."""

    requirement: str
    start: Moment
    end: Moment
    state: StateName


class LiveZone(Answer):
    """A zone now."""

    zone: str
    name: str
    inside: list[Inside] = Field(default=[])
    occupancy: int = 0
    last_visit: Moment | None = Field(default=None, description="When somebody was last known to be there.")
    due: Moment | None = Field(
        default=None, description="When the next window closes in which something is still owed."
    )
    verdict: StateName | None = Field(default=None, description="On the newest window that has one.")
    windows: list[LiveWindow] = Field(default=[], description="Those open now.")


class Live(Answer):
    """Everything as it is now; on the stream, what has changed since the last."""

    at: Moment = Field(description="How far the record's time has passed.")
    seq: int = Field(description="The newest event of the record: begin the stream after it.")
    wardens: list[LiveWarden]
    zones: list[LiveZone]
    gone: list[str] = Field(default=[], description="On the stream: devices whose wardens are no longer on duty.")
    partial: bool = Field(default=False, description="Only what has changed: keep the rest.")
    demo: bool = False


class Acknowledgement(Answer):
    """Somebody has seen to it."""

    by: str
    at: Moment
    note: str = ""


class Acknowledged(Answer):
    """On the stream: somebody has seen to an event."""

    id: str
    acknowledged: Acknowledgement


class RecordEvent(Answer):
    """One event of the record."""

    seq: int
    event: dict[str, Any] = Field(
        description="The CloudEvent.",
        examples=[
            {
                "specversion": "1.0", "id": "5b0c", "type": "trackerd.zone.enter", "subject": "zones/box-07",
                "time": "2026-05-04T08:12:31Z", "data": {"zone": "box-07", "warden": "gw-2", "confidence": 0.98},
            }
        ],
    )  # fmt: skip
    stands: bool = Field(default=True, description="Not taken back.")
    acknowledged: Acknowledgement | None = None


class Events(Answer):
    """Events in the order they were recorded."""

    items: list[RecordEvent]
    next: int | None = Field(default=None, description="Pass it as `after` for more; none: that is all for now.")
