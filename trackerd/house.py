"""What a turn needs, wired together once at the start, and what must be remembered from one turn to the next.

What must stay true here: the engine is what the store says and nothing more, so it may be made again from the store at
any moment; what is remembered here beside it is only ever a saving of work, or is committed with the next turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from geofence.editions import Edition, Editions
from geofence.engine import Engine, Saved
from geofence.event import Event
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fixes, Micros, to_micros
from geofence.revise import CHECKPOINT
from geofence.track import Rules
from trackerd import clock
from trackerd.docket import Docket
from trackerd.histogram import Histogram
from trackerd.intake import Intake, Taken
from trackerd.latest import Latest
from trackerd.store import Batch, Break, Committed, Judgement, Store, StoreError, Told
from trackerd.town import Town

SAVED_S = 60.0
"""A device that is only heard is saved no more often: after a restart so much of its fixes is taken again."""
LAG_S = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400, 604_800)
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bounds of the buckets, in seconds."""


@dataclass
class Counts:
    """What has gone through since the start."""

    fixes: int = 0
    stored: int = 0
    late: int = 0
    gated: int = 0
    refused: int = 0
    events: int = 0
    revised: int = 0
    """How often a device's record was told anew."""
    retracted: int = 0
    too_old: int = 0
    """Fixes, and wishes for revision, from before what can be told anew."""
    duplicate: int = 0
    """Fixes of a moment that was known already."""
    unheld: int = 0
    """How often a device was heard that nobody ever carries."""
    refused_why: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    """Events by type."""
    commit_s: Histogram = field(default_factory=lambda: Histogram(COMMIT_S))
    """How long commits took, those that failed too."""
    failed: int = 0
    """Commits that failed."""
    lag_store_s: Histogram = field(default_factory=lambda: Histogram(LAG_S))
    """From the moment a fix was measured to the end of its commit."""
    lag_event_s: Histogram = field(default_factory=lambda: Histogram(LAG_S))
    """From the moment of the fix (or the passing of time) that decided an event to the end of the event's commit."""
    last_fix: dict[DeviceId, Micros] | None = None
    """Each device's newest fix that was kept; None where nobody wants to know."""


