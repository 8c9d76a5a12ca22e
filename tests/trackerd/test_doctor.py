"""The doctor at real patients: brokers with and without an access list, ports that others hold, what has expired."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from geofence import lookup
from tests.servers import Mosquitto, Port, certificate, free_port, need, publish, until
from tests.trackerd.test_broker_config import broker as configured
from tests.trackerd.test_daemon import Installation
from tests.trackerd.test_metrics import phone
from tests.trackerd.test_source_serial import GGA, RMC
from trackerd import doctor
from trackerd.cli import app
from trackerd.config import Settings
from trackerd.doctor import broker, compiled, ports, stores
from trackerd.doctor.finding import Finding, Patient
from trackerd.load import load
from trackerd.town import build


class Said(NamedTuple):
    """What the doctor said."""

    code: int
    findings: list[dict[str, str]]

    def of(self, about: str, level: str = "") -> list[str]:
        return [one["says"] for one in self.findings
                if one["about"].startswith(about) and level in ("", one["level"])]  # fmt: skip


def visit(config: Path) -> Said:
    """Have an installation looked at, as its administrator does."""
    done = CliRunner().invoke(app, ["doctor", "--json", "--config", str(config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    said = Said(done.exit_code, [json.loads(line) for line in done.stdout.splitlines()])
    for one in said.findings:
        assert one["says"], one
        assert one["level"] == "well" or one["remedy"], one
    return said


def written(folder: Path, text: str, duty: bool = True) -> Path:
    """Write a configuration without any fault in it."""
    roster = '[[duty]]\nwarden = "gw-1"\ndevice = "w01"\nfrom = "00:00"\nto = "23:59"\n[[device]]\nid = "w01"\n'
    file = folder / "trackerd.toml"
    file.write_text(f"{text}\n{roster if duty else ''}[[warden]]\nid = 'gw-1'\n")
    return file


def looked(look: Any, config: Path) -> list[Finding]:
    """Have one thing looked at, in this process."""
    settings, _ = load(config)
    assert settings is not None
    town, _ = build(settings, config)
    return list(look(Patient(settings, config, town)))


def levels(found: list[Finding], about: str = "") -> dict[str, str]:
    return {one.says: one.level for one in found if one.about.startswith(about)}


# The broker.


def test_a_broker_open_to_all_is_a_fault(mosquitto: Mosquitto, tmp_path: Path) -> None:
    said = visit(written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {mosquitto.port}'))
    assert said.code == 1
    assert any("no access list" in one for one in said.of("broker", "fault"))
    assert said.of("broker", "warning") == ["lets in whoever comes, without a name"]


def test_a_broker_as_we_configure_it_is_well_and_nothing_stays_there(tmp_path: Path) -> None:
    server, new = configured(tmp_path, ("w01",))
    try:
        (tmp_path / "password").write_text(new["trackerd"])
        config = written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {server.port}\nusername = "trackerd"\n'
                         'password_file = "password"')  # fmt: skip
        found = looked(broker.look, config)
        assert {one.level for one in found} == {"well", "note"}, found
        said = " ".join(one.says for one in found)
        assert "refuses a foreign topic" in said
        assert "lets nobody in without a name" in said
        assert "keeps a session" in said
    finally:
        server.stop()
    kept = (tmp_path / "broker" / "mosquitto.db").read_bytes()  # what it remembers of its clients
    assert b"trackerd-doctor" not in kept


def test_a_wrong_password_is_told_with_its_remedy(tmp_path: Path) -> None:
    server, _ = configured(tmp_path, ("w01",))
    try:
        (tmp_path / "password").write_text("wrong")
        config = written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {server.port}\nusername = "trackerd"\n'
                         'password_file = "password"')  # fmt: skip
        (only,) = looked(broker.look, config)
        assert only.level == "fault"
        assert "does not let us in" in only.says
        assert "password_file" in only.remedy
    finally:
        server.stop()


def test_an_access_list_that_does_not_let_us_tell_events(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read owntracks/#\n")
    acl.chmod(0o644)
    with Mosquitto(tmp_path / "broker", f"allow_anonymous true\nacl_file {acl}\n") as server:
        config = written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {server.port}')
        found = levels(looked(broker.look, config))
    assert found["events may not be written to trackerd/…: Not authorized"] == "fault"
    assert found["its access list refuses a foreign topic"] == "well"


def test_no_broker_is_a_service_that_is_away(tmp_path: Path) -> None:
    said = visit(written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}'))
    assert said.code == 3
    assert any("cannot be reached" in one for one in said.of("broker", "away"))


def test_something_else_than_a_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "WAIT_S", 0.3)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute:
        config = written(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {mute.getsockname()[1]}')
        (only,) = looked(broker.look, config)
    assert (only.level, only.says) == ("away", "takes the connection and says nothing")


def test_one_that_runs_and_does_not_turn_is_not_healthy(tmp_path: Path, mosquitto: Mosquitto) -> None:
    ours, runner = Installation(tmp_path, mosquitto.port), CliRunner()

    def health() -> int:
        return runner.invoke(app, ["health", "--config", str(ours.config)]).exit_code

    assert health() == 3
    with ours.daemon() as daemon:
        long_ago, word = (0, 0), tmp_path / "trackerd.db.d" / "taken"
        assert health() == 0
        os.utime(word, long_ago)
        until(lambda: health() == 0, "it leaves word that it turns")
        daemon.send_signal(signal.SIGSTOP)
        until(lambda: "(stopped)" in Path(f"/proc/{daemon.pid}/status").read_text(), "it stands still")
        os.utime(word, long_ago)
        assert health() == 3
        assert "has stood still for" in str(visit(ours.config).of("daemon", "away"))
    assert health() == 3
    ours.config.write_text("nothing = 1")
    assert health() == 1


def test_the_daemon_and_its_session_are_left_alone(tmp_path: Path) -> None:
    port = free_port()
    with Mosquitto(tmp_path / "broker") as server:
        ours = Installation(tmp_path, server.port, "", f"[privacy]\nrequire_duty = false\n[metrics]\nport = {port}\n")
        with ours.daemon():
            publish(server.port, "owntracks/w07/phone", phone(9))
            until(lambda: ours.count("fix") == 1)
            said = visit(ours.config)
            assert said.of("daemon", "well") == ["runs on this installation"]
            assert said.of("metrics", "well")
            assert any("1 positions" in one for one in said.of("record"))
            publish(server.port, "owntracks/w07/phone", phone(3))
            until(lambda: ours.count("fix") == 2)
            assert "lost" not in ours.said
            assert ours.count("quarantine") == 0
        assert visit(ours.config).of("daemon", "away")


# Certificates.


def expired(folder: Path) -> tuple[Path, Path, Path]:
    """Make an authority, and a certificate for localhost that ended long ago."""
    ca, cert, key = certificate(folder)
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = d\n[d]\ndatabase = {folder}/index\nrand_serial = yes\ndefault_md = sha256\npolicy = p\n"
        f"new_certs_dir = {folder}\nx509_extensions = x\n[p]\ncommonName = supplied\n"
        "[x]\nsubjectAltName = DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier = keyid\n"
    )
    subprocess.run(
        [need("openssl"), "ca", "-batch", "-notext", "-config", str(folder / "ca.cnf"), "-in", str(folder / "c.csr"),
         "-cert", str(ca), "-keyfile", str(folder / "ca.key"), "-out", str(cert),
         "-startdate", "20240101000000Z", "-enddate", "20240201000000Z"], check=True, capture_output=True,
    )  # fmt: skip
    return ca, cert, key


@pytest.mark.parametrize(
    ("make", "level", "says"), [(certificate, "warning", "ends on"), (expired, "fault", "expired")]
)
def test_the_end_of_certificates(
    tmp_path: Path, make: Callable[[Path], tuple[Path, Path, Path]], level: str, says: str
) -> None:
    tmp_path.chmod(0o755)
    ca, cert, key = make(tmp_path)
    for each in (cert, key):
        each.chmod(0o644)
    listener = f"certfile {cert}\nkeyfile {key}\n"
    with Mosquitto(tmp_path / "broker", listener=listener) as server:
        config = written(tmp_path, f'[mqtt]\nhost = "localhost"\nport = {server.port}\ntls = true\nca_file = "{ca}"\n'
                         f'cert_file = "{cert}"\nkey_file = "{key}"')  # fmt: skip
        said = visit(config)
    (shown,) = said.of("broker's certificate", level)
    assert says in shown
    assert said.of("mqtt.ca_file", "warning"), "made for two days"
    if level == "fault":
        assert any("has ended on 2024-02-01" in one for one in said.of("mqtt.cert_file", "fault"))
        assert any("refused" in one for one in said.of("broker localhost", "fault"))
        assert said.code == 1
    assert any("everybody on this machine may read it" in one for one in said.of("mqtt.key_file", "fault"))


# Serial ports.


@contextmanager
def talking(port: Port, data: bytes) -> Iterator[None]:
    """Let a receiver say this, over and over."""
    stop = threading.Event()

    def say() -> None:
        while not stop.wait(0.05):
            port.say(data)

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def receiver(folder: Path, url: Path, baud: str = "") -> Path:
    return written(folder, f'[[source]]\nkind = "serial"\nname = "post"\nurl = "{url}"\ndevice = "w01"\n{baud}')


@pytest.mark.parametrize(
    ("data", "baud", "level", "says"),
    [
        (RMC + GGA, "", "well", "9600 baud"),
        (RMC + GGA, "baud = 4800", "well", "4800 baud"),
        (b"\x93\xa0\x00noise", "baud = 9600", "fault", "no whole NMEA sentence at 9600 baud"),
        (b"\x93\xa0\x00noise", "", "fault", "at any speed tried"),
        (b"", "baud = 9600", "warning", "nothing was heard"),
    ],
)
def test_what_is_heard_on_a_port(
    serial_port: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, baud: str, level: str, says: str
) -> None:
    monkeypatch.setattr(ports, "LISTEN_S", 0.5)
    monkeypatch.setattr("trackerd.sources.autobaud.LISTEN_S", 0.2)
    with talking(serial_port, data):
        (only,) = looked(ports.look, receiver(tmp_path, serial_port.path, baud))
    assert (only.level, only.about) == (level, "source post")
    assert says in only.says
    if level == "well":
        assert "RMC" in only.says
        assert "GGA" in only.says
        assert "5321" not in only.says, "no place"


def test_who_holds_a_port_is_named_and_left_alone(serial_port: Port, tmp_path: Path) -> None:
    code = f"import sys, time; f = open({str(serial_port.path)!r}, 'rb', 0); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        (only,) = looked(ports.look, receiver(tmp_path, serial_port.path))
        assert only.level == "fault"
        assert f"(process {holder.pid})" in only.says
        assert "stop it" in only.remedy
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((4, 64, 5, 1), (4, 64, 9, 7), True),  # one hardware under two names, as a container's own /dev has
        ((4, 64, 5, 1), (4, 65, 5, 2), False),
        ((136, 0, 5, 3), (136, 0, 5, 3), True),
        ((136, 0, 5, 3), (136, 0, 9, 3), False),  # the first terminal of two containers
        ((0, 0, 5, 3), (0, 0, 5, 3), False),  # files
    ],
)
def test_which_open_file_is_our_port(one: Any, other: Any, same: bool) -> None:
    found = [
        SimpleNamespace(st_rdev=os.makedev(major, minor), st_dev=device, st_ino=inode)
        for major, minor, device, inode in (one, other)
    ]
    assert ports._same(*found) == same  # type: ignore[arg-type]


def test_a_port_that_is_not_there_is_away(tmp_path: Path) -> None:
    said = visit(receiver(tmp_path, tmp_path / "ttyNONE"))
    assert said.code == 3
    assert any("plugged in?" in one for one in said.of("source post", "away"))


# Files, store, clock, unit.


def test_secrets_are_there_and_nobody_elses(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name, text, mode in (("open", "x", 0o644), ("empty", "", 0o600), ("well", "secret-word", 0o600)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    hooks = "".join(
        f'[[notify]]\nkind = "webhook"\nname = "{each}"\nurl = "https://desk.example/"\nsecret_file = "{each}"\n'
        for each in ("open", "empty", "well", "missing")
    )
    said = visit(written(tmp_path, hooks))
    assert {one["about"].split()[1][:-1]: one["level"] for one in said.findings if "secret_file" in one["about"]} == {
        "open": "fault", "empty": "fault", "well": "well", "missing": "fault",
    }  # fmt: skip
    assert said.code == 1
    assert "secret-word" not in json.dumps(said.findings)
    tmp_path.chmod(0o700)  # nobody else gets to it, whatever its mode
    assert visit(tmp_path / "trackerd.toml").of("notify open: secret_file", "well")


def test_a_configuration_with_faults_is_told_whole(tmp_path: Path) -> None:
    config = tmp_path / "trackerd.toml"
    config.write_text('[site]\nnme = "x"\n[store]\nurl = 7\n')
    said = visit(config)
    assert said.code == 1
    assert len(said.findings) == 2
    assert visit(tmp_path / "none.toml").code == 1


def test_people_are_told_signs_and_remedies(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trackerd", "doctor", "--config", str(written(tmp_path, ""))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "✗ daemon: no daemon runs on this installation\n    → systemctl start trackerd" in done.stdout
    assert done.stderr == ""


def test_a_postgresql_that_would_lose_the_record(postgres: str, tmp_path: Path) -> None:
    from trackerd.store.postgres import prepare

    prepare(postgres)
    found = levels(looked(stores.look, written(tmp_path, f'[store]\nurl = "{postgres}"')), "store")
    assert found["fsync is off: a power cut loses or destroys the record"] == "fault"
    assert any(says.startswith("PostgreSQL 1") and level == "well" for says, level in found.items())


def test_a_postgresql_that_is_not_there(tmp_path: Path) -> None:
    said = visit(written(tmp_path, f'[store]\nurl = "postgresql://x@127.0.0.1:{free_port()}/x"'))
    assert said.code == 3
    assert said.of("store", "away")


@pytest.mark.parametrize(("pause", "level"), [(0.0, "warning"), (0.002, "well"), (0.11, "warning")])
def test_a_disk_that_is_slow_or_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float, level: str) -> None:
    took = iter([x for n in range(stores.TRIES) for x in (n, n + pause)])
    monkeypatch.setattr(stores, "clock", type("Clock", (), {"monotonic": lambda: next(took)}))
    found = [one for one in looked(stores.look, written(tmp_path, "")) if "fsync" in one.says]
    assert [one.level for one in found] == [level]


def program(folder: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a program of that name say this."""
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


