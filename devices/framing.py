"""Lines, and JSON objects over one line or several, out of a byte stream.

    line <LF>  line <CR><LF>  line <CR>  <binary …> <LF>  line …

What must stay true here: LF, CR and both end a line; empty lines say nothing, unless lines are counted; no more than
``limit`` bytes are held whatever is sent: a longer line is told once as ``Bad`` and skipped until the next line end.
However the stream is cut, the lines are the same.
"""

from __future__ import annotations

import re

from devices.decoder import LIMIT, Bad

KEPT = 256
"""Bytes of a refused line that are shown: enough to recognise it, too little to fill a disk."""


class Lines:
    """Cuts bytes into lines without their ends."""

    def __init__(self, limit: int = LIMIT, *, numbered: bool = False) -> None:
        """``limit``: bytes of the longest line accepted; more than ``KEPT``.

        ``numbered``: for whoever counts lines: only LF ends one (a CR before it is left on), and empty ones count.
        """
        self._limit = limit
        self._numbered = numbered
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | Bad]:
        """Return the lines that ``data`` completes."""
        if not self._numbered:
            data = data.replace(b"\r", b"\n")
        if b"\n" not in data:
            self._held += data
            return self._bound([])
        first, *whole = data.split(b"\n")
        whole.insert(0, bytes(self._held + first))
        if self._skipping:
            del whole[0]
            self._skipping = False
        self._held = bytearray(whole.pop())
        kept = whole if self._numbered else [line for line in whole if line]
        return self._bound([line if len(line) <= self._limit else self._bad(line) for line in kept])

    def block(self, data: bytes) -> bytes | None:
        """Return the lines that ``data`` completes as they came, in one; None where only ``feed`` can tell of it."""
        end = data.rfind(b"\n") + 1
        if not end or self._skipping or len(data) - end > self._limit:
            return None
        block = bytes(self._held) + data[:end]
        self._held = bytearray(data[end:])
        return block

    def end(self) -> list[bytes | Bad]:
        """Return the last line, which had no end."""
        line, self._held = bytes(self._held), bytearray()
        self._skipping = False
        return [line] if line else []

    def _bound(self, lines: list[bytes | Bad]) -> list[bytes | Bad]:
        """Give up the line being collected once it is too long."""
        if self._skipping:
            self._held.clear()
        elif len(self._held) > self._limit:
            lines.append(self._bad(bytes(self._held[:KEPT])))
            self._held.clear()
            self._skipping = True
        return lines

    def _bad(self, line: bytes) -> Bad:
        return Bad("too-long", line[:KEPT], f"a line of more than {self._limit} bytes")


class Objects:
    """Cuts bytes into JSON objects: each on a line of its own, or indented over several."""

    def __init__(self, head: re.Pattern[bytes] | None = None) -> None:
        """``head``: what may stand before an object on its line."""
        self._head = head
        self._lines = Lines(LIMIT)
        self._part = bytearray()
        """Lines of an object that has several."""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | Bad]:
        """Return the objects that ``data`` completes."""
        return self._take(self._lines.feed(data))

    def end(self) -> list[bytes | Bad]:
        """Return what is left: the message, or the file, is whole."""
        found = self._take(self._lines.end()) + self._complete()
        self._skipping = False
        return found

    def _take(self, lines: list[bytes | Bad]) -> list[bytes | Bad]:
        found: list[bytes | Bad] = []
        for line in lines:
            if isinstance(line, Bad):
                found += [*self._complete(), line]
            elif self._whole(line):
                found += [*self._complete(), line]
                self._skipping = False
            elif not self._skipping and len(self._part) + len(line) >= LIMIT:
                found.append(Bad("too-long", bytes(self._part[:KEPT]), f"a message of more than {LIMIT} bytes"))
                self._part.clear()
                self._skipping = True
            elif not self._skipping:
                self._part += line + b"\n"
        return found

    def _complete(self) -> list[bytes | Bad]:
        part = bytes(self._part).strip()
        self._part.clear()
        return [part] if part else []

    def _whole(self, line: bytes) -> bool:
        """Return whether a line is an object by itself; inside an object of several lines, they are indented."""
        begins = line[:1] == b"{" or (self._head is not None and self._head.match(line) is not None)
        return begins and line.rstrip().endswith(b"}")
