"""Where tables are printed.

What must stay true here: a table is fitted to a terminal alone; a file or a program reads every row whole, in one line.
"""

from __future__ import annotations

from rich.console import Console

WIDE = 10_000
"""Columns: more than any row has."""


def paper(*, markup: bool = False) -> Console:
    """Return standard output for tables; ``markup``: what is in square brackets says how it looks."""
    console = Console(soft_wrap=True, highlight=False, markup=markup, emoji=False)
    if not console.file.isatty():  # whatever FORCE_COLOR says of colours
        console.width = WIDE
    return console
