"""What goes into a store and comes out of it: plain values.

What must stay true here: nothing here knows how any store keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from geofence.calendar import Window
from geofence.editions import Edition
from geofence.engine import Saved
from geofence.event import Event, Visit
from geofence.model import DeviceId, Fixes, Micros, RequirementId, TeamId, WardenId, ZoneId
from geofence.spans import Spans
from geofence.verdict import Case, Outcome, Verdict


class StoreError(Exception):
    """The store cannot do what was asked; the text tells an administrator why and what to do."""


class StoreHeld(StoreError):  # noqa: N818 (the field's word: somebody else has it)
    """Another trackerd is writing to it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Data that was not believed, for the quarantine."""

    source: str
    received: Micros
    why: str
    detail: str = ""
    data: bytes = b""
    device: DeviceId | None = None
    """Whose it was, where its bytes may have to be erased."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A sign of life without a position."""

    device: DeviceId
    received: Micros
    why: str
    battery_pct: float | None = None


class Break(NamedTuple):
    """A warden on break: as good as off duty."""

    warden: WardenId
    start: Micros
    end: Micros
    by: str = ""
    """Who or what said so."""


class Erased(NamedTuple):
    """Of that device and time nothing may be kept."""

    device: DeviceId
    start: Micros
    end: Micros


class Unheld(NamedTuple):
    """A device that nobody ever carries, and how often it was heard."""

    device: DeviceId
    times: int
    last: Micros


class Waiver(NamedTuple):
    """One window of one zone that need not be met; without a reason it must after all."""

    requirement: RequirementId
    zone: ZoneId
    start: Micros
    """Of the window."""
    reason: str | None
    by: str
    at: Micros


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

    @property
    def presence(self) -> ZoneId | None:
        """Where it says that somebody was; None where it does not: a verdict has a zone, and nobody's device."""
        return self.zone if self.device is not None else None


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
    forgotten: Sequence[str] = ()
    """Of those taken back, what told of a time off duty: nothing of them is kept but that they were told."""


@dataclass(frozen=True, slots=True)
class Docketed:
    """A case, with all that is needed to judge it again."""

    case: Case
    duties: Mapping[WardenId, Mapping[DeviceId, Spans]] | None = None
    """When, within the window, each of those who may do it was on duty with which device; None: whoever sends is."""
    by: tuple[str, ...] = ("anyone",)
    """Who may do it, where there is no roster."""
    verdict: Verdict | None = None
    """None until it is judged."""
    closed: bool = False
    """It was judged when all was over; before that a requirement can only be met."""
    event: str | None = None
    """The id of the event that tells the verdict."""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was put on the docket, or judged."""

    cases: Sequence[Docketed] = ()
    """Each takes the place of what was kept of it."""
    wrong: Sequence[str] = ()
    """Ids of the events taken back."""
    rejudged: Sequence[DeviceId] = ()
    """Devices by whose late fixes everything has been judged again."""
    frontier: Micros | None = None
    """All windows that ended by then are on the docket."""


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
    rejudge: Sequence[tuple[DeviceId, Micros]] = ()
    """Devices with fixes of a time that was judged already, and since when; those of late fixes are known."""
    breaks: Sequence[Break] = ()
    """Each takes the place of the same warden's that began then; one that ends as it begins is none."""
    erased: Sequence[Erased] = ()
    """Where there was a fix in it the device is dirty; an SOS stays. Done after the fixes are kept. No event keeps a
    place of that time, and what was taken back of it before keeps nothing."""
    unheld: Sequence[Unheld] = ()
    """Counts to be added."""
    waivers: Sequence[Waiver] = ()
    """Each takes the place of an earlier one of that window."""
    judgement: Judgement | None = None
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
class Trouble:
    """What a letter met that could not be told."""

    tries: int
    since: Micros
    """The first try."""
    next: Micros
    """When it is to be tried again, at the earliest."""
    error: str
    """What the receiver said, in a line; no secret is in it."""
    dead: bool = False
    """Set aside: it is not tried again unless somebody wants it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One event that one route has still to be told."""

    seq: int
    route: str
    event: Told
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How one route stands."""

    route: str
    untold: int
    """Letters that wait, without those set aside."""
    dead: int
    oldest: Micros | None
    """The moment of the oldest event that waits."""
    tries: int
    """The most any letter that waits was tried."""
    next: Micros | None
    """When the letter in trouble that has longest to wait is tried again."""
    error: str
    """What that one met."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is kept."""

    fixes: int = 0
    visits: int = 0
    events: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    untold: int = 0
    unheld: tuple[Unheld, ...] = ()


class Found(NamedTuple):
    """An event that was told, as it was told."""

    told: Told
    stands: bool
    """Not taken back."""


DataClass = Literal["exact_positions", "thinned_positions", "events", "visits", "verdicts", "quarantine", "access_log"]
"""What is kept for how long is decided for each of these."""


class Box(NamedTuple):
    """A piece of the earth, in degrees, and by how much a fix may lie outside it: its accuracy times this."""

    west: float
    south: float
    east: float
    north: float
    per_metre: tuple[float, float] = (0.0, 0.0)
    """Degrees of longitude and of latitude for each metre of a fix's accuracy."""
    unknown_m: float = 15.0
    """The accuracy of a fix that states none."""


class Seen(NamedTuple):
    """Where one warden was with one device: place and accuracy alone, in order of time."""

    warden: WardenId | None
    fixes: Fixes


class Outcomes(NamedTuple):
    """A case and what became of it, in short."""

    requirement: RequirementId
    zone: ZoneId
    window: Window
    outcome: Outcome | None
    """None until it is judged, and where what was told was taken back with nothing instead."""
    closed: bool


class Wanted(NamedTuple):
    """Which events are asked for; nothing said: all."""

    types: tuple[str, ...] = ()
    zone: ZoneId | None = None
    warden: WardenId | None = None
    """Of whom it tells, as they were told."""
    newest: bool = False
    """The newest first: then those before ``after``."""


ALL = Wanted()


class Entry(NamedTuple):
    """An event with its place in the order they were recorded."""

    seq: int
    told: Told
    """Without ``said``."""
    stands: bool
    """Not taken back."""


class Asking(NamedTuple):
    """That somebody asked where people were."""

    at: Micros
    by: str
    question: str
    about: str
    """Which place, coarsely, or which person's pseudonym."""
    start: Micros
    end: Micros
    """The time asked about."""
    purpose: str
