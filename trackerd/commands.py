"""What each command does, with its talk.

What must stay true here: see cli.py; faults are told all at once, one a line, as file, place, what and remedy.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn, TextIO
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from devices import DECODERS, sniff
from devices.decoder import Bad
from geofence.duration import words
from geofence.event import Visit
from geofence.faults import Fault
from geofence.model import DeviceId, Fix, Flag, ZoneId
from geofence.wire import moment
from trackerd import clock, journal
from trackerd.assemble import house, service
from trackerd.config import PlanSection, Settings, ZonesSection
from trackerd.intake import Wiring
from trackerd.load import load
from trackerd.measure import MeasureError, measured
from trackerd.mqtt import BrokerFault
from trackerd.notify.make import NotifyFault
from trackerd.progress import Meter
from trackerd.replay import Played, play
from trackerd.rubbish import seldom
from trackerd.service import Service
from trackerd.sources.file import FileSource
from trackerd.store import MemoryStore, StoreError, Told, open_store
from trackerd.town import Town, build, faults_beside
from trackerd.usage import AWAY, FAULTS

talk = Console(stderr=True, soft_wrap=True, highlight=False)

BRUSSELS = ZoneInfo("Europe/Brussels")
"""The town's clock where no configuration names another."""
AHEAD = timedelta(days=27)
LONG_BLOCK = 1 << 20
"""Bytes of a long file taken in one turn."""
STREAMS = ("nmea", "gpsd")
"""What comes from the air is expected to carry some dirt; in what somebody wrote a refusal is a fault."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What ``trackerd replay`` was asked."""

    files: list[Path]
    zones: list[Path]
    plan: Path | None
    config: Path | None
    device: str | None
    format: str | None
    speed: float | None
    events: str
    store: str | None


def run(config: Path) -> None:
    """Run the daemon."""
    logging.basicConfig(level=logging.INFO, handlers=[journal.handler()])
    settings, town = the_town(config)
    try:
        daemon = service(settings, config, town)
        with measured(settings, config, daemon), _pages(settings, config, daemon):
            seldom()
            daemon.run()
    except (StoreError, BrokerFault, NotifyFault, MeasureError) as error:
        _stop(str(error), AWAY)


@contextmanager
def _pages(settings: Settings, config: Path, daemon: Service) -> Iterator[None]:
    """Serve the pages while the daemon runs, unless they are off; without them the record goes on."""
    if settings.http.at is None:
        yield
        return
    from trackerd.web.opened import room
    from trackerd.web.server import Server

    server = None
    try:
        server = Server(room(settings, config, daemon.watched(), daemon.sources))
        server.start()
        logging.info("pages and API at %s", server.url)
    except StoreError as error:
        logging.warning("no pages: %s", error)
    try:
        yield
    finally:
        if server is not None:
            server.close()


def check(config: Path) -> None:
    """Tell every fault of an installation's files."""
    settings, town = the_town(config)
    zones, duties = len(town.zones), len(town.roster.duties)
    talk.print(f"{config}: {zones} zones, {duties} duties, {len(settings.source)} sources: no faults")
    if not duties and settings.privacy.require_duty:
        talk.print("No [[duty]] is written, so nothing will be stored; see privacy.require_duty.")
    elif duties and not town.roster.everyone:
        from trackerd.report.capacity import never

        today = clock.now().date()
        for one in never(town, today, today + AHEAD):
            said = "nobody who may do it is on duty in its windows of four weeks, or not for long enough"
            talk.print(
                f"warning: requirement {one}: {said} (it will be excused: write a [[duty]], or change its hours)",
                markup=False,
            )


def replay(wishes: Replay) -> None:
    """Send recorded tracks through the engine."""
    settings, town = _replay_town(wishes)
    sources, wiring = files(wishes.files, wishes.format, wishes.device)
    counted: dict[str, int] = {}
    with ExitStack() as stack:
        try:
            store = open_store(wishes.store) if wishes.store else MemoryStore()
        except StoreError as error:
            _stop(str(error), AWAY)
        stack.callback(store.close)
        out = _output(wishes.events, stack)

        def tell(told: Told) -> None:
            counted[told.type] = counted.get(told.type, 0) + 1
            out.write(msgspec.json.encode(told.body).decode() + "\n")

        meter = stack.enter_context(Meter(talk, sources))
        made = house(settings, town, store, wiring)
        try:
            played = play(made, sources, tell, wishes.speed, lambda: meter.beat(made.counts.fixes))
        except StoreError as error:
            _stop(str(error), AWAY)
    _summary(played, counted, town)
    if played.faults or (played.refused and not played.fixes):
        raise typer.Exit(FAULTS)


def decode(file: Path, name: str | None, device: str) -> None:
    """Show what a file says."""
    source = FileSource(str(file), file)
    chosen = name or _sniff(file)
    if chosen not in DECODERS:
        _stop(f"{chosen!r} is no decoder; there are {', '.join(DECODERS)}", 2)
    decoder = DECODERS[chosen](DeviceId(device))
    fixes = refused = 0
    for chunk in source:
        for said in decoder.receive(chunk.data) + (decoder.end() if chunk.closed else []):
            if isinstance(said, Fix):
                fixes += 1
                sys.stdout.write(_line(said) + "\n")
            elif isinstance(said, Bad):
                refused += 1
                shown = said.data[:80].decode("ascii", "backslashreplace").strip()
                talk.print(f"refused: {said.why}: {said.detail or shown}", markup=False)
    sys.stdout.flush()
    talk.print(f"{fixes} fixes, {refused} refusals")
    if source.fault:
        _stop(f"{file}: {source.fault}", FAULTS)
    if refused and (chosen not in STREAMS or not fixes):
        raise typer.Exit(FAULTS)


