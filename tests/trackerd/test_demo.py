"""The demo's day through the whole pipeline tells the story that trackerd/demo/README.md promises."""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from geofence.model import EVER, NEVER
from geofence.verdict import Outcome
from trackerd import demo
from trackerd.store import Docketed, open_store

BOXES = {f"box-{n:02}": Outcome.MET for n in range(1, 14)} | {
    "box-05": Outcome.UNPROVEN, "box-06": Outcome.PARTIAL, "box-07": Outcome.MISSED,
}  # fmt: skip


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Play the day at its pace, without the waiting."""
    store = tmp_path_factory.mktemp("demo") / "demo.db"
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        # Its own sleep alone: a thread of another test that slept no more would take all the time there is.
        patch.setattr("trackerd.replay.time", SimpleNamespace(sleep=lambda _: None, perf_counter=time.perf_counter))
        demo.show(True, store, 3600.0, Console(file=said, width=200))
    return said.getvalue(), store


def docket(day: tuple[str, Path]) -> dict[tuple[str, str], Docketed]:
    store = open_store(f"sqlite:///{day[1]}", reading=True)
    return {(one.case.requirement, one.case.zone): one for one in store.docket(EVER, NEVER)}


def test_each_box_has_its_verdict(day: tuple[str, Path]) -> None:
    found = {zone: one for (_, zone), one in docket(day).items() if zone in BOXES}
    assert {zone: one.verdict and one.verdict.outcome for zone, one in found.items()} == BOXES
    assert all(one.closed for one in found.values())


def test_the_late_upload_turns_a_verdict_round(day: tuple[str, Path]) -> None:
    turned = [one.case.zone for one in docket(day).values() if one.revision]
    assert turned == ["box-12"]
    lines = day[0].splitlines()
    unproven = next(n for n, line in enumerate(lines) if "unproven: Probleembox Zellik Dorp" in line)
    back = next(n for n, line in enumerate(lines) if "taken back: Probleembox Zellik Dorp" in line)
    assert unproven < back < next(n for n, line in enumerate(lines) if "✓ met: Probleembox Zellik Dorp" in line)


def test_schools_market_and_hotspots_are_met(day: tuple[str, Path]) -> None:
    others = [one.verdict for (_, zone), one in docket(day).items() if zone not in BOXES]
    assert [verdict and verdict.outcome for verdict in others] == [Outcome.MET] * 9


def test_the_summary_says_why(day: tuple[str, Path]) -> None:
    for words in ("gw-1 was elsewhere all the time", "1m was asked", "could have been there unseen 12:5",
                  "taken back when late data came"):  # fmt: skip
        assert words in day[0]
