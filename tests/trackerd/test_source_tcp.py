"""NmeaListener with real sockets: many trackers, garbage, mute and slow ones, no place left."""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import ExitStack
from typing import Any, Literal

from tests.servers import Taking
from trackerd.sources import SOURCES
from trackerd.sources.backoff import Backoff
from trackerd.sources.tcp import NmeaListener


def listener(protocol: Literal["tcp", "udp"] = "tcp", **more: Any) -> NmeaListener:
    return NmeaListener("trackers", "127.0.0.1", 0, protocol, backoff=Backoff(0.02, 0.1), **more)


def connect(source: NmeaListener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", source.port), timeout=5)


def test_many_connections_each_a_stream() -> None:
    mine = listener()
    with Taking(mine) as taking:
        taking.connected()
        trackers = [connect(mine) for _ in range(100)]
        for turn in range(3):
            for number, tracker in enumerate(trackers):
                tracker.sendall(b"%d.%d\r\n" % (number, turn))
        taking.until(lambda: len(taking.data.splitlines()) == 300)
        for tracker in trackers:
            tracker.close()
        taking.until(lambda: sum(chunk.closed for chunk in taking.chunks) == 100)
    streams: dict[str, bytes] = {}
    for chunk in taking.chunks:
        assert chunk.address == ("127.0.0.1",)
        assert not chunk.whole
        streams[chunk.stream] = streams.get(chunk.stream, b"") + chunk.data
    assert sorted(streams.values()) == sorted(b"".join(b"%d.%d\r\n" % (n, t) for t in range(3)) for n in range(100))


def test_garbage_and_resets_stop_nothing() -> None:
    mine = listener()
    with Taking(mine) as taking:
        taking.connected()
        for _ in range(30):
            bad = connect(mine)
            bad.sendall(os.urandom(20_000))
            # Linger of zero: the close is a reset.
            bad.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            bad.close()
        with connect(mine) as good:
            good.sendall(b"good\r\n")
            taking.until(lambda: b"good\r\n" in [chunk.data for chunk in taking.chunks])


def test_who_completes_no_line_is_let_go() -> None:
    mine = listener(idle_s=0.5)
    with Taking(mine) as taking:
        taking.connected()
        mute, drip, good = connect(mine), connect(mine), connect(mine)
        began = time.monotonic()
        while time.monotonic() - began < 1.2:
            good.sendall(b"line\n")
            try:
                drip.sendall(b"x")
            except OSError:
                break
            time.sleep(0.05)
        taking.until(lambda: sum(chunk.closed for chunk in taking.chunks) == 2, "two let go")
        assert mute.recv(1) == b""
        good.sendall(b"still here\n")
        taking.until(lambda: b"still here\n" in taking.data)
        for each in (mute, drip, good):
            each.close()


def test_the_quietest_makes_room() -> None:
    mine = listener(max_connections=5)
    with Taking(mine) as taking, ExitStack() as stack:
        taking.connected()
        good = stack.enter_context(connect(mine))
        for number in range(50):
            good.sendall(b"%d\n" % number)
            taking.has(b"%d\n" % number)
            stack.enter_context(connect(mine))  # and says nothing
        good.sendall(b"still here\n")
        taking.until(lambda: b"still here\n" in taking.data)


def test_not_taking_holds_the_sender_back() -> None:
    mine = listener()
    with Taking(mine, limit=1) as taking:
        taking.connected()
        sender = connect(mine)
        sender.settimeout(0.3)
        sent = 0
        try:
            while sent < 100_000_000:
                sent += sender.send(b"x" * 65536)
        except TimeoutError:
            pass
        assert sent < 50_000_000
        assert len(taking.chunks) == 1
        taking.go_on.set()
        taking.until(lambda: sum(len(chunk.data) for chunk in taking.chunks) == sent, "all of it, later")
        sender.close()


def test_port_taken_is_told_and_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        mine = NmeaListener("trackers", "127.0.0.1", port, backoff=Backoff(0.02, 0.1))
        with Taking(mine) as taking:
            taking.until(lambda: "address already in use" in mine.status.detail)
            holder.close()
            taking.connected()


def test_datagrams_are_whole() -> None:
    mine = listener("udp")
    with Taking(mine) as taking, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tracker:
        taking.connected()
        for data in (b"one", b"", b"x" * 60_000, b"two"):
            tracker.sendto(data, ("127.0.0.1", mine.port))
        taking.count(4)
        where = f"127.0.0.1:{tracker.getsockname()[1]}"
    assert [len(chunk.data) for chunk in taking.chunks] == [3, 0, 60_000, 3]
    assert all(chunk.whole and chunk.closed and chunk.stream == where for chunk in taking.chunks)
    assert all(chunk.address == ("127.0.0.1",) for chunk in taking.chunks)


def test_kinds() -> None:
    assert set(SOURCES) == {"serial", "mqtt", "tcp", "udp", "gpsd", "file"}
    udp = SOURCES["udp"]("u", "127.0.0.1", 0)
    assert isinstance(udp, NmeaListener)
    assert udp.protocol == "udp"
