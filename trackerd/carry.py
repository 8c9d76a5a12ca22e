"""Carries what came in into the record, whatever the store does meanwhile.

What must stay true here: what a sender would send again (it has a receipt) waits unacknowledged while the store is
away; what nobody would send again goes into the spool, where there is one, and from there into the record before
anything newer; a commit that failed is never simply repeated: the engine is made again from what the store has, and
the same fixes are taken again. Nothing that comes in can stop it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence

from geofence.model import DeviceId, Fixes, Micros, pooled, to_micros
from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.house import House
from trackerd.intake import Taken, counted
from trackerd.pipeline import Recorded, empty, record
from trackerd.store import Refusal, StoreError
from trackerd.store.spool import Parcel, Spool, merged

RETRY_S = (1.0, 30.0)
AT_ONCE = 200
"""Parcels of the spool carried in one turn."""

log = logging.getLogger(__name__)

Pause = Callable[[float, bool], list[Chunk] | None]
"""Waits so many seconds at most; returns (if asked) what came in that nobody would send again, None where to stop."""


class Carrier:
    """The house, and what waits for its store."""

    def __init__(
        self,
        house: House,
        spool: Spool | None,
        pause: Pause,
        carried: Callable[[Recorded], None],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """``carried`` is told what each commit brought about; ``alive``: in a turn that takes long, that it goes on."""
        self._alive = alive
        self._house, self.spool, self._pause, self._carried = house, spool, pause, carried
        self.away = ""
        """Why the store does not answer; empty while it does."""
        self._strays: set[DeviceId] = set()

    def turn(self, chunks: Sequence[Chunk]) -> bool:
        """Carry a batch; False where told to stop before it was in the record."""
        held = self._take([chunk for chunk in chunks if chunk.receipt is not None])
        free = self._take([chunk for chunk in chunks if chunk.receipt is None])
        return self._carry(held, free)

    def carry(self, taken: Taken) -> bool:
        """Carry what no source said but a command; False where told to stop before it was in the record."""
        return self._carry(taken, empty())

    def close(self) -> None:
        """Let go of the spool; what is in it waits for the next start."""
        if self.spool is not None:
            self.spool.close()

    def _carry(self, held: Taken, free: Taken) -> bool:
        pause, awake, faults = RETRY_S[0], True, 0
        while True:
            try:
                if not awake:
                    self._house.wake()
                    awake = True
                if self.spool is not None and self.spool.waiting:
                    free = self._put_by(free)  # behind what waits
                    self._drain(self.spool)
                self._record(_both(held, free))
                self._back()
                return True
            except StoreError as error:
                self._gone(str(error))
                free = self._put_by(free)
                if not self._wait(random.uniform(pause / 2, pause)):  # noqa: S311 - daemons apart, nothing to guard
                    return False
                pause, awake = min(2 * pause, RETRY_S[1]), False
                held, free = self._house.intake.again(held), self._house.intake.again(free)
            except Exception:  # a fault of ours in the turn: once more from the record, then without this batch
                log.exception("a batch of %d fixes could not be carried", len(held.fixes) + len(free.fixes))
                awake, faults = False, faults + 1
                if faults > 1:
                    held, free = _set_aside(held), _set_aside(free)

    def _record(self, taken: Taken) -> None:
        self._carried(record(self._house, taken, to_micros(clock.now())))

    def _drain(self, spool: Spool) -> None:
        while spool.waiting:
            kept = spool.oldest(AT_ONCE)
            if not kept:
                return
            parcel = merged([one.parcel for one in kept])
            taken = self._house.intake.again(_unpacked(parcel))
            try:
                self._record(taken)
            except StoreError:
                raise
            except Exception:
                log.exception("%d fixes of the spool could not be carried", len(taken.fixes))
                self._house.wake()
                self._record(_set_aside(taken))
            spool.forget(kept[-1].seq)
            self._alive()  # much may have waited: more than systemd's patience
        log.info("what waited for the store is in the record")

    def _put_by(self, taken: Taken) -> Taken:
        """Put what nobody would send again into the spool; return what is still to be carried."""
        if self.spool is None or not any((len(taken.fixes), taken.refusals, taken.pulses, taken.breaks, taken.unheld)):
            return taken
        lost = self.spool.lost
        parcel = Parcel(
            list(taken.fixes), taken.received, taken.wardens, taken.refusals, taken.pulses, taken.breaks,
            list(taken.unheld.values()),
        )  # fmt: skip
        try:
            self.spool.put(parcel)
        except StoreError as error:
            log.error("the spool: %s", error)
            return taken
        if self.spool.lost > lost:
            log.error("the spool is full: %d fixes are lost so far", self.spool.lost)
        return empty()

    def _wait(self, pause: float) -> bool:
        """Wait before the next attempt, keeping what comes in meanwhile; False where told to stop."""
        until = clock.monotonic() + pause
        while (left := until - clock.monotonic()) > 0:
            chunks = self._pause(left, self.spool is not None)
            if chunks is None:
                return False
            if chunks:
                self._put_by(self._take(chunks))
            self._alive()
        return True

    def _gone(self, why: str) -> None:
        if why != self.away:
            log.error("the store: %s; nothing is acknowledged until it is back", why)
        self.away = why
        self._alive()

    def _back(self) -> None:
        if self.away:
            log.info("the store is back")
        self.away = ""

    def _warn(self, taken: Taken) -> None:
        for device in taken.unheld.keys() - self._strays:
            log.warning("device %s is in nobody's hands: nothing of it is kept until a [[duty]] names it", device)
            self._strays.add(device)

    def _take(self, chunks: Sequence[Chunk]) -> Taken:
        if not chunks:
            return empty()
        try:
            taken = self._house.intake.take(chunks)
            self._warn(taken)
            return taken
        except Exception:  # a fault of ours in some decoder must not stop the others
            log.exception("a batch of %d could not be read", len(chunks))
        whole = empty()
        for chunk in chunks:
            try:
                whole = _both(whole, self._house.intake.take([chunk]))
            except Exception:
                log.exception("one chunk of source %s goes to the quarantine", chunk.source)
                whole.refusals.append(Refusal(chunk.source, to_micros(chunk.received), "our-fault"))
        return whole


def _unpacked(parcel: Parcel) -> Taken:
    return Taken(
        Fixes.of(parcel.fixes), parcel.received, parcel.wardens, parcel.refusals, parcel.pulses, 0, parcel.breaks,
        counted(parcel.unheld),
    )  # fmt: skip


def _both(one: Taken, other: Taken) -> Taken:
    return Taken(
        pooled([one.fixes, other.fixes]), one.received + other.received, one.wardens + other.wardens,
        one.refusals + other.refusals, one.pulses + other.pulses, one.gated + other.gated, one.breaks + other.breaks,
        counted([*one.unheld.values(), *other.unheld.values()]), one.waivers + other.waivers,
        one.reopened + other.reopened,
    )  # fmt: skip


def _set_aside(taken: Taken) -> Taken:
    """Return a batch that puts these fixes into the quarantine instead of the record."""
    aside = empty()
    for fix, received in zip(taken.fixes, taken.received, strict=True):
        refusal = Refusal("turn", Micros(received), "our-fault", data=repr(fix).encode(), device=fix.device)
        aside.refusals.append(refusal)
    return aside
