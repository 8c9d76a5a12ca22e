"""GpsdSource against a real gpsd, and against servers that misbehave as a real one may."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.servers import Gpsd, Taking
from trackerd.sources.backoff import Backoff
from trackerd.sources.gpsd import GpsdSource

GREETING = b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n'


def sentence(body: str) -> bytes:
    check = 0
    for each in body.encode():
        check ^= each
    return f"${body}*{check:02X}\r\n".encode()


def recorded() -> bytes:
    said = b""
    for second in range(30):
        time = f"0927{second:02}.00"
        said += sentence(f"GPRMC,{time},A,5055.0000,N,00412.0000,E,0.5,31.66,280524,,,A")
        said += sentence(f"GPGGA,{time},5055.0000,N,00412.0000,E,1,08,1.0,61.7,M,55.2,M,,")
    return said


def source(port: int, silence_s: float = 60) -> GpsdSource:
    return GpsdSource("gpsd", "127.0.0.1", port, silence_s=silence_s, backoff=Backoff(0.02, 0.1))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_real_gpsd(tmp_path: Path) -> None:
    with Gpsd(tmp_path / "gpsd", recorded()) as gpsd:
        mine = source(gpsd.port)
        with Taking(mine) as taking:
            taking.until(lambda: b'"class":"TPV"' in taking.data and b'"lat"' in taking.data, seconds=20)
            gpsd.kill9()
            taking.until(lambda: not mine.status.connected, "loss noticed")
            assert taking.chunks[-1].closed
            first = len(taking.chunks)
            gpsd.start()
            taking.until(lambda: b'"class":"TPV"' in b"".join(taking.payloads[first:]), seconds=20)
    reports = [json.loads(line) for line in b"".join(taking.payloads[:first]).splitlines()[:3]]
    assert reports[0]["class"] == "VERSION"
    assert len({chunk.stream for chunk in taking.chunks}) >= 2


def test_silent_but_alive_is_kept_and_dead_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = source(server.getsockname()[1], silence_s=0.4)
        with Taking(mine) as taking:
            far, _ = server.accept()
            far.settimeout(5)
            far.sendall(GREETING)
            assert b"?WATCH=" in far.recv(1000)
            taking.connected()
            since = mine.status.since
            for _ in range(4):
                assert far.recv(1000) == b"?VERSION;\n"  # asked because nothing was said
                far.sendall(GREETING)
            assert mine.status.since == since
            assert far.recv(1000) == b"?VERSION;\n"
            taking.until(lambda: "silent" in mine.status.detail, "dead server noticed")
            far.close()
            again, _ = server.accept()
            again.close()


def test_garbage_is_passed_on_as_bytes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Taking(source(server.getsockname()[1])) as taking:
        far, _ = server.accept()
        far.sendall(b"\xff" * 200_000)
        taking.until(lambda: len(taking.data) == 200_000)
        far.close()


def test_absent_server_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    mine = source(port)
    with Taking(mine) as taking:
        taking.until(lambda: "is it running?" in mine.status.detail)
