"""What every store must hold to: the same suite for each."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geofence.engine import Engine
from geofence.model import DeviceId, Fix, Fixes, Micros, TeamId, Visit, VisitId, WardenId, ZoneId, to_datetime
from tests.geofence.walks import START, town, walk
from trackerd.store import Batch, Kept, Pulse, Refusal, Store, StoreError, Told, open_store

Reopen = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Yield what opens the one store of a test, closing it first where it is open: a restart."""
    opened: list[Store] = []

    def open_again() -> Store:
        while opened:
            opened.pop().close()
        opened.append(open_store(f"sqlite:///{tmp_path / 'record.db'}"))
        return opened[0]

    yield open_again
    for store in opened:
        store.close()


def fix(device: str, second: int, lon: float = 4.2) -> Fix:
    return Fix(DeviceId(device), to_datetime(START + second * 1_000_000), lon, 50.9, None, 1.25, altitude_m=60.0)


def told(name: str, zone: str = "box", at: int = START) -> Told:
    return Told(name, "trackerd.zone.enter", Micros(at), {"id": name}, ZoneId(zone), DeviceId("w1"))


def visit(name: str, began: int, ended: int | None) -> Visit:
    end = None if ended is None else Micros(ended)
    return Visit(VisitId(name), DeviceId("w1"), ZoneId("box"), Micros(began), end, 60.0, 80.0, 0.9, "edition")


def read(store: Store, device: str = "w1", after: int = 0, before: int | None = None) -> list[Fix]:
    return [one for piece in store.fixes(DeviceId(device), after, before) for one in piece]


def test_what_was_committed_is_there_after_a_restart(reopen: Reopen) -> None:
    engine = Engine(town())
    batch = Fixes.of(walk("w1", 3))
    engine.feed(batch, engine.zones.locate(batch))
    tracks = engine.changed()
    fixes = Fixes.of([fix("w1", 2), fix("w2", 1), fix("w1", 1)])
    refusal = Refusal("phones", Micros(START), "bad-json", "not JSON", b"\xff{")
    made = Kept(visit("v1", START, None), WardenId("gw-1"), TeamId("asse"))
    whole = Batch(
        fixes, [START] * 3, [WardenId("gw-1"), None, WardenId("gw-1")], [refusal],
        [Pulse(DeviceId("w1"), Micros(START), "ping", 80.0)], tracks, [made], [told("e1")], ["mqtt"],
    )  # fmt: skip
    assert reopen().commit(whole) == 3
    store = reopen()
    assert read(store) == [fix("w1", 1), fix("w1", 2)]
    assert store.devices() == ["w1", "w2"]
    assert store.tracks() == tracks
    assert list(store.visits(START, START + 1)) == [made]
    assert [letter.event for letter in store.untold("mqtt", 0, 10)] == [told("e1")]
    tally = store.tally()
    assert (tally.fixes, tally.visits, tally.events, tally.untold, tally.refusals) == (3, 1, 1, 1, {"bad-json": 1})


def test_a_fix_is_unique_and_the_first_stays(reopen: Reopen) -> None:
    store = reopen()
    assert store.commit(Batch(Fixes.of([fix("w1", 1, 4.2), fix("w1", 1, 4.3), fix("w2", 1)]))) == 2
    assert store.commit(Batch(Fixes.of([fix("w1", 1, 4.4), fix("w1", 2)]))) == 1
    assert [one.lon for one in read(store)] == [4.2, 4.2]


def test_an_event_is_unique_and_told_once(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, events=[told("a"), told("b")], routes=["mqtt"]))
    store.commit(Batch(none, events=[told("b"), told("c")], routes=["mqtt"]))
    letters = store.untold("mqtt", 0, 10)
    assert [letter.event.id for letter in letters] == ["a", "b", "c"]
    store.mark_told("mqtt", [letters[1].seq])
    assert [letter.event.id for letter in reopen().untold("mqtt", 0, 10)] == ["a", "c"]
    assert [letter.event.id for letter in reopen().untold("mqtt", letters[0].seq, 10)] == ["c"]
    assert reopen().untold("mail", 0, 10) == []


def test_a_batch_is_kept_whole_or_not_at_all(reopen: Reopen) -> None:
    store = reopen()
    broken = replace(told("x"), body={"no": object()})
    with pytest.raises(TypeError):
        store.commit(Batch(Fixes.of([fix("new", 1)]), events=[broken]))
    assert read(store, "new") == []
    assert store.commit(Batch(Fixes.of([fix("new", 1)]))) == 1
    assert len(read(reopen(), "new")) == 1


def test_fixes_come_back_by_time_in_pieces(reopen: Reopen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.store.sqlite.PIECE", 7)
    store = reopen()
    seconds = np.random.default_rng(1).permutation(50).tolist()
    store.commit(Batch(Fixes.of([fix("w1", second) for second in seconds])))
    assert read(store) == [fix("w1", second) for second in range(50)]
    between = read(store, after=START + 9_000_000, before=START + 12_000_000)
    assert between == [fix("w1", 10), fix("w1", 11)]
    assert read(store, "nobody") == []


def test_a_visit_told_again_is_revised(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, visits=[Kept(visit("v1", START, None))]))
    store.commit(Batch(none, visits=[Kept(visit("v1", START, START + 60_000_000)), Kept(visit("v2", START + 9, None))]))
    assert [kept.visit.ended for kept in store.visits(START, START + 10)] == [START + 60_000_000, None]
    assert [kept.visit.id for kept in store.visits(START + 60_000_001, START + 70_000_000)] == ["v2"]
    assert store.last_visits() == {"box": START + 60_000_000}


def test_the_file_is_its_owners_alone_and_one_daemons(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    store = open_store(f"sqlite:///{path}")
    store.commit(Batch(Fixes.of([fix("w1", 1)])))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    with pytest.raises(StoreError, match="another trackerd"):
        open_store(f"sqlite:///{path}")
    store.close()
    open_store(f"sqlite:///{path}").close()


def test_durability_is_what_was_promised(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'record.db'}")
    db: sqlite3.Connection = store._db  # type: ignore[attr-defined]  # the pragmas are per connection
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////no/such/folder/x.db", "make the folder"), ("mysql://x", "names no store"), ("", "names no store"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_told(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_store(url)


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    path.write_bytes(os.urandom(5000))
    with pytest.raises(StoreError, match="not a SQLite file"):
        open_store(f"sqlite:///{path}")
    newer = tmp_path / "newer.db"
    sqlite3.connect(newer).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(StoreError, match="newer trackerd"):
        open_store(f"sqlite:///{newer}")
