"""Which decoder a file wants, by what is in it; by its name only where the content does not tell.

What must stay true here: every name returned is one of ``DECODERS``; a doubtful file gets none, and a person is asked.
"""

from __future__ import annotations

import re
from pathlib import PurePath

ENOUGH = 16 * 1024
"""Bytes of a file's beginning that are looked at: recorded logs open with comments."""
CONTENT = (
    ("gpx", re.compile(rb"\A\s*<(\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<?[\w:]*gpx\b", re.DOTALL | re.IGNORECASE)),
    ("gpsd", re.compile(rb'^\s*\{[^{}]*"class"\s*:\s*"(VERSION|DEVICES|DEVICE|WATCH|TPV|SKY)"', re.MULTILINE)),
    ("owntracks", re.compile(rb'"_type"\s*:\s*"\w+"')),
    (
        "csv",
        re.compile(rb"\A\s*(?=[^\r\n]*\btime\b)(?=[^\r\n]*\blon\b)(?=[^\r\n]*\blat\b)[^\r\n{<$]*[\r\n]", re.IGNORECASE),
    ),
    ("nmea", re.compile(rb"\$[A-Z0-9]{4,10},[^$\r\n*]*\*[0-9A-Fa-f]{2}")),
)
SUFFIXES = {
    ".nmea": "nmea", ".log": "nmea", ".gpx": "gpx", ".csv": "csv",
    ".rec": "owntracks", ".otrk": "owntracks", ".gpsd": "gpsd",
}  # fmt: skip


def sniff(head: bytes, filename: str) -> str | None:
    """Return the name of the decoder for a file that begins so (unpacked) and is called so, or None."""
    head = head[:ENOUGH].removeprefix(b"\xef\xbb\xbf")
    for name, pattern in CONTENT:
        if pattern.search(head):
            return name
    path = PurePath(filename.lower())
    return SUFFIXES.get(path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix)
