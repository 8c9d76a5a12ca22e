"""The docket in an SQL store: what was owed, and what became of it.

What must stay true here: a case is kept with all that is needed to judge it again, so a plan edited later changes
nothing of what was owed before.
"""

from __future__ import annotations

from geofence.model import DeviceId, Micros, ZoneId
from trackerd.store import rows
from trackerd.store.values import Docketed, Judgement

CASE = 'id, requirement, zone, start, "end", outcome, closed, revision, event, said'


def keep(db: rows.Db, judgement: Judgement) -> None:
    """Write what was put on the docket or judged."""
    db.executemany(rows.put("verdict", CASE, "id"), map(rows.dump_case, judgement.cases))
    db.executemany("UPDATE event SET retracted = TRUE WHERE id = ?", [(id_,) for id_ in judgement.wrong])
    db.executemany("DELETE FROM rejudge WHERE device = ?", [(device,) for device in judgement.rejudged])
    if judgement.frontier is not None:
        db.execute("DELETE FROM frontier")
        db.execute("INSERT INTO frontier VALUES (?)", (judgement.frontier,))


def cases(db: rows.Db, start: int, end: int, zone: ZoneId | None) -> list[Docketed]:
    """See Store."""
    only, values = rows.of_zone(zone)
    query = f'SELECT said FROM verdict WHERE "end" > ? AND start < ?{only} ORDER BY "end", id'  # noqa: S608 - ours
    return [rows.load_case(said) for (said,) in db.execute(query, (start, end, *values))]


def open_cases(db: rows.Db) -> list[Docketed]:
    """See Store."""
    found = db.execute('SELECT said FROM verdict WHERE NOT closed ORDER BY "end", id')
    return [rows.load_case(said) for (said,) in found]


def rejudge(db: rows.Db) -> dict[DeviceId, Micros]:
    """See Store."""
    return {DeviceId(d): Micros(since) for d, since in db.execute("SELECT * FROM rejudge ORDER BY device")}


def frontier(db: rows.Db) -> Micros | None:
    """See Store."""
    row = db.execute("SELECT upto FROM frontier").fetchone()
    return None if row is None else Micros(row[0])
