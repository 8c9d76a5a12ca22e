"""NMEA 0183: the sentences of any satellite receiver, through pynmea2, which nothing else imports.

    $GPRMC,123519.00,A,4807.03800,N,01131.00000,E,022.4,084.4,230394,003.1,W,A*6A
    !ttkkk hhmmss.ss V ddmm.mmmmm N dddmm.mmmmm E knots course ddmmyy …     m*xor
    tt talker (GP, GL, GA, GB, GN, …), kkk kind, V status, m mode; the checksum is the XOR between $ and *

One moment is told by several sentences, in an order that differs from receiver to receiver, each with the same time
of day or with none. They make one epoch. It ends when a sentence of another time comes; or, once two epochs running
ended with the same sentence in the same place, with that sentence; or with the stream.

What must stay true here: no checksum, no belief. A position counts only from a sentence that vouches for it (status
A, a mode or quality that is a measurement) and whose every part is there. pynmea2 turns a blank latitude or
hemisphere into 0.0 and hands back a bad date or time as text, so only the text of its named fields is used, never
what it converts.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import reduce
from operator import xor

import pynmea2

from devices import sentences
from devices.calendar import Calendar, Day
from devices.decoder import Bad, Said
from devices.epoch import Epoch
from devices.framing import KEPT, Lines
from devices.position import RefusedError
from geofence.model import DeviceId

LONGEST = 4096
"""Bytes of a line: a sentence has 82 by the standard and some 300 in practice, but binary junk may stand before it."""
PLAIN = re.compile(rb"\$[^$!*]*\*[0-9A-Fa-f]{2}")
FRAMED = re.compile(rb"[$!][^$!*]*\*[0-9A-Fa-f]{2}")
ROUNDING = timedelta(milliseconds=10)
"""Times nearer than this are of one moment: some write milliseconds in one sentence, hundredths in the next."""
UNTIMED = frozenset({"GSA", "VTG", "PGRME"})
"""Kinds that do not say what time they are of: they belong to the epoch they come in."""


def _names(kind: str) -> tuple[str, ...]:
    proprietary = pynmea2.types.proprietary
    own = {"PUBX00": proprietary.ubx.UBX00, "PGRME": proprietary.grm.GRME}
    return tuple(field[1] for field in (own.get(kind) or pynmea2.TalkerSentence.sentence_types[kind]).fields)


NAMES = {kind: _names(kind) for kind in (*sentences.READERS, "ZDA")}
"""What pynmea2 calls the fields of each kind that is read."""


class Nmea:
    """One receiver's sentences into one fix per epoch."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: who this receiver is; NMEA never says."""
        self._device = device
        self._lines = Lines(LONGEST)
        self._calendar = Calendar()
        self._epoch = Epoch()
        self._ending: tuple[int, str] = (0, "")
        """Where the last epoch ended: how many sentences it had, and the kind of the last."""
        self._steady = False
        """The epoch before that ended there too."""
        self._ahead: tuple[timedelta, Day] | None = None
        """The latest ZDA, should its epoch be still to come."""
        self._received: datetime | None = None

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:
        """Take more bytes, received at that moment or nobody knows when; return what they complete."""
        self._received = received
        return self._read(self._lines.feed(data))

    def end(self) -> list[Said]:
        """Say what is still held. More may follow: the same moment is not told twice."""
        said = self._read(self._lines.end())
        return said + self._epoch.say(self._device, self._calendar)

    def _read(self, lines: list[bytes | Bad]) -> list[Said]:
        said: list[Said] = []
        for line in lines:
            if isinstance(line, Bad):
                said.append(line)
            elif line[:1] == b"$" and PLAIN.fullmatch(line):
                self._sentence(line, said)
            else:
                self._dirty(line, said)
        return said

    def _dirty(self, line: bytes, said: list[Said]) -> None:
        """Find the sentences in a line that is not exactly one."""
        found = FRAMED.findall(line)
        for sentence in found:
            self._sentence(sentence, said)
        if line[:1] == b"#":
            self._calendar.read_comment(line)
        elif not found:
            self._unframed(line, said)

    def _unframed(self, line: bytes, said: list[Said]) -> None:
        at = max(line.rfind(b"$"), line.rfind(b"!"))
        if at < 0:
            said.append(Bad("not-nmea", line[:KEPT], "no $ and no !"))
        elif _kind(line[at:]) is not None:
            said.append(Bad("no-checksum", line[at : at + KEPT], "a sentence without a checksum is not believed"))

    def _sentence(self, sentence: bytes, said: list[Said]) -> None:
        """Take one sentence, ``$…*hh``."""
        kind = _kind(sentence)
        if kind is None:
            # Not of interest, but damage on the line is: it says how far the rest can be trusted.
            if reduce(xor, sentence[1:-3], 0) != int(sentence[-2:], 16):
                said.append(_mismatch(sentence))
            return
        try:
            self._parsed(kind, sentence, said)
        except RefusedError as fault:
            said.append(Bad(fault.why, sentence[:KEPT], fault.detail))
        except pynmea2.ChecksumError:
            said.append(_mismatch(sentence))
        except (ValueError, IndexError):
            said.append(Bad("unparseable", sentence[:KEPT], "pynmea2 cannot read it"))

    def _parsed(self, kind: str, sentence: bytes, said: list[Said]) -> None:
        text = sentence.decode("ascii")
        fields = dict(zip(NAMES[kind], pynmea2.parse(text, check=True).data, strict=False))
        if kind == "ZDA":
            self._date(sentences.read_date(fields, self._received))
        elif kind in UNTIMED:
            self._merge(kind, fields, sentence, said)
        else:
            clock = sentences.read_clock(fields.get("timestamp", ""))
            if kind == self._epoch.first if clock is None else not _same(clock, self._epoch.clock):
                self._turn(clock, said)
            self._epoch.first = self._epoch.first or kind
            self._merge(kind, fields, sentence, said)

    def _date(self, said: tuple[timedelta, Day] | None) -> None:
        """Take the date of a ZDA. It never ends an epoch: of some receivers it lags or leads by a second."""
        if said is None:
            return
        self._ahead = clock, day = said
        self._calendar.stamp(clock, day, self._received)
        if self._epoch.clock == clock and self._epoch.day is None:
            self._epoch.day = day

    def _turn(self, clock: timedelta | None, said: list[Said]) -> None:
        """End the epoch, and begin another."""
        ended = self._epoch
        said += ended.say(self._device, self._calendar)
        ending = (ended.count, ended.last)
        self._steady, self._ending = ending == self._ending, ending
        self._epoch = Epoch(clock, self._received)
        if self._ahead is not None and self._ahead[0] == clock:
            self._epoch.day = self._ahead[1]

    def _merge(self, kind: str, fields: sentences.Fields, sentence: bytes, said: list[Said]) -> None:
        epoch = self._epoch
        epoch.count += 1
        epoch.last = kind
        sentences.READERS[kind](epoch, fields, sentence)
        if self._steady and epoch.lon is not None and (epoch.count, kind) == self._ending:
            said += epoch.say(self._device, self._calendar)


def _kind(sentence: bytes) -> str | None:
    """Return the kind of a sentence that is read here, by its address; None for all others.

    A P begins a maker's own sentence: ``$PGRMC`` is Garmin's configuration and no RMC.
    """
    address = sentence[1:8]
    if address[:1] != b"P":
        kind = address[2:5].decode("ascii", "replace") if address[5:6] == b"," else ""
    elif address[:6] == b"PGRME,":
        kind = "PGRME"
    else:
        kind = "PUBX00" if address == b"PUBX,00" else ""
    return kind if kind in NAMES else None


def _same(one: timedelta, other: timedelta | None) -> bool:
    return other is not None and abs(one - other) < ROUNDING


def _mismatch(sentence: bytes) -> Bad:
    return Bad("checksum", sentence[:KEPT], "the checksum does not match")
