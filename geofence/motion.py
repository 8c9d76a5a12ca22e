"""Where a device truly is, when its errors last: a filter over the place, the way it goes and the error itself.

What must stay true here: a function of its arguments alone; cheap enough for one call per fix in plain Python; nothing
here knows a zone; places are metres east and north of the last fix, so no map projection comes into it.

The error of a satellite receiver is no noise that averages out in seconds: it wanders, over a minute or so (first-order
Gauss-Markov), and now and then it jumps by tens of metres (a mirrored signal) while the stated accuracy says nothing.
What tells error from motion is how each moves, so both are in the state: a device stands, or goes at a walker's pace
in a direction it keeps for a while (interacting multiple models, Blom & Bar-Shalom 1988). A fix is then worth what it
adds: the fifth in a row of a standing device, next to nothing.

Both axes have one covariance between them: errors are taken to be as large north as east.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

from mypy_extensions import mypyc_attr

ERROR_S: Final = 45.0
"""Seconds over which an error is forgotten: 30 to 80 make no difference that can be measured."""
WARY: Final = 1.5
"""Standard deviations of estimated error (of both axes together) from which on the place is less sure."""
WARINESS: Final = 2.0
"""Standard deviations the place is less sure by, for each of the error's beyond that."""
HEADING_S: Final = 25.0
"""Seconds for which a walker keeps direction."""
STAND_S: Final = 300.0
"""How long a warden stands before going on."""
WALK_S: Final = 90.0
"""How long a warden goes before standing still."""
SETTLE_S: Final = 300.0
"""How long after it stopped what is believed of a device is still open."""
CREEP: Final = 0.02
"""Square metres a second by which a standing device moves all the same."""
NOISE_M: Final = 1.0
"""The part of the error that is new with every fix, in metres."""
NOISE: Final = 0.1
"""Another such part, in standard deviations."""
LEARN: Final = 0.5
"""How much of what a fix is off by, beyond what was due, goes into the receiver's ``scale`` at most."""
LEARN_S: Final = 150.0
"""Seconds over which the scale is learned and forgotten."""
ODD_MOST: Final = 6.0
"""Squared standard deviations: no fix counts as farther off for the scale, for one may be mirrored."""
NEXT_S: Final = 20.0
"""After a longer time a fix says nothing of the scale: anyone may have turned round."""
SCALE_MOST: Final = 4.0
"""No receiver is taken to err more than so many times what it states."""
JUMP_M: Final = 35.0
"""By how much the error jumps, along each axis."""
JUMP_S: Final = 400.0
"""How rarely it jumps."""
AXIS: Final = 0.45
"""Standard deviation of the velocity along one axis over the greatest speed of a walker."""
_SURE: Final = 1e-4
"""Neither standing nor going is ever less probable."""
_SLIGHT: Final = 1e-3
"""A jump less probable than this is not reckoned with."""
_FLOOR: Final = 1e-30
"""Keeps a likelihood from vanishing."""


Place = tuple[float, float, float]
"""Where a device is believed to be: metres east and north of its last fix, and standard deviation along one axis."""
Stand = tuple[float, float, float, float, float, float, float]
"""Of who stands: the mean place and error (two axes each), and their covariance along one axis: place and place, place
and error, error and error; metres."""
Gait = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
"""Of who goes: the mean place, velocity and error (two axes each), and their covariance along one axis: place and
place, velocity, error; velocity and velocity, error; error and error; metres and seconds."""
_Fix = tuple[float, float, float]
"""One fix as the filter sees it: where it is (two axes), and the variance of its error along one."""


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Motion:
    """All that is remembered of how a device moves: two Gaussians, of one that stands and of one that goes."""

    going: Final[float]
    """Probability that it goes."""
    loose: Final[float]
    """1 while it goes, fading slowly while it stands: whether it may have changed its place of late."""
    scale: Final[float]
    """The error over the one stated, as its own scatter shows: at least 1."""
    stand: Final[Stand]
    gait: Final[Gait]

    def __init__(self, going: float, loose: float, scale: float, stand: Stand, gait: Gait) -> None:
        self.going = going
        self.loose = loose
        self.scale = scale
        self.stand = stand
        self.gait = gait


class _Pace:
    """What only depends on the time between two fixes and the walkers' speed."""

    def __init__(self, dt: float, speed: float) -> None:
        vv, keep, t = (AXIS * speed) ** 2, exp(-dt / HEADING_S), HEADING_S
        self.dt, self.speed = dt, speed
        self.start, self.stop = 1 - exp(-dt / STAND_S), 1 - exp(-dt / WALK_S)
        self.rho, self.keep, self.run, self.vv = exp(-dt / ERROR_S), keep, t * (1 - keep), vv
        self.qpp = max(vv * (2 * t * dt - 3 * t * t + 4 * t * t * keep - t * t * keep * keep), 0.0) + CREEP * dt
        self.qpv, self.qvv, self.creep = vv * t * (1 - keep) ** 2, vv * (1 - keep * keep), CREEP * dt
        self.jump, self.fade = min(dt / JUMP_S, 0.5), exp(-dt / SETTLE_S)
        self.learn = LEARN * (1 - exp(-dt / LEARN_S)) if dt <= NEXT_S else 0.0
        self.fresh = 1 - exp(-2 * dt / ERROR_S)


