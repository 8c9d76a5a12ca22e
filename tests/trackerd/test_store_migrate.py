"""Migrations: whatever interrupts them, they end at the same tables; states of another version cost work, not data."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest

from geofence.model import EVER, DeviceId, Fix, Fixes, Micros
from geofence.track import Rules
from tests.geofence.walks import town, walk
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import Batch, Found, Kept, MemoryStore, Store, StoreError, open_store
from trackerd.store.migrate import VERSION
from trackerd.store.postgres import prepare
from trackerd.town import Town

HERE = Town(town())
POINTS = [f"{point}:{n}" for point in ("before-step", "after-step") for n in range(1, VERSION + 1)]
MAKE = {
    "sqlite": "from trackerd.store import open_store; open_store({url!r}).close()",
    "postgres": "from trackerd.store.postgres import prepare; prepare({url!r})",
}


def die_at(point: str, code: str) -> None:
    """Run it in a process of its own that is killed at the point."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TRACKERD_FAIL_POINT": point}, check=False, timeout=60
    )
    assert done.returncode == -9


def sqlite_tables(path: Path) -> list[Any]:
    with sqlite3.connect(path) as db:
        tables = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        return [*db.execute("PRAGMA user_version"), *tables]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_migration_goes_on_where_it_was(tmp_path: Path, point: str) -> None:
    path, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    die_at(point, MAKE["sqlite"].format(url=f"sqlite:///{path}"))
    for one in (path, whole):
        open_store(f"sqlite:///{one}").close()
    assert sqlite_tables(path) == sqlite_tables(whole)
    assert sqlite_tables(path)[0] == (VERSION,)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_migration_of_postgresql_goes_on_where_it_was(postgres: str, point: str) -> None:
    die_at(point, MAKE["postgres"].format(url=postgres))
    prepare(postgres)
    assert prepare(postgres) == 0, "nothing is left to do"
    store = open_store(postgres)
    assert store.commit(Batch(Fixes.of(walk("w1", 1, minutes=2)))).fixes == 24
    store.close()


def test_a_step_is_taken_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.db"
    first = files("trackerd.store").joinpath("sqlite-1.sql").read_text()
    with sqlite3.connect(path) as db:
        db.executescript(f"{first} PRAGMA user_version = 1; CREATE TABLE horizon (mine TEXT);")  # step 2 will fail
    before = sqlite_tables(path)
    with pytest.raises(StoreError, match="horizon"):
        open_store(f"sqlite:///{path}")
    assert sqlite_tables(path) == before
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE horizon")
    open_store(f"sqlite:///{path}").close()


def test_an_older_file_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    first = files("trackerd.store").joinpath("sqlite-1.sql").read_text()
    with sqlite3.connect(path) as db:
        db.executescript(f"{first} PRAGMA user_version = 1;")
        db.execute("INSERT INTO name VALUES (1, 'w1')")
        db.execute("INSERT INTO fix (device, time, lon, lat, flags, sos) VALUES (1, 5, 4.2, 50.9, 0, 0)")
    with pytest.raises(StoreError, match="version 1: run trackerd store migrate"):
        open_store(f"sqlite:///{path}", reading=True)
    store = open_store(f"sqlite:///{path}")
    assert [fix.micros for piece in store.fixes(DeviceId("w1"), 0) for fix in piece] == [5]
    assert store.dirty() == {"w1": 5}, "the states of its time, if it had any, are none of ours"
    store.close()


def test_a_newer_server_is_refused_and_an_empty_one_told(postgres: str) -> None:
    with pytest.raises(StoreError, match="no tables of ours are there: run trackerd store migrate"):
        open_store(postgres)
    prepare(postgres)
    with psycopg.connect(postgres) as db:
        db.execute("UPDATE trackerd_schema SET version = 99")
    for call in (prepare, open_store):
        with pytest.raises(StoreError, match="install a newer trackerd"):
            call(postgres)


def house(store: Store) -> House:
    return House(Intake({}, HERE), store, HERE, "/trackerd/test")


def take(made: House, fixes: list[Fix]) -> None:
    taken = Taken(Fixes.of(fixes), [fix.micros for fix in fixes], [None] * len(fixes)) if fixes else empty()
    record(made, taken, Micros(fixes[-1].micros) if fixes else None)


def ledger(store: Store) -> list[Any]:
    standing = sorted(one.event.decided for one in store.standing(DeviceId("w1"), EVER))
    return [list(store.visits(0, 2**62)), standing, store.tracks()]


Age = Callable[[], None]


@pytest.fixture(params=["sqlite", "postgres"])
def aged(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Age]:
    """Give a store's URL, and what makes its states those of an older version."""
    if request.param == "sqlite":
        path = tmp_path / "record.db"

        def age() -> None:
            with sqlite3.connect(path) as db:
                for table in ("track", "checkpoint"):
                    db.execute(f"UPDATE {table} SET state = ?", (json.dumps({"version": 0}),))
                db.execute("UPDATE state_version SET version = 0")

        return f"sqlite:///{path}", age
    url = request.getfixturevalue("postgres")
    prepare(url)

    def age_there() -> None:
        with psycopg.connect(url) as db:
            for table in ("track", "checkpoint"):
                db.execute(f"UPDATE {table} SET state = '{{\"version\":0}}'".encode())
            db.execute("UPDATE state_version SET version = 0")

    return url, age_there


