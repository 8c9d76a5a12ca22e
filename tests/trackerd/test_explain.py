"""``trackerd explain`` as people use it: beside the daemon, of what stands, was taken back, or was never there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from geofence.event import Kind
from geofence.geojson import write
from geofence.model import EVER, SECOND, DeviceId, Micros, to_datetime
from geofence.wire import PREFIX
from geofence.zones import ZoneSet
from tests.geofence.walks import START, town, walk
from tests.trackerd.test_cli import trackerd
from tests.trackerd.test_revision import RETRACT, Listener, gap, other_town
from trackerd.cli import app
from trackerd.explain import NoAnswerError, about_event, about_moment, explain
from trackerd.store import MemoryStore, Store, Told, open_store
from trackerd.town import Town


class Site:
    """A folder with a configuration, and a record that a daemon holds open."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "trackerd.toml"
        (folder / "zones.geojson").write_text(json.dumps(write(town())))
        self.config.write_text('[store]\nurl = "sqlite:///r.db"\n[[zones]]\nfile = "zones.geojson"\n')
        self.store: Store = open_store(f"sqlite:///{folder}/r.db")
        self.listener = Listener(self.store)

    def explain(self, *what: object, code: int = 0) -> tuple[str, str]:
        arguments = ["explain", *map(str, what), "--config", str(self.config)]
        ended = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert ended.exit_code == code, ended.stderr
        return ended.stdout, " ".join(ended.stderr.split())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path)
    yield one
    one.store.close()


def of(told: list[Told], kind: Kind, zone: str | None = None) -> Told:
    return next(one for one in told if one.type == PREFIX + kind and zone in (None, one.zone))


def local(micros: int) -> str:
    """Brussels in winter, as the times are told."""
    return f"{to_datetime(micros + 3600 * SECOND):%H:%M:%S}"


def test_an_event_beside_the_running_daemon(site: Site, tmp_path: Path) -> None:
    told = site.listener.take(walk("w1", 10))
    enter = of(told, Kind.ENTER, "street")
    for words in (enter.id, enter.id[:8]):
        out, err = site.explain(words, "--plot", tmp_path / "why.svg")
        assert f"zone.enter street by w1 at {local(enter.time)}" in err
        assert "it stands" in err
        assert re.search(rf"inside +enter at {local(enter.time)}", " ".join(out.split()))
        assert re.search(r"\d m +[+-]\d+ m +outside", out)
        assert "4.2" not in re.sub(r"\d\d:\d\d:\S+|evidence.*", "", out)  # no coordinates
    trackerd("explain", enter.id, "--config", site.config)  # and in a process of its own
    picture = ElementTree.parse(tmp_path / "why.svg").getroot()
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "enter" in texts
    assert "edge" in texts
    circles = list(picture.iter("{http://www.w3.org/2000/svg}circle"))
    assert 5 < len(circles) == len(re.findall(r"[+-]\d+ m", out))


def test_without_a_picture_none_is_made(site: Site, tmp_path: Path) -> None:
    told = site.listener.take(walk("w1", 10))
    before = set(tmp_path.iterdir())
    _, err = site.explain(of(told, Kind.EXIT).id)
    assert "drawn" not in err
    assert set(tmp_path.iterdir()) == before
    assert "only SVG" in site.explain(of(told, Kind.EXIT).id, "--plot", tmp_path / "why.png", code=2)[1]
    assert "cannot be written" in site.explain(of(told, Kind.EXIT).id, "--plot", tmp_path / "no" / "y.svg", code=1)[1]


def test_what_was_taken_back_and_the_retraction_itself(site: Site) -> None:
    first, later = gap(1)
    before = {told.id: told for told in site.listener.take(first)}
    backs = [told for told in site.listener.take(later) if told.type == RETRACT]
    back = next(told for told in backs if told.zone is not None)
    was = before[back.body["data"]["retracts"]]
    for id_ in (was.id, back.id):
        _, err = site.explain(id_)
        assert f"{was.type.removeprefix(PREFIX)} {was.zone} by w1 at {local(was.time)}" in err
        assert "it was taken back" in err


def test_a_device_a_zone_and_a_time_by_the_towns_clock(site: Site) -> None:
    fixes = walk("w1", 10)
    told = site.listener.take(fixes)
    leave = of(told, Kind.EXIT, "street")
    by_clock = f"{to_datetime(leave.time + 3600 * SECOND):%Y-%m-%dT%H:%M:%S}"
    for time in (by_clock, to_datetime(leave.time).isoformat()):
        assert f"exit at {local(leave.time)}" in site.explain("w1", "street", time)[0]


def test_far_away_is_told_in_one_line(site: Site) -> None:
    away = [replace(fix, lat=fix.lat + 0.05) for fix in walk("w1", 10)]
    site.listener.take(away)
    at = to_datetime(away[100].micros).isoformat()
    out, _ = site.explain("w1", "box", at, "--plot", site.folder / "far.svg")
    assert len(out.splitlines()) == 2
    assert re.search(r"out of reach +outside +8\d fixes until", out)
    assert "no fix within reach" in (site.folder / "far.svg").read_text()


