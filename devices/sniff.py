"""Which decoder a file wants, by what is in it; by its name only where the content does not tell.

What must stay true here: every name returned is one of ``DECODERS``; a doubtful file gets none, and a person is asked.
No pattern takes more than one pass over what is looked at, whatever the file holds.
"""

from __future__ import annotations

import re

ENOUGH = 16 * 1024
"""Bytes of a file's beginning that are looked at: recorded logs open with comments."""
BOM = b"\xef\xbb\xbf"
GPX = re.compile(rb"<(?:\w{1,20}:)?gpx\b", re.IGNORECASE)
WORD = re.compile(rb"\w+")
LONGITUDE = {b"lon", b"lng", b"longitude"}
LATITUDE = {b"lat", b"latitude"}
CONTENT = (
    ("gpsd", re.compile(rb'^\{[^{}]*"class"\s*:\s*"(?:VERSION|DEVICES|DEVICE|WATCH|TPV|SKY)"', re.MULTILINE)),
    ("owntracks", re.compile(rb'"_type"\s*:\s*"\w')),
    ("lorawan", re.compile(rb'"(?:uplink_message|deduplicationId)"\s*:')),
    ("nmea", re.compile(rb"\$[A-Z0-9]{4,10},[^$\r\n*]*\*[0-9A-Fa-f]{2}")),
)
SUFFIXES = {
    ".nmea": "nmea", ".log": "nmea", ".gpx": "gpx", ".csv": "csv",
    ".rec": "owntracks", ".otrk": "owntracks", ".gpsd": "gpsd",
}  # fmt: skip


def sniff(head: bytes, filename: str) -> str | None:
    """Return the name of the decoder for a file that begins so (unpacked) and is called so, or None."""
    head = head[:ENOUGH].removeprefix(BOM).lstrip()
    if head[:1] == b"<" and GPX.search(head):
        return "gpx"
    first = head.partition(b"\n")[0].lower()
    words = set(WORD.findall(first))
    if words & LONGITUDE and words & LATITUDE and head[:1] not in b"<$#" and b"{" not in first:
        return "csv"
    for name, pattern in CONTENT:
        if pattern.search(head):
            return name
    return SUFFIXES.get("." + filename.lower().removesuffix(".gz").rpartition(".")[2])
