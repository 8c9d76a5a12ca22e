"""The figures, as a real scrape of a real daemon reads them, and what keeps them few and nameless."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from geofence.calendar import Window
from geofence.model import DeviceId, Fix, Fixes, Micros, WardenId, ZoneId, to_micros
from geofence.plan import Duty, Roster
from tests.servers import Mosquitto, Port, free_port, need, publish, until
from tests.trackerd.test_daemon import BOX, Installation
from trackerd.assemble import opened
from trackerd.assemble import service as assembled
from trackerd.chunk import Chunk
from trackerd.commands import the_town
from trackerd.histogram import Histogram
from trackerd.intake import Intake, Wiring
from trackerd.measure import prepared
from trackerd.metrics import MOST, OTHER, Metrics, bounded, opaque
from trackerd.service import Service
from trackerd.store import Batch, StoreError
from trackerd.town import Town
from trackerd.vitals import Look

ROOT = Path(__file__).parents[2]


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def phone(ago_s: float, lon: float = BOX[0], lat: float = BOX[1]) -> bytes:
    moment = datetime.now(UTC) - timedelta(seconds=ago_s)
    return json.dumps({"_type": "location", "tst": int(moment.timestamp()), "lon": lon, "lat": lat, "acc": 5}).encode()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a daemon says of itself that was sent three fixes, one of them twice, and three pieces of rubbish."""
    folder = tmp_path_factory.mktemp("metrics")
    port = free_port()
    with Mosquitto(folder / "broker") as broker, Port(folder) as serial:
        sources = (
            '[[source]]\nkind = "mqtt"\nname = "phones"\n'
            f'[[source]]\nkind = "serial"\nname = "post"\nurl = "{serial.path}"\ndevice = "w07"\nbaud = 9600\n'
        )
        rest = f"[privacy]\nrequire_duty = false\n[metrics]\nport = {port}\ndevices = true\n"
        ours = Installation(folder, broker.port, sources, rest)
        with ours.daemon():
            twice = phone(60)
            publish(broker.port, "owntracks/w07/phone", phone(70), twice, twice, phone(40), b"{", b'{"_type":"x"', b"")
            publish(broker.port, "owntracks/w09/phone", phone(30))
            wanted = ("trackerd_zones_occupied",)
            until(lambda: samples(scrape(port)).get(wanted) == 1, lambda: scrape(port), 20)
            yield samples(scrape(port)), scrape(port), ours


def test_every_fix_is_counted_once_and_rightly(told: Any) -> None:
    found = told[0]
    assert found["trackerd_fixes_received_total", "phones"] == 4
    assert found["trackerd_fixes_stored_total",] == 3
    assert found["trackerd_fixes_duplicate_total",] == 1
    assert found["trackerd_refusals_total", "not-json"] >= 2
    assert found["trackerd_refusals_total", "unknown-device"] == 1
    assert found["trackerd_events_total", "trackerd.zone.enter"] == 1
    assert found["trackerd_event_lag_seconds_count",] >= 1


def test_lag_is_what_the_sender_waited(told: Any) -> None:
    found = told[0]
    assert found["trackerd_store_lag_seconds_count",] == 4
    assert found["trackerd_store_lag_seconds_bucket", "30.0"] == 0
    assert found["trackerd_store_lag_seconds_bucket", "300.0"] == 4
    assert 230 <= found["trackerd_store_lag_seconds_sum",] < 1200
    assert found["trackerd_commit_duration_seconds_count",] >= 1


def test_sources_say_whether_they_are_connected(told: Any) -> None:
    found, now = told[0], datetime.now(UTC).timestamp()
    assert found["trackerd_source_connected", "phones"] == 1
    assert found["trackerd_source_connected", "post"] == 1
    assert now - 120 < found["trackerd_source_last_seen_timestamp_seconds", "phones"] <= now
    assert ("trackerd_source_last_seen_timestamp_seconds", "post") not in found, "nothing ever came from it"


def test_the_town_is_told_without_its_people(told: Any) -> None:
    found, text, _ = told
    assert found["trackerd_zones",] == 2
    assert found["trackerd_zone_last_presence_timestamp_seconds", "box-07"] > 0
    assert found["trackerd_outbox_letters", "mqtt"] <= 1
    assert found["trackerd_dead_letters", "mqtt"] == 0
    assert "w07" not in text
    assert "w09" not in text
    assert "4.198" not in text
    assert "50.91" not in text


def test_off_duty_there_is_one_number_for_all() -> None:
    duty = Duty(WardenId("gw-1"), DeviceId("w01"), Window(Micros(0), Micros(1)))  # over long ago
    intake = Intake({"post": Wiring("csv", DeviceId("w01"))}, Town(roster=Roster((duty,))))
    row = f"device,time,lon,lat\nw01,{datetime.now(UTC).isoformat()},4.2,50.9\n".encode()
    taken = intake.take([Chunk("post", row, datetime.now(UTC), closed=True)])
    assert (taken.gated, len(taken.fixes)) == (1, 0)
    assert not intake.received
    assert not intake.heard


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, Metrics]]:
    """Give a daemon that does not turn, with one device heard an hour ago, and its figures."""
    config = tmp_path / "trackerd.toml"
    config.write_text("[privacy]\nrequire_duty = false\n[metrics]\nport = 1\ndevices = true\n")
    settings, town = the_town(config)
    ago = datetime.now(UTC) - timedelta(hours=1)
    with closing(opened(settings, config)) as store:
        fixes = Fixes.of([Fix(DeviceId("w01"), ago, 4.2, 50.9)])
        store.commit(Batch(fixes, [to_micros(ago)], [None]))
    service = assembled(settings, config, town)
    yield service, Metrics(service, prepared(settings, config, service))
    service.vitals.house.store.close()


