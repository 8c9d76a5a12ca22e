"""``trackerd init``: a first configuration, from five answers.

What must stay true here: nothing that is there is written over; what is written passes ``trackerd check``; every answer
can be given as an option, so that a script can do without a person.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NoReturn, get_args

import typer

from trackerd.commands import talk
from trackerd.load import load
from trackerd.town import build
from trackerd.usage import FAULTS

Way = Literal["phone", "serial", "gpsd", "tcp"]
WAYS = get_args(Way)
SYSTEM = Path("/etc/trackerd")
"""There the daemon of this machine looks, which is not whoever types this."""
BY_ID = Path("/dev/serial/by-id")
WHERE = {
    "phone": ("The broker's host name", "localhost"),
    "serial": ("The port the receiver is at", "/dev/ttyUSB0"),
    "gpsd": ("The host gpsd runs on", "localhost"),
    "tcp": ("The port trackers connect to", "5055"),
}
"""What is asked of each way, and the usual answer."""
SOURCES: Mapping[str, str] = {
    "phone": '[mqtt]\nhost = "{where}"\n#username = "trackerd"\n#password_file = "secrets/mqtt-password"\n\n'
    '[[source]]                       # OwnTracks, user name "{device}"\nkind = "mqtt"\n',
    "serial": '[[source]]\nkind = "serial"\nurl = "{where}"\ndevice = "{device}"\n',
    "gpsd": '[[source]]\nkind = "gpsd"\nhost = "{where}"\ndevice = "{device}"\n',
    "tcp": '[[source]]\nkind = "tcp"\nhost = "0.0.0.0"\nport = {where}\ndevice = "{device}"\n',
}
CONFIG = """# Every key and what it means: the page "Every configuration key" of the documentation, or
# the comments of /usr/share/doc/trackerd/config/trackerd.toml. After a change: trackerd check --config {file}
[site]
name = "{site}"
timezone = "{timezone}"
languages = {languages}

[store]
url = "sqlite:///{store}"

{source}
[[zones]]
file = "zones.geojson"

[plan]
file = "plan.toml"

[[device]]
id = "{device}"

[[warden]]                       # a pseudonym; names of persons do not belong here
id = "{warden}"
"""
PLAN = """# What is owed, and who works when. Hours are the town's clock.
[[requirement]]
id = "example"
zones = ["example-square"]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:00"
to = "17:00"
dwell = "1m"

[[duty]]                         # off duty nothing is stored
warden = "{warden}"
device = "{device}"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:30"
"""
ZONES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "example-square",
            "properties": {"name": "Example: put your own in its place", "kind": "hotspot", "radius_m": 40},
            "geometry": {"type": "Point", "coordinates": [4.1984, 50.9102]},
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered; None: to be asked."""

    site: str | None
    languages: str | None
    way: str | None
    where: str | None
    warden: str | None
    device: str = "w01"
    timezone: str = "Europe/Brussels"


def init(folder: Path, answers: Answers, *, asking: bool, replace: bool) -> None:
    """Ask what is not answered, and write the files.

    ``asking``: a person is there; ``replace``: what is there is put aside under another name.
    """
    files = {name: folder / name for name in ("trackerd.toml", "zones.geojson", "plan.toml")}
    there = [path for path in files.values() if path.exists()]
    if there and not replace:
        _stop(f"{', '.join(map(str, there))}: there already; name another folder, or put it aside with --replace")
    made = _written(_asked(answers, asking), folder)
    _prove(made)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in there:
            path.replace(path.with_name(f"{path.name}.old"))
        for name, text in made.items():
            _write(files[name], text)
    except OSError as error:
        _stop(f"{error.filename}: cannot be written: {error.strerror}; name another folder with --folder")
    talk.print(f"written: {', '.join(str(path) for path in files.values())}", markup=False)
    talk.print("Next: put your zones into zones.geojson (`trackerd zones import` takes them from a map), then")
    talk.print(f"  trackerd check --config {files['trackerd.toml']}", markup=False)
    start = "systemctl restart trackerd" if folder == SYSTEM else f"trackerd run --config {files['trackerd.toml']}"
    talk.print(f"  {start}", markup=False)


def _write(file: Path, text: str) -> None:
    """Write a file that is not everybody's: the roster says who works when; root writes for the folder's group."""
    file.touch(0o640)
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, -1, file.parent.stat().st_gid)
    file.write_text(text, "utf-8")


def _prove(made: Mapping[str, str]) -> None:
    """Leave, with every reason, where what would be written has faults."""
    with TemporaryDirectory() as place:
        for name, text in made.items():
            Path(place, name).write_text(text, "utf-8")
        config = Path(place, "trackerd.toml")
        settings, faults = load(config)
        if settings is not None:
            faults += build(settings, config)[1]
    if faults:
        _stop("; ".join(f"{fault.where}: {fault.what}" for fault in faults))


def _asked(given: Answers, asking: bool) -> dict[str, str]:
    def ask(value: str | None, question: str, usual: str) -> str:
        if value is not None:
            return value
        return str(typer.prompt(question, default=usual, err=True)) if asking else usual

    site = ask(given.site, "The town, in a-z, 0-9 and -", "town")
    languages = ask(given.languages, "Languages of alerts and reports, the first first (nl, fr, de, en)", "nl,fr")
    way = ask(given.way, f"Where positions come from ({', '.join(WAYS)})", "phone")
    if way not in WAYS:
        _stop(f"{way!r} is no way for positions to come: {', '.join(WAYS)}")
    question, usual = WHERE[way]
    where = ask(given.where, question, _plugged_in() or usual if way == "serial" else usual)
    warden = ask(given.warden, "The first warden, by a pseudonym", "gw-1")
    return {
        "site": site, "languages": languages, "way": way, "where": where, "warden": warden,
        "device": given.device, "timezone": given.timezone,
    }  # fmt: skip


def _plugged_in() -> str | None:
    """Return the one receiver that is plugged in, under the name that stays."""
    found = sorted(BY_ID.glob("*")) if BY_ID.exists() else []
    return str(found[0]) if len(found) == 1 else None


def _written(answers: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the files; a quote or a line end in an answer is left out, so that it stays inside its value."""
    plain = {key: re.sub(r'["\\\x00-\x1f]', "", value).strip() for key, value in answers.items()}
    if plain["way"] == "tcp" and not plain["where"].isdigit():
        _stop(f"{plain['where']!r} is no port: write a number such as 5055")
    languages = [word for word in re.split(r"[\s,]+", plain["languages"]) if word]
    store = Path("/var/lib/trackerd/trackerd.db") if folder == SYSTEM else Path("trackerd.db")
    source = SOURCES[plain["way"]].format(**plain)
    config = CONFIG.format(
        **plain | {"languages": json.dumps(languages)}, file=folder / "trackerd.toml", store=store, source=source,
    )  # fmt: skip
    plan = PLAN.format(**plain)
    return {"trackerd.toml": config, "zones.geojson": json.dumps(ZONES, indent=1) + "\n", "plan.toml": plan}


def _stop(why: str) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(FAULTS)
