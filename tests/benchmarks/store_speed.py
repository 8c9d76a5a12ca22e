"""Fixes a second into each store, in one transaction a batch, durable before the next.

    python -m tests.benchmarks.store_speed [--seconds 3] [--postgres URL]

What must stay true here: every fix is of a moment not known before, of a thousand devices in turn; what counts is the
time on the clock, for it is the disk that is waited for.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from geofence.model import SECOND, DeviceId, Fixes
from trackerd.store import Batch, Store, open_store

DEVICES = 1000


class Row(NamedTuple):
    """One figure."""

    store: str
    batch: int
    fixes_s: float
    commits_s: float


def rows(seconds: float = 3.0, postgres: str | None = None) -> Iterator[Row]:
    """Yield the pace of each store and batch."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [("SQLite", f"sqlite:///{Path(folder) / 'fixes.db'}")]
        urls += [("PostgreSQL", postgres)] if postgres else []
        for name, url in urls:
            with closing(open_store(url)) as store:
                made = count()
                for size in (1, 100, 1000, 10_000):
                    yield Row(name, size, *_pace(store, made, size, seconds))


def _pace(store: Store, made: Iterator[int], size: int, seconds: float) -> tuple[float, float]:
    batches = [_batch(made, size) for _ in range(4)]
    spent, done = 0.0, 0
    while spent < seconds:
        batch = batches.pop() if batches else _batch(made, size)
        began = perf_counter()
        assert store.commit(batch).fixes == size
        spent += perf_counter() - began
        done += 1
    return done * size / spent, done / spent


def _batch(made: Iterator[int], size: int) -> Batch:
    """Return the next fixes: each device's are ten seconds apart."""
    numbers = np.array([next(made) for _ in range(size)])
    turn, device = np.divmod(numbers, DEVICES)
    nan, zero = np.full(size, np.nan), np.zeros(size, np.int64)
    used, index = np.unique(device, return_inverse=True)
    fixes = Fixes(
        tuple(DeviceId(f"w{n}") for n in used), index.astype(np.int64), 1_767_254_400 * SECOND + turn * 10 * SECOND,
        4.2 + numbers % 977 * 1e-6, 50.9 + numbers % 983 * 1e-6, np.full(size, 6.0),
        nan, nan, nan, nan, nan, zero, zero,
    )  # fmt: skip
    return Batch(fixes, received=fixes.time.tolist(), wardens=[None] * size)


def main() -> None:
    """Print the paces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--postgres")
    args = parser.parse_args()
    for row in rows(args.seconds, args.postgres):
        print(f"{row.store:12} batch {row.batch:6}: {row.fixes_s:10,.0f} fixes/s, {row.commits_s:8,.0f} commits/s")


if __name__ == "__main__":
    main()
