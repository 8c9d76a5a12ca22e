"""Real servers for the tests, each private to one test: a broker, a gpsd, a serial port.

What must stay true here: every server listens on a free port of the loopback and keeps its files in a folder it is
given; a server that is not installed skips the test on a desk and fails it in CI; nothing outlives its test.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time
import tty
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from trackerd.chunk import Chunk, Source

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def need(program: str, *folders: str) -> str:
    """Return the path of an installed program, also of the last of ``folders``; or skip, which in CI is a failure."""
    found = shutil.which(program, path=os.pathsep.join([*reversed(folders), PATH]))
    if found is None:
        said = f"{program} is not installed"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(true: Callable[[], Any], what: str | Callable[[], str] = "", seconds: float = 10.0) -> None:
    """Wait until something is so; ``what`` is said if it never is."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            pytest.fail(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """A child process that listens on ``port``."""

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        self.command, self.port, self.log = list(command), port, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as log:
            # A group of its own, for servers that start others.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            until(self._listens, f"{self.command[0]} listens")
        except BaseException:
            self.kill9()
            raise
        return self

    def _listens(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"{self.command[0]} ended: {self.log.read_text(errors='replace')[-2000:]}")
        return answers(self.port)

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self if self.process else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signal(signal.SIGCONT)
        self.stop()


KEPT = "persistence true\nautosave_on_changes true\nautosave_interval 1\n"
"""Settings with which queued messages outlive a kill of the broker."""


class Mosquitto(Server):
    """A broker with its own folder; ``config`` is added to the least it needs."""

    def __init__(self, folder: Path, config: str = "allow_anonymous true\n", listener: str = "") -> None:
        program = need("mosquitto")
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {port} 127.0.0.1", listener, config, f"persistence_location {folder}/"]
        if os.geteuid() == 0:
            lines.append("user root")  # it would drop to a user who may not read the folder
        self.config = folder / "mosquitto.conf"
        self.config.write_text("\n".join(lines) + "\n")
        super().__init__([program, "-c", str(self.config)], port, folder / "mosquitto.log")

    @staticmethod
    def passwords(file: Path, **users: str) -> Path:
        """Write a password file."""
        file.touch(mode=0o600)
        for user, password in users.items():
            subprocess.run([need("mosquitto_passwd"), "-b", str(file), user, password], check=True)
        return file


def client(port: int, client_id: str = "", **login: str) -> paho.Client:
    """Connect a plain client, its network thread running; the caller calls ``loop_stop``."""
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    if login:
        made.username_pw_set(login["username"], login["password"])
    made.max_inflight_messages_set(100)
    made.connect("127.0.0.1", port)
    made.loop_start()
    until(made.is_connected, "the publisher connects")
    return made


def publish(
    port: int,
    topic: str,
    *payloads: bytes,
    retain: bool = False,
    properties: Properties | None = None,
    **login: str,
) -> None:
    """Publish with QoS 1 and wait for the broker's word."""
    made = client(port, **login)
    try:
        told = [made.publish(topic, each, 1, retain, properties) for each in payloads]
        for each in told:
            each.wait_for_publish(30)
            assert each.is_published()
    finally:
        made.disconnect()
        made.loop_stop()


class Gpsd(Server):
    """A real gpsd fed by gpsfake with a recorded log, sentence by sentence, for ever."""

    def __init__(self, folder: Path, log: bytes) -> None:
        need("gpsd")
        program = need("gpsfake")
        folder.mkdir(parents=True, exist_ok=True)
        recorded = folder / "recorded.nmea"
        recorded.write_bytes(log)
        port = free_port()
        command = [program, "-q", "-c", "0.05", "-P", str(port), str(recorded)]
        super().__init__(command, port, folder / "gpsd.log")


class Postgres(Server):
    """A PostgreSQL with its own folder; ``safe``: it keeps what it committed, also over a kill.

    ``home``: where its programs are, if not where the system has them.
    """

    def __init__(self, *config: str, safe: bool = False, home: Path | None = None) -> None:
        programs = home or Path(need("postgres", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin"))))).parent
        # Not below pytest's folder: that is its owner's alone, and as root the server runs as somebody else.
        self.folder = Path(tempfile.mkdtemp(prefix="trackerd-postgres-"))
        self._as: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._as = ["setpriv", "--reuid=nobody", f"--regid={pwd.getpwnam('nobody').pw_gid}", "--clear-groups"]
        data, port = str(self.folder / "data"), free_port()
        making = [*self._as, str(programs / "initdb"), "--no-sync", "-A", "trust", "-U", "trackerd", "-D", data]
        done = subprocess.run(making, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"initdb: {done.stdout}{done.stderr}")
        wishes = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={self.folder}",
                  "log_min_messages=warning", f"fsync={'on' if safe else 'off'}", *config]  # fmt: skip
        options = [part for wish in wishes for part in ("-c", wish)]
        super().__init__(
            [*self._as, str(programs / "postgres"), "-D", data, *options], port, self.folder / "postgres.log"
        )
        self.url = f"postgresql://trackerd@127.0.0.1:{port}/postgres"

    def _listens(self) -> bool:
        if not super()._listens():
            return False
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:  # it answers, and is not ready yet
            return False
        return True

    def stop(self) -> None:
        self._end(signal.SIGINT)  # its clients are not waited for

    def kill9(self) -> None:
        pids = self._pids()
        super().kill9()  # its children notice by and by, and no other server may start before
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "its children ended")

    def _pids(self) -> list[int]:
        assert self.process is not None
        main = self.process.pid
        return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stand still, as on a disk that hangs: connections stay, and nothing answers."""
        pids = self._pids()
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                _signal(pid, signal.SIGCONT)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _signal(pid: int, what: int) -> None:
    """Send a signal to a process, which may just have ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


