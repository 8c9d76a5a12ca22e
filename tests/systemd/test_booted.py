"""The package in a Debian that is really booted: installed, started, hung, reloaded, stopped, upgraded, purged.

Run by `make systemd-test`, as root, with mmdebstrap and systemd-container; TRACKERD_DEBIAN names a Debian 12 root made
earlier. What must stay true here: the machine is a throw-away copy; nothing of it outlives the test.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.devices.reading import nmea
from tests.receivers import mailbox
from tests.servers import KEPT, Mosquitto, certificate, publish, until

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
COUNT = """
import sqlite3, sys
record = sqlite3.connect("file:/var/lib/trackerd/trackerd.db?mode=ro", uri=True, timeout=10)
query = "SELECT count(*) FROM fix JOIN name ON name.id = fix.device WHERE name.name = ?"
print(record.execute(query, sys.argv[1:]).fetchone()[0])
"""
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

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let what this thread opens and starts be on the machine's network."""
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/proc/{self.leader}/ns/net").open() as there:
            setns = ctypes.CDLL(None, use_errno=True).setns
            assert setns(there.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert setns(home.fileno(), 0) == 0

    def put(self, name: str, data: bytes) -> None:
        """Write a file there."""
        Path(f"/proc/{self.leader}/root{name}").write_bytes(data)

    def show(self, what: str, unit: str = "trackerd") -> str:
        return self.run(f"systemctl show -P {what} {unit}")

    def said(self) -> str:
        return self.run("journalctl -u trackerd -o cat --no-pager")

    def fixes(self, device: str = "w01") -> int:
        return int(self.run(f"python3 /root/count.py {device}"))

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
        made.put("/root/count.py", COUNT.encode())
        made.run("systemd-run --unit=receiver python3 /root/receiver.py")
        made.run(f"mv /root/{package.name} /root/trackerd.deb")
        yield made
    finally:
        made.end()


def test_from_the_package_to_the_first_position(machine: Machine) -> None:
    """What docs/install.md tells a new user to type."""
    machine.run("umask 077; dpkg -i /root/trackerd.deb")
    machine.run("umask 077; trackerd init --replace --yes --positions serial --where /dev/gnss-w01")
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
    def reload(features: str, command: str = "systemctl reload trackerd", code: int = 0) -> None:
        machine.put("/etc/trackerd/zones.geojson", f'{{"type":"FeatureCollection","features":[{features}]}}'.encode())
        machine.run(command, code=code)

    machine.run("sed -i 's/example-square/*/' /etc/trackerd/plan.toml")
    pid = machine.show("MainPID")
    reload(f"{ZONE.format('a')},{ZONE.format('b')}")
    until(lambda: "reloaded: 2 zones" in machine.said(), machine.said, 20)
    reload('{"type":"Feature","id":"a"}', code=1)
    assert "missing geometry" in machine.said()
    reload('{"type":"Feature","id":"a"}', "systemctl kill --kill-whom=main -s HUP trackerd")
    until(lambda: "not reloaded: zones and plan stay as they were" in machine.said(), machine.said, 20)
    until(lambda: machine.show("StatusText").startswith("not reloaded"), machine.said, 20)
    assert (machine.show("ActiveState"), machine.show("MainPID")) == ("active", pid)
    reload(ZONE.format("a"))
    until(lambda: machine.show("StatusText").startswith("1 source"), machine.said, 20)


def test_the_example_of_a_rule_is_one_udev_understands(machine: Machine) -> None:
    shipped, rule = "/usr/lib/udev/rules.d/60-trackerd.rules", "/run/udev/rules.d/61-example.rules"
    machine.run(f"mkdir -p {Path(rule).parent}; sed -n 's/^#SUB/SUB/p' {shipped} > {rule}")
    said = machine.run("udevadm test --action=add /sys/class/tty/tty 2>&1", check=False)
    assert f"Reading rules file: {rule}" in said
    assert f"{rule}:" not in said, said  # the line it minds


def test_nightly_services(machine: Machine) -> None:
    machine.run("systemctl start trackerd-backup trackerd-retention")
    assert machine.run("ls /var/backups/trackerd").startswith("trackerd-")
    assert machine.show("Result", "trackerd-retention") == "success"


MAIL = """
[[notify]]
kind = "mail"
name = "coordinator"
host = "127.0.0.1"
port = {port}
username = "trackerd"
password_file = "secrets/mail-password"
ca_file = "ca.pem"
from = "trackerd@asse.be"
to = ["coordinator@asse.be"]
"""


def test_the_overview_by_mail_with_a_password_only_root_can_read(machine: Machine, tmp_path: Path) -> None:
    ca, cert, key = certificate(tmp_path)
    with machine.network(), mailbox((cert, key), ("trackerd", "word-of-the-mail")) as box:
        machine.put("/etc/trackerd/ca.pem", ca.read_bytes())
        machine.put("/etc/trackerd/secrets/mail-password", b"word-of-the-mail\n")
        machine.run(
            "chmod 600 /etc/trackerd/secrets/*; chmod 644 /etc/trackerd/ca.pem; cd /etc/trackerd; cp -p *.toml /root"
        )
        machine.run(f"cat >> /etc/trackerd/trackerd.toml <<'END'{MAIL.format(port=box.port)}END")
        assert "Permission denied" in machine.run("setpriv --reuid=trackerd cat /etc/trackerd/secrets/*", check=False)
        machine.run("systemctl start trackerd-report")
        (mail,) = box.mails
        assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()][:2] == [
            "text/plain",
            "text/html",
        ]
        machine.run("systemctl restart trackerd")  # the daemon has it too
        machine.run("trackerd notify test coordinator")  # and root, who types a command
        assert len(box.mails) == 2
    machine.run("cp -p /root/*.toml /etc/trackerd && systemctl restart trackerd")


