"""A file of recorded bytes, gzipped or not, or standard input.

What must stay true here: memory is one block whatever the file's size and however well it was compressed; ``progress``
counts bytes of the file as it lies on the disk; a fault (missing, cut short, damaged) is told in ``fault`` after what
could be read was yielded.
"""

from __future__ import annotations

import gzip
import io
import os
import select
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.sources.standing import Standing

BLOCK = 64 * 1024
GZIP = b"\x1f\x8b"
STANDARD_INPUT = "-"


class FileSource(Standing):
    """A file in blocks, then its end."""

    def __init__(self, name: str, path: str | Path, block: int = BLOCK) -> None:
        """``block``: bytes read at once; more of them make a long file faster."""
        super().__init__(name)
        self._block = block
        self.path = str(path)
        self.fault = ""
        """What was wrong with the file, in words; empty while nothing is."""
        self._progress = (0, 0)

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read and bytes there are, as they lie on the disk; 0 where the total is not known."""
        return self._progress

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the blocks, and the stream's end."""
        try:
            with self._open() as raw:
                self.tell(True, f"reading {self.path}")
                yield from self._blocks(raw)
        except (OSError, EOFError, zlib.error) as fault:  # the latter two, and some of the first, are gzip's
            self.fault = _words(fault)
        if self.fault:
            self.tell(False, f"{self.path}: {self.fault}")
        else:
            done = "closed" if self.closed.is_set() else f"{self.path} read to its end"
            self.tell(False, done, expected=True)
        yield Chunk(self.name, b"", clock.now(), stream=self.path, closed=True)

    def _open(self) -> io.FileIO:
        if self.path == STANDARD_INPUT:
            return io.FileIO(0, closefd=False)
        return io.FileIO(self.path)

    def _blocks(self, raw: io.FileIO) -> Iterator[Chunk]:
        state = os.fstat(raw.fileno())
        plain = stat.S_ISREG(state.st_mode)
        total = state.st_size if plain else 0
        counted = _Counted(raw)
        held = io.BufferedReader(counted, self._block)
        gzipped = (plain or self._ready(raw)) and held.peek(2)[:2] == GZIP
        stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=held) if gzipped else held
        first = True
        while not self.closed.is_set():
            # A pipe is waited on, so that a close is seen; what was looked at already needs no waiting.
            if not plain and not gzipped and not first and not self._ready(raw):
                return
            first = False
            data = stream.read1(self._block)  # type: ignore[union-attr]
            self._progress = (counted.count, total)
            if not data:
                return
            yield Chunk(self.name, data, clock.now(), stream=self.path)

    def _ready(self, raw: io.FileIO) -> bool:
        """Wait until something can be read; False when closed."""
        while not self.closed.is_set():
            if select.select([raw], [], [], 0.25)[0]:
                return True
        return False


class _Counted(io.RawIOBase):
    """A raw file that counts what is read of it."""

    def __init__(self, raw: io.FileIO) -> None:
        self.raw = raw
        self.count = 0

    def readable(self) -> bool:
        """Say that it is for reading."""
        return True

    def readinto(self, buffer: object) -> int | None:
        """Read and count."""
        read = self.raw.readinto(buffer)  # type: ignore[arg-type]
        self.count += read or 0
        return read


def _words(fault: Exception) -> str:
    if isinstance(fault, EOFError):
        return "cut short (gzip ends early)"
    if isinstance(fault, (gzip.BadGzipFile, zlib.error)):
        return f"damaged gzip ({fault})"
    return (getattr(fault, "strerror", None) or str(fault)).lower()
