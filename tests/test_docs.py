"""The pages become a site without a complaint, and no link in the repository leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)|<img[^>]+src=\"([^\"]+)\"")
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "trackerd").glob("[!w]*/*.md"),
    *(ROOT / "trackerd/web/ui").glob("*.md"),
]


def test_the_pages_build(tmp_path: Path) -> None:
    """Sphinx takes a link to no page or heading, a page no list names, and a broken table for errors."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", ROOT / "docs", tmp_path]
    built = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [one or two for one, two in LINK.findall(page.read_text("utf-8"))]
    files = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in files if not (page.parent / link).exists()] == []
