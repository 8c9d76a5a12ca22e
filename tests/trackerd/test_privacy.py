"""The proof: what the daemon wrote in a day of duty, breaks and private places holds no place of the time between."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.servers import Mosquitto, free_port, publish, until
from tests.trackerd.test_daemon import Installation, listen, nmea, recently
from tests.trackerd.traces import all_files

__all__ = ["listen"]

DUTY, OFF, BREAK, HOME = 0.1111, 0.2222, 0.3333, 0.4444
"""Where somebody is tells what time it is: so many degrees east of 4 and north of 50."""
STRAY = 0.5555


def place(mark: float, n: int) -> tuple[float, float]:
    return 4 + mark + n * 1e-6, 50 + mark + n * 1e-6


def phone(when: datetime, mark: float, n: int, **more: str) -> bytes:
    lon, lat = place(mark, n)
    said = {"_type": "location", "tst": int(when.timestamp()), "lon": lon, "lat": lat, "acc": 6, "SSID": f"wifi-{mark}"}
    return json.dumps(said | more).encode()


def sentence(when: datetime, mark: float, n: int) -> bytes:
    return nmea(when, *place(mark, n))


def found(files: Iterable[Path], mark: float) -> list[str]:
    """Return where a file speaks of these places: in decimals, as NMEA writes them, or as doubles at any offset."""
    arc = re.escape(f"{mark * 60:09.6f}"[:5])
    text = re.compile(rf"(?:4|50)\.{mark * 10_000:.0f}|(?:004|50){arc}|wifi-{mark}".encode())
    where = []
    for file in files:
        content = file.read_bytes()
        where += [f"{one!r} in {file.name}" for one in text.findall(content)]
        for offset in range(8):
            whole = content[offset : offset + (len(content) - offset) // 8 * 8]
            for order in "><":
                doubles = np.frombuffer(whole, np.dtype(f"{order}f8"))
                near = np.zeros(len(doubles), bool)
                for degrees in (4 + mark, 50 + mark):
                    near |= (doubles > degrees - 1e-4) & (doubles < degrees + 1e-4)
                where += [f"{one} in {file.name}, {order}double" for one in doubles[near].tolist()]
    return where


class Day(Installation):
    """Four wardens, each with another tracker, and one tracker nobody carries."""

    def __init__(self, folder: Path, port: int) -> None:
        self.tcp = free_port()
        self.began = recently(minutes=120)
        hours = timedelta(hours=3)
        span = f'start = "{(self.began - hours / 3).isoformat()}"\nend = "{(self.began + hours).isoformat()}"\n'
        span = span.replace('"', "")
        sources = (
            '[[source]]\nkind = "mqtt"\nname = "phones"\n'
            f'[[source]]\nkind = "tcp"\nhost = "127.0.0.1"\nport = {self.tcp}\ndevice = "w09"\n'
        )
        devices = "".join(f'[[device]]\nid = "{name}"\n' for name in ("w08", "w09", "w10", "w11"))
        duties = "".join(
            f'[[duty]]\nwarden = "gw-{n}"\ndevice = "w{n:02}"\n{span}' for n in (7, 8, 9, 11)
        )  # fmt: skip
        super().__init__(folder, port, sources, devices + duties)
        self.config.write_text(self.config.read_text().replace("[mqtt]\n", "[mqtt]\npositions = true\n"))
        lon, lat = place(HOME, 0)
        features = [
            {"type": "Feature", "id": name, "properties": {"kind": kind, "radius_m": 60},
             "geometry": {"type": "Point", "coordinates": [at[0], at[1]]}}
            for name, kind, at in (("box", "box", place(DUTY, 0)), ("home", "private", (lon, lat)),
                                   ("break", "box", place(BREAK, 5)), ("off", "box", place(OFF, 5)))
        ]  # fmt: skip
        # The zones of the places lie beside them, so that coordinates of zones are none of fixes.
        for feature in features[2:]:
            feature["geometry"] = {"type": "Polygon", "coordinates": [_around(feature["geometry"]["coordinates"])]}  # type: ignore[index]
        self.zones.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

    def at(self, minutes: float) -> datetime:
        return self.began + timedelta(minutes=minutes)

    def say(self, *data: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.tcp)) as line:
            line.sendall(b"".join(data))

    def trackerd(self, *words: str) -> str:
        command = [sys.executable, "-m", "trackerd", *words, "--config", str(self.config)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stderr

    @property
    def written(self) -> list[Path]:
        """Every file but those we wrote ourselves and the broker's."""
        ours = {self.config, self.zones}
        return [path for path in all_files(self.folder) if path not in ours and "broker" not in str(path)]


def _around(at: list[float]) -> list[list[float]]:
    east, north = 2e-3, 2e-3
    ring = [(-east, -north), (east, -north), (east, north), (-east, north), (-east, -north)]
    return [[at[0] + x, at[1] + y] for x, y in ring]


