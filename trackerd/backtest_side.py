"""The two sides of a backtest: the town as it is, and as proposed, live through the past at once.

What must stay true here: both sides run this same code over the same fixes. Where the plan alone differs, all that was
seen is the same of both, and is computed once, half of the devices here and half beside; only then do they part. The
town as it is lives in a process of its own. Each such process begins as a copy of this one, and ends when it has
answered.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar, cast

from rich.console import Console

from geofence.calendar import Window
from geofence.faults import Fault
from geofence.model import DeviceId, Micros, to_micros
from trackerd import backtest, clock
from trackerd.assemble import house, opened
from trackerd.backtest import Lived
from trackerd.commands import files, proposed
from trackerd.config import PlanFile, Settings
from trackerd.house import House
from trackerd.intake import Taken, Wiring
from trackerd.load import load, read_toml
from trackerd.progress import Meter
from trackerd.replay import streamed
from trackerd.rubbish import seldom
from trackerd.shares import Findings, Share, adopt, findings
from trackerd.sources.file import FileSource
from trackerd.store import MemoryStore, StoreError
from trackerd.town import Town, build

T = TypeVar("T")
Sides = tuple[Lived, Lived]
"""As it was, and as it would have been."""


@dataclass(frozen=True, slots=True)
class Past:
    """Which past, and what to try on it."""

    files: tuple[str, ...]
    """Recorded tracks; with none, the store's."""
    zones: tuple[str, ...]
    plan: str | None
    config: str
    device: str | None = None
    decoder: str | None = None


def towns(past: Past) -> tuple[Settings | None, Town | None, Town | None, list[Fault]]:
    """Return the settings, the town as configured, and as proposed; None what has faults, and all faults of both."""
    config = Path(past.config)
    settings, faults = load(config)
    if settings is None:
        return None, None, None, faults
    before, found = build(settings, config, keep_all=True)
    changed, more = _proposed(settings, past)
    after, last = build(changed, config, keep_all=True) if changed is not None else (None, [])
    return settings, before, after, [*faults, *found, *more, *last]


