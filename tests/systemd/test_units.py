"""The units as systemd reads them, and what the daemon says to it over a real notification socket."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Mosquitto, free_port, need, until

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST = 1.5
"""Exposure, as `systemd-analyze security` reckons it."""


def test_systemd_has_nothing_to_say_against_them(tmp_path: Path) -> None:
    """It leaves with 0 in spite of much that is wrong: whatever it says is a fault, but for a program not installed."""
    need("systemd-analyze")
    for unit in UNITS.glob("*.[st]*"):
        text = unit.read_text().replace("/usr/bin/trackerd", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = [str(unit) for unit in tmp_path.iterdir() if unit.suffix in (".service", ".timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_little_is_exposed(unit: Path) -> None:
    program = need("systemd-analyze")
    done = subprocess.run(
        [program, "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    print(f"{unit.name}: exposure {found[1]}")
    assert float(found[1]) <= MOST


def test_each_timer_has_its_service_and_each_command_is_one() -> None:
    for timer in UNITS.glob("*.timer"):
        assert timer.with_suffix(".service").exists()
    for service in SERVICES:
        for command in re.findall(r"^ExecStart=/usr/bin/trackerd (.*)", service.read_text(), re.MULTILINE):
            words = [word for word in command.partition("--")[0].split() if not word.startswith("/")]
            done = subprocess.run(
                [sys.executable, "-m", "trackerd", *words, "--help"], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, command
            for option in re.findall(r"--[a-z]+", command):
                assert option in done.stdout, command


class Ear:
    """Hears what is said on a notification socket."""

    def __init__(self, path: Path) -> None:
        self.path, self.said = path, list[str]()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def heard(self, words: str) -> bool:
        try:
            while True:
                self.said += self._socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return any(words in line for line in self.said)

    @property
    def status(self) -> str:
        self.heard("")
        return next((line for line in reversed(self.said) if line.startswith("STATUS=")), "")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def daemon(folder: Path, port: int, rest: str = "") -> Iterator[tuple[subprocess.Popen[bytes], Ear]]:
    config = folder / "trackerd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///r.db"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[[source]]\nkind = "mqtt"\n'
        f'name = "phones"\n[privacy]\nrequire_duty = false\n{rest}'
    )
    ear = Ear(folder / "notify")
    environment = os.environ | {"NOTIFY_SOCKET": str(ear.path)}
    command = [sys.executable, "-m", "trackerd", "run", "--config", str(config)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            yield process, ear
        finally:
            process.kill()
            ear.close()


def test_ready_when_all_is_connected_and_how_it_is_in_words(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path, mosquitto.port) as (process, ear):
        until(lambda: ear.heard("READY=1"), lambda: str(ear.said))
        before = ear.said[: ear.said.index("READY=1")]
        assert "STATUS=1 source, all connected" in ear.said[len(before) :][:3]
        until(lambda: ear.said.count("WATCHDOG=1") > 2 or ear.heard("x"), lambda: str(ear.said))
        process.send_signal(signal.SIGHUP)
        until(lambda: ear.heard("RELOADING=1"), lambda: str(ear.said))
        until(lambda: ear.heard("x") or ear.said.count("READY=1") == 2, lambda: str(ear.said))
        mosquitto.stop()
        until(lambda: ear.heard("events wait for the broker"), lambda: str(ear.said))
        assert ear.heard("STATUS=phones: ")
        process.send_signal(signal.SIGTERM)
        until(lambda: ear.heard("STOPPING=1"), lambda: str(ear.said))
        assert process.wait(20) == 0


def test_a_refused_reload_is_in_the_status_until_one_is_taken(tmp_path: Path, mosquitto: Mosquitto) -> None:
    zones = tmp_path / "zones.geojson"
    good, bad = '{"type":"FeatureCollection","features":[]}', '{"type":"FeatureCollection","features":[{}]}'
    zones.write_text(good)
    with daemon(tmp_path, mosquitto.port, '[[zones]]\nfile = "zones.geojson"\n') as (process, ear):
        until(lambda: ear.status == "STATUS=1 source, all connected", lambda: str(ear.said))
        for text, status in ((bad, "STATUS=not reloaded, for the files have faults"),
                             (good, "STATUS=1 source, all connected")):  # fmt: skip
            zones.write_text(text)
            process.send_signal(signal.SIGHUP)
            until(lambda status=status: ear.status.startswith(status), lambda: str(ear.said))  # type: ignore[misc]
        assert ear.said.count("READY=1") == 1 + ear.said.count("RELOADING=1") == 3


def test_without_its_broker_it_is_ready_after_a_while_and_says_what_lacks(tmp_path: Path) -> None:
    with daemon(tmp_path, free_port()) as (_, ear):
        until(lambda: ear.heard("cannot reach the broker"), lambda: str(ear.said))
        assert not ear.heard("READY=1")
        assert ear.heard("WATCHDOG=1")
        until(lambda: ear.heard("READY=1"), lambda: str(ear.said))
