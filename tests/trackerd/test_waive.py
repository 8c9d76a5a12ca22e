"""A window that need not be met, and breaks as they bear on verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from geofence.calendar import Hours, Window
from geofence.ledger import NOBODY
from geofence.model import EVER, NEVER, Micros, RequirementId, WardenId, to_micros
from geofence.plan import Duty, Plan, Requirement, Roster
from geofence.verdict import Terms
from tests.geofence.walks import START, town
from tests.trackerd.test_duty import HOUR, KNOWN, W1, a_house, at, chunk, located, place, rest, word
from trackerd import clock, orders
from trackerd.cli import app
from trackerd.house import House
from trackerd.inbox import Inbox
from trackerd.orders import OrderError, Rest, Resume, Waive
from trackerd.pipeline import empty, record
from trackerd.store import MemoryStore, Store, Told, open_store
from trackerd.town import Town

ASKED = Requirement(RequirementId("boxes"), Hours(at(10).time(), at(40).time()), Terms(), zones=("box",))
ROSTER = Roster((Duty(WardenId("gw-1"), W1, Window(Micros(START - HOUR), Micros(START + 2 * HOUR))),), UTC)
HERE = Town(town(), ROSTER, Plan((ASKED,), UTC), enrolled=KNOWN)
OPENS = to_micros(at(10))
WAIVED = Waive("boxes", "box", OPENS, "road works", "an", to_micros(at(50)))
UNDONE = Waive("boxes", "box", OPENS, None, "an", to_micros(at(51)))
stores = pytest.mark.parametrize("make", [lambda: open_store("sqlite://"), MemoryStore], ids=["sqlite", "memory"])


def step(house: House, minute: float, *chunks: Any) -> list[Told]:
    return record(house, house.intake.take(chunks) if chunks else empty(), to_micros(at(minute))).events


def order(house: House, minute: float, what: orders.Order) -> list[Told]:
    now = to_micros(at(minute))
    return record(house, orders.carry_out(house, orders.read(orders.write(what))), now).events


def away(house: House, last: float = 60) -> list[Told]:
    """A morning far from the box, its tracker sending all along."""
    sent = [chunk(located(place(n / 6, lon=4.22)), at(last)) for n in range(round(6 * last) + 1)]
    return step(house, last, *sent) + step(house, last)


def verdicts(events: list[Told]) -> list[str]:
    return [one.type.removeprefix("trackerd.") for one in events if "requirement" in one.body["data"]]


def stands(store: Store) -> list[tuple[str, str | None]]:
    return [(str(one.verdict.outcome), one.verdict.reason) for one in store.docket(EVER, NEVER) if one.verdict]


@stores
def test_a_verdict_waived_is_taken_back_and_excused_and_undone_comes_back(make: Callable[[], Store]) -> None:
    house = a_house(make(), HERE)
    assert verdicts(away(house)) == ["zone.skip"]
    told = order(house, 61, WAIVED)
    assert verdicts(told) == ["retract", "zone.excused"]
    assert (told[0].body["data"]["because"], told[1].body["data"]["reason"]) == (
        "a waiver was written or undone", "road works",
    )  # fmt: skip
    assert order(house, 62, WAIVED) == [], "said twice is said once"
    assert stands(house.store) == [("excused", "road works")]
    assert verdicts(order(house, 63, UNDONE)) == ["retract", "zone.skip"]
    assert stands(house.store) == [("missed", None)]
    revisions = [one.revision for one in house.store.docket(EVER, NEVER)]
    assert revisions == [2]


@stores
@pytest.mark.parametrize(("waived", "said"), [
    (WAIVED, ["zone.excused"]),
    (None, ["zone.due", "zone.skip"]),
    (Waive("boxes", "box", OPENS - 24 * HOUR, "yesterday", "an", 0), ["zone.due", "zone.skip"]),
    (Waive("boxes", "park", OPENS, "the park", "an", 0), ["zone.due", "zone.skip"]),
    (Waive("rounds", "box", OPENS, "the rounds", "an", 0), ["zone.due", "zone.skip"]),
])  # fmt: skip
def test_a_window_waived_beforehand_is_neither_due_nor_missed(
    make: Callable[[], Store], waived: Waive | None, said: list[str]
) -> None:
    store = make()
    house = a_house(store, HERE)
    step(house, 0, chunk(located(place(0)), at(0)))
    if waived is not None:
        order(house, 1, waived)
    assert verdicts(away(a_house(store, HERE), 35) + away(a_house(store, HERE), 60)) == said


@stores
@pytest.mark.parametrize("late", [True, False])
def test_a_break_all_through_the_window_excuses_it(make: Callable[[], Store], late: bool) -> None:
    house = a_house(make(), HERE)
    tells = word(rest(at(5), at(45)), at(60))
    told = ([] if late else step(house, 0, tells)) + away(house) + (step(house, 61, tells) if late else [])
    assert stands(house.store) == [("excused", NOBODY)]
    assert verdicts(told) == (["zone.skip", "retract", "zone.excused"] if late else ["zone.excused"])


def test_a_break_for_part_of_the_window_leaves_the_rest_owed() -> None:
    house = a_house(MemoryStore(), HERE)
    away(house)
    told = step(house, 61, word(rest(at(20), at(30)), at(60)))
    assert stands(house.store) == [("missed", None)]
    assert verdicts(told) == []


def test_an_order_for_nobody_on_duty_means_nothing() -> None:
    house = a_house(MemoryStore(), HERE)
    for nothing in (Rest("gw-1", to_micros(at(600))), Rest("gw-7", to_micros(at(1))), Rest("gw-1", 5, 5)):
        with pytest.raises(OrderError, match="no duty"):
            orders.carry_out(house, nothing)
    assert not orders.carry_out(house, Resume("gw-7", 5)).breaks


# The commands ---------------------------------------------------------------------------------------------------------

CONFIG = """
[site]
name = "asse"
[store]
url = "sqlite:///record.db"
[[zones]]
file = "zones.geojson"
[[warden]]
id = "gw-1"
[[warden]]
id = "gw-2"
[[device]]
id = "w1"
[[duty]]
warden = "gw-1"
device = "w1"
start = {start}
end = {end}
[[requirement]]
id = "boxes"
zones = ["box"]
from = "00:00"
to = "24:00"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    now = clock.now()
    zones = {"type": "FeatureCollection", "features": [{"type": "Feature", "id": "box", "properties": {"radius_m": 25},
             "geometry": {"type": "Point", "coordinates": [4.2, 50.9]}}]}  # fmt: skip
    (tmp_path / "zones.geojson").write_text(json.dumps(zones))
    span = {"start": (now - timedelta(hours=5)).isoformat(), "end": (now + timedelta(hours=5)).isoformat()}
    text = CONFIG.format(**span).replace('to = "24:00"', 'to = "00:00"')
    (tmp_path / "trackerd.toml").write_text(text)
    return tmp_path / "trackerd.toml"


