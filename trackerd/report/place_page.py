"""The pages about a place, and about who asked.

What must stay true here: see pages.py; how sure it is stands first.
"""

from __future__ import annotations

from collections.abc import Iterable

from geofence.calendar import Window
from trackerd.report.page import Column, Fact, Page, Sort, Table
from trackerd.report.pages import period
from trackerd.report.place import Presences, There
from trackerd.report.speech import Speech, nn
from trackerd.store import Asking


def place_page(found: Presences, purpose: str, say: Speech) -> Page:
    """Return the page of a place."""
    columns = (
        Column("grade", say("There")), Column("warden", say("Warden")), Column("from", say("Not before"), Sort.TIME),
        Column("to", say("Not after"), Sort.TIME), Column("certain", say("Certainly"), Sort.SPAN),
        Column("probable", say("Probably"), Sort.SPAN), Column("possible", say("Possibly"), Sort.SPAN),
        Column("nearest", say("Nearest position"), Sort.METRES),
        Column("accuracy", say("Stated accuracy"), Sort.METRES),
    )  # fmt: skip
    rows = [
        (
            _grade(one, say), one.warden or one.device, one.start, one.end, one.certain_s, one.probable_s,
            one.possible_s, one.nearest_m, one.accuracy_m,
        )
        for one in found.there
    ]  # fmt: skip
    certain, probable, possible = found.presence_s
    spot = found.spot
    facts = (
        period(found.period, say),
        Fact("lon", say("Longitude"), f"{spot.lon:.6f}"), Fact("lat", say("Latitude"), f"{spot.lat:.6f}"),
        Fact("radius", say("Radius"), spot.radius_m, Sort.METRES), Fact("purpose", say("Purpose"), purpose),
        Fact("certain", say("Somebody was certainly there"), certain, Sort.SPAN),
        Fact("probable", say("Somebody was probably there"), probable, Sort.SPAN),
        Fact("possible", say("Somebody was possibly there"), possible, Sort.SPAN),
    )  # fmt: skip
    nobody = say("Nobody on duty was there, nor can have been.")
    if possible:
        nobody = say("Nobody is known to have been there; somebody can have been, for a few seconds at a time at most.")
    table = Table("there", say("Who was there"), columns, rows, nobody)
    notes = [
        say("Certainly: at the worst error and the greatest speed it was inside. Probably: its positions lay inside. "
            "Possibly: it could have been inside unseen, for instance during a silence."),
        say("Off duty and on a break nothing is kept of anybody."),
        say("That this was asked is kept in the access log."),
    ]  # fmt: skip
    return Page("place", say("Presence at a place"), facts, (table,), notes, say, found.period)


def _grade(one: There, say: Speech) -> str:
    return say("certainly") if one.certain_s else say("probably") if one.probable_s else say("possibly")


ASKED = nn("Nobody asked.")


def askings_page(askings: Iterable[Asking], asked: Window, say: Speech) -> Page:
    """Return the page of who asked where people were."""
    table = Table("askings", say("Who asked where people were"), asked_columns(say), list(askings), say(ASKED))
    return Page("askings", say("Access log"), (period(asked, say),), (table,), (), say, asked)


def asked_columns(say: Speech) -> tuple[Column, ...]:
    """Return the columns of an Asking, in its order."""
    return (
        Column("at", say("Asked"), Sort.TIME), Column("by", say("By")), Column("question", say("Question")),
        Column("about", say("About")), Column("from", say("From"), Sort.TIME), Column("to", say("To"), Sort.TIME),
        Column("purpose", say("Purpose")),
    )  # fmt: skip
