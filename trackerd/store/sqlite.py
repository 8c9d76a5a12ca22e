"""The embedded store: one SQLite file.

What must stay true here: write-ahead log with ``synchronous=FULL``, so that a commit that returned survives a power
cut; what is deleted is overwritten, and the log cut off once it may hold what was erased; one writing daemon a file,
held by a lock beside it; fixes sorted by their key before they are written; the file is readable by its owner alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from importlib.resources import files
from pathlib import Path

import numpy as np

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.model import DeviceId, Fixes, Micros, VisitId, ZoneId
from geofence.revise import Standing
from trackerd.store import docket, duty, ledger, letters, rows
from trackerd.store.file import take, words
from trackerd.store.protocol import (
    Batch,
    Break,
    Committed,
    Docketed,
    Found,
    Kept,
    Letter,
    StoreError,
    Tally,
    Told,
    Trouble,
    Waiting,
    Waiver,
)

VERSION = 1
PIECE = 50_000
"""Fixes read at a time."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "cache_size=-16000", "secure_delete=ON")


class SqliteStore:
    """One file; ``:memory:`` for none."""

    def __init__(self, path: str, *, reading: bool = False, beside: bool = False) -> None:
        """Open the file, making it if it is not there; ``reading``, ``beside``: as it is, also while a daemon runs.

        Raises StoreError with a remedy.
        """
        self._names: dict[str, int] = {}
        self._to_wipe = True
        """The log may hold what was erased: as far as a new process knows, an earlier one's too."""
        self._lock = None if path == ":memory:" or reading or beside else take(Path(path))
        try:
            if reading or beside:
                uri = f"{Path(path).resolve().as_uri()}?mode={'ro' if reading else 'rw'}"
                self._db = sqlite3.connect(uri, uri=True, isolation_level=None)
                self._path = path
                return
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}")
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(words(error, path)) from error
        self._path = path

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        with self._transaction() as db:
            new = self._keep_fixes(batch)
            db.executemany(
                "INSERT INTO quarantine (source, received, why, detail, data, device) VALUES (?,?,?,?,?,?)",
                [astuple(refusal) for refusal in batch.refusals],
            )
            db.executemany("INSERT OR REPLACE INTO pulse VALUES (?,?,?,?)", [astuple(p) for p in batch.pulses])
            duty.keep(db, batch)
            ledger.soil(db, batch.dirty)
            ledger.stain(db, "rejudge", batch.rejudge)
            touched = ledger.revise(db, batch.revised) if batch.revised is not None else set()
            db.executemany("INSERT OR REPLACE INTO track VALUES (?,?,?)", map(rows.dump_saved, batch.tracks))
            db.executemany("INSERT OR REPLACE INTO checkpoint VALUES (?,?,?)", map(rows.dump_saved, batch.checkpoints))
            editions = [(since, zones.version, rows.dump_zones(zones)) for since, zones in batch.editions]
            db.executemany("INSERT INTO edition VALUES (?,?,?)", editions)
            told = ledger.keep_events(db, batch.events, batch.routes)
            touched |= {event.said.event.visit.id for event in told if event.said and event.said.event.visit}
            ledger.keep_visits(db, touched)
            if batch.judgement is not None:
                docket.keep(db, batch.judgement)
        self._wipe(bool(batch.erased))
        return Committed(new, told)

    def tracks(self) -> list[Saved]:
        """See Store."""
        with self._reading() as db:
            return [rows.load_saved(*row) for row in db.execute("SELECT upto, state FROM track ORDER BY device")]

    def checkpoint(self, device: DeviceId, before: Micros) -> Saved | None:
        """See Store."""
        query = "SELECT upto, state FROM checkpoint WHERE device = ? AND upto < ? ORDER BY upto DESC LIMIT 1"
        with self._reading() as db:
            row = db.execute(query, (device, before)).fetchone()
            return rows.load_saved(*row) if row is not None else None

    def dirty(self) -> dict[DeviceId, Micros]:
        """See Store."""
        with self._reading() as db:
            return {DeviceId(d): Micros(since) for d, since in db.execute("SELECT * FROM dirty ORDER BY device")}

    def standing(self, device: DeviceId, after: Micros) -> list[Standing]:
        """See Store."""
        with self._reading() as db:
            return ledger.standing(db, device, after)

    def find(self, begins: str) -> list[Found]:
        """See Store."""
        with self._reading() as db:
            return ledger.find(db, begins)

    def revision(self, visit: VisitId) -> int:
        """See Store."""
        with self._reading() as db:
            query = "SELECT ifnull(max(revision + retracted), 0) FROM event WHERE visit = ?"
            return int(db.execute(query, (visit,)).fetchone()[0])

    def editions(self) -> list[Edition]:
        """See Store."""
        query = "SELECT since, zones, version FROM edition ORDER BY since"
        with self._reading() as db:
            return [Edition(Micros(since), rows.load_zones(*kept)) for since, *kept in db.execute(query)]

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """See Store."""
        query = (
            f"SELECT {','.join(rows.FIX)} FROM fix WHERE time > ? AND time < ?"  # noqa: S608 - columns of ours
            " AND device = (SELECT id FROM name WHERE name = ?) ORDER BY time LIMIT ?"
        )
        end = np.iinfo(np.int64).max if before is None else before
        while True:
            with self._reading() as db:
                found = db.execute(query, (after, int(end), device, PIECE)).fetchall()
            if not found:
                return
            yield rows.to_fixes(device, found)
            after = found[-1][0]

    def devices(self) -> list[DeviceId]:
        """See Store."""
        query = "SELECT name FROM name WHERE EXISTS (SELECT 1 FROM fix WHERE fix.device = name.id) ORDER BY name"
        with self._reading() as db:
            return [DeviceId(name) for (name,) in db.execute(query)]

    def visits(self, start: int, end: int) -> Iterable[Kept]:
        """See Store."""
        with self._reading() as db:
            return ledger.visits(db, start, end)

    def docket(self, start: int, end: int) -> list[Docketed]:
        """See Store."""
        with self._reading() as db:
            return docket.cases(db, start, end)

    def open_cases(self) -> list[Docketed]:
        """See Store."""
        with self._reading() as db:
            return docket.open_cases(db)

    def rejudge(self) -> dict[DeviceId, Micros]:
        """See Store."""
        with self._reading() as db:
            return docket.rejudge(db)

    def frontier(self) -> Micros | None:
        """See Store."""
        with self._reading() as db:
            return docket.frontier(db)

    def breaks(self) -> list[Break]:
        """See Store."""
        with self._reading() as db:
            return duty.breaks(db)

    def waivers(self, start: int, end: int) -> list[Waiver]:
        """See Store."""
        with self._reading() as db:
            return duty.waivers(db, start, end)

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        with self._reading() as db:
            found = db.execute("SELECT zone, max(coalesce(ended, began)) FROM visit GROUP BY zone")
            return {ZoneId(zone): Micros(time) for zone, time in found}

    def event(self, id_: str) -> Told | None:
        """See Store."""
        with self._reading() as db:
            return letters.event(db, id_)

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """See Store."""
        with self._reading() as db:
            return letters.untold(db, route, after, limit)

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """See Store."""
        with self._transaction() as db:
            letters.mark_told(db, route, list(seqs))

    def mark_failed(self, route: str, failed: Mapping[int, Trouble]) -> None:
        """See Store."""
        with self._transaction() as db:
            letters.mark_failed(db, route, failed)

    def dead(self, limit: int) -> list[Letter]:
        """See Store."""
        with self._reading() as db:
            return letters.dead(db, limit)

    def revive(self, route: str | None = None) -> int:
        """See Store."""
        with self._transaction() as db:
            return letters.revive(db, route)

    def waiting(self) -> list[Waiting]:
        """See Store."""
        with self._reading() as db:
            return letters.waiting(db)

    def tally(self) -> Tally:
        """See Store."""
        with self._reading() as db:
            counts = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - tables of ours
                for table in ("fix", "visit", "event", "outbox")
            ]
            refusals = dict(db.execute("SELECT why, count(*) FROM quarantine GROUP BY why ORDER BY why"))
            unheld = duty.unheld(db)
        return Tally(counts[0], counts[1], counts[2], refusals, counts[3], unheld)

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

    def _wipe(self, erased: bool) -> None:
        """Cut off the log where it may hold what was erased, now and once the record is revised; else do nothing."""
        self._to_wipe |= erased
        if not self._to_wipe:
            return
        with self._reading() as db:
            revised = db.execute("SELECT 1 FROM dirty").fetchone() is None
            if not (erased or revised):
                return
            try:
                db.execute("PRAGMA busy_timeout=100")
                (held, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                held = 1  # somebody reads: the next commit tries again
            finally:
                db.execute("PRAGMA busy_timeout=5000")
        self._to_wipe = bool(held) or not revised

    def _keep_fixes(self, batch: Batch) -> int:
        fixes, late = batch.fixes, {int(row) for row in batch.late}
        if not len(fixes):
            return 0
        devices = [self._name(device) for device in fixes.devices]
        wardens = [None if warden is None else self._name(warden) for warden in batch.wardens]
        made = rows.fix_rows(batch, devices, wardens)
        on_time = sorted((row for number, row in enumerate(made) if number not in late), key=lambda row: row[:2])
        new = self._db.executemany(rows.NEW_FIX, on_time).rowcount if on_time else 0
        if new < len(on_time):
            self._db.executemany(rows.BETTER_FIX, on_time)
        news: list[tuple[DeviceId, Micros]] = []
        for number in sorted(late):
            inserted = self._db.execute(rows.NEW_FIX, made[number]).rowcount
            if inserted or self._db.execute(rows.BETTER_FIX, made[number]).rowcount:
                news.append((fixes.devices[int(fixes.device[number])], Micros(int(fixes.time[number]))))
            new += inserted
        ledger.soil(self._db, news)
        return new

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
                raise StoreError(words(error, self._path)) from error
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._db
        except sqlite3.Error as error:
            raise StoreError(words(error, self._path)) from error
        except ValueError as error:  # a state or an edition that cannot be read
            raise StoreError(f"{self._path}: {error}") from error
