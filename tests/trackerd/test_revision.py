"""Laws 5 and 6: whatever the order, the doubling, the delay and the batching of the same fixes, one final record."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.engine import Engine
from geofence.event import Kind, Visit, changed
from geofence.geojson import read, write
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.revise import SAID_AT_ONCE
from geofence.track import Rules
from geofence.wire import PREFIX
from geofence.zones import ZoneSet
from tests.geofence.walks import START, town, walk
from trackerd import pipeline
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import MemoryStore, Store, StoreError, Told, open_store
from trackerd.town import Town

TOWN = Town(town())
STORES: dict[str, Callable[[], Store]] = {"sqlite": lambda: open_store("sqlite://"), "memory": MemoryStore}
stores = pytest.mark.parametrize("make", STORES.values(), ids=STORES.keys())
RETRACT = PREFIX + Kind.RETRACT


class PowerCutError(Exception):
    """The process dies here."""


class Listener:
    """Everything the world was told of one store, over as many starts as it took."""

    def __init__(self, store: Store, window_s: float = 0.0, here: Town = TOWN) -> None:
        self.store, self.window_s, self.here = store, window_s, here
        self.told: list[Told] = []
        self.start()

    def start(self) -> None:
        self.house = House(
            Intake({}, self.here), self.store, self.here, "/trackerd/test", Rules(), self.window_s, ["mqtt"]
        )

    def take(self, fixes: Sequence[Fix], now: Micros | None = None) -> list[Told]:
        taken = Taken(Fixes.of(fixes), [0] * len(fixes), [None] * len(fixes)) if fixes else empty()
        record(self.house, taken, now)
        return self.post()

    def post(self) -> list[Told]:
        """Read what is to be told, as the broker would get it."""
        letters = self.store.untold("mqtt", 0, 10**6)
        self.store.mark_told("mqtt", [letter.seq for letter in letters])
        self.told += (new := [letter.event for letter in letters])
        return new

    @property
    def stands(self) -> list[Told]:
        """What a listener believes who heard it all."""
        back = {told.body["data"]["retracts"] for told in self.told if told.type == RETRACT}
        return [told for told in self.told if told.id not in back and told.type != RETRACT]

    def ledger(self) -> tuple[list[Visit], list[str], list[str]]:
        """The final record: the visits, what stands for a listener and what stands in the store."""
        visits = [changed(kept.visit, revision=0) for kept in self.store.visits(EVER, NEVER)]
        plain = sorted(json.dumps(_plain(told.body), sort_keys=True) for told in self.stands)
        events = [one.event for device in self.store.devices() for one in self.store.standing(device, EVER)]
        bare = [changed(e, visit=e.visit and changed(e.visit, revision=0)) for e in events]
        return visits, plain, sorted(map(repr, bare))


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in body["data"].items() if key != "revision"}
    return {key: value for key, value in body.items() if key not in ("id", "recordedtime")} | {"data": data}


def finish(listener: Listener, fixes: Sequence[Fix]) -> tuple[list[Visit], list[str], list[str]]:
    for hours in (3, 4):  # the first may have found the record in need of revision, or only begun to listen
        listener.take([], Micros(max(fix.micros for fix in fixes) + hours * 3600 * SECOND))
    return listener.ledger()


def in_order(fixes: Sequence[Fix]) -> tuple[list[Visit], list[str], list[str]]:
    """The record of what came in time, each moment once."""
    listener = Listener(MemoryStore())
    listener.take(sorted(fixes, key=lambda fix: fix.micros))
    return finish(listener, fixes)


def no_id_twice(listener: Listener) -> None:
    ids = [told.id for told in listener.told]
    assert len(ids) == len(set(ids))
    said = {told.id for told in listener.told if told.type != RETRACT}
    taken_back = [told.body["data"] for told in listener.told if told.type == RETRACT]
    back = [data["retracts"] for data in taken_back]
    assert len(back) == len(set(back))
    # What tells of a time off duty and was not told yet never is; that it does not hold is said all the same.
    assert {data["retracts"] for data in taken_back if data["because"] != pipeline.OFF_DUTY} <= said


def short_walk(device: str, seed: int) -> list[Fix]:
    fixes = walk(device, seed, minutes=22, every_s=10)
    keys = np.random.default_rng(seed).integers(0, len(fixes), 2).tolist()
    return [replace(fix, sos=number in keys) for number, fix in enumerate(fixes)]


def disturb(fixes: Sequence[Fix], rng: np.random.Generator) -> list[Fix]:
    """Delay, double and shuffle, as networks and phones do."""
    arrival = np.array([fix.micros for fix in fixes], dtype=float)
    how = rng.integers(4)
    if how == 0:  # anything goes
        arrival = rng.permutation(arrival)
    elif how == 1:  # each by itself
        arrival += rng.exponential(60 * SECOND, len(fixes))
    else:  # stretches are uploaded later, one of them backwards
        for _ in range(how):
            a, b = sorted(rng.integers(0, len(fixes), 2))
            arrival[a:b] = arrival[a:b][:: rng.choice([-1, 1])] + rng.uniform(0, 5000) * SECOND
    twice = rng.integers(0, len(fixes), rng.integers(0, 30))
    order = np.argsort(np.concatenate([arrival, arrival[twice] + rng.exponential(900 * SECOND, len(twice))]))
    both = [*fixes, *(fixes[i] for i in twice)]
    return [both[i] for i in order]


def arrive_anyhow(make: Callable[[], Store], seed: int, window_s: float, patience_s: float) -> None:
    """Shuffle, double, delay, batch and kill by the seed; fail unless the record ends as that of fixes in order."""
    rng = np.random.default_rng(seed)
    fixes = short_walk("w1", seed) + (short_walk("w2", seed + 1) if rng.random() < 0.3 else [])
    arriving = disturb(fixes, rng)
    listener = Listener(make(), window_s)
    listener.house.patience_s = patience_s
    edges = [0, *sorted(rng.integers(0, len(arriving), rng.integers(0, 12)).tolist()), len(arriving)]
    now = START
    for a, b in pairwise(edges):
        if rng.random() < 0.5:  # time passes, whether or not the fixes keep up with it
            now = max(now, *(fix.micros for fix in arriving[a:b] or fixes[:1])) + int(rng.exponential(300)) * SECOND
        dies = rng.random() < 0.2
        with patch.object(pipeline, "fail_point", _dies("before-revise" if dies else "")), suppress(PowerCutError):
            listener.take(arriving[a:b], Micros(now) if rng.random() < 0.5 else None)
            dies = rng.random() < 0.2
        if dies:
            listener.start()
    listener.post()
    assert finish(listener, fixes) == in_order(fixes)
    no_id_twice(listener)


@stores
@given(st.integers(0, 10**6), st.sampled_from([0.0, 20.0]), st.sampled_from([0.0, 600.0]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_law_5_arrival(make: Callable[[], Store], seed: int, window_s: float, patience_s: float) -> None:
    arrive_anyhow(make, seed, window_s, patience_s)


def _dies(point: str) -> Callable[[str], None]:
    def die(name: str) -> None:
        if name == point:
            raise PowerCutError

    return die


@given(st.integers(0, 10**6))
@settings(max_examples=25)
def test_law_6_a_replay_of_what_was_stored_is_the_record(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fixes = short_walk("w1", seed)
    live = Listener(open_store("sqlite://"), 20.0)
    arriving = disturb(fixes, rng)
    for number in range(0, len(arriving), 5):
        some = arriving[number : number + 5]
        live.take(some, Micros(some[-1].micros + 90 * SECOND) if number % 3 == 0 else None)
    record_of_live = finish(live, fixes)
    stored = [fix for piece in live.store.fixes(DeviceId("w1"), EVER) for fix in piece]
    assert stored == fixes
    assert record_of_live == in_order(stored)


@stores
@given(st.integers(0, 10**6), st.permutations(range(3)))
@settings(max_examples=20)
def test_of_two_fixes_of_one_moment_the_same_one_counts(
    make: Callable[[], Store], seed: int, order: Sequence[int]
) -> None:
    good = walk("w1", seed, minutes=22, every_s=10)
    rng = np.random.default_rng(seed)
    rivals = [good, *(_rivals(good, rng) for _ in range(2))]
    best = [min(same, key=lambda fix: (fix.accuracy_m, fix.lon, fix.lat)) for same in zip(*rivals, strict=True)]
    for window_s in (0.0, 60.0):
        listener = Listener(make(), window_s)
        for number in order:
            for a in range(0, len(good), 40):
                listener.take(rivals[number][a : a + 40])
        assert finish(listener, good) == in_order(best)
    listener = Listener(make(), 60.0)  # and when they come together
    listener.take([rivals[number][i] for i in range(len(good)) for number in order])
    assert finish(listener, good) == in_order(best)


def _rivals(fixes: Sequence[Fix], rng: np.random.Generator) -> list[Fix]:
    others = walk(str(fixes[0].device), int(rng.integers(10**6)), minutes=22, every_s=10)
    accuracies = rng.choice([4.0, 12.12, 30.0], len(fixes))
    return [
        replace(fix, lon=other.lon, accuracy_m=float(accuracy))
        for fix, other, accuracy in zip(fixes, others, accuracies, strict=True)
    ]


def gap(seed: int) -> tuple[list[Fix], list[Fix]]:
    """Return a walk whose middle third, with whole visits in it, is uploaded later, and that part."""
    fixes = walk("w1", seed, minutes=60)
    third = len(fixes) // 3
    return fixes[:third] + fixes[2 * third :], fixes[third : 2 * third]


@stores
def test_what_turned_out_wrong_is_taken_back_and_what_is_new_is_known_for_late(make: Callable[[], Store]) -> None:
    taken_back = found = 0
    for seed in range(12):
        first, later = gap(seed)
        listener = Listener(make())
        before = listener.take(first)
        after = listener.take(later)
        by_id = {told.id: told for told in before}
        backs = [told for told in after if told.type == RETRACT]
        for told in backs:
            data, was = told.body["data"], by_id[told.body["data"]["retracts"]]
            assert data["because"] == "fixes that arrived late"
            assert told.body["subject"] == was.body["subject"]
            assert (told.zone, told.device, told.time) == (was.zone, was.device, was.time)
            for key in ("zone", "zone_name", "kind", "device", "visit", "revision"):
                assert data.get(key) == was.body["data"].get(key)
            assert told.id != was.id
        news = [told for told in after if told.type != RETRACT]
        assert all(told.body["data"]["revision"] >= 1 for told in news if told.zone is not None)
        assert after == backs + news, "what is wrong is taken back before anything else is said"
        taken_back, found = taken_back + len(backs), found + len(news)
        assert finish(listener, first + later) == in_order(first + later)
        no_id_twice(listener)
    assert taken_back > 20
    assert found > 20


@stores
def test_a_visit_keeps_its_revision_in_what_is_said_of_it_as_it_goes_on(make: Callable[[], Store]) -> None:
    carried = 0
    for seed in range(30):
        fixes = walk("w1", seed, minutes=40)
        cut = len(fixes) // 2
        listener = Listener(make())
        listener.take(fixes[: cut - 60] + fixes[cut - 6 : cut])
        listener.take(fixes[cut - 60 : cut - 6])
        before = {kept.visit.id: kept.visit.revision for kept in listener.store.visits(EVER, NEVER)}
        for told in listener.take(fixes[cut:]):
            if told.zone is not None:
                assert told.body["data"]["revision"] == before.get(told.body["data"]["visit"], 0)
                carried += before.get(told.body["data"]["visit"], 0) > 0
        no_id_twice(listener)
    assert carried > 3


@stores
def test_what_is_the_same_stays_untold(make: Callable[[], Store]) -> None:
    fixes = walk("w1", 3)
    listener = Listener(make())
    listener.take(fixes[:100] + fixes[101:])
    said = len(listener.told)
    assert said > 4
    listener.take([fixes[100]])
    listener.take(fixes)
    assert len(listener.told) - said <= 2
    assert (listener.house.counts.revised, listener.house.counts.late) == (1, 1 + len(fixes))


def test_an_sos_is_told_at_once_and_never_again() -> None:
    fixes = walk("w1", 3)
    listener = Listener(open_store("sqlite://"))
    listener.take([*fixes[:100], *fixes[120:]])
    late = [replace(fix, sos=number == 5) for number, fix in enumerate(fixes[100:120])]
    for _ in range(3):
        listener.take(late)
    listener.take(fixes)
    (sos,) = [told for told in listener.told if told.type == PREFIX + Kind.SOS]
    assert sos in listener.stands
    assert sos.body["data"]["lon"] == late[5].lon


@stores
def test_dying_between_the_commit_and_the_revision_loses_nothing(
    make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = gap(1)
    listener = Listener(make())
    listener.take(first)
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "fail_point", _dies("before-revise"))
        with pytest.raises(PowerCutError):
            listener.take(later)
    assert listener.store.dirty() == {"w1": later[0].micros}
    listener.post()
    listener.start()
    assert [told.type for told in listener.take([])].count(RETRACT) > 0
    assert listener.store.dirty() == {}
    assert finish(listener, first + later) == in_order(first + later)
    no_id_twice(listener)


def test_a_revision_that_cannot_be_committed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, later = gap(1)
    listener = Listener(open_store("sqlite://"))
    listener.take(first)
    commit = listener.store.commit

    def full(batch: Any) -> Any:
        if batch.revised is not None:
            raise StoreError("the disk is full")
        return commit(batch)

    with monkeypatch.context() as broken:
        broken.setattr(listener.store, "commit", full)
        with pytest.raises(StoreError):
            listener.take(later)
    listener.house.wake()
    listener.take(later)
    assert finish(listener, first + later) == in_order(first + later)
    no_id_twice(listener)


def test_a_fault_in_one_devices_revision_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener(open_store("sqlite://"))
    first, later = gap(1)
    other = walk("w2", 1)
    listener.take(first)
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "retell", lambda *_: 1 / 0)
        listener.take(later)
        assert listener.take(other)
    assert listener.store.dirty().keys() == {"w1"}
    listener.start()
    assert finish(listener, first + later + other) == in_order(first + later + other)


def test_a_shorter_window_than_before_still_says_what_waited() -> None:
    for seed in range(8):
        fixes = walk("w1", seed)
        listener = Listener(MemoryStore(), 600.0)
        listener.take(fixes)
        listener.window_s = 0.0
        listener.start()
        assert finish(listener, fixes) == in_order(fixes)


def test_a_revision_begins_at_a_checkpoint() -> None:
    """It is told anew from an hour before what was late at most, not from the beginning of the day."""
    fixes = walk("w1", 5, minutes=480)
    missing = len(fixes) - 300
    listener = Listener(open_store("sqlite://"))
    for a in range(0, len(fixes), 100):
        listener.take([fix for fix in fixes[a : a + 100] if fix is not fixes[missing]])
    with patch.object(Engine, "judge", autospec=True, side_effect=Engine.judge) as judge:
        listener.take([fixes[missing]])
    span = sum(len(call.args[1]) for call in judge.call_args_list) * 5
    assert 300 * 5 < span < 300 * 5 + 3600 + 600
    assert finish(listener, fixes) == in_order(fixes)


def test_a_phone_that_sends_what_it_kept_is_not_called_silent_meanwhile() -> None:
    fixes = walk("w1", 2, minutes=60)
    now = Micros(fixes[-1].micros + 7200 * SECOND)
    listener = Listener(MemoryStore())
    listener.house.patience_s = 10.0
    for second, a in enumerate(range(0, len(fixes), 20)):
        listener.take(fixes[a : a + 20], Micros(now + second * SECOND))
    assert listener.house.counts.revised == 0
    assert not any(told.type == RETRACT for told in listener.told)
    assert finish(listener, fixes) == in_order(fixes)


def other_town() -> Town:
    """The town after an edit: a zone is gone, one has moved, one takes longer."""
    document = write(TOWN.zones)
    features = [feature for feature in document["features"] if feature["id"] != "park"]
    for feature in features:
        if feature["id"] == "district":
            feature["properties"]["dwell"] = "4m"
        if feature["id"] == "street":
            feature["id"] = "lane"
    zones, faults = read(json.dumps(document | {"features": features}).encode(), "edited")
    assert not faults
    return Town(ZoneSet(zones))


def in_season(here: Town, rng: np.random.Generator) -> Town:
    """The town with zones that begin and end while somebody walks there, some of them at once."""
    moments = [*(START + rng.integers(0, 1400 * SECOND, 4)), START + 400 * SECOND, START + 900 * SECOND]
    zones = []
    for zone in here.zones:
        begin, end = sorted(rng.choice(moments, 2, replace=False).tolist())
        how = int(rng.integers(4))
        valid_from, valid_to = Micros(begin) if how in (1, 2) else None, Micros(end) if how in (2, 3) else None
        zones.append(replace(zone, valid_from=valid_from, valid_to=valid_to))
    return Town(ZoneSet(zones))


def test_an_edition_comes_back_as_it_was() -> None:
    store = open_store("sqlite://")
    odd = tuple(replace(zone, dwell_s=100_000.123_4, valid_from=Micros(START + 1), valid_to=Micros(START * 2 + 7))
                for zone in TOWN.zones)  # fmt: skip
    here = Town(ZoneSet(odd))
    Listener(store, here=here).take([])
    ((since, zones),) = store.editions()
    assert since == EVER
    assert zones.version == here.zones.version
    assert list(zones) == list(here.zones)


@stores
@given(st.integers(0, 10**6), st.sampled_from([0.0, 20.0]))
@settings(max_examples=30)
def test_each_fix_is_judged_by_the_zones_of_its_time(make: Callable[[], Store], seed: int, window_s: float) -> None:
    rng = np.random.default_rng(seed)
    fixes = walk("w1", seed, minutes=22, every_s=10)
    before, after = in_season(TOWN, rng), in_season(other_town(), rng)
    at = int(rng.integers(1, len(fixes)))
    since = Micros(fixes[at].micros - int(rng.integers(0, 10)) * SECOND)

    listener = Listener(make(), window_s, before)
    arriving = disturb(fixes, rng)
    # The edit is made known at a moment of arrival by which some fixes of a clock that runs ahead may have come.
    reload = int(rng.integers(0, len(arriving) + 1))
    for part in (arriving[:reload], arriving[reload:]):
        for a in range(0, len(part), 29):
            listener.take(part[a : a + 29])
        if listener.here is before:
            listener.here = after
            listener.house.move(after, since)
            if rng.random() < 0.5:
                listener.take([])
                listener.start()
    straight = Listener(MemoryStore(), here=before)
    straight.take(fixes[:at])
    straight.house.move(after, since)
    straight.take(fixes[at:])
    assert finish(listener, fixes) == finish(straight, fixes)
    no_id_twice(listener)
    late = {told.zone for told in listener.stands if told.type == PREFIX + Kind.ENTER and told.time >= since}
    assert "street" not in late
    versions = {kept.visit.zones_version for kept in listener.store.visits(EVER, NEVER)}
    assert versions <= {before.zones.version, after.zones.version}


def test_zones_changed_while_we_were_down_hold_from_the_start_on() -> None:
    store = MemoryStore()
    Listener(store).take(walk("w1", 1))
    Listener(store, here=other_town()).take([])
    Listener(store, here=other_town()).take([])
    (first, second) = store.editions()
    assert first.since == EVER
    assert second.since > START
    assert second.zones.version == other_town().zones.version


def test_sos_low_batteries_and_retractions_are_not_up_for_revision() -> None:
    assert {Kind.SOS, Kind.BATTERY, Kind.RETRACT} == SAID_AT_ONCE
    assert to_datetime(START).year == 2026
