"""What ``trackerd broker-config`` writes, in a real broker: a device reaches its own topics and no other."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from paho.mqtt.enums import MQTTErrorCode
from typer.testing import CliRunner

from tests.servers import Mosquitto, client, until
from trackerd.broker_config import Wanted, passwords, write
from trackerd.cli import app

ROOT = Path(__file__).resolve().parents[2]


def broker(folder: Path, devices: tuple[str, ...]) -> tuple[Mosquitto, dict[str, str]]:
    """Start mosquitto with what is written for these devices, on a port of its own."""
    new = write(Wanted(devices, folder=folder), folder)
    lines = (folder / "trackerd.conf").read_text().splitlines()
    rest = [line for line in lines if not line.startswith(("listener", "#"))]
    return Mosquitto(folder / "broker", "\n".join(rest)).start(), new


def said(port: int, topic: str, user: str, password: str) -> str:
    """Publish as somebody; return the broker's word on it."""
    words: list[Any] = []
    made = client(port, username=user, password=password)
    made.on_publish = lambda _c, _d, _mid, reason, _p: words.append(reason)
    try:
        assert made.publish(topic, b"{}", 1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        until(lambda: words, "the broker answers")
    finally:
        made.disconnect()
        made.loop_stop()
    return str(words[0])


def test_a_device_writes_its_own_topics_and_reads_nothing(tmp_path: Path) -> None:
    server, new = broker(tmp_path, ("w01", "w02"))
    with ExitStack() as stack:
        stack.callback(server.stop)
        assert said(server.port, "owntracks/w01/phone", "w01", new["w01"]) == "No matching subscribers"
        assert said(server.port, "trackerd/in/w01/nmea", "w01", new["w01"]) == "No matching subscribers"
        for topic in ("owntracks/w02/phone", "trackerd/in/w02/nmea", "trackerd/zones/box/events", "elsewhere"):
            assert said(server.port, topic, "w01", new["w01"]) == "Not authorized"
        assert said(server.port, "trackerd/status", "trackerd", new["trackerd"]) == "No matching subscribers"
        heard: list[str] = []
        for user in ("trackerd", "w02"):
            listener = client(server.port, username=user, password=new[user])
            stack.callback(listener.loop_stop)
            stack.callback(listener.disconnect)
            listener.on_message = lambda _c, _d, _message, user=user: heard.append(user)
            answers: list[Any] = []
            listener.on_subscribe = lambda _c, _d, _m, codes, _p, answers=answers: answers.append(codes)
            listener.subscribe([("owntracks/#", 1), ("trackerd/in/#", 1)])
            until(answers.__len__, "subscribed")
        assert said(server.port, "owntracks/w01/phone", "w01", new["w01"]) == "Success"
        until(lambda: heard, "trackerd hears it")
        time.sleep(0.2)
        assert heard == ["trackerd"], "and nobody else"


def test_passwords_that_exist_stay_and_those_of_devices_gone_go(tmp_path: Path) -> None:
    first, new = passwords(Wanted(["w01", "w02"]), "")
    assert set(new) == {"trackerd", "w01", "w02"}
    assert not any(password in first for password in new.values())
    second, newer = passwords(Wanted(["w02", "w03"]), first)
    assert set(newer) == {"w03"}
    assert [line.split(":")[0] for line in second.splitlines()] == ["trackerd", "w02", "w03"]
    assert [line for line in second.splitlines() if line.startswith("w02")] == [first.splitlines()[2]]


def test_the_command_shows_new_passwords_once(tmp_path: Path) -> None:
    config = tmp_path / "trackerd.toml"
    config.write_text('[mqtt]\nhost = "localhost"\nusername = "wardens"\n[[device]]\nid = "w01"\n')

    def run(*more: str) -> Any:
        return CliRunner().invoke(app, ["broker-config", "--config", str(config), *more])

    shown = run()
    assert shown.exit_code == 0
    assert "user wardens" in shown.stdout
    assert "max_queued_messages" in shown.stdout
    first = run("--out", str(tmp_path / "out"))
    assert first.exit_code == 0, first.output
    assert {line.split()[0] for line in first.stdout.splitlines()} == {"wardens", "w01"}
    assert (tmp_path / "out/trackerd.passwd").stat().st_mode & 0o777 == 0o640
    again = run("--out", str(tmp_path / "out"))
    assert (again.exit_code, again.stdout) == (0, "")


def test_without_enrolled_devices_there_is_nobody_to_let_in(tmp_path: Path) -> None:
    config = tmp_path / "trackerd.toml"
    config.write_text('[mqtt]\nhost = "localhost"\n')
    refused = CliRunner().invoke(app, ["broker-config", "--config", str(config), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 1
    assert "[[device]]" in refused.output


def test_the_shipped_settings_are_what_the_command_writes(tmp_path: Path) -> None:
    config = tmp_path / "trackerd.toml"
    config.write_text("")
    shown = CliRunner().invoke(app, ["broker-config", "--config", str(config)]).stdout
    for name in ("trackerd.conf", "trackerd.acl"):
        assert (ROOT / "config/mosquitto" / name).read_text() in shown
