"""Whether a store is sound: what is in it, and what in it fits nothing else.

What must stay true here: it only looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trackerd.store.copy import KEYS
from trackerd.store.sql import SqlStore
from trackerd.store.values import StoreError, Waiting

ORPHANS = {
    "letters in the outbox of no event": (
        "SELECT count(*) FROM outbox WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.seq = outbox.seq)"
    ),
    "troubles of no letter": (
        "SELECT count(*) FROM trouble WHERE NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.route = trouble.route AND outbox.seq = trouble.seq)"
    ),
    "positions of a device without a name": (
        "SELECT count(*) FROM fix WHERE NOT EXISTS (SELECT 1 FROM name WHERE name.id = fix.device)"
    ),
    "devices with states and no name": (
        "SELECT count(*) FROM track WHERE NOT EXISTS (SELECT 1 FROM name WHERE name.name = track.device)"
    ),
    "visits that ended before they began": "SELECT count(*) FROM visit WHERE ended < began",
    "windows that ended before they began": 'SELECT count(*) FROM verdict WHERE "end" < start',
}
"""What should not be, and what counts it."""


@dataclass
class Findings:
    """What was found."""

    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def check(store: SqlStore) -> Findings:
    """Look at everything. Raises StoreError where the store cannot be read at all."""
    found = Findings(faults=store.damage())
    with store.reading() as db:
        for table in KEYS:
            found.counts[table] = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
        for what, query in ORPHANS.items():
            number = db.execute(query).fetchone()[0]
            if number:
                found.faults.append(f"{number} {what}")
    for read in (store.tracks, store.editions, store.open_cases):
        try:
            read()
        except StoreError as error:
            found.faults.append(str(error))
    found.waiting = store.waiting()
    return found
