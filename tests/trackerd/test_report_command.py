"""``trackerd report`` on the demo's day, and beside a daemon that writes."""

from __future__ import annotations

import io
import json
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rich.console import Console
from typer.testing import CliRunner, Result

from geofence.model import Fixes
from tests.receivers import mailbox
from tests.trackerd.reporting import at, track
from trackerd.cli import app
from trackerd.demo import show
from trackerd.store import Batch, open_store

Ask = Callable[..., Result]
PLACE = ("--lon", "4.1985", "--lat", "50.9105", "--from", "2026-05-19", "--to", "2026-05-19")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play the demo's day into a store beside its own configuration."""
    folder = tmp_path_factory.mktemp("town")
    for file in files("trackerd.demo").iterdir():
        if file.name.endswith((".toml", ".geojson")):
            (folder / file.name).write_bytes(file.read_bytes())
    config = folder / "trackerd.toml"
    config.write_text(config.read_text() + '\n[store]\nurl = "sqlite:///demo.db"\n')
    show(True, folder / "demo.db", 1e9, Console(quiet=True))
    return config


def ask(config: Path, *words: str, code: int = 0) -> Result:
    ended = CliRunner().invoke(app, ["report", *words, "--config", str(config)])
    assert ended.exit_code == code, ended.output
    return ended


def asked(config: Path, *words: str) -> dict[str, object]:
    found = json.loads(ask(config, *words, "--format", "json").stdout)
    assert isinstance(found, dict)
    return found


def test_the_demos_day(town: Path) -> None:
    found = asked(town, "day", "--date", "2026-05-19")
    tables = found["tables"]
    assert isinstance(tables, dict)
    assert {row["warden"]: round(row["duty"] / 3600, 2) for row in tables["duties"]} == {"gw-1": 9.25, "gw-2": 9.25}
    assert {row["team"] for row in tables["visits"]} == {"asse", "zellik"}
    assert [row["warden"] for row in tables["silences"]] == ["gw-1"]
    assert "Dagverslag" in ask(town, "day", "--date", "2026-05-19").stdout  # the site's first language
    assert "Rapport journalier" in ask(town, "day", "--date", "2026-05-19", "--lang", "fr").stdout


def test_the_demos_plan_and_a_zone_by_its_name(town: Path) -> None:
    plan = asked(town, "plan", "--from", "2026-05-01", "--to", "2026-05-31")
    assert (plan["owed"], plan["skipped"], plan["unproven"], plan["partial"]) == (22, 1, 1, 1)
    zone = asked(town, "zone", "probleembox MARKT", "--from", "2026-05-19", "--to", "2026-05-19")
    assert zone["visits"] == 6
    verdicts = zone["tables"]["verdicts"]  # type: ignore[index]
    assert [row["requirement"] for row in verdicts] == ["boxes-asse"]


def test_whether_it_can_be_done_is_said_in_every_language_and_format(town: Path, tmp_path: Path) -> None:
    found = asked(town, "capacity", "--date", "2026-05-19")
    assert (found["owed"], found["crew_at_least"], found["crew_found"], found["not_done"]) == (22, 2, 2, 2)
    tables = found["tables"]
    assert isinstance(tables, dict)
    assert (len(tables["rounds"]), tables["left"]) == (26, []), "two visits each of four are asked"
    assert "Rondes die het doen" in ask(town, "capacity", "--date", "2026-05-19").stdout
    assert "Tournées" in ask(town, "capacity", "--date", "2026-05-19", "--format", "html", "--lang", "fr").stdout
    assert "write 2026-05-04" in ask(town, "capacity", "--date", "soon", code=1).stderr
    for file in town.parent.iterdir():
        if file.suffix in (".toml", ".geojson"):
            shutil.copy(file, tmp_path)
    to_come = asked(tmp_path / "trackerd.toml", "capacity", "--date", "2099-05-19")  # no store is needed for that
    assert (to_come["owed"], "not_done" in to_come) == (22, False)


def test_files_are_written_as_their_names_say(town: Path, tmp_path: Path) -> None:
    for suffix, begins in (("xlsx", b"PK"), ("html", b"<!DOCTYPE html>"), ("json", b"{"), ("csv", b"Opdracht,")):
        out = tmp_path / f"plan.{suffix}"
        ask(town, "plan", "--from", "2026-05-01", "--to", "2026-05-31", "--output", str(out))
        assert out.read_bytes().startswith(begins)
    text = ask(town, "plan", "--from", "2026-05-01", "--to", "2026-05-31", "--format", "csv", "--table", "weeks",
               "--semicolon", "--bom").stdout  # fmt: skip
    assert text.startswith("\ufeffWeek;Maandag;")
    assert "2026-W21;2026-05-18;22;19;1;1;1;0;0;0,8636;" in text


