"""Receivers that stand still on an edge: real ones, recorded by others (data/ORIGIN.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.stationary import LOGS, bare, edges, enters, read, there_and_back

ONE_THAT_WANDERS = "still-indoor"
"""It drifts over 240 m at up to 8 m/s while it states a few metres: its position alone cannot tell it from a walker."""


@pytest.mark.parametrize("states", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_at_most_one_enter_whichever_way_the_edge_lies(log: Path, states: bool) -> None:
    fixes = read(log, states)
    said = [enters(zones, fixes) for zones in edges(fixes)]
    most = 2 if log.stem == ONE_THAT_WANDERS else 1
    assert max(said) <= most
    assert sum(said) <= 1.25 * len(said)


def test_the_logs_would_be_told_of_by_the_bare_test() -> None:
    """Or else they would prove nothing."""
    for log in LOGS:
        fixes = read(log)
        assert max(bare(zones, fixes) for zones in edges(fixes)) >= 2, log.stem


def test_there_and_back_never_leaps() -> None:
    fixes = there_and_back(read(LOGS[-1])[:50], 0.1)
    moments = [fix.micros for fix in fixes]
    assert moments == sorted(set(moments))
    assert fixes[-1].micros - fixes[0].micros >= 360 * 10**6
    original = [(fix.lon, fix.lat) for fix in read(LOGS[-1])[:50]]
    places = [original.index((fix.lon, fix.lat)) for fix in fixes]
    assert len(set(places)) > 5
