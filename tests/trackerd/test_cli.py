"""The command line as people use it: what is printed where, and the exit codes of the contract."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geofence.wire import moment
from tests.geofence.walks import walk
from trackerd.store import open_store

ZONES = """{"type":"FeatureCollection","features":[{"type":"Feature","id":"district","properties":{"dwell":"1m"},
"geometry":{"type":"Polygon","coordinates":[[[4.19,50.89],[4.21,50.89],[4.21,50.91],[4.19,50.91],[4.19,50.89]]]}}]}"""


def trackerd(*arguments: object, cwd: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trackerd", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Write a walk as CSV, and zones, into a folder."""
    rows = [f"{fix.device},{moment(fix.micros)},{fix.lon},{fix.lat},{fix.accuracy_m}" for fix in walk("w1", 4)]
    (tmp_path / "day.csv").write_text("device,time,lon,lat,accuracy_m\n" + "\n".join(rows) + "\n")
    (tmp_path / "zones.geojson").write_text(ZONES)
    return tmp_path


def test_help_and_version() -> None:
    said = trackerd("--help").stdout
    for command in ("run", "check", "replay", "decode", "demo", "zones"):
        assert command in said
    assert trackerd("--version").stdout.startswith("trackerd 0.")
    trackerd("--no-such", code=2)
    trackerd("replay", code=2)


def test_decode(day: Path) -> None:
    ended = trackerd("decode", day / "day.csv", "--decoder", "csv")
    fixes = lines(ended.stdout)
    assert len(fixes) == 360
    assert fixes[0].keys() >= {"device", "time", "lon", "lat", "accuracy_m"}
    assert fixes[0]["device"] == "w1"
    assert "360 fixes, 0 refusals" in ended.stderr
    assert lines(trackerd("decode", day / "day.csv").stdout) == fixes
    packed = day / "day.csv.gz"
    packed.write_bytes(gzip.compress((day / "day.csv").read_bytes()))
    assert lines(trackerd("decode", packed).stdout) == fixes


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.csv", "device,time,lon,lat\nw1,yesterday,4.2,50.9\n", "refused"),
        ("bad.gpx", "<gpx><trk>", "refused"),
        ("unknown.bin", "\x00\x01\x02", "cannot tell what this is"),
    ],
)
def test_bad_input_is_told(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    assert words in trackerd("decode", tmp_path / name, code=1).stderr


def test_files_and_names_that_are_not_there(day: Path) -> None:
    assert "none.csv: no such file" in trackerd("decode", day / "none.csv", code=1).stderr
    assert "is no decoder" in trackerd("decode", day / "day.csv", "--decoder", "morse", code=2).stderr
    assert "No such file" in trackerd("replay", day / "day.csv", "--zones", day / "none.geojson", code=1).stderr
    assert "no zones" in trackerd("replay", day / "day.csv", cwd=day, code=2).stderr
    wrong = ("--zones", day / "zones.geojson", "--speed", "fast")
    trackerd("replay", day / "day.csv", *wrong, code=2)
    nowhere = ("--zones", day / "zones.geojson", "--store", "sqlite:////no/such/x.db")
    assert "make the folder" in trackerd("replay", day / "day.csv", *nowhere, code=3).stderr


def test_replay_says_events_and_sums_up(day: Path) -> None:
    ended = trackerd("replay", day / "day.csv", "--zones", day / "zones.geojson")
    events = lines(ended.stdout)
    assert [event["type"] for event in events][:2] == ["trackerd.zone.enter", "trackerd.zone.dwell"]
    assert all(event["specversion"] == "1.0" and event["data"]["warden"] == "w1" for event in events)
    assert "360 fixes" in ended.stderr
    assert "district" in ended.stderr
    again = trackerd(
        "replay", day / "day.csv", "--zones", day / "zones.geojson", "--speed", "20000", "--events", day / "out"
    )
    assert not again.stdout
    paced = lines((day / "out").read_text())
    assert [event["id"] for event in paced] == [event["id"] for event in events]


def test_replay_keeps_the_record_where_wished(day: Path) -> None:
    arguments = ("replay", day / "day.csv", "--zones", day / "zones.geojson", "--store", f"sqlite:///{day}/r.db")
    first = trackerd(*arguments).stdout
    store = open_store(f"sqlite:///{day}/r.db")
    assert store.tally().fixes == 360
    assert store.tally().events == len(lines(first))
    store.close()


def test_replay_takes_the_duties_of_a_plan(day: Path) -> None:
    plan = day / "plan.toml"
    plan.write_text('[[duty]]\nwarden = "gw-1"\ndevice = "w1"\nfrom = "09:10"\nto = "09:20"\n')
    ended = trackerd("replay", day / "day.csv", "--zones", day / "zones.geojson", "--plan", plan)
    assert {event["data"]["warden"] for event in lines(ended.stdout)} == {"gw-1"}
    assert "120 fixes" in ended.stderr
    plan.write_text("[[duty]]\n")
    faults = trackerd("replay", day / "day.csv", "--zones", day / "zones.geojson", "--plan", plan, code=1).stderr
    assert "plan.toml" in faults


def test_check_tells_all_faults(day: Path) -> None:
    config = day / "trackerd.toml"
    config.write_text('[site]\nnam = "x"\n[mqtt]\nport = 0\n')
    said = trackerd("check", "--config", config, code=1).stderr
    assert "site.nam" in said
    assert "mqtt.port" in said
    config.write_text('[[zones]]\nfile = "zones.geojson"\n')
    assert "no faults" in trackerd("check", "--config", config).stderr


def test_zones(day: Path) -> None:
    listed = trackerd("zones", "list", day / "zones.geojson").stdout
    assert "district" in listed
    assert "1m" in listed
    trackerd("zones", "check", day / "zones.geojson")
    (day / "bad.geojson").write_text(ZONES.replace('"district"', '"A B"'))
    said = trackerd("zones", "check", day / "zones.geojson", day / "bad.geojson", code=1).stderr
    assert "bad.geojson: feature 1" in said
    assert "1 sound zones" in said


def test_the_reader_of_our_output_may_leave(day: Path) -> None:
    shell = f"{sys.executable} -m trackerd decode {day / 'day.csv'} | head -n 1"
    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=30, check=True)
    assert len(ended.stdout.splitlines()) == 1
    assert "fault of ours" not in ended.stderr


def test_the_example_configuration_is_true(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    trackerd("check", "--config", root / "config" / "trackerd.toml")
    trackerd("zones", "check", root / "config" / "zones.example.geojson")
    text = (root / "config" / "trackerd.toml").read_text()
    opened = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in text.splitlines()
    )
    (tmp_path / "trackerd.toml").write_text(opened)
    (tmp_path / "zones.geojson").write_text((root / "config" / "zones.example.geojson").read_text())
    (tmp_path / "plan.toml").write_text((root / "config" / "plan.example.toml").read_text())
    trackerd("check", "--config", tmp_path / "trackerd.toml")