def test_a_store_that_does_not_answer_shows_though_nothing_comes_in(
    made: tuple[Service, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, metrics = made
    service.vitals.look({}, anew=True)
    assert samples(metrics.exposition().decode())["trackerd_store_up",] == 1

    def away() -> None:
        raise StoreError("away")

    monkeypatch.setattr(service.vitals.house.store, "waiting", away)
    service.vitals.look({}, anew=True)
    assert samples(metrics.exposition().decode())["trackerd_store_up",] == 0
    monkeypatch.undo()
    service.vitals.look({}, anew=True)
    assert samples(metrics.exposition().decode())["trackerd_store_up",] == 1


def test_who_fell_silent_before_the_start_is_silent_still(made: tuple[Service, Metrics]) -> None:
    found = samples(made[1].exposition().decode())
    (seen,) = [value for name, value in found.items() if name[0] == "trackerd_device_last_fix_timestamp_seconds"]
    assert 3590 < datetime.now(UTC).timestamp() - seen < 3700


def test_zones_and_devices_without_number_are_few_series(made: tuple[Service, Metrics]) -> None:
    service, metrics = made
    vitals = service.vitals
    vitals.last = Look(Micros(1), {ZoneId(f"z{n}"): Micros(n) for n in range(5000)})
    vitals.house.counts.last_fix = {DeviceId(f"d{n}"): Micros(n) for n in range(5000)}
    vitals.house.counts.refused_why.update(f"why-{n}" for n in range(5000))
    vitals.house.intake.received.update(f"source-{n}" for n in range(5000))
    found = samples(metrics.exposition().decode())
    assert len(found) < 1400
    assert found["trackerd_refusals_total", OTHER] == 4950


def test_devices_have_names_only_this_machine_can_tell(told: Any) -> None:
    found, _, ours = told
    devices = [name[1] for name in found if name[0] == "trackerd_device_last_fix_timestamp_seconds"]
    key = ours.folder / "trackerd.db.d" / "metrics.key"
    assert devices == [opaque(DeviceId("w07"), bytes.fromhex(key.read_text()))]
    assert key.stat().st_mode & 0o077 == 0
    assert opaque(DeviceId("w07"), b"another town") != devices[0]


def test_promtool_finds_nothing_to_mend(told: Any) -> None:
    done = subprocess.run(
        [need("promtool"), "check", "metrics"], input=told[1], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_port_that_is_taken_is_told_with_its_remedy(told: Any, tmp_path: Path) -> None:
    ours = told[2]
    config = tmp_path / "trackerd.toml"
    config.write_text(f"[metrics]\nport = {ours.config.read_text().partition('[metrics]')[2].split()[2]}\n")
    done = subprocess.run(
        [sys.executable, "-m", "trackerd", "run", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
    assert "choose another port" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_one_module_knows_prometheus() -> None:
    for path in (ROOT / "trackerd").rglob("*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom)
                else [each.name for each in node.names] if isinstance(node, ast.Import) else []
            )
        ]  # fmt: skip
        assert path.name == "metrics.py" or not any(name.startswith("prometheus_client") for name in names), path


def test_the_daemon_does_not_load_what_it_does_not_serve() -> None:
    code = "import sys, trackerd.commands; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


names = st.lists(st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 9)), max_size=60)


@given(names, st.integers(1, 10))
def test_however_many_names_come_series_are_few_and_never_fall(steps: list[tuple[str, int]], most: int) -> None:
    counts: dict[str, float] = {}
    before: dict[str, float] = {}
    for name, more in steps:
        counts[name if name != OTHER else "o"] = counts.get(name, 0) + more
        now = bounded(counts, most)
        assert len(now) <= most + 1
        assert sum(now.values()) == sum(counts.values())
        assert all(now.get(one, -1) >= value for one, value in before.items())
        before = now


def test_every_label_is_bounded() -> None:
    text = (ROOT / "trackerd" / "metrics.py").read_text("utf-8")
    labels = {
        str(node.args[3].value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_gauge", "_counter")
        and len(node.args) == 4 and isinstance(node.args[3], ast.Constant)
    }  # fmt: skip
    assert labels
    assert labels <= MOST.keys()


@given(st.lists(st.floats(-10, 100), max_size=50), st.integers(0, 50))
def test_a_histogram_counts_each_number_once_whatever_the_batches(numbers: list[float], cut: int) -> None:
    whole, parts = Histogram((0, 1, 10)), Histogram((0, 1, 10))
    whole.add(numbers)
    parts.add(numbers[:cut])
    parts.add(numbers[cut:])
    assert whole.seen.counts.tolist() == parts.seen.counts.tolist()
    at_most = [sum(max(number, 0) <= bound for number in numbers) for bound in (0, 1, 10)]
    assert np.cumsum(whole.seen.counts).tolist() == [*at_most, len(numbers)]
    assert whole.seen.sum == pytest.approx(parts.seen.sum)
