"""What the embedded store keeps of duty: breaks, waivers, devices nobody carries; and how it erases.

What must stay true here: what is erased is overwritten (the connection has ``secure_delete``), and whatever was said
because of it is revised, in the same transaction noted so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from geofence.model import SECOND, Kind, Micros
from geofence.wire import PREFIX
from trackerd.store import ledger
from trackerd.store.protocol import Batch, Break, Erased, Unheld, Waiver

DAY_US = 86_400 * SECOND
RETRACT = PREFIX + Kind.RETRACT


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
        _hush(db, one)


def _hush(db: sqlite3.Connection, one: Erased) -> None:
    """Take out of the events of that time, which the revision has still to go through, what need not wait for it."""
    # The place of an event is the last one seen before it was decided: that may have been some time before.
    db.execute(
        "UPDATE event SET body = json_remove(body, '$.data.lon', '$.data.lat')"
        " WHERE device = ? AND decided >= ? AND time < ?",
        (one.device, one.start, one.end + DAY_US),
    )
    within = "(time >= :start AND time < :end OR decided >= :start AND decided < :end)"
    span = {"device": one.device, "start": one.start, "end": one.end}
    found = db.execute(f"SELECT id FROM event WHERE device = :device AND retracted AND {within}", span)  # noqa: S608
    ledger.forget(db, [id_ for (id_,) in found.fetchall()])
    db.execute(
        "UPDATE event SET body = json_set(body, '$.time', body ->> '$.recordedtime', '$.data', json_object("
        "'zone', zone, 'retracts', body ->> '$.data.retracts', 'because', body ->> '$.data.because')), time = 0,"
        " device = iif(zone IS NULL, device, NULL)"
        " WHERE device = :device AND type = :type AND decided IS NULL AND time >= :start AND time < :end",
        span | {"type": RETRACT},
    )
