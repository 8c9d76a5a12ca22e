"""The duty gate: off duty, on break and in a private zone nothing goes on, whenever that becomes known."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import DECODERS
from devices.decoder import Bad, Heartbeat, Pause
from devices.duty import read as read_word
from devices.owntracks import OwnTracks
from geofence.calendar import Window
from geofence.event import changed
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fix, Micros, WardenId, ZoneId, to_datetime, to_micros
from geofence.plan import Duty, Roster
from geofence.wire import PREFIX
from geofence.zones import Zone
from tests.geofence.walks import LAT, LON, START, X, town, walk
from tests.trackerd.traces import all_files, traces
from trackerd import pipeline
from trackerd.carry import Carrier
from trackerd.chunk import Chunk
from trackerd.gate import hidden
from trackerd.house import House
from trackerd.intake import Intake, Taken, Wiring
from trackerd.pipeline import record
from trackerd.store import Batch, Break, Committed, MemoryStore, Store, StoreError, open_store
from trackerd.store.spool import Spool
from trackerd.town import Town

W1, GW1 = DeviceId("w1"), WardenId("gw-1")
HOUR = 3600 * SECOND
WIRING = {"phones": Wiring("owntracks"), "line": Wiring("nmea", W1)}
ROSTER = Roster((Duty(GW1, W1, Window(Micros(START - HOUR), Micros(START + 8 * HOUR))),), UTC)
KNOWN = frozenset(DeviceId(name) for name in ("w0", "w1", "w2", "w3", "w9"))
ON_DUTY = Town(town(), ROSTER, enrolled=KNOWN)
EVERYONE = Town(town(), enrolled=KNOWN)
START_TIME = to_datetime(START)
stores = pytest.mark.parametrize("make", [lambda: open_store("sqlite://"), MemoryStore], ids=["sqlite", "memory"])


def at(minutes: float) -> datetime:
    return START_TIME + timedelta(minutes=minutes)


def located(fix: Fix, **more: Any) -> bytes:
    """Return a fix as a phone sends it."""
    said = {"_type": "location", "tst": fix.time.timestamp(), "lon": fix.lon, "lat": fix.lat, "acc": fix.accuracy_m}
    return json.dumps(said | more).encode()


def place(minutes: float, lon: float = LON, lat: float = LAT, device: str = "w1") -> Fix:
    return Fix(DeviceId(device), at(minutes), lon, lat, 8.0)


def chunk(data: bytes, received: datetime, device: str = "w1", retained: bool = False) -> Chunk:
    address = (device, "phone")
    return Chunk("phones", data, received, "/".join(("owntracks", *address)), address, whole=True, retained=retained)


def word(data: bytes | str, received: datetime, device: str = "w1", retained: bool = False) -> Chunk:
    payload = data.encode() if isinstance(data, str) else data
    topic = f"trackerd/in/{device}/duty"
    return Chunk("phones", payload, received, topic, (device,), "duty", whole=True, retained=retained)


def rest(start: datetime, until: datetime | None = None) -> str:
    said = {"duty": "break", "from": start.isoformat()} | ({} if until is None else {"until": until.timestamp()})
    return json.dumps(said)


def kept(*chunks: Chunk, here: Town = ON_DUTY) -> list[datetime]:
    return [fix.time for fix in Intake(WIRING, here).take(chunks).fixes]


def minutes(times: Sequence[datetime]) -> list[float]:
    return [(time - START_TIME) / timedelta(minutes=1) for time in times]


# The words -----------------------------------------------------------------------------------------------------------

WORDS: list[tuple[bytes, Pause | str]] = [
    (b"break", Pause(W1, True)),
    (b" Pauze\n", Pause(W1, True)),
    (b'"break"', Pause(W1, True)),
    (b"resume", Pause(W1, False)),
    (b'{"duty":"break"}', Pause(W1, True)),
    (b'{"duty":"break","from":1767254400,"until":"2026-01-01T09:30:00+01:00"}',
     Pause(W1, True, START_TIME, START_TIME + timedelta(minutes=30))),
    (b'{"duty":"resume","from":"2026-01-01T08:00:00Z"}', Pause(W1, False, START_TIME)),
    (b"", "no-duty-word"),
    (b"lunch", "no-duty-word"),
    (b"\xff\xfe", "no-duty-word"),
    (b"[]", "no-duty-word"),
    (b'{"duty":7}', "no-duty-word"),
    (b'{"duty":"break","til":1}', "no-duty-word"),
    (b'{"duty":"break","until":"noon"}', "bad-time"),
    (b'{"duty":"break","until":"2026-01-01T09:30:00"}', "naive-time"),
    (b'{"duty":"break","from":1e300}', "bad-time"),
    (b"{" * 100, "too-deep"),
    (b"x" * 100_000, "too-long"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "means"), WORDS)
def test_what_a_word_means(data: bytes, means: Pause | str) -> None:
    said = read_word(W1, data)
    assert said == means or (isinstance(said, Bad) and said.why == means and not said.data)


@given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
def test_no_word_raises(data: bytes) -> None:
    assert isinstance(read_word(W1, data), Pause | Bad)


@pytest.mark.parametrize("trigger", ["u", "t", "p"])
@pytest.mark.parametrize("tag", ["break", "Pauze ", "pause"])
def test_a_tagged_location_is_a_word_and_no_fix(tag: str, trigger: str) -> None:
    decoder = OwnTracks(W1)
    said = decoder.receive(located(place(0), tag=tag, t=trigger)) + decoder.end()
    assert said == [Pause(W1, True, START_TIME, tagged=True)]


@pytest.mark.parametrize("tag", ["trip to the sea", "", 7, None, ["break"]])
def test_any_other_tag_means_nothing(tag: object) -> None:
    decoder = OwnTracks(W1)
    assert decoder.receive(located(place(0), tag=tag)) + decoder.end() == [replace(place(0), accuracy_m=8.0)]


# The gate, in one batch or in several ---------------------------------------------------------------------------------

DAYS: dict[str, tuple[list[Chunk], list[float]]] = {
    "by the clock": (
        [*(chunk(located(place(m)), at(m)) for m in (0, 10)), word("break", at(11)),
         *(chunk(located(place(m)), at(m)) for m in (12, 20)), word("resume", at(21)),
         chunk(located(place(22)), at(22))],
        [0, 10, 22]),
    "told late": ([*(chunk(located(place(m)), at(m)) for m in (0, 10, 20, 30)), word(rest(at(10), at(30)), at(40))],
                  [0, 30]),
    "measured in it, sent after it": (
        [word("break", at(5)), word("resume", at(15)), *(chunk(located(place(m)), at(20)) for m in (0, 5, 10, 15, 16))],
        [0, 15, 16]),
    "waited in the broker": (
        [chunk(located(place(10)), at(90)), word("break", at(90)),
         *(chunk(located(place(m)), at(90)) for m in (20, 40)),
         word("resume", at(90)), chunk(located(place(50)), at(90))],
        [10, 50]),
    "nobody resumes: over with the duty": (
        [word("break", at(5)), chunk(located(place(7 * 60)), at(7 * 60))], []),
    "until": ([word(rest(at(5), at(10)), at(5)), *(chunk(located(place(m)), at(m)) for m in (4, 7, 10))], [4, 10]),
    "the broker's memory of a word": ([word("break", at(1), retained=True), chunk(located(place(2)), at(2))], [2]),
    "another's word": ([word("break", at(1), "w2"), chunk(located(place(2)), at(2))], [2]),
    "too old to be true": ([word(rest(at(1) - timedelta(days=8)), at(1)), chunk(located(place(2)), at(2))], [2]),
    "tagged": (
        [chunk(located(place(m), tag="break" if 10 <= m < 30 else None), at(m)) for m in (0, 10, 20, 30, 40)],
        [0, 30, 40]),
    "tagged, out of order": (
        [chunk(located(place(m), tag="break" if 10 <= m < 30 else None), at(50)) for m in (0, 10, 20, 5, 30)],
        [0, 5, 30]),
    "a mark's absence does not end what was said clearly": (
        [word("break", at(5)), *(chunk(located(place(m)), at(m)) for m in (6, 7)), word("resume", at(8)),
         chunk(located(place(9)), at(9))], [9]),
}  # fmt: skip


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", DAYS)
def test_what_of_a_day_is_kept(name: str, together: bool) -> None:
    chunks, expected = DAYS[name]
    house = a_house(MemoryStore(), ON_DUTY)
    for some in [chunks] if together else [[one] for one in chunks]:
        record(house, house.intake.take(some), to_micros(some[-1].received))
    assert sorted(minutes(times(house.store))) == expected
    assert house.counts.gated + len(expected) + sum(one.decoder == "duty" for one in chunks) >= len(chunks) - 2


def test_after_a_restart_the_break_still_holds() -> None:
    store = MemoryStore()
    house = a_house(store, ON_DUTY)
    record(house, house.intake.take([word("break", at(5))]), to_micros(at(5)))
    again = a_house(store, ON_DUTY)
    assert not len(again.intake.take([chunk(located(place(6)), at(6))]).fixes)
    again.move(ON_DUTY)
    assert not len(again.intake.take([chunk(located(place(7)), at(7))]).fixes)
    record(again, again.intake.take([word("resume", at(8))]), to_micros(at(8)))
    assert len(a_house(store, ON_DUTY).intake.take([chunk(located(place(9)), at(9))]).fixes) == 1


def test_nothing_is_said_of_who_is_off_duty() -> None:
    """Neither a sign of life nor the bytes of what could not be read."""
    late = at(9 * 60)
    messages = [b'{"_type":"location","lat":50.9', b'{"_type":"lwt","tst":1}', located(place(9 * 60), t="p"),
                b'{"_type":"encrypted","data":"c2VjcmV0"}', located(place(9 * 60))]  # fmt: skip
    taken = Intake(WIRING, ON_DUTY).take([chunk(one, late) for one in messages])
    assert (len(taken.fixes), taken.pulses, taken.refusals, taken.unheld, taken.gated) == (0, [], [], {}, 5)
    taken = Intake(WIRING, ON_DUTY).take([chunk(one, at(0)) for one in messages[:4]])
    assert ([pulse.why for pulse in taken.pulses], len(taken.refusals)) == (["lwt", "ping"], 2)


def test_of_what_could_not_be_read_only_the_shape_is_kept() -> None:
    """It may have been written off duty and sent on duty; nobody can tell, for nobody can read it."""
    broken = '{"_type":"location","lat":50.91234,"SSID":"Thuis é'.encode() + b"\x00\xff"
    (refusal,) = Intake(WIRING, ON_DUTY).take([chunk(broken, at(0))]).refusals
    assert refusal.data == b'{"_aaaa":"aaaaaaaa","aaa":00.00000,"AAAA":"Aaaaa ??\x00?'
    assert refusal.device == "w1"


def test_a_device_in_nobodys_hands_is_counted_and_nothing_else() -> None:
    messages = [located(place(0)), b"broken 50.9", located(place(1), t="p")]
    taken = Intake(WIRING, ON_DUTY).take([chunk(one, at(2), "w9") for one in messages])
    assert (len(taken.fixes), taken.gated, taken.refusals, taken.pulses) == (0, 0, [], [])
    assert list(taken.unheld.values()) == [("w9", 3, to_micros(at(2)))]
    anybody = replace(ON_DUTY, enrolled=frozenset())
    many = Intake(WIRING, anybody).take([chunk(b"x", at(0), f"s{n}") for n in range(1200)])
    assert len(many.unheld) == 1001
    assert sum(one.times for one in many.unheld.values()) == 1200


def test_device_to_warden_by_time() -> None:
    half = Micros(START + HOUR)
    duties = (
        Duty(GW1, W1, Window(Micros(START), half)),
        Duty(WardenId("gw-2"), W1, Window(half, Micros(START + 2 * HOUR))),
    )
    sent = [chunk(located(place(m)), at(m)) for m in (0, 59.5, 60, 119, 120)]
    intake = Intake(WIRING, Town(town(), Roster(duties, UTC), enrolled=KNOWN))
    assert intake.take(sent).wardens == ["gw-1", "gw-1", "gw-2", "gw-2"]
    taken = intake.take([*sent, word(rest(at(55), at(65)), at(121))])
    assert taken.wardens == ["gw-1", "gw-2", "gw-2"]
    assert [(one.warden, one.end) for one in taken.breaks] == [("gw-1", half)]  # over with the duty of who said so
    assert [tuple(one) for one in intake.gate.erased(taken.breaks, to_micros(at(121)))] == [
        ("w1", to_micros(at(55)), half)
    ]


# Private zones --------------------------------------------------------------------------------------------------------

HOME = next(zone for zone in town() if zone.id == "box")


def home(**more: Any) -> Zone:
    return replace(HOME, id=ZoneId("home"), kind="private", **more)


@pytest.mark.parametrize(("metres", "accuracy", "seen"), [
    (0, 8, False), (20, 8, False), (30, 8, False), (32.5, 8, False), (33.5, 8, True), (300, 8, True), (35, 12, False),
    (35, None, False), (45, None, True), (700, 1000, False), (1100, 1000, True), (26, 0.5, True), (24, 0.5, False),
])  # fmt: skip
def test_who_is_or_may_be_in_a_private_zone_is_not_seen(metres: float, accuracy: float | None, seen: bool) -> None:
    fix = Fix(W1, at(1), LON + (150 + metres) / X, LAT, accuracy)
    here = replace(ON_DUTY, private=(home(),))
    taken = Intake(WIRING, here).take([chunk(located(fix), at(1))])
    assert (len(taken.fixes), taken.gated) == (int(seen), int(not seen))


def test_a_private_zone_holds_while_it_is_valid() -> None:
    fixes = Intake(WIRING, EVERYONE).take([chunk(located(place(m, LON + 150 / X)), at(m)) for m in (0, 10, 20)]).fixes
    valid = home(valid_from=to_micros(at(10)), valid_to=to_micros(at(20)))
    assert hidden([valid], fixes).tolist() == [False, True, False]
    assert not hidden([], fixes).any()


def test_a_walk_through_a_private_zone_leaves_a_gap() -> None:
    walked = [place(n / 6, LON + 8 * n / X) for n in range(40)]
    seen = kept(*(chunk(located(fix), fix.time) for fix in walked), here=replace(EVERYONE, private=(home(),)))
    gap = np.diff(minutes(seen))
    assert (len(seen), int(np.sum(gap > 0.5))) == (32, 1)


# SOS ------------------------------------------------------------------------------------------------------------------


class Key:
    """A decoder of a tracker with an emergency key: ``minutes``."""

    def __init__(self, device: DeviceId) -> None:
        self._device = device

    def receive(self, data: bytes, received: datetime | None = None) -> list[Any]:  # noqa: ARG002
        return [replace(place(float(data), LON + 150 / X, device=self._device), sos=True)]

    def end(self) -> list[Heartbeat]:
        return []


@stores
@pytest.mark.parametrize(("minute", "device"), [(10, "w1"), (30, "w1"), (9 * 60, "w1"), (10, "w9")])
def test_an_sos_passes(make: Callable[[], Store], minute: float, device: str) -> None:
    """On duty in a private zone, on break, off duty, from a tracker in nobody's hands: with its position."""
    here = replace(ON_DUTY, private=(home(),))
    with patch.dict(DECODERS, {"key": Key}):
        house = a_house(make(), here)
        record(house, house.intake.take([word(rest(at(20), at(40)), at(20))]), to_micros(at(20)))
        pressed = msgspec.structs.replace(chunk(str(minute).encode(), at(minute), device), decoder="key")
        told = record(house, house.intake.take([pressed]), to_micros(at(minute))).events
    (sos,) = (one for one in told if one.type == "trackerd.device.sos")
    assert (sos.body["data"]["device"], sos.body["data"]["lat"]) == (device, LAT)
    (fix,) = (fix for piece in house.store.fixes(DeviceId(device), EVER) for fix in piece)
    assert (fix.sos, fix.lon, fix.lat) == (True, LON + 150 / X, LAT)
    late = house.intake.take([word(rest(at(minute - 1), at(minute + 1)), at(minute + 5))])
    record(house, late, to_micros(at(minute + 5)))
    assert len(times(house.store)) == 1, "a break told late takes no emergency back"


