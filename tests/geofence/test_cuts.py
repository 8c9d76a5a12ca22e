"""Passing over those to whom nothing happens changes nothing: however fixes are cut into batches, the same is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.engine import Engine
from geofence.event import Event
from geofence.geojson import read
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.track import Track
from geofence.zones import ZoneSet

BEGAN = 1_777_881_600 * SECOND
PLACES = (0.0, 0.0, 0.0, 20.0, 60.0, 400.0, 400.0, 400.0, 4000.0)
"""Metres east of the middle of a box; a district of six kilometres lies around it, so 400 is quiet and 4000 outside."""
GAPS_S = (1, 5, 5, 5, 5, 10, 14, 16, 60, 400, 2000)

ZONES = ZoneSet(read(b"""{"type":"FeatureCollection","features":[
{"type":"Feature","id":"box","properties":{"radius_m":40,"dwell":"30s"},"geometry":{"type":"Point","coordinates":[4.2,50.9]}},
{"type":"Feature","id":"district","properties":{"radius_m":3000,"dwell":"2m"},
 "geometry":{"type":"Point","coordinates":[4.2,50.9]}}]}""", "z")[0])  # fmt: skip

legs = st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(PLACES), st.integers(1, 25), st.sampled_from(GAPS_S))


def fixes_of(drawn: Sequence[tuple[str, float, int, int]], swaps: Sequence[int]) -> list[Fix]:
    """Return the fixes of legs: so many at one place, so many seconds apart; a few change places in the row."""
    made: list[Fix] = []
    clocks = dict.fromkeys("abc", BEGAN)
    for device, east, count, gap in drawn:
        for _ in range(count):
            clocks[device] += gap * SECOND
            made.append(Fix(DeviceId(device), to_datetime(clocks[device]), 4.2 + east / 70_300, 50.9, 6.0))
    made.sort(key=lambda fix: fix.micros)
    for at in swaps:
        one, other = at % len(made), (at + 3) % len(made)
        made[one], made[other] = made[other], made[one]
    return made


def told(made: Sequence[Fix], cuts: Sequence[int], window_s: float, past_s: int) -> tuple[list[Event], list[Track]]:
    """Return what is said of each device, in order, and what is remembered in the end."""
    engine = Engine(ZONES, window_s=window_s)
    events: list[Event] = []
    for part in np.split(np.arange(len(made)), sorted(cuts)):
        batch = Fixes.of([made[n] for n in part])
        events += engine.feed(batch, ZONES.locate(batch)).events
    last = max(fix.micros for fix in made)
    events += engine.advance(Micros(last + past_s * SECOND))
    events.sort(key=lambda event: event.device)
    return events, [engine.tracks[device] for device in sorted(engine.tracks)]


@given(
    st.lists(legs, min_size=1, max_size=8), st.lists(st.integers(0, 200), max_size=4),
    st.lists(st.integers(0, 200), max_size=5), st.sampled_from([0.0, 0.0, 20.0]), st.sampled_from([0, 40, 400, 4000]),
)  # fmt: skip
@settings(max_examples=150)
def test_however_it_is_cut_the_same_is_said(
    drawn: list[tuple[str, float, int, int]], swaps: list[int], cuts: list[int], window_s: float, past_s: int
) -> None:
    made = fixes_of(drawn, swaps)
    single = told(made, range(1, len(made)), window_s, past_s)
    assert told(made, [cut % len(made) for cut in cuts], window_s, past_s) == single
    assert told(made, [], window_s, past_s) == single


def test_what_was_passed_over_is_saved_and_goes_on_from_there() -> None:
    made = fixes_of([("a", 400.0, 100, 5), ("a", 0.0, 60, 5), ("a", 400.0, 60, 5)], [])
    whole, split = Engine(ZONES), Engine(ZONES)
    batch = Fixes.of(made)
    events = whole.feed(batch, ZONES.locate(batch)).events
    found: list[Event] = []
    for part in np.array_split(np.arange(len(made)), 7):
        piece = batch.take(part)
        found += split.feed(piece, ZONES.locate(piece)).events
        split = Engine(ZONES, saved=split.changed())
    assert found == events
    assert [replace(one.track) for one in split.changed()] == []
    assert split.tracks == whole.tracks
