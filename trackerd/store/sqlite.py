"""The embedded store: one SQLite file.

What must stay true here: write-ahead log with ``synchronous=FULL``, so that a commit that returned survives a power
cut; one writing daemon a file, held by a lock beside it; fixes sorted by their key before they are written; the
file is readable by its owner alone.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from geofence.model import FLOAT_COLUMNS, DeviceId, Fixes, Micros, Visit, ZoneId
from geofence.track import Track
from geofence.wire import dump_track, load_track
from trackerd.store.protocol import Batch, Kept, Letter, StoreError, Tally, Told

VERSION = 1
PIECE = 50_000
"""Fixes read at a time."""
_COLUMNS = ("device", "time", *FLOAT_COLUMNS, "flags", "sos")
_VISIT = [f.name for f in fields(Visit)]


class SqliteStore:
    """One file; ``:memory:`` for none."""

    def __init__(self, path: str) -> None:
        """Open the file, making it if it is not there. Raises StoreError with a remedy."""
        self._names: dict[str, int] = {}
        self._lock = None if path == ":memory:" else _take(Path(path))
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "cache_size=-16000"):
                self._db.execute(f"PRAGMA {pragma}")
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(_words(error, path)) from error
        self._path = path

    def commit(self, batch: Batch) -> int:
        """See Store."""
        with self._transaction() as db:
            new = self._keep_fixes(batch)
            db.executemany(
                "INSERT INTO quarantine (source, received, why, detail, data) VALUES (?,?,?,?,?)",
                [(r.source, r.received, r.why, r.detail, r.data) for r in batch.refusals],
            )
            db.executemany("INSERT OR REPLACE INTO pulse VALUES (?,?,?,?)", [astuple(p) for p in batch.pulses])
            db.executemany(
                "INSERT OR REPLACE INTO track VALUES (?,?)", [(t.device, dump_track(t)) for t in batch.tracks]
            )
            self._keep_visits(batch.visits)
            self._keep_events(batch.events, batch.routes)
        return new

    def tracks(self) -> list[Track]:
        """See Store."""
        with self._reading() as db:
            states = [state for (state,) in db.execute("SELECT state FROM track ORDER BY device")]
        try:
            return [load_track(state) for state in states]
        except ValueError as error:
            raise StoreError(f"{self._path}: {error}") from error

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """See Store."""
        query = (
            f"SELECT {','.join(_COLUMNS[1:])} FROM fix WHERE time > ? AND time < ?"  # noqa: S608 - columns of ours
            " AND device = (SELECT id FROM name WHERE name = ?) ORDER BY time LIMIT ?"
        )
        end = np.iinfo(np.int64).max if before is None else before
        while True:
            with self._reading() as db:
                rows = db.execute(query, (after, int(end), device, PIECE)).fetchall()
            if not rows:
                return
            yield _fixes(device, rows)
            after = rows[-1][0]

    def devices(self) -> list[DeviceId]:
        """See Store."""
        query = "SELECT name FROM name WHERE EXISTS (SELECT 1 FROM fix WHERE fix.device = name.id) ORDER BY name"
        with self._reading() as db:
            return [DeviceId(name) for (name,) in db.execute(query)]

    def visits(self, start: int, end: int) -> Iterable[Kept]:
        """See Store."""
        query = (
            f"SELECT {','.join(_VISIT)}, warden, team FROM visit"  # noqa: S608 - columns of ours
            " WHERE began < ? AND (ended IS NULL OR ended >= ?) ORDER BY began, id"
        )
        with self._reading() as db:
            return [Kept(Visit(*row[:-2]), *row[-2:]) for row in db.execute(query, (end, start))]

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        with self._reading() as db:
            rows = db.execute("SELECT zone, max(coalesce(ended, began)) FROM visit GROUP BY zone")
            return {ZoneId(zone): Micros(time) for zone, time in rows}

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """See Store."""
        query = (
            "SELECT seq, id, type, time, body, zone, device FROM outbox JOIN event USING (seq)"
            " WHERE route = ? AND seq > ? ORDER BY seq LIMIT ?"
        )
        with self._reading() as db:
            rows = db.execute(query, (route, after, limit)).fetchall()
        return [
            Letter(seq, route, Told(id_, type_, time, json.loads(body), zone, device))
            for seq, id_, type_, time, body, zone, device in rows
        ]

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """See Store."""
        with self._transaction() as db:
            db.executemany("DELETE FROM outbox WHERE route = ? AND seq = ?", [(route, seq) for seq in seqs])

    def tally(self) -> Tally:
        """See Store."""
        with self._reading() as db:
            counts = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - tables of ours
                for table in ("fix", "visit", "event", "outbox")
            ]
            refusals = dict(db.execute("SELECT why, count(*) FROM quarantine GROUP BY why ORDER BY why"))
        return Tally(counts[0], counts[1], counts[2], refusals, counts[3])

    def close(self) -> None:
        """See Store."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreError(
                f"the store is of version {version}, this trackerd knows {VERSION}: install a newer trackerd"
            )
        if version == 0:
            schema = files("trackerd.store").joinpath("schema.sql").read_text()
            self._db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {VERSION}; COMMIT;")

    def _keep_fixes(self, batch: Batch) -> int:
        fixes = batch.fixes
        if not len(fixes):
            return 0
        numbers = [self._name(device) for device in fixes.devices]
        wardens = [None if warden is None else self._name(warden) for warden in batch.wardens]
        columns = [[numbers[index] for index in fixes.device.tolist()], fixes.time.tolist()]
        columns += [_nulls(getattr(fixes, name)) for name in FLOAT_COLUMNS]
        columns += [fixes.flags.tolist(), fixes.sos.tolist(), wardens or [None] * len(fixes)]
        columns.append(list(batch.received) or [None] * len(fixes))
        rows = sorted(zip(*columns, strict=True), key=lambda row: row[:2])
        marks = ",".join("?" * len(columns))
        return self._db.executemany(f"INSERT OR IGNORE INTO fix VALUES ({marks})", rows).rowcount  # noqa: S608 - marks

    def _keep_visits(self, visits: Sequence[Kept]) -> None:
        columns = [*_VISIT, "warden", "team"]
        query = (
            f"INSERT OR REPLACE INTO visit ({','.join(columns)})"  # noqa: S608 - columns of ours
            f" VALUES ({','.join('?' * len(columns))})"
        )
        rows = [[getattr(kept.visit, name) for name in _VISIT] + [kept.warden, kept.team] for kept in visits]
        self._db.executemany(query, rows)

    def _keep_events(self, events: Sequence[Told], routes: Sequence[str]) -> None:
        for event in events:
            body = json.dumps(event.body, separators=(",", ":"), ensure_ascii=False)
            row = (event.id, event.type, event.time, event.zone, event.device, body)
            cursor = self._db.execute(
                "INSERT OR IGNORE INTO event (id, type, time, zone, device, body) VALUES (?,?,?,?,?,?)", row
            )
            if cursor.rowcount:
                self._db.executemany("INSERT INTO outbox VALUES (?,?)", [(route, cursor.lastrowid) for route in routes])

    def _name(self, name: str) -> int:
        if name not in self._names:
            self._db.execute("INSERT OR IGNORE INTO name (name) VALUES (?)", (name,))
            (number,) = self._db.execute("SELECT id FROM name WHERE name = ?", (name,)).fetchone()
            self._names[name] = number
        return self._names[name]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as error:
            self._names.clear()  # a name numbered in a transaction that did not happen has no number
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(_words(error, self._path)) from error
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._db
        except sqlite3.Error as error:
            raise StoreError(_words(error, self._path)) from error


def _take(path: Path) -> int:
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
        raise StoreError(f"{path}: another trackerd is writing to it: stop that one first") from None
    return lock


def _words(error: sqlite3.Error, path: str) -> str:
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


def _nulls(column: Any) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.tolist()]


def _fixes(device: DeviceId, rows: Sequence[Sequence[Any]]) -> Fixes:
    columns = list(zip(*rows, strict=True))
    named = dict(zip(_COLUMNS[1:], columns, strict=True))
    whole: dict[str, Any] = {name: np.array(named[name], dtype=np.int64) for name in ("time", "flags", "sos")}
    numbers: dict[str, Any] = {name: np.array(named[name], dtype=np.float64) for name in FLOAT_COLUMNS}  # NULL is NaN
    return Fixes(devices=(device,), device=np.zeros(len(rows), np.int64), **whole, **numbers)
