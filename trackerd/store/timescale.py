"""What PostgreSQL does better with TimescaleDB, where the database has it and its licence allows.

What must stay true here: all of it may be missing, and every answer is the same; nothing is made that is there. Under
``timescaledb.license = apache`` there are chunks and no more; compression and the hourly counts kept ready are of the
Community licence.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from trackerd.store.postgres_link import Session

Edition = Literal["", "apache", "timescale"]


def edition(session: Session) -> Edition:
    """Return under which licence the extension is in this database; empty where it is not."""
    if session.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        return ""
    (licence,) = session.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return "apache" if licence == "apache" else "timescale"


def chunked(session: Session) -> bool:
    """Return whether the fixes lie in chunks by day."""
    query = (
        "SELECT 1 FROM timescaledb_information.hypertables"
        " WHERE hypertable_schema = current_schema() AND hypertable_name = 'fix'"
    )
    return edition(session) != "" and session.execute(query).fetchone() is not None


def settle(session: Session) -> bool:
    """Put the fixes into chunks and let them be compressed; return whether anything was done.

    A table that is full already is rewritten, which takes as long as it takes.
    """
    licence = edition(session)
    if not licence or chunked(session):
        return False
    with session.connection.transaction():
        for name in ("timescale-chunks.sql", *(["timescale-community.sql"] if licence == "timescale" else [])):
            session.connection.execute(files("trackerd.store").joinpath(name).read_bytes())
    return True


def drop_chunks(session: Session, before: int) -> int:
    """Drop the chunks that hold nothing from ``before`` on; return how many."""
    if not chunked(session):
        return 0
    dropped = len(session.execute("SELECT drop_chunks('fix', older_than => ?::bigint)", (before,)).fetchall())
    query = "SELECT 1 FROM timescaledb_information.continuous_aggregates WHERE view_schema = current_schema()"
    if session.execute(query).fetchone() is not None:
        session.execute("SELECT drop_chunks('fix_hourly', older_than => ?::bigint)", (before,))
    return dropped
