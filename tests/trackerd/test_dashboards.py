"""Every question of the dashboards, asked of a real Prometheus and a real PostgreSQL that a real daemon has filled."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row
from typer.main import get_command

from devices import DECODERS
from geofence.model import DeviceId, Fix
from tests.servers import Mosquitto, Prometheus, client, free_port, need, until
from tests.trackerd.test_daemon import Installation
from tests.trackerd.test_metrics import phone
from trackerd import clock
from trackerd.cli import app
from trackerd.sources.file import FileSource

CONFIG = Path(__file__).parents[2] / "config"
RULES, GRAFANA = CONFIG / "prometheus", CONFIG / "grafana"
DEMO = Path(str(files("trackerd.demo")))
TOWN = ZoneInfo("Europe/Brussels")


def yesterdays(file: str, decoder: str, device: str) -> str:
    """Return a track of the demo as CSV, as if it had been walked yesterday at the same hours."""
    reader = DECODERS[decoder](DeviceId(device))
    said = [one for chunk in FileSource(file, DEMO / file) for one in reader.receive(chunk.data)] + reader.end()
    fixes = [one for one in said if isinstance(one, Fix)]
    days = clock.now().astimezone(TOWN).date() - fixes[0].time.astimezone(TOWN).date() - timedelta(days=1)
    moved = [(fix, fix.time.astimezone(TOWN).replace(tzinfo=None) + days) for fix in fixes]
    rows = [
        f"{device},{at.replace(tzinfo=TOWN).isoformat()},{fix.lon},{fix.lat},{fix.accuracy_m or ''}"
        for fix, at in moved
    ]
    return "\n".join(["device,time,lon,lat,accuracy_m", *rows, ""])


def installation(folder: Path, broker: int, metrics: int, url: str) -> Installation:
    """Write an installation of the demo's town, whose plan holds every day, with its tracks as of yesterday."""
    for file, decoder, device in (("w01.nmea.gz", "nmea", "w01"), ("w02.rec.gz", "owntracks", "w02")):
        (folder / f"{device}.csv").write_text(yesterdays(file, decoder, device))
    plan = (DEMO / "plan.toml").read_text()
    (folder / "plan.toml").write_text(re.sub(r"(?m)^(days|public_holidays|school_holidays) = .*$", "", plan))
    ours = Installation(folder, broker)
    people = (DEMO / "trackerd.toml").read_text().partition("[[device]]")[2]
    rest = "".join(f'[[zones]]\nfile = "{DEMO / name}"\n' for name in ("districts.geojson", "places.geojson"))
    sources = "".join(
        f'[[source]]\nkind = "file"\nname = "{each}"\npath = "{each}.csv"\ndecoder = "csv"\ndevice = "{each}"\n'
        for each in ("w01", "w02")
    )
    ours.config.write_text(
        f'[site]\nname = "asse"\n[http]\nlisten = "off"\n[store]\nurl = "{url}"\nspool = "spool.db"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker}\n[metrics]\nport = {metrics}\n'
        f'[privacy]\nrequire_duty = false\n[plan]\nfile = "plan.toml"\n{rest}{sources}'
        f'[[source]]\nkind = "mqtt"\nname = "phones"\n[[device]]\nid = "w07"\n[[device]]{people}'
    )
    return ours


@contextmanager
def walking(port: int) -> Iterator[None]:
    """Let a phone send where it is, and now and then rubbish, as long as this lasts."""
    publisher, stop = client(port), threading.Event()

    def walk() -> None:
        while not stop.wait(0.3):
            publisher.publish("owntracks/w07/phone", phone(2, 4.2, 50.9), 1)
            publisher.publish("owntracks/w07/phone", b"{", 1)

    thread = threading.Thread(target=walk)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        publisher.disconnect()
        publisher.loop_stop()


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    """Give the URL of a database of its own, with nothing in it."""
    name = f"dashboards_{os.getpid()}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield re.sub(r"/[^/?]*($|\?)", rf"/{name}\1", postgres_server)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        with suppress(psycopg.errors.DependentObjectsStillExist):  # another worker's
            admin.execute("DROP ROLE IF EXISTS trackerd_dashboards")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[tuple[Prometheus, str]]:
    """Give a Prometheus and a database that a daemon fills with the demo's day."""
    folder, port = tmp_path_factory.mktemp("dashboards"), free_port()
    with ExitStack() as stack:
        prometheus = stack.enter_context(Prometheus(folder / "prometheus", port, RULES))
        broker = stack.enter_context(Mosquitto(folder / "broker"))
        ours = installation(folder, broker.port, port, database)
        migrate = [sys.executable, "-m", "trackerd", "store", "migrate", "--config", str(ours.config)]
        subprocess.run(migrate, check=True, capture_output=True)
        stack.enter_context(ours.daemon())
        stack.enter_context(walking(broker.port))
        with psycopg.connect(database, autocommit=True) as owner:
            judged = "SELECT count(*) FROM verdict WHERE outcome IS NOT NULL"
            until(lambda: (owner.execute(judged).fetchone() or (0,))[0] > 20, "yesterday is judged", 60)
            owner.execute((GRAFANA / "reader.sql").read_bytes())
        yield prometheus, database


