"""Brings a store's tables to the version this trackerd knows, step by step.

What must stay true here: each step, with the word that it was taken, is one transaction, so whoever is killed between
two of them or in the middle of one goes on where they were; a step, once released, is never edited: what changes is a
new one; a store of a newer version is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from trackerd.failpoint import fail_point
from trackerd.store.values import StoreError

VERSION = 4

Take = Callable[[int, str], None]
"""Takes one step: its number and its statements, in one transaction."""


def migrate(kind: str, version: int, take: Take, place: str) -> int:
    """Take every step from ``version`` on; return how many. Raises StoreError."""
    refuse_newer(version, place)
    for step in range(version + 1, VERSION + 1):
        fail_point("before-step")
        take(step, files("trackerd.store").joinpath(f"{kind}-{step}.sql").read_text("utf-8"))
        fail_point("after-step")
    return VERSION - version


def refuse_newer(version: int, place: str) -> None:
    """Raise StoreError where the store is beyond us."""
    if version > VERSION:
        raise StoreError(
            f"{place}: the store is of version {version}, this trackerd knows {VERSION}: install a newer trackerd"
        )


def demand(version: int, place: str) -> None:
    """Raise StoreError where the store is not of our version."""
    refuse_newer(version, place)
    if version < VERSION:
        what = f"its tables are of version {version}" if version else "no tables of ours are there"
        raise StoreError(f"{place}: {what}: run trackerd store migrate")
