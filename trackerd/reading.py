"""What was read from a batch of chunks, made columns.

What must stay true here: fixes keep the order in which they were read, whichever way each was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, cast

import numpy as np

from devices.decoder import Place, Terse
from geofence.model import DeviceId, Fix, Fixes, IntColumn, Micros, pooled
from trackerd.chunk import Chunk


class Places(NamedTuple):
    """What one message said, read as numbers."""

    decoder: type[Terse]
    device: DeviceId
    places: list[Place]

    @property
    def newest(self) -> Micros:
        """The moment of the newest of them."""
        return Micros(round(max([place[0] or 0.0 for place in self.places]) * 1e6))


class Read(NamedTuple):
    """Fixes that were read from one chunk, and how it came in."""

    fixes: Fix | Fixes | Places
    chunk: Chunk
    received: Micros
    live: bool


def joined(read: Sequence[Read]) -> tuple[Fixes, IntColumn]:
    """Return all fixes that were read, in their order, and which of ``read`` each is of."""
    pieces: list[Fixes] = []
    lengths: list[int] = []
    for kind, group in groupby(read, key=_kind):
        fixes = [one.fixes for one in group]
        if kind is Fix:
            pieces.append(Fixes.of(cast("list[Fix]", fixes)))
            lengths += [1] * len(fixes)
        elif kind is Fixes:
            pieces += cast("list[Fixes]", fixes)
            lengths += [len(one) for one in cast("list[Fixes]", fixes)]
        else:
            messages = cast("list[Places]", fixes)
            pieces.append(_of_places(messages))
            lengths += [len(one.places) for one in messages]
    return pooled(pieces), np.repeat(np.arange(len(read)), lengths)


def _kind(read: Read) -> type:
    """Return what is read alike: fixes one by one, as columns, or the places of one decoder."""
    return read.fixes.decoder if isinstance(read.fixes, Places) else type(read.fixes)


def _of_places(messages: Sequence[Places]) -> Fixes:
    index: dict[DeviceId, int] = {}
    number = [index.setdefault(one.device, len(index)) for one in messages]
    device = np.repeat(np.array(number, np.int64), [len(one.places) for one in messages])
    return messages[0].decoder.columns(tuple(index), device, [place for one in messages for place in one.places])
