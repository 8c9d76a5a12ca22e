"""The index of many zones: the daemon makes it of the zones in force, and nobody else makes one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import shapely

from geofence.model import TeamId, WardenId, ZoneId
from geofence.plan import Roster
from geofence.zones import Zone, ZoneSet
from tests.servers import until
from trackerd.assemble import house
from trackerd.config import Settings
from trackerd.inbox import Inbox
from trackerd.indexer import Indexer
from trackerd.service import Service
from trackerd.store import MemoryStore, Store, open_store
from trackerd.town import Town, build

ENDS_AT_ONCE = """
from tests.trackerd.test_indexer import many
from trackerd.indexer import Indexer

indexer = Indexer()
indexer.begin(many(4000))
indexer.stop()
"""


def many(corners: int) -> ZoneSet:
    """Return so many zones that their index is worth a thread."""
    spots = [shapely.Point(4.2 + n / 500, 50.9).buffer(0.002, corners // 4) for n in range(30)]
    return ZoneSet(Zone(ZoneId(f"z{n}"), spot) for n, spot in enumerate(spots))


def made(zones: ZoneSet) -> bool:
    return zones._places.index.get() is not None


@contextmanager
def turning(town: Town, store: Store, *, then: Town) -> Iterator[Service]:
    """Let a daemon turn, which would find ``then`` in its files."""
    daemon = Service(house(Settings(), town, store, {}), (), reread=lambda: (then, []))
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        thread.join(10)


def reloaded(daemon: Service, town: Town) -> None:
    daemon._reloading.set()
    until(lambda: daemon._house.town.roster.teams == town.roster.teams and not daemon._house.asleep, "not reloaded")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "index"]


@pytest.mark.parametrize("url", ["sqlite://", "memory"])
def test_it_is_made_of_the_zones_in_force(url: str) -> None:
    """When the daemon begins, where other zones come into force, and where the same are read again from anywhere."""
    store = MemoryStore() if url == "memory" else open_store(url)
    first, other, again, alike = (
        Town(many(corners), Roster(everyone=True, teams={WardenId("gw-1"): TeamId(team)}))
        for corners, team in ((1000, "north"), (2000, "south"), (2000, "east"), (2000, "west"))
    )
    with turning(first, store, then=other) as daemon:
        until(lambda: made(daemon._house.editions.newest), "no index")
        assert not made(other.zones)
        reloaded(daemon, other)
        until(lambda: made(daemon._house.editions.newest), "no other index")
        assert daemon._house.editions.newest.version == other.zones.version
    with turning(again, store, then=alike) as daemon:  # the next start: the zones are known to the store
        until(lambda: made(daemon._house.editions.newest), "no index after a start")
        reloaded(daemon, alike)
        assert made(daemon._house.editions.newest), "the index there was serves on"
        assert not made(alike.zones)


def test_whoever_reads_the_files_alone_begins_none(tmp_path: Path) -> None:
    corners = shapely.to_geojson(many(4000).zones[0].shape)
    features = [f'{{"type": "Feature", "id": "z{n}", "properties": {{}}, "geometry": {corners}}}' for n in range(9)]
    (tmp_path / "zones.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{",".join(features)}]}}')
    settings = Settings.model_validate({"zones": [{"file": "zones.geojson"}]})
    town, faults = build(settings, tmp_path / "trackerd.toml")
    assert [fault for fault in faults if not fault.warning] == []
    assert town is not None
    assert town.zones.large
    assert not threads()
    assert not made(town.zones)


def test_a_few_zones_need_no_thread() -> None:
    zones = many(40)
    Indexer().begin(zones)
    assert not threads()
    assert made(zones), "it is made when first asked for"


def test_one_for_which_nobody_waits_gives_up_and_the_process_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that outlived the process would bring it down."""
    zones, later, indexer, prepare = many(2000), many(1000), Indexer(), ZoneSet.prepare

    def slowly(self: ZoneSet, step: Callable[[], None]) -> None:
        while self is zones:
            step()
            time.sleep(0.001)
        prepare(self, step)

    monkeypatch.setattr(ZoneSet, "prepare", slowly)
    indexer.begin(zones)
    (thread,) = threads()
    assert not thread.daemon
    indexer.begin(zones)
    assert threads() == [thread], "a reload that leaves the zones as they are leaves it alone"
    indexer.begin(later)
    thread.join(20)
    until(lambda: not threads())
    assert not made(zones)
    assert made(later)
    indexer.begin(zones)
    indexer.begin(later)
    until(lambda: not threads())
    assert made(later), "and is not made again"
    indexer.begin(zones)
    indexer.stop()
    until(lambda: not threads())


def test_what_goes_wrong_is_told_and_nothing_else_comes_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(self: ZoneSet, step: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ZoneSet, "prepare", failing)
    Indexer().begin(many(1000))
    until(lambda: "cannot be made" in caplog.text)


@pytest.mark.parametrize("url", ["sqlite://", "memory"])
def test_zones_that_come_back_have_their_index_still(url: str) -> None:
    store = MemoryStore() if url == "memory" else open_store(url)
    first, second, back = Town(many(1000)), Town(many(2000)), Town(many(1000))
    made_once = house(Settings(), first, store, {})
    first.zones.prepare()
    for town in (second, back):
        made_once.move(town)
        made_once.wake()
        assert made_once.editions.newest.version == town.zones.version
    assert made_once.editions.newest is first.zones
    assert len(made_once.editions.spans) == 3


def test_a_daemon_that_cannot_begin_leaves_no_thread() -> None:
    class Silent(Inbox):
        def attend(self) -> None:
            raise OSError("no such folder")

    daemon = Service(house(Settings(), Town(many(2000)), MemoryStore(), {}), (), inbox=Silent(Path("nowhere")))
    with pytest.raises(OSError, match="no such folder"):
        daemon.run()
    assert not threads()


def test_what_is_raised_at_a_step_ends_the_making() -> None:
    steps: list[int] = []

    def step() -> None:
        steps.append(len(steps))
        if len(steps) == 5:
            raise InterruptedError

    zones = many(1000)
    with pytest.raises(InterruptedError):
        zones.prepare(step)
    assert not made(zones)
    zones.prepare(lambda: steps.append(0))
    assert made(zones)
    assert len(steps) > 10


def test_a_process_that_ends_meanwhile_ends_well() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
