"""The outbox in an SQL store: which letters wait, what trouble they met, which are set aside.

What must stay true here: a letter leaves only when it is marked told; ``trouble`` has a row for a letter that failed
and for no other; a letter set aside stays until somebody has it sent again, which nobody has of what was taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Any

from geofence.model import DeviceId, Micros, ZoneId
from trackerd.store.rows import Db, put
from trackerd.store.values import Entry, Letter, Told, Trouble, Waiting, Wanted

_EVENT = "event.id, type, event.time, body, zone, event.device"
_TROUBLE = ", ".join(f"trouble.{field.name}" for field in fields(Trouble))
_LETTER = (
    f"SELECT route, seq, {_EVENT}, {_TROUBLE} FROM outbox JOIN event USING (seq)"  # noqa: S608 - columns of ours
    " LEFT JOIN trouble USING (route, seq)"
)


def untold(db: Db, route: str, after: int, limit: int) -> list[Letter]:
    """See Store."""
    query = f"{_LETTER} WHERE route = ? AND seq > ? AND dead IS NOT TRUE ORDER BY seq LIMIT ?"
    return [_letter(*row) for row in db.execute(query, (route, after, limit)).fetchall()]


def dead(db: Db, limit: int) -> list[Letter]:
    """See Store."""
    return [_letter(*row) for row in db.execute(f"{_LETTER} WHERE dead ORDER BY route, seq LIMIT ?", (limit,))]


def mark_failed(db: Db, route: str, failed: Mapping[int, Trouble]) -> None:
    """See Store."""
    rows = [(route, seq, *astuple(trouble)) for seq, trouble in failed.items()]
    db.executemany(put("trouble", "route, seq, tries, since, next, error, dead", "route, seq"), rows)


def mark_told(db: Db, route: str, seqs: list[int]) -> None:
    """See Store."""
    for table in ("outbox", "trouble"):
        query = f"DELETE FROM {table} WHERE route = ? AND seq = ?"  # noqa: S608 - tables of ours
        db.executemany(query, [(route, seq) for seq in seqs])


def revive(db: Db, route: str | None) -> int:
    """See Store."""
    wrong = "SELECT route, seq FROM trouble JOIN event USING (seq) WHERE dead AND retracted AND ? IN (route, '')"
    for of, seq in db.execute(wrong, (route or "",)).fetchall():
        mark_told(db, of, [seq])
    return int(db.execute("DELETE FROM trouble WHERE dead AND ? IN (route, '')", (route or "",)).rowcount)


def waiting(db: Db) -> list[Waiting]:
    """See Store."""
    counts = (
        "SELECT route, count(*) FILTER (WHERE dead IS NOT TRUE), count(*) FILTER (WHERE dead),"
        " min(time) FILTER (WHERE dead IS NOT TRUE), max(tries) FILTER (WHERE NOT dead)"
        " FROM outbox JOIN event USING (seq) LEFT JOIN trouble USING (route, seq) GROUP BY route ORDER BY route"
    )
    last = "SELECT next, error FROM trouble WHERE route = ? AND NOT dead ORDER BY next DESC LIMIT 1"
    found = []
    for route, untold_, dead_, oldest, tries in db.execute(counts).fetchall():
        next_, error = db.execute(last, (route,)).fetchone() or (None, "")
        found.append(Waiting(route, untold_, dead_, oldest, tries or 0, next_, error))
    return found


def event(db: Db, id_: str) -> Told | None:
    """See Store."""
    row = db.execute(f"SELECT {_EVENT} FROM event WHERE id = ?", (id_,)).fetchone()  # noqa: S608 - columns of ours
    return None if row is None else _told(*row)


def history(db: Db, after: int, limit: int, wanted: Wanted) -> list[Entry]:
    """See Store."""
    where = ""
    values: list[str] = []
    if wanted.types:
        where += f" AND type IN ({','.join('?' * len(wanted.types))})"
        values += wanted.types
    if wanted.zone is not None:
        where += " AND zone = ?"
        values.append(wanted.zone)
    if wanted.warden is not None:  # what cannot be revised is filed under no warden; what it tells says whose it is
        where += " AND (warden = ? OR warden IS NULL AND body LIKE ?)"
        values += [wanted.warden, f'%"{wanted.warden}"%']
    side, way = ("<", "DESC") if wanted.newest else (">", "ASC")
    query = f"SELECT seq, {_EVENT}, retracted FROM event WHERE seq {side} ?{where} ORDER BY seq {way} LIMIT ?"  # noqa: S608 - ours
    rows = db.execute(query, (after, *values, limit)).fetchall()
    found = [Entry(seq, _told(*row), not back) for seq, *row, back in rows]
    return [one for one in found if wanted.warden in (None, one.told.body.get("data", {}).get("warden"))]


def newest(db: Db) -> int:
    """See Store."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])


def _letter(route: str, seq: int, *row: Any) -> Letter:
    tries, since, next_, error, dead_ = row[6:]
    trouble = None if tries is None else Trouble(tries, since, next_, error, bool(dead_))
    return Letter(seq, route, _told(*row[:6]), trouble)


def _told(id_: str, type_: str, time: int, body: str, zone: str | None, device: str | None) -> Told:
    about = zone if zone is None else ZoneId(zone), device if device is None else DeviceId(device)
    return Told(id_, type_, Micros(time), json.loads(body), *about)
