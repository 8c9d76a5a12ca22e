"""What breaks around the daemon: writes that fail, a disk that fills up, a backlog at the start, a broker killed.

The faults are real: the kernel refuses the write, the disk is full, the broker dies. ``make faults`` runs them at
their full counts (TRACKERD_FAULTS=full); in ``make test`` they are fewer.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from geofence.model import Fix, Fixes, Micros
from tests.geofence.walks import town, walk
from tests.servers import need, publish, until
from tests.trackerd.test_daemon import Installation, listen, recently, visit
from trackerd.broker_config import Wanted, settings
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import Store, StoreError, open_store
from trackerd.town import Town

FULL = os.environ.get("TRACKERD_FAULTS") == "full"
TOWN = Town(town())

__all__ = ["listen"]


def house(store: Store) -> House:
    return House(Intake({}, TOWN), store, TOWN, "/trackerd/test", routes=["mqtt"])


def take(made: House, fixes: list[Fix]) -> None:
    taken = Taken(Fixes.of(fixes), [0] * len(fixes), [None] * len(fixes)) if fixes else empty()
    record(made, taken, Micros(fixes[-1].micros) if fixes else None)


def whole(made: House, fixes: list[Fix]) -> tuple[Any, ...]:
    """Everything a store has to say."""
    made.store.tally()
    record(made, empty(), Micros(fixes[-1].micros + 3 * 3600 * 10**6))
    (device,) = made.store.devices()
    kept = [fix for piece in made.store.fixes(device, 0) for fix in piece]
    letters = [letter.event.id for letter in made.store.untold("mqtt", 0, 10**6)]
    return kept, list(made.store.visits(0, 2**62)), letters


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the kernel refuse every write beyond ``size`` bytes of a file, as a full quota does (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("pages", range(1, 101 if FULL else 26))
def test_whichever_write_fails_the_record_ends_the_same(tmp_path: Path, pages: int) -> None:
    fixes = walk("w1", 7, minutes=40 if FULL else 20)
    straight = house(open_store("sqlite://"))
    take(straight, fixes)
    store = open_store(f"sqlite:///{tmp_path}/trackerd.db")
    made = house(store)
    size = max(file.stat().st_size for file in tmp_path.iterdir())
    refused = 0
    for a in range(0, len(fixes), 10):
        some = fixes[a : a + 10]
        try:
            with no_file_beyond(size + 4096 * pages):
                take(made, some)
        except StoreError:
            refused += 1
            made.wake()
            take(made, some)  # there is room again
            size = max(file.stat().st_size for file in tmp_path.iterdir())
    assert refused, "some write did fail"
    assert whole(made, fixes) == whole(straight, fixes)
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB, where we may mount one."""
    at = tmp_path / "disk"
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(at)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a disk here")
    yield at
    subprocess.run(["umount", str(at)], check=True)