def test_a_zone_of_an_older_edition(site: Site) -> None:
    fixes = walk("w1", 10)
    told = site.listener.take(fixes[:150])
    enter = of(told, Kind.ENTER, "street")
    after = other_town()
    site.listener.here = after
    site.listener.house.move(after, Micros(fixes[149].micros + 1))
    site.listener.take(fixes[150:])
    assert "street" not in after.zones.by_id
    assert f"enter at {local(enter.time)}" in site.explain(enter.id)[0]
    later = to_datetime(fixes[250].micros).isoformat()
    out, err = site.explain("w1", "street", later)
    assert "not in force" in out
    assert "street was not in force all of that time" in err


def test_what_time_alone_brought_about_has_a_line_of_its_own(site: Site) -> None:
    fixes = walk("w1", 10)
    site.listener.take(fixes[:200])
    told = site.listener.take([], Micros(fixes[199].micros + 7200 * SECOND))
    leave = of(told, Kind.EXIT, "district")
    out, err = site.explain(leave.id)
    assert f"zone.exit district by w1 at {local(leave.time)}" in err
    assert re.search(r"no fix +exit at", out)
    assert re.search(r"no fix +device.silent at", out)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (["0123456789"], "no event has the id '0123456789'; write it as it was told"),
        (["a"], "no event has the id 'a'"),
        (["w2", "street", "2026-01-01T09:10"], "no fix of a device 'w2' is stored; there is w1"),
        (["w1", "stret", "2026-01-01T09:10"], "no zone 'stret' was ever known; there is street"),
        (["w1", "street", "2025-01-01T09:10"], "there are fixes from 2026-01-01T08:00:00Z to"),
        (["w1", "street", "2027-01-01T09:10"], "there are fixes from 2026-01-01T08:00:00Z to"),
    ],
)
def test_what_is_not_in_the_record(site: Site, what: list[str], said: str) -> None:
    site.listener.take(walk("w1", 10))
    out, err = site.explain(*what, code=1)
    assert not out
    assert said in err


def test_wrong_usage_and_no_store(site: Site) -> None:
    site.listener.take(walk("w1", 10))
    assert "is no time; write 2026" in site.explain("w1", "street", "yesterday", code=2)[1]
    assert "DEVICE ZONE TIME" in site.explain("w1", "street", code=2)[1]
    site.config.write_text('[store]\nurl = "sqlite:///none.db"\n[[zones]]\nfile = "zones.geojson"\n')
    assert "none.db" in site.explain("0123456789", code=3)[1]


def test_an_emergency_and_a_silence_are_about_no_zone(site: Site) -> None:
    fixes = walk("w1", 10)
    told = site.listener.take([replace(fix, sos=number == 9) for number, fix in enumerate(fixes)])
    told += site.listener.take([], Micros(fixes[-1].micros + 600 * SECOND))
    for kind in (Kind.SOS, Kind.SILENT):
        assert "about a device and no zone" in site.explain(of(told, kind).id, code=1)[1]


@pytest.mark.parametrize("make", [MemoryStore, lambda: open_store("sqlite://")])
def test_what_is_explained_is_what_was_said(make: type[MemoryStore]) -> None:
    """Each standing event of many walks is found again, of the same moment, among the lines of its own explanation."""
    count = 0
    for seed in range(2):
        listener = Listener(make())
        fixes = walk("w1", seed, minutes=60)
        listener.take(fixes)
        listener.take([], Micros(fixes[-1].micros + 7200 * SECOND))
        for standing in listener.store.standing(DeviceId("w1"), EVER):
            if standing.event.visit is None:
                continue
            lines = explain(listener.store, listener.house.rules, about_event(listener.store, standing.id))
            said = [(event.kind, event.time, event.decided) for line in lines for event in line.said]
            assert (standing.event.kind, standing.event.time, standing.event.decided) in said
            assert [line.time for line in lines] == sorted(line.time for line in lines)
            count += 1
    assert count > 6


def test_an_ambiguous_beginning_of_an_id() -> None:
    listener = Listener(open_store("sqlite://"))
    for seed in range(400):
        told = listener.take(walk(f"w{seed}", seed, minutes=4))
        ids = sorted(one.id for one in listener.told)
        twins = [a[:4] for a, b in pairwise(ids) if a[:4] == b[:4]]
        if told and twins:
            break
    with pytest.raises(NoAnswerError, match="more than one event"):
        about_event(listener.store, twins[0])


def test_a_question_before_anything_is_known() -> None:
    with pytest.raises(NoAnswerError, match="is stored"):
        about_moment(MemoryStore(), "w1", "box", Micros(START))
    empty = Listener(MemoryStore(), here=Town(ZoneSet()))
    empty.take(walk("w1", 1, minutes=2))
    with pytest.raises(NoAnswerError, match=r"no zone 'box' was ever known$"):
        about_moment(empty.store, "w1", "box", Micros(START))
