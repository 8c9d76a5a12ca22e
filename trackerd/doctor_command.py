"""`trackerd doctor`, with its talk.

What must stay true here: see cli.py; with ``--json`` standard output is JSON lines, one a finding, and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from geofence.duration import words
from trackerd.assemble import inbox_folder
from trackerd.commands import talk, tell_faults
from trackerd.doctor import examine
from trackerd.doctor.daemon import STILL_S
from trackerd.doctor.finding import Finding
from trackerd.inbox import attended, stillness
from trackerd.load import load
from trackerd.usage import AWAY, FAULTS, OURS

SIGNS = {"well": ("✓", "green"), "note": ("·", "dim"), "warning": ("!", "yellow"), "fault": ("✗", "red"),
         "away": ("✗", "red"), "ours": ("?", "magenta")}  # fmt: skip
CODES = {"ours": OURS, "fault": FAULTS, "away": AWAY}
"""The exit code of the worst that was found: files first, for a service may be away because of them."""


def doctor(config: Path, as_json: bool) -> None:
    """Tell what is found, as it is found; leave with the code of the worst."""
    console, found = Console(highlight=False, soft_wrap=True), Counter[str]()
    for finding in examine(config):
        found[finding.level] += 1
        if as_json:
            sys.stdout.write(json.dumps(asdict(finding), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            _show(console, finding)
    if not as_json:
        said = ", ".join(f"{found[level]} {level}" for level in SIGNS if found[level])
        console.print(f"\n{said}", markup=False)
    code = next((code for level, code in CODES.items() if found[level]), 0)
    if code:
        raise typer.Exit(code)


def health(config: Path) -> None:
    """Say whether a daemon runs on this installation and turns; nothing else is looked at, so it is quick."""
    settings, faults = load(config)
    if settings is None:
        tell_faults(faults)
        raise typer.Exit(FAULTS)
    folder = inbox_folder(settings, config)
    if not attended(folder):
        talk.print("no daemon runs on this installation")
        raise typer.Exit(AWAY)
    if (still := stillness(folder)) >= STILL_S:
        talk.print(f"the daemon has stood still for {words(still)}")
        raise typer.Exit(AWAY)
    talk.print("the daemon runs")


def _show(console: Console, finding: Finding) -> None:
    sign, colour = SIGNS[finding.level]
    console.print(Text.assemble((sign, colour), f" {finding.about}: {finding.says}"))
    if finding.remedy and finding.level != "well":
        console.print(Text(f"    → {finding.remedy}", style="" if finding.level != "note" else "dim"))
