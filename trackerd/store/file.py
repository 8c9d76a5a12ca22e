"""The file of the embedded store: whose it is, and what its failures mean in words."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from trackerd.store.values import StoreError, StoreHeld


def take(path: Path) -> int:
    """Lock the store for this process; return the lock's descriptor."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}: make the folder, or give this user the right to write there"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreHeld(f"{path}: another trackerd is writing to it: stop that one first") from None
    return lock


def words(error: sqlite3.Error, path: str) -> str:
    """Say what went wrong and what to do."""
    remedies = {
        "SQLITE_FULL": "the disk is full: make room",
        "SQLITE_BUSY": "another program holds it: stop that one",
        "SQLITE_READONLY": "it cannot be written: give this user the right to",
        "SQLITE_CANTOPEN": "it cannot be opened: check that the folder is there and may be written",
        "SQLITE_NOTADB": "it is not a SQLite file: name another one",
        "SQLITE_CORRUPT": "it is damaged: restore the last backup",
        "SQLITE_IOERR": "the disk does not answer as it should: look at the system's log",
    }
    name = getattr(error, "sqlite_errorname", "") or ""
    remedy = next((text for start, text in remedies.items() if name.startswith(start)), str(error))
    return f"{path}: {remedy}"
