"""The command line: reads arguments, calls one function each, tells people what happened.

What must stay true here: data goes to standard output, talk to standard error; no traceback reaches a user; exit
codes are 0 done, 1 the input or configuration has faults, 2 wrong usage, 3 a needed service is not there, 70 a fault
of ours. Heavy parts are loaded by the command that needs them, so ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from trackerd import __version__
from trackerd.report_commands import report_app
from trackerd.user_commands import user_app

FAULTS, AWAY, OURS = 1, 3, 70

app = typer.Typer(  # plain help: rich's would take longer to load than everything else together
    no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Where a town's wardens are, and which zones were visited.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)  # fmt: skip
zones_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at files of zones.")
app.add_typer(zones_app, name="zones")
store_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Prepare, check, copy and back up the record's store."
)
app.add_typer(store_app, name="store")
plan_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is owed, and when.")
app.add_typer(plan_app, name="plan")
duty_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Breaks: what is measured in one is not kept.")
app.add_typer(duty_app, name="duty")
notify_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after those who are told: see docs/alerts.md."
)
app.add_typer(notify_app, name="notify")
app.add_typer(report_app, name="report")
app.add_typer(user_app, name="user")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a TOML file.")]


class Shape(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trackerd {__version__}")
        raise typer.Exit


@app.callback()
def _common(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Say what is common to all commands."""


