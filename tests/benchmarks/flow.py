"""The whole way in: a publisher, a real mosquitto, the daemon with its store; messages a second, and fix to event.

    python -m tests.benchmarks.flow [--seconds 15] [--fixes 1 10] [--store URL]

What must stay true here: QoS 1 both ways, acknowledged after a durable commit; publisher and broker run on the same
machine as the daemon; a run counts only if every fix sent is in the store. The publisher's messages are made before,
so that it takes little of the machine. Fixes are dated days back, ten seconds apart for each device, as from trackers
that send what they kept; how long a fix takes to its event is measured with devices of their own, which walk into a
zone in one message, while the others send at half the pace reached.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.servers import Mosquitto, client, until

DEVICES = 2000
ZONES = 100
CENTRE = (4.198, 50.910)
METRE = (1 / 70_300, 1 / 111_200)
PROBED = (4.4, 51.1)
"""The middle of the zone that probes walk into; nobody else goes there."""
WINDOW = 2000
"""Messages the publisher has open at once."""
CONFIG = """
[site]
name = "bench"
[store]
url = "{store}"
[mqtt]
host = "127.0.0.1"
port = {port}
[[source]]
kind = "mqtt"
name = "phones"
[[zones]]
file = "zones.geojson"
[privacy]
require_duty = false
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run came to."""

    fixes_each: int
    messages_s: float
    daemon_cpu: float
    """Cores the daemon kept busy, and the broker."""
    broker_cpu: float
    peak_mb: float
    p50_ms: float
    p99_ms: float
    """From publishing a fix to its event at a subscriber, at half the pace."""

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.fixes_each} fixes a message: {self.messages_s:,.0f} messages/s, "
            f"{self.messages_s * self.fixes_each:,.0f} fixes/s; daemon {self.daemon_cpu:.2f} cores, broker "
            f"{self.broker_cpu:.2f}, peak {self.peak_mb:.0f} MB; fix to event at half of it: median "
            f"{self.p50_ms:.0f} ms, p99 {self.p99_ms:.0f} ms"
        )


LOCATION = (
    b'{"_type":"location","acc":8,"alt":61,"batt":81,"bs":1,"conn":"m","lat":%.6f,"lon":%.6f,"t":"t","tid":"07",'
    b'"tst":%d,"vac":3,"vel":4}'
)


class Walkers:
    """Devices that stroll through town, in turn."""

    def __init__(self, fixes_each: int) -> None:
        self._each, self._sent = fixes_each, 0
        self._rng = random.Random(1)
        self._start = int(time.time()) - 4 * 86_400
        self._at = [[self._rng.gauss(0, 2000), self._rng.gauss(0, 2000)] for _ in range(DEVICES)]

    def packets(self, count: int) -> list[bytes]:
        """Return so many messages."""
        return [self._next() for _ in range(count)]

    def _next(self) -> bytes:
        turn, device = divmod(self._sent, DEVICES)
        self._sent += 1
        lines = []
        for n in range(self._each):
            at = self._at[device]
            at[0] += self._rng.gauss(0, 9)
            at[1] += self._rng.gauss(0, 9)
            place = [CENTRE[axis] + at[axis] * METRE[axis] for axis in (0, 1)]
            lines.append(located(self._start + 10 * (turn * self._each + n), *place))
        return packet(f"owntracks/d{device}/phone", b"\n".join(lines), self._sent % 65_535 + 1)


class Publisher:
    """One connection that sends what was made before, so many at once, at a pace or as fast as it is let."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench")
        assert self._socket.recv(4)[3] == 0

    def send(self, packets: Sequence[bytes], pace: float | None = None) -> None:
        """Send them all and wait for the broker's word for each."""
        began, sent, told, rest = time.perf_counter(), 0, 0, b""
        while told < len(packets):
            due = len(packets) if pace is None else int((time.perf_counter() - began) * pace)
            last = min(len(packets), told + WINDOW, due)
            if last > sent:
                self._socket.sendall(b"".join(packets[sent:last]))
                sent = last
            if sent > told:
                rest += self._socket.recv(65_536)
                told, rest = told + len(rest) // 4, rest[len(rest) // 4 * 4 :]
            elif pace is not None:
                time.sleep(0.002)


def located(tst: int, lon: float, lat: float) -> bytes:
    """Return a position as OwnTracks sends it."""
    return LOCATION % (lat, lon, tst)


