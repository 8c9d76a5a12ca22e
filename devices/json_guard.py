"""What is refused of JSON before it is read, cheaply.

What must stay true here: the cost is one pass over at most ``LIMIT`` bytes. The rest the typed reading refuses by
itself: NaN and Infinity are no JSON to it, a number beyond a float's range or a text in a number's place is an error,
and members it does not know are skipped unread.
"""

from __future__ import annotations

import re

from devices.decoder import LIMIT
from devices.position import RefusedError

DEEPEST = 8
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""A text; one that never ends goes to the end, so that no byte is looked at twice."""
_BRACKET = re.compile(rb"[][{}]")


def check_json(data: bytes) -> None:
    """Refuse what is too long, not UTF-8, no object, or nested too deep."""
    if len(data) > LIMIT:
        raise RefusedError("too-long", f"more than {LIMIT} bytes")
    data.decode()
    if not data.lstrip().startswith(b"{"):
        raise RefusedError("not-an-object", "not a JSON object")
    if data.count(b"{") + data.count(b"[") > DEEPEST and _depth(_TEXT.sub(b"", data)) > DEEPEST:
        raise RefusedError("too-deep", f"nested more than {DEEPEST} deep")


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(data):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
