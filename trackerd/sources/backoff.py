"""How long to wait before trying again.

What must stay true here: waits grow to a bound, differ between daemons that failed together (full jitter), and end at
once when the source is closed.
"""

from __future__ import annotations

import random
import threading


class Backoff:
    """Waits between attempts: each drawn from nothing up to a bound that doubles from ``first_s`` to ``most_s``."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self.first_s = first_s
        self.most_s = most_s
        self._bound = first_s

    def reset(self) -> None:
        """Begin again at the shortest wait: the last attempt was a success."""
        self._bound = self.first_s

    def wait(self, closed: threading.Event) -> bool:
        """Wait; True when closed meanwhile."""
        # A tenth of the bound at least: full jitter's zero would let an immediate failure spin.
        delay = random.uniform(self._bound / 10, self._bound)  # noqa: S311 (spreads load, guards nothing)
        self._bound = min(self._bound * 2, self.most_s)
        return closed.wait(delay)
