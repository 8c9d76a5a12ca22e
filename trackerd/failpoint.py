"""Places where a test may kill the process, to see that nothing is lost.

What must stay true here: without ``TRACKERD_FAIL_POINT`` in the environment this does nothing. ``NAME`` kills at the
first pass of that point, ``NAME:n`` at the n-th.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def fail_point(name: str) -> None:
    """Pass a named point; die here, as by a power cut, if the environment says so."""
    wanted = os.environ.get("TRACKERD_FAIL_POINT")
    if not wanted:
        return
    point, _, count = wanted.partition(":")
    if point == name:
        _passed[name] += 1
        if _passed[name] >= int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
