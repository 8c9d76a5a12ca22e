"""Whether the daemon runs, is watched, and can be measured.

What must stay true here: systemd is asked, not told; a machine without it is no fault.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from geofence.duration import words
from trackerd.assemble import inbox_folder
from trackerd.doctor.asking import answer
from trackerd.doctor.finding import Finding, Level, Patient
from trackerd.inbox import attended, stillness

UNIT = "trackerd.service"
WANTED = "LoadState,UnitFileState,ActiveState,SubState,StatusText,Type,WatchdogUSec,NRestarts,Result"
STILL_S = 60.0
"""As long as the unit's watchdog waits."""
JOURNAL = "journalctl -u trackerd -p warning -n 50"


def look(patient: Patient) -> Iterator[Finding]:
    """Look at the process, its unit and its figures."""
    runs = attended(inbox_folder(patient.settings, patient.path))
    if runs:
        yield _turning(inbox_folder(patient.settings, patient.path))
    else:
        remedy = f"systemctl start trackerd; why it ended: {JOURNAL}"
        yield Finding("daemon", "away", "no daemon runs on this installation", remedy)
    yield from _unit()
    yield _measured(patient, runs)


def _turning(folder: Path) -> Finding:
    still = stillness(folder)
    if still < STILL_S:
        return Finding("daemon", "well", "runs on this installation")
    return Finding(
        "daemon", "away", f"has stood still for {words(still)}", "systemctl restart trackerd; is the disk well?"
    )


def _unit() -> Iterator[Finding]:
    said = answer("systemctl", "show", UNIT, f"--property={WANTED}")
    if said is None:
        yield Finding(
            "unit", "note", "systemd does not answer here; nothing watches the daemon", "use a system with it"
        )
        return
    unit = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    if unit.get("LoadState") != "loaded":
        yield Finding(
            "unit", "warning", f"{UNIT} is not installed", "install the package, or copy systemd/ of the sources"
        )
        return
    if unit.get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
        yield Finding("unit", "warning", "it is not started with the machine", "systemctl enable trackerd")
    state = f"{unit.get('ActiveState')} ({unit.get('SubState')})"
    level: Level = "well" if unit.get("ActiveState") == "active" else "away"
    status = f": {unit['StatusText']}" if unit.get("StatusText") else ""
    yield Finding("unit", level, state + status, "" if level == "well" else JOURNAL)
    if int(unit.get("NRestarts") or 0) > 3:
        yield Finding("unit", "warning", f"restarted {unit['NRestarts']} times since it was started", JOURNAL)
    if unit.get("WatchdogUSec") in ("0", "infinity", "", None) or unit.get("Type") != "notify":
        yield Finding("watchdog", "warning", "a daemon that hangs is not restarted",
                      "in the unit: Type=notify and WatchdogSec=60")  # fmt: skip
    else:
        yield Finding("watchdog", "well", f"a daemon that hangs is restarted after {unit['WatchdogUSec']}")


def _measured(patient: Patient, runs: bool) -> Finding:
    section = patient.settings.metrics
    if section.port is None:
        return Finding("metrics", "note", "no figures are served, so no alert can fire", "[metrics] port = 9884")
    url = f"http://{section.host}:{section.port}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=5) as answered:
            said = answered.read().decode("utf-8", "replace")
    except (OSError, urllib.error.URLError) as error:
        why = getattr(error, "reason", error)
        remedy = "start the daemon" if not runs else "the daemon was started before [metrics] was written: restart it"
        return Finding("metrics", "away", f"{url}: {why}", remedy)
    if "trackerd_build_info" not in said:
        return Finding("metrics", "fault", f"{url}: somebody else answers there", "choose another [metrics] port")
    outside = section.host not in ("127.0.0.1", "::1", "localhost")
    note = "; whoever reaches that address may read them" if outside else ""
    return Finding("metrics", "well", f"{url}: {said.count(chr(10))} lines{note}")
