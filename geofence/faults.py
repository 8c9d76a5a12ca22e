"""Faults in what people write (zones, plan, configuration): told all at once, each with where, what and the remedy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in one file."""

    file: str
    where: str
    """Line, key or feature id; empty for the file as a whole."""
    what: str
    remedy: str = ""
    warning: bool = False
    """Worth telling, but nothing is refused because of it."""

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}" if self.where else self.file
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}: {self.what}{remedy}"
