"""Whether the record can be kept: the store's version, its room, and whether what it says is on disk is.

What must stay true here: the record is only read; how long the disk takes is measured beside it, with a file of our
own that is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from geofence.duration import words
from geofence.model import SECOND, to_micros
from trackerd import clock
from trackerd.assemble import opened, store_url
from trackerd.doctor.finding import Finding, Level, Patient
from trackerd.store import Store, StoreError
from trackerd.store.sql import SqlStore

LEAST_BYTES, LEAST_SHARE = 2 * 2**30, 0.1
"""Less room than both is told."""
SLOW_S = 0.1
"""A commit that takes longer holds up what comes after it."""
QUICK_S = 0.0001
"""No disk is so quick: something in between says that it is written and it is not."""
TRIES = 9


def look(patient: Patient) -> Iterator[Finding]:
    """Look at the store the configuration names."""
    url = store_url(patient.settings, patient.path)
    if url.startswith("sqlite:") and not (file := Path(url.removeprefix("sqlite:///"))).exists():
        yield Finding("store", "note", f"{file} is not there yet", "the daemon makes it at its first start")
        yield from _disk(file.parent)
        return
    try:
        with closing(opened(patient.settings, patient.path, reading=True)) as store:
            yield from _record(store)
            if isinstance(store, SqlStore) and not url.startswith("sqlite:"):
                yield from _server(store)
    except StoreError as error:
        yield Finding("store", "away", str(error), "docs/store.md says how each kind of store is set up")
    if url.startswith("sqlite:"):
        file = Path(url.removeprefix("sqlite:///"))
        yield Finding("store", "well", f"{file}: {file.stat().st_size / 1e6:,.1f} MB, SQLite {sqlite3.sqlite_version}")
        yield from _disk(file.parent)
    if (spool := patient.rooted(patient.settings.store.spool)) is not None and spool.parent.is_dir():
        yield from _room("spool", spool.parent)


def _record(store: Store) -> Iterator[Finding]:
    """Tell what in the record itself asks for somebody."""
    tally = store.tally()
    yield Finding("record", "well", f"{tally.fixes:,} positions, {tally.visits:,} visits, {tally.events:,} events")
    strays = ", ".join(one.device for one in tally.unheld[:10])
    if strays:
        yield Finding("record", "warning", f"heard, and in nobody's hands: {strays}; nothing of them is kept",
                      "write a [[duty]] for each, or take it out of service")  # fmt: skip
    now = to_micros(clock.now())
    for one in store.waiting():
        if one.dead:
            yield Finding(f"route {one.route}", "warning", f"{one.dead} events were set aside and never told",
                          "trackerd notify list says why; then trackerd notify resend")  # fmt: skip
        if one.untold and one.oldest is not None:
            age = words(max(now - one.oldest, 0) / SECOND)
            said = f"{one.untold} events wait, the oldest for {age}" + (f": {one.error}" if one.error else "")
            yield Finding(f"route {one.route}", "warning" if one.error else "note", said,
                          "trackerd notify list; a daemon that does not run tells nobody")  # fmt: skip


def _server(store: SqlStore) -> Iterator[Finding]:
    """Tell what a PostgreSQL says of itself, and how long it takes to be sure."""
    with store.reading() as db:
        version = db.execute("SHOW server_version").fetchone()[0]
        size = db.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        settings = {name: db.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "full_page_writes")}
        yield Finding("store", "well", f"PostgreSQL {version}, {size / 1e6:,.1f} MB")
        for name, value in settings.items():
            if value != "on":
                yield Finding("store", "fault", f"{name} is {value}: a power cut loses or destroys the record",
                              f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()")  # fmt: skip
    yield Finding("store", "note", "how much room the server's disk has, it does not tell", "df -h on its machine")


def _disk(folder: Path) -> Iterator[Finding]:
    if folder.is_dir():
        yield from _room("store", folder)
        if os.access(folder, os.W_OK):
            yield _pace(folder)


def _room(about: str, folder: Path) -> Iterator[Finding]:
    disk = shutil.disk_usage(folder)
    said = f"{folder}: {disk.free / 2**30:,.1f} GiB free of {disk.total / 2**30:,.1f}"
    if disk.free < LEAST_BYTES or disk.free < LEAST_SHARE * disk.total:
        level: Level = "fault" if disk.free < LEAST_BYTES / 10 else "warning"
        yield Finding(about, level, said, "make room: a full disk stops the record, and nothing is acknowledged then")
    else:
        yield Finding(about, "well", said)


def _pace(folder: Path) -> Finding:
    took = statistics.median(fsyncs(folder))
    said = f"{folder}: fsync takes {took * 1000:.2f} ms"
    if took > SLOW_S:
        return Finding("store", "warning", said, "a slow or worn disk, or a network's: put the store on another")
    if took < QUICK_S:
        said += ": no disk is so quick, so a power cut may lose what was said to be kept"
        return Finding("store", "warning", said, "memory (tmpfs) or a layer that ignores fsync: put it on a real disk")
    return Finding("store", "well", said)


def fsyncs(folder: Path, sync: Callable[[int], None] = os.fsync) -> list[float]:
    """Return how many seconds each of some small writes took to be on disk."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TRIES):
            file.write(b"\0" * 4096)
            file.flush()
            began = clock.monotonic()
            sync(file.fileno())
            took.append(clock.monotonic() - began)
    return took
