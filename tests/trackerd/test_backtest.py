"""Other zones or another plan tried on the past: no change makes no difference, and any makes the one it should."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from geofence.calendar import Window
from geofence.event import changed
from geofence.geojson import write
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fix, ZoneId
from geofence.wire import moment
from geofence.zones import ZoneSet
from tests.geofence.walks import town, walk
from trackerd import backtest, backtest_side
from trackerd.backtest_side import Past, Rerun
from trackerd.chunk import Chunk
from trackerd.cli import app
from trackerd.shares import Share, adopt, findings
from trackerd.sources.file import FileSource
from trackerd.store import StoreError

PLAN = """
[[requirement]]
id = "rounds"
zones = ["box", "street", "park"]
from = "{start}"
to = "{end}"
dwell = "{dwell}"
grace = "1m"
"""
ROSTER = """
[[duty]]
warden = "gw-1"
device = "w1"
from = "07:00"
to = "12:00"
[[duty]]
warden = "gw-2"
device = "w2"
from = "07:00"
to = "12:00"
"""
CONFIG = """
[site]
name = "walks"
timezone = "UTC"
[store]
url = "sqlite:///past.db"
[[zones]]
file = "zones.geojson"
[plan]
file = "plan.toml"
"""
DAY = ("--from", "2026-01-01", "--to", "2026-01-01")


def run(*words: object, code: int = 0) -> str:
    """Return what a command says, standard error too."""
    ended = CliRunner().invoke(app, [*map(str, words)])
    assert ended.exit_code == code, ended.output
    return ended.output


def tried(past: Path, *words: object) -> dict[str, Any]:
    """Return the difference."""
    told: dict[str, Any] = json.loads(run("backtest", "--config", past / "c.toml", *words, "--format", "json"))
    return told


def sums(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return the counts of all rows together."""
    return {what: sum(row[what] for row in rows) for what in ("same", "changed", "new", "gone")}