@app.command()
def run(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Run the daemon until it is told to stop."""
    from trackerd import commands

    commands.run(config)


@app.command()
def check(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Tell every fault in configuration, zones and plan at once."""
    from trackerd import commands

    commands.check(config)


@app.command()
def init(
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path("/etc/trackerd"),
    site: Annotated[str | None, typer.Option(help="The town, in a-z, 0-9 and -.")] = None,
    timezone: Annotated[str, typer.Option(help="The town's clock.")] = "Europe/Brussels",
    languages: Annotated[str | None, typer.Option(help="Such as nl,fr: the first is used first.")] = None,
    positions: Annotated[str | None, typer.Option(help="Where they come from: phone, serial, gpsd or tcp.")] = None,
    where: Annotated[str | None, typer.Option(help="The broker's or gpsd's host, the serial or TCP port.")] = None,
    warden: Annotated[str | None, typer.Option(help="The first warden, by a pseudonym.")] = None,
    device: Annotated[str, typer.Option(help="The id of the first tracker.")] = "w01",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is usual.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put files that are there aside as NAME.old.")] = False,
) -> None:
    """Write a first configuration, zones and plan, from five answers."""
    from trackerd import init_command

    answers = init_command.Answers(site, languages, positions, where, warden, device, timezone)
    init_command.init(folder, answers, asking=not yes and sys.stdin.isatty(), replace=replace)


@app.command()
def doctor(
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one a finding.")] = False,
) -> None:
    """Tell what is wrong with this installation, and how to mend it."""
    from trackerd import doctor_command

    doctor_command.doctor(config, as_json)


@app.command()
def health(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Say whether the daemon runs and turns: 0, else 3; for a container's health check."""
    from trackerd import doctor_command

    doctor_command.health(config)


@app.command(name="broker-config")
def broker_config(
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    out: Annotated[Path | None, typer.Option(help="Write the files there; else only show them.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the broker will find them.")] = Path("/etc/mosquitto"),
) -> None:
    """Make mosquitto's settings, access list and passwords for the enrolled devices."""
    from trackerd import broker_commands

    broker_commands.broker_config(config, out, folder)


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="Recorded tracks: NMEA, GPX, CSV, OwnTracks, gpsd; .gz too.")],
    zones: Annotated[list[Path] | None, typer.Option(help="GeoJSON files of zones.")] = None,
    plan: Annotated[Path | None, typer.Option(help="The plan and the roster, a TOML file.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="A configuration for the rest.")] = None,
    device: Annotated[
        str | None, typer.Option(help="The device, where the file does not say; else the file's name.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Which decoder, where the file does not show it.")
    ] = None,
    speed: Annotated[str, typer.Option(help="'max', or how many times as fast as it happened.")] = "max",
    events: Annotated[str, typer.Option(help="Where events go as JSON lines; - is standard output.")] = "-",
    store: Annotated[str | None, typer.Option(help="Keep the record too, for example sqlite:///day.db.")] = None,
) -> None:
    """Send recorded tracks through the real engine: events as JSON lines."""
    from trackerd import commands

    pace = None if speed == "max" else _positive(speed)
    wishes = commands.Replay(files, zones or [], plan, config, device, format_, pace, events, store)
    commands.replay(wishes)


@app.command()
def backtest(
    files: Annotated[list[Path] | None, typer.Argument(help="Recorded tracks; else the store's past.")] = None,
    zones: Annotated[list[Path] | None, typer.Option(help="GeoJSON files of zones to try.")] = None,
    plan: Annotated[Path | None, typer.Option(help="The plan to try; without [[duty]] the roster stays.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="The first day, or a time; else four weeks ago.")] = None,
    to: Annotated[str | None, typer.Option(help="The last day, the whole of it, or a time; else today.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    device: Annotated[str | None, typer.Option(help="The device, where a file does not say.")] = None,
    decoder: Annotated[str | None, typer.Option(help="Which decoder, where a file does not show it.")] = None,
    format_: Annotated[Shape, typer.Option("--format", "-f", help="For people, or for programs.")] = Shape.TABLE,
) -> None:
    """Say what other zones or another plan would have made of the past; nobody is told, nothing is written."""
    from trackerd import backtest_command as command
    from trackerd.backtest_side import Past

    tracks, towns = (tuple(map(str, paths or ())) for paths in (files, zones))
    past = Past(tracks, towns, str(plan) if plan else None, str(config), device, decoder)
    command.run(command.Wishes(past, from_, to, format_ is Shape.JSON))


@app.command()
def decode(
    file: Annotated[Path, typer.Argument(help="What a receiver or tracker sent; .gz too; - is standard input.")],
    decoder: Annotated[str | None, typer.Option(help="Which decoder; found out from the file if left out.")] = None,
    device: Annotated[str, typer.Option(help="The device, where the file does not say.")] = "device",
) -> None:
    """Show the fixes in a file as JSON lines, and on standard error what was refused and why."""
    from trackerd import commands

    commands.decode(file, decoder, device)


@app.command()
def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="End at the day's end.")] = False,
    store: Annotated[Path | None, typer.Option(help="The SQLite file to write; else one that is thrown away.")] = None,
    speed: Annotated[float, typer.Option(min=1.0, help="How many times as fast as it happened.")] = 3600.0,
    listen: Annotated[str | None, typer.Option(help="Where the page is, as 127.0.0.1:8020; or off.")] = None,
) -> None:
    """Play a recorded day of two wardens in Asse through the whole daemon, with the page."""
    from pydantic import ValidationError

    from trackerd.demo import show

    try:
        show(exit_, store, speed, listen=listen)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"], param_hint="--listen") from None


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

    every_s = None if every is None else _span(every, "--every")
    zone_commands.zones_lint(
        files or [], config, zone_commands.Wishes(accuracy, every_s, _span(dwell, "--dwell"), json)
    )


@app.command()
def explain(
    what: Annotated[list[str], typer.Argument(help="The id of an event; or DEVICE ZONE TIME.")],
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    plot: Annotated[Path | None, typer.Option(help="Draw it too, into this SVG file.")] = None,
) -> None:
    """Say why an event was said: the fixes, their distances, and what was believed after each."""
    from trackerd import explain_command

    explain_command.run(what, config, plot)


@plan_app.command("show")
def plan_show(
    date: Annotated[str | None, typer.Option(help="The day, as 2026-05-19; else today.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is owed on a day, to which zones, and who is on duty."""
    from trackerd import plan_commands

    plan_commands.show(config, date, as_json)


@plan_app.command("next")
def plan_next(
    at: Annotated[str | None, typer.Option(help="As of when, as 2026-05-19T08:00, the town's time; else now.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is owed now, and what comes soonest."""
    from trackerd import plan_commands

    plan_commands.due(config, at, as_json)


@plan_app.command("capacity")
def plan_capacity(
    date: Annotated[str | None, typer.Option(help="Which day, as 2026-05-19; else today.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
    detour: Annotated[float, typer.Option(min=1, max=5, help="How much longer streets are than straight lines.")] = 1.3,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether those on duty can do all that is owed on a day, and how many it takes."""
    from trackerd import capacity_command

    capacity_command.capacity(config, date, detour, as_json)


@notify_app.command("list")
def notify_list(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Show how each route stands, and the letters set aside."""
    from trackerd import notify_commands

    notify_commands.notify_list(config)


@notify_app.command("test")
def notify_test(
    name: Annotated[str, typer.Argument(help="The name of a [[notify]].")],
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
) -> None:
    """Send a test message now, and say what happened."""
    from trackerd import notify_commands

    notify_commands.notify_test(name, config)


@notify_app.command("resend")
def notify_resend(
    route: Annotated[str | None, typer.Option(help="Only those of this route.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
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
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
) -> None:
    """Begin a break; from a time gone by, what is kept of it is erased."""
    from trackerd import duty_commands

    duty_commands.rest(config, warden, from_, until)


@duty_app.command("resume")
def duty_resume(
    warden: Annotated[str, typer.Argument(help="The warden, by pseudonym.")],
    at: Annotated[str | None, typer.Option(help="Since when: 12:30, or a date with time; else now.")] = None,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
) -> None:
    """End a break; what was measured before is not had back."""
    from trackerd import duty_commands

    duty_commands.resume(config, warden, at)


@duty_app.command("list")
def duty_list(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """List who is on duty now, the breaks of the last seven days, and devices in nobody's hands."""
    from trackerd import duty_commands

    duty_commands.show(config)


@app.command()
def waive(
    requirement: Annotated[str, typer.Argument(help="Which requirement of the plan.")],
    zone: Annotated[str, typer.Argument(help="For which zone.")],
    reason: Annotated[str, typer.Option(help="Why it need not be done: it is told with the verdict.")] = "",
    date: Annotated[str | None, typer.Option(help="The day the window begins on, as 2026-05-04; else today.")] = None,
    window: Annotated[str | None, typer.Option(help="When the window begins, where the day has several.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; else the name of this login.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="It must be done after all.")] = False,
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
) -> None:
    """Excuse one window of one zone, with a reason; judged already, it is judged again."""
    from trackerd import duty_commands

    duty_commands.waive(config, duty_commands.Wish(requirement, zone, reason, date, window, by, undo))


def _span(text: str, option: str) -> float:
    from geofence.duration import seconds

    try:
        return max(seconds(text), 1.0)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise typer.BadParameter("write max, or a number above 0", param_hint="--speed")
    return number


UrlArgument = Annotated[str | None, typer.Argument(help="sqlite:///FILE or postgresql://…; else the configuration's.")]


@store_app.command("migrate")
def store_migrate(url: UrlArgument = None, config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Make a store's tables, or bring them to this version."""
    from trackerd import store_commands

    store_commands.migrate(url, config)


@store_app.command("check")
def store_check(url: UrlArgument = None, config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
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
    config: ConfigOption = Path("/etc/trackerd/trackerd.toml"),
) -> None:
    """Write a consistent copy of the embedded store, also while the daemon runs."""
    from trackerd import store_commands

    if (file is None) == (into is None):
        raise typer.BadParameter("name either a file, or a folder with --into")
    store_commands.backup(file, into, keep, config)


@store_app.command("forget")
def store_forget(config: ConfigOption = Path("/etc/trackerd/trackerd.toml")) -> None:
    """Let go of what [retention] keeps no longer; a daemon that runs does so itself."""
    from trackerd import store_commands

    store_commands.forget(config)


def main() -> NoReturn:
    """Run the command line; exit with the codes of the contract."""
    try:
        app()
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("TRACKERD_DEBUG"):
            raise
        typer.echo(f"trackerd: a fault of ours: {type(error).__name__}: {error}", err=True)
        typer.echo("Please report it; TRACKERD_DEBUG=1 shows where it happened.", err=True)
        sys.exit(OURS)
    sys.exit(0)
