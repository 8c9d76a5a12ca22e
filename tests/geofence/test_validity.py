"""Zones that begin, end and are edited while somebody is inside: to the microsecond, and under the laws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.editions import Edition, Editions
from geofence.engine import Engine, Saved
from geofence.event import Event, Kind
from geofence.model import EVER, SECOND, DeviceId, Fix, Fixes, Micros, ZoneId, to_datetime
from geofence.track import Rules
from geofence.wire import dump_track, load_track
from geofence.zones import Frame, Zone, ZoneSet
from tests.geofence.walks import LAT, LON, START, town, walk
from tests.geofence.walks import X as PER_LON
from tests.geofence.walks import Y as PER_LAT

RULES = Rules()
FRAME = Frame.at(LON, LAT)
FAR = (0.0, 2000.0)


def at(seconds: float) -> Micros:
    return Micros(START + round(seconds * SECOND))


def square(id_: str = "fair", half_m: float = 60.0, east: float = 0.0, **more: object) -> Zone:
    corners = [(east + x * half_m, y * half_m) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    shape = FRAME.to_degrees(shapely.Polygon(corners))
    return replace(Zone(ZoneId(id_), shape), **more)  # type: ignore[arg-type]


def stand(begin: float, end: float, every_s: float = 5.0, place: tuple[float, float] = (0, 0), seed: int = 1,
          device: str = "w1") -> list[Fix]:  # fmt: skip
    """Return the fixes of somebody standing there, the error lasting a minute or so."""
    rng = np.random.default_rng(seed)
    keep, error, fixes = np.exp(-every_s / 60), rng.normal(0, 4, 2), []
    for second in np.arange(begin, end, every_s):
        lon, lat = LON + (place[0] + error[0]) / PER_LON, LAT + (place[1] + error[1]) / PER_LAT
        fixes.append(Fix(DeviceId(device), to_datetime(at(float(second))), lon, lat, 6.0))
        error = keep * error + np.sqrt(1 - keep**2) * rng.normal(0, 4, 2)
    return fixes


def said(zones: ZoneSet | Editions, fixes: Sequence[Fix], until_s: float | None = None) -> list[Event]:
    engine = Engine(zones, RULES)
    events = engine.judge(Fixes.of(fixes)).events
    return events + (engine.advance(at(until_s)) if until_s is not None else [])


def told(events: Iterable[Event], *kinds: Kind) -> list[tuple[str, float]]:
    """Return kind and seconds from START of what was said of zones."""
    kinds = kinds or (Kind.ENTER, Kind.DWELL, Kind.EXIT)
    return [(e.kind.removeprefix("zone."), (e.time - START) / SECOND) for e in events if e.kind in kinds]


def two(before: Iterable[Zone], after: Iterable[Zone], seconds: float) -> Editions:
    return Editions([Edition(EVER, ZoneSet(before)), Edition(at(seconds), ZoneSet(after))])


BEGINS, ENDS = 301.234_567, 903.000_001


def fair(**more: object) -> Zone:
    return replace(square(valid_from=at(BEGINS), valid_to=at(ENDS)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("every_s", [1.0, 5.0, 60.0, 240.0])
@pytest.mark.parametrize("end", ["fixes", "ticks", "silence"])
def test_who_stands_inside_enters_when_the_zone_begins_and_leaves_when_it_ends(every_s: float, end: str) -> None:
    last = {"fixes": 1500.0, "ticks": ENDS, "silence": ENDS - 1.5 * every_s}[end]
    events = said(ZoneSet([fair()]), stand(0, last, every_s), until_s=None if end == "fixes" else 4000)
    assert told(events) == [("enter", BEGINS), ("exit", ENDS)]
    visit = events[-1 if end == "fixes" else [e.kind for e in events].index(Kind.EXIT)].visit
    assert visit is not None
    assert (visit.began, visit.ended) == (at(BEGINS), at(ENDS))
    assert visit.seconds <= ENDS - BEGINS <= visit.seconds_possible
    assert visit.seconds > ENDS - BEGINS - 60 or every_s > 5


def test_what_was_not_seen_before_a_zone_ended_is_not_certain() -> None:
    """Last heard twenty-five minutes before the end: not yet lost, and no certain minute in it but those seen."""
    events = said(ZoneSet([square(valid_to=at(2100))]), stand(0, 600), until_s=9000)
    assert told(events, Kind.EXIT) == [("exit", 2100)]
    visit = events[-1].visit
    assert visit is not None
    assert 500 < visit.seconds < 640
    assert visit.seconds_possible >= 2095


def test_a_stay_is_lost_before_its_zone_ends() -> None:
    events = said(ZoneSet([square(valid_to=at(9000))]), stand(0, 600), until_s=20_000)
    assert told(events, Kind.EXIT) == [("exit", 595.0)]


def test_calm_before_a_stay_is_lost_counts_as_possible() -> None:
    """Deep inside nothing is reckoned fix by fix; the time may have begun before the entry and goes on all the same."""
    wide = square(half_m=400)
    way = [replace(fix, lon=LON + (max(fix.micros - START, 0) / SECOND * 1.2 - 480) / PER_LON)
           for fix in stand(0, 400)]  # fmt: skip
    events = said(ZoneSet([wide]), [*way, *stand(400, 2000)], until_s=9000)
    (left,) = [event.visit for event in events if event.kind is Kind.EXIT]
    assert left is not None
    (straight,) = [event.visit for event in said(ZoneSet([wide]), [*way, *stand(400, 2000), *stand(2000, 2100, 5, FAR)])
                   if event.kind is Kind.EXIT]  # fmt: skip
    assert straight is not None
    assert left.seconds_possible - (1995 - left.began / SECOND + START / SECOND) > 3


def test_dwell_is_said_in_event_time_and_not_beyond_the_zone() -> None:
    for dwell_s, dwells in ((60.0, True), (ENDS - BEGINS - 20, True), (ENDS - BEGINS + 1, False)):
        events = said(ZoneSet([fair(dwell_s=dwell_s)]), stand(0, 1500))
        expected = [("dwell", pytest.approx(BEGINS + dwell_s))] if dwells else []
        assert told(events) == [("enter", BEGINS), *expected, ("exit", ENDS)]


def test_a_zone_that_pauses_makes_two_visits() -> None:
    """Somebody stands there over the pause, whether or not a fix falls into it."""
    morning, evening = square(valid_to=at(300.5)), square(valid_from=at(303.5))
    pause = Editions([Edition(EVER, ZoneSet([morning])), Edition(at(302), ZoneSet([evening]))])
    for every_s in (1.0, 5.0, 60.0):
        events = said(pause, stand(0, 900, every_s))
        assert told(events) == [("enter", 0.0), ("exit", 300.5), ("enter", 303.5)]


def test_evidence_from_before_a_pause_dates_no_entry_after_it() -> None:
    morning, evening = square(valid_to=at(300.5)), square(valid_from=at(303.5))
    pause = Editions([Edition(EVER, ZoneSet([morning])), Edition(at(302), ZoneSet([evening]))])
    for seed in range(20):
        for came in (284, 287, 290, 293, 296):
            events = said(pause, stand(0, came, 5, FAR, seed) + stand(came + 5, 900, 5, seed=seed))
            for event in events:
                if event.kind is Kind.ENTER:
                    assert not at(300.5) <= event.time < at(303.5)
                    assert event.time < at(300.5) or event.decided >= at(303.5)
                    ends = [other.time for other in events if other.kind is Kind.EXIT and other.visit
                            and event.visit and other.visit.id == event.visit.id]  # fmt: skip
                    assert event.time >= at(303.5) or ends == [at(300.5)]


@pytest.mark.parametrize("other", [300.0, 302.0, 303.0])
def test_a_zone_that_begins_between_two_fixes_with_other_turns_is_entered_when_it_began(other: float) -> None:
    zones = ZoneSet([square(valid_from=at(302)), square("elsewhere", east=900, valid_from=at(other))])
    assert told(said(zones, stand(0, 900, 10))) == [("enter", 302.0)]


def test_a_stay_goes_on_over_an_edit_that_leaves_its_zone() -> None:
    before, after = square(name="Fair"), square(name="Fair on the green")
    events = said(two([before], [after, square("new", east=500)], 300), stand(0, 600) + stand(600, 700, 5, FAR))
    assert [event.kind for event in events] == [Kind.ENTER, Kind.EXIT]
    enter, leave = (event.visit for event in events)
    assert enter is not None
    assert leave is not None
    assert enter.id == leave.id
    assert enter.zones_version == ZoneSet([before]).version
    assert leave.zones_version == ZoneSet([after, square("new", east=500)]).version


@pytest.mark.parametrize("every_s", [1.0, 5.0, 60.0, 240.0])
def test_a_stay_ends_at_the_edit_that_takes_its_zone_away(every_s: float) -> None:
    events = said(two([square()], [square("new")], 400.5), stand(0, 900, every_s))
    assert [(e.kind, e.visit and e.visit.zone, (e.time - START) / SECOND) for e in events] == [
        (Kind.ENTER, "fair", 0.0), (Kind.EXIT, "fair", 400.5), (Kind.ENTER, "new", 400.5),
    ]  # fmt: skip
    versions = [event.visit.zones_version for event in events if event.visit]
    assert versions == [ZoneSet([square()]).version] * 2 + [ZoneSet([square("new")]).version]
    assert all(event.decided >= event.time for event in events)


@pytest.mark.parametrize("every_s", [5.0, 60.0, 240.0])
def test_an_edge_that_an_edit_moves_over_somebody_is_crossed_at_the_edit(every_s: float) -> None:
    small, moved, wide = square(half_m=40, east=300), square(half_m=40, east=900), square(half_m=400)
    widened = said(two([small], [wide], 400.5), stand(0, 1300, every_s))
    assert told(widened) == [("enter", 400.5)]
    taken_away = said(two([wide], [moved], 400.5), stand(0, 1300, every_s), until_s=20_000)
    assert told(taken_away) == [("enter", 0.0), ("exit", 400.5)]
    visit = taken_away[-1].visit or taken_away[-2].visit
    assert visit is not None
    assert visit.seconds <= 400.5 <= visit.seconds_possible


def test_a_shorter_dwell_is_said_after_the_edit_of_when_it_was_reached() -> None:
    slow, quick = square(dwell_s=3000.0), square(dwell_s=120.0)
    for every_s in (5.0, 60.0):
        events = said(two([slow], [quick], 600), stand(0, 900, every_s))
        assert told(events) == [("enter", 0.0), ("dwell", 120.0)]
        assert events[-1].decided >= at(600)
        assert told(said(two([quick], [slow], 600), stand(0, 9000, every_s))) == told(events)


def dated(seed: int) -> Editions:
    """Return the walks' town with zones that begin and end during the walk, some of them at once, and two edits."""
    rng = np.random.default_rng(seed)

    def moments() -> tuple[Micros, Micros]:
        a, b = sorted(rng.choice(np.concatenate((rng.uniform(0, 1400, 6), np.arange(0, 1400, 100))), 2, replace=False))
        return at(float(a)), at(float(b))

    def some(zones: Iterable[Zone]) -> list[Zone]:
        kept = []
        for zone in zones:
            a, b = moments()
            how = int(rng.integers(6))
            if how:
                kept.append(
                    replace(zone, valid_from=a if how in (1, 2) else None, valid_to=b if how in (2, 3) else None)
                )
        return kept

    edits = sorted({at(float(round(second))) for second in rng.uniform(0, 1400, 2)})
    return Editions([Edition(EVER, ZoneSet(some(town()))), *(Edition(edit, ZoneSet(some(town()))) for edit in edits)])


