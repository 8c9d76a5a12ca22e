"""What is so now, made of the newest picture: who is on duty where, how each zone stands.

What must stay true here: who is off duty or on a break now is not there; a warden who asks sees themself alone; what
has not changed is not made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from geofence.belief import confidence
from geofence.model import SECOND, DeviceId, Micros, TeamId, WardenId, ZoneId, to_datetime
from geofence.verdict import Case
from geofence.wire import moment
from trackerd.board import Picture
from trackerd.docket import LOOKBACK
from trackerd.latest import LastFix
from trackerd.town import Town
from trackerd.web import said
from trackerd.web.models.live import Inside, InZone, Live, LiveWarden, LiveWindow, LiveZone

FRESH_US = 10 * SECOND
"""Half a minute's standing is no news to the second."""


class On(NamedTuple):
    """A warden on duty."""

    device: DeviceId
    warden: WardenId
    team: TeamId | None
    last: LastFix
    silent: bool
    zones: tuple[tuple[ZoneId, Micros, float], ...]
    """Where they are believed to be, since when, how surely."""


class Cases:
    """What is owed around now, worked out once a day and once for each plan."""

    def __init__(self) -> None:
        self._of: tuple[Town | None, date | None] = (None, None)
        self._cases: list[Case] = []

    def current(self, picture: Picture) -> list[Case]:
        """Return the windows open now, in order of closing."""
        town = picture.town
        today = to_datetime(picture.at).astimezone(town.plan.zone).date()
        if self._of[0] is None or (self._of[0].plan, self._of[0].zones, self._of[1]) != (town.plan, town.zones, today):
            self._cases = town.plan.cases(town.zones, today - timedelta(days=LOOKBACK), today)
            self._of = town, today
        return [case for case in self._cases if case.window.start <= picture.at < case.window.end]


def on_duty(picture: Picture, own: str | None = None) -> list[On]:
    """Return who is on duty now and was heard of in this duty."""
    found = []
    for device, last in picture.latest.items():
        warden = picture.town.roster.holder(device, picture.at)
        if warden is None or own not in (None, warden) or picture.town.roster.holder(device, last.time) != warden:
            continue
        track = picture.tracks.get(device)
        beliefs = {} if track is None else track.beliefs
        zones = tuple(
            (zone, belief.began, round(confidence(belief.proof, over=False), 2))
            for zone, belief in beliefs.items()
            if belief.inside
        )
        silent = track is not None and track.silent
        found.append(On(device, warden, picture.town.roster.team(warden), last, silent, zones))
    return sorted(found, key=lambda one: (one.warden, one.device))


class View:
    """All of it, for those who may see as much; what changed last, and when, is known of each part."""

    def __init__(self, own: str | None = None) -> None:
        self.own = own
        self.listeners = 0
        self.turn = 0
        self.at = ""
        self._cases = Cases()
        self._signs: dict[str, Any] = {}
        self.parts: dict[str, tuple[int, LiveWarden | LiveZone]] = {}
        """By device or zone: in which turn it changed, and what it is."""
        self.gone: dict[str, int] = {}
        self._sent: dict[int, bytes] = {}

    def take(self, picture: Picture) -> None:
        """Bring it up to that picture."""
        self.turn += 1
        self._sent.clear()
        self.at = moment(picture.at)
        present = on_duty(picture, self.own)
        self._wardens(present, picture.at)
        self._zones(picture, present)

    def told(self, seq: int, demo: bool, since: int = 0) -> Live:
        """Return it as told; ``since``: what has changed after that turn."""
        news = [part for turn, part in self.parts.values() if turn > since]
        return Live(
            at=self.at, seq=seq, wardens=[one for one in news if isinstance(one, LiveWarden)],
            zones=[one for one in news if isinstance(one, LiveZone)], partial=since > 0, demo=demo,
            gone=[device.removeprefix("d:") for device, turn in self.gone.items() if turn > since] if since else [],
        )  # fmt: skip

    def sent(self, seq: int, demo: bool, since: int) -> bytes:
        """Return the same as JSON, made once for all who were told as much."""
        if since not in self._sent:
            self._sent[since] = self.told(seq, demo, since).model_dump_json().encode()
        return self._sent[since]

    def _note(self, key: str, sign: object) -> bool:
        """Return whether that is news."""
        if self._signs.get(key, self) == sign:
            return False
        self._signs[key] = sign
        return True

    def _wardens(self, present: Iterable[On], at: Micros) -> None:
        seen = set()
        for one in present:
            key = f"d:{one.device}"
            seen.add(key)
            self.gone.pop(key, None)
            if self._note(key, one):
                self.parts[key] = self.turn, _warden(one, at)
        for key in [key for key in self.parts if key.startswith("d:") and key not in seen]:
            del self.parts[key], self._signs[key]
            self.gone[key] = self.turn

    def _zones(self, picture: Picture, present: Iterable[On]) -> None:
        inside: dict[ZoneId, list[tuple[WardenId, Micros, float]]] = defaultdict(list)
        for one in present:
            for zone, since, certainty in one.zones:
                inside[zone].append((one.warden, since, certainty))
        windows: dict[ZoneId, list[tuple[str, Micros, Micros, str]]] = defaultdict(list)
        for case in self._cases.current(picture):
            state = said.state(case, picture.open.get(case.id), picture.at)
            windows[case.zone].append((case.requirement, *case.window, state))
        known = set()
        for zone_ in picture.town.zones:
            id_ = zone_.id
            known.add(key := f"z:{id_}")
            last, due = picture.last_visits.get(id_), picture.due.get(id_)
            shown = (tuple(inside[id_]), last and last // FRESH_US, due, picture.verdicts.get(id_), zone_.name,
                     tuple(windows[id_]))  # fmt: skip
            if self._note(key, shown):
                self.parts[key] = self.turn, _zone(id_, zone_.name, inside[id_], windows[id_], picture)
        for key in [key for key in self.parts if key.startswith("z:") and key not in known]:
            del self.parts[key], self._signs[key]


def _warden(one: On, at: Micros) -> LiveWarden:
    last = one.last
    return LiveWarden(
        warden=one.warden, device=one.device, team=one.team, lon=last.lon, lat=last.lat,
        accuracy_m=_rounded(last.accuracy_m), measured=moment(last.time), age_s=round((at - last.time) / SECOND, 1),
        silent=one.silent, still_since=moment(last.still) if last.still < last.time else None,
        speed_mps=_rounded(last.speed_mps), battery_pct=last.battery_pct,
        zones=[InZone(zone=zone, since=moment(since), certainty=sure) for zone, since, sure in one.zones],
    )  # fmt: skip


def _zone(
    id_: ZoneId, name: str, inside: list[tuple[WardenId, Micros, float]],
    windows: list[tuple[str, Micros, Micros, str]], picture: Picture,
) -> LiveZone:  # fmt: skip
    verdict = picture.verdicts.get(id_)
    return LiveZone(
        zone=id_, name=name or id_, occupancy=len(inside),
        inside=[Inside(warden=warden, since=moment(since), certainty=sure) for warden, since, sure in inside],
        last_visit=said.when(picture.last_visits.get(id_)), due=said.when(picture.due.get(id_)),
        verdict=None if verdict is None else said.STATES[verdict],
        windows=[
            LiveWindow(requirement=what, start=moment(a), end=moment(b), state=state)  # type: ignore[arg-type]
            for what, a, b, state in windows
        ],
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def whole(picture: Picture, seq: int, demo: bool, own: str | None) -> Live:
    """Return everything as it is in that picture."""
    view = View(own)
    view.take(picture)
    return view.told(seq, demo)
