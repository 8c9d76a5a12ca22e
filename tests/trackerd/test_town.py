"""The index of many zones: the daemon makes it beside its work, and nobody else does."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import shapely

from geofence.model import ZoneId
from geofence.zones import Zone, ZoneSet
from tests.servers import until
from trackerd.assemble import house
from trackerd.config import Settings
from trackerd.service import Service
from trackerd.store import MemoryStore
from trackerd.town import Town, build, index

ENDS_AT_ONCE = """
from tests.trackerd.test_town import many
from trackerd.town import index

index(many(4000))
"""


def many(corners: int) -> ZoneSet:
    """Return so many zones that their index is worth a thread."""
    spots = [shapely.Point(4.2 + n / 500, 50.9).buffer(0.002, corners // 4) for n in range(30)]
    return ZoneSet(Zone(ZoneId(f"z{n}"), spot) for n, spot in enumerate(spots))


def made(zones: ZoneSet) -> bool:
    return zones._places.index.get() is not None


def test_the_daemon_makes_it_when_it_begins_and_where_another_town_comes_into_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = many(1000), many(2000)
    daemon = Service(
        house(Settings(), Town(first), MemoryStore(), {}), (), reread=lambda: (Town(second), []),
    )  # fmt: skip
    turning = threading.Thread(target=daemon.run)
    turning.start()
    try:
        until(lambda: made(first), lambda: "no index")
        assert not made(second)
        daemon._reloading.set()
        until(lambda: made(second), lambda: "no other index")
    finally:
        daemon.stop()
        turning.join(10)


def test_whoever_reads_the_files_alone_begins_none(tmp_path: Path) -> None:
    corners = shapely.to_geojson(many(4000).zones[0].shape)
    features = [f'{{"type": "Feature", "id": "z{n}", "properties": {{}}, "geometry": {corners}}}' for n in range(9)]
    (tmp_path / "zones.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{",".join(features)}]}}')
    settings = Settings.model_validate({"zones": [{"file": "zones.geojson"}]})
    before = threading.active_count()
    town, faults = build(settings, tmp_path / "trackerd.toml")
    assert [fault for fault in faults if not fault.warning] == []
    assert town is not None
    assert town.zones.large
    assert threading.active_count() == before
    assert not made(town.zones)


def test_a_few_zones_need_no_thread() -> None:
    before, zones = threading.active_count(), many(40)
    index(zones)
    assert threading.active_count() == before
    assert made(zones), "it is made when first asked for"


@pytest.mark.parametrize("_time", range(3))
def test_a_process_that_ends_meanwhile_ends_well(_time: int) -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
