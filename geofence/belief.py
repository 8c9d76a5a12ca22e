"""What is believed of one device in one zone, and what one more fix adds to it.

What must stay true here: evidence is the log-odds that a device is inside, from its depth inside the zone over the
uncertainty of its place; it counts by the time it stands for, for two fixes in a second are hardly two witnesses. A
cumulative sum of it (Page 1954) must climb to a threshold before belief changes: a sequential test (Wald 1945) at the
error rates asked for. The change is dated where the sum began to climb, not where it arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, log
from typing import Final

from mypy_extensions import mypyc_attr

from geofence.bounds import DEEP_M, Prism, begin, clip, extend, restart
from geofence.model import SECOND, DeviceId, Micros

PROOF_S: Final = 20.0
"""Seconds for which one fix can speak at most; fixes in between share them."""
CAP: Final = 6.0
"""Log-odds: no fix is believed more, for one in four hundred lies outright."""
LOGIT: Final = 1.702
"""Log-odds over standard deviations: the logistic fit of the normal distribution (Camilli 1994)."""
PROOF_MOST: Final = 50.0
TENTH: Final = SECOND // 10
"""Crossings are dated to tenths of a second, so that a fix that comes late does not move every later one by a hair."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How belief is formed; the same for every zone."""

    silence_s: float = 300.0
    """A device on duty not heard for so long is silent; its stays are suspended."""
    lost_s: float = 1800.0
    """A stay ends when its device has been unheard for so long."""
    false_alarm: float = 0.07
    """Chance taken that an entry is said of somebody who is not inside."""
    miss: float = 0.02
    """Chance taken that an exit is said of somebody who is still inside."""
    walker_speed: float = 2.0
    """Metres a second: no warden on foot goes faster. For cyclists 7."""
    error_bound: float = 1.5
    """Accuracies (68 % radii) that no error exceeds, for the bounds of a visit."""
    speeds: tuple[tuple[DeviceId, float], ...] = ()
    """Devices that go at another speed than a walker's, as a bicycle's does."""

    def of(self, device: DeviceId) -> Rules:
        """Return the rules for one device."""
        return _for_one(self, device) if self.speeds else self


@lru_cache(maxsize=4096)
def _for_one(rules: Rules, device: DeviceId) -> Rules:
    speed = dict(rules.speeds).get(device, rules.walker_speed)
    return replace(rules, walker_speed=speed, speeds=())


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Look:
    """What one fix is worth for any zone."""

    time: Final[Micros]
    sd: Final[float]
    """Metres: standard deviation of the device's place along one axis."""
    rest_m: Final[float]
    """By how much the edge counts as farther off, because the device stands and who stands crosses nothing."""
    bound_m: Final[float]
    """What its error does not exceed."""
    reach_m: Final[float]
    """Depths are cut off there."""
    weight: Final[float]
    fresh: Final[bool]
    """Nothing was known just before it."""

    def __init__(
        self, time: Micros, sd: float, rest_m: float, bound_m: float, reach_m: float, weight: float, fresh: bool
    ) -> None:
        self.time = time
        self.sd = sd
        self.rest_m = rest_m
        self.bound_m = bound_m
        self.reach_m = reach_m
        self.weight = weight
        self.fresh = fresh


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Belief:
    """What is believed of one device in one zone."""

    inside: Final[bool]
    sum: Final[float]
    """Evidence against ``inside``, gathered since ``turned``; 0 when there is none."""
    turned: Final[Micros]
    seen: Final[Micros]
    """When last seen with no evidence against ``inside``, and how many metres inside then."""
    depth: Final[float]
    began: Final[Micros]
    proof: Final[float]
    """Evidence gathered for the stay."""
    dwelt: Final[bool]
    prism: Final[Prism]

    def __init__(
        self,
        inside: bool,
        sum: float,  # noqa: A002 - the field's name
        turned: Micros,
        seen: Micros,
        depth: float,
        began: Micros,
        proof: float,
        dwelt: bool,
        prism: Prism,
    ) -> None:
        self.inside = inside
        self.sum = sum
        self.turned = turned
        self.seen = seen
        self.depth = depth
        self.began = began
        self.proof = proof
        self.dwelt = dwelt
        self.prism = prism


