"""A bounded queue between a source's thread and the one that turns: a lock a batch, not a lock a chunk.

What must stay true here: one thread takes, any may put; what is put is taken once, each thread's in its order; about
so many wait at most, and whoever puts more waits; ``news`` is set whenever something may wait that was not seen.
"""

from __future__ import annotations

import threading
from collections import deque

from trackerd.chunk import Chunk


class Line:
    """Chunks that wait."""

    def __init__(self, most: int, news: threading.Event) -> None:
        """``news`` may be shared by several lines; clear it before taking, and nothing is missed."""
        self._chunks: deque[Chunk] = deque()
        self._most, self._news = most, news
        self._room = threading.Event()

    def __len__(self) -> int:
        return len(self._chunks)

    def put(self, chunk: Chunk, wait_s: float) -> bool:
        """Add a chunk; False where there was no room for so long."""
        if len(self._chunks) >= self._most:
            self._room.clear()
            if len(self._chunks) >= self._most and not self._room.wait(wait_s):
                return False
        self._chunks.append(chunk)
        if not self._news.is_set():
            self._news.set()
        return True

    def take(self, most: int) -> list[Chunk]:
        """Return what waits, so many at most."""
        taken = [self._chunks.popleft() for _ in range(min(most, len(self._chunks)))]
        if taken:
            self._room.set()
        return taken
