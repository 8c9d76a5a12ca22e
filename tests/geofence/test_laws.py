"""The laws of the design, 1 to 4: chunks, restart, shards, ticks. What is said depends on the fixes alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.engine import Engine, Saved
from geofence.event import Event, Kind
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.track import Rules
from geofence.wire import dump_track, load_track
from tests.geofence.walks import START, town, walk

TOWN = town()
RULES = Rules()


def feed(engine: Engine, fixes: Sequence[Fix]) -> list[Event]:
    batch = Fixes.of(fixes)
    return engine.feed(batch, engine.zones.locate(batch)).events


def end(fixes: Sequence[Fix]) -> Micros:
    return Micros(max(fix.micros for fix in fixes) + 3 * 3600 * SECOND)


def whole(fixes: Sequence[Fix], window_s: float = 0.0) -> list[Event]:
    engine = Engine(TOWN, RULES, window_s=window_s)
    return feed(engine, fixes) + engine.advance(end(fixes))


def record(events: Iterable[Event]) -> list[str]:
    """Return what was said, free of the order in which different devices were heard."""
    return sorted(map(repr, events))


seeds = st.integers(0, 10**6)
cuts = st.lists(st.integers(0, 400), max_size=12).map(sorted)


def pieces(fixes: Sequence[Fix], at: Sequence[int]) -> list[Sequence[Fix]]:
    edges = [0, *(min(cut, len(fixes)) for cut in at), len(fixes)]
    return [fixes[a:b] for a, b in pairwise(edges)]


def test_the_walks_say_something() -> None:
    """Laws about silence would hold of anything."""
    kinds = {event.kind for seed in range(20) for event in whole(walk("w1", seed))}
    assert {Kind.ENTER, Kind.EXIT, Kind.DWELL, Kind.SILENT, Kind.BACK} <= kinds


@given(seeds, cuts)
def test_law_1_chunks(seed: int, at: list[int]) -> None:
    fixes = walk("w1", seed)
    engine = Engine(TOWN, RULES)
    said = [event for piece in pieces(fixes, at) for event in feed(engine, piece)]
    assert record(said + engine.advance(end(fixes))) == record(whole(fixes))


@given(seeds, cuts, st.sampled_from([0.0, 20.0]))
def test_law_2_restart(seed: int, at: list[int], window_s: float) -> None:
    fixes = walk("w1", seed)
    engine = Engine(TOWN, RULES, window_s=window_s)
    saved: dict[str, tuple[str, Micros]] = {}
    stored: list[Fix] = []
    said: list[Event] = []
    for piece in pieces(fixes, at):
        said += feed(engine, piece)
        stored += piece
        saved |= {track.device: (dump_track(track), upto) for track, upto in engine.changed()}
        # The process dies; what is left is what was saved, and the fixes stored after it.
        engine = Engine(TOWN, RULES, [Saved(load_track(state), upto) for state, upto in saved.values()], window_s)
        after = [fix for fix in stored if fix.micros > engine.upto(fix.device)]
        assert feed(engine, after) == []
    assert record(said + engine.advance(end(fixes))) == record(whole(fixes, window_s))


@given(seeds, st.integers(1, 4))
def test_law_3_shards(seed: int, n: int) -> None:
    devices = [f"w{number}" for number in range(5)]
    walks = {device: walk(device, seed + number, minutes=10) for number, device in enumerate(devices)}
    together = [fix for row in zip(*walks.values(), strict=False) for fix in row]
    last = end(together)
    shards = [Engine(TOWN, RULES) for _ in range(n)]
    said: list[Event] = []
    for number, engine in enumerate(shards):
        said += feed(engine, [fix for fix in together if int(fix.device[1:]) % n == number])
        said += engine.advance(last)
    assert record(said) == record(whole(together))


@given(seeds, st.lists(st.floats(0, 1), max_size=40), st.sampled_from([0.0, 20.0]))
@settings(max_examples=50)
def test_law_4_ticks(seed: int, ticks: list[float], window_s: float) -> None:
    fixes = walk("w1", seed)
    span = fixes[-1].micros - START
    moments = sorted(Micros(START + round(tick * span)) for tick in ticks)
    engine = Engine(TOWN, RULES, window_s=window_s)
    said: list[Event] = []
    for fix in fixes:
        while moments and moments[0] < fix.micros:
            said += engine.advance(moments.pop(0))
        said += feed(engine, [fix])
    assert record(said + engine.advance(end(fixes))) == record(whole(fixes, window_s))


@given(seeds)
def test_order_within_the_window_does_not_matter(seed: int) -> None:
    fixes = walk("w1", seed, minutes=10)
    rng = np.random.default_rng(seed)
    shifted = sorted(fixes, key=lambda fix: fix.micros + rng.uniform(0, 19 * SECOND))
    doubled = [fix for fix in shifted for _ in range(int(rng.integers(1, 3)))]
    assert record(whole(doubled, window_s=20.0)) == record(whole(fixes, window_s=20.0))


def test_what_comes_after_its_moment_is_late() -> None:
    fixes = walk("w1", 1, minutes=5)
    engine = Engine(TOWN, RULES)
    feed(engine, fixes[:20])
    batch = Fixes.of([fixes[3], fixes[20], fixes[19]])
    assert engine.feed(batch, TOWN.locate(batch)).late.tolist() == [0, 2]


def test_what_was_measured_before_a_deadline_that_has_passed_is_late() -> None:
    fixes = walk("w1", 1, minutes=5)
    engine = Engine(TOWN, RULES)
    feed(engine, fixes[:1])
    silent = fixes[0].micros + round(RULES.silence_s * SECOND)
    assert [event.kind for event in engine.advance(Micros(silent + SECOND))] == [Kind.SILENT]
    ((track, upto),) = engine.changed()
    assert upto == silent
    for one in (engine, Engine(TOWN, RULES, [Saved(track, upto)])):  # and so it stays over a restart
        at_last = replace(fixes[1], time=to_datetime(silent))
        just_after = replace(fixes[2], time=to_datetime(silent + 1))
        batch = Fixes.of([fixes[1], at_last, just_after])
        assert one.feed(batch, TOWN.locate(batch)).late.tolist() == [0, 1]


def test_no_event_is_decided_before_an_earlier_one() -> None:
    for seed in range(20):
        decided = [event.decided for event in whole(walk("w1", seed))]
        assert decided == sorted(decided)
        assert all(event.decided >= event.time for event in whole(walk("w1", seed)))


@given(seeds, cuts, st.integers(0, 60))
@settings(max_examples=60)
def test_law_2_with_what_is_saved_now_and_then(seed: int, at: list[int], dies: int) -> None:
    """A device that is only heard is saved seldom; what was saved and the fixes since say the same."""
    parts = [part for part in pieces(walk("w1", seed), at) if part]
    engine, kept, stored = Engine(TOWN, RULES, often_s=60), dict[str, Saved](), list[Fix]()
    for number, part in enumerate(parts):
        feed(engine, part)
        stored += part
        kept |= {one.track.device: one for one in engine.changed()}
        if number == dies % len(parts):
            before = {device: dump_track(track) for device, track in engine.tracks.items()}
            engine = Engine(TOWN, RULES, kept.values(), often_s=60)
            since = [fix for fix in stored if fix.micros > engine.upto(fix.device)]
            assert feed(engine, sorted(since, key=lambda fix: fix.micros)) == []
            assert {device: dump_track(track) for device, track in engine.tracks.items()} == before


def test_a_device_that_is_only_heard_is_saved_seldom() -> None:
    far = [Fix(DeviceId("w1"), to_datetime(START + 5 * n * SECOND), 4.9, 50.9, 5.0) for n in range(60)]
    counts = {}
    for often in (0.0, 60.0):
        engine = Engine(TOWN, RULES, often_s=often)
        counts[often] = [len(feed(engine, [fix])) + len(engine.changed()) for fix in far]
    assert sum(counts[0.0]) == 60
    assert 5 <= sum(counts[60.0]) <= 7


def test_what_was_said_at_once_is_saved_at_once() -> None:
    """Else the same fixes, taken again after a restart, would say it again."""
    engine = Engine(TOWN, RULES, often_s=60)
    calm = [Fix(DeviceId("w1"), to_datetime(START + 5 * n * SECOND), 4.9, 50.9, 5.0) for n in range(4)]
    for fix in calm[:3]:
        feed(engine, [fix])
        engine.changed()
    assert [event.kind for event in feed(engine, [replace(calm[3], sos=True)])] == [Kind.SOS]
    assert [one.upto for one in engine.changed()] == [calm[3].micros]
    feed(engine, [replace(calm[3], time=to_datetime(START + 20 * SECOND))])
    assert engine.changed() == []
    engine.keep_all()
    assert [one.upto for one in engine.changed()] == [START + 20 * SECOND]


def test_an_emergency_is_said_though_the_fix_waits_for_its_turn() -> None:
    engine = Engine(TOWN, RULES, window_s=20)
    pressed = Fix(DeviceId("w1"), to_datetime(START), 4.9, 50.9, 5.0, sos=True)
    assert [event.kind for event in feed(engine, [pressed])] == [Kind.SOS]
    assert engine.changed() == [], "nothing of the device has gone on yet"
    engine.advance(Micros(START + 60 * SECOND))
    assert [one.upto for one in engine.changed()] == [START]
