"""What is skipped is what would have changed nothing: the engine beside the bare fold, fix after fix."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence import folds
from geofence.engine import Engine, Saved
from geofence.event import Event, Kind, changed
from geofence.look import Lot
from geofence.model import EVER, SECOND, DeviceId, Fix, Fixes, Micros, ZoneId, to_datetime
from geofence.track import Facts, Rules, Track, advance, step
from geofence.zones import Zone, ZoneSet
from tests.geofence.walks import START, town, walk

TOWN = town()
DWELLS = {zone.id: zone.dwell_s for zone in TOWN if zone.dwell_s is not None}
FACTS = Facts(DWELLS, TOWN.version)


class Plain:
    """An engine with no shortcut: every fix through ``step``, and time after each."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.tracks, self.upto = rules, dict[DeviceId, Track](), dict[DeviceId, Micros]()

    def feed(self, fixes: Fixes) -> tuple[list[Event], list[int]]:
        lot, events, late = Lot(fixes, TOWN.locate(fixes), np.arange(len(fixes))), list[Event](), list[int]()
        for row, device in enumerate(fixes.devices[i] for i in fixes.device.tolist()):
            seen, rules = lot.seen(row), self.rules.of(device)
            if seen.time <= self.upto.get(device, EVER):
                late.append(row)
                continue
            track = self.tracks.get(device) or Track(device)
            self._say(events, track.heard, *step(track, seen, rules, FACTS))
            self._say(events, seen.time, *advance(self.tracks[device], seen.time, rules, FACTS))
            self.upto[device] = seen.time
        return events, late

    def advance(self, now: Micros) -> list[Event]:
        events: list[Event] = []
        for device, track in list(self.tracks.items()):
            after, told = advance(track, now, self.rules.of(device), FACTS)
            self._say(events, track.heard, after, told)
            self.upto[device] = max([self.upto[device], *(event.decided for event in told)])
        return events

    def _say(self, events: list[Event], heard: Micros | None, track: Track, told: list[Event]) -> None:
        self.tracks[track.device] = track
        events += [changed(event, decided=max(event.decided, heard or EVER)) for event in told]


def stream(seed: int) -> list[Fix]:
    """Return what some wardens' receivers send, out of order here and there, twice at times, at all intervals."""
    rng = random.Random(seed)
    every = rng.choice([1.0, 5.0, 5.0, 12.0, 14.9, 15.0, 15.1, 30.0])
    fixes = [fix for n in range(rng.randint(1, 4)) for fix in walk(f"w{n}", 10 * seed + n, 12, every)]
    delay = rng.choice([0, 0, 60])
    late = sorted(fixes, key=lambda fix: fix.micros + (rng.uniform(0, delay * SECOND) if rng.random() < 0.1 else 0))
    return [fix for fix in late for _ in range(1 + (rng.random() < 0.02))]


some_rules = st.sampled_from([Rules(), Rules(silence_s=8, lost_s=60), Rules(speeds=((DeviceId("w1"), 6.0),))])


@given(st.integers(0, 10**6), st.sampled_from([1, 7, 100, 2000]), some_rules)
def test_the_engine_says_what_the_bare_fold_says(seed: int, size: int, rules: Rules) -> None:
    fixes, plain, engine = stream(seed), Plain(rules), Engine(TOWN, rules)
    for start in range(0, len(fixes), size):
        batch = Fixes.of(fixes[start : start + size])
        fed, (events, late) = engine.feed(batch, TOWN.locate(batch)), plain.feed(batch)
        assert sorted(map(repr, fed.events)) == sorted(map(repr, events))
        assert fed.late.tolist() == late
        if seed % 3 == 0:
            now = Micros(int(batch.time.max()) + seed % 400 * SECOND)
            assert sorted(map(repr, engine.advance(now))) == sorted(map(repr, plain.advance(now)))
    assert dict(engine.tracks) == plain.tracks
    assert {device: engine.upto(device) for device in plain.tracks} == plain.upto
    assert engine.changed() == [Saved(plain.tracks[device], plain.upto[device]) for device in sorted(plain.tracks)]


