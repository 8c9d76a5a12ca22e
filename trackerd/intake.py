"""From chunks to fixes that may be kept: decoder, identity, duty gate, belief; counts what it refuses and why.

What must stay true here: who a device is comes from the transport or the configuration, never from what it sends;
the duty gate stands before everything else, so of a device off duty nothing goes on but a count; of what could not be
read only the shape is kept, for it may tell of any time and place; nothing a device sends raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import compress
from typing import cast

import numpy as np

from devices import DECODERS, duty
from devices.decoder import Bad, Decoder, Heartbeat, Pause, Said, Swift, Terse
from geofence.model import DeviceId, Fix, Fixes, IntColumn, Micros, WardenId, to_micros
from trackerd.chunk import Chunk
from trackerd.gate import FROM_THE_FUTURE, TOO_OLD, Gate, unbelievable
from trackerd.reading import Places, Read, joined
from trackerd.store import Break, Docketed, Pulse, Refusal, Unheld, Waiver
from trackerd.town import Town

MOST_STREAMS = 10_000
MOST_STRAYS = 1000
"""Devices nobody carries that are counted one by one in a batch; the rest together, as ``*``."""
DUTY = "duty"
"""The decoder of words about duty: it makes no fixes."""
TAGGING = "owntracks"
"""The decoder of an app that marks everything it sends on break."""
SHAPE = bytes.maketrans(
    bytes(range(256)),
    bytes(
        ord("0") if chr(n).isdigit() and n < 128 else ord("a") if 97 <= n <= 122 else ord("A") if 65 <= n <= 90
        else n if n < 128 else ord("?") for n in range(256)
    ),
)  # fmt: skip
"""Every digit a 0, every letter an a: what is left of a message says how it was built, and nothing else."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the bytes of one source are to be read."""

    decoder: str = "nmea"
    device: DeviceId | None = None
    live: bool = True
    """False for a file: when it was received says nothing of when it was measured."""


@dataclass(slots=True)
class Taken:
    """What a batch of chunks said, ready for the turn; columns match ``fixes``."""

    fixes: Fixes
    received: list[int] = field(default_factory=list)
    wardens: list[WardenId | None] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    gated: int = 0
    """What came off duty, on break or from a private zone: counted, not kept."""
    breaks: list[Break] = field(default_factory=list)
    """Those that what was said has changed, as they are now."""
    unheld: dict[DeviceId, Unheld] = field(default_factory=dict)
    waivers: list[Waiver] = field(default_factory=list)
    reopened: list[Docketed] = field(default_factory=list)
    """Cases to be judged again because of a waiver."""


