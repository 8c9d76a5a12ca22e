"""The record: one protocol, and the stores that keep it."""

from __future__ import annotations

from trackerd.store.memory import MemoryStore
from trackerd.store.protocol import Store
from trackerd.store.values import (
    Asking,
    Batch,
    Box,
    Break,
    Committed,
    Docketed,
    Entry,
    Erased,
    Found,
    Judgement,
    Kept,
    Letter,
    Outcomes,
    Pulse,
    Refusal,
    Revised,
    Said,
    Seen,
    StoreError,
    StoreHeld,
    Tally,
    Told,
    Trouble,
    Unheld,
    Waiting,
    Waiver,
    Wanted,
)

__all__ = [
    "Asking", "Batch", "Box", "Break", "Committed", "Docketed", "Entry", "Erased", "Found", "Judgement", "Kept",
    "Letter", "MemoryStore", "Outcomes", "Pulse", "Refusal", "Revised", "Said", "Seen", "Store", "StoreError",
    "StoreHeld", "Tally", "Told", "Trouble", "Unheld", "Waiting", "Waiver", "Wanted", "open_store",
]  # fmt: skip


def open_store(url: str, *, reading: bool = False, beside: bool = False, password: str | None = None) -> Store:
    """Open the store a URL names.

    ``sqlite:///file``, ``sqlite:////absolute/file``, ``sqlite://`` (memory), ``postgresql://USER@HOST:PORT/DATABASE``.
    ``reading``: only to look at it, also while a daemon writes to it. ``beside``: to change which letters wait,
    also while a daemon runs. ``password``: for a server.

    Raises StoreError where it cannot be had, with a remedy.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        from trackerd.store.sqlite import SqliteStore  # noqa: PLC0415 - only the store in use is loaded

        return SqliteStore(rest.removeprefix("/") or ":memory:", reading=reading, beside=beside)
    if scheme in ("postgresql", "postgres"):
        try:
            from trackerd.store.postgres import PostgresStore  # noqa: PLC0415
        except ImportError as error:
            raise StoreError(f"{error}: install trackerd with its extra: pip install 'trackerd[postgres]'") from error
        return PostgresStore(url, reading=reading, beside=beside, password=password)
    raise StoreError(f"{url!r} names no store: write sqlite:///trackerd.db or postgresql:///trackerd")
