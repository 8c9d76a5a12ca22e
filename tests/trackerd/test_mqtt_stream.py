"""The socket under paho: however the bytes are cut, each message comes out once and paho gets the rest, in order."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.flow import packet as packet_311
from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.line import Line
from trackerd.mqtt_stream import Arrived, NoPacketError, Stream, acknowledgement, read_publish

PINGRESP, SUBACK = b"\xd0\x00", b"\x90\x04\x00\x01\x00\x01"


def publish(topic: str, payload: bytes, mid: int, qos: int = 1, properties: bytes = b"") -> bytes:
    """Return an MQTT 5 PUBLISH."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + (mid.to_bytes(2, "big") if qos else b"")
    body += bytes([len(properties)]) + properties + payload
    size, length = len(body), b""
    while size or not length:
        size, low = divmod(size, 128)
        length += bytes([low | (128 if size else 0)])
    return bytes([0x30 | qos << 1]) + length + body


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Stream]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    yield far, Stream(near)
    near.close()
    far.close()


def drained(stream: Stream) -> list[Arrived | bytes]:
    """Return the messages, and the packets lent, of what is there, as Link takes them."""
    found: list[Arrived | bytes] = []
    while stream.fill():
        found += stream.take()
        while stream.lend():
            lent = b""
            try:
                while piece := stream.recv(3):
                    lent += piece
            except BlockingIOError:
                pass
            found.append(lent)
            if not lent:
                return found
            found += stream.take()
    return found


@given(
    st.lists(st.sampled_from([PINGRESP, SUBACK, "small", "large", "odd"]), max_size=8),
    st.lists(st.integers(0, 2000), max_size=6),
)
@settings(max_examples=100, deadline=None)
def test_messages_and_the_rest_in_order_however_they_are_cut(what: list[bytes | str], cuts: list[int]) -> None:
    sent, expected = b"", list[Arrived | bytes]()
    for mid, one in enumerate(what, 1):
        if isinstance(one, bytes):
            sent, expected = sent + one, [*expected, one]
            continue
        payload = {"small": b"{}", "large": bytes(500), "odd": b"\x30\xd0\x00"}[one]
        properties = b"\x26\x00\x03\xef\xbb\xbf\x00\x00" if one == "odd" else b""  # a U+FEFF, at which paho hangs up
        sent += publish("a/b", payload, mid, properties=properties)
        expected.append(Arrived(b"a/b", payload, mid, 1, False))
    near, far = socket.socketpair()
    near.setblocking(False)
    stream, found, start = Stream(near), list[Arrived | bytes](), 0
    for cut in [*sorted(min(cut, len(sent)) for cut in cuts), len(sent)]:
        if cut > start:
            far.sendall(sent[start:cut])
        found, start = found + drained(stream), cut
    far.close()
    assert found == expected
    assert drained(stream) == [b""]  # the end is paho's to tell
    near.close()


def test_what_is_no_mqtt_is_told(pair: tuple[socket.socket, Stream]) -> None:
    far, stream = pair
    far.sendall(b"\x30\xff\xff\xff\xff\x01")
    assert stream.fill()
    with pytest.raises(NoPacketError):
        stream.take()
    for packet in (b"\x00", b"\x00\x03a/b\x00", b"\x00\x03a/b\x00\x01\xff\xff\xff\xff\xff", b"\x00\x03a/b\x00\x01\x05"):
        with pytest.raises((NoPacketError, IndexError)):
            read_publish(0x32, packet)


def test_small_sends_go_out_together_and_none_is_lost(pair: tuple[socket.socket, Stream]) -> None:
    """Also where the other side does not read for a while."""
    far, stream = pair
    sent = b"".join(acknowledgement(mid % 65_535) for mid in range(300_000))
    for at in range(0, len(sent), 4):
        stream.send(sent[at : at + 4])
    assert not stream.flush()
    assert stream.unsent
    read = bytearray()
    while len(read) < len(sent):
        read += far.recv(1 << 20)
        stream.flush()
    assert bytes(read) == sent
    assert not stream.unsent


def test_the_benchmark_s_packets_are_packets() -> None:
    assert packet_311("a/b", b"x", 5) == b"\x32\x08\x00\x03a/b\x00\x05x"


def test_a_full_line_holds_back_and_keeps_the_order() -> None:
    news = threading.Event()
    line, got = Line(10, news), list[bytes]()
    chunks = [Chunk("s", b"%d" % n, clock.now()) for n in range(500)]

    def put() -> None:
        for chunk in chunks:
            while not line.put(chunk, 0.05):
                pass

    for _ in range(10):
        assert line.put(chunks[0], 0.0)
    assert not line.put(chunks[0], 0.0)
    assert len(line.take(99)) == 10
    putter = threading.Thread(target=put)
    putter.start()
    while len(got) < len(chunks):
        news.clear()
        taken = line.take(7)
        assert len(taken) <= 7
        got += [chunk.data for chunk in taken]
        if not taken:
            assert news.wait(5)
    putter.join()
    assert got == [chunk.data for chunk in chunks]