PACES_MOST: Final = 512
"""So many are remembered."""


class _Paces:
    """The paces known: a receiver speaks at one interval, and many at a few."""

    def __init__(self) -> None:
        self._last = _Pace(1.0, 1.0)
        self._known: dict[tuple[float, float], _Pace] = {}

    def of(self, dt: float, speed: float) -> _Pace:
        """Return what depends on these two alone."""
        last = self._last
        if last.dt == dt and last.speed == speed:
            return last
        known = self._known.get((dt, speed))
        if known is None:
            if len(self._known) >= PACES_MOST:
                self._known.clear()
            known = self._known[dt, speed] = _Pace(dt, speed)
        self._last = known
        return known


_PACES: Final = _Paces()


def first(sigma: float, speed: float) -> Motion:
    """Return what one fix alone says, ``sigma`` being its standard deviation along one axis."""
    var = sigma * sigma + NOISE_M * NOISE_M
    vv = (AXIS * speed) ** 2
    stand = (0.0, 0.0, 0.0, 0.0, var, -var, var)
    return Motion(0.5, 1.0, 1.0, stand, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, var, 0.0, -var, vv, 0.0, var))


def move(m: Motion, dt: float, x: float, y: float, sigma: float, speed: float) -> Motion:
    """Return what is known after a fix ``x`` metres east and ``y`` north of the one ``dt`` seconds before it."""
    pace = _PACES.of(dt, speed)
    sigma *= m.scale
    fix, noise = (x, y, sigma * sigma), NOISE_M * NOISE_M + NOISE * NOISE * sigma * sigma
    stood, went = 1 - m.going, m.going
    stays, stops = stood * (1 - pace.start), went * pace.stop
    goes, starts = went * (1 - pace.stop), stood * pace.start
    like_s, odd_s, s = _stood(_stand(m, pace, stops / (stays + stops), fix), pace, noise)
    like_g, odd_g, g = _gone(_go(m, pace, starts / (goes + starts), fix), pace, noise)
    standing, going = like_s * (stays + stops), like_g * (goes + starts)
    share = min(max(going / (standing + going), _SURE), 1 - _SURE)
    odd = min((1 - share) * odd_s + share * odd_g, ODD_MOST)
    scale = min(max(m.scale * (1 + pace.learn * (odd - 1)), 1.0), SCALE_MOST)
    return Motion(share, 1.0 if share > 0.5 else m.loose * pace.fade, scale, s, g)


def place(m: Motion, sigma: float) -> Place:
    """Return where it is believed to be, standing or going.

    While the receiver seems to err by more than ``WARY`` standard deviations the place is less sure: whatever it is
    that goes on, it is not the kind of error that is stated.
    """
    sx, sy, sex, sey, spp, _, _ = m.stand
    gx, gy, _, _, gex, gey, gpp, _, _, _, _, _ = m.gait
    g, s = m.going, 1 - m.going
    dx, dy = gx - sx, gy - sy
    ex, ey = s * sex + g * gex, s * sey + g * gey
    wary = WARY * m.scale * sigma
    odd = max(0.0, ex * ex + ey * ey - wary * wary)
    var = s * spp + g * gpp + g * s * (dx * dx + dy * dy) / 2 + WARINESS * WARINESS * odd
    return sx + g * dx, sy + g * dy, sqrt(var)


def _stand(m: Motion, pace: _Pace, b: float, fix: _Fix) -> Stand:
    """Return what is due if it stands; ``b``: the share that went before. Places are from the fix on."""
    sx, sy, sex, sey, spp, spe, see = m.stand
    gx, gy, _, _, gex, gey, gpp, _, gpe, _, _, gee = m.gait
    x, y, varied = fix
    a, rho, half = 1 - b, pace.rho, (1 - b) * b / 2
    dx, dy, dex, dey = gx - sx, gy - sy, gex - sex, gey - sey
    pp = a * spp + b * gpp + half * (dx * dx + dy * dy) + pace.creep
    pe = rho * (a * spe + b * gpe + half * (dx * dex + dy * dey))
    ee = rho * rho * (a * see + b * gee + half * (dex * dex + dey * dey)) + pace.fresh * varied
    return sx + b * dx - x, sy + b * dy - y, rho * (sex + b * dex), rho * (sey + b * dey), pp, pe, ee


