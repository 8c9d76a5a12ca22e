"""Recorded tracks through the real engine: the same intake, the same turn, another clock.

What must stay true here: nothing of what is said depends on how fast it is played; time passes as far as the last
fix says, and not further. Into a store that has a record, fixes are judged by the zones it says were in force in
their time; with none, by the zones named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from geofence.event import Visit
from geofence.model import EVER, NEVER, SECOND, IntColumn, Micros, VisitId
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.pipeline import empty, record
from trackerd.rubbish import seldom
from trackerd.sources.file import FileSource
from trackerd.store import Told

STEP_S = 0.1
"""Seconds of our own time between two pieces of a paced replay."""

Tell = Callable[[Told], None]
Beat = Callable[[], None]


@dataclass
class Played:
    """What a replay came to."""

    fixes: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    last: int = 0
    """The last moment any fix spoke of."""
    visits: dict[VisitId, Visit] = field(default_factory=dict)
    """Those spoken of, as they stand at the end."""
    took_s: float = 0.0


def play(
    house: House, sources: Sequence[FileSource], tell: Tell, speed: float | None = None, beat: Beat = lambda: None
) -> Played:
    """Play the files; ``speed`` times as fast as it happened, or (None) as fast as it goes.

    ``beat`` is called after each piece.
    """
    seldom()
    played = Played()
    began = time.perf_counter()
    pieces: Iterator[tuple[Taken, Micros | None]]
    pieces = ((taken, None) for taken in streamed(house, sources)) if speed is None else _paced(house, sources, speed)
    for taken, now in pieces:
        _play(house, taken, now, tell, played)
        beat()
    house.engine.keep_all()
    _play(house, empty(), Micros(played.last + round(house.window_s * SECOND)), tell, played)
    played.visits = {id_: visit for id_, visit in _standing(house) if id_ in played.visits}
    for source in sources:
        if source.fault:
            played.faults.append(f"{source.name}: {source.fault}")
    played.took_s = time.perf_counter() - began
    return played


def _play(house: House, taken: Taken, now: Micros | None, tell: Tell, played: Played) -> None:
    played.fixes += len(taken.fixes)
    played.last = max(played.last, int(taken.fixes.time.max(initial=0)))
    for refusal in taken.refusals:
        played.refused[refusal.why] = played.refused.get(refusal.why, 0) + 1
    for told in record(house, taken, now).events:
        tell(told)
        if told.said is not None and told.said.event.visit is not None:
            played.visits[told.said.event.visit.id] = told.said.event.visit


def _standing(house: House) -> Iterator[tuple[VisitId, Visit]]:
    return ((kept.visit.id, kept.visit) for kept in house.store.visits(EVER, NEVER))


def streamed(house: House, sources: Sequence[FileSource]) -> Iterator[Taken]:
    """Yield what files say, a block at a time."""
    for source in sources:
        for chunk in source:
            yield house.intake.take([chunk])


def _paced(house: House, sources: Sequence[FileSource], speed: float) -> Iterator[tuple[Taken, Micros | None]]:
    """Cut everything into pieces as it would have come in, and wait between them."""
    whole = house.intake.take([chunk for source in sources for chunk in source])
    if not len(whole.fixes):
        yield whole, None
        return
    arrival = _arrival(whole)
    step = max(1, round(STEP_S * speed * SECOND))
    edges = np.arange(arrival.min() + step, arrival.max() + 2 * step, step)
    started = time.perf_counter()
    for number, (piece, edge) in enumerate(zip(_cut(whole, arrival, edges), edges.tolist(), strict=False), 1):
        time.sleep(max(0.0, started + number * STEP_S - time.perf_counter()))
        yield piece, Micros(min(edge, int(arrival.max())))


def _arrival(taken: Taken) -> IntColumn:
    """Say when each fix came in: with its device's newest so far, for what was measured earlier came later."""
    arrival = taken.fixes.time.copy()
    for index in range(len(taken.fixes.devices)):
        rows = np.flatnonzero(taken.fixes.device == index)
        arrival[rows] = np.maximum.accumulate(arrival[rows])
    return arrival


def _cut(taken: Taken, arrival: IntColumn, edges: IntColumn) -> list[Taken]:
    """Cut into pieces at ``edges`` of arrival; refusals and signs of life go with the first."""
    order = np.argsort(arrival, kind="stable")
    pieces = []
    for rows in np.split(order, np.searchsorted(arrival[order], edges)):
        chosen = rows.tolist()
        received = [taken.received[i] for i in chosen]
        pieces.append(Taken(taken.fixes.take(rows), received, [taken.wardens[i] for i in chosen]))
    pieces[0].refusals, pieces[0].pulses, pieces[0].gated = taken.refusals, taken.pulses, taken.gated
    pieces[0].breaks, pieces[0].unheld = taken.breaks, taken.unheld
    return pieces
