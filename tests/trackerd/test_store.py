"""What every store must hold to: the same suite for each."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.calendar import Window
from geofence.editions import Edition
from geofence.engine import Engine, Saved
from geofence.event import Event, Kind, Visit, changed
from geofence.model import (
    EVER,
    DeviceId,
    Fix,
    Fixes,
    IntColumn,
    Micros,
    RequirementId,
    TeamId,
    VisitId,
    WardenId,
    ZoneId,
    to_datetime,
)
from geofence.track import Track
from geofence.verdict import Case, Outcome, Terms, Verdict
from tests.geofence.walks import START, town, walk
from trackerd.store import (
    Asking,
    Batch,
    Box,
    Docketed,
    Judgement,
    Kept,
    MemoryStore,
    Pulse,
    Refusal,
    Revised,
    Said,
    Store,
    StoreError,
    Told,
    Trouble,
    Waiting,
    open_store,
)
from trackerd.store.postgres import prepare
from trackerd.store.values import DataClass, Wanted

Reopen = Callable[[], Store]


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def reopen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reopen]:
    """Yield what opens the one store of a test, closing it first where it is open: a restart."""
    opened: list[Store] = []
    memory = MemoryStore()
    url = f"sqlite:///{tmp_path / 'record.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")
        prepare(url)

    def open_again() -> Store:
        if request.param == "memory":
            return memory
        while opened:
            opened.pop().close()
        opened.append(open_store(url))
        return opened[0]

    yield open_again
    for store in opened:
        store.close()


def fix(device: str, second: int, lon: float = 4.2) -> Fix:
    return Fix(DeviceId(device), to_datetime(START + second * 1_000_000), lon, 50.9, None, 1.25, altitude_m=60.0)


def told(name: str, zone: str = "box", at: int = START) -> Told:
    return Told(name, "trackerd.zone.enter", Micros(at), {"id": name}, ZoneId(zone), DeviceId("w1"))


def said(name: str, kind: Kind, at: int, visit: Visit | None, decided: int) -> Told:
    event = Event(kind, DeviceId("w1"), Micros(at), visit, 6.5, 0.1 + 0.2, decided=Micros(decided))
    zone = visit.zone if visit is not None else None
    about = Said(event, WardenId("gw-1"), TeamId("asse"))
    return Told(name, f"trackerd.{kind}", Micros(at), {"id": name}, zone, DeviceId("w1"), about)


def visit(name: str, began: int, ended: int | None) -> Visit:
    end = None if ended is None else Micros(ended)
    return Visit(VisitId(name), DeviceId("w1"), ZoneId("box"), Micros(began), end, 60.0, 80.0, 0.9, "edition")


def docketed(name: str, start: int, *, closed: bool) -> Docketed:
    window = Window(Micros(start), Micros(start + 3600 * 1_000_000))
    return Docketed(Case(RequirementId(name), ZoneId("box"), window, Terms()), closed=closed)


def read(store: Store, device: str = "w1", after: int = 0, before: int | None = None) -> list[Fix]:
    return [one for piece in store.fixes(DeviceId(device), after, before) for one in piece]


def test_what_was_committed_is_there_after_a_restart(reopen: Reopen) -> None:
    engine = Engine(town())
    batch = Fixes.of(walk("w1", 3))
    engine.feed(batch, engine.zones.locate(batch))
    tracks = engine.changed()
    fixes = Fixes.of([fix("w1", 2), fix("w2", 1), fix("w1", 1)])
    refusal = Refusal("phones", Micros(START), "bad-json", "not JSON", b"\xff{")
    made = visit("v1", START, None)
    events = [said("e1", Kind.ENTER, START, made, START), told("e2")]
    edition = Edition(EVER, town())
    whole = Batch(
        fixes, [START] * 3, [WardenId("gw-1"), None, WardenId("gw-1")], (), [refusal],
        [Pulse(DeviceId("w1"), Micros(START), "ping", 80.0)], tracks, tracks, [edition],
        [(DeviceId("w2"), Micros(7))], events=events, routes=["mqtt"],
    )  # fmt: skip
    assert reopen().commit(whole) == (3, events)
    store = reopen()
    assert read(store) == [fix("w1", 1), fix("w1", 2)]
    assert store.devices() == ["w1", "w2"]
    assert store.tracks() == tracks
    assert list(store.visits(START, START + 1)) == [Kept(made, WardenId("gw-1"), TeamId("asse"))]
    assert [letter.event for letter in store.untold("mqtt", 0, 10)] == [replace(one, said=None) for one in events]
    assert [one.event for one in store.standing(DeviceId("w1"), EVER)] == [events[0].said and events[0].said.event]
    (saved,) = tracks
    assert store.checkpoint(DeviceId("w1"), Micros(saved.upto + 1)) == saved
    assert store.checkpoint(DeviceId("w1"), saved.upto) is None
    assert [(one.since, one.zones.version) for one in store.editions()] == [(EVER, town().version)]
    assert store.dirty() == {"w2": 7}
    tally = store.tally()
    assert (tally.fixes, tally.visits, tally.events, tally.untold, tally.refusals) == (3, 1, 2, 2, {"bad-json": 1})


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_which_of_two_fixes_of_a_moment_stays_is_not_for_arrival_to_say(reopen: Reopen, order: tuple[int, ...]) -> None:
    vague, east, west = (replace(fix("w1", 1, 4.2 + n / 10), accuracy_m=acc) for n, acc in enumerate((None, 5.0, 5.0)))
    rivals = [vague, east, west, replace(east, altitude_m=None)]
    together, store = MemoryStore(), reopen()
    assert together.commit(Batch(Fixes.of([rivals[i] for i in order]))).fixes == 1
    for number in order:
        store.commit(Batch(Fixes.of([rivals[number]]), late=[0]))
    assert read(store) == read(together) == [east]
    assert store.commit(Batch(Fixes.of([replace(vague, sos=True), fix("w2", 1)]))).fixes == 1
    assert [one.sos for one in read(store)] == [True]


def test_only_news_among_what_comes_late_makes_a_device_dirty(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Batch(Fixes.of([fix("w1", second) for second in (1, 3, 5)])))
    store.commit(Batch(Fixes.of([fix("w1", 3), fix("w1", 7), fix("w1", 1, 4.3)]), late=[0, 2]))
    assert store.dirty() == {}
    store.commit(Batch(Fixes.of([fix("w1", 4), fix("w1", 2), fix("w2", 9)]), late=[0, 1]))
    assert store.dirty() == {"w1": START + 2_000_000}
    store.commit(Batch(Fixes.of([fix("w1", 3, 4.1)]), late=[0]))  # another of that moment, and it stays
    assert store.dirty() == {"w1": START + 2_000_000}
    assert [one.lon for one in read(reopen())] == [4.2, 4.2, 4.1, 4.2, 4.2, 4.2]
    store = reopen()
    store.commit(Batch(Fixes.of(()), revised=Revised(DeviceId("w1"), Micros(START))))
    assert reopen().dirty() == {}


def test_what_is_taken_back_stands_no_longer_and_its_visit_follows(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    open_, done = visit("v1", START, None), visit("v1", START, START + 60)
    store.commit(Batch(none, events=[
        said("in", Kind.ENTER, START, open_, START + 5), said("out", Kind.EXIT, START + 60, done, START + 70),
        said("quiet", Kind.SILENT, START + 90, None, START + 90),
    ]))  # fmt: skip
    assert [kept.visit for kept in store.visits(START, START + 9)] == [done]
    assert store.revision(VisitId("v1")) == 0
    store.commit(Batch(none, revised=Revised(DeviceId("w1"), Micros(START), ["out", "quiet"])))
    store = reopen()
    assert [kept.visit for kept in store.visits(START, START + 9)] == [open_]
    assert [one.id for one in store.standing(DeviceId("w1"), EVER)] == ["in"]
    assert store.revision(VisitId("v1")) == 1
    again = said("out", Kind.EXIT, START + 60, done, START + 70)
    assert store.commit(Batch(none, events=[again])).events == []  # an id once taken back is gone
    assert [kept.visit for kept in store.visits(START, START + 9)] == [open_]
    store.commit(Batch(none, revised=Revised(DeviceId("w1"), Micros(START), (), [("in", Micros(START + 6))])))
    assert [one.event.decided for one in reopen().standing(DeviceId("w1"), Micros(START + 5))] == [START + 6]
    reopen().commit(Batch(none, revised=Revised(DeviceId("w1"), Micros(START), ["in"])))
    assert list(reopen().visits(START, START + 9)) == []


def test_checkpoints_from_a_revision_on_are_void(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    states = [Saved(Track(DeviceId("w1"), Micros(moment)), Micros(moment)) for moment in (10, 20, 30)]
    store.commit(Batch(none, tracks=[states[2]], checkpoints=states))
    new = Saved(Track(DeviceId("w1"), Micros(25)), Micros(25))
    store.commit(Batch(none, tracks=[new], checkpoints=[new], revised=Revised(DeviceId("w1"), Micros(20))))
    store = reopen()
    assert store.checkpoint(DeviceId("w1"), Micros(99)) == new
    assert store.checkpoint(DeviceId("w1"), Micros(25)) == states[0]
    assert store.tracks() == [new]


def test_any_batches_leave_the_same_in_every_store(reopen: Reopen) -> None:
    rng, memory, store = np.random.default_rng(11), MemoryStore(), reopen()
    for _ in range(40):
        some = [
            replace(
                fix(str(rng.choice(["b", "B", "é", "w1"])), int(rng.integers(30)), float(rng.choice([4.1, 4.2]))),
                accuracy_m=[None, 3.0, 8.0][int(rng.integers(3))], sos=bool(rng.random() < 0.1),
            )
            for _ in range(int(rng.integers(1, 9)))
        ]  # fmt: skip
        batch = Batch(Fixes.of(some), late=np.flatnonzero(rng.random(len(some)) < 0.4).tolist())
        assert store.commit(batch) == memory.commit(batch)
        assert store.dirty() == memory.dirty()
        if rng.random() < 0.2:
            revised = Revised(DeviceId(str(rng.choice(["b", "w1"]))), Micros(START))
            for one in (store, memory):
                one.commit(Batch(Fixes.of(()), revised=revised))
    store = reopen()
    assert store.devices() == memory.devices() == ["B", "b", "w1", "é"]
    for device in store.devices():
        assert read(store, device) == read(memory, device)
    assert store.tally() == memory.tally()


def test_what_was_refused_may_say_anything(reopen: Reopen) -> None:
    texts = ["\0", "half \ud800 a character", "", "%s ? {}", "é" * 300]
    refusals = [Refusal("phones", Micros(START), "odd", text, bytes(range(256))) for text in texts]
    reopen().commit(Batch(Fixes.of(()), refusals=refusals))
    assert reopen().tally().refusals == {"odd": len(texts)}


DAY = 86_400 * 1_000_000


def state(device: str, moment: int) -> Saved:
    return Saved(Track(DeviceId(device), Micros(moment)), Micros(moment))


def forget_all(store: Store, what: DataClass, before: int) -> int:
    gone = 0
    while some := store.forget(what, Micros(before), 7):
        gone += some
        assert gone < 10_000
    return gone


def test_exact_positions_go_up_to_a_state_kept_and_one_a_minute_stays(reopen: Reopen) -> None:
    store = reopen()
    seconds = range(0, 3600, 20)
    states = [state("w1", START + hour * 1800 * 1_000_000) for hour in range(3)]
    store.commit(Batch(Fixes.of([replace(fix("w1", s), accuracy_m=5.0) for s in seconds]), checkpoints=states))
    store.commit(Batch(Fixes.of([fix("w2", s) for s in seconds]), tracks=[state("w2", START + 3580 * 1_000_000)]))
    store.commit(Batch(Fixes.of([fix("new", s) for s in seconds])))
    asked = Micros(START + 3599 * 1_000_000)
    horizons = {"w1": START + 1800 * 1_000_000, "w2": START + 3580 * 1_000_000}
    assert store.horizons() == {}
    assert store.retire(asked) == horizons
    assert store.forget("exact_positions", asked, 7) > 0
    store = reopen()  # stopped in the middle
    forget_all(store, "exact_positions", asked)
    assert store.horizons() == horizons
    assert [one.micros for one in read(store)] == [START + s * 1_000_000 for s in seconds if s > 1800]
    assert store.devices() == ["new", "w1"]
    assert len(read(store, "new")) == len(seconds), "no state of it is kept"
    thin = store.thinned(DeviceId("w1"), Micros(0), Micros(2**60))
    assert thin.time.tolist() == [START + s * 1_000_000 for s in range(0, 1801, 60)]
    assert thin.accuracy_m.tolist() == [5.0] * 31
    assert thin.lon.tolist() == [4.2] * 31
    assert np.isnan(thin.altitude_m).all()
    assert len(store.thinned(DeviceId("w2"), Micros(START), Micros(START + 120 * 1_000_000))) == 1
    assert store.checkpoint(DeviceId("w1"), asked) == states[1]
    assert store.checkpoint(DeviceId("w1"), states[1].upto) is None, "it cannot be begun from before"
    assert store.checkpoint(DeviceId("w2"), asked) is not None
    assert store.retire(Micros(START)) == horizons, "it never goes back"
    assert store.commit(Batch(Fixes.of([fix("w1", 4000)]))).fixes == 1
    assert forget_all(store, "thinned_positions", START + 600 * 1_000_000) == 20
    assert len(reopen().thinned(DeviceId("w1"), Micros(0), Micros(2**60))) == 21


def test_each_class_goes_by_its_own_age(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    old, new = visit("old", START, START + 60), visit("new", START + DAY, START + DAY + 60)
    store.commit(Batch(none, refusals=[Refusal("a", Micros(START), "odd"), Refusal("a", Micros(START + DAY), "odd")]))
    store.commit(Batch(none, events=[
        said("in", Kind.ENTER, START, old, START), said("out", Kind.EXIT, START + DAY, new, START + DAY),
    ]))  # fmt: skip
    store.commit(Batch(none, events=[told("waits")], routes=["mqtt"]))
    store.commit(Batch(none, events=[said("still", Kind.ENTER, START, visit("still", START, None), START)]))
    edge = START + DAY
    assert forget_all(store, "quarantine", edge) == 1
    assert reopen().tally().refusals == {"odd": 1}
    store = reopen()
    assert forget_all(store, "events", edge) == 2
    assert {found.told.id for begins in ("in", "out", "waits", "still") for found in store.find(begins)} == {
        "out", "waits",
    }  # fmt: skip
    assert [one.id for one in store.standing(DeviceId("w1"), EVER)] == ["out"]
    assert [letter.event.id for letter in store.untold("mqtt", 0, 9)] == ["waits"]
    assert [kept.visit.id for kept in store.visits(0, 2**60)] == ["old", "still", "new"]
    assert forget_all(store, "visits", edge) == 2
    assert [kept.visit.id for kept in reopen().visits(0, 2**60)] == ["new"]


def test_what_was_owed_goes_by_its_own_age(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Batch(Fixes.of(()), judgement=Judgement([
        docketed("old", START, closed=True), docketed("open", START, closed=False),
        docketed("new", START + DAY, closed=True),
    ])))  # fmt: skip
    assert forget_all(store, "verdicts", START + DAY) == 1
    assert [one.case.requirement for one in reopen().docket(0, 2**60)] == ["open", "new"]


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


def test_what_a_letter_met_is_kept_until_it_is_told(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, events=[told("a", at=START + 1), told("b"), told("c")], routes=["mail", "hook"]))
    one, two, three = store.untold("mail", 0, 10)
    assert one.trouble is None
    store.mark_failed(
        "mail", {one.seq: Trouble(1, Micros(5), Micros(9), "busy"), two.seq: Trouble(4, Micros(5), Micros(6), "no")}
    )
    again = Trouble(2, Micros(5), Micros(7), "still busy")
    store.mark_failed("mail", {one.seq: again})
    assert [letter.trouble for letter in reopen().untold("mail", 0, 10)] == [
        again,
        Trouble(4, Micros(5), Micros(6), "no"),
        None,
    ]
    assert reopen().waiting() == [
        Waiting("hook", 3, 0, Micros(START), 0, None, ""),
        Waiting("mail", 3, 0, Micros(START), 4, Micros(7), "still busy"),
    ]  # fmt: skip
    reopen().mark_told("mail", [one.seq, two.seq])
    assert reopen().untold("mail", 0, 10) == [three]
    assert reopen().waiting()[1] == Waiting("mail", 1, 0, Micros(START), 0, None, "")


def test_what_is_set_aside_waits_for_a_person(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, events=[told("a"), told("b")], routes=["mail", "hook"]))
    seqs = [letter.seq for letter in store.untold("mail", 0, 10)]
    refused = Trouble(1, Micros(5), Micros(5), "no such mailbox", dead=True)
    store.mark_failed("mail", {seqs[0]: refused})
    store.mark_failed("hook", dict.fromkeys(seqs, refused))
    store = reopen()
    assert [letter.event.id for letter in store.untold("mail", 0, 10)] == ["b"]
    assert store.untold("hook", 0, 10) == []
    assert [(letter.route, letter.event.id, letter.trouble) for letter in store.dead(2)] == [
        ("hook", "a", refused), ("hook", "b", refused),
    ]  # fmt: skip
    assert [(one.untold, one.dead, one.oldest) for one in store.waiting()] == [(0, 2, None), (1, 1, START)]
    assert store.revive("nobody") == 0
    assert store.revive("mail") == 1
    assert [letter.trouble for letter in reopen().untold("mail", 0, 10)] == [None, None]
    assert reopen().revive() == 2
    assert reopen().dead(10) == []
    assert len(reopen().untold("hook", 0, 10)) == 2


def test_what_was_taken_back_is_not_sent_again(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, events=[said("in", Kind.ENTER, START, visit("v1", START, None), START + 5), told("b")],
                       routes=["mail", "hook"]))  # fmt: skip
    for route in ("mail", "hook"):
        seqs = [letter.seq for letter in store.untold(route, 0, 10)]
        store.mark_failed(route, dict.fromkeys(seqs, Trouble(1, Micros(5), Micros(5), "no", dead=True)))
    store.commit(Batch(none, revised=Revised(DeviceId("w1"), Micros(START), ["in"])))
    assert reopen().revive("mail") == 1
    assert [letter.event.id for letter in reopen().untold("mail", 0, 10)] == ["b"]
    assert [letter.route for letter in reopen().dead(9)] == ["hook", "hook"]
    assert reopen().revive() == 1
    assert reopen().tally().untold == 2


def test_an_event_is_found_by_its_id_also_when_it_was_taken_back(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    store.commit(Batch(none, events=[said("in", Kind.ENTER, START, visit("v1", START, None), START + 5)]))
    store.commit(Batch(none, revised=Revised(DeviceId("w1"), Micros(START), ["in"])))
    found = reopen().event("in")
    assert found is not None
    assert (found.id, found.zone, found.body, found.said) == ("in", "box", {"id": "in"}, None)
    assert reopen().event("out") is None


def test_letters_may_be_sent_again_beside_a_daemon(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'record.db'}"
    with pytest.raises(StoreError, match="there is no such file"):
        open_store(url, beside=True)
    daemon = open_store(url)
    daemon.commit(Batch(Fixes.of(()), events=[told("a")], routes=["mail"]))
    (letter,) = daemon.untold("mail", 0, 10)
    daemon.mark_failed("mail", {letter.seq: Trouble(1, Micros(5), Micros(5), "no", dead=True)})
    beside = open_store(url, beside=True)
    assert beside.revive() == 1
    beside.close()
    assert daemon.untold("mail", 0, 10) == [letter]
    daemon.close()


def test_a_batch_is_kept_whole_or_not_at_all(reopen: Reopen) -> None:
    store = reopen()
    broken = replace(told("x"), body={"no": object()})
    with pytest.raises(TypeError):
        store.commit(Batch(Fixes.of([fix("new", 1)]), events=[broken]))
    assert read(store, "new") == []
    assert store.commit(Batch(Fixes.of([fix("new", 1)]))).fixes == 1
    assert len(read(reopen(), "new")) == 1


def test_of_many_fixes_of_one_moment_the_better_stay(reopen: Reopen) -> None:
    store = reopen()
    twice = [replace(fix("w1", n % 50), accuracy_m=float(9 - n // 50)) for n in range(100)]
    assert store.commit(Batch(Fixes.of(twice))).fixes == 50
    assert read(store) == twice[50:]
    more = [fix("w1", n) for n in range(40, 75)]
    assert store.commit(Batch(Fixes.of(more))).fixes == 25
    assert read(store) == twice[50:] + more[10:]


def test_the_history_is_read_forth_and_back(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Batch(Fixes.of(()), events=[told("a"), told("b"), told("c")]))
    first, second, third = store.history(0, 10)
    assert [one.told.id for one in (first, second, third)] == ["a", "b", "c"]
    assert store.history(first.seq, 1) == [second]
    assert store.history(third.seq, 10, Wanted(newest=True)) == [second, first]


def test_fixes_come_back_by_time(reopen: Reopen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.store.sql.PIECE", 7)
    store = reopen()
    seconds = np.random.default_rng(1).permutation(50).tolist()
    store.commit(Batch(Fixes.of([fix("w1", second) for second in seconds])))
    assert read(store) == [fix("w1", second) for second in range(50)]
    between = read(store, after=START + 9_000_000, before=START + 12_000_000)
    assert between == [fix("w1", 10), fix("w1", 11)]
    assert read(store, "nobody") == []


def test_a_visit_is_kept_as_last_told(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    left = visit("v1", START, START + 60_000_000)
    store.commit(Batch(none, events=[said("a", Kind.ENTER, START, visit("v1", START, None), START)]))
    store.commit(Batch(none, events=[
        said("b", Kind.EXIT, START + 60_000_000, left, START + 70_000_000),
        said("c", Kind.ENTER, START + 9, visit("v2", START + 9, None), START + 9),
    ]))  # fmt: skip
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


def places(store: Store, start: int, end: int, box: Box | None = None) -> list[tuple[object, list[tuple[str, float]]]]:
    return [
        (who, [(one.device, one.lon) for one in fixes])
        for who, fixes in sorted(store.seen(start, end, box), key=lambda seen: (str(seen.warden), seen.fixes.devices))
    ]


def test_who_was_where_is_told_by_time_and_box(reopen: Reopen) -> None:
    far, vague = fix("w1", 3, 4.3), replace(fix("w2", 4, 4.2105), accuracy_m=100.0)
    one, two = WardenId("gw-1"), WardenId("gw-2")
    reopen().commit(
        Batch(Fixes.of([fix("w1", 1), fix("w1", 2), far, vague, fix("w1", 9)]), (), [one, one, one, two, two])
    )
    reopen().commit(Batch(Fixes.of([fix("w1", 5), fix("w3", 5)]), (), [one, None], late=[0]))
    store, end = reopen(), START + 9_000_000
    assert places(store, START + 2_000_000, end) == [
        (None, [("w3", 4.2)]), ("gw-1", [("w1", 4.2), ("w1", 4.3), ("w1", 4.2)]), ("gw-2", [("w2", 4.2105)]),
    ]  # fmt: skip
    here = Box(4.19, 50.8, 4.21, 51.0)
    assert places(store, START, START + 5_000_000, here) == [("gw-1", [("w1", 4.2), ("w1", 4.2)])]
    wide = here._replace(per_metre=(1e-5, 1e-5))  # what is vague may have been within
    assert ("gw-2", [("w2", 4.2105)]) in places(store, START, end, wide)
    assert ("w1", 4.3) not in dict(places(store, START, end, wide))["gw-1"]
    assert np.isnan(store.seen(START, end)[0].fixes.altitude_m).all()
    assert store.times(DeviceId("w1"), START + 2_000_000, end).tolist() == [START + n * 1_000_000 for n in (2, 3, 5)]
    assert store.times(DeviceId("nobody"), START, end).tolist() == []
    assert store.times(DeviceId("nobody"), START, end, 5).tolist() == []


@given(st.sets(st.integers(0, 40), max_size=20), st.integers(1, 9), st.integers(0, 20))
def test_moments_that_are_left_out_leave_no_new_gap(moments: set[int], apart: int, start: int) -> None:
    store = open_store("sqlite:///:memory:")
    store.commit(Batch(Fixes.of([fix("w1", at) for at in sorted(moments)])))
    first, second = START + start * 1_000_000, 1_000_000
    whole = store.times(DeviceId("w1"), first, START + 35 * second)
    some = store.times(DeviceId("w1"), first, START + 35 * second, apart * second)
    assert set(some) <= set(whole)
    assert _longer(some, apart * second) == _longer(whole, apart * second)
    assert (some[:1].tolist(), some[-1:].tolist()) == (whole[:1].tolist(), whole[-1:].tolist())
    store.close()


def _longer(times: IntColumn, apart: int) -> list[tuple[int, int]]:
    return [(a, b) for a, b in pairwise(times.tolist()) if b - a > apart]


def test_what_was_thinned_is_seen_too(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'record.db'}")
    store.commit(Batch(Fixes.of([fix("w1", 60)]), (), [WardenId("gw-1")]))
    store._db.execute(  # type: ignore[attr-defined]  # nothing thins yet
        "INSERT INTO fix_thin SELECT device, 0, time - 60000000, lon, lat, 5.0, warden FROM fix"
    )
    assert places(store, START, START + 61_000_000) == [("gw-1", [("w1", 4.2), ("w1", 4.2)])]
    assert store.times(DeviceId("w1"), START, START + 1).tolist() == [START]
    assert store.since() == store.first_position() == START
    store.close()


def test_visits_and_cases_of_one_zone_and_outcomes_in_short(reopen: Reopen) -> None:
    store, none = reopen(), Fixes.of(())
    assert store.since() is None
    made = [visit("v1", START + 50, START + 60), changed(visit("v2", START + 50, None), zone=ZoneId("park"))]
    events = [said(one.id, Kind.ENTER, START + 50, one, START + 50) for one in made]
    docketed = [
        Docketed(Case(RequirementId("daily"), ZoneId(zone), Window(Micros(a), Micros(b)), Terms()), verdict=verdict,
                 closed=closed)
        for zone, a, b, verdict, closed in (
            ("box", START, START + 90, Verdict(Outcome.MISSED, Micros(START + 90)), True),
            ("park", START + 10, START + 70, None, False),
            ("box", START - 5, START + 5, Verdict(Outcome.MET, Micros(START)), True),
        )
    ]  # fmt: skip
    store.commit(Batch(none, events=events, judgement=Judgement(docketed)))
    store = reopen()
    assert [kept.visit.id for kept in store.visits(START, START + 99, ZoneId("park"))] == ["v2"]
    assert [one.case.window.start for one in store.docket(START, START + 99, ZoneId("box"))] == [START - 5, START]
    assert [tuple(one) for one in store.outcomes(START, START + 20)] == [
        ("daily", "park", (START + 10, START + 70), None, False),
        ("daily", "box", (START, START + 90), Outcome.MISSED, True),
    ]
    assert (store.since(), store.first_position()) == (START - 5, None)


def test_who_asks_is_kept_also_beside_a_daemon(reopen: Reopen) -> None:
    store = reopen()
    first = Asking(Micros(START), "anna", "place", "50.91 4.20, 80 m", Micros(1), Micros(9), "complaint \u2116 7")
    store.ask(first)
    store.ask(first._replace(at=Micros(START - 1), purpose=""))
    assert reopen().askings(START - 1, START + 1) == [first._replace(at=Micros(START - 1), purpose=""), first]
    assert reopen().askings(START, START + 1) == [first]
    assert forget_all(reopen(), "access_log", START) == 1
    assert reopen().askings(START - 1, START + 1) == [first]
