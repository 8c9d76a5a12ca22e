"""What ``trackerd explain`` prints: a sentence, a table, and a picture where one is wished.

What must stay true here: see cli.py; times are told by the town's clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from geofence.belief import thresholds
from geofence.model import Micros, to_datetime, to_micros
from geofence.track import Rules
from trackerd.assemble import opened, rules
from trackerd.commands import talk, the_town
from trackerd.explain import Line, NoAnswerError, Question, about_event, about_moment, explain
from trackerd.explain_plot import plot
from trackerd.paper import paper
from trackerd.store import Store, StoreError
from trackerd.usage import AWAY, FAULTS

SHORTENED = 3
"""So many fixes in a row with nothing to tell become one line."""


def run(what: list[str], config: Path, drawing: Path | None) -> None:
    """Show why something was said."""
    if drawing is not None and drawing.suffix.lower() != ".svg":
        _stop(f"{drawing}: only SVG is drawn, which every browser shows; name it {drawing.with_suffix('.svg')}", 2)
    settings, _ = the_town(config)
    clock, under = ZoneInfo(settings.site.timezone), rules(settings)
    try:
        with closing(opened(settings, config, reading=True)) as store:
            question = _question(what, store, clock)
            lines = explain(store, under, question)
    except StoreError as error:
        _stop(str(error), AWAY)
    except NoAnswerError as error:
        _stop(str(error), FAULTS)
    for sentence in _sentences(question, lines, under, clock):
        talk.print(sentence, markup=False)
    paper().print(_table(lines, clock))
    if drawing is not None:
        _draw(drawing, plot(lines, f"{question.device} and {question.zone}, {_day(lines[0], clock)}", under, clock))


def _question(what: list[str], store: Store, clock: ZoneInfo) -> Question:
    if len(what) == 1:
        return about_event(store, what[0])
    if len(what) != len(("device", "zone", "time")):
        _stop("name an event's id, or DEVICE ZONE TIME", 2)
    try:
        time = datetime.fromisoformat(what[2])
        at = to_micros(time if time.tzinfo else time.replace(tzinfo=clock))
    except (ValueError, OverflowError):
        _stop(f"{what[2]!r} is no time; write 2026-05-04T08:12:31", 2)
    return about_moment(store, what[0], what[1], at)


def _sentences(question: Question, lines: Sequence[Line], under: Rules, clock: ZoneInfo) -> Iterator[str]:
    """Say what was asked and how it is decided."""
    if question.about is not None:
        told, stands = question.about
        type_ = told.type.removeprefix("trackerd.")
        about = "it stands" if stands else "it was taken back; what follows is what the fixes stored say now"
        decided = "" if told.said is None else f", decided at {_time(told.said.event.decided, clock)}"
        yield f"{type_} {question.zone} by {question.device} at {_time(told.time, clock)}{decided}: {about}"
    enter, leave = thresholds(under.false_alarm, under.miss)
    yield f"{_day(lines[0], clock)}; evidence against what is believed: {enter:.1f} to enter, {leave:.1f} to leave"
    if not all(line.in_force for line in lines):
        yield f"{question.zone} was not in force all of that time"


def _table(lines: Sequence[Line], clock: ZoneInfo) -> Table:
    table = Table("Time", "Accuracy", "To the edge", "Believed", "Against", "Said", box=None)
    for far, run_ in groupby(lines, key=lambda line: (line.far, line.in_force)):
        some = list(run_)
        if far[0] and len(some) > SHORTENED:
            where = "out of reach" if far[1] else "not in force"
            table.add_row(_time(some[0].time, clock), "", where, "outside", "", f"{len(some)} fixes until "
                          f"{_time(some[-1].time, clock)}")  # fmt: skip
        else:
            for line in some:
                table.add_row(*_row(line, clock))
    return table


def _row(line: Line, clock: ZoneInfo) -> tuple[str, ...]:
    said = ", ".join(f"{event.kind.removeprefix('zone.')} at {_time(event.time, clock)}" for event in line.said)
    if not line.fix:
        return _time(line.time, clock), "", "no fix", "", "", said
    accuracy = "unknown" if math.isnan(line.accuracy_m) else f"{line.accuracy_m:.0f} m"
    distance = "out of reach" if line.distance_m is None else f"{round(line.distance_m):+d} m"
    distance = distance if line.in_force else "not in force"
    against = f"{line.against:.1f}" if line.against else ""
    return _time(line.time, clock), accuracy, distance, "inside" if line.inside else "outside", against, said


def _draw(where: Path, picture: str) -> None:
    try:
        where.write_text(picture, encoding="utf-8")
    except OSError as error:
        _stop(f"{where}: cannot be written: {error.strerror}", FAULTS)
    talk.print(f"drawn: {where}", markup=False)


def _day(line: Line, clock: ZoneInfo) -> str:
    return f"{to_datetime(line.time).astimezone(clock):%Y-%m-%d}, {clock.key}"


def _time(moment: Micros, clock: ZoneInfo) -> str:
    """Return the time of day, with a fraction only where there is one."""
    time = to_datetime(moment).astimezone(clock).time()
    return time.isoformat() if time.microsecond == 0 else time.isoformat("microseconds").rstrip("0")


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