def test_states_of_another_version_are_told_anew_and_nothing_is_taken_back(aged: tuple[str, Age]) -> None:
    url, age = aged
    fixes = walk("w1", 3, minutes=90)
    straight = house(MemoryStore())
    take(straight, fixes[:800])
    take(straight, fixes[800:])
    store = open_store(url)
    take(house(store), fixes[:800])
    told = store.tally().events
    assert told > 4
    store.close()
    age()
    with closing(open_store(url, reading=True)) as store, pytest.raises(StoreError, match="another version"):
        store.tracks()
    store = open_store(url)
    assert store.tracks() == []
    assert store.dirty() == {"w1": fixes[0].micros}
    made = house(store)
    take(made, [])
    assert store.dirty() == {}
    assert (store.tally().events, made.counts.retracted) == (told, 0)
    take(made, fixes[800:])
    assert ledger(store) == ledger(straight.store)
    assert made.counts.retracted == 0
    store.close()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_older_than_the_oldest_fix_kept_stays_told(aged: tuple[str, Age], seed: int) -> None:
    url, age = aged
    fixes = walk("w1", seed, minutes=240)
    store = open_store(url)
    made = house(store)
    for a in range(0, len(fixes), 100):
        take(made, fixes[a : a + 100])
    before = ledger(store)
    made.retire(Micros(fixes[len(fixes) // 2].micros))
    while store.forget("exact_positions", Micros(0), 500):
        pass
    oldest = int(next(iter(store.fixes(DeviceId("w1"), 0))).time[0])
    assert fixes[0].micros < oldest < fixes[-1].micros
    store.close()
    age()
    store = open_store(url)
    assert store.dirty() == {"w1": oldest}
    made = house(store)
    take(made, [])
    after = ledger(store)
    old = [kept for kept in before[0] if kept.visit.began < oldest]
    assert [kept for kept in after[0] if kept.visit.began < oldest] == old
    assert all(kept.visit.ended is None or kept.visit.ended > kept.visit.began for kept in after[0])
    late = [kept.visit.zone for kept in before[0] if kept.visit.began > oldest + 600 * 10**6]
    assert [kept.visit.zone for kept in after[0] if kept.visit.began > oldest + 600 * 10**6] == late
    store.close()


def test_a_visit_that_spans_the_horizon_stays_one_visit_as_told(tmp_path: Path) -> None:
    url, spanned = "sqlite:///{}", 0
    for seed in range(8):
        path = tmp_path / f"{seed}.db"
        fixes = walk("w1", seed, minutes=240)
        store = open_store(url.format(path))
        made = house(store)
        for a in range(0, len(fixes), 40):
            take(made, fixes[a : a + 40])
        begun: list[Kept] = []
        for fix in fixes[::40]:  # until a state that is kept lies within a visit
            made.retire(Micros(fix.micros))
            horizon = made.horizons.get(DeviceId("w1"), EVER)
            begun = [one for one in store.visits(horizon, horizon + 1) if one.visit.ended is not None]
            if begun:
                break
        spanned += len(begun)
        while store.forget("exact_positions", Micros(0), 5000):
            pass
        store.close()
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE state_version SET version = 0")
        store = open_store(url.format(path))
        take(house(store), [])
        kept = list(store.visits(0, 2**62))
        for one in begun:
            assert one in kept
            ended = one.visit.ended or 0
            rivals = [other for other in kept if other.visit.zone == one.visit.zone and other != one]
            assert not [other for other in rivals if one.visit.began < other.visit.began <= ended], "told twice"
        store.close()
    assert spanned > 2, "or nothing was tried"


def test_what_an_older_engine_said_is_replaced_without_a_word_too_many(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    fixes = walk("w1", 3, minutes=120)
    store = open_store(f"sqlite:///{path}")
    take(house(store), fixes)
    before = {found.told.id for found in everything(store)}
    store.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE state_version SET version = 0")
    store = open_store(f"sqlite:///{path}")
    other = House(Intake({}, HERE), store, HERE, "/trackerd/test", rules=Rules(false_alarm=0.4, miss=0.4))
    take(other, [])
    new = [found.told for found in everything(store) if found.told.id not in before]
    back = {told.body["data"]["retracts"] for told in new if "retracts" in told.body["data"]}
    assert back, "the other engine judges otherwise"
    assert back <= before, "nothing is told and taken back in one breath"
    instead = [told for told in new if "visit" in told.body["data"] and "retracts" not in told.body["data"]]
    assert instead
    assert all(told.body["data"]["revision"] > 0 for told in instead), "it takes the place of what was told"
    store.close()


def everything(store: Store) -> list[Found]:
    """Return every event of a store."""
    return [
        found for begins in "0123456789abcdef" for two in "0123456789abcdef" for found in all_of(store, begins + two)
    ]


def all_of(store: Store, begins: str) -> list[Found]:
    found = store.find(begins)
    return found if len(found) < 2 else [one for digit in "-0123456789abcdef" for one in all_of(store, begins + digit)]
