"""The embedded store: one SQLite file.

What must stay true here: write-ahead log with ``synchronous=FULL``, so that a commit that returned survives a power
cut; what is deleted is overwritten, and the log cut off once it may hold what was erased; one writing daemon a file,
held by a lock beside it; fixes sorted by their key before they are written; the file is readable by its owner alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path

from geofence.model import DeviceId, IntColumn, Micros
from trackerd.store import ledger, questions, rows
from trackerd.store.file import take, words
from trackerd.store.migrate import demand, migrate
from trackerd.store.sql import SqlStore
from trackerd.store.values import Batch, Committed, DataClass, StoreError

INSERT, MARKS = "INSERT INTO fix VALUES ", f"({','.join('?' * len(rows.COLUMNS))})"
DOUBLE = " ON CONFLICT DO NOTHING"
KEEP, REPLACE = INSERT + MARKS + DOUBLE, INSERT + MARKS + rows.BETTER
LOT = 16
"""Rows of one statement: to begin one costs something, too."""
KEEP_LOT = INSERT + ",".join([MARKS] * LOT) + DOUBLE
PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=5000", "cache_size=-16000",
    "wal_autocheckpoint=4000",
)  # fmt: skip
"""What is deleted is overwritten: a position kept no longer is not to be read from the file. Each device has a page of
its own in it, written again with each batch: to the file itself only when the log has come to 16 MB."""


_KEY = itemgetter(0, 1)
"""Device and time: the key by which rows lie in the file."""


class SqliteStore(SqlStore):
    """One file; ``:memory:`` for none."""

    def __init__(self, path: str, *, reading: bool = False, beside: bool = False) -> None:
        """Open the file, making it if it is not there; ``reading``, ``beside``: as it is, also while a daemon runs.

        Raises StoreError with a remedy.
        """
        super().__init__()
        self._path = path
        self._to_wipe = True
        """The log may hold what was erased: as far as a new process knows, an earlier one's too."""
        self._forgot = False
        """Something was let go of, and the log not cut off since."""
        self._lock = None if path == ":memory:" or reading or beside else take(Path(path))
        try:
            self._db = self._connect("ro" if reading else "rw" if beside else "")
        except BaseException as error:
            self._unlock()
            if isinstance(error, sqlite3.Error):
                raise StoreError(words(error, path)) from error
            raise
        if not (reading or beside):
            self._renew()

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        done = super().commit(batch)
        self._wipe(bool(batch.erased))
        return done

    def times(self, device: DeviceId, start: int, end: int, apart: int = 0) -> IntColumn:
        """See Store: from one moment to the last that is near it, a hop in the index instead of a row for each."""
        if not apart:
            return super().times(device, start, end)
        with self.reading() as db:
            return questions.hops(db, device, start, end, apart)

    def renumber(self, db: rows.Db) -> None:
        """See SqlStore: SQLite sees to it."""

    def damage(self) -> list[str]:
        """See SqlStore."""
        with self.reading() as db:
            found = [text for (text,) in db.execute("PRAGMA integrity_check").fetchall()]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """See Store."""
        self._db.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _connect(self, mode: str) -> sqlite3.Connection:
        if mode and not Path(self._path).exists():
            raise StoreError(f"{self._path}: there is no such file: has the daemon run yet, and with this [store] url?")
        name = f"{Path(self._path).resolve().as_uri()}?mode={mode}" if mode else self._path
        db = sqlite3.connect(name, uri=bool(mode), isolation_level=None, check_same_thread=False)
        try:
            if mode:
                demand(_version(db), self._path)
            else:
                self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")

        def step(number: int, statements: str) -> None:
            db.executescript(f"BEGIN IMMEDIATE; {statements} PRAGMA user_version = {number}; COMMIT;")

        migrate("sqlite", _version(db), step, self._path)

    def _wipe(self, erased: bool) -> None:
        """Cut off the log where it may hold what was erased, now and once the record is revised; else do nothing."""
        self._to_wipe |= erased
        if not self._to_wipe:
            return
        with self.reading() as db:
            revised = db.execute("SELECT 1 FROM dirty").fetchone() is None
            if not (erased or revised):
                return
            try:
                db.execute("PRAGMA busy_timeout=100")
                (held, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                held = 1  # somebody reads: the next commit tries again
            finally:
                db.execute("PRAGMA busy_timeout=5000")
        self._to_wipe = bool(held) or not revised

    def forget(self, what: DataClass, before: Micros, limit: int) -> int:
        """See Store: once nothing more is to be let go of, the log, which may hold it, is cut off."""
        gone = super().forget(what, before, limit)
        if self._forgot and not gone:
            self._wipe(erased=True)
        self._forgot = gone > 0
        return gone

    def _keep_fixes(self, db: rows.Db, batch: Batch) -> int:
        fixes, late = batch.fixes, {int(row) for row in batch.late}
        if not len(fixes):
            return 0
        made = self._rows(db, batch)
        on_time = sorted((row for number, row in enumerate(made) if number not in late) if late else made, key=_KEY)
        new = _keep(db, on_time)
        if new < len(on_time):
            db.executemany(REPLACE, on_time)
        news: list[tuple[DeviceId, Micros]] = []
        for number in sorted(late):
            inserted = db.execute(KEEP, made[number]).rowcount
            if inserted or db.execute(REPLACE, made[number]).rowcount:
                news.append((fixes.devices[int(fixes.device[number])], Micros(int(fixes.time[number]))))
            new += inserted
        ledger.soil(db, news)
        return new

    @contextmanager
    def transaction(self) -> Iterator[rows.Db]:
        """See SqlStore."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as error:
            self._names.clear()  # a name numbered in a transaction that did not happen has no number
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(words(error, self._path)) from error
            raise

    @contextmanager
    def reading(self) -> Iterator[rows.Db]:
        """See SqlStore."""
        try:
            yield self._db
        except sqlite3.Error as error:
            raise StoreError(words(error, self._path)) from error
        except ValueError as error:  # a state or an edition that cannot be read
            raise StoreError(f"{self._path}: {error}") from error


def _keep(db: rows.Db, made: Sequence[rows.Row]) -> int:
    """Write rows of moments not known; return how many those are."""
    whole = len(made) - len(made) % LOT
    lots = (tuple(chain.from_iterable(made[n : n + LOT])) for n in range(0, whole, LOT))
    new = int(db.executemany(KEEP_LOT, lots).rowcount) if whole else 0
    return new + (int(db.executemany(KEEP, made[whole:]).rowcount) if whole < len(made) else 0)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def back_up(source: Path, target: Path) -> int:
    """Write a consistent copy of a store, also while a daemon writes to it; return its bytes. Raises StoreError.

    It takes its name only when it is whole, on disk and was read again; what it is a copy of is not held up.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: name a file that is not")
    half = target.with_name(f".{target.name}.half")
    try:
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        uri = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as here, closing(sqlite3.connect(half)) as there:
            demand(_version(here), str(source))
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")  # one file
            if there.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise StoreError(f"{target}: the copy is damaged: check the disk, and {source}")
        _sync(half)
        half.rename(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        said = words(error, str(target)) if isinstance(error, sqlite3.Error) else f"{target}: {error.strerror}"
        raise StoreError(said) from error
    finally:
        half.unlink(missing_ok=True)
    return target.stat().st_size


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
