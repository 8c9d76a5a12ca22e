"""How often Python looks for rubbish that holds on to itself.

What must stay true here: it still looks. What was loaded stays as long as we do, and what a batch is made of is gone
with it, thousands of objects and hardly a ring among them: to look through it again and again is work for nothing.
"""

from __future__ import annotations

import gc

SELDOM = 100_000
"""Objects made and still there, before it looks."""


def seldom() -> None:
    """Look seldom from now on, and not among what is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM)
