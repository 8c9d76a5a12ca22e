"""The OpenAPI on standard output: ``python -m trackerd.web.openapi``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from trackerd.board import Board
from trackerd.config import Settings
from trackerd.store import MemoryStore
from trackerd.web.app import make
from trackerd.web.book import Book
from trackerd.web.readers import Readers
from trackerd.web.room import Room


def main() -> None:
    """Write it."""
    room = Room(Settings(), Path("trackerd.toml"), Board(), Book(None), Readers(MemoryStore, MemoryStore))
    json.dump(make(room).openapi(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
