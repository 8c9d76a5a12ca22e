"""Tries zones with made-up walks, in a process of its own: JSON in, JSON out.

What must stay true here: it takes seconds of reckoning, which in the daemon's own process the turn would have to wait
for; here it has the lowest priority, an end in sight, and goes when the daemon goes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from geofence import geojson
from geofence.track import Rules
from geofence.trial import Advice, Habits, advise, chances, size
from geofence.zones import Zone
from trackerd.web.problem import ProblemError

LIMIT_S = 25.0
WAIT_S = 5.0
_one = threading.BoundedSemaphore(1)


def tried(zones: Sequence[Zone], habits: Habits, rules: Rules, counsel: bool) -> list[dict[str, Any]]:
    """Return what was found of each zone. Raises ProblemError where it takes too long, or somebody else is at it."""
    under = asdict(replace(rules, speeds=()))  # tried with a device of no name
    asked = {"zones": geojson.write(zones), "habits": asdict(habits), "rules": under, "counsel": counsel}
    command = [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "trackerd.web.lint_worker"]
    if not _one.acquire(timeout=WAIT_S):
        raise ProblemError(503, "somebody else is trying zones; try again", headers={"Retry-After": "10"})
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            command, input=json.dumps(asked).encode(), stdout=subprocess.PIPE, timeout=LIMIT_S, check=True
        )
    except subprocess.TimeoutExpired:
        raise ProblemError(503, "it takes too long: name fewer zones, or a finer accuracy") from None
    finally:
        _one.release()
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _try(zone: Zone, habits: Habits, rules: Rules, counsel: bool) -> dict[str, Any]:
    large, found = size(zone), chances(zone, habits, rules)
    advice: list[Advice] = advise(zone, habits, rules) if counsel and not found.good else []
    return {
        "zone": zone.id, "name": zone.name, "kind": zone.kind, "radius_m": round(large.radius_m, 1),
        "circle": bool(large.circle), "hectares": round(large.hectares, 4), "dwell_s": zone.dwell_s or habits.dwell_s,
        "proven": round(found.proven, 3), "mistaken": round(found.mistaken, 3), "good": bool(found.good),
        "advice": [{"what": one.what, "value": one.value, "proven": round(one.chances.proven, 3)} for one in advice],
    }  # fmt: skip


def main() -> None:
    """Answer once."""
    os.nice(19)
    asked = json.load(sys.stdin)
    zones, _ = geojson.read(json.dumps(asked["zones"]).encode(), "")
    habits, rules = Habits(**asked["habits"]), Rules(**{**asked["rules"], "speeds": ()})
    json.dump([_try(zone, habits, rules, asked["counsel"]) for zone in zones], sys.stdout)


if __name__ == "__main__":
    main()