@dataclass(frozen=True, slots=True)
class Watched:
    """What has taken in the past, or a share of it."""

    house: House
    last: Micros | None
    """The last moment that all of the past speaks of."""
    faults: list[str]
    """Of files."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """The past as both processes are to take it in: whatever it is, it is looked up once."""

    past: Past
    settings: Settings
    period: Window
    tracks: tuple[list[FileSource], dict[str, Wiring]]
    upto: Micros | None
    """Of a store: so far time passes, and nothing later is read. Of files, as far as their last fix says."""
    devices: list[DeviceId]
    """Those a store knows."""

    @classmethod
    def of(cls, past: Past, settings: Settings, period: Window) -> Rerun:
        """Look the past up. Raises StoreError; leaves with a word where a file cannot be read."""
        tracks = files([Path(name) for name in past.files], past.decoder, past.device)
        if past.files:
            return cls(past, settings, period, tracks, None, [])
        upto = Micros(min(period.end + backtest.TAIL_US, to_micros(clock.now())))
        with closing(opened(settings, Path(past.config), reading=True)) as store:
            return cls(past, settings, period, tracks, upto, store.devices())

    def watch(self, town: Town, console: Console | None = None, share: Share | None = None) -> Watched:
        """Let a town take it in, or a share of it. Raises StoreError. ``console``: where progress is shown."""
        sources, wiring = self.tracks
        with ExitStack() as stack:
            store = opened(self.settings, Path(self.past.config), reading=True) if not self.past.files else None
            if store is not None:
                stack.callback(store.close)
            made = backtest.prepare(house(self.settings, town, MemoryStore(), wiring), store, self.period)
            if store is None:
                pieces = streamed(made, sources)
            else:
                mine = self.devices if share is None else share.of_known()
                pieces = backtest.stored(made, store, self.period, mine, self.upto)
            if console is not None:
                pieces = _watched(pieces, stack.enter_context(Meter(console, sources)))
            last = backtest.watch(made, pieces, self.period, share)
        faults = [f"{source.name}: {source.fault}" for source in sources if source.fault]
        return Watched(made, _later(last, self.upto), faults)


def both(
    past: Past, settings: Settings, before: Town, after: Town, period: Window, console: Console
) -> tuple[Sides, list[str]]:
    """Let both towns live through the past; return what became of them, and the faults of files. Raises StoreError.

    ``console``: where progress is shown.
    """
    seldom()
    rerun = Rerun.of(past, settings, period)
    if _seen_alike(before, after):
        made = _divided(rerun, before, console)
        with _beside(lambda: backtest.judged(made.house, made.last, period).verdicts) as otherwise:
            made.house.move(after)
            found = backtest.judged(made.house, made.last, period)
            return (found._replace(verdicts=otherwise()), found), made.faults

    def lived(town: Town, console: Console | None = None) -> tuple[Lived, list[str]]:
        made = rerun.watch(town, console)
        return backtest.judged(made.house, made.last, period), made.faults

    with _beside(lambda: lived(before)) as other:
        found, faults = lived(after, console)
        was, others = other()
        return (was, found), _each_once(faults, others)


def _divided(rerun: Rerun, town: Town, console: Console) -> Watched:
    """Let a town take in the past, half of the devices here and half beside. Raises StoreError."""

    def beside() -> tuple[Findings, Micros | None, list[str]]:
        made = rerun.watch(town, share=Share(1, rerun.devices))
        return findings(made.house), made.last, made.faults

    with _beside(beside) as others:
        made = rerun.watch(town, console, Share(0, rerun.devices))
        found, last, faults = others()
    adopt(made.house, found)
    return Watched(made.house, _later(made.last, last), _each_once(made.faults, faults))


def _each_once(*faults: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(chain(*faults)))


def _later(one: Micros | None, other: Micros | None) -> Micros | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _seen_alike(before: Town, after: Town) -> bool:
    """Return whether the two towns differ in their plans alone."""
    same = before.zones.version == after.zones.version
    return same and replace(before, zones=after.zones, plan=after.plan) == after


def _watched(pieces: Iterable[Taken], meter: Meter) -> Iterator[Taken]:
    fixes = 0
    for piece in pieces:
        yield piece
        fixes += len(piece.fixes)
        meter.beat(fixes)


@contextmanager
def _beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do some work in a process of its own, a copy of this one; give what waits for its answer. Raises StoreError."""
    here, there = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_answer, args=(work, here, there), daemon=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # a Ctrl-C is for us, who end the other
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    there.close()

    def answer() -> T:
        try:
            found, fault = here.recv()
        except EOFError:
            raise RuntimeError("the second process ended without an answer") from None
        if fault is not None:
            raise fault
        return cast("T", found)

    try:
        yield answer
    finally:
        process.kill()
        process.join()
        here.close()


def _answer(work: Callable[[], object], here: Connection, there: Connection) -> None:
    """Say what came of it, or the fault, which the other process tells."""
    here.close()  # else we would wait for ourselves where nobody else does
    with suppress(BrokenPipeError):  # nobody waits any more
        try:
            there.send((work(), None))
        except StoreError as error:
            there.send((None, StoreError(str(error))))
        except Exception as error:  # no traceback reaches a user
            if os.environ.get("TRACKERD_DEBUG"):
                raise
            there.send((None, RuntimeError(f"in the second process: {type(error).__name__}: {error}")))


def _proposed(settings: Settings, past: Past) -> tuple[Settings | None, list[Fault]]:
    """Put the files named in place of the configuration's; a plan without a roster is judged by the roster there is."""
    zones, plan, config = [Path(name) for name in past.zones], past.plan and Path(past.plan), Path(past.config)
    if plan:
        new, faults = read_toml(plan, PlanFile)
        if new is None:
            return None, faults
        duties = list(settings.duty)
        if settings.plan.file is not None and not new.duty:
            old, _ = read_toml(config.parent / settings.plan.file, PlanFile)  # its faults are told already
            duties += old.duty if old is not None else ()
        settings = settings.model_copy(update={"duty": tuple(duties), "requirement": ()})
    return proposed(settings, zones, plan or None), []
