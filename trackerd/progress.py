"""Progress of a long replay: bytes, fixes a second, time left; only where somebody looks at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from trackerd import clock
from trackerd.sources.file import FileSource


class Meter:
    """A bar over the bytes of all files."""

    def __init__(self, console: Console, sources: Sequence[FileSource]) -> None:
        """Measure ``sources`` on ``console``; with none, only the pace is known."""
        self._sources = sources
        self._began = clock.monotonic()
        columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[pace]}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, pace="")

    def __enter__(self) -> Meter:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take it away."""
        self._bar.stop()

    def beat(self, fixes: int) -> None:
        """Say how far it is."""
        done, total = (sum(part) for part in zip((0, 0), *(source.progress for source in self._sources), strict=True))
        pace = fixes / max(clock.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, completed=done, total=total or None, pace=f"{pace:,.0f} fixes/s")