def the_town(config: Path, *, keep_all: bool = False) -> tuple[Settings, Town]:
    """Read all of an installation's files; leave with every fault told if there are any."""
    settings, faults = load(config)
    town = None
    if settings is not None:
        town, found = build(settings, config, keep_all=keep_all)
        faults += found
    else:
        faults += faults_beside(config)
    tell_faults(faults)
    if settings is None or town is None:
        raise typer.Exit(FAULTS)
    return settings, town


def proposed(settings: Settings, zones: Sequence[Path], plan: Path | None) -> Settings:
    """Return the settings with files named on the command line in place of theirs."""
    here, changes = Path.cwd(), dict[str, object]()
    if zones:
        changes["zones"] = tuple(ZonesSection(file=here / file) for file in zones)
    if plan is not None:
        changes["plan"] = PlanSection(file=here / plan)
    return settings.model_copy(update=changes)


def _replay_town(wishes: Replay) -> tuple[Settings, Town]:
    """Put the zones and the plan named on the command line in place of the configuration's."""
    settings, faults = load(wishes.config) if wishes.config else (Settings(), [])
    town = None
    if settings is not None:
        settings = proposed(settings, wishes.zones, wishes.plan)
        town, found = build(settings, wishes.config or Path.cwd() / "trackerd.toml", keep_all=True)
        faults += found
    tell_faults(faults)
    if settings is None or town is None:
        raise typer.Exit(FAULTS)
    if not town.zones.zones:
        _stop("no zones: name a file with --zones, or a configuration with --config", 2)
    return settings, town


def files(paths: Iterable[Path], decoder: str | None, own: str | None) -> tuple[list[FileSource], dict[str, Wiring]]:
    """Return the sources of recorded tracks, and how each is read; ``own``: the device where a file says none."""
    sources, wiring = [], {}
    for file in paths:
        name = decoder or _sniff(file)
        if name not in DECODERS:
            _stop(f"{name!r} is no decoder; there are {', '.join(DECODERS)}", 2)
        device = own or file.name.split(".")[0] or "device"
        sources.append(FileSource(str(file), file, LONG_BLOCK))
        wiring[str(file)] = Wiring(name, DeviceId(device), live=False)
    return sources, wiring


def _sniff(file: Path) -> str:
    """Find out which decoder reads a file; leave with a reason where none does."""
    source = FileSource(str(file), file)
    head = b"" if str(file) == "-" else next((chunk.data for chunk in source), b"")
    if source.fault:
        _stop(f"{file}: {source.fault}", FAULTS)
    found = sniff(head, file.name)
    if found is None:
        _stop(f"{file}: cannot tell what this is; name it with --format or --decoder: {', '.join(DECODERS)}", FAULTS)
    return found


def _output(where: str, stack: ExitStack) -> TextIO:
    if where == "-":
        return sys.stdout
    try:
        return stack.enter_context(Path(where).open("w", encoding="utf-8"))
    except OSError as error:
        _stop(f"{where}: cannot be written: {error.strerror}", FAULTS)


def _line(fix: Fix) -> str:
    document = {
        "device": fix.device, "time": moment(fix.micros), "lon": round(fix.lon, 8), "lat": round(fix.lat, 8),
        "accuracy_m": _short(fix.accuracy_m), "speed_mps": _short(fix.speed_mps), "course_deg": _short(fix.course_deg),
        "altitude_m": _short(fix.altitude_m), "hdop": fix.hdop, "battery_pct": fix.battery_pct,
        "flags": [flag.name.lower() for flag in Flag if flag and flag in fix.flags and flag.name] or None,
        "sos": fix.sos or None,
    }  # fmt: skip
    return json.dumps({key: value for key, value in document.items() if value is not None})


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _summary(played: Played, counted: dict[str, int], town: Town) -> None:
    table = Table("Zone", "Visits", "Certain", "Still inside", box=None)
    visits_of = defaultdict[ZoneId, list[Visit]](list)
    for visit in played.visits.values():
        visits_of[visit.zone].append(visit)
    for zone in town.zones:
        if visits := visits_of[zone.id]:
            open_ = sum(visit.ended is None for visit in visits)
            table.add_row(zone.id, str(len(visits)), words(sum(v.seconds for v in visits)), str(open_ or ""))
    if table.rows:
        talk.print(table)
    events = ", ".join(f"{count} {type_.removeprefix('trackerd.')}" for type_, count in sorted(counted.items()))
    pace = f" in {played.took_s:.1f} s, {played.fixes / max(played.took_s, 1e-9):,.0f} fixes/s"
    talk.print(f"{played.fixes} fixes{pace}; events: {events or 'none'}")
    for why, count in sorted(played.refused.items()):
        talk.print(f"refused: {count} {why}")
    for fault in played.faults:
        talk.print(f"fault: {fault}")


def tell_faults(faults: Iterable[Fault]) -> None:
    """Tell each fault, one a line."""
    for fault in faults:
        talk.print(f"{'warning' if fault.warning else 'fault'}: {fault}", markup=False)


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
