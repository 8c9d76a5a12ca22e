"""Pages as text: a table on the terminal, CSV, JSON.

What must stay true here: no cell of a CSV is taken for a formula by a spreadsheet, whoever wrote the name in it; JSON
and the keys in it are the same in every language.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from geofence.wire import moment
from trackerd.report.page import Cell, Page, Sort, Table, said

RIGHT = {Sort.COUNT, Sort.NUMBER, Sort.SPAN, Sort.METRES, Sort.SHARE, Sort.POINTS}
"""Sorts of values that stand to the right of their column."""
PAPER = 160
"""Characters a line where there is no terminal to ask."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width counts too
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class CsvWishes:
    """How a CSV is to be written."""

    semicolon: bool = False
    """For Excel as it is set up in Belgium: semicolons, decimal commas, times it understands."""
    bom: bool = False
    table: str | None = None


def terminal(page: Page, width: int | None = None) -> str:
    """Return the page as it is shown on a terminal; colours only where it is one."""
    console = Console(highlight=False)
    if width is not None or not console.is_terminal:
        console = Console(highlight=False, width=width or max(console.width, PAPER))
    with console.capture() as capture:
        console.print(_group(page))
    return capture.get()


def _group(page: Page) -> Group:
    parts: list[RenderableType] = [Text(page.title, style="bold")]
    facts = [(fact.label, said(fact.value, fact.sort, page.speech)) for fact in page.facts]
    known = RichTable(box=None, show_header=False, padding=(0, 2, 0, 0))
    for label, value in facts:
        if value:
            known.add_row(Text(label, style="dim"), Text(value))
    parts.append(known)
    for table in page.tables:
        parts += [Text(""), _shown(table, page) if table.rows else Text(f"{table.caption}: {table.empty}")]
    return Group(*parts, Text(""), *(Text(note, style="dim") for note in page.notes))


def _shown(table: Table, page: Page) -> RichTable:
    shown = RichTable(box=None, title=table.caption, title_justify="left", title_style="bold", padding=(0, 2, 0, 0))
    kept = [index for index, column in enumerate(table.columns) if column.key != "zone_id"]
    for index in kept:
        column = table.columns[index]
        shown.add_column(column.label, justify="right" if column.sort in RIGHT else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(said(row[index], table.columns[index].sort, page.speech)) for index in kept))
    return shown


def as_json(page: Page) -> str:
    """Return the page's values as JSON: times in UTC, spans in seconds."""
    facts = {fact.key: _plain(fact.value, fact.sort) for fact in page.facts}
    tables = {
        table.key: [
            {column.key: _plain(cell, column.sort) for column, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ]
        for table in page.tables
    }
    period = dict(zip(("from", "to"), map(moment, page.period or ()), strict=False))
    document = {"report": page.key, "language": page.speech.language, **period, **facts, "tables": tables}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _plain(cell: Cell, sort: Sort) -> Any:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, date):
        return cell.isoformat()
    if sort in (Sort.TIME, Sort.CLOCK):
        return moment(int(cell))
    return round(cell, 3) if isinstance(cell, float) else cell


def as_csv(page: Page, table: Table, wishes: CsvWishes) -> str:
    """Return one table of the page as CSV (RFC 4180)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if wishes.semicolon else ",", lineterminator="\r\n")
    writer.writerow([guarded(column.label) for column in table.columns])
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        writer.writerow([_csv(cell, column.sort, page, semicolon=wishes.semicolon) for column, cell in cells])
    return ("\ufeff" if wishes.bom else "") + out.getvalue()


def _csv(cell: Cell, sort: Sort, page: Page, *, semicolon: bool) -> str:
    """Return a cell as programs read it, or, with semicolons, as Excel does in Belgium."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return guarded(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if sort in (Sort.TIME, Sort.CLOCK):
        at = page.speech.local(int(cell)).replace(microsecond=0)
        return f"{at:%Y-%m-%d %H:%M:%S}" if semicolon else at.isoformat()
    if sort is Sort.SPAN:
        minutes, seconds = divmod(round(cell), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    text = f"{cell:.4f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
    return text.replace(".", ",") if semicolon else text


def guarded(text: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def chosen(tables: Sequence[Table], key: str | None) -> Table | None:
    """Return the table of that key, the first where none is named; None where there is no such."""
    return next((table for table in tables if key in (None, table.key)), None)
