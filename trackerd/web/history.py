"""Events of the record as they are answered."""

from __future__ import annotations

from collections.abc import Sequence

from trackerd.store import Entry
from trackerd.web.book import Book
from trackerd.web.models.live import RecordEvent
from trackerd.web.said import acknowledged


def told(entries: Sequence[Entry], book: Book) -> list[RecordEvent]:
    """Return events with who has seen to them."""
    acks = book.acknowledged([one.told.id for one in entries])
    return [
        RecordEvent(
            seq=one.seq, event=one.told.body, stands=one.stands, acknowledged=acknowledged(acks.get(one.told.id))
        )
        for one in entries
    ]
