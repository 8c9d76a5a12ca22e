"""The same fixes shuffled, doubled, delayed, batched and interrupted by deaths, time and again: one final ledger.

``python -m tests.benchmarks.shuffles [--count 10000] [--first SEED] [--minutes 8]``

What must stay true here: each seed is one disturbance of one or two wardens' walks, through the pipeline and a store,
held against the record of the same fixes in order; the suite tries a few hundred of the same (law 5); this tries as
many as asked, or as fit in the time, and says how many that were.
"""

from __future__ import annotations

import argparse
import sys
from time import monotonic

from tests.trackerd.test_revision import STORES, arrive_anyhow


def main() -> None:
    """Shuffle; name the first seed that ends in another ledger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    args = parser.parse_args()
    began, done, makers = monotonic(), 0, list(STORES.values())
    for seed in range(args.first, args.first + args.count):
        if monotonic() - began > 60 * args.minutes:
            break
        try:
            arrive_anyhow(makers[seed % 2], seed, (0.0, 20.0)[seed // 2 % 2], (0.0, 600.0)[seed // 4 % 2])
        except AssertionError:
            sys.exit(f"seed {seed} ends in another ledger")
        done += 1
    print(f"{done} shuffles, doublings, delays and restarts: one and the same ledger ({monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
