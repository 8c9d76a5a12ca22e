"""A recorded day of two wardens in Asse, played through the whole pipeline, and how it is shown.

What must stay true here: nothing is staged: the files are read by the decoders, judged by the engine and kept in the
store that a real installation has; only the clock runs faster.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from geofence.duration import words
from geofence.model import to_datetime
from trackerd.assemble import house, wiring
from trackerd.config import Settings, StoreSection
from trackerd.demo.pages import DEMO, Pages, copied
from trackerd.demo.summary import sum_up
from trackerd.house import House
from trackerd.http_section import HttpSection
from trackerd.load import load
from trackerd.replay import Played, play
from trackerd.sources.file import FileSource
from trackerd.store import StoreError, Told, open_store
from trackerd.town import Town, build
from trackerd.usage import AWAY, OURS

BEAT_S = 0.2
SHOWN = 14
"""Events on the screen at once."""
SAYS = {
    "zone.enter": "came to", "zone.exit": "left", "zone.dwell": "has stayed in", "zone.met": "✓ met:",
    "zone.partial": "◐ met in part:", "zone.skip": "✗ skipped:", "zone.unproven": "? unproven:",
    "zone.excused": "– excused:", "zone.due": "is due soon:", "retract": "↺ taken back:",
    "device.silent": "is not heard", "device.back": "is heard again", "device.sos": "asks for help",
    "device.battery": "runs low",
}  # fmt: skip


def show(
    exit_: bool, store: Path | None, speed: float, console: Console | None = None, listen: str | None = None
) -> None:
    """Play the day ``speed`` times as fast as it was, showing events as they come, and sum it up."""
    console = console or Console(highlight=False)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trackerd-")))
        config = copied(stack.enter_context(as_file(files("trackerd.demo"))), folder)
        kept = store or folder / "demo.db"
        settings, town = _read(config, console, kept, listen)
        sources, made = _open(settings, town, folder, kept, console)
        stack.callback(made.store.close)
        board = Board(console, ZoneInfo(settings.site.timezone))
        pages = _pages(settings, config, made, console)
        if pages is not None:
            stack.enter_context(pages.serving())

        def tell(told: Told) -> None:
            board.tell(told)
            if pages is not None:
                pages.tell(told)

        def beat(at: int = 0) -> None:
            board.draw(made)
            if pages is not None:
                pages.beat(
                    at or max((last.time for last in (made.latest.of if made.latest else {}).values()), default=0)
                )

        with contextlib.suppress(KeyboardInterrupt), board.live:
            played = play(made, sources, tell, speed, beat)
            beat(played.last)
        if "played" not in locals():
            raise typer.Exit(0)
        sum_up(console, town, ZoneInfo(settings.site.timezone), played, made)
        _count(console, played, made, kept if store else None)
        if not exit_:
            console.print("The day is over; Ctrl-C ends the demo.")
            with contextlib.suppress(KeyboardInterrupt):
                while not threading.Event().wait(BEAT_S):
                    if pages is not None:
                        pages.beat(played.last)


class Board:
    """The events as they come: a table that lives on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console, zone: ZoneInfo) -> None:
        """Show on ``console``, in the town's time."""
        self._console, self._zone = console, zone
        self._last: deque[dict[str, Any]] = deque(maxlen=SHOWN)
        self._now: datetime | None = None
        self.live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else contextlib.nullcontext()
        )

    def tell(self, told: Told) -> None:
        """Take one event."""
        self._last.append(told.body)
        self._now = to_datetime(told.time).astimezone(self._zone)
        if not self._console.is_terminal:
            time, warden, says, zone = self._row(told.body)
            self._console.print(f"{time}  {warden:6} {says} {zone}".rstrip())

    def draw(self, made: House) -> None:
        """Show what there is."""
        if not isinstance(self.live, Live):
            return
        table = Table(
            "Time", "Warden", "", "Zone", box=None, title="Asse, one day of two wardens", title_justify="left"
        )
        for body in self._last:
            table.add_row(*self._row(body))
        counts = made.counts
        clock = f"{self._now:%a %d %b %Y, %H:%M}" if self._now else ""
        foot = f"{clock}   {counts.stored:,} fixes kept, {counts.refused} refused, {counts.events} events"
        self.live.update(Group(table, Text(foot, style="dim")), refresh=True)

    def _row(self, body: dict[str, Any]) -> tuple[str, str, str, str]:
        data = body["data"]
        time = datetime.fromisoformat(body["time"]).astimezone(self._zone)
        kind = body["type"].removeprefix("trackerd.")
        says = SAYS.get(kind, kind)
        if kind == "zone.exit":
            says = f"{says} after {words(data['seconds'])}:"
        return f"{time:%H:%M:%S}", data.get("warden", ""), says, data.get("zone_name", "")


def _pages(settings: Settings, path: Path, made: House, console: Console) -> Pages | None:
    """Return the pages, told where; None where they are not to be served, or cannot be."""
    if settings.http.at is None:
        return None
    try:
        pages = Pages(settings, path, made)
    except StoreError as error:
        console.print(f"No pages: {error}", markup=False)
        return None
    console.print(f"The page is at {pages.url}: sign in as {DEMO[0]}, password {DEMO[1]}.")
    return pages


def _read(path: Path, console: Console, kept: Path, listen: str | None) -> tuple[Settings, Town]:
    settings, faults = load(path)
    town = None
    if settings is not None:
        changes: dict[str, object] = {"store": StoreSection(url=f"sqlite:///{kept.resolve()}")}
        if listen is not None:
            changes["http"] = HttpSection(listen=listen)
        settings = settings.model_copy(update=changes)
        town, found = build(settings, path)
        faults += found
    if settings is None or town is None:
        for fault in faults:
            console.print(f"fault: {fault}", markup=False)
        raise typer.Exit(OURS)
    return settings, town


def _open(
    settings: Settings, town: Town, folder: Path, kept: Path, console: Console
) -> tuple[Sequence[FileSource], House]:
    try:
        store = open_store(f"sqlite:///{kept.resolve()}")
    except StoreError as error:
        console.print(f"trackerd: {error}", markup=False)
        raise typer.Exit(AWAY) from None
    named = [(str(section.name), section) for section in settings.source]
    sources = [FileSource(name, folder / str(section.path)) for name, section in named]
    return sources, house(settings, town, store, {name: wiring(section) for name, section in named})


def _count(console: Console, played: Played, made: House, kept: Path | None) -> None:
    counts = made.counts
    console.print(
        f"{counts.stored:,} fixes kept, {counts.refused} refused, {counts.gated} off duty (nothing kept of them), "
        f"{counts.late} late, {counts.events} events, in {played.took_s:.1f} s."
    )
    if kept is not None:
        console.print(f"The record is in {kept}.")