def packet(topic: str, payload: bytes, mid: int) -> bytes:
    """Return an MQTT 3.1.1 PUBLISH of QoS 1."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big") + payload
    size, length = len(body), b""
    while size:
        size, low = divmod(size, 128)
        length += bytes([low | (128 if size else 0)])
    return b"\x32" + length + body


class Probes:
    """Devices that walk into a zone in one message; how long each takes to its event."""

    def __init__(self, port: int) -> None:
        self._client, self._port = client(port, "probes"), port
        self._sent: dict[str, float] = {}
        self.took: list[float] = []
        self._client.on_message = lambda _client, _data, message: self._heard(message.payload)
        self._client.subscribe("trackerd/zones/probed/events", 1)
        self._now = int(time.time()) - 3600

    def send(self) -> str:
        """Send one."""
        device = f"probe{len(self._sent)}"
        east = [-300.0] * 3 + [-216.0, -132.0, -48.0] + [0.0] * 6
        lines = [located(self._now + 60 * n, PROBED[0] + x * METRE[0], PROBED[1]) for n, x in enumerate(east)]
        self._sent[device] = time.perf_counter()
        self._client.publish(f"owntracks/{device}/phone", b"\n".join(lines), 1)
        return device

    def wait(self, seconds: float = 100.0) -> None:
        """Wait until all sent so far have been heard of."""
        until(lambda: len(self.took) == len(self._sent), "every probe's event came", seconds)

    def _heard(self, payload: bytes | bytearray) -> None:
        told = json.loads(payload)
        if told["type"] == "trackerd.zone.enter":
            self.took.append(time.perf_counter() - self._sent[told["data"]["device"].removesuffix("-phone")])


def run(fixes_each: int, seconds: float, store: str | None = None) -> Load:
    """Fill the daemon for so long, then send at half the pace for as long; return the figures."""
    with tempfile.TemporaryDirectory() as name, Mosquitto(Path(name) / "broker", BROKER) as broker:
        folder = Path(name)
        daemon = started(folder, broker.port, store or "sqlite:///bench.db")
        try:
            publisher, probes, walkers = Publisher(broker.port), Probes(broker.port), Walkers(fixes_each)
            warm = round(2000 * seconds / fixes_each**0.5)
            pace = warm / _fill(publisher, probes, walkers.packets(warm))
            packets = walkers.packets(round(pace * seconds))
            pids = (daemon.pid, broker.process.pid) if broker.process is not None else (daemon.pid, 0)
            before = [busy_s(pid) for pid in pids]
            took = _fill(publisher, probes, packets)
            busy, brokers = ((busy_s(pid) - was) / took for pid, was in zip(pids, before, strict=True))
            pace = len(packets) / took
            latencies = _half(publisher, probes, walkers.packets(round(pace * seconds / 2)), pace / 2)
            sent = fixes_each * (warm + len(packets) + round(pace * seconds / 2)) + 12 * len(probes.took)
            if store is None:
                until(lambda: stored(folder / "bench.db") == sent, "every fix is stored", 30)
            p50, p99 = np.percentile(latencies, [50, 99]) * 1000
            return Load(fixes_each, pace, busy, brokers, resident_mb(daemon.pid, peak=True), float(p50), float(p99))
        finally:
            daemon.terminate()
            daemon.wait(20)


BROKER = "allow_anonymous true\nmax_queued_messages 0\nmax_queued_bytes 0\nset_tcp_nodelay true\n"


def started(folder: Path, port: int, store: str) -> subprocess.Popen[bytes]:
    """Start a daemon with a hundred zones in that folder, and wait until it listens."""
    rng = np.random.default_rng(1)
    spots = [(f"zone-{n}", [CENTRE[a] + at[a] * METRE[a] for a in (0, 1)], 60) for n, at in
             enumerate(rng.normal(0, 1500, (ZONES, 2)))]  # fmt: skip
    features = [
        {"type": "Feature", "id": id_, "geometry": {"type": "Point", "coordinates": list(at)},
         "properties": {"radius_m": radius}} for id_, at, radius in [*spots, ("probed", PROBED, 200)]
    ]  # fmt: skip
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (folder / "c.toml").write_text(CONFIG.format(store=store, port=port))
    log = (folder / "daemon.log").open("wb")
    command = [sys.executable, "-m", "trackerd", "run", "--config", str(folder / "c.toml")]
    daemon = subprocess.Popen(command, stdout=log, stderr=log)
    watching = client(port, "watch")
    seen = threading.Event()
    watching.on_message = lambda _client, _data, message: seen.set() if b"online" in message.payload else None
    watching.subscribe("trackerd/status", 1)
    assert seen.wait(60), (folder / "daemon.log").read_text()
    watching.disconnect()
    watching.loop_stop()
    time.sleep(1)
    return daemon


def stored(file: Path) -> int:
    """Return how many fixes a store has."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM fix").fetchone()[0])


def _fill(publisher: Publisher, probes: Probes, packets: Sequence[bytes]) -> float:
    """Return how long it took until all of it was through."""
    began = time.perf_counter()
    publisher.send(packets)
    probes.send()
    probes.wait()
    return time.perf_counter() - began


def _half(publisher: Publisher, probes: Probes, packets: Sequence[bytes], pace: float) -> list[float]:
    before, done = len(probes.took), threading.Event()
    prober = threading.Thread(target=lambda: _probing(probes, done))
    prober.start()
    publisher.send(packets, pace)
    done.set()
    prober.join()
    probes.wait()
    return probes.took[before:]


def _probing(probes: Probes, done: threading.Event) -> None:
    while not done.wait(0.04):
        probes.send()


def busy_s(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Return the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:" if peak else "VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--fixes", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--store")
    args = parser.parse_args()
    for fixes in args.fixes:
        print(run(fixes, args.seconds, args.store), flush=True)


if __name__ == "__main__":
    main()
