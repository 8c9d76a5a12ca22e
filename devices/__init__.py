"""Trackers: bytes in, fixes out.

To add one: copy ``template.py``, and give it a line here.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.decoder import Decoder
from devices.gpsd import Gpsd
from devices.gpx import Gpx
from devices.lorawan import LoraWan
from devices.nmea import Nmea
from devices.owntracks import OwnTracks
from devices.sniff import sniff
from devices.tracks_csv import TracksCsv
from geofence.model import DeviceId

DECODERS: dict[str, Callable[[DeviceId], Decoder]] = {
    "nmea": Nmea,
    "owntracks": OwnTracks,
    "lorawan": LoraWan,
    "csv": TracksCsv,
    "gpx": Gpx,
    "gpsd": Gpsd,
}

__all__ = ["DECODERS", "sniff"]
