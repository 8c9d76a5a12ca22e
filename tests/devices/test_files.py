"""CSV, GPX and gpsd's JSON, the template, and the choice between them."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from devices import DECODERS, sniff
from devices.decoder import Bad, Heartbeat
from devices.gpsd import Gpsd
from devices.gpx import Gpx
from devices.template import Template
from devices.tracks_csv import TracksCsv
from geofence.model import DeviceId, Fix, Flag
from tests.devices.reading import CAPTURES, DEVICE, fixes, nmea, read, whys

AT = datetime(2026, 5, 4, 8, 12, 31, tzinfo=UTC)
HEADER = b"device,time,lon,lat\n"


@pytest.mark.parametrize(
    "time",
    ["2026-05-04T08:12:31Z", "2026-05-04T10:12:31+02:00", "2026-05-04 08:12:31Z", "20260504T081231Z", "1777882351"],
)
def test_csv_takes_a_time_with_a_zone_or_seconds(time: str) -> None:
    assert read(TracksCsv, HEADER + f"w07,{time},4.1981,50.9101\n".encode()) == [
        Fix(DeviceId("w07"), AT, 4.1981, 50.9101)
    ]


def test_csv_takes_more_columns_in_any_order_and_quoted() -> None:
    header = b'\xef\xbb\xbflat,"lon",colour,time,accuracy_m,speed_mps,course_deg,altitude_m\r\n'
    data = header + b'50.9101,4.1981,red,"1777882351",6,1,90,\r\n'
    assert read(TracksCsv, data) == [Fix(DEVICE, AT, 4.1981, 50.9101, accuracy_m=6, speed_mps=1, course_deg=90)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("w,2026-05-04T08:12:31,4.1,50.9", "naive-time"),
        ("w,yesterday,4.1,50.9", "bad-time"),
        ("w,,4.1,50.9", "blank"),
        ("w,1777882351,4.1", "blank"),
        ("w,1777882351,four,50.9", "not-a-number"),
        ("w,1777882351,nan,50.9", "not-a-number"),
        ("w,1777882351,0,0", "null-island"),
        ("w,1777882351,50.9,104.1", "out-of-range"),
        ("w,1777882351000,4.1,50.9", "bad-time"),
        ('w,1777882351,"4.1,50.9', "not-csv"),
        ("w,1777882351,4.1,50.9" + "x" * 9000, "too-long"),
    ],
)
def test_csv_tells_the_line_at_fault_and_reads_on(row: str, why: str) -> None:
    said = read(TracksCsv, HEADER + b"\n" + row.encode() + b"\nw,1777882351,4.1,50.9\n")
    assert isinstance(said[0], Bad)
    assert said[0].why == why
    assert said[0].detail.startswith("line 3: ")
    assert len(fixes(said)) == 1


def test_csv_with_a_wrong_header_is_refused_once_with_the_remedy() -> None:
    for data in (b"a,b\n1,2\n3,4\n", (CAPTURES / "tracks/trackintel__posmo_head.csv").read_bytes()):
        (bad,) = read(TracksCsv, data)
        assert isinstance(bad, Bad)
        assert bad.why == "header"
        assert "device,time,lon,lat" in bad.detail


def test_csv_of_others_whose_names_leave_no_doubt() -> None:
    phone = fixes(read(TracksCsv, (CAPTURES / "tracks/gnsslogger__stationary_phone_head.csv").read_bytes()))
    assert [fix.accuracy_m for fix in phone] == [4.0] * 5
    assert phone[0].time == datetime(2016, 8, 22, 21, 45, 55, 999_000, tzinfo=UTC)
    assert len(fixes(read(TracksCsv, (CAPTURES / "tracks/rwiren__stationary_west_head.csv").read_bytes()))) == 5


@pytest.mark.parametrize(
    ("name", "count", "why"),
    [
        ("togeojson__bad", 0, {"not-a-number": 2}),
        ("togeojson__empty_ele", 2, {}),
        ("opentracks__gpx_timezone", 1, {}),
        ("opentracks__legacy_gpx_pause_resume", 4, {"out-of-range": 2}),
        ("opentracks__gpx11_with_speed_no_namespace", 3, {}),
        ("graphhopper__test2_no_millis", 0, {"no-time": 3}),
        ("gpxpy__unicode_with_bom_noencoding", 0, {"no-track": 1}),
        ("georust__with_accuracy", 3, {}),
    ],
)
def test_gpx_of_others(name: str, count: int, why: dict[str, int]) -> None:
    said = read(Gpx, (CAPTURES / f"tracks/{name}.gpx").read_bytes())
    assert len(fixes(said)) == count
    assert Counter(whys(said)) == why


def point(inside: str, attributes: str = 'lat="50.9101" lon="4.1981"') -> bytes:
    return f"<gpx><trk><trkseg><trkpt {attributes}>{inside}</trkpt></trkseg></trk></gpx>".encode()


def test_gpx_reads_time_height_error_and_motion_by_any_prefix() -> None:
    inside = "<ele>61</ele><time> 2026-05-04T10:12:31+02:00 </time><x:hdop>2</x:hdop><e><y:speed>1.5</y:speed></e>"
    (fix,) = fixes(read(Gpx, point(inside)))
    assert (fix.time, fix.altitude_m, fix.hdop, fix.speed_mps) == (AT, 61, 2, 1.5)
    assert fix.flags == Flag.ESTIMATED
    assert fix.accuracy_m == pytest.approx(10.7, abs=0.1)


def test_gpx_without_a_zone_is_utc_as_its_standard_says() -> None:
    assert fixes(read(Gpx, point("<time>2026-05-04T08:12:31</time>")))[0].time == AT


def test_gpx_keeps_what_was_whole_before_it_broke() -> None:
    data = point("<time>2026-05-04T08:12:31Z</time>").replace(b"</trkseg>", b"</wrong>")
    said = read(Gpx, data)
    assert [type(one) for one in said] == [Fix, Bad]
    assert whys(said) == ["not-xml"]


def tpv(**more: object) -> bytes:
    members = {
        "class": "TPV",
        "device": "/dev/a",
        "mode": 3,
        "time": "2026-05-04T08:12:31.000Z",
        "lat": 50.9,
        "lon": 4.1,
    }
    said = ",".join(
        f'"{key}":{value!r}'.replace("'", '"') for key, value in {**members, **more}.items() if value is not None
    )
    return b"{" + said.encode() + b"}\r\n"


def test_gpsd_reports_of_one_moment_are_one_fix() -> None:
    later = tpv(time="2026-05-04T08:12:32.000Z")
    other = tpv(device="/dev/b", lat=51.0)
    said = read(Gpsd, tpv(speed=1.1) + tpv(eph=9.8, altMSL=61.2, alt=1.0, track=90.0) + other + later)
    assert [(fix.lat, fix.time.second) for fix in fixes(said)] == [(50.9, 31), (51.0, 31), (50.9, 32)]
    merged = fixes(said)[0]
    assert (merged.speed_mps, merged.altitude_m, merged.course_deg) == (1.1, 61.2, 90.0)
    assert merged.accuracy_m == pytest.approx(9.8 * 1.5096 / 2.4477, abs=0.001)
    assert len(fixes(said)) == 3


def test_gpsd_talks_of_more_than_positions() -> None:
    talk = (
        b'{"class":"VERSION","release":"3.25"}\r\n{"class":"DEVICES","devices":[]}\r\n{"class":"WATCH","enable":true}\r\n'
        b'{"class":"SKY","hdop":1.0}\r\n$GPTXT,x\r\n!AIVDM,x\r\n# c\r\n{"class":"FUTURE"}\r\n'
    )
    assert read(Gpsd, talk) == []
    assert whys(read(Gpsd, b'{"class":"ERROR","message":"Unrecognized request"}\r\n')) == ["gpsd-error"]
    assert read(Gpsd, b'{"class":"TPV","mode":1}\n') == [Heartbeat(DEVICE, None, "no-fix")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (tpv(time=None), "no-time"),
        (tpv(lat=None), "blank-position"),
        (tpv(status=8), "simulated"),
        (tpv(lat=91), "out-of-range"),
        (tpv(time="2026-05-04T08:12:31"), "naive-time"),
        (tpv(lat="x"), "invalid"),
        (b"hello\n", "not-an-object"),
        (tpv(device="x" * 11_000), "too-long"),
    ],
)
def test_gpsd_refuses_with_a_reason(data: bytes, why: str) -> None:
    said = read(Gpsd, data)
    assert (whys(said), fixes(said)) == ([why], [])


def test_the_template_works() -> None:
    said = read(Template, b"B1,1777882351,50.9101,4.1981,81,1\nB1,1,2\n")
    assert said[0] == Fix(DEVICE, AT, 4.1981, 50.9101, battery_pct=81, sos=True)
    assert whys(said) == ["not-a-brick"]
    assert Template not in DECODERS.values()


@pytest.mark.parametrize(
    ("head", "name", "decoder"),
    [
        (nmea("GPGSV,1,1,00"), "x", "nmea"),
        (b"# Date: 2019-01-01\n\x00junk" + nmea("GNRMC,1"), "x.txt", "nmea"),
        (b'<?xml version="1.0"?>\n<!-- c --><gpx version="1.1">', "x", "gpx"),
        (b"\xef\xbb\xbf<gpx>", "x", "gpx"),
        (HEADER, "x", "csv"),
        (b'{"class":"VERSION"}', "x", "gpsd"),
        (b"# c\n$GPGGA,,*66\n" + tpv(), "x.log", "gpsd"),
        (b'2026-01-01T08:00:00Z\t* \t{"_type":"location"}', "x", "owntracks"),
        (b'{"lat":1,"_type":"location"}', "x.json", "owntracks"),
        (b'2026-01-01T08:00:00Z\t* \t{"_type":"location","lat":50.9,"lon":4.2}\n', "w02.rec.gz", "owntracks"),
        (b'{"end_device_ids":{},"uplink_message":{"rx_metadata":[{"lat":1,"lon":2}]}}', "x", "lorawan"),
        (b"", "day.nmea.gz", "nmea"),
        (b"", "day.GPX", "gpx"),
        (b"hello", "README.md", None),
        (b"\xff\xfe\x00", "x", None),
    ],
)
def test_a_file_is_known_by_its_content_then_by_its_name(head: bytes, name: str, decoder: str | None) -> None:
    assert sniff(head, name) == decoder
    assert decoder is None or decoder in DECODERS


@pytest.mark.parametrize(
    "filler", [b"<!---->", b" ", b"{", b'{"class"', b'"_type"', b"$GPGGA,", b"<", b"time,", b"\n", b'"_type" \n']
)
def test_choosing_is_cheap_whatever_a_file_holds(filler: bytes) -> None:
    began = time.perf_counter()
    sniff(b"<" + filler * 60_000, "x")
    sniff(filler * 60_000, "x")
    assert time.perf_counter() - began < 0.5
