"""What reports ask of an SQL store, and the log of who asked where people were.

What must stay true here: exact positions and those thinned of older times are one record to whoever asks; a position
comes without anything a report does not need; the log is only ever added to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from geofence.calendar import Window
from geofence.model import DeviceId, Fixes, IntColumn, Micros, WardenId
from geofence.verdict import Outcome
from trackerd.store import rows
from trackerd.store.seen import in_order, places
from trackerd.store.values import Asking, Box, Outcomes, Seen

KEPT = ("fix", "fix_thin")
FIRSTS = [f"SELECT min((SELECT min(time) FROM {table} WHERE device = name.id)) AS at FROM name" for table in KEPT]  # noqa: S608 - ours


def seen(db: rows.Db, start: int, end: int, box: Box | None) -> list[Seen]:
    """See Store."""
    names = dict(db.execute("SELECT id, name FROM name").fetchall())
    found: dict[tuple[str, int], list[Fixes]] = defaultdict(list)
    where, values = _inside(box)
    for device in sorted(names, key=names.__getitem__):
        for table in KEPT:
            query = (
                f"SELECT warden, time, lon, lat, accuracy_m FROM {table} WHERE device = ? AND time >= ? AND time < ?"  # noqa: S608 - tables of ours
            )
            got = db.execute(query + where, (device, start, end, *values)).fetchall()
            for warden, fixes in _by_warden(DeviceId(names[device]), got).items():
                found[names[device], warden].append(fixes)
    return [
        Seen(WardenId(names[warden]) if warden in names else None, in_order(pieces))
        for (_, warden), pieces in found.items()
    ]


def times(db: rows.Db, device: DeviceId, start: int, end: int) -> IntColumn:
    """See Store."""
    exact, thinned = (
        np.fromiter(chain.from_iterable(db.execute(
            f"SELECT time FROM {table} WHERE device = (SELECT id FROM name WHERE name = ?)"  # noqa: S608 - ours
            " AND time >= ? AND time < ? ORDER BY time", (device, start, end),
        )), np.int64)
        for table in KEPT
    )  # fmt: skip
    return np.union1d(exact, thinned) if len(thinned) else exact


def hops(db: rows.Db, device: DeviceId, start: int, end: int, apart: int) -> IntColumn:
    """See Store.times; quick where a look into the index costs next to nothing, as in SQLite."""
    row = db.execute("SELECT id FROM name WHERE name = ?", (device,)).fetchone()
    values, found = (row[0] if row else None, start, end, apart), []
    for table in KEPT:
        of_device = f"FROM {table} WHERE device = ?1"  # one bound above each: SQLite takes the first, not the narrowest
        query = (
            f"WITH RECURSIVE hop (at) AS (SELECT min(time) {of_device} AND time >= ?2 AND time < ?3 UNION ALL"  # noqa: S608 - ours
            f" SELECT coalesce((SELECT max(time) {of_device} AND time > hop.at AND time <= min(hop.at + ?4, ?3 - 1)),"
            f" (SELECT min(time) {of_device} AND time > hop.at AND time < ?3)) FROM hop WHERE hop.at IS NOT NULL)"
            " SELECT at FROM hop WHERE at IS NOT NULL"
        )
        found.append(np.fromiter(chain.from_iterable(db.execute(query, values)), np.int64))
    return np.union1d(*found)


def outcomes(db: rows.Db, start: int, end: int) -> list[Outcomes]:
    """See Store."""
    query = (
        'SELECT requirement, zone, start, "end", outcome, closed FROM verdict'
        ' WHERE "end" > ? AND start >= ? AND start < ? ORDER BY "end", id'
    )
    return [
        Outcomes(requirement, zone, Window(Micros(a), Micros(b)), outcome and Outcome(outcome), bool(closed))
        for requirement, zone, a, b, outcome, closed in db.execute(query, (start, start, end))
    ]


def since(db: rows.Db) -> Micros | None:
    """See Store."""
    return _first(db, [*FIRSTS, "SELECT min(began) AS at FROM visit", "SELECT min(start) AS at FROM verdict"])


def first_position(db: rows.Db) -> Micros | None:
    """See Store."""
    return _first(db, FIRSTS)


def _first(db: rows.Db, firsts: Sequence[str]) -> Micros | None:
    row = db.execute(f"SELECT min(at) FROM ({' UNION ALL '.join(firsts)}) AS firsts").fetchone()  # noqa: S608 - ours
    return None if row[0] is None else Micros(row[0])


def ask(db: rows.Db, asking: Asking) -> None:
    """See Store."""
    db.execute(
        'INSERT INTO asking (at, by, question, about, start, "end", purpose) VALUES (?,?,?,?,?,?,?)',
        [rows.plain(part) if isinstance(part, str) else part for part in asking],
    )


def askings(db: rows.Db, start: int, end: int) -> list[Asking]:
    """See Store."""
    query = (
        'SELECT at, by, question, about, start, "end", purpose FROM asking WHERE at >= ? AND at < ? ORDER BY at, seq'
    )
    return [Asking(*row) for row in db.execute(query, (start, end))]


def _inside(box: Box | None) -> tuple[str, tuple[float, ...]]:
    """Return the condition and its values."""
    if box is None:
        return "", ()
    where, values = "", []
    for name, low, high, each in (("lon", box.west, box.east, box.per_metre[0]),
                                  ("lat", box.south, box.north, box.per_metre[1])):  # fmt: skip
        where += f" AND {name} >= ? - ? * coalesce(accuracy_m, ?) AND {name} <= ? + ? * coalesce(accuracy_m, ?)"
        values += [low, each, box.unknown_m, high, each, box.unknown_m]
    return where, tuple(values)


def _by_warden(device: DeviceId, got: Sequence[Sequence[Any]]) -> dict[int, Fixes]:
    """Return rows of warden, time, lon, lat, accuracy as columns, by warden's number; 0 is nobody's."""
    if not got:
        return {}
    wardens, moments, *numbers = zip(*got, strict=True)
    held = np.array([warden or 0 for warden in wardens])
    whole = places(device, np.array(moments, np.int64), *(np.array(column, np.float64) for column in numbers))
    return {int(warden): whole.take(held == warden) for warden in np.unique(held)}
