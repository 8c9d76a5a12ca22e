"""The broker's configuration for the enrolled devices: mosquitto's settings, access list and passwords.

What must stay true here: a device can write its own topics and read nothing; only trackerd reads positions; passwords
that exist stay as they are, new ones are shown once and kept only as mosquitto's hashes; what is queued for trackerd
outlives the broker's own crash as far as mosquitto can do that.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 101
"""Of PBKDF2 (RFC 8018) with SHA-512, as mosquitto_passwd makes them; a password made here has 128 random bits."""
HEAD = "# Written by trackerd broker-config; write your own settings into another file of conf.d.\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the broker is to be configured for."""

    devices: Sequence[str]
    user: str = "trackerd"
    """Who trackerd is there."""
    prefix: str = "trackerd"
    port: int = 1883
    tls: bool = False
    folder: Path = Path("/etc/mosquitto")
    """Where the broker finds what is written."""


def settings(wanted: Wanted) -> str:
    """Return mosquitto's settings (mosquitto.conf(5), 2.0)."""
    at = wanted.folder
    door = (
        f"listener {wanted.port}\ncafile {at}/certs/ca.pem\ncertfile {at}/certs/server.pem\n"
        f"keyfile {at}/certs/server.key\n"
        if wanted.tls
        else f"# Without TLS positions travel in the clear: only within this machine, or through a tunnel.\n"
        f"listener {wanted.port} 127.0.0.1\n"
    )
    return f"""{HEAD}
{door}
allow_anonymous false
password_file {at}/trackerd.passwd
acl_file {at}/trackerd.acl

# What trackerd has not taken yet outlives a crash of the broker. Each change rewrites its file: for more than some
# hundred messages a second raise autosave_interval, at the risk of so many messages.
persistence true
autosave_on_changes true
autosave_interval 1

# While trackerd is away everything is kept for it; beyond these mosquitto drops the newest without a word.
max_queued_messages 1000000
max_queued_bytes 536870912
persistent_client_expiration 14d

max_inflight_messages 200
max_packet_size 65536
"""


def access(wanted: Wanted) -> str:
    """Return the access list: %u is the user name, which is the device's id."""
    prefix = wanted.prefix
    return f"""{HEAD}
# Every device: its own topics, to write.
pattern write owntracks/%u/#
pattern write trackerd/in/%u/#

user {wanted.user}
topic read owntracks/#
topic read trackerd/in/#
topic write {prefix}/#
"""


def passwords(wanted: Wanted, known: str) -> tuple[str, dict[str, str]]:
    """Return the password file, given the one there is, and the passwords that are new.

    Whoever is no longer enrolled is left out.
    """
    kept = {line.split(":", 1)[0]: line for line in known.splitlines() if ":" in line}
    lines, new = [], {}
    for user in (wanted.user, *wanted.devices):
        if user not in kept:
            new[user] = secrets.token_urlsafe(16)
            kept[user] = f"{user}:{hashed(new[user], os.urandom(12))}"
        lines.append(kept[user])
    return "\n".join(lines) + "\n", new


def hashed(password: str, salt: bytes) -> str:
    """Return the hash mosquitto checks a password against (type 7: PBKDF2 with HMAC-SHA-512)."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, 64)
    return f"$7${ROUNDS}${b64encode(salt).decode()}${b64encode(key).decode()}"


def write(wanted: Wanted, folder: Path) -> dict[str, str]:
    """Write all three files into ``folder``; return the passwords that are new. Raises OSError."""
    at = {name: folder / f"trackerd.{name}" for name in ("conf", "acl", "passwd")}
    text, new = passwords(wanted, at["passwd"].read_text() if at["passwd"].exists() else "")
    for name, content in (("conf", settings(wanted)), ("acl", access(wanted)), ("passwd", text)):
        fresh = at[name].with_suffix(f".{name}.new")
        fresh.touch(0o640)
        fresh.write_text(content)
        fresh.replace(at[name])
    return new
