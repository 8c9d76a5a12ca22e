"""Pages in every language and format: catalogues, formulas, dates, escaping, structure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

import trackerd
from geofence.calendar import Window
from geofence.model import SECOND, ZoneId
from geofence.verdict import Outcome
from tests.trackerd.reporting import LAT, LON, TOWN, at, keep_case, keep_visits, record, visit
from trackerd.report.day import day
from trackerd.report.formats import CsvWishes, as_csv, as_json, guarded, terminal
from trackerd.report.html import as_html
from trackerd.report.page import Cell, Column, Page, Sort, Table, said
from trackerd.report.pages import day_page, plan_page, zone_page
from trackerd.report.place import Presences, Spot
from trackerd.report.place_page import place_page
from trackerd.report.plan import plan
from trackerd.report.speech import LOCALES, Speech
from trackerd.report.xlsx import as_xlsx
from trackerd.report.zone import zone
from trackerd.store import MemoryStore

HOME = Path(trackerd.__file__).parent
EVIL = '=HYPERLINK("http://x","y") <script>alert(1)</script>'


def texts() -> set[str]:
    found = extract_from_dir(
        HOME / "report", [("**.py", "python")], keywords={"say": None, "nn": None, "speech": None}
    )  # fmt: skip
    return {str(message) for _, _, message, _, _ in found}


@pytest.mark.parametrize("language", [language for language in LOCALES if language != "en"])
def test_every_catalogue_is_complete_and_its_placeholders_match(language: str) -> None:
    catalogue = read_po(io.BytesIO((HOME / f"locale/{language}/LC_MESSAGES/reports.po").read_bytes()), locale=language)
    known = {str(message.id): message for message in catalogue if message.id}
    assert texts() == known.keys()
    for id_, message in known.items():
        assert message.string, id_
        assert not message.fuzzy, id_
        assert fields(str(message.string)) == fields(id_), id_


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(
    ("language", "span", "metres", "day_", "share", "number"),
    [
        ("nl", "2 uur 5 min", "12,3 km", "di 19/05/2026", "57%", "1.234"),
        ("fr", "2 h 5 min", "12,3 km", "mar. 19/05/26", "57 %", "1 234"),
        ("de", "2 Std. 5 Min.", "12,3 km", "Di. 19.05.26", "57 %", "1.234"),
        ("en", "2 hrs 5 mins", "12.3 km", "Tue 19/05/2026", "57%", "1,234"),
    ],
)
def test_each_language_says_numbers_days_and_spans_its_own_way(
    language: str, span: str, metres: str, day_: str, share: str, number: str
) -> None:
    say = Speech(language, TOWN)
    found = (say.span(7500), say.metres(12_345), say.day(date(2026, 5, 19)), say.share(0.571), say.number(1234))
    assert tuple(re.sub(r"[\u00a0\u202f]", " ", text) for text in found) == (span, metres, day_, share, number)


def test_times_are_the_towns_and_a_period_names_its_last_day() -> None:
    say = Speech("en", TOWN)
    assert say.clock(at("2026-03-29T03:00") - 1) == "01:59"  # the hour that night does not have
    assert say.period(at("2026-05-19T00:00"), at("2026-05-20T00:00")) == "Tue 19/05/2026"
    assert say.period(at("2026-05-19T00:00"), at("2026-05-21T00:00")).endswith("Wed 20/05/2026")
    assert say.period(at("2026-05-19T08:00"), at("2026-05-19T09:00")).endswith("19/05/2026 09:00")


def pages(language: str) -> Iterator[Page]:
    """Make a page of each question, with names nobody should have given."""
    store, began, say = MemoryStore(), at("2026-05-19T08:00"), Speech(language, TOWN)
    keep_visits(
        store, (visit("a", "box", began, began + 600 * SECOND), "gw-1"),
        (visit("b", "box", began + 3600 * SECOND, None), "=cmd|gw"),
    )  # fmt: skip
    keep_case(store, "daily", "box", (began, began + 3600 * SECOND), Outcome.UNPROVEN)
    here, names = record(store), {ZoneId("box"): EVIL}
    yield day_page(day(here, date(2026, 5, 19)), names, say)
    yield zone_page(zone(here, ZoneId("box"), here.day(date(2026, 5, 19))), names, say)
    yield plan_page(plan(here, here.day(date(2026, 5, 19))), say)


@pytest.mark.parametrize("language", LOCALES)
def test_every_format_of_every_page_can_be_made(language: str) -> None:
    for page in pages(language):
        assert page.title in terminal(page, 160).replace("\n", "") or EVIL in page.title
        assert json.loads(as_json(page))["report"] == page.key
        assert as_html(page, at("2026-05-20T12:00"))
        assert load_workbook(io.BytesIO(as_xlsx(page)))


def test_json_is_the_same_in_every_language_but_for_words() -> None:
    shapes = [[_keys(json.loads(as_json(page))) for page in pages(language)] for language in LOCALES]
    assert all(shape == shapes[0] for shape in shapes)
    plan_ = json.loads(as_json(list(pages("nl"))[2]))
    assert (plan_["from"], plan_["owed"], plan_["unproven"]) == ("2026-05-18T22:00:00Z", 1, 1)


def _keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: _keys(inner) for key, inner in value.items()}
    return [_keys(inner) for inner in value] if isinstance(value, list) else None


def a_page(cells: list[Cell], sorts: list[Sort], language: str = "nl") -> Page:
    columns = [Column(f"c{n}", f"C{n}", sort) for n, sort in enumerate(sorts)]
    return Page("x", "X", (), (Table("t", "T", columns, [cells], "-"),), (), Speech(language, TOWN))


MOMENT = at("2026-05-19T08:12:31")
CELLS: list[Cell] = ["a;b,c", MOMENT, 7500.4, 12.5, 3, None, date(2026, 5, 18)]
SORTS = [Sort.TEXT, Sort.TIME, Sort.SPAN, Sort.METRES, Sort.COUNT, Sort.SHARE, Sort.DAY]


def test_csv_for_programs_and_for_excel_in_belgium() -> None:
    page = a_page(CELLS, SORTS)
    plain = list(csv.reader(io.StringIO(as_csv(page, page.tables[0], CsvWishes()))))
    assert plain[1] == ["a;b,c", "2026-05-19T08:12:31+02:00", "2:05:00", "12.5", "3", "", "2026-05-18"]
    text = as_csv(page, page.tables[0], CsvWishes(semicolon=True, bom=True))
    assert text.startswith("\ufeffC0;C1;")
    assert text.splitlines()[1] == '"a;b,c";2026-05-19 08:12:31;2:05:00;12,5;3;;2026-05-18'


@given(st.text(max_size=12))
def test_no_text_in_a_csv_is_a_formula(text: str) -> None:
    shown = guarded(text)
    assert not shown.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown in (text, f"'{text}")


def test_numbers_below_nothing_are_no_formula() -> None:
    page = a_page([-0.25], [Sort.POINTS])
    assert as_csv(page, page.tables[0], CsvWishes()).splitlines()[1] == "-0.25"


def test_a_workbook_has_real_values_and_texts_that_stay_texts() -> None:
    page = a_page([EVIL + "\x00", *CELLS[1:]], SORTS)
    book = load_workbook(io.BytesIO(as_xlsx(page)))
    sheet = book.worksheets[1]
    assert sheet.freeze_panes == "A2"
    row = sheet[2]
    assert (row[0].value, row[0].data_type, row[0].quotePrefix) == (EVIL, "s", True)
    assert row[1].value == datetime(2026, 5, 19, 8, 12, 31)  # noqa: DTZ001 - Excel has no zones
    assert row[2].value == timedelta(seconds=7500)
    assert [cell.value for cell in row[3:6]] == [12.5, 3, None]
    assert row[6].value == datetime(2026, 5, 18)  # noqa: DTZ001


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", LOCALES)
def test_html_is_accessible_escaped_and_whole_in_itself(language: str) -> None:
    for page in pages(language):
        text = as_html(page, at("2026-05-20T12:00"))
        checker = _Checker()
        checker.feed(text)
        tags = [tag for tag, _ in checker.tags]
        assert checker.tags[0] == ("html", {"lang": language})
        assert tags.count("h1") == tags.count("main") == 1
        assert tags.count("table") == tags.count("caption") == tags.count("thead") > 0
        assert all(attrs.get("scope") in ("col", "row") for tag, attrs in checker.tags if tag == "th")
        assert not {"script", "link", "img", "iframe"} & set(tags)
        assert not any({"src", "href"} & attrs.keys() for _, attrs in checker.tags)
        assert "@media print" in text
        assert "url(" not in text


def test_a_cell_is_said_or_left_out() -> None:
    say = Speech("en", TOWN)
    assert [said(cell, sort, say) for cell, sort in ((None, Sort.SPAN), ("x", Sort.TEXT), (0.07, Sort.POINTS))] == [
        "", "x", "+7",
    ]  # fmt: skip


def test_a_place_is_not_called_empty_beside_seconds_in_which_somebody_can_have_been_there() -> None:
    def said_of(possible_s: float) -> str:
        found = Presences(Spot(LON, LAT, 50), Window(at("2026-05-19T08:00"), MOMENT), (), (0.0, 0.0, possible_s))
        return terminal(place_page(found, "", Speech("en", TOWN)), 160)

    assert "Nobody on duty was there, nor can have been" in said_of(0.0)  # off duty anybody can have been
    assert "nor can have been" not in said_of(4.0)
    assert "a few seconds" in said_of(4.0)


@pytest.mark.parametrize("width", [60, 120])
def test_a_narrow_terminal_folds_and_leaves_nothing_out(width: int) -> None:
    names = ["Probleembox Koninklijk Atheneum", "school-afternoon", "Verontschuldigd"] * 2
    shown = terminal(a_page([*names], [Sort.TEXT] * len(names)), width)
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= width
