"""The connection to PostgreSQL: made, fenced, and made again after it was lost.

What must stay true here: who writes holds the advisory lock of its schema on the very session it writes with, so there
is one writer, and once the lock is had again after a loss, whatever the lost session was about is over: done or
undone. A session that was lost is not quietly replaced under a writer: it is told, begins again from the record, and
only then may commit. No password in a text.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PipelineStatus, TransactionStatus

from trackerd import clock
from trackerd.store.values import StoreError, StoreHeld

LOCK: Final = 0x7472_6B64
"""The first half of our advisory locks' numbers; the second is of the schema."""
PATIENCE_S = 2.0
"""So long we wait for the lock: a session that was left or lost a moment ago may still be ending."""
PATIENT = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 15_000, "application_name": "trackerd",
}  # fmt: skip
"""A server that vanished is noticed before systemd's watchdog notices us; what the address says goes before."""
SETTINGS = (
    "SET client_min_messages = warning; SET timezone = 'UTC'; SET idle_in_transaction_session_timeout = '60s';"
    " SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""The server is to notice a vanished daemon too, or its lock would outlive it; a commit that returned is on disk."""

REMEDIES = {
    "53100": "the server's disk is full: make room", "53200": "the server is out of memory",
    "53300": "the server takes no more connections: raise max_connections, or stop something",
    "57014": "the statement was cancelled by somebody: it is tried again",
    "57P01": "the server was told to end our connection, or to stop: start it again",
    "57P02": "the server crashed and begins anew", "57P03": "the server is starting or stopping",
    "25006": "the server takes no writing (a standby?): name the primary one",
    "42501": "this user has no right to it: see docs/store.md", "28P01": "the password is wrong",
    "28000": "the server does not let this user in: see pg_hba.conf", "3D000": "there is no such database: create it",
    "25P03": "the transaction took too long and was ended", "42P01": "a table is missing: trackerd store check",
}  # fmt: skip
"""What the server's codes mean, and what to do."""


class _Lost(NamedTuple):
    """A session of ours that may still be at something."""

    pid: int
    began: Any


class Session:
    """A connection that understands the statements of ``rows``: ? for a value."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.connection = connection

    def execute(self, query: str, values: Sequence[Any] = (), *, binary: bool = False) -> Any:
        """Run it; return a cursor."""
        return self.connection.execute(_marked(query), values or None, binary=binary)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run it once a row, if there is any."""
        if listed := list(rows):
            with self.connection.cursor() as cursor:
                cursor.executemany(_marked(query), listed)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows in bulk."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
        with self.connection.cursor() as cursor, cursor.copy(statement) as copying:
            for row in rows:
                copying.write_row(row)


class Link:
    """Has a session, or makes one."""

    def __init__(self, url: str, password: str | None, *, reading: bool = False, fenced: bool = True) -> None:
        """Take the address; nothing is connected yet. Raises StoreError where it is none."""
        try:
            said = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise StoreError(f"the store's address is not understood: {str(error).strip()}") from None
        wishes: dict[str, Any] = PATIENT | said | ({"password": password} if password is not None else {})
        self._asked = make_conninfo("", **wishes)
        self.place = f"postgresql://{said.get('host', '')}/{said.get('dbname', said.get('service', ''))}"
        self._reading, self._fenced = reading, fenced
        self._session: Session | None = None
        self._last: _Lost | None = None
        self.estranged = False
        """Another session than the one the record was last read by: somebody may have written in between."""

    def session(self) -> Session:
        """Return the session, made anew if it was lost. Raises StoreError."""
        if self._session is None or self._session.connection.closed:
            self.close()
            self.estranged = self._last is not None
            try:
                self._session = self._connect()
            except psycopg.Error as error:
                raise StoreError(self.words(error)) from error
        return self._session

    def settle(self) -> None:
        """Give up a session that was left in the middle of something.

        A server that dies while a pipeline is being written can leave a connection that is neither closed nor able to
        roll back; nothing would ever work on it again.
        """
        if self._session is not None and not self._session.connection.closed:
            connection = self._session.connection.pgconn
            if (connection.transaction_status, connection.pipeline_status) != (
                TransactionStatus.IDLE,
                PipelineStatus.OFF,
            ):
                self._session.connection.close()

    def close(self) -> None:
        """Leave."""
        if self._session is not None:
            self._session.connection.close()
            self._session = None

    def words(self, error: psycopg.Error) -> str:
        """Say what went wrong and what to do."""
        if remedy := REMEDIES.get(error.sqlstate or ""):
            return f"{self.place}: {remedy}"
        said = (str(error).strip() or type(error).__name__).splitlines()
        if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
            return f"{self.place}: the server does not answer: start it, or mend the address ({said[-1].strip()})"
        return f"{self.place}: {said[0]}"

    def _connect(self) -> Session:
        connection = psycopg.connect(self._asked, autocommit=True)
        try:
            session = Session(connection)
            session.execute(SETTINGS)
            if self._reading:
                session.execute("SET default_transaction_read_only = on")
            if self._fenced:
                self._fence(session)
                found = session.execute("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
                self._last = _Lost(*found.fetchone())
        except BaseException:
            connection.close()
            raise
        return session

    def _fence(self, session: Session) -> None:
        """Take the lock; end the session we lost, if it is what holds it."""
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ? AND backend_start = ?"
        until = clock.monotonic() + PATIENCE_S
        while not session.execute(f"SELECT pg_try_advisory_lock({LOCK}, hashtext(current_schema()))").fetchone()[0]:
            if clock.monotonic() > until:
                raise StoreHeld(f"{self.place}: another trackerd is writing to it: stop that one first")
            if self._last is not None:
                session.execute(ending, self._last)
            time.sleep(0.05)


@lru_cache(256)
def _marked(query: str) -> bytes:
    return query.replace("?", "%s").encode()