def unknown(since: Micros, depth: float, high: float = DEEP_M) -> Belief:
    """Return what is believed of a zone of which nothing was heard, but that the depth was at most ``high``."""
    return Belief(False, 0.0, since, since, depth, since, 0.0, False, begin(since, -DEEP_M, high))


def weigh(belief: Belief, distance_m: float, depth_m: float, look: Look, rules: Rules) -> tuple[Belief, bool]:
    """Weigh one fix; return whether that is enough to change over.

    ``distance_m`` is the fix's own depth in the zone, for the bounds; ``depth_m`` that of the place believed.
    """
    rest = look.rest_m if belief.inside else -look.rest_m
    gained = min(max(LOGIT * (depth_m + rest) / look.sd, -CAP), CAP) * look.weight
    high = distance_m + look.bound_m if distance_m < look.reach_m else DEEP_M
    prism = extend(belief.prism, look.time, distance_m - look.bound_m, high, rules.walker_speed)
    inside, turned, began, proof, dwelt = belief.inside, belief.turned, belief.began, belief.proof, belief.dwelt
    total = belief.sum + (-gained if inside else gained)
    if inside and total < 0.0:
        proof = min(proof - total, PROOF_MOST)
    elif not inside:
        proof = max(total, 0.0)
    if total <= 0.0:
        prism = prism if inside else restart(prism)
        return Belief(inside, 0.0, turned, look.time, depth_m, began, proof, dwelt, prism), False
    if belief.sum == 0.0:
        turned = _crossed(belief, depth_m, look)
        if not inside:
            prism = clip(prism, turned)
    enter, leave = thresholds(rules.false_alarm, rules.miss)
    after = Belief(inside, total, turned, belief.seen, belief.depth, began, proof, dwelt, prism)
    return after, total >= (leave if inside else enter)


def rested(belief: Belief, seen: Micros, depth_m: float, prism: Prism) -> Belief:
    """Return the belief with nothing new but when and how deep it was last seen to hold, and its bounds."""
    return Belief(
        belief.inside, belief.sum, belief.turned, seen, depth_m, belief.began, belief.proof, belief.dwelt, prism
    )


def entered(belief: Belief, look: Look, depth_m: float) -> Belief:
    """Return the belief that the device is inside, since the evidence turned."""
    turned = belief.turned
    return Belief(True, 0.0, turned, look.time, depth_m, turned, belief.proof, False, belief.prism)


def left(belief: Belief, look: Look, depth_m: float) -> Belief:
    """Return the belief that it is outside."""
    prism = restart(belief.prism)
    return Belief(False, 0.0, belief.turned, look.time, depth_m, belief.began, 0.0, belief.dwelt, prism)


@lru_cache(maxsize=16)
def thresholds(false_alarm: float, miss: float) -> tuple[float, float]:
    """Return how much evidence it takes to enter and to leave (Wald 1945)."""
    return log((1 - miss) / false_alarm), log((1 - false_alarm) / miss)


def weight(seconds: float) -> float:
    """Return what a fix counts for, so long after the one before."""
    return min(seconds, PROOF_S) / PROOF_S


def confidence(proof: float, over: bool) -> float:
    """Return the probability that a stay with so much evidence for it takes place; ``over``: it gathered no more.

    Fitted to the benchmark's walks (docs/detection.md): of a stay just entered on little evidence most will yet be
    confirmed; one that ended with as little is more often an error.
    """
    return 1 / (1 + exp(-(2.6 + 0.15 * proof if over else 1.35 + proof)))


def _crossed(belief: Belief, depth_m: float, look: Look) -> Micros:
    """Return when the edge was crossed, going evenly; over a silence, only what was seen counts as inside."""
    if look.fresh:
        return belief.seen if belief.inside else look.time
    part = belief.depth / (belief.depth - depth_m) if belief.depth * depth_m < 0 else 0.5
    return Micros(max(belief.seen, int(belief.seen + (look.time - belief.seen) * part) // TENTH * TENTH))


def deep_m(rules: Rules, reach_m: float, reach_accuracies: float) -> float:
    """Return how far from any edge a device surely is while every edge is out of its fixes' reach."""
    return reach_m * max(1 - rules.error_bound / reach_accuracies, 0.0)


def calm_us(deep: float, speed: float, longest_s: float) -> float:
    """Return how far apart in time such fixes may be with no doubt between them."""
    return min(longest_s, 2 * deep / speed) * SECOND
