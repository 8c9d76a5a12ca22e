"""From chunks to fixes that may be kept: decoder, identity, duty gate, belief; counts what it refuses and why.

What must stay true here: who a device is comes from the transport or the configuration, never from what it sends;
the duty gate stands before everything else, so of a device off duty nothing goes on but a count, not even the bytes
of what could not be read; nothing a device sends raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devices import DECODERS
from devices.decoder import Bad, Decoder, Heartbeat, Said
from geofence.model import DeviceId, Fix, Fixes, Micros, WardenId, to_micros
from trackerd.chunk import Chunk
from trackerd.store import Pulse, Refusal
from trackerd.town import Town

FUTURE = timedelta(minutes=10)
"""A fix may be so far ahead of our clock: a tracker's own may be wrong by as much."""
PAST = timedelta(days=7)
"""And so far behind: a tracker may keep its fixes through a holiday."""
MOST_STREAMS = 10_000


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
    """Fixes of devices off duty: counted, not kept."""


class Intake:
    """The decoders of all streams, and the gate."""

    def __init__(self, wiring: Mapping[str, Wiring], town: Town) -> None:
        """``wiring``: how each source, by its name, is to be read."""
        self._wiring = wiring
        self._decoders: dict[tuple[str, str], Decoder] = {}
        self.town = town
        self.refused: Counter[str] = Counter()

    def take(self, chunks: Iterable[Chunk]) -> Taken:
        """Decode a batch of chunks; return what of it may be kept."""
        fixes: list[Fix] = []
        taken = Taken(Fixes.of(()))
        for chunk in chunks:
            wiring = self._wiring[chunk.source]
            device = self._who(chunk, wiring)
            received = to_micros(chunk.received)
            if device is None:
                self._refuse(taken, chunk, Bad("unknown-device", b"", "/".join(chunk.address)[:128]), keep=False)
                continue
            for said in self._decode(chunk, wiring, device):
                if isinstance(said, Fix) and not chunk.retained:
                    self._admit(said, chunk, wiring, taken, fixes, received)
                elif isinstance(said, Bad):
                    on_duty = self.town.roster.holder(device, received) is not None or not wiring.live
                    self._refuse(taken, chunk, said, keep=on_duty)
                elif wiring.live and self.town.roster.holder(device, received) is not None:
                    why = said.why if isinstance(said, Heartbeat) else "retained"
                    taken.pulses.append(Pulse(device, received, why, said.battery_pct))
        taken.fixes = Fixes.of(fixes)
        return taken

    def _decode(self, chunk: Chunk, wiring: Wiring, device: DeviceId) -> list[Said]:
        key = (chunk.source, chunk.stream)
        decoder = self._decoders.get(key)
        if decoder is None:
            while len(self._decoders) >= MOST_STREAMS:  # the oldest stream forgets its half line
                del self._decoders[next(iter(self._decoders))]
            decoder = self._decoders[key] = DECODERS[chunk.decoder or wiring.decoder](device)
        said = decoder.receive(chunk.data, chunk.received if wiring.live else None)
        if chunk.whole or chunk.closed:
            said += decoder.end()
        if chunk.closed:
            del self._decoders[key]
        return said

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

    def _admit(self, fix: Fix, chunk: Chunk, wiring: Wiring, taken: Taken, fixes: list[Fix], received: Micros) -> None:
        if wiring.live and fix.device != self._who(chunk, wiring):  # a format that names its device, as CSV does
            self._refuse(taken, chunk, Bad("foreign-device", b""))
            return
        warden = self.town.roster.holder(fix.device, fix.micros)
        if warden is None and not fix.sos:
            taken.gated += 1
            return
        why = believable(fix, chunk.received) if wiring.live else None
        if why is not None:
            self._refuse(taken, chunk, Bad(why, b""))
            return
        fixes.append(fix)
        taken.received.append(received)
        taken.wardens.append(warden)

    def _refuse(self, taken: Taken, chunk: Chunk, bad: Bad, *, keep: bool = True) -> None:
        self.refused[bad.why] += 1
        data = bad.data if keep else b""
        taken.refusals.append(Refusal(chunk.source, to_micros(chunk.received), bad.why, bad.detail, data))


def believable(fix: Fix, received: datetime) -> str | None:
    """Return why a fix received then cannot be true, or None."""
    if fix.time > received + FUTURE:
        return "from-the-future"
    if fix.time < received - PAST:
        return "too-old"
    return None
