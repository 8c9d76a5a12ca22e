"""Retention at work: what goes, when, and that the record stays what it was."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geofence.engine import Saved
from geofence.model import EVER, FLOAT_COLUMNS, SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.track import Track
from tests.geofence.walks import START, town, walk
from trackerd import clock, retention
from trackerd.assemble import keeping
from trackerd.config import Settings
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.load import load
from trackerd.pipeline import empty, record
from trackerd.retention import Retention
from trackerd.store import Batch, MemoryStore, Store, StoreError, open_store
from trackerd.store.postgres import prepare
from trackerd.store.values import DataClass
from trackerd.town import Town

HERE = Town(town())
W1 = DeviceId("w1")
DAY = 86_400 * SECOND


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = f"sqlite:///{tmp_path}/r.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")
        prepare(url)
    made = open_store(url)
    yield made
    made.close()


def house(store: Store) -> House:
    return House(Intake({}, HERE), store, HERE, "/trackerd/test")


def take(made: House, fixes: list[Fix]) -> None:
    taken = Taken(Fixes.of(fixes), [fix.micros for fix in fixes], [None] * len(fixes)) if fixes else empty()
    record(made, taken, Micros(max(fix.micros for fix in fixes)) if fixes else None)


def kept(store: Store) -> list[Any]:
    return [list(store.visits(0, 2**62)), [one.event for one in store.standing(W1, EVER)]]


def shift(made: House, moment: int, keep_s: float) -> None:
    """Let go of all that is older than so many seconds at a moment."""
    made.retire(Micros(moment - round(keep_s * SECOND)))
    while made.store.forget("exact_positions", Micros(0), 100):
        pass


@pytest.mark.parametrize("seed", range(3))
def test_late_fixes_revise_what_is_after_the_horizon_as_if_all_were_kept(store: Store, seed: int) -> None:
    fixes = walk("w1", seed, minutes=300)
    held_back = range(2800, 2830)
    some = [fix for n, fix in enumerate(fixes) if n not in held_back]
    late = [fixes[n] for n in held_back]
    straight, made = house(MemoryStore()), house(store)
    for each in (straight, made):
        for a in range(0, len(some), 250):
            take(each, some[a : a + 250])
    shift(made, fixes[-1].micros, 7200)
    horizon = made.horizons[W1]
    assert fixes[0].micros < horizon < late[0].micros
    assert next(iter(store.fixes(W1, 0))).time[0] > horizon
    for each in (straight, made):
        take(each, late)
        assert each.counts.revised == 1
    assert kept(store) == kept(straight.store)
    assert made.counts.too_old == 0


def test_what_is_from_before_the_horizon_is_refused_and_counted_and_takes_nothing_back(store: Store) -> None:
    fixes = walk("w1", 1, minutes=300)
    made = house(store)
    for a in range(0, len(fixes), 250):
        take(made, fixes[a : a + 250])
    before = kept(store)
    shift(made, fixes[-1].micros, 3600)
    made = house(store)  # also after a restart
    old = [replace(fix, time=fix.time + timedelta(seconds=1), lon=fix.lon + 0.001) for fix in fixes[100:130]]
    new = [Fix(W1, fixes[-1].time + timedelta(seconds=5), 4.2, 50.9)]
    take(made, [*old[:10], *new, *old[10:]])
    assert (made.counts.too_old, made.counts.retracted, made.counts.revised) == (30, 0, 0)
    assert store.tally().refusals == {"older-than-kept": 30}
    assert kept(store)[0][: len(before[0]) - 1] == before[0][:-1]
    assert [fix.micros for piece in store.fixes(W1, 0) for fix in piece][-1] == new[0].micros
    assert store.dirty() == {}


def test_a_wish_to_revise_all_begins_at_the_horizon(store: Store) -> None:
    fixes = walk("w1", 2, minutes=300)
    made = house(store)
    for a in range(0, len(fixes), 250):
        take(made, fixes[a : a + 250])
    before = kept(store)
    shift(made, fixes[-1].micros, 3600)
    store.commit(Batch(Fixes.of(()), dirty=[(W1, Micros(START))]))
    take(made, [])
    assert (made.counts.too_old, made.counts.retracted) == (1, 0)
    assert kept(store) == before
    assert store.dirty() == {}


class Clock:
    """A clock that is set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at, self.ticks = START, 0.0
        patch.setattr(clock, "now", lambda: to_datetime(self.at))
        patch.setattr(clock, "monotonic", lambda: self.ticks)

    def on(self, seconds: float) -> None:
        self.at += round(seconds * SECOND)
        self.ticks += seconds


