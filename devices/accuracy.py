"""What a receiver says of its own error, as the radius in metres that holds the true place with 68 % probability.

What must stay true here: every formula names its source, and all mean the same radius, so that a phone's ``acc``, a
GST sentence and a bare HDOP can be compared.

Two errors of equal size at right angles make a Rayleigh distribution: a share p of all fixes lies within
sigma * sqrt(-2 ln(1 - p)), so 50 % within 1.177 sigma, 68 % within 1.510, 95 % within 2.448.
"""

from __future__ import annotations

import math


def _sigmas(share: float) -> float:
    return math.sqrt(-2.0 * math.log(1.0 - share))


R68 = _sigmas(0.68)
FROM_CEP = R68 / _sigmas(0.50)
FROM_R95 = R68 / _sigmas(0.95)

UERE_M = 5.0
"""User equivalent range error, one sigma, of a single-frequency civil receiver. Kaplan and Hegarty, Understanding GPS
(2nd edition, chapter 7), add up 7.1 m, nearly all of it ionosphere, and note that this part is common to all
satellites, so that a position errs far less than HDOP times as much: 5 m is taken."""
MOST_DOP = 50.0
"""Receivers say 50.0, 99.9 or 99.99 where they know none."""
MOST_M = 100_000.0
"""A stated error of more is a receiver's way to say that it knows nothing."""


def from_hdop(hdop: float) -> float:
    """Return the 68 % radius for a horizontal dilution of precision.

    By definition HDOP = sqrt(sigma_east^2 + sigma_north^2) / UERE (Kaplan and Hegarty, chapter 7); for equal axes
    sigma = HDOP * UERE / sqrt(2).
    """
    return R68 * hdop * UERE_M / math.sqrt(2.0)


def from_axes(one_m: float, other_m: float) -> float:
    """Return the 68 % radius for two standard deviations at right angles (NMEA 0183 GST: one sigma each).

    Exact where they are equal, 7 % too wide where one is nought.
    """
    return R68 * math.sqrt((one_m * one_m + other_m * other_m) / 2.0)


def from_garmin(epe_m: float) -> float:
    """Return the 68 % radius for Garmin's estimated position error (PGRME).

    Garmin does not say what it means; gpsd (driver_nmea0183.c, processPGRME) takes it for the 50 % circle, as here.
    """
    return epe_m * FROM_CEP


def from_r95(radius_m: float) -> float:
    """Return the 68 % radius for a 95 % radius (gpsd's ``eph``, by its manual page gpsd_json(5))."""
    return radius_m * FROM_R95


def stated(radius_m: float | None) -> float | None:
    """Return a stated radius, or None where it says nothing: absent, nought, negative, or beyond all reason."""
    return radius_m if radius_m is not None and 0.0 < radius_m <= MOST_M else None
