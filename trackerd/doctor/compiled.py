"""Whether what is done with every fix is compiled, as it is meant to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geofence import lookup
from trackerd.doctor.finding import Finding, Patient


def look(_: Patient) -> Iterator[Finding]:
    """Look at what was installed."""
    if Path(lookup.__file__).suffix == ".py":
        yield Finding(
            "speed", "note", "not compiled: fixes are followed all the same, but a tenth to a quarter as many a second",
            "apt install gcc python3-dev, and install trackerd anew; for a few wardens it makes no difference",
        )  # fmt: skip
