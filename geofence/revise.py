"""Revision: what would have been said had every fix come in time, held against what was said.

What must stay true here: the telling anew is the engine itself over the stored fixes, so a revised record, a replay
and a record that was never late are one and the same; what stands and is told anew alike is left alone; nothing is
taken back that is not told anew otherwise or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from geofence.engine import Engine, Saved
from geofence.event import Event, Kind, Visit, changed
from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros

CHECKPOINT = 3600 * SECOND
"""Between two states kept of a device: a revision begins at one, so it costs about an hour of fixes more than asked."""
SAID_AT_ONCE = frozenset({Kind.SOS, Kind.BATTERY, Kind.RETRACT})
"""Never revised: an emergency stands as it was told, and so do a low battery and a retraction."""


class Standing(NamedTuple):
    """An event that was told and holds."""

    id: str
    event: Event


class Retold(NamedTuple):
    """One device's fixes told anew."""

    events: list[Event]
    checkpoints: list[Saved]
    saved: Saved | None
    """Where it stands at the end; None where there was no fix at all."""


class Changes(NamedTuple):
    """How what stands differs from what was told anew."""

    wrong: list[Standing]
    redated: list[tuple[str, Micros]]
    """Standing, but decided at another moment."""
    new: list[Event]


def retell(engine: Engine, device: DeviceId, pieces: Iterable[Fixes], until: Micros) -> Retold:
    """Feed one device's fixes, in order of time, to an engine that knows only what was before them."""
    events: list[Event] = []
    checkpoints: list[Saved] = []
    saved = None
    for piece in pieces:
        hours = np.flatnonzero(np.diff(piece.time // CHECKPOINT)) + 1
        for rows in np.split(np.arange(len(piece)), hours):
            events += engine.judge(piece.take(rows)).events
            checkpoints += engine.changed()
    events += engine.advance(until)
    if device in engine.tracks:
        saved = Saved(engine.tracks[device], engine.upto(device))
    told = [event for event in events if event.kind not in SAID_AT_ONCE]
    return Retold(told, checkpoints[:-1], saved)  # the last is of an hour not over


def compare(standing: Sequence[Standing], events: Sequence[Event]) -> Changes:
    """Find what stands and is not told anew, and what is told anew and does not stand."""
    left = {_plain(one.event): one for one in standing}
    redated: list[tuple[str, Micros]] = []
    new: list[Event] = []
    for event in events:
        same = left.pop(_plain(event), None)
        if same is None:
            new.append(event)
        elif same.event.decided != event.decided:
            redated.append((same.id, event.decided))
    return Changes(list(left.values()), redated, new)


def spare(
    standing: Sequence[Standing], events: Sequence[Event], after: Micros, first: Micros, begun: Sequence[Visit]
) -> tuple[list[Standing], list[Event]]:
    """Leave out what cannot be judged where the telling anew had to begin at ``after``, in the middle of things.

    ``first``: the first fix told anew; ``begun``: the visits that had begun by ``after``. What stands of them stands,
    and so does a silence from before; what was told anew of the rest of a visit that has ended is no visit of its own.
    """
    ends = {visit.zone: visit.ended for visit in begun if visit.ended is not None}
    whole = [
        one for one in standing
        if (one.event.decided > first if one.event.visit is None else one.event.visit.began > after)
    ]  # fmt: skip
    own = [event for event in events if event.visit is None or event.visit.began > ends.get(event.visit.zone, EVER)]
    return whole, own


def revised(event: Event, revision: int) -> Event:
    """Return the event as of that revision of its visit."""
    visit = event.visit
    if visit is None or visit.revision == revision:
        return event
    return changed(event, visit=changed(visit, revision=revision))


def retraction(wrong: Standing, because: str) -> Event:
    """Return what takes a standing event back."""
    was = wrong.event
    return Event(Kind.RETRACT, was.device, was.time, was.visit, retracts=wrong.id, because=because, decided=was.decided)


def _plain(event: Event) -> Event:
    """Return what the event says, without which telling of it this is."""
    return changed(revised(event, 0), decided=Micros(0))