class Intake:
    """The decoders of all streams, and the gate."""

    def __init__(self, wiring: Mapping[str, Wiring], town: Town, breaks: Iterable[Break] = ()) -> None:
        """``wiring``: how each source, by its name, is to be read. ``breaks``: those on disk."""
        self._wiring = wiring
        self._decoders: dict[tuple[str, str], Decoder] = {}
        self.gate = Gate(town, breaks)
        self.refused: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        """Fixes by source, of devices on duty: of the others no more is counted than how many there are in all."""
        self.heard: dict[str, datetime] = {}
        """When the last of them came."""

    @property
    def town(self) -> Town:
        """The town in force, with the breaks known."""
        return self.gate.town

    def take(self, chunks: Iterable[Chunk]) -> Taken:
        """Decode a batch of chunks; return what of it may be kept."""
        read: list[Read] = []
        taken = Taken(Fixes.of(()))
        for chunk in chunks:
            wiring = self._wiring[chunk.source]
            device = self._who(chunk, wiring)
            if device is None:
                self._refuse(taken, chunk, Bad("unknown-device", b"", "/".join(chunk.address)[:128]))
                continue
            received = to_micros(chunk.received)
            if (brief := self._terse(chunk, wiring, device)) is not None:
                self.gate.hear(device, brief.newest, received)
                read.append(Read(brief, chunk, received, wiring.live))
                continue
            for said in self._decode(chunk, wiring, device):
                self._hear(said, chunk, received, wiring, device, taken, read)
        self._keep(read, taken)
        return taken

    def again(self, taken: Taken) -> Taken:
        """Return what of a batch that had to wait may still be kept: a break may have been told meanwhile."""
        self.gate.recall(taken.breaks)
        _, passes = self.gate.admit(taken.fixes)
        rows = passes.nonzero()[0]
        return replace(
            taken, fixes=taken.fixes.take(rows), received=[taken.received[row] for row in rows],
            wardens=[taken.wardens[row] for row in rows], gated=taken.gated + len(taken.fixes) - len(rows),
        )  # fmt: skip

    def _terse(self, chunk: Chunk, wiring: Wiring, device: DeviceId) -> Places | None:
        """Return what a message says that says no more than places; a break may be over with it, so then it is not."""
        if not chunk.whole or chunk.retained or chunk.decoder == DUTY or self.town.roster.breaks:
            return None
        decoder = cast("type[Terse]", DECODERS[chunk.decoder or wiring.decoder])
        places = decoder.places(chunk.data) if hasattr(decoder, "places") else None
        return Places(decoder, device, places) if places else None

    def _decode(self, chunk: Chunk, wiring: Wiring, device: DeviceId) -> Sequence[Said | Fixes]:
        if chunk.decoder == DUTY:
            return [duty.read(device, chunk.data)]
        decoder = self._decoder(chunk, wiring, device)
        said: list[Said | Fixes]
        if not wiring.live and isinstance(decoder, Swift):
            said = decoder.receive_many(chunk.data)
        else:
            said = [*decoder.receive(chunk.data, chunk.received if wiring.live else None)]
        if chunk.whole or chunk.closed:
            said += decoder.end()
        if chunk.closed:
            del self._decoders[chunk.source, chunk.stream]
        return said

    def _decoder(self, chunk: Chunk, wiring: Wiring, device: DeviceId) -> Decoder:
        """Return the decoder of the chunk's stream."""
        key = (chunk.source, chunk.stream)
        decoder = self._decoders.get(key)
        if decoder is None:
            while len(self._decoders) >= MOST_STREAMS:  # the oldest stream forgets its half line
                del self._decoders[next(iter(self._decoders))]
            decoder = self._decoders[key] = DECODERS[chunk.decoder or wiring.decoder](device)
        return decoder

    def _who(self, chunk: Chunk, wiring: Wiring) -> DeviceId | None:
        """Return whose bytes these are: by the topic's binding, else by its levels; None if nobody known here."""
        if wiring.device is not None:
            return wiring.device
        if not chunk.address:
            return None  # a topic nobody asked for any more: the broker's session still has it
        enrolled = self.town.enrolled
        for topic, device in self.town.topics:
            if topic == chunk.stream:
                return device
        if not enrolled:
            return DeviceId("-".join(chunk.address))
        # The first level is the one a broker's ACL binds to the sender's user name; the second only names the
        # phone, so it counts only where the first names no device of ours.
        return next((DeviceId(level) for level in chunk.address if level in enrolled), None)

    def _note(self, fix: Fix, chunk: Chunk, received: Micros, wiring: Wiring, taken: Taken, read: list[Read]) -> None:
        """Take a fix; it waits until all the batch has been heard."""
        self.gate.hear(fix.device, fix.micros, received)
        if (chunk.decoder or wiring.decoder) == TAGGING:
            taken.breaks += self.gate.untagged(fix)
        read.append(Read(fix, chunk, received, wiring.live))

    def _hear(
        self, said: Said | Fixes, chunk: Chunk, received: Micros, wiring: Wiring, device: DeviceId, taken: Taken,
        read: list[Read],
    ) -> None:  # fmt: skip
        """Take one thing said."""
        if isinstance(said, Fix) and not chunk.retained:
            if wiring.live and said.device != device:  # a format that names its device, as CSV does
                self._refuse(taken, chunk, Bad("foreign-device", b""))
            else:
                self._note(said, chunk, received, wiring, taken, read)
        elif isinstance(said, Fixes):
            self.gate.hear_many(said, received)
            read.append(Read(said, chunk, received, wiring.live))
        elif isinstance(said, Pause):
            moment = received if wiring.live or said.start is None else to_micros(said.start)
            changed = None if chunk.retained else self.gate.said(said, moment)
            taken.breaks += changed or []
            taken.gated += changed is None
        elif wiring.live and not self.gate.open(device, received):
            self._turn_away(taken, device, received)
        elif isinstance(said, Bad):
            self._refuse(taken, chunk, said, device, whole=not wiring.live)
        elif wiring.live:
            why = said.why if isinstance(said, Heartbeat) else "retained"
            taken.pulses.append(Pulse(device, received, why, said.battery_pct))

    def _keep(self, read: list[Read], taken: Taken) -> None:
        """Let through the gate what of the fixes may be kept and can be true."""
        fixes, of = joined(read)
        holders, passes = self.gate.admit(fixes)
        self._count(read, of[passes])
        received = np.array([one.received for one in read], dtype=np.int64)[of]
        live = np.array([one.live for one in read], dtype=bool)[of]
        kept = passes & ~(live & unbelievable(fixes.time, received))
        for row in np.flatnonzero(~kept).tolist():
            if not passes[row]:
                self._turn_away(taken, fixes.devices[fixes.device[row]], Micros(int(received[row])))
            else:
                why = FROM_THE_FUTURE if fixes.time[row] > received[row] else TOO_OLD
                self._refuse(taken, read[of[row]].chunk, Bad(why, b""))
        taken.fixes = fixes.take(kept).lean() if not kept.all() else fixes
        taken.received = received[kept].tolist()
        taken.wardens = holders if kept.all() else list(compress(holders, kept.tolist()))

    def _count(self, read: Sequence[Read], of: IntColumn) -> None:
        """Count by source the fixes let through; ``of``: of which reading each is."""
        for one, count in zip(read, np.bincount(of, minlength=len(read)).tolist(), strict=True):
            if count:
                self.received[one.chunk.source] += count
                self.heard[one.chunk.source] = one.chunk.received

    def _turn_away(self, taken: Taken, device: DeviceId, received: Micros) -> None:
        if self.town.roster.knows(device):
            taken.gated += 1
            return
        known = taken.unheld.get(device)
        if known is None and len(taken.unheld) >= MOST_STRAYS:
            device = DeviceId("*")
            known = taken.unheld.get(device)
        times, last = (known.times, known.last) if known else (0, received)
        taken.unheld[device] = Unheld(device, times + 1, max(last, received))

    def _refuse(
        self, taken: Taken, chunk: Chunk, bad: Bad, device: DeviceId | None = None, *, whole: bool = False
    ) -> None:
        self.refused[bad.why] += 1
        data = bad.data if whole else bad.data.translate(SHAPE)
        taken.refusals.append(Refusal(chunk.source, to_micros(chunk.received), bad.why, bad.detail, data, device))


def counted(counts: Iterable[Unheld]) -> dict[DeviceId, Unheld]:
    """Return counts of the same device as one."""
    found: dict[DeviceId, Unheld] = {}
    for device, times, last in counts:
        known = found.get(device, Unheld(device, 0, last))
        found[device] = Unheld(device, known.times + times, max(known.last, last))
    return found
