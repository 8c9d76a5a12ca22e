"""From an answer to its page, in one language.

What must stay true here: every word goes through ``say``, so that the catalogues are complete; zones are told by their
names, people by pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from geofence.calendar import Window
from geofence.model import SECOND, ZoneId
from geofence.spans import length
from geofence.verdict import Outcome
from trackerd.report.day import Day, Turn
from trackerd.report.page import Cell, Column, Fact, Page, Sort, Table
from trackerd.report.plan import Count, PlanHistory, Week
from trackerd.report.speech import Speech, nn
from trackerd.report.zone import Dose, ZoneHistory
from trackerd.store import Docketed, Kept

Names = Mapping[ZoneId, str]
OUTCOMES = {
    Outcome.MET: nn("met"), Outcome.PARTIAL: nn("partial"), Outcome.MISSED: nn("skipped"),
    Outcome.UNPROVEN: nn("unproven"), Outcome.EXCUSED: nn("excused"), None: nn("not judged yet"),
}  # fmt: skip


def day_page(day: Day, names: Names, say: Speech) -> Page:
    """Return the page of a day."""
    visits = [(turn, kept) for turn in day.turns for kept in turn.visits]
    tables = [
        Table(
            "visits", say("Where each warden was"),
            (
                Column("warden", say("Warden")), Column("team", say("Team")), Column("zone", say("Zone")),
                Column("from", say("From"), Sort.CLOCK), Column("to", say("To"), Sort.CLOCK),
                Column("certain", say("Certain presence"), Sort.SPAN),
                Column("possible", say("At most"), Sort.SPAN), Column("zone_id", say("Zone id")),
            ),
            [(turn.warden, turn.team or "", *_visit(kept, names)) for turn, kept in visits],
            say("Nobody came to any zone."),
        ),
        _duties(day.turns, say),
        Table(
            "silences", say("Silences on duty"),
            (Column("warden", say("Warden")), Column("from", say("From"), Sort.CLOCK),
             Column("to", say("To"), Sort.CLOCK), Column("long", say("Length"), Sort.SPAN)),
            [(turn.warden, a, b, (b - a) / SECOND) for turn in day.turns for a, b in turn.silences],
            say("None: every tracker was heard all the time on duty."),
        ),
        _crews(day, say),
    ]  # fmt: skip
    notes = [
        say("A visit with no end given was not over yet."),
        say("Off duty and on a break nothing is kept of anybody."),
        say("The distance is the least plausible one: standing still adds nothing, however the position wanders, "
            "and nothing is added for a silence."),
    ]  # fmt: skip
    if day.forgotten is not None:
        notes.append(
            say("Positions are kept from {time} on only: of the time before, no distance and no silence can be told.",
                time=say.time(day.forgotten))
        )  # fmt: skip
    facts = (Fact("date", say("Day"), say.long_day(day.date)),)
    return Page("day", say("Day report of the community wardens"), facts, tables, notes, say)


def _duties(turns: Iterable[Turn], say: Speech) -> Table:
    columns = (
        Column("warden", say("Warden")), Column("team", say("Team")), Column("from", say("From"), Sort.CLOCK),
        Column("to", say("To"), Sort.CLOCK), Column("duty", say("On duty"), Sort.SPAN),
        Column("silent", say("Unheard"), Sort.SPAN), Column("visits", say("Visits"), Sort.COUNT),
        Column("distance", say("Distance"), Sort.METRES),
    )  # fmt: skip
    rows = [
        (
            one.warden, one.team or "", one.duty[0][0] if one.duty else None, one.duty[-1][1] if one.duty else None,
            length(one.duty) / SECOND, length(one.silences) / SECOND, len(one.visits), one.distance_m,
        )
        for one in turns
    ]  # fmt: skip
    return Table("duties", say("Duty"), columns, rows, say("Nobody was on duty."))


def _crews(day: Day, say: Speech) -> Table:
    columns = (
        Column("team", say("Team")), Column("wardens", say("Wardens"), Sort.COUNT),
        Column("duty", say("On duty"), Sort.SPAN), Column("silent", say("Unheard"), Sort.SPAN),
        Column("visits", say("Visits"), Sort.COUNT), Column("distance", say("Distance"), Sort.METRES),
    )  # fmt: skip
    rows = [
        (one.team or "", one.wardens, one.duty_s, one.silence_s, one.visits, one.distance_m) for one in day.crews
    ]  # fmt: skip
    return Table("teams", say("Teams"), columns, rows, say("Nobody was on duty."))


def zone_page(history: ZoneHistory, names: Names, say: Speech) -> Page:
    """Return the page of a zone."""
    columns = (
        Column("from", say("From"), Sort.TIME), Column("to", say("To"), Sort.TIME), Column("warden", say("Warden")),
        Column("team", say("Team")), Column("certain", say("Certain presence"), Sort.SPAN),
        Column("possible", say("At most"), Sort.SPAN), Column("confidence", say("Confidence"), Sort.SHARE),
    )  # fmt: skip
    rows = [
        (
            kept.visit.began, kept.visit.ended, kept.warden or kept.visit.device, kept.team or "", kept.visit.seconds,
            kept.visit.seconds_possible, kept.visit.confidence,
        )
        for kept in history.visits
    ]  # fmt: skip
    visits = Table("visits", say("Visits"), columns, rows, say("Nobody came in this period."))
    title = say("Presence in {zone}", zone=names.get(history.zone, history.zone))
    facts = (period(history.period, say), *_dose(history.dose, say))
    notes = [
        say("A visit with no end given was not over yet."),
        say("Presence counts the time somebody was there; warden-time counts each warden's: two together for ten "
            "minutes are ten minutes of presence and twenty of warden-time."),
        say("A window is called skipped only if everybody on duty was seen elsewhere; where somebody could have been "
            "there unseen it is unproven."),
    ]  # fmt: skip
    return Page("zone", title, facts, (visits, _verdicts(history.cases, say)), notes, say, history.period)


def _dose(dose: Dose, say: Speech) -> list[Fact]:
    gap = dose.gap and (dose.gap[1] - dose.gap[0]) / SECOND
    return [
        Fact("visits", say("Visits"), dose.visits, Sort.COUNT),
        Fact("per_week", say("Visits a week"), dose.per_week, Sort.NUMBER),
        Fact("mean", say("Mean length of a visit"), dose.mean_s, Sort.SPAN),
        Fact("median", say("Median length of a visit"), dose.median_s, Sort.SPAN),
        Fact("presence", say("Presence: somebody was there"), dose.presence_s, Sort.SPAN),
        Fact("warden_time", say("Warden-time: all together"), dose.warden_s, Sort.SPAN),
        Fact("certain", say("Of which proven"), dose.certain_s, Sort.SPAN),
        Fact("gap_median", say("Median time between two presences"), dose.gap_median_s, Sort.SPAN),
        Fact("gap_longest", say("Longest time between two presences"), gap, Sort.SPAN),
        Fact("gap_from", say("It began"), dose.gap[0] if dose.gap else None, Sort.TIME),
        Fact("last", say("Last presence"), dose.last, Sort.TIME),
        Fact("age", say("Ago, at the period's end"), dose.age_s, Sort.SPAN),
    ]


def _verdicts(cases: Iterable[Docketed], say: Speech) -> Table:
    columns = (
        Column("from", say("From"), Sort.TIME), Column("to", say("To"), Sort.TIME),
        Column("requirement", say("Requirement")), Column("verdict", say("Verdict")),
        Column("visits", say("Visits that count"), Sort.COUNT), Column("asked", say("Visits asked"), Sort.COUNT),
        Column("counts", say("Presence that counts"), Sort.SPAN), Column("why", say("Why")),
    )  # fmt: skip
    rows = []
    for one in cases:
        case, verdict = one.case, one.verdict
        outcome = say(OUTCOMES[verdict.outcome if verdict else None])
        counted = (verdict.visits, case.terms.visits, verdict.seconds) if verdict else (None, case.terms.visits, None)
        rows.append((*case.window, case.requirement, outcome, *counted, _why(one, say)))
    return Table("verdicts", say("Verdicts"), columns, rows, say("Nothing was owed to it in this period."))


def _why(one: Docketed, say: Speech) -> str:
    verdict = one.verdict
    if verdict is None:
        return ""
    if verdict.outcome is Outcome.UNPROVEN:
        gaps = (f"{gap.warden} {say.clock(gap.start)}–{say.clock(gap.end)}" for gap in verdict.gaps)
        return say("could have been there unseen: {gaps}", gaps=", ".join(gaps))
    if verdict.outcome is Outcome.MISSED:
        return say("seen elsewhere: {wardens}", wardens=", ".join(verdict.seen_elsewhere))
    if verdict.outcome is Outcome.EXCUSED:
        return say("nobody on duty") if verdict.reason == "nobody on duty" else verdict.reason or ""
    return ""


def plan_page(history: PlanHistory, say: Speech) -> Page:
    """Return the page of the plan."""
    weeks = Table(
        "weeks", say("Trend by week"), (*_week_columns(say), *_counts(say), _change(say)),
        [(*_week(week), *_counted(week.count), week.change) for week in history.weeks],
        say("Nothing was owed in this period."),
    )  # fmt: skip
    each = Table(
        "requirements", say("By requirement"), (Column("requirement", say("Requirement")), *_counts(say)),
        [(one.requirement, *_counted(one.count)) for one in history.requirements],
        say("Nothing was owed in this period."),
    )  # fmt: skip
    both = Table(
        "requirement_weeks", say("By requirement and week"),
        (Column("requirement", say("Requirement")), *_week_columns(say), *_counts(say), _change(say)),
        [
            (one.requirement, *_week(week), *_counted(week.count), week.change)
            for one in history.requirements for week in one.weeks
        ],
        say("Nothing was owed in this period."),
    )  # fmt: skip
    total = [Fact(*column[:2], value, column.sort) for column, value in zip(
        _counts(say), _counted(history.count), strict=True)]  # fmt: skip
    notes = [
        say("The share met is of the windows that were judged and not excused."),
        say("Unproven is neither met nor skipped: somebody could have been there unseen."),
    ]
    facts = (period(history.period, say), *total)
    title = say("The plan: what was owed, and what became of it")
    return Page("plan", title, facts, (each, weeks, both), notes, say, history.period)


def _week_columns(say: Speech) -> tuple[Column, ...]:
    return Column("week", say("Week")), Column("monday", say("Monday"), Sort.DAY)


def _week(week: Week) -> tuple[Cell, ...]:
    year, number, _ = week.monday.isocalendar()
    return f"{year}-W{number:02}", week.monday


def _counts(say: Speech) -> tuple[Column, ...]:
    return (
        Column("owed", say("Owed"), Sort.COUNT), Column("met", say("Met"), Sort.COUNT),
        Column("partial", say("Partial"), Sort.COUNT), Column("skipped", say("Skipped"), Sort.COUNT),
        Column("unproven", say("Unproven"), Sort.COUNT), Column("excused", say("Excused"), Sort.COUNT),
        Column("open", say("Open"), Sort.COUNT), Column("share", say("Share met"), Sort.SHARE),
    )  # fmt: skip


def _counted(count: Count) -> tuple[Cell, ...]:
    return (
        count.owed, count.met, count.partial, count.skipped, count.unproven, count.excused, count.open, count.share,
    )  # fmt: skip


def _change(say: Speech) -> Column:
    return Column("change", say("Against the week before, in points"), Sort.POINTS)


def _visit(kept: Kept, names: Names) -> tuple[Cell, ...]:
    visit = kept.visit
    return (
        names.get(visit.zone, visit.zone),
        visit.began,
        visit.ended,
        visit.seconds,
        visit.seconds_possible,
        visit.zone,
    )


def period(window: Window, say: Speech) -> Fact:
    """Return the fact of what time a page is about."""
    return Fact("period", say("Period"), say.period(*window))
