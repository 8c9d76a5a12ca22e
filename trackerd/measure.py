"""Whether the daemon's figures are served, as configured.

What must stay true here: prometheus_client is loaded only where figures are wanted; what names devices is a secret of
this installation alone, made once and readable by its owner only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geofence.model import SECOND, DeviceId, Micros, to_micros
from trackerd import clock
from trackerd.assemble import inbox_folder
from trackerd.config import Settings
from trackerd.service import Service
from trackerd.store import Store

KEY = "metrics.key"
DAY = 86_400 * SECOND


class MeasureError(Exception):
    """The figures cannot be served; the text says why and what to do."""


@contextmanager
def measured(settings: Settings, path: Path, service: Service) -> Iterator[None]:
    """Serve the figures meanwhile, if a port is configured. Raises MeasureError with a remedy."""
    if settings.metrics.port is None:
        yield
        return
    from trackerd.metrics import Metrics, served  # noqa: PLC0415 - only where it is wanted

    with served(Metrics(service, prepared(settings, path, service)), settings.metrics.host, settings.metrics.port):
        yield


def prepared(settings: Settings, path: Path, service: Service) -> bytes:
    """Return what names devices, and have them counted; empty where that is not wanted. Raises MeasureError."""
    if not settings.metrics.devices:
        return b""
    service.vitals.house.counts.last_fix = dict(_newest(service.vitals.house.store))
    return device_key(inbox_folder(settings, path))


def _newest(store: Store) -> Iterator[tuple[DeviceId, Micros]]:
    """Yield each device's newest fix of the last day: who fell silent before we began is silent still."""
    now = to_micros(clock.now())
    for device in store.devices():
        times = store.times(device, now - DAY, now + 1)
        if len(times):
            yield device, Micros(int(times[-1]))


def device_key(folder: Path) -> bytes:
    """Return this installation's secret, making it the first time. Raises MeasureError."""
    file = folder / KEY
    try:
        try:
            return bytes.fromhex(file.read_text("ascii"))
        except FileNotFoundError:
            key = secrets.token_bytes(32)
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
                out.write(key.hex())
            return key
    except (OSError, ValueError) as error:
        raise MeasureError(
            f"{file}: {error}: give this user the right to it, or remove it: a new one is made"
        ) from error
