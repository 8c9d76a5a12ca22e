"""The daemon's loop: threads, the bounded queue, signals. No logic in it.

What must stay true here: one thread a source, one bounded queue, one thread that turns and alone touches engine and
store; a full queue is the only back-pressure; a sender is acknowledged only after the commit; nothing that comes in
can stop the loop, and a store that fails stops the acknowledging, not the daemon.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from geofence.faults import Fault
from geofence.model import DeviceId, Micros, ZoneId, to_micros
from geofence.wire import moment
from trackerd import clock, orders, sdnotify
from trackerd.chunk import Chunk, Source
from trackerd.failpoint import fail_point
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.outbox import Outbox
from trackerd.pipeline import empty, record
from trackerd.inbox import Inbox
from trackerd.store import Refusal, StoreError, Told
from trackerd.town import Town

QUEUE = 2000
"""Chunks waiting at most."""
BATCH = 500
WAIT_S = 0.2
RETRY_S = (1.0, 30.0)

log = logging.getLogger(__name__)


class Service:
    """One daemon: sources in, record kept, world told."""

    def __init__(
        self,
        house: House,
        sources: Sequence[Source],
        outbox: Outbox | None = None,
        reread: Callable[[], tuple[Town | None, list[Fault]]] | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        """``reread`` makes the town anew from its files, for a reload. ``inbox``: where commands wait for us."""
        self._inbox = inbox
        self._strays: set[DeviceId] = set()
        self._house, self._sources, self._outbox, self._reread = house, sources, outbox, reread
        self._queue: queue.Queue[Chunk] = queue.Queue(QUEUE)
        self._stopping = threading.Event()
        self._reloading = threading.Event()
        self._last_visits = house.store.last_visits()

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
        sdnotify.notify("READY=1", f"STATUS=listening to {len(self._sources)} sources")
        log.info("listening to %d sources", len(self._sources))
        try:
            while not self._stopping.is_set():
                self._once(self._gather(WAIT_S))
            sdnotify.notify("STOPPING=1")
            self._once(self._gather(0.0))  # before the sources close: then its receipts still reach their senders
        finally:
            for source in self._sources:
                source.close()
            if self._outbox is not None:
                self._outbox.close()
            if self._inbox is not None:
                self._inbox.close()
            for thread in threads:
                thread.join(2.0)
        log.info("stopped")

    def stop(self) -> None:
        """Finish the batch and leave; safe from any thread."""
        self._stopping.set()

    def _once(self, chunks: list[Chunk]) -> None:
        if self._reloading.is_set():
            self._reloading.clear()
            self._reload()
        self._obey()
        self._turn(chunks)
        self._tell()
        sdnotify.notify("WATCHDOG=1")

    def _obey(self) -> None:
        """Carry out the commands that wait, each in a commit of its own."""
        if self._inbox is None:
            return
        try:
            for path, command in self._inbox.waiting():
                try:
                    taken = orders.carry_out(self._house, orders.read(command), to_micros(clock.now()))
                except orders.OrderError as error:
                    self._inbox.refuse(path, str(error))
                    continue
                if not self._commit(taken):
                    return
                fail_point("before-done")
                self._inbox.done(path)
        except StoreError as error:
            log.error("%s; commands wait", error)

    def _turn(self, chunks: list[Chunk]) -> None:
        taken = self._take(chunks)
        self._warn(taken)
        if not self._commit(taken):
            return  # told to stop while the store was away: nothing is acknowledged
        fail_point("before-ack")
        for chunk in chunks:
            if chunk.receipt is not None:
                chunk.receipt()
        fail_point("after-ack")

    def _warn(self, taken: Taken) -> None:
        for device in taken.unheld.keys() - self._strays:
            log.warning("device %s is in nobody's hands: nothing of it is kept until a [[duty]] names it", device)
            self._strays.add(device)

    def _take(self, chunks: list[Chunk]) -> Taken:
        try:
            return self._house.intake.take(chunks)
        except Exception:  # a fault of ours in some decoder must not stop the others
            log.exception("a batch of %d could not be read", len(chunks))
            return self._take_one_by_one(chunks)

    def _take_one_by_one(self, chunks: list[Chunk]) -> Taken:
        whole = empty()
        for chunk in chunks:
            try:
                one = self._house.intake.take([chunk])
                self._commit(one)
            except Exception:
                log.exception("one chunk of source %s goes to the quarantine", chunk.source)
                whole.refusals.append(Refusal(chunk.source, to_micros(chunk.received), "our-fault"))
        return whole

    def _commit(self, taken: Taken) -> bool:
        """Carry it into the record, as often as it takes; False where told to stop before that."""
        pause, awake, faults = RETRY_S[0], True, 0
        while True:
            try:
                if not awake:
                    self._house.wake()
                    awake = True
                recorded = record(self._house, taken, to_micros(clock.now()))
                self._visited(recorded.events)
                if recorded.revised:
                    self._last_visits = self._house.store.last_visits()
                return True
            except StoreError as error:
                log.error("the store: %s; nothing is acknowledged until it is back", error)
                sdnotify.notify(f"STATUS=the store: {error}", "WATCHDOG=1")
                if self._stopping.wait(pause):
                    return False
                pause, awake = min(2 * pause, RETRY_S[1]), False
            except Exception:  # a fault of ours in the turn: once more from the record, then without this batch
                log.exception("a batch of %d fixes could not be carried", len(taken.fixes))
                awake, faults = False, faults + 1
                if faults > 1:
                    taken = _set_aside(taken)

    def _visited(self, told: Iterable[Told]) -> None:
        for event in told:
            if event.zone is not None:
                self._last_visits[event.zone] = max(event.time, self._last_visits.get(event.zone, event.time))

    def _gather(self, wait_s: float) -> list[Chunk]:
        chunks: list[Chunk] = []
        try:
            chunks.append(self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait())
            while len(chunks) < BATCH:
                chunks.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return chunks

    def _pump(self, source: Source) -> None:
        """Carry one source's chunks to the queue; a full queue holds the source back."""
        try:
            for chunk in source:
                while not self._stopping.is_set():
                    try:
                        self._queue.put(chunk, timeout=0.5)
                        break
                    except queue.Full:
                        continue
        except Exception:
            log.exception("source %s has failed", source.name)

    def _tell(self) -> None:
        if self._outbox is None:
            return
        try:
            self._outbox.tell(self.states())
        except StoreError as error:
            log.error("the store: %s; events wait", error)

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
        sdnotify.notify("RELOADING=1")
        town, faults = self._reread()
        for fault in faults:
            log.log(logging.WARNING if fault.warning else logging.ERROR, "%s", fault)
        if town is None:
            log.error("not reloaded: zones and plan stay as they were")
        else:
            self._house.move(town)
            log.info("reloaded: %d zones, edition %s", len(town.zones), town.zones.version)
        sdnotify.notify("READY=1")

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self._reloading.set())


def _set_aside(taken: Taken) -> Taken:
    """Return a batch that puts these fixes into the quarantine instead of the record."""
    aside = empty()
    for fix, received in zip(taken.fixes, taken.received, strict=True):
        refusal = Refusal("turn", Micros(received), "our-fault", data=repr(fix).encode(), device=fix.device)
        aside.refusals.append(refusal)
    return aside