seeds = st.integers(0, 10**6)
OVER = 3 * 3600


def stroll(seed: int) -> list[Fix]:
    every_s = [5.0, 20.0, 100.0][seed % 3]
    return walk("w1", seed, minutes=24, every_s=every_s)


def straight(editions: Editions, fixes: Sequence[Fix], window_s: float = 0.0) -> list[str]:
    engine = Engine(editions, RULES, window_s=window_s)
    events = engine.judge(Fixes.of(fixes)).events
    return [*map(repr, sorted(events + engine.advance(last(fixes)), key=repr))]


def last(fixes: Sequence[Fix]) -> Micros:
    return Micros(fixes[-1].micros + OVER * SECOND)


@given(seeds, st.lists(st.floats(0, 1), max_size=40), st.sampled_from([0.0, 20.0]))
@settings(max_examples=50)
def test_law_4_ticks(seed: int, ticks: list[float], window_s: float) -> None:
    editions, fixes = dated(seed), stroll(seed)
    span = fixes[-1].micros - START
    turns = [one.since for one in editions.spans[1:]]
    moments = sorted([*(START + round(tick * span) for tick in ticks), *turns, *(turn - 1 for turn in turns)])
    engine = Engine(editions, RULES, window_s=window_s)
    events: list[Event] = []
    for fix in fixes:
        while moments and moments[0] < fix.micros:
            events += engine.advance(Micros(moments.pop(0)))
        events += engine.judge(Fixes.of([fix])).events
    events += engine.advance(last(fixes))
    assert sorted(map(repr, events)) == straight(editions, fixes, window_s)
    assert all(event.decided >= event.time for event in events)


