"""Which day a receiver means: two-digit years, week rollover, times without a date.

A receiver says 23 12 07 (RMC), 23 12 2007 (ZDA) or a time of day only (GGA, GLL, GNS). GPS counts weeks modulo 1024,
so an old receiver is off by 1024 weeks, or twice that, to the microsecond.

What must stay true here: a date is moved only by whole rollovers, only onto a moment that something else vouches for
(when the bytes were received; in a log of old its own header or its own earlier epochs), and the move is flagged. An
honest old date stays old. A time without a date gets one only from a neighbour or from when it was received.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from geofence.model import Flag

ROLLOVER = timedelta(weeks=1024)
NEAR = timedelta(days=366)
"""A moved date must come so close to what vouches for it: a tracker may send late, a log's header may be older."""
DAY = timedelta(days=1)
HALF_DAY = timedelta(hours=12)
SLACK = timedelta(hours=1)
"""So far a time may step back, or be ahead of our clock, and still be of the same day."""
FIRST_YEAR = 80
"""GPS time began in 1980, so 80 to 99 are of the last century where nothing says otherwise."""
HEADER = re.compile(rb"#\s*Date\s*[:=]\s*(\d{4})-(\d\d?)-(\d\d?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as a receiver gave it, and what had to be done to read it."""

    date: date
    flags: Flag


@dataclass(frozen=True, slots=True)
class Stamped:
    """A moment, and what was done to the receiver's own words to get it."""

    time: datetime
    flags: Flag


class Calendar:
    """What is known of the day, from what was said so far."""

    def __init__(self) -> None:
        self._header: datetime | None = None
        self._last: datetime | None = None
        self._heard: datetime | None = None

    def read_comment(self, line: bytes) -> None:
        """Take the date of a recorded log's header, a comment ``# Date: yyyy-mm-dd``."""
        if match := HEADER.match(line):
            said = make_date(*(int(group) for group in match.groups()))
            if said is not None:
                self._header = _midnight(said)

    def stamp(self, clock: timedelta, day: Day | None, received: datetime | None) -> Stamped | None:
        """Return the moment of a time of day ``clock``, on the day the receiver gave (None: it gave none).

        None if there is no telling the day.
        """
        if day is None:
            guess = self._undated(clock, received)
            if guess is None:
                return None
            self._last = guess
            return Stamped(guess, Flag.DATED)
        time, moved = self._repaired(_midnight(day.date) + clock, received)
        self._last, self._heard = time, received
        return Stamped(time, day.flags | moved)

    def _repaired(self, time: datetime, received: datetime | None) -> tuple[datetime, Flag]:
        witness = received or self._last or self._header
        if witness is None:
            return time, Flag.NONE
        turns = round((witness - time) / ROLLOVER)
        # Without a clock of ours the witness may be what is wrong: a receiver that starts 1024 weeks behind and
        # then sets itself right must not be put back.
        if turns == 0 or (turns < 0 and received is None):
            return time, Flag.NONE
        moved = time + turns * ROLLOVER
        return (moved, Flag.ROLLOVER) if abs(witness - moved) <= NEAR else (time, Flag.NONE)

    def _undated(self, clock: timedelta, received: datetime | None) -> datetime | None:
        """Return the moment with this time of day that follows the last one, or comes before it was received.

        The last one is the better witness (a tracker may send a day late) unless we have heard nothing since.
        """
        last, heard = self._last, self._heard
        if last is not None and (received is None or (heard is not None and received - heard <= HALF_DAY)):
            earliest = last - SLACK
        elif received is not None:
            earliest = received + SLACK - DAY
        else:
            return None
        time = _midnight(earliest) + clock
        return time if time >= earliest else time + DAY


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def make_date(year: int, month: int, day: int) -> date | None:
    """Return the date, or None if there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_year(said: int, received: datetime | None) -> tuple[int, Flag]:
    """Return the year a receiver means by two digits; flagged where only ``received`` tells the century.

    From 2080 on the plain reading (80 to 99: the last century) is off by a hundred years.
    """
    plain = said + (1900 if said >= FIRST_YEAR else 2000)
    if received is None or plain + 100 > received.year + 1:
        return plain, Flag.NONE
    return plain + 100, Flag.CENTURY
