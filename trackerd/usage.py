"""What commands have in common: where the configuration is, how an answer is written, how they end.

What must stay true here: nothing heavy is loaded, for ``--help`` loads this.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

FAULTS, AWAY, OURS = 1, 3, 70
"""Exit codes: the input or configuration has faults, a needed service is not there, a fault of ours."""
CONFIG = Path("/etc/trackerd/trackerd.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a TOML file.")]


class Shape(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


def span(text: str, option: str) -> float:
    """Return the seconds a span says, at least one; ``option``: whose it is."""
    from geofence.duration import seconds

    try:
        return max(seconds(text), 1.0)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def positive(text: str) -> float:
    """Return the number a speed says."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise typer.BadParameter("write max, or a number above 0", param_hint="--speed")
    return number
