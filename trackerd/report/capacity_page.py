"""The page about what a crew can do.

What must stay true here: see pages.py; a proof is called one, and what was only looked for is not.
"""

from __future__ import annotations

from geofence.model import SECOND
from trackerd.report.capacity import Capacity, Work
from trackerd.report.page import Column, Fact, Page, Sort, Table
from trackerd.report.pages import Names
from trackerd.report.speech import Speech


def capacity_page(asked: Work, found: Capacity, names: Names, detour: float, say: Speech) -> Page:
    """Return the page of a day's capacity."""
    nothing = say("Nothing was owed by anybody on duty.")
    crew = Table(
        "crew", say("On duty"),
        (Column("warden", say("Warden")), Column("from", say("From"), Sort.CLOCK), Column("to", say("To"), Sort.CLOCK),
         Column("pace", say("Pace, m/s"), Sort.NUMBER)),
        [(one.id, a, b, one.pace_mps) for one in asked.crew for a, b in one.duty], say("Nobody was on duty."),
    )  # fmt: skip
    left = Table(
        "left", say("No round was found for"),
        (Column("requirement", say("Requirement")), Column("zone", say("Zone")),
         Column("from", say("From"), Sort.CLOCK), Column("to", say("To"), Sort.CLOCK),
         Column("zone_id", say("Zone id"))),
        [
            (case.requirement, names.get(case.zone, case.zone), *case.window, case.zone)
            for case in (asked.errands[n].case for n in found.rounds.left)
        ],
        say("All that is owed fits into the rounds below.") if asked.errands else nothing,
    )  # fmt: skip
    notes = [
        say("Found: streets {detour} times as long as straight lines, no way to the first place, and nothing else to "
            "do.", detour=say.number(detour, "0.##")),
        say("Proven: straight lines from edge to edge at that pace, so streets only make it worse."),
    ]  # fmt: skip
    facts = (Fact("date", say("Day"), say.long_day(asked.date)), *_facts(asked, found, say))
    tables = (left, _rounds(asked, found, names, say, nothing), crew)
    return Page("capacity", say("Can it be done by those on duty?"), facts, tables, notes, say)


def _facts(asked: Work, found: Capacity, say: Speech) -> list[Fact]:
    proven, split, team = found.proven, found.split, found.team
    least = found.least if found.least is not None else say("no crew can do all of it in these hours")
    crew = len(team) if team is not None else say("none, up to {most}", most=found.tried)
    facts = [
        Fact("owed", say("Windows owed"), len(asked.errands), Sort.COUNT),
        Fact("excused", say("Excused: nobody on duty who may, or not for long enough"), len(asked.excused), Sort.COUNT),
        Fact("wardens", say("Wardens on duty"), len(asked.crew), Sort.COUNT),
        Fact("left", say("Found no place in any round"), len(found.rounds.left), Sort.COUNT),
        Fact("left_at_least", say("Proven too much for those on duty, at least"), proven.errands if proven else 0,
             Sort.COUNT),
        Fact("shown_from", say("It shows from"), proven and proven.start, Sort.CLOCK),
        Fact("shown_to", say("It shows until"), proven and proven.end, Sort.CLOCK),
        Fact("crew_at_least", say("Wardens it takes at least, proven"), least, Sort.COUNT),
        Fact("crew_found", say("Smallest crew rounds were found for"), crew, Sort.COUNT),
    ]  # fmt: skip
    if split is not None:
        facts += [
            Fact("too_few", say("Missed: too much for those on duty, proven"), split.too_few, Sort.COUNT),
            Fact("not_done", say("Missed: could have been done beside the rest, found"), split.not_done, Sort.COUNT),
            Fact("not_known", say("Missed: neither is known"), split.open, Sort.COUNT),
        ]
    return facts


def _rounds(asked: Work, found: Capacity, names: Names, say: Speech, nothing: str) -> Table:
    columns = (
        Column("warden", say("Warden")), Column("from", say("From"), Sort.CLOCK), Column("to", say("To"), Sort.CLOCK),
        Column("walk", say("Way there"), Sort.SPAN), Column("zone", say("Zone")),
        Column("requirement", say("Requirement")), Column("zone_id", say("Zone id")),
    )  # fmt: skip
    rows = [
        (one.id, call.start, call.end, call.walk / SECOND, names.get(case.zone, case.zone), case.requirement, case.zone)
        for one, calls in zip(asked.crew, found.rounds.calls, strict=bool(asked.errands))
        for call in calls for case in [asked.errands[call.errand].case]
    ]  # fmt: skip
    return Table("rounds", say("Rounds that do it"), columns, rows, nothing)
