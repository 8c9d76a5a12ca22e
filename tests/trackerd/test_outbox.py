"""The outbox: order, retries, what is set aside, quiet hours and groups; the clock is the test's."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.calendar import Hours
from geofence.model import SECOND, DeviceId, Fixes, Micros, ZoneId
from geofence.wire import moment
from tests.geofence.walks import START
from tests.receivers import web
from tests.servers import until
from trackerd.notify import sender
from trackerd.notify.lanes import LONGEST
from trackerd.notify.route import AGAIN, RETRY_S, Route, _pause
from trackerd.notify.sender import HAND, Parcel, Result, Sender, Undelivered
from trackerd.notify.webhook import Webhook
from trackerd.notify.wishes import Wishes
from trackerd.outbox import Outbox
from trackerd.store import Batch, MemoryStore, Store, StoreError, Told, open_store

REFUSED, AWAY, ILL = (
    Undelivered("404 Not Found", refused=True), Undelivered("connection refused", away=True), Undelivered("500 Ouch"),
)  # fmt: skip
MINUTE = 60 * SECOND


@dataclass
class Desk:
    """A voice whose receiver is the test."""

    outcome: Undelivered | None = None
    """What becomes of everything; ``answers`` may say otherwise of one event."""
    answers: dict[str, Undelivered | None] = field(default_factory=dict)
    space: int = HAND
    given: list[list[str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def room(self, urgent: bool = False) -> int:
        return self.space - len(self.parcels) + (HAND if urgent else 0)

    def put(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)
        self.given.append([letter.event.id for letter in parcel.letters])

    def results(self) -> list[Result]:
        done = [Result(one, self.answers.get(one.letters[0].event.id, self.outcome)) for one in self.parcels]
        self.told += [letter.event.id for one in done if one.fault is None for letter in one.parcel.letters]
        self.parcels.clear()
        return done


class Post:
    """A store, a route and its clock."""

    def __init__(self, wishes: Wishes | None = None, store: Store | None = None, depth: int = 1) -> None:
        self.store, self.wishes, self.depth = store or MemoryStore(), wishes, depth
        self.desk = Desk()
        self.now = START
        self.restart()

    def restart(self) -> None:
        self.desk.parcels.clear()
        self.route = Route("mail", self.store, self.desk, self.wishes, self.depth)

    def say(self, *names: str, type_: str = "zone.skip", **data: Any) -> None:
        """Record events; "box:1" is of the zone box."""
        self.store.commit(Batch(Fixes.of(()), events=[self.event(one, type_, data) for one in names], routes=["mail"]))

    def event(self, name: str, type_: str, data: dict[str, Any]) -> Told:
        zone = None if type_.startswith("device") else ZoneId(name.partition(":")[0])
        body = {"id": name, "time": moment(self.now), "recordedtime": moment(self.now), "data": data}
        return Told(name, f"trackerd.{type_}", Micros(self.now), body, zone, DeviceId("w1"))

    def turn(self, seconds: float = 1.0, times: int = 1) -> list[list[str]]:
        """Let time pass; return what was given in it."""
        before = len(self.desk.given)
        for _ in range(times):
            self.now += round(seconds * SECOND)
            self.route.turn(Micros(self.now))
        return self.desk.given[before:]

    def dead(self) -> list[str]:
        return [letter.event.id for letter in self.store.dead(100)]

    def left(self) -> list[str]:
        return [letter.event.id for letter in self.store.untold("mail", 0, 10_000)]


def test_what_is_said_of_one_zone_goes_one_after_the_other() -> None:
    post = Post()
    post.say("box:1", "market:1", "box:2", "box:3")
    assert [post.turn() for _ in range(4)] == [[["box:1"], ["market:1"]], [["box:2"]], [["box:3"]], []]
    assert post.left() == []


def test_a_letter_that_fails_holds_up_its_zone_and_no_other() -> None:
    post = Post()
    post.desk.answers["box:1"] = ILL
    post.say("box:1", "box:2", "market:1", "market:2")
    post.turn(times=3)
    assert post.desk.told == ["market:1", "market:2"]
    (waiting,) = post.store.waiting()
    assert (waiting.untold, waiting.dead, waiting.error) == (2, 0, "500 Ouch")
    del post.desk.answers["box:1"]
    post.turn(RETRY_S[1], times=3)
    assert post.desk.told[2:] == ["box:1", "box:2"]


@pytest.mark.parametrize(("tries", "bound_s"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 900), (5000, 900)])
def test_waits_grow_from_a_second_to_a_quarter_of_an_hour_and_differ(tries: int, bound_s: float) -> None:
    waits = {_pause(tries, RETRY_S[1], 0) for _ in range(200)}
    assert bound_s / 2 * SECOND <= min(waits) < max(waits) <= bound_s * SECOND
    assert _pause(tries, RETRY_S[1], 600) >= 600 * SECOND
    assert _pause(tries, RETRY_S[1], 1e9) <= RETRY_S[1] * SECOND


def test_a_receiver_that_is_away_is_asked_with_one_letter_and_then_told_all() -> None:
    post = Post()
    post.desk.outcome = AWAY
    post.say(*(f"zone{number}:1" for number in range(30)))
    post.turn(times=2)
    assert len(post.desk.given) == HAND
    asked = post.turn(times=3600)
    assert {tuple(one) for one in asked} == {("zone0:1",)}
    assert 7 <= len(asked) <= 20  # 1, 2, 4 … 512, 900, 900 seconds, each less up to a half
    post.desk.outcome = None
    post.turn(RETRY_S[1], 1)
    post.turn(times=6)
    assert sorted(post.desk.told) == sorted(f"zone{number}:1" for number in range(30))
    assert post.left() == []


def test_what_is_refused_is_set_aside_and_the_next_goes() -> None:
    post = Post()
    post.desk.answers["box:1"] = REFUSED
    post.say("box:1", "box:2")
    post.turn(times=3)
    assert (post.desk.told, post.dead()) == (["box:2"], ["box:1"])
    (letter,) = post.store.dead(9)
    assert letter.trouble is not None
    assert (letter.trouble.tries, letter.trouble.error) == (1, "404 Not Found")
    post.desk.answers.clear()
    assert post.store.revive("mail") == 1
    post.turn(AGAIN / SECOND)
    post.turn(times=2)
    assert post.desk.told == ["box:2", "box:1"]
    assert post.dead() == post.left() == []


def test_what_cannot_be_told_for_three_days_is_set_aside() -> None:
    post = Post()
    post.desk.outcome = AWAY
    post.say("box:1", "box:2")
    post.turn(600, 60 * 24 * 3 // 10 - 10)
    assert post.dead() == []
    post.say("box:3")
    post.turn(600, 30)
    assert post.dead() == ["box:1", "box:2"]  # the second was never tried while the first was
    (first, _) = post.store.dead(2)
    assert first.trouble is not None
    assert first.trouble.error.startswith("given up after 3d")
    assert post.left() == ["box:3"]


def test_what_nobody_wants_here_is_done_with_at_once() -> None:
    post = Post(Wishes(("zone.skip",), kinds=("box",)))
    post.say("box:1", kind="box")
    post.say("market:1", kind="market")
    post.say("box:2", type_="zone.enter", kind="box")
    post.say("box:3", type_="retract", retracts="box:1")
    post.say("box:4", type_="retract", retracts="box:2")
    post.turn()
    assert post.left() == ["box:1", "box:3"]
    post.turn(times=2)
    assert post.desk.told == ["box:1", "box:3"]


NIGHT = Wishes(quiet=Hours(time(22), time(7)), zone=ZoneInfo("Europe/Brussels"))


def test_in_quiet_hours_only_an_sos_goes() -> None:
    post = Post(NIGHT)
    post.now = START - START % (86_400 * SECOND) + 21 * 3600 * SECOND  # 22:00 in Brussels in winter
    post.say("box:1", "market:1")
    post.say("w1", type_="device.sos")
    assert post.turn() == [["w1"]]
    assert post.turn(60, 8 * 60 + 58) == []
    post.turn(60, 3)
    assert post.desk.told == ["w1", "box:1", "market:1"]


def test_an_sos_does_not_wait_for_its_turn() -> None:
    post = Post()
    post.desk.outcome = AWAY
    post.say(*(f"zone{number}:1" for number in range(30)))
    post.turn(times=600)
    post.say("w1", type_="device.sos")
    assert post.turn() == [["w1"]]
    post.desk.answers["w1"] = None
    post.turn(times=31)
    assert "w1" in post.desk.told
    full = Post()
    full.desk.space = 0
    full.say("box:1")
    full.say("w1", type_="device.sos")
    assert full.turn() == [["w1"]]


def test_what_comes_within_a_group_goes_in_one() -> None:
    post = Post(Wishes(group_s=300))
    post.say("box:1", "market:1")
    assert post.turn(60, 4) == []
    post.say("box:2")
    assert post.turn(60, 1) == [["box:1", "market:1", "box:2"]]
    post.say("box:3")
    post.say("w1", type_="device.sos")
    assert post.turn() == [["w1"]]
    assert post.turn(300, 1) == [["box:3"]]
    post.turn()
    assert post.left() == []


def test_a_retraction_of_what_still_waits_cancels_both() -> None:
    post = Post(Wishes(group_s=300))
    post.say("box:1", "market:1")
    post.turn()
    post.say("box:2", type_="retract", retracts="box:1")
    assert post.turn(300, 1) == [["market:1"]]
    post.turn()
    assert post.left() == []
    post.say("box:3", type_="retract", retracts="market:1")  # that was told
    assert post.turn(301, 1) == [["box:3"]]
    about = post.desk.parcels[0].about
    assert about["box:3"].id == "market:1"


def test_a_retraction_of_what_may_have_arrived_is_told() -> None:
    post = Post(Wishes(group_s=300))
    post.say("box:1")
    assert post.turn(301, 1) == [["box:1"]]
    post.restart()  # killed while it was on its way
    post.say("box:2", type_="retract", retracts="box:1")
    post.turn(900, 2)
    assert post.desk.told == ["box:1", "box:2"]
    quick = Post()  # a route that holds nothing tells both, even when the first fails
    quick.desk.answers["box:1"] = ILL
    quick.say("box:1")
    quick.turn()
    quick.say("box:2", type_="retract", retracts="box:1")
    quick.desk.answers.clear()
    quick.turn(900, 3)
    assert quick.desk.told == ["box:1", "box:2"]


def test_a_restart_tries_at_once_and_remembers_how_often_it_did() -> None:
    post = Post()
    post.desk.outcome = ILL
    post.say("box:1")
    post.turn(1000, 5)
    post.restart()
    assert post.turn() == [["box:1"]]
    post.turn()
    (letter,) = post.store.untold("mail", 0, 9)
    assert letter.trouble is not None
    assert letter.trouble.tries == 3
    assert letter.trouble.since == START + 2000 * SECOND
    assert letter.trouble.next - post.now >= 2 * SECOND


def test_a_clock_set_back_holds_nothing() -> None:
    post = Post(Wishes(group_s=300))
    post.desk.outcome = ILL
    post.say("box:1")
    post.turn(301, 2)
    post.desk.outcome = None
    post.now -= 86_400 * SECOND
    post.turn(times=2)
    assert post.desk.told == ["box:1"]


class Failing(MemoryStore):
    """A store that is away at times."""

    away = False

    def mark_told(self, route: str, seqs: Any) -> None:
        if self.away:
            raise StoreError("the disk is full")
        super().mark_told(route, seqs)


def test_what_arrived_while_the_store_was_away_is_marked_when_it_is_back() -> None:
    store = Failing()
    post = Post(store=store)
    post.say("box:1", "box:2")
    post.turn()
    store.away = True
    for _ in range(3):
        with pytest.raises(StoreError):
            post.turn()
    store.away = False
    post.turn(times=3)
    assert post.desk.given == [["box:1"], ["box:2"]]
    assert post.left() == []


def test_a_route_that_fails_of_itself_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    ill, well = Post(), Post()
    ill.desk.put = lambda _parcel: 1 / 0  # type: ignore[assignment,method-assign]
    ill.say("box:1")
    well.say("box:1")
    outbox = Outbox([ill.route, well.route])
    outbox.open()
    outbox.tell({})
    assert well.desk.given == [["box:1"]]
    outbox.close()
    assert well.left() == []
    assert "ZeroDivisionError" in caplog.text


def test_only_a_few_letters_are_held_and_the_rest_stays_in_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("trackerd.notify.route.MOST", 300)
    monkeypatch.setattr("trackerd.notify.route.PAGE", 50)
    store = open_store(f"sqlite:///{tmp_path / 'record.db'}")
    post = Post(store=store)
    names = [f"zone{number % 40}:{number}" for number in range(1000)]
    post.say(*names)
    post.desk.outcome = AWAY
    post.turn(times=200)
    assert 300 <= len(post.route._lanes) < 350
    assert post.store.waiting()[0].untold == 1000
    post.desk.outcome = None
    post.turn(times=1000)
    assert sorted(post.desk.told) == sorted(names)
    for number in range(40):
        of_zone = [name for name in post.desk.told if name.startswith(f"zone{number}:")]
        assert of_zone == [name for name in names if name.startswith(f"zone{number}:")]
    store.close()


FATES = st.sampled_from([None, None, ILL, AWAY, REFUSED])


@given(
    events=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=25),
    fates=st.lists(FATES, max_size=60),
    restarts=st.sets(st.integers(0, 80), max_size=4),
    depth=st.sampled_from([1, 1, 5]),
    group_s=st.sampled_from([0.0, 0.0, 120.0]),
)
def test_whatever_the_receiver_does_each_letter_is_told_or_set_aside_and_in_order(
    events: list[tuple[str, int]], fates: list[Undelivered | None], restarts: set[int], depth: int, group_s: float
) -> None:
    post = Post(Wishes(group_s=group_s), depth=depth)
    waiting = [f"{zone}:{number}" for number, (zone, _) in enumerate(events)]
    names, gaps = list(waiting), [gap for _, gap in events]
    fate = iter(fates)
    failed: set[str] = set()
    for step in range(150):
        while waiting and step >= gaps[0]:
            post.say(waiting.pop(0))
            gaps.pop(0)
        for parcel in post.desk.parcels:
            first = parcel.letters[0].event.id
            post.desk.answers[first] = next(fate, None)
            failed |= {letter.event.id for letter in parcel.letters} if post.desk.answers[first] is not None else set()
        if step in restarts:
            post.restart()
        post.turn(97 if step < 120 else 1000)
        flying = [letter.seq for parcel in post.desk.parcels for letter in parcel.letters]
        assert len(set(flying)) == len(flying)
    assert post.left() == []
    assert set(post.desk.told) | set(post.dead()) == set(names)
    if depth == 1:
        for zone in "abc":
            told = list(dict.fromkeys(name for name in post.desk.told if name[0] == zone))
            assert told == sorted(told, key=names.index)


def test_no_wait_is_taken_for_one_of_a_clock_set_back() -> None:
    assert RETRY_S[1] * SECOND < LONGEST


def parcel(name: str, seq: int = 1, urgent: bool = False) -> Parcel:
    post = Post()
    post.say(name)
    (letter,) = post.store.untold("mail", 0, 1)
    return Parcel((type(letter)(seq, "mail", letter.event),), urgent=urgent)


def all_of(made: Sender, count: int) -> list[Result]:
    found: list[Result] = []
    until(lambda: found.extend(made.results()) or len(found) >= count, f"{count} results")  # type: ignore[func-returns-value]
    return found


def test_a_send_that_never_ends_is_given_back_and_the_route_goes_on() -> None:
    with web() as server:
        made = Sender("hook", Webhook(server.url, [], ssl.create_default_context()), limit_s=0.2)
        made.open()
        server.answer = server.hang
        made.put(parcel("box:1"))
        until(lambda: server.came, "it came")
        (result,) = all_of(made, 1)
        assert result.fault is not None
        assert (str(result.fault), result.fault.away) == ("no end after 0.2 s", True)
        server.answer = lambda _handler, _request: 200
        made.put(parcel("box:2"))
        assert all_of(made, 1)[0].fault is None
        assert server.ids == ["box:2"]
        server.released.set()
        until(lambda: threading.active_count() < 20, "the thread left behind ends")
        assert made.results() == []
        made.close()


def test_the_urgent_goes_before_what_waits_and_faults_of_ours_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    gate, sent = threading.Event(), []

    class Slow:
        def send(self, told: Parcel) -> str:
            gate.wait(10)
            sent.append(told.letters[0].event.id)
            if sent[-1] == "box:2":
                raise RuntimeError("https://host/secret-token")
            return ""

    made = Sender("mail", Slow())
    made.open()
    made.put(parcel("box:1", 1))
    until(lambda: made._sending, "it is at work")
    for number in (3, 2):
        made.put(parcel(f"box:{number}", number))
    made.put(parcel("sos", 9, urgent=True))
    assert made.room() == HAND - 4
    gate.set()
    results = all_of(made, 4)
    assert sent == ["box:1", "sos", "box:2", "box:3"]
    assert [str(one.fault) for one in results if one.fault] == ["a fault of ours: RuntimeError"]
    assert "secret" not in caplog.text
    assert made.room() == HAND
    made.close()


def test_hung_threads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LEFT_BEHIND", 2)
    gate = threading.Event()

    class Hung:
        def send(self, _told: Parcel) -> str:
            gate.wait(20)
            return ""

    made = Sender("mail", Hung(), limit_s=0.0)
    made.open()
    for number in range(6):
        made.put(parcel(f"box:{number}", number))
    assert len(all_of(made, 2)) == 2
    assert made.results() == []
    assert len(made._threads) == 3
    gate.set()
    made.close()
