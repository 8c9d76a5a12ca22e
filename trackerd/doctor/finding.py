"""What the doctor finds: one thing each, how bad it is, and what helps.

What must stay true here: whatever is not well has a remedy; no finding holds a coordinate, a password or a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from trackerd.config import Settings
from trackerd.town import Town

Level = Literal["well", "note", "warning", "fault", "away", "ours"]
"""note: worth knowing; warning: works, but not for long or not as it should; fault: to be mended in files or rights;
away: a service that is needed is not there; ours: the doctor itself failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found."""

    about: str
    """What was looked at, as ``broker`` or ``source post``."""
    level: Level
    says: str
    remedy: str = ""


class Patient(NamedTuple):
    """What is looked at."""

    settings: Settings
    path: Path
    """Of the configuration: other files are named from its folder."""
    town: Town | None
    """None where a file of it has faults."""

    def rooted(self, file: Path | None) -> Path | None:
        """Return where a file named in the configuration is."""
        return None if file is None else self.path.parent / file


Look = Callable[[Patient], Iterator[Finding]]
