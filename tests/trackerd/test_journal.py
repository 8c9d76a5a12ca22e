"""Records as the journal's own socket gets them."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trackerd import journal


@pytest.fixture
def inlet(tmp_path: Path) -> Iterator[socket.socket]:
    """Give a socket in the place of the journal's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "socket"))
        found.settimeout(5)
        yield found


def fields(datagram: bytes) -> dict[str, str]:
    """Read the native protocol."""
    found = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, "7"), (logging.INFO, "6"), (logging.WARNING, "4"), (logging.ERROR, "3"), (logging.CRITICAL, "2")],
)
def test_a_record_has_its_level_and_its_place(inlet: socket.socket, tmp_path: Path, level: int, priority: str) -> None:
    handler = journal.Journal(tmp_path / "socket")
    log = logging.getLogger("trackerd.test_journal")
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    try:
        log.log(level, "source %s: gone", "phönes")
    finally:
        log.removeHandler(handler)
        handler.close()
    found = fields(inlet.recv(65536))
    assert (found["MESSAGE"], found["PRIORITY"]) == ("source phönes: gone", priority)
    assert (found["SYSLOG_IDENTIFIER"], found["LOGGER"]) == ("trackerd", "trackerd.test_journal")
    assert found["CODE_FUNC"] == "test_a_record_has_its_level_and_its_place"


def test_several_lines_and_more_than_fits(inlet: socket.socket, tmp_path: Path) -> None:
    handler = journal.Journal(tmp_path / "socket")
    handler.emit(logging.makeLogRecord({"msg": "two\nlines=1", "levelno": logging.INFO}))
    assert fields(inlet.recv(65536))["MESSAGE"] == "two\nlines=1"
    handler.emit(logging.makeLogRecord({"msg": "x" * 1_000_000, "levelno": logging.INFO}))
    assert len(fields(inlet.recv(2_000_000))["MESSAGE"]) == journal.MOST
    handler.close()


def test_a_journal_that_left_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inlet:
        inlet.bind(str(tmp_path / "socket"))
        handler = journal.Journal(tmp_path / "socket")
    handler.emit(logging.makeLogRecord({"msg": "nobody hears it", "levelno": logging.INFO}))
    handler.close()
    assert "nobody hears it" in capsys.readouterr().err


def test_only_a_standard_error_that_is_the_journal_goes_there(
    monkeypatch: pytest.MonkeyPatch, inlet: socket.socket, tmp_path: Path
) -> None:
    monkeypatch.setattr(journal.Journal.__init__, "__defaults__", (tmp_path / "socket",))
    with (tmp_path / "err").open("w") as errors:
        monkeypatch.setattr(sys, "stderr", errors)
        state = os.fstat(errors.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{state.st_dev}:{state.st_ino}")
        made = journal.handler()
        assert isinstance(made, journal.Journal)
        made.close()
        for other in ("", "1:1"):
            monkeypatch.setenv("JOURNAL_STREAM", other)
            assert not isinstance(journal.handler(), journal.Journal)
        monkeypatch.setenv("JOURNAL_STREAM", f"{state.st_dev}:{state.st_ino}")
        (tmp_path / "socket").unlink()
        assert not isinstance(journal.handler(), journal.Journal)
