"""Log records as the journal wants them: fields, not text alone.

    MESSAGE=source phones: connected
    PRIORITY=6
    LOGGER=trackerd.sources.standing        a field a line; a value of several lines goes by length
                                            (systemd, "Native Journal Protocol", systemd.io/JOURNAL_NATIVE_PROTOCOL)

What must stay true here: a journal that does not take a record loses that record and nothing else; started by hand, or
where standard error does not go to the journal, records are lines of text on standard error as ever.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
MOST = 32 * 1024
"""Letters of a message: with the rest it fits a datagram."""
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
"""Of syslog(3), by level."""


class Journal(logging.Handler):
    """Sends each record to systemd's journal."""

    def __init__(self, path: Path = SOCKET) -> None:
        """Connect; raises OSError where there is no journal."""
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.send(b"".join(_field(name, value) for name, value in self._fields(record).items()))
        except Exception:  # noqa: BLE001 - whatever it is, logging must not stop what it tells of
            self.handleError(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        return {
            "MESSAGE": self.format(record)[:MOST],
            "PRIORITY": next(number for level, number in PRIORITIES if record.levelno >= level),
            "SYSLOG_IDENTIFIER": "trackerd", "LOGGER": record.name, "THREAD_NAME": record.threadName,
            "CODE_FILE": record.pathname, "CODE_LINE": record.lineno, "CODE_FUNC": record.funcName,
        }  # fmt: skip


def _field(name: str, value: object) -> bytes:
    data = str(value).encode("utf-8", "replace")
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


def handler() -> logging.Handler:
    """Return where this process's records go: the journal, if standard error goes there; else standard error."""
    if _goes_to_journal():
        try:
            return Journal()
        except OSError:
            pass
    text = logging.StreamHandler(sys.stderr)
    text.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return text


def _goes_to_journal() -> bool:
    """Return whether standard error is the stream systemd named (systemd.exec(5), JOURNAL_STREAM)."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"
