"""The command that configures the broker."""

from __future__ import annotations

from pathlib import Path

import typer

from trackerd.broker_config import Wanted, access, settings, write
from trackerd.commands import talk, the_town
from trackerd.usage import FAULTS


def broker_config(config: Path, out: Path | None, folder: Path) -> None:
    """Show what mosquitto needs for the enrolled devices, or write it; new passwords go to standard output."""
    said, town = the_town(config)
    mqtt = said.mqtt
    devices = sorted(town.enrolled)
    wanted = Wanted(devices, mqtt.username or "trackerd", mqtt.prefix, mqtt.port, mqtt.tls, folder)
    if out is None:
        typer.echo(f"{settings(wanted)}\n# ---- trackerd.acl ----\n{access(wanted)}", nl=False)
        talk.print("Nothing is written: give --out FOLDER for the files and the passwords.")
        return
    if not devices:
        talk.print(f"fault: {config}: no [[device]] is written: enrol the trackers that may send", markup=False)
        raise typer.Exit(FAULTS)
    try:
        out.mkdir(parents=True, exist_ok=True)
        new = write(wanted, out)
    except OSError as error:
        talk.print(f"fault: {error.filename}: {error.strerror}: name a folder you may write to", markup=False)
        raise typer.Exit(FAULTS) from None
    for user, password in new.items():
        typer.echo(f"{user}  {password}")
    talk.print(
        f"Written to {out}: copy trackerd.acl and trackerd.passwd to {folder}, trackerd.conf to {folder}/conf.d,"
    )
    talk.print("make them readable for the broker (chown root:mosquitto) and restart it.")
    if new:
        talk.print("The passwords above are shown this once; give each tracker its own, trackerd's into password_file.")
