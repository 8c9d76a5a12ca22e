"""How long a degree is.

What must stay true here: distances are true to a few centimetres within a kilometre or two of the place asked about,
for the ellipsoid's curvature there is taken. This is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from math import cos, floor, pi, sin, sqrt
from typing import Final

WGS84_A: Final = 6_378_137.0
WGS84_E2: Final = 0.006_694_379_990_14
RADIAN: Final = pi / 180
"""Radians a degree."""


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return metres per degree of longitude and of latitude at ``lat`` on the WGS 84 ellipsoid.

    By the radii of curvature in the prime vertical and in the meridian (Torge & Müller, Geodesy, 4.1).
    """
    phi = lat * RADIAN
    w = 1.0 - WGS84_E2 * sin(phi) ** 2
    prime = WGS84_A / sqrt(w)
    meridian = WGS84_A * (1.0 - WGS84_E2) / w**1.5
    return prime * cos(phi) * RADIAN, meridian * RADIAN


class Scales:
    """The scale of each hundredth of a degree: one for all that goes on near one another."""

    def __init__(self) -> None:
        x, y = metres_per_degree(0.0)
        self._last = (0.0, x, y)
        self._known: dict[float, tuple[float, float]] = {}
        """No more of them than a globe has."""

    def near(self, lat: float) -> tuple[float, float]:
        """Return metres per degree of longitude and of latitude at the hundredth that is nearest."""
        at, last = float(floor(lat * 100 + 0.5)), self._last
        if at == last[0]:
            return last[1], last[2]
        known = self._known.get(at)
        if known is None:
            known = self._known[at] = metres_per_degree(at / 100)
        self._last = (at, known[0], known[1])
        return known


SCALES: Final = Scales()
