"""What the command line may order of the daemon, and how it is carried out.

What must stay true here: an order is a small JSON document that says all it needs, so it means the same whenever it is
carried out, and the same again when it is carried out twice; what it brings about is committed like a batch of fixes.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from geofence.model import Micros, RequirementId, WardenId, ZoneId
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.pipeline import empty
from trackerd.store import Break, Waiver

DAY_US = 86_400_000_000


class Rest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="break"):
    """A warden takes a break. Times are microseconds since 1970, UTC."""

    warden: str
    start: int
    until: int | None = None
    """None: to the end of the duty."""
    by: str = ""


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="resume"):
    """A warden is back."""

    warden: str
    at: int


class Waive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="waive"):
    """A window of a zone need not be met; without a reason it must after all."""

    requirement: str
    zone: str
    start: int
    reason: str | None
    by: str
    at: int


class Rezone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="zones"):
    """The zones become others: the files of zones are to hold this."""

    was: dict[str, str]
    """The mark of each file as it was when this was made: of others it means nothing."""
    files: dict[str, str]
    by: str
    at: int


Order = Rest | Resume | Waive | Rezone
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


class OrderError(ValueError):
    """An order that means nothing here; the text says why."""


def write(order: Order) -> bytes:
    """Return the order as it is left for the daemon."""
    return msgspec.json.encode(order)


def read(data: bytes) -> Order:
    """Return the order; OrderError says why it is none."""
    try:
        return _orders.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OrderError(str(error)) from None


def carry_out(house: House, order: Order) -> Taken:
    """Return what is to be committed of an order; OrderError where it means nothing here."""
    taken, gate = empty(), house.intake.gate
    if isinstance(order, Rezone):
        raise OrderError("zones are not written here")
    if isinstance(order, Waive):
        return _waived(house, order, taken)
    warden = WardenId(order.warden)
    if isinstance(order, Resume):
        taken.breaks = gate.resume(warden, Micros(order.at))
        return taken
    window = gate.extent(warden, Micros(order.start), None if order.until is None else Micros(order.until))
    if window is None:
        raise OrderError(f"{warden} has no duty to interrupt then")
    taken.breaks = gate.rest(Break(warden, *window, order.by))
    return taken


def _waived(house: House, order: Waive, taken: Taken) -> Taken:
    requirement, zone, start = RequirementId(order.requirement), ZoneId(order.zone), Micros(order.start)
    taken.waivers.append(Waiver(requirement, zone, start, order.reason, order.by, Micros(order.at)))
    for one in house.store.docket(start, start + 1):
        same = (one.case.requirement, one.case.zone, one.case.window.start) == (requirement, zone, start)
        if same and one.verdict is not None:
            taken.reopened.append(replace(one, closed=False))
    return taken
