"""``trackerd plan`` and what ``trackerd check`` finds in a plan."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trackerd.cli import app

DEMO = str(files("trackerd.demo").joinpath("trackerd.toml"))


def run(*words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, [*words])
    return ended.exit_code, ended.output


def test_what_is_owed_on_a_day() -> None:
    code, said = run("plan", "show", "--date", "2026-05-19", "--config", DEMO, "--json")
    assert code == 0
    cases = json.loads(said)
    assert len([case for case in cases if case["zone"].startswith("box-")]) == 13
    market = next(case for case in cases if case["requirement"] == "market")
    assert market == {
        "requirement": "market", "zone": "market-asse", "visits": 1, "dwell_s": 1200.0, "spacing_s": 0.0, "together": 1,
        "window": {"from": "2026-05-19T06:30:00Z", "to": "2026-05-19T10:00:00Z"}, "by": ["team:asse"],
        "on_duty": ["gw-1"],
    }  # fmt: skip
    assert "Weekmarkt" in run("plan", "show", "--date", "2026-05-19", "--config", DEMO)[1]


@pytest.mark.parametrize(
    ("day", "owed"),
    [("2026-07-21", 0), ("2026-05-17", 0), ("2026-05-20", 19), ("2026-11-03", 18), ("2026-07-14", 18)],
)
def test_days_off_owe_less(day: str, owed: int) -> None:
    """The national day is a Tuesday: the market alone would stand, had it not said otherwise by its calendar."""
    cases = json.loads(run("plan", "show", "--date", day, "--config", DEMO, "--json")[1])
    assert len([case for case in cases if case["requirement"] != "market"]) + bool(
        [case for case in cases if case["requirement"] == "market" and day != "2026-07-21"]
    ) == owed  # fmt: skip


def test_what_is_due_now_comes_first_by_its_close() -> None:
    code, said = run("plan", "next", "--at", "2026-05-19T14:40", "--config", DEMO, "--json")
    assert code == 0
    cases = json.loads(said)
    assert cases[0]["window"]["to"] == "2026-05-19T13:00:00Z"
    assert [case["window"]["to"] for case in cases] == sorted(case["window"]["to"] for case in cases)
    words = run("plan", "next", "--at", "2026-05-19T14:40", "--config", DEMO)[1]
    assert words.index("Owed now") < words.index("Comes next")


def test_wrong_days_are_told() -> None:
    code, said = run("plan", "show", "--date", "19 May", "--config", DEMO)
    assert code == 2
    assert "2026-05-19" in said


PLAN = """
[[zones]]
file = "zones.geojson"
[[device]]
id = "w01"
[[team]]
id = "asse"
[[warden]]
id = "gw-1"
team = "asse"
[[warden]]
id = "gw-2"
"""

DUTY = '\n[[duty]]\nwarden = "gw-{}"\ndevice = "w01"\nfrom = "{:02}:00"\nto = "{:02}:00"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('zones = ["bx-*"]', "no zone fits 'bx-*'"),
        ('zones = ["box"]\nby = ["team:zelik"]', "no team 'zelik'"),
        ('zones = ["box"]\nby = ["gw-9"]', "no warden 'gw-9'"),
        ('zones = ["box"]\nfrom = "08:00"\nto = "08:30"\ndwell = "45m"', "do not fit into the window"),
        ('zones = ["box"]\nby = ["gw-1"]\ntogether = 2', "only 1 may do it"),
        ('zones = ["box"]\ndays = []', "names no day"),
        ('zones = ["box"]\nvalid_from = 2026-05-01\nvalid_to = 2026-04-01', "before valid_from"),
        ('zones = ["box"]\ncalendar = "none.ics"', "No such file"),
        ('zones = ["box"]' + DUTY.format(1, 8, 12) + DUTY.format(2, 11, 15), "both carry 'w01'"),
    ],
)  # fmt: skip
def test_faults_of_a_plan_are_told(tmp_path: Path, text: str, words: str) -> None:
    zone = {"type": "Feature", "id": "box", "properties": {"radius_m": 25, "kind": "box"},
            "geometry": {"type": "Point", "coordinates": [4.2, 50.9]}}  # fmt: skip
    (tmp_path / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}))
    config = tmp_path / "trackerd.toml"
    config.write_text(f'{PLAN}[[requirement]]\nid = "boxes"\n{text}\n')
    code, said = run("check", "--config", str(config))
    assert code == 1
    assert words in " ".join(said.split())
    config.write_text(f'{PLAN}[[requirement]]\nid = "boxes"\nzones = ["box"]\nkinds = ["boxx"]\n')
    code, said = run("check", "--config", str(config))
    assert (code, "no zone is of the kind 'boxx'" in " ".join(said.split())) == (0, True), "a warning refuses nothing"