@given(seeds, st.lists(st.integers(0, 300), max_size=12).map(sorted), st.sampled_from([0.0, 20.0]))
@settings(max_examples=40)
def test_law_2_restart(seed: int, cuts: list[int], window_s: float) -> None:
    editions, fixes = dated(seed), stroll(seed)
    engine = Engine(editions, RULES, window_s=window_s)
    kept: dict[str, tuple[str, Micros]] = {}
    stored: list[Fix] = []
    events: list[Event] = []
    for a, b in zip([0, *cuts], [*cuts, len(fixes)], strict=True):
        if not fixes[a:b]:
            continue
        events += engine.judge(Fixes.of(fixes[a:b])).events
        stored += fixes[a:b]
        kept |= {track.device: (dump_track(track), upto) for track, upto in engine.changed()}
        engine = Engine(editions, RULES, [Saved(load_track(state), upto) for state, upto in kept.values()], window_s)
        after = [fix for fix in stored if fix.micros > engine.upto(fix.device)]
        assert engine.judge(Fixes.of(after)).events == []
    assert sorted(map(repr, events + engine.advance(last(fixes)))) == straight(editions, fixes, window_s)


@given(seeds)
@settings(max_examples=50)
def test_nobody_is_in_a_zone_that_is_not_in_force(seed: int) -> None:
    """Every stay lies within one unbroken stretch in which its zone is in force; each enter has its exit."""
    editions, fixes = dated(seed), stroll(seed)
    engine = Engine(editions, RULES)
    events = engine.judge(Fixes.of(fixes)).events
    events += engine.advance(last(fixes))
    decided = [event.decided for event in events]
    assert decided == sorted(decided)
    entered = {event.visit.id for event in events if event.kind is Kind.ENTER and event.visit}
    for event in events:
        if event.kind is Kind.EXIT and event.visit is not None and event.visit.ended is not None:
            entered.remove(event.visit.id)
            first, final = editions.number(event.visit.began), editions.number(event.visit.ended - 1)
            assert all(event.visit.zone in span.valid() for span in editions.spans[first : final + 1])
            versions = {span.zones.version for span in editions.spans[first:]}
            assert event.visit.zones_version in versions
            assert 0 <= event.visit.seconds <= (event.visit.ended - event.visit.began) / SECOND
    assert not entered
