"""What became of a window: a table of every outcome and every term, and what holds of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from datetime import time as hour
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.calendar import Hours, Window
from geofence.event import Visit as _Visit
from geofence.event import changed
from geofence.ledger import EDGES_S, NOBODY, TOO_FEW, Carried, Whereabouts, judge, whereabouts
from geofence.model import SECOND, DeviceId, Micros, RequirementId, VisitId, WardenId, ZoneId, to_datetime, to_micros
from geofence.plan import Plan, Requirement
from geofence.presence import Presence
from geofence.spans import Spans, at_least, common, length, union
from geofence.verdict import Case, Outcome, Terms, Verdict
from geofence.zones import Zone
from tests.geofence.walks import town

M = 60 * SECOND
WINDOW = Window(Micros(0), Micros(60 * M))
BOX = ZoneId("box")
TOWN = ZoneInfo("Europe/Brussels")
Minutes = Sequence[tuple[float, float]]
DAY: Minutes = [(0, 60)]
MET, PARTIAL, MISSED, UNPROVEN, EXCUSED = Outcome


def spans(minutes: Minutes) -> Spans:
    return tuple((round(a * M), round(b * M)) for a, b in minutes)


def visit(began: float, ended: float | None, confidence: float = 0.99, device: str = "w1") -> _Visit:
    end = None if ended is None else Micros(round(ended * M))
    id_ = VisitId(f"{device}-{began}")
    return _Visit(id_, DeviceId(device), BOX, Micros(round(began * M)), end, 0.0, 0.0, confidence, "v")


def carried(
    visits: Sequence[_Visit] = (), certain: Minutes = (), maybe: Minutes | None = None, duty: Minutes = DAY,
    heard: Minutes = DAY,
) -> Carried:  # fmt: skip
    """Return one device; ``maybe``: beside ``certain``."""
    return Carried(
        spans(duty), Presence(spans(certain), union(spans(certain), spans(maybe or ())), spans(heard)), visits
    )


def warden(*args: object, **more: object) -> Whereabouts:
    return whereabouts([carried(*args, **more)], WINDOW)  # type: ignore[arg-type]


def case(terms: Terms, waived: str | None = None) -> Case:
    return Case(RequirementId("r"), BOX, WINDOW, terms, waived)


def ruled(terms: Terms, *wardens: Whereabouts, waived: str | None = None) -> Verdict:
    return judge(case(terms, waived), {WardenId(f"gw-{n}"): one for n, one in enumerate(wardens, 1)})


AWAY = warden()
THERE = warden([visit(10, 15)], [(10, 15)])
FIVE = Terms(dwell_s=300)
TWICE = Terms(visits=2, dwell_s=60)
APART = Terms(visits=2, dwell_s=60, spacing_s=1200)
BOTH = Terms(together=2, dwell_s=60)
PAIRED = Terms(together=2, visits=2, dwell_s=60)
TWICE_THERE = warden([visit(10, 15), visit(30, 35)], [(10, 15), (30, 35)])
ALL_THERE = warden([visit(5, 40)], [(5, 40)])


def test_a_fulfilment_keeps_its_moment_whoever_joins_or_comes_later() -> None:
    stays = [(0, 20), (40, 45)], [(0, 10), (15, 20)], [(8, 17), (40, 45)]
    three = [warden([visit(a, b) for a, b in one], one) for one in stays]
    verdict = ruled(Terms(together=2, visits=2, dwell_s=300), *three)
    assert (verdict.outcome, verdict.at) == (MET, 20 * M)


@pytest.mark.parametrize(
    ("why", "terms", "wardens", "outcome"),
    [
        ("a visit", Terms(), [THERE], MET),
        ("seen elsewhere all the time", Terms(), [AWAY], MISSED),
        ("one of two came", Terms(), [AWAY, THERE], MET),
        ("neither of two came", Terms(), [AWAY, AWAY], MISSED),
        ("the other could have come unseen", Terms(), [AWAY, warden(maybe=[(5, 6)])], UNPROVEN),
        ("nothing heard of him at all", Terms(), [warden(maybe=DAY, heard=[])], UNPROVEN),
        ("silent for a while far off", Terms(), [warden(heard=[(0, 20), (50, 60)])], MISSED),
        ("two came twice together", PAIRED, [TWICE_THERE, TWICE_THERE], MET),
        ("others were there all the while", PAIRED, [TWICE_THERE, TWICE_THERE, ALL_THERE, ALL_THERE], MET),
        # dwell
        ("long enough by hard bounds", FIVE, [THERE], MET),
        ("long enough as believed, less the edges", FIVE, [warden([visit(10, 15.5)], maybe=[(10, 16)])], MET),
        ("not long enough less the edges", FIVE, [warden([visit(10, 15.2)], maybe=[(10, 16)])], UNPROVEN),
        ("believed but little", FIVE, [warden([visit(10, 30, 0.9)], maybe=[(10, 30)])], UNPROVEN),
        ("believed while silent", FIVE,
         [warden([visit(10, 30)], maybe=[(9, 31)], heard=[(0, 12), (29, 60)])], UNPROVEN),
        ("too short, and seen to leave", FIVE, [warden([visit(10, 12)], [(10, 12)], [(9, 13)])], PARTIAL),
        ("no visit believed, too short for one", FIVE, [warden(maybe=[(10, 12)])], MISSED),
        ("no visit believed, long enough for one", FIVE, [warden(maybe=[(10, 15)])], UNPROVEN),
        ("one fix says he had left", FIVE, [warden(maybe=[(10, 13), (13.4, 16)])], UNPROVEN),
        ("two short ones are not one long", FIVE, [warden(maybe=[(10, 13), (20, 23)])], MISSED),
        # the window's edges
        ("inside when it opens", FIVE, [warden([visit(-30, 6)], [(0, 6)])], MET),
        ("inside when it opens, not for long", FIVE, [warden([visit(-30, 2)], [(0, 2)])], PARTIAL),
        ("inside when it closes", FIVE, [warden([visit(50, 70)], [(50, 60)])], MET),
        ("inside when it closes, not for long", FIVE, [warden([visit(57, 70)], [(57, 60)])], PARTIAL),
        ("inside all the time", FIVE, [warden([visit(-9, None)], DAY)], MET),
        ("before and after it", Terms(), [warden([visit(-9, 0), visit(60, 70)])], MISSED),
        ("a visit that lasts, heard long enough", FIVE,
         [warden([visit(10, None)], maybe=[(9, 60)], heard=[(0, 16)])], MET),
        ("a visit that lasts, heard shortly", FIVE,
         [warden([visit(10, None)], maybe=[(9, 60)], heard=[(0, 12)])], UNPROVEN),
        # visits and spacing
        ("two visits", TWICE, [warden([visit(1, 3), visit(9, 12)], [(1, 3), (9, 12)])], MET),
        ("two visits of two wardens at once", TWICE, [THERE, THERE], MET),
        ("one of two", TWICE, [THERE], PARTIAL),
        ("one of two, however long", TWICE, [warden([visit(0, 55)], [(0, 55)])], PARTIAL),
        ("one of two, another unseen", TWICE, [warden([visit(1, 3)], [(1, 3)], [(40, 42)])], UNPROVEN),
        ("none of two, one unseen", TWICE, [warden(maybe=[(40, 41)])], UNPROVEN),
        ("far enough apart", APART, [warden([visit(1, 3), visit(23, 26)], [(1, 3), (23, 26)])], MET),
        ("too near one another", APART, [warden([visit(1, 3), visit(22, 26)], [(1, 3), (22, 26)])], PARTIAL),
        ("the first and the third", APART,
         [warden([visit(1, 3), visit(9, 22), visit(24, 26)], [(1, 3), (9, 22), (24, 26)])], MET),
        ("unseen, too near", APART, [warden([visit(1, 3)], [(1, 3)], [(3, 22)])], PARTIAL),
        ("unseen, far enough", APART, [warden([visit(1, 3)], [(1, 3)], [(3, 25)])], UNPROVEN),
        # together
        ("both at once", BOTH, [THERE, warden([visit(12, 20)], [(12, 20)])], MET),
        ("both, at different times", BOTH, [THERE, warden([visit(20, 30)], [(20, 30)])], PARTIAL),
        ("one alone", BOTH, [THERE, AWAY], PARTIAL),
        ("one, and the other perhaps", BOTH, [THERE, warden(maybe=[(12, 14)])], UNPROVEN),
        ("neither", BOTH, [AWAY, AWAY], MISSED),
        ("one perhaps, the other not", BOTH, [AWAY, warden(maybe=[(1, 5)])], UNPROVEN),
        ("both, and a third whose tracker is off", BOTH,
         [warden([visit(10, 15)], maybe=[(9, 16)]), warden([visit(10, 15)], maybe=[(9, 16)]),
          warden(maybe=DAY, heard=[])], MET),
        ("two where one is on duty", BOTH, [THERE], EXCUSED),
        ("two who are never on duty at once", BOTH, [warden(duty=[(0, 30)]), warden(duty=[(30, 60)])], EXCUSED),
        # duty
        ("nobody on duty", Terms(), [], EXCUSED),
        ("not on duty in the window", Terms(), [warden(duty=[])], EXCUSED),
        ("on duty too shortly", FIVE, [warden(duty=[(0, 4)])], EXCUSED),
        ("on duty too shortly for two so far apart", APART, [warden(duty=[(0, 21)])], EXCUSED),
        ("on duty half the time, elsewhere", FIVE, [warden(duty=[(0, 30)], maybe=[(30, 60)])], MISSED),
        ("on duty half the time, perhaps", FIVE, [warden(duty=[(0, 30)], maybe=[(24, 60)])], UNPROVEN),
        ("unseen beside his duty alone", FIVE, [warden(duty=[(0, 30)], maybe=[(26, 60)])], MISSED),
        ("over his break", FIVE, [warden([visit(25, 37)], [(25, 28), (34, 37)], duty=[(0, 28), (34, 60)])], MET),
    ],
)  # fmt: skip
def test_outcomes(why: str, terms: Terms, wardens: list[Whereabouts], outcome: Outcome) -> None:
    verdict = ruled(terms, *wardens)
    assert verdict.outcome is outcome, why
    assert bool(verdict.gaps) == (outcome is UNPROVEN)
    assert bool(verdict.seen_elsewhere) == (outcome is MISSED)
    assert bool(verdict.reason) == (outcome is EXCUSED)
    assert ruled(terms, *wardens, waived="a road was closed").reason == "a road was closed"


def test_what_a_verdict_tells() -> None:
    assert ruled(Terms(), AWAY, AWAY).seen_elsewhere == ("gw-1", "gw-2")
    assert ruled(Terms(), AWAY, warden(duty=[])).seen_elsewhere == ("gw-1",), "who is not on duty is not named"
    assert ruled(Terms()).reason == NOBODY
    assert ruled(BOTH, THERE).reason == TOO_FEW
    met = ruled(FIVE, warden([visit(-30, 6)], [(0, 6)]))
    assert (met.at, met.visits, met.seconds) == (5 * M, 1, 360.0)
    second = ruled(APART, warden([visit(1, 3), visit(23, 26)], [(1, 3), (23, 26)]))
    assert (second.at, second.visits) == (24 * M, 2)
    (gap,) = ruled(FIVE, AWAY, warden(maybe=[(1, 3), (10, 16)])).gaps
    assert gap == ("gw-2", 10 * M, 16 * M)
    believed = ruled(FIVE, warden([visit(10, 16)], maybe=[(10, 16)]))
    assert believed.seconds == 360 - EDGES_S


def two(a: Carried, b: Carried) -> Whereabouts:
    return whereabouts([a, b], WINDOW)


@pytest.mark.parametrize(
    ("why", "terms", "one", "outcome"),
    [
        ("both elsewhere", FIVE, two(carried(), carried()), MISSED),
        ("one lies on a desk, the other may be there", FIVE, two(carried(), carried(maybe=[(5, 30)])), UNPROVEN),
        ("one lies on a desk, the other is there", FIVE, two(carried([visit(5, 15)], [(5, 15)]), carried()), MET),
        ("one was never switched on", FIVE, two(carried(), carried(maybe=DAY, heard=[])), MISSED),
        ("neither was switched on", FIVE, two(carried(maybe=DAY, heard=[]), carried(maybe=DAY, heard=[])), UNPROVEN),
        ("one visit seen by two is one", TWICE,
         two(carried([visit(5, 15)], [(5, 15)]), carried([visit(5.1, 14, device="w2")], [(6, 14)])), PARTIAL),
        ("he alone is not two", BOTH, two(carried([visit(5, 15)], [(5, 15)]),
                                           carried([visit(5, 15, device="w2")], [(5, 15)])), EXCUSED),
        ("one in the morning, never on, one after", FIVE,
         two(carried(duty=[(0, 30)], maybe=DAY, heard=[]), carried(duty=[(30, 60)])), UNPROVEN),
        ("one after the other, elsewhere", FIVE, two(carried(duty=[(0, 30)]), carried(duty=[(30, 60)])), MISSED),
    ],
)  # fmt: skip
def test_two_devices_of_one_warden(why: str, terms: Terms, one: Whereabouts, outcome: Outcome) -> None:
    assert ruled(terms, one).outcome is outcome, why


@pytest.mark.parametrize(
    ("day", "start", "end", "hours"),
    [
        ("2026-03-28", "22:00", "06:00", 7), ("2026-10-24", "22:00", "06:00", 9), ("2026-05-02", "22:00", "06:00", 8),
        ("2026-03-29", "01:30", "03:30", 1), ("2026-10-25", "01:30", "03:30", 3), ("2026-07-21", "08:00", "17:00", 9),
    ],
)  # fmt: skip
def test_a_window_is_as_long_as_the_town_s_clock_makes_it(day: str, start: str, end: str, hours: int) -> None:
    """Somebody on duty all along is owed the whole of it: there in its last minute is there."""
    asked = Requirement(
        RequirementId("r"), Hours(hour.fromisoformat(start), hour.fromisoformat(end)), Terms(), ("box",)
    )
    (made,) = Plan((asked,), TOWN).cases(town(), date.fromisoformat(day), date.fromisoformat(day))
    window = made.window
    assert window.end - window.start == hours * 60 * M
    assert to_datetime(window.start).astimezone(TOWN) == datetime.fromisoformat(f"{day}T{start}").replace(tzinfo=TOWN)
    last = Presence(((window.end - M, window.end),), ((window.end - M, window.end),), (tuple(window),))  # type: ignore[arg-type]
    stay = changed(visit(0, None), began=Micros(window.end - M))
    one = whereabouts([Carried((tuple(window),), last, [stay])], window)  # type: ignore[arg-type]
    assert judge(made, {WardenId("gw-1"): one}).outcome is MET
    assert (
        judge(made, {WardenId("gw-1"): one._replace(believed=(), certain=(), maybe=(), trusted=())}).outcome is MISSED
    )


def test_a_zone_s_validity_cuts_the_window() -> None:
    noon, day = to_micros(datetime(2026, 5, 4, 12, tzinfo=TOWN)), date(2026, 5, 4)
    asked = Requirement(RequirementId("r"), Hours(hour(8), hour(17)), Terms(), ("box",))
    box = town().by_id[BOX]
    windows = {}
    for name, zone in (("from", replace(box, valid_from=noon)), ("to", replace(box, valid_to=noon)), ("all", box)):
        (made,) = Plan((asked,), TOWN).cases([zone], day, day)
        windows[name] = made.window
    assert windows["from"] == (noon, windows["all"].end)
    assert windows["to"] == (windows["all"].start, noon)
    gone: Zone = replace(box, valid_to=Micros(noon - 9 * 60 * M))
    assert Plan((asked,), TOWN).cases([gone], day, day) == []


# Laws

minute = st.integers(-5, 65).map(float)
stretch = st.tuples(minute, minute).map(lambda ends: (min(ends), max(ends)))
stretches: st.SearchStrategy[list[tuple[float, float]]] = st.lists(stretch, max_size=4)
terms = st.builds(
    Terms, st.integers(1, 3), st.sampled_from([0.0, 60.0, 300.0]), st.sampled_from([0.0, 600.0]), st.integers(1, 2)
)


@st.composite
def places(draw: st.DrawFn) -> Whereabouts:
    """Draw anything that may be known of a warden."""
    duty = union(spans(draw(stretches)) or spans(DAY))
    visits = [visit(a, None if b > 60 else b, draw(st.sampled_from([0.9, 0.99]))) for a, b in draw(stretches) if a < b]
    certain, maybe = spans(draw(stretches)), spans(draw(stretches))
    heard = union(spans(draw(stretches)))
    whole = [WINDOW]
    presence = Presence(common(certain, whole), common(union(certain, maybe), whole), common(heard, whole))
    return whereabouts([Carried(common(duty, whole), presence, visits)], WINDOW)


@given(terms, st.lists(places(), max_size=3), st.randoms())
def test_the_order_of_wardens_says_nothing(terms: Terms, wardens: list[Whereabouts], random: object) -> None:
    named = [(WardenId(f"gw-{n}"), one) for n, one in enumerate(wardens)]
    shuffled = named[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(case(terms), dict(named)) == judge(case(terms), dict(shuffled))


@given(terms, st.lists(places(), max_size=3))
def test_missed_leaves_no_gap(terms: Terms, wardens: list[Whereabouts]) -> None:
    verdict = ruled(terms, *wardens)
    least = max(terms.dwell_s * SECOND, 1)
    long = [b - a for one in wardens for a, b in common(one.maybe, one.duty) if b - a >= least]
    if verdict.outcome is MISSED:
        assert not long
        assert not any(one.believed for one in wardens)
    if verdict.outcome is UNPROVEN:
        assert all(gap.end - gap.start >= least for gap in verdict.gaps)
    assert bool(verdict.gaps) == (verdict.outcome is UNPROVEN)


@given(terms, st.lists(places(), min_size=1, max_size=3), places())
def test_to_know_more_never_turns_met_into_missed(terms: Terms, wardens: list[Whereabouts], more: Whereabouts) -> None:
    before = ruled(terms, *wardens)
    first = wardens[0]
    duty = first.duty
    fix = first._replace(  # one fix more: more is certain, less is open
        certain=union(first.certain, common(more.certain, first.maybe)),
        maybe=union(common(first.maybe, more.maybe), first.certain, common(more.certain, first.maybe)),
        trusted=union(first.trusted, common(more.certain, first.maybe)),
    )
    seen = first._replace(believed=union(first.believed, more.believed), trusted=union(first.trusted, more.trusted))
    for after in (ruled(terms, fix, *wardens[1:]), ruled(terms, *wardens, more)):
        if before.outcome is MET:
            assert after.outcome is MET
    if before.outcome is MET:
        assert ruled(terms, seen, *wardens[1:]).outcome is not MISSED
    if before.outcome is MISSED and length(duty):
        assert ruled(terms, fix, *wardens[1:]).outcome is MISSED


@st.composite
def known_truths(draw: st.DrawFn) -> tuple[Spans, Whereabouts]:
    """Draw when somebody truly was there, on duty, and what within hard bounds may be known of it."""
    duty = common(union(spans(draw(stretches)) or spans(DAY)), [WINDOW])
    truth = common(duty, spans(draw(stretches)))
    certain = common(truth, spans(draw(stretches)))
    maybe = common(duty, union(truth, spans(draw(stretches))))
    visits = [visit(a, b, draw(st.sampled_from([0.9, 0.99]))) for a, b in draw(stretches) if a < b]
    return truth, whereabouts([Carried(duty, Presence(certain, maybe, (WINDOW,)), visits)], WINDOW)


@given(terms, st.lists(known_truths(), min_size=1, max_size=3))
@settings(max_examples=200)
def test_what_was_truly_done_is_never_called_missed_or_partial(
    terms: Terms, known: list[tuple[Spans, Whereabouts]]
) -> None:
    truths = [truth for truth, _ in known]
    stays = [span for truth in truths for span in truth] if terms.together == 1 else at_least(terms.together, truths)
    count, free = 0, -1.0
    for a, b in sorted(stays, key=lambda stay: stay[1]):
        if b - a >= terms.dwell_s * SECOND and (a >= free or not terms.spacing_s):
            count, free = count + 1, b + terms.spacing_s * SECOND
    verdict = ruled(terms, *(one for _, one in known))
    if count >= terms.visits:
        assert verdict.outcome in (MET, UNPROVEN)
    if any(b - a >= max(terms.dwell_s * SECOND, 1) for truth in truths for a, b in truth):
        assert verdict.outcome is not MISSED


@given(st.lists(places(), max_size=3), terms)
def test_to_ask_less_is_met_no_worse(wardens: list[Whereabouts], terms: Terms) -> None:
    if ruled(terms, *wardens).outcome is MET:
        for less in (terms._replace(visits=1), terms._replace(dwell_s=0.0), terms._replace(spacing_s=0.0)):
            assert ruled(less, *wardens).outcome is MET


def test_the_id_of_a_case_is_the_same_whoever_computes_it() -> None:
    again = Case(RequirementId("r"), BOX, Window(Micros(0), Micros(60 * M)), FIVE)
    assert case(FIVE).id == again.id
    assert case(FIVE).id != again._replace(window=Window(Micros(0), Micros(59 * M))).id