def test_a_stop_loses_nothing(machine: Machine, tmp_path: Path) -> None:
    """Told to stop while a tracker sends: what the broker holds comes after the start, each position once."""
    phone = '[mqtt]\nhost = "127.0.0.1"\nport = {}\n[[source]]\nkind = "mqtt"\n[[device]]\nid = "w09"\n'
    began = int((datetime.now(UTC) - timedelta(hours=2)).timestamp())
    said = [
        json.dumps({"_type": "location", "tst": began + at, "lon": 4.2 + at / 1e6, "lat": 50.9, "acc": 6}).encode()
        for at in range(3000)
    ]
    with (
        machine.network(),
        Mosquitto(tmp_path / "broker", f"allow_anonymous true\nmax_queued_messages 0\n{KEPT}") as broker,
    ):
        machine.run(f"cat >> /etc/trackerd/trackerd.toml <<'END'\n{phone.format(broker.port)}END")
        machine.run("systemctl restart trackerd")
        until(lambda: "2 sources, all connected" in machine.show("StatusText"), machine.said, 30)
        publish(broker.port, "owntracks/w09/phone", *said[:2000])
        machine.run("systemctl stop trackerd")
        assert machine.show("Result") == "success"
        publish(broker.port, "owntracks/w09/phone", *said[2000:])
        machine.run("systemctl start trackerd")
        until(lambda: machine.fixes("w09") >= len(said), lambda: f"{machine.fixes('w09')}\n{machine.said()}", 60)
        assert machine.fixes("w09") == len(said)
    machine.run("cp -p /root/*.toml /etc/trackerd && systemctl restart trackerd")


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a later version of the package, which brings other examples."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", str(package), str(folder / "root")], check=True)
    control, plan = folder / "root/DEBIAN/control", folder / "root/etc/trackerd/plan.toml"
    control.write_text(re.sub(r"^Version: .*", "Version: 99.0", control.read_text(), flags=re.MULTILINE))
    plan.write_text("# of the later version\n" + plan.read_text())
    made = folder / "newer.deb"
    subprocess.run(
        ["dpkg-deb", "-Zgzip", "-z1", "-b", str(folder / "root"), str(made)], check=True, capture_output=True
    )
    return made


def test_an_upgrade_keeps_what_there_is(machine: Machine, newer: Path) -> None:
    kept, pid = machine.fixes(), machine.show("MainPID")
    assert kept > 0
    machine.run("systemctl disable --now trackerd-backup.timer")
    machine.put("/root/newer.deb", newer.read_bytes())
    machine.run("dpkg -i --force-confdef --force-confold /root/newer.deb")
    until(lambda: machine.show("ActiveState") == "active" and machine.show("MainPID") != pid, machine.said, 30)
    assert machine.fixes() >= kept
    assert "/dev/gnss-w01" in machine.run("cat /etc/trackerd/trackerd.toml"), "the configuration is the user's"
    assert "of the later version" not in machine.run("cat /etc/trackerd/plan.toml")
    assert "of the later version" in machine.run("cat /etc/trackerd/plan.toml.dpkg-dist")
    assert machine.run("systemctl is-enabled trackerd-backup.timer", check=False) == "disabled", "it was switched off"


def test_removed_it_comes_back_as_it_was_and_purged_leaves_nothing(machine: Machine) -> None:
    machine.run("dpkg -r trackerd")
    assert machine.run("systemctl is-active trackerd", check=False) == "inactive"
    assert machine.run("ls /var/lib/trackerd/trackerd.db")
    machine.run("dpkg -i --force-confdef --force-confold /root/newer.deb")
    assert machine.run("systemctl is-enabled trackerd trackerd-retention.timer") == "enabled\nenabled"
    assert machine.run("systemctl is-active trackerd-retention.timer") == "active"
    machine.run("systemctl start trackerd")
    assert machine.fixes() > 0
    machine.run("dpkg -P trackerd")
    assert machine.run(f"ls -d {LEFT} 2>/dev/null", code=2) == ""
    assert machine.run("find /etc/systemd /lib/systemd/system -name 'trackerd*'") == ""
    assert machine.run("systemctl is-active trackerd", check=False) == "inactive"
