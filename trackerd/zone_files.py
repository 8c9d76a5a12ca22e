"""The files of zones, as somebody drew them: to be read, and written anew when they were drawn otherwise.

What must stay true here: a feature stays in its file and as it was written, but for what was changed; a file is there
whole or not at all, old or new; what is written was judged sound with the whole town before, by the one who writes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geofence.faults import Fault
from trackerd.config import Settings
from trackerd.orders import OrderError, Rezone
from trackerd.town import Town, build

Feature = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """What the files hold."""

    marks: Mapping[str, str]
    """Of each file: another one whenever a byte of it is another."""
    features: tuple[Feature, ...] = ()
    roots: Mapping[Path, dict[str, Any]] = field(default_factory=dict)
    """Each file's document, with its own features."""

    @property
    def tag(self) -> str:
        """One mark for all of them."""
        return _mark("".join(self.marks.values()).encode())


def id_of(feature: Feature) -> str:
    """Return a feature's id, wherever it stands."""
    found = feature.get("id")
    if found is None:
        found = (feature.get("properties") or {}).get("id")
    return str(found)


class ZoneFiles:
    """The files one configuration names."""

    def __init__(self, settings: Settings, path: Path) -> None:
        """``path``: the configuration's."""
        self._settings, self._path = settings, path
        self.paths: Sequence[Path] = [path.parent / section.file for section in settings.zones]

    @property
    def writable(self) -> bool:
        """Whether this user may write them."""
        return bool(self.paths) and all(
            os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK)) for path in self.paths
        )

    def read(self) -> Drawn:
        """Return what they hold now. Raises OSError, ValueError."""
        marks, roots = {}, {}
        for path in self.paths:
            data = path.read_bytes()
            marks[str(path)] = _mark(data)
            root = json.loads(data.decode("utf-8-sig"))
            roots[path] = (
                root if root.get("type") == "FeatureCollection" else {"type": "FeatureCollection", "features": [root]}
            )
        features = tuple(feature for root in roots.values() for feature in root["features"])
        return Drawn(marks, features, roots)

    def drawn_anew(self, drawn: Drawn, features: Iterable[Feature]) -> dict[Path, bytes]:
        """Return the files that become others if these are all the zones there are; new ones go into the last."""
        home = {id_of(feature): path for path, root in drawn.roots.items() for feature in root["features"]}
        shared: dict[Path, list[Feature]] = {path: [] for path in self.paths}
        for feature in features:
            shared[home.get(id_of(feature), self.paths[-1])].append(feature)
        return {
            path: _written({**drawn.roots[path], "features": own})
            for path, own in shared.items() if own != drawn.roots[path]["features"]
        }  # fmt: skip

    def tried(self, fresh: Mapping[Path, bytes]) -> tuple[Town | None, list[Fault]]:
        """Return the town these files would make, and every fault."""
        return build(self._settings, self._path, fresh=fresh)

    def carry_out(self, order: Rezone) -> Town:
        """Write the files and return the town they make; doing it twice does no harm. Raises OrderError."""
        fresh = {path: order.files[str(path)].encode() for path in self.paths if str(path) in order.files}
        try:
            marks = {path: _mark(path.read_bytes()) for path in self.paths}
            left = {path: data for path, data in fresh.items() if _mark(data) != marks[path]}
            if any(marks[path] != order.was.get(str(path)) for path in left):
                raise OrderError("the zones have become others meanwhile: look at them again")
            town, faults = self.tried(fresh)
            if town is None:
                raise OrderError("; ".join(str(fault) for fault in faults if not fault.warning))
            self._write(left)
        except OSError as error:
            raise OrderError(f"the files of zones cannot be written: {error.strerror}") from error
        return town

    def _write(self, fresh: Mapping[Path, bytes]) -> None:
        """Replace files, all of them once each lies ready on the disk."""
        ready = {path: path.with_name(f".{path.name}.new") for path in fresh}
        for path, beside in ready.items():
            with beside.open("wb") as out:
                out.write(fresh[path])
                out.flush()
                os.fsync(out.fileno())
            beside.chmod(path.stat().st_mode & 0o777)
        for path, beside in ready.items():
            beside.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _written(root: dict[str, Any]) -> bytes:
    return (json.dumps(root, ensure_ascii=False, indent=1) + "\n").encode()
