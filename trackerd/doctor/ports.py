"""Whether receivers on serial ports are heard: who holds the port, at what speed, which sentences.

What must stay true here: a port somebody else holds is left alone; nothing is written to one; of what is heard only
the kinds of sentences are told.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import serial

from trackerd import clock
from trackerd.config import SourceSection
from trackerd.doctor.finding import Finding, Patient
from trackerd.sources.autobaud import SENTENCE, good_sentences, listen, speeds
from trackerd.sources.serial import READ_S, why_not

LISTEN_S = 3.0
PSEUDO = range(136, 144)
"""Major numbers of pseudo-terminals, which each container counts from nought."""
REMEDY_SILENT = "is the receiver on and the cable whole? Receive and transmit lines may be swapped"
REMEDY_NOISE = "write the receiver's speed as baud; with bytes and no sentences it may speak another language: decoder"


def look(patient: Patient) -> Iterator[Finding]:
    """Look at every source on a serial port."""
    for number, section in enumerate(patient.settings.source, 1):
        if section.kind == "serial" and section.url is not None:
            yield from _port(f"source {section.name or f'serial-{number}'}", section, section.url)


def _port(about: str, section: SourceSection, url: str) -> Iterator[Finding]:
    real = "://" not in url
    holders = list(held_by(Path(url))) if real else []
    for pid, name in holders:
        if "trackerd" in name:
            yield Finding(about, "well", f"{url}: held by trackerd (process {pid}), which listens to it")
        else:
            remedy = f'stop it: systemctl stop {name}; gpsd: read from it with kind = "gpsd"; ModemManager: remove it'
            yield Finding(about, "fault", f"{url}: held by {name} (process {pid})", remedy)
    if holders:
        return
    try:
        with (
            serial.Serial(url, 4800, timeout=READ_S, exclusive=True)
            if real
            else serial.serial_for_url(url, timeout=READ_S) as port
        ):
            yield _heard(about, url, port, section.baud if real else port.baudrate)
    except Exception as fault:  # noqa: BLE001 - pyserial and its URL handlers raise what they like
        yield Finding(about, "away", why_not(url, fault), "plug it in; see ls -l /dev/serial/by-id")


def _heard(about: str, url: str, port: serial.Serial, baud: int | None) -> Finding:
    data, heard = b"", False
    for speed in [baud] if baud else speeds(None):
        port.baudrate = speed
        data, good = listen(lambda: _more(port)) if not baud else (_gathered(port), 2)
        heard = heard or bool(data)
        if good >= 2 and good_sentences(data):
            data += _gathered(port)
            kinds = Counter(body[2:5].decode("ascii", "replace") for body, _ in SENTENCE.findall(data))
            told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6))
            return Finding(about, "well", f"{url}: {speed} baud, {told}")
    if heard:
        at = f"{baud} baud" if baud else "any speed tried"
        return Finding(about, "fault", f"{url}: bytes, but no whole NMEA sentence at {at}", REMEDY_NOISE)
    return Finding(about, "warning", f"{url}: open, and nothing was heard", REMEDY_SILENT)


def _gathered(port: serial.Serial) -> bytes:
    data, until = b"", clock.monotonic() + LISTEN_S
    while clock.monotonic() < until:
        data += _more(port)
    return data


def _more(port: serial.Serial) -> bytes:
    return bytes(port.read(port.in_waiting or 1))


def held_by(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the processes that have this port open, with their names, as far as this user may see them."""
    try:
        wanted = path.stat()
    except OSError:
        return
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            if any(_same(one.stat(), wanted) for one in (process / "fd").iterdir() if _device(one)):
                said = (process / "cmdline").read_bytes().split(b"\0")
                words = [Path(os.fsdecode(word)).name for word in said[:3] if word]
                yield int(process.name), "trackerd" if "trackerd" in words else words[0] if words else "?"
        except OSError:
            continue  # it has ended, or is none of ours to look into


def _device(handle: Path) -> bool:
    """Return whether an open file may be a port: to look at others closely could take long, on a network's disk."""
    return str(handle.readlink()).startswith("/dev/")


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    """Return whether two files are one port, whatever it is called; terminals of containers have equal numbers."""
    terminal = os.major(other.st_rdev) in PSEUDO
    return (one.st_rdev == other.st_rdev != 0) and (
        not terminal or (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
    )
