"""A word about duty: what a warden's phone says when a break begins or ends.

    break   resume                                                     that is all a button has to send
    {"duty":"break","from":1767254400,"until":"2026-01-01T12:30:00Z"}  from, until: epoch seconds or ISO 8601 with zone

What must stay true here: as of every decoder, nothing sent raises; who says it was told by the transport.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from devices import position
from devices.decoder import LIMIT, Bad, Pause
from devices.json_guard import check_json
from devices.position import RefusedError
from geofence.model import DeviceId

BREAK = frozenset({"break", "pauze", "pause"})
RESUME = frozenset({"resume", "hervat", "reprise", "weiter"})
WRITE = 'write break or resume, or {"duty":"break","until":"2026-01-01T12:30:00Z"}'


class _Word(msgspec.Struct, forbid_unknown_fields=True):
    duty: str
    start: float | str | None = msgspec.field(name="from", default=None)
    until: float | str | None = None


_word = msgspec.json.Decoder(_Word)


def read(device: DeviceId, data: bytes) -> Pause | Bad:
    """Return what a message says, or why it says nothing."""
    try:
        if len(data) > LIMIT:
            raise RefusedError("too-long", f"a message of more than {LIMIT} bytes")
        text = data.decode("utf-8").strip()
        if not text.startswith("{"):
            return Pause(device, _on(text))
        check_json(data)
        word = _word.decode(data)
        return Pause(device, _on(word.duty), _time(word.start), _time(word.until))
    except RefusedError as fault:
        return Bad(fault.why, b"", fault.detail)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Bad("no-duty-word", b"", WRITE)


def _on(word: str) -> bool:
    said = word.strip().strip('"').casefold()
    if said not in BREAK | RESUME:
        raise RefusedError("no-duty-word", WRITE)
    return said in BREAK


def _time(said: float | str | None) -> datetime | None:
    if said is None:
        return None
    if isinstance(said, float | int):
        return position.seconds_to_time(said)
    return position.iso_to_time(said)
