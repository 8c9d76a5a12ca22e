"""What the engine says of walkers whose truth is known: a small piece of the benchmark, with fixed seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geofence.belief import Rules
from tests.benchmarks.geofence_bench import REFERENCE, claims, day

SMALL = replace(REFERENCE, walkers=10, hours=2.0)
SEEDS = range(40, 45)


@pytest.fixture(scope="module")
def said() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence at enter, at exit, and whether somebody was there."""
    rows = [claim for seed in SEEDS for claim in claims(day(replace(SMALL, seed=seed)), Rules())]
    enter, leave, truly = np.array(rows, dtype=float).T
    return enter, leave, truly


@pytest.mark.parametrize("which", [0, 1], ids=["enters", "visits"])
def test_confidence_is_worth_what_it_says(said: tuple[np.ndarray, ...], which: int) -> None:
    """In each band as many are true as were said to be, give or take chance (three standard errors) and 0.02."""
    confidence, truly = said[which], said[2]
    assert len(truly) > 400
    for low, high in ((0.0, 0.97), (0.97, 0.99), (0.99, 1.01)):
        band = (confidence >= low) & (confidence < high)
        if band.sum() < 15:
            continue
        mean = float(confidence[band].mean())
        chance = 3 * np.sqrt(max(mean * (1 - mean), 0.01) / band.sum())
        assert abs(float(truly[band].mean()) - mean) < 0.02 + chance, (low, high, mean, truly[band].mean())
    assert confidence[truly == 0].mean() < confidence[truly == 1].mean()
