"""A secret is found where systemd shows it to a unit, and by root where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from trackerd.secret import place


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("secrets/mqtt-password", "run/secrets_mqtt-password"),
        ("mqtt-password", "run/mqtt-password"),
        ("secrets/desk", "etc/secrets/desk"),  # not loaded: where it lies
    ],
)
def test_what_systemd_loaded_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, found: str
) -> None:
    (tmp_path / "run").mkdir()
    for name in ("secrets_mqtt-password", "mqtt-password"):
        (tmp_path / "run" / name).write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "run"))
    assert place(tmp_path / "etc", Path(file)) == tmp_path / found
    assert place(tmp_path / "etc", tmp_path / "mqtt-password") == tmp_path / "mqtt-password"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert place(tmp_path / "etc", Path(file)) == tmp_path / "etc" / file
