"""Draws the picture of the demo in the README: what it printed, an excerpt of it.

python -m tests.benchmarks.make_picture docs/demo.svg
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from trackerd.demo import show

EVENTS = 16
"""Lines of the morning shown before the summary."""


def main(target: Path) -> None:
    """Play the day and write the picture."""
    heard = io.StringIO()
    show(exit_=True, store=None, speed=36_000.0, console=Console(file=heard, width=92, highlight=False))
    lines = heard.getvalue().splitlines()
    summary = next(number for number, line in enumerate(lines) if line.lstrip().startswith("Zone "))
    morning = next(number for number, line in enumerate(lines) if line.startswith("09:4"))
    boxes = [line for line in lines[summary:] if " box " in line or "Zone " in line]
    picture = Console(file=io.StringIO(), record=True, width=92, highlight=False)
    picture.print("$ trackerd demo --exit", style="bold")
    for line in [*lines[morning : morning + EVENTS], "…", *boxes, "…", *lines[-2:]]:
        picture.print(line, markup=False)
    drawn = picture.export_svg(title="trackerd: a recorded day in Asse")
    target.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL))  # no font from anybody's server


if __name__ == "__main__":
    main(Path(sys.argv[1]))
