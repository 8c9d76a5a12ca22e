"""Lines out of a byte stream.

    line <LF>  line <CR><LF>  line <CR>  <binary …> <LF>  line …

What must stay true here: LF, CR and both end a line; empty lines say nothing, unless lines are counted; no more than
``limit`` bytes are held whatever is sent: a longer line is told once as ``Bad`` and skipped until the next line end.
However the stream is cut, the lines are the same.
"""

from __future__ import annotations

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
