"""Where fixes wait that no sender would send again, while the store is away: one local SQLite file.

What must stay true here: only what has passed the duty gate comes in; what is in is on disk; it comes out in the order
it went in and is forgotten only once the store has it; when the file is full what is there stays, and what comes is
counted as lost.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError

from geofence.model import Fix, WardenId
from trackerd.store.file import words
from trackerd.store.values import Break, Pulse, Refusal, StoreError, Unheld

MOST_BYTES = 256 * 1024 * 1024
"""Some weeks of ten receivers."""
PAGE = 4096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one batch said, as it is kept here."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    fixes: list[Fix]
    received: list[int]
    wardens: list[WardenId | None]
    refusals: list[Refusal]
    pulses: list[Pulse]
    breaks: list[Break] = field(default_factory=list)
    unheld: list[Unheld] = field(default_factory=list)


class Kept(NamedTuple):
    """A parcel, and its number."""

    seq: int
    parcel: Parcel


_PARCEL = TypeAdapter(Parcel)


class Spool:
    """One file beside the daemon. Used by one thread."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Open it, making it if it is not there. Raises StoreError with a remedy."""
        self._path, self._most = path, most_bytes
        self.lost = 0
        """Fixes there was no room for, since the start."""
        try:
            self._open()
        except sqlite3.DatabaseError:
            self._renew()

    def _open(self) -> None:
        try:
            if not self._path.exists():
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            why = f"{error.strerror}: make the folder, or give this user the right to write there"
            raise StoreError(f"{self._path}: {why}") from error
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in (f"page_size={PAGE}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(f"PRAGMA max_page_count={self._most // PAGE}")
        self._db.execute("CREATE TABLE IF NOT EXISTS parcel (seq INTEGER PRIMARY KEY AUTOINCREMENT, said BLOB)")
        (self.waiting,) = self._db.execute("SELECT count(*) FROM parcel").fetchone()

    def _renew(self) -> None:
        """Set a damaged file aside, and begin anew. Raises StoreError."""
        self._db.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{os.getpid()}")
        self._path.replace(aside)
        log.error("the spool %s was damaged: it is kept as %s", self._path, aside.name)
        self._open()

    def put(self, parcel: Parcel) -> None:
        """Keep a parcel, if there is room. Raises StoreError where the disk fails."""
        try:
            self._db.execute("INSERT INTO parcel (said) VALUES (?)", (_PARCEL.dump_json(parcel),))
            self.waiting += 1
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_FULL":
                raise StoreError(words(error, str(self._path))) from error
            self.lost += len(parcel.fixes)

    def oldest(self, limit: int) -> list[Kept]:
        """Return the first parcels that wait."""
        try:
            found = self._db.execute("SELECT seq, said FROM parcel ORDER BY seq LIMIT ?", (limit,)).fetchall()
            return [Kept(seq, _PARCEL.validate_json(said)) for seq, said in found]
        except (sqlite3.DatabaseError, ValidationError):
            self._renew()
            return []

    def forget(self, upto: int) -> None:
        """Forget the parcels up to this number: the store has them."""
        self._db.execute("DELETE FROM parcel WHERE seq <= ?", (upto,))
        (self.waiting,) = self._db.execute("SELECT count(*) FROM parcel").fetchone()
        if not self.waiting:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what a break made private is in no log either

    def close(self) -> None:
        """Let go of it."""
        self._db.close()


def merged(parcels: list[Parcel]) -> Parcel:
    """Return several parcels as one."""
    return Parcel(
        [fix for one in parcels for fix in one.fixes],
        [moment for one in parcels for moment in one.received],
        [warden for one in parcels for warden in one.wardens],
        [refusal for one in parcels for refusal in one.refusals],
        [pulse for one in parcels for pulse in one.pulses],
        [rest for one in parcels for rest in one.breaks],
        [unheld for one in parcels for unheld in one.unheld],
    )