def test_a_place_is_answered_and_the_asking_can_be_read(town: Path) -> None:
    found = asked(town, "place", *PLACE, "--purpose", "complaint 7", "--radius", "60")
    assert 0 < found["certain"] < found["probable"] < found["possible"]  # type: ignore[operator]
    log = asked(town, "askings")["tables"]["askings"]  # type: ignore[index]
    assert [(row["about"], row["purpose"]) for row in log][-1] == ("50.91, 4.20, 60 m", "complaint 7")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("zone", "probleembox mark"), 1, "did you mean box-01 (Probleembox Markt)"),
        (("zone", "xyzzy"), 1, "trackerd zones list"),
        (("day", "--date", "2099-01-01"), 1, "still to come"),
        (("day", "--date", "soon"), 1, "write 2026-05-04"),
        (("day", "--date", "tomorrow"), 1, "still to come"),
        (("plan", "--from", "x", "--to", "y"), 1, "'y' is no day and no time: write 2026-05-04 or"),
        (("plan", "--from", "2020-01-01", "--to", "2020-02-01"), 1, "the record begins on 2026-05-19"),
        (("plan", "--from", "2026-05-01", "--to", "2026-05-31", "--format", "csv", "--table", "x"), 2, "there are"),
        (("plan", "--from", "2026-05-01", "--to", "2026-05-31", "--output", "/no/such/x.html"), 1, "cannot be written"),
        (("plan", "--from", "2026-05-01", "--to", "2026-05-31", "--output", "x.pdf"), 2, "call it .html"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_told_with_a_remedy(
    town: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    told = " ".join(ask(town, *words, code=code).stderr.split())
    assert says in told
    assert "Traceback" not in told


def test_without_a_store_nothing_is_answered(town: Path, tmp_path: Path) -> None:
    for file in town.parent.iterdir():
        if file.suffix in (".toml", ".geojson"):
            shutil.copy(file, tmp_path)
    told = " ".join(ask(tmp_path / "trackerd.toml", "plan", code=3).stderr.split())
    assert "demo.db: there is no such file: has the daemon run yet" in told


def test_a_store_that_cannot_be_written_answers_nothing_about_a_place(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = open_store

    def reading(url: str, **how: object) -> object:
        return real(url, reading=True)

    monkeypatch.setattr("trackerd.report_answers.open_store", reading)
    ended = ask(town, "place", *PLACE, code=3)
    assert "give this user the right" in " ".join(ended.stderr.split())
    assert not ended.stdout


def test_a_place_is_asked_about_while_a_daemon_writes(tmp_path: Path) -> None:
    """The daemon holds the file's lock and commits all the time; none of both is turned away."""
    (tmp_path / "trackerd.toml").write_text('[store]\nurl = "sqlite:///x.db"\n[privacy]\nrequire_duty = false\n')
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}")
    start, done, faults = at("2026-05-19T08:00"), threading.Event(), []
    store.commit(Batch(Fixes.of(track("w1", start, [0.0] * 50))))

    def write() -> None:
        number = 1
        while not done.is_set():
            try:
                store.commit(Batch(Fixes.of(track("w1", start + number * 250_000_000, [0.0] * 50))))
            except Exception as error:  # noqa: BLE001 - told below
                faults.append(error)
                return
            number += 1
            time.sleep(0.001)

    daemon = threading.Thread(target=write)
    daemon.start()
    try:
        for number in range(4):
            ask(tmp_path / "trackerd.toml", "place", "--lon", "4.2", "--lat", "50.9", "--from", "2026-05-19",
                "--to", "2026-05-19", "--purpose", f"p{number}")  # fmt: skip
    finally:
        done.set()
        daemon.join()
    assert not faults
    assert [one.purpose for one in store.askings(0, 2**62)] == ["p0", "p1", "p2", "p3"]
    store.close()


def test_yesterdays_overview_by_mail(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.clock.now", lambda: datetime(2026, 5, 20, 4, tzinfo=UTC))
    with mailbox() as box:
        config = town.with_name("mail.toml")
        notify = (
            f'[[notify]]\nkind = "mail"\nname = "coordinator"\nhost = "localhost"\nport = {box.port}\ntls = "none"\n'
        )
        config.write_text(f'{town.read_text()}\n{notify}from = "trackerd@asse.be"\nto = ["coordinator@asse.be"]\n')
        said = ask(config, "day", "--date", "yesterday", "--mail", "coordinator")
        assert "took it for 1 of 1" in said.output
        assert 'no [[notify]] of kind "mail" named' in ask(config, "day", "--mail", "nobody", code=1).output
    (mail,) = box.mails
    assert mail["Subject"].startswith("Dagverslag van de gemeenschapswachten: dinsdag 19 mei 2026")
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "Probleembox" in plain.get_content()
    assert "<table" in html.get_content()
    (book,) = mail.iter_attachments()
    assert load_workbook(io.BytesIO(book.get_content())).sheetnames
