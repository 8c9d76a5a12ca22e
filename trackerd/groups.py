"""The commands that come in groups: zones, plan, notify, duty, store.

What must stay true here: see cli.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trackerd.usage import CONFIG, ConfigOption, span

zones_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at files of zones.")
store_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Prepare, check, copy and back up the record's store."
)
plan_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is owed, and when.")
duty_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Breaks: what is measured in one is not kept.")
notify_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after those who are told: see docs/alerts.md."
)


@zones_app.command("check")
def zones_check(files: Annotated[list[Path], typer.Argument(help="GeoJSON files of zones.")]) -> None:
    """Tell every fault in files of zones at once."""
    from trackerd import zone_commands

    zone_commands.zones_check(files)


@zones_app.command("list")
def zones_list(
    files: Annotated[list[Path] | None, typer.Argument(help="GeoJSON files of zones.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Or those a configuration names.")] = None,
) -> None:
    """List zones with their kind, team and size."""
    from trackerd import zone_commands

    zone_commands.zones_list(files or [], config)


@zones_app.command("import")
def zones_import(
    file: Annotated[Path, typer.Argument(help="KML, KMZ or GeoJSON, as drawn elsewhere.")],
    into: Annotated[Path | None, typer.Option(help="The file of zones to put them into; else they are shown.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of those that say none.")] = None,
    team: Annotated[str | None, typer.Option(help="Team of those that say none.")] = None,
    radius: Annotated[float, typer.Option(min=1, help="Metres around points that say none.")] = 25.0,
    width: Annotated[float, typer.Option(min=1, help="Metres across lines that say none.")] = 20.0,
) -> None:
    """Make zones of places drawn elsewhere; those of the same id are replaced."""
    from trackerd import zone_commands, zone_import

    zone_commands.zones_import(file, into, zone_import.Defaults(kind, team, radius, width))


@zones_app.command("lint")
def zones_lint(
    files: Annotated[list[Path] | None, typer.Argument(help="GeoJSON files of zones.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Or those a configuration names.")] = None,
    accuracy: Annotated[
        float | None, typer.Option(min=1, max=500, help="Radius of 68 % of the error, in metres; else as stored.")
    ] = None,
    every: Annotated[str | None, typer.Option(help="Time between two fixes; else as stored.")] = None,
    dwell: Annotated[str, typer.Option(help="How long a visit lasts, where the zone does not say.")] = "1m",
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say how surely visits to each zone can be proven, and what would make it better."""
    from trackerd import zone_commands

    every_s = None if every is None else span(every, "--every")
    zone_commands.zones_lint(files or [], config, zone_commands.Wishes(accuracy, every_s, span(dwell, "--dwell"), json))


@plan_app.command("show")
def plan_show(
    date: Annotated[str | None, typer.Option(help="The day, as 2026-05-19; else today.")] = None,
    config: ConfigOption = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is owed on a day, to which zones, and who is on duty."""
    from trackerd import plan_commands

    plan_commands.show(config, date, as_json)


@plan_app.command("next")
def plan_next(
    at: Annotated[str | None, typer.Option(help="As of when, as 2026-05-19T08:00, the town's time; else now.")] = None,
    config: ConfigOption = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is owed now, and what comes soonest."""
    from trackerd import plan_commands

    plan_commands.due(config, at, as_json)


@plan_app.command("capacity")
def plan_capacity(
    date: Annotated[str | None, typer.Option(help="Which day, as 2026-05-19; else today.")] = None,
    config: ConfigOption = CONFIG,
    detour: Annotated[float, typer.Option(min=1, max=5, help="How much longer streets are than straight lines.")] = 1.3,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether those on duty can do all that is owed on a day, and how many it takes."""
    from trackerd import capacity_command

    capacity_command.capacity(config, date, detour, as_json)


@notify_app.command("list")
def notify_list(config: ConfigOption = CONFIG) -> None:
    """Show how each route stands, and the letters set aside."""
    from trackerd import notify_commands

    notify_commands.notify_list(config)


@notify_app.command("test")
def notify_test(
    name: Annotated[str, typer.Argument(help="The name of a [[notify]].")],
    config: ConfigOption = CONFIG,
) -> None:
    """Send a test message now, and say what happened."""
    from trackerd import notify_commands

    notify_commands.notify_test(name, config)


@notify_app.command("resend")
def notify_resend(
    route: Annotated[str | None, typer.Option(help="Only those of this route.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Let the letters set aside be sent again."""
    from trackerd import notify_commands

    notify_commands.notify_resend(route, config)


@duty_app.command("break")
def duty_break(
    warden: Annotated[str, typer.Argument(help="The warden, by pseudonym.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="From when: 12:30, or a date with time; else now.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Until when; else until resumed, or the duty's end.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Begin a break; from a time gone by, what is kept of it is erased."""
    from trackerd import duty_commands

    duty_commands.rest(config, warden, from_, until)


@duty_app.command("resume")
def duty_resume(
    warden: Annotated[str, typer.Argument(help="The warden, by pseudonym.")],
    at: Annotated[str | None, typer.Option(help="Since when: 12:30, or a date with time; else now.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """End a break; what was measured before is not had back."""
    from trackerd import duty_commands

    duty_commands.resume(config, warden, at)


@duty_app.command("list")
def duty_list(config: ConfigOption = CONFIG) -> None:
    """List who is on duty now, the breaks of the last seven days, and devices in nobody's hands."""
    from trackerd import duty_commands

    duty_commands.show(config)


UrlArgument = Annotated[str | None, typer.Argument(help="sqlite:///FILE or postgresql://…; else the configuration's.")]


@store_app.command("migrate")
def store_migrate(url: UrlArgument = None, config: ConfigOption = CONFIG) -> None:
    """Make a store's tables, or bring them to this version."""
    from trackerd import store_commands

    store_commands.migrate(url, config)


@store_app.command("check")
def store_check(url: UrlArgument = None, config: ConfigOption = CONFIG) -> None:
    """Say what is in a store, how long events wait to be told, and what is wrong."""
    from trackerd import store_commands

    store_commands.check(url, config)


@store_app.command("copy")
def store_copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///FILE or postgresql://…")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; empty, or begun by an earlier try.")],
) -> None:
    """Copy a record into another store, with no daemon running; goes on where it was stopped, and compares."""
    from trackerd import store_commands

    store_commands.copy_all(source, target)


@store_app.command("backup")
def store_backup(
    file: Annotated[Path | None, typer.Argument(help="The file to write.")] = None,
    into: Annotated[Path | None, typer.Option(help="Or a folder: the file is named by the day.")] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many such files stay in the folder.")] = 7,
    config: ConfigOption = CONFIG,
) -> None:
    """Write a consistent copy of the embedded store, also while the daemon runs."""
    from trackerd import store_commands

    if (file is None) == (into is None):
        raise typer.BadParameter("name either a file, or a folder with --into")
    store_commands.backup(file, into, keep, config)


@store_app.command("forget")
def store_forget(config: ConfigOption = CONFIG) -> None:
    """Let go of what [retention] keeps no longer; a daemon that runs does so itself."""
    from trackerd import store_commands

    store_commands.forget(config)
