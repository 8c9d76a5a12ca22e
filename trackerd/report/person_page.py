"""The page of all that is kept of one warden.

What must stay true here: see pages.py; coordinates are written out, for they are the reader's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from trackerd.report.page import Cell, Column, Fact, Page, Sort, Table
from trackerd.report.pages import OUTCOMES, Names, period
from trackerd.report.person import Dossier
from trackerd.report.place_page import ASKED, asked_columns
from trackerd.report.speech import Speech


def person_page(found: Dossier, purpose: str, names: Names, say: Speech) -> Page:
    """Return the page of a warden."""
    start, end = Column("from", say("From"), Sort.TIME), Column("to", say("To"), Sort.TIME)
    tables = [
        Table(
            "positions", say("Positions"),
            (Column("time", say("Time"), Sort.TIME), Column("device", say("Device")), Column("lon", say("Longitude")),
             Column("lat", say("Latitude")), Column("accuracy", say("Stated accuracy"), Sort.METRES)),
            list(_positions(found)), say("None is kept."),
        ),
        Table(
            "visits", say("Visits"),
            (Column("zone", say("Zone")), start, end, Column("certain", say("Certain presence"), Sort.SPAN),
             Column("possible", say("At most"), Sort.SPAN), Column("zone_id", say("Zone id"))),
            [(names.get(kept.visit.zone, kept.visit.zone), kept.visit.began, kept.visit.ended, kept.visit.seconds,
              kept.visit.seconds_possible, kept.visit.zone) for kept in found.visits],
            say("None is kept."),
        ),
        Table(
            "verdicts", say("Verdicts that name the warden"),
            (Column("requirement", say("Requirement")), Column("zone", say("Zone")), start, end,
             Column("verdict", say("Verdict"))),
            [(one.case.requirement, names.get(one.case.zone, one.case.zone), *one.case.window,
              say(OUTCOMES[one.verdict.outcome if one.verdict else None])) for one in found.named],
            say("None is kept."),
        ),
        Table(
            "breaks", say("Breaks"), (start, end, Column("by", say("By"))),
            [(one.start, one.end, one.by) for one in found.breaks], say("None is kept."),
        ),
        Table("askings", say("Who asked where people were"), asked_columns(say), list(found.askings), say(ASKED)),
    ]  # fmt: skip
    notes = [
        say("Off duty and on a break nothing is kept of anybody."),
        say("Of older positions one a minute is kept, and after some weeks none."),
        say("That this was asked is kept in the access log."),
    ]
    facts = (
        Fact("warden", say("Warden"), found.warden), period(found.period, say),
        Fact("purpose", say("Purpose"), purpose),
    )  # fmt: skip
    return Page("warden", say("All that is kept of a warden"), facts, tables, notes, say, found.period)


def _positions(found: Dossier) -> Iterator[tuple[Cell, ...]]:
    for fixes in found.fixes:
        for n in range(len(fixes)):
            accuracy = float(fixes.accuracy_m[n])
            yield (
                int(fixes.time[n]), fixes.devices[int(fixes.device[n])], f"{fixes.lon[n]:.6f}", f"{fixes.lat[n]:.6f}",
                None if math.isnan(accuracy) else accuracy,
            )  # fmt: skip
