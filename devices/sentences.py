"""What each kind of NMEA sentence says of its epoch, from its named fields as text.

    RMC  time,status,lat,N,lon,E,knots,course,ddmmyy,var,E[,mode[,nav]]
    GGA  time,lat,N,lon,E,quality,sats,hdop,altitude,M,…
    GNS  time,lat,N,lon,E,modes,sats,hdop,altitude,…          modes: a letter for each constellation
    GLL  lat,N,lon,E,time,status[,mode]
    ZDA  time,day,month,year,…        GST  time,rms,major,minor,angle,sd lat,sd lon,…
    GSA  auto,fix,12 satellites,pdop,hdop,vdop               VTG  course,T,…,M,knots,N,km/h,K[,mode]
    PUBX,00  time,lat,N,lon,E,altitude,status,h error,v error,km/h,course,…       PGRME  h error,M,…

What must stay true here: a sentence that is refused changes nothing; one that vouches for no position gives none,
whatever its fields hold. A mode S or M, a quality 7 or 8 is no measurement but somebody's input, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from devices import accuracy, position
from devices.calendar import Day, make_date, read_year
from devices.epoch import Epoch
from devices.position import KMH_MPS, KNOT_MPS, RefusedError, check_place
from geofence.model import Flag

Fields = Mapping[str, str]
Reader = Callable[[Epoch, Fields, bytes], None]

CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)(\.\d*)?", re.ASCII)
DEGREES = re.compile(r"(\d{1,3})(\d\d)(?:\.(\d*))?", re.ASCII)
BEFORE_LEAP = timedelta(days=1, microseconds=-1)
"""23:59:60 is told as the last microsecond of its day: still before the next day, which has no such second."""


def read_clock(text: str) -> timedelta | None:
    """Return the time of day of ``hhmmss[.ss]``; None where it is blank."""
    if not text:
        return None
    match = CLOCK.fullmatch(text)
    if match is None:
        raise RefusedError("bad-time", "not hhmmss.ss")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    if hour == 23 and minute == 59 and second == 60:
        return BEFORE_LEAP
    if hour > 23 or minute > 59 or second > 59:
        raise RefusedError("bad-time", "no such time of day")
    fraction = int((match[4] or ".")[1:7].ljust(6, "0"))
    return timedelta(seconds=hour * 3600 + minute * 60 + second, microseconds=fraction)


def _angle(text: str, letter: str, letters: str) -> tuple[float, int]:
    """Return degrees of ``dddmm.mmmm`` with its hemisphere, and how many digits its minutes have."""
    if not text or not letter:
        raise RefusedError("blank-position", "a sentence that claims a position and leaves part of it out")
    match = DEGREES.fullmatch(text)
    if match is None or letter not in letters:
        raise RefusedError("bad-position", "not ddmm.mmmm with a hemisphere")
    digits = match[3] or ""
    minutes = float(f"{match[2]}.{digits}")
    if minutes >= 60.0:
        raise RefusedError("bad-position", "sixty minutes or more")
    degrees = int(match[1]) + minutes / 60.0
    return (-degrees if letter == letters[1] else degrees), len(digits)


def _place(epoch: Epoch, said: Fields, raw: bytes) -> None:
    lat, fineness = _angle(said.get("lat", ""), said.get("lat_dir", ""), "NS")
    lon, other = _angle(said.get("lon", ""), said.get("lon_dir", ""), "EW")
    check_place(lon, lat)
    if not said.get("timestamp"):
        raise RefusedError("no-time", "a position without its time of day")
    epoch.place(lon, lat, min(fineness, other), raw)


def _real(mode: str) -> bool:
    """Return whether an FAA mode (of GNS: several) tells of a measurement; blank is an old receiver's silence."""
    if "S" in mode or "M" in mode:
        raise RefusedError("simulated", "the receiver says that this is simulated or typed in")
    return not mode or mode.strip("N") != ""


def _none_used(said: Fields) -> bool:
    """Return whether a sentence says that no satellite was used; blank is an old receiver's silence."""
    return said.get("num_sats", "") in {"0", "00"}


def _optional(said: Fields, name: str) -> float | None:
    text = said.get(name, "")
    try:
        return position.number(text) if text else None
    except RefusedError:
        return None  # what is beside the position does not refuse it


def _motion(epoch: Epoch, said: Fields, speed: str, course: str, unit_mps: float) -> None:
    fast = _optional(said, speed)
    epoch.motion(position.speed(None if fast is None else fast * unit_mps), position.course(_optional(said, course)))


def _height(epoch: Epoch, said: Fields) -> None:
    if epoch.altitude_m is None:
        epoch.altitude_m = position.altitude(_optional(said, "altitude"))


def _rmc_date(text: str, received: datetime | None) -> Day | None:
    if not text:
        return None
    if not (len(text) == 6 and text.isdecimal()):
        raise RefusedError("bad-date", "not ddmmyy")
    year, flags = read_year(int(text[4:6]), received)
    return _day(year, int(text[2:4]), int(text[:2]), flags)


