"""What every store must hold to of duty: breaks, waivers, stray devices, erasing."""

from __future__ import annotations

from geofence.event import Kind
from geofence.model import EVER, NEVER, DeviceId, Fixes, Micros, RequirementId, WardenId, ZoneId
from tests.geofence.walks import START
from tests.trackerd.test_store import Reopen, fix, read, reopen, said, visit
from trackerd.store import Batch, Break, Erased, Revised, Unheld, Waiver

__all__ = ["reopen"]
NOTHING = Fixes.of(())
W1 = DeviceId("w1")


def at(second: int) -> Micros:
    return Micros(START + second * 1_000_000)


def waiver(zone: str, start: int, reason: str | None = "road works") -> Waiver:
    return Waiver(RequirementId("boxes"), ZoneId(zone), Micros(start), reason, "an", at(0))


def test_a_break_is_kept_until_another_takes_its_place(reopen: Reopen) -> None:
    first, other = Break(WardenId("gw-1"), at(5), NEVER, "tag"), Break(WardenId("gw-2"), at(1), at(2))
    reopen().commit(Batch(NOTHING, breaks=[first, other]))
    assert reopen().breaks() == [other, first]
    reopen().commit(Batch(NOTHING, breaks=[first._replace(end=at(9)), other._replace(end=at(1))]))
    assert reopen().breaks() == [first._replace(end=at(9))]


def test_a_waiver_is_kept_until_undone(reopen: Reopen) -> None:
    reopen().commit(Batch(NOTHING, waivers=[waiver("b", 20), waiver("a", 20), waiver("a", 10), waiver("a", 30)]))
    assert reopen().waivers(10, 30) == [waiver("a", 10), waiver("a", 20), waiver("b", 20)]
    reopen().commit(Batch(NOTHING, waivers=[waiver("a", 10, None), waiver("a", 20, "market"), waiver("c", 1, None)]))
    assert reopen().waivers(0, 30) == [waiver("a", 20, "market"), waiver("b", 20)]


def test_stray_devices_are_counted(reopen: Reopen) -> None:
    for count, last in ((3, 10), (2, 5)):
        reopen().commit(Batch(NOTHING, unheld=[Unheld(DeviceId("w9"), count, Micros(last))]))
    assert reopen().tally().unheld == (("w9", 5, 10),)


def test_what_is_erased_is_gone_and_its_device_dirty_since_then(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Batch(Fixes.of([fix("w1", second) for second in range(6)] + [fix("w2", 3)])))
    from_two = Erased(W1, at(2), at(4))
    store.commit(Batch(Fixes.of([fix("w1", 3, 4.3), fix("w1", 7)]), erased=[from_two]))
    assert [one.micros for one in read(store)] == [at(second) for second in (0, 1, 4, 5, 7)]
    assert (store.dirty(), store.rejudge()) == ({"w1": at(2)}, {"w1": at(2)})
    assert len(read(reopen(), "w2")) == 1
    store = reopen()
    store.commit(Batch(NOTHING, erased=[Erased(DeviceId("w2"), at(8), at(9)), Erased(DeviceId("w7"), at(0), at(9))]))
    assert store.dirty() == {"w1": at(2)}, "where nothing was nothing is revised"
    store.commit(Batch(NOTHING, erased=[Erased(DeviceId("w2"), EVER, NEVER)]))
    assert store.devices() == ["w1"]


def test_an_event_forgotten_is_never_told_again_and_its_revision_counts(reopen: Reopen) -> None:
    made = visit("v1", at(1), None)
    enter = said("e1", Kind.ENTER, at(1), made, at(2))
    store = reopen()
    store.commit(Batch(NOTHING, events=[enter], routes=["mqtt"]))
    store.commit(Batch(NOTHING, revised=Revised(W1, at(0), ["e1"], forgotten=["e1"])))
    store = reopen()
    assert not store.untold("mqtt", 0, 9)
    assert not store.standing(W1, EVER)
    assert not list(store.visits(EVER, NEVER))
    assert store.revision(made.id) == 1
    assert store.commit(Batch(NOTHING, events=[enter], routes=["mqtt"])).events == []
