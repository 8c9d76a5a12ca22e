"""Asks the system's own programs.

What must stay true here: a program that is missing, fails or hangs is no answer, and nothing worse.
"""

from __future__ import annotations

import shutil
import subprocess


def answer(program: str, *wishes: str, seconds: float = 5.0) -> str | None:
    """Return what a program says, or None."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, *wishes], capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603 - ours
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
