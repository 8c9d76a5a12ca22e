"""What a phone kept and sends hours later, through the daemon as a user runs it: a real broker, a real process."""

from __future__ import annotations

import json
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.servers import Mosquitto, publish, until
from tests.trackerd.test_daemon import BOX, Installation, listen, recently

__all__ = ["listen"]
AWAY = (4.205, 50.915)


def stretch(began: datetime, minutes: int, place: tuple[float, float]) -> list[bytes]:
    return [
        json.dumps({"_type": "location", "tst": int((began + timedelta(seconds=at)).timestamp()), "lon": place[0],
                    "lat": place[1], "acc": 6}).encode()
        for at in range(0, minutes * 60, 5)
    ]  # fmt: skip


def test_an_upload_two_hours_late(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    town = Installation(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    began = recently(minutes=141)
    in_time = stretch(began, 10, AWAY) + stretch(began + timedelta(minutes=60), 80, AWAY)
    late = stretch(began + timedelta(minutes=10), 20, BOX) + stretch(began + timedelta(minutes=30), 30, AWAY)
    with town.daemon():
        publish(mosquitto.port, "owntracks/w07/phone", *in_time)
        until(lambda: town.count("fix") == len(in_time), lambda: town.said)
        until(lambda: heard.events("device.back"), lambda: town.said)
        before = heard.events("zone") + heard.events("device")
        assert sorted(event["type"] for event in before) == ["trackerd.device.back", "trackerd.device.silent"]
    with town.daemon() as daemon:  # the record is revised from what is on disk, not from memory
        publish(mosquitto.port, "owntracks/w07/phone", *late)
        until(lambda: heard.events("zone.exit"), lambda: town.said)
        until(lambda: town.count("outbox") == 0, "the outbox is empty")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert "Traceback" not in town.said
    backs = heard.events("retract")
    assert {event["id"] for event in before} <= {event["data"]["retracts"] for event in backs}
    topics = {topic for topic, body, _ in heard.messages if topic.endswith("/events") and body in backs}
    assert "trackerd/devices/w07/events" in topics
    back = {event["data"]["retracts"] for event in backs}
    enter, leave = (event for event in heard.events("zone") if event["id"] not in back)
    assert (enter["type"], leave["type"]) == ("trackerd.zone.enter", "trackerd.zone.exit")
    assert min(enter["data"]["revision"], leave["data"]["revision"]) >= 1
    for event, minutes in ((enter, 10), (leave, 30)):
        assert abs(datetime.fromisoformat(event["time"]) - began - timedelta(minutes=minutes)) < timedelta(seconds=20)
        assert event["recordedtime"] > (began + timedelta(minutes=138)).isoformat()
    assert town.rows("SELECT zone, ended - began BETWEEN 1100e6 AND 1300e6 FROM visit") == [("box-07", 1)]
    assert town.count("dirty") == 0
    each_said_alike(town, heard)


def test_killed_between_the_commit_and_the_revision(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    town = Installation(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    began = recently(minutes=40)
    with town.daemon():
        publish(mosquitto.port, "owntracks/w07/phone", *stretch(began + timedelta(minutes=20), 15, AWAY))
        until(lambda: town.count("fix") == 180, lambda: town.said)
    publish(mosquitto.port, "owntracks/w07/phone", *stretch(began, 10, BOX))
    with town.daemon("before-revise") as daemon:
        until(lambda: daemon.poll() is not None, lambda: town.said, 30)
        assert daemon.returncode == -signal.SIGKILL, town.said
    assert town.count("dirty") == 1
    with town.daemon():
        until(lambda: heard.events("zone.exit"), lambda: town.said)
        until(lambda: town.count("fix") == 300, lambda: town.said)
        until(lambda: town.count("dirty") == town.count("outbox") == 0, lambda: town.said)
    assert len(town.rows("SELECT * FROM visit")) == 1
    each_said_alike(town, heard)


def each_said_alike(town: Installation, heard: Any) -> None:
    """An event told again after a kill is the same, and none but those of the record was told."""
    bodies = {json.dumps(event, sort_keys=True) for event in heard.events()}
    assert len(bodies) == len({event["id"] for event in heard.events()}) == town.count("event")
