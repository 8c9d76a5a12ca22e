"""What the embedded store keeps of duty: breaks, waivers, devices nobody carries; and how it erases.

What must stay true here: what is erased is overwritten (the connection has ``secure_delete``), and whatever was said
because of it is revised, in the same transaction noted so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from geofence.model import Micros
from trackerd.store import ledger
from trackerd.store.protocol import Batch, Break, Erased, Unheld, Waiver


def keep(db: sqlite3.Connection, batch: Batch) -> None:
    """Write what a batch says of duty."""
    db.executemany("INSERT OR REPLACE INTO rest VALUES (?,?,?,?)", batch.breaks)
    if batch.breaks:
        db.execute('DELETE FROM rest WHERE "end" <= start')
    db.executemany(
        "INSERT INTO unheld VALUES (?,?,?) ON CONFLICT DO UPDATE SET times = times + excluded.times,"
        " last = max(last, excluded.last)",
        batch.unheld,
    )
    for waiver in batch.waivers:
        db.execute("DELETE FROM waiver WHERE requirement = ? AND zone = ? AND start = ?", waiver[:3])
        if waiver.reason is not None:
            db.execute("INSERT INTO waiver VALUES (?,?,?,?,?,?)", waiver)
    _erase(db, batch.erased)


def breaks(db: sqlite3.Connection) -> list[Break]:
    """See Store."""
    return [Break(*row) for row in db.execute("SELECT * FROM rest ORDER BY start, warden")]


def waivers(db: sqlite3.Connection, start: int, end: int) -> list[Waiver]:
    """See Store."""
    query = "SELECT * FROM waiver WHERE start >= ? AND start < ? ORDER BY start, requirement, zone"
    return [Waiver(*row) for row in db.execute(query, (start, end))]


def unheld(db: sqlite3.Connection) -> tuple[Unheld, ...]:
    """See Tally."""
    return tuple(Unheld(*row) for row in db.execute("SELECT * FROM unheld ORDER BY device"))


def _erase(db: sqlite3.Connection, erased: Iterable[Erased]) -> None:
    of_device = "device = (SELECT id FROM name WHERE name = ?) AND time >= ? AND time < ? AND NOT sos"
    for one in erased:
        (first,) = db.execute(f"SELECT min(time) FROM fix WHERE {of_device}", one).fetchone()  # noqa: S608 - ours
        if first is not None:
            db.execute(f"DELETE FROM fix WHERE {of_device}", one)  # noqa: S608 - ours
            ledger.stain(db, "dirty", [(one.device, Micros(first))])
        ledger.stain(db, "rejudge", [(one.device, one.start)])
        db.execute("UPDATE quarantine SET data = x'' WHERE device = ? AND received >= ?", (one.device, one.start))
        db.execute("DELETE FROM pulse WHERE device = ? AND received >= ? AND received < ?", one)
