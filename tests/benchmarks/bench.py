"""Every benchmark of speed in one run, side by side; writes docs/performance.md.

    python -m tests.benchmarks.bench [--quick] [--only WORD] [--keep]       (``make bench``)

What must stay true here: every figure in the page comes from this run and stands beside the command that measured it
alone; the machine is named by its processor, not by its name; what was not run is not told. ``--keep`` leaves the page
as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from tests.benchmarks import decode_speed, engine_speed, flow, locate, start_up, store_speed, year

PAGE = Path(__file__).parent.parent.parent / "docs" / "performance.md"
HEAD = """# How fast it is

Written by `make bench`, which runs everything here in one go; the command beside each table measures it alone, and at
length. Ratios are of ways that took turns in the same run, so they mean more than any single figure: what else the
machine did fell on all. Measured on {machine}, while it {load}.

A rented machine is not always equally fast. While this was measured a turn of a loop of Python's that adds two numbers
took {pace} ns there: whoever compares single figures with those of another day compares that first.
"""


@dataclass(frozen=True)
class Table:
    """One part of the page."""

    title: str
    command: str
    about: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Return it in Markdown."""
        lines = [f"## {self.title}", "", self.about, "", f"`{self.command}`", ""]
        lines += [_row(self.heads), _row(["---"] + ["---:"] * (len(self.heads) - 1)), *map(_row, self.rows)]
        return "\n".join(lines) + "\n"


def where(quick: bool) -> Iterator[Table]:
    """Which zones hold a point."""
    found = locate.run(quick)
    ours = {row.zones: row.ns for row in found if row.way.startswith(locate.OURS)}
    cells = [(row.zones, row.way, f"{row.ns:,.0f}", f"{row.ns / ours[row.zones]:.1f}") for row in found]
    yield Table(
        "Which zones hold a point", "python -m tests.benchmarks.locate",
        "CPU time a point, in batches of 1000 fresh points, against what shapely and rtree offer, and PostGIS where it "
        "is there, over the same points and with the same answers.", ("zones", "way", "ns a point", "of ours"), cells,
    )  # fmt: skip
    grown, sizes = locate.growth(quick)
    cells = [(row.zones, f"{row.ns:,.0f}", f"{size.seconds:.2f}", f"{size.megabytes:.1f}")
             for row, size in zip(grown, sizes, strict=True)]  # fmt: skip
    yield Table(
        "How that grows", "python -m tests.benchmarks.locate", "With the number of zones, and with their corners.",
        ("zones", "ns a point", "built in s", "MB"), cells,
    )  # fmt: skip


def belief(quick: bool) -> Iterator[Table]:
    """Fixes a second through the engine."""
    cells = [
        (row.name, f"{row.devices:,}", f"{row.zones:,}", f"{row.batch:,}", f"{row.near:.0%}", f"{row.locate_us:.2f}",
         f"{row.feed_us:.2f}", f"{row.all_per_s:,.0f}") for row in engine_speed.rows(1, quick=quick)
    ]  # fmt: skip
    yield Table(
        "What is believed of fixes", "python -m tests.benchmarks.engine_speed",
        "One core, nothing stored: where a fix lies (locate) and what is believed of it (feed), in microseconds a fix; "
        "*near* is the share of fixes with an edge of a zone within reach of the error.",
        ("what", "devices", "zones", "batch", "near", "locate µs", "feed µs", "fixes/s"), cells,
    )  # fmt: skip


def decoding(quick: bool) -> Iterator[Table]:
    """NMEA sentences a second."""
    found = list(decode_speed.rows(50_000 if quick else 200_000))
    cells = [(row.what, f"{row.per_s:,.0f}", f"{row.per_s / found[0].per_s:.2f}") for row in found]
    yield Table(
        "NMEA", "python -m tests.benchmarks.decode_speed",
        "Sentences a second of CPU time, of the demo's receiver log. pynmea2 alone splits each sentence and checks its "
        "sum; the decoder here uses it, and makes of an epoch's sentences one fix with date and error.",
        ("reader", "sentences/s", "of ours"), cells,
    )  # fmt: skip


