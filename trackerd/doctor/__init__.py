"""`trackerd doctor`: what is wrong with this installation, and how to mend it.

What must stay true here: it only looks, changes nothing and takes nothing from a running daemon; one look that fails
hides no other; each takes seconds at most.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from trackerd.doctor import broker, certificates, clocks, compiled, daemon, files, ports, stores
from trackerd.doctor.finding import Finding, Look, Patient
from trackerd.load import load
from trackerd.town import build

LOOKS: tuple[Look, ...] = (
    files.look, clocks.look, stores.look, broker.look, certificates.look, ports.look, daemon.look,
    compiled.look,
)  # fmt: skip

log = logging.getLogger(__name__)


def examine(path: Path) -> Iterator[Finding]:
    """Yield all that is found in an installation, as it is found; what follows from files with faults is left out."""
    settings, faults = load(path)
    town = None
    if settings is not None:
        town, found = build(settings, path)
        faults += found
    for fault in faults:
        yield Finding("configuration", "warning" if fault.warning else "fault", str(fault), "see config/trackerd.toml")
    if settings is None:
        return
    if town is not None:
        said = f"{len(town.zones)} zones, {len(town.roster.duties)} duties, {len(settings.source)} sources"
        yield Finding("configuration", "well", f"{path}: {said}")
    patient = Patient(settings, path, town)
    for look in LOOKS:
        yield from _guarded(look, patient)


def _guarded(look: Look, patient: Patient) -> Iterator[Finding]:
    try:
        yield from look(patient)
    except Exception as error:
        log.debug("a look failed", exc_info=True)
        name = look.__module__.rpartition(".")[2]
        said = f"could not be looked at: {type(error).__name__}: {error}"
        yield Finding(name, "ours", said, "this is a fault of trackerd's: please report it, with this line")
