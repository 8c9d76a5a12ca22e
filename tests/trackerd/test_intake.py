"""What the intake keeps of a stream, and of one that is over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from geofence.model import DeviceId
from trackerd.chunk import Chunk
from trackerd.intake import Intake, Wiring
from trackerd.town import Town

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)


def place(second: int, **more: object) -> bytes:
    at = NOW + timedelta(seconds=second)
    return json.dumps({"_type": "location", "lat": 50.9, "lon": 4.2, "tst": at.timestamp(), **more}).encode()


@pytest.mark.parametrize("data", [place(0), place(0, t="p"), b"{", b"\xff"])
def test_a_datagram_leaves_no_decoder_behind(data: bytes) -> None:
    intake = Intake({"post": Wiring("owntracks", DeviceId("w1"))}, Town())
    for port in range(3):
        intake.take([Chunk("post", data, NOW, stream=f"{port}", whole=True, closed=True)])
    assert not intake._decoders


def test_messages_read_either_way_keep_their_order_and_who_sent_them() -> None:
    wiring = {name: Wiring("owntracks", DeviceId(name)) for name in ("w1", "w2")}
    said = [("w1", place(0)), ("w2", place(1) + b"\n" + place(2)), ("w1", place(3) + b"\r\n"), ("w1", place(4))]
    taken = Intake(wiring, Town()).take([
        Chunk(name, data, NOW + timedelta(seconds=9), stream=name, whole=True) for name, data in said
    ])  # fmt: skip
    assert [(fix.device, (fix.time - NOW).seconds) for fix in taken.fixes] == [
        ("w1", 0), ("w2", 1), ("w2", 2), ("w1", 3), ("w1", 4),
    ]  # fmt: skip
    assert len(taken.received) == len(taken.wardens) == 5
