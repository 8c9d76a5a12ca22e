"""While the store is away what is acknowledged waits, what nobody sends again is spooled; the record ends the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.model import Fix, Micros
from tests.geofence.walks import town, walk
from trackerd.carry import AT_ONCE, Carrier
from trackerd.chunk import Chunk
from trackerd.house import House
from trackerd.intake import Intake, Wiring
from trackerd.pipeline import empty, record
from trackerd.store import Batch, Committed, MemoryStore, Refusal, StoreError
from trackerd.store.spool import Parcel, Spool
from trackerd.town import Town

TOWN = Town(town())
WIRING = {"serial": Wiring("csv", live=False), "mqtt": Wiring("csv", live=False)}
HEAD = b"device,time,lon,lat,accuracy_m\n"


class Away(MemoryStore):
    """A store whose commits fail when ``answers`` says so, before or after they are done."""

    def __init__(self, answers: Iterator[int]) -> None:
        super().__init__()
        self.answers = answers

    def commit(self, batch: Batch) -> Committed:
        answer = next(self.answers, 0)
        if answer == 1:
            raise StoreError("away")
        done = super().commit(batch)
        if answer == 2:
            raise StoreError("the connection broke, and whether it was done nobody knows")
        return done


def chunk(source: str, fixes: list[Fix]) -> Chunk:
    lines = [f"{fix.device},{fix.micros / 1e6:.6f},{fix.lon!r},{fix.lat!r},{fix.accuracy_m!r}\n" for fix in fixes]
    receipt = (lambda: None) if source == "mqtt" else None
    return Chunk(source, HEAD + "".join(lines).encode(), datetime.now(UTC), whole=True, receipt=receipt)


def ledger(store: MemoryStore, fixes: list[Fix]) -> tuple[object, ...]:
    made = House(Intake(WIRING, TOWN), store, TOWN, "/trackerd/test", routes=["mqtt"])
    for _ in range(2):
        record(made, empty(), Micros(max(fix.micros for fix in fixes) + 4 * 3600 * 10**6))
    kept = [fix for device in store.devices() for piece in store.fixes(device, 0) for fix in piece]
    return kept, [one.visit for one in store.visits(0, 2**62)]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 2), max_size=30))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_record_ends_the_same_however_often_the_store_is_away(
    tmp_path_factory: pytest.TempPathFactory, seed: int, answers: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    fixes = walk("w1", seed, minutes=20, every_s=10) + walk("w2", seed + 1, minutes=20, every_s=10)
    lots_of = {"serial": fixes[: len(fixes) // 2], "mqtt": fixes[len(fixes) // 2 :]}
    chunks = [chunk(name, some[a : a + 7]) for name, some in lots_of.items() for a in range(0, len(some), 7)]
    rng.shuffle(chunks)
    sent = [line for one in chunks for line in one.data.splitlines()[1:]]
    lots = [list(lot) for lot in np.array_split(np.array(chunks, dtype=object), int(rng.integers(1, 9)))]
    store = Away(iter(answers))
    made = House(Intake(WIRING, TOWN), store, TOWN, "/trackerd/test", routes=["mqtt"])

    def pause(_seconds: float, taking: bool) -> list[Chunk]:
        for later in lots if taking else []:
            free = [one for one in later if one.receipt is None]
            if free and rng.random() < 0.5:
                later.remove(free[0])
                return [free[0]]
        return []

    spool = Spool(tmp_path_factory.mktemp("spool") / "spool.db") if rng.random() < 0.8 else None
    carrier = Carrier(made, spool, pause, lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trackerd.carry.RETRY_S", (0.0005, 0.001))
        while lots:
            assert carrier.turn(lots.pop(0))
        assert carrier.turn([])
    straight = House(Intake(WIRING, TOWN), MemoryStore(), TOWN, "/trackerd/test", routes=["mqtt"])
    record(straight, straight.intake.take(chunks), None)
    assert spool is None or spool.waiting == 0
    assert ledger(store, fixes) == ledger(straight.store, fixes)  # type: ignore[arg-type]
    assert len(sent) >= store.tally().fixes
    carrier.close()


def parcel(number: int) -> Parcel:
    fixes = walk("w1", number, minutes=1)
    refusal = Refusal("serial", Micros(number), "checksum", data=b"\xff\x00$GP")
    return Parcel(fixes, [number] * len(fixes), [None] * len(fixes), [refusal], [])


def test_it_comes_out_as_it_went_in_also_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    parcels = [parcel(number) for number in range(5)]
    for one in parcels[:3]:
        spool.put(one)
    spool.close()
    assert (tmp_path / "spool.db").stat().st_mode & 0o777 == 0o600
    spool = Spool(tmp_path / "spool.db")
    assert spool.waiting == 3
    for one in parcels[3:]:
        spool.put(one)
    kept = spool.oldest(2)
    assert [one.parcel for one in kept] == parcels[:2]
    spool.forget(kept[-1].seq)
    assert [one.parcel for one in spool.oldest(10)] == parcels[2:]
    assert spool.waiting == 3


def test_when_it_is_full_the_oldest_stays_and_the_loss_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", most_bytes=200_000)
    number = 0
    while not spool.lost:
        spool.put(parcel(number))
        number += 1
        assert number < 1000
    assert spool.lost == len(parcel(number - 1).fixes)
    kept = spool.oldest(1000)
    assert [one.parcel for one in kept] == [parcel(n) for n in range(number - 1)]
    spool.forget(kept[-1].seq)
    spool.put(parcel(number))
    assert [one.parcel for one in spool.oldest(10)] == [parcel(number)], "there is room again"


@pytest.mark.parametrize("damage", [b"this is no database, and never was one" * 200, b""])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(damage)
    spool = Spool(path)
    spool.put(parcel(1))
    assert [one.parcel for one in spool.oldest(10)] == [parcel(1)]
    assert len(list(tmp_path.glob("*.damaged-*"))) == bool(damage)


def test_a_long_turn_says_that_it_goes_on(tmp_path: Path) -> None:
    """What waited may take longer to carry than systemd waits for a sign of life."""
    spool = Spool(tmp_path / "spool.db")
    fixes = walk("w1", 1, minutes=20, every_s=2)
    for fix in fixes:
        spool.put(Parcel([fix], [fix.micros], [None], [], [], [], []))
    signs: list[int] = []
    made = House(Intake(WIRING, TOWN), MemoryStore(), TOWN, "/trackerd/test", routes=["mqtt"])
    carrier = Carrier(made, spool, lambda _s, _t: None, lambda _: None, lambda: signs.append(spool.waiting))
    assert carrier.turn([])
    carrier.close()
    assert signs[0] == len(fixes) - AT_ONCE
    assert signs[-1] == 0