def _stood(due: Stand, pace: _Pace, noise: float) -> tuple[float, float, Stand]:
    """Return the likelihood of the fix, how far off it is (squared, in what was due), and what is then known."""
    px, py, ex, ey, pp, pe, ee = due
    ix, iy, hp, he = -px - ex, -py - ey, pp + pe, pe + ee
    off = ix * ix + iy * iy
    s = hp + he + noise
    like, w = _likely(off, s, pace.jump)
    kp, ke = hp / s, he / s
    pp, pe, ee = pp - kp * hp, pe - kp * he, ee - ke * he
    if w > _SLIGHT:
        s1, he1 = s + JUMP_M * JUMP_M, he + JUMP_M * JUMP_M
        kp1, ke1 = hp / s1, he1 / s1
        dp, de, spread = kp1 - kp, ke1 - ke, w * (1 - w) * off / 2
        # The covariance if it jumped differs from the one if not by dK h' + K1 dh'; here written out.
        pp += w * -dp * hp + spread * dp * dp
        pe += w * (kp * he - kp1 * he1) + spread * dp * de
        ee += w * (JUMP_M * JUMP_M + ke * he - ke1 * he1) + spread * de * de
        kp, ke = kp + w * dp, ke + w * de
    return like, off / (2 * s), (px + kp * ix, py + kp * iy, ex + ke * ix, ey + ke * iy, pp, pe, ee)


def _go(m: Motion, pace: _Pace, b: float, fix: _Fix) -> Gait:
    """Return what is due if it goes; ``b``: the share that stood before, and sets off in any direction."""
    sx, sy, sex, sey, spp, spe, see = m.stand
    gx, gy, gvx, gvy, gex, gey, gpp, gpv, gpe, gvv, gve, gee = m.gait
    x, y, varied = fix
    a, rho, keep, run, half = 1 - b, pace.rho, pace.keep, pace.run, (1 - b) * b / 2
    dx, dy, dex, dey = sx - gx, sy - gy, sex - gex, sey - gey
    ux, uy = -gvx, -gvy
    vx, vy = a * gvx, a * gvy
    pp = a * gpp + b * spp + half * (dx * dx + dy * dy)
    pv = a * gpv + half * (dx * ux + dy * uy)
    pe = a * gpe + b * spe + half * (dx * dex + dy * dey)
    vv = a * gvv + b * pace.vv + half * (ux * ux + uy * uy)
    ve = a * gve + half * (ux * dex + uy * dey)
    ee = a * gee + b * see + half * (dex * dex + dey * dey)
    px, py = gx + b * dx + run * vx - x, gy + b * dy + run * vy - y
    ex, ey = rho * (gex + b * dex), rho * (gey + b * dey)
    pp, pv = pp + run * (2 * pv + run * vv) + pace.qpp, keep * (pv + run * vv) + pace.qpv
    pe, ee = rho * (pe + run * ve), rho * rho * ee + pace.fresh * varied
    return px, py, keep * vx, keep * vy, ex, ey, pp, pv, pe, keep * keep * vv + pace.qvv, keep * rho * ve, ee


def _gone(due: Gait, pace: _Pace, noise: float) -> tuple[float, float, Gait]:
    """Return the same as ``_stood``, if it goes."""
    px, py, vx, vy, ex, ey, pp, pv, pe, vv, ve, ee = due
    ix, iy, hp, hv, he = -px - ex, -py - ey, pp + pe, pv + ve, pe + ee
    off = ix * ix + iy * iy
    s = hp + he + noise
    like, w = _likely(off, s, pace.jump)
    kp, kv, ke = hp / s, hv / s, he / s
    pp, pv, pe = pp - kp * hp, pv - kp * hv, pe - kp * he
    vv, ve, ee = vv - kv * hv, ve - kv * he, ee - ke * he
    if w > _SLIGHT:
        s1, he1 = s + JUMP_M * JUMP_M, he + JUMP_M * JUMP_M
        kp1, kv1, ke1 = hp / s1, hv / s1, he1 / s1
        dp, dv, de, spread = kp1 - kp, kv1 - kv, ke1 - ke, w * (1 - w) * off / 2
        pp += w * -dp * hp + spread * dp * dp
        pv += w * -dp * hv + spread * dp * dv
        pe += w * (kp * he - kp1 * he1) + spread * dp * de
        vv += w * -dv * hv + spread * dv * dv
        ve += w * (kv * he - kv1 * he1) + spread * dv * de
        ee += w * (JUMP_M * JUMP_M + ke * he - ke1 * he1) + spread * de * de
        kp, kv, ke = kp + w * dp, kv + w * dv, ke + w * de
    px, py, vx, vy, ex, ey = px + kp * ix, py + kp * iy, vx + kv * ix, vy + kv * iy, ex + ke * ix, ey + ke * iy
    return like, off / (2 * s), (px, py, vx, vy, ex, ey, pp, pv, pe, vv, ve, ee)


def _likely(off: float, s: float, jump: float) -> tuple[float, float]:
    """Return the likelihood of a fix ``off`` (squared) from where it was due, and the probability that it jumped."""
    plain = (1 - jump) * exp(-0.5 * off / s) / s
    s1 = s + JUMP_M * JUMP_M
    leapt = jump * exp(-0.5 * off / s1) / s1
    like = plain + leapt + _FLOOR
    return like, leapt / like
