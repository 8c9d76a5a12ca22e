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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar, cast

from rich.console import Console

from geofence.calendar import Window
from geofence.faults import Fault
from geofence.model import Micros, to_micros
from trackerd import backtest, clock
from trackerd.assemble import house, opened
from trackerd.backtest import Lived, Share
from trackerd.commands import files, proposed
from trackerd.config import PlanFile, Settings
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.load import load, read_toml
from trackerd.progress import Meter
from trackerd.replay import streamed
from trackerd.rubbish import seldom
from trackerd.store import MemoryStore, Store, StoreError
from trackerd.town import Town, build, index

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


def both(
    past: Past, settings: Settings, before: Town, after: Town, period: Window, console: Console
) -> tuple[Sides, list[str]]:
    """Let both towns live through the past; return what became of them, and the faults of files. Raises StoreError.

    ``console``: where progress is shown.
    """
    seldom()
    upto = None if past.files else Micros(min(period.end + backtest.TAIL_US, to_micros(clock.now())))

    def seen(town: Town, console: Console | None, share: Share | None = None) -> tuple[House, Micros, list[str]]:
        return _seen(past, settings, town, period, upto, console, share)

    if _seen_alike(before, after):
        with _beside(lambda: backtest.findings(seen(before, None, Share(1))[0])) as others:
            made, last, faults = seen(before, console, Share(0))
            others().tell(made)
        with _beside(lambda: backtest.judged(made, last, period).verdicts) as otherwise:
            made.move(after)
            found = backtest.judged(made, last, period)
            return (found._replace(verdicts=otherwise()), found), faults

    def was() -> Lived:
        index(before.zones)
        return backtest.judged(*seen(before, None)[:2], period)

    with _beside(was) as other:
        made, last, faults = seen(after, console)
        found = backtest.judged(made, last, period)
        return (other(), found), faults


def _seen(
    past: Past, settings: Settings, town: Town, period: Window, upto: Micros | None, console: Console | None,
    share: Share | None,
) -> tuple[House, Micros, list[str]]:  # fmt: skip
    """Take in the past, or a share of it; return the house that knows that, the past's last moment, faults of files.

    ``upto``: so far time passes, at least; of files, as far as their last fix says.
    """
    with ExitStack() as stack:
        store: Store | None = None
        if not past.files:
            store = opened(settings, Path(past.config), reading=True)
            stack.callback(store.close)
        sources, wiring = files([Path(name) for name in past.files], past.decoder, past.device)
        made = backtest.prepare(house(settings, town, MemoryStore(), wiring), store, period)
        pieces = streamed(made, sources) if store is None else backtest.stored(made, store, period, upto, share)
        if console is not None:
            pieces = _watched(pieces, stack.enter_context(Meter(console, sources)))
        last = backtest.watch(made, pieces, period, share)
        faults = [f"{source.name}: {source.fault}" for source in sources if source.fault]
        return made, last if upto is None else max(last, upto), faults


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
