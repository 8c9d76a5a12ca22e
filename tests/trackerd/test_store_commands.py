"""The commands about the store, as an administrator runs them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from geofence.model import EVER, DeviceId, Fix, Fixes, Micros
from tests.geofence.walks import town, walk
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import Batch, MemoryStore, Pulse, Refusal, Store, Trouble, open_store
from trackerd.store.copy import compare, copy
from trackerd.store.postgres import prepare
from trackerd.store.sql import SqlStore
from trackerd.town import Town

HERE = Town(town())
W1 = DeviceId("w1")


def trackerd(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trackerd", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=os.environ)


def house(store: Store) -> House:
    return House(Intake({}, HERE), store, HERE, "/trackerd/test", routes=["mqtt"])


def take(made: House, fixes: list[Fix]) -> None:
    taken = Taken(Fixes.of(fixes), [fix.micros for fix in fixes], [None] * len(fixes)) if fixes else empty()
    record(made, taken, Micros(fixes[-1].micros) if fixes else None)


def fill(store: Store, fixes: list[Fix]) -> None:
    made = house(store)
    for a in range(0, len(fixes), 97):
        take(made, fixes[a : a + 97])
    refusal = Refusal("phones", Micros(5), "odd", "\0 half", bytes(range(256)))
    store.commit(Batch(Fixes.of(()), refusals=[refusal], pulses=[Pulse(W1, Micros(7), "ping", 33.3)]))
    first = store.untold("mqtt", 0, 1)[0]
    store.mark_failed("mqtt", {first.seq: Trouble(3, Micros(1), Micros(2), "refused", dead=True)})
    made.retire(Micros(fixes[len(fixes) // 3].micros))
    while store.forget("exact_positions", Micros(0), 100):
        pass


def whole(store: Store) -> list[Any]:
    return [
        [fix for piece in store.fixes(W1, 0) for fix in piece],
        store.thinned(W1, Micros(0), Micros(2**60)).time.tolist(),
        list(store.visits(0, 2**62)), store.standing(W1, EVER), store.tracks(), store.untold("mqtt", 0, 10**6),
        store.dead(10), store.waiting(), store.tally(), store.horizons(), store.checkpoint(W1, Micros(2**60)),
    ]  # fmt: skip


def urls(tmp_path: Path, postgres: str, way: str) -> list[str]:
    prepare(postgres)
    sqlite = f"sqlite:///{tmp_path}/r.db"
    return {"there": [sqlite, postgres], "back": [postgres, sqlite], "alike": [sqlite, f"{sqlite}2"]}[way]


@pytest.mark.parametrize("way", ["there", "back", "alike"])
def test_a_copy_is_the_same_record_and_goes_on_as_that_would(tmp_path: Path, postgres: str, way: str) -> None:
    source, target = urls(tmp_path, postgres, way)
    fixes = walk("w1", 5, minutes=60)
    with closing(open_store(source)) as store:
        fill(store, fixes[:500])
        before = whole(store)
    done = trackerd("store", "copy", source, target)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "the same in both" in done.stderr
    stores = [open_store(url) for url in (source, target)]
    assert [whole(store) for store in stores] == [before, before]
    for store in stores:
        take(house(store), fixes[500:])
    assert whole(stores[0])[:5] == whole(stores[1])[:5]
    for store in stores:
        store.close()
    done = trackerd("store", "check", target)
    assert done.returncode == 0, done.stderr
    assert "no faults" in done.stderr
    assert "1 set aside" in done.stderr


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_copy_that_was_stopped_goes_on(
    tmp_path: Path, postgres: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackerd.store.copy.PIECE", 50)
    source, target = urls(tmp_path, postgres, way)
    with closing(open_store(source)) as store:
        fill(store, walk("w1", 5, minutes=40))
    pieces = 0

    def stop_at(number: int) -> Any:
        def tell(_table: str, _rows: int) -> None:
            nonlocal pieces
            pieces += 1
            if pieces == number:
                raise StoppedError

        return tell

    tries = 0
    for number in range(1, 100, 3):
        stores = [open_store(url) for url in (source, target)]
        assert isinstance(stores[0], SqlStore)
        assert isinstance(stores[1], SqlStore)
        pieces, tries = 0, tries + 1
        try:
            copy(stores[0], stores[1], stop_at(number))
            assert compare(stores[0], stores[1], lambda *_: None) == []
            break
        except StoppedError:
            continue
        finally:
            for store in stores:
                store.close()
    assert tries > 2
    with closing(open_store(source)) as one, closing(open_store(target)) as other:
        assert whole(one) == whole(other)


def test_a_copy_onto_something_else_is_told(tmp_path: Path, postgres: str) -> None:
    source, target = urls(tmp_path, postgres, "there")
    for url, seed in ((source, 1), (target, 2)):
        with closing(open_store(url)) as store:
            fill(store, walk("w1", seed, minutes=20))
    done = trackerd("store", "copy", source, target)
    assert done.returncode == 1
    assert "not the same" in done.stderr
    assert "begin with an empty one" in done.stderr


def test_check_tells_what_fits_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        fill(store, walk("w1", 1, minutes=20))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO outbox VALUES ('mqtt', 99999)")
        db.execute("UPDATE track SET state = '{}'")
    done = trackerd("store", "check", f"sqlite:///{path}")
    assert done.returncode == 1
    assert "1 letters in the outbox of no event" in done.stderr
    assert "the saved state is of another version" in done.stderr
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :: 512] = b"\xa5" * len(data[len(data) // 2 :: 512])
    path.write_bytes(data)
    done = trackerd("store", "check", f"sqlite:///{path}")
    assert done.returncode in (1, 3)
    assert "Traceback" not in done.stderr


def configuration(folder: Path, url: str) -> Path:
    config = folder / "trackerd.toml"
    config.write_text(f'[store]\nurl = "{url}"\n')
    return config


@contextmanager
def writing(store: Store, fixes: list[Fix]) -> Iterator[None]:
    """Have somebody write all the while."""
    stop, done = threading.Event(), threading.Event()

    def write() -> None:
        made = house(store)
        for a in range(0, len(fixes), 5):
            take(made, fixes[a : a + 5])
            done.set()
            if stop.wait(0.05):
                return

    thread = threading.Thread(target=write)
    thread.start()
    done.wait(10)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_backup_under_way_is_consistent_and_replays_to_the_same(tmp_path: Path) -> None:
    config = configuration(tmp_path, "sqlite:///r.db")
    fixes = walk("w1", 6, minutes=100)
    kept = tmp_path / "kept.db"
    with closing(open_store(f"sqlite:///{tmp_path}/r.db")) as store:
        with writing(store, fixes):
            done = trackerd("store", "backup", kept, "--config", config)
        assert done.returncode == 0, done.stderr
        take(house(store), fixes)  # all of it, the second time for the most part
        straight = whole(store)
    assert sorted(one.name for one in tmp_path.iterdir() if "kept" in one.name) == ["kept.db"]
    assert kept.stat().st_mode & 0o077 == 0
    with closing(open_store(f"sqlite:///{kept}")) as restored:
        had = restored.tally().fixes
        assert 0 < had < len(fixes)
        take(house(restored), fixes)
        again = whole(restored)
    assert again[:3] == straight[:3]
    assert [one.event for one in again[3]] == [one.event for one in straight[3]]
    assert {letter.event.id for letter in again[5]} == {letter.event.id for letter in straight[5]}


def test_a_backup_takes_nothing_elses_place_and_no_server(tmp_path: Path, postgres: str) -> None:
    open_store(f"sqlite:///{tmp_path}/r.db").close()
    there = tmp_path / "there.db"
    there.write_text("mine")
    config = configuration(tmp_path, "sqlite:///r.db")
    done = trackerd("store", "backup", there, "--config", config)
    assert (done.returncode, there.read_text()) == (3, "mine")
    assert "there already" in done.stderr
    config = configuration(tmp_path, postgres)
    done = trackerd("store", "backup", tmp_path / "new.db", "--config", config)
    assert done.returncode == 1
    assert "pg_dump" in done.stderr


def test_migrate_makes_the_tables_with_a_password_from_a_file(tmp_path: Path, postgres: str) -> None:
    config = configuration(tmp_path, postgres)
    config.write_text(config.read_text() + 'password_file = "secret"\n')
    done = trackerd("store", "migrate", "--config", config)
    assert done.returncode == 3
    assert "store.password_file" in done.stderr
    (tmp_path / "secret").write_text("wrong horse\n")
    done = trackerd("store", "migrate", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "steps were taken" in done.stderr
    assert "wrong horse" not in done.stderr
    with psycopg.connect(postgres) as db:
        assert db.execute("SELECT count(*) FROM fix").fetchone() == (0,)
    done = trackerd("store", "check", "--config", config)
    assert done.returncode == 0, done.stderr


def test_memory_is_no_store_to_look_into() -> None:
    done = trackerd("store", "check", "mysql://x")
    assert done.returncode == 3
    assert "names no store" in done.stderr
    assert not isinstance(MemoryStore(), SqlStore)


def test_of_the_backups_in_a_folder_the_newest_stay(tmp_path: Path) -> None:
    config = configuration(tmp_path, "sqlite:///r.db")
    open_store(f"sqlite:///{tmp_path}/r.db").close()
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("r-2026-05-01T020000Z.db", "r-2026-05-02T020000Z.db", "other.db", "r-mine.db"):
        (folder / name).touch()
    done = trackerd("store", "backup", "--into", folder, "--keep", "2", "--config", config)
    assert done.returncode == 0, done.stderr
    left = sorted(one.name for one in folder.iterdir())
    assert left[:3] == ["other.db", "r-2026-05-02T020000Z.db", left[2]]
    assert len(left) == 4
    assert trackerd("store", "backup", "--config", config).returncode == 2
    assert trackerd("store", "backup", folder / "x.db", "--into", folder, "--config", config).returncode == 2


def test_forgetting_while_no_daemon_runs(tmp_path: Path) -> None:
    config = configuration(tmp_path, "sqlite:///r.db")
    url = f"sqlite:///{tmp_path}/r.db"
    with closing(open_store(url)) as store:
        take(house(store), walk("w1", 6, minutes=100))
        had = store.tally().fixes
        beside = trackerd("store", "forget", "--config", config)
        assert (beside.returncode, beside.stderr) == (0, "the daemon runs: it does that itself\n")
        assert store.tally().fixes == had
    zones = tmp_path / "bad.geojson"
    zones.write_text("{")
    config.write_text(config.read_text() + '\n[[zones]]\nfile = "bad.geojson"\n')
    done = trackerd("store", "forget", "--config", config)  # whatever is wrong with the zones
    assert done.returncode == 0, done.stderr
    assert "exact positions" in done.stderr
    with closing(open_store(url, reading=True)) as store:
        assert store.tally().fixes < had
