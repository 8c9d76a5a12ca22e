"""What systemd is told: when we are ready, how we are in words, and that we turn; the last, whoever looks.

What must stay true here: the watchdog is fed by the thread that turns and by no other; ready means that the store is
sound and that every source and the broker had ``PATIENCE_S`` to connect: one that did not is named, and tried for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from trackerd import clock, sdnotify
from trackerd.chunk import Source
from trackerd.inbox import Inbox
from trackerd.outbox import Outbox

PATIENCE_S = 5.0
EVERY_S = 1.0
MOST = 200
"""Letters of a status."""


class Herald:
    """Speaks to systemd, where it is there."""

    def __init__(
        self, sources: Sequence[Source], outbox: Outbox | None, inbox: Inbox | None, away: Callable[[], str]
    ) -> None:
        """``inbox``: there word is left that we turn; ``away``: why the store does not answer, empty while it does."""
        self._inbox = inbox
        self._sources, self._outbox, self._away = sources, outbox, away
        self._heard = bool(os.environ.get("NOTIFY_SOCKET"))
        self._patient_until = clock.monotonic() + PATIENCE_S
        self._next = 0.0
        self._ready, self._said, self._fault = False, "", ""

    def turned(self) -> None:
        """Say that we turn, and what is new; cheap, to be called as often as one likes."""
        now = clock.monotonic()
        if now < self._next and (self._ready or not self._heard):
            return
        self._next = now + EVERY_S
        if self._inbox is not None:
            self._inbox.beat()
        if not self._heard:
            return
        lines, lacking = ["WATCHDOG=1"], self._lacking()
        if not self._ready and (not lacking or now >= self._patient_until):
            self._ready = True
            lines.append("READY=1")
        status = self._status(lacking)
        if status != self._said:
            self._said = status
            lines.append(f"STATUS={status}")
        sdnotify.notify(*lines)

    def reloading(self) -> None:
        """Say that files are read anew."""
        sdnotify.notify("RELOADING=1", f"MONOTONIC_USEC={round(clock.monotonic() * 1e6)}")

    def reloaded(self, fault: str = "") -> None:
        """Say that this is over; ``fault``: why it changed nothing, part of the status until a reload does."""
        self._fault = fault
        sdnotify.notify("READY=1")

    def stopping(self) -> None:
        """Say that we leave."""
        sdnotify.notify("STOPPING=1", "STATUS=finishing what came in")

    def _lacking(self) -> list[str]:
        """Return what is not as it should be, each in words."""
        away = [
            f"{source.name}: {status.detail}"
            for source in self._sources
            if not (status := source.status).connected and not status.expected
        ]
        if self._outbox is not None and not self._outbox.connected:
            away.append("events wait for the broker")
        if store := self._away():
            away.insert(0, f"the store: {store}; nothing is acknowledged")
        return away

    def _status(self, lacking: Sequence[str]) -> str:
        count = len(self._sources)
        all_well = f"{count} source{'s' * (count != 1)}, all connected"
        text = "; ".join([self._fault] * bool(self._fault) + list(lacking or [all_well]))
        return " ".join(text.split())[:MOST]
