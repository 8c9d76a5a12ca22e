"""``trackerd plan`` and what ``trackerd check`` finds in a plan."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

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
    now = [case["window"]["to"] for case in cases if case["window"]["from"] <= "2026-05-19T12:40:00Z"]
    later = [case["window"]["from"] for case in cases[len(now) :]]
    assert (len(now), now, later) == (17, sorted(now), sorted(later))
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


def test_faults_of_all_three_kinds_of_files_are_told_at_once(tmp_path: Path) -> None:
    config = demo(tmp_path, '[[requirement]]\nid = "x"\nzones = ["box-01"]\nfrom = "25:00"\nto = "26:00"\n')
    (tmp_path / "trackerd.toml").write_text(Path(config).read_text().replace("[site]", '[site]\ncolour = "red"'))
    places = tmp_path / "places.geojson"
    places.write_text(places.read_text().replace('"radius_m":20', '"radius_m":-20'))
    code, said = run("check", "--config", config)
    assert code == 1
    for words in ("site.colour: unknown key", "places.geojson", "from: write the hour"):
        assert words in " ".join(said.split())
    for text in ("zones = 3\n[plan]\nfile = 4", "zones = [3]\nplan = 5", "x ="):
        (tmp_path / "trackerd.toml").write_text(text)
        assert run("check", "--config", config)[0] == 1


def test_a_requirement_nobody_is_ever_on_duty_for_is_warned_of(tmp_path: Path) -> None:
    night = '[[requirement]]\nid = "night"\nzones = ["box-*"]\nfrom = "22:00"\nto = "06:00"\n'
    code, said = run("check", "--config", demo(tmp_path, night))
    assert (code, said.count("warning")) == (0, 1)
    assert "requirement night: nobody who may do it is on duty" in " ".join(said.split())
    assert "warning" not in run("check", "--config", demo(tmp_path))[1]


def capacity(folder: Path, plan: str = "", *, day: str = "2027-05-18") -> tuple[str, dict[str, Any]]:
    """Ask it of the demo's town, with more asked of it; once in words and once for programs."""
    config = demo(folder, plan)
    words = run("plan", "capacity", "--date", day, "--config", config)
    told = run("plan", "capacity", "--date", day, "--config", config, "--json")
    assert (words[0], told[0]) == (0, 0)
    return " ".join(words[1].split()), json.loads(told[1][told[1].index("{") :])


def demo(folder: Path, plan: str = "", config: str = "") -> str:
    for name in ("trackerd.toml", "plan.toml", "places.geojson", "districts.geojson"):
        (folder / name).write_text(files("trackerd.demo").joinpath(name).read_text() + {"plan.toml": plan,
                                   "trackerd.toml": config}.get(name, ""))  # fmt: skip
    return str(folder / "trackerd.toml")


def test_the_demos_day_can_be_done_by_its_two(tmp_path: Path) -> None:
    words, told = capacity(tmp_path)
    assert "rounds that do all of it" in words
    assert "it takes 2 at least" in words
    assert (told["owed"], told["proven"]["crew_at_least"], told["found"]["crew"]) == (22, 2, 2)
    calls = {(call["zone"], call["requirement"]) for one in told["found"]["rounds"] for call in one["calls"]}
    assert len(calls) == told["owed"]
    assert told["missed"] is None, "the day is to come"


def test_too_much_is_told_with_what_is_proven_and_what_was_found(tmp_path: Path) -> None:
    asked = 'kinds = ["box"]\nfrom = "10:00"\nto = "10:40"\ndwell = "15m"\n'
    words, told = capacity(tmp_path, f'\n[[requirement]]\nid = "all-at-once"\n{asked}')
    assert "those on duty must leave 9 at least: it shows between 10:00 and 10:40" in words
    assert told["proven"]["left_at_least"] == 9, "four fit into the working time of two"
    assert told["proven"]["crew_at_least"] == 7
    assert told["found"]["crew"] >= 7
    assert "more who may do everything" in words
    assert len(told["found"]["left"]) >= 9


def test_what_nobody_on_duty_may_do_is_excused_and_not_counted(tmp_path: Path) -> None:
    words, told = capacity(
        tmp_path, '\n[[requirement]]\nid = "night"\nzones = ["box-01"]\nfrom = "22:00"\nto = "23:00"\n'
    )
    assert "1 more are excused" in words
    assert [case["requirement"] for case in told["excused"]] == ["night"]
    assert told["owed"] == 22
    assert "Nothing is owed" in run("plan", "capacity", "--date", "2027-05-16", "--config", demo(tmp_path))[1]


def test_a_day_that_is_over_is_split_by_its_record(tmp_path: Path) -> None:
    kept = tmp_path / "day.db"
    assert run("demo", "--exit", "--speed", "1e9", "--store", str(kept))[0] == 0
    config = demo(tmp_path, config=f'[store]\nurl = "sqlite:///{kept}"\n')
    said = run("plan", "capacity", "--date", "2026-05-19", "--config", config)[1]
    assert "2 could have been done beside the rest (found)." in said
    other = demo(tmp_path, config=f'[store]\nurl = "sqlite:///{tmp_path / "none.db"}"\n')
    assert "No record of that day" in run("plan", "capacity", "--date", "2026-05-19", "--config", other)[1]
    assert "No record of that day" in run("plan", "capacity", "--date", "2026-05-12", "--config", config)[1]
