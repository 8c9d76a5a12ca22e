"""One side of a backtest: the town as it is, or as proposed, lives through the past; a second one beside it.

What must stay true here: both sides run this same code over the same fixes, whether the second has a process of its own
(where there is more than one core) or its turn; that process ends when it has answered, and says only numbers and ids:
JSON in, JSON out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from geofence.calendar import Window
from geofence.event import Visit
from geofence.faults import Fault
from geofence.ledger import Case, Outcome, Terms
from geofence.model import Micros, to_micros
from trackerd import backtest, clock
from trackerd.assemble import house, opened
from trackerd.backtest import Lived
from trackerd.cli import AWAY
from trackerd.commands import files, proposed
from trackerd.config import PlanFile, Settings
from trackerd.intake import Taken
from trackerd.load import load, read_toml
from trackerd.progress import Meter
from trackerd.replay import streamed
from trackerd.store import MemoryStore, Store, StoreError
from trackerd.town import Town, build

VISIT = (
    "id", "device", "zone", "began", "ended", "seconds", "seconds_possible", "confidence", "zones_version", "revision",
)  # fmt: skip
_visit = attrgetter(*VISIT)


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


def until(past: Past, period: Window) -> Micros | None:
    """Return how far time passes at the end: of files, as far as their last fix says."""
    return None if past.files else Micros(min(period.end + backtest.TAIL_US, to_micros(clock.now())))


def lived(
    past: Past, settings: Settings, town: Town, period: Window, upto: Micros | None, console: Console | None = None
) -> tuple[Lived, list[str]]:
    """Let a town live through the past; return what became of it, and the faults of files. Raises StoreError.

    ``console``: where progress is shown.
    """
    with ExitStack() as stack:
        store: Store | None = None
        if not past.files:
            store = opened(settings, Path(past.config), reading=True)
            stack.callback(store.close)
        sources, wiring = files([Path(name) for name in past.files], past.decoder, past.device)
        made = backtest.prepare(house(settings, town, MemoryStore(), wiring), store, period)
        pieces = streamed(made, sources) if store is None else backtest.stored(made, store, period, upto)
        if console is not None:
            pieces = _watched(pieces, stack.enter_context(Meter(console, sources)))
        found = backtest.live(made, pieces, period, upto)
        return found, [f"{source.name}: {source.fault}" for source in sources if source.fault]


def _watched(pieces: Iterable[Taken], meter: Meter) -> Iterator[Taken]:
    fixes = 0
    for piece in pieces:
        yield piece
        fixes += len(piece.fixes)
        meter.beat(fixes)


class Beside:
    """The town as it is, living through the past in a process of its own."""

    def __init__(self, past: Past, period: Window, upto: Micros | None) -> None:
        """Begin."""
        # Not from the folder we are in: another trackerd may lie there.
        command = [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "trackerd.backtest_side"]
        # In a session of its own: a Ctrl-C is for us, who end it.
        self._process = subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as told:  # how it ended is told when it is asked
            told.write(msgspec.json.encode([asdict(past), period, upto]))
        self._process.stdin = None

    def lived(self) -> Lived:
        """Wait for what became of it. Raises StoreError where its store was away."""
        said, _ = self._process.communicate()
        if self._process.returncode == AWAY:
            raise StoreError("what is in force could not be lived through: see above")
        if self._process.returncode:
            raise RuntimeError(f"the second process ended with {self._process.returncode}")
        return _read(said)

    def end(self) -> None:
        """Let it go, done or not."""
        self._process.kill()
        with self._process:
            pass


def two_cores() -> bool:
    """Return whether a second process has a core to run on."""
    return len(os.sched_getaffinity(0)) > 1


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


def _written(found: Lived) -> bytes:
    verdicts = [[*case[:2], case.window, case.terms, case.waived, what] for case, what in found.verdicts.items()]
    return msgspec.json.encode([[_visit(visit) for visit in found.visits], verdicts])


def _read(said: bytes) -> Lived:
    visits, verdicts = msgspec.json.decode(said)
    cases = (
        (Case(requirement, zone, Window(*window), Terms(*terms), waived), Outcome(what))
        for requirement, zone, window, terms, waived, what in verdicts
    )
    return Lived([Visit(*one) for one in visits], dict(cases))


def main() -> None:
    """Live through the past once, as things are."""
    said: list[Any] = msgspec.json.decode(sys.stdin.buffer.read())
    past, period, upto = Past(**said[0]), Window(*said[1]), said[2]
    settings, before, _, _ = towns(past)
    assert settings is not None  # its faults were told
    assert before is not None
    try:
        found, _ = lived(past, settings, before, period, upto)
    except StoreError as error:
        sys.stderr.write(f"trackerd: {error}\n")
        sys.exit(AWAY)
    except Exception as error:  # told as the command line tells it: no traceback reaches a user
        if os.environ.get("TRACKERD_DEBUG"):
            raise
        sys.exit(f"trackerd: a fault of ours in the second process: {type(error).__name__}: {error}")
    sys.stdout.buffer.write(_written(found))


if __name__ == "__main__":
    main()
