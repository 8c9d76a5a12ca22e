"""The package in a Debian that is really booted: installed, started, hung, reloaded, stopped, upgraded, purged.

Run by `make systemd-test`, as root, with mmdebstrap and systemd-container; TRACKERD_DEBIAN names a Debian 12 root made
earlier. What must stay true here: the machine is a throw-away copy; nothing of it outlives the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.devices.reading import nmea
from tests.servers import until

pytestmark = pytest.mark.skipif(not os.environ.get("TRACKERD_BOOTED"), reason="boots a Debian: make systemd-test")
HERE = Path(__file__).parents[2]
LOG = HERE / "tests/devices/captures/nmea/firefly-II.log"
RECEIVER = """
import os, time, tty
ours, theirs = os.openpty()
tty.setraw(theirs)
os.chown(os.ttyname(theirs), 0, 20)  # dialout, as udev does it
os.chmod(os.ttyname(theirs), 0o660)
os.symlink(os.ttyname(theirs), "/dev/gnss-w01")
lines = open("/root/receiver.log", "rb").read().splitlines(keepends=True)
while True:
    for line in lines:
        os.write(ours, line)
        time.sleep(0.02)
"""
ZONE = (
    '{{"type":"Feature","id":"{}","properties":{{"radius_m":40}},'
    '"geometry":{{"type":"Point","coordinates":[4.2,50.9]}}}}'
)
LEFT = "/var/lib/trackerd /etc/trackerd /var/backups/trackerd /usr/lib/trackerd"


def of_yesterday(log: bytes) -> bytes:
    """Return a recorded log as its receiver would say it a day ago: what is years old no receiver says live."""
    day = datetime.now(UTC) - timedelta(days=1)

    def dated(sentence: re.Match[bytes]) -> bytes:
        fields = sentence[1].split(b",")
        if fields[0] == b"GPRMC":
            fields[9] = f"{day:%d%m%y}".encode()
        elif fields[0] == b"GPZDA":
            fields[2:5] = f"{day:%d,%m,%Y}".encode().split(b",")
        return nmea(b",".join(fields).decode())

    return b"".join(dated(one) for one in re.finditer(rb"\$(GP(?:RMC|ZDA|GGA),[^*\r\n]*)\*..", log))


class Machine:
    """A Debian booted in a container, its root thrown away with it."""

    def __init__(self, root: Path, log: Path) -> None:
        command = ["systemd-nspawn", "--register=no", "--keep-unit", "-D", str(root), "-b", "--private-network",
                   "--console=pipe", "--volatile=overlay", "--machine=trackerd-test"]  # fmt: skip
        with log.open("wb") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            until(self._booted, log.read_text, 60)
        except BaseException:
            self.end()
            raise

    def _booted(self) -> bool:
        """Whether it runs; the leader is looked for each time, for the first children only prepare its place."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.leader = children[0] if children else ""
        return bool(children) and self.run("systemctl is-system-running", check=False) in ("running", "degraded")

    def run(self, command: str, *, check: bool = True, code: int = 0) -> str:
        """Run a shell command there; return what it printed."""
        whole = ["nsenter", "-t", self.leader, "-a", "sh", "-c", command]
        done = subprocess.run(whole, capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        return (done.stdout + done.stderr).strip()

    def put(self, name: str, data: bytes) -> None:
        """Write a file there."""
        Path(f"/proc/{self.leader}/root{name}").write_bytes(data)

    def show(self, what: str, unit: str = "trackerd") -> str:
        return self.run(f"systemctl show -P {what} {unit}")

    def said(self) -> str:
        return self.run("journalctl -u trackerd -o cat --no-pager")

    def fixes(self) -> int:
        found = self.run("trackerd store check --config /etc/trackerd/trackerd.toml")
        return int(
            next(line.split()[-1].replace(",", "") for line in found.splitlines() if line.split()[:1] == ["fix"])
        )

    def end(self) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("TRACKERD_DEBIAN")
    if named:
        return Path(named)
    made = tmp_path_factory.mktemp("debian") / "root"
    command = [
        "mmdebstrap",
        "--variant=minbase",
        "--include=systemd,systemd-sysv,dbus,python3,udev",
        "bookworm",
        str(made),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return made


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deb")
    uv = shutil.which("uv") or HERE / ".venv/bin/uv"
    done = subprocess.run(
        ["sh", str(HERE / "packaging/deb.sh"), str(folder)], env=os.environ | {"UV": str(uv)}, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.deb"))


@pytest.fixture(scope="module")
def machine(root: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(root, tmp_path_factory.mktemp("console") / "log")
    try:
        made.put(f"/root/{package.name}", package.read_bytes())
        made.put("/root/receiver.log", of_yesterday(LOG.read_bytes()))
        made.put("/root/receiver.py", RECEIVER.encode())
        made.run("systemd-run --unit=receiver python3 /root/receiver.py")
        made.run(f"mv /root/{package.name} /root/trackerd.deb")
        yield made
    finally:
        made.end()


def test_from_the_package_to_the_first_position(machine: Machine) -> None:
    """Four commands: what docs/install.md tells a new user to type."""
    machine.run("dpkg -i /root/trackerd.deb")
    machine.run("trackerd init --replace --yes --positions serial --where /dev/gnss-w01")
    machine.run("printf '\\n[privacy]\\nrequire_duty = false\\n' >> /etc/trackerd/trackerd.toml")
    machine.run("sed -i '/duty/,$d' /etc/trackerd/plan.toml")
    machine.run("trackerd check --config /etc/trackerd/trackerd.toml")
    machine.run("systemctl start trackerd")
    assert machine.show("ActiveState") == "active"
    assert "1 source" in machine.show("StatusText")
    until(lambda: machine.fixes() > 0, machine.said, 60)
    assert (
        machine.run("systemctl is-enabled trackerd trackerd-backup.timer trackerd-retention.timer")
        == "enabled\n" * 2 + "enabled"
    )
    assert "PRIORITY=6" in machine.run("journalctl -u trackerd -o export | grep -a -A30 LOGGER=trackerd | head -60")


def test_one_that_hangs_is_killed_and_started_again(machine: Machine) -> None:
    machine.run("mkdir -p /run/systemd/system/trackerd.service.d")
    machine.put("/run/systemd/system/trackerd.service.d/quick.conf", b"[Service]\nWatchdogSec=3\n")
    machine.run("systemctl daemon-reload && systemctl restart trackerd")
    before, restarts = machine.show("MainPID"), int(machine.show("NRestarts"))
    time.sleep(8)
    assert machine.show("MainPID") == before, "one that turns is left alone"
    machine.run(f"kill -STOP {before}")
    until(lambda: machine.show("NRestarts") == str(restarts + 1), machine.said, 40)
    until(lambda: machine.show("ActiveState") == "active", machine.said, 30)
    assert machine.show("MainPID") != before


def test_a_reload_takes_good_zones_and_keeps_the_old_for_bad_ones(machine: Machine) -> None:
    def reload(features: str) -> None:
        machine.put("/etc/trackerd/zones.geojson", f'{{"type":"FeatureCollection","features":[{features}]}}'.encode())
        machine.run("systemctl reload trackerd")

    machine.run("sed -i 's/example-square/*/' /etc/trackerd/plan.toml")
    pid = machine.show("MainPID")
    reload(f"{ZONE.format('a')},{ZONE.format('b')}")
    until(lambda: "reloaded: 2 zones" in machine.said(), machine.said, 20)
    reload('{"type":"Feature","id":"a"}')
    until(lambda: "not reloaded: zones and plan stay as they were" in machine.said(), machine.said, 20)
    assert "missing geometry" in machine.said()
    assert (machine.show("ActiveState"), machine.show("MainPID")) == ("active", pid)
    reload(ZONE.format("a"))


def test_nightly_services(machine: Machine) -> None:
    machine.run("systemctl start trackerd-backup trackerd-retention")
    assert machine.run("ls /var/backups/trackerd").startswith("trackerd-")
    assert machine.show("Result", "trackerd-retention") == "success"


def test_a_stop_loses_nothing_and_an_upgrade_keeps_what_there_is(machine: Machine) -> None:
    machine.run("systemctl stop trackerd")
    assert machine.show("Result") == "success"
    kept = machine.fixes()
    assert kept > 0
    machine.run("systemctl start trackerd")
    pid = machine.show("MainPID")
    machine.run("dpkg -i /root/trackerd.deb")
    until(lambda: machine.show("ActiveState") == "active" and machine.show("MainPID") != pid, machine.said, 30)
    assert machine.fixes() >= kept
    assert "/dev/gnss-w01" in machine.run("cat /etc/trackerd/trackerd.toml"), "the configuration is the user's"


def test_removed_and_purged(machine: Machine) -> None:
    machine.run("dpkg -r trackerd")
    assert machine.run("systemctl is-active trackerd", check=False) == "inactive"
    assert machine.run("ls /var/lib/trackerd/trackerd.db")
    machine.run("dpkg -P trackerd")
    assert (
        machine.run("ls -d /var/lib/trackerd /etc/trackerd /var/backups/trackerd /usr/lib/trackerd 2>/dev/null", code=2)
        == ""
    )