def test_no_place_of_the_time_off_duty_is_in_any_byte(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    day = Day(tmp_path, mosquitto.port)
    heard = listen(mosquitto.port)
    spots = [(day.at(m), DUTY, m) for m in (*range(10), *range(40, 50))]
    off = [(day.at(-90 + m), OFF, m) for m in range(10)] + [(day.at(-61), OFF, 20)]
    home = [(day.at(10 + m), HOME, m) for m in range(5)]
    pause = [(day.at(20 + m / 2), BREAK, m) for m in range(20)]
    broken = [phone(*off[0])[:-20], phone(*home[0])[:-9] + b"}}", b"\xff" + phone(*pause[0])]
    lines = [sentence(*one).replace(b"A,", b"V,", 1) for one in (*off, *home)]
    lines += [sentence(*one)[:-4] + b"00\r\n" for one in (*off, *home, *pause)]
    rest = json.dumps({"duty": "break", "from": day.at(20).isoformat(), "until": day.at(30).timestamp()}).encode()
    with day.daemon() as daemon:
        # A phone: its break is known before what was measured in it comes.
        publish(day.port, "trackerd/in/w07/duty", rest)
        publish(day.port, "owntracks/w07/phone", *(phone(*one) for one in (*off, *spots, *home, *pause)), *broken)
        # The same, told afterwards, when all of it is on disk: NMEA by MQTT, by the tracker's own button.
        publish(day.port, "trackerd/in/w08/nmea", *(sentence(*one) for one in (*off, *spots, *home, *pause)), *lines)
        until(lambda: day.count("fix") == 60, lambda: f"{day.count('fix')} fixes; {day.said}")
        assert found(day.written, BREAK), "it is there, so it can be erased"
        publish(day.port, "trackerd/in/w08/duty", rest)
        # NMEA by TCP; its break is told by the coordinator, on the command line.
        day.say(*(sentence(*one) for one in (*off, *spots, *home, *pause)), *lines)
        until(lambda: day.count("fix") == 80, lambda: f"{day.count('fix')} fixes; {day.said}")
        said = day.trackerd(
            "duty", "break", "gw-9", "--from", day.at(20).isoformat(), "--until", day.at(30).isoformat()
        )
        assert "The daemon takes it within a second." in said
        until(lambda: day.count("fix") == 60, lambda: f"{day.count('fix')} fixes; {day.said}")
        # An iPhone's tag.
        tagged = [phone(*one, tag="break") for one in pause]
        publish(day.port, "owntracks/w11/phone", *(phone(*one) for one in spots[:10]), *tagged, phone(*spots[-1]))
        until(lambda: day.count("fix") == 71, lambda: f"{day.count('fix')} fixes; {day.said}")
        # And a tracker in nobody's hands.
        publish(day.port, "owntracks/w10/phone", *(phone(at, STRAY, n) for at, _, n in spots), b'{"lat":50.5555')
        until(lambda: day.rows("SELECT times FROM unheld") == [(21,)], lambda: day.said)
        until(lambda: day.count("dirty") == day.count("outbox") == 0, "all is told")
        daemon.kill()
    for mark in (OFF, BREAK, HOME, STRAY):
        assert found(day.written, mark) == []
    assert len(found(day.written, DUTY)) >= 140, "the search finds what is there"
    assert {path.name for path in day.written} >= {"trackerd.db", "trackerd.db-wal", "trackerd.log"}
    assert day.said.count("device w10 is in nobody's hands") == 1
    assert "w10" in day.trackerd("duty", "list")
    with day.daemon() as daemon:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    for mark in (OFF, BREAK, HOME, STRAY):
        assert found(day.written, mark) == []
    told = json.dumps([body for _, body, _ in heard.messages])
    assert "4.1111" in told
    assert not re.search(r"\.(2222|4444|5555)", told)
    assert day.rows("SELECT count(*) FROM visit WHERE zone != 'box'") == [(0,)]
    assert "Traceback" not in day.said


def test_a_command_waits_for_the_daemon_and_survives_its_death(tmp_path: Path, mosquitto: Mosquitto) -> None:
    day = Day(tmp_path, mosquitto.port)
    pause = [(day.at(20 + m / 2), BREAK, m) for m in range(20)]
    said = day.trackerd("duty", "break", "gw-7", "--from", day.at(20).isoformat(), "--until", day.at(30).isoformat())
    assert "No daemon runs: it holds from its next start." in said
    (inbox := day.folder / "trackerd.db.d").joinpath("000-bad.json").write_text("nonsense")
    with day.daemon("before-done") as daemon:
        until(lambda: daemon.poll() is not None, lambda: day.said, 30)
    assert day.count("rest") == 1
    assert len(list(inbox.glob("*.json"))) == 1, "carried out, not yet removed: it is carried out again"
    with day.daemon():
        until(lambda: not list(inbox.glob("*.json")), lambda: day.said)
        publish(day.port, "owntracks/w07/phone", *(phone(*one) for one in pause), phone(day.at(31), DUTY, 1))
        until(lambda: day.count("fix") == 1, lambda: day.said)
    assert day.count("rest") == 1
    assert found(day.written, BREAK) == []
    assert "JSON" in inbox.joinpath("000-bad.why").read_text()
