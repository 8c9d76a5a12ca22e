"""One receiver and its letters: what waits, what is on its way, what became of it.

What must stay true here: a letter is forgotten only once its receiver has it, and in the store alone; what failed is
tried again, sooner at first, until it is told, refused or too old; a receiver that is away is asked with one letter,
and told all when it is back; nothing here waits for it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from geofence.duration import words
from geofence.model import SECOND, Micros, to_micros
from trackerd.failpoint import fail_point
from trackerd.notify.lanes import MOST, Entry, Lanes
from trackerd.notify.sender import Parcel, Result, Undelivered
from trackerd.notify.wishes import SOS, Wishes
from trackerd.store import Letter, Store, Told, Trouble

PAGE = 200
"""Letters looked at in one turn."""
AGAIN = 30 * SECOND
"""So often the outbox is gone through from its oldest letter: what somebody had sent again is found then."""
RETRY_S = (1.0, 900.0)
SOS_RETRY_S = 30.0
"""The longest wait between two tries of an SOS."""

log = logging.getLogger(__name__)


class Voice(Protocol):
    """What sends for a route, without anybody waiting for it."""

    def open(self) -> None:
        """Begin."""

    def room(self, urgent: bool = False) -> int:
        """Return how many more parcels may be given."""

    def put(self, parcel: Parcel) -> None:
        """Take a parcel to be sent."""

    def results(self) -> list[Result]:
        """Return what became of parcels since last asked."""

    def close(self) -> None:
        """Leave, in good order."""


class Route:
    """One receiver, and what it has still to be told."""

    def __init__(self, name: str, store: Store, voice: Voice, wishes: Wishes | None = None, depth: int = 1) -> None:
        """``depth``: letters of one zone that may be on their way at once."""
        self.name, self.voice = name, voice
        self._store, self._wishes = store, wishes or Wishes()
        self._lanes = Lanes(self._wishes.group_s, depth)
        self._results: list[Result] = []
        self._after, self._again = 0, Micros(0)
        self._misses, self._paused = 0, Micros(0)
        self._away_since: Micros | None = None

    def turn(self, now: Micros) -> None:
        """Note what arrived, look what is new, send what may go. Raises StoreError, and then goes on where it was."""
        self.settle(now)
        self._look(now)
        self._hand_over(now)

    def settle(self, now: Micros) -> None:
        """Write down what became of what was sent."""
        self._results += self.voice.results()  # kept until it is on disk
        if not self._results:
            return
        told = [letter.seq for result in self._results if result.fault is None for letter in result.parcel.letters]
        failed: dict[int, Trouble] = {}
        for result in self._results:
            if result.fault is not None:
                self._miss(result.fault, now)
                failed |= {one.seq: self._trouble(one, result.fault, now) for one in result.parcel.letters}
        if told:
            fail_point("before-mark")
            self._store.mark_told(self.name, told)
            fail_point("after-mark")
        if failed:
            self._store.mark_failed(self.name, failed)
        self._forget(told, failed)
        self._results.clear()

    def _forget(self, told: Sequence[int], failed: Mapping[int, Trouble]) -> None:
        for seq in told:
            self._lanes.drop(seq)
        for seq, trouble in failed.items():
            if trouble.dead:
                self._lanes.drop(seq)
            else:  # while the receiver is away the route waits, not the zone
                self._lanes.back(seq, None if trouble.next == self._paused else trouble.next)
        dead = [trouble.error for trouble in failed.values() if trouble.dead]
        if dead:
            log.warning("route %s: %d set aside: %s; see trackerd notify list", self.name, len(dead), dead[-1])
        if told and self._misses:
            log.info("route %s: takes what it is told again", self.name)
        if told:
            self._misses, self._paused, self._away_since = 0, Micros(0), None

    def _miss(self, fault: Undelivered, now: Micros) -> None:
        """Where the receiver is away, let the route wait; what was on its way when it left counts as one."""
        if not fault.away or now < self._paused:
            return
        if not self._misses:
            log.warning("route %s: %s; it is tried again", self.name, fault)
        self._misses += 1
        self._away_since = self._away_since or now
        self._paused = Micros(now + _pause(self._misses, RETRY_S[1], fault.wait_s))

    def _trouble(self, letter: Letter, fault: Undelivered, now: Micros) -> Trouble:
        old, urgent = letter.trouble, self._lanes.urgent(letter.seq)
        since = old.since if old is not None else now
        if fault.away and self._away_since is not None:
            since = min(since, max(self._away_since, _recorded(letter.event)))
        tries = 1 + (old.tries if old is not None else 0)
        dead = fault.refused or now - since >= self._wishes.give_up_s * SECOND
        if fault.away and not urgent and not dead:
            next_ = self._paused
        else:
            next_ = Micros(now + _pause(tries, SOS_RETRY_S if urgent else RETRY_S[1], fault.wait_s))
        if dead and not fault.refused:
            return Trouble(tries, since, now, f"given up after {words((now - since) / SECOND)}: {fault}", dead)
        return Trouble(tries, since, next_, str(fault), dead)

    def _look(self, now: Micros) -> None:
        """Let what is new in the outbox wait here; what the route is not to be told is done with at once."""
        if len(self._lanes) >= MOST:
            return
        page = self._store.untold(self.name, self._after, PAGE)
        done: list[int] = []
        for letter in page:
            if letter.seq not in self._lanes:
                done += self._take_in(letter, now)
        if done:
            self._store.mark_told(self.name, done)
            for seq in done:
                if seq in self._lanes:
                    self._lanes.drop(seq)
        self._after = page[-1].seq if page else self._after
        if len(page) < PAGE and not 0 < self._again - now <= AGAIN:
            self._after, self._again = 0, Micros(now + AGAIN)

    def _take_in(self, letter: Letter, now: Micros) -> list[int]:
        """Return what need not be told: an event nobody wants here, or a held one with its retraction."""
        event = letter.event
        taken_back = self._taken_back(event)
        if not self._wishes.want(taken_back or event):
            return [letter.seq]
        held = self._wishes.group_s or self._wishes.quiet_at(now)
        other = self._lanes.untried(taken_back.id) if held and taken_back is not None else None
        if other is not None:
            return [letter.seq, other]
        if letter.trouble is not None:  # of the last run; this one tries at once
            self._away_since = min(self._away_since or now, letter.trouble.since)
        entry = Entry(letter.seq, event.id, event.zone or event.device or "", _recorded(event), event.type == SOS)
        self._lanes.add(entry, tried=letter.trouble is not None)
        return []

    def _hand_over(self, now: Micros) -> None:
        room = self.voice.room()
        if self._misses:  # one letter finds out whether the receiver is back
            room = min(room, int(now >= self._paused and not self._lanes.flying))
        for seqs in self._lanes.ready(now, self._wishes.quiet_at(now)):
            urgent = self._lanes.urgent(seqs[0])
            if (self.voice.room(urgent=True) if urgent else room) <= 0:
                break
            parcel = self._parcel(seqs, urgent)
            if parcel is not None:
                self._claim(parcel, now)
                self.voice.put(parcel)
                self._lanes.take([letter.seq for letter in parcel.letters])
                room -= 1

    def _claim(self, parcel: Parcel, now: Micros) -> None:
        """Where letters are held: write down which no longer are, so that a restart takes none for untold."""
        fresh = [letter.seq for letter in parcel.letters if letter.trouble is None]
        if fresh and (self._wishes.group_s or self._wishes.quiet):
            self._store.mark_failed(self.name, dict.fromkeys(fresh, Trouble(0, now, now, "on its way")))

    def _parcel(self, seqs: Sequence[int], urgent: bool) -> Parcel | None:
        """Read the letters; those no longer in the outbox are forgotten."""
        letters = []
        for seq in seqs:
            found = self._store.untold(self.name, seq - 1, 1)
            if found and found[0].seq == seq:
                letters.append(found[0])
            else:
                self._lanes.drop(seq)
        about = {one.event.id: back for one in letters if (back := self._taken_back(one.event)) is not None}
        return Parcel(tuple(letters), about, urgent) if letters else None

    def _taken_back(self, event: Told) -> Told | None:
        id_ = event.body.get("data", {}).get("retracts")
        return self._store.event(id_) if id_ is not None else None


def _pause(tries: int, most_s: float, asked_s: float) -> int:
    """Return how long to wait: twice as long each time, as long as was asked for, within bounds, less some chance."""
    bound = min(RETRY_S[0] * 2 ** min(tries - 1, 20), most_s)
    chosen = max(random.uniform(bound / 2, bound), min(asked_s, most_s))  # noqa: S311 (spreads load, guards nothing)
    return round(chosen * SECOND)


def _recorded(event: Told) -> Micros:
    said = event.body.get("recordedtime")
    return to_micros(datetime.fromisoformat(said)) if said else event.time
