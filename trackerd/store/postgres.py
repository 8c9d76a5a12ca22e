"""The store in PostgreSQL, for a town that has a server.

What must stay true here: the same answers as the embedded store, with TimescaleDB or without; a batch is one
transaction, its fixes go in by binary COPY sorted by their key; after a commit nobody heard the outcome of, nothing is
repeated before the record was read again; what the server cannot take of the data is no absence of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from geofence.engine import Saved
from geofence.model import FLOAT_COLUMNS, DeviceId, Micros
from trackerd.store import ledger, rows, timescale
from trackerd.store.migrate import demand, migrate
from trackerd.store.postgres_link import Link, Session
from trackerd.store.sql import SqlStore
from trackerd.store.values import Batch, Committed, StoreError

TYPES = ["int4", "int8", *("float8" for _ in FLOAT_COLUMNS), "int4", "bool", "int4", "int8"]
"""Of the columns of table ``fix``."""
INCOMING = "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE fix) ON COMMIT DELETE ROWS"
COPY = "COPY incoming FROM STDIN (FORMAT BINARY)"
INSERT = "INSERT INTO fix SELECT * FROM incoming ORDER BY device, time"
KEEP, REPLACE = INSERT + " ON CONFLICT (device, time) DO NOTHING", INSERT + rows.BETTER
NEWS = " RETURNING device, time"

Key = tuple[int, int]


class PostgresStore(SqlStore):
    """One schema of one database."""

    def __init__(self, url: str, *, reading: bool = False, beside: bool = False, password: str | None = None) -> None:
        """Connect; the tables are there (see ``prepare``). Raises StoreError with a remedy."""
        super().__init__()
        self._link = Link(url, password, reading=reading, fenced=not (reading or beside))
        try:
            with self._telling():
                demand(version(self._link.session()), self._link.place)
            if not (reading or beside):
                self._renew()
        except BaseException:
            self._link.close()
            raise

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        self._link.session()
        if self._link.estranged:
            raise StoreError(f"{self._link.place}: the connection was lost and is back: begin again from the record")
        return super().commit(batch)

    def tracks(self) -> list[Saved]:
        """See Store."""
        found = super().tracks()
        self._link.estranged = False
        return found

    def renumber(self, db: rows.Db) -> None:
        """See SqlStore."""
        for table, key in (("name", "id"), ("event", "seq"), ("quarantine", "id"), ("asking", "seq")):
            last = f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), max({key})) FROM {table}"  # noqa: S608
            db.execute(last)

    def damage(self) -> list[str]:
        """See SqlStore: the server has tools of its own, pg_amcheck for one."""
        return []

    def close(self) -> None:
        """See Store."""
        self._link.close()

    def _keep_fixes(self, db: rows.Db, batch: Batch) -> int:
        if not len(batch.fixes):
            return 0
        assert isinstance(db, Session)
        best, late = self._best(db, batch)
        db.execute(INCOMING)
        with db.connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for key in sorted(best):
                copy.write_row(best[key])
        new, changed = _run(db, KEEP, late)
        if new < len(best):
            changed |= _run(db, REPLACE, late)[1]
        names = {number: DeviceId(name) for name, number in self._names.items()}
        ledger.soil(db, [(names[device], Micros(time)) for device, time in sorted(late & changed)])
        return new

    def _drop(self, db: rows.Db, before: int) -> int:
        assert isinstance(db, Session)
        return timescale.drop_chunks(db, before)

    def _best(self, db: rows.Db, batch: Batch) -> tuple[dict[Key, rows.Row], set[Key]]:
        """Return of each moment the row that stays, and of which moments that one came late."""
        made, late = self._rows(db, batch), {int(row) for row in batch.late}
        best: dict[Key, rows.Row] = {}
        lates: set[Key] = set()
        for number in sorted(range(len(made)), key=late.__contains__):
            row = made[number]
            key, known = row[:2], best.get(row[:2])
            if known is None or rows.row_rank(row) < rows.row_rank(known):
                best[key] = row
                if number in late:
                    lates.add(key)
        return best, lates

    @contextmanager
    def transaction(self) -> Iterator[rows.Db]:
        """See SqlStore."""
        with self._telling():
            try:
                session = self._link.session()
                with session.connection.transaction():
                    yield session
            except BaseException:
                self._names.clear()  # a name numbered in a transaction that did not happen has no number
                raise

    @contextmanager
    def reading(self) -> Iterator[rows.Db]:
        """See SqlStore."""
        with self._telling():
            try:
                yield self._link.session()
            except ValueError as error:  # a state or an edition that cannot be read
                raise StoreError(f"{self._link.place}: {error}") from error

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise ValueError(f"PostgreSQL cannot keep this: {type(error).__name__}") from error
        except psycopg.Error as error:
            raise StoreError(self._link.words(error)) from error
        finally:
            self._link.settle()


def prepare(url: str, password: str | None = None) -> int:
    """Make the tables, or bring them to this version; return how many steps that took. Raises StoreError.

    TimescaleDB, where the database has it, is made use of.
    """
    link = Link(url, password)
    try:
        session = link.session()

        def take(step: int, statements: str) -> None:
            with session.connection.transaction():
                session.connection.execute(statements.encode())
                session.execute("CREATE TABLE IF NOT EXISTS trackerd_schema (version INTEGER NOT NULL)")
                session.execute("DELETE FROM trackerd_schema")
                session.execute("INSERT INTO trackerd_schema VALUES (?)", (step,))

        taken = migrate("postgres", version(session), take, link.place)
        return taken + timescale.settle(session)
    except psycopg.Error as error:
        raise StoreError(link.words(error)) from error
    finally:
        link.close()


def version(session: Session) -> int:
    """Return the version of the tables; 0 where there are none."""
    if session.execute("SELECT to_regclass('trackerd_schema')").fetchone()[0] is None:
        return 0
    found = session.execute("SELECT version FROM trackerd_schema").fetchone()
    return int(found[0]) if found else 0


def _run(db: Session, statement: str, late: set[Key]) -> tuple[int, set[Key]]:
    """Run it; return how many rows it changed, and where somebody must know, which."""
    cursor: Any = db.execute(statement + NEWS if late else statement)
    return cursor.rowcount, set(cursor.fetchall()) if late else set()
