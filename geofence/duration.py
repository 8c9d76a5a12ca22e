"""Spans of time as people write them: "90s", "3m", "1h30m", "7d"; a bare number is seconds."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s?)?")
_SECONDS = (86_400, 3_600, 60, 1)
LONGEST_S = 10 * 366 * 86_400.0


def seconds(text: object) -> float:
    """Return the seconds of a span such as "3m".

    Raises ValueError, in words for the person who wrote it, where it is none, is negative or longer than ten years.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f'{text!r} is not a span of time: write "90s", "3m", "1h30m" or "7d"')
    match = _PARTS.fullmatch(str(text).strip().replace(" ", ""))
    if match is None or not any(match.groups()) or len(str(text)) > 32:
        raise ValueError(f'{str(text)[:40]!r} is not a span of time: write "90s", "3m", "1h30m" or "7d"')
    total = sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)
    if not total <= LONGEST_S:
        raise ValueError(f"{text!r} is longer than ten years")
    return total


def words(span_s: float) -> str:
    """Return the span as people write it, to the second."""
    left, parts = round(span_s), []
    for unit, name in zip(_SECONDS, "dhms", strict=True):
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"
