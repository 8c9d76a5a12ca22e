"""What a question's words mean: which zone, which day, from when to when.

What must stay true here: days and times are the town's unless they say otherwise; what is wrong is told with the
remedy.
"""

from __future__ import annotations

import difflib
from datetime import date, datetime, timedelta

from geofence.calendar import Window
from geofence.model import ZoneId, to_micros
from trackerd import clock
from trackerd.report.record import Record, ReportFault

WEEKS = timedelta(days=28)
"""What is looked at where nothing is said."""


def zone_of(name: str, names: dict[ZoneId, str]) -> ZoneId:
    """Return the zone of that id or name."""
    if name in names:
        return ZoneId(name)
    found = [id_ for id_, known in names.items() if known.casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise ReportFault(f"several zones are called {name!r}: name one by its id: {', '.join(sorted(found))}")
    known = {text.casefold(): id_ for id_, text in names.items()} | {id_.casefold(): id_ for id_ in names}
    near = dict.fromkeys(known[text] for text in difflib.get_close_matches(name.casefold(), known, 4, 0.5))
    hint = ", ".join(f"{id_} ({names[id_]})" for id_ in near) or "see trackerd zones list"
    raise ReportFault(
        f"there is no zone {name!r}; did you mean {hint}?" if near else f"there is no zone {name!r}: {hint}"
    )


def period_of(record: Record, from_: str | None, to: str | None) -> Window:
    """Return the time asked about; the last four weeks where nothing is said."""
    faults: list[str] = []
    today = record.local(record.now).date()
    end = _moment(to or f"{today}", record, faults, after=True)
    default = record.local(end - 1).date() - WEEKS + timedelta(days=1) if to else today - WEEKS + timedelta(days=1)
    start = _moment(from_ or f"{default}", record, faults, after=False)
    if faults:
        raise ReportFault("; ".join(faults))
    return Window(start, end)  # type: ignore[arg-type]


def _moment(text: str, record: Record, faults: list[str], *, after: bool) -> int:
    """Return the moment, or the first of that day or the first after it; note it where it is none."""
    try:
        if len(text) <= len("2026-05-04"):
            window = record.day(date.fromisoformat(text))
            return window.end if after else window.start
        at = datetime.fromisoformat(text)
        return to_micros(at if at.tzinfo else at.replace(tzinfo=record.zone))
    except (ValueError, OverflowError):
        faults.append(f"{text!r} is no day and no time: write 2026-05-04 or 2026-05-04T14:00")
        return to_micros(clock.now())


def day_of(text: str | None, today: date) -> date:
    """Return a day of the calendar, today where nothing is said. Raises ReportFault."""
    named = {None: today, "today": today, "yesterday": today - timedelta(days=1), "tomorrow": today + timedelta(days=1)}
    try:
        return named[text] if text in named else date.fromisoformat(text or "")
    except ValueError:
        raise ReportFault(f"{text!r} is no day: write 2026-05-04, today or yesterday") from None
