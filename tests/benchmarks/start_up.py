"""How long a command takes to begin, and what an idle daemon costs.

    python -m tests.benchmarks.start_up [--seconds 20]

What must stay true here: the median of five starts; the daemon listens to a real broker with a hundred zones, hears
nothing, and then has heard once of two thousand devices that are quiet again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks.flow import BROKER, Publisher, Walkers, busy_s, resident_mb, started
from tests.servers import Mosquitto


class Row(NamedTuple):
    """One figure."""

    what: str
    value: float
    unit: str


def rows(seconds: float = 20.0) -> Iterator[Row]:
    """Yield the figures."""
    for words in (["--help"], ["--version"]):
        yield Row(f"trackerd {words[0]}, CPU time", 1000 * median(_start(words) for _ in range(5)), "ms")
    with tempfile.TemporaryDirectory() as name, Mosquitto(Path(name) / "broker", BROKER) as broker:
        daemon = started(Path(name), broker.port, "sqlite:///idle.db")
        try:
            yield Row("daemon ready to listen, CPU time", 1000 * busy_s(daemon.pid), "ms")
            time.sleep(2)
            yield Row("idle daemon", 100 * _busy(daemon.pid, seconds), "% of a core")
            yield Row("idle daemon, resident", resident_mb(daemon.pid), "MB")
            Publisher(broker.port).send(Walkers(1).packets(4000))
            time.sleep(15)
            yield Row("with 2,000 quiet devices", 100 * _busy(daemon.pid, seconds), "% of a core")
            yield Row("with 2,000 quiet devices, resident", resident_mb(daemon.pid), "MB")
        finally:
            daemon.terminate()
            daemon.wait(20)


def _start(words: list[str]) -> float:
    """Return the CPU seconds a command takes."""
    measure = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    command = [sys.executable, "-c", measure, sys.executable, "-m", "trackerd", *words]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _busy(pid: int, seconds: float) -> float:
    before = busy_s(pid)
    time.sleep(seconds)
    return (busy_s(pid) - before) / seconds


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    for row in rows(parser.parse_args().seconds):
        print(f"{row.what:36} {row.value:8.1f} {row.unit}", flush=True)


if __name__ == "__main__":
    main()
