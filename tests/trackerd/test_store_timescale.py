"""TimescaleDB: what it adds, and that it changes no answer. Needs a server that has it, at TRACKERD_TEST_DSN.

Wherever the suite runs with that address, tests/trackerd/test_store.py and its like run there too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from geofence.engine import Saved
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.track import Track
from trackerd.store import Batch, Store, open_store
from trackerd.store.postgres import prepare

DSN = os.environ.get("TRACKERD_TEST_DSN", "")
DAY = 86_400 * SECOND
START = 20_454 * DAY


def edition() -> str:
    if not DSN:
        return ""
    with psycopg.connect(DSN) as db:
        if db.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
            return ""
        (licence,) = db.execute("SELECT current_setting('timescaledb.license', true)").fetchone() or ("",)
        return str(licence)


EDITION = edition()
pytestmark = pytest.mark.skipif(not EDITION, reason="TRACKERD_TEST_DSN names no server with TimescaleDB")
community = pytest.mark.skipif(EDITION == "apache", reason="of the Community licence")


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as db:
        return db.execute(query.encode()).fetchall()


def days(number: int, device: str = "w1", every_s: int = 600) -> list[Fix]:
    times = range(START, START + number * DAY, every_s * SECOND)
    return [Fix(DeviceId(device), to_datetime(at), 4.2 + n / 1e5, 50.9, 5.0) for n, at in enumerate(times)]


def fill(store: Store, number: int) -> None:
    for device in ("w1", "w2"):
        fixes = days(number, device)
        states = [
            Saved(Track(DeviceId(device), Micros(at)), Micros(at)) for at in range(START, START + number * DAY, DAY)
        ]
        store.commit(Batch(Fixes.of(fixes), [fix.micros for fix in fixes], checkpoints=states))


@pytest.fixture
def stores(postgres: str, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Give a store in chunks, and one that knows nothing of them."""
    prepare(postgres)
    both = open_store(postgres), open_store(f"sqlite:///{tmp_path}/r.db")
    yield both
    for store in both:
        store.close()


def whole(store: Store) -> list[Any]:
    found = [
        [fix for piece in store.fixes(DeviceId(device), 0) for fix in piece] for device in ("w1", "w2")
    ]  # fmt: skip
    return [found, store.tally(), store.dirty(), store.devices(), store.horizons()]


def chunks(url: str) -> int:
    (schema,) = ask(url, "SELECT current_schema()")[0]
    query = f"SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_schema = '{schema}'"
    return int(ask(url, f"{query} AND hypertable_name = 'fix'")[0][0])


def test_a_chunk_a_day_and_the_same_answers(postgres: str, stores: tuple[Store, Store]) -> None:
    for store in stores:
        fill(store, 5)
    assert chunks(postgres) == 5
    assert whole(stores[0]) == whole(stores[1])


def test_a_full_table_is_put_into_chunks(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.store.timescale.edition", lambda _: "")
    prepare(postgres)
    store = open_store(postgres)
    fill(store, 3)
    before = whole(store)
    store.close()
    monkeypatch.undo()
    assert prepare(postgres) == 1
    assert prepare(postgres) == 0
    assert chunks(postgres) == 3
    store = open_store(postgres)
    assert whole(store) == before
    store.close()


@community
def test_compressed_days_still_take_what_comes_late_and_the_better_of_two(
    postgres: str, stores: tuple[Store, Store]
) -> None:
    for store in stores:
        fill(store, 4)
    compressed = ask(postgres, "SELECT count(compress_chunk(c)) FROM show_chunks('fix') AS c")
    assert compressed == [(4,)]
    first = days(4)[10]
    late = [replace(first, accuracy_m=2.0), replace(first, time=to_datetime(first.micros + SECOND)), days(4)[20]]
    for store in stores:
        assert store.commit(Batch(Fixes.of(late), late=[0, 1, 2])).fixes == 1
    assert whole(stores[0]) == whole(stores[1])
    assert stores[0].dirty() == {"w1": first.micros}


@community
@pytest.mark.parametrize("packed", [False, True])
def test_retention_drops_whole_days_and_leaves_the_same(
    postgres: str, stores: tuple[Store, Store], packed: bool
) -> None:
    for store in stores:
        fill(store, 6)
    if packed:
        ask(postgres, "SELECT compress_chunk(c) FROM show_chunks('fix') AS c")
    before = Micros(START + 4 * DAY + DAY // 2)
    assert stores[0].retire(before) == stores[1].retire(before)
    for store in stores:
        while store.forget("exact_positions", before, 100):
            pass
    assert chunks(postgres) <= 3, "days went at once"
    assert whole(stores[0]) == whole(stores[1])
    thin = [store.thinned(DeviceId("w2"), Micros(0), Micros(2**60)) for store in stores]
    assert list(thin[0]) == list(thin[1])
    assert len(thin[0]) > 500


@community
def test_the_hourly_counts_are_the_same_as_counted(postgres: str, stores: tuple[Store, Store], tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    for store in stores:
        fill(store, 3)
    ask_all = "SELECT device, hour, fixes, first, last FROM fix_hourly ORDER BY 1, 2"
    with closing(sqlite3.connect(tmp_path / "r.db")) as db:
        counted = db.execute(ask_all).fetchall()
    assert len(counted) == 2 * 72
    assert ask(postgres, ask_all) == counted, "before it is made ready"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute("CALL refresh_continuous_aggregate('fix_hourly', NULL, NULL)")
    assert ask(postgres, ask_all) == counted, "and after"
