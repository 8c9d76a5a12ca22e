"""Pages as a workbook: a sheet a table, real dates, spans and numbers.

What must stay true here: a text stays a text, also one that begins like a formula, and stays one when somebody edits
it; times are the town's clock.
"""

from __future__ import annotations

import io
import re
from datetime import date, datetime, timedelta
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from trackerd.report.formats import FORMULA
from trackerd.report.page import Cell, Fact, Page, Sort, Table

SHAPES = {
    Sort.TIME: "yyyy-mm-dd hh:mm", Sort.CLOCK: "yyyy-mm-dd hh:mm", Sort.DAY: "yyyy-mm-dd", Sort.SPAN: "[h]:mm:ss",
    Sort.COUNT: "#,##0", Sort.NUMBER: "#,##0.0", Sort.METRES: '#,##0" m"', Sort.SHARE: "0%", Sort.POINTS: "+0;-0;0",
}  # fmt: skip
"""Excel shows each by its own language."""
WIDEST = 60
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What no XML can hold."""


def as_xlsx(page: Page) -> bytes:
    """Return the page as a workbook: its facts on the first sheet, then its tables."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = _name(page.speech("Summary"), [])
    _put(first, 1, 1, page.title, Sort.TEXT)
    first.cell(1, 1).font = Font(bold=True, size=14)
    for row, fact in enumerate(page.facts, 3):
        _fact(first, row, fact, page)
    for row, note in enumerate(page.notes, len(page.facts) + 4):
        _put(first, row, 1, note, Sort.TEXT)
    first.column_dimensions["A"].width, first.column_dimensions["B"].width = 44, 32
    for table in page.tables:
        _sheet(book.create_sheet(_name(table.caption, book.sheetnames)), table, page)
    book.properties.title, book.properties.creator = CONTROL.sub("", page.title), "trackerd"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fact(sheet: Worksheet, row: int, fact: Fact, page: Page) -> None:
    _put(sheet, row, 1, fact.label, Sort.TEXT)
    _put(sheet, row, 2, _value(fact.value, fact.sort, page), fact.sort)
    sheet.cell(row, 2).alignment = Alignment(horizontal="left")


def _sheet(sheet: Worksheet, table: Table, page: Page) -> None:
    widths = [len(column.label) + 3 for column in table.columns]
    for number, column in enumerate(table.columns, 1):
        _put(sheet, 1, number, column.label, Sort.TEXT)
        sheet.cell(1, number).font = Font(bold=True)
    for at, row in enumerate(table.rows, 2):
        for number, (column, cell) in enumerate(zip(table.columns, row, strict=True), 1):
            _put(sheet, at, number, _value(cell, column.sort, page), column.sort)
            if isinstance(cell, str):
                widths[number - 1] = max(widths[number - 1], min(len(cell) + 1, WIDEST))
    for number, (column, width) in enumerate(zip(table.columns, widths, strict=True), 1):
        timed = column.sort in (Sort.TIME, Sort.CLOCK)
        sheet.column_dimensions[get_column_letter(number)].width = max(width, 17 if timed else 8)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _value(cell: Cell, sort: Sort, page: Page) -> str | float | date | datetime | timedelta | None:
    if cell is None or isinstance(cell, str | date):
        return cell
    if sort in (Sort.TIME, Sort.CLOCK):
        return page.speech.local(int(cell)).replace(tzinfo=None, microsecond=0)
    if sort is Sort.SPAN:
        return timedelta(seconds=round(cell))
    return cell * 100 if sort is Sort.POINTS else cell


def _put(sheet: Worksheet, row: int, column: int, value: Any, sort: Sort) -> None:
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = CONTROL.sub("", value)[:32_000]
        cell.data_type = "s"  # also what begins with "="
        cell.quotePrefix = value.lstrip(" ").startswith(FORMULA)
    elif value is not None:
        cell.value = value
        cell.number_format = SHAPES.get(sort, "General")


def _name(caption: str, taken: list[str]) -> str:
    """Return a name a sheet may have: 31 characters at most, some forbidden, each once."""
    name = re.sub(r"[\[\]:*?/\\']", " ", CONTROL.sub("", caption)).strip()[:31] or "-"
    return name if name not in taken else f"{name[:28]} {len(taken)}"
