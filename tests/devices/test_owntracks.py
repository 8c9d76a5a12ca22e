"""OwnTracks: the published payloads, and what is peculiar to each field."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.decoder import Bad, Heartbeat
from devices.owntracks import OwnTracks
from devices.position import KMH_MPS
from geofence.model import Fix
from tests.devices.reading import CAPTURES, DEVICE, fixes, read, signs, whys

PAYLOADS = [json.loads(line) for line in (CAPTURES / "owntracks/owntracks.jsonl").read_text().splitlines()]
PLACE = {"_type": "location", "lat": 50.9101, "lon": 4.1981, "tst": 1767254400}


def message(**more: Any) -> bytes:
    """Return a location with more members; a member that is None is left out."""
    return json.dumps({k: v for k, v in {**PLACE, **more}.items() if v is not None}).encode()


def one(**more: Any) -> Fix:
    (fix,) = read(OwnTracks, message(**more))
    assert isinstance(fix, Fix)
    return fix


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload["source"].rsplit("/", 1)[-1])
def test_only_a_location_makes_a_fix(payload: dict[str, Any]) -> None:
    kind = payload["expected"].get("type") or json.loads(payload["payload"] or "{}")
    kind = kind.get("_type") if isinstance(kind, dict) else kind
    said = read(OwnTracks, payload["payload"].encode())
    assert len(fixes(said)) == (1 if kind == "location" else 0)
    assert all(fix.device == DEVICE for fix in fixes(said))


def test_what_the_published_payloads_come_to() -> None:
    said = [thing for payload in PAYLOADS for thing in read(OwnTracks, payload["payload"].encode())]
    assert len(fixes(said)) == 11
    assert Counter(whys(said)) == {"not-an-object": 1, "encrypted": 1, "invalid": 1}
    assert Counter(signs(said)) == {"transition": 10, "waypoints": 3, "waypoint": 2, "lwt": 4, "steps": 3}


def test_every_part_of_a_location() -> None:
    fix = one(acc=9, vel=36, cog=360, alt=61, batt=81, tid="zz", topic="owntracks/other/phone", t="u", SSID="home")
    assert fix == Fix(
        DEVICE, datetime(2026, 1, 1, 8, tzinfo=UTC), 4.1981, 50.9101,
        accuracy_m=9, speed_mps=36 * KMH_MPS, course_deg=0, altitude_m=61, battery_pct=81,
    )  # fmt: skip


def test_what_is_absent_is_unknown() -> None:
    fix = one()
    assert (fix.accuracy_m, fix.speed_mps, fix.course_deg, fix.altitude_m, fix.battery_pct) == (None,) * 5


@pytest.mark.parametrize("acc", [0, -1, 1e9])
def test_an_accuracy_that_says_nothing_is_unknown(acc: float) -> None:
    assert one(acc=acc).accuracy_m is None


def test_numbers_beside_the_position_that_cannot_be_are_unknown() -> None:
    fix = one(vel=-1, cog=-1, batt=-1, alt=1e12)
    assert (fix.speed_mps, fix.course_deg, fix.altitude_m, fix.battery_pct) == (None,) * 4


def test_a_ping_is_no_evidence_of_being_there() -> None:
    assert read(OwnTracks, message(t="p", batt=50)) == [Heartbeat(DEVICE, 50, "ping")]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"lat": 0, "lon": 0}, "null-island"),
        ({"lat": 90.1}, "out-of-range"),
        ({"lon": -180.1}, "out-of-range"),
        ({"lat": "50.9"}, "invalid"),
        ({"lat": None}, "invalid"),
        ({"tst": None}, "invalid"),
        ({"tst": 0}, "bad-time"),
        ({"tst": -5}, "bad-time"),
        ({"tst": 1767254400000}, "bad-time"),
        ({"_type": "shopping"}, "unknown-type"),
        ({"_type": "encrypted", "data": "x"}, "encrypted"),
        ({"_type": None}, "invalid"),
    ],
)
def test_what_is_refused_has_a_reason(more: dict[str, Any], why: str) -> None:
    (bad,) = read(OwnTracks, message(**more))
    assert isinstance(bad, Bad)
    assert (bad.why, bool(bad.detail)) == (why, True)


def test_an_empty_message_says_nothing() -> None:
    assert read(OwnTracks, b"") == []
    assert read(OwnTracks, b" \r\n") == []


def test_files_of_the_recorder_and_json_lines() -> None:
    line = message(acc=9)
    recorded = b"2026-01-01T08:00:01Z\t*                 \t" + line + b"\n"
    other = b'2026-01-01T08:00:01Z\tlwt               \t{"_type":"lwt","tst":1}\r\n'
    assert read(OwnTracks, recorded + other + recorded) == [one(acc=9), Heartbeat(DEVICE, None, "lwt"), one(acc=9)]
    assert read(OwnTracks, line + b"\n{broken\n" + line) == [
        one(acc=9),
        Bad("not-json", b"{broken", "not JSON"),
        one(acc=9),
    ]


def test_a_message_over_several_lines_is_one() -> None:
    spread = json.dumps({**PLACE, "more": {"a": [{"b": 1}, {"c": 2}]}}, indent=1).encode()
    assert read(OwnTracks, spread) == [one()]
    assert read(OwnTracks, spread + b"\r\n") == [one()]


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "_type": st.sampled_from(["location", "lwt", "transition", 3]),
        "tst": st.sampled_from([1767254400, 1.5, 0, -1, 1e18, "x"]),
        "lat": st.sampled_from([50.9, 0, 90, 90.1, None]), "lon": st.sampled_from([4.2, 0, -180, 181, "4"]),
        "acc": st.sampled_from([9, 0, -1, 1e9, None]), "vel": st.sampled_from([4, -4, 1e6]),
        "cog": st.sampled_from([0, 120, 360, 361]), "alt": st.sampled_from([61, -30_000]),
        "batt": st.sampled_from([81, 101, None]), "t": st.sampled_from(["u", "p", "t"]),
        "tag": st.sampled_from(["break", "", "desk"]), "inregions": st.sampled_from([["home"], [[[[[[[[[]]]]]]]]]]),
        "more": st.sampled_from(["}\n{", "é", {"a": 1}, "\\"]),
    },
)  # fmt: skip
JOINTS = st.sampled_from([b"\n", b"\r\n", b"", b" ", b"\n\n", b",\n", b"\n "])


@given(st.lists(MEMBERS, max_size=4), JOINTS, st.sampled_from([b"", b"\n", b" ", b"\n\n"]), st.booleans())
@example([{}], b"\n", b"", False)
@example([{}, {"acc": 9}], b"\n", b"\n", False)
@example([{}, {}], b"", b"", False)
@example([{}, {}], b"\n", b"", True)
@settings(max_examples=300, deadline=None)
def test_what_says_no_more_than_places_is_read_alike(
    messages: list[dict[str, Any]], joint: bytes, after: bytes, indented: bool
) -> None:
    """Read as numbers or one by one, the same fixes; whatever else a message says, it is not read as numbers."""
    texts = [json.dumps({**PLACE, **more}, indent=1 if indented else None, ensure_ascii=False) for more in messages]
    data = joint.join(text.encode() for text in texts) + after
    places = OwnTracks(DEVICE).places(data)
    if places is not None:
        found = OwnTracks.columns((DEVICE,), np.zeros(len(places), np.int64), places)
        assert [*found] == read(OwnTracks, data)


def test_plain_locations_are_read_as_numbers() -> None:
    assert len(OwnTracks(DEVICE).places(message(acc=9) + b"\n" + message(vel=4, inregions=["home"])) or ()) == 2
    assert OwnTracks(DEVICE).places(message(tag="break")) is None
    assert OwnTracks(DEVICE).places(message(lat=0, lon=0)) is None