def panels() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return every question of every panel: its name, the panel, the target."""
    found = []
    for file in sorted((GRAFANA / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            found += [(f"{file.stem}/{panel['title']}/{each['refId']}", panel, each) for each in panel["targets"]]
    return found


FIGURES = [(name, target["expr"]) for name, _, target in panels() if "expr" in target]
RECORD = [(name, target) for name, _, target in panels() if "rawSql" in target]


def answered(prometheus: Prometheus, expr: str) -> bool:
    data = prometheus.ask("query", query=expr)
    return isinstance(data, dict) and any(math.isfinite(float(one["value"][1])) for one in data["result"])


def test_every_figure_asked_for_has_data(filled: tuple[Prometheus, str]) -> None:
    prometheus, left = filled[0], dict(FIGURES)
    assert len(left) == len(FIGURES) > 30

    def all_answered() -> bool:
        for name, expr in list(left.items()):
            if answered(prometheus, expr):
                del left[name]
        return not left

    until(all_answered, lambda: "\n".join(f"{n}: {prometheus.ask('query', query=e)}" for n, e in left.items()), 40)


def test_no_rule_of_ours_fails_and_no_alert_fires_when_all_is_well(filled: tuple[Prometheus, str]) -> None:
    prometheus = filled[0]
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 27
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")] == []
    assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []


@pytest.mark.parametrize(("name", "target"), RECORD, ids=[name for name, _ in RECORD])
def test_every_question_to_the_record_has_rows(filled: tuple[Prometheus, str], name: str, target: Any) -> None:
    now = round(time.time() * 1000)
    query = target["rawSql"].replace("$__from", str(now - 3 * 86_400_000)).replace("$__to", str(now))
    with psycopg.connect(filled[1], user="trackerd_dashboards", row_factory=dict_row) as reader:
        rows = reader.execute(query.replace("${timezone}", "Europe/Brussels").encode()).fetchall()
    assert rows, name
    if target["format"] == "time_series":
        assert all(row["time"].tzinfo is not None for row in rows)


def test_the_dashboards_role_sees_no_person_and_no_place(filled: tuple[Prometheus, str]) -> None:
    forbidden = ["SELECT lon FROM fix", "SELECT device FROM visit", "SELECT warden FROM visit",
                 "SELECT body FROM event", "SELECT device FROM fix_hourly", "SELECT said FROM verdict",
                 "SELECT * FROM track",
                 "SELECT name FROM name", "DELETE FROM visit", "SELECT by FROM waiver"]  # fmt: skip
    for query in forbidden:
        with psycopg.connect(filled[1], user="trackerd_dashboards", autocommit=True) as reader:
            reader.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(query.encode())


def test_the_figures_name_nobody(filled: tuple[Prometheus, str]) -> None:
    series = filled[0].ask("series", **{"match[]": '{__name__=~"trackerd.*"}'})
    words = {value for one in series for key, value in one.items() if key not in ("source", "__name__")}
    assert not words & {"w01", "w02", "w07", "gw-1", "gw-2"}
    assert len(series) < 400


def test_dashboards_are_what_the_script_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import json, make_dashboards as m; print(json.dumps(m.files()))"],
        cwd=GRAFANA, capture_output=True, text=True, check=True, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    there = {file.name: file.read_text() for file in (GRAFANA / "dashboards").glob("*.json")}
    assert json.loads(made.stdout) == there, "run config/grafana/make_dashboards.py"


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    provisioned = set(re.findall(r"uid: (\S+)", (GRAFANA / "provisioning/datasources/trackerd.yml").read_text()))
    for name, panel, target in panels():
        assert panel["description"], name
        assert target["datasource"]["uid"] in provisioned
    for file in (GRAFANA / "dashboards").glob("*.json"):
        cells: set[tuple[int, int]] = set()
        for panel in json.loads(file.read_text())["panels"]:
            at = panel["gridPos"]
            mine = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
            assert not mine & cells
            assert at["x"] + at["w"] <= 24
            cells |= mine


def test_promtool_finds_the_rules_sound() -> None:
    for wish in (["check", "rules", "trackerd.rules.yml", "trackerd.alerts.yml"],
                 ["test", "rules", "trackerd.tests.yml"], ["check", "config", "prometheus.example.yml"]):  # fmt: skip
        done = subprocess.run([need("promtool"), *wish], cwd=RULES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_and_says_what_to_do() -> None:
    text = (RULES / "trackerd.alerts.yml").read_text()
    tried = (RULES / "trackerd.tests.yml").read_text()
    operations = (CONFIG.parent / "docs" / "operations.md").read_text()
    alerts = text.split("- alert: ")[1:]
    assert len(alerts) == 20
    for alert in alerts:
        name = alert.split()[0]
        assert all(f"          {key}: " in alert for key in ("summary", "description", "remedy")), name
        assert f"{name} fires" in tried
        assert f"{name} stays quiet" in tried
        assert f"`{name}`" in operations, f"docs/operations.md does not say what {name} means"


def test_every_command_named_to_an_administrator_exists() -> None:
    root = get_command(app)
    remedies = re.findall(r"remedy: .*", (RULES / "trackerd.alerts.yml").read_text())
    said = "\n".join([(CONFIG.parent / "docs" / "operations.md").read_text(), *remedies])
    named = re.findall(r"(?:`|\bwith |: |then )trackerd ([a-z]+(?:-[a-z]+)?)(?: ([a-z]+))?", said)
    assert len(named) > 15
    for name, below in named:
        command = root.commands.get(name)  # type: ignore[attr-defined]
        assert command is not None, f"trackerd {name}"
        if below and hasattr(command, "commands"):
            assert below in command.commands, f"trackerd {name} {below}"


def test_rules_and_dashboards_ask_only_for_figures_there_are(filled: tuple[Prometheus, str]) -> None:
    known = set(filled[0].ask("label/__name__/values"))
    optional = {"trackerd_source_sessions_lost_total"}
    for file in [*RULES.glob("trackerd.*.yml"), *(GRAFANA / "dashboards").glob("*.json")]:
        asked = set(re.findall(r"\btrackerd_[a-z_]+", file.read_text())) - {"trackerd_dashboards"}
        assert asked <= known | optional, file
