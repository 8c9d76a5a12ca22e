"""Which zones hold a point, asked of PostGIS: a server of its own, where one is installed.

What must stay true here: the zones have an index, which is used; a batch is one statement, its points and its answer
binary; so what is measured is the server, and is measured by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from geofence.model import FloatColumn, IntColumn
from tests.servers import Postgres

ASK = """
SELECT p.row - 1, z.number FROM unnest(%b::float8[], %b::float8[]) WITH ORDINALITY AS p (lon, lat, row)
JOIN zone z ON ST_Covers(z.shape, ST_Point(p.lon, p.lat, 4326))
"""
Asked = Callable[[FloatColumn, FloatColumn], tuple[IntColumn, IntColumn]]


@contextmanager
def server() -> Iterator[psycopg.Connection[Any] | None]:
    """Give a connection to a PostgreSQL with PostGIS; None where it is not installed."""
    made = Postgres("jit=off")
    made.start()
    try:
        with psycopg.connect(made.url, autocommit=True) as db:
            try:
                db.execute("CREATE EXTENSION postgis")
            except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
                yield None
                return
            yield db
    finally:
        made.stop()


def way(db: psycopg.Connection[Any], shapes: NDArray[Any]) -> Asked:
    """Load the zones; return what asks about a batch of points."""
    db.execute("DROP TABLE IF EXISTS zone; CREATE TABLE zone (number int, shape geometry(Geometry, 4326))")
    with db.cursor().copy("COPY zone FROM STDIN") as copy:
        for number, wkb in enumerate(shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)):
            copy.write_row((number, wkb))
    db.execute("CREATE INDEX ON zone USING gist (shape); ANALYZE zone; SET enable_seqscan = off")

    def ask(lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, IntColumn]:
        found = db.cursor(binary=True).execute(ASK, (lon.tolist(), lat.tolist())).fetchall()
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    return ask
