"""The traps of NMEA 0183, one table for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devices.decoder import Bad
from devices.nmea import Nmea
from geofence.model import Fix, Flag
from tests.devices.reading import DEVICE, fixes, nmea, read, signs, whys

RMC = "GPRMC,081231.00,A,5054.60600,N,00411.88600,E,2.0,084.4,040526,,,A"
GGA = "GPGGA,081231.00,5054.60600,N,00411.88600,E,1,08,1.2,61.0,M,47.0,M,,"
AT = datetime(2026, 5, 4, 8, 12, 31, tzinfo=UTC)
NOW = AT + timedelta(seconds=2)


def one(*bodies: str, received: datetime | None = None) -> Fix:
    """Return the one fix these sentences give."""
    said = read(Nmea, nmea(*bodies), received)
    assert len(said) == 1, said
    assert isinstance(said[0], Fix)
    return said[0]


def test_sentences_of_one_moment_make_one_fix() -> None:
    fix = one(GGA, "GNGSA,A,3,01,02,03,,,,,,,,,,2.0,1.1,1.7", RMC, "GPGST,081231.00,,,,,3.0,4.0,5.0")
    assert fix.time == AT
    assert (fix.lon, fix.lat) == pytest.approx((4.1981, 50.9101))
    assert fix.speed_mps == pytest.approx(2 * 1852 / 3600)
    assert fix.course_deg == 84.4
    assert fix.altitude_m == 61.0
    assert fix.hdop == 1.2
    assert fix.flags == Flag.NONE
    assert fix.device == DEVICE


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "BD", "GQ", "II", "HC", "QZ"])
def test_any_talker_is_heard(talker: str) -> None:
    assert one(talker + RMC[2:]).time == AT


@pytest.mark.parametrize(
    "body",
    [
        RMC.replace(",A,", ",V,"),
        RMC[:-1] + "N",
        RMC.replace(",A,", ",,"),
        GGA.replace(",E,1,", ",E,0,"),
        GGA.replace(",E,1,08", ",E,1,00"),
        "GNGNS,081231.00,5054.6,N,00411.8,E,NNN,08,1.2,61.0,47.0,,",
        "GNGNS,081231.00,5054.6,N,00411.8,E,,08,1.2,61.0,47.0,,",
        "GPGLL,5054.6,N,00411.8,E,081231.00,V,N",
        "GPGLL,5054.6,N,00411.8,E,081231.00,A,N",
        "GPGGA,,,,,,0,00,99.99,,,,,,",
        "GPRMC,,V,,,,,,,,,,N",
    ],
)
def test_what_vouches_for_no_position_is_a_sign_of_life(body: str) -> None:
    said = read(Nmea, nmea(body))
    assert (fixes(said), whys(said), signs(said)) == ([], [], ["no-fix"])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (RMC.replace("5054.60600", ""), "blank-position"),
        (RMC.replace(",N,", ",,"), "blank-position"),
        (RMC.replace("00411.88600", ""), "blank-position"),
        (RMC.replace(",E,", ",,"), "blank-position"),
        (RMC.replace("5054.60600,N,00411.88600,E", "0000.000,N,00000.000,E"), "null-island"),
        (RMC.replace("5054", "9154"), "out-of-range"),
        (RMC.replace("00411", "18111"), "out-of-range"),
        (RMC.replace("5054.6", "5061.6"), "bad-position"),
        (RMC.replace("5054.60600", "nan"), "bad-position"),
        (RMC.replace("5054.60600", "-5054.6"), "bad-position"),
        (RMC.replace(",N,", ",X,"), "bad-position"),
        (RMC.replace("040526", "310226"), "bad-date"),
        (RMC.replace("040526", "2208-1"), "bad-date"),
        (RMC.replace("040526", "000000"), "bad-date"),
        (RMC.replace("081231.00", "251231.00"), "bad-time"),
        (RMC.replace("081231.00", "081261.00"), "bad-time"),
        (RMC.replace("081231.00", "123060.00"), "bad-time"),
        (RMC.replace("081231.00", "81231"), "bad-time"),
        (RMC.replace("081231.00", ""), "no-time"),
        (RMC[:-1] + "S", "simulated"),
        (RMC[:-1] + "M", "simulated"),
        (GGA.replace(",E,1,", ",E,8,"), "simulated"),
    ],
)
def test_a_position_that_cannot_be_believed_is_refused(body: str, why: str) -> None:
    said = read(Nmea, nmea(body), NOW)
    assert whys(said) == [why]
    assert not fixes(said)


def test_without_its_checksum_or_with_a_wrong_one_nothing_is_believed() -> None:
    right = nmea(RMC)
    assert whys(read(Nmea, right[:-5] + b"\r\n")) == ["no-checksum"]
    assert whys(read(Nmea, right.replace(b"5054", b"5055"))) == ["checksum"]
    assert whys(read(Nmea, nmea("GPGSV,1,1,00").replace(b"1,1", b"1,2"))) == ["checksum"]
    assert len(fixes(read(Nmea, right.lower().replace(b"$gprmc", b"$GPRMC")))) == 0
    assert read(Nmea, right[:-2].replace(right[-4:-2], right[-4:-2].lower()) + b"\n")[0] == one(RMC)


@pytest.mark.parametrize(
    "body",
    [
        "GPGSV,3,1,11,03,03,111,00,04,15,270,00",
        "PGRMC,A,100,A,0,0,0,100,A,3,1,1,4,30",
        "GPGPQ,RMC",
        "PMTK001,604,3",
        "GPTXT,01,01,02,hello",
        "AIVDM,x",
    ],
)
def test_other_sentences_say_nothing(body: str) -> None:
    assert read(Nmea, nmea(body)) == []
    assert read(Nmea, f"${body}\r\n".encode()) == []


def test_dirt_around_a_sentence_does_not_hide_it() -> None:
    dirty = b"\xb5b\x01\x07$\x00*" + nmea(RMC)[:-2] + nmea(GGA)[:-2] + b"\x00\xff\r\n# a comment\r\n"
    assert fixes(read(Nmea, dirty)) == [one(RMC, GGA)]
    tagged = b"\\s:r3,c:1120959341*12\\" + nmea(RMC)
    assert fixes(read(Nmea, tagged)) == [one(RMC)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\n\r"])
def test_any_line_end_will_do(end: bytes) -> None:
    assert read(Nmea, nmea(RMC, GGA).replace(b"\r\n", end)) == [one(RMC, GGA)]


@pytest.mark.parametrize(
    ("said", "received", "meant", "flags"),
    [
        ("040526", NOW, "2026-05-04", Flag.NONE),
        ("040526", None, "2026-05-04", Flag.NONE),
        ("180906", NOW, "2026-05-04", Flag.ROLLOVER),
        ("180906", None, "2006-09-18", Flag.NONE),
        ("180906", datetime(2006, 9, 18, 9, tzinfo=UTC), "2006-09-18", Flag.NONE),
        ("030393", datetime(2032, 6, 2, 9, tzinfo=UTC), "2032-06-02", Flag.ROLLOVER),
        ("181245", NOW, "2026-05-04", Flag.ROLLOVER),
        ("040581", datetime(2081, 5, 4, 9, tzinfo=UTC), "2081-05-04", Flag.CENTURY),
        ("040599", NOW, "1999-05-04", Flag.NONE),
        ("040516", NOW, "2016-05-04", Flag.NONE),
    ],
)
def test_years_and_rollovers(said: str, received: datetime | None, meant: str, flags: Flag) -> None:
    fix = one(RMC.replace("040526", said), received=received)
    assert (fix.time.date().isoformat(), fix.flags) == (meant, flags)


def test_a_logs_own_header_vouches_for_a_rollover_but_not_for_an_honest_old_date() -> None:
    old = nmea(RMC.replace("040526", "220899"))
    assert fixes(read(Nmea, b"# Date: 2019-3-14\n" + old))[0].flags == Flag.ROLLOVER
    assert fixes(read(Nmea, b"# Date: 2019-3-14\n" + old))[0].time.date().isoformat() == "2019-04-07"
    assert fixes(read(Nmea, b"# Date: 2026-3-14\n" + old))[0].flags == Flag.NONE


def test_a_receiver_that_falls_back_a_rollover_in_a_log_is_put_right_and_one_that_mends_itself_is_let() -> None:
    later = RMC.replace("081231", "081232")
    fallen = fixes(read(Nmea, nmea(RMC, later.replace("040526", "180906"))))
    assert [(fix.time, fix.flags) for fix in fallen] == [
        (AT, Flag.NONE),
        (AT + timedelta(seconds=1), Flag.ROLLOVER),
    ]
    mended = fixes(read(Nmea, nmea(RMC.replace("040526", "180906"), later)))
    assert [fix.time.year for fix in mended] == [2006, 2026]


def test_a_time_without_a_date_takes_it_from_when_it_was_received_or_from_a_neighbour() -> None:
    assert whys(read(Nmea, nmea(GGA))) == ["no-date"]
    fix = one(GGA, received=NOW)
    assert (fix.time, fix.flags & Flag.DATED) == (AT, Flag.DATED)
    late = GGA.replace("081231", "235959")
    assert one(late, received=datetime(2026, 5, 5, 0, 0, 2, tzinfo=UTC)).time.isoformat() == "2026-05-04T23:59:59+00:00"
    night = fixes(read(Nmea, nmea(RMC.replace("081231", "235959"), GGA.replace("081231", "000000"))))
    assert [fix.time.isoformat()[:19] for fix in night] == ["2026-05-04T23:59:59", "2026-05-05T00:00:00"]
    assert night[1].flags & Flag.DATED
    kept = Nmea(DEVICE)
    kept.receive(nmea(RMC), NOW)
    again = kept.receive(nmea(GGA), NOW + timedelta(days=3)) + kept.end()
    assert fixes(again) == [one(RMC, GGA)]


def test_zda_dates_the_moment_it_names_before_or_after() -> None:
    zda = "GPZDA,081231.00,04,05,2026,00,00"
    for order in ((zda, GGA), (GGA, zda)):
        fix = one(*order)
        assert (fix.time, fix.flags & Flag.DATED) == (AT, Flag.NONE)
    assert one("GPZDA,081231.00,04,05,0026,00,00", GGA).flags & Flag.CENTURY
    assert whys(read(Nmea, nmea("GPZDA,081231.00,31,02,2026,00,00"))) == ["bad-date"]


def test_the_leap_second_stands_before_the_next_day() -> None:
    said = fixes(read(Nmea, nmea(*(RMC.replace("081231.00", clock) for clock in ("235959.00", "235960.00")))))
    after = one(RMC.replace("081231.00", "000000.00").replace("040526", "050526"))
    assert said[0].time < said[1].time < after.time


def test_the_best_statement_of_error_wins() -> None:
    gst = "GPGST,081231.00,,,,,3.0,4.0,5.0"
    garmin = "PGRME,15.0,M,45.0,M,25.0,M"
    ublox = "PUBX,00,081231.00,5054.60600,N,00411.88600,E,61.0,G3,2.1,2.0,0.0,77.5,0.0,,0.92,1.19,0.77,9,0,0"
    assert one(RMC).accuracy_m is None
    estimated = one(RMC, GGA)
    assert estimated.accuracy_m == pytest.approx(6.4, abs=0.1)
    assert estimated.flags == Flag.ESTIMATED
    assert one(RMC, GGA, garmin).accuracy_m == pytest.approx(15 * 1.282, abs=0.01)
    assert one(RMC, GGA, garmin, gst).accuracy_m == pytest.approx(1.0675 * 5, abs=0.01)
    assert one(RMC, ublox, garmin, gst).accuracy_m == 2.1
    assert one(RMC, gst).flags == Flag.NONE
    assert one(RMC, GGA.replace("1.2,61", "99.99,61")).accuracy_m is None


def test_the_finest_position_of_a_moment_is_taken_whole() -> None:
    fine = GGA.replace("5054.60600", "5054.6061234").replace("00411.88600", "00411.8861234")
    assert one(RMC, fine).lat == pytest.approx(50 + 54.6061234 / 60, abs=1e-12)
    assert one(fine, RMC).lat == one(RMC, fine).lat


def test_once_the_cycle_is_known_a_fix_is_told_with_its_last_sentence() -> None:
    decoder = Nmea(DEVICE)
    cycles = [nmea(*(body.replace("081231", f"0812{second}") for body in (RMC, GGA))) for second in range(31, 36)]
    told = [len(decoder.receive(cycle, NOW)) for cycle in cycles]
    assert told == [0, 1, 2, 1, 1]
    assert decoder.end() == []


def test_a_moment_is_told_once_however_often_the_stream_ends_in_it() -> None:
    decoder = Nmea(DEVICE)
    said = []
    for body in (RMC, GGA, RMC, RMC.replace("081231", "081232")):
        said += decoder.receive(nmea(body), NOW) + decoder.end()
    assert [fix.time.second for fix in fixes(said)] == [31, 32]


def test_a_receiver_that_searches_is_heard_each_moment_and_not_each_sentence() -> None:
    cycle = ("GPRMC,,V,,,,,,,,,,N", "GPGGA,,,,,,0,00,99.99,,,,,,", "GPGLL,,,,,,V,N")
    assert signs(read(Nmea, nmea(*cycle * 5))) == ["no-fix"] * 5


def test_an_endless_line_is_told_once_and_the_next_is_read() -> None:
    said = read(Nmea, b"x" * 100_000 + b"\n" + nmea(RMC))
    assert [type(thing) for thing in said] == [Bad, Fix]
    assert whys(said) == ["too-long"]


def test_times_of_one_moment_may_be_rounded_differently() -> None:
    fine, coarse = RMC.replace("31.00", "31.297"), GGA.replace("31.00", "31.30")
    assert one(fine, coarse).time == AT + timedelta(milliseconds=297)
    assert len(fixes(read(Nmea, nmea(RMC, RMC.replace("31.00", "31.05"))))) == 2
