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
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from geofence.calendar import Window
from geofence.editions import Edition
from geofence.engine import Saved
from geofence.event import Event, Visit
from geofence.model import DeviceId, Fixes, IntColumn, Micros, RequirementId, TeamId, VisitId, WardenId, ZoneId
from geofence.revise import Standing
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
