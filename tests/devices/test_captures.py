"""Recorded receivers against gpsd's own reading of them; ``tests/benchmarks/nmea_corpus.py`` does it for many more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.nmea_corpus import ODDITIES, measure
from tests.devices.reading import CAPTURES

LOGS = sorted(path for path in (CAPTURES / "nmea").glob("*.log") if path.with_name(path.name + ".chk").exists())
ALONE = {"foretrex-201.log": 1, "venus634lp.log": 1}
"""Fixes with no TPV near, in the logs whose oddity explains them."""
MISSED = {"april6_2019.log": 1, "tcp-torture.log": 1, "ublox8-uniqid-monhw.log": 2}
"""TPVs with no fix near, likewise."""
REFUSED = {"firefly-II.log": {"checksum": 23}, "april6_2019.log": {"bad-date": 1}}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_every_fix_agrees_with_gpsd_and_every_report_is_met(log: Path) -> None:
    row = measure(log)
    assert row.fixes
    assert len(row.alone) == ALONE.get(log.name, 0)
    assert len(row.missed) == MISSED.get(log.name, 0)
    assert not (row.alone or row.missed) or log.name in ODDITIES
    assert row.undated <= 1
    if log.name in REFUSED:
        assert row.bad == Counter(REFUSED[log.name])


def test_the_captures_are_met_as_a_whole() -> None:
    rows = [measure(log) for log in LOGS]
    assert sum(row.tpvs for row in rows) > 250
    assert sum(len(row.missed) for row in rows) <= 0.02 * sum(row.tpvs for row in rows)
