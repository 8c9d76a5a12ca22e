"""Events as CloudEvents, state as JSON: the contract, and nothing lost on the way."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from geofence.engine import Engine
from geofence.event import Event, Kind, Visit, changed
from geofence.look import Trail
from geofence.model import DeviceId, Fixes, Micros, TeamId, WardenId, ZoneId
from geofence.motion import first
from geofence.names import visit_id
from geofence.track import Track
from geofence.wire import cloudevent, dump_track, event_id, load_track, moment
from tests.geofence.walks import START, town, walk

VISIT = Visit(
    visit_id(DeviceId("w07"), ZoneId("box"), START), DeviceId("w07"), ZoneId("box"), Micros(START),
    Micros(START + 60_500_000), 60.5, 71.0, 0.98, "edition",
)  # fmt: skip
EXIT = Event(Kind.EXIT, DeviceId("w07"), Micros(START + 60_500_000), VISIT, accuracy_m=6.04, confidence=0.98)
ENTER = changed(EXIT, kind=Kind.ENTER, time=Micros(START), visit=changed(VISIT, ended=None))


def test_the_shape_of_the_contract() -> None:
    zone = town().by_id[ZoneId("box")]
    said = cloudevent(EXIT, "/trackerd/asse", START + 90_000_000, zone, WardenId("gw-2"), TeamId("zellik"))
    assert said == {
        "specversion": "1.0", "id": event_id("/trackerd/asse", EXIT), "source": "/trackerd/asse",
        "type": "trackerd.zone.exit", "subject": "zones/box", "time": "2026-01-01T08:01:00.500000Z",
        "recordedtime": "2026-01-01T08:01:30Z", "datacontenttype": "application/json",
        "data": {"zone": "box", "zone_name": "box", "kind": "zone", "device": "w07", "warden": "gw-2", "team": "zellik",
                 "visit": VISIT.id, "accuracy_m": 6.0, "confidence": 0.98, "revision": 0, "seconds": 60.5,
                 "seconds_possible": 71.0},
    }  # fmt: skip


def test_positions_only_where_wished_but_an_sos_always_says_where() -> None:
    here = changed(ENTER, lon=4.2, lat=50.9)
    assert "lon" not in cloudevent(here, "s", START)["data"]
    assert cloudevent(here, "s", START, positions=True)["data"]["lon"] == 4.2
    sos = Event(Kind.SOS, DeviceId("w07"), Micros(START), lon=4.2, lat=50.9)
    said = cloudevent(sos, "s", START)
    assert said["subject"] == "devices/w07"
    assert said["data"]["lat"] == 50.9


def test_the_id_is_of_what_is_said() -> None:
    assert event_id("s", ENTER) == event_id("s", changed(ENTER, confidence=0.5, accuracy_m=1.0))
    different = [ENTER, EXIT, changed(ENTER, visit=changed(VISIT, revision=1)), changed(ENTER, time=Micros(START + 1))]
    assert len({event_id(source, event) for event in different for source in ("s", "t")}) == 8


def test_moments() -> None:
    assert moment(START) == "2026-01-01T08:00:00Z"
    assert moment(START + 250_000) == "2026-01-01T08:00:00.250000Z"


@pytest.mark.parametrize("seed", range(30))
def test_a_track_read_back_is_the_one_written(seed: int) -> None:
    engine = Engine(town())
    batch = Fixes.of(walk("w1", seed, minutes=3 + seed))
    engine.feed(batch, engine.zones.locate(batch))
    ((track, _),) = engine.changed()
    assert load_track(dump_track(track)) == track


@pytest.mark.parametrize("change", [{"version": 99}, {"heard": ...}, {"more": 1}])
def test_state_of_another_version_is_refused(change: dict[str, object]) -> None:
    engine = Engine(town())
    batch = Fixes.of(walk("w1", 1))
    engine.feed(batch, engine.zones.locate(batch))
    document = json.loads(dump_track(engine.changed()[0].track)) | change
    kept = {key: value for key, value in document.items() if value is not ...}
    with pytest.raises(ValueError, match="replay rebuilds it"):
        load_track(json.dumps(kept))


def test_a_state_with_a_number_that_is_none_is_not_written() -> None:
    """It would be written as null, and the daemon could not begin with it."""
    motion = first(5.0, 2.0)
    track = Track(DeviceId("w07"), Micros(START), trail=Trail(motion, Micros(START), 4.2, 50.9))
    assert load_track(dump_track(track)).heard == START
    for wrong in (Trail(motion, Micros(START), math.nan, 50.9), Trail(first(math.inf, 2.0), Micros(START), 4.2, 50.9)):
        with pytest.raises(ValueError, match="number"):
            dump_track(replace(track, trail=wrong))
