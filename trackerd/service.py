"""The daemon's loop: threads, the bounded queue, signals. No logic in it.

What must stay true here: one thread a source, two bounded queues (what senders keep until they have a receipt, and
what nobody sends again), one thread that turns and alone touches engine and store; a full queue is the only
back-pressure; a sender is acknowledged only after the commit; nothing that comes in can stop the loop, and a store
that fails stops the acknowledging, not the daemon.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from geofence.faults import Fault
from geofence.model import ZoneId, to_micros
from geofence.wire import moment
from trackerd import clock, orders
from trackerd.board import Board
from trackerd.carry import Carrier
from trackerd.chunk import Chunk, Source
from trackerd.failpoint import fail_point
from trackerd.herald import Herald
from trackerd.house import House
from trackerd.inbox import Inbox
from trackerd.indexer import Indexer
from trackerd.intake import Taken
from trackerd.latest import Latest
from trackerd.line import Line
from trackerd.outbox import Outbox
from trackerd.pipeline import Recorded, empty
from trackerd.retention import Retention
from trackerd.store import StoreError, Told
from trackerd.store.spool import Spool
from trackerd.town import Town
from trackerd.vitals import Vitals

QUEUE = 2000
"""Chunks waiting at most."""
BATCH = 1000
"""Chunks of a line taken in one turn: few come while one turns at ease, and the more there are the cheaper each is."""
WAIT_S = 0.25
STATES_S = 1.0
"""The state of the zones is looked at so often where no event says that it has changed."""

log = logging.getLogger(__name__)


class Service:
    """One daemon: sources in, record kept, world told."""

    def __init__(
        self,
        house: House,
        sources: Sequence[Source],
        outbox: Outbox | None = None,
        reread: Callable[[], tuple[Town | None, list[Fault]]] | None = None,
        spool: Spool | None = None,
        inbox: Inbox | None = None,
        retention: Retention | None = None,
        rezone: Callable[[orders.Rezone], Town] | None = None,
    ) -> None:
        """``reread`` makes the town anew from its files, for a reload; ``rezone`` writes the files of zones before.

        ``spool``: where to keep what nobody resends; ``inbox``: where commands wait for us.
        """
        self._rezone = rezone
        self.board = Board()
        self._indexer = Indexer()
        self._inbox = inbox
        self._house, self._sources, self._outbox, self._reread = house, sources, outbox, reread
        self._news = threading.Event()
        self._held = Line(QUEUE, self._news)
        """What a sender will send again until it has our receipt."""
        self._free = Line(QUEUE, self._news)
        """What nobody would send again."""
        self._events = 0
        self._shown: tuple[float, dict[ZoneId, dict[str, Any]]] | None = None
        """When the state of the zones was last looked at, and what it was; None where it may have changed."""
        self._obeyed = 0.0
        self._retention = retention
        self._herald = Herald(sources, outbox, inbox, lambda: self._carrier.away)
        self._carrier = Carrier(house, spool, self._pause, self._recorded, self._herald.turned)
        self._stopping = threading.Event()
        self._reloading = threading.Event()
        self._last_visits = house.store.last_visits()
        self.vitals = Vitals(house, sources, self._carrier, retention)

    @property
    def queued(self) -> dict[str, int]:
        """Return how many chunks wait in each line; safe from any thread."""
        return {"acknowledged": len(self._held), "unacknowledged": len(self._free)}

    def run(self) -> None:
        """Turn until told to stop: SIGTERM or SIGINT finish the batch, SIGHUP reloads zones and plan."""
        self._catch_signals()
        if self._inbox is not None:
            self._inbox.attend()
        threads = [threading.Thread(target=self._pump, args=(s,), name=s.name, daemon=True) for s in self._sources]
        for thread in threads:
            thread.start()
        if self._outbox is not None:
            self._outbox.open()
        log.info("listening to %d sources", len(self._sources))
        try:
            self._indexer.begin(self._house.editions.newest)
            while not self._stopping.is_set():
                self._once(self._gather(WAIT_S))
            self._herald.stopping()
            self._house.engine.keep_all()
            self._once(self._gather(0.0))  # before the sources close: then its receipts still reach their senders
        finally:
            self._indexer.stop()
            for source in self._sources:
                source.close()
            if self._outbox is not None:
                self._outbox.close()
            for thread in threads:
                thread.join(2.0)
            self._carrier.close()
            if self._inbox is not None:
                self._inbox.close()
        log.info("stopped")

    @property
    def sources(self) -> Sequence[Source]:
        """Whence bytes come."""
        return self._sources

    def stop(self) -> None:
        """Finish the batch and leave; safe from any thread."""
        self._stopping.set()

    def _once(self, chunks: list[Chunk]) -> None:
        if self._reloading.is_set():
            self._reloading.clear()
            self._reload()
        self._obey()
        self._turn(chunks)
        self._show()
        self._tell()
        if self._retention is not None and len(chunks) < BATCH:
            self._retention.step()
        self.vitals.look(self._last_visits)
        self._herald.turned()

    def _obey(self) -> None:
        """Carry out the commands that wait, each in a commit of its own."""
        if self._inbox is None or clock.monotonic() < self._obeyed + WAIT_S:
            return
        self._obeyed = clock.monotonic()
        try:
            for path, command in self._inbox.waiting():
                try:
                    taken = self._ordered(orders.read(command))
                except orders.OrderError as error:
                    self._inbox.refuse(path, str(error))
                    continue
                if not self._carrier.carry(taken):
                    return
                self._show(at_once=True)  # who asked for it sees it done
                fail_point("before-done")
                self._inbox.done(path)
        except StoreError as error:
            log.error("%s; commands wait", error)

    def _ordered(self, order: orders.Order) -> Taken:
        """Return what is to be committed of an order. Raises OrderError."""
        if not isinstance(order, orders.Rezone):
            return orders.carry_out(self._house, order)
        if self._rezone is None:
            raise orders.OrderError("the zones of this installation are not drawn anew from here")
        self._move(self._rezone(order))
        log.info("zones drawn anew by %s: edition %s", order.by, self._house.town.zones.version)
        return empty()

    def _move(self, town: Town) -> None:
        self._house.move(town)
        self._shown = None
        self._indexer.begin(self._house.editions.newest)

    def _show(self, at_once: bool = False) -> None:
        """Let whoever looks see how things stand."""
        events, self._events = self._house.counts.events - self._events, self._house.counts.events
        self.board.show(self._house, to_micros(clock.now()), self._last_visits, events, self._carrier.away, at_once)

    def watched(self) -> Board:
        """Have shown where everybody is; return the board. Raises StoreError."""
        self._house.latest = Latest()
        self._house.latest.wake(self._house.store)
        return self.board

    def _turn(self, chunks: list[Chunk]) -> None:
        if not self._carrier.turn(chunks):
            return  # told to stop while the store was away: nothing is acknowledged
        fail_point("before-ack")
        for chunk in chunks:
            if chunk.receipt is not None:
                chunk.receipt()
        fail_point("after-ack")

    def _pause(self, seconds: float, taking: bool) -> list[Chunk] | None:
        """See ``carry.Pause``."""
        if not taking:
            return None if self._stopping.wait(seconds) else []
        if self._stopping.is_set():
            return None
        self._news.clear()
        chunks = self._free.take(BATCH)
        if not chunks and self._news.wait(min(seconds, WAIT_S)):
            chunks = self._free.take(BATCH)
        return chunks

    def _recorded(self, recorded: Recorded) -> None:
        self._visited(recorded.events)
        if recorded.events or recorded.revised:
            self._shown = None
        if recorded.revised:
            self._last_visits = self._house.store.last_visits()

    def _visited(self, told: Iterable[Told]) -> None:
        for event in told:
            if (zone := event.presence) is not None:
                self._last_visits[zone] = max(event.time, self._last_visits.get(zone, event.time))

    def _gather(self, wait_s: float) -> list[Chunk]:
        """Return what came in, having waited for it so long at most."""
        self._news.clear()
        chunks = self._held.take(BATCH) + self._free.take(BATCH)
        if not chunks and wait_s and self._news.wait(wait_s):
            chunks = self._held.take(BATCH) + self._free.take(BATCH)
        return chunks

    def _pump(self, source: Source) -> None:
        """Carry one source's chunks to the queue; a full queue holds the source back."""
        try:
            for chunk in source:
                line = self._free if chunk.receipt is None else self._held
                while not self._stopping.is_set():
                    if line.put(chunk, 0.5):
                        break
        except Exception:
            log.exception("source %s has failed", source.name)

    def _tell(self) -> None:
        if self._outbox is None:
            return
        try:
            self._outbox.tell(self._states_now())
        except StoreError as error:
            log.error("the store: %s; events wait", error)

    def _states_now(self) -> dict[ZoneId, dict[str, Any]]:
        now = clock.monotonic()
        if self._shown is None or now >= self._shown[0] + STATES_S:
            self._shown = now, self.states()
        return self._shown[1]

    def states(self) -> dict[ZoneId, dict[str, Any]]:
        """Return the state of every zone, as it is published: counts, no persons."""
        inside, docket = self._house.engine.occupancy(), self._house.docket
        return {
            zone.id: {
                "occupancy": inside.get(zone.id, 0),
                "last_visit": moment(seen) if (seen := self._last_visits.get(zone.id)) is not None else None,
                "due": moment(closes) if (closes := docket.due.get(zone.id)) is not None else None,
                "verdict": docket.verdicts.get(zone.id),
            }
            for zone in self._house.town.zones
        }

    def _reload(self) -> None:
        if self._reread is None:
            return
        self._herald.reloading()
        town, faults = self._reread()
        for fault in faults:
            log.log(logging.WARNING if fault.warning else logging.ERROR, "%s", fault)
        if town is None:
            log.error("not reloaded: zones and plan stay as they were")
            self._herald.reloaded("not reloaded, for the files have faults: see the journal")
        else:
            self._move(town)
            log.info("reloaded: %d zones, edition %s", len(town.zones), town.zones.version)
            self._herald.reloaded()

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self._reloading.set())
