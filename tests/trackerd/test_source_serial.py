"""SerialSource over real ptys, sockets and RFC 2217: unplugged, plugged in, at the wrong speed, held by others."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest
import serial
import serial.rfc2217

from tests.servers import Port, Taking, free_port, until
from trackerd.sources.autobaud import good_sentences
from trackerd.sources.backoff import Backoff
from trackerd.sources.serial import SerialSource

RMC = b"$GPRMC,092750.000,A,5321.6802,N,00630.3372,W,0.02,31.66,280511,,,A*43\r\n"
GGA = b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n"


def source(url: Path | str, baud: int | None = 9600) -> SerialSource:
    return SerialSource("receiver", str(url), baud, backoff=Backoff(0.02, 0.1))


def test_bytes_pass_as_they_are(serial_port: Port) -> None:
    with Taking(source(serial_port.path)) as taking:
        taking.connected()
        assert serial_port.baud == 9600
        serial_port.say(b"\x00\xff\r\n$half a sen")
        taking.until(lambda: taking.data == b"\x00\xff\r\n$half a sen")
        serial_port.say(b"tence")
        taking.until(lambda: taking.data.endswith(b"sentence"))
    assert {chunk.stream for chunk in taking.chunks} == {"opening 1"}
    assert taking.chunks[-1].closed


def test_unplugged_and_plugged_in(serial_port: Port) -> None:
    mine = source(serial_port.path)
    with Taking(mine) as taking:
        for each in range(5):
            taking.connected()
            serial_port.say(b"half %d" % each)
            taking.has(b"half %d" % each)
            serial_port.unplug()
            taking.until(lambda: not mine.status.connected, "loss noticed")
            taking.until(lambda: "plugged in?" in mine.status.detail, "missing port told")
            assert taking.chunks[-1].closed
            serial_port.plug()
    assert len({chunk.stream for chunk in taking.chunks}) >= 5


def test_autobaud_finds_the_speed_and_loses_nothing(serial_port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.sources.autobaud.LISTEN_S", 0.4)
    mine = source(serial_port.path, baud=None)
    with Taking(mine) as taking:
        talking = threading.Event()
        sent: list[bytes] = []

        def receiver() -> None:
            while not talking.wait(0.05):
                if serial_port.baud == 38400:
                    sent.append(RMC + GGA)
                    serial_port.say(sent[-1])
                else:
                    serial_port.say(os.urandom(50))

        thread = threading.Thread(target=receiver)
        thread.start()
        taking.connected()
        assert "38400 baud" in mine.status.detail
        taking.until(lambda: taking.data.count(RMC) >= 3)
        talking.set()
        thread.join()
        taking.until(lambda: taking.data.count(GGA) == len(sent), "every sentence since the speed was right")


def test_autobaud_says_what_it_hears(serial_port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackerd.sources.autobaud.LISTEN_S", 0.1)
    mine = source(serial_port.path, baud=None)
    with Taking(mine) as taking:
        taking.until(lambda: "nothing is heard" in mine.status.detail)
        stop = threading.Event()

        def noise() -> None:
            while not stop.wait(0.02):
                serial_port.say(b"noise" + RMC.replace(b"*43", b"*44"))

        thread = threading.Thread(target=noise)
        thread.start()
        taking.until(lambda: "no NMEA at any speed" in mine.status.detail)
        stop.set()
        thread.join()
        assert taking.data == b""


def test_busy_port_is_told(serial_port: Port) -> None:
    mine = source(serial_port.path)
    with serial.Serial(str(serial_port.path), exclusive=True), Taking(mine) as taking:
        taking.until(lambda: "in use by another program" in mine.status.detail)
        assert "gpsd" in mine.status.detail


def test_our_port_is_ours_alone(serial_port: Port) -> None:
    with Taking(source(serial_port.path)) as taking:
        taking.connected()
        with pytest.raises(serial.SerialException):
            serial.Serial(str(serial_port.path), exclusive=True)


def test_missing_port_then_there(tmp_path: Path) -> None:
    port = Port(tmp_path)
    mine = source(port.path)
    with Taking(mine) as taking:
        taking.until(lambda: "/dev/serial/by-id" in mine.status.detail)
        with port:
            taking.connected()


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense://x", "nonsense"), ("socket://no-port", "socket"), ("/", ""), ("socket://127.0.0.1:1", "")],
)
def test_url_that_means_nothing_is_told(url: str, said: str) -> None:
    mine = source(url)
    with Taking(mine) as taking:
        taking.until(lambda: mine.status.detail.startswith(url) and said in mine.status.detail)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
def test_no_permission_names_the_group(serial_port: Port) -> None:
    serial_port.path.resolve().chmod(0)
    mine = source(serial_port.path)
    with Taking(mine) as taking:
        taking.until(lambda: "dialout" in mine.status.detail)


def test_loop() -> None:
    mine = source("loop://")
    with Taking(mine) as taking:
        taking.connected()
    assert taking.ended


def test_socket_url_and_its_last_bytes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = source(f"socket://127.0.0.1:{server.getsockname()[1]}")
        with Taking(mine) as taking:
            for each in range(2):
                far, _ = server.accept()
                taking.connected()  # pyserial throws away what came before it is done opening
                far.sendall(b"burst %d " % each + RMC)
                far.close()
                taking.has(b"burst %d " % each + RMC)
                taking.until(lambda: taking.chunks[-1].closed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:serial")  # setDaemon, setName in pyserial 3.5
def test_rfc2217(serial_port: Port) -> None:
    """A port server as pyserial has one, with a pty behind it."""
    behind = serial.serial_for_url(str(serial_port.path), timeout=0.05)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            far, _ = server.accept()
            far.settimeout(0.05)

            class Wire:
                write = staticmethod(far.sendall)

            manager = serial.rfc2217.PortManager(NoModem(behind), Wire())  # type: ignore[arg-type]
            with far:
                while not done.is_set():
                    data = behind.read(behind.in_waiting or 1)
                    if data:
                        far.sendall(b"".join(manager.escape(data)))
                    try:
                        heard = far.recv(1024)
                    except TimeoutError:
                        continue
                    if not heard:
                        return
                    behind.write(b"".join(manager.filter(heard)))

        thread = threading.Thread(target=serve)
        thread.start()
        mine = source(f"rfc2217://127.0.0.1:{server.getsockname()[1]}")
        with Taking(mine) as taking:
            taking.connected()
            serial_port.say(RMC)
            taking.until(lambda: taking.data == RMC)
            done.set()
            taking.until(lambda: not mine.status.connected, "loss noticed")
        thread.join()
    behind.close()


class NoModem:
    """A pty has no modem lines; these stand fixed. Everything else is the port's."""

    cts = dsr = ri = cd = True
    rts = dtr = True

    def __init__(self, port: serial.Serial) -> None:
        self.__dict__["port"] = port

    def __getattr__(self, name: str) -> object:
        return getattr(self.__dict__["port"], name)


def test_close_ends_a_silent_read_at_once(serial_port: Port) -> None:
    with Taking(source(serial_port.path)) as taking:
        taking.connected()
        began = time.monotonic()
    assert time.monotonic() - began < 1


def test_good_sentences() -> None:
    assert good_sentences(b"xx" + RMC + b"junk$" + GGA + RMC.replace(b"280511", b"280512")) == 2
    assert good_sentences(os.urandom(5000)) == 0
    assert good_sentences(b"$" * 100_000) == 0


def test_nothing_there_at_a_socket() -> None:
    mine = source(f"socket://127.0.0.1:{free_port()}")
    with Taking(mine):
        until(lambda: "refused" in mine.status.detail.lower())
