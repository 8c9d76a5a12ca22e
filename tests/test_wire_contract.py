"""The contract of topics and payloads judges as it should, and the recorded days keep it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from geofence.event import Kind
from geofence.wire import PREFIX, VERDICTS
from tests.wire_contract import contract, faults

ENTER: dict[str, Any] = {
    "specversion": "1.0", "id": "5b0c1d2e-0000-5000-8000-000000000000", "source": "/trackerd/asse",
    "type": "trackerd.zone.enter", "subject": "zones/box-07", "time": "2026-05-04T08:12:31Z",
    "recordedtime": "2026-05-04T08:12:48.250000Z", "datacontenttype": "application/json",
    "data": {
        "zone": "box-07", "zone_name": "Markt", "kind": "box", "device": "w07", "warden": "gw-2", "accuracy_m": 6.0,
        "visit": "5b0c1d2e-0000-5000-8000-000000000001", "confidence": 0.98, "revision": 0,
    },
}  # fmt: skip


def test_every_schema_is_one() -> None:
    for schema in contract()["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_what_is_right_passes() -> None:
    assert faults("trackerd/zones/box-07/events", ENTER) == []
    assert faults("trackerd/zones/box-07/state", None) == []
    assert faults("trackerd/status", {"state": "online", "version": "0.1.0"}) == []


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("trackerd/zones/box-07/events", {"time": "2026-05-04T10:12:31+02:00"}),
        ("trackerd/zones/box-07/events", {"type": "trackerd.zone.enters"}),
        ("trackerd/zones/box-07/events", {"type": "trackerd.zone.met"}),
        ("trackerd/zones/box-07/events", {"more": 1}),
        ("trackerd/zones/box-07/events", {"data": ENTER["data"] | {"name": "Anna"}}),
        ("trackerd/zones/box-07/events", {"data": {"zone": "box-07"}}),
        ("trackerd/devices/w07/events", {}),
        ("trackerd/zone/box-07/events", {}),
    ],
)
def test_what_is_wrong_is_found(topic: str, change: dict[str, Any]) -> None:
    assert faults(topic, copy.deepcopy(ENTER) | change)


def test_every_type_that_is_told_stands_in_it() -> None:
    told = {PREFIX + kind for kind in (*Kind, *VERDICTS.values(), "zone.due")}
    text = json.dumps(contract())
    assert not [one for one in told if f'"{one}"' not in text]


def test_a_whole_day_keeps_it(tmp_path: Path) -> None:
    """The demo's tracks: stays, silences, verdicts."""
    demo = Path(__file__).parents[1] / "trackerd" / "demo"
    command = [sys.executable, "-m", "trackerd", "replay", *demo.glob("w0*.gz"), "--config", demo / "trackerd.toml"]
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=True).stdout
    events = [json.loads(line) for line in said.splitlines()]
    assert {"trackerd.zone.met", "trackerd.zone.skip", "trackerd.zone.exit"} <= {event["type"] for event in events}
    assert [one for event in events for one in faults(f"trackerd/{event['subject']}/events", event)] == []
