"""The stream: what happens, sent to every page that listens.

What must stay true here: nothing is queued for a page: each goes through the same record at its own pace, and who
reads too slowly skips pictures, not events; what all see is made once; the turn never waits for any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import takewhile

from fastapi import Request

from trackerd import clock
from trackerd.store import Entry, StoreError, Wanted
from trackerd.web.access import Caller, known
from trackerd.web.history import told
from trackerd.web.live import View
from trackerd.web.models.live import Acknowledged, Acknowledgement, RecordEvent
from trackerd.web.problem import ProblemError
from trackerd.web.room import Room

KEPT = 2000
"""Events held for those who listen."""
PAGE = 500
LEAPS = 10
"""Who has missed more pages than this is told so instead."""
PAUSE_S = 0.3
EACH_S = 0.012
"""Between two pictures, and so much more for each page that listens: sending them must leave the time to take in."""
BEAT_S = 5.0
"""A page hears something so often."""
SESSION_S = 30.0
"""So often it is asked whether a session lasts still."""
OWN = 30
"""Streams of one account."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One event as it is sent."""

    seq: int
    warden: str | None
    data: bytes


class Feed:
    """What is sent, made once for all."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._ring, self._woken = asyncio.Event(), asyncio.Event()
        self._views: dict[str | None, View] = {}
        self._items: deque[Item] = deque(maxlen=KEPT)
        self._notices: deque[Item] = deque(maxlen=100)
        self._notice = 0
        self.seq = 0
        self._news: int | None = None
        """Of which picture the news were taken in."""
        self._look = 0.0
        """When the record is read though there are none: of a commit of which nobody heard whether it was done."""
        self._begun = False
        """Whether ``seq`` is known."""
        self._listeners: dict[str, int] = {}

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return sum(self._listeners.values())

    async def run(self) -> None:
        """Make what is sent whenever there is another picture, until cancelled."""
        loop = asyncio.get_running_loop()

        def ring() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self._ring.set)

        self._room.board.watch(ring)
        while True:
            try:
                if not self._begun:
                    self.seq = await asyncio.to_thread(self._newest)
                    self._begun = True
                await self._step()
            except (StoreError, ProblemError) as error:
                log.warning("the stream: %s", error)
            except Exception:
                log.exception("the stream failed once")
            self._woken.set()
            self._woken = asyncio.Event()
            await asyncio.sleep(PAUSE_S + EACH_S * self.listeners)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ring.wait(), BEAT_S)
            self._ring.clear()

    def acknowledged(self, event: str, warden: str | None, ack: Acknowledgement) -> None:
        """Tell every page that somebody has seen to an event; call it on the loop."""
        self._notice += 1
        data = Acknowledged(id=event, acknowledged=ack).model_dump_json().encode()
        self._notices.append(Item(self._notice, warden, data))
        self._ring.set()

    def check(self, who: Caller) -> None:
        """Raise a problem where too many listen."""
        if self.listeners >= self._room.http.streams or self._listeners.get(who.name, 0) >= OWN:
            raise ProblemError(429, "too many pages listen; close some", headers={"Retry-After": "30"})

    async def listen(self, request: Request, who: Caller, after: int | None) -> AsyncIterator[bytes]:
        """Yield what one page is sent, for as long as its session lasts."""
        self._listeners[who.name] = self._listeners.get(who.name, 0) + 1
        self._begin(who.own)
        try:
            async for piece in self._sent(request, who, after):
                yield piece
        finally:
            self._listeners[who.name] -= 1
            if not self._listeners[who.name]:
                del self._listeners[who.name]
            self._end(who.own)

    def _begin(self, own: str | None) -> None:
        """See to it that there is what somebody who sees as much can be shown."""
        view = self._views.setdefault(own, View(own))
        view.listeners += 1
        picture = self._room.board.picture
        if not view.turn and picture is not None:
            view.take(picture)

    def _end(self, own: str | None) -> None:
        self._views[own].listeners -= 1
        if not self._views[own].listeners:
            del self._views[own]

    async def _sent(self, request: Request, who: Caller, after: int | None) -> AsyncIterator[bytes]:
        turn, notice, looked = 0, self._notice, clock.monotonic()
        view = self._views[who.own]
        while not self._begun and not self._room.stop():
            await self._woken.wait()
        seq = self.seq if after is None else min(after, self.seq)  # it may have been another record's
        while not self._room.stop():
            woken, newest = self._woken, self.seq
            async for item in self._missed(who, seq, newest):
                seq = item.seq
                yield (
                    b"id: %d\nevent: cloudevent\ndata: %s\n\n" % (seq, item.data)
                    if item.data
                    else b"event: missed\ndata: {}\n\n"
                )
            seq = max(seq, newest)
            if view.turn > turn:
                live, turn = view.sent(self.seq, self._room.demo is not None, turn), view.turn
                yield b"id: %d\nevent: live\ndata: %s\n\n" % (seq, live)
            for one in [one for one in self._notices if one.seq > notice and who.own in (None, one.warden)]:
                notice = one.seq
                yield b"event: acknowledged\ndata: %s\n\n" % one.data
            if clock.monotonic() > looked + SESSION_S:
                looked = clock.monotonic()
                if await asyncio.to_thread(known, request) != who:
                    return  # signed out, or something else than when this began
            await woken.wait()

    async def _missed(self, who: Caller, seq: int, newest: int) -> AsyncIterator[Item]:
        """Yield all from ``seq`` to ``newest``, and what came since: of what is held, where need be of the record."""
        for _ in range(LEAPS):
            if seq >= newest or (self._items and self._items[0].seq <= seq + 1):
                break
            page = await asyncio.to_thread(self._read, seq, who.own)
            for item in page:
                yield item
            last = page[-1].seq if page else seq
            seq = last if len(page) == PAGE else max(last, newest)
        else:
            seq = newest
            yield Item(seq, None, b"")
        fresh = list(takewhile(lambda item: item.seq > seq, reversed(self._items)))
        for item in reversed(fresh):
            if who.own in (None, item.warden):
                yield item

    async def _step(self) -> None:
        """Take in what is new."""
        picture = self._room.board.picture
        if picture is None:
            return
        if picture.news != self._news or clock.monotonic() >= self._look:
            while page := await asyncio.to_thread(self._read, self.seq, None):
                self._items.extend(page)
                self.seq = page[-1].seq
            self._news, self._look = picture.news, clock.monotonic() + BEAT_S
        for view in self._views.values():
            view.take(picture)

    def _newest(self) -> int:
        with self._room.readers.lend() as store:
            return store.newest()

    def _read(self, after: int, own: str | None) -> list[Item]:
        with self._room.readers.lend() as store:
            entries = store.history(after, PAGE, Wanted(warden=own))  # type: ignore[arg-type]
        return [_item(entry, event) for entry, event in zip(entries, told(entries, self._room.book), strict=True)]


def _item(entry: Entry, event: RecordEvent) -> Item:
    return Item(entry.seq, entry.told.body.get("data", {}).get("warden"), event.model_dump_json().encode())