def _day(year: int, month: int, day: int, flags: Flag) -> Day:
    made = make_date(year, month, day)
    if made is None:
        raise RefusedError("bad-date", "no such day")
    return Day(made, flags)


def read_date(said: Fields, received: datetime | None) -> tuple[timedelta, Day] | None:
    """Return time of day and date of a ZDA; None where it leaves them out.

    Its year has four digits, where the receiver keeps to the standard.
    """
    clock = read_clock(said.get("timestamp", ""))
    parts = [said.get(name, "") for name in ("year", "month", "day")]
    if clock is None or not all(parts):
        return None
    if not all(part.isdecimal() and len(part) <= 4 for part in parts):
        raise RefusedError("bad-date", "not dd,mm,yyyy")
    year, month, day = (int(part) for part in parts)
    if year >= 1980:
        return clock, _day(year, month, day, Flag.NONE)
    # GPS time began in 1980: the century cannot be what it says.
    return clock, _day(read_year(year % 100, received)[0], month, day, Flag.CENTURY)


def rmc(epoch: Epoch, said: Fields, raw: bytes) -> None:
    """Recommended minimum: position, speed, course, date."""
    if said.get("status") != "A" or not _real(said.get("mode_indicator", "")):
        epoch.no_fix = True
        return
    day = _rmc_date(said.get("datestamp", ""), epoch.received)
    _place(epoch, said, raw)
    _motion(epoch, said, "spd_over_grnd", "true_course", KNOT_MPS)
    if epoch.day is None:
        epoch.day = day


def gga(epoch: Epoch, said: Fields, raw: bytes) -> None:
    """Fix data: position, dilution, altitude."""
    quality = said.get("gps_qual", "")
    if quality in {"7", "8"}:
        raise RefusedError("simulated", "the receiver says that this is simulated or typed in")
    # A position from no satellite at all is a leftover; only dead reckoning (6) needs none.
    if quality not in {"1", "2", "3", "4", "5", "6", "9"} or (_none_used(said) and quality != "6"):
        epoch.no_fix = True
        return
    _place(epoch, said, raw)
    epoch.dilution(_optional(said, "horizontal_dil"))
    _height(epoch, said)


def gns(epoch: Epoch, said: Fields, raw: bytes) -> None:
    """Fix data of several constellations."""
    mode = said.get("mode_indicator", "")
    if not mode or not _real(mode) or (_none_used(said) and "E" not in mode):
        epoch.no_fix = True
        return
    _place(epoch, said, raw)
    epoch.dilution(_optional(said, "hdop"))
    _height(epoch, said)


def gll(epoch: Epoch, said: Fields, raw: bytes) -> None:
    """Position and time."""
    if said.get("status") != "A" or not _real(said.get("faa_mode", "")):
        epoch.no_fix = True
        return
    _place(epoch, said, raw)


def gsa(epoch: Epoch, said: Fields, _raw: bytes) -> None:
    """Dilution of precision."""
    if said.get("mode_fix_type") in {"2", "3"}:
        epoch.dilution(_optional(said, "hdop"))


def vtg(epoch: Epoch, said: Fields, _raw: bytes) -> None:
    """Speed and course."""
    if _real(said.get("faa_mode", "")):
        _motion(epoch, said, "spd_over_grnd_kts", "true_track", KNOT_MPS)


def gst(epoch: Epoch, said: Fields, _raw: bytes) -> None:
    """Error statistics: one sigma of latitude and longitude."""
    lat, lon = _optional(said, "std_dev_latitude"), _optional(said, "std_dev_longitude")
    if lat is not None and lon is not None:
        epoch.error(accuracy.stated(accuracy.from_axes(lat, lon)), rank=2)


def pubx(epoch: Epoch, said: Fields, raw: bytes) -> None:
    """u-blox position; its horizontal accuracy has no stated share and is taken as 68 %."""
    if said.get("nav_stat") in {"", "NF", "TT", None}:
        epoch.no_fix = True
        return
    _place(epoch, said, raw)
    epoch.error(accuracy.stated(_optional(said, "h_acc")), rank=3)
    _motion(epoch, said, "sog", "cog", KMH_MPS)


def pgrme(epoch: Epoch, said: Fields, _raw: bytes) -> None:
    """Garmin's estimated position error."""
    error = _optional(said, "hpe")
    if error is not None and said.get("hpe_unit") == "M":
        epoch.error(accuracy.stated(accuracy.from_garmin(error)), rank=1)


READERS: dict[str, Reader] = {
    "RMC": rmc,
    "GGA": gga,
    "GNS": gns,
    "GLL": gll,
    "GSA": gsa,
    "VTG": vtg,
    "GST": gst,
    "PUBX00": pubx,
    "PGRME": pgrme,
}
