"""The first configuration: from answers typed at a terminal or given as options, sound and never over another."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.servers import until
from tests.trackerd.test_cli import trackerd


@pytest.mark.parametrize(
    ("way", "where", "source"),
    [
        ("phone", "broker.asse.be", {"kind": "mqtt"}),
        ("serial", "/dev/ttyACM0", {"kind": "serial", "url": "/dev/ttyACM0", "device": "w07"}),
        ("gpsd", "gps.asse.be", {"kind": "gpsd", "host": "gps.asse.be", "device": "w07"}),
        ("tcp", "5056", {"kind": "tcp", "host": "0.0.0.0", "port": 5056, "device": "w07"}),
    ],
)
def test_by_options(tmp_path: Path, way: str, where: str, source: dict[str, object]) -> None:
    told = [
        "--site",
        "asse",
        "--languages",
        "fr, nl",
        "--warden",
        "gw-7",
        "--device",
        "w07",
        "--timezone",
        "Europe/Paris",
    ]
    trackerd("init", "--folder", tmp_path / "new", "--positions", way, "--where", where, *told)
    config = tmp_path / "new" / "trackerd.toml"
    said = trackerd("check", "--config", config).stderr
    assert "1 zones, 1 duties, 1 sources: no faults" in said
    assert {oct(path.stat().st_mode & 0o777) for path in config.parent.iterdir()} == {"0o640"}, "whoever's umask"
    found = tomllib.loads(config.read_text())
    assert found["site"] == {"name": "asse", "timezone": "Europe/Paris", "languages": ["fr", "nl"]}
    assert found["source"] == [source]
    assert found.get("mqtt", {}).get("host") == (where if way == "phone" else None)
    assert tomllib.loads((tmp_path / "new" / "plan.toml").read_text())["duty"][0]["warden"] == "gw-7"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("mine")
    said = trackerd("init", "--yes", "--folder", tmp_path, code=1).stderr
    assert "plan.toml: there already" in said.replace("\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]
    assert (tmp_path / "plan.toml").read_text() == "mine"
    trackerd("init", "--yes", "--replace", "--folder", tmp_path)
    assert (tmp_path / "plan.toml.old").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "plan.toml", "plan.toml.old", "trackerd.toml", "zones.geojson",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--positions", "pigeon"), "is no way"),
        (("--positions", "tcp", "--where", "x"), "is no port"),
        (("--site", "Asse Town"), "site.name"),
        (("--timezone", "Mars/Olympus"), "site.timezone"),
        (("--languages", "nl,xx"), "site.languages"),
        (("--folder", "/proc/no"), "cannot be written"),
    ],
)
def test_a_wrong_answer_is_told(tmp_path: Path, option: tuple[str, str], words: str) -> None:
    folder = () if "--folder" in option else ("--folder", str(tmp_path))
    assert words in trackerd("init", "--yes", *folder, *option, code=1).stderr
    assert list(tmp_path.iterdir()) == []


def test_by_answering_at_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "trackerd", "init", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = ""
        for question, answer in (
            ("town", "asse"), ("Languages", ""), ("come from", "serial"), ("port", "/dev/ttyS9"), ("warden", ""),
        ):  # fmt: skip
            while question not in said.rpartition("\r\n")[2]:
                said += os.read(ours, 4096).decode()
            os.write(ours, f"{answer}\n".encode())
            while "\r\n" not in (more := os.read(ours, 4096).decode()):
                pass
            said += more
        until(lambda: process.poll() is not None, "init ended")
    os.close(ours)
    assert process.returncode == 0
    found = tomllib.loads((tmp_path / "trackerd.toml").read_text())
    assert (found["site"]["name"], found["source"][0]["url"]) == ("asse", "/dev/ttyS9")
