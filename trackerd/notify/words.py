"""Events in the words of the people who are told them.

What must stay true here: the subject says what and of which zone; people are named by pseudonym alone; only an SOS
says where somebody is; an event these words do not know is told all the same; the hours are the town's clock.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from geofence.wire import PREFIX
from trackerd.notify.sender import Parcel
from trackerd.notify.wishes import SOS
from trackerd.store import Told

IDS = 20
"""References given at most."""
RETRACT = PREFIX + "retract"


class Message(NamedTuple):
    """What a person reads."""

    subject: str
    text: str


class Words:
    """One language, one town."""

    def __init__(self, language: str, zone: tzinfo, site: str) -> None:
        """``language``: nl, fr, de or en."""
        self._language, self._zone, self._site = language, zone, site

    def message(self, parcel: Parcel) -> Message:
        """Return all that a parcel says, as one message."""
        events = [letter.event for letter in parcel.letters]
        told = [self._told(event, parcel.about.get(event.id)) for event in events]
        more, foot = _all()["foot"][self._language]
        ids = ", ".join(event.id for event in events[:IDS])
        text = "\n\n".join([*(one.text for one in told), "-- \n" + foot.format(site=self._site, ids=ids)])
        others = f" ({more.format(count=len(told) - 1)})" if len(told) > 1 else ""
        return Message(_line(told[0].subject + others), text + "\n")

    def _told(self, event: Told, about: Told | None) -> Message:
        title, says = self._pair(event)
        if event.type == RETRACT and about is not None:
            wrong = self._told(about, None)
            return Message(f"{title}: {wrong.subject}", f"{says}\n> {wrong.text}")
        fields = self._fields(event)
        hours = f"{fields['start']}–{fields['end']}" if "start" in fields else fields["time"]
        return Message(f"{title}: {fields['zone'] or fields['who']}, {hours}", says.format_map(fields))

    def _pair(self, event: Told) -> tuple[str, str]:
        known = _all()
        title, says = known.get(event.type.removeprefix(PREFIX), known["other"])[self._language]
        return title, says

    def _fields(self, event: Told) -> defaultdict[str, str]:
        data = event.body.get("data", {})
        window = data.get("window", {})
        at = self._local(window.get("from") or event.body["time"])
        found = {
            "type": event.type, "zone": data.get("zone_name") or event.zone or "",
            "who": data.get("warden") or event.device or "trackerd",
            "date": f"{at:%d.%m.%Y}" if self._language == "de" else f"{at:%d/%m/%Y}", "time": f"{at:%H:%M}",
            "span": _span(data.get("seconds")), "reason": data.get("reason") or "", "battery": data.get("battery_pct"),
        }  # fmt: skip
        if window:
            found |= {"start": f"{at:%H:%M}", "end": f"{self._local(window['to']):%H:%M}"}
        if event.type == SOS:
            found |= {"lat": data.get("lat"), "lon": data.get("lon")}
        return defaultdict(str, {key: _line(str(value)) for key, value in found.items() if value is not None})

    def _local(self, moment: str) -> datetime:
        return datetime.fromisoformat(moment).astimezone(self._zone)


def _span(seconds: Any) -> str:
    """Return a span in figures every language reads."""
    if not isinstance(seconds, int | float):
        return ""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _line(text: str) -> str:
    """Return it as one line: a zone's name must not write a header."""
    return " ".join(text.split())


@cache
def _all() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("trackerd.notify").joinpath("words.toml").read_text("utf-8"))
