"""The daemon as a user runs it: a real broker, a real serial line, a real process that is really killed."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from tests.servers import KEPT, Mosquitto, Port, client, publish, until
from tests.wire_contract import faults

BOX = (4.198, 50.91)
ZONES = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": "box-07", "properties": {"name": "Probleembox Markt", "kind": "box", "radius_m": 25},
     "geometry": {"type": "Point", "coordinates": BOX}},
    {"type": "Feature", "id": "far-away", "properties": {"radius_m": 25},
     "geometry": {"type": "Point", "coordinates": (4.3, 50.95)}},
]}  # fmt: skip


class Installation:
    """A folder with a configuration, and the daemon run on it."""

    def __init__(self, folder: Path, port: int, sources: str = "", rest: str = "") -> None:
        self.folder, self.port = folder, port
        self.config = folder / "trackerd.toml"
        self.log = folder / "trackerd.log"
        self.zones = folder / "zones.geojson"
        self.zones.write_text(json.dumps(ZONES))
        sources = sources or '[[source]]\nkind = "mqtt"\nname = "phones"\n'
        rest = rest or "[privacy]\nrequire_duty = false\n"
        device = '[[device]]\nid = "w07"\n'
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[[zones]]\nfile = "zones.geojson"\n'
        self.config.write_text(f'[site]\nname = "asse"\n[http]\nlisten = "off"\n{mqtt}{sources}{device}{rest}')

    @contextmanager
    def daemon(self, fail_point: str = "", under: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
        command = [*under, sys.executable, "-m", "trackerd", "run", "--config", str(self.config)]
        environment = os.environ | {"TRACKERD_FAIL_POINT": fail_point}
        with self.log.open("ab") as log:
            log.write(b"listening to nothing yet\n")
            log.flush()
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            if not fail_point:
                until(lambda: self.up or process.poll() is not None, lambda: self.said, 20)
                assert process.poll() is None, self.said
            yield process
        finally:
            process.kill()
            process.wait(10)

    @property
    def up(self) -> bool:
        """Whether this start of it both tells and listens."""
        last = self.said.rpartition("nothing yet")[2]
        return "telling events" in last and re.search(r"source \S+: .*(connected|open)", last) is not None

    @property
    def said(self) -> str:
        return self.log.read_text()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(f"file:{self.folder}/trackerd.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            database.close()

    def count(self, table: str) -> int:
        return int((self.rows(f"SELECT count(*) FROM {table}") or [(0,)])[0][0])


class Listener:
    """Everything published under trackerd/."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, Any, bool]] = []
        self.faults: list[str] = []
        self.client = client(port)
        self.client.on_message = self._take
        self.client.subscribe("trackerd/#", 1)

    def _take(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if not message.topic.startswith("trackerd/in/"):
            body = json.loads(message.payload) if message.payload else None
            self.messages.append((message.topic, body, message.retain))
            self.faults += faults(message.topic, body)

    def of(self, topic: str) -> list[Any]:
        return [body for one, body, _ in self.messages if one == topic]

    def events(self, type_: str = "") -> list[dict[str, Any]]:
        bodies = [body for topic, body, _ in self.messages if topic.endswith("/events")]
        return [body for body in bodies if body["type"].startswith(f"trackerd.{type_}")]


@pytest.fixture
def listen() -> Iterator[Any]:
    listeners: list[Listener] = []

    def start(port: int) -> Listener:
        listeners.append(Listener(port))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.client.disconnect()
        listener.client.loop_stop()
    assert [fault for listener in listeners for fault in listener.faults] == []


def visit(began: datetime, seconds: int = 120, every: int = 5) -> list[bytes]:
    """Return OwnTracks messages of somebody who walks up to the box for a minute and stands in it."""
    spots = [(began + timedelta(seconds=at), on_the_way(at)) for at in range(-60, 0, every)]
    spots += [(began + timedelta(seconds=at), BOX) for at in range(0, seconds, every)]
    return [
        json.dumps({"_type": "location", "tst": int(when.timestamp()), "lon": lon, "lat": lat, "acc": 6}).encode()
        for when, (lon, lat) in spots
    ]


def on_the_way(at: float) -> tuple[float, float]:
    """Return where somebody is who comes from the east at a walk and enters the box, 25 m around BOX, at 0."""
    return BOX[0] + max(25 - 1.4 * at, 0) / 70_000, BOX[1]


def nmea(when: datetime, lon: float, lat: float) -> bytes:
    def angle(value: float, digits: int) -> str:
        return f"{int(value):0{digits}d}{(value % 1) * 60:09.6f}"

    body = f"GNRMC,{when:%H%M%S}.00,A,{angle(lat, 2)},N,{angle(lon, 3)},E,0.5,90.0,{when:%d%m%y},,,A"
    check = 0
    for letter in body.encode():
        check ^= letter
    return f"${body}*{check:02X}\r\n".encode()


def recently(minutes: float = 10) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(microsecond=0)


def test_a_fix_in_an_enter_out_one_row_in_the_store(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    town = Installation(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    began = recently()
    messages = visit(began)
    with town.daemon() as daemon:
        publish(mosquitto.port, "owntracks/w07/phone", *messages)
        until(lambda: heard.events("zone.enter"), lambda: town.said)
        until(lambda: town.count("fix") == len(messages), lambda: town.said)
        (event,) = heard.events("zone.enter")
        assert event["subject"] == "zones/box-07"
        assert event["source"] == "/trackerd/asse"
        assert {"zone": "box-07", "zone_name": "Probleembox Markt", "kind": "box", "device": "w07", "warden": "w07",
                "revision": 0}.items() <= event["data"].items()  # fmt: skip
        assert abs(datetime.fromisoformat(event["time"]) - began) <= timedelta(seconds=15)
        assert "lat" not in json.dumps(heard.messages)
        assert heard.of("trackerd/status")[-1]["state"] == "online"
        until(lambda: (heard.of("trackerd/zones/box-07/state") or [{}])[-1].get("occupancy") == 1, "occupied")
        assert heard.of("trackerd/zones/far-away/state")[-1] == {
            "occupancy": 0, "last_visit": None, "due": None, "verdict": None,
        }  # fmt: skip
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    until(lambda: heard.of("trackerd/status")[-1]["state"] == "offline", "goodbye")
    assert town.count("outbox") == 0
    later = listen(mosquitto.port)
    until(lambda: len(later.messages) >= 3, "retained")
    retained = {topic for topic, _, kept in later.messages if kept}
    assert retained == {"trackerd/status", "trackerd/zones/box-07/state", "trackerd/zones/far-away/state"}


def test_a_serial_receiver(tmp_path: Path, mosquitto: Mosquitto, listen: Any, serial_port: Port) -> None:
    source = f'[[source]]\nkind = "serial"\nurl = "{serial_port.path}"\nbaud = 9600\ndevice = "w07"\n'
    town = Installation(tmp_path, mosquitto.port, source)
    heard = listen(mosquitto.port)
    began = recently()
    with town.daemon():
        for second in range(0, 150, 5):
            serial_port.say(nmea(began + timedelta(seconds=second), *on_the_way(second - 60)))
            time.sleep(0.01)
        until(lambda: heard.events("zone.enter"), lambda: town.said)
        serial_port.say(b"\xff\x00 noise $GPRMC,broken*00\r\n")
        until(lambda: town.count("fix") >= 29, lambda: town.said)


FULL = os.environ.get("TRACKERD_FAULTS") == "full"
ROUNDS, KILLS = (200, 200) if FULL else (12, 2)
POINTS = ["before-commit", "after-commit", "before-ack", "after-ack", "before-tell", "before-mark", "after-mark"]


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_any_two_steps_nothing_is_lost_and_nothing_is_twice(
    tmp_path: Path, start_mosquitto: Any, listen: Any, point: str
) -> None:
    broker = start_mosquitto("allow_anonymous true\nmax_queued_messages 100000\n" + KEPT)
    town = Installation(tmp_path, broker.port)
    began = recently(8 * KILLS + 20)
    with town.daemon():  # leaves a session, so the broker keeps what comes meanwhile
        pass
    heard, sent = listen(broker.port), 0
    for number in range(KILLS):
        messages = visit(began + timedelta(minutes=8 * number))
        publish(broker.port, "owntracks/w07/phone", *messages)
        sent += len(messages)
        with town.daemon(point) as daemon:
            until(lambda: daemon.poll() is not None, lambda: town.said, 30)
            assert daemon.returncode == -signal.SIGKILL, town.said
    with town.daemon() as daemon:
        until(lambda: town.count("fix") == sent, lambda: f"{town.count('fix')} of {sent}")
        until(lambda: len({event["id"] for event in heard.events("zone")}) >= 2 * KILLS - 1, lambda: town.said)
        until(lambda: town.count("outbox") == 0, "the outbox is empty")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert town.rows("SELECT count(*), count(DISTINCT time) FROM fix") == [(sent, sent)]
    kinds = [row[0] for row in town.rows("SELECT type FROM event WHERE zone IS NOT NULL ORDER BY seq")]
    assert kinds == (["trackerd.zone.enter", "trackerd.zone.exit"] * KILLS)[:-1]
    said = {json.dumps(event["data"], sort_keys=True) for event in heard.events("zone")}
    assert len(said) == len({event["id"] for event in heard.events("zone")}) == 2 * KILLS - 1


@pytest.mark.timeout(60 + 5 * ROUNDS)
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_twice(
    tmp_path: Path, start_mosquitto: Any, listen: Any
) -> None:
    broker = start_mosquitto("allow_anonymous true\nmax_queued_messages 100000\n" + KEPT)
    town = Installation(tmp_path, broker.port)
    messages = [message for number in range(12) for message in visit(recently(120) + timedelta(minutes=8 * number))]
    with town.daemon():
        pass
    heard = listen(broker.port)
    for number in range(ROUNDS):
        with town.daemon():  # killed at the end of the block, in the middle of its work
            publish(broker.port, "owntracks/w07/phone", *messages[number::ROUNDS])
            time.sleep(0.02 * (number % 5))
    with town.daemon() as daemon:
        until(lambda: town.count("fix") == len(messages), lambda: f"{town.count('fix')} of {len(messages)}", 20)
        until(lambda: town.count("outbox") == 0, "the outbox is empty")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    said = {row[0] for row in town.rows("SELECT id FROM event")}
    until(lambda: said <= {event["id"] for event in heard.events()}, "what the broker took came to the subscriber")
    events = heard.events()
    told = {event["id"]: json.dumps(event, sort_keys=True) for event in events}
    assert {json.dumps(event, sort_keys=True) for event in events} == set(told.values())
    assert set(told) == said


def test_reload_takes_good_zones_and_keeps_the_old_for_bad_ones(
    tmp_path: Path, mosquitto: Mosquitto, listen: Any
) -> None:
    town = Installation(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    with town.daemon() as daemon:
        good = town.zones.read_text()
        town.zones.write_text(good.replace("box-07", "Box 7"))
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "not reloaded" in town.said, lambda: town.said)
        assert "'box-7'" in town.said
        town.zones.write_text(good.replace("box-07", "box-08"))
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "reloaded: 2 zones" in town.said, lambda: town.said)
        publish(mosquitto.port, "owntracks/w07/phone", *visit(recently()))  # measured before: by the zones of then
        publish(mosquitto.port, "owntracks/w07/phone", *visit(recently(-1)))
        until(lambda: len(heard.events("zone.enter")) == 2, lambda: town.said)
        assert [event["data"]["zone"] for event in heard.events("zone.enter")] == ["box-07", "box-08"]
        until(lambda: heard.of("trackerd/zones/box-07/state")[-1] is None, "the old zone's state is taken back")


def test_a_broker_that_is_away_is_told_everything_when_it_is_back(
    tmp_path: Path, start_mosquitto: Any, listen: Any, serial_port: Port
) -> None:
    broker = start_mosquitto()
    source = f'[[source]]\nkind = "serial"\nurl = "{serial_port.path}"\nbaud = 9600\ndevice = "w07"\n'
    town = Installation(tmp_path, broker.port, source)
    began = recently(30)
    with town.daemon():
        for number in range(3):
            if number == 1:
                broker.kill9()
            for second in range(0, 240, 5):
                place = on_the_way(60 - abs(second - 120))  # there and back
                serial_port.say(nmea(began + timedelta(seconds=second + 300 * number), *place))
                time.sleep(0.005)
        until(lambda: town.count("fix") >= 143, lambda: town.said)
        told = town.count("event")
        assert town.count("outbox") > 0
        broker.start()
        heard = listen(broker.port)
        until(lambda: town.count("outbox") == 0, lambda: town.said, 30)
        until(lambda: len({event["id"] for event in heard.events()}) >= told * 2 // 3, lambda: str(heard.messages))
        assert heard.of("trackerd/status")[-1]["state"] == "online"


def test_off_duty_nothing_is_kept(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    off = datetime.now(UTC) + timedelta(days=30)
    duty = (
        f'[[duty]]\nwarden = "gw-1"\ndevice = "w07"\nstart = {off:%Y-%m-%dT%H:%M:%S}Z\nend = {off:%Y-%m-%d}T23:59:59Z\n'
    )
    if off.strftime("%H:%M:%S") > "23:59:58":
        off -= timedelta(minutes=1)
    town = Installation(tmp_path, mosquitto.port, rest=duty)
    with town.daemon() as daemon:
        publish(mosquitto.port, "owntracks/w07/phone", *visit(recently()), b'{"_type":"location","lat":50.91 broken')
        publish(mosquitto.port, "owntracks/stranger/phone", *visit(recently()))
        until(lambda: town.count("quarantine") >= 2, lambda: town.said)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(10)
    assert town.count("fix") == town.count("event") == town.count("track") == 0
    for file in tmp_path.iterdir():
        if file.is_file() and file.name != "zones.geojson":
            content = file.read_bytes()
            assert b"50.91" not in content, f"a coordinate of somebody off duty is in {file.name}"


def test_nothing_a_tracker_sends_stops_it(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    town = Installation(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    poison = [b"", b"{", b"[" * 60_000, b"\xff" * 1000, b'{"_type":"location","tst":1e400,"lat":NaN,"lon":1}',
              b'{"_type":"location","tst":' + b"9" * 5000 + b',"lat":1,"lon":1}',
              b"null", b'"x"', b"\x00" * 10]  # fmt: skip
    with town.daemon():
        for topic in ("owntracks/w07/phone", "trackerd/in/w07/nmea"):
            publish(mosquitto.port, topic, *poison)
        publish(mosquitto.port, "owntracks/w07/phone", *visit(recently()))
        until(lambda: heard.events("zone.enter"), lambda: town.said)
    assert "Traceback" not in town.said


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        ("[site]\nnam = 1\n", 1, "did you mean name?"),
        ('[store]\nurl = "sqlite:////no/such/place/x.db"\n', 3, "make the folder"),
    ],
)
def test_what_keeps_it_from_starting_is_told(tmp_path: Path, config: str, code: int, words: str) -> None:
    (tmp_path / "trackerd.toml").write_text(config)
    command = [sys.executable, "-m", "trackerd", "run", "--config", str(tmp_path / "trackerd.toml")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == code
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
