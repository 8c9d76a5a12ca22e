"""The earth as a plane in metres, near one place.

What must stay true here: distances are true to a few centimetres within a kilometre or two of where the plane
touches, because it is scaled by the earth's curvature there.
"""

from __future__ import annotations

from typing import NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from geofence.earth import metres_per_degree


class Frame(NamedTuple):
    """A plane in metres that touches the earth at ``lon``, ``lat``."""

    lon: float
    lat: float
    x: float
    """Metres per degree of longitude."""
    y: float
    """Metres per degree of latitude."""

    @classmethod
    def at(cls, lon: float, lat: float) -> Frame:
        """Return the plane that touches the earth there."""
        return cls(lon, lat, *metres_per_degree(lat))

    @classmethod
    def of(cls, shape: BaseGeometry) -> Frame:
        """Return the plane that touches the earth at the middle of the shape's bounding box."""
        west, south, east, north = shape.bounds
        return cls.at((west + east) / 2, (south + north) / 2)

    def to_metres(self, shape: BaseGeometry) -> BaseGeometry:
        """Return the shape, given in degrees, in metres from the frame's origin."""
        return shapely.transform(shape, lambda c: (c - (self.lon, self.lat)) * (self.x, self.y))

    def to_degrees(self, shape: BaseGeometry) -> BaseGeometry:
        """Return the shape, given in metres from the origin, in degrees."""
        return shapely.transform(shape, lambda c: c / (self.x, self.y) + (self.lon, self.lat))
