"""Tables for people, which programs read too."""

from __future__ import annotations

import re

import pytest
from rich.table import Table

from trackerd.paper import paper

NAME = "Rue de la Station [angle place Communale] :bus: " * 4


@pytest.mark.parametrize("columns", ["80", "20"])
def test_a_row_is_one_line_and_whole_where_no_terminal_is(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    table = Table("Requirement", "Zone", box=None)
    table.add_row("boxes", NAME)
    paper().print(table)
    head, row = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert head.split() == ["Requirement", "Zone"]
    assert NAME.strip() in row
