"""From the configuration to a room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trackerd.assemble import inbox_folder, opened
from trackerd.board import Board
from trackerd.chunk import Source
from trackerd.config import Settings
from trackerd.inbox import Inbox
from trackerd.web.book import Book
from trackerd.web.readers import Readers
from trackerd.web.room import Room
from trackerd.zone_files import ZoneFiles


def room(settings: Settings, path: Path, board: Board, sources: Sequence[Source] = ()) -> Room:
    """Return the room of an installation. Raises StoreError."""
    readers = Readers(lambda: opened(settings, path, reading=True), lambda: opened(settings, path, beside=True))
    inbox, files = Inbox(inbox_folder(settings, path)), ZoneFiles(settings, path)
    return Room(settings, path, board, Book(book_file(settings, path)), readers, inbox, files, sources)


def book_file(settings: Settings, path: Path) -> Path:
    """Return where accounts and sessions are: as configured, else beside the folder of commands, which all agree on."""
    if settings.http.accounts is not None:
        return path.parent / settings.http.accounts
    return inbox_folder(settings, path).with_suffix(".accounts")
