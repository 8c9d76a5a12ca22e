"""A few hundred windows of days whose truth is known; ``tests.benchmarks.verdict_days`` judges a hundred thousand."""

from __future__ import annotations

import numpy as np
import pytest

from geofence.verdict import Outcome
from tests.benchmarks.verdict_days import Tally, day, judged
from tests.benchmarks.walkers import Scenario


@pytest.mark.parametrize("bounded", [True, False], ids=["within the bounds", "with mirrored signals"])
@pytest.mark.parametrize("every_s", [5.0, 30.0])
def test_nobody_who_was_there_is_accused(every_s: float, bounded: bool) -> None:
    scenario = Scenario(7, walkers=6, hours=2.0, every_s=every_s, sigma_m=(4.0, 10.0), gaps_per_h=0.3)
    tally = Tally()
    judged(day(scenario, bounded=bounded), scenario.hours, 600, np.random.default_rng(1), tally)
    assert tally.accused == []
    kinds = {kind: tally.count(kind) for kind, _ in tally.outcomes}
    assert sum(n for kind, n in kinds.items() if kind.startswith("fulfilled")) > 60
    assert kinds["skipped, reporting"] > 50
    assert tally.share("skipped, reporting", Outcome.MISSED) >= (0.98 if bounded else 0.95)
    assert tally.share("fulfilled, by 30 s, reporting", Outcome.MET) > 0.8
