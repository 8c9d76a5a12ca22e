"""The room's own book: accounts, sessions, and who has seen to which event.

What must stay true here: no password and no session token can be read from it (argon2id, SHA-256 of 256 random bits);
a session ends when it is idle, when it is old, and when its account's password or role changes; the record is not
touched: the book is a file of its own beside it, readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from geofence.model import SECOND, Micros, to_micros
from trackerd import clock
from trackerd.inbox import give
from trackerd.store import StoreError

ROLES = ("viewer", "coordinator", "administrator", "warden")
NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
LEAST = 12
"""Letters of a password (NIST SP 800-63B, 3.1.1.2 asks fifteen where it stands alone; two more guards stand here)."""
TOUCH_US = 60 * SECOND
"""A session's last use is noted to the minute."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, warden TEXT, hash TEXT, made INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (
    token BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    began INTEGER NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acknowledgement (
    event TEXT PRIMARY KEY, by TEXT NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS acknowledgement_at ON acknowledgement (at);
"""


class Account(NamedTuple):
    """Somebody who may come in."""

    name: str
    role: str
    warden: str | None = None
    """Whose own data a warden sees."""
    local: bool = True
    """Has a password; else only the proxy can say it is them."""


class Ack(NamedTuple):
    """Somebody has seen to an event."""

    by: str
    at: Micros
    note: str


class BookError(ValueError):
    """What cannot be written into the book; the text says why."""


class Book:
    """One file; safe from any thread."""

    def __init__(self, path: Path | None, hasher: PasswordHasher | None = None) -> None:
        """Open or make it; None: in memory. Raises StoreError with a remedy."""
        self._lock = threading.Lock()
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex())
        """What an unknown name's password is compared with, that it takes as long."""
        try:
            if path is not None and not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                give(path, path.absolute().parent)  # made by root with `trackerd user`, and the daemon's to use
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: {error}: give this user the right to write there, or name another file "
                             "with http.accounts") from error  # fmt: skip

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # accounts

    def accounts(self) -> list[Account]:
        """Return every account, by name."""
        with self._use() as db:
            rows = db.execute("SELECT name, role, warden, hash IS NOT NULL FROM account ORDER BY name").fetchall()
        return [Account(name, role, warden, bool(local)) for name, role, warden, local in rows]

    def account(self, name: str) -> Account | None:
        """Return the account of that name."""
        with self._use() as db:
            query = "SELECT name, role, warden, hash IS NOT NULL FROM account WHERE name = ?"
            row = db.execute(query, (name,)).fetchone()
        return None if row is None else Account(row[0], row[1], row[2], bool(row[3]))

    def add(self, account: Account, password: str | None, *, short: bool = False) -> None:
        """Write an account in; without a password only a proxy can say it is them. Raises BookError."""
        _check(account)
        hashed = None if password is None else self._hashed(password, short)
        values = (account.name, account.role, account.warden, hashed, to_micros(clock.now()))
        with self._use() as db:
            if db.execute("INSERT OR IGNORE INTO account VALUES (?,?,?,?,?)", values).rowcount == 0:
                raise BookError(f"there is an account {account.name!r} already: change it with trackerd user password")

    def remove(self, name: str) -> None:
        """Strike an account out, with its sessions. Raises BookError."""
        with self._use() as db:
            if db.execute("DELETE FROM account WHERE name = ?", (name,)).rowcount == 0:
                raise BookError(f"there is no account {name!r}: see trackerd user list")

    def change(self, name: str, password: str) -> None:
        """Give an account another password; its sessions end. Raises BookError."""
        hashed = self._hashed(password, short=False)
        with self._use() as db:
            if db.execute("UPDATE account SET hash = ? WHERE name = ?", (hashed, name)).rowcount == 0:
                raise BookError(f"there is no account {name!r}: see trackerd user list")
            db.execute("DELETE FROM session WHERE name = ?", (name,))

    def verified(self, name: str, password: str) -> Account | None:
        """Return whose password that is; it takes as long where it is nobody's."""
        with self._use() as db:
            row = db.execute("SELECT hash FROM account WHERE name = ? AND hash IS NOT NULL", (name,)).fetchone()
        try:
            self._hasher.verify(self._nobody if row is None else row[0], password)
        except (Argon2Error, InvalidHashError):
            return None
        return self.account(name) if row is not None else None

    # sessions

    def begin(self, name: str, end_s: float) -> str:
        """Begin a session; return its token, which is kept nowhere."""
        token, now = secrets.token_urlsafe(32), to_micros(clock.now())
        with self._use() as db:
            db.execute("DELETE FROM session WHERE began < ?", (now - round(end_s * SECOND),))
            db.execute("INSERT INTO session VALUES (?,?,?,?)", (hashed(token), name, now, now))
        return token

    def whose(self, token: str, idle_s: float, end_s: float) -> Account | None:
        """Return whose session that is, if it lasts still, and note that it was used."""
        now, key = to_micros(clock.now()), hashed(token)
        query = (
            "SELECT used, name, role, warden, hash IS NOT NULL FROM session JOIN account USING (name)"
            " WHERE token = ? AND began > ? AND used > ?"
        )
        with self._use() as db:
            row = db.execute(query, (key, now - round(end_s * SECOND), now - round(idle_s * SECOND))).fetchone()
            if row is not None and row[0] < now - TOUCH_US:
                db.execute("UPDATE session SET used = ? WHERE token = ?", (now, key))
        return None if row is None else Account(row[1], row[2], row[3], bool(row[4]))

    def end(self, token: str) -> None:
        """End a session."""
        with self._use() as db:
            db.execute("DELETE FROM session WHERE token = ?", (hashed(token),))

    # who has seen to it

    def acknowledge(self, event: str, ack: Ack, keep_s: float) -> Ack:
        """Note that somebody has seen to an event; who was first stays. What is older than ``keep_s`` is forgotten."""
        with self._use() as db:
            db.execute("DELETE FROM acknowledgement WHERE at < ?", (ack.at - round(keep_s * SECOND),))
            db.execute("INSERT OR IGNORE INTO acknowledgement VALUES (?,?,?,?)", (event, *ack))
            by, at, note = db.execute("SELECT by, at, note FROM acknowledgement WHERE event = ?", (event,)).fetchone()
        return Ack(by, Micros(at), note)

    def acknowledged(self, events: Iterable[str]) -> dict[str, Ack]:
        """Return who has seen to which of these."""
        asked = list(events)
        found: dict[str, Ack] = {}
        with self._use() as db:
            for first in range(0, len(asked), 500):
                some = asked[first : first + 500]
                marks = ",".join("?" * len(some))
                query = f"SELECT event, by, at, note FROM acknowledgement WHERE event IN ({marks})"  # noqa: S608 - marks
                found |= {event: Ack(by, Micros(at), note) for event, by, at, note in db.execute(query, some)}
        return found

    def _hashed(self, password: str, short: bool) -> str:
        if len(password) < LEAST and not short:
            raise BookError(f"the password is too short: take {LEAST} letters at least, such as four words")
        return self._hasher.hash(password)

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise StoreError(f"the accounts: {error}") from error


def hashed(token: str) -> bytes:
    """Return what is kept of a token: it is random enough to need no salt."""
    return hashlib.sha256(token.encode()).digest()


def _check(account: Account) -> None:
    if not NAME.fullmatch(account.name):
        raise BookError(f"{account.name!r} is no name for an account: letters, digits, . _ @ and -, 64 at most")
    if account.role not in ROLES:
        raise BookError(f"{account.role!r} is no role: there are {', '.join(ROLES)}")
    if (account.role == "warden") != (account.warden is not None):
        raise BookError("a warden's account names the warden it is of with --warden, and no other does")