UNIT = (
    "LoadState=loaded\nUnitFileState={}\nActiveState={}\nSubState={}\nStatusText={}\nType=notify\nWatchdogUSec={}\n"
    "NRestarts={}\nResult=success"
)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (UNIT.format("enabled", "active", "running", "running", "1min", 0), {"well"}),
        (UNIT.format("disabled", "active", "running", "", "1min", 0), {"well", "warning"}),
        (UNIT.format("enabled", "failed", "failed", "", "1min", 0), {"well", "away"}),
        (UNIT.format("enabled", "active", "running", "", "0", 9), {"well", "warning"}),
        ("LoadState=not-found", {"warning"}),
    ],
)
def test_the_unit_as_systemd_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, expected: set[str]
) -> None:
    program(tmp_path, "systemctl", unit, monkeypatch)
    said = visit(written(tmp_path, ""))
    assert {one["level"] for one in said.findings if one["about"] in ("unit", "watchdog")} == expected


@pytest.mark.parametrize(("says", "level"), [("yes", "well"), ("no", "warning")])
def test_whether_the_clock_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, level: str) -> None:
    program(tmp_path, "timedatectl", says, monkeypatch)
    said = visit(written(tmp_path, ""))
    assert said.of("clock", level)
    assert "Europe/Brussels" in said.of("time zone", "well")[0]


def test_figures_that_are_somebody_elses(tmp_path: Path) -> None:
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = visit(written(tmp_path, f"[metrics]\nport = {server.server_port}"))
        server.shutdown()
    assert said.of("metrics", "fault")


def test_a_look_that_fails_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_patient: Patient) -> Iterator[Finding]:
        yield Finding("x", "well", "before")
        raise RuntimeError("ours")

    monkeypatch.setattr(doctor, "LOOKS", (broken, doctor.clocks.look))
    done = CliRunner().invoke(app, ["doctor", "--config", str(written(tmp_path, ""))])
    assert done.exit_code == 70
    assert "before" in done.output
    assert "please report it" in done.output
    assert "time zone" in done.output


def test_what_is_not_compiled_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Patient(Settings(), Path("trackerd.toml"), None)
    monkeypatch.setattr(lookup, "__file__", "/anywhere/geofence/lookup.py")
    (found,) = compiled.look(patient)
    assert (found.level, "not compiled" in found.says) == ("note", True)
    monkeypatch.setattr(lookup, "__file__", "/anywhere/geofence/lookup.cpython-311-x86_64-linux-gnu.so")
    assert [*compiled.look(patient)] == []
