"""A folder in which commands wait for the daemon: how another process tells the one that holds the store.

What must stay true here: a command is there whole or not at all (written aside, then renamed); it is removed only after
what it asked is committed, so it is carried out at least once, also after a crash and when no daemon ran; commands are
taken in the order they were written; what cannot be read is put aside with a reason and stops nothing; the folder is
its owner's alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from geofence.model import to_micros
from trackerd import clock
from trackerd.store import StoreError

LONGEST = 16 * 2**20
"""Bytes of a command: the zones of a large town."""
SUFFIX = ".json"
LOCK = "taken"
"""A file the daemon holds a lock on while it takes commands."""

log = logging.getLogger(__name__)


class Inbox:
    """One folder; made by whoever comes first."""

    def __init__(self, folder: Path) -> None:
        """``folder``: where the commands are; StoreError where it cannot be had."""
        self.folder = folder
        self._lock: int | None = None
        self._left: set[str] = set()
        """Files that could be neither taken nor put aside: told once."""
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                give(folder, folder.parent)
            folder.chmod(0o700)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}: give this user the right to write there") from error

    def put(self, command: bytes) -> Path:
        """Leave a command; return its file, which is gone once it is carried out. Raises StoreError."""
        name = f"{to_micros(clock.now()):020d}-{uuid4()}"
        fresh, file = self.folder / f"{name}.new", self.folder / f"{name}{SUFFIX}"
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
                out.write(command)
                out.flush()
                os.fsync(out.fileno())
            give(fresh, self.folder)
            fresh.rename(file)
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError(f"{fresh}: {error.strerror}: give this user the right to write there") from error
        return file

    def waiting(self) -> Iterator[tuple[Path, bytes]]:
        """Yield the commands that wait, oldest first."""
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except OSError as error:
            raise StoreError(f"{self.folder}: {error.strerror}") from error
        for path in paths:
            if path.name in self._left:
                continue
            try:
                with path.open("rb") as file:
                    yield path, file.read(LONGEST)
            except OSError as error:
                self.refuse(path, f"cannot be read: {error.strerror}")

    def done(self, path: Path) -> None:
        """Remove a command that is carried out."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._leave(path, error)

    def refuse(self, path: Path, why: str) -> None:
        """Put a command aside, with the reason beside it."""
        log.error("the command %s is refused: %s", path.name, why)
        try:
            path.rename(path.with_suffix(".refused"))
            path.with_suffix(".why").write_text(why + "\n", encoding="utf-8")
        except OSError as error:
            self._leave(path, error)

    def attend(self) -> None:
        """Say that a daemon takes commands from here now, until it ends."""
        self._lock = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        for _ in range(20):  # somebody who looks whether we are here holds it for a moment
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.05)
        raise StoreError(f"{self.folder}: another trackerd takes commands from it: give each its own [store] inbox")

    def beat(self) -> None:
        """Leave word that we turn: the time of our lock."""
        if self._lock is not None:
            with contextlib.suppress(OSError):  # a full disk has other ways to be told
                os.utime(self._lock)

    @property
    def attended(self) -> bool:
        """Whether a daemon takes commands from here."""
        return attended(self.folder)

    def close(self) -> None:
        """Say that nobody takes commands from here any more."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _leave(self, path: Path, error: OSError) -> None:
        self._left.add(path.name)
        log.error("%s stays where it is: %s: remove it by hand", path, error.strerror)


def attended(folder: Path) -> bool:
    """Return whether a daemon takes commands from that folder; it need not be there."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def stillness(folder: Path) -> float:
    """Return for how many seconds the daemon that takes commands from there has not turned; OSError where none did."""
    return max(0.0, clock.now().timestamp() - (folder / LOCK).stat().st_mtime)


def give(path: Path, like: Path) -> None:
    """Let what root has made belong to whom ``like`` belongs: the daemon is not root."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
