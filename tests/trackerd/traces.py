"""Looks for coordinates in every byte of every file, as text and as numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

DIGITS = 12
"""Decimals compared in text: thousands of random fixes within a few metres do not agree to so many by chance."""


def traces(files: Iterable[Path], numbers: Collection[float], digits: int = DIGITS) -> list[str]:
    """Return where one of these numbers stands: as text, or as an IEEE double at any offset in either byte order."""
    wanted = np.array(sorted(set(numbers)))
    texts = {f"{number:.{digits + 1}f}"[:-1].encode(): number for number in wanted.tolist()}
    written = re.compile(rb"\d{1,3}\.\d{%d}" % digits)
    found = []
    for file in files:
        content = file.read_bytes()
        found += [f"{texts[one]} in {file.name}, text" for one in written.findall(content) if one in texts]
        for offset in range(8):
            whole = content[offset : offset + (len(content) - offset) // 8 * 8]
            for order in "><":
                doubles = np.frombuffer(whole, np.dtype(f"{order}f8"))
                found += [f"{one} in {file.name}, {order}double" for one in doubles[np.isin(doubles, wanted)].tolist()]
    return found


def all_files(folder: Path) -> list[Path]:
    """Return every file under a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
