"""A receiver on a serial port, or on anything pyserial opens by URL: ``socket://``, ``rfc2217://``, ``loop://``.

What must stay true here: a port that goes away is opened again when it is back, for ever; each opening is a stream of
its own, its end told, so that half a sentence of before is not joined to what comes after; a real port is ours alone;
why a port cannot be opened is said with the remedy.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

import serial

from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.sources.autobaud import listen, speeds
from trackerd.sources.backoff import Backoff
from trackerd.sources.standing import Standing

BLOCK = 4096
READ_S = 0.25
"""How long a read waits for a first byte, and so how soon a close is seen."""
GATHER_S = 0.05
"""How long more bytes are waited for: a chunk each 50 ms instead of each byte."""
NMEA_BAUD = 4800
"""The speed NMEA 0183 names; where a URL gives no port of our own the far end has set it anyway."""

REMEDIES = {
    errno.ENOENT: "no such port; is the receiver plugged in? See /dev/serial/by-id for lasting names",
    errno.ENXIO: "there is no device behind this port",
    errno.ENODEV: "there is no device behind this port",
    errno.EACCES: "no permission; add the daemon's user to the group dialout (usermod -aG dialout USER)",
    errno.EPERM: "no permission; the unit's DeviceAllow= must name the port",
    errno.EBUSY: "in use by another program; if gpsd holds it, stop it (systemctl stop gpsd.socket gpsd) "
    "or read from it with kind = gpsd",
}
REMEDIES[errno.EAGAIN] = REMEDIES[errno.EBUSY]  # so the lock of another program is reported


class SerialSource(Standing):
    """Bytes of a serial port."""

    def __init__(self, name: str, url: str, baud: int | None = None, *, backoff: Backoff | None = None) -> None:
        """Without ``baud`` the speed of a real port is found out from the NMEA sentences heard."""
        super().__init__(name)
        self.url = url
        self.baud = baud
        self.real = "://" not in url
        self._backoff = backoff or Backoff(0.5, 30)
        self._openings = 0
        self._found: int | None = None

    def __iter__(self) -> Iterator[Chunk]:
        """Yield what is received until closed, over as many openings as it takes."""
        while not self.closed.is_set():
            try:
                port = self._open()
            except Exception as fault:  # noqa: BLE001 (pyserial and its URL handlers raise what they like)
                self.tell(False, why_not(self.url, fault))
            else:
                self._openings += 1
                yield from self._read(port)
            if self._backoff.wait(self.closed):
                break
        self.tell(False, "closed", expected=True)

    def _open(self) -> serial.Serial:
        speed = self.baud or NMEA_BAUD
        if self.real:
            return serial.Serial(self.url, speed, timeout=READ_S, exclusive=True)
        port: serial.Serial = serial.serial_for_url(self.url, speed, timeout=READ_S)
        return port

    def _read(self, port: serial.Serial) -> Iterator[Chunk]:
        """Yield one opening's bytes, and at its loss the stream's end."""
        try:
            if self.real and self.baud is None:
                yield self._chunk(self._find_baud(port))
            self.tell(True, f"{self.url} open at {port.baudrate} baud" if self.real else f"{self.url} open")
            while not self.closed.is_set():
                data = self._gather(port)
                if data:
                    self._backoff.reset()
                    yield self._chunk(data)
        except Exception as fault:  # noqa: BLE001 (TypeError and more, when the port vanishes under a call)
            self.tell(False, f"{self.url} lost: {_words(fault)}")
        finally:
            _close(port)
        yield self._chunk(b"", closed=True)

    def _find_baud(self, port: serial.Serial) -> bytes:
        """Try the speeds in turn until two good sentences are heard; return them with what came around them."""
        while not self.closed.is_set():
            heard = False
            for speed in speeds(self._found):
                if self.closed.is_set():
                    return b""
                port.baudrate = speed
                port.reset_input_buffer()
                data, good = listen(lambda: b"" if self.closed.is_set() else self._gather(port))
                if good >= 2:
                    self._found = speed
                    return data
                heard = heard or bool(data)
            what = "bytes, but no NMEA at any speed tried; give baud" if heard else "nothing is heard"
            self.tell(False, f"{self.url} open: {what}")
        return b""

    def _gather(self, port: serial.Serial) -> bytes:
        """Wait for a byte, then a moment for those behind it."""
        data = bytes(port.read(1))
        if not data:
            return data
        self.closed.wait(GATHER_S)
        try:
            while len(data) < BLOCK and (ready := port.in_waiting):
                data += port.read(min(ready, BLOCK - len(data)))
        except OSError:
            pass  # the next read tells the loss; these bytes came before it
        return data

    def _chunk(self, data: bytes, closed: bool = False) -> Chunk:
        return Chunk(self.name, data, clock.now(), stream=f"opening {self._openings}", closed=closed)


def why_not(url: str, fault: Exception) -> str:
    """Say why a port cannot be opened and what helps."""
    remedy = REMEDIES.get(getattr(fault, "errno", None) or 0)
    return f"{url}: {remedy}" if remedy else f"{url}: {_words(fault)}"


def _words(fault: Exception) -> str:
    text = getattr(fault, "strerror", None) or str(fault)
    return text.splitlines()[0][:200] if text else type(fault).__name__


def _close(port: serial.Serial) -> None:
    with contextlib.suppress(Exception):  # it may be gone already
        port.close()
