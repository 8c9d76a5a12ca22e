"""The turn: what is told carries what was asked for, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from geofence.model import SECOND, Fixes, Micros
from tests.geofence.walks import town, walk
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import record
from trackerd.store import MemoryStore, Told
from trackerd.town import Town


def play(positions: bool, batch: int) -> list[Told]:
    here = Town(town())
    house = House(Intake({}, here), MemoryStore(), here, "/trackerd/test", positions=positions)
    fixes = walk("w1", 3)
    told: list[Told] = []
    for a in range(0, len(fixes), batch):
        some = fixes[a : a + batch]
        taken = Taken(Fixes.of(some), [0] * len(some), [None] * len(some))
        told += record(house, taken, Micros(some[-1].micros)).events
    return told


@pytest.mark.parametrize("batch", [1, 1000])
def test_positions_go_out_only_where_wished(batch: int) -> None:
    assert not any("lon" in told.body["data"] for told in play(positions=False, batch=batch))
    told = [one for one in play(positions=True, batch=batch) if one.zone is not None]
    assert len(told) > 4
    fixes = {fix.micros: fix for fix in walk("w1", 3)}
    for one in told:
        assert one.said is not None
        last = max(at for at in fixes if at <= max(one.said.event.decided, one.time))
        assert (one.body["data"]["lon"], one.body["data"]["lat"]) == (fixes[last].lon, fixes[last].lat)
        assert one.said.event.decided - last < 600 * SECOND
    assert np.isfinite([one.body["data"]["lat"] for one in told]).all()
