"""A whole record from one store into another: SQLite and PostgreSQL, either way.

What must stay true here: rows go over as they are, numbers and all, in the order of their keys, so whoever was
stopped goes on after the last that arrived; at the end both are read again and compared row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from trackerd.store.rows import Db
from trackerd.store.sql import SqlStore
from trackerd.store.values import StoreError

KEYS = {
    "name": "id", "fix": "device, time", "fix_thin": "device, minute", "horizon": "device", "track": "device",
    "checkpoint": "device, upto", "dirty": "device", "rejudge": "device", "edition": "since", "event": "seq",
    "outbox": "route, seq", "trouble": "route, seq", "visit": "id", "verdict": "id", "frontier": "upto",
    "pulse": "device", "quarantine": "id", "rest": "warden, start", "waiver": "requirement, zone, start",
    "unheld": "device", "asking": "seq",
}  # fmt: skip
"""Every table that holds the record, and what its rows are in order of."""
TRUTHS = {"sos", "retracted", "closed", "dead"}
"""Columns that are true or false, and numbers in SQLite."""
PIECE = 20_000

Tell = Callable[[str, int], None]
"""Is told of each piece: the table, and how many rows more of it are done."""


class Differs(NamedTuple):
    """A table that is not the same in both."""

    table: str
    there: int
    here: int
    """Rows in the first and in the second."""


def copy(source: SqlStore, target: SqlStore, tell: Tell) -> None:
    """Copy what is not there yet. Raises StoreError."""
    for table in KEYS:
        with target.reading() as db:
            last = _last(db, table)
        for piece in _pieces(source, table, last):
            with target.transaction() as db:
                _write(db, table, _columns(db, table), piece)
            tell(table, len(piece))
    with target.transaction() as db:
        target.renumber(db)


def compare(source: SqlStore, target: SqlStore, tell: Tell) -> list[Differs]:
    """Return the tables that differ."""
    found = []
    for table in KEYS:
        rows = [0, 0]
        same = True
        pieces = [_pieces(store, table, None) for store in (source, target)]
        while any(pair := [next(each, []) for each in pieces]):
            same = same and pair[0] == pair[1]
            rows = [known + len(piece) for known, piece in zip(rows, pair, strict=True)]
            tell(table, len(pair[0]))
        if not same:
            found.append(Differs(table, *rows))
    return found


def count(store: SqlStore) -> int:
    """Return how many rows the whole record has."""
    with store.reading() as db:
        return sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in KEYS)  # noqa: S608 - ours


def _pieces(store: SqlStore, table: str, last: Sequence[Any] | None) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows beyond a key, in order."""
    key = KEYS[table]
    while True:
        with store.reading() as db:
            names = _columns(db, table)
            beyond = "" if last is None else f" WHERE ({key}) > ({','.join('?' * len(last))})"
            query = f"SELECT {','.join(names)} FROM {table}{beyond} ORDER BY {key} LIMIT {PIECE}"  # noqa: S608 - ours
            found = db.execute(query, last or ()).fetchall()
        if not found:
            return
        truths = {at for at, name in enumerate(names) if name.strip('"') in TRUTHS}
        yield [tuple(bool(v) if at in truths else v for at, v in enumerate(row)) for row in found]
        at = [names.index(name.strip()) for name in key.split(",")]
        last = [found[-1][n] for n in at]


def _last(db: Db, table: str) -> Sequence[Any] | None:
    key = KEYS[table]
    backwards = ", ".join(f"{name} DESC" for name in key.split(","))
    row: Sequence[Any] | None = db.execute(f"SELECT {key} FROM {table} ORDER BY {backwards} LIMIT 1").fetchone()  # noqa: S608
    return row


def _columns(db: Db, table: str) -> list[str]:
    named = [f'"{column[0]}"' for column in db.execute(f"SELECT * FROM {table} LIMIT 0").description]  # noqa: S608 - ours
    return [name if name == '"end"' else name.strip('"') for name in named]


def _write(db: Db, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    fast = getattr(db, "copy", None)
    if fast is not None:
        fast(table, columns, rows)
        return
    marks = ",".join("?" * len(columns))
    db.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - ours


def both(source: object, target: object) -> tuple[SqlStore, SqlStore]:
    """Return them if a record can be copied between them. Raises StoreError."""
    if not (isinstance(source, SqlStore) and isinstance(target, SqlStore)):
        raise StoreError("only SQLite files and PostgreSQL can be copied")
    return source, target