def storing(quick: bool) -> Iterator[Table]:
    """Fixes a second into the store."""
    found = store_speed.rows(1.0 if quick else 3.0)
    cells = [(row.store, f"{row.batch:,}", f"{row.fixes_s:,.0f}", f"{row.commits_s:,.0f}") for row in found]
    yield Table(
        "Into the store", "python -m tests.benchmarks.store_speed",
        f"One durable transaction a batch (SQLite {sqlite3.sqlite_version}, synchronous=FULL), by the clock.",
        ("store", "batch", "fixes/s", "commits/s"), cells,
    )  # fmt: skip


def whole(quick: bool) -> Iterator[Table]:
    """End to end over a real broker."""
    loads = [flow.run(fixes, 4.0 if quick else 8.0) for fixes in (1, 10)]
    cells = [
        (f"{load.fixes_each}", f"{load.messages_s:,.0f}", f"{load.messages_s * load.fixes_each:,.0f}",
         f"{load.daemon_cpu:.2f}", f"{load.messages_s / load.daemon_cpu:,.0f}", f"{load.broker_cpu:.2f}",
         f"{load.peak_mb:.0f}", f"{load.p50_ms:.0f}", f"{load.p99_ms:.0f}") for load in loads
    ]  # fmt: skip
    yield Table(
        "The whole way", "python -m tests.benchmarks.flow",
        "A publisher, mosquitto and the daemon on this machine: OwnTracks positions of 2000 devices, QoS 1, a hundred "
        "zones, acknowledged after a durable commit to SQLite; every fix is in the store at the end. From fix to event "
        "at a subscriber is measured while half that comes in.",
        ("fixes a message", "messages/s", "fixes/s", "daemon's cores", "messages a core-second", "broker's cores",
         "peak MB", "to event ms", "p99 ms"), cells,
    )  # fmt: skip


def past(quick: bool) -> Iterator[Table]:
    """A year replayed."""
    days = 15 if quick else 250
    cells = []
    with tempfile.TemporaryDirectory() as name:
        fixes = year.write(Path(name), days)
        for what, run in year.ways(Path(name)):
            took = run()
            cells.append((what, f"{fixes:,}", f"{took:.1f}", f"{fixes / took:,.0f}"))
    yield Table(
        "The past again", f"python -m tests.benchmarks.year --days {days}",
        f"{days} days of two wardens among fifty zones, from a CSV file, the whole command with its start-up, by the "
        "clock; `backtest` tries another plan on it, or other zones.", ("command", "fixes", "s", "fixes/s"), cells,
    )  # fmt: skip


def beginning(quick: bool) -> Iterator[Table]:
    """Start-up and an idle daemon."""
    cells = [(row.what, f"{row.value:,.1f}", row.unit) for row in start_up.rows(5.0 if quick else 20.0)]
    yield Table(
        "At rest", "python -m tests.benchmarks.start_up", "Beginning, and having nothing to do.",
        ("what", "", "unit"), cells,
    )  # fmt: skip


PARTS: dict[str, Callable[[bool], Iterator[Table]]] = {
    "locate": where, "engine": belief, "nmea": decoding, "store": storing, "flow": whole, "year": past,
    "start": beginning,
}  # fmt: skip


def machine() -> str:
    """Name the machine by what counts."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, shapely {shapely.__version__}"
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, {versions}"


def pace() -> float:
    """Return the nanoseconds that a turn of a loop takes now, in which nothing is done but adding."""
    total, turns = 0, 1_000_000
    began = time.perf_counter()
    for number in range(turns):
        total += number
    return (time.perf_counter() - began) / turns * 1e9


def main() -> None:
    """Run all, print it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="WORD", choices=PARTS)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    others, parts, paces = os.getloadavg()[0], [], [pace()]
    for name, part in PARTS.items():
        if args.only in (None, name):
            began = time.perf_counter()
            for table in part(args.quick):
                print(table, flush=True)
                parts.append(str(table))
            paces.append(pace())
            print(f"({name}: {time.perf_counter() - began:.0f} s; {paces[-1]:.0f} ns a turn)\n", flush=True)
    if args.only is None and not args.keep:
        load = f"had a load of {others:.1f} from elsewhere" if others >= 0.5 else "did nothing else"
        turns = f"{min(paces):.0f} to {max(paces):.0f}"
        head = HEAD.format(machine=machine(), load=load, pace=turns)
        PAGE.write_text("\n".join([head, *parts]), encoding="utf-8")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
