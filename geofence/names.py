"""The ids of what is named.

What must stay true here: an id says what it names, the same whoever computes it; nothing here knows a person. This is
compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID

from geofence.model import DeviceId, VisitId, ZoneId

NAMESPACE = UUID("6f0c6e4c-6d0f-5c3e-9a53-7a2b4d1f8e10")
"""The name space of every id derived from what it names (RFC 9562, version 5)."""
_SPACE = NAMESPACE.bytes


def named(text: str) -> str:
    """Return the UUID, version 5 (RFC 9562), of what the text names: the same whoever computes it.

    ``uuid.uuid5`` says the same in eight times the time, and each event has two.
    """
    digest = bytearray(sha1(_SPACE + text.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    digits = digest.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def visit_id(device: DeviceId, zone: ZoneId, began: int) -> VisitId:
    """Return the id of the visit of ``device`` to ``zone`` that began then: the same whoever computes it."""
    return VisitId(named(f"visit|{device}|{zone}|{began}"))
