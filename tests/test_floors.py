"""Imports go down only, and the two lower floors touch neither clock nor world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "geofence": {"geofence", "numpy", "shapely", "rtree", "msgspec", "librt", "mypy_extensions"},  # last two: setup.py
    "devices": {"devices", "geofence", "numpy", "pynmea2", "msgspec", "librt", "mypy_extensions"},
}
WORLD = {
    "socket", "logging", "sqlite3", "subprocess", "os", "io", "time", "threading", "asyncio", "urllib", "http",
    "pathlib", "tempfile", "random",
}  # fmt: skip
MAY_READ = {"devices": {"io"}}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}


def modules(floor: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / floor).rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module or ""


@pytest.mark.parametrize("floor", MAY_IMPORT)
def test_imports_go_down_only(floor: str) -> None:
    ours = {"geofence", "devices", "trackerd", "tests"}
    for path, tree in modules(floor):
        for name in imports(tree):
            top = name.partition(".")[0]
            stdlib = top not in ours and top in __import__("sys").stdlib_module_names
            assert stdlib or top in MAY_IMPORT[floor], f"{path.name} imports {name}: {floor} may not"


def test_devices_know_only_the_model() -> None:
    for path, tree in modules("devices"):
        for name in imports(tree):
            assert not name.startswith("geofence") or name == "geofence.model", f"{path.name} imports {name}"


@pytest.mark.parametrize("floor", MAY_IMPORT)
def test_no_clock_and_no_world_below(floor: str) -> None:
    for path, tree in modules(floor):
        for name in imports(tree):
            top = name.partition(".")[0]
            assert top not in WORLD - MAY_READ.get(floor, set()), (
                f"{path.name} imports {name}: I/O belongs in trackerd/"
            )
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                assert not (isinstance(called, ast.Name) and called.id == "open"), f"{path.name} opens a file"
                assert not (isinstance(called, ast.Attribute) and called.attr in CLOCKS), f"{path.name} asks the time"


@pytest.mark.parametrize("floor", ["geofence", "devices", "trackerd"])
def test_every_module_says_what_it_is_for(floor: str) -> None:
    for path, tree in modules(floor):
        assert ast.get_docstring(tree), f"{path} opens with no docstring"


def test_only_the_clock_asks_the_time() -> None:
    for path, tree in modules("trackerd"):
        if path.name == "clock.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "time"}:
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert owner not in {"datetime", "date", "time"}, f"{path}: only clock.py asks the time"