def test_a_full_disk_stops_the_acknowledging_and_nothing_else(
    small_disk: Path, tmp_path: Path, start_mosquitto: Any, listen: Any
) -> None:
    broker = start_mosquitto("allow_anonymous true\nmax_queued_messages 100000\n")
    site = Installation(
        tmp_path, broker.port, rest=f'[privacy]\nrequire_duty = false\n[store]\nurl = "sqlite:///{small_disk}/t.db"\n'
    )
    ballast = small_disk / "ballast"
    first, later = visit(recently(60)), visit(recently(30))

    def kept() -> int:
        return int((rows(small_disk / "t.db", "SELECT count(*) FROM fix") or [(0,)])[0][0])

    with site.daemon() as daemon:
        publish(broker.port, "owntracks/w07/phone", *first)
        until(lambda: kept() == len(first), lambda: site.said)
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        publish(broker.port, "owntracks/w07/phone", *later)
        until(lambda: "the disk is full: make room" in site.said, lambda: site.said)
        assert daemon.poll() is None
        ballast.unlink()
        until(lambda: kept() == len(first) + len(later), lambda: site.said, 30)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert "Traceback" not in site.said
    assert rows(small_disk / "t.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_failed_fsync_is_no_commit(tmp_path: Path, mosquitto: Any) -> None:
    """Half of all fsyncs fail, as on a disk that dies: what was refused is written again, and acknowledged once."""
    strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
    inject = ["-e", "inject=fsync,fdatasync:error=EIO:when=14+2"]
    if subprocess.run([*strace, "true"], capture_output=True, check=False).returncode:
        need("strace")
        pytest.skip("no right to trace here")
    site = Installation(tmp_path, mosquitto.port)
    with site.daemon(under=[*strace, *inject]) as daemon:
        messages = visit(recently(30), seconds=180)
        for message in messages:
            publish(mosquitto.port, "owntracks/w07/phone", message)
        until(lambda: site.count("fix") == len(messages), lambda: site.said, 60)
        until(lambda: "the store is back" in site.said, lambda: site.said)
        assert "the disk does not answer" in site.said
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    with site.daemon() as daemon:
        until(lambda: site.count("outbox") == 0, "all is told")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert site.rows("SELECT count(*), count(DISTINCT time) FROM fix") == [(len(messages), len(messages))]
    assert site.rows("PRAGMA integrity_check") == [("ok",)]
    assert "Traceback" not in site.said


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    import sqlite3

    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        database.close()


def test_a_backlog_at_the_start_is_drained_within_bounds(tmp_path: Path, start_mosquitto: Any) -> None:
    count = 50_000 if FULL else 8_000
    broker = start_mosquitto("allow_anonymous true\nmax_queued_messages 1000000\n")
    site = Installation(tmp_path, broker.port)
    with site.daemon():
        pass
    began = recently(minutes=6 * 24 * 60)
    messages = [message for n in range(count // 36 + 1) for message in visit(began + timedelta(minutes=4 * n))][:count]
    publish(broker.port, "owntracks/w07/phone", *messages)
    with site.daemon() as daemon:
        before = _resident_mb(daemon.pid)
        until(lambda: site.count("fix") == count, lambda: f"{site.count('fix')} of {count}", 100)
        grown = _resident_mb(daemon.pid) - before
        assert "telling events ended" not in site.said, "the connection was kept"
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    assert grown < 60, f"{grown:.0f} MB more for {count} messages"


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_a_broker_killed_again_and_again_loses_nothing(tmp_path: Path, start_mosquitto: Any) -> None:
    need("mosquitto")
    shipped = [line for line in settings(Wanted([])).splitlines() if line.startswith(("persist", "autosave", "max_"))]
    broker = start_mosquitto("allow_anonymous true\n" + "\n".join(shipped) + "\n")
    site = Installation(tmp_path, broker.port)
    began, sent = recently(300), 0
    with site.daemon() as daemon:
        for number in range(20 if FULL else 4):
            messages = visit(began + timedelta(minutes=4 * number))
            publish(broker.port, "owntracks/w07/phone", *messages)
            sent += len(messages)
            time.sleep(0.2)  # mosquitto confirms a message some milliseconds before it writes it down
            broker.kill9()
            broker.start()
        until(lambda: site.count("fix") == sent, lambda: f"{site.count('fix')} of {sent}: {site.said}", 90)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert "lost our session" not in site.said


@pytest.mark.parametrize("running", [True, False])
def test_a_broker_that_forgets_is_told_of(tmp_path: Path, start_mosquitto: Any, running: bool) -> None:
    broker = start_mosquitto("allow_anonymous true\npersistence false\n")
    site = Installation(tmp_path, broker.port)
    with site.daemon() as daemon:
        until(lambda: site.count("edition"), "a first turn")
        assert "lost our session" not in site.said, "there was none to lose"
        if running:
            broker.kill9()
            broker.start()
            until(lambda: "the broker has lost our session; what it held" in site.said, lambda: site.said, 30)
            assert daemon.poll() is None
            return
    broker.kill9()
    broker.start()
    with site.daemon():
        until(lambda: "the broker has lost our session; what it held" in site.said, lambda: site.said, 30)