def plan(dwell: str = "30s", start: str = "08:00", end: str = "08:20") -> str:
    return PLAN.format(dwell=dwell, start=start, end=end)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an installation, and a morning of two wardens in its store and in a file."""
    folder = tmp_path_factory.mktemp("past")
    _write(folder / "day.csv", [*walk("w1", 4, minutes=60), *walk("w2", 11, minutes=60)])
    (folder / "zones.geojson").write_text(json.dumps(write(town())))
    (folder / "plan.toml").write_text(plan() + ROSTER)
    (folder / "c.toml").write_text(CONFIG)
    store = f"sqlite:///{folder / 'past.db'}"
    run("replay", folder / "day.csv", "--config", folder / "c.toml", "--store", store, "--events", folder / "e.jsonl")
    return folder


def wanted(past: Path, zones: Path, plan_: Path) -> dict[tuple[str, str], str]:
    """Return what a replay with these files says of each window at the end."""
    words = ("--config", past / "c.toml", "--zones", zones, "--plan", plan_, "--events", past / "other.jsonl")
    run("replay", past / "day.csv", *words)
    verdicts = {}
    for line in (past / "other.jsonl").read_text().splitlines():
        told = json.loads(line)
        if "requirement" in told["data"] and told["type"] != "trackerd.retract":
            verdicts[told["data"]["requirement"], told["data"]["zone"]] = told["type"].removeprefix("trackerd.zone.")
    return {key: {"skip": "missed"}.get(what, what) for key, what in verdicts.items() if what != "due"}


@pytest.mark.parametrize("of_file", [False, True])
def test_no_change_makes_no_difference(past: Path, of_file: bool) -> None:
    words = ("--plan", past / "plan.toml", "--zones", past / "zones.geojson", *DAY)
    found = tried(past, *([past / "day.csv"] if of_file else []), *words)
    assert found["turned"] == []
    for rows, least in ((found["visits"], 5), (found["verdicts"], 3)):
        counts = sums(rows)
        assert counts.pop("same") >= least
        assert not any(counts.values())
    assert "Nothing would have been otherwise" in run("backtest", "--config", past / "c.toml", *words)


@pytest.mark.parametrize("of_file", [False, True])
def test_another_plan_is_judged_as_a_replay_judges_it(past: Path, of_file: bool) -> None:
    """The roster stays where the new plan has none."""
    new = past / "new.toml"
    new.write_text(plan("4m") + plan("10s", "08:20", "08:40").replace("rounds", "second"))
    found = tried(past, *([past / "day.csv"] if of_file else []), "--plan", new, *DAY)
    assert sums(found["visits"])["same"] == sum(map(sum, (row.values() for row in map(_numbers, found["visits"]))))
    (past / "whole.toml").write_text(new.read_text() + ROSTER)
    after = {
        (row["requirement"], row["zone"]): next(iter(row["after"])) for row in found["verdicts"] if row["after"]
    }  # fmt: skip
    assert after == wanted(past, past / "zones.geojson", past / "whole.toml")
    assert sums(found["verdicts"])["new"] == 3
    assert sums(found["verdicts"])["changed"] >= 1
    turned = [one for one in found["turned"] if one["requirement"] == "rounds"]
    assert len(turned) == sums(found["verdicts"])["changed"]
    assert all(one["before"] != one["after"] for one in turned)


def test_all_that_files_tell_of_has_no_ends(past: Path) -> None:
    found = tried(past, past / "day.csv", "--plan", past / "plan.toml")
    assert found["period"] == {"from": None, "to": None}
    assert sums(found["verdicts"])["same"] >= 3


def _write(file: Path, fixes: Iterable[Fix]) -> None:
    rows = [f"{fix.device},{moment(fix.micros)},{fix.lon},{fix.lat},{fix.accuracy_m}" for fix in fixes]
    file.write_text("device,time,lon,lat,accuracy_m\n" + "\n".join(rows) + "\n")


def _numbers(row: dict[str, Any]) -> dict[str, int]:
    return {what: row[what] for what in ("same", "changed", "new", "gone")}


def test_other_zones(past: Path) -> None:
    """A zone left out has its visits gone and owes nothing; a new one has new visits; a moved edge changes some."""
    zones = {zone.id: zone for zone in town()}
    street = zones[ZoneId("street")]
    left = [replace(zone, name="") for id_, zone in zones.items() if id_ != "park"]
    left.append(replace(street, id=ZoneId("alley")))
    (past / "new.geojson").write_text(json.dumps(write(ZoneSet(left))))
    (past / "two.toml").write_text(plan().replace(', "park"', ""))
    found = tried(past, "--zones", past / "new.geojson", "--plan", past / "two.toml", *DAY)
    by_zone = {row["zone"]: _numbers(row) for row in found["visits"]}
    assert by_zone["park"]["gone"] == sum(by_zone["park"].values()) > 0
    kept = by_zone["street"]["same"] + by_zone["street"]["changed"]
    assert by_zone["alley"]["new"] == kept == sum(by_zone["alley"].values()) > 0
    assert [row["gone"] for row in found["verdicts"] if row["zone"] == "park"] == [1]
    shown = run("backtest", "--config", past / "c.toml", "--zones", past / "new.geojson",
                "--plan", past / "two.toml", *DAY)  # fmt: skip
    assert "not owed" in shown
    assert "gw-" not in shown


def test_nothing_is_written_and_only_the_time_asked_about_counts(past: Path) -> None:
    before = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in past.glob("past.db*")}
    found = tried(past, "--plan", past / "plan.toml", "--from", "2026-01-01T08:10", "--to", "2026-01-01T08:30")
    assert found["period"] == {"from": "2026-01-01T08:10:00Z", "to": "2026-01-01T08:30:00Z"}
    assert found["verdicts"] == []  # the window began before
    whole = tried(past, "--plan", past / "plan.toml", *DAY)
    assert 0 < sums(found["visits"])["same"] < sums(whole["visits"])["same"]
    after = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in past.glob("past.db*")}
    assert after["past.db"] == before["past.db"]
    assert tried(past, "--plan", past / "plan.toml", "--from", "2030-01-01", "--to", "2030-01-02")["visits"] == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "nothing to try"),
        (("--plan", "none.toml"), 1, "none.toml: cannot be read"),
        (("--plan", "plan.toml", "--from", "2026-01-02", "--to", "2026-01-01"), 2, "--from is not before --to"),
        (("--plan", "plan.toml", "--from", "May"), 2, "'May' is no day"),
        (("--zones", "c.toml"), 1, "c.toml"),
        (("-", "--plan", "plan.toml"), 2, "standard input cannot be read twice"),
        (("none.csv", "--plan", "plan.toml"), 1, "none.csv"),
    ],
)
def test_what_cannot_be_tried_is_told(
    past: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, told: str
) -> None:
    monkeypatch.chdir(past)
    assert told in run("backtest", "--config", "c.toml", *words, code=code)


def test_a_store_that_is_not_there(past: Path, tmp_path: Path) -> None:
    for name in ("zones.geojson", "plan.toml", "c.toml"):
        (tmp_path / name).write_bytes((past / name).read_bytes())
    words = ("--config", tmp_path / "c.toml", "--plan", tmp_path / "plan.toml")
    assert "past.db" in run("backtest", *words, code=3)


@pytest.mark.parametrize("of_file", [False, True])
def test_what_is_seen_once_for_both_is_what_each_would_have_seen(
    past: Path, monkeypatch: pytest.MonkeyPatch, of_file: bool
) -> None:
    new = past / "once.toml"
    new.write_text(plan("4m") + plan("10s", "08:20", "08:40").replace("rounds", "second"))
    words = (*([past / "day.csv"] if of_file else []), "--plan", new, *DAY)
    once = tried(past, *words)
    monkeypatch.setattr(backtest_side, "_seen_alike", lambda *_: False)
    assert tried(past, *words) == once
    assert once["turned"]


@pytest.mark.parametrize("reorder", ["0s", "2m"])
@pytest.mark.parametrize("devices", [1, 3])
def test_devices_may_be_divided(tmp_path: Path, devices: int, reorder: str) -> None:
    """What is found of some and of the others is what is found of all: also of what came late, twice or not in turn."""
    fixes = [fix for device, seed in [("w1", 4), ("w2", 11), ("w3", 7)][:devices]
             for fix in walk(device, seed, minutes=50)]  # fmt: skip
    chance = random.Random(2)
    kept = [fix for fix in fixes if chance.random() < 0.9]
    kept.sort(key=lambda fix: fix.micros + chance.choice([0] * 30 + [40 * SECOND]))
    _write(tmp_path / "day.csv", kept)
    _write(tmp_path / "late.csv", chance.sample(fixes, len(fixes) // 5))
    (tmp_path / "zones.geojson").write_text(json.dumps(write(town())))
    (tmp_path / "plan.toml").write_text(plan() + ROSTER + ROSTER.replace("gw-2", "gw-3").replace("w2", "w3"))
    (tmp_path / "c.toml").write_text(CONFIG + f'[detection]\nreorder = "{reorder}"\n')
    asked = Past(
        (str(tmp_path / "day.csv"), str(tmp_path / "late.csv")),
        (),
        str(tmp_path / "plan.toml"),
        str(tmp_path / "c.toml"),
    )
    settings, town_, _, faults = backtest_side.towns(asked)
    assert settings is not None
    assert town_ is not None, faults
    always = Window(EVER, NEVER)
    rerun = Rerun.of(asked, settings, always)
    whole, some, others = (rerun.watch(town_, share=share) for share in (None, Share(0), Share(1)))
    adopt(some.house, pickle.loads(pickle.dumps(findings(others.house))))
    assert some.last == others.last == whole.last
    found, wanted_ = (backtest.judged(one.house, one.last, always) for one in (some, whole))
    assert found.verdicts == wanted_.verdicts
    assert [changed(one, revision=0) for one in found.visits] == [changed(one, revision=0) for one in wanted_.visits]
    assert len({visit.device for visit in found.visits}) == devices
    assert whole.house.counts.revised >= devices


def test_devices_heard_while_the_store_is_opened_are_left_out() -> None:
    known = [DeviceId(name) for name in ("w1", "w3")]
    shares = [Share(turn, known) for turn in (0, 1)]
    assert [share.of_known() for share in shares] == [["w1"], ["w3"]]
    assert [share.takes(DeviceId("w2")) for share in shares] == [True, False]
    assert [share.of_known() for share in shares] == [["w1"], ["w3"]]


@pytest.mark.parametrize("what", ["--plan", "--zones"])
def test_a_fault_of_a_file_only_the_second_process_meets_is_told(
    past: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    here, read = os.getpid(), FileSource._blocks

    def blocks(source: FileSource, raw: io.FileIO) -> Iterator[Chunk]:
        yield from read(source, raw)
        if os.getpid() != here:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(FileSource, "_blocks", blocks)
    new = past / {"--plan": "plan.toml", "--zones": "zones.geojson"}[what]
    said = run("backtest", "--config", past / "c.toml", past / "day.csv", what, new, code=1)
    assert said.count("input/output error") == 1


def test_what_cannot_be_read_is_told_once(past: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--config", past / "c.toml", "--plan", past / "plan.toml")
    said = run("backtest", *words, past / "none.csv", code=1)
    assert (said + capfd.readouterr().err).count("no such file") == 1


def test_a_pipe_is_refused(past: Path, tmp_path: Path) -> None:
    """Two would read it, and each would have the half of it."""
    os.mkfifo(tmp_path / "pipe")
    words = ("--config", past / "c.toml", "--plan", past / "plan.toml")
    assert "cannot be read twice" in run("backtest", *words, tmp_path / "pipe", code=2)


@pytest.mark.parametrize("what", ["--plan", "--zones"])
@pytest.mark.parametrize("rows", [0, 1])
def test_files_that_tell_of_nothing(past: Path, tmp_path: Path, rows: int, what: str) -> None:
    """Nothing at all, or nothing on duty."""
    _write(tmp_path / "none.csv", walk("stranger", 4)[:rows])
    words = (tmp_path / "none.csv", what, past / {"--plan": "plan.toml", "--zones": "zones.geojson"}[what])
    assert "Nothing is known of that time" in run("backtest", "--config", past / "c.toml", *words)
    found = tried(past, *words)
    assert (found["visits"], found["verdicts"]) == ([], [])


def test_a_fault_in_the_second_process_is_told_by_the_first() -> None:
    def away() -> None:
        raise StoreError("no store")

    def wrong() -> None:
        raise ZeroDivisionError

    for work, fault, told in (
        (away, StoreError, "no store"), (wrong, RuntimeError, "ZeroDivisionError"),
        (lambda: os._exit(1), RuntimeError, "without an answer"),
    ):  # fmt: skip
        with backtest_side._beside(work) as other, pytest.raises(fault, match=told):
            other()


def test_the_second_process_ends_where_the_first_was_killed() -> None:
    """It holds standard output open for as long as it lasts."""
    words = (
        "import os, signal; from trackerd.backtest_side import _beside\n"
        "with _beside(lambda: bytes(10**7)): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", words], stdout=subprocess.PIPE, timeout=20, check=False)
