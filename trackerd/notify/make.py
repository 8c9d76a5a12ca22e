"""From ``[[notify]]`` to the routes that run.

What must stay true here: every fault of every section is told at once, with the remedy; secrets come from files and
are in no message.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from geofence.calendar import Hours
from trackerd import secret
from trackerd.config import Settings
from trackerd.notify.mail import Mail, Server
from trackerd.notify.section import NotifySection
from trackerd.notify.sender import Transport
from trackerd.notify.services import Service
from trackerd.notify.webhook import Webhook, key_of
from trackerd.notify.wishes import Wishes
from trackerd.notify.words import Words


class NotifyFault(Exception):  # noqa: N818 (the field's word: a fault in the configuration)
    """A route cannot be used; the text says which, why and what to do, a line each."""


def transports(settings: Settings, path: Path) -> dict[str, Transport]:
    """Return the way of each ``[[notify]]`` of a configuration read from ``path``. Raises NotifyFault."""
    made: dict[str, Transport] = {}
    faults: list[str] = []
    for section in settings.notify:
        try:
            made[section.name] = transport(section, settings, path)
        except NotifyFault as fault:
            faults.append(str(fault))
    if faults:
        raise NotifyFault("\n".join(faults))
    return made


def transport(section: NotifySection, settings: Settings, path: Path) -> Transport:
    """Return the way of one ``[[notify]]``. Raises NotifyFault."""
    folder = path.parent
    words = Words(section.language or settings.site.languages[0], ZoneInfo(settings.site.timezone), settings.site.name)
    with _told(section, "ca_file"):
        tls = _context(None if section.ca_file is None else secret.place(folder, section.ca_file))
    if section.kind == "webhook":
        with _told(section, "secret_file"):
            keys = [key_of(line) for line in _text(folder, section.secret_file).split()]
        return Webhook(str(section.url), keys, tls)
    if section.kind == "apprise":
        with _told(section, "url_file"):
            return Service(_one(_text(folder, section.url_file)), words)
    with _told(section, "password_file"):
        password = _text(folder, section.password_file)
    server = Server(str(section.host), section.tls, section.port, section.username, password, tls)
    return Mail(server, str(section.from_), section.to, words)


def wishes(section: NotifySection, settings: Settings) -> Wishes:
    """Return what the route is told, and when."""
    return Wishes(
        section.wanted, section.kinds, section.zones, section.teams, Hours(*section.quiet) if section.quiet else None,
        ZoneInfo(settings.site.timezone), section.group, section.give_up,
    )  # fmt: skip


@contextmanager
def _told(section: NotifySection, key: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as fault:
        why = (
            "is not UTF-8 text" if isinstance(fault, UnicodeDecodeError) else getattr(fault, "strerror", None) or fault
        )
        raise NotifyFault(f"notify {section.name}: {key} {getattr(section, key)}: {str(why).lower()}") from None


def _text(folder: Path, file: Path | None) -> str:
    """Return what stands in a file, if one is named; the line's end that editors add is not part of it."""
    if file is None:
        return ""
    found = secret.place(folder, file).read_text("utf-8").rstrip("\r\n")
    if not found.strip():
        raise ValueError("is empty")
    return found


def _one(text: str) -> str:
    if len(text.split()) != 1:
        raise ValueError("one address, and one [[notify]] for each")
    return text.strip()


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise ValueError("is not a certificate in PEM form") from None