def still(device: str, seconds: range, metres: float = 0.0) -> list[Fix]:
    """Return the fixes of somebody in the middle of the district, or so far from there."""
    lon, lat = 4.2 + metres / 70_000, 50.9 + 350 / 111_250
    return [Fix(DeviceId(device), to_datetime(START + s * SECOND), lon, lat, 5.0) for s in seconds]


def folded(engine: Engine) -> set[int]:
    """Return the second at which each device was last folded: those that are calm are only heard."""
    trails = [track.trail for track in engine.tracks.values()]
    return {round((trail.time - START) / SECOND) for trail in trails if trail is not None}


@pytest.mark.parametrize("size", [1, 50, 1000])
def test_where_nothing_is_near_nothing_is_folded(size: int) -> None:
    fixes = [fix for row in zip(*(still(f"w{n}", range(0, 600, 5)) for n in range(5)), strict=True) for fix in row]
    engine, events = Engine(TOWN), list[Event]()
    for start in range(0, len(fixes), size):
        events += engine.judge(Fixes.of(fixes[start : start + size])).events
    assert [event.kind for event in events] == [Kind.ENTER] * 5
    assert max(folded(engine)) < 50
    assert {track.heard for track in engine.tracks.values()} == {fixes[-1].micros}


def test_a_gap_is_folded_even_where_nothing_is_near() -> None:
    engine = Engine(TOWN)
    engine.judge(Fixes.of(still("w", range(0, 100, 5))))
    engine.judge(Fixes.of(still("w", range(110, 120, 5))))
    assert max(folded(engine)) < 100
    engine.judge(Fixes.of(still("w", range(131, 140, 5))))
    assert folded(engine) == {131}


@pytest.mark.parametrize("size", [1, 1000])
def test_a_dwell_is_said_in_the_midst_of_calm(size: int) -> None:
    engine, fixes = (
        Engine(ZoneSet([replace(TOWN.by_id[ZoneId("district")], dwell_s=120)])),
        still("w", range(0, 600, 5)),
    )
    lots = [Fixes.of(fixes[start : start + size]) for start in range(0, len(fixes), size)]
    (event,) = [event for lot in lots for event in engine.judge(lot).events if event.kind is Kind.DWELL]
    assert event.decided == START + 120 * SECOND


def test_other_zones_come_into_force_in_the_midst_of_calm() -> None:
    district = TOWN.by_id[ZoneId("district")]
    until = Micros(START + 300 * SECOND)
    engine = Engine(
        ZoneSet([replace(district, valid_to=until), Zone(ZoneId("next"), district.shape, valid_from=until)])
    )
    events = engine.judge(Fixes.of(still("w", range(0, 600, 5)))).events
    assert [(e.kind, e.visit and e.visit.zone) for e in events] == [
        (Kind.ENTER, "district"), (Kind.EXIT, "district"), (Kind.ENTER, "next"),
    ]  # fmt: skip


def test_time_passes_only_for_whom_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(TOWN)
    ends = {f"w{n}": range(0, 600 if n else 30, 5) for n in range(50)}
    engine.judge(Fixes.of(sorted((f for w, s in ends.items() for f in still(w, s)), key=lambda fix: fix.time)))
    looked: list[int] = []
    settle = folds.Folds.settle
    monkeypatch.setattr(folds.Folds, "settle", lambda self, slot, mark: looked.append(slot) or settle(self, slot, mark))  # type: ignore[func-returns-value]
    said = engine.advance(Micros(START + 600 * SECOND))
    assert [(event.kind, event.device) for event in said] == [(Kind.SILENT, "w0")]
    assert looked == [0]
    assert engine.advance(Micros(START + 601 * SECOND)) == []
    assert looked == [0]
