"""How the installation does, and who looked at what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trackerd.web.models.words import Answer, Asked, Moment


class Device(Answer):
    """One device. Of one off duty nothing but that is told."""

    device: str
    warden: str | None = None
    on_duty: bool
    last_fix: Moment | None = None
    age_s: float | None = None
    accuracy_m: float | None = None
    battery_pct: float | None = None
    silent: bool | None = None
    clock_offset_s: float | None = Field(
        default=None, description="How far its newest position was ahead of when it came in."
    )


class Source(Answer):
    """Where bytes come from."""

    name: str
    kind: str
    connected: bool
    state: str = Field(default="", description="In words.")
    since: Moment | None = Field(default=None, description="Connected, or not, since then.")


class Route(Answer):
    """Somebody who is told of events."""

    route: str
    untold: int
    dead: int
    oldest: Moment | None = None
    tries: int = 0
    next: Moment | None = None
    error: str = ""


class DeadLetter(Answer):
    """An event somebody could not be told."""

    route: str
    seq: int
    id: str
    type: str
    time: Moment
    error: str = ""
    tries: int = 0
    since: Moment | None = None


class StoreHealth(Answer):
    """The record."""

    kind: str = Field(examples=["sqlite"])
    away: str = Field(default="", description="Why it does not answer; empty while it does.")
    fixes: int
    visits: int
    events: int
    refusals: dict[str, int]
    since: Moment | None = None


class Health(Answer):
    """How everything does."""

    at: Moment
    version: str
    started: Moment
    devices: list[Device]
    sources: list[Source]
    routes: list[Route]
    dead: list[DeadLetter]
    store: StoreHealth
    counts: dict[str, int] = Field(description="What has gone through since the start.")
    streams: int = Field(description="Pages that listen.")


class ResendAsked(Asked):
    """Whose letters shall wait again; none: everybody's."""

    route: str | None = Field(default=None, max_length=64)


class Resent(Answer):
    """How many letters wait again."""

    letters: int


class Look(Answer):
    """That somebody asked where people were."""

    at: Moment
    by: str
    question: str = Field(examples=["track"])
    about: str = Field(description="Which place, coarsely, or which person's pseudonym.")
    start: Moment
    end: Moment
    purpose: str


class Looks(Answer):
    """Who looked, newest first."""

    items: list[Look]
    next: Moment | None = Field(default=None, description="Pass it as `before` for older ones.")


class Ready(Answer):
    """Whether the daemon lives, and takes part."""

    state: Literal["ok", "starting", "store away", "stalled"]


class AcknowledgeAsked(Asked):
    """A note with the acknowledgement."""

    note: str = Field(default="", max_length=500, examples=["called; all is well"])
