"""Whether the files are there, and who may read and write them.

What must stay true here: a secret is opened to see whether it can be read, and nothing of it is kept.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from trackerd import secret
from trackerd.assemble import inbox_folder, store_url
from trackerd.doctor.finding import Finding, Patient

CREDENTIALS = Path("/run/credentials")
"""Where systemd shows a unit what it loaded for it."""


def look(patient: Patient) -> Iterator[Finding]:
    """Look at secrets, and at the folders the daemon writes into."""
    if os.geteuid() == 0:
        yield Finding("files", "note", "looked at as root, who may read and write everything",
                      "as the daemon's user it says more: sudo -u trackerd trackerd doctor")  # fmt: skip
    if not patient.settings.privacy.require_duty:
        said = "privacy.require_duty is false: devices without a duty are followed day and night"
        yield Finding("privacy", "warning", said, "write a [[duty]] for each device and remove the key")
    elif patient.town is not None and not patient.town.roster.duties:
        yield Finding("privacy", "warning", "no [[duty]] is written, so nothing will be kept", "write the roster")
    for key, file in secrets(patient):
        yield _secret(key, file)
    for key, folder in folders(patient):
        yield _writable(key, folder)


def secrets(patient: Patient) -> Iterator[tuple[str, Path]]:
    """Yield every file that nobody else may read, with its key."""
    settings = patient.settings
    named = [("store.password_file", settings.store.password_file), ("mqtt.password_file", settings.mqtt.password_file),
             ("mqtt.key_file", settings.mqtt.key_file)]  # fmt: skip
    for one in settings.notify:
        of = f"notify {one.name}"
        named += [(f"{of}: password_file", one.password_file), (f"{of}: secret_file", one.secret_file)]
        named += [(f"{of}: url_file", one.url_file)]
    yield from ((key, secret.place(patient.path.parent, file)) for key, file in named if file is not None)


def folders(patient: Patient) -> Iterator[tuple[str, Path]]:
    """Yield every folder the daemon writes into."""
    url = store_url(patient.settings, patient.path)
    if url.startswith("sqlite:///") and not url.endswith(":memory:"):
        yield "store.url", Path(url.removeprefix("sqlite:///")).parent
    yield "store.inbox", inbox_folder(patient.settings, patient.path).parent
    if patient.settings.store.spool is not None:
        yield "store.spool", (patient.path.parent / patient.settings.store.spool).parent


def _secret(key: str, file: Path) -> Finding:
    if CREDENTIALS in file.parents and not file.exists():
        return Finding(key, "note", f"{file}: only the daemon sees its credentials", "LoadCredential= in its unit")
    try:
        with file.open("rb") as opened:
            empty, mode = not opened.read(1), os.fstat(opened.fileno()).st_mode
    except OSError as error:
        if _roots_alone(file.parent):
            return Finding(key, "note", f"{file}: only root can look", "the unit's LoadCredential= shows it the daemon")
        remedy = "check the name; give the daemon's user the right to read it, or load it as a systemd credential"
        return Finding(key, "fault", f"{file}: {error.strerror}", remedy)
    if empty:
        return Finding(key, "fault", f"{file} is empty", "write the secret into its first line")
    if mode & (stat.S_IROTH | stat.S_IWOTH) and file.parent.stat().st_mode & stat.S_IXOTH:
        return Finding(
            key, "fault", f"{file}: everybody on this machine may read it", f"chmod o= {file}; then change it"
        )
    return Finding(key, "well", f"{file}: can be read, and not by everybody")


def _roots_alone(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    return os.geteuid() != 0 == found.st_uid and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _writable(key: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(key, "fault", f"{folder}: no such folder", f"install -d -m 700 -o USER {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        owner = pwd.getpwuid(folder.stat().st_uid).pw_name
        return Finding(key, "fault", f"{folder}: cannot be written; it is {owner}'s",
                       "give the daemon's user the right, or name another folder")  # fmt: skip
    return Finding(key, "well", f"{folder}: can be written")
