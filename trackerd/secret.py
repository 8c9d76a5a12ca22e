"""Where the file of a secret is that the configuration names.

What must stay true here: a secret is only ever in a file; systemd may show a unit what the unit's user cannot read.
"""

from __future__ import annotations

import os
from pathlib import Path


def place(folder: Path, file: Path) -> Path:
    """Return the file to open: what systemd loaded for this unit, else what the configuration in ``folder`` names.

    With ``LoadCredential=secrets:/etc/trackerd/secrets`` (systemd.exec(5)), a folder that root alone can read, the file
    ``secrets/mqtt-password`` is there for the unit as ``secrets_mqtt-password``.
    """
    shown = os.environ.get("CREDENTIALS_DIRECTORY")
    if shown and not file.is_absolute():
        loaded = Path(shown, "_".join(file.parts))
        if loaded.exists():
            return loaded
    return folder / file