class Prometheus(Server):
    """A Prometheus that reads ``target``'s figures every second and judges the rules of a folder as often."""

    def __init__(self, folder: Path, target: int, rules: Path) -> None:
        program, port = need("prometheus"), free_port()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{rules}/trackerd.rules.yml, {rules}/trackerd.alerts.yml]\n"
            f"scrape_configs: [{{job_name: trackerd, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
        )
        command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                   f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
        super().__init__(command, port, folder / "prometheus.log")

    def ask(self, path: str, **wishes: str) -> Any:
        """Return the ``data`` of an answer of its API, or what it says is wrong."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(wishes)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            return json.load(error)["error"]


class Port:
    """A serial port: a pty behind a name that stays, as udev gives one. ``master`` is the receiver's side."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ttyTEST"
        self.master = -1

    def plug(self) -> Self:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)
        os.set_blocking(self.master, False)
        return self

    def unplug(self) -> None:
        self.path.unlink(missing_ok=True)
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def say(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: a receiver does not wait
            os.write(self.master, data)

    @property
    def baud(self) -> int:
        """The speed the reader set."""
        speeds = {getattr(termios, f"B{each}"): each for each in (4800, 9600, 38400, 57600, 115200)}
        return speeds.get(termios.tcgetattr(self.master)[4], 0)

    def __enter__(self) -> Self:
        return self.plug()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()


class Taking:
    """A thread that takes a source's chunks, as the daemon does; ``limit`` makes it stop taking, as a full queue."""

    def __init__(self, source: Source, acknowledge: bool = True, limit: int | None = None) -> None:
        self.source, self.acknowledge, self.limit = source, acknowledge, limit
        self.chunks: list[Chunk] = []
        self.go_on = threading.Event()
        self.ended = False
        self.failed: BaseException | None = None
        self.thread = threading.Thread(target=self._take, daemon=True)

    def _take(self) -> None:
        try:
            for chunk in self.source:
                self.chunks.append(chunk)
                if self.limit is not None and len(self.chunks) == self.limit:
                    self.go_on.wait()
                if self.acknowledge and chunk.receipt is not None:
                    chunk.receipt()
            self.ended = True
        except BaseException as failed:  # noqa: BLE001 (the test says it)
            self.failed = failed

    @property
    def data(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def payloads(self) -> list[bytes]:
        return [chunk.data for chunk in self.chunks]

    def until(self, true: Callable[[], Any], what: str = "", seconds: float = 10.0) -> None:
        until(
            lambda: self.failed or true(),
            lambda: f"{what}; status {self.source.status}; {len(self.chunks)} chunks",
            seconds,
        )
        assert self.failed is None, self.failed

    def count(self, number: int, seconds: float = 10.0) -> None:
        self.until(lambda: len(self.chunks) >= number, f"{number} chunks", seconds)

    def has(self, data: bytes) -> None:
        self.until(lambda: data in self.data, f"{data[:80]!r} comes")

    def since(self, moment: datetime) -> None:
        """Wait until the source was lost, or came back, after that moment."""
        self.until(lambda: self.source.status.since != moment, "a change of connection")

    def connected(self, seconds: float = 10.0) -> None:
        self.until(lambda: self.source.status.connected, "connected", seconds)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.source.close()
        self.source.close()  # twice is allowed
        self.go_on.set()
        self.thread.join(10)
        if error is None:
            assert not self.thread.is_alive(), "the source did not end when closed"
            assert self.failed is None, self.failed


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """Make an authority's certificate, and one it signed for localhost with its key."""
    openssl = need("openssl")
    ca, ca_key, cert, key, asked = (folder / each for each in ("ca.pem", "ca.key", "c.pem", "c.key", "c.csr"))
    new = [openssl, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    sign = [openssl, "x509", "-req", "-in", str(asked), "-CA", str(ca), "-CAkey", str(ca_key), "-days", "2"]
    names = folder / "names"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    for command in (
        [
            *new,
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout",
            str(ca_key),
            "-out",
            str(ca),
        ],
        [*new, "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(asked)],
        [*sign, "-CAcreateserial", "-extfile", str(names), "-out", str(cert)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return ca, cert, key
