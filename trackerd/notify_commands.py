"""What the commands about alerts do, with their talk.

What must stay true here: see cli.py; they work beside a daemon that runs, and disturb it in nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import NoReturn, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from geofence.model import Micros, to_datetime, to_micros
from geofence.wire import PREFIX, moment
from trackerd import clock
from trackerd.assemble import opened
from trackerd.commands import talk, tell_faults
from trackerd.config import Settings
from trackerd.load import load
from trackerd.notify.make import NotifyFault, transport
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.outbox import ROUTE
from trackerd.paper import paper
from trackerd.store import Letter, Store, StoreError, Told, Waiting
from trackerd.usage import AWAY, FAULTS

T = TypeVar("T")
SHOWN = 50
"""Letters set aside that are listed."""


def notify_list(config: Path) -> None:
    """Show how each route stands, and what is set aside."""
    settings = _settings(config)
    zone = ZoneInfo(settings.site.timezone)
    with closing(_store(settings, config, reading=True)) as store:
        found = _asked(lambda: {one.route: one for one in store.waiting()})
        dead = _asked(lambda: store.dead(SHOWN))
    names = ([ROUTE] if settings.mqtt.host else []) + [section.name for section in settings.notify]
    table = Table("Route", "Waiting", "Oldest", "Tries", "Next try", "Last said", "Set aside", "", box=None)
    for name in [*names, *sorted(found.keys() - set(names))]:
        table.add_row(*_row(name, found.get(name), zone), "" if name in names else "no longer configured")
    paper().print(table)
    if dead:
        _show_dead(dead, zone)
        talk.print("Send them again with: trackerd notify resend")


def notify_test(name: str, config: Path) -> None:
    """Send a test message at once, past the outbox."""
    settings = _settings(config)
    section = next((one for one in settings.notify if one.name == name), None)
    if section is None:
        names = ", ".join(one.name for one in settings.notify) or "none"
        _stop(f"no [[notify]] has the name {name!r}; there are: {names}", FAULTS)
    try:
        took = transport(section, settings, config).send(Parcel((Letter(0, name, _trial(settings)),)))
    except NotifyFault as fault:
        _stop(str(fault), FAULTS)
    except Undelivered as fault:
        again = "it would be set aside at once" if fault.refused else "it would be tried again"
        _stop(f"{name}: not delivered: {fault}; {again}", AWAY)
    talk.print(f"{name}: delivered: {took}", markup=False)


def notify_resend(route: str | None, config: Path) -> None:
    """Let what was set aside wait again."""
    settings = _settings(config)
    with closing(_store(settings, config, beside=True)) as store:
        count = _asked(lambda: store.revive(route))
    talk.print(f"{count} letters wait again; a running daemon sends them within half a minute")


def _row(name: str, one: Waiting | None, zone: tzinfo) -> list[str]:
    if one is None:
        return [name, "0", "", "", "", "", ""]
    oldest, next_ = (_when(at, zone) if at is not None else "" for at in (one.oldest, one.next))
    return [name, str(one.untold), oldest, str(one.tries or ""), next_, one.error, str(one.dead or "")]


def _show_dead(dead: list[Letter], zone: tzinfo) -> None:
    table = Table("Route", "Event", "What", "Of", "Time", "Tries", "Why", box=None, title="Set aside")
    for letter in dead:
        event, trouble = letter.event, letter.trouble
        assert trouble is not None
        table.add_row(
            letter.route, event.id, event.type.removeprefix(PREFIX), event.zone or event.device or "",
            _when(event.time, zone), str(trouble.tries), trouble.error,
        )  # fmt: skip
    paper().print(table)


def _when(at: Micros, zone: tzinfo) -> str:
    return f"{to_datetime(at).astimezone(zone):%Y-%m-%d %H:%M}"


def _trial(settings: Settings) -> Told:
    now = to_micros(clock.now())
    body = {
        "specversion": "1.0", "id": str(uuid4()), "source": f"/trackerd/{settings.site.name}", "type": f"{PREFIX}test",
        "subject": "test", "time": moment(now), "recordedtime": moment(now), "datacontenttype": "application/json",
        "data": {},
    }  # fmt: skip
    return Told(str(body["id"]), f"{PREFIX}test", now, body)


def _settings(config: Path) -> Settings:
    settings, faults = load(config)
    if settings is None:
        tell_faults(faults)
        raise typer.Exit(FAULTS)
    return settings


def _store(settings: Settings, config: Path, *, reading: bool = False, beside: bool = False) -> Store:
    return _asked(lambda: opened(settings, config, reading=reading, beside=beside))


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except StoreError as error:
        _stop(str(error), AWAY)


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