@dataclass
class House:
    """Everything a turn needs."""

    intake: Intake
    store: Store
    town: Town
    source: str
    """The CloudEvents source of this site."""
    rules: Rules = field(default_factory=Rules)
    window_s: float = 0.0
    routes: Sequence[str] = ()
    positions: bool = False
    worded: bool = True
    """Whether events are put into the world's words: a backtest tells nobody."""
    horizon_s: float = 400 * 86_400.0
    """How far back windows are judged when a record begins."""
    patience_s: float = 0.0
    """So long after its last word a device may be sending what it had kept: meanwhile it is not called silent."""
    counts: Counts = field(default_factory=Counts)
    engine: Engine = field(init=False)
    editions: Editions = field(init=False)
    docket: Docket = field(init=False)
    latest: Latest | None = None
    """Where each device was last; None where nobody looks."""

    def __post_init__(self) -> None:
        self._known: list[Edition] = []
        self._unkept: list[Edition] = []
        self._checkpointed: dict[DeviceId, Micros] = {}
        self._given_up: set[DeviceId] = set()
        self._last_word: dict[DeviceId, Micros] = {}
        self.town = self.intake.town
        self._known = self._stored()
        self.horizons: dict[DeviceId, Micros] = {}
        """Up to when each device's exact positions are kept no longer."""
        self._listening: Micros | None = None
        self._enact(to_micros(clock.now()))
        self.docket = Docket(self.town, self.horizon_s)
        self.wake()

    def wake(self) -> None:
        """Make the engine again from the store: the states as saved, and the fixes stored after them."""
        self._reread()
        saved = self.store.tracks()
        self.engine = Engine(self.editions, self.rules, saved, self.window_s, SAVED_S)
        self.untold: list[Event] = []
        """What the fixes stored led to that was not said yet: a shorter window than theirs lets go of them."""
        self._asleep = False
        self.horizons = self.store.horizons()
        # Whose state was dropped with an older version's is about to be told anew: what it says now is no news.
        anew = self.store.dirty().keys() - {one.track.device for one in saved}
        for device in self.store.devices():
            self._feed_rest(device, known=device in anew)
        self.docket.wake(self.store)

    def retire(self, before: Micros) -> None:
        """Let exact positions from before that moment go: nothing is told anew from before the horizons then."""
        self.horizons = self.store.retire(before)

    @property
    def reach(self) -> Micros:
        """The moment from which on everything can be told anew, of every device."""
        return max(self.horizons.values(), default=EVER)

    def move(self, town: Town, since: Micros | None = None) -> None:
        """Let another town (zones, roster) be in force from ``since`` on, which is now."""
        self.intake.gate.move(town)
        self.town = self.intake.town
        self.docket.move(self.town)
        self._enact(to_micros(clock.now()) if since is None else since)
        self._asleep = True  # what waits for its turn is to be seen against the new zones

    def heed(self, breaks: Sequence[Break]) -> None:
        """Let the breaks that were told hold in everything that follows."""
        if breaks:
            self.town = self.docket.town = self.intake.town

    def batch(self, taken: Taken, late: Sequence[int], told: Sequence[Told]) -> Batch:
        """Return all that is to be committed of a turn."""
        saved = self.engine.changed()
        due = [one for one in saved if one.upto >= self._checkpointed.get(one.track.device, EVER) + CHECKPOINT]
        # A clock that runs ahead may have had its fixes judged before the edition that holds for them was known.
        began = min((edition.since for edition in self._unkept if edition.since > EVER), default=NEVER)
        known = self.engine.tracks if began < NEVER else ()
        ahead = [(device, began) for device in known if self.engine.upto(device) >= began]
        return Batch(
            taken.fixes, taken.received, taken.wardens, late, taken.refusals, taken.pulses, saved, due,
            tuple(self._unkept), ahead, self.docket.touched(taken.fixes), taken.breaks,
            self.intake.gate.erased(taken.breaks, to_micros(clock.now())) if taken.breaks else (),
            list(taken.unheld.values()), taken.waivers, Judgement(taken.reopened) if taken.reopened else None,
            events=told, routes=self.routes,
        )  # fmt: skip

    def commit(self, batch: Batch) -> Committed:
        """Commit what a turn has to say, and take its time. Raises StoreError."""
        began = clock.monotonic()
        try:
            stored = self.store.commit(batch)
        except StoreError:
            self.counts.failed += 1
            raise
        finally:
            self.counts.commit_s.add(clock.monotonic() - began)
        self.counts.events += len(stored.events)
        self.counts.told.update(event.type for event in stored.events)
        return stored

    @property
    def asleep(self) -> bool:
        """Whether the engine must be woken before the next turn."""
        return self._asleep

    def dirty(self) -> list[tuple[DeviceId, Micros]]:
        """Return the devices whose record is to be revised, and since when."""
        return [(device, since) for device, since in self.store.dirty().items() if device not in self._given_up]

    def give_up(self, device: DeviceId) -> None:
        """Leave a device's record unrevised until the next start."""
        self._given_up.add(device)

    def advance(self, fixes: Fixes, now: Micros) -> list[Event]:
        """Let time pass up to ``now``, at which ``fixes`` came in."""
        self._listening = now if self._listening is None else self._listening
        since = now - round(self.patience_s * SECOND)
        self._last_word |= dict.fromkeys(fixes.devices, now)
        self._last_word = {one: word for one, word in self._last_word.items() if word > since}
        return self.engine.advance(now, self._last_word.keys())

    def speaking(self, device: DeviceId, now: Micros) -> bool:
        """Return whether a device may be sending what it had kept, or may be about to, for we only begin to listen."""
        word = self._last_word.get(device, self._listening)
        return word is not None and now < word + round(self.patience_s * SECOND)

    def kept(self, batch: Batch) -> None:
        """Note that the batch is on disk."""
        self._unkept = []
        self.untold = []
        if self.latest is not None:
            self.latest.note(batch.fixes, batch.received)
            self.latest.erase(batch.erased)
        self._checkpointed |= {saved.track.device: saved.upto for saved in batch.checkpoints}
        if batch.judgement is not None:
            self.docket.reopen(batch.judgement.cases)

    def resume(self, device: DeviceId, saved: Saved | None, checkpointed: Micros) -> None:
        """Go on from a device's revised state, which is on disk."""
        self.engine.resume(device, saved)
        self._checkpointed[device] = checkpointed
        self._feed_rest(device)

    def _feed_rest(self, device: DeviceId, *, known: bool = False) -> None:
        for fixes in self.store.fixes(device, self.engine.upto(device)):
            events = self.engine.judge(fixes).events
            self.untold += [] if known else events

    def _reread(self) -> None:
        """Take the editions as they are stored: a commit may have been done though nobody heard of it."""
        stored = self._stored()
        last = stored[-1].since if stored else EVER - 1
        self._unkept = [edition for edition in self._unkept if edition.since > last]
        self._known = stored + self._unkept
        self.editions = Editions(self._known)

    def _stored(self) -> list[Edition]:
        """Return the editions as they are stored; zones that are at hand are taken as they are, with their index."""
        at_hand = {self.town.zones.version: self.town.zones}
        at_hand |= {edition.zones.version: edition.zones for edition in self._known}
        return [one._replace(zones=at_hand.get(one.zones.version, one.zones)) for one in self.store.editions()]

    def _enact(self, now: Micros) -> None:
        """Let the town's zones be the newest edition, if they are not; a store's first holds since ever."""
        zones = next(
            (one.zones for one in self._known if one.zones.version == self.town.zones.version), self.town.zones
        )
        if not self._known or self._known[-1].zones.version != zones.version:
            since = max(now, Micros(self._known[-1].since + 1)) if self._known else EVER
            self._known.append(Edition(since, zones))
            self._unkept.append(self._known[-1])
        self.editions = Editions(self._known)
