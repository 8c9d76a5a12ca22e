"""What ``[[notify]]`` may say.

What must stay true here: each kind takes its own keys and no other; a secret is named by its file; a password is
never sent in clear.
"""

from __future__ import annotations

import difflib
import re
from datetime import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from geofence.event import Kind
from geofence.wire import PREFIX, VERDICTS
from trackerd.section import Id, Port, Section, Span

NEEDS = {"webhook": ("url",), "mail": ("host", "from", "to"), "apprise": ("url_file",)}
"""Keys a kind cannot do without."""
ALSO = {
    "webhook": ("secret_file", "ca_file"),
    "mail": ("port", "tls", "username", "password_file", "ca_file", "group", "language"),
    "apprise": ("group", "language"),
}
"""Keys a kind may have besides those that all have."""
OWN = {key for keys in (*NEEDS.values(), *ALSO.values()) for key in keys}
TO_PEOPLE = ("zone.skip", "device.sos")
"""What is told to people unless they want more; a webhook is told everything."""


TYPES = (*(kind.value for kind in Kind), *VERDICTS.values(), "zone.due")
"""What events say, without the prefix."""


def _type(pattern: str) -> str:
    """Return a pattern of types without the prefix; one that fits none would keep its route silent for ever."""
    bare = pattern.removeprefix(PREFIX)
    if not any(fnmatchcase(known, bare) for known in TYPES):
        near = difflib.get_close_matches(bare, TYPES, 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TYPES)}"
        raise ValueError(f"no event is of the type {pattern!r}: {hint}")
    return bare


def _name(name: str) -> str:
    if name == "mqtt":
        raise ValueError('"mqtt" is the broker\'s route: give it another name')
    return name


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        known = False
    if not known or parts.username is not None:
        raise ValueError('write it as "https://host/path", without a password in it')
    return url


def _address(address: str) -> str:
    if not re.fullmatch(r"[^\s<>@,;]+@[^\s<>@,;]+", address):
        raise ValueError('write an address as "coordinator@asse.be"')
    return address


def _stretch(value: object) -> object:
    """Read "22:00-07:00" as two hours of the town's clock."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-3]):([0-5]\d)", str(value))
    if found is None:
        raise ValueError('write quiet hours as "22:00-07:00"')
    hours = [int(part) for part in found.groups()]
    return time(hours[0], hours[1]), time(hours[2], hours[3])


Address = Annotated[str, AfterValidator(_address)]


class NotifySection(Section):
    """Somebody to be told, how, and of what."""

    kind: Literal["webhook", "mail", "apprise"]
    name: Annotated[Id, AfterValidator(_name)]
    types: tuple[Annotated[str, AfterValidator(_type)], ...] | None = None
    kinds: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    teams: tuple[Id, ...] = ()
    quiet: Annotated[tuple[time, time], BeforeValidator(_stretch, json_schema_input_type=str)] | None = None
    give_up: Span = 3 * 86_400.0
    group: Span = 0.0
    language: Literal["nl", "fr", "de", "en"] | None = None
    url: Annotated[str, AfterValidator(_url)] | None = None
    secret_file: Path | None = None
    url_file: Path | None = None
    host: str | None = None
    port: Port | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    from_: Address | None = Field(default=None, alias="from")
    to: tuple[Address, ...] = ()

    @model_validator(mode="after")
    def _of_its_kind(self) -> NotifySection:
        given = {key.rstrip("_") for key in self.model_fields_set}
        needs = NEEDS[self.kind]
        missing = [key for key in needs if key not in given or not getattr(self, "from_" if key == "from" else key)]
        if missing:
            raise ValueError(f'a notify of kind "{self.kind}" needs {" and ".join(missing)}')
        foreign = sorted(given & OWN - {*needs, *ALSO[self.kind]})
        if foreign:
            raise ValueError(f'a notify of kind "{self.kind}" has no {" and no ".join(foreign)}')
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        if self.username is not None and self.tls == "none":
            raise ValueError('a password is not sent in clear: write tls = "starttls" or "tls"')
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The types told, as patterns."""
        return self.types if self.types is not None else ("*",) if self.kind == "webhook" else TO_PEOPLE
