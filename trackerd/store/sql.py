"""What the SQL stores have in common: the statements. How a transaction is had and how fixes go in is each one's own.

What must stay true here: one text of each statement for all of them, so that they cannot come to differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple

import numpy as np

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.model import DeviceId, Fixes, IntColumn, Micros, VisitId, ZoneId
from geofence.revise import Standing
from geofence.wire import TRACK_VERSION
from trackerd.store import docket, duty, ledger, letters, questions, retention, rows
from trackerd.store.values import (
    ALL,
    Asking,
    Batch,
    Box,
    Break,
    Committed,
    DataClass,
    Docketed,
    Entry,
    Found,
    Kept,
    Letter,
    Outcomes,
    Seen,
    Tally,
    Told,
    Trouble,
    Waiting,
    Waiver,
    Wanted,
)

PIECE = 50_000
"""Fixes read at a time."""
THIN = ("time", "lon", "lat", "accuracy_m")
"""All that is kept of a position that is thinned."""
PULSE = rows.put("pulse", "device, received, why, battery_pct", "device")
TRACK = rows.put("track", "device, upto, state", "device")
CHECKPOINT = rows.put("checkpoint", "device, upto, state", "device, upto")


class SqlStore(ABC):
    """See Store."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        """Devices and wardens by number; to be emptied when a transaction did not happen."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[rows.Db]:
        """Begin; commit at the end, or undo all if anything is raised. What the store cannot do is a StoreError."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[rows.Db]:
        """Give what is read from. What the store cannot do, or a state that cannot be read, is a StoreError."""

    @abstractmethod
    def _keep_fixes(self, db: rows.Db, batch: Batch) -> int:
        """Keep the fixes, note which devices are dirty by them; return how many were of moments not known."""

    @abstractmethod
    def renumber(self, db: rows.Db) -> None:
        """Let what is numbered from now on come after what is there."""

    @abstractmethod
    def damage(self) -> list[str]:
        """Return what is broken in the store's own structure, as far as it can say."""

    @abstractmethod
    def close(self) -> None:
        """See Store."""

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        with self.transaction() as db:
            new = self._keep_fixes(db, batch)
            db.executemany(
                "INSERT INTO quarantine (source, received, why, detail, data, device) VALUES (?,?,?,?,?,?)",
                [(r.source, r.received, r.why, rows.plain(r.detail), r.data, r.device) for r in batch.refusals],
            )
            db.executemany(PULSE, [astuple(pulse) for pulse in batch.pulses])
            duty.keep(db, batch)
            ledger.soil(db, batch.dirty)
            ledger.stain(db, "rejudge", batch.rejudge)
            touched = ledger.revise(db, batch.revised) if batch.revised is not None else set()
            db.executemany(TRACK, map(rows.dump_saved, batch.tracks))
            db.executemany(CHECKPOINT, map(rows.dump_saved, batch.checkpoints))
            editions = [(since, zones.version, rows.dump_zones(zones)) for since, zones in batch.editions]
            db.executemany("INSERT INTO edition VALUES (?,?,?)", editions)
            told = ledger.keep_events(db, batch.events, batch.routes)
            touched |= {event.said.event.visit.id for event in told if event.said and event.said.event.visit}
            ledger.keep_visits(db, touched)
            if batch.judgement is not None:
                docket.keep(db, batch.judgement)
        return Committed(new, told)

    def tracks(self) -> list[Saved]:
        """See Store."""
        with self.reading() as db:
            return [rows.load_saved(*row) for row in db.execute("SELECT upto, state FROM track ORDER BY device")]

    def checkpoint(self, device: DeviceId, before: Micros) -> Saved | None:
        """See Store."""
        query = "SELECT upto, state FROM checkpoint WHERE device = ? AND upto < ? ORDER BY upto DESC LIMIT 1"
        with self.reading() as db:
            row = db.execute(query, (device, before)).fetchone()
            return rows.load_saved(*row) if row is not None else None

    def dirty(self) -> dict[DeviceId, Micros]:
        """See Store."""
        with self.reading() as db:
            return {DeviceId(d): Micros(since) for d, since in db.execute("SELECT * FROM dirty ORDER BY device")}

    def standing(self, device: DeviceId, after: Micros) -> list[Standing]:
        """See Store."""
        with self.reading() as db:
            return ledger.standing(db, device, after)

    def find(self, begins: str) -> list[Found]:
        """See Store."""
        with self.reading() as db:
            return ledger.find(db, begins)

    def revision(self, visit: VisitId) -> int:
        """See Store."""
        with self.reading() as db:
            query = (
                "SELECT coalesce(max(revision + CASE WHEN retracted THEN 1 ELSE 0 END), 0) FROM event WHERE visit = ?"
            )
            return int(db.execute(query, (visit,)).fetchone()[0])

    def editions(self) -> list[Edition]:
        """See Store."""
        query = "SELECT since, zones, version FROM edition ORDER BY since"
        with self.reading() as db:
            return [Edition(Micros(since), rows.load_zones(*kept)) for since, *kept in db.execute(query)]

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """See Store."""
        query = (
            f"SELECT {','.join(rows.FIX)} FROM fix WHERE time > ? AND time < ?"  # noqa: S608 - columns of ours
            " AND device = (SELECT id FROM name WHERE name = ?) ORDER BY time LIMIT ?"
        )
        end = np.iinfo(np.int64).max if before is None else before
        while True:
            with self.reading() as db:
                found = db.execute(query, (after, int(end), device, PIECE)).fetchall()
            if not found:
                return
            yield rows.to_fixes(device, found)
            after = found[-1][0]

    def devices(self) -> list[DeviceId]:
        """See Store."""
        query = "SELECT name FROM name WHERE EXISTS (SELECT 1 FROM fix WHERE fix.device = name.id) ORDER BY name"
        with self.reading() as db:
            return [DeviceId(name) for (name,) in db.execute(query)]

    def visits(self, start: int, end: int, zone: ZoneId | None = None) -> Iterable[Kept]:
        """See Store."""
        with self.reading() as db:
            return ledger.visits(db, start, end, zone)

    def docket(self, start: int, end: int, zone: ZoneId | None = None) -> list[Docketed]:
        """See Store."""
        with self.reading() as db:
            return docket.cases(db, start, end, zone)

    def outcomes(self, start: int, end: int) -> list[Outcomes]:
        """See Store."""
        with self.reading() as db:
            return questions.outcomes(db, start, end)

    def seen(self, start: int, end: int, box: Box | None = None) -> list[Seen]:
        """See Store."""
        with self.reading() as db:
            return questions.seen(db, start, end, box)

    def times(self, device: DeviceId, start: int, end: int, apart: int = 0) -> IntColumn:  # noqa: ARG002
        """See Store."""
        with self.reading() as db:
            return questions.times(db, device, start, end)

    def since(self) -> Micros | None:
        """See Store."""
        with self.reading() as db:
            return questions.since(db)

    def history(self, after: int, limit: int, wanted: Wanted = ALL) -> list[Entry]:
        """See Store."""
        with self.reading() as db:
            return letters.history(db, after, limit, wanted)

    def newest(self) -> int:
        """See Store."""
        with self.reading() as db:
            return letters.newest(db)

    def first_position(self) -> Micros | None:
        """See Store."""
        with self.reading() as db:
            return questions.first_position(db)

    def ask(self, asking: Asking) -> None:
        """See Store."""
        with self.transaction() as db:
            questions.ask(db, asking)

    def askings(self, start: int, end: int) -> list[Asking]:
        """See Store."""
        with self.reading() as db:
            return questions.askings(db, start, end)

    def open_cases(self) -> list[Docketed]:
        """See Store."""
        with self.reading() as db:
            return docket.open_cases(db)

    def rejudge(self) -> dict[DeviceId, Micros]:
        """See Store."""
        with self.reading() as db:
            return docket.rejudge(db)

    def frontier(self) -> Micros | None:
        """See Store."""
        with self.reading() as db:
            return docket.frontier(db)

    def breaks(self) -> list[Break]:
        """See Store."""
        with self.reading() as db:
            return duty.breaks(db)

    def waivers(self, start: int, end: int) -> list[Waiver]:
        """See Store."""
        with self.reading() as db:
            return duty.waivers(db, start, end)

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        with self.reading() as db:
            found = db.execute("SELECT zone, max(coalesce(ended, began)) FROM visit GROUP BY zone")
            return {ZoneId(zone): Micros(time) for zone, time in found}

    def event(self, id_: str) -> Told | None:
        """See Store."""
        with self.reading() as db:
            return letters.event(db, id_)

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """See Store."""
        with self.reading() as db:
            return letters.untold(db, route, after, limit)

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """See Store."""
        with self.transaction() as db:
            letters.mark_told(db, route, list(seqs))

    def mark_failed(self, route: str, failed: Mapping[int, Trouble]) -> None:
        """See Store."""
        with self.transaction() as db:
            letters.mark_failed(db, route, failed)

    def dead(self, limit: int) -> list[Letter]:
        """See Store."""
        with self.reading() as db:
            return letters.dead(db, limit)

    def revive(self, route: str | None = None) -> int:
        """See Store."""
        with self.transaction() as db:
            return letters.revive(db, route)

    def waiting(self) -> list[Waiting]:
        """See Store."""
        with self.reading() as db:
            return letters.waiting(db)

    def retire(self, before: Micros) -> dict[DeviceId, Micros]:
        """See Store."""
        with self.transaction() as db:
            retention.advance(db, before)
        return self.horizons()

    def horizons(self) -> dict[DeviceId, Micros]:
        """See Store."""
        with self.reading() as db:
            found = db.execute("SELECT name, upto FROM horizon JOIN name ON name.id = horizon.device ORDER BY name")
            return {DeviceId(name): Micros(upto) for name, upto in found}

    def forget(self, what: DataClass, before: Micros, limit: int) -> int:
        """See Store."""
        with self.transaction() as db:
            return retention.forget(db, what, before, limit, self._drop)

    def thinned(self, device: DeviceId, after: Micros, before: Micros) -> Fixes:
        """See Store."""
        columns = ", ".join(name if name in THIN else "NULL" for name in rows.FIX[:-2])
        query = (
            f"SELECT {columns}, 0, FALSE FROM fix_thin"  # noqa: S608 - columns of ours
            " WHERE device = (SELECT id FROM name WHERE name = ?) AND time > ? AND time < ? ORDER BY time"
        )
        with self.reading() as db:
            found = db.execute(query, (device, after, before)).fetchall()
        return rows.to_fixes(device, found) if found else Fixes.of(())

    def tally(self) -> Tally:
        """See Store."""
        with self.reading() as db:
            counts = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - tables of ours
                for table in ("fix", "visit", "event", "outbox")
            ]
            refusals = dict(db.execute("SELECT why, count(*) FROM quarantine GROUP BY why ORDER BY why"))
            unheld = duty.unheld(db)
        return Tally(counts[0], counts[1], counts[2], refusals, counts[3], unheld)

    def _renew(self) -> None:
        """Drop the engine's states if they are of another version: every record is told anew from the fixes kept."""
        with self.transaction() as db:
            if db.execute("SELECT version FROM state_version").fetchall() == [(TRACK_VERSION,)]:
                return
            for table in ("track", "checkpoint", "state_version"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - tables of ours
            oldest = "SELECT name, (SELECT min(time) FROM fix WHERE fix.device = name.id) AS since FROM name"
            found = db.execute(f"SELECT name, since FROM ({oldest}) AS kept WHERE since IS NOT NULL").fetchall()  # noqa: S608
            ledger.stain(db, "dirty", found)
            db.execute("INSERT INTO state_version VALUES (?)", (TRACK_VERSION,))

    def _drop(self, _db: rows.Db, _before: int) -> int:
        """See ``retention.Drop``."""
        return 0

    def _number(self, db: rows.Db, name: str) -> int:
        if name not in self._names:
            db.execute("INSERT INTO name (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (name,))
            ((self._names[name],),) = db.execute("SELECT id FROM name WHERE name = ?", (name,)).fetchall()
        return self._names[name]

    def _rows(self, db: rows.Db, batch: Batch) -> list[rows.Row]:
        """Return the rows of table ``fix``, in the batch's order."""
        devices = [self._number(db, device) for device in batch.fixes.devices]
        held = {warden: None if warden is None else self._number(db, warden) for warden in dict.fromkeys(batch.wardens)}
        return rows.fix_rows(batch, devices, [held[warden] for warden in batch.wardens])