# A break told late is as one told in time -----------------------------------------------------------------------------


def a_house(store: Store, here: Town, positions: bool = False) -> House:
    intake = Intake(WIRING, here, store.breaks())
    return House(intake, store, here, "/trackerd/test", routes=["mqtt"], positions=positions)


def times(store: Store) -> list[datetime]:
    return [fix.time for device in store.devices() for piece in store.fixes(device, EVER) for fix in piece]


def finish(house: House, now: Micros) -> None:
    for _ in range(2):
        record(house, Taken(house.intake.take([]).fixes), Micros(now + 3 * HOUR))


def ledger(store: Store) -> tuple[list[Any], list[str]]:
    visits = [changed(one.visit, revision=0) for one in store.visits(EVER, NEVER)]
    events = [one.event for device in store.devices() for one in store.standing(device, EVER)]
    return visits, sorted(repr(changed(e, visit=e.visit and changed(e.visit, revision=0))) for e in events)


class PowerCutError(Exception):
    """The process dies here."""


@stores
@given(seed=st.integers(0, 10**6), rostered=st.booleans(), dies=st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_a_break_told_late_ends_in_the_same_record(
    make: Callable[[], Store], seed: int, rostered: bool, dies: bool
) -> None:
    rng = np.random.default_rng(seed)
    fixes = walk("w1", seed, minutes=22, every_s=12)
    began, ended = (to_datetime(START + round(m * 60) * SECOND) for m in sorted(rng.uniform(-1, 24, 2)))
    if began == ended:
        return
    here, last = ON_DUTY if rostered else EVERYONE, fixes[-1].time
    sent = [chunk(located(fix), last) for fix in fixes]
    tells = word(rest(began, ended), last)
    in_time, late = a_house(MemoryStore(), here), a_house(make(), here, positions=True)
    record(in_time, in_time.intake.take([tells]), to_micros(last))
    cut = int(rng.integers(0, len(sent)))
    for house, chunks in ((in_time, sent), (late, sent[:cut]), (late, sent[cut:])):
        record(house, house.intake.take(chunks), to_micros(last))
    told = [letter.event for letter in late.store.untold("mqtt", 0, 10**6)]
    late.store.mark_told("mqtt", [letter.seq for letter in late.store.untold("mqtt", 0, 10**6)])
    with patch.object(pipeline, "fail_point", _dies if dies else _lives), suppress(PowerCutError):
        record(late, late.intake.take([tells]), to_micros(last))
    if dies:
        late = a_house(late.store, here, positions=True)
    told += [letter.event for letter in late.store.untold("mqtt", 0, 10**6)]
    for house in (in_time, late):
        finish(house, to_micros(last))
    assert times(late.store) == times(in_time.store)
    assert not any(began <= time < ended for time in times(late.store))
    assert ledger(late.store) == ledger(in_time.store)
    told += [letter.event for letter in late.store.untold("mqtt", 0, 10**6)]
    back = {one.body["data"]["retracts"] for one in told if one.type == f"{PREFIX}retract"}
    believed = {one.id for one in told if one.type != f"{PREFIX}retract"} - back
    assert believed == {one.id for device in late.store.devices() for one in late.store.standing(device, EVER)}


def _lives(name: str) -> None:
    """Pass every point."""


def _dies(name: str) -> None:
    if name == "before-revise":
        raise PowerCutError


def test_what_told_of_a_break_is_taken_back_without_telling_it_again(tmp_path: Path) -> None:
    house = a_house(open_store(f"sqlite:///{tmp_path / 'record.db'}"), ON_DUTY, positions=True)
    box = LON + 150 / X
    way = [place(m / 6, LON if not 60 <= m < 180 else box) for m in range(240)]
    record(house, house.intake.take([chunk(located(fix), at(60)) for fix in way]), to_micros(at(60)))
    before = [letter.event for letter in house.store.untold("mqtt", 0, 1000)]
    assert [one.type for one in before if one.zone == "box"] == [
        f"trackerd.zone.{what}" for what in ("enter", "dwell", "exit")
    ]
    house.store.mark_told("mqtt", list(range(1000)))
    record(house, house.intake.take([word(rest(at(8), at(32)), at(61))]), to_micros(at(61)))
    after = [letter.event.body for letter in house.store.untold("mqtt", 0, 1000)]
    back = {body["data"]["retracts"]: body for body in after if body["type"] == "trackerd.retract"}
    assert {one.id for one in before if one.zone == "box"} <= back.keys()
    for body in back.values():
        assert body["data"].keys() <= {"zone", "retracts", "because"}
        assert body["time"] == body["recordedtime"]
        assert "off duty" in body["data"]["because"]
    assert [kept.visit.zone for kept in house.store.visits(EVER, NEVER)] == ["district"]
    record(house, house.intake.take([chunk(located(place(62)), at(62))]), to_micros(at(62)))
    house.store.close()
    # That it was silent meanwhile is true, and tells nothing of where.
    kinds = "('trackerd.retract', 'trackerd.device.silent')"
    left = sqlite3.connect(tmp_path / "record.db").execute(f"SELECT * FROM event WHERE type NOT IN {kinds}")
    span = range(to_micros(at(8)), to_micros(at(32)))
    for row in left.fetchall():
        assert not any(column in span for column in row if isinstance(column, int))
        assert not re.search(r"T08:(0[89]|[12]\d|3[01])", " ".join(map(str, row)))


# What is erased is gone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "reading"), [(0, False), (1, True), (2, True)])
def test_sqlite_leaves_no_trace_of_what_is_erased(tmp_path: Path, seed: int, reading: bool) -> None:
    """In the file, its free pages and its log; after turns, revisions, many devices, and with somebody reading."""
    store = open_store(f"sqlite:///{tmp_path / 'record.db'}")
    house = a_house(store, EVERYONE, positions=True)
    rng = np.random.default_rng(seed)
    fixes = [fix for n in range(4) for fix in walk(f"w{n}", seed + n, minutes=120, every_s=10)]
    order = rng.permutation(len(fixes)) if seed % 2 else np.argsort([fix.micros for fix in fixes])
    last = max(fix.time for fix in fixes)
    for some in np.array_split(order, 12):
        chunks = [chunk(located(fixes[i]), last, fixes[i].device) for i in some]
        record(house, house.intake.take(chunks), to_micros(last))
    spans = {f"w{n}": (at(20 + 10 * n), at(80 + 10 * n)) for n in range(1, 4)}
    gone = [f for f in fixes if f.device in spans and spans[f.device][0] <= f.time < spans[f.device][1]]
    numbers = [number for fix in gone for number in (fix.lon, fix.lat)]
    assert len(gone) > 300
    assert len(traces(all_files(tmp_path), numbers)) > 300, "the search finds what is there"
    reader = open_store(f"sqlite:///{tmp_path / 'record.db'}", reading=True)
    pieces = reader.fixes(DeviceId("w1"), EVER) if reading else None
    held = reader.tally() if pieces is None else next(pieces)
    assert held
    for device, (began, ended) in spans.items():
        record(house, house.intake.take([word(rest(began, ended), last, device)]), to_micros(last))
    reader.close()
    record(house, house.intake.take([chunk(located(place(151)), at(151))]), to_micros(last))
    assert traces(all_files(tmp_path), numbers) == []
    store.close()
    assert traces(all_files(tmp_path), numbers) == []


def test_the_breaks_of_a_warden_by_the_command_line_and_by_phone_are_one_record() -> None:
    house = a_house(MemoryStore(), ON_DUTY)
    for said in (
        word("break", at(5)),
        word("break", at(6)),
        word("resume", at(10)),
        word(rest(at(20), at(25)), at(21)),
    ):
        record(house, house.intake.take([said]), to_micros(said.received))
    assert house.store.breaks() == [
        Break(GW1, to_micros(at(5)), to_micros(at(10)), "message"),
        Break(GW1, to_micros(at(20)), to_micros(at(25)), "message"),
    ]
    assert house.town.roster.duties_within(Window(Micros(START), Micros(START + HOUR))) == {
        "gw-1": {"w1": tuple((to_micros(at(a)), to_micros(at(b))) for a, b in ((0, 5), (10, 20), (25, 60)))}
    }


class Full(MemoryStore):
    """A store that is away while ``away``."""

    away = True

    def commit(self, batch: Batch) -> Committed:
        if self.away:
            raise StoreError("away")
        return super().commit(batch)


@pytest.mark.parametrize("dies", [True, False])
def test_a_break_told_while_the_store_is_away_holds_for_what_waits(
    tmp_path: Path, dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackerd.carry.RETRY_S", (0.01, 0.01))
    store, spool = Full(), Spool(tmp_path / "spool.db")
    pause, duty_ = [place(m, LON + 0.0123456789) for m in range(10, 20)], [place(m) for m in (0, 30)]
    waiting = [[word(rest(at(10), at(20)), at(31))], [chunk(located(fix), at(31)) for fix in pause[5:]]]

    def meanwhile(_seconds: float, _taking: bool) -> list[Chunk] | None:
        if waiting:
            return waiting.pop(0)
        store.away = dies
        return None if dies else []

    carrier = Carrier(a_house(store, ON_DUTY), spool, meanwhile, lambda _: None)
    free = [chunk(located(fix), at(31)) for fix in (*duty_, *pause[:5])]
    held = [msgspec.structs.replace(one, receipt=lambda: None) for one in free]
    assert carrier.turn([*free, *held]) is not dies
    if dies:
        carrier.close()
        assert traces(all_files(tmp_path), [fix.lon for fix in pause], digits=9), "the search finds what waits"
        store.away = False
        spool = Spool(tmp_path / "spool.db")
        assert spool.waiting
        assert Carrier(a_house(store, ON_DUTY), spool, meanwhile, lambda _: None).turn([])
    assert minutes(times(store)) == [0, 30]
    assert store.breaks() == [Break(GW1, to_micros(at(10)), to_micros(at(20)), "message")]
    assert spool.waiting == 0
    assert traces(all_files(tmp_path), [fix.lon for fix in pause], digits=9) == []
