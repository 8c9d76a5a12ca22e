"""What the SQL stores keep of duty: breaks, waivers, devices nobody carries; and how it erases.

What must stay true here: what is erased is gone from the tables (the embedded store overwrites it too), and whatever
was said because of it is revised, in the same transaction noted so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from geofence.event import Kind
from geofence.model import SECOND, Micros
from geofence.wire import PREFIX
from trackerd.store import ledger, rows
from trackerd.store.values import Batch, Break, Erased, Unheld, Waiver

DAY_US = 86_400 * SECOND
RETRACT = PREFIX + Kind.RETRACT
REST = rows.put("rest", 'warden, start, "end", by', "warden, start")


def keep(db: rows.Db, batch: Batch) -> None:
    """Write what a batch says of duty."""
    db.executemany(REST, batch.breaks)
    if batch.breaks:
        db.execute('DELETE FROM rest WHERE "end" <= start')
    db.executemany(
        "INSERT INTO unheld VALUES (?,?,?) ON CONFLICT (device) DO UPDATE SET times = unheld.times + excluded.times,"
        " last = CASE WHEN excluded.last > unheld.last THEN excluded.last ELSE unheld.last END",
        batch.unheld,
    )
    for waiver in batch.waivers:
        db.execute("DELETE FROM waiver WHERE requirement = ? AND zone = ? AND start = ?", waiver[:3])
        if waiver.reason is not None:
            db.execute("INSERT INTO waiver VALUES (?,?,?,?,?,?)", waiver)
    _erase(db, batch.erased)


def breaks(db: rows.Db) -> list[Break]:
    """See Store."""
    return [Break(*row) for row in db.execute("SELECT * FROM rest ORDER BY start, warden")]


def waivers(db: rows.Db, start: int, end: int) -> list[Waiver]:
    """See Store."""
    query = "SELECT * FROM waiver WHERE start >= ? AND start < ? ORDER BY start, requirement, zone"
    return [Waiver(*row) for row in db.execute(query, (start, end))]


def unheld(db: rows.Db) -> tuple[Unheld, ...]:
    """See Tally."""
    return tuple(Unheld(*row) for row in db.execute("SELECT * FROM unheld ORDER BY device"))


def _erase(db: rows.Db, erased: Iterable[Erased]) -> None:
    of_device = "device = (SELECT id FROM name WHERE name = ?) AND time >= ? AND time < ? AND NOT sos"
    for one in erased:
        (first,) = db.execute(f"SELECT min(time) FROM fix WHERE {of_device}", one).fetchone()  # noqa: S608 - ours
        if first is not None:
            db.execute(f"DELETE FROM fix WHERE {of_device}", one)  # noqa: S608 - ours
            ledger.stain(db, "dirty", [(one.device, Micros(first))])
        db.execute(f"DELETE FROM fix_thin WHERE {of_device.removesuffix(' AND NOT sos')}", one)  # noqa: S608 - ours
        ledger.stain(db, "rejudge", [(one.device, one.start)])
        db.execute("UPDATE quarantine SET data = ? WHERE device = ? AND received >= ?", (b"", one.device, one.start))
        db.execute("DELETE FROM pulse WHERE device = ? AND received >= ? AND received < ?", one)
        _hush(db, one)


def _hush(db: rows.Db, one: Erased) -> None:
    """Take out of the events of that time, which the revision has still to go through, what need not wait for it."""
    # The place of an event is the last one seen before it was decided: that may have been some time before.
    query = "SELECT id, body FROM event WHERE device = ? AND decided >= ? AND time < ?"
    for id_, text in db.execute(query, (one.device, one.start, one.end + DAY_US)).fetchall():
        body = json.loads(text)
        if body.get("data", {}).keys() & {"lon", "lat"}:
            body["data"] = {key: value for key, value in body["data"].items() if key not in ("lon", "lat")}
            db.execute("UPDATE event SET body = ? WHERE id = ?", (_json(body), id_))
    within = "(time >= ? AND time < ? OR decided >= ? AND decided < ?)"
    span = (one.device, one.start, one.end, one.start, one.end)
    found = db.execute(f"SELECT id FROM event WHERE device = ? AND retracted AND {within}", span)  # noqa: S608 - ours
    ledger.forget(db, [id_ for (id_,) in found.fetchall()])
    query = (
        "SELECT id, zone, body FROM event WHERE device = ? AND type = ? AND decided IS NULL AND time >= ? AND time < ?"
    )
    for id_, zone, text in db.execute(query, (one.device, RETRACT, one.start, one.end)).fetchall():
        body = json.loads(text)
        data = {"zone": zone, "retracts": body["data"].get("retracts"), "because": body["data"].get("because")}
        device = one.device if zone is None else None
        told = _json(body | {"time": body["recordedtime"], "data": data})
        db.execute("UPDATE event SET body = ?, time = 0, device = ? WHERE id = ?", (told, device, id_))


def _json(body: object) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
