"""Events in an SQL store, and the ledger they make.

What must stay true here: a row of ``visit`` is what the last standing event about that visit tells, and there is none
where no event stands; an event's id is never freed, also when it was taken back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from msgspec.structs import astuple

from geofence.event import Visit
from geofence.model import DeviceId, Micros, VisitId, ZoneId
from geofence.revise import Standing
from trackerd.store import rows
from trackerd.store.values import Found, Kept, Revised, Said, Told

VISIT = Visit.__struct_fields__


def soil(db: rows.Db, dirty: Iterable[tuple[DeviceId, Micros]]) -> None:
    """Note which devices are to be revised, and since when; what was judged by their fixes is judged again."""
    found = list(dirty)
    for table in ("dirty", "rejudge"):
        stain(db, table, found)


def stain(db: rows.Db, table: str, found: Iterable[tuple[DeviceId, Micros]]) -> None:
    """Note devices and since when, in a table of that."""
    earlier = f"ON CONFLICT (device) DO UPDATE SET since = excluded.since WHERE excluded.since < {table}.since"
    db.executemany(f"INSERT INTO {table} VALUES (?,?) {earlier}", found)  # noqa: S608 - tables of ours


def standing(db: rows.Db, device: DeviceId, after: Micros) -> list[Standing]:
    """See Store."""
    query = (
        "SELECT id, said, decided FROM event WHERE device = ? AND decided > ? AND NOT retracted ORDER BY decided, seq"
    )
    return [Standing(id_, rows.load_event(*said)) for id_, *said in db.execute(query, (device, after))]


def find(db: rows.Db, begins: str) -> list[Found]:
    """See Store."""
    query = (
        "SELECT id, type, time, body, zone, device, said, decided, warden, team, retracted FROM event"
        " WHERE id >= ? AND substr(id, 1, ?) = ? ORDER BY id LIMIT 2"
    )
    found = []
    for id_, type_, time, body, zone, device, words, decided, *who, back in db.execute(
        query, (begins, len(begins), begins)
    ):
        said = None if words is None else Said(rows.load_event(words, decided), *who)
        found.append(Found(Told(id_, type_, time, json.loads(body), zone, device, said), not back))
    return found


def visits(db: rows.Db, start: int, end: int, zone: ZoneId | None) -> list[Kept]:
    """See Store."""
    only, values = rows.of_zone(zone)
    query = (
        f"SELECT {','.join(VISIT)}, warden, team FROM visit"  # noqa: S608 - columns of ours
        f" WHERE began < ? AND (ended IS NULL OR ended >= ?){only} ORDER BY began, id"
    )
    return [Kept(Visit(*row[:-2]), *row[-2:]) for row in db.execute(query, (end, start, *values))]


def revise(db: rows.Db, revised: Revised) -> set[VisitId]:
    """Take back what is wrong; return the visits it was about."""
    touched: set[VisitId] = set()
    for id_ in revised.wrong:
        touched |= _change(db, "retracted", True, id_)
    for id_, decided in revised.redated:
        touched |= _change(db, "decided", decided, id_)
    forget(db, revised.forgotten)
    db.execute("DELETE FROM checkpoint WHERE device = ? AND upto >= ?", (revised.device, revised.since))
    db.execute("DELETE FROM track WHERE device = ?", (revised.device,))
    db.execute("DELETE FROM dirty WHERE device = ?", (revised.device,))
    return touched


def forget(db: rows.Db, events: Iterable[str]) -> None:
    """Leave of these events only that they were told; what was not told yet never is."""
    for id_ in events:
        for table in ("outbox", "trouble"):
            db.execute(f"DELETE FROM {table} WHERE seq = (SELECT seq FROM event WHERE id = ?)", (id_,))  # noqa: S608
        db.execute(
            "UPDATE event SET body = '{}', time = 0, zone = NULL, device = NULL, decided = NULL, warden = NULL,"
            " team = NULL, said = NULL WHERE id = ?",
            (id_,),
        )


def _change(db: rows.Db, column: str, value: int, id_: str) -> set[VisitId]:
    found = db.execute(f"UPDATE event SET {column} = ? WHERE id = ? RETURNING visit", (value, id_))  # noqa: S608 - ours
    return {VisitId(visit) for (visit,) in found.fetchall() if visit is not None}


def keep_events(db: rows.Db, events: Sequence[Told], routes: Sequence[str]) -> list[Told]:
    """Keep what is news of the events, for each route to be told; return it."""
    query = (
        "INSERT INTO event (id, type, time, zone, device, body, decided, visit, revision, warden, team, said)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING RETURNING seq"
    )
    new: list[Told] = []
    for event in events:
        about = (event.id, event.type, event.time, event.zone, event.device)
        row = (*about, rows.text_of(event.body), *rows.said_row(event.said))
        for (seq,) in db.execute(query, row).fetchall():
            new.append(event)
            db.executemany("INSERT INTO outbox VALUES (?,?)", [(route, seq) for route in routes])
    return new


def keep_visits(db: rows.Db, touched: Iterable[VisitId]) -> None:
    """Write each visit as the last standing event about it tells; without one there is no visit."""
    last = (
        "SELECT said, decided, warden, team FROM event WHERE visit = ? AND NOT retracted"
        " ORDER BY decided DESC, time DESC, type DESC LIMIT 1"
    )
    query = rows.put("visit", f"{','.join(VISIT)}, warden, team", "id")
    for id_ in sorted(touched):
        row = db.execute(last, (id_,)).fetchone()
        if row is None:
            db.execute("DELETE FROM visit WHERE id = ?", (id_,))
            continue
        visit = rows.load_event(*row[:2]).visit
        assert visit is not None
        db.execute(query, [*astuple(visit), *row[2:]])