def run(config: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--config", str(config)])
    return done.exit_code, done.output


def left(config: Path) -> list[orders.Order]:
    return [orders.read(data) for _, data in Inbox(config.parent / "record.db.d").waiting()]


def test_the_commands_leave_word_and_say_when_it_will_hold(config: Path) -> None:
    code, said = run(config, "duty", "break", "gw-1")
    assert (code, "No daemon runs: it holds from its next start." in said) == (0, True), said
    daemon = Inbox(config.parent / "record.db.d")
    daemon.attend()
    hour_ago = (clock.now() - timedelta(hours=1)).astimezone(timezone(timedelta(hours=2))).isoformat()
    for words, hear in (
        (("duty", "break", "gw-1", "--from", hour_ago), "erased"),
        (("duty", "resume", "gw-1"), "back from"),
        (("waive", "boxes", "box", "--reason", "road works", "--by", "an"), "need not be met"),
        (("waive", "boxes", "box", "--undo"), "must be met after all"),
    ):
        code, said = run(config, *words)
        assert (code, hear in said, "within a second" in said) == (0, True, True), said
    daemon.close()
    now, hour_ago_, back, waived, undone = left(config)
    assert isinstance(now, Rest)
    assert isinstance(hour_ago_, Rest)
    assert abs(now.start - hour_ago_.start - HOUR) < HOUR / 60
    assert isinstance(back, Resume)
    assert isinstance(waived, Waive)
    assert isinstance(undone, Waive)
    assert (waived.reason, waived.by, undone.reason) == ("road works", "an", None)
    assert waived.start == undone.start


@pytest.mark.parametrize(("words", "code", "hear"), [
    (("duty", "break", "gw1"), 1, "no warden is called 'gw1': did you mean gw-1?"),
    (("duty", "break", "gw-2"), 1, "gw-2 is not on duty"),
    (("duty", "break", "gw-1", "--from", "noon"), 2, "--from: 'noon' is no time"),
    (("duty", "break", "gw-1", "--from", "2026-05-04T12:00", "--until", "2026-05-04T11:00"), 2, "not after --from"),
    (("duty", "resume", "nobody"), 1, "no warden is called 'nobody'"),
    (("duty", "list"), 3, "has the daemon run yet"),
    (("waive", "boxes", "box"), 2, "needs its reason"),
    (("waive", "boxen", "box", "--reason", "x"), 1, "did you mean boxes?"),
    (("waive", "boxes", "bax", "--reason", "x"), 1, "did you mean box?"),
    (("waive", "boxes", "box", "--reason", "x", "--date", "4 May"), 2, "is no day"),
    (("waive", "boxes", "box", "--reason", "x", "--window", "2026-05-04T11:00"), 1, "name one with --window"),
])  # fmt: skip
def test_what_cannot_be_meant_is_told_with_its_remedy(
    config: Path, words: tuple[str, ...], code: int, hear: str
) -> None:
    found, said = run(config, *words)
    assert (found, hear in " ".join(said.split())) == (code, True), said
    assert left(config) == []


def test_the_list_shows_duties_breaks_and_strays(config: Path) -> None:
    store = open_store(f"sqlite:///{config.parent / 'record.db'}")
    house = a_house(store, HERE)
    stray = place(0, device="w9")
    record(house, house.intake.take([chunk(located(stray), at(0), "w9")]), to_micros(at(0)))
    now = to_micros(clock.now())
    record(house, orders.carry_out(house, Rest("gw-1", now - HOUR, now, "an")), now)
    store.close()
    run(config, "duty", "resume", "gw-1")
    code, said = run(config, "duty", "list")
    assert code == 0, said
    for hear in ("the roster", "break", "an", "device w9 is in nobody's hands: heard 1 times", "1 commands wait"):
        assert hear in said
