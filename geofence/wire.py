"""State and events as JSON that can be kept for years.

What must stay true here: an event's id is derived from what it says and nothing else, so telling it twice is
harmless; a track read back is equal to the one written; every document names its version, and one of another
version is refused rather than misread.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from operator import attrgetter
from typing import Any

import msgspec

from geofence.bounds import Prism
from geofence.event import Event, Kind
from geofence.look import Trail
from geofence.model import EPOCH, SECOND, DeviceId, TeamId, WardenId, ZoneId
from geofence.motion import Motion
from geofence.names import named
from geofence.track import Belief, Track
from geofence.verdict import Case, Outcome, Verdict
from geofence.zones import Zone

TRACK_VERSION = 3
PREFIX = "trackerd."
VERDICTS = {
    Outcome.MET: "zone.met", Outcome.PARTIAL: "zone.partial", Outcome.MISSED: "zone.skip",
    Outcome.UNPROVEN: "zone.unproven", Outcome.EXCUSED: "zone.excused",
}  # fmt: skip
"""What event tells which verdict."""


_EPOCH = EPOCH.replace(tzinfo=None)


def moment(micros: int) -> str:
    """Return the moment as RFC 3339 in UTC, with a fraction only where there is one."""
    return (_EPOCH + timedelta(microseconds=int(micros))).isoformat() + "Z"


_KINDS = {kind: repr(kind) for kind in Kind}


def event_id(source: str, event: Event, again: int = 0) -> str:
    """Return the id of an event: version 5 UUID of what it says (RFC 9562); ``again``: how often it was taken back."""
    visit = event.visit
    about = None if visit is None else (visit.id, visit.revision)
    more = f", {again}" if again else ""
    return named(
        f"({source!r}, {_KINDS[event.kind]}, {event.device!r}, {event.time!r}, {about!r}, {event.seconds!r}, "
        f"{event.retracts!r}{more})"
    )


def cloudevent(
    event: Event,
    source: str,
    recorded: int,
    zone: Zone | None = None,
    warden: WardenId | None = None,
    team: TeamId | None = None,
    positions: bool = False,
    again: int = 0,
) -> dict[str, Any]:
    """Return the event as a CloudEvents 1.0 structured-mode object.

    ``zone`` is the zone it is about, if any; ``warden`` and ``team`` who carried the device then. Coordinates are
    given only for an SOS, or where ``positions`` says so.
    """
    about = f"zones/{event.visit.zone}" if event.visit else f"devices/{event.device}"
    return {
        "specversion": "1.0",
        "id": event_id(source, event, again),
        "source": source,
        "type": PREFIX + event.kind,
        "subject": about,
        "time": moment(event.time),
        "recordedtime": moment(recorded),
        "datacontenttype": "application/json",
        "data": _data(event, zone, warden, team, positions),
    }


def verdict_event(
    case: Case, verdict: Verdict, revision: int, source: str, recorded: int, zone: Zone | None
) -> dict[str, Any]:
    """Return what tells a verdict, as a CloudEvent."""
    says = VERDICTS[verdict.outcome]
    data: dict[str, Any] = {"visits": verdict.visits, "seconds": round(verdict.seconds, 1)}
    if verdict.outcome is Outcome.MISSED:
        data["grace_until"] = moment(case.window.end + round(case.terms.grace_s * SECOND))
        data["seen_elsewhere"] = list(verdict.seen_elsewhere)
    if verdict.outcome is Outcome.UNPROVEN:
        data["gaps"] = [
            {"warden": gap.warden, "from": moment(gap.start), "to": moment(gap.end)} for gap in verdict.gaps
        ]
    if verdict.outcome is Outcome.EXCUSED:
        data["reason"] = verdict.reason
    data["revision"] = revision
    return _of_case(case, says, (verdict.outcome, revision), source, verdict.at, recorded, zone, data)


def due_event(case: Case, at: int, source: str, recorded: int, zone: Zone | None) -> dict[str, Any]:
    """Return what says that a window closes soon and is not met."""
    data = {"closes": moment(case.window.end)}
    return _of_case(case, "zone.due", (), source, at, recorded, zone, data)


def verdict_retraction(
    case: Case, retracts: str, because: str, source: str, recorded: int, zone: Zone | None, revision: int
) -> dict[str, Any]:
    """Return what takes a verdict back."""
    data = {"retracts": retracts, "because": because, "revision": revision}
    return _of_case(case, Kind.RETRACT, (retracts,), source, case.window.end, recorded, zone, data)


def _of_case(
    case: Case, says: str, more: tuple[object, ...], source: str, at: int, recorded: int, zone: Zone | None,
    data: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    about: dict[str, Any] = {"zone": case.zone}
    if zone is not None:
        about |= {"zone_name": zone.name or zone.id, "kind": zone.kind}
        about |= {"team": zone.team} if zone.team else {}
    window = {"from": moment(case.window.start), "to": moment(case.window.end)}
    return {
        "specversion": "1.0",
        "id": named(repr((source, case.id, str(says), *map(str, more)))),
        "source": source,
        "type": PREFIX + says,
        "subject": f"zones/{case.zone}",
        "time": moment(at),
        "recordedtime": moment(recorded),
        "datacontenttype": "application/json",
        "data": about | {"requirement": case.requirement, "window": window} | data,
    }


def _data(
    event: Event, zone: Zone | None, warden: WardenId | None, team: TeamId | None, positions: bool
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if event.visit is not None:
        data["zone"] = event.visit.zone
        if zone is not None:
            data |= {"zone_name": zone.name or zone.id, "kind": zone.kind}
    data |= {"device": event.device, "warden": warden, "team": team or (zone.team if zone else None)}
    if event.visit is not None:
        data["visit"] = event.visit.id
    data |= {"accuracy_m": _round(event.accuracy_m, 1), "confidence": _round(event.confidence, 3)}
    if event.visit is not None:
        data["revision"] = event.visit.revision
        if event.kind is Kind.EXIT:
            data["seconds"] = _round(event.visit.seconds, 3)
            data["seconds_possible"] = _round(event.visit.seconds_possible, 3)
    data |= {"seconds": event.seconds} if event.seconds is not None else {}
    data |= {"battery_pct": event.battery_pct, "retracts": event.retracts, "because": event.because}
    if positions or event.kind is Kind.SOS:
        data |= {"lon": event.lon, "lat": event.lat}
    return {key: value for key, value in data.items() if value is not None}


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


_TRACK = [f.name for f in fields(Track) if f.name not in ("beliefs", "trail")]
_track = attrgetter(*_TRACK)
_belief_facts, _prism, _trail = (attrgetter(*[f.name for f in fields(one)]) for one in (Belief, Prism, Trail))
_json = msgspec.json.Encoder(order="sorted")


def dump_track(track: Track) -> str:
    """Return the track as one line of JSON; ValueError if a number of it is none."""
    document: dict[str, Any] = dict(zip(_TRACK, _track(track), strict=True))
    document["version"] = TRACK_VERSION
    document["beliefs"] = {zone: _believed(belief) for zone, belief in track.beliefs.items()}
    document["trail"] = None if track.trail is None else _trailed(track.trail)
    return _json.encode(document).decode()


def _believed(belief: Belief) -> list[Any]:
    """Return what it is made of, in the order of its fields; the prism is the last."""
    *facts, prism = _belief_facts(belief)
    return [*_sound(facts), _sound(_prism(prism))]


def _trailed(trail: Trail) -> list[Any]:
    """Return what it is made of, in the order of its fields; the motion is the first."""
    motion, *facts = _trail(trail)
    return [_sound((motion.going, motion.loose, motion.scale, *motion.stand, *motion.gait)), *_sound(facts)]


def _sound(facts: Sequence[Any]) -> Sequence[Any]:
    """Return them, if each number is one: another would be written as null, and could not be read."""
    for fact in facts:
        if isinstance(fact, float) and not math.isfinite(fact):
            raise ValueError("a state with a number that is none")
    return facts


def load_track(text: str) -> Track:
    """Return the track of ``dump_track``; ValueError if it is of another version."""
    document = json.loads(text)
    if document.pop("version", None) != TRACK_VERSION:
        raise ValueError("the saved state is of another version of trackerd; replay rebuilds it")
    if document.keys() != {*_TRACK, "beliefs", "trail"}:
        raise ValueError("the saved state is damaged; replay rebuilds it")
    beliefs = {ZoneId(zone): _belief(*belief) for zone, belief in document.pop("beliefs").items()}
    trail = document.pop("trail")
    if trail is not None:
        (going, loose, scale, *means), *last = trail
        trail = Trail(Motion(going, loose, scale, tuple(means[:7]), tuple(means[7:])), *last)
    return Track(device=DeviceId(document.pop("device")), beliefs=beliefs, trail=trail, **document)


def _belief(*values: Any) -> Belief:
    *believed, prism = values
    since, at, low, high, unsure, maybe, *settled = prism
    spans = [tuple((a, b) for a, b in one) for one in (unsure, maybe)]
    return Belief(*(*believed, Prism(since, at, low, high, spans[0], spans[1], *settled)))
