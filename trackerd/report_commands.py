"""``trackerd report``: reads what was asked; trackerd/report_answers.py answers.

What must stay true here: see cli.py; heavy parts are loaded by the command that needs them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trackerd.usage import CONFIG

report_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Questions to the record: see docs/reports.md."
)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    JSON = "json"


class Language(StrEnum):
    """What a report is said in."""

    NL = "nl"
    FR = "fr"
    DE = "de"
    EN = "en"


Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration: store, zones, time zone.")]
As = Annotated[Format | None, typer.Option("--format", "-f", help="Else by the output's name, else a table.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; else standard output.")]
Lang = Annotated[Language | None, typer.Option(help="Else the site's first language.")]
Semicolon = Annotated[bool, typer.Option("--semicolon", help="CSV for Excel in Belgium: semicolons, decimal commas.")]
Bom = Annotated[bool, typer.Option("--bom", help="CSV with a byte order mark, by which Excel knows UTF-8.")]
OneTable = Annotated[str | None, typer.Option("--table", help="Which of the tables goes into a CSV; else the first.")]
From = Annotated[str | None, typer.Option("--from", help="The first day, as 2026-05-04, or a time 2026-05-04T14:00.")]
To = Annotated[str | None, typer.Option("--to", help="The last day, the whole of it, or a time.")]


@report_app.command()
def day(
    date: Annotated[str | None, typer.Option(help="The day, as 2026-05-19, or yesterday; else today.")] = None,
    mail: Annotated[str | None, typer.Option(help="Send it by mail: the name of a [[notify]] of kind mail.")] = None,
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say where each warden was on a day, by zone and time; duty, silences and distance, by warden and team."""
    from trackerd import report_answers as answers

    answers.day(config, date, answers.Wishes(format_, output, lang, semicolon, bom, table, mail))


@report_app.command()
def zone(
    zone: Annotated[str, typer.Argument(help="The zone's id, or its name.")],
    from_: From = None, to: To = None,
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say every visit to a zone and every verdict: how often, how long, and how long nobody came. Else four weeks."""
    from trackerd import report_answers as answers

    answers.zone(config, zone, from_, to, answers.Wishes(format_, output, lang, semicolon, bom, table))


@report_app.command()
def plan(
    from_: From = None, to: To = None,
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say what was owed and what became of it, by requirement, with the trend by week. Else four weeks."""
    from trackerd import report_answers as answers

    answers.plan(config, from_, to, answers.Wishes(format_, output, lang, semicolon, bom, table))


@report_app.command()
def place(
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Degrees east.")],
    lat: Annotated[float, typer.Option(min=-85, max=85, help="Degrees north.")],
    from_: Annotated[str, typer.Option("--from", help="As 2026-05-04, or 2026-05-04T14:00, the town's time.")],
    to: Annotated[str, typer.Option("--to", help="The last day, the whole of it, or a time.")],
    radius: Annotated[float, typer.Option(min=5, max=2000, help="Metres.")] = 50.0,
    purpose: Annotated[str, typer.Option(help="Why you ask; it is kept.")] = "",
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say who was at a place, certainly, probably or possibly. Who asks, when and why is kept in the access log."""
    from trackerd import report_answers as answers

    asked = answers.Asked(lon, lat, radius, from_, to, purpose)
    answers.place(config, asked, answers.Wishes(format_, output, lang, semicolon, bom, table))


@report_app.command()
def capacity(
    date: Annotated[str | None, typer.Option(help="The day, as 2026-05-19; else today.")] = None,
    detour: Annotated[float, typer.Option(min=1, max=5, help="How much longer streets are than straight lines.")] = 1.3,
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say whether those on duty can do what a day owes, how many it takes, and why a past day's windows were missed."""
    from trackerd import report_answers as answers

    answers.capacity(config, date, detour, answers.Wishes(format_, output, lang, semicolon, bom, table))


@report_app.command()
def askings(
    from_: From = None, to: To = None,
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Say who asked where people were, when and why. Else four weeks."""
    from trackerd import report_answers as answers

    answers.askings(config, from_, to, answers.Wishes(format_, output, lang, semicolon, bom, table))


@report_app.command()
def warden(
    warden: Annotated[str, typer.Argument(help="The warden's pseudonym.")],
    from_: From = None, to: To = None,
    purpose: Annotated[str, typer.Option(help="Why you ask; it is kept.")] = "",
    config: Config = CONFIG, format_: As = None, output: Output = None, lang: Lang = None,
    semicolon: Semicolon = False, bom: Bom = False, table: OneTable = None,
) -> None:  # fmt: skip
    """Give a warden the copy of all that is kept of him or her. Else of four weeks."""
    from trackerd import report_answers as answers

    answers.warden(config, warden, from_, to, purpose, answers.Wishes(format_, output, lang, semicolon, bom, table))
