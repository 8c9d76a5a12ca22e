"""The wheel and the sdist as somebody gets them who has nothing else.

The wheel is built uncompiled: the whole suite runs by what is compiled of the same files. At full counts it is
compiled, too, and built where there should be a C compiler and is none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.servers import need

ROOT = Path(__file__).parents[1]
BUILDS = [{"TRACKERD_COMPILED": "no"}]
if os.environ.get("TRACKERD_FAULTS") == "full":
    BUILDS += [{"TRACKERD_COMPILED": "required"}, {"TRACKERD_COMPILED": "", "CC": "/bin/false"}]


@pytest.fixture(scope="module", params=BUILDS, ids=str)
def built(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Build the sdist, and the wheel from the sdist, as a package index would have it."""
    folder = tmp_path_factory.mktemp("dist")
    uv = need("uv", str(Path(sys.executable).parent))
    subprocess.run([uv, "build", "--quiet", "--out-dir", folder, ROOT], env=os.environ | request.param, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        compiled = any(name.endswith(".so") for name in wheel.namelist())
    assert compiled == (request.param["TRACKERD_COMPILED"] == "required")
    return folder


def data_files() -> set[str]:
    """Return what the packages hold beside code, as git knows it."""
    listed = subprocess.run(["git", "ls-files", "trackerd"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if not name.endswith((".py", ".md"))}


def test_the_wheel_holds_all_there_is(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    modules = {
        str(path.relative_to(ROOT))
        for name in ("trackerd", "devices", "geofence")
        for path in (ROOT / name).rglob("*.py")
    }
    assert modules - names == set()
    assert {name for name in data_files() if "/web/ui/" not in name} - names == set()
    assert not [name for name in names if name.startswith(("tests", "docs", "config"))]


def test_the_sdist_builds_the_wheel(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md"} <= names


def test_installed_alone_it_plays_its_demo(built: Path, tmp_path: Path) -> None:
    uv = need("uv", str(Path(sys.executable).parent))
    place = tmp_path / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True, timeout=60)
    wheel = next(built.glob("*.whl"))
    command = [uv, "pip", "install", "--quiet", "--python", place / "bin/python", "-c", ROOT / "constraints.txt", wheel]
    subprocess.run(list(map(str, command)), check=True, timeout=300)
    program = place / "bin/trackerd"
    done = subprocess.run(
        [program, "demo", "--exit"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Probleembox" in done.stdout + done.stderr
    subprocess.run([program, "report", "--help"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