def test_a_round_goes_through_all_classes_in_small_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock = Clock(monkeypatch)
    fixes = walk("w1", 4, minutes=240)
    made = house(store)
    for a in range(0, len(fixes), 250):
        take(made, fixes[a : a + 250])
    keep = keeping(Settings())
    assert keep["exact_positions"] == 7 * 86_400
    keeper, limits = Retention(made, keep), []
    forget = store.forget

    def watched(what: DataClass, before: Micros, limit: int) -> int:
        limits.append(limit)
        set_clock.ticks += limit * 0.001  # a slow store
        return forget(what, before, limit)

    monkeypatch.setattr(store, "forget", watched)
    for _ in range(20):
        keeper.step()
    assert store.tally().fixes == len(fixes), "nothing is old"
    set_clock.on(8 * 86_400)
    for _ in range(400):
        keeper.step()
    assert store.tally().fixes == 0
    assert max(limits) <= 100, "fitted to what a step may take"
    thin = store.thinned(W1, Micros(0), Micros(2**60))
    assert len(fixes) // 13 <= len(thin) <= len(fixes) // 11
    assert len(list(store.visits(0, 2**62))) > 0
    steps = len(limits)
    keeper.step()
    assert len(limits) == steps, "until the next round nothing is asked"
    set_clock.on(31 * 86_400)
    for _ in range(400):
        keeper.step()
    assert len(store.thinned(W1, Micros(0), Micros(2**60))) == 0
    set_clock.on(366 * 86_400)
    for _ in range(400):
        keeper.step()
    assert (store.tally().visits, store.tally().events) == (0, 0)


def test_a_store_that_fails_meanwhile_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_clock, store = Clock(monkeypatch), MemoryStore()
    keeper = Retention(house(store), keeping(Settings()))

    def gone(*_: object) -> int:
        raise StoreError("the disk is full: make room")

    monkeypatch.setattr(store, "forget", gone)
    with caplog.at_level(logging.WARNING):
        keeper.step()
        keeper.step()
    assert caplog.text.count("the disk is full") == 1
    monkeypatch.undo()
    set_clock = Clock(monkeypatch)
    set_clock.on(retention.ROUND_S + 1e6)
    keeper.step()
    assert keeper.gone


def test_a_step_deals_with_no_more_than_it_was_told_to(tmp_path: Path) -> None:
    """A large file: how long the longest step took is printed; no turn may wait for a second."""
    store = open_store(f"sqlite:///{tmp_path}/r.db")
    times = START + np.arange(100_000) * SECOND
    nothing = np.full(len(times), np.nan)
    whole = np.zeros(len(times), np.int64)
    columns: dict[str, Any] = dict.fromkeys(FLOAT_COLUMNS[2:], nothing)
    columns |= {"lon": np.full(len(times), 4.2), "lat": np.full(len(times), 50.9)}
    fixes = Fixes(devices=(W1,), device=whole, time=times, flags=whole, sos=whole, **columns)
    store.commit(Batch(fixes, checkpoints=[Saved(Track(W1), Micros(int(times[-1])))]))
    store.retire(Micros(2**60))
    steps, took = [], 0.0
    while True:
        began = clock.monotonic()
        steps.append(store.forget("exact_positions", Micros(0), retention.MOST))
        took = max(took, clock.monotonic() - began)
        if not steps[-1]:
            break
    assert steps == [retention.MOST] * 10 + [0], "each is thinned, and each goes"
    assert store.tally().fixes == 0
    assert len(store.thinned(W1, Micros(0), Micros(2**60))) == -(-len(times) // 60)
    print(f"the longest step of {retention.MOST} rows took {took:.3f} s")
    store.close()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('exact_positions = "60m"', "retention.exact_positions"), ('exact_position = "7d"', "retention.exact_position"),
        ('exact_positions = "30d"\nevents = "30d"', "retention"), ('visits = "forever"', "retention.visits"),
        ('exact_positions = "60d"\nthinned_positions = "60d"', None),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_kept_are_told(tmp_path: Path, text: str, where: str | None) -> None:
    file = tmp_path / "trackerd.toml"
    file.write_text(f"[retention]\n{text}\n")
    faults = load(file)[1]
    assert [fault.where for fault in faults] == ([where] if where else [])


def test_what_is_let_go_of_is_in_the_file_no_longer(tmp_path: Path) -> None:
    file = tmp_path / "r.db"
    made = house(open_store(f"sqlite:///{file}"))
    secret = 4.123456789
    take(made, [replace(fix, lon=secret) for fix in walk("w1", 1, minutes=150)])
    take(made, [])
    files = [file, file.with_name("r.db-wal")]
    assert any(struct.pack(">d", secret) in one.read_bytes() for one in files)
    made.retire(Micros(2**60))
    for what in ("exact_positions", "thinned_positions"):
        while made.store.forget(what, Micros(2**60), 500):
            pass
    assert not any(struct.pack(">d", secret) in one.read_bytes() for one in files)
    made.store.close()
