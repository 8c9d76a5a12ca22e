"""What a page is: a title, a few facts, tables with typed cells, notes.

What must stay true here: a cell holds a value, never its words: each format says it in its own way; a column's ``key``
and a table's are the same in every language, for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from trackerd.report.speech import Speech

Cell = str | int | float | date | None


class Sort(Enum):
    """What kind of value it is."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    """With one decimal."""
    TIME = "time"
    """Microseconds UTC; said as day and time."""
    CLOCK = "clock"
    """The same, said as time of day where the day is known."""
    DAY = "day"
    SPAN = "span"
    """Seconds."""
    METRES = "metres"
    SHARE = "share"
    """From 0 to 1."""
    POINTS = "points"
    """A change of a share."""


class Column(NamedTuple):
    """One column."""

    key: str
    label: str
    sort: Sort = Sort.TEXT


class Fact(NamedTuple):
    """One thing worth knowing, above the tables."""

    key: str
    label: str
    value: Cell
    sort: Sort = Sort.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str
    """What is said where there is no row."""


@dataclass(frozen=True, slots=True)
class Page:
    """All that answers one question."""

    key: str
    title: str
    facts: Sequence[Fact]
    tables: Sequence[Table]
    notes: Sequence[str]
    speech: Speech
    period: tuple[int, int] | None = None
    """Microseconds; for programs, a fact of it is for people."""


def said(cell: Cell, sort: Sort, speech: Speech) -> str:
    """Return a cell in words."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, date):
        return speech.short(cell)
    return _ways(speech)[sort](cell)


def _ways(speech: Speech) -> dict[Sort, Callable[[Any], str]]:
    return {
        Sort.COUNT: speech.number, Sort.NUMBER: lambda value: speech.number(value, "#,##0.0"), Sort.TIME: speech.time,
        Sort.CLOCK: speech.clock, Sort.SPAN: speech.span, Sort.METRES: speech.metres, Sort.SHARE: speech.share,
        Sort.POINTS: speech.points,
    }  # fmt: skip
