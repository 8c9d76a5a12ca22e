"""NMEA sentences a second: this decoder, pynmea2 alone (which neither merges nor checks what is said), and gpsdecode.

    python -m tests.benchmarks.decode_speed [--sentences 200000] [--log FILE]

What must stay true here: all three read the same recorded log, again and again; what counts is CPU time, start-up left
out (gpsdecode's is that of an empty log).
"""

from __future__ import annotations

import argparse
import gzip
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from time import process_time
from typing import NamedTuple

import pynmea2

from devices.nmea import Nmea
from geofence.model import DeviceId

BLOCK = 64 * 1024


class Row(NamedTuple):
    """One figure."""

    what: str
    per_s: float


def rows(sentences: int = 200_000, log: Path | None = None) -> Iterator[Row]:
    """Yield each reader's pace."""
    data = log.read_bytes() if log is not None else gzip.decompress(_demo())
    data *= max(1, sentences // data.count(b"$"))
    count = data.count(b"$")
    yield Row("this decoder", count / _timed(lambda: _ours(data)))
    yield Row("pynmea2 alone", count / _timed(lambda: _pynmea2(data)))
    if shutil.which("gpsdecode"):
        yield Row("gpsdecode (C)", count / _gpsdecode(data))


def _demo() -> bytes:
    return files("trackerd.demo").joinpath("w01.nmea.gz").read_bytes()


def _timed(run: Callable[[], object]) -> float:
    began = process_time()
    run()
    return process_time() - began


def _ours(data: bytes) -> int:
    decoder = Nmea(DeviceId("w01"))
    said = sum(len(decoder.receive(data[at : at + BLOCK])) for at in range(0, len(data), BLOCK))
    return said + len(decoder.end())


def _pynmea2(data: bytes) -> None:
    for line in data.split(b"\n"):
        with suppress(pynmea2.ParseError, UnicodeDecodeError):
            pynmea2.parse(line.decode("ascii").strip(), check=True)


def _gpsdecode(data: bytes) -> float:
    took = [_child(each) for each in (b"\n", data)]
    return max(took[1] - took[0], 1e-9)


def _child(data: bytes) -> float:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["gpsdecode"], stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the paces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=200_000)
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    found = list(rows(args.sentences, args.log))
    for row in found:
        print(f"{row.what:16} {row.per_s:10,.0f} sentences/s {row.per_s / found[0].per_s:6.2f}")


if __name__ == "__main__":
    main()
