"""The configuration: what is taken, and that every fault is told at once with its place and a remedy."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from geofence.faults import Fault
from geofence.model import DeviceId, to_micros
from tests import reference
from trackerd.assemble import rules
from trackerd.config import Settings
from trackerd.load import load
from trackerd.town import Town, build

ZONE = """{"type":"FeatureCollection","features":[{"type":"Feature","id":"box-01","properties":{"radius_m":25},
"geometry":{"type":"Point","coordinates":[4.2,50.9]}}]}"""

GOOD = """
[site]
name = "asse"
timezone = "Europe/Brussels"
languages = ["nl", "fr"]
[store]
url = "sqlite:///record.db"
[mqtt]
host = "localhost"
password_file = "secret"
[[source]]
kind = "mqtt"
[[source]]
kind = "serial"
name = "desk"
url = "/dev/ttyUSB0"
device = "w01"
[[zones]]
file = "zones.geojson"
[plan]
file = "plan.toml"
[[device]]
id = "w01"
topic = "owntracks/anna/phone"
[[team]]
id = "asse"
[[warden]]
id = "gw-1"
team = "asse"
[privacy]
require_duty = true
[detection]
reorder = "10s"
"""
PLAN = """
[[requirement]]
id = "boxes"
zones = ["box-*"]
days = ["mon", "tue"]
from = "08:00"
to = "17:00"
dwell = "1m"
by = ["team:asse"]
[[duty]]
warden = "gw-1"
device = "w01"
from = "07:30"
to = "17:30"
[[duty]]
warden = "gw-1"
device = "w01"
start = 2026-05-03T08:00:00
end = 2026-05-03T12:00:00
"""


def read(
    folder: Path, config: str = GOOD, plan: str = PLAN, zones: str = ZONE
) -> tuple[Settings | None, Town | None, list[Fault]]:
    for name, text in (("trackerd.toml", config), ("plan.toml", plan), ("zones.geojson", zones)):
        (folder / name).write_text(text, encoding="utf-8")
    settings, faults = load(folder / "trackerd.toml")
    town = None
    if settings is not None:
        town, found = build(settings, folder / "trackerd.toml")
        faults = faults + found
    return settings, town, faults


def test_a_whole_installation(tmp_path: Path) -> None:
    settings, town, faults = read(tmp_path)
    assert faults == []
    assert settings is not None
    assert town is not None
    assert settings.detection.reorder == 10.0
    assert [zone.id for zone in town.zones] == ["box-01"]
    assert town.topics == (("owntracks/anna/phone", "w01"),)
    roster = town.roster
    assert roster.team(roster.holder(town.topics[0][1], to_micros(datetime(2026, 5, 3, 6, 30, tzinfo=UTC)))) == "asse"
    assert not roster.everyone


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (('name = "asse"', 'nam = "asse"'), "site.nam", "did you mean name?"),
        (("[site]", "[cite]"), "cite", "did you mean site?"),
        (('"Europe/Brussels"', '"Europe/Asse"'), "site.timezone", "no time zone"),
        (('url = "/dev/ttyUSB0"', ""), "source[2]", "needs url"),
        (('kind = "serial"', 'kind = "bluetooth"'), "source[2].kind", "'serial'"),
        (('kind = "mqtt"', 'kind = "mqtt"\ndecoder = "nmae"'), "source[1].decoder", "no decoder"),
        (('reorder = "10s"', 'reorder = "soon"'), "detection.reorder", "span of time"),
        (('host = "localhost"', 'host = "localhost"\nport = 70000'), "mqtt.port", "65535"),
        (('id = "gw-1"', 'id = "gw 1"'), "warden[1].id", "match"),
        (('languages = ["nl", "fr"]', 'languages = ["es"]'), "site.languages[1]", "'nl'"),
        (("[[zones]]", "[zones]"), "zones", "tuple"),
    ],
)  # fmt: skip
def test_a_fault_names_its_key_and_a_remedy(tmp_path: Path, change: tuple[str, str], where: str, words: str) -> None:
    settings, _, faults = read(tmp_path, GOOD.replace(*change))
    assert settings is None
    (fault,) = faults
    assert fault.file.endswith("trackerd.toml")
    assert fault.where == where
    assert words in str(fault)


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    broken = GOOD.replace("asse", "Asse!").replace('"10s"', "-1").replace("[privacy]", "[privacy]\nspy = true")
    _, _, faults = read(tmp_path, broken)
    assert {"site.name", "detection.reorder", "privacy.spy"} <= {fault.where for fault in faults}


@pytest.mark.parametrize(
    ("plan", "where", "words"),
    [
        (PLAN.replace("box-*", "bax-*"), "requirement boxes.zones", "no zone fits"),
        (PLAN.replace('device = "w01"\nfrom', 'device = "w99"\nfrom'), "duty[1].device", "enrol it"),
        (
            PLAN.replace('warden = "gw-1"\ndevice = "w01"\nfrom', 'warden = "x"\ndevice = "w01"\nfrom'),
            "duty[1].warden",
            "",
        ),
        (PLAN.replace('from = "07:30"', 'from = "7:30"'), "duty[1].from", '"08:00"'),
        (PLAN.replace('from = "07:30"\n', ""), "duty[1]", "either from and to"),
        (PLAN.replace('zones = ["box-*"]', ""), "requirement[1]", "names no zones"),
        ("[[requirement]", "", "not TOML"),
    ],
)
def test_faults_of_the_plan(tmp_path: Path, plan: str, where: str, words: str) -> None:
    _, town, faults = read(tmp_path, plan=plan)
    assert town is None
    (fault,) = faults
    assert fault.file.endswith("plan.toml")
    assert fault.where == where
    assert words in str(fault)


def test_faults_of_zones_and_plan_come_together(tmp_path: Path) -> None:
    _, town, faults = read(tmp_path, plan=PLAN.replace("07:30", "late"), zones=ZONE.replace("radius_m", "radius"))
    assert town is None
    assert {Path(fault.file).name for fault in faults} == {"plan.toml", "zones.geojson"}


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    settings, faults = load(tmp_path / "none.toml")
    assert settings is None
    assert "No such file" in str(faults[0])
    (tmp_path / "trackerd.toml").write_text('[[zones]]\nfile = "gone.geojson"\n')
    settings, _ = load(tmp_path / "trackerd.toml")
    assert settings is not None
    town, faults = build(settings, tmp_path / "trackerd.toml")
    assert town is None
    assert "gone.geojson" in str(faults[0])


def test_without_duties_only_privacy_says_who_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "trackerd.toml"
    for text, everyone in (("", False), ("[privacy]\nrequire_duty = false\n", True)):
        path.write_text(text)
        settings, _ = load(path)
        assert settings is not None
        town, _ = build(settings, path)
        assert town is not None
        assert town.roster.everyone is everyone
        replayed, _ = build(settings, path, keep_all=True)
        assert replayed is not None
        assert replayed.roster.everyone


def test_the_examples_say_what_every_key_means() -> None:
    said = reference.meanings()
    keys = {(table, key) for table, key, _ in reference.keys(Settings.model_json_schema())}
    assert keys - said.keys() == set()
    assert said.keys() - keys == set()


def test_the_reference_is_of_this_version() -> None:
    """``make docs`` makes it anew."""
    assert reference.PAGE.read_text("utf-8") == reference.page()
    assert json.loads(reference.SCHEMA.read_text("utf-8")) == json.loads(json.dumps(reference.schema()))


@pytest.mark.parametrize("example", reference.EXAMPLES)
def test_the_schema_takes_the_examples(example: Path) -> None:
    judge = Draft202012Validator(reference.schema())
    text = "\n".join(opened(example))
    document = json.loads(json.dumps(tomllib.loads(text), default=str))
    assert [error.message for error in judge.iter_errors(document)] == []
    assert list(judge.iter_errors({"mqtt": {"prot": 1}}))


def opened(example: Path) -> list[str]:
    """Return the example's lines with everything in it that is out of use taken in use."""
    lines = example.read_text("utf-8").splitlines()
    return [re.sub(r"^#(?=\[|\w+ = )", "", line) for line in lines]


@pytest.mark.parametrize(("more", "said"), [
    ('listen = "8020"', "write an address and a port"),
    ('cert_file = "web.pem"', "belong together"),
    ('proxy_user_header = "X-Remote-User"', "only with proxy_from"),
    ('proxy_user_header = "X-Remote-User"\nproxy_from = ["the proxy"]', "is no address"),
    ("port = 8080", "port"),
])  # fmt: skip
def test_a_fault_in_http_says_how_it_is_written(tmp_path: Path, more: str, said: str) -> None:
    settings, _, faults = read(tmp_path, GOOD + f"[http]\n{more}\n")
    assert settings is None
    assert said in "; ".join(map(str, faults))


def test_a_bicycle_has_its_own_speed(tmp_path: Path) -> None:
    config = tmp_path / "trackerd.toml"
    config.write_text('[[device]]\nid = "w01"\n[[device]]\nid = "w02"\nwalker_speed = 7.0\n')
    settings, _ = load(config)
    assert settings is not None
    made = rules(settings)
    assert [made.of(DeviceId(device)).walker_speed for device in ("w01", "w02", "w03")] == [2.0, 7.0, 2.0]
