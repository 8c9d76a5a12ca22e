"""Fixes, events and states as rows of an SQL store, and back.

What must stay true here: what is read back is equal to what was written, to the last bit; every statement is one that
SQLite and PostgreSQL both understand, ``?`` standing for a value.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Protocol

import msgspec
import numpy as np
from pydantic import TypeAdapter

from geofence.engine import Saved
from geofence.event import Event, Kind, Visit, changed
from geofence.geojson import read, write
from geofence.model import FLOAT_COLUMNS, DeviceId, Fixes, FloatColumn, Micros
from geofence.wire import dump_track, load_track
from geofence.zones import ZoneSet
from trackerd.store.values import Batch, Docketed, Said

FIX = ("time", *FLOAT_COLUMNS, "flags", "sos")
COLUMNS = ("device", *FIX, "warden", "received")
"""Of table ``fix``."""
_VALUES = ("accuracy_m", "lon", "lat", *FLOAT_COLUMNS[3:], "flags")

Row = tuple[Any, ...]


class Db(Protocol):
    """What runs a statement: a connection to either."""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Any:
        """Run it; return a cursor of tuples."""

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run it once a row."""


def of_zone(zone: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the condition that asks for one zone only, and its values; nothing where all are wanted."""
    return ("", ()) if zone is None else (" AND zone = ?", (zone,))


def put(table: str, columns: str, key: str) -> str:
    """Return the statement that keeps a row in the place of any of the same key."""
    named = [name.strip() for name in columns.split(",")]
    keys = {name.strip() for name in key.split(",")}
    new = ", ".join(f"{name} = excluded.{name}" for name in named if name not in keys)
    marks = ",".join("?" * len(named))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {new}"  # noqa: S608


def rank(row: str) -> str:
    """Return the SQL row value by which the least of two fixes of one moment stays."""
    values = [f"{row}.{name} IS NULL, coalesce({row}.{name}, 0)" for name in _VALUES]
    return f"(NOT {row}.sos, {', '.join(values)})"


_RANKED = [COLUMNS.index(name) for name in _VALUES]
_SOS = COLUMNS.index("sos")


def row_rank(row: Row) -> Row:
    """Return the same of a row of table ``fix``."""
    return (not row[_SOS], *((row[at] is None, row[at] or 0) for at in _RANKED))


BETTER = (
    " ON CONFLICT (device, time) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])
    + f" WHERE {rank('excluded')} < {rank('fix')}"
)


def plain(text: str) -> str:
    """Return the text without what some store cannot keep: NUL, and halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def fix_rows(batch: Batch, devices: Sequence[int], wardens: Sequence[int | None]) -> list[Row]:
    """Return the rows of table ``fix``, in the batch's order; ``devices`` and ``wardens`` by their numbers."""
    fixes = batch.fixes
    columns: list[Any] = [[devices[index] for index in fixes.device.tolist()], fixes.time.tolist()]
    columns += [_nulls(getattr(fixes, name)) for name in FLOAT_COLUMNS]
    columns += [fixes.flags.tolist(), (fixes.sos != 0).tolist(), wardens or [None] * len(fixes)]
    columns.append(list(batch.received) or [None] * len(fixes))
    return list(zip(*columns, strict=True))


def to_fixes(device: DeviceId, rows: Sequence[Sequence[Any]]) -> Fixes:
    """Return the fixes of rows of the columns FIX."""
    named = dict(zip(FIX, zip(*rows, strict=True), strict=True))
    whole: dict[str, Any] = {name: np.array(named[name], dtype=np.int64) for name in ("time", "flags", "sos")}
    numbers: dict[str, Any] = {name: np.array(named[name], dtype=np.float64) for name in FLOAT_COLUMNS}  # NULL is NaN
    return Fixes(devices=(device,), device=np.zeros(len(rows), np.int64), **whole, **numbers)


_EVENT = Event.__struct_fields__
_facts = attrgetter(*_EVENT)


def dump_event(event: Event) -> str:
    """Return the event in the engine's own words."""
    return text_of({name: value for name, value in zip(_EVENT, _facts(event), strict=True) if value is not None})


def text_of(document: dict[str, Any]) -> str:
    """Return it as JSON. Raises TypeError where it holds what JSON cannot."""
    return msgspec.json.encode(document).decode()


def said_row(said: Said | None) -> Row:
    """Return decided, visit, revision, warden, team and said of a row of table ``event``."""
    if said is None:
        return (None,) * 6
    event, visit = said.event, said.event.visit
    about = (visit.id, visit.revision) if visit is not None else (None, None)
    return (event.decided, *about, said.warden, said.team, dump_event(event))


def load_event(text: str, decided: int) -> Event:
    """Return the event of ``dump_event``, as decided at that moment."""
    said = json.loads(text)
    visit = said.pop("visit", None)
    made = Event(kind=Kind(said.pop("kind")), visit=visit and Visit(**{"ended": None} | visit), **said)
    return changed(made, decided=Micros(decided))


def dump_saved(saved: Saved) -> tuple[DeviceId, Micros, str]:
    """Return the row of tables ``track`` and ``checkpoint``."""
    return saved.track.device, saved.upto, dump_track(saved.track)


def load_saved(upto: int, state: str) -> Saved:
    """Return the state of such a row; ValueError if it is of another version."""
    return Saved(load_track(state), Micros(upto))


def dump_zones(zones: ZoneSet) -> bytes:
    """Return an edition of the zones as compressed GeoJSON: who scans our files for places finds only people's."""
    return zlib.compress(json.dumps(write(zones), separators=(",", ":"), ensure_ascii=False).encode())


def load_zones(data: bytes, version: str) -> ZoneSet:
    """Return the edition; ValueError if it is not the one that was written."""
    try:
        zones = ZoneSet(read(zlib.decompress(data), "the store")[0])
    except zlib.error:
        zones = ZoneSet()
    if zones.version != version:
        raise ValueError(f"the edition {version} of the zones is damaged: restore the last backup")
    return zones


def _nulls(column: FloatColumn) -> Sequence[float | None]:
    """Return the numbers, None for NaN. Mostly a tracker says something always or never."""
    unknown, values = np.isnan(column), list[float](column.tolist())
    if not unknown.any():
        return values
    return [None] * len(values) if unknown.all() else [None if math.isnan(value) else value for value in values]


_CASE = TypeAdapter(Docketed)


def dump_case(docketed: Docketed) -> tuple[object, ...]:
    """Return the row of a case."""
    case, verdict = docketed.case, docketed.verdict
    outcome = verdict and verdict.outcome.value
    key = (case.id, case.requirement, case.zone, case.window.start, case.window.end)
    return (*key, outcome, docketed.closed, docketed.revision, docketed.event, _CASE.dump_json(docketed).decode())


def load_case(said: str) -> Docketed:
    """Return the case of a row."""
    return _CASE.validate_json(said)
