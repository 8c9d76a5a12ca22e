"""From the record's words to the API's: moments, states, visits, cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from geofence.calendar import Window
from geofence.model import Micros, VerdictId, to_micros
from geofence.spans import Span
from geofence.verdict import Case, Outcome
from geofence.wire import moment
from trackerd.docket import due_at
from trackerd.store import Docketed, Kept
from trackerd.web.book import Ack
from trackerd.web.models.day import DayVisit, DayWindow, Gap
from trackerd.web.models.live import Acknowledgement
from trackerd.web.models.words import Span as Stretch
from trackerd.web.models.words import StateName
from trackerd.web.problem import ProblemError

STATES: Mapping[Outcome, StateName] = {
    Outcome.MET: "met", Outcome.PARTIAL: "partial", Outcome.MISSED: "skipped", Outcome.UNPROVEN: "unproven",
    Outcome.EXCUSED: "excused",
}  # fmt: skip


def when(micros: int | None) -> str | None:
    """Return a moment, if there is one."""
    return None if micros is None else moment(micros)


def asked_moment(text: str, name: str) -> Micros:
    """Return the moment somebody wrote, which says its offset. Raises ProblemError."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError
        return to_micros(found)
    except (ValueError, OverflowError):
        raise ProblemError(422, f"{name}: write a time with its offset, 2026-05-04T08:00:00Z") from None


def asked_day(text: str | None, today: date, name: str = "date") -> date:
    """Return the day somebody wrote; today where nothing is. Raises ProblemError."""
    if text is None:
        return today
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ProblemError(422, f"{name}: write a day, 2026-05-04") from None
    if not 1970 < found.year < 2200:
        raise ProblemError(422, f"{name}: nothing is known of the year {found.year}")
    return found


def stretches(spans: Iterable[Span]) -> list[Stretch]:
    """Return spans."""
    return [Stretch(start=moment(a), end=moment(b)) for a, b in spans]


def visit(kept: Kept) -> DayVisit:
    """Return a visit."""
    one = kept.visit
    return DayVisit(
        visit=one.id, zone=one.zone, warden=kept.warden or one.device, team=kept.team, began=moment(one.began),
        ended=when(one.ended), seconds=one.seconds, seconds_possible=one.seconds_possible,
        confidence=round(one.confidence, 4),
    )  # fmt: skip


def state(case: Case, kept: Docketed | None, now: int) -> StateName:
    """Return how a window stands."""
    if kept is not None and kept.verdict is not None:
        return STATES[kept.verdict.outcome]
    if now < case.window.start:
        return "coming"
    return "due" if due_at(case) <= now < case.window.end else "open"


def window(case: Case, kept: Docketed | None, now: int, warden: str | None = None) -> DayWindow:
    """Return a window and what became of it; ``warden``: of nobody else is anything told."""
    return DayWindow(**window_fields(case, kept, now, warden))  # type: ignore[arg-type]


def window_fields(case: Case, kept: Docketed | None, now: int, warden: str | None = None) -> dict[str, object]:
    """Return the same, as fields."""
    verdict, terms = kept.verdict if kept is not None else None, case.terms
    shown: dict[str, object] = {
        "requirement": case.requirement, "zone": case.zone, "start": moment(case.window.start),
        "end": moment(case.window.end), "state": state(case, kept, now), "visits_asked": terms.visits,
        "dwell_s": terms.dwell_s, "together": terms.together,
        "grace_until": moment(case.window.end + round(terms.grace_s * 1e6)),
    }  # fmt: skip
    if verdict is None:
        return shown
    return shown | {
        "at": moment(verdict.at), "visits": verdict.visits, "seconds": verdict.seconds,
        "gaps": [
            Gap(warden=gap.warden, start=moment(gap.start), end=moment(gap.end))
            for gap in verdict.gaps if warden in (None, gap.warden)
        ],
        "seen_elsewhere": [one for one in verdict.seen_elsewhere if warden in (None, one)],
        "reason": verdict.reason,
    }  # fmt: skip


def by_id(cases: Iterable[Docketed]) -> dict[VerdictId, Docketed]:
    """Return cases by what they are known by."""
    return {one.case.id: one for one in cases}


def acknowledged(ack: Ack | None) -> Acknowledgement | None:
    """Return who has seen to it."""
    return None if ack is None else Acknowledgement(by=ack.by, at=moment(ack.at), note=ack.note)


def inside(window_: Window, start: int, end: int) -> bool:
    """Return whether a window begins within."""
    return start <= window_.start < end
