"""The command line: reads arguments, calls one function each, tells people what happened.

What must stay true here: data goes to standard output, talk to standard error; no traceback reaches a user; exit
codes are 0 done, 1 the input or configuration has faults, 2 wrong usage, 3 a needed service is not there, 70 a fault
of ours. Heavy parts are loaded by the command that needs them, so ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from trackerd import __version__
from trackerd.groups import duty_app, notify_app, plan_app, store_app, zones_app
from trackerd.report_commands import report_app
from trackerd.usage import CONFIG, OURS, ConfigOption, Shape, positive
from trackerd.user_commands import user_app

app = typer.Typer(  # plain help: rich's would take longer to load than everything else together
    no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Where a town's wardens are, and which zones were visited.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)  # fmt: skip
for name, group in (
    ("zones", zones_app), ("store", store_app), ("plan", plan_app), ("duty", duty_app), ("notify", notify_app),
    ("report", report_app), ("user", user_app),
):  # fmt: skip
    app.add_typer(group, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trackerd {__version__}")
        raise typer.Exit


@app.callback()
def _common(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Say what is common to all commands."""


@app.command()
def run(config: ConfigOption = CONFIG) -> None:
    """Run the daemon until it is told to stop."""
    from trackerd import commands

    commands.run(config)


@app.command()
def check(config: ConfigOption = CONFIG) -> None:
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
    config: ConfigOption = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one a finding.")] = False,
) -> None:
    """Tell what is wrong with this installation, and how to mend it."""
    from trackerd import doctor_command

    doctor_command.doctor(config, as_json)


@app.command()
def health(config: ConfigOption = CONFIG) -> None:
    """Say whether the daemon runs and turns: 0, else 3; for a container's health check."""
    from trackerd import doctor_command

    doctor_command.health(config)


@app.command(name="broker-config")
def broker_config(
    config: ConfigOption = CONFIG,
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

    pace = None if speed == "max" else positive(speed)
    wishes = commands.Replay(files, zones or [], plan, config, device, format_, pace, events, store)
    commands.replay(wishes)


@app.command()
def backtest(
    files: Annotated[list[Path] | None, typer.Argument(help="Recorded tracks; else the store's past.")] = None,
    zones: Annotated[list[Path] | None, typer.Option(help="GeoJSON files of zones to try.")] = None,
    plan: Annotated[Path | None, typer.Option(help="The plan to try; without [[duty]] the roster stays.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="The first day, or a time; else four weeks ago.")] = None,
    to: Annotated[str | None, typer.Option(help="The last day, the whole of it, or a time; else today.")] = None,
    config: ConfigOption = CONFIG,
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


@app.command()
def explain(
    what: Annotated[list[str], typer.Argument(help="The id of an event; or DEVICE ZONE TIME.")],
    config: ConfigOption = CONFIG,
    plot: Annotated[Path | None, typer.Option(help="Draw it too, into this SVG file.")] = None,
) -> None:
    """Say why an event was said: the fixes, their distances, and what was believed after each."""
    from trackerd import explain_command

    explain_command.run(what, config, plot)


@app.command()
def waive(
    requirement: Annotated[str, typer.Argument(help="Which requirement of the plan.")],
    zone: Annotated[str, typer.Argument(help="For which zone.")],
    reason: Annotated[str, typer.Option(help="Why it need not be done: it is told with the verdict.")] = "",
    date: Annotated[str | None, typer.Option(help="The day the window begins on, as 2026-05-04; else today.")] = None,
    window: Annotated[str | None, typer.Option(help="When the window begins, where the day has several.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; else the name of this login.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="It must be done after all.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Excuse one window of one zone, with a reason; judged already, it is judged again."""
    from trackerd import duty_commands

    duty_commands.waive(config, duty_commands.Wish(requirement, zone, reason, date, window, by, undo))


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
