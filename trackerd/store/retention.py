"""What is kept no longer, out of an SQL store in batches.

What must stay true here: a device's exact positions go only up to a state kept of it, so what comes later can still be
told anew from there on; they are thinned before they go; nothing that waits to be told goes; a batch is a transaction
of its own and small, and whoever is stopped between two goes on where they were.
"""

from __future__ import annotations

from collections.abc import Callable

from geofence.model import EVER, Micros
from trackerd.store.rows import Db, put
from trackerd.store.values import DataClass

MINUTE = 60_000_000
OLD: dict[DataClass, list[tuple[str, str, str]]] = {
    "thinned_positions": [("fix_thin", "device, minute", "time < ?")],
    "events": [("event", "seq", "time < ? AND time > 0 AND seq NOT IN (SELECT seq FROM outbox)")],
    "visits": [("visit", "id", "began < ? AND (ended IS NULL OR ended < ?)")],
    "verdicts": [
        ("verdict", "id", '"end" < ? AND closed'), ("waiver", "requirement, zone, start", "start < ?"),
        ("rest", "warden, start", '"end" < ?'),
    ],
    "quarantine": [("quarantine", "id", "received < ?"), ("unheld", "device", "last < ?")],
    "access_log": [("asking", "seq", "at < ?")],
}  # fmt: skip
"""The tables of a class, their keys, and what of them is old. Waivers and breaks are what verdicts rest on. An event of
time 0 was erased: nothing is left of it but that it was told, so that it is not told again."""

Drop = Callable[[Db, int], int]
"""Drops at once what lies wholly before a moment, where the store can; returns how much that was."""


def forget(db: Db, what: DataClass, before: Micros, limit: int, drop: Drop) -> int:
    """See Store."""
    if what == "exact_positions":
        return _thin(db, limit) or _sweep(db, limit, drop)
    gone = 0
    for table, key, old in OLD[what]:
        query = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {old} LIMIT ?)"  # noqa: S608
        gone += db.execute(query, [before] * old.count("?") + [limit]).rowcount
    return gone


def advance(db: Db, before: Micros) -> None:
    """Move each device's horizon to its last state from ``before``; older states are of no use any more."""
    silent = "INSERT INTO checkpoint SELECT device, upto, state FROM track WHERE upto < ? AND upto > ?"
    db.execute(f"{silent} ON CONFLICT (device, upto) DO NOTHING", (before, EVER))
    query = (
        "SELECT name.id, name.name, max(checkpoint.upto), max(coalesce(horizon.thinned, ?)) FROM checkpoint"
        " JOIN name ON name.name = checkpoint.device LEFT JOIN horizon ON horizon.device = name.id"
        " WHERE checkpoint.upto < ? GROUP BY name.id, name.name"
        " HAVING max(checkpoint.upto) > max(coalesce(horizon.upto, ?))"
    )
    found = db.execute(query, (EVER, before, EVER)).fetchall()
    upto = [(number, upto, thinned) for number, _, upto, thinned in found]
    db.executemany(put("horizon", "device, upto, thinned", "device"), upto)
    db.executemany("DELETE FROM checkpoint WHERE device = ? AND upto < ?", [(name, upto) for _, name, upto, _ in found])


def _thin(db: Db, limit: int) -> int:
    """Take one position a minute of the next so many; return how many those were."""
    query = "SELECT device, thinned, upto FROM horizon WHERE thinned < upto LIMIT 1"
    for device, after, upto in db.execute(query).fetchall():
        last, count = _next(db, device, after, upto, limit)
        db.execute(
            "INSERT INTO fix_thin (device, minute, time, lon, lat, accuracy_m, warden)"  # noqa: S608 - a number of ours
            f" SELECT device, time / {MINUTE}, time, lon, lat, accuracy_m, warden FROM fix"
            " WHERE device = ? AND time > ? AND time <= ? ORDER BY time ON CONFLICT (device, minute) DO NOTHING",
            (device, after, last),
        )
        db.execute("UPDATE horizon SET thinned = ? WHERE device = ?", (last if count == limit else upto, device))
        return count or 1
    return 0


def _sweep(db: Db, limit: int, drop: Drop) -> int:
    """Let go of what was thinned: all that can go at once, then so many; return how much that was."""
    first = (
        "SELECT min((SELECT min(time) FROM fix WHERE fix.device = name.id AND time > coalesce(horizon.upto, ?)))"
        " FROM name LEFT JOIN horizon ON horizon.device = name.id"
    )
    (kept,) = db.execute(first, (EVER,)).fetchone()
    if kept is not None and (dropped := drop(db, kept)):
        return dropped
    left = (
        "SELECT device, upto FROM horizon WHERE EXISTS"
        " (SELECT 1 FROM fix WHERE fix.device = horizon.device AND fix.time <= horizon.upto) LIMIT 1"
    )
    for device, upto in db.execute(left).fetchall():
        last, count = _next(db, device, EVER, upto, limit)
        db.execute("DELETE FROM fix WHERE device = ? AND time <= ?", (device, last))
        return count
    return 0


def _next(db: Db, device: int, after: int, upto: int, limit: int) -> tuple[int, int]:
    """Return the moment of the last of the device's next so many fixes, and how many they are."""
    query = (
        "SELECT coalesce(max(time), ?), count(*) FROM"
        " (SELECT time FROM fix WHERE device = ? AND time > ? AND time <= ? ORDER BY time LIMIT ?) AS few"
    )
    last, count = db.execute(query, (upto, device, after, upto, limit)).fetchone()
    return int(last), int(count)
