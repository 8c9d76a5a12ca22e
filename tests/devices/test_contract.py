"""What devices/decoder.py demands of every decoder, held against each of them."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import DECODERS
from devices.decoder import LIMIT, Bad, Said
from devices.template import Template
from geofence.model import Fix
from tests.devices.reading import CAPTURES, DEVICE, Make, fixes, read

ALL: dict[str, Make] = {**DECODERS, "template": Template}
OWNTRACKS = CAPTURES / "owntracks/owntracks.jsonl"
LORAWAN = CAPTURES / "lorawan/lorawan.jsonl"
RECEIVED = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
CSV = (
    b"device,time,lon,lat,accuracy_m\nw01,2026-05-04T08:12:31Z,4.1981,50.9101,6\r\nw02,2026-05-04T08:12,4.2,50.9,\n"
    b'w03,1777882351,"4,2",50.9,6\n\nw04,1777882351.5,4.2,50.9,6'
)
BRICK = b"B1,1767254400,50.910100,4.198100,81,0\nB2\nB1,1767254410,50.910200,4.198100,81,1\n"


def captures() -> Iterator[tuple[str, bytes]]:
    """Yield each decoder with something it was made for, of at most some 15 kB."""
    for path in sorted((CAPTURES / "nmea").glob("*.log")):
        yield "nmea", path.read_bytes()
        if (check := path.with_name(path.name + ".chk")).exists():
            yield "gpsd", check.read_bytes()[:8000]
    for path in sorted((CAPTURES / "tracks").glob("*.*")):
        if path.suffix in {".gpx", ".csv"}:
            yield path.suffix[1:], path.read_bytes()
    payloads = [json.loads(line)["payload"] for line in OWNTRACKS.read_text().splitlines()]
    yield from (("owntracks", payload.encode()) for payload in payloads)
    yield "owntracks", "\n".join(" ".join(payload.split()) for payload in payloads).encode()
    uplinks = [json.loads(line)["payload"] for line in LORAWAN.read_text().splitlines()]
    yield from (("lorawan", payload.encode()) for payload in uplinks)
    yield "lorawan", "\n".join(" ".join(payload.split()) for payload in uplinks).encode()
    yield "csv", CSV
    yield "template", BRICK


CAPTURED = list(captures())
chosen = st.sampled_from(CAPTURED)
some_received = st.sampled_from([None, RECEIVED])


def in_parts(make: Make, parts: list[bytes], received: datetime | None) -> list[Said]:
    decoder = make(DEVICE)
    return [one for part in parts for one in decoder.receive(part, received)] + decoder.end()


def test_every_decoder_finds_fixes_in_the_captures() -> None:
    found = {name for name, data in CAPTURED if fixes(read(ALL[name], data))}
    assert found == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_byte_by_byte_says_the_same_as_whole(name: str) -> None:
    for _, data in (one for one in CAPTURED if one[0] == name):
        for received in (None, RECEIVED):
            single = [data[i : i + 1] for i in range(len(data))]
            assert in_parts(ALL[name], single, received) == read(ALL[name], data, received)


@given(chosen, st.lists(st.integers(0, 16_000), max_size=8), some_received)
def test_any_cut_says_the_same_as_whole(capture: tuple[str, bytes], cuts: list[int], received: datetime | None) -> None:
    name, data = capture
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    assert in_parts(ALL[name], parts, received) == read(ALL[name], data, received)


@given(st.sampled_from(sorted(ALL)), st.binary(max_size=400), some_received)
def test_random_bytes_never_raise(name: str, data: bytes, received: datetime | None) -> None:
    whole = read(ALL[name], data, received)
    assert in_parts(ALL[name], [data[i : i + 1] for i in range(len(data))], received) == whole


@given(chosen, st.data())
@settings(max_examples=300)
def test_damaged_captures_never_raise_and_never_give_nonsense(capture: tuple[str, bytes], draw: st.DataObject) -> None:
    name, data = capture
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        at = draw.draw(st.integers(0, max(len(damaged) - 1, 0)))
        damaged[at : at + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=3))
    whole = read(ALL[name], bytes(damaged), RECEIVED)
    for fix in fixes(whole):
        assert -180 <= fix.lon <= 180
        assert -90 <= fix.lat <= 90
        assert (fix.lon, fix.lat) != (0, 0)
        assert fix.time.tzinfo is UTC
    assert in_parts(ALL[name], [bytes(damaged[i : i + 7]) for i in range(0, len(damaged), 7)], RECEIVED) == whole


BLOCK = 32 * 1024
FILLERS = [
    b"A", b"$", b"$GPGGA,", b"{", b'{"_type":', b'"', b"[", b"<a>", b"<trkpt ", b"<a b='", b"<!--", b"\x00", b"1,",
    b"\xff", b'{"class":"TPV","mode":3,"device":"', b" " * 15 + b"\n", b"{" + b" " * 14 + b"\n",
    b"<gpx><trk><trkpt lat='1' lon='1'><time>", b"&",
]  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_memory_is_bounded_whatever_is_sent(name: str) -> None:
    for filler in FILLERS:
        decoder = ALL[name](DEVICE)
        block = filler * (BLOCK // len(filler))
        tracemalloc.start()
        try:
            for _ in range(12):
                decoder.receive(block)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 4 * LIMIT, filler


def many_receivers(count: int) -> bytes:
    line = '{{"class":"TPV","mode":3,"device":"{}","time":"2026-05-04T08:12:31Z","lat":1,"lon":1}}\n'
    return "".join(line.format(n) for n in range(count)).encode()


def test_a_gpsd_with_endless_receivers_holds_few_of_them() -> None:
    decoder = DECODERS["gpsd"](DEVICE)
    told = len(decoder.receive(many_receivers(1000)))
    assert told == 1000 - len(decoder.end()) > 900


FAULTY_JSON = [
    b'{"_type":"location","lat":NaN,"lon":4,"tst":1}',
    b'{"_type":"location","lat":Infinity,"lon":4,"tst":1}',
    b'{"_type":"location","lat":1e999,"lon":4,"tst":1}',
    b'{"_type":"location","lat":' + b"1" * 5000 + b',"lon":4,"tst":1}',
    b'{"_type":"location","lat":1,"lon":4,"tst":' + b"9" * 5000 + b"}",
    b'{"_type":"\\ud800","lat":1,"lon":4,"tst":1}',
    b'{"_type":"location","lat":1,"lon":4,"tst":1,"t":"\\ud800"}',
    b'{"_type":"location","lat":1,"lon":4,"tst":1,"t":"\xff"}',
    b'{"_type":"location","lat":1,"lon":4,"tst":1,"a":' + b"[" * 9 + b"]" * 9 + b"}",
    b"[[[[[[[[[" + b'"' + b'\\"' * 32_000,
    b'{"_type":' * 100_000,
    b'{"_type":[[[[[[[[["' + b'\\"' * 32_000,
    b"[" * 100_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"_type":"location","lat":1,"lon":4,"tst":1,"a":"' + b"x" * LIMIT + b'"}',
    b'{"_type":"location","lat":"1","lon":4,"tst":1}',
    b'{"_type":"location","lat":true,"lon":4,"tst":1}',
    b'{"_type":"location","lat":null,"lon":4,"tst":1}',
    b'{"_type":["location"],"lat":1,"lon":4,"tst":1}',
]


@pytest.mark.parametrize("data", FAULTY_JSON, ids=lambda data: data[:40].decode("latin-1"))
@pytest.mark.parametrize("name", ["owntracks", "gpsd"])
def test_json_bombs_are_refused_cheaply(name: str, data: bytes) -> None:
    if name == "gpsd":
        data = data.replace(b'"_type":"location"', b'"class":"TPV","mode":3').replace(b'"_type"', b'"class"')
        data = data.replace(b'"tst":1,"t":', b'"time":')
        if b'"tst"' in data:
            data = data.replace(b'"tst":', b'"time":')
    began = time.perf_counter()
    said = read(ALL[name], data)
    assert time.perf_counter() - began < 0.5
    assert said
    assert all(isinstance(one, Bad) and len(one.data) <= 1024 for one in said)


ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
XML_BOMBS = {
    "billion laughs": b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a0 "ha">' + ENTITIES + b"]><gpx>&a9;</gpx>",
    "outside": b'<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>',
    "quadratic": b'<!DOCTYPE gpx [<!ENTITY a "' + b"x" * 50_000 + b'">]><gpx>' + b"&a;" * 1000 + b"</gpx>",
    "undeclared": b"<gpx>&a;</gpx>",
    "deep": b"<a>" * 100_000,
    "long tag": b"<gpx " + b"a" * 1_000_000 + b">",
    "many attributes": b"<gpx " + b" ".join(b"a%d='x'" % n for n in range(100_000)) + b">",
    "encoding": b'<?xml version="1.0" encoding="no-such"?><gpx/>',
    "cut": b"<gpx><trk>",
    "empty": b"",
}


@pytest.mark.parametrize("bomb", XML_BOMBS)
def test_xml_bombs_are_refused_cheaply(bomb: str) -> None:
    began = time.perf_counter()
    said = read(DECODERS["gpx"], XML_BOMBS[bomb])
    assert time.perf_counter() - began < 0.5
    assert len(said) == 1
    assert isinstance(said[0], Bad)


@pytest.mark.parametrize("name", ALL)
def test_no_detail_of_a_refusal_holds_a_coordinate(name: str) -> None:
    for _, data in (one for one in CAPTURED if one[0] == name):
        for one in read(ALL[name], data):
            assert not isinstance(one, Bad) or not any(char == "." and b.isdigit() for char, b in pairwise(one.detail))


@pytest.mark.parametrize("name", ALL)
def test_a_decoder_can_go_on_after_an_end(name: str) -> None:
    """A datagram or an MQTT message ends each time, and the same decoder takes the next."""
    decoder = ALL[name](DEVICE)
    for data in (b"junk", b"", b"\x00\xff"):
        decoder.receive(data)
        decoder.end()
    assert all(isinstance(one, Bad | Fix) for one in decoder.end())
